//! Who may touch a dataset, through the extractors, over a real PostgreSQL.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;

use axum::{Router, body::Body, extract::FromRef, routing::get};
use contracts::{DatasetId, UserId, dataset::Role};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use platform::{
    access::{self, Access, AtLeast, Editor, Owner, Viewer},
    auth::{Caller, Verifier, hash_api_token},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tower::ServiceExt;

#[derive(Clone)]
struct App {
    pool: PgPool,
    verifier: Arc<Verifier>,
}

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.pool.clone()
    }
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.verifier)
    }
}

async fn role<R: AtLeast>(access: Access<R>) -> String {
    format!("{:?} {}", access.role, access.no)
}

async fn app() -> App {
    let admin = std::env::var("GRIDKEEP_TEST_PG_URL")
        .expect("GRIDKEEP_TEST_PG_URL must name a server: run `make test`");
    let name = format!("access_{}", ulid::Ulid::new().to_string().to_lowercase());
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let mut url: url::Url = admin.parse().unwrap();
    url.set_path(&name);
    let pool = platform::pg::connect(&url.to_string().into(), 2).unwrap();
    sqlx::raw_sql(include_str!("../../store/migrations/0001_spine.sql"))
        .execute(&pool)
        .await
        .unwrap();
    // Any valid key: these callers come with API tokens.
    let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let verifier = Arc::new(Verifier::new(jwks, "http://localhost", "").unwrap());
    App { pool, verifier }
}

impl App {
    /// A member and their token.
    async fn member(&self) -> (UserId, String) {
        let (user, token) = (UserId::generate(), format!("gk_{}", ulid::Ulid::new()));
        sqlx::query("insert into gk.member (id, email, name) values ($1, 'a@b', 'A')")
            .bind(user.to_string())
            .execute(&self.pool)
            .await
            .unwrap();
        sqlx::query("insert into gk.api_token (id, member, hash, name) values ($1, $1, $2, '')")
            .bind(user.to_string())
            .bind(hash_api_token(&token).as_slice())
            .execute(&self.pool)
            .await
            .unwrap();
        (user, token)
    }

    async fn dataset(&self) -> (DatasetId, i64) {
        let id = DatasetId::generate();
        let no = sqlx::query_scalar(
            "insert into gk.dataset (id, name, created_by) values ($1, 'd', 'x') returning no",
        )
        .bind(id.to_string())
        .fetch_one(&self.pool)
        .await
        .unwrap();
        (id, no)
    }

    async fn grant(&self, user: UserId, no: i64, role: &str) {
        sqlx::query("insert into gk.dataset_grant (dataset, member, role) values ($1, $2, $3)")
            .bind(no)
            .bind(user.to_string())
            .bind(role)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn ask(&self, path: &str, token: &str) -> (StatusCode, String) {
        let router = Router::new()
            .route("/view/{id}", get(role::<Viewer>))
            .route("/edit/{id}", get(role::<Editor>))
            .route("/own/{id}", get(role::<Owner>))
            .route("/me", get(async |caller: Caller| caller.user.to_string()))
            .with_state(self.clone());
        let mut request = Request::get(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn each_role_may_what_it_may_and_a_stranger_hears_of_nothing() {
    let app = app().await;
    let (dataset, no) = app.dataset().await;
    let (ok, forbidden) = (StatusCode::OK, StatusCode::FORBIDDEN);
    for (role, name, expected) in [
        ("viewer", "Viewer", [ok, forbidden, forbidden]),
        ("editor", "Editor", [ok, ok, forbidden]),
        ("owner", "Owner", [ok, ok, ok]),
    ] {
        let (user, token) = app.member().await;
        app.grant(user, no, role).await;
        for (route, expected) in ["view", "edit", "own"].into_iter().zip(expected) {
            let (status, body) = app.ask(&format!("/{route}/{dataset}"), &token).await;
            assert_eq!(status, expected, "{role} {route}");
            assert!(status != ok || body == format!("{name} {no}"), "{body}");
        }
    }
    let (_, stranger) = app.member().await;
    let existing = app.ask(&format!("/view/{dataset}"), &stranger).await;
    let missing = app
        .ask(&format!("/view/{}", DatasetId::generate()), &stranger)
        .await;
    let nonsense = app.ask("/view/nonsense", &stranger).await;
    assert_eq!(existing.0, StatusCode::NOT_FOUND);
    assert_eq!(existing, missing);
    assert_eq!(existing, nonsense);
    for nobody in ["", "gk_wrong", "nonsense"] {
        assert_eq!(
            app.ask(&format!("/view/{dataset}"), nobody).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test]
async fn a_revoked_grant_a_removed_member_and_a_deleted_dataset_count_at_once() {
    let app = app().await;
    let (dataset, no) = app.dataset().await;
    let (user, token) = app.member().await;
    app.grant(user, no, "owner").await;
    assert_eq!(
        access::require(&app.pool, user, dataset, Role::Owner)
            .await
            .unwrap()
            .no,
        no
    );
    let path = format!("/view/{dataset}");
    sqlx::query("update gk.dataset set deleted_at = now()")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask(&path, &token).await.0, StatusCode::NOT_FOUND);
    sqlx::query("update gk.dataset set deleted_at = null")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask(&path, &token).await.0, StatusCode::OK);
    sqlx::query("delete from gk.dataset_grant")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask(&path, &token).await.0, StatusCode::NOT_FOUND);
    assert!(
        access::require(&app.pool, user, dataset, Role::Viewer)
            .await
            .is_err()
    );
    sqlx::query("delete from gk.member")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask(&path, &token).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_api_token_is_nobodys() {
    let app = app().await;
    let (user, token) = app.member().await;
    assert_eq!(
        app.ask("/me", &token).await,
        (StatusCode::OK, user.to_string())
    );
    sqlx::query("update gk.api_token set expires_at = now() - interval '1 second'")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask("/me", &token).await.0, StatusCode::UNAUTHORIZED);
}
