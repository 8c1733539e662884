//! `/uploads`: asking for one, watching it, cancelling it. The bytes themselves go to S3 by the link; from there on
//! functions/etl has the file, and PostgreSQL's import row tells here how far it is.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use contracts::{
    DatasetId, UploadId,
    dataset::Role,
    upload::{
        Confirm, CreateUpload, CreatedUpload, PlaceList, Target, Upload, UploadList, UploadState,
    },
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use platform::{
    access::{Editor, Viewer, require},
    auth::Caller,
    http::{ApiError, Json, Query, etag, openapi::Problems},
};
use serde::Deserialize;
use serde_json::Value;
use store::{Import, NewImport};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::{App, Deps},
    error::Error,
    link::{self, given_up_at, object_key},
    record::{UploadRecord, upload_of_key},
    request::{Destination, UploadRequest, invalid},
    visible::UploadAccess,
};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
const WARNINGS_PAGE: u32 = 200;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_upload, list_uploads))
        .routes(routes!(show_upload, cancel_upload))
        .routes(routes!(list_warnings))
}

/// Ask to upload a file
///
/// Answers with a link to PUT the bytes to. Length, type and (when given) checksum are signed: send exactly the file, with
/// the answer's headers. The rows go into a new dataset (`mode` "new", `dataset.new_name`) or into one that the caller may
/// edit ("append" or "replace", `dataset.id`).
#[utoipa::path(post, path = "/api/v1/uploads", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Asking again with the same key answers with the same upload.")),
    request_body = CreateUpload,
    responses((status = 201, description = "Send the file there.", body = CreatedUpload), Problems))]
async fn create_upload(
    caller: Caller,
    State(deps): State<Arc<Deps>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<CreatedUpload>), Error> {
    let fingerprint = etag::of_bytes(body.to_string().as_bytes());
    let request = UploadRequest::try_from(body)?;
    if request.confirm == Confirm::Ask {
        let detail = "\"ask\" is not available yet; use \"auto\", or look at the file first with `gridkeep inspect`.";
        return Err(invalid("/confirm", detail).into());
    }
    if let Destination::Existing { id, .. } = request.destination {
        require(&deps.pool, caller.user, id, Role::Editor).await?;
    }

    let mut upload = UploadId::generate();
    if let Some(key) = headers.get(IDEMPOTENCY_KEY) {
        let key = key.to_str().unwrap_or_default();
        upload = upload_of_key(&deps.mongo, caller.user, key, &fingerprint, upload).await?;
        if let Some(created) = asked_before(&deps, upload).await? {
            return Ok((StatusCode::CREATED, Json(created)));
        }
    }
    let created = begin(&deps, caller, upload, request).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Record first, import second, answer last: see [`crate::record`].
async fn begin(
    deps: &Deps,
    caller: Caller,
    upload: UploadId,
    request: UploadRequest,
) -> Result<CreatedUpload, Error> {
    let now = Timestamp::now();
    let key = object_key(upload, &request.file_name);
    let link = link::sign(
        &deps.s3,
        &deps.bucket,
        &key,
        &request,
        now,
        deps.upload_expiry,
    )
    .await?;
    let record = UploadRecord::new(
        upload,
        caller.user,
        &request,
        &deps.bucket,
        &key,
        &link,
        now,
    );
    record.save(&deps.mongo).await?;

    let mode = request.destination.mode();
    let given_up_in = given_up_at(&link, request.bytes).duration_since(now);
    let import = NewImport {
        upload,
        member: caller.user,
        file_name: request.file_name,
        bytes: request.bytes,
        target: match request.destination {
            Destination::New { name } => Target::New { new_name: name },
            Destination::Existing { id, .. } => Target::Existing { id },
        },
        mode,
        key: Vec::new(),
        options: request.options,
        confirm: request.confirm,
        object_key: key,
        expires_in: Duration::try_from(given_up_in).unwrap_or(deps.upload_expiry),
    };
    deps.store.create_import(import).await?;
    tracing::info!(upload.id = %upload, user.id = %caller.user, bytes = record.bytes, "upload {upload} was asked for");
    Ok(answer(record))
}

/// The answer to a request that an idempotency key repeats, if the first one came to its end.
async fn asked_before(deps: &Deps, upload: UploadId) -> Result<Option<CreatedUpload>, Error> {
    if deps.store.import(upload).await?.is_none() {
        return Ok(None);
    }
    Ok(UploadRecord::find(&deps.mongo, upload).await?.map(answer))
}

fn answer(record: UploadRecord) -> CreatedUpload {
    let expires_at =
        Timestamp::from_millisecond(record.expires_at.timestamp_millis()).unwrap_or(Timestamp::MIN);
    CreatedUpload {
        id: record.id,
        method: record.method,
        url: record.url,
        headers: record.headers,
        expires_at: format!("{expires_at:.6}"),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListUploads {
    /// The uploads into this dataset, whoever sent them, in place of the caller's own.
    #[param(value_type = Option<DatasetId>)]
    dataset: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// At most 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The caller's uploads, newest first, without their plans
#[utoipa::path(get, path = "/api/v1/uploads", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(ListUploads),
    responses((status = 200, description = "A page of uploads.", body = UploadList), Problems))]
async fn list_uploads(
    caller: Caller,
    State(deps): State<Arc<Deps>>,
    Query(query): Query<ListUploads>,
) -> Result<Json<UploadList>, Error> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::validation("limit", format!("`limit` is 1 to {PAGE_MAX}.")).into());
    }
    deps.store.expire_overdue().await?;
    let cursor = query.cursor.as_deref();
    let page = match query.dataset {
        None => deps.store.list_imports(caller.user, cursor, limit).await?,
        Some(dataset) => {
            let dataset = dataset
                .parse()
                .map_err(|_| ApiError::not_found("dataset"))?;
            let grant = require(&deps.pool, caller.user, dataset, Role::Viewer).await?;
            deps.store
                .list_dataset_imports(grant.no, cursor, limit)
                .await?
        }
    };
    Ok(Json(UploadList {
        uploads: page.uploads,
        next: page.next,
    }))
}

