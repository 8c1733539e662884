//! Objects: what is put is what is read, whatever the key, and conditions hold against races.

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::MetadataDirective;

use crate::server::{BUCKET, Server, blobs, refused, until};

#[tokio::test]
async fn any_key_works_and_lists_in_byte_order() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let long = format!("uploads/{}", "k".repeat(1016));
    let mut keys = [
        "x",
        "x/y",
        "x/y/z",
        "a b",
        "a+b",
        "a%2Bb",
        "é/ü",
        "日本語",
        "x//y",
        "a&b=c?d#e",
        "'quote\"",
        "<xml>",
        "tail/",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.push(long.clone());
    for key in &keys {
        server.put(key, key.as_bytes()).await;
    }
    for key in &keys {
        assert_eq!(server.get(key).await.unwrap(), key.as_bytes(), "{key}");
    }
    keys.sort();
    let list = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = list
        .contents()
        .iter()
        .map(|object| object.key().unwrap().to_owned())
        .collect();
    assert_eq!(listed, keys);

    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("x")
        .send()
        .await
        .unwrap();
    assert_eq!(server.get("x").await, None);
    assert_eq!(server.get("x/y").await.unwrap(), b"x/y");
    let too_long = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key(format!("{long}k"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(too_long.code(), Some("KeyTooLongError"));
}

#[tokio::test]
async fn listing_pages_rolls_up_and_starts_after() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    for key in ["a/1", "a/2", "b", "c/1", "c/2/3", "d"] {
        server.put(key, b"").await;
    }
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let list = server
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .delimiter("/")
            .max_keys(1)
            .set_continuation_token(token);
        let page = list.send().await.unwrap();
        assert_eq!(page.key_count(), Some(1));
        seen.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
        seen.extend(
            page.common_prefixes()
                .iter()
                .map(|prefix| prefix.prefix().unwrap().to_owned()),
        );
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a/", "b", "c/", "d"]);
    let keys = |list: aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output| -> Vec<String> {
        list.contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect()
    };
    let list = server.client.list_objects_v2().bucket(BUCKET);
    assert_eq!(
        keys(list.clone().prefix("c/").send().await.unwrap()),
        ["c/1", "c/2/3"]
    );
    assert_eq!(
        keys(list.clone().start_after("c/1").send().await.unwrap()),
        ["c/2/3", "d"]
    );
    assert_eq!(
        keys(list.prefix("nothing").send().await.unwrap()),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn ranges_headers_and_metadata_come_back() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 253) as u8).collect();
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("r")
        .body(body.clone().into());
    put.content_type("text/csv")
        .cache_control("no-store")
        .metadata("upload", "upl_1")
        .metadata("name", "Zürich")
        .send()
        .await
        .unwrap();
    let head = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("r")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.content_type(), head.cache_control()),
        (Some("text/csv"), Some("no-store"))
    );
    assert_eq!(head.metadata().unwrap()["upload"], "upl_1");
    assert_eq!(head.content_length(), Some(1_000_000));

    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=300000-700000", 300_000..700_001),
        ("bytes=999999-", 999_999..1_000_000),
        ("bytes=-10", 999_990..1_000_000),
        ("bytes=5-9999999", 5..1_000_000),
    ] {
        let got = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("r")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(
            got.content_range().unwrap(),
            format!("bytes {}-{}/1000000", expected.start, expected.end - 1)
        );
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body[expected]);
    }
    let url = server.presign_get("r").await;
    let beyond = server
        .http
        .get(&url)
        .header("range", "bytes=1000000-")
        .send()
        .await
        .unwrap();
    assert_eq!(refused(beyond).await, (416, "InvalidRange".into()));
}

