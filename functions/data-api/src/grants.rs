//! `/datasets/{id}/grants`: who has which role. `platform::access` asks PostgreSQL on every request, so a change is at work on
//! the next one.

use axum::extract::State;
use contracts::{
    DatasetId, UserId,
    dataset::{DatasetGrant, DatasetGrantList, Role},
};
use http::StatusCode;
use platform::{
    access::{Access, Owner, Viewer},
    http::{Json, Path, openapi::Problems},
};
use serde::Deserialize;
use store::Store;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_grants))
        .routes(routes!(put_grant, delete_grant))
}

/// Everybody who has a role on a dataset
#[utoipa::path(get, path = "/api/v1/datasets/{id}/grants", tag = "grants",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "Owners first, then by name.", body = DatasetGrantList),
        (status = 304, description = "As the client has it."), Problems))]
async fn list_grants(
    access: Access<Viewer>,
    State(store): State<Store>,
) -> Result<Json<DatasetGrantList>, Error> {
    Ok(Json(DatasetGrantList {
        grants: store.list_grants(access.no).await?,
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct GrantPath {
    /// The dataset.
    #[param(value_type = DatasetId)]
    #[expect(dead_code, reason = "read by Access; here for the OpenAPI document")]
    id: String,
    /// The member.
    #[param(value_type = UserId)]
    user_id: String,
}

impl GrantPath {
    /// An id that is none is like a member that is not there.
    fn member(&self) -> Result<UserId, Error> {
        self.user_id
            .parse()
            .map_err(|_| Error::Store(store::Error::NotFound("user")))
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutGrant {
    role: Role,
}

/// Give a member a role (owners)
///
/// In place of the one they have. The last owner stays one (`conflict`).
#[utoipa::path(put, path = "/api/v1/datasets/{id}/grants/{user_id}", tag = "grants",
    security(("cookie" = []), ("bearer" = [])),
    params(GrantPath),
    request_body = PutGrant,
    responses((status = 200, description = "At work on the next request.", body = DatasetGrant), Problems))]
async fn put_grant(
    access: Access<Owner>,
    State(store): State<Store>,
    Path(path): Path<GrantPath>,
    Json(body): Json<PutGrant>,
) -> Result<Json<DatasetGrant>, Error> {
    let grant = store.grant(access.no, path.member()?, body.role).await?;
    tracing::info!(dataset.id = %access.dataset, user.id = %grant.user.id, "a role was given");
    Ok(Json(grant))
}

/// Take a member's role away (owners)
///
/// From the next request on the dataset does not exist for them. The last owner stays (`conflict`).
#[utoipa::path(delete, path = "/api/v1/datasets/{id}/grants/{user_id}", tag = "grants",
    security(("cookie" = []), ("bearer" = [])),
    params(GrantPath),
    responses((status = 204, description = "They have no role any more."), Problems))]
async fn delete_grant(
    access: Access<Owner>,
    State(store): State<Store>,
    Path(path): Path<GrantPath>,
) -> Result<StatusCode, Error> {
    let member = path.member()?;
    store.revoke(access.no, member).await?;
    tracing::info!(dataset.id = %access.dataset, user.id = %member, "a role was taken away");
    Ok(StatusCode::NO_CONTENT)
}
