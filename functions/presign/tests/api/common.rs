//! A database and a bucket of its own for each test, and people. MongoDB is asked only where a test says so.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body};
use contracts::{DatasetId, UserId};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use platform::{
    auth::hash_api_token,
    config::Settings,
    http::{HttpConfig, layer},
};
use presign::{Config, Deps};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use store::Store;
use tower::ServiceExt;
use ulid::Ulid;

const ORIGIN: &str = "http://localhost:8080";
/// The public key of RFC 8037's example: nobody signs with it here, people come with API tokens.
const JWKS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "test", "alg": "EdDSA",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

pub struct App {
    pub pool: PgPool,
    pub store: Store,
    pub bucket: Bucket,
    router: Router,
    _database: Database,
}

/// An S3 server, which goes with the test.
pub struct Bucket {
    url: String,
    /// Keys of the objects that its events told of.
    told: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

struct Told(Arc<Mutex<Vec<String>>>);

#[async_trait::async_trait]
impl s3_local::EventSink for Told {
    async fn deliver(&self, notification: String) -> Result<(), s3_local::SinkError> {
        let event: Value = serde_json::from_str(&notification)?;
        let key = event["Records"][0]["s3"]["object"]["key"].as_str().unwrap();
        self.0.lock().unwrap().push(key.to_owned());
        Ok(())
    }
}

impl Bucket {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::<Mutex<Vec<String>>>::default();
        let s3 = s3_local::S3Local::open(s3_local::Config {
            root: folder.path().to_owned(),
            bucket: "gridkeep".into(),
            access_key: "test".into(),
            secret_key: "test".into(),
            region: "us-east-1".into(),
            allowed_origin: ORIGIN.into(),
            event_prefixes: vec!["uploads/".into()],
            sink: Arc::new(Told(Arc::clone(&told))),
        })
        .await
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, s3.service()).await });
        Self {
            url,
            told,
            _folder: folder,
        }
    }

    /// Waits for the event of an object under a prefix.
    pub async fn tells_of(&self, prefix: &str) {
        while !self
            .told
            .lock()
            .unwrap()
            .iter()
            .any(|key| key.starts_with(prefix))
        {
            tokio::task::yield_now().await;
        }
    }
}

/// Nothing listens there; connecting happens on first use.
pub const NO_MONGO: &str = "mongodb://127.0.0.1:9/gridkeep";

/// A database of its own on the server that the tests are given.
pub fn mongo_url() -> String {
    let server =
        std::env::var("GRIDKEEP_TEST_MONGO_URL").expect("GRIDKEEP_TEST_MONGO_URL is a MongoDB");
    let database = ulid::Ulid::new().to_string().to_lowercase();
    format!("{}/presign_{database}", server.trim_end_matches('/'))
}

pub fn refused(answer: &Answer, code: &str, pointer: &str) {
    assert_eq!(answer.body["code"], code, "{}", answer.body);
    assert_eq!(answer.body["pointer"], pointer, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

/// Somebody with an API token.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    token: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl App {
    /// Links live so many seconds.
    pub async fn start(mongo_url: &str, expiry_seconds: u64) -> Self {
        let database = Database::create().await;
        let bucket = Bucket::start().await;
        let expiry = expiry_seconds.to_string();
        let settings = Settings::from_map(BTreeMap::from(
            [
                ("GRIDKEEP_PG_URL", database.url.as_str()),
                ("GRIDKEEP_MONGO_URL", mongo_url),
                ("GRIDKEEP_PUBLIC_URL", ORIGIN),
                ("GRIDKEEP_JWKS", JWKS),
                ("GRIDKEEP_S3_ENDPOINT", bucket.url.as_str()),
                ("GRIDKEEP_S3_BUCKET", "gridkeep"),
                ("GRIDKEEP_S3_ACCESS_KEY", "test"),
                ("GRIDKEEP_S3_SECRET_KEY", "test"),
                ("AWS_REGION", "us-east-1"),
                ("GRIDKEEP_UPLOAD_EXPIRY_SECONDS", &expiry),
                // Nobody listens there either.
                ("GRIDKEEP_WORK_QUEUE", "jetstream:WORK"),
                ("GRIDKEEP_NATS_URL", "nats://127.0.0.1:9"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ));
        let pool = PgPool::connect(&database.url).await.unwrap();
        let store = Store::new(pool.clone());
        store.migrate().await.unwrap();
        let deps = Deps::connect(&Config::from(&settings).unwrap())
            .await
            .unwrap();
        let router = layer(presign::router(deps), &HttpConfig::from(&settings).unwrap());
        Self {
            pool,
            store,
            bucket,
            router,
            _database: database,
        }
    }

    pub async fn person(&self, name: &str) -> Person {
        let person = Person {
            id: UserId::generate(),
            token: format!("gk_{}", Ulid::new()),
        };
        let id = person.id.to_string();
        sqlx::query(
            "insert into gk.member (id, email, name) values ($1, $2 || '@example.org', $2)",
        )
        .bind(&id)
        .bind(name)
        .execute(&self.pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into gk.api_token (id, member, hash, name) values ($1, $2, $3, 'test')",
        )
        .bind(format!("tok_{id}"))
        .bind(&id)
        .bind(hash_api_token(&person.token).as_slice())
        .execute(&self.pool)
        .await
        .unwrap();
        person
    }

    /// Grants a role, or takes it away.
    pub async fn share(&self, dataset: DatasetId, with: &Person, role: Option<&str>) {
        let sql = match role {
            Some(_) => "insert into gk.dataset_grant (dataset, member, role) select no, $2, $3 from gk.dataset where id = $1
                 on conflict (member, dataset) do update set role = excluded.role",
            None => "delete from gk.dataset_grant g using gk.dataset d
                 where d.id = $1 and g.dataset = d.no and g.member = $2 and $3::text is null",
        };
        sqlx::query(sql)
            .bind(dataset.to_string())
            .bind(with.id.to_string())
            .bind(role)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        by: Option<&Person>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut headers = headers.to_vec();
        let token = by.map(|person| format!("Bearer {}", person.token));
        if let Some(token) = &token {
            headers.push((header::AUTHORIZATION.as_str(), token));
        }
        if body.is_some() {
            headers.push((header::CONTENT_TYPE.as_str(), "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_bytes(method, path, &headers, body.into()).await
    }

    pub async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: if bytes.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).unwrap()
            },
        }
    }

    pub async fn get(&self, path: &str, by: &Person) -> Answer {
        self.send("GET", path, Some(by), &[], None).await
    }

    pub async fn post(&self, path: &str, by: &Person, body: Value) -> Answer {
        self.send("POST", path, Some(by), &[], Some(body)).await
    }
}

/// A database that is dropped with the test.
struct Database {
    admin: String,
    name: String,
    url: String,
}

impl Database {
    async fn create() -> Self {
        let admin = std::env::var("GRIDKEEP_TEST_PG_URL")
            .expect("GRIDKEEP_TEST_PG_URL is an admin URL of a PostgreSQL");
        let name = format!("presign_{}", Ulid::new().to_string().to_lowercase());
        execute(&admin, format!("create database {name}")).await;
        let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
        Self { admin, name, url }
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
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}
