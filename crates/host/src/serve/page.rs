//! The page: the built SPA from a folder, or the development server behind the same origin. Any address that is no file is
//! the SPA's own (`index.html`); files under `/assets/` have their hash in their name and may be kept for ever.

use std::path::PathBuf;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use platform::config::Settings;
use tower_http::{
    compression::CompressionLayer,
    services::{ServeDir, ServeFile},
};
use url::Url;

use super::proxy::Proxy;

/// Where the page comes from.
#[derive(Clone, Debug)]
pub enum Pages {
    /// `GRIDKEEP_WEB_DIST`.
    Built,
    /// Vite's server, with hot reload.
    Vite(Url),
}

/// The page's routes.
///
/// # Errors
/// When a setting is missing.
pub fn router(pages: Pages, settings: &Settings) -> anyhow::Result<Router> {
    let origin = settings.public_origin()?;
    let policy = HeaderValue::from_str(&policy(&pages, settings))?;
    let router = match pages {
        Pages::Built => {
            let dist = PathBuf::from(settings.required("GRIDKEEP_WEB_DIST")?);
            let index = ServeFile::new(dist.join("index.html"));
            // A missing asset is a 404: with the page in its place a stale tab would fail in odd ways.
            Router::new()
                .nest_service("/assets", ServeDir::new(dist.join("assets")))
                .fallback_service(
                    ServeDir::new(dist)
                        .append_index_html_on_directories(false)
                        .fallback(index),
                )
                .layer(middleware::from_fn(cache))
                .layer(CompressionLayer::new())
        }
        Pages::Vite(url) => {
            let proxy = Proxy::new();
            Router::new().fallback(move |request: Request| {
                let (proxy, url) = (proxy.clone(), url.clone());
                async move {
                    proxy.forward(&url, request).await.unwrap_or_else(|error| {
                        (
                            StatusCode::BAD_GATEWAY,
                            format!("Vite does not answer: {error:#}"),
                        )
                            .into_response()
                    })
                }
            })
        }
    };
    Ok(
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let (policy, origin) = (policy.clone(), origin.clone());
            async move { around(request, next, policy, &origin).await }
        })),
    )
}

/// What the page may load and talk to: itself, and the S3 that files go to.
fn policy(pages: &Pages, settings: &Settings) -> String {
    let s3 = settings
        .optional("GRIDKEEP_S3_ENDPOINT")
        .and_then(|url| url.parse::<Url>().ok())
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    // Vite puts its client into the page and its styles into `<style>`.
    let (script, connect) = match pages {
        Pages::Built => ("'self'", String::new()),
        Pages::Vite(_) => (
            "'self' 'unsafe-inline'",
            " ws: http://localhost:*".to_owned(),
        ),
    };
    format!(
        "default-src 'self'; script-src {script}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
         font-src 'self' data:; connect-src 'self' {s3}{connect}; worker-src 'self' blob:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

async fn around(request: Request, next: Next, policy: HeaderValue, origin: &str) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    // Cookies and the sign-in's way back belong to one origin; `127.0.0.1` would be another.
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let wanted = origin.split_once("://").map(|(_, host)| host);
    if host.is_some() && host != wanted {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        return Redirect::temporary(&format!("{origin}{path}")).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn cache(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let value = if is_asset && response.status().is_success() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}
