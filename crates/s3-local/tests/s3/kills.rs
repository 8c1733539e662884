//! SIGKILL at any moment: what was acknowledged is there, what is there is whole, and every event comes.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use s3_local::{EventSink, S3Local, SinkError};
use s3s::crypto::{Checksum as _, Md5};

use crate::server::{BUCKET, REGION, Server, client, config, until};

const KILLS: u64 = 20;
const CHILD: &str = "S3_LOCAL_TEST_CHILD";

/// Takes every second event, and writes it down for the parent.
struct Journal {
    file: PathBuf,
    tries: Mutex<usize>,
}

#[async_trait::async_trait]
impl EventSink for Journal {
    async fn deliver(&self, notification: String) -> Result<(), SinkError> {
        let mut tries = self.tries.lock().unwrap();
        *tries += 1;
        if *tries % 2 == 1 {
            return Err("not yet".into());
        }
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file)?;
        Ok(file.write_all(format!("{notification}\n").as_bytes())?)
    }
}

/// Not a test of its own: the process that the kill test starts and kills.
#[tokio::test(flavor = "multi_thread")]
async fn child_process() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let folder = Path::new(&folder);
    let journal = Journal {
        file: folder.join("events"),
        tries: Mutex::new(0),
    };
    let s3 = S3Local::open(config(&folder.join("s3"), Arc::new(journal)))
        .await
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    std::fs::write(
        folder.join("url.new"),
        format!("http://{}", listener.local_addr().unwrap()),
    )
    .unwrap();
    std::fs::rename(folder.join("url.new"), folder.join("url")).unwrap();
    axum::serve(listener, s3.service()).await.unwrap();
}

async fn start(folder: &Path) -> (Child, aws_sdk_s3::Client) {
    let _ = std::fs::remove_file(folder.join("url"));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["kills::child_process", "--exact"])
        .env(CHILD, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(|| folder.join("url").exists()).await;
    let url = std::fs::read_to_string(folder.join("url")).unwrap();
    (
        child,
        client(
            &url,
            "a secret for tests",
            REGION,
            RequestChecksumCalculation::WhenRequired,
        ),
    )
}

fn etag_of(body: &[u8]) -> String {
    Md5::checksum(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Puts and overwrites until the server is gone; says what was acknowledged.
async fn write_until_killed(
    client: aws_sdk_s3::Client,
    writer: usize,
    seed: u64,
) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for round in 0.. {
        let key = format!("uploads/{writer}-{}", round % 2);
        let bytes = 1 + (seed as usize * 7919 + writer * 104_729 + round * 15_485_863) % 900_000;
        let body: Vec<u8> = (0..bytes).map(|n| (n + round + writer) as u8).collect();
        let etag = if round % 3 == 2 {
            put_in_parts(&client, &key, body).await
        } else {
            client
                .put_object()
                .bucket(BUCKET)
                .key(&key)
                .body(body.into())
                .send()
                .await
                .ok()
                .and_then(|put| put.e_tag)
        };
        let Some(etag) = etag else { break };
        acknowledged.push((key, etag.replace('"', "")));
    }
    acknowledged
}

async fn put_in_parts(client: &aws_sdk_s3::Client, key: &str, body: Vec<u8>) -> Option<String> {
    let id = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .ok()?
        .upload_id?;
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&id)
        .part_number(1)
        .body(body.into());
    let part = CompletedPart::builder()
        .part_number(1)
        .e_tag(part.send().await.ok()?.e_tag?)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&id)
        .multipart_upload(parts);
    complete.send().await.ok()?.e_tag
}

#[tokio::test(flavor = "multi_thread")]
async fn after_twenty_kills_every_object_is_whole_and_every_event_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for seed in 0..KILLS {
        let (mut child, client) = start(folder.path()).await;
        let writers =
            (0..4).map(|writer| tokio::spawn(write_until_killed(client.clone(), writer, seed)));
        let writers: Vec<_> = writers.collect();
        // The moment of the kill, from the first write on: seeded, not waited for.
        tokio::time::sleep(Duration::from_millis(20 + (seed * 37) % 230)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    assert!(
        acknowledged.len() > 20,
        "only {} writes got through",
        acknowledged.len()
    );

    let server = Server::start(&folder.path().join("s3")).await;
    let list = server
        .client
        .list_objects_v2()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let mut current = HashSet::new();
    for object in list.contents() {
        let key = object.key().unwrap();
        let etag = object.e_tag().unwrap().replace('"', "");
        let md5 = Md5::checksum(&server.get(key).await.unwrap());
        let in_one_part = format!("{}-1", etag_of(&md5));
        let whole: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(
            etag == whole || etag == in_one_part,
            "{key} has the ETag {etag} and the bytes of {whole}"
        );
        current.insert((key.to_owned(), etag));
    }
    let keys: HashSet<_> = acknowledged.iter().map(|(key, _)| key.clone()).collect();
    assert!(
        keys.iter()
            .all(|key| current.iter().any(|(there, _)| there == key))
    );

    // Told to the journal before a kill, or to this server's sink after the last one.
    let told = || -> HashSet<(String, String)> {
        let journal = std::fs::read_to_string(folder.path().join("events")).unwrap_or_default();
        let journal = journal
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let journal = journal.map(|event| {
            let object = &event["Records"][0]["s3"]["object"];
            (
                object["key"].as_str().unwrap().to_owned(),
                object["eTag"].as_str().unwrap().to_owned(),
            )
        });
        journal
            .chain(
                server
                    .sink
                    .seen()
                    .into_iter()
                    .map(|(key, _, etag)| (key, etag)),
            )
            .collect()
    };
    let expected: HashSet<_> = acknowledged.iter().cloned().chain(current).collect();
    until(|| expected.is_subset(&told())).await;
}
