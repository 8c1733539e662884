//! The moment an import becomes a version: one transaction, in which the dataset's lock is the first statement and everything
//! is read after it. The event goes on by [`crate::outbox`].

use contracts::{
    Code, DatasetId, Problem, UploadId,
    events::VersionPublished,
    plan::Plan,
    receipt::Receipt,
    rules::ColumnRules,
    upload::{Mode, UploadState},
};
use sqlx::{AssertSqlSafe, PgConnection, types::Json};

use crate::{
    Error, Result, Store, StoredColumn,
    commits::Head,
    imports::{big, end, from_word, lock_dataset},
    mappings,
    merge::{self, Difference, Merge, Refused, Sitting},
    plans::{head_columns, merged_columns},
    tables,
    unique::{NotUnique, Unique},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    /// Published as this version, by this call (`fresh`) or an earlier one.
    Published { version: i64, fresh: bool },
    /// Something is still to come.
    Incomplete,
    /// The sitting is over with more to do: call again.
    Unfinished,
    /// All is there, or cannot be as it is: somebody has to confirm it, or to choose other options.
    Awaiting,
    /// The counts do not balance: the import has failed with this.
    Failed(Problem),
    /// It had come to another end before.
    Over(UploadState),
}

/// An import all of whose parts are named: its plan, commit and end-of-load message are there.
struct Load {
    upload: String,
    commit: i64,
    plan: Plan,
    end_batches: i64,
    end_rows: i64,
    end_quarantined: i64,
    /// Whether somebody is asked before it is published, and has not said yes.
    is_asked: bool,
    /// Whether it has columns whose values may be in one row only.
    is_unique: bool,
}

/// What the ledger has of it.
struct Sums {
    batches: i64,
    numbered: i64,
    rows: i64,
    quarantined: i64,
}

impl Load {
    /// What is wrong with the counts, if anything is.
    fn objection(&self, sums: &Sums, receipt: &Receipt) -> Option<String> {
        let sent = (
            self.end_batches,
            self.end_batches,
            self.end_rows,
            self.end_quarantined,
        );
        let stored = (sums.batches, sums.numbered, sums.rows, sums.quarantined);
        if sent != stored {
            return Some(format!(
                "The load sent {} batches with {} rows and {} quarantined records; {} batches with {} rows and {} quarantined records are stored.",
                self.end_batches,
                self.end_rows,
                self.end_quarantined,
                sums.batches,
                sums.rows,
                sums.quarantined
            ));
        }
        (!receipt.balances()).then(|| {
            format!(
                "The file has {} records that should become rows; {} became rows and {} were quarantined.",
                receipt.rows_read,
                receipt.inserted + receipt.updated + receipt.unchanged + receipt.superseded,
                receipt.quarantined
            )
        })
    }

    /// What the file brought; what became of its rows is for the caller to say.
    fn receipt(&self) -> Receipt {
        Receipt {
            records: big(self.plan.file.records),
            headers: big(self.plan.file.headers),
            rows_read: big(self.plan.file.rows),
            quarantined: self.end_quarantined,
            skipped: self.plan.file.skipped.clone(),
            warnings: self.plan.file.warnings.clone(),
            ..Receipt::default()
        }
    }
}

impl Store {
    /// Publishes the import if all its batches and its end-of-load message are in; one that asks first waits from then on until it
    /// is confirmed. Call it after the transaction that wrote a
    /// batch and before the ack: of two writers that overlap, neither sees the other's last batch inside its own.
    pub async fn publish_if_complete(&self, upload: UploadId) -> Result<Publish> {
        self.publish_within(upload, None).await
    }

