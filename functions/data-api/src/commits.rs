//! Changes of rows: many in one commit, or a single row. Whatever is written names the version it was made on; different cells
//! of a row merge, the same cell answers with both values. `store::commits` does it; the cells are read by [`crate::values`].

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{
    Code, DatasetId, Problem,
    commit::{
        CHANGES_MAX, CellError, Change, ChangeOp, CommitRequest, Committed, MESSAGE_CHARS_MAX,
    },
    dataset::VersionKind,
};
use http::{HeaderMap, StatusCode, header};
use platform::{
    access::{Access, Editor, Grant},
    http::{Json, Path, openapi::Problems},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use store::{At, Commit, IdempotencyKey, NewCommit, Store};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::App,
    error::Error,
    quarantine,
    rows::RowPath,
    values::{self, Values},
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_commit))
        .routes(routes!(create_row))
        .routes(routes!(update_row, delete_row))
}

/// The tag of a row as read at a version.
pub fn row_tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// Change rows: all of it becomes one version, or nothing does (editors)
///
/// Cells that somebody else changed since `base_version` are told with both values (`conflict`, in `conflicts`), cells that
/// cannot be taken are all named (`validation`, in `errors`); either way nothing is written. Where everything is as asked for
/// already, the head is answered with 200. With an `Idempotency-Key` the same request sent again answers the same version.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/commits", tag = "commits",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters of the client's choice, one per intended commit.")),
    request_body = CommitRequest,
    responses((status = 201, description = "The new version.", body = Committed),
        (status = 200, description = "Nothing changes: the head.", body = Committed), Problems))]
async fn create_commit(
    access: Access<Editor>,
    State(store): State<Store>,
    headers: HeaderMap,
    Json(body): Json<CommitRequest>,
) -> Result<Response, Error> {
    let done = commit(&store, &access, &headers, &body).await?;
    Ok(answer(done))
}

/// The cells of one row.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RowCells {
    /// Column id to value.
    #[schema(value_type = Object)]
    cells: Map<String, Value>,
}

/// A new row and the version that has it.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedRow {
    version: i64,
    row_id: String,
}

/// Insert a row at the end (editors)
#[utoipa::path(post, path = "/api/v1/datasets/{id}/rows", tag = "commits",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."),
        ("Idempotency-Key" = Option<String>, Header, description = "As of a commit.")),
    request_body = RowCells,
    responses((status = 201, description = "The row and its version.", body = CreatedRow), Problems))]
async fn create_row(
    access: Access<Editor>,
    State(store): State<Store>,
    headers: HeaderMap,
    Json(body): Json<RowCells>,
) -> Result<Response, Error> {
    let request = single(access.head, ChangeOp::Insert, None, body.cells);
    let done = commit(&store, &access, &headers, &request).await?;
    let created = CreatedRow {
        version: done.committed.version,
        row_id: done.committed.rows.into_iter().next().unwrap_or_default(),
    };
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

/// Change cells of a row (editors)
///
/// `If-Match` is the ETag that the row was read with. A cell that somebody else changed since answers 412 with both values.
#[utoipa::path(patch, path = "/api/v1/datasets/{id}/rows/{row_id}", tag = "commits",
    security(("cookie" = []), ("bearer" = [])),
    params(RowPath, ("If-Match" = String, Header, description = "The row's ETag.")),
    request_body = RowCells,
    responses((status = 200, description = "The version that has it.", body = Committed), Problems))]
async fn update_row(
    access: Access<Editor>,
    State(store): State<Store>,
    Path(path): Path<RowPath>,
    headers: HeaderMap,
    Json(body): Json<RowCells>,
) -> Result<Json<Committed>, Error> {
    let base = base_of(&headers, access.head)?;
    write_row(
        &store,
        &access,
        &headers,
        single(base, ChangeOp::Update, Some(path.row_id), body.cells),
    )
    .await
}

/// Delete a row (editors)
///
/// `If-Match` is the ETag that the row was read with. A row that somebody else changed since answers 412.
#[utoipa::path(delete, path = "/api/v1/datasets/{id}/rows/{row_id}", tag = "commits",
    security(("cookie" = []), ("bearer" = [])),
    params(RowPath, ("If-Match" = String, Header, description = "The row's ETag.")),
    responses((status = 200, description = "The version that no longer has it.", body = Committed), Problems))]
async fn delete_row(
    access: Access<Editor>,
    State(store): State<Store>,
    Path(path): Path<RowPath>,
    headers: HeaderMap,
) -> Result<Json<Committed>, Error> {
    let base = base_of(&headers, access.head)?;
    write_row(
        &store,
        &access,
        &headers,
        single(base, ChangeOp::Delete, Some(path.row_id), Map::new()),
    )
    .await
}

async fn write_row(
    store: &Store,
    access: &Access<Editor>,
    headers: &HeaderMap,
    request: CommitRequest,
) -> Result<Json<Committed>, Error> {
    let row_id = request
        .changes
        .first()
        .and_then(|change| change.row_id.as_deref());
    // A row that is not there is not found, whatever was to become of it.
    let row_id = crate::rows::row_id(row_id.unwrap_or_default())?;
    store
        .row(access.no, At::Version(access.head), row_id)
        .await?;
    match commit(store, access, headers, &request).await {
        Ok(done) => Ok(Json(done.committed)),
        Err(Error::Problem(problem)) if problem.code == Code::Conflict => Err(Error::Problem(
            problem.with_status(StatusCode::PRECONDITION_FAILED.as_u16()),
        )),
        Err(error) => Err(error),
    }
}

