//! How bytes may arrive: signed payloads, aws-chunked with trailing checksums, half a body.

use std::io::Write as _;
use std::net::TcpStream;

use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use crate::server::{BUCKET, REGION, Server, blobs, client, refused, until};

#[tokio::test]
async fn the_sdk_puts_with_every_checksum_it_knows() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for algorithm in algorithms {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .checksum_algorithm(algorithm.clone());
        put.body(body.clone().into()).send().await.unwrap();
        // The client checks what comes back against the stored checksum.
        let get = server.client.get_object().bucket(BUCKET).key("a");
        let got = get
            .checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled)
            .send()
            .await
            .unwrap();
        let stored = [
            got.checksum_crc32(),
            got.checksum_crc32_c(),
            got.checksum_crc64_nvme(),
            got.checksum_sha1(),
            got.checksum_sha256(),
        ];
        assert_eq!(stored.iter().flatten().count(), 1, "{algorithm}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    }
    until(|| blobs(root.path()) == 1).await;
}

#[tokio::test]
async fn a_streamed_file_goes_as_aws_chunked() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let file = root.path().join("source");
    let body: Vec<u8> = (0..5_000_001_u32).map(|n| (n % 241) as u8).collect();
    std::fs::write(&file, &body).unwrap();
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("uploads/f")
        .body(ByteStream::from_path(&file).await.unwrap());
    put.send().await.unwrap();
    let head = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("uploads/f")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(5_000_001));
    // How the body travelled is not how the object is encoded.
    assert_eq!(head.content_encoding(), None);
    assert_eq!(server.get("uploads/f").await.unwrap(), body);
}

#[tokio::test]
async fn a_body_that_is_not_what_its_hash_says_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let url = server.presign_put("uploads/h", None, None, 60).await;
    let put = server
        .http
        .put(&url)
        .header("x-amz-content-sha256", "0".repeat(64))
        .body("hello");
    assert_eq!(
        refused(put.send().await.unwrap()).await,
        (400, "XAmzContentSHA256Mismatch".into())
    );
    let put = server
        .http
        .put(&url)
        .header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")
        .body("hello");
    assert_eq!(
        refused(put.send().await.unwrap()).await,
        (400, "BadDigest".into())
    );

    let plain = client(
        &server.url,
        "a secret for tests",
        REGION,
        RequestChecksumCalculation::WhenRequired,
    );
    let wrong = plain
        .put_object()
        .bucket(BUCKET)
        .key("uploads/h")
        .checksum_crc32("AAAAAA==")
        .body(b"hello".to_vec().into());
    assert!(wrong.send().await.is_err());
    assert_eq!(server.get("uploads/h").await, None);
    until(|| blobs(root.path()) == 0).await;
}

#[tokio::test]
async fn a_body_without_a_length_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let url = server.presign_put("uploads/s", None, None, 60).await;
    let stream = futures::stream::iter([Ok::<_, std::io::Error>("hello")]);
    let put = server
        .http
        .put(&url)
        .body(reqwest::Body::wrap_stream(stream));
    assert_eq!(
        refused(put.send().await.unwrap()).await,
        (411, "MissingContentLength".into())
    );
}

/// Sends the head of a PUT and some of its body, then hangs up.
fn hang_up(url: &str, key_headers: &str, length: usize, body: &[u8]) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "PUT /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{key_headers}\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    stream.flush().unwrap();
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_and_the_old_object_stands() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("uploads/old", b"old").await;
    let url = server.presign_put("uploads/old", None, None, 60).await;
    for _ in 0..5 {
        let url = url.clone();
        tokio::task::spawn_blocking(move || hang_up(&url, "", 8_000_000, &vec![7; 3_000_000]))
            .await
            .unwrap();
    }
    // The bytes of the half bodies come and go; what stays is the one object.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    until(|| blobs(root.path()) == 1).await;
    assert_eq!(server.get("uploads/old").await.unwrap(), b"old");
    assert_eq!(server.sink.wait_for(1).await.len(), 1);
}
