//! An import from the asking to its end: its row in `gk.import` is the truth for state, progress and receipt. The file's
//! content comes in by [`crate::plans`].

use std::time::Duration;

use contracts::{
    Code, DatasetId, UploadId, UserId,
    plan::Options,
    problem::Problem,
    receipt::{Place, Receipt},
    upload::{Confirm, Mode, Target, Upload, UploadState},
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{AssertSqlSafe, PgConnection, types::Json};

use crate::{
    Error, Result, Store, analyses,
    parts::{self, Part},
};

/// What presign (or a drop folder) asks for.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub upload: UploadId,
    pub member: UserId,
    pub file_name: String,
    pub bytes: u64,
    pub target: Target,
    pub mode: Mode,
    /// Key columns, for upsert and sync.
    pub key: Vec<String>,
    pub options: Options,
    pub confirm: Confirm,
    /// Where the object will lie.
    pub object_key: String,
    /// Never sent by then: failed, code `expired`.
    pub expires_in: Duration,
}

/// An import and what the functions need to work on it.
#[derive(Clone, Debug)]
pub struct Import {
    /// As the API shows it, with the plan of its generation.
    pub upload: Upload,
    pub member: UserId,
    pub dataset_no: i64,
    pub object_key: String,
    /// Of the file that was dropped, where it came so: another may lie under its name by now.
    pub dropped_etag: Option<String>,
    /// Of a further table of a file that has several.
    pub part: Option<Part>,
}

#[derive(Clone, Debug)]
pub struct ImportPage {
    pub uploads: Vec<Upload>,
    pub next: Option<String>,
}

#[derive(Clone, Debug)]
pub struct PlacePage {
    pub places: Vec<Place>,
    pub next: Option<String>,
}

/// The answer to asking for the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    Acquired,
    /// Somebody else works on it; their lease runs out in so long, unless they extend it.
    Held {
        owner: String,
        expires_in: Duration,
    },
    /// Nothing to do any more.
    Final(UploadState),
}

/// What became of the wish to end an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    Ended,
    /// It had come to this end before.
    Over(UploadState),
    /// It was about another generation.
    OldGeneration,
}

const SELECT: &str = "select i.upload, i.dataset as dataset_no, d.id as dataset_id, d.name as dataset_name, i.member, i.file_name, \
    i.mode, i.key_columns, i.options, i.confirm, coalesce(i.confirmed = i.generation, false) as confirmed, i.object_key, i.dropped_etag, i.state, i.generation, i.bytes_total, i.bytes_read, i.rows_read, \
    case when i.state = 'published' then i.rows_written else coalesce((select sum(l.rows) from gk.plan p \
        join gk.ledger l on l.commit = p.commit and l.dataset = i.dataset \
        where p.upload = i.upload and p.generation = i.generation), 0)::bigint end as rows_written, \
    extract(epoch from clock_timestamp() - i.stage_since)::float8 as stage_seconds, i.version, i.receipt, i.problem, i.file_of, i.found_by, i.label, i.place, \
    to_char(i.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as created_at, \
    to_char(i.finished_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as finished_at";
const FROM: &str = "from gk.import i join gk.dataset d on d.no = i.dataset";

#[derive(sqlx::FromRow)]
struct Stored {
    upload: String,
    dataset_no: i64,
    dataset_id: String,
    dataset_name: String,
    member: String,
    file_name: String,
    mode: String,
    key_columns: Vec<String>,
    options: Json<Options>,
    confirm: String,
    confirmed: bool,
    object_key: String,
    dropped_etag: Option<String>,
    state: String,
    stage_seconds: Option<f64>,
    generation: i32,
    bytes_total: i64,
    bytes_read: i64,
    rows_read: i64,
    rows_written: i64,
    version: Option<i64>,
    receipt: Option<Json<Receipt>>,
    problem: Option<Json<Problem>>,
    file_of: Option<String>,
    found_by: Option<String>,
    label: Option<String>,
    place: Vec<i32>,
    created_at: String,
    finished_at: Option<String>,
}

impl Stored {
    /// How fast the stage has gone so far, in rows a second, and when it ends if it goes on so, in seconds. Unknown in its first
    /// second, and where all is done but what follows.
    fn pace(&self, state: UploadState) -> (Option<u64>, Option<u64>) {
        let (rows, done, all) = match state {
            UploadState::Analysing => (self.rows_read, self.bytes_read, self.bytes_total),
            UploadState::Loading => (self.rows_written, self.rows_written, self.rows_read),
            _ => return (None, None),
        };
        let Some(seconds) = self.stage_seconds.filter(|seconds| *seconds >= 1.0) else {
            return (None, None);
        };
        if done <= 0 {
            return (None, None);
        }
        let left = seconds * (all - done) as f64 / done as f64;
        (
            Some((rows as f64 / seconds).round() as u64),
            (all > done).then_some(left.ceil() as u64),
        )
    }

