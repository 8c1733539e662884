//! `/datasets/{id}/restore`: an older version's content as a new version. Nothing in between is lost: it can be restored too.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{DatasetId, commit::Committed};
use http::StatusCode;
use platform::{
    access::{Access, Editor},
    http::{Json, openapi::Problems},
};
use serde::Deserialize;
use store::{Restored, Store};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{commits::message, config::App, error::Error};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(restore_version))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreRequest {
    /// The version whose content is to be the head's.
    #[schema(minimum = 1)]
    version: i64,
    #[serde(default)]
    #[schema(max_length = 2000)]
    message: String,
}

/// Bring a version back (editors)
///
/// Makes a new version whose content equals the old one. Where the head is equal already it is answered with 200.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/restore", tag = "versions",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = RestoreRequest,
    responses((status = 201, description = "The new version.", body = Committed),
        (status = 200, description = "Nothing changes: the head.", body = Committed), Problems))]
async fn restore_version(
    access: Access<Editor>,
    State(store): State<Store>,
    Json(body): Json<RestoreRequest>,
) -> Result<Response, Error> {
    if body.version < 1 {
        return Err(Error::invalid("/version", "Versions count from 1."));
    }
    let message = message(&body.message)?;
    let restored = store
        .restore(access.no, access.user, body.version, message)
        .await?;
    let (status, version) = match restored {
        Restored::Published { version } => (StatusCode::CREATED, version),
        Restored::Unchanged { version } => (StatusCode::OK, version),
    };
    let committed = Committed {
        version,
        rows: Vec::new(),
    };
    Ok((status, Json(committed)).into_response())
}
