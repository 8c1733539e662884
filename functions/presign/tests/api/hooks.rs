//! Inbound webhooks: signed messages, sent again, changed, late, and the keys that they are signed with. MongoDB has no part in it.

use contracts::{
    DatasetId,
    upload::{Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    common::{Answer, App, NO_MONGO, Person, refused},
    uploads::import,
};

const ROWS: &[u8] = "id,town\n1,Zürich\n".as_bytes();

struct Hook {
    app: App,
    owner: Person,
    dataset: DatasetId,
    /// `/datasets/…/hooks/…`
    managed: String,
    /// `/hooks/…`
    door: String,
    secret: String,
}

impl Hook {
    async fn make() -> Self {
        let app = App::start(NO_MONGO, 900).await;
        let owner = app.person("owner").await;
        let target = Target::New {
            new_name: "Towns".into(),
        };
        let (_, dataset) = import(
            &app,
            &owner,
            target,
            Mode::New,
            std::time::Duration::from_secs(900),
        )
        .await;
        sqlx::query("update gk.dataset set head = 1 where id = $1")
            .bind(dataset.to_string())
            .execute(&app.pool)
            .await
            .unwrap();
        let hooks = format!("/datasets/{dataset}/hooks");
        let made = app.post(&hooks, &owner, json!({"name": "Partner"})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let id = made.body["id"].as_str().unwrap();
        let door = format!("/hooks/{id}");
        let url = made.body["url"].as_str().unwrap();
        assert_eq!(url, format!("http://localhost:8080/api/v1{door}"));
        Self {
            managed: format!("{hooks}/{id}"),
            door,
            secret: made.body["secret"].as_str().unwrap().to_owned(),
            app,
            owner,
            dataset,
        }
    }

    async fn send_as(&self, kind: &str, id: &str, signed: &[u8], body: &[u8], late: i64) -> Answer {
        let time = jiff::Timestamp::now().as_second() - late;
        let key = Webhook::new(&self.secret).unwrap();
        let signature = key.sign(id, time, signed).unwrap();
        let headers = [
            ("content-type", kind),
            ("webhook-id", id),
            ("webhook-timestamp", &time.to_string()),
            ("webhook-signature", &format!("v1a,other {signature}")),
        ];
        let body = body.to_vec();
        self.app
            .send_bytes("POST", &self.door, &headers, body)
            .await
    }

    async fn send(&self, id: &str, body: &[u8]) -> Answer {
        self.send_as("text/csv; charset=utf-8", id, body, body, 0)
            .await
    }

    async fn deliveries(&self) -> Value {
        let path = format!("{}/deliveries", self.managed);
        self.app.get(&path, &self.owner).await.body["deliveries"].clone()
    }
}

fn not_signed(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    refused(answer, "unauthenticated", "webhook-signature");
}

#[tokio::test]
async fn a_signed_message_becomes_one_upload_of_the_owner_however_often_it_comes() {
    let hook = Hook::make().await;
    let first = hook.send("msg_1", ROWS).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.body);
    let upload = first.body["upload_id"].as_str().unwrap().to_owned();
    hook.app
        .bucket
        .tells_of(&format!("uploads/{upload}/msg_1.csv"))
        .await;
    let shown = hook
        .app
        .get(&format!("/uploads/{upload}"), &hook.owner)
        .await
        .body;
    assert_eq!(
        (&shown["file_name"], &shown["mode"], &shown["bytes_total"]),
        (&json!("msg_1.csv"), &json!("append"), &json!(ROWS.len()))
    );
    assert_eq!(shown["dataset_id"], json!(hook.dataset));

    assert_eq!(hook.send("msg_1", ROWS).await.body, first.body);
    refused(
        &hook.send("msg_1", b"id\n2\n").await,
        "conflict",
        "webhook-id",
    );
    assert_ne!(hook.send("msg_2", ROWS).await.body, first.body);
    let deliveries = hook.deliveries().await;
    assert_eq!(deliveries[1]["message_id"], "msg_1");
    assert_eq!(deliveries[1]["upload_id"], upload);
    assert_eq!(deliveries.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_not_signed_by_the_key_over_this_body_and_time_is_refused() {
    let mut hook = Hook::make().await;
    let mut changed = ROWS.to_vec();
    changed[9] ^= 1;
    not_signed(&hook.send_as("text/csv", "msg_1", ROWS, &changed, 0).await);
    for late in [301, -301] {
        let answer = hook.send_as("text/csv", "msg_1", ROWS, ROWS, late).await;
        refused(&answer, "validation", "webhook-timestamp");
    }
    for (header, value) in [
        ("webhook-timestamp", "-9223372036854775808"),
        ("webhook-timestamp", "now"),
    ] {
        let headers = [
            ("webhook-id", "m"),
            ("webhook-signature", "v1,x"),
            (header, value),
        ];
        let answer = hook
            .app
            .send_bytes("POST", &hook.door, &headers, ROWS.to_vec())
            .await;
        refused(&answer, "validation", header);
    }
    let bare = hook
        .app
        .send_bytes("POST", &hook.door, &[], ROWS.to_vec())
        .await;
    refused(&bare, "validation", "webhook-id");

    let secret = std::mem::replace(&mut hook.secret, "whsec_AAAA".into());
    let other_key = hook.send("msg_1", ROWS).await;
    not_signed(&other_key);
    // A hook that is not there answers in the same words.
    hook.secret = secret;
    for nowhere in [
        format!("/hooks/{}", contracts::HookId::generate()),
        "/hooks/x".into(),
    ] {
        hook.door = nowhere;
        let answer = hook.send("msg_1", ROWS).await;
        not_signed(&answer);
        assert_eq!(answer.body["detail"], other_key.body["detail"]);
        hook.secret = format!("whsec_{}=", "A".repeat(43));
        not_signed(&hook.send("msg_1", ROWS).await);
    }
    assert_eq!(hook.deliveries().await, json!([]));
}

#[tokio::test]
async fn a_message_is_utf8_of_a_known_kind_and_not_too_long() {
    let hook = Hook::make().await;
    let send = async |kind: &str, body: &[u8]| hook.send_as(kind, "msg_1", body, body, 0).await;
    refused(
        &send("text/html", ROWS).await,
        "unsupported_format",
        "content-type",
    );
    assert_eq!(send("text/csv", b"").await.body["code"], "empty_file");
    let long = hook.send("msg_1", &vec![b'a'; 5 * 1024 * 1024 + 1]).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", long.body);
    let latin = hook
        .send_as("text/csv", "msg_1", b"x", b"Z\xfcrich", 0)
        .await;
    refused(&latin, "validation", "content-type");
    for url in [
        "https://127.0.0.1/a.csv",
        "http://example.org/a.csv",
        "https://[::1]/",
    ] {
        let body = json!({ "url": url }).to_string();
        refused(
            &send("application/json", body.as_bytes()).await,
            "validation",
            "/url",
        );
    }
    assert_eq!(hook.deliveries().await, json!([]));
    for (kind, name) in [
        ("application/json", "a.json"),
        ("application/x-ndjson", "b.ndjson"),
        ("text/tab-separated-values", "c.tsv"),
    ] {
        let (id, _) = name.split_once('.').unwrap();
        let body = br#"{"url": "x", "id": 1}"#;
        let taken = hook.send_as(kind, id, body, body, 0).await.body;
        let key = format!("uploads/{}/{name}", taken["upload_id"].as_str().unwrap());
        hook.app.bucket.tells_of(&key).await;
    }
}

#[tokio::test]
async fn a_paused_hook_takes_nothing_until_it_is_resumed_and_a_deleted_one_is_gone() {
    let hook = Hook::make().await;
    let (app, owner, path) = (&hook.app, Some(&hook.owner), &hook.managed);
    let change = async |body: Value| app.send("PATCH", path, owner, &[], Some(body)).await.body;
    assert_eq!(change(json!({"paused": true})).await["paused"], true);
    let paused = hook.send("msg_1", ROWS).await;
    assert_eq!(
        (paused.status, &paused.body["code"]),
        (StatusCode::CONFLICT, &json!("conflict"))
    );
    let renamed = change(json!({"paused": false, "name": "Other"})).await;
    assert_eq!(
        (&renamed["paused"], &renamed["name"]),
        (&json!(false), &json!("Other"))
    );
    assert_eq!(hook.send("msg_1", ROWS).await.status, StatusCode::ACCEPTED);

    let gone = app.send("DELETE", path, owner, &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    not_signed(&hook.send("msg_2", ROWS).await);
}

#[tokio::test]
async fn after_a_rotation_both_keys_are_good_until_the_former_runs_out() {
    let mut hook = Hook::make().await;
    let path = format!("{}/rotate", hook.managed);
    let rotated = hook.app.post(&path, &hook.owner, Value::Null).await.body;
    assert!(rotated["former_key_until"].is_string(), "{rotated}");
    let former = hook.secret.clone();
    assert_eq!(hook.send("msg_1", ROWS).await.status, StatusCode::ACCEPTED);
    hook.secret = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(hook.secret, former);
    assert_eq!(hook.send("msg_2", ROWS).await.status, StatusCode::ACCEPTED);
    sqlx::query("update gk.hook set former_until = now()")
        .execute(&hook.app.pool)
        .await
        .unwrap();
    assert_eq!(hook.send("msg_3", ROWS).await.status, StatusCode::ACCEPTED);
    hook.secret = former;
    not_signed(&hook.send("msg_4", ROWS).await);
}

#[tokio::test]
async fn hooks_are_their_datasets_editors_and_never_show_a_key_again() {
    let hook = Hook::make().await;
    let (viewer, stranger) = (
        hook.app.person("viewer").await,
        hook.app.person("stranger").await,
    );
    hook.app.share(hook.dataset, &viewer, Some("viewer")).await;
    let list = format!("/datasets/{}/hooks", hook.dataset);
    for path in [
        &list,
        &format!("{}/deliveries", hook.managed),
        &list.replace("hooks", "drop-folder"),
    ] {
        assert_eq!(
            hook.app.get(path, &viewer).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            hook.app.get(path, &stranger).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(hook.app.get(path, &hook.owner).await.status, StatusCode::OK);
    }
    let listed = hook.app.get(&list, &hook.owner).await.body;
    assert_eq!(listed["hooks"][0]["name"], "Partner");
    assert!(!listed.to_string().contains("whsec_"));
    for (body, pointer) in [
        (json!({"name": " "}), "/name"),
        (json!({"name": "a", "mode": "new"}), "/mode"),
        (json!({"name": "a", "mode": "upsert"}), "/key"),
        (json!({"name": "a", "key": ["id"]}), "/key"),
        (
            json!({"name": "a", "options": {"delimiter": "\n"}}),
            "/options/delimiter",
        ),
    ] {
        refused(
            &hook.app.post(&list, &hook.owner, body).await,
            "validation",
            pointer,
        );
    }
    // Another dataset's hook is none of this one's.
    let other = Hook::make().await;
    let path = hook
        .managed
        .replace(&hook.dataset.to_string(), &other.dataset.to_string());
    let foreign = other
        .app
        .get(&format!("{path}/deliveries"), &other.owner)
        .await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}
