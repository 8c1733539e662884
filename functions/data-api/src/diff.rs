//! `/datasets/{id}/diff`: two versions held against each other. `store::diff` finds what changed.

use axum::{extract::State, response::Response};
use contracts::{DatasetId, commit::Diff};
use http::HeaderMap;
use platform::{
    access::{Access, Viewer},
    http::{Json, Query, etag, openapi::Problems},
};
use serde::Deserialize;
use store::Store;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error, limit, page};

const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1_000;
/// Changes whenever the same comparison would be written otherwise.
const WRITING: &str = "diff-1";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_diff))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DiffParams {
    /// The version to compare from.
    #[param(minimum = 1)]
    from: i64,
    /// The version to compare with; the head when left out.
    #[param(minimum = 1)]
    to: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// What changed between two versions
///
/// Rows that were inserted, updated or deleted, in the order of row ids, with both sides of each; the counts are of all of them.
/// The cost is that of what changed. Pages over 5 MB end early.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/diff", tag = "versions",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), DiffParams),
    responses((status = 200, description = "A page of changed rows.", body = Diff),
        (status = 304, description = "As the client has it: versions never change."), Problems))]
async fn show_diff(
    access: Access<Viewer>,
    State(store): State<Store>,
    headers: HeaderMap,
    Query(params): Query<DiffParams>,
) -> Result<Response, Error> {
    let limit = limit(params.limit, PAGE, PAGE_MAX)?;
    let to = params.to.unwrap_or(access.head);
    for (name, version) in [("from", params.from), ("to", to)] {
        if version < 1 {
            return Err(Error::invalid(name, "Versions count from 1."));
        }
    }
    let after = params
        .cursor
        .as_deref()
        .map(|cursor| {
            crate::values::read_row_id(cursor)
                .ok_or_else(|| Error::invalid("cursor", "This is not a cursor of this list."))
        })
        .transpose()?;
    let tag = etag::of(&[
        WRITING,
        &access.dataset.to_string(),
        &format!("{} {to} {after:?} {limit}", params.from),
    ]);
    if let Some(not_modified) = etag::fresh(&headers, &tag) {
        return Ok(not_modified);
    }
    let mut diff = store.diff(access.no, params.from, to, after, limit).await?;
    if page::fit(&mut diff.rows)? {
        diff.next = diff.rows.last().map(|row| row.row_id.clone());
    }
    Ok(etag::tagged(&tag, Json(diff)))
}
