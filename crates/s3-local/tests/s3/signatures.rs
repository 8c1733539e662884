//! Nothing gets in without a signature, and nothing beyond what was signed.

use aws_sdk_s3::config::RequestChecksumCalculation;
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::server::{BUCKET, PAGE, REGION, Server, blobs, client, expires, refused};

fn sha256(body: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(body))
}

#[tokio::test]
async fn a_presigned_put_stores_the_object_and_shows_its_etag_to_the_page() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let url = server
        .presign_put("uploads/a b+c é", Some(5), None, 60)
        .await;
    let answer = server
        .http
        .put(url)
        .header("origin", PAGE)
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["etag"],
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    assert!(
        answer.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap()
            .eq_ignore_ascii_case("etag")
    );
    assert_eq!(server.get("uploads/a b+c é").await.unwrap(), b"hello");
}

#[tokio::test]
async fn only_the_pages_origin_passes_the_preflight() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let preflight = |origin: &'static str| {
        server
            .http
            .request(
                reqwest::Method::OPTIONS,
                format!("{}/{BUCKET}/uploads/x", server.url),
            )
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header(
                "access-control-request-headers",
                "content-type,x-amz-checksum-sha256",
            )
            .send()
    };
    let ours = preflight(PAGE).await.unwrap();
    assert_eq!(ours.status(), 200);
    assert_eq!(ours.headers()["access-control-allow-origin"], PAGE);
    assert!(
        ours.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("PUT")
    );
    assert_eq!(
        ours.headers()["access-control-allow-headers"],
        "content-type,x-amz-checksum-sha256"
    );
    let foreign = preflight("http://evil.example").await.unwrap();
    assert!(
        !foreign
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn an_expired_url_is_refused_in_s3s_own_words() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let url = server.presign_put("uploads/late", None, None, 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let answer = server.http.put(url).body("hello").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert_eq!(refused(answer).await, (403, "AccessDenied".into()));
    assert_eq!(server.get("uploads/late").await, None);
}

#[tokio::test]
async fn a_url_is_good_for_its_own_key_method_and_parameters_only() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("uploads/one", b"here already").await;
    let url = server.presign_put("uploads/one", None, None, 60).await;
    let http = &server.http;
    let other_key = url.replace("uploads/one", "uploads/two");
    let longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=86400");
    let last = url.len() - 1;
    let forged = format!(
        "{}{}",
        &url[..last],
        if url.ends_with('0') { '1' } else { '0' }
    );
    let added = format!("{url}&x-id=other");
    for bad in [other_key, longer, forged, added] {
        let answer = http.put(&bad).body("x").send().await.unwrap();
        assert_eq!(
            refused(answer).await,
            (403, "SignatureDoesNotMatch".into()),
            "{bad}"
        );
    }
    for answer in [
        http.get(&url).send().await.unwrap(),
        http.delete(&url).send().await.unwrap(),
    ] {
        assert_eq!(refused(answer).await, (403, "SignatureDoesNotMatch".into()));
    }
    assert_eq!(server.get("uploads/one").await.unwrap(), b"here already");
    assert_eq!(server.get("uploads/two").await, None);
}

#[tokio::test]
async fn a_signed_length_and_a_signed_checksum_bind_the_body() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let sum = sha256(b"hello");
    let url = server
        .presign_put("uploads/bound", Some(5), Some(&sum), 60)
        .await;
    let put = |body: &'static str, sum: String| {
        server
            .http
            .put(&url)
            .header("x-amz-checksum-sha256", sum)
            .body(body)
            .send()
    };
    let longer = put("hello!", sum.clone()).await.unwrap();
    assert_eq!(refused(longer).await, (403, "SignatureDoesNotMatch".into()));
    let other_bytes = put("jello", sum.clone()).await.unwrap();
    assert_eq!(refused(other_bytes).await, (400, "BadDigest".into()));
    let other_sum = put("jello", sha256(b"jello")).await.unwrap();
    assert_eq!(
        refused(other_sum).await,
        (403, "SignatureDoesNotMatch".into())
    );
    let no_sum = server.http.put(&url).body("hello").send().await.unwrap();
    assert_eq!(refused(no_sum).await.0, 403);
    assert_eq!(server.get("uploads/bound").await, None);
    crate::server::until(|| blobs(root.path()) == 0).await;

    assert_eq!(put("hello", sum).await.unwrap().status(), 200);
    assert_eq!(server.get("uploads/bound").await.unwrap(), b"hello");
}

#[tokio::test]
async fn headers_that_nobody_signed_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("uploads/theirs", b"secret").await;
    let url = server.presign_put("uploads/mine", None, None, 60).await;
    let copy = server
        .http
        .put(&url)
        .header("x-amz-copy-source", format!("/{BUCKET}/uploads/theirs"));
    assert_eq!(
        refused(copy.send().await.unwrap()).await,
        (403, "AccessDenied".into())
    );
    let meta = server
        .http
        .put(&url)
        .header("x-amz-meta-role", "owner")
        .body("x");
    assert_eq!(
        refused(meta.send().await.unwrap()).await,
        (403, "AccessDenied".into())
    );
    assert_eq!(server.get("uploads/mine").await, None);
}

#[tokio::test]
async fn unsigned_requests_other_keys_and_other_regions_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let object = format!("{}/{BUCKET}/uploads/x", server.url);
    let http = &server.http;
    for request in [
        http.get(&object),
        http.put(&object).body("x"),
        http.delete(&object),
        http.get(&server.url),
    ] {
        assert_eq!(
            refused(request.send().await.unwrap()).await,
            (403, "AccessDenied".into())
        );
    }
    let form = reqwest::header::HeaderValue::from_static("multipart/form-data; boundary=b");
    let body = "--b\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\nuploads/x\r\n--b\r\n\
                content-disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhello\r\n--b--\r\n";
    let form = http
        .post(format!("{}/{BUCKET}", server.url))
        .header("content-type", form)
        .body(body);
    assert!(form.send().await.unwrap().status().is_client_error());

    let when = RequestChecksumCalculation::WhenRequired;
    for (secret, region, code) in [
        ("another secret", REGION, "SignatureDoesNotMatch"),
        (
            "a secret for tests",
            "us-east-1",
            "AuthorizationHeaderMalformed",
        ),
    ] {
        let stranger = client(&server.url, secret, region, when);
        let get = stranger
            .get_object()
            .bucket(BUCKET)
            .key("x")
            .presigned(expires(60))
            .await
            .unwrap();
        let (status, said) = refused(http.get(get.uri()).send().await.unwrap()).await;
        assert_eq!(said, code);
        assert!(status == 403 || status == 400);
        assert!(
            stranger
                .put_object()
                .bucket(BUCKET)
                .key("uploads/x")
                .body(b"x".to_vec().into())
                .send()
                .await
                .is_err()
        );
    }
    assert_eq!(server.get("uploads/x").await, None);
}

#[tokio::test]
async fn a_presigned_get_reads_one_object() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("a", b"hello").await;
    let url = server.presign_get("a").await;
    let answer = server
        .http
        .get(&url)
        .header("range", "bytes=1-2")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.text().await.unwrap(), "el");
    assert_eq!(
        refused(server.http.put(&url).body("x").send().await.unwrap())
            .await
            .0,
        403
    );
}
