//! `/datasets/{id}/quarantine`: records that could not become rows, mended and resubmitted, or discarded. Their text is cut into
//! cells by the plan of their import; what they become is read by [`crate::values`] and written by `store::commits` in the
//! transaction that takes them out.

use std::collections::{HashMap, HashSet};

use axum::{body::Body, extract::State, response::Response};
use contracts::{
    Code, DatasetId, Problem, UploadId,
    commit::{CellError, Committed},
    dataset::{CELL_CHARS_MAX, Column, CutCell},
    plan::FilePlan,
    quarantine::{
        QuarantineId, QuarantineIds, QuarantineList, QuarantineMoved, QuarantineState,
        QuarantinedRow, RECORDS_MAX, Resubmission, ResubmittedRow,
    },
};
use futures::stream::{self, Stream};
use http::{HeaderMap, header};
use platform::{
    access::{Access, Editor, Viewer},
    http::{Json, Query, openapi::Problems},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{At, Cells, Change, Commit, NewCommit, QuarantineFilter, Store};
use tabular::split::split;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    commits::{idempotency, kind},
    config::App,
    error::Error,
    limit,
    page::{self, fit},
    values::{self, Values},
};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
/// Text of the records of one page, before it is cut.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Text of the records that are resubmitted at once: the longest one, and some.
const RESUBMITTED_BYTES: usize = 32 * 1024 * 1024;
/// Records of a download that are held at once, and their text.
const PART: u32 = 1_000;
const PART_BYTES: usize = 1024 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_quarantine))
        .routes(routes!(resubmit_records))
        .routes(routes!(discard_records))
        .routes(routes!(reopen_records))
        .routes(routes!(download_quarantine))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuarantine {
    /// The reason.
    code: Option<String>,
    #[param(value_type = Option<String>)]
    upload: Option<UploadId>,
    state: Option<QuarantineState>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<QuarantineId>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Records that could not become rows, with their places and reasons
///
/// Newest import first, each in the file's order. Cells stand under the columns that they were meant for, as the file spells
/// them.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/quarantine", tag = "quarantine",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), ListQuarantine),
    responses((status = 200, description = "A page of quarantined records.", body = QuarantineList),
        (status = 304, description = "As the client has it."), Problems))]
async fn list_quarantine(
    access: Access<Viewer>,
    State(store): State<Store>,
    Query(query): Query<ListQuarantine>,
) -> Result<Json<QuarantineList>, Error> {
    let limit = limit(query.limit, PAGE, PAGE_MAX)?;
    let filter = QuarantineFilter {
        code: query.code,
        upload: query.upload,
        state: query.state,
    };
    let (total, groups) = store.count_quarantine(access.no, &filter).await?;
    let page = store
        .list_quarantine(access.no, &filter, query.cursor, limit, PAGE_BYTES)
        .await?;
    let plans = store
        .plans_of(page.rows.iter().map(|row| row.upload_id))
        .await?;
    let mut rows = page.rows;
    for row in &mut rows {
        if let (Some(plan), Some(raw)) = (plans.get(&row.upload_id), &row.place.raw)
            && let Some(record) = Record::read(plan, raw)
        {
            row.cells = Some(record.cells.into_iter().map(cut).collect());
            row.surplus = record
                .surplus
                .into_iter()
                .map(|text| cut_text(&text))
                .collect();
        }
        if let Some(raw) = &mut row.place.raw
            && let Some((end, _)) = raw.char_indices().nth(CELL_CHARS_MAX)
        {
            raw.truncate(end);
        }
    }
    let left_off = fit(&mut rows)?;
    let next = match rows.last() {
        Some(last) if left_off => Some(last.id),
        _ => page.next,
    };
    Ok(Json(QuarantineList {
        rows,
        total,
        groups,
        next: next.map(|id| id.to_string()),
    }))
}

impl page::Cells for QuarantinedRow {
    fn cells(&mut self) -> Vec<&mut Value> {
        let cells = self.cells.iter_mut().flat_map(Map::values_mut);
        cells.chain(&mut self.surplus).collect()
    }
}

fn cut((column, text): (String, String)) -> (String, Value) {
    let value = cut_text(&text);
    (column, value)
}

