//! `/uploads`: asking for one, watching it, cancelling it. The bytes themselves go to S3 by the link; from there on
//! functions/etl has the file, and PostgreSQL's import row tells here how far it is.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use contracts::{
    Code, DatasetId, Problem, UploadId,
    dataset::Role,
    events::Work,
    upload::{
        ChangeUpload, CompleteUpload, ConfirmUpload, CreateUpload, CreatedUpload, PartLinks,
        PlaceList, Preview, SendTo, Target, Upload, UploadList, UploadState,
    },
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use platform::{
    access::{Editor, Grant, Viewer, require},
    auth::Caller,
    http::{ApiError, Json, Query, etag, openapi::Problems},
    s3::has_object,
    telemetry::chain,
};
use serde::Deserialize;
use serde_json::Value;
use store::{At, Import, NewImport, Overdue};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::{App, Deps},
    error::{Error, is_over},
    link::{self, object_key},
    multipart::{self, Completed, Multipart},
    record::{Kept, UploadRecord, upload_of_key},
    request::{ChangeRequest, Destination, UploadRequest, invalid},
    visible::UploadAccess,
};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
const WARNINGS_PAGE: u32 = 200;
/// Uploads that are looked after in one request.
const OVERDUE_AT_ONCE: u32 = 20;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_upload, list_uploads))
        .routes(routes!(show_upload, change_upload, cancel_upload))
        .routes(routes!(confirm_upload))
        .routes(routes!(show_preview))
        .routes(routes!(list_parts))
        .routes(routes!(complete_upload))
        .routes(routes!(list_warnings))
}