    /// The same, and no longer than the sitting lasts: [`Publish::Unfinished`] when it is over before.
    pub async fn publish_within(
        &self,
        upload: UploadId,
        sitting: Option<Sitting>,
    ) -> Result<Publish> {
        let key = upload.to_string();
        let dataset_no = self.dataset_of(&key).await?;
        if self.lacks_batches(&key).await? {
            return Ok(Publish::Incomplete);
        }
        let unique = self.unique(dataset_no, &key).await?;
        let unique = unique.as_ref();
        let Some(merging) = self.merging(&key).await? else {
            if let Some(unique) = unique {
                self.judge(unique).await?;
            }
            let published = self.publish(upload, dataset_no, None, unique).await?;
            return Ok(published.unwrap_or(Publish::Incomplete));
        };
        let merge = Merge {
            dataset_no,
            commit: merging.commit,
            upload: &key,
            plan: &merging.plan,
            is_asked: merging.is_asked,
            limits: match unique {
                // Only what is there when it is published says which of its rows may be written.
                Some(_) => self.merge_limits.in_place(),
                None => self.merge_limits,
            },
        };
        for tries in 0..=merge::TRIES {
            let forced = tries == merge::TRIES;
            if let Err(refused) = self.work_out(&merge, sitting).await? {
                return self.refuse(upload, refused).await;
            }
            if let Some(unique) = unique {
                self.judge(unique).await?;
            }
            if let Some(published) = self
                .publish(upload, dataset_no, Some((&merge, forced)), unique)
                .await?
            {
                return Ok(published);
            }
        }
        Ok(Publish::Unfinished)
    }

    /// A merge that cannot be worked out: another one will be, or the import fails.
    async fn refuse(&self, upload: UploadId, refused: Refused) -> Result<Publish> {
        match refused {
            Refused::Elsewhere => Ok(Publish::Incomplete),
            Refused::Unfinished => Ok(Publish::Unfinished),
            Refused::Failed {
                generation,
                problem,
            } => {
                if self.ask_to_mend(upload, generation, &problem).await? {
                    return Ok(Publish::Awaiting);
                }
                self.fail_generation(upload, generation, &problem).await?;
                Ok(Publish::Failed(problem))
            }
        }
    }

