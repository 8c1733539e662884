//! What confirming an import would publish, from the rows that are loaded and that nobody sees elsewhere: those of an append or a
//! replace lie in the live table, those that are merged ([`crate::merge`]) in a table of their own.

use std::collections::{BTreeMap, HashSet};

use contracts::{
    UploadId,
    dataset::Row,
    plan::{PREVIEW_ROWS, Plan},
    receipt::{Place, Receipt},
    upload::{Mode, Preview, PreviewColumn, PreviewCounts, PreviewRow, PreviewUpdate, UploadState},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow, types::Json};

use crate::{
    Error, Import, Result, Store, StoredColumn, cells,
    commits::Head,
    error::is_undefined_table,
    imports::big,
    merge::Difference,
    plans::{head_columns, stored_columns},
    tables,
    unique::{self, NotUnique},
};

/// Of each list: an answer can be sent up to 6 MB.
const LIST_BYTES: usize = 1024 * 1024;

/// Among the warnings when so much changes that all rows are written anew, under other ids: comparing the version with the one
/// before tells of all of them, not of those that differ.
const ROWS_RENEWED: &str = "rows_renewed";

/// What is loaded of a generation.
struct Loaded {
    commit: i64,
    /// Whether it is still to be published.
    is_open: bool,
    end_rows: Option<i64>,
    end_quarantined: Option<i64>,
    difference: Option<Json<Difference>>,
    /// Whether it is known which of its rows will be quarantined.
    is_judged: bool,
}

impl Loaded {
    /// The condition that a row of this id is not to be quarantined.
    fn is_taken_in(&self, dataset_no: i64, row_id: &str) -> String {
        if !self.is_judged {
            return "true".to_owned();
        }
        format!(
            "not exists (select from {} p where p.row_id = {row_id} and p.message is not null)",
            tables::places(dataset_no, self.commit)
        )
    }
}

impl Store {
    /// Of the newest generation. [`crate::Error::NotReady`] before it has a plan.
    pub async fn preview(&self, upload: UploadId) -> Result<Preview> {
        let import = self.import(upload).await?;
        let import = import.ok_or(Error::NotFound("upload"))?;
        let Some(plan) = &import.upload.plan else {
            return Err(match import.upload.problem {
                Some(problem) => Error::Unmended(Box::new(problem)),
                None => Error::NotReady("the file is not read yet"),
            });
        };
        match self.look(&import, plan).await {
            Err(Error::Database(error)) if is_undefined_table(&error) => {
                Err(Error::NotReady("it is just being published"))
            }
            preview => preview,
        }
    }