/// Ask to upload a file
///
/// Answers with a link to PUT the bytes to, or with one for each part of a file that is larger than 256 MiB or whose parts'
/// checksums are given; the parts are then put together by `/complete`. Length and (when given) checksum are signed: send
/// exactly the file, with the answer's headers. The rows go into a new dataset (`mode` "new", `dataset.new_name`) or into one that the caller may
/// edit ("append", "upsert", "replace" or "sync", `dataset.id`); `key` names the columns by which upsert and sync tell rows apart.
/// With `confirm` "ask" nothing is published before it is confirmed: look at `/preview` first.
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
    if let Destination::Existing { id, key, .. } = &request.destination {
        let grant = require(&deps.pool, caller.user, *id, Role::Editor).await?;
        check_key(&deps, &grant, key).await?;
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

/// The dataset must have the key's columns; whether the file has them shows when it is read.
async fn check_key(deps: &Deps, grant: &Grant, key: &[String]) -> Result<(), Error> {
    if key.is_empty() {
        return Ok(());
    }
    let dataset = deps
        .store
        .resolve(grant.no, At::Version(grant.head))
        .await?;
    for (no, wanted) in key.iter().enumerate() {
        let mut columns = dataset.columns.iter().map(|stored| &stored.column);
        if !columns.any(|column| column.id == *wanted || column.name == *wanted) {
            let detail = format!("The dataset has no column {wanted:?}.");
            return Err(invalid(&format!("/key/{no}"), detail).into());
        }
    }
    Ok(())
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
    let mut expires_in = link::patience(deps.upload_expiry, request.bytes);
    let to = match request.part_bytes() {
        None => {
            let lifetime = deps.upload_expiry;
            Kept::Whole(link::sign(&deps.s3, &deps.bucket, &key, &request, now, lifetime).await?)
        }
        Some(part_bytes) => {
            expires_in = expires_in.max(multipart::RESUMED_WITHIN);
            let multipart =
                Multipart::create(&deps.s3, &deps.bucket, &key, &request, part_bytes).await?;
            Kept::Parts { multipart }
        }
    };
    let record = UploadRecord::new(upload, caller.user, &request, &deps.bucket, &key, to, now);
    record.save(&deps.mongo).await?;

    let mode = request.destination.mode();
    let (target, key_columns) = match request.destination {
        Destination::New { name } => (Target::New { new_name: name }, Vec::new()),
        Destination::Existing { id, key, .. } => (Target::Existing { id }, key),
    };
    let import = NewImport {
        upload,
        member: caller.user,
        file_name: request.file_name,
        bytes: request.bytes,
        target,
        mode,
        key: key_columns,
        options: request.options,
        confirm: request.confirm,
        object_key: key,
        expires_in,
    };
    deps.store.create_import(import).await?;
    tracing::info!(upload.id = %upload, user.id = %caller.user, bytes = record.bytes, "upload {upload} was asked for");
    answer(deps, record).await
}

/// The answer to a request that an idempotency key repeats, if the first one came to its end.
async fn asked_before(deps: &Deps, upload: UploadId) -> Result<Option<CreatedUpload>, Error> {
    if deps.store.import(upload).await?.is_none() {
        return Ok(None);
    }
    match UploadRecord::find(&deps.mongo, upload).await? {
        Some(record) => answer(deps, record).await.map(Some),
        None => Ok(None),
    }
}

async fn answer(deps: &Deps, record: UploadRecord) -> Result<CreatedUpload, Error> {
    let to = match record.to {
        Kept::Whole(link) => SendTo::Whole(link),
        Kept::Parts { multipart } => {
            let none = BTreeMap::new();
            let lifetime = deps.upload_expiry;
            let links = multipart.links(&deps.s3, &deps.bucket, &record.key, &none, lifetime);
            SendTo::Parts(links.await?)
        }
    };
    Ok(CreatedUpload { id: record.id, to })
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
    settle_overdue(&deps).await?;
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
    caller: Caller,
    UploadAccess { import, .. }: UploadAccess<Viewer>,
    State(deps): State<Arc<Deps>>,
) -> Result<Json<Upload>, Error> {
    let upload = current(&deps, import).await?;
    Ok(Json(with_tables(&deps, caller, upload).await?))
}

/// Beside it the other tables of its file that the caller may see.
async fn with_tables(deps: &Deps, caller: Caller, mut upload: Upload) -> Result<Upload, Error> {
    if upload.table.is_some() {
        upload.tables = deps.store.file_tables(upload.id, caller.user).await?;
    }
    Ok(upload)
}

/// Those fail whose file never came. One that came and was not announced is announced by the consumer.
async fn settle_overdue(deps: &Deps) -> Result<(), Error> {
    let overdue = deps.store.overdue_imports(OVERDUE_AT_ONCE).await?;
    let mut is_any_there = false;
    for Overdue { upload, object_key } in overdue {
        match has_object(&deps.s3, &deps.bucket, &object_key).await {
            Ok(false) => {
                deps.store.expire_overdue(upload).await?;
            }
            Ok(true) => {
                deps.store.owe_work(upload).await?;
                is_any_there = true;
            }
            Err(error) => {
                tracing::info!(upload.id = %upload, error = chain(&error), "whether the file of an overdue upload is there is not known");
            }
        }
    }
    if is_any_there {
        deps.wake_consumer("a file was not announced").await;
    }
    Ok(())
}

/// The upload, failed by now when its file never came.
async fn current(deps: &Deps, import: Import) -> Result<Upload, Error> {
    if import.upload.state != UploadState::Created {
        return Ok(import.upload);
    }
    settle_overdue(deps).await?;
    let id = import.upload.id;
    Ok(deps
        .store
        .import(id)
        .await?
        .map_or(import.upload, |import| import.upload))
}

/// Read the file of an upload otherwise
///
/// Before it is confirmed, where `confirm` is "ask". A new generation takes the place of the former one: the file is read again, by these
/// options, mode and key; what is left out stays as it was, and `options` replaces all options. Which table of its file an upload reads
/// that another one's plan found stays. Tables that the new plan of a file does not find any more are cancelled.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    request_body = ChangeUpload,
    responses((status = 200, description = "It is being read again; its plan is null until then.", body = Upload),
        (status = 409, description = "The file has not come yet, or the upload is confirmed or over."), Problems))]