#[tokio::test]
async fn reads_obey_their_conditions() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let etag = server.put("c", b"hello").await;
    let url = server.presign_get("c").await;
    let get = |name: &'static str, value: &str| server.http.get(&url).header(name, value).send();
    assert_eq!(get("if-match", &etag).await.unwrap().status(), 200);
    assert_eq!(
        refused(get("if-match", "\"other\"").await.unwrap()).await,
        (412, "PreconditionFailed".into())
    );
    let unchanged = get("if-none-match", &etag).await.unwrap();
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.headers()["etag"], etag.as_str());
    assert_eq!(
        get("if-none-match", "\"other\"").await.unwrap().status(),
        200
    );
    let modified = get("if-none-match", "\"other\"").await.unwrap().headers()["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        get("if-modified-since", &modified).await.unwrap().status(),
        304
    );
    assert_eq!(
        get("if-unmodified-since", &modified)
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_racers_that_ask_for_a_new_key_one_wins() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let racers = (0..20).map(|n| {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("uploads/race")
            .if_none_match("*");
        put.body(format!("racer {n}").into_bytes().into()).send()
    });
    let results = futures::future::join_all(racers).await;
    let won: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .collect();
    assert_eq!(won.len(), 1);
    for lost in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(lost.code(), Some("PreconditionFailed"));
    }
    let head = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("uploads/race")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), won[0].e_tag());
    until(|| blobs(root.path()) == 1).await;
    assert_eq!(server.sink.wait_for(1).await.len(), 1);

    let put = || {
        server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("uploads/race")
            .body(b"next".to_vec().into())
    };
    assert_eq!(
        put().if_match("\"stale\"").send().await.unwrap_err().code(),
        Some("PreconditionFailed")
    );
    put().if_match(head.e_tag().unwrap()).send().await.unwrap();
}

#[tokio::test]
async fn a_copy_shares_its_bytes_and_outlives_its_source() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let body = vec![3; 600_000];
    server.put("from here/é", &body).await;
    let copy = |source: &str, key: &str| {
        server
            .client
            .copy_object()
            .bucket(BUCKET)
            .key(key)
            .copy_source(format!("{BUCKET}/{source}"))
    };
    copy("from%20here/%C3%A9", "uploads/copy")
        .send()
        .await
        .unwrap();
    assert_eq!(blobs(root.path()), 1);
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("from here/é")
        .send()
        .await
        .unwrap();
    assert_eq!(server.get("uploads/copy").await.unwrap(), body);
    copy("uploads/copy", "uploads/copy")
        .metadata("a", "b")
        .metadata_directive(MetadataDirective::Replace)
        .send()
        .await
        .unwrap();
    assert_eq!(
        copy("uploads/copy", "uploads/copy")
            .send()
            .await
            .unwrap_err()
            .code(),
        Some("InvalidRequest")
    );
    assert_eq!(
        copy("nothing", "y").send().await.unwrap_err().code(),
        Some("NoSuchKey")
    );
    assert_eq!(server.sink.wait_for(2).await[0].1, "ObjectCreated:Copy");
    assert_eq!(server.get("uploads/copy").await.unwrap(), body);

    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("uploads/copy")
        .send()
        .await
        .unwrap();
    until(|| blobs(root.path()) == 0).await;
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("uploads/copy")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reader_gets_the_object_it_started_with() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    let old: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 239) as u8).collect();
    server.put("r", &old).await;
    let reading = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("r")
        .send()
        .await
        .unwrap();
    server.put("r", b"new").await;
    assert_eq!(reading.body.collect().await.unwrap().to_vec(), old);
    assert_eq!(server.get("r").await.unwrap(), b"new");
    until(|| blobs(root.path()) == 1).await;
}

#[tokio::test]
async fn the_one_bucket_is_there_and_no_other() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server
        .client
        .head_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    server
        .client
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert!(
        server
            .client
            .head_bucket()
            .bucket("another")
            .send()
            .await
            .is_err()
    );
    assert!(
        server
            .client
            .create_bucket()
            .bucket("another")
            .send()
            .await
            .is_err()
    );
    let other = server
        .client
        .put_object()
        .bucket("another")
        .key("k")
        .send()
        .await
        .unwrap_err();
    assert_eq!(other.code(), Some("NoSuchBucket"));
}
