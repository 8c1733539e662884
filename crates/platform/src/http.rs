//! What every HTTP function wears. A function's library makes its bare routes (`router(deps)`, absolute paths); whoever
//! mounts them (its Lambda main, the host) merges what it mounts and puts [`layer`] around it once.
//!
//! The parts: [`error`] (problems), [`extract`] (bodies, paths and queries whose rejections are problems), `layer`
//! (everything around a request), [`etag`], [`openapi`]. Who asks is `crate::auth`.

pub mod error;
pub mod etag;
pub mod extract;
mod layer;
pub mod openapi;

pub use error::ApiError;
pub use extract::{Json, Path, Query};
pub use layer::{HttpConfig, RequestId, layer, same_origin_path};

/// The cookie that carries the access token is this plus the deployment's suffix.
pub const ACCESS_COOKIE: &str = "__Host-gridkeep";
/// The cookie that carries the refresh token is this plus the deployment's suffix.
pub const REFRESH_COOKIE: &str = "__Secure-gridkeep-refresh";

/// The values of the request's cookies of that name, in the browser's order.
pub fn cookie<'a>(headers: &'a http::HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(http::header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| value)
}