    async fn look(&self, import: &Import, plan: &Plan) -> Result<Preview> {
        let mut tx = self.pool.begin().await?;
        // Rows and counts are of one and the same moment.
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *tx)
            .await?;
        let columns = stored_columns(plan)?;
        let known: HashSet<String> = (head_columns(&mut tx, import.dataset_no).await?)
            .into_iter()
            .map(|stored| stored.column.id)
            .collect();
        let mut preview = Preview {
            generation: plan.generation,
            state: import.upload.state,
            columns: shown_columns(plan, &known),
            rows: Vec::new(),
            counts: import.upload.receipt.as_ref().map(counts_of),
            updated: Vec::new(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            warnings: plan.file.warnings.clone(),
        };
        let loaded = sqlx::query_as!(
            Loaded,
            r#"select c.id as commit, c.state = 'open' as "is_open!", p.end_rows, p.end_quarantined,
                   p.difference as "difference: Json<Difference>", p.judged is not null as "is_judged!"
               from gk.plan p join gk.commit c on c.dataset = $3 and c.id = p.commit where p.upload = $1 and p.generation = $2"#,
            import.upload.id.to_string(),
            plan.generation,
            import.dataset_no
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(loaded) = loaded.filter(|loaded| loaded.is_open) else {
            return Ok(preview);
        };
        let table = if plan.mode.needs_key() {
            tables::staged(import.dataset_no, loaded.commit)
        } else {
            tables::live(import.dataset_no)
        };
        let rows = first_rows(&mut tx, import.dataset_no, &loaded, &table, &columns).await?;
        preview.rows = within(rows)?;
        let quarantined = first_quarantined(&mut tx, import.dataset_no, &loaded).await?;
        preview.quarantined = within(quarantined)?;
        if import.upload.state != UploadState::AwaitingConfirmation
            || import.upload.problem.is_some()
        {
            return Ok(preview);
        }
        let refused = if loaded.is_judged {
            unique::refused(&mut tx, import.dataset_no, loaded.commit, plan.mode).await?
        } else {
            NotUnique::default()
        };
        if let Some(Json(difference)) = &loaded.difference {
            let differing = Differing {
                head: Head::look(&mut tx, import.dataset_no).await?,
                plan,
                loaded: &loaded,
                columns: &columns,
            };
            preview.updated = within(differing.updated(&mut tx).await?)?;
            preview.deleted = within(differing.deleted(&mut tx).await?)?;
            if !loaded.is_judged && difference.is_renewed(self.merge_limits) {
                preview.warnings.insert(ROWS_RENEWED.to_owned(), 1);
            }
            preview.counts = Some(loaded.counts(Some(difference), 0, refused));
        } else {
            let rows = sqlx::query_scalar!(
                "select rows from gk.dataset where no = $1",
                import.dataset_no
            )
            .fetch_one(&mut *tx)
            .await?;
            let replaced = if plan.mode == Mode::Replace { rows } else { 0 };
            preview.counts = Some(loaded.counts(None, replaced, refused));
        }
        Ok(preview)
    }
}

impl Loaded {
    fn counts(
        &self,
        difference: Option<&Difference>,
        replaced: i64,
        refused: NotUnique,
    ) -> PreviewCounts {
        let rows = self.end_rows.unwrap_or_default();
        let counts = PreviewCounts {
            quarantined: self.end_quarantined.unwrap_or_default() + refused.all(),
            ..PreviewCounts::default()
        };
        match difference {
            Some(difference) => PreviewCounts {
                inserted: difference.inserted - refused.inserted,
                updated: difference.updated - refused.updated,
                unchanged: difference.unchanged,
                superseded: rows - difference.staged(),
                deleted: difference.deleted,
                ..counts
            },
            None => PreviewCounts {
                inserted: rows - refused.inserted,
                deleted: replaced,
                ..counts
            },
        }
    }
}

/// As many as an answer has room for beside the other lists.
fn within<T: Serialize>(items: Vec<T>) -> Result<Vec<T>> {
    let mut bytes = 0;
    let mut fitting = Vec::with_capacity(items.len());
    for item in items {
        bytes += serde_json::to_string(&item)?.len();
        if bytes > LIST_BYTES {
            break;
        }
        fitting.push(item);
    }
    Ok(fitting)
}

fn counts_of(receipt: &Receipt) -> PreviewCounts {
    PreviewCounts {
        inserted: receipt.inserted,
        updated: receipt.updated,
        unchanged: receipt.unchanged,
        superseded: receipt.superseded,
        deleted: receipt.deleted,
        quarantined: receipt.quarantined,
    }
}

fn shown_columns(plan: &Plan, known: &HashSet<String>) -> Vec<PreviewColumn> {
    let source = |at: u32, name: &str| {
        let mapped = usize::try_from(at).ok();
        let mapped = mapped.and_then(|at| plan.file.mapping.get(at));
        // Surplus cells have a name only here.
        mapped.map_or_else(|| name.to_owned(), |mapped| mapped.file.clone())
    };
    let columns = plan.file.columns.iter().map(|planned| PreviewColumn {
        source: planned.source.map(|at| source(at, &planned.column.name)),
        new: !known.contains(&planned.column.id),
        column: planned.column.clone(),
    });
    columns.collect()
}

/// `, expression, …` of cells for a page; each value from the table that `of` names.
fn expressions<'a>(
    columns: impl IntoIterator<Item = &'a StoredColumn>,
    of: impl Fn(&StoredColumn) -> &'static str,
) -> String {
    columns.into_iter().fold(String::new(), |mut text, column| {
        text.push_str(", ");
        text.push_str(&cells::cut_of(
            column,
            &format!("{}{}", of(column), column.sql),
        ));
        text
    })
}

/// The cells of a fetched row that begin in this place.
fn read(row: &PgRow, columns: &[StoredColumn], from: usize) -> Result<Vec<Value>> {
    columns
        .iter()
        .enumerate()
        .map(|(at, column)| cells::cut(row, from + at, column.column.kind))
        .collect()
}