fn cut_text(text: &str) -> Value {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        None => Value::from(text),
        Some((end, _)) => serde_json::json!(CutCell {
            cut: text[..end].to_owned(),
            chars: text.chars().count() as u64,
        }),
    }
}

/// A record's cells by the column that they were meant for.
struct Record {
    cells: Vec<(String, String)>,
    /// Those that no column takes.
    surplus: Vec<String>,
}

impl Record {
    fn read(plan: &FilePlan, raw: &str) -> Option<Self> {
        let mut cells: Vec<Option<String>> =
            split(&plan.dialect, raw)?.into_iter().map(Some).collect();
        let meant = plan.columns.iter().filter_map(|planned| {
            let cell = cells.get_mut(usize::try_from(planned.source?).ok()?)?;
            Some((planned.column.id.clone(), cell.take()?))
        });
        Some(Self {
            cells: meant.collect(),
            surplus: cells.into_iter().flatten().collect(),
        })
    }
}

/// Make rows of quarantined records (editors)
///
/// A record of an upsert or a sync changes the row that has its key; every other one becomes a new row. All of them become one
/// version, or none does: cells that still do not fit are all named (`validation`, in `errors`; `row_id`
/// is the record's id). Cells that are left out are the record's own. A record becomes a row once: one that was resubmitted or
/// discarded meanwhile answers `conflict`. With an `Idempotency-Key` the same request sent again answers the same version.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/quarantine/resubmit", tag = "quarantine",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."),
        ("Idempotency-Key" = Option<String>, Header, description = "As of a commit.")),
    request_body = Resubmission,
    responses((status = 201, description = "The version that has them, and the ids of the rows.", body = Committed), Problems))]
async fn resubmit_records(
    access: Access<Editor>,
    State(store): State<Store>,
    headers: HeaderMap,
    Json(body): Json<Resubmission>,
) -> Result<(http::StatusCode, Json<Committed>), Error> {
    let ids: Vec<QuarantineId> = body.rows.iter().map(|row| row.id).collect();
    check_ids("/rows", &ids)?;
    let records = store
        .quarantined(access.no, &ids, RESUBMITTED_BYTES)
        .await?
        .ok_or_else(|| {
            Problem::new(
                Code::TooLarge,
                "These records are longer than 32 MiB together. Resubmit fewer at once. Nothing was saved.",
            )
        })
        .map_err(Error::Problem)?;
    let columns = store
        .resolve(access.no, At::Version(access.head))
        .await?
        .shown_columns();
    let plans = store
        .plans_of(records.iter().map(|row| row.upload_id))
        .await?;
    let mut mended = Mended {
        values: Values::new(&columns, &store.rules(access.no).await?),
        columns: &columns,
    };
    let records: HashMap<QuarantineId, QuarantinedRow> =
        records.into_iter().map(|row| (row.id, row)).collect();
    let mut changes = Vec::with_capacity(body.rows.len());
    for (no, row) in body.rows.iter().enumerate() {
        let pointer = format!("/rows/{no}");
        let found = records
            .get(&row.id)
            .and_then(|record| Some((record, plans.get(&record.upload_id)?)));
        let cells = match found {
            Some((record, plan)) => mended.read(&pointer, row, record, plan),
            None => mended.fault(
                &pointer,
                row,
                "This dataset has no quarantined record of this id.",
            ),
        };
        changes.extend(cells.map(Change::Insert));
    }
    if let Some(problem) = mended.values.problem() {
        return Err(Error::Problem(problem));
    }
    let commit = NewCommit {
        author: access.user,
        kind: kind(&headers),
        message: match ids.len() {
            1 => "1 row from quarantine".to_owned(),
            count => format!("{count} rows from quarantine"),
        },
        base: access.head,
        changes,
        idempotency: idempotency(&headers, &body)?,
    };
    match store.resubmit(access.no, &commit, &ids).await? {
        Commit::Done { version, rows, .. } => Ok((
            http::StatusCode::CREATED,
            Json(Committed {
                version,
                rows: rows.iter().map(ToString::to_string).collect(),
            }),
        )),
        Commit::Settled(records) => Err(settled(&records)),
        Commit::Taken(taken) => {
            let errors = taken.into_iter().filter_map(|taken| {
                let row = body.rows.get(taken.change)?;
                Some(CellError {
                    pointer: format!("/rows/{}/cells/{}", taken.change, taken.column),
                    row_id: Some(row.id.to_string()),
                    value: row.cells.get(&taken.column).cloned().unwrap_or_default(),
                    column: Some(taken.column),
                    message: taken.message,
                })
            });
            Err(Error::Problem(values::refused(errors.collect())))
        }
        Commit::Conflicts(_) => Err(Error::Problem(Problem::new(
            Code::Conflict,
            "Rows with the keys of these records were changed by somebody else just now. Nothing was saved. Resubmit them again.",
        ))),
        Commit::Unchanged { .. } => Err(Error::Store(store::Error::Disagrees(
            "a resubmission and its rows",
        ))),
    }
}

