//! Every finished write under a watched prefix is told at least once, whatever happens meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::server::{BUCKET, Server, Sink, until};

fn owed_records(root: &std::path::Path) -> usize {
    let records = std::fs::read_dir(root.join("objects")).unwrap();
    records
        .filter(|file| {
            let text = std::fs::read_to_string(file.as_ref().unwrap().path()).unwrap_or_default();
            text.contains("ObjectCreated")
        })
        .count()
}

#[tokio::test]
async fn a_write_under_a_watched_prefix_is_told_once_as_aws_tells_it() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("spill/x", b"not watched").await;
    server.put("uploads", b"nor this").await;
    let etag = server.put("uploads/a b/c+d.csv", b"hello").await;
    server.put("drop/dst_1/f", b"").await;
    let events = server.sink.wait_for(2).await;
    assert_eq!(
        events[0],
        (
            "uploads/a+b/c%2Bd.csv".into(),
            "ObjectCreated:Put".into(),
            etag.replace('"', "")
        )
    );
    assert_eq!(events[1].0, "drop/dst_1/f");
    until(|| owed_records(root.path()) == 0).await;
    let taken = server.sink.taken.lock().unwrap();
    assert_eq!(taken.len(), 2);
    let record = &taken[0]["Records"][0];
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["awsRegion"], "eu-west-1");
    assert_eq!(record["s3"]["bucket"]["name"], BUCKET);
    assert_eq!(
        record["s3"]["bucket"]["arn"],
        format!("arn:aws:s3:::{BUCKET}")
    );
    assert_eq!(record["s3"]["object"]["size"], 5);
    let sequencer = |n: usize| {
        taken[n]["Records"][0]["s3"]["object"]["sequencer"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(sequencer(0) < sequencer(1));
}

#[tokio::test]
async fn a_refused_event_is_tried_again_until_it_is_taken() {
    let root = tempfile::tempdir().unwrap();
    let sink = Arc::new(Sink::default());
    sink.refusals.store(3, Ordering::SeqCst);
    let server = Server::start_with(root.path(), Arc::clone(&sink)).await;
    server.put("uploads/a", b"1").await;
    assert_eq!(server.sink.wait_for(1).await.len(), 1);
    assert_eq!(sink.tries.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn what_is_owed_survives_a_restart_an_overwrite_and_a_delete() {
    let root = tempfile::tempdir().unwrap();
    let away = Arc::new(Sink::default());
    away.refusals.store(usize::MAX, Ordering::SeqCst);
    let server = Server::start_with(root.path(), away).await;
    let first = server.put("uploads/a", b"first").await.replace('"', "");
    let second = server.put("uploads/a", b"second").await.replace('"', "");
    let gone = server.put("uploads/gone", b"gone").await.replace('"', "");
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("uploads/gone")
        .send()
        .await
        .unwrap();
    assert_eq!(server.get("uploads/gone").await, None);
    server.stop().await;

    let server = Server::start(root.path()).await;
    let told: Vec<_> = server
        .sink
        .wait_for(3)
        .await
        .into_iter()
        .map(|(_, _, etag)| etag)
        .collect();
    assert_eq!(told, [first, second, gone]);
    until(|| owed_records(root.path()) == 0).await;
    assert_eq!(
        std::fs::read_dir(root.path().join("objects"))
            .unwrap()
            .count(),
        1
    );
    assert_eq!(server.get("uploads/a").await.unwrap(), b"second");
    assert_eq!(server.get("uploads/gone").await, None);
    server.stop().await;

    let server = Server::start(root.path()).await;
    server.put("uploads/b", b"").await;
    assert_eq!(server.sink.wait_for(1).await[0].0, "uploads/b");
}

#[tokio::test]
async fn two_servers_do_not_share_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let _server = Server::start(root.path()).await;
    let second =
        s3_local::S3Local::open(crate::server::config(root.path(), Arc::<Sink>::default())).await;
    assert!(matches!(second, Err(s3_local::Error::InUse(_))));
}

#[tokio::test]
async fn a_start_removes_what_no_record_names_and_refuses_a_record_it_cannot_read() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    server.put("a", b"kept").await;
    server.stop().await;
    let stray = [
        root.path().join("blobs/stray"),
        root.path().join("objects/half.tmp"),
    ];
    stray
        .iter()
        .for_each(|path| std::fs::write(path, b"half").unwrap());
    std::fs::create_dir(root.path().join("uploads/half")).unwrap();
    let server = Server::start(root.path()).await;
    assert!(stray.iter().all(|path| !path.exists()));
    assert!(!root.path().join("uploads/half").exists());
    assert_eq!(server.get("a").await.unwrap(), b"kept");
    server.stop().await;
    std::fs::write(root.path().join("objects/bad.json"), b"{").unwrap();
    let opened =
        s3_local::S3Local::open(crate::server::config(root.path(), Arc::<Sink>::default())).await;
    assert!(matches!(opened, Err(s3_local::Error::Record { .. })));
    assert_eq!(crate::server::blobs(root.path()), 1);
}
