//! What every HTTP function answers, whatever its routes: problems, headers, and what never reaches a handler.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use contracts::{Code, DatasetId, Problem};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use platform::http::{ApiError, HttpConfig, Json, Path, Query, etag, layer, same_origin_path};
use serde::Deserialize;
use tower::ServiceExt;

#[derive(Deserialize)]
struct Thing {
    inner: Vec<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    id: DatasetId,
}

#[derive(Deserialize)]
struct Page {
    #[expect(dead_code, reason = "only its reading is tested")]
    limit: Option<u32>,
}

fn app() -> Router {
    let router = Router::new()
        .route(
            "/api/v1/things",
            post(async |Json(thing): Json<Thing>| {
                Json(thing.inner.iter().map(|i| i.id).collect::<Vec<_>>())
            }),
        )
        .route("/api/v1/things", get(async |_: Query<Page>| Json(["a"])))
        .route(
            "/api/v1/things/{id}",
            get(async |Path(id): Path<DatasetId>| Json(id)),
        )
        .route(
            "/api/v1/broken",
            get(async || Err::<(), _>(ApiError::internal("password is hunter2"))),
        )
        .route(
            "/api/v1/down",
            get(async || Err::<(), _>(ApiError::from(sqlx::Error::PoolTimedOut))),
        )
        .route(
            "/api/v1/panics",
            get(async || {
                assert!(std::env::args().count() == 0, "hunter2");
            }),
        )
        .route(
            "/api/v1/tagged",
            get(async || etag::tagged("\"v7\"", Json(1))),
        );
    layer(
        router,
        &HttpConfig {
            origin: "https://grid.example".to_owned(),
            internal_hosts: vec!["gateway.internal".to_owned()],
            cookie_suffix: String::new(),
            body_limit: 1000,
        },
    )
}

fn request(method: Method, uri: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "grid.example")
        .header("x-request-id", "test-0001")
}

async fn send(request: http::request::Builder, body: impl Into<Body>) -> Response<Body> {
    app()
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap()
}

async fn get_(uri: &str) -> Response<Body> {
    send(request(Method::GET, uri), "").await
}

async fn problem(response: Response<Body>) -> Problem {
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(problem.status, status.as_u16());
    problem
}

