//! `/datasets`: those shared with the caller, and one of them. Their rows are in [`crate::rows`].

use axum::extract::State;
use contracts::{
    DatasetId,
    dataset::{Dataset, DatasetList},
    names::checked_name,
};
use http::StatusCode;
use platform::{
    access::{Access, Owner, Viewer},
    auth::Caller,
    http::{Json, Query, openapi::Problems},
};
use serde::Deserialize;
use store::Store;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error, limit};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_datasets))
        .routes(routes!(show_dataset, rename_dataset, delete_dataset))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListDatasets {
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The datasets shared with the caller, newest first
///
/// A dataset made by an upload is listed from its first version.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(ListDatasets),
    responses((status = 200, description = "A page of datasets.", body = DatasetList), Problems))]
async fn list_datasets(
    caller: Caller,
    State(store): State<Store>,
    Query(query): Query<ListDatasets>,
) -> Result<Json<DatasetList>, Error> {
    let limit = limit(query.limit, PAGE, PAGE_MAX)?;
    let page = store
        .list_datasets(caller.user, query.cursor.as_deref(), limit)
        .await?;
    Ok(Json(DatasetList {
        datasets: page.datasets,
        next: page.next,
    }))
}

/// A dataset at its head version
#[utoipa::path(get, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "As it is at this moment.", body = Dataset),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_dataset(
    access: Access<Viewer>,
    State(store): State<Store>,
) -> Result<Json<Dataset>, Error> {
    Ok(Json(store.show_dataset(access.no, access.user).await?))
}

/// What may be changed of a dataset itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameDataset {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
}

/// Rename a dataset (owners)
#[utoipa::path(patch, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = RenameDataset,
    responses((status = 200, description = "With its new name.", body = Dataset), Problems))]
async fn rename_dataset(
    access: Access<Owner>,
    State(store): State<Store>,
    Json(body): Json<RenameDataset>,
) -> Result<Json<Dataset>, Error> {
    let name = checked_name(&body.name)
        .map_err(|e| Error::invalid("/name", format!("The dataset's name {e}.")))?;
    store.rename_dataset(access.no, name).await?;
    Ok(Json(store.show_dataset(access.no, access.user).await?))
}

/// Delete a dataset with all its versions (owners)
#[utoipa::path(delete, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 204, description = "It is out of sight."), Problems))]
async fn delete_dataset(
    access: Access<Owner>,
    State(store): State<Store>,
) -> Result<StatusCode, Error> {
    store.delete_dataset(access.no).await?;
    tracing::info!(dataset.id = %access.dataset, user.id = %access.user, "dataset {} was deleted", access.dataset);
    Ok(StatusCode::NO_CONTENT)
}