fn single(
    base_version: i64,
    op: ChangeOp,
    row_id: Option<String>,
    cells: Map<String, Value>,
) -> CommitRequest {
    CommitRequest {
        base_version,
        message: String::new(),
        changes: vec![Change { op, row_id, cells }],
    }
}

/// The version that a write is based on, from `If-Match`.
fn base_of(headers: &HeaderMap, head: i64) -> Result<i64, Error> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Error::Problem(
            Problem::new(
                Code::PreconditionRequired,
                "Send the row's ETag as `If-Match`, so that nobody else's change is overwritten unseen.",
            )
            .at("If-Match"),
        ));
    };
    let version = value.to_str().ok().and_then(|text| match text.trim() {
        "*" => Some(head),
        text => text
            .trim_start_matches("W/")
            .strip_prefix("\"v")?
            .strip_suffix('"')?
            .parse()
            .ok(),
    });
    version.filter(|version| (1..=head).contains(version)).ok_or_else(|| {
        Error::Problem(
            Problem::new(
                Code::Conflict,
                "`If-Match` is not the ETag of this row. Read the row again and send the one that comes with it.",
            )
            .at("If-Match")
            .with_status(StatusCode::PRECONDITION_FAILED.as_u16()),
        )
    })
}

struct Done {
    committed: Committed,
    changed: bool,
}

fn answer(done: Done) -> Response {
    let status = if done.changed {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    (status, Json(done.committed)).into_response()
}

async fn commit(
    store: &Store,
    grant: &Grant,
    headers: &HeaderMap,
    request: &CommitRequest,
) -> Result<Done, Error> {
    let message = message(&request.message)?;
    if request.changes.len() > CHANGES_MAX {
        return Err(Error::invalid(
            "/changes",
            format!("A commit has at most {CHANGES_MAX} changes. Send them as several commits."),
        ));
    }
    let head = At::Version(grant.head);
    let (head, rules) = tokio::try_join!(store.resolve(grant.no, head), store.rules(grant.no))?;
    let mut values = Values::new(&head.shown_columns(), &rules);
    let changes = request
        .changes
        .iter()
        .enumerate()
        .filter_map(|(no, change)| values.read(&format!("/changes/{no}"), change))
        .collect();
    if let Some(problem) = values.problem() {
        return Err(Error::Problem(problem));
    }
    let commit = NewCommit {
        author: grant.user,
        kind: kind(headers),
        message: message.to_owned(),
        base: request.base_version,
        changes,
        idempotency: idempotency(headers, request)?,
    };
    match store.commit(grant.no, &commit).await? {
        Commit::Done { version, rows, .. } => Ok(Done {
            committed: Committed {
                version,
                rows: rows.iter().map(ToString::to_string).collect(),
            },
            changed: true,
        }),
        Commit::Unchanged { version } => Ok(Done {
            committed: Committed {
                version,
                rows: Vec::new(),
            },
            changed: false,
        }),
        Commit::Conflicts(conflicts) => {
            let cells = match conflicts.len() {
                1 => "One cell was".to_owned(),
                count => format!("{count} cells were"),
            };
            let mut problem = Problem::new(
                Code::Conflict,
                format!(
                    "{cells} changed by somebody else since version {}. Nothing was saved; decide for each conflict and commit again on the head.",
                    request.base_version
                ),
            );
            problem.conflicts = conflicts;
            Err(Error::Problem(problem))
        }
        Commit::Settled(records) => Err(quarantine::settled(&records)),
        Commit::Taken(taken) => {
            let errors = taken.into_iter().filter_map(|taken| {
                let change = request.changes.get(taken.change)?;
                Some(CellError {
                    pointer: format!("/changes/{}/cells/{}", taken.change, taken.column),
                    row_id: change.row_id.clone(),
                    value: change.cells.get(&taken.column).cloned()?,
                    column: Some(taken.column),
                    message: taken.message,
                })
            });
            Err(Error::Problem(values::refused(errors.collect())))
        }
    }
}

/// A page signs in with a cookie, a program brings a token.
pub fn kind(headers: &HeaderMap) -> VersionKind {
    if headers.contains_key(header::AUTHORIZATION) {
        VersionKind::Api
    } else {
        VersionKind::Grid
    }
}

/// A commit's message, checked.
pub fn message(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.chars().count() > MESSAGE_CHARS_MAX || text.contains('\0') {
        return Err(Error::invalid(
            "/message",
            format!("A message has at most {MESSAGE_CHARS_MAX} characters and no NUL."),
        ));
    }
    Ok(text)
}

/// The request's `Idempotency-Key`, and the fingerprint of its body.
pub fn idempotency(
    headers: &HeaderMap,
    request: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Error> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()))
        .ok_or_else(|| {
            Error::invalid(
                "Idempotency-Key",
                "An idempotency key has 1 to 255 printable characters.",
            )
        })?;
    Ok(Some(IdempotencyKey {
        key: key.to_owned(),
        fingerprint: Sha256::digest(serde_json::to_vec(request)?).to_vec(),
    }))
}
