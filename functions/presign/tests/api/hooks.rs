//! Inbound webhooks: signed messages, sent again, changed, late, and the keys that they are signed with. MongoDB has no part in it.

use std::net::SocketAddr;

use contracts::{
    DatasetId,
    upload::{Mode, Target},
};
use http::StatusCode;
use presign::Fetcher;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

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
        Self::of(App::start(NO_MONGO, 900).await).await
    }

    async fn of(app: App) -> Self {
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

/// A server that nobody on the internet can reach: `files.example`, with a certificate that nobody trusts.
struct FileServer {
    at: SocketAddr,
}

impl FileServer {
    /// Answers every request line with what it is given here, in one piece.
    async fn start(answer: fn(&str, SocketAddr) -> String) -> Self {
        let keys = tokio_rustls::rustls::crypto::ring::default_provider();
        let chain = CertificateDer::pem_slice_iter(include_bytes!("tls/server.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(keys.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // Whoever does not trust the certificate ends here.
                let Ok(mut connection) = acceptor.accept(connection).await else {
                    continue;
                };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match connection.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                let request = String::from_utf8_lossy(&request);
                let answer = answer(request.lines().next().unwrap_or_default(), at);
                connection.write_all(answer.as_bytes()).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { at }
    }

    /// Of somebody who trusts it and knows where it is.
    fn fetcher(&self) -> Fetcher {
        let root = reqwest::Certificate::from_pem(include_bytes!("tls/root.pem")).unwrap();
        let client = reqwest::Client::builder()
            .add_root_certificate(root)
            .resolve("files.example", self.at);
        Fetcher::over(client).unwrap()
    }

    fn envelope(&self, path: &str) -> Vec<u8> {
        let url = format!("https://files.example:{}{path}", self.at.port());
        json!({ "url": url }).to_string().into_bytes()
    }
}

fn file_or_elsewhere(request: &str, at: SocketAddr) -> String {
    let port = at.port();
    let elsewhere = match request.split(' ').nth(1).unwrap_or_default() {
        "/2026/towns.csv" => {
            let (rows, bytes) = (std::str::from_utf8(ROWS).unwrap(), ROWS.len());
            return format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n{rows}"
            );
        }
        "/moved" => format!("https://files.example:{port}/2026/towns.csv"),
        "/inside" => format!("https://127.0.0.1:{port}/2026/towns.csv"),
        "/named" => format!("https://localhost:{port}/2026/towns.csv"),
        "/plain" => format!("http://files.example:{port}/2026/towns.csv"),
        _ => return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_message_with_a_url_is_the_file_that_lies_there() {
    let server = FileServer::start(file_or_elsewhere).await;
    let hook = Hook::of(App::start_with(NO_MONGO, 900, server.fetcher()).await).await;
    let send = async |id: &str, path: &str| {
        let body = server.envelope(path);
        hook.send_as("application/json", id, &body, &body, 0).await
    };
    for (id, path) in [("msg_1", "/2026/towns.csv"), ("msg_2", "/moved")] {
        let taken = send(id, path).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.body);
        let key = format!(
            "uploads/{}/towns.csv",
            taken.body["upload_id"].as_str().unwrap()
        );
        // A redirect leads to the file, and the name is that of what was asked for.
        let key = if path == "/moved" {
            key.replace("towns.csv", "moved")
        } else {
            key
        };
        hook.app.bucket.tells_of(&key).await;
        assert_eq!(hook.app.bucket.get(&key).await, ROWS);
        // The file is fetched once.
        assert_eq!(send(id, path).await.body, taken.body);
    }
    let before = hook.deliveries().await;
    for path in ["/inside", "/named", "/plain", "/nowhere"] {
        refused(&send("msg_3", path).await, "validation", "/url");
    }
    assert_eq!(hook.deliveries().await, before);
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_is_not_read_from() {
    let server = FileServer::start(file_or_elsewhere).await;
    let client = reqwest::Client::builder().resolve("files.example", server.at);
    let fetcher = Fetcher::over(client).unwrap();
    let hook = Hook::of(App::start_with(NO_MONGO, 900, fetcher).await).await;
    let body = server.envelope("/2026/towns.csv");
    let answer = hook
        .send_as("application/json", "msg_1", &body, &body, 0)
        .await;
    refused(&answer, "validation", "/url");
}
