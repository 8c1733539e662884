//! Records that could not become rows: a table of its own per dataset. [`crate::ledger`] puts them in with the batches; they are
//! seen once their import is published.
//!
//! A record is `open` until somebody resubmits it (it becomes a row, in a commit of [`crate::commits`] that takes it in the same
//! transaction) or discards it (which can be reopened). Its state belongs to the record, not to a version: an import that is
//! undone or replaced keeps its records, and a restore of an old version neither reopens what was resubmitted since nor adds it
//! a second time. The record as it stood in the file is kept in every state.

use std::collections::{HashMap, HashSet};

use contracts::{
    UploadId, UserId,
    plan::FilePlan,
    quarantine::{QuarantineGroup, QuarantineId, QuarantineMoved, QuarantineState, QuarantinedRow},
    receipt::Place,
};
use sqlx::{PgConnection, types::Json};

use crate::{
    Result, Store,
    imports::{big, from_word, lock_dataset, word},
};

/// Groups that are told.
const GROUPS_TOLD: i64 = 1_000;

/// Which records; what is left out is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    pub code: Option<String>,
    pub upload: Option<UploadId>,
    pub state: Option<QuarantineState>,
}

/// Records with their whole text, their cells not read yet.
#[derive(Clone, Debug)]
pub struct QuarantinePage {
    pub rows: Vec<QuarantinedRow>,
    pub next: Option<QuarantineId>,
}

struct Stored {
    /// Records that were found, the ones left off included.
    found: i64,
    commit: i64,
    record: i64,
    state: String,
    changed_at: Option<String>,
    changed_by: Option<String>,
    version: Option<i64>,
    upload: String,
    file_name: String,
    byte: i64,
    line: i64,
    column_name: Option<String>,
    code: String,
    message: String,
    raw: Option<String>,
}

fn into_rows(stored: Vec<Stored>) -> Result<Vec<QuarantinedRow>> {
    let row = |row: Stored| {
        Ok(QuarantinedRow {
            id: QuarantineId {
                commit: row.commit,
                record: row.record,
            },
            state: from_word(&row.state)?,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
            version: row.version,
            upload_id: row.upload.parse()?,
            file_name: row.file_name,
            place: Place {
                byte: row.byte.unsigned_abs(),
                line: row.line.unsigned_abs(),
                record: row.record.unsigned_abs(),
                column: row.column_name,
                code: row.code,
                message: row.message,
                raw: row.raw,
            },
            cells: None,
            surplus: Vec::new(),
        })
    };
    stored.into_iter().map(row).collect()
}

impl Store {
    /// Newest import first, each in the file's order. A page ends after `limit` records, or when their texts would pass `bytes`,
    /// but holds one at least.
    pub async fn list_quarantine(
        &self,
        dataset_no: i64,
        filter: &QuarantineFilter,
        after: Option<QuarantineId>,
        limit: u32,
        bytes: usize,
    ) -> Result<QuarantinePage> {
        let after = after.unwrap_or(QuarantineId {
            commit: i64::MAX,
            record: -1,
        });
        let limit = i64::from(limit.max(1));
        let found = sqlx::query_as!(
            Stored,
            r#"with page as (
                 select q.*, sum(octet_length(coalesce(q.raw, ''))) over (order by -q.commit, q.record) as bytes,
                     row_number() over (order by -q.commit, q.record) as no
                 from gk.quarantined q
                 where q.dataset = $1 and (-q.commit, q.record) > (-$2::bigint, $3::bigint)
                   and ($4::text is null or q.code = $4) and ($5::text is null or q.upload = $5) and ($6::text is null or q.state = $6)
                 order by -q.commit, q.record limit $7::bigint + 1)
               select (select count(*) from page) as "found!", p.commit as "commit!", p.record as "record!", p.state as "state!", p.version,
                   to_char(p.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as changed_at,
                   (select m.name from gk.member m where m.id = p.changed_by) as changed_by,
                   p.upload as "upload!", p.file_name as "file_name!", p.byte as "byte!", p.line as "line!",
                   p.column_name, p.code as "code!", p.message as "message!", p.raw
               from page p where p.no = 1 or (p.no <= $7 and p.bytes <= $8) order by p.no"#,
            dataset_no,
            after.commit,
            after.record,
            filter.code,
            filter.upload.map(|id| id.to_string()),
            filter.state.map(|state| word(&state)).transpose()?,
            limit,
            big(bytes as u64)
        )
        .fetch_all(&self.pool)
        .await?;
        let more = found
            .first()
            .is_some_and(|row| row.found > big(found.len() as u64));
        let rows = into_rows(found)?;
        Ok(QuarantinePage {
            next: rows.last().map(|row| row.id).filter(|_| more),
            rows,
        })
    }

