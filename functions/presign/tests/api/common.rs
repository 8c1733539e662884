//! A database and a bucket of its own for each test, and people. MongoDB is asked only where a test says so.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body};
use contracts::DatasetId;
use http::header;
use platform::{
    config::Settings,
    http::{HttpConfig, layer},
    s3::{self, S3Config},
};
use presign::{Config, Deps, Fetcher};
use serde_json::Value;
use sqlx::PgPool;
use store::Store;
pub use testbase::{Answer, Person};
use testbase::{Database, JWKS, ORIGIN};

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

    /// Puts an object past the API.
    pub async fn put(&self, key: &str, bytes: &'static [u8]) {
        let put = self.client().await.put_object().bucket("gridkeep").key(key);
        let body = s3::sdk::primitives::ByteStream::from_static(bytes);
        put.body(body).send().await.unwrap();
    }

    /// The bytes of an object.
    pub async fn get(&self, key: &str) -> Vec<u8> {
        let get = self.client().await.get_object().bucket("gridkeep").key(key);
        let body = get.send().await.unwrap().body;
        body.collect().await.unwrap().to_vec()
    }

    async fn client(&self) -> s3::sdk::Client {
        s3::client(&S3Config {
            endpoint: Some(self.url.clone()),
            bucket: "gridkeep".into(),
            region: "us-east-1".into(),
            keys: Some(("test".into(), "test".into())),
        })
        .await
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

impl App {
    /// Links live so many seconds.
    pub async fn start(mongo_url: &str, expiry_seconds: u64) -> Self {
        Self::start_with(mongo_url, expiry_seconds, Fetcher::new().unwrap()).await
    }

    pub async fn start_with(mongo_url: &str, expiry_seconds: u64, fetcher: Fetcher) -> Self {
        let database = Database::create("presign").await;
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
        let deps = Deps::connect_with(&Config::from(&settings).unwrap(), fetcher)
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
        Person::join(&self.pool, name).await
    }

    /// Grants a role, or takes it away.
    pub async fn share(&self, dataset: DatasetId, with: &Person, role: Option<&str>) {
        with.gets(&self.pool, dataset, role).await;
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
        let token = by.map(Person::bearer);
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
        let mut request = testbase::ask(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        testbase::answer(&self.router, request.body(Body::from(body)).unwrap()).await
    }

    pub async fn get(&self, path: &str, by: &Person) -> Answer {
        self.send("GET", path, Some(by), &[], None).await
    }

    pub async fn post(&self, path: &str, by: &Person, body: Value) -> Answer {
        self.send("POST", path, Some(by), &[], Some(body)).await
    }
}
