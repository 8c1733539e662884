//! What the tests of one function alone begin with: a database of their own, people in it, and the router's answers. `testkit` starts
//! the whole stack instead.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use axum::{
    Router,
    body::{Body, Bytes},
};
use contracts::{DatasetId, UserId};
use http::{HeaderMap, Request, StatusCode, request};
use http_body_util::BodyExt as _;
use platform::auth::hash_api_token;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tower::ServiceExt as _;
use ulid::Ulid;

pub const ORIGIN: &str = "http://localhost:8080";
/// The public key of RFC 8037's example: nobody signs with it here, people come with API tokens.
pub const JWKS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "test", "alg": "EdDSA",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// A database that is dropped with the test, on the server that `GRIDKEEP_TEST_PG_URL` names.
#[derive(Debug)]
pub struct Database {
    pub url: String,
    admin: String,
    name: String,
}

impl Database {
    /// An empty one, named for whose tests these are.
    pub async fn create(whose: &str) -> Self {
        let admin = std::env::var("GRIDKEEP_TEST_PG_URL")
            .expect("GRIDKEEP_TEST_PG_URL is an admin URL of a PostgreSQL: run `make test`");
        let name = format!("{whose}_{}", Ulid::new().to_string().to_lowercase());
        execute(&admin, format!("create database {name}")).await;
        let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
        Self { url, admin, name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // Also when the test has failed: a thread of its own, because the test's runtime is in use.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(execute(
                &admin,
                format!("drop database {name} with (force)"),
            ));
        })
        .join();
        assert!(gone.is_ok() || std::thread::panicking());
    }
}

async fn execute(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}

/// Somebody with an API token.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    token: String,
}

impl Person {
    /// Makes a member of that name.
    pub async fn join(pool: &PgPool, name: &str) -> Self {
        let person = Self {
            id: UserId::generate(),
            token: format!("gk_{}", Ulid::new()),
        };
        let id = person.id.to_string();
        sqlx::query(
            "insert into gk.member (id, email, name) values ($1, $2 || '@example.org', $2)",
        )
        .bind(&id)
        .bind(name)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into gk.api_token (id, member, hash, name) values ($1, $2, $3, 'test')",
        )
        .bind(format!("tok_{id}"))
        .bind(&id)
        .bind(hash_api_token(&person.token).as_slice())
        .execute(pool)
        .await
        .unwrap();
        person
    }

    /// What the Authorization header says.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Grants a role, or takes it away.
    pub async fn gets(&self, pool: &PgPool, dataset: DatasetId, role: Option<&str>) {
        let sql = match role {
            Some(_) => "insert into gk.dataset_grant (dataset, member, role) select no, $2, $3 from gk.dataset where id = $1
                 on conflict (member, dataset) do update set role = excluded.role",
            None => "delete from gk.dataset_grant g using gk.dataset d
                 where d.id = $1 and g.dataset = d.no and g.member = $2 and $3::text is null",
        };
        sqlx::query(sql)
            .bind(dataset.to_string())
            .bind(self.id.to_string())
            .bind(role)
            .execute(pool)
            .await
            .unwrap();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null where there is none.
    pub body: Value,
}

/// A request for a path of the API.
#[must_use]
pub fn ask(method: &str, path: &str) -> request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(http::header::HOST, "localhost:8080")
}

/// The answer and its bytes.
pub async fn answer_bytes(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, Bytes) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, bytes)
}

/// An answer in JSON.
pub async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let (status, headers, bytes) = answer_bytes(router, request).await;
    Answer {
        status,
        headers,
        body: if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        },
    }
}