async fn change_upload(
    caller: Caller,
    UploadAccess { import, .. }: UploadAccess<Editor>,
    State(deps): State<Arc<Deps>>,
    Json(body): Json<Value>,
) -> Result<Json<Upload>, Error> {
    let ChangeRequest {
        generation,
        mode,
        key,
        options,
    } = ChangeRequest::read(body, &import.upload, import.part.is_some())?;
    let (upload, dataset) = (import.upload.id, import.upload.dataset_id);
    if !key.is_empty() {
        let grant = require(&deps.pool, caller.user, dataset, Role::Editor).await?;
        check_key(&deps, &grant, &key).await?;
    }
    let store = &deps.store;
    let generation = store
        .replan(upload, generation, mode, &key, &options)
        .await?;
    send_for_etl(&deps, upload, generation).await;
    tracing::info!(upload.id = %upload, generation, "upload {upload} is read otherwise");
    Ok(Json(again(&deps, caller, import).await?))
}

/// The message is owed until it is sent: if this fails, the consumer sends it.
async fn send_for_etl(deps: &Deps, upload: UploadId, generation: i32) {
    if let Err(error) = deps.send_work(&Work::Analyse { upload, generation }).await {
        tracing::warn!(upload.id = %upload, error = chain(&error), "etl will hear of other options later");
        deps.wake_consumer("work is owed").await;
    } else if let Err(error) = deps.store.work_sent(upload, generation).await {
        tracing::warn!(upload.id = %upload, error = chain(&error), "etl may hear of other options twice");
    }
}

/// Confirm an upload
///
/// What this generation's preview shows is published; at once where all of it is loaded, else as soon as it is. Confirming the
/// same generation again is fine.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/confirm", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    request_body = ConfirmUpload,
    responses((status = 200, description = "It is confirmed.", body = Upload),
        (status = 409, description = "Another generation has taken its place, other options have to mend something before, or the upload is over."), Problems))]
async fn confirm_upload(
    caller: Caller,
    UploadAccess { import, .. }: UploadAccess<Editor>,
    State(deps): State<Arc<Deps>>,
    Json(body): Json<ConfirmUpload>,
) -> Result<Json<Upload>, Error> {
    let upload = import.upload.id;
    deps.store.confirm(upload, body.generation).await?;
    // It is safe already: whatever fails here only makes the consumer look later.
    deps.wake_consumer("an upload is confirmed").await;
    tracing::info!(upload.id = %upload, generation = body.generation, "upload {upload} is confirmed");
    Ok(Json(again(&deps, caller, import).await?))
}

/// The upload as it is after a change.
async fn again(deps: &Deps, caller: Caller, import: Import) -> Result<Upload, Error> {
    let changed = deps.store.import(import.upload.id).await?;
    with_tables(deps, caller, changed.unwrap_or(import).upload).await
}

/// What confirming an upload would publish
///
/// Columns and warnings as soon as the file is read, rows and counts when they are loaded (`counts` is null before). Nobody sees the
/// rows elsewhere before they are published.
#[utoipa::path(get, path = "/api/v1/uploads/{id}/preview", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    responses((status = 200, description = "Of the newest generation.", body = Preview),
        (status = 409, description = "The file is not read yet."), Problems))]
async fn show_preview(
    UploadAccess { import, .. }: UploadAccess<Viewer>,
    State(deps): State<Arc<Deps>>,
) -> Result<Json<Preview>, Error> {
    Ok(Json(deps.store.preview(import.upload.id).await?))
}

/// The parts of an upload: which have come, and new links
///
/// For who began it, to go on after an interruption: send the parts that have no `etag`, then `/complete` with all. With checksums
/// given, the storage takes the same file only.
#[utoipa::path(get, path = "/api/v1/uploads/{id}/parts", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    responses((status = 200, description = "All parts, in the file's order.", body = PartLinks),
        (status = 409, description = "It is not sent in parts, or not any more."), Problems))]