/// Reads records as they are meant, and collects what cannot be taken.
struct Mended<'a> {
    values: Values,
    columns: &'a [Column],
}

impl Mended<'_> {
    fn read(
        &mut self,
        pointer: &str,
        row: &ResubmittedRow,
        record: &QuarantinedRow,
        plan: &FilePlan,
    ) -> Option<Cells> {
        let Some(raw) = &record.place.raw else {
            let message = format!(
                "The record is over 16 MiB and lies only in the file `{}`, at byte {}. Mend it there and upload it again, or discard it.",
                record.file_name, record.place.byte
            );
            return self.fault(pointer, row, &message);
        };
        let Some(own) = Record::read(plan, row.raw.as_ref().unwrap_or(raw)) else {
            let message = "This text is not exactly one record. Put quotes around a cell with a line break, and send other records as their own.";
            return self.fault(&format!("{pointer}/raw"), row, message);
        };
        let given = |column: &Column| row.cells.contains_key(&column.id);
        if !own.surplus.is_empty() && !self.columns.iter().all(given) {
            let message = format!(
                "The record has {} cells that no column takes, so nobody can tell which belongs where. Say what each column holds, or write the record anew.",
                own.surplus.len()
            );
            return self.fault(pointer, row, &message);
        }
        let untold = row.raw.is_none() && is_no_text(&record.place.code);
        let mut cells = Map::new();
        for (column, text) in own.cells {
            if row.cells.contains_key(&column) {
                continue;
            }
            if untold && text.contains("\\x") {
                let message =
                    "The cell holds bytes that are not text, shown as `\\xNN`. Write what it says.";
                self.values.fault(
                    format!("{pointer}/cells/{column}"),
                    Some(&row.id.to_string()),
                    Some(&column),
                    message,
                    Value::from(text),
                );
                continue;
            }
            cells.insert(column, Value::from(text));
        }
        cells.extend(row.cells.clone());
        self.values
            .new_row(pointer, Some(&row.id.to_string()), &cells)
    }

    fn fault(&mut self, pointer: &str, row: &ResubmittedRow, message: &str) -> Option<Cells> {
        let id = row.id.to_string();
        self.values
            .fault(pointer.to_owned(), Some(&id), None, message, Value::Null);
        None
    }
}

/// Whether a record of this reason has bytes in it that its text only stands for.
fn is_no_text(code: &str) -> bool {
    matches!(code, "invalid_encoding" | "nul_byte")
}

/// The answer to who wanted these records, when somebody else was first.
pub fn settled(records: &[QuarantineId]) -> Error {
    let count = match records.len() {
        1 => "One record is".to_owned(),
        count => format!("{count} records are"),
    };
    let mut problem = Problem::new(
        Code::Conflict,
        format!(
            "{count} no longer open: resubmitted or discarded meanwhile. Nothing was saved. Look at the quarantine again."
        ),
    );
    problem.errors = records
        .iter()
        .map(|id| CellError {
            pointer: "/rows".to_owned(),
            row_id: Some(id.to_string()),
            column: None,
            message: "This record was resubmitted or discarded already.".to_owned(),
            value: Value::Null,
        })
        .collect();
    Error::Problem(problem)
}

fn check_ids(pointer: &str, ids: &[QuarantineId]) -> Result<(), Error> {
    if !(1..=RECORDS_MAX).contains(&ids.len()) {
        return Err(Error::invalid(
            pointer,
            format!("Say which records: 1 to {RECORDS_MAX} of them."),
        ));
    }
    let mut seen = HashSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(twice) => Err(Error::invalid(
            pointer,
            format!("The record {twice} is named twice."),
        )),
        None => Ok(()),
    }
}

