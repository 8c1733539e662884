//! Multipart uploads: parts in any order, completed once, visible at once and not before.

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use crate::server::{BUCKET, Server, blobs, expires, until};

const PART: usize = 5 * 1024 * 1024;

fn part_body(number: i32, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| ((n + number as usize * 7) % 251) as u8)
        .collect()
}

async fn create(server: &Server, key: &str, algorithm: Option<ChecksumAlgorithm>) -> String {
    let create = server
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .content_type("text/csv");
    create
        .set_checksum_algorithm(algorithm)
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap()
}

async fn send(server: &Server, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key(key)
        .upload_id(id)
        .part_number(number);
    let sent = part
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(body.into())
        .send()
        .await
        .unwrap();
    CompletedPart::builder()
        .part_number(number)
        .e_tag(sent.e_tag.unwrap())
        .checksum_sha256(sent.checksum_sha256.unwrap())
        .build()
}

async fn complete(
    server: &Server,
    key: &str,
    id: &str,
    parts: Vec<CompletedPart>,
) -> Result<String, String> {
    let parts = CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build();
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(id)
        .multipart_upload(parts);
    match complete.send().await {
        Ok(done) => Ok(done.e_tag.unwrap()),
        Err(error) => Err(error.code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn parts_sent_in_any_order_and_over_a_restart_become_one_object() {
    let root = tempfile::tempdir().unwrap();
    let key = "uploads/big file.csv";
    let server = Server::start(root.path()).await;
    let id = create(&server, key, Some(ChecksumAlgorithm::Sha256)).await;
    let third = send(&server, key, &id, 3, part_body(3, 1000)).await;
    let _replaced = send(&server, key, &id, 1, part_body(9, PART)).await;
    let first = send(&server, key, &id, 1, part_body(1, PART)).await;
    server.stop().await;

    let server = Server::start(root.path()).await;
    let second = send(&server, key, &id, 2, part_body(2, PART + 5)).await;
    assert_eq!(server.get(key).await, None);
    let listed = server
        .client
        .list_parts()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&id)
        .max_parts(2)
        .send()
        .await
        .unwrap();
    let numbers: Vec<_> = listed
        .parts()
        .iter()
        .map(|part| part.part_number().unwrap())
        .collect();
    assert_eq!((numbers, listed.is_truncated()), (vec![1, 2], Some(true)));
    let open = server
        .client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(open.uploads()[0].upload_id(), Some(id.as_str()));

    let parts = vec![first, second, third];
    let etag = complete(&server, key, &id, parts.clone()).await.unwrap();
    assert!(etag.ends_with("-3\""));
    let whole = [
        part_body(1, PART),
        part_body(2, PART + 5),
        part_body(3, 1000),
    ]
    .concat();
    assert_eq!(server.get(key).await.unwrap(), whole);
    let across = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .range(format!("bytes={}-{}", PART - 3, 2 * PART + 8));
    let across = across
        .send()
        .await
        .unwrap()
        .body
        .collect()
        .await
        .unwrap()
        .to_vec();
    assert_eq!(across, whole[PART - 3..=2 * PART + 8]);
    let head = server.client.head_object().bucket(BUCKET).key(key);
    let head = head
        .checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert!(head.checksum_sha256().unwrap().ends_with("-3"));
    assert_eq!(head.content_type(), Some("text/csv"));

    // The answer may have been lost: the same complete again is the same answer, and no second event.
    assert_eq!(complete(&server, key, &id, parts).await.unwrap(), etag);
    let events = server.sink.wait_for(1).await;
    assert_eq!(
        events,
        [(
            "uploads/big+file.csv".into(),
            "ObjectCreated:CompleteMultipartUpload".into(),
            etag.replace('"', "")
        )]
    );
    until(|| blobs(root.path()) == 3).await;
    server.stop().await;
    let server = Server::start(root.path()).await;
    assert_eq!(server.get(key).await.unwrap(), whole);
}

#[tokio::test]
async fn a_complete_that_lists_other_parts_than_were_sent_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let id = create(&server, "k", None).await;
    let one = send(&server, "k", &id, 1, part_body(1, 100)).await;
    let two = send(&server, "k", &id, 2, part_body(2, 100)).await;
    let of = |number: i32, etag: &str| {
        CompletedPart::builder()
            .part_number(number)
            .e_tag(etag)
            .build()
    };
    let etag = one.e_tag().unwrap();
    assert_eq!(
        complete(&server, "k", &id, vec![of(1, "\"nope\"")])
            .await
            .unwrap_err(),
        "InvalidPart"
    );
    assert_eq!(
        complete(&server, "k", &id, vec![of(5, etag)])
            .await
            .unwrap_err(),
        "InvalidPart"
    );
    assert_eq!(
        complete(&server, "k", &id, vec![two.clone(), one.clone()])
            .await
            .unwrap_err(),
        "InvalidPartOrder"
    );
    assert_eq!(
        complete(&server, "k", &id, vec![one.clone(), two])
            .await
            .unwrap_err(),
        "EntityTooSmall"
    );
    assert_eq!(
        complete(&server, "k", "nope", vec![one.clone()])
            .await
            .unwrap_err(),
        "NoSuchUpload"
    );
    assert_eq!(
        complete(&server, "other", &id, vec![one.clone()])
            .await
            .unwrap_err(),
        "NoSuchUpload"
    );
    assert_eq!(server.get("k").await, None);
    complete(&server, "k", &id, vec![one]).await.unwrap();
    // The part that was not listed goes with the upload.
    until(|| blobs(root.path()) == 1).await;
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let id = create(&server, "k", None).await;
    send(&server, "k", &id, 1, part_body(1, 100)).await;
    let abort = || {
        server
            .client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&id)
            .send()
    };
    abort().await.unwrap();
    assert_eq!(abort().await.unwrap_err().code(), Some("NoSuchUpload"));
    let part = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&id)
        .part_number(1)
        .body(vec![1].into());
    assert_eq!(part.send().await.unwrap_err().code(), Some("NoSuchUpload"));
    until(|| blobs(root.path()) == 0).await;
    assert_eq!(
        std::fs::read_dir(root.path().join("uploads"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_part_goes_by_presigned_url() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let id = create(&server, "drop/p", None).await;
    let part = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("drop/p")
        .upload_id(&id)
        .part_number(1);
    let url = part.presigned(expires(60)).await.unwrap().uri().to_owned();
    let sent = server.http.put(&url).body("hello").send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let other = server
        .http
        .put(url.replace("partNumber=1", "partNumber=2"))
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 403);
    let etag = sent.headers()["etag"].to_str().unwrap().to_owned();
    let parts = vec![CompletedPart::builder().part_number(1).e_tag(etag).build()];
    complete(&server, "drop/p", &id, parts).await.unwrap();
    assert_eq!(server.get("drop/p").await.unwrap(), b"hello");
}