async fn list_parts(
    caller: Caller,
    UploadAccess { import, .. }: UploadAccess<Editor>,
    State(deps): State<Arc<Deps>>,
) -> Result<Json<PartLinks>, Error> {
    let multipart = parts_of(&deps, caller, &import).await?;
    let import = still_open(&deps, import).await?;
    let key = &import.object_key;
    let there = multipart.received(&deps.s3, &deps.bucket, key).await?;
    let there = there.ok_or_else(already_sent)?;
    let links = multipart.links(&deps.s3, &deps.bucket, key, &there, deps.upload_expiry);
    Ok(Json(links.await?))
}

/// Put the parts of an upload together
///
/// When all have been sent. Asking again is fine.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/complete", tag = "uploads",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload.")),
    request_body = CompleteUpload,
    responses((status = 200, description = "The file is there; the upload as it is at this moment.", body = Upload),
        (status = 409, description = "A part has not come as listed, or the upload is over."), Problems))]
async fn complete_upload(
    caller: Caller,
    UploadAccess { import, .. }: UploadAccess<Editor>,
    State(deps): State<Arc<Deps>>,
    Json(body): Json<CompleteUpload>,
) -> Result<Json<Upload>, Error> {
    let multipart = parts_of(&deps, caller, &import).await?;
    match import.upload.state {
        UploadState::Created => {}
        state @ (UploadState::Failed | UploadState::Cancelled) => return Err(is_over(state).into()),
        _ => return Ok(Json(import.upload)),
    }
    let (s3, bucket, key) = (&deps.s3, &deps.bucket, &import.object_key);
    let done = multipart.complete(s3, bucket, key, &body.parts).await?;
    let is_there = async || {
        let there = has_object(s3, bucket, key).await;
        there.map_err(|e| Error::Storage(e.into()))
    };
    if done == Completed::Unknown && !is_there().await? {
        still_open(&deps, import).await?;
        let detail = "The parts of this file are not kept any more. Start the upload again.";
        return Err(Problem::new(Code::Expired, detail).into());
    }
    tracing::info!(upload.id = %import.upload.id, "all parts of upload {} are there", import.upload.id);
    Ok(Json(current(&deps, import).await?))
}

/// The upload if its file is still to come.
async fn still_open(deps: &Deps, import: Import) -> Result<Import, Error> {
    settle_overdue(deps).await?;
    let missing = || ApiError::not_found("upload");
    let import = deps.store.import(import.upload.id).await?;
    let import = import.ok_or_else(missing)?;
    match import.upload.state {
        UploadState::Created => Ok(import),
        state if state.is_final() => Err(is_over(state).into()),
        _ => Err(already_sent().into()),
    }
}

/// The parts are their sender's: a link to them writes the file.
async fn parts_of(deps: &Deps, caller: Caller, import: &Import) -> Result<Multipart, Error> {
    if import.member != caller.user {
        return Err(ApiError::forbidden("Only who began this upload may send its file.").into());
    }
    let record = UploadRecord::find(&deps.mongo, import.upload.id).await?;
    match record.map(|record| record.to) {
        Some(Kept::Parts { multipart }) => Ok(multipart),
        _ => {
            let detail = "This upload is sent in one piece, to the link that it was given.";
            Err(Problem::new(Code::Conflict, detail).into())
        }
    }
}

fn already_sent() -> Problem {
    Problem::new(Code::Conflict, "All of this file has been sent.")
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
/// Nothing of it becomes visible. Other tables of its file go on. Cancelling again is fine; a published or failed upload answers 409.
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
    // The next table of its file may wait for it; if this is lost, it waits a little longer.
    if import.upload.table.is_some() {
        deps.wake_consumer("a table is cancelled").await;
    }
    // The consumer's housekeeping does it again, and finds what still came after this.
    if import.upload.state == UploadState::Created
        && let Err(error) = multipart::abort(&deps.s3, &deps.bucket, &import.object_key).await
    {
        tracing::info!(upload.id = %import.upload.id, error = chain(&error), "the parts of a cancelled upload are left for later");
    }
    Ok(StatusCode::NO_CONTENT)
}
