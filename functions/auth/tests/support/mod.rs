//! A deployment's identity over real databases, a browser that keeps its cookies, and a provider in Google's place. The same
//! walk through the certified provider and a real browser is in the workspace's `tests/`.

mod provider;

use std::{collections::BTreeMap, sync::Arc};

use auth::{Config, Deps};
use axum::{Router, body::Body};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use platform::{config::Settings, http::HttpConfig};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use testbase::Database;
pub use testbase::ORIGIN;
use tower::ServiceExt;

pub use provider::{FakeProvider, Person};

pub const ACCESS: &str = "__Host-gridkeep-8080";
pub const REFRESH: &str = "__Secure-gridkeep-refresh-8080";

/// One deployment: its databases are its own.
pub struct Deployment {
    pub deps: Arc<Deps>,
    pub router: Router,
    pub provider: FakeProvider,
    _database: Database,
}

/// A database for one test, with the schema in it.
async fn database() -> Database {
    let database = Database::create("identity").await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let schema = include_str!("../../../../crates/store/migrations/0001_spine.sql");
    sqlx::raw_sql(schema)
        .execute(&mut connection)
        .await
        .unwrap();
    database
}

impl Deployment {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        if std::env::var_os("RUST_LOG").is_some() {
            platform::telemetry::init(false);
        }
        let provider = FakeProvider::start().await;
        let database = database().await;
        let key = auth::keys::generate().unwrap();
        let mongo = std::env::var("GRIDKEEP_TEST_MONGO_URL")
            .unwrap_or_else(|_| panic!("GRIDKEEP_TEST_MONGO_URL is a MongoDB: run `make test`"));
        let mut mongo: url::Url = mongo.parse().unwrap();
        mongo.set_path(&format!(
            "identity_{}",
            ulid::Ulid::new().to_string().to_lowercase()
        ));
        let mut map: BTreeMap<String, String> = [
            ("GRIDKEEP_PUBLIC_URL", ORIGIN),
            ("GRIDKEEP_PG_URL", &database.url),
            ("GRIDKEEP_MONGO_URL", mongo.as_str()),
            ("GRIDKEEP_OIDC_ISSUER", &provider.issuer),
            ("GRIDKEEP_OIDC_CLIENT_ID", provider::CLIENT_ID),
            ("GRIDKEEP_OIDC_CLIENT_SECRET", provider::CLIENT_SECRET),
            ("GRIDKEEP_SIGNING_KEY", key.pem.expose_secret()),
            ("GRIDKEEP_SIGNING_KID", &key.kid),
            ("GRIDKEEP_JWKS", &key.jwks),
            ("GRIDKEEP_COOKIE_SUFFIX", "-8080"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        map.extend(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let settings = Settings::from_map(map);
        let deps = Deps::connect(&Config::from(&settings).unwrap())
            .await
            .unwrap();
        let router = platform::http::layer(
            auth::router(Arc::clone(&deps)),
            &HttpConfig::from(&settings).unwrap(),
        );
        Self {
            deps,
            router,
            provider,
            _database: database,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            accept: "application/json",
        }
    }

    /// A browser in which `person` has signed in.
    pub async fn signed_in(&self, person: &Person) -> Browser {
        let mut browser = self.browser();
        let back = self.sign_in(&mut browser, person).await;
        assert_eq!(back, "/", "signed in");
        browser
    }

    /// The whole way; where the browser ends up.
    pub async fn sign_in(&self, browser: &mut Browser, person: &Person) -> String {
        let callback = self.to_callback(browser, person).await;
        location(&browser.get(&callback).await)
    }

    /// Up to the provider's redirect back, which is returned.
    pub async fn to_callback(&self, browser: &mut Browser, person: &Person) -> String {
        let away = location(&browser.get("/api/v1/auth/sign-in").await);
        self.provider.authorize(&away, person)
    }
}

pub fn location(response: &Response<Body>) -> String {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

pub async fn json(response: Response<Body>) -> serde_json::Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

/// Keeps cookies as a browser would.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub accept: &'static str,
}

impl Browser {
    pub async fn get(&mut self, uri: &str) -> Response<Body> {
        self.send(Method::GET, uri, None).await
    }

    /// From the application's own page.
    pub async fn post(&mut self, uri: &str) -> Response<Body> {
        self.send(Method::POST, uri, Some(ORIGIN)).await
    }

    pub async fn send(
        &mut self,
        method: Method,
        uri: &str,
        origin: Option<&str>,
    ) -> Response<Body> {
        let uri = uri.strip_prefix(ORIGIN).unwrap_or(uri);
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::HOST, "localhost:8080")
            .header(header::ACCEPT, self.accept);
        if !self.cookies.is_empty() {
            let all: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, all.join("; "));
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(
                attributes.contains("HttpOnly") && attributes.contains("Secure"),
                "{name}"
            );
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub async fn me(&mut self) -> Response<Body> {
        self.get("/api/v1/me").await
    }
}
