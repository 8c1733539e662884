//! Entity tags. A JSON answer without one gets a hash of its bytes from the layer; a handler that knows its tag before the
//! work (a version, a query) asks [`fresh`] first and saves the work.

use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

/// A tag made of parts that together determine the answer's bytes.
#[must_use]
pub fn of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    quoted(hash)
}

/// A tag of the bytes themselves.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    quoted(Sha256::new_with_prefix(bytes))
}

fn quoted(hash: Sha256) -> String {
    let digest = hash.finalize();
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
    )
}

/// The 304 to answer with, when the client says that it has `tag` already.
#[must_use]
pub fn fresh(request: &HeaderMap, tag: &str) -> Option<Response> {
    let has = request
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*");
    has.then(|| tagged(tag, StatusCode::NOT_MODIFIED))
}

/// The answer with its tag.
#[must_use]
pub fn tagged(tag: &str, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}
