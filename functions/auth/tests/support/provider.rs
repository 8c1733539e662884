//! An OpenID provider that says what the test wants: people without checked addresses, wrong nonces, answers of old keys.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT_ID: &str = "gridkeep-tests";
pub const CLIENT_SECRET: &str = "not-a-secret";

#[derive(Clone, Debug)]
pub struct Person {
    pub subject: String,
    pub email: String,
    pub verified: bool,
    /// Instead of the nonce that was asked for.
    pub nonce: Option<String>,
}

impl Person {
    pub fn new(subject: &str, email: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            email: email.to_owned(),
            verified: true,
            nonce: None,
        }
    }
}

struct Granted {
    person: Person,
    nonce: String,
    challenge: String,
}

struct Inner {
    issuer: String,
    key: auth::keys::SigningKey,
    codes: Mutex<HashMap<String, Granted>>,
}

pub struct FakeProvider {
    pub issuer: String,
    inner: Arc<Inner>,
}

impl FakeProvider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            key: auth::keys::generate().unwrap(),
            codes: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(Arc::clone(&inner));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { issuer, inner }
    }

    /// The person agrees: where the browser is sent back to.
    pub fn authorize(&self, url: &str, person: &Person) -> String {
        let url: url::Url = url.parse().unwrap();
        let asked: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["client_id"], CLIENT_ID);
        let code = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let granted = Granted {
            person: person.clone(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
        };
        self.inner
            .codes
            .lock()
            .unwrap()
            .insert(code.clone(), granted);
        format!(
            "{}?code={code}&state={}",
            asked["redirect_uri"], asked["state"]
        )
    }
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let issuer = &inner.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    }))
}

async fn jwks(State(inner): State<Arc<Inner>>) -> Json<Value> {
    Json(serde_json::from_str(&inner.key.jwks).unwrap())
}

async fn token(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let basic = format!(
        "Basic {}",
        STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))
    );
    let granted = inner.codes.lock().unwrap().remove(&form["code"]);
    let (Some(granted), true) = (granted, headers["authorization"] == basic.as_str()) else {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_grant" })),
        );
    };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != granted.challenge {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_grant" })),
        );
    }
    let person = granted.person;
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": inner.issuer, "aud": CLIENT_ID, "sub": person.subject, "iat": now, "exp": now + 60,
        "nonce": person.nonce.unwrap_or(granted.nonce),
        "email": person.email, "email_verified": person.verified, "name": format!("Person {}", person.subject),
    });
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(inner.key.kid.clone());
    let key = EncodingKey::from_ed_pem(inner.key.pem.expose_secret().as_bytes()).unwrap();
    let id_token = encode(&header, &claims, &key).unwrap();
    let answer = json!({ "access_token": "unused", "token_type": "Bearer", "expires_in": 60, "id_token": id_token });
    (StatusCode::OK, Json(answer))
}
