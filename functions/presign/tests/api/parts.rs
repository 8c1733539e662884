//! A file in parts, sent to a real S3 server.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{Answer, App, Person, mongo_url, refused};

const PART: usize = 5 * 1024 * 1024;

/// Two parts, the second a short one.
fn file() -> Vec<u8> {
    b"id,text\n1,gridkeep\n".repeat(300_000)
}

fn sha256(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

fn request(file: &[u8]) -> Value {
    json!({
        "file_name": "table.csv", "bytes": file.len(), "dataset": {"new_name": "Parts"}, "mode": "new",
        "checksum": {"part_bytes": PART, "sha256": file.chunks(PART).map(sha256).collect::<Vec<_>>()},
    })
}

async fn begin(app: &App, by: &Person, file: &[u8]) -> (String, Value) {
    let created = app.post("/uploads", by, request(file)).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let id = created.body["id"].as_str().unwrap().to_owned();
    (format!("/uploads/{id}"), created.body)
}

/// PUTs a part by its link; the ETag, or the storage's refusal.
async fn put(part: &Value, bytes: Vec<u8>) -> Result<String, StatusCode> {
    let mut request = reqwest::Client::new().put(part["url"].as_str().unwrap());
    for (name, value) in part["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let answer = request.body(bytes).send().await.unwrap();
    match answer.status() {
        StatusCode::OK => Ok(answer.headers()["etag"].to_str().unwrap().to_owned()),
        refused => Err(refused),
    }
}

async fn complete(app: &App, by: &Person, upload: &str, etags: &[&str]) -> Answer {
    let parts: Vec<_> = (1..)
        .zip(etags)
        .map(|(number, etag)| json!({"number": number, "etag": etag}))
        .collect();
    let body = json!({ "parts": parts });
    app.post(&format!("{upload}/complete"), by, body).await
}

#[tokio::test]
async fn an_interrupted_file_goes_on_with_the_parts_that_are_missing() {
    let app = App::start(&mongo_url(), 900).await;
    let person = app.person("ada").await;
    let file = file();
    let pieces: Vec<_> = file.chunks(PART).map(<[u8]>::to_vec).collect();
    let (upload, created) = begin(&app, &person, &file).await;
    assert_eq!(created["part_bytes"], PART);
    assert_eq!(created["parts"][1]["bytes"], pieces[1].len());
    let second = put(&created["parts"][1], pieces[1].clone()).await.unwrap();

    let there = app.get(&format!("{upload}/parts"), &person).await.body;
    assert_eq!(there["parts"][0].get("etag"), None);
    assert_eq!(there["parts"][1]["etag"], json!(second));
    refused(
        &complete(&app, &person, &upload, &[second.as_str()]).await,
        "validation",
        "/parts",
    );
    refused(
        &complete(&app, &person, &upload, &["\"0\"", &second]).await,
        "conflict",
        "/parts",
    );

    let first = put(&there["parts"][0], pieces[0].clone()).await.unwrap();
    // As often as it is asked for.
    for _ in 0..2 {
        let done = complete(&app, &person, &upload, &[&first, &second]).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert_eq!(done.body["bytes_total"], file.len());
    }
    app.bucket.tells_of(&upload[1..]).await;
    let after = app.get(&format!("{upload}/parts"), &person).await;
    assert_eq!(after.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_part_takes_the_bytes_that_were_announced_and_no_others() {
    let app = App::start(&mongo_url(), 900).await;
    let person = app.person("ada").await;
    let file = file();
    let (upload, created) = begin(&app, &person, &file).await;
    let mut changed = file[..PART].to_vec();
    changed[PART / 2] ^= 1;
    for wrong in [changed, file[..PART - 1].to_vec(), file[..=PART].to_vec()] {
        assert!(put(&created["parts"][0], wrong).await.is_err());
    }
    let mut bare = created["parts"][0].clone();
    bare["headers"] = json!({});
    assert!(put(&bare, file[..PART].to_vec()).await.is_err());
    let there = app.get(&format!("{upload}/parts"), &person).await.body;
    assert_eq!(there["parts"][0].get("etag"), None);
}

#[tokio::test]
async fn cancelling_lets_go_of_the_parts() {
    let app = App::start(&mongo_url(), 900).await;
    let person = app.person("ada").await;
    let file = file();
    let (upload, created) = begin(&app, &person, &file).await;
    let etag = put(&created["parts"][0], file[..PART].to_vec()).await;
    let gone = app.send("DELETE", &upload, Some(&person), &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(
        put(&created["parts"][1], file[PART..].to_vec()).await,
        Err(StatusCode::NOT_FOUND)
    );
    let late = complete(&app, &person, &upload, &[&etag.unwrap(), "\"0\""]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    let parts = app.get(&format!("{upload}/parts"), &person).await;
    assert_eq!(parts.body["detail"], "This upload is already cancelled.");
}

#[tokio::test]
async fn the_parts_are_their_senders() {
    let app = App::start(&mongo_url(), 900).await;
    let (owner, editor) = (app.person("owner").await, app.person("editor").await);
    let (upload, _) = begin(&app, &owner, &file()).await;
    let dataset = app.get(&upload, &owner).await.body["dataset_id"].clone();
    let dataset = dataset.as_str().unwrap().parse().unwrap();
    let parts = format!("{upload}/parts");
    assert_eq!(app.get(&parts, &editor).await.status, StatusCode::NOT_FOUND);
    app.share(dataset, &editor, Some("editor")).await;
    assert_eq!(app.get(&parts, &editor).await.status, StatusCode::FORBIDDEN);
    let done = complete(&app, &editor, &upload, &["\"0\"", "\"0\""]).await;
    assert_eq!(done.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_large_file_goes_in_parts_by_itself() {
    let app = App::start(&mongo_url(), 900).await;
    let person = app.person("ada").await;
    let body = json!({"file_name": "large.csv", "bytes": 5_000_000_000_u64, "dataset": {"new_name": "Large"}, "mode": "new"});
    let created = app.post("/uploads", &person, body).await.body;
    let parts = created["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 299);
    let bytes: u64 = parts
        .iter()
        .map(|part| part["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(bytes, 5_000_000_000);

    let small = json!({"file_name": "small.csv", "bytes": 5, "dataset": {"new_name": "Small"}, "mode": "new"});
    let small = app.post("/uploads", &person, small).await.body;
    let path = format!("/uploads/{}/parts", small["id"].as_str().unwrap());
    assert_eq!(app.get(&path, &person).await.status, StatusCode::CONFLICT);
}