    /// `None` when the head has moved since the merge's difference was worked out, and what was touched since is too much to be
    /// looked at again under the lock, unless that is `forced`.
    async fn publish(
        &self,
        upload: UploadId,
        dataset_no: i64,
        merge: Option<(&Merge<'_>, bool)>,
        unique: Option<&Unique>,
    ) -> Result<Option<Publish>> {
        let key = upload.to_string();
        let mut tx = self.pool.begin().await?;
        let is_worked_on = merge.is_some() || unique.is_some();
        if is_worked_on && !merge::hold(&mut tx, &key).await? {
            return Ok(Some(Publish::Incomplete));
        }
        lock_dataset(&mut tx, dataset_no).await?;
        let load = match locked_load(&mut tx, &key).await? {
            Ok(load) => load,
            Err(outcome) => return Ok(Some(outcome)),
        };
        let sums = sqlx::query_as!(
            Sums,
            r#"select count(*) as "batches!", coalesce(max(batch) + 1, 0)::bigint as "numbered!",
                   coalesce(sum(rows), 0)::bigint as "rows!", coalesce(sum(quarantined), 0)::bigint as "quarantined!"
               from gk.ledger where commit = $1 and dataset = $2"#,
            load.commit,
            dataset_no
        )
        .fetch_one(&mut *tx)
        .await?;
        if sums.batches < load.end_batches {
            return Ok(Some(Publish::Incomplete));
        }
        let before = sqlx::query!(
            "select id, head, rows from gk.dataset where no = $1",
            dataset_no
        )
        .fetch_one(&mut *tx)
        .await?;
        let version = before.head + 1;
        let mut receipt = load.receipt();
        let mut merged = None;
        if let Some((merge, forced)) = merge {
            if merge.commit != load.commit {
                return Ok(Some(Publish::Incomplete));
            }
            let head = Head::look(&mut tx, dataset_no).await?;
            let Some(mut difference) = merge.kept(&mut tx).await?.filter(Difference::is_compared)
            else {
                tx.rollback().await?;
                return Ok(None);
            };
            match merge
                .catch_up(&mut tx, &head, &mut difference, forced)
                .await?
            {
                Ok(true) => {}
                Ok(false) => {
                    // Waited for: the import must not be held any more when it is worked on again.
                    tx.rollback().await?;
                    return Ok(None);
                }
                Err(refused) => {
                    drop(tx);
                    return self.refuse(upload, refused).await.map(Some);
                }
            }
            receipt.inserted = difference.inserted;
            receipt.updated = difference.updated;
            receipt.unchanged = difference.unchanged;
            receipt.superseded = load.end_rows - difference.staged();
            receipt.deleted = difference.deleted;
            merged = Some((merge, head, difference));
        } else {
            receipt.inserted = load.end_rows;
            if load.plan.mode == Mode::Replace {
                receipt.deleted = before.rows;
            }
        }
        if load.is_unique && unique.is_none() {
            // Planned anew since it was asked.
            return Ok(Some(Publish::Incomplete));
        }
        let mut refused = NotUnique::default();
        if let Some(unique) = unique {
            if unique.commit != load.commit {
                return Ok(Some(Publish::Incomplete));
            }
            let head = Head::look(&mut tx, dataset_no).await?;
            unique.judge(&mut tx, &head).await?;
            refused = unique.refused(&mut tx).await?;
            receipt.inserted -= refused.inserted;
            receipt.updated -= refused.updated;
            receipt.quarantined += refused.all();
        }
        if let Some(objection) = load.objection(&sums, &receipt) {
            let problem = Problem::new(
                Code::Internal,
                format!("{objection} Nothing was published. Upload the file again."),
            );
            end(&mut tx, &key, UploadState::Failed, Some(&problem)).await?;
            tx.commit().await?;
            return Ok(Some(Publish::Failed(problem)));
        }
        if load.is_asked {
            if let Some((merge, _, difference)) = &merged {
                merge.keep(&mut tx, difference).await?;
            }
            wait(&mut tx, &load).await?;
            tx.commit().await?;
            tracing::info!(upload.id = %upload, "an import waits to be confirmed");
            return Ok(Some(Publish::Awaiting));
        }
        if let Some((merge, _, difference)) = &merged
            && !difference.is_ready(merge.limits)
        {
            tx.rollback().await?;
            return Ok(None);
        }

        if let Some(unique) = unique {
            unique.take_out(&mut tx).await?;
            if let Some((_, _, difference)) = &mut merged {
                difference.inserted -= refused.inserted;
                difference.updated -= refused.updated;
            }
        }
        let columns = merged_columns(
            load.plan.mode,
            &head_columns(&mut tx, dataset_no).await?,
            &load.plan,
        )?;
        let rows = before.rows + receipt.inserted - receipt.deleted;
        let commit = match &merged {
            Some((merge, head, difference)) => match &difference.renewal {
                Some(renewal) => merge.replace(&mut tx, version, rows, renewal).await?,
                None => merge.write(&mut tx, head, difference).await?,
            },
            None => {
                if load.plan.mode == Mode::Replace {
                    hide_former(&mut tx, dataset_no, version).await?;
                }
                show(&mut tx, dataset_no, load.commit, version).await?;
                load.commit
            }
        };
        write_version(
            &mut tx,
            &NewVersion {
                dataset_no,
                dataset: before.id.parse()?,
                version,
                commit,
                rows,
                columns: &columns,
                receipt: &receipt,
                upload: Some(upload),
            },
        )
        .await?;
        mappings::remember(&mut tx, dataset_no, version, &load.plan).await?;
        sqlx::query!(
            "update gk.import set state = 'published', version = $2, receipt = $3, rows_written = $4, \
                 bytes_read = bytes_total, rows_read = $5, finished_at = clock_timestamp(), lease_owner = null, lease_until = null \
             where upload = $1",
            load.upload,
            version,
            serde_json::to_value(&receipt)?,
            load.end_rows - refused.all(),
            receipt.rows_read
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        tracing::info!(
            dataset.no = dataset_no,
            dataset.version = version,
            import.rows = load.end_rows,
            "version published"
        );
        Ok(Some(Publish::Published {
            version,
            fresh: true,
        }))
    }

    /// Gives the planner the statistics of a table that has just grown. Autovacuum would, but up to a minute later, and until
    /// then a jump in a new table costs several times as much.
    pub async fn analyze(&self, upload: UploadId) -> Result<()> {
        let dataset_no = self.dataset_of(&upload.to_string()).await?;
        sqlx::query(AssertSqlSafe(format!(
            "analyze {}",
            tables::live(dataset_no)
        )))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Asked without the lock, because nearly every call comes too early: whoever commits the last part asks after that and
    /// finds nothing lacking.
    async fn lacks_batches(&self, upload: &str) -> Result<bool> {
        Ok(sqlx::query_scalar!(
            r#"select i.state not in ('published', 'failed', 'cancelled') and (i.state = 'awaiting_confirmation' or p.end_batches is null
                   or (select count(*) from gk.ledger l where l.commit = p.commit and l.dataset = i.dataset) < p.end_batches) as "lacks!"
               from gk.import i left join gk.plan p on p.upload = i.upload and p.generation = i.generation where i.upload = $1"#,
            upload
        )
        .fetch_one(&self.pool)
        .await?)
    }
}

/// All rows are loaded, and nobody sees them until somebody has said yes.
async fn wait(connection: &mut PgConnection, load: &Load) -> Result<()> {
    sqlx::query!(
        "update gk.import set state = 'awaiting_confirmation', waiting_since = clock_timestamp(), bytes_read = bytes_total, \
             rows_read = $2 where upload = $1",
        load.upload,
        big(load.plan.file.rows)
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows of a commit are there from this version on, each of its batches a block.
pub(crate) async fn show(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    version: i64,
) -> Result<()> {
    sqlx::query!(
        "update gk.commit set state = 'published' where dataset = $1 and id = $2",
        dataset_no,
        commit
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query(AssertSqlSafe(format!(
        "insert into {} (lo, n, v_from) select row_lo, rows, $3 from gk.ledger where commit = $1 and dataset = $2 and rows > 0",
        tables::blocks(dataset_no)
    )))
    .bind(commit)
    .bind(dataset_no)
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

/// The load to publish, its import's row locked; or what to answer instead.
async fn locked_load(connection: &mut PgConnection, upload: &str) -> Result<Result<Load, Publish>> {
    let row = sqlx::query!(
        r#"select i.state, i.version, i.confirm = 'ask' and i.confirmed is distinct from i.generation as "is_asked!", p.plan as "plan?: Json<Plan>",
               p.rules as "rules?: Json<ColumnRules>", p.commit as "commit?", p.end_batches as "end_batches?",
               p.end_rows as "end_rows?", p.end_quarantined as "end_quarantined?"
           from gk.import i left join gk.plan p on p.upload = i.upload and p.generation = i.generation
           where i.upload = $1 for update of i"#,
        upload
    )
    .fetch_one(connection)
    .await?;
    let state: UploadState = from_word(&row.state)?;
    if let (UploadState::Published, Some(version)) = (state, row.version) {
        return Ok(Err(Publish::Published {
            version,
            fresh: false,
        }));
    }
    if state.is_final() {
        return Ok(Err(Publish::Over(state)));
    }
    if state == UploadState::AwaitingConfirmation {
        return Ok(Err(Publish::Awaiting));
    }
    let (
        Some(plan),
        Some(rules),
        Some(commit),
        Some(batches),
        Some(end_rows),
        Some(end_quarantined),
    ) = (
        row.plan,
        row.rules,
        row.commit,
        row.end_batches,
        row.end_rows,
        row.end_quarantined,
    )
    else {
        return Ok(Err(Publish::Incomplete));
    };
    let is_unique = plan.file.unique(&rules).next().is_some();
    Ok(Ok(Load {
        upload: upload.to_owned(),
        commit,
        is_unique,
        plan: plan.0,
        end_batches: i64::from(batches),
        end_rows,
        end_quarantined,
        is_asked: row.is_asked,
    }))
}

/// Replace: every import so far is hidden, its blocks closed, and what was edited or inserted by hand goes to history, because
/// hiding an import does not hide rows that carry a later commit. All of that dies in a commit drawn here, under the lock: the
/// import's own id may be older than the rows it replaces, and a row cannot die before it was born.
pub(crate) async fn hide_former(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
) -> Result<()> {
    let closing = sqlx::query_scalar!(
        r#"update gk.dataset set next_commit = next_commit + 1, max_commit = next_commit where no = $1
           returning max_commit as "closing!""#,
        dataset_no
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into gk.commit (dataset, id, kind, state) values ($1, $2, 'hide', 'published')",
        dataset_no,
        closing
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update gk.commit set state = 'undone', hidden_by = $2 where dataset = $1 and kind = 'import' and state = 'published'",
        dataset_no,
        closing
    )
    .execute(&mut *connection)
    .await?;
    // Whatever was written by hand before an earlier replace is in history since.
    let by_hand = sqlx::query_scalar!(
        "select id from gk.commit where dataset = $1 and kind in ('grid', 'restore', 'api', 'merge') and state = 'published' \
           and id > coalesce((select max(h.id) from gk.commit h where h.dataset = $1 and h.kind = 'hide' and h.id < $2), 0)",
        dataset_no,
        closing
    )
    .fetch_all(&mut *connection)
    .await?;
    if let Some(first) = by_hand.iter().min().copied() {
        // Found by what they took the place of and by the ids they drew: an index on `born` would cost every edit.
        let columns = tables::list(&tables::physical_names(connection, dataset_no).await?, "");
        let (live, history) = (tables::live(dataset_no), tables::history(dataset_no));
        sqlx::query(AssertSqlSafe(format!(
            "with touched as materialized (select row_id from {history} where died >= $3 and died = any($1) \
               union select l.row_id from gk.commit c join {live} l on l.row_id >= c.row_lo and l.row_id <= c.row_hi \
                 where c.dataset = $4 and c.id = any($1)), \
             gone as (delete from {live} l using touched t where l.row_id = t.row_id and l.born = any($1) returning l.*) \
             insert into {history} (row_id, born, died{columns}) select row_id, born, $2{columns} from gone"
        )))
        .bind(by_hand)
        .bind(closing)
        .bind(first)
        .bind(dataset_no)
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query(AssertSqlSafe(format!(
        "update {} set v_to = $1 where v_to = {}",
        tables::blocks(dataset_no),
        i64::MAX
    )))
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

/// A version about to be.
pub(crate) struct NewVersion<'a> {
    pub(crate) dataset_no: i64,
    pub(crate) dataset: DatasetId,
    /// The one behind the head.
    pub(crate) version: i64,
    pub(crate) commit: i64,
    pub(crate) rows: i64,
    pub(crate) columns: &'a [StoredColumn],
    pub(crate) receipt: &'a Receipt,
    pub(crate) upload: Option<UploadId>,
}

/// The last statement of every commit: the head moves on, with the records that its import left in quarantine, the version says
/// what it sees, and the event is there for the relay.
/// `hidden` is what is not visible up to `max_commit`; `extent` is where rows can be, everything handed out later left out as
/// well. A replaced import's range stays left out when its rows have been swept into history: they would be in the way there too.
pub(crate) async fn write_version(
    connection: &mut PgConnection,
    new: &NewVersion<'_>,
) -> Result<()> {
    let event = VersionPublished {
        dataset: new.dataset,
        version: new.version,
        upload: new.upload,
    };
    let written = sqlx::query!(
        "with d as (update gk.dataset s set head = $2::bigint, max_commit = greatest(max_commit, $3), rows = $4, quarantined = quarantined + $8, \
               hidden = coalesce((select array_agg(c.id order by c.id) from gk.commit c \
                   where c.dataset = $1 and c.id <= greatest(s.max_commit, $3) and c.state in ('open', 'aborted', 'undone')), '{}') \
             where no = $1 and head = $2::bigint - 1 returning no, head, max_commit, hidden, rows, next_row), \
         event as (insert into gk.outbox (dataset, payload) select d.no, $7 from d) \
         insert into gk.version (dataset, version, commit, max_commit, hidden, rows, extent, columns, receipt, at) \
         select d.no, d.head, $3, d.max_commit, d.hidden, d.rows, \
             int8multirange(int8range(1, coalesce((select min(c.row_lo) from gk.commit c \
                 where c.dataset = d.no and c.id > d.max_commit), d.next_row))) \
             - coalesce((select range_agg(int8range(c.row_lo, c.row_hi + 1)) from gk.commit c where c.dataset = d.no \
                 and c.id <= d.max_commit and c.row_lo is not null and c.state in ('open', 'aborted', 'undone', 'swept')), '{}'), \
             $5, $6, \
             greatest(clock_timestamp(), (select v.at + interval '1 microsecond' from gk.version v \
                 where v.dataset = d.no and v.version = d.head - 1)) \
         from d",
        new.dataset_no,
        new.version,
        new.commit,
        new.rows,
        serde_json::to_value(new.columns)?,
        serde_json::to_value(new.receipt)?,
        serde_json::to_value(event)?,
        new.receipt.quarantined
    )
    .execute(connection)
    .await?;
    if written.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::Disagrees("a version and the head before it"))
    }
}