    fn into_import(self) -> Result<Import> {
        let state = from_word(&self.state)?;
        let (rows_per_second, seconds_left) = self.pace(state);
        let part = match &self.found_by {
            None => None,
            Some(found_by) => Some(Part {
                found_by: found_by.parse()?,
                last: parts::is_last(&self.place),
            }),
        };
        Ok(Import {
            part,
            upload: Upload {
                id: self.upload.parse()?,
                file_name: self.file_name,
                state,
                generation: self.generation,
                mode: from_word(&self.mode)?,
                key: self.key_columns,
                options: self.options.0,
                confirm: from_word(&self.confirm)?,
                confirmed: self.confirmed,
                bytes_total: self.bytes_total.unsigned_abs(),
                bytes_read: self.bytes_read.unsigned_abs(),
                rows_read: self.rows_read.unsigned_abs(),
                rows_written: self.rows_written.unsigned_abs(),
                rows_per_second,
                seconds_left,
                dataset_id: self.dataset_id.parse()?,
                dataset_name: self.dataset_name,
                version: self.version,
                receipt: self.receipt.map(|json| json.0),
                plan: None,
                problem: self.problem.map(|json| json.0),
                table: self.label,
                first: self.file_of.map(|id| id.parse()).transpose()?,
                tables: Vec::new(),
                created_at: self.created_at,
                finished_at: self.finished_at,
            },
            member: self.member.parse()?,
            dataset_no: self.dataset_no,
            object_key: self.object_key,
            dropped_etag: self.dropped_etag,
        })
    }
}

/// The word that serde writes for a unit variant, as the database keeps it.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::from_value(serde_json::to_value(value)?)?)
}

pub(crate) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T> {
    Ok(serde_json::from_value(word.into())?)
}

/// Counts and sizes are never near the limit of bigint; a file that claims to be is capped, not refused.
pub(crate) fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The pages of lists: one more row is asked for than is shown.
pub(crate) fn page_of<T>(
    mut items: Vec<T>,
    limit: u32,
    cursor: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(cursor);
    (items, next)
}

/// Takes the dataset's lock. Always a statement of its own and the transaction's first: what a later statement reads is then
/// as new as the lock. Not `for update`, which would stop the grants' foreign key checks too.
pub(crate) async fn lock_dataset(connection: &mut PgConnection, dataset_no: i64) -> Result<()> {
    sqlx::query!(
        "select no from gk.dataset where no = $1 for no key update",
        dataset_no
    )
    .fetch_optional(connection)
    .await?
    .ok_or(Error::NotFound("dataset"))?;
    Ok(())
}

/// Ends an import that has not ended, aborting its open commit: writers of its batches finish first, and none comes after.
/// The dataset's lock and the import's row must be held.
pub(crate) async fn end(
    connection: &mut PgConnection,
    upload: &str,
    state: UploadState,
    problem: Option<&Problem>,
) -> Result<()> {
    sqlx::query!(
        "update gk.import set state = $2, problem = $3, finished_at = clock_timestamp(), lease_owner = null, lease_until = null \
         where upload = $1",
        upload,
        word(&state)?,
        problem.map(serde_json::to_value).transpose()?
    )
    .execute(&mut *connection)
    .await?;
    analyses::forget(connection, upload).await?;
    abort_open(connection, upload).await
}

/// A dataset without a version, and its owner's grant.
pub(crate) async fn new_dataset(
    connection: &mut PgConnection,
    name: &str,
    member: &str,
) -> Result<i64> {
    let dataset_no = sqlx::query_scalar!(
        "insert into gk.dataset (id, name, created_by) values ($1, $2, $3) returning no",
        DatasetId::generate().to_string(),
        name,
        member
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into gk.dataset_grant (dataset, member, role) values ($1, $2, 'owner')",
        dataset_no,
        member
    )
    .execute(connection)
    .await?;
    Ok(dataset_no)
}

