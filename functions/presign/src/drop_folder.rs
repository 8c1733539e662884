//! `/datasets/{id}/drop-folder`: where in the bucket a dataset's drop folder is. Who may write there is the bucket's to say; what is
//! dropped is functions/etl's.

use std::sync::Arc;

use axum::extract::State;
use contracts::{
    DatasetId,
    drop_folder::{DROP, DropFolder, OUTCOMES, SETTINGS_FILE},
};
use platform::{
    access::{Access, Editor},
    http::{Json, openapi::Problems},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::config::{App, Deps};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_drop_folder))
}

/// Where files for a dataset can be dropped (editors)
///
/// Every object that is put under `prefix` is imported as the dataset's owner: appended, unless the settings file (`mode`, `key` and
/// `options` as in `POST /uploads`) says otherwise. What became of it lies under `outcomes_prefix`, by the same path and `.json`.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/drop-folder", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "The place in the bucket.", body = DropFolder),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_drop_folder(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
) -> Json<DropFolder> {
    let dataset = access.dataset;
    Json(DropFolder {
        bucket: deps.bucket.clone(),
        prefix: format!("{DROP}{dataset}/"),
        settings_key: format!("{DROP}{dataset}/{SETTINGS_FILE}"),
        outcomes_prefix: format!("{OUTCOMES}{dataset}/"),
        endpoint: deps.endpoint.clone(),
        region: deps.region.clone(),
    })
}
