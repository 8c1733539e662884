//! `/datasets/{id}/versions`: how a dataset came to be.

use axum::extract::State;
use contracts::{DatasetId, dataset::VersionList};
use platform::{
    access::{Access, Viewer},
    http::{Json, Query, openapi::Problems},
};
use serde::Deserialize;
use store::Store;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error, limit};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_versions))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Paging {
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The versions of a dataset, newest first
#[utoipa::path(get, path = "/api/v1/datasets/{id}/versions", tag = "versions",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), Paging),
    responses((status = 200, description = "A page of versions.", body = VersionList),
        (status = 304, description = "As the client has it."), Problems))]
async fn list_versions(
    access: Access<Viewer>,
    State(store): State<Store>,
    Query(query): Query<Paging>,
) -> Result<Json<VersionList>, Error> {
    let limit = limit(query.limit, PAGE, PAGE_MAX)?;
    let page = store
        .list_versions(access.no, query.cursor.as_deref(), limit)
        .await?;
    Ok(Json(VersionList {
        versions: page.versions,
        next: page.next,
    }))
}