/// An upload: state, progress, plan, receipt or problem
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    responses((status = 200, description = "As it is at this moment.", body = Upload),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_upload(
    UploadAccess { import, .. }: UploadAccess<Viewer>,
    State(deps): State<Arc<Deps>>,
) -> Result<Json<Upload>, Error> {
    Ok(Json(current(&deps, import).await?))
}

/// The upload, failed by now when its file never came.
async fn current(deps: &Deps, import: Import) -> Result<Upload, Error> {
    if import.upload.state != UploadState::Created {
        return Ok(import.upload);
    }
    deps.store.expire_overdue().await?;
    let id = import.upload.id;
    Ok(deps
        .store
        .import(id)
        .await?
        .map_or(import.upload, |import| import.upload))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListWarnings {
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The warnings of an upload's newest plan, with their places in the file
///
/// The first 1,000 of each code; the plan counts them all.
#[utoipa::path(get, path = "/api/v1/uploads/{id}/warnings", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload."), ListWarnings),
    responses((status = 200, description = "A page of places, in the file's order.", body = PlaceList), Problems))]
async fn list_warnings(
    UploadAccess { import, .. }: UploadAccess<Viewer>,
    State(deps): State<Arc<Deps>>,
    Query(query): Query<ListWarnings>,
) -> Result<Json<PlaceList>, Error> {
    let page = deps
        .store
        .warnings(import.upload.id, query.cursor.as_deref(), WARNINGS_PAGE)
        .await?;
    Ok(Json(PlaceList {
        places: page.places,
        next: page.next,
    }))
}

/// Cancel an upload
///
/// Nothing of it becomes visible. Cancelling again is fine; a published or failed upload answers 409.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    responses((status = 204, description = "It is cancelled."),
        (status = 409, description = "It is published or failed already."), Problems))]
async fn cancel_upload(
    UploadAccess { import, .. }: UploadAccess<Editor>,
    State(deps): State<Arc<Deps>>,
) -> Result<StatusCode, Error> {
    deps.store.cancel(import.upload.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