async fn post_json(body: impl Into<Body>) -> Response<Body> {
    send(
        request(Method::POST, "/api/v1/things").header(header::CONTENT_TYPE, "application/json"),
        body,
    )
    .await
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_with_the_request_id() {
    insta::assert_json_snapshot!(problem(get_("/api/v1/nothing").await).await, @r#"
    {
      "type": "urn:gridkeep:problem:not_found",
      "title": "Not found",
      "status": 404,
      "code": "not_found",
      "detail": "There is nothing at this address. The addresses are in /api/v1/openapi.json.",
      "request_id": "test-0001"
    }
    "#);
}

#[tokio::test]
async fn an_unknown_method_is_a_problem() {
    let problem = problem(send(request(Method::DELETE, "/api/v1/things"), "").await).await;
    assert_eq!((problem.status, problem.code), (405, Code::NotFound));
    assert_eq!(problem.detail, "This address does not take DELETE.");
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_named_by_its_pointer() {
    insta::assert_json_snapshot!(problem(post_json(r#"{"inner": [{"id": "dst_nonsense"}]}"#).await).await, @r#"
    {
      "type": "urn:gridkeep:problem:validation",
      "title": "The request is not valid",
      "status": 400,
      "code": "validation",
      "detail": "The body does not fit: not a valid dataset id at line 1 column 33.",
      "pointer": "/inner/0/id",
      "request_id": "test-0001"
    }
    "#);
    let broken = problem(post_json("{\"inner\": [").await).await;
    assert_eq!(
        (broken.code, broken.pointer.as_deref()),
        (Code::Validation, Some("/inner"))
    );
    assert!(broken.detail.contains("EOF"), "{}", broken.detail);
    let more = problem(post_json("{\"inner\": []} {}").await).await;
    assert!(more.detail.contains("there is more"), "{}", more.detail);
    assert_eq!(problem(post_json("\u{0}").await).await.status, 400);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let response = send(
        request(Method::POST, "/api/v1/things").header(header::CONTENT_TYPE, "text/plain"),
        "{}",
    )
    .await;
    let problem = problem(response).await;
    assert_eq!(
        (problem.status, problem.pointer.as_deref()),
        (415, Some("Content-Type"))
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_said_or_not() {
    let long = format!("{{\"inner\": [], \"more\": \"{}\"}}", "x".repeat(2000));
    let streamed = Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(
        long.clone(),
    )]));
    assert_eq!(
        problem(post_json(streamed).await).await.code,
        Code::TooLarge
    );
    let said = request(Method::POST, "/api/v1/things").header(header::CONTENT_LENGTH, long.len());
    assert_eq!(problem(send(said, long).await).await.code, Code::TooLarge);
}

#[tokio::test]
async fn a_query_or_path_that_does_not_fit_names_the_parameter() {
    let query = problem(get_("/api/v1/things?limit=many").await).await;
    assert_eq!(
        (query.code, query.pointer.as_deref()),
        (Code::Validation, Some("limit"))
    );
    let twice = problem(get_("/api/v1/things?limit=1&limit=2").await).await;
    assert_eq!(twice.code, Code::Validation);
    let path = problem(get_("/api/v1/things/nonsense").await).await;
    assert_eq!(
        (path.code, path.pointer.as_deref()),
        (Code::Validation, Some("id"))
    );
    assert_eq!(
        problem(get_("/api/v1/things/%FF").await).await.code,
        Code::Validation
    );
}

#[tokio::test]
async fn a_fault_of_ours_says_nothing_of_the_inside() {
    let answer = problem(get_("/api/v1/broken").await).await;
    assert!(!serde_json::to_string(&answer).unwrap().contains("hunter2"));
    insta::assert_json_snapshot!(answer, @r#"
    {
      "type": "urn:gridkeep:problem:internal",
      "title": "Something went wrong on our side",
      "status": 500,
      "code": "internal",
      "detail": "The request could not be done. The fault is logged under the request id.",
      "request_id": "test-0001"
    }
    "#);
    let down = get_("/api/v1/down").await;
    assert_eq!(down.headers()[header::RETRY_AFTER], "5");
    assert_eq!(problem(down).await.code, Code::Unavailable);
}

#[tokio::test]
async fn a_panic_is_a_500_like_any_other() {
    let answer = problem(get_("/api/v1/panics").await).await;
    assert_eq!(
        (answer.status, answer.request_id.as_deref()),
        (500, Some("test-0001"))
    );
    assert!(!answer.detail.contains("hunter2"));
}

#[tokio::test]
async fn every_answer_is_private_and_has_a_request_id_that_a_log_can_trust() {
    for uri in ["/api/v1/things", "/api/v1/nothing", "/api/v1/broken"] {
        let response = get_(uri).await;
        let headers = response.headers();
        assert_eq!(headers["x-request-id"], "test-0001");
        assert_eq!(headers[header::CACHE_CONTROL], "private, no-cache");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
    }
    for bad in [
        "short",
        "with space and more",
        "a\"quote-and-more",
        &"x".repeat(65),
    ] {
        let request = Request::get("/api/v1/things")
            .header(header::HOST, "grid.example")
            .header("x-request-id", bad);
        let response = send(request, "").await;
        assert_eq!(response.headers()["x-request-id"].len(), 26, "{bad}");
    }
}

#[tokio::test]
async fn who_has_the_answer_already_gets_304() {
    let first = get_("/api/v1/things").await;
    let tag = first.headers()[header::ETAG].clone();
    let again = send(
        request(Method::GET, "/api/v1/things").header(header::IF_NONE_MATCH, &tag),
        "",
    )
    .await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[header::ETAG], tag);
    assert!(
        again
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
    let other = send(
        request(Method::GET, "/api/v1/things").header(header::IF_NONE_MATCH, "\"other\""),
        "",
    )
    .await;
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(
        get_("/api/v1/tagged").await.headers()[header::ETAG],
        "\"v7\""
    );
    let mut list = http::HeaderMap::new();
    list.insert(header::IF_NONE_MATCH, "\"a\", W/\"v7\"".parse().unwrap());
    assert!(etag::fresh(&list, "\"v7\"").is_some());
    assert!(etag::fresh(&list, "\"v8\"").is_none());
}

#[tokio::test]
async fn another_host_is_sent_to_the_origin() {
    let to = |method, host| {
        Request::builder()
            .method(method)
            .uri("/api/v1/things?a=b")
            .header(header::HOST, host)
    };
    let moved = send(to(Method::GET, "grid.example:8080"), "").await;
    assert_eq!(moved.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        moved.headers()[header::LOCATION],
        "https://grid.example/api/v1/things?a=b"
    );
    let refused = problem(send(to(Method::POST, "evil.example"), "").await).await;
    assert_eq!(
        (refused.status, refused.pointer.as_deref()),
        (421, Some("Host"))
    );
    assert_eq!(
        send(to(Method::GET, "gateway.internal"), "").await.status(),
        StatusCode::OK
    );
    assert_eq!(
        send(to(Method::GET, "GRID.example"), "").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_write_by_cookie_needs_our_origin_and_a_token_needs_none() {
    let write =
        || request(Method::POST, "/api/v1/things").header(header::CONTENT_TYPE, "application/json");
    let by_cookie = || write().header(header::COOKIE, "a=b; __Host-gridkeep=token");
    let body = "{\"inner\": []}";
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://grid.example"),
        Some("https://grid.example.evil.example"),
    ] {
        let request = origin.map_or_else(by_cookie, |origin| {
            by_cookie().header(header::ORIGIN, origin)
        });
        let problem = problem(send(request, body).await).await;
        assert_eq!(
            (problem.code, problem.pointer.as_deref()),
            (Code::Forbidden, Some("Origin")),
            "{origin:?}"
        );
    }
    let ours = send(
        by_cookie().header(header::ORIGIN, "https://grid.example"),
        body,
    )
    .await;
    assert_eq!(ours.status(), StatusCode::OK);
    let token = send(by_cookie().header(header::AUTHORIZATION, "Bearer x"), body).await;
    assert_eq!(token.status(), StatusCode::OK);
    let basic = send(by_cookie().header(header::AUTHORIZATION, "Basic x"), body).await;
    assert_eq!(basic.status(), StatusCode::FORBIDDEN);
    assert_eq!(send(write(), body).await.status(), StatusCode::OK);
    let read = send(
        request(Method::GET, "/api/v1/things").header(header::COOKIE, "__Host-gridkeep=token"),
        "",
    )
    .await;
    assert_eq!(read.status(), StatusCode::OK);
}

#[test]
fn only_a_path_of_ours_is_a_same_origin_path() {
    assert_eq!(
        same_origin_path("/datasets?sort=a#x"),
        Some("/datasets?sort=a#x")
    );
    for outside in [
        "",
        "datasets",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "/a b",
    ] {
        assert_eq!(same_origin_path(outside), None, "{outside}");
    }
}
