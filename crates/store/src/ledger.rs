//! Batches into the live table, each exactly once: the ledger row and the rows commit together. When all are in,
//! [`crate::publish`] makes them visible.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use contracts::{
    UploadId,
    events::{BatchMeta, EndOfLoad},
    plan::Plan,
    receipt::Place,
    rules::ColumnRules,
    upload::UploadState,
};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::{
    Error, Result, Store, StoredColumn, copy,
    imports::{big, from_word},
    plans::stored_columns,
    quarantine, tables,
};

/// Bytes handed to the server at a time.
const COPY_CHUNK: usize = 1024 * 1024;

/// A batch as it came off the stream.
#[derive(Clone, Debug)]
pub struct IncomingBatch {
    pub no: u32,
    pub meta: BatchMeta,
    /// Fields are named by column id.
    pub rows: RecordBatch,
    /// Where each row stood, by [`contracts::events::PLACE_FIELDS`], where some may yet be quarantined.
    pub places: Option<RecordBatch>,
    pub rejects: Vec<Place>,
    /// Record numbers of its first rows, where a preview shows them.
    pub shown: Vec<u64>,
}

/// What became of some batches or an end-of-load message. Both are durable: acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// All are in; so many rows of them are new, the others were in before.
    Written {
        rows: u64,
    },
    Refused(Refusal),
}

/// Why nothing was written, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownUpload,
    OldGeneration,
    Over(UploadState),
}

/// The commit that a generation's batches go into, share-locked: it stays open until this transaction ends.
struct OpenCommit {
    dataset_no: i64,
    commit: i64,
    row_lo: i64,
    rows: i64,
    columns: Vec<StoredColumn>,
    /// Where its rows go: the live table, unless they are to be merged.
    table: String,
    /// Where it is kept where they stood, if it is.
    places: Option<String>,
}

impl IncomingBatch {
    /// A batch must be what its counts say, and lie within the rows that were reserved.
    fn check(&self, open: &OpenCommit) -> Result<()> {
        let rows = usize::try_from(self.meta.rows).ok();
        let rejects = usize::try_from(self.meta.quarantined).ok();
        if rows != Some(self.rows.num_rows()) || rejects != Some(self.rejects.len()) {
            return Err(poison(format!(
                "batch {} holds {} rows and {} rejects, its header says {} and {}",
                self.no,
                self.rows.num_rows(),
                self.rejects.len(),
                self.meta.rows,
                self.meta.quarantined
            )));
        }
        if big(self.meta.row_offset).saturating_add(i64::from(self.meta.rows)) > open.rows {
            return Err(poison(format!(
                "batch {} ends at row {}, the plan has {}",
                self.no,
                self.meta.row_offset + u64::from(self.meta.rows),
                open.rows
            )));
        }
        if open.places.is_some() && self.places.as_ref().map(RecordBatch::num_rows) != rows {
            return Err(poison(format!(
                "batch {} does not say where its rows stood",
                self.no
            )));
        }
        Ok(())
    }
}

fn poison(reason: String) -> Error {
    Error::Poison(reason, None)
}

impl Store {
    /// Writes batches of one upload and generation in one transaction. A batch that is in already is skipped.
    /// [`crate::Error::Poison`] for one that can never be written.
    pub async fn write_batches(
        &self,
        upload: UploadId,
        generation: i32,
        batches: &[IncomingBatch],
    ) -> Result<Write> {
        let upload = upload.to_string();
        let mut tx = self.pool.begin().await?;
        let open = match lock_commit(&mut tx, &upload, generation).await? {
            Ok(open) => open,
            Err(refusal) => return Ok(Write::Refused(refusal)),
        };
        for batch in batches {
            batch.check(&open)?;
        }
        let new = enter(&mut tx, &open, batches).await?;
        if new.is_empty() {
            return Ok(Write::Written { rows: 0 });
        }
        for batch in &new {
            quarantine::insert(
                &mut tx,
                open.dataset_no,
                open.commit,
                &upload,
                &batch.rejects,
            )
            .await?;
        }
        copy_rows(&mut tx, &open, &new).await?;
        if let Some(places) = &open.places {
            copy_places(&mut tx, &open, places, &new).await?;
        }
        tx.commit().await?;
        Ok(Write::Written {
            rows: new.iter().map(|batch| u64::from(batch.meta.rows)).sum(),
        })
    }