pub(crate) async fn abort_open(connection: &mut PgConnection, upload: &str) -> Result<()> {
    sqlx::query!(
        "update gk.commit set state = 'aborted' where upload = $1 and state = 'open'",
        upload
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The cursor of a list of imports is the last one's id; anything else is none of ours.
fn before(cursor: Option<&str>) -> Result<Option<String>> {
    let id = cursor.map(str::parse::<UploadId>).transpose();
    let id = id.map_err(|_| Error::invalid("cursor", "not a cursor of this list"))?;
    Ok(id.map(|id| id.to_string()))
}

impl Store {
    /// Writes the import, and for a new dataset its row and its owner's grant. The dataset is listed from its first version.
    /// Asking again with the same upload id answers with what is there.
    pub async fn create_import(&self, new: NewImport) -> Result<Import> {
        let upload = new.upload.to_string();
        let member = new.member.to_string();
        let mut tx = self.pool.begin().await?;
        let there = sqlx::query!("select upload from gk.import where upload = $1", upload)
            .fetch_optional(&mut *tx)
            .await?;
        if there.is_none() {
            let dataset_no = match (&new.target, new.mode) {
                (Target::New { new_name }, Mode::New) => {
                    new_dataset(&mut tx, new_name, &member).await?
                }
                (
                    Target::Existing { id },
                    Mode::Append | Mode::Replace | Mode::Upsert | Mode::Sync,
                ) => sqlx::query_scalar!(
                    "select no from gk.dataset where id = $1 and head > 0 and deleted_at is null",
                    id.to_string()
                )
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(Error::NotFound("dataset"))?,
                (Target::New { .. }, _) => {
                    return Err(Error::invalid(
                        "mode",
                        "a new dataset is made with mode new",
                    ));
                }
                (Target::Existing { .. }, _) => {
                    return Err(Error::invalid(
                        "mode",
                        "the dataset exists: use append, upsert, sync or replace",
                    ));
                }
            };
            sqlx::query!(
                "insert into gk.import (upload, dataset, member, file_name, mode, key_columns, options, confirm, object_key, \
                    state, bytes_total, expires_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'created', $10, clock_timestamp() + $11 * interval '1 millisecond')",
                upload,
                dataset_no,
                member,
                new.file_name,
                word(&new.mode)?,
                &new.key,
                serde_json::to_value(&new.options)?,
                word(&new.confirm)?,
                new.object_key,
                big(new.bytes),
                new.expires_in.as_secs_f64() * 1000.0
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        self.import(new.upload)
            .await?
            .ok_or(Error::NotFound("upload"))
    }

    /// `None` if there is no such upload. Who may see it (its member) is the caller's to check.
    pub async fn import(&self, upload: UploadId) -> Result<Option<Import>> {
        let stored: Option<Stored> = sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} {FROM} where i.upload = $1"
        )))
        .bind(upload.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let mut import = stored.into_import()?;
        import.upload.plan = self.plan(upload, Some(import.upload.generation)).await?;
        Ok(Some(import))
    }

    /// A member's uploads into datasets that they still have a grant on, newest first, without their plans.
    pub async fn list_imports(
        &self,
        member: UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ImportPage> {
        let stored = sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} {FROM} join gk.dataset_grant g on g.dataset = i.dataset and g.member = i.member \
             where i.member = $1 and d.deleted_at is null and ($2::text is null or i.upload < $2) order by i.upload desc limit $3"
        )))
        .bind(member.to_string())
        .bind(before(cursor)?)
        .bind(i64::from(limit.max(1)) + 1)
        .fetch_all(&self.pool)
        .await?;
        imports_page(stored, limit)
    }

    /// All uploads into a dataset, newest first, without their plans.
    pub async fn list_dataset_imports(
        &self,
        dataset_no: i64,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ImportPage> {
        let stored = sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} {FROM} where i.dataset = $1 and ($2::text is null or i.upload < $2) order by i.upload desc limit $3"
        )))
        .bind(dataset_no)
        .bind(before(cursor)?)
        .bind(i64::from(limit.max(1)) + 1)
        .fetch_all(&self.pool)
        .await?;
        imports_page(stored, limit)
    }

    /// Warnings of the newest plan, with their places.
    pub async fn warnings(
        &self,
        upload: UploadId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<PlacePage> {
        let after = match cursor {
            None => -1,
            Some(text) => text
                .parse::<i32>()
                .map_err(|_| Error::invalid("cursor", "not a cursor of this list"))?,
        };
        let rows = sqlx::query!(
            r#"select w.no, w.place as "place: Json<Place>" from gk.warning w
               join gk.import i on i.upload = w.upload and i.generation = w.generation
               where w.upload = $1 and w.no > $2 order by w.no limit $3"#,
            upload.to_string(),
            after,
            i64::from(limit.max(1)) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, next) = page_of(rows, limit, |row| row.no.to_string());
        Ok(PlacePage {
            places: rows.into_iter().map(|row| row.place.0).collect(),
            next,
        })
    }

    /// Takes the lease, by PostgreSQL's clock, if it is free, run out or already `owner`'s. An upload that was given up as
    /// `expired` and arrives after all is taken up again.
    pub async fn lease(&self, upload: UploadId, owner: &str, ttl: Duration) -> Result<Lease> {
        let upload = upload.to_string();
        let taken = sqlx::query!(
            "update gk.import set lease_owner = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond', \
               moved_at = clock_timestamp(), work_owed_at = null \
             where upload = $1 and (lease_owner is null or lease_owner = $2 or lease_until < clock_timestamp()) \
               and (state not in ('published', 'failed', 'cancelled') or (state = 'failed' and problem ->> 'code' = 'expired'))",
            upload,
            owner,
            ttl.as_secs_f64() * 1000.0
        )
        .execute(&self.pool)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(Lease::Acquired);
        }
        let found = sqlx::query!(
            r#"select state, coalesce(lease_owner, '') as "owner!",
                   greatest(coalesce(extract(epoch from lease_until - clock_timestamp()), 0), 0)::float8 as "left!"
               from gk.import where upload = $1"#,
            upload
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Error::NotFound("upload"))?;
        let state: UploadState = from_word(&found.state)?;
        Ok(if state.is_final() {
            Lease::Final(state)
        } else {
            Lease::Held {
                owner: found.owner,
                expires_in: Duration::from_secs_f64(found.left),
            }
        })
    }

    /// False when the lease was lost or the import has come to its end: stop working.
    pub async fn extend_lease(&self, upload: UploadId, owner: &str, ttl: Duration) -> Result<bool> {
        let extended = sqlx::query!(
            "update gk.import set lease_until = clock_timestamp() + $3 * interval '1 millisecond' \
             where upload = $1 and lease_owner = $2 and state not in ('published', 'failed', 'cancelled')",
            upload.to_string(),
            owner,
            ttl.as_secs_f64() * 1000.0
        )
        .execute(&self.pool)
        .await?;
        Ok(extended.rows_affected() == 1)
    }

    pub async fn release_lease(&self, upload: UploadId, owner: &str) -> Result<()> {
        sqlx::query!(
            "update gk.import set lease_owner = null, lease_until = null, moved_at = clock_timestamp() \
             where upload = $1 and lease_owner = $2",
            upload.to_string(),
            owner
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The object has arrived and is being read: `analysing`, with its real size. No effect on a later state.
    pub async fn start_analysis(&self, upload: UploadId, bytes: u64) -> Result<()> {
        sqlx::query!(
            "update gk.import set state = 'analysing', bytes_total = $2, problem = null, finished_at = null, \
               stage_since = clock_timestamp() \
             where upload = $1 and (state in ('created', 'uploaded') or (state = 'failed' and problem ->> 'code' = 'expired'))",
            upload.to_string(),
            big(bytes)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// How far the lease's holder has come with one of the two readings: `analysing`, or `loading`, which leaves alone how many
    /// rows the first one found. No effect once the stage is over.
    pub async fn progress(
        &self,
        upload: UploadId,
        owner: &str,
        stage: UploadState,
        bytes: u64,
        rows: u64,
    ) -> Result<()> {
        sqlx::query!(
            "update gk.import set bytes_read = $4, rows_read = case state when 'analysing' then $5 else rows_read end \
             where upload = $1 and lease_owner = $2 and state = $3",
            upload.to_string(),
            owner,
            word(&stage)?,
            big(bytes),
            big(rows)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends it; its rows in flight stay invisible until swept. Cancelling again is fine; [`crate::Error::Final`] when it is
    /// published or failed.
    pub async fn cancel(&self, upload: UploadId) -> Result<()> {
        match self
            .finish(upload, None, UploadState::Cancelled, None)
            .await?
        {
            Finish::Over(state) if state != UploadState::Cancelled => Err(Error::Final(state)),
            _ => Ok(()),
        }
    }

    /// Ends it with a reason. No effect on an import that has come to its end; false then.
    pub async fn fail(&self, upload: UploadId, problem: &Problem) -> Result<bool> {
        let failed = UploadState::Failed;
        let finish = self.finish(upload, None, failed, Some(problem)).await?;
        Ok(finish == Finish::Ended)
    }

    /// As [`Self::fail`], for what is the fault of one generation: no effect on an import that has come to another.
    pub async fn fail_generation(
        &self,
        upload: UploadId,
        generation: i32,
        problem: &Problem,
    ) -> Result<bool> {
        let (of, failed) = (Some(generation), UploadState::Failed);
        let finish = self.finish(upload, of, failed, Some(problem)).await?;
        Ok(finish == Finish::Ended)
    }

    /// Cancels, with code `expired`, imports that nobody has confirmed for so long.
    pub async fn expire_unconfirmed(&self, waiting_for: Duration) -> Result<Vec<UploadId>> {
        let problem = Problem::new(
            Code::Expired,
            "Nobody confirmed this upload in time, so nothing of it was published. Upload the file again.",
        );
        let waiting = sqlx::query_scalar!(
            "select upload from gk.import where confirm = 'ask' and confirmed is null \
               and state not in ('published', 'failed', 'cancelled') and waiting_since < clock_timestamp() - $1 * interval '1 millisecond'",
            waiting_for.as_secs_f64() * 1000.0
        )
        .fetch_all(&self.pool)
        .await?;
        let mut expired = Vec::new();
        for upload in waiting {
            let upload = upload.parse()?;
            if self.expire(upload, waiting_for, &problem).await? {
                expired.push(upload);
            }
        }
        Ok(expired)
    }

    /// Fails, with code `expired`, an import whose file never came; false when it is not [overdue](Store::overdue_imports) any more.
    pub async fn expire_overdue(&self, upload: UploadId) -> Result<bool> {
        let problem = Problem::new(
            Code::Expired,
            "The file did not arrive before the upload's time was over. Start the upload again.",
        );
        let expired = sqlx::query!(
            "update gk.import set state = 'failed', problem = $2, finished_at = clock_timestamp() \
             where upload = $1 and state = 'created' and expires_at < clock_timestamp() and work_owed_at is null \
               and (lease_until is null or lease_until < clock_timestamp())",
            upload.to_string(),
            serde_json::to_value(&problem)?
        )
        .execute(&self.pool)
        .await?;
        Ok(expired.rows_affected() == 1)
    }

    /// False when somebody has confirmed it meanwhile, or it has begun to wait again.
    async fn expire(
        &self,
        upload: UploadId,
        waiting_for: Duration,
        problem: &Problem,
    ) -> Result<bool> {
        let upload = upload.to_string();
        let dataset_no = self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let waits = sqlx::query!(
            "select upload from gk.import where upload = $1 and confirmed is null and state not in ('published', 'failed', 'cancelled') \
               and waiting_since < clock_timestamp() - $2 * interval '1 millisecond' for update",
            upload,
            waiting_for.as_secs_f64() * 1000.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        if waits.is_none() {
            return Ok(false);
        }
        end(&mut tx, &upload, UploadState::Cancelled, Some(problem)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// `generation`: ends it only while that is the newest.
    async fn finish(
        &self,
        upload: UploadId,
        generation: Option<i32>,
        state: UploadState,
        problem: Option<&Problem>,
    ) -> Result<Finish> {
        let upload = upload.to_string();
        let dataset_no = self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let before = sqlx::query!(
            "select state, generation from gk.import where upload = $1 for update",
            upload
        )
        .fetch_one(&mut *tx)
        .await?;
        let over: UploadState = from_word(&before.state)?;
        if over.is_final() {
            return Ok(Finish::Over(over));
        }
        // The generation under way is numbered 1 before it has a plan.
        if generation.is_some_and(|of| of != before.generation.max(1)) {
            return Ok(Finish::OldGeneration);
        }
        end(&mut tx, &upload, state, problem).await?;
        tx.commit().await?;
        Ok(Finish::Ended)
    }

    pub(crate) async fn dataset_of(&self, upload: &str) -> Result<i64> {
        sqlx::query_scalar!("select dataset from gk.import where upload = $1", upload)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::NotFound("upload"))
    }
}

fn imports_page(stored: Vec<Stored>, limit: u32) -> Result<ImportPage> {
    let (stored, next) = page_of(stored, limit, |row| row.upload.clone());
    Ok(ImportPage {
        uploads: stored
            .into_iter()
            .map(|row| Ok(row.into_import()?.upload))
            .collect::<Result<_>>()?,
        next,
    })
}