    /// These records, those that are there, with their whole texts; `None` when they are longer than `bytes` together.
    pub async fn quarantined(
        &self,
        dataset_no: i64,
        ids: &[QuarantineId],
        bytes: usize,
    ) -> Result<Option<Vec<QuarantinedRow>>> {
        let (commits, records) = columns(ids);
        let length = sqlx::query_scalar!(
            r#"select coalesce(sum(octet_length(q.raw)), 0)::bigint as "length!" from gk.quarantine q
               join unnest($2::bigint[], $3::bigint[]) e (commit, record) on q.commit = e.commit and q.record = e.record
               where q.dataset = $1"#,
            dataset_no,
            &commits,
            &records
        )
        .fetch_one(&self.pool)
        .await?;
        if length > big(bytes as u64) {
            return Ok(None);
        }
        let found = sqlx::query_as!(
            Stored,
            r#"select 0::bigint as "found!", q.commit as "commit!", q.record as "record!", q.state as "state!", q.version,
                   to_char(q.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as changed_at,
                   (select m.name from gk.member m where m.id = q.changed_by) as changed_by,
                   q.upload as "upload!", q.file_name as "file_name!", q.byte as "byte!", q.line as "line!",
                   q.column_name, q.code as "code!", q.message as "message!", q.raw
               from gk.quarantined q join unnest($2::bigint[], $3::bigint[]) e (commit, record) on q.commit = e.commit and q.record = e.record
               where q.dataset = $1"#,
            dataset_no,
            &commits,
            &records
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Some(into_rows(found)?))
    }

    /// How many records pass the filter, and the groups of its state, the largest first.
    pub async fn count_quarantine(
        &self,
        dataset_no: i64,
        filter: &QuarantineFilter,
    ) -> Result<(i64, Vec<QuarantineGroup>)> {
        let found = sqlx::query!(
            r#"with groups as (
                 select q.upload, q.code, count(*) as rows from gk.quarantined q
                 where q.dataset = $1 and ($2::text is null or q.state = $2) group by q.upload, q.code)
               select g.upload as "upload!", g.code as "code!", g.rows as "rows!", i.file_name,
                   (select coalesce(sum(t.rows), 0)::bigint from groups t
                    where ($3::text is null or t.code = $3) and ($4::text is null or t.upload = $4)) as "total!"
               from groups g join gk.import i on i.upload = g.upload order by g.rows desc, g.upload desc, g.code limit $5"#,
            dataset_no,
            filter.state.map(|state| word(&state)).transpose()?,
            filter.code,
            filter.upload.map(|id| id.to_string()),
            GROUPS_TOLD
        )
        .fetch_all(&self.pool)
        .await?;
        let total = found.first().map_or(0, |row| row.total);
        let groups = found
            .into_iter()
            .map(|row| {
                Ok(QuarantineGroup {
                    code: row.code,
                    upload_id: row.upload.parse()?,
                    file_name: row.file_name,
                    rows: row.rows,
                })
            })
            .collect::<Result<_>>()?;
        Ok((total, groups))
    }

    /// By which plan each of these uploads was read.
    pub async fn plans_of(
        &self,
        uploads: impl IntoIterator<Item = UploadId>,
    ) -> Result<HashMap<UploadId, FilePlan>> {
        let uploads: HashSet<String> = uploads.into_iter().map(|id| id.to_string()).collect();
        let uploads: Vec<String> = uploads.into_iter().collect();
        let found = sqlx::query!(
            r#"select p.upload, p.plan as "plan: Json<FilePlan>" from gk.plan p
               join gk.import i on i.upload = p.upload and i.generation = p.generation where p.upload = any($1)"#,
            &uploads
        )
        .fetch_all(&self.pool)
        .await?;
        found
            .into_iter()
            .map(|row| Ok((row.upload.parse()?, row.plan.0)))
            .collect()
    }

    /// Open records become discarded ones.
    pub async fn discard(
        &self,
        dataset_no: i64,
        ids: &[QuarantineId],
        by: UserId,
    ) -> Result<QuarantineMoved> {
        let states = (QuarantineState::Open, QuarantineState::Discarded);
        self.move_records(dataset_no, ids, by, states).await
    }