    /// Notes how much the load sent. Again with the same numbers: no effect; with others: [`crate::Error::Poison`].
    pub async fn end_of_load(
        &self,
        upload: UploadId,
        generation: i32,
        end: EndOfLoad,
    ) -> Result<Write> {
        let upload = upload.to_string();
        let (batches, rows, quarantined) = (
            i32::try_from(end.batches)
                .map_err(|_| poison(format!("an end of load after {} batches", end.batches)))?,
            big(end.rows),
            big(end.quarantined),
        );
        let mut tx = self.pool.begin().await?;
        if let Err(refusal) = lock_commit(&mut tx, &upload, generation).await? {
            return Ok(Write::Refused(refusal));
        }
        let stored = sqlx::query!(
            r#"update gk.plan set end_batches = coalesce(end_batches, $3), end_rows = coalesce(end_rows, $4),
                   end_quarantined = coalesce(end_quarantined, $5)
               where upload = $1 and generation = $2
               returning end_batches as "batches!", end_rows as "rows!", end_quarantined as "quarantined!""#,
            upload,
            generation,
            batches,
            rows,
            quarantined
        )
        .fetch_one(&mut *tx)
        .await?;
        if (stored.batches, stored.rows, stored.quarantined) != (batches, rows, quarantined) {
            return Err(poison(format!(
                "two ends of one load: {} batches, {} rows, {} quarantined and {batches}, {rows}, {quarantined}",
                stored.batches, stored.rows, stored.quarantined
            )));
        }
        tx.commit().await?;
        Ok(Write::Written { rows: 0 })
    }

    /// Imports that only wait for [`Store::publish_if_complete`].
    pub async fn complete_imports(&self) -> Result<Vec<UploadId>> {
        let uploads = sqlx::query_scalar!(
            "select i.upload from gk.import i join gk.plan p on p.upload = i.upload and p.generation = i.generation \
             where i.state not in ('published', 'failed', 'cancelled', 'awaiting_confirmation') and p.end_batches is not null \
               and (select count(*) from gk.ledger l where l.commit = p.commit and l.dataset = i.dataset) >= p.end_batches"
        )
        .fetch_all(&self.pool)
        .await?;
        uploads.iter().map(|id| Ok(id.parse()?)).collect()
    }
}

async fn lock_commit(
    connection: &mut PgConnection,
    upload: &str,
    generation: i32,
) -> Result<Result<OpenCommit, Refusal>> {
    let found = sqlx::query!(
        r#"select c.dataset, c.id, c.state, coalesce(c.row_lo, 0) as "row_lo!", p.plan as "plan: Json<Plan>", p.rules as "rules: Json<ColumnRules>"
           from gk.plan p join gk.import i on i.upload = p.upload join gk.commit c on c.dataset = i.dataset and c.id = p.commit
           where p.upload = $1 and p.generation = $2 for share of c"#,
        upload,
        generation
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(found) = &found
        && found.state == "open"
    {
        return Ok(Ok(OpenCommit {
            dataset_no: found.dataset,
            commit: found.id,
            row_lo: found.row_lo,
            rows: big(found.plan.0.file.rows),
            columns: stored_columns(&found.plan.0)?,
            table: if found.plan.0.mode.needs_key() {
                tables::staged(found.dataset, found.id)
            } else {
                tables::live(found.dataset)
            },
            places: (found.plan.0.file.unique(&found.rules.0).next().is_some())
                .then(|| tables::places(found.dataset, found.id)),
        }));
    }
    let import = sqlx::query!(
        "select state, generation from gk.import where upload = $1",
        upload
    )
    .fetch_optional(connection)
    .await?;
    let Some(import) = import else {
        return Ok(Err(Refusal::UnknownUpload));
    };
    let state: UploadState = from_word(&import.state)?;
    if state.is_final() {
        Ok(Err(Refusal::Over(state)))
    } else if found.is_some() || generation < import.generation {
        Ok(Err(Refusal::OldGeneration))
    } else {
        Err(poison(format!(
            "generation {generation} of this upload was never opened"
        )))
    }
}

/// Enters batches in the ledger and gives back those that were not in it. Always in the order of their numbers: two writers
/// with the same batches then wait for each other, and never in a circle.
async fn enter<'a>(
    connection: &mut PgConnection,
    open: &OpenCommit,
    batches: &'a [IncomingBatch],
) -> Result<Vec<&'a IncomingBatch>> {
    let mut numbers = Vec::with_capacity(batches.len());
    let mut starts = Vec::with_capacity(batches.len());
    let mut rows = Vec::with_capacity(batches.len());
    let mut quarantined = Vec::with_capacity(batches.len());
    let mut shown = Vec::with_capacity(batches.len());
    for batch in batches {
        let number = |n: u32| {
            i32::try_from(n).map_err(|_| poison(format!("a batch has the number or count {n}")))
        };
        numbers.push(number(batch.no)?);
        starts.push(open.row_lo + big(batch.meta.row_offset));
        rows.push(number(batch.meta.rows)?);
        quarantined.push(number(batch.meta.quarantined)?);
        shown.push(Some(serde_json::to_value(&batch.shown)?).filter(|_| !batch.shown.is_empty()));
    }
    let entered = sqlx::query_scalar!(
        "insert into gk.ledger (dataset, commit, batch, row_lo, rows, quarantined, shown) \
         select $1, $2, b.batch, b.row_lo, b.rows, b.quarantined, b.shown \
         from unnest($3::int[], $4::bigint[], $5::int[], $6::int[], $7::jsonb[]) b (batch, row_lo, rows, quarantined, shown) \
         order by b.batch \
         on conflict do nothing returning batch",
        open.dataset_no,
        open.commit,
        &numbers,
        &starts,
        &rows,
        &quarantined,
        &shown as &[Option<Value>]
    )
    .fetch_all(connection)
    .await?;
    let mut entered: HashSet<i32> = entered.into_iter().collect();
    // `remove`: the same batch twice in one call is entered once and copied once.
    Ok(batches
        .iter()
        .filter(|batch| i32::try_from(batch.no).is_ok_and(|no| entered.remove(&no)))
        .collect())
}