/// Set quarantined records aside (editors)
///
/// They are kept and can be reopened. Records that are not open stay as they are.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/quarantine/discard", tag = "quarantine",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = QuarantineIds,
    responses((status = 200, description = "How many were discarded.", body = QuarantineMoved), Problems))]
async fn discard_records(
    access: Access<Editor>,
    State(store): State<Store>,
    Json(body): Json<QuarantineIds>,
) -> Result<Json<QuarantineMoved>, Error> {
    check_ids("/ids", &body.ids)?;
    Ok(Json(
        store.discard(access.no, &body.ids, access.user).await?,
    ))
}

/// Open discarded records again (editors)
///
/// Records that are not discarded stay as they are: one that was resubmitted is a row.
#[utoipa::path(post, path = "/api/v1/datasets/{id}/quarantine/reopen", tag = "quarantine",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = QuarantineIds,
    responses((status = 200, description = "How many were reopened.", body = QuarantineMoved), Problems))]
async fn reopen_records(
    access: Access<Editor>,
    State(store): State<Store>,
    Json(body): Json<QuarantineIds>,
) -> Result<Json<QuarantineMoved>, Error> {
    check_ids("/ids", &body.ids)?;
    Ok(Json(store.reopen(access.no, &body.ids, access.user).await?))
}

/// How a download is written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DownloadFormat {
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DownloadQuarantine {
    /// The reason.
    code: Option<String>,
    #[param(value_type = Option<String>)]
    upload: Option<UploadId>,
    state: Option<QuarantineState>,
    #[param(inline)]
    format: Option<DownloadFormat>,
}

/// The quarantine as a CSV file
///
/// A record per line with its place, reason and state, and its text as it stood in the file. A cell that a spreadsheet would take
/// for a formula has an apostrophe before it.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/quarantine/download", tag = "quarantine",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), DownloadQuarantine),
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv"), Problems))]
async fn download_quarantine(
    access: Access<Viewer>,
    State(store): State<Store>,
    Query(query): Query<DownloadQuarantine>,
) -> Response {
    let (Some(DownloadFormat::Csv) | None) = query.format;
    let filter = QuarantineFilter {
        code: query.code,
        upload: query.upload,
        state: query.state,
    };
    let lines = lines(store, access.no, filter);
    let mut response = Response::new(Body::from_stream(lines));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"quarantine.csv\"",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// The file, part by part: no more of it is held than is being sent.
fn lines(
    store: Store,
    dataset_no: i64,
    filter: QuarantineFilter,
) -> impl Stream<Item = Result<String, store::Error>> {
    let header = "file,line,record,byte,column,code,message,state,raw\r\n".to_owned();
    let begin = (Some(header), Some(None));
    stream::try_unfold(begin, move |(header, from)| {
        let (store, filter) = (store.clone(), filter.clone());
        async move {
            let Some(after) = from else {
                return Ok(None);
            };
            let page = store
                .list_quarantine(dataset_no, &filter, after, PART, PART_BYTES)
                .await?;
            let mut text = header.unwrap_or_default();
            for row in &page.rows {
                push_line(&mut text, row)?;
            }
            Ok(Some((text, (None, page.next.map(Some)))))
        }
    })
}

fn push_line(text: &mut String, row: &QuarantinedRow) -> Result<(), store::Error> {
    let place = &row.place;
    push_field(text, &row.file_name);
    text.push_str(&format!(",{},{},{},", place.line, place.record, place.byte));
    push_field(text, place.column.as_deref().unwrap_or_default());
    let state: String = serde_json::from_value(serde_json::to_value(row.state)?)?;
    for field in [&place.code, &place.message, &state] {
        text.push(',');
        push_field(text, field);
    }
    text.push(',');
    push_field(text, place.raw.as_deref().unwrap_or_default());
    text.push_str("\r\n");
    Ok(())
}

/// Quoted, and never a formula: a spreadsheet runs what begins with one of these.
fn push_field(text: &mut String, field: &str) {
    text.push('"');
    if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        text.push('\'');
    }
    text.push_str(&field.replace('"', "\"\""));
    text.push('"');
}
