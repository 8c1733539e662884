//! Which uploads exist for a caller: those of datasets that they have a grant on. [`UploadAccess`] is the extractor that a
//! handler of `/uploads/{id}` takes, as `platform::access` has one for `/datasets/{id}`.

use std::{marker::PhantomData, sync::Arc};

use axum::extract::{FromRequestParts, RawPathParams};
use contracts::UploadId;
use http::request::Parts;
use platform::{access::AtLeast, auth::Caller, http::ApiError};
use store::Import;

use crate::{
    config::{App, Deps},
    error::Error,
};

/// The upload of the route's `{id}`, whose dataset gives the caller at least role `R`.
#[derive(Debug)]
pub struct UploadAccess<R> {
    pub import: Import,
    role: PhantomData<R>,
}

impl<R: AtLeast> FromRequestParts<App> for UploadAccess<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(ApiError::internal)?;
        let id = params
            .iter()
            .find(|(name, _)| *name == "id")
            .and_then(|(_, id)| id.parse().ok())
            .ok_or_else(|| ApiError::not_found("upload"))?;
        Ok(Self {
            import: visible::<R>(&app.0, caller, id).await?,
            role: PhantomData,
        })
    }
}

async fn visible<R: AtLeast>(
    deps: &Arc<Deps>,
    caller: Caller,
    id: UploadId,
) -> Result<Import, Error> {
    let missing = || Error::from(ApiError::not_found("upload"));
    let import = deps.store.import(id).await?.ok_or_else(missing)?;
    // A dataset that is no more (deleted, or given up with its only upload) leaves its uploads to who sent them.
    let role = sqlx::query_scalar!(
        "select g.role from gk.dataset_grant g
         join gk.dataset d on d.no = g.dataset
         where g.member = $1 and g.dataset = $2 and (d.deleted_at is null or $3)",
        caller.user.to_string(),
        import.dataset_no,
        import.member == caller.user,
    )
    .fetch_optional(&deps.pool)
    .await?
    .ok_or_else(missing)?;
    let role = serde_json::from_value(role.into()).map_err(ApiError::internal)?;
    if R::ROLE > role {
        let detail =
            "You may look at this upload, not change it: that takes an editor of its dataset.";
        return Err(ApiError::forbidden(detail).into());
    }
    Ok(import)
}