    /// Discarded records become open again.
    pub async fn reopen(
        &self,
        dataset_no: i64,
        ids: &[QuarantineId],
        by: UserId,
    ) -> Result<QuarantineMoved> {
        let states = (QuarantineState::Discarded, QuarantineState::Open);
        self.move_records(dataset_no, ids, by, states).await
    }

    async fn move_records(
        &self,
        dataset_no: i64,
        ids: &[QuarantineId],
        by: UserId,
        (from, to): (QuarantineState, QuarantineState),
    ) -> Result<QuarantineMoved> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let (commits, records) = columns(ids);
        let moved = sqlx::query!(
            "update gk.quarantine q set state = $5, changed_at = clock_timestamp(), changed_by = $6 \
             from gk.quarantined v join unnest($2::bigint[], $3::bigint[]) e (commit, record) on v.commit = e.commit and v.record = e.record \
             where v.dataset = $1 and v.state = $4 and q.dataset = $1 and q.commit = v.commit and q.record = v.record and q.state = $4",
            dataset_no,
            &commits,
            &records,
            word(&from)?,
            word(&to)?,
            by.to_string()
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let moved = big(moved);
        let opened = if to == QuarantineState::Open {
            moved
        } else {
            -moved
        };
        let open = count_open(&mut tx, dataset_no, opened).await?;
        tx.commit().await?;
        Ok(QuarantineMoved { rows: moved, open })
    }
}

/// Takes records out for the rows that they become in this version. The dataset's lock must be held. Answers with those that
/// cannot be had, because they are not open.
pub(crate) async fn take(
    connection: &mut PgConnection,
    dataset_no: i64,
    ids: &[QuarantineId],
    by: UserId,
    version: i64,
) -> Result<Vec<QuarantineId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (commits, records) = columns(ids);
    let taken = sqlx::query!(
        "update gk.quarantine q set state = 'resubmitted', changed_at = clock_timestamp(), changed_by = $4, version = $5 \
         from unnest($2::bigint[], $3::bigint[]) e (commit, record) \
         where q.dataset = $1 and q.commit = e.commit and q.record = e.record and q.state = 'open' returning q.commit, q.record",
        dataset_no,
        &commits,
        &records,
        by.to_string(),
        version
    )
    .fetch_all(&mut *connection)
    .await?;
    count_open(connection, dataset_no, -big(taken.len() as u64)).await?;
    let taken: HashSet<QuarantineId> = taken
        .into_iter()
        .map(|row| QuarantineId {
            commit: row.commit,
            record: row.record,
        })
        .collect();
    Ok(ids
        .iter()
        .filter(|id| !taken.contains(id))
        .copied()
        .collect())
}

async fn count_open(connection: &mut PgConnection, dataset_no: i64, more: i64) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "update gk.dataset set quarantined = quarantined + $2 where no = $1 returning quarantined",
        dataset_no,
        more
    )
    .fetch_one(connection)
    .await?)
}

pub(crate) fn columns(ids: &[QuarantineId]) -> (Vec<i64>, Vec<i64>) {
    ids.iter().map(|id| (id.commit, id.record)).unzip()
}

/// PostgreSQL's text cannot hold NUL; a place shows it as it shows other bytes that are not text.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\\x00")
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    upload: &str,
    rejects: &[Place],
) -> Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let bigs = |of: fn(&Place) -> u64| rejects.iter().map(|p| big(of(p))).collect::<Vec<_>>();
    let texts = |of: fn(&Place) -> Option<&str>| {
        rejects
            .iter()
            .map(|place| of(place).map(without_nul))
            .collect::<Vec<_>>()
    };
    sqlx::query(
        "insert into gk.quarantine (dataset, commit, upload, record, byte, line, column_name, code, message, raw) \
         select $1, $2, $3, q.* from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) q",
    )
    .bind(dataset_no)
    .bind(commit)
    .bind(upload)
    .bind(bigs(|p| p.record))
    .bind(bigs(|p| p.byte))
    .bind(bigs(|p| p.line))
    .bind(texts(|p| p.column.as_deref()))
    .bind(texts(|p| Some(&p.code)))
    .bind(texts(|p| Some(&p.message)))
    .bind(texts(|p| p.raw.as_deref()))
    .execute(connection)
    .await?;
    Ok(())
}
