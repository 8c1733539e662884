//! `/datasets/{id}/rows`: pages of rows, one row, one cell. [`crate::query`] reads what is asked for; `store::rows` finds
//! the rows; [`crate::page`] keeps the answer short enough to be sent, [`crate::kept`] keeps it.

use axum::{extract::State, response::Response};
use contracts::{
    DatasetId,
    dataset::{CellAt, RowAt, RowPage},
};
use http::HeaderMap;
use platform::{
    access::{Access, Viewer},
    http::{Json, Path, Query, etag, openapi::Problems},
};
use serde::Deserialize;
use serde_json::Value;
use store::{At, RowsQuery, Store};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    commits,
    config::App,
    error::Error,
    kept::{self, Of},
    page,
    query::{RowsParams, View},
    values,
};

/// Changes whenever the same rows would be written otherwise, so that no client keeps an old spelling.
const WRITING: &str = "rows-1";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_rows))
        .routes(routes!(show_row))
        .routes(routes!(show_cell))
}

/// A page of rows, all of one version
///
/// `next` goes on at the same version, however often the dataset changes meanwhile. Pages over 5 MB end early; `next` then
/// begins at the first row left off.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/rows", tag = "rows",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), RowsParams),
    responses((status = 200, description = "The page.", body = RowPage,
            headers(("X-Cache" = String, description = "`hit`, `miss`, or `bypass` while the cache is not to be had."))),
        (status = 304, description = "As the client has it: a version never changes."),
        (status = 410, description = "The version is no longer kept."), Problems))]
async fn list_rows(
    access: Access<Viewer>,
    State(store): State<Store>,
    State(App(deps)): State<App>,
    headers: HeaderMap,
    Query(params): Query<RowsParams>,
) -> Result<Response, Error> {
    let view = View::read(access.dataset, params)?;
    let version = match view.at {
        // The head is known from the access check; asking for it by number saves a statement.
        At::Head => access.head,
        At::Version(version) => version,
        at @ At::AsOf(_) => store.resolve(access.no, at).await?.version,
    };
    let of = Of {
        writing: WRITING,
        dataset: access.dataset,
        version,
        asked: &view.fingerprint(),
    };
    let made = make_page(&store, access.dataset, access.no, version, &view);
    kept::answer(&deps, &headers, of, made).await
}

async fn make_page(
    store: &Store,
    dataset: DatasetId,
    no: i64,
    version: i64,
    view: &View,
) -> Result<Vec<u8>, Error> {
    let query = RowsQuery {
        at: At::Version(version),
        sort: view.sort.clone(),
        filter: view.filter.clone(),
        start: view.start,
        limit: view.limit,
    };
    let found = store.page(no, &query).await?;
    let mut rows = found.rows;
    let mut next = found.next;
    if page::fit(&mut rows)? {
        next = rows.last().and_then(|row| row.row_id.parse().ok());
    }
    let next = next
        .map(|after| view.cursor(found.version, after).encode(dataset))
        .transpose()?;
    Ok(serde_json::to_vec(&RowPage {
        version: found.version,
        columns: found.columns,
        rows,
        total: found.total,
        next,
    })?)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AtVersion {
    /// The head when left out.
    #[param(minimum = 1)]
    version: Option<i64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RowPath {
    /// The dataset.
    #[param(value_type = DatasetId)]
    #[expect(dead_code, reason = "read by Access; here for the OpenAPI document")]
    id: String,
    /// The row's id.
    pub row_id: String,
}

/// One row
#[utoipa::path(get, path = "/api/v1/datasets/{id}/rows/{row_id}", tag = "rows",
    security(("cookie" = []), ("bearer" = [])),
    params(RowPath, AtVersion),
    responses((status = 200, description = "The row at that version. Its ETag goes into `If-Match` of a write.", body = RowAt), Problems))]
async fn show_row(
    access: Access<Viewer>,
    State(store): State<Store>,
    Path(path): Path<RowPath>,
    Query(query): Query<AtVersion>,
) -> Result<Response, Error> {
    let at = at(query.version, access.head)?;
    let (version, columns, mut row) = store.row(access.no, at, row_id(&path.row_id)?).await?;
    page::fit_one(&mut row)?;
    // The version itself: what a write of this row is based on (`If-Match`).
    Ok(etag::tagged(
        &commits::row_tag(version),
        Json(RowAt {
            version,
            columns,
            row,
        }),
    ))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CellPath {
    /// The dataset.
    #[param(value_type = DatasetId)]
    #[expect(dead_code, reason = "read by Access; here for the OpenAPI document")]
    id: String,
    /// The row's id.
    row_id: String,
    /// The column's id or name.
    column_id: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CellQuery {
    /// The head when left out.
    #[param(minimum = 1)]
    version: Option<i64>,
    /// Of a text: skip so many characters.
    from: Option<u64>,
    /// Of a text: at most so many characters. Everything when left out, which behind a gateway may be too much.
    #[param(minimum = 1)]
    chars: Option<u64>,
}

/// One cell, whole
///
/// Pages cut a cell over 10,000 characters; here it is whole, or in slices of `chars` characters.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}", tag = "rows",
    security(("cookie" = []), ("bearer" = [])),
    params(CellPath, CellQuery),
    responses((status = 200, description = "The cell at that version.", body = CellAt),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_cell(
    access: Access<Viewer>,
    State(store): State<Store>,
    Path(path): Path<CellPath>,
    Query(query): Query<CellQuery>,
) -> Result<Json<CellAt>, Error> {
    let at = at(query.version, access.head)?;
    let (version, column, mut value) = store
        .cell(access.no, at, row_id(&path.row_id)?, &path.column_id)
        .await?;
    let mut chars = None;
    if let Value::String(text) = &mut value {
        chars = Some(text.chars().count() as u64);
        if query.from.is_some() || query.chars.is_some() {
            *text = slice(
                text,
                query.from.unwrap_or(0),
                query.chars.unwrap_or(u64::MAX),
            );
        }
    }
    Ok(Json(CellAt {
        version,
        column,
        value,
        chars,
    }))
}

fn slice(text: &str, from: u64, chars: u64) -> String {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    text.chars().skip(size(from)).take(size(chars)).collect()
}

fn at(version: Option<i64>, head: i64) -> Result<At, Error> {
    match version {
        None => Ok(At::Version(head)),
        Some(version @ 1..) => Ok(At::Version(version)),
        Some(_) => Err(Error::invalid("version", "Versions count from 1.")),
    }
}

/// A row id that is none is like a row that is not there.
pub fn row_id(text: &str) -> Result<i64, Error> {
    values::read_row_id(text).ok_or(Error::Store(store::Error::NotFound("row")))
}
