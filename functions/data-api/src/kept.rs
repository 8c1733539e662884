//! Answers that never change: those of one version. Kept in Redis (`platform::cache`) and by clients, under everything that their
//! bytes depend on. Which version is meant, and whether the caller may see it, was asked before.

use axum::response::Response;
use contracts::DatasetId;
use http::{HeaderMap, HeaderName, header};
use platform::http::etag;

use crate::{config::Deps, error::Error};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What an answer is of.
pub struct Of<'a> {
    /// Changes whenever the same would be written otherwise, so that nobody keeps an old spelling: `rows-1`.
    pub writing: &'a str,
    pub dataset: DatasetId,
    pub version: i64,
    /// All else that was asked for.
    pub asked: &'a str,
}

/// 304 for who has it, else the kept JSON, else the JSON that `make` makes.
pub async fn answer(
    deps: &Deps,
    headers: &HeaderMap,
    of: Of<'_>,
    make: impl Future<Output = Result<Vec<u8>, Error>> + Send,
) -> Result<Response, Error> {
    let (dataset, version) = (of.dataset.to_string(), of.version.to_string());
    let tag = etag::of(&[of.writing, &dataset, &version, of.asked]);
    if let Some(not_modified) = etag::fresh(headers, &tag) {
        return Ok(not_modified);
    }
    // In braces: a cluster keeps what belongs to one dataset together.
    let key = format!("{{{dataset}}}:{version}:{tag}");
    let (json, found) = deps.cache.get_or(&key, make).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (X_CACHE, found.word()),
    ];
    Ok(etag::tagged(&tag, (headers, json)))
}
