//! What happens around every request, in one place and in this order: request id, Host, Origin, body limit, the handler
//! (a panic is a 500), entity tag, headers, and one line in the log.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use contracts::{Code, Problem};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt;
use tracing::{Instrument, error, info, info_span};
use ulid::Ulid;

use super::{
    ACCESS_COOKIE, ApiError, REFRESH_COOKIE, cookie,
    error::{Answered, Cause, render},
    etag,
    extract::too_large,
};
use crate::config::{ConfigError, Settings};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the layer has to know of the deployment.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The one origin of page and API, from `GRIDKEEP_PUBLIC_URL`.
    pub origin: String,
    /// `GRIDKEEP_INTERNAL_HOSTS`: further Host values to take as they are, by which a front of ours (CloudFront, a gateway)
    /// reaches this function.
    pub internal_hosts: Vec<String>,
    /// `GRIDKEEP_COOKIE_SUFFIX`
    pub cookie_suffix: String,
    /// Longest body, in bytes; a router may set `DefaultBodyLimit` lower for itself.
    pub body_limit: usize,
}

impl HttpConfig {
    /// API Gateway takes 6 MB through Lambda; what is larger goes through S3.
    const BODY_LIMIT: usize = 6 * 1024 * 1024;

    /// # Errors
    /// When a setting is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            origin: settings.public_origin()?,
            internal_hosts: settings.list("GRIDKEEP_INTERNAL_HOSTS"),
            cookie_suffix: settings
                .optional("GRIDKEEP_COOKIE_SUFFIX")
                .unwrap_or_default()
                .to_owned(),
            body_limit: Self::BODY_LIMIT,
        })
    }

    /// The Host that belongs to the origin.
    fn host(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }
}

/// The request's id, as answered in `x-request-id` and logged; a handler gets it by `Extension<RequestId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Wraps routes for serving. Unknown paths and methods answer with problems; so whoever serves other things too (the host's
/// pages) sends only what begins with `/api/` here.
pub fn layer(router: Router, config: &HttpConfig) -> Router {
    router
        .fallback(async || {
            ApiError::new(
                Code::NotFound,
                "There is nothing at this address. The addresses are in /api/v1/openapi.json.",
            )
        })
        .method_not_allowed_fallback(async |method: Method| {
            ApiError::from(
                Problem::new(
                    Code::NotFound,
                    format!("This address does not take {method}."),
                )
                .with_status(StatusCode::METHOD_NOT_ALLOWED.as_u16()),
            )
        })
        .layer(DefaultBodyLimit::max(config.body_limit))
        .layer(from_fn_with_state(Arc::new(config.clone()), around))
}

async fn around(
    State(config): State<Arc<HttpConfig>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let tags = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .cloned()
        .collect::<Vec<_>>();

    let span = info_span!("request", request.id = %id);
    async {
        let response = match refuse(&config, &request) {
            Some(refusal) => refusal,
            None => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_panic| {
                // The panic hook has printed where.
                ApiError::internal("a handler panicked").into_response()
            }),
        };
        let response = named(response, &id);
        let mut response = if method == Method::GET { revalidated(response, &tags).await } else { response };
        dress(response.headers_mut(), &id);

        let status = response.status().as_u16();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if response.status().is_server_error() {
            let cause = response.extensions().get::<Cause>().map(|cause| crate::telemetry::chain(cause.0.as_ref()));
            let cause = cause.unwrap_or_default();
            error!(%method, route, status, duration_ms, request.id = %id, cause, "{method} {route} failed with {status}");
        } else {
            info!(%method, route, status, duration_ms, request.id = %id, "{method} {route} answered {status}");
        }
        response
    }
    .instrument(span)
    .await
}

/// An id from outside is kept when it cannot confuse a log: 8 to 64 letters, digits and hyphens.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (8..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
        .map_or_else(
            || Ulid::new().to_string().to_ascii_lowercase(),
            str::to_owned,
        )
}

/// What does not reach the handler.
fn refuse(config: &HttpConfig, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default();
    let known = host.eq_ignore_ascii_case(config.host())
        || config
            .internal_hosts
            .iter()
            .any(|internal| internal.eq_ignore_ascii_case(host));
    if !known {
        return Some(wrong_host(config, request));
    }
    if !request.method().is_safe() && by_cookie(headers, &config.cookie_suffix) {
        // Browsers send Origin with every unsafe request; whoever leaves it out is no page of ours.
        let origin = headers
            .get(header::ORIGIN)
            .and_then(|value| value.to_str().ok());
        if origin != Some(config.origin.as_str()) {
            let detail = "A change made with the session cookie must come from the application's own page. Scripts use a token: \
                          Authorization: Bearer.";
            return Some(
                ApiError::from(Problem::new(Code::Forbidden, detail).at("Origin")).into_response(),
            );
        }
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    length
        .is_some_and(|length| length > config.body_limit)
        .then(|| too_large().into_response())
}

/// Whether a cookie of ours says who asks; a Bearer token wins over it, and no foreign page can make a browser send one.
fn by_cookie(headers: &HeaderMap, suffix: &str) -> bool {
    !crate::auth::has_bearer(headers)
        && [ACCESS_COOKIE, REFRESH_COOKIE]
            .iter()
            .any(|name| cookie(headers, &format!("{name}{suffix}")).next().is_some())
}

/// Cookies and the sign-in belong to one origin: a page opened by another name is sent there.
fn wrong_host(config: &HttpConfig, request: &Request) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        if let Ok(location) = HeaderValue::from_str(&format!("{}{path}", config.origin)) {
            return (
                StatusCode::PERMANENT_REDIRECT,
                [(header::LOCATION, location)],
            )
                .into_response();
        }
    }
    let detail = format!("This service is reached at {}.", config.origin);
    ApiError::from(
        Problem::new(Code::Validation, detail)
            .at("Host")
            .with_status(StatusCode::MISDIRECTED_REQUEST.as_u16()),
    )
    .into_response()
}

/// Puts the request id into a problem's body.
fn named(response: Response, id: &str) -> Response {
    let Some(Answered(mut problem)) = response.extensions().get::<Answered>().cloned() else {
        return response;
    };
    problem.request_id = Some(id.to_owned());
    let rendered = render(&problem);
    let (mut parts, _) = response.into_parts();
    let (new, body) = rendered.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = new.headers.get(header::CONTENT_LENGTH) {
        parts.headers.insert(header::CONTENT_LENGTH, length.clone());
    }
    Response::from_parts(parts, body)
}

/// Tags a JSON answer by its bytes when its handler did not, and answers 304 to who has them.
async fn revalidated(response: Response, tags: &[HeaderValue]) -> Response {
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if response.status() != StatusCode::OK || !json || response.headers().contains_key(header::ETAG)
    {
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => return ApiError::internal(error).into_response(),
    };
    let tag = etag::of_bytes(&bytes);
    let mut request = HeaderMap::new();
    for value in tags {
        request.append(header::IF_NONE_MATCH, value.clone());
    }
    etag::fresh(&request, &tag)
        .unwrap_or_else(|| etag::tagged(&tag, Response::from_parts(parts, Body::from(bytes))))
}

/// Headers of every answer. They are for an API: the page's own policy is set where the page is served.
fn dress(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "Cookie, Authorization"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

/// The path and query of `text` when it points into the application itself, for what comes back after a sign-in.
#[must_use]
pub fn same_origin_path(text: &str) -> Option<&str> {
    // `//host` and `/\host` leave the origin in a browser; control characters are dropped by it.
    let inside = text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && text.parse::<Uri>().is_ok();
    inside.then_some(text)
}