async fn first_rows(
    connection: &mut PgConnection,
    dataset_no: i64,
    loaded: &Loaded,
    table: &str,
    columns: &[StoredColumn],
) -> Result<Vec<PreviewRow>> {
    let batches = sqlx::query!(
        r#"select row_lo, shown as "shown!: Json<Vec<u64>>" from gk.ledger
           where dataset = $1 and commit = $2 and shown is not null order by batch"#,
        dataset_no,
        loaded.commit
    )
    .fetch_all(&mut *connection)
    .await?;
    let places: BTreeMap<i64, u64> = batches
        .into_iter()
        .flat_map(|batch| (batch.row_lo..).zip(batch.shown.0))
        .collect();
    let ids: Vec<i64> = places.keys().copied().collect();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "select row_id{} from {table} t where row_id = any($1) and born = $2 and {} order by row_id",
        expressions(columns, |_| "t."),
        loaded.is_taken_in(dataset_no, "t.row_id")
    )))
    .bind(ids)
    .bind(loaded.commit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let place = places.get(&row.try_get(0)?).copied().unwrap_or_default();
            let cells = read(row, columns, 1)?;
            Ok(PreviewRow { place, cells })
        })
        .collect()
}

async fn first_quarantined(
    connection: &mut PgConnection,
    dataset_no: i64,
    loaded: &Loaded,
) -> Result<Vec<Place>> {
    let records = sqlx::query!(
        r#"select byte, line, record, column_name, code, message, left(raw, $4) as raw from gk.quarantine
           where dataset = $1 and commit = $2 order by record limit $3"#,
        dataset_no,
        loaded.commit,
        big(PREVIEW_ROWS as u64),
        RAW_CHARS
    )
    .fetch_all(&mut *connection)
    .await?;
    let places = records.into_iter().map(|record| Place {
        byte: record.byte.unsigned_abs(),
        line: record.line.unsigned_abs(),
        record: record.record.unsigned_abs(),
        column: record.column_name,
        code: record.code,
        message: record.message,
        raw: record.raw,
    });
    let mut places: Vec<Place> = places.collect();
    if loaded.is_judged {
        let refused = unique::first_refused(
            connection,
            dataset_no,
            loaded.commit,
            PREVIEW_ROWS,
            RAW_CHARS,
        );
        places.extend(refused.await?);
        places.sort_by_key(|place| place.record);
        places.truncate(PREVIEW_ROWS);
    }
    Ok(places)
}

/// Characters of a record that is only shown.
const RAW_CHARS: i32 = 10_000;

/// What a merge would change.
struct Differing<'a> {
    head: Head,
    plan: &'a Plan,
    loaded: &'a Loaded,
    columns: &'a [StoredColumn],
}

impl Differing<'_> {
    async fn updated(&self, connection: &mut PgConnection) -> Result<Vec<PreviewUpdate>> {
        let brought: HashSet<&str> = (self.plan.file.columns.iter())
            .filter(|planned| planned.source.is_some())
            .map(|planned| planned.column.id.as_str())
            .collect();
        let after = expressions(self.columns, |column| {
            if brought.contains(column.column.id.as_str()) {
                "s."
            } else {
                "l."
            }
        });
        let staged = tables::staged(self.head.dataset_no, self.loaded.commit);
        let rows = self
            .fetch(
                connection,
                &format!(
                    "d.staged is not null and d.row_id is not null and {}",
                    self.loaded.is_taken_in(self.head.dataset_no, "d.staged")
                ),
                &format!("{}{after}", expressions(self.columns, |_| "l.")),
                &format!("join {staged} s on s.ctid = d.place and s.row_id = d.staged"),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(PreviewUpdate {
                    row_id: row.try_get::<i64, _>(0)?.to_string(),
                    before: read(row, self.columns, 1)?,
                    after: read(row, self.columns, 1 + self.columns.len())?,
                })
            })
            .collect()
    }

    async fn deleted(&self, connection: &mut PgConnection) -> Result<Vec<Row>> {
        let cells = expressions(self.columns, |_| "l.");
        let rows = self
            .fetch(connection, "d.staged is null", &cells, "")
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Row {
                    row_id: row.try_get::<i64, _>(0)?.to_string(),
                    cells: read(row, self.columns, 1)?,
                })
            })
            .collect()
    }

    /// The first rows of the head that differ so. Some may have been changed since the difference was worked out; those that are gone
    /// are left out.
    async fn fetch(
        &self,
        connection: &mut PgConnection,
        so: &str,
        cells: &str,
        join: &str,
    ) -> Result<Vec<PgRow>> {
        let live = tables::live(self.head.dataset_no);
        let difference = tables::difference(self.head.dataset_no, self.loaded.commit);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "select l.row_id{cells} from (select staged, place, row_id from {difference} d where {so} order by row_id limit {PREVIEW_ROWS}) d \
             join {live} l on l.row_id = d.row_id {join} where l.born <= $1 and l.born <> all($2) order by l.row_id"
        )))
        .bind(self.head.max_commit)
        .bind(&self.head.hidden)
        .fetch_all(connection)
        .await?;
        Ok(rows)
    }
}
