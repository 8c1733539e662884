//! `/datasets/{id}/hooks`: a dataset's inbound webhooks. A key is shown when it is made and never again. What is sent to a hook is
//! [`crate::receive`]'s.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use base64::{Engine, prelude::BASE64_STANDARD};
use contracts::{
    DatasetId, HookId,
    hook::{ChangeHook, CreateHook, Hook, HookDeliveryList, HookList, HookWithKey},
    names::checked_name,
    upload::Mode,
};
use http::StatusCode;
use platform::{
    access::{Access, Editor},
    http::{ApiError, Json, Path, Query, openapi::Problems},
};
use serde::Deserialize;
use store::{NewHook, StoredHook};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::{App, Deps},
    error::Error,
    request::{checked_options, invalid},
};

/// A rotation leaves senders so long to take the new key.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_hooks, create_hook))
        .routes(routes!(change_hook, delete_hook))
        .routes(routes!(rotate_hook))
        .routes(routes!(list_deliveries))
}

/// A key as the Standard Webhooks write it.
fn new_secret() -> String {
    let key = rand::random::<[u8; 32]>();
    format!("whsec_{}", BASE64_STANDARD.encode(key))
}

fn shown(deps: &Deps, hook: StoredHook) -> Hook {
    Hook {
        url: format!("{}/api/v1/hooks/{}", deps.origin, hook.id),
        id: hook.id,
        name: hook.name,
        mode: hook.mode,
        key: hook.key,
        options: hook.options,
        paused: hook.paused,
        former_key_until: hook.former_until,
        created_at: hook.created_at,
    }
}

fn checked(name: &str) -> Result<String, Error> {
    let name = checked_name(name).map_err(|e| invalid("/name", format!("The hook's name {e}.")))?;
    Ok(name.to_owned())
}

/// The hooks of a dataset (editors)
#[utoipa::path(get, path = "/api/v1/datasets/{id}/hooks", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "Oldest first, without their keys.", body = HookList),
        (status = 304, description = "As the client has it."), Problems))]
async fn list_hooks(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
) -> Result<Json<HookList>, Error> {
    let hooks = deps.store.list_hooks(access.no).await?;
    Ok(Json(HookList {
        hooks: hooks.into_iter().map(|hook| shown(&deps, hook)).collect(),
    }))
}

/// Make a hook (editors)
///
/// The answer has its key, which is not shown again. What is sent to it is imported as the dataset's owner.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/hooks", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = CreateHook,
    responses((status = 201, description = "It takes messages.", body = HookWithKey), Problems))]
async fn create_hook(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
    Json(body): Json<CreateHook>,
) -> Result<(StatusCode, Json<HookWithKey>), Error> {
    let name = checked(&body.name)?;
    if body.mode == Mode::New {
        let detail = "A hook belongs to a dataset, so its mode cannot be \"new\".";
        return Err(invalid("/mode", detail).into());
    }
    if body.key.is_empty() == body.mode.needs_key() {
        let detail = "A key is for the modes \"upsert\" and \"sync\", which need one.";
        return Err(invalid("/key", detail).into());
    }
    let options = serde_json::to_value(&body.options).map_err(ApiError::internal)?;
    let hook = NewHook {
        id: HookId::generate(),
        dataset_no: access.no,
        name,
        mode: body.mode,
        key: body.key,
        options: checked_options(options)?,
        secret: new_secret(),
    };
    deps.store.create_hook(&hook).await?;
    tracing::info!(hook.id = %hook.id, dataset.id = %access.dataset, "a hook was made");
    let made = deps.store.hook(hook.id).await?;
    let made = made.ok_or_else(|| ApiError::not_found("dataset"))?;
    let answer = HookWithKey {
        hook: shown(&deps, made),
        secret: hook.secret,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct HookPath {
    /// The dataset.
    #[param(value_type = DatasetId)]
    #[expect(dead_code, reason = "read by Access; here for the OpenAPI document")]
    id: String,
    /// The hook.
    #[param(value_type = HookId)]
    hook_id: String,
}

impl HookPath {
    /// An id that is none is like a hook that is not there.
    fn hook(&self) -> Result<HookId, Error> {
        self.hook_id
            .parse()
            .map_err(|_| ApiError::not_found("hook").into())
    }
}

/// Rename, pause or resume a hook (editors)
#[utoipa::path(patch, path = "/api/v1/datasets/{id}/hooks/{hook_id}", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(HookPath),
    request_body = ChangeHook,
    responses((status = 200, description = "The hook from now on.", body = Hook), Problems))]
async fn change_hook(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
    Path(path): Path<HookPath>,
    Json(body): Json<ChangeHook>,
) -> Result<Json<Hook>, Error> {
    let name = body.name.as_deref().map(checked).transpose()?;
    let changed = deps
        .store
        .change_hook(access.no, path.hook()?, name.as_deref(), body.paused)
        .await?;
    Ok(Json(shown(&deps, changed)))
}

/// Make a new key for a hook (editors)
///
/// The former key is good for another 24 hours.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/hooks/{hook_id}/rotate", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(HookPath),
    responses((status = 200, description = "The hook with its new key, which is not shown again.", body = HookWithKey), Problems))]
async fn rotate_hook(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
    Path(path): Path<HookPath>,
) -> Result<Json<HookWithKey>, Error> {
    let (hook, secret) = (path.hook()?, new_secret());
    let rotated = deps
        .store
        .rotate_hook(access.no, hook, &secret, OVERLAP)
        .await?;
    tracing::info!(hook.id = %hook, "a hook has a new key");
    Ok(Json(HookWithKey {
        hook: shown(&deps, rotated),
        secret,
    }))
}

/// Delete a hook (editors)
///
/// What it has taken stays.
#[utoipa::path(delete, path = "/api/v1/datasets/{id}/hooks/{hook_id}", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(HookPath),
    responses((status = 204, description = "It takes nothing any more."), Problems))]
async fn delete_hook(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
    Path(path): Path<HookPath>,
) -> Result<StatusCode, Error> {
    deps.store.delete_hook(access.no, path.hook()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListDeliveries {
    /// `next` of the page before.
    cursor: Option<String>,
    /// At most 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The messages that a hook has taken (editors)
#[utoipa::path(get, path = "/api/v1/datasets/{id}/hooks/{hook_id}/deliveries", tag = "doors",
    security(("cookie" = []), ("bearer" = [])),
    params(HookPath, ListDeliveries),
    responses((status = 200, description = "A page of them, newest first.", body = HookDeliveryList), Problems))]
async fn list_deliveries(
    access: Access<Editor>,
    State(deps): State<Arc<Deps>>,
    Path(path): Path<HookPath>,
    Query(query): Query<ListDeliveries>,
) -> Result<Json<HookDeliveryList>, Error> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::validation("limit", format!("`limit` is 1 to {PAGE_MAX}.")).into());
    }
    let cursor = query.cursor.as_deref();
    let page = deps
        .store
        .list_deliveries(access.no, path.hook()?, cursor, limit)
        .await?;
    Ok(Json(HookDeliveryList {
        deliveries: page.deliveries,
        next: page.next,
    }))
}