/// One COPY per run of batches with the same fields, which under one plan is one COPY.
async fn copy_rows(
    connection: &mut PgConnection,
    open: &OpenCommit,
    batches: &[&IncomingBatch],
) -> Result<()> {
    for run in batches.chunk_by(|a, b| a.rows.schema().fields() == b.rows.schema().fields()) {
        let Some(first) = run.first() else { continue };
        let columns = copy::columns_of(&first.rows, &open.columns)?;
        let names = columns.iter().fold(String::new(), |mut names, column| {
            names.push_str(", ");
            names.push_str(&column.sql);
            names
        });
        let target = format!("{} (row_id, born{names})", open.table);
        copy_in(connection, &target, run, |batch, buffer| {
            let row_lo = open.row_lo + big(batch.meta.row_offset);
            copy::encode(&batch.rows, &columns, row_lo, open.commit, buffer)
        })
        .await?;
    }
    Ok(())
}

/// As [`copy_rows`], of where the rows stood.
async fn copy_places(
    connection: &mut PgConnection,
    open: &OpenCommit,
    table: &str,
    batches: &[&IncomingBatch],
) -> Result<()> {
    let target = format!("{table} (row_id, batch, record, byte, line, raw)");
    copy_in(connection, &target, batches, |batch, buffer| {
        let Some(places) = &batch.places else {
            return Ok(());
        };
        let row_lo = open.row_lo + big(batch.meta.row_offset);
        copy::encode_places(places, batch.no, row_lo, buffer)
    })
    .await
}

/// One COPY into this table and its columns, of what is appended for each batch.
async fn copy_in(
    connection: &mut PgConnection,
    target: &str,
    batches: &[&IncomingBatch],
    append: impl Fn(&IncomingBatch, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut stream = connection
        .copy_in_raw(&format!("copy {target} from stdin (format binary)"))
        .await?;
    let mut buffer = Vec::with_capacity(COPY_CHUNK + COPY_CHUNK / 4);
    buffer.extend_from_slice(copy::HEADER);
    for batch in batches {
        append(batch, &mut buffer)?;
        if buffer.len() >= COPY_CHUNK {
            stream.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(copy::TRAILER);
    stream.send(buffer.as_slice()).await?;
    stream.finish().await.map_err(unfit)?;
    Ok(())
}

/// What the server will not take now it will not take later: a malformed or oversized value, a row id that is taken.
fn unfit(error: sqlx::Error) -> Error {
    let code = match &error {
        sqlx::Error::Database(database) => database.code().map(std::borrow::Cow::into_owned),
        _ => None,
    };
    match code.as_deref().and_then(|code| code.get(..2)) {
        Some("22" | "23" | "54") => Error::Poison(
            "the batch holds a row that its table cannot take".to_owned(),
            Some(error),
        ),
        _ => error.into(),
    }
}
