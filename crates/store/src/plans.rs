//! Plans and loads: the first plan written for a generation stands for ever; opening its load makes the tables, reserves the
//! row ids and opens the commit. Its batches come in by [`crate::ledger`].

use std::collections::HashSet;

use contracts::{
    Problem, UploadId,
    dataset::Column,
    plan::{Checkpoint, Options, Plan, PlannedColumn},
    receipt::Place,
    rules::ColumnRules,
    upload::{Confirm, Mode, UploadState},
};
use sqlx::{PgConnection, types::Json};

use crate::{
    Error, Result, Store, StoredColumn, analyses,
    imports::{abort_open, big, from_word, lock_dataset, word},
    merge, parts,
    quarantine::without_nul,
    tables,
};

/// Columns that a dataset may use up in its life: PostgreSQL counts dropped and hidden ones too, up to 1,600.
const PHYSICAL_COLUMNS_MAX: i32 = 1_500;

/// Where a generation's rows go.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLoad {
    pub dataset_no: i64,
    pub commit: i64,
    /// Row `i` of a batch gets the id `row_lo + row_offset + i`.
    pub row_lo: i64,
    pub columns: Vec<StoredColumn>,
    /// Those that the load goes by: the dataset's when the plan was made.
    pub rules: ColumnRules,
}

/// An import's row, locked, in the lock order after its dataset.
struct Locked {
    state: UploadState,
    generation: i32,
    member: String,
    file_name: String,
    mode: Mode,
    confirm: Confirm,
    /// The generation that somebody has said yes to.
    confirmed: Option<i32>,
    problem: Option<Problem>,
}

async fn lock_import(connection: &mut PgConnection, upload: &str) -> Result<Locked> {
    let row = sqlx::query!(
        r#"select state, generation, member, file_name, mode, confirm, confirmed, problem as "problem: Json<Problem>"
           from gk.import where upload = $1 for update"#,
        upload
    )
    .fetch_one(connection)
    .await?;
    Ok(Locked {
        state: from_word(&row.state)?,
        generation: row.generation,
        member: row.member,
        file_name: row.file_name,
        mode: from_word(&row.mode)?,
        confirm: from_word(&row.confirm)?,
        confirmed: row.confirmed,
        problem: row.problem.map(|json| json.0),
    })
}

/// Gives every planned column its id: the dataset's own where the plan means the same column, else that of a column of the same type
/// that is free, the one of the same name before others, else the next number. Columns are told by name; names are unique within a
/// version and within a plan. Answers those that the dataset does not have.
fn number_columns(
    planned: &mut [PlannedColumn],
    mode: Mode,
    present: &[StoredColumn],
    mut free: Vec<Column>,
    next: &mut i32,
) -> Result<Vec<Column>> {
    let mut added = Vec::new();
    for (at, planned) in planned.iter_mut().enumerate() {
        let known = present
            .iter()
            .map(|stored| &stored.column)
            .find(|column| column.name == planned.column.name);
        match (known, mode) {
            (Some(known), Mode::Replace) if known.kind == planned.column.kind => {
                planned.column.id.clone_from(&known.id);
            }
            (None, _) | (Some(_), Mode::Replace) => added.push(at),
            (Some(known), _) => {
                if known.kind != planned.column.kind {
                    return Err(Error::invalid(
                        "columns",
                        format!(
                            "column {:?} is {:?} in the dataset and {:?} in the plan",
                            known.name, known.kind, planned.column.kind
                        ),
                    ));
                }
                // A file may bring the first null that the column has: the plan then says how it was spelled.
                let null_token = planned.column.null_token.take();
                planned.column = known.clone();
                planned.column.null_token = known.null_token.clone().or(null_token);
            }
        }
    }
    let mut open = Vec::new();
    for at in added.iter().copied() {
        let column = &mut planned[at].column;
        let same = |c: &Column| c.name == column.name && c.kind == column.kind;
        match free.iter().position(same) {
            Some(place) => column.id = free.remove(place).id,
            None => open.push(at),
        }
    }
    for at in open {
        let column = &mut planned[at].column;
        column.id = match free.iter().position(|c| c.kind == column.kind) {
            Some(place) => free.remove(place).id,
            None => {
                *next += 1;
                format!("col_{}", *next - 1)
            }
        };
    }
    let mut seen = HashSet::new();
    if let Some(twice) = planned.iter().find(|p| !seen.insert(&p.column.id)) {
        return Err(Error::invalid(
            "columns",
            format!("column {:?} is planned twice", twice.column.name),
        ));
    }
    if *next > PHYSICAL_COLUMNS_MAX {
        return Err(Error::invalid(
            "columns",
            "the dataset has used up its columns; import into a new one",
        ));
    }
    let added = added.into_iter().map(|at| planned[at].column.clone());
    Ok(added.collect())
}

/// Columns that were added by plans of which nothing was published or ever will be: a table has only so many. No version shows them, so
/// no row that anybody can read has anything in them.
async fn free_columns(
    connection: &mut PgConnection,
    dataset_no: i64,
    upload: &str,
    generation: i32,
) -> Result<Vec<Column>> {
    // One that a plan took over is free only with that plan.
    let free = sqlx::query_scalar!(
        r#"with added as (select a.value as added, a.value ->> 'id' as id, p.upload, p.generation,
               i.state in ('failed', 'cancelled') or p.generation < case i.upload when $2 then $3 else i.generation end as is_over
             from gk.import i join gk.plan p on p.upload = i.upload, jsonb_array_elements(p.added) a where i.dataset = $1)
           select distinct on (id) added as "column!: Json<Column>" from added
           where id not in (select id from added where not is_over) order by id, upload desc, generation desc"#,
        dataset_no,
        upload,
        generation
    )
    .fetch_all(connection)
    .await?;
    Ok(free.into_iter().map(|column| column.0).collect())
}

/// The plan's columns have got their ids: so have those that the file's go to.
fn name_mapped(plan: &mut Plan) {
    for (at, mapped) in (0..).zip(&mut plan.file.mapping) {
        let mut columns = plan.file.columns.iter();
        if let Some(planned) = columns.find(|planned| planned.source == Some(at)) {
            mapped.column = Some(planned.column.id.clone());
            mapped.name.clone_from(&planned.column.name);
        }
    }
}

pub(crate) fn stored_columns(plan: &Plan) -> Result<Vec<StoredColumn>> {
    plan.file
        .columns
        .iter()
        .map(|planned| StoredColumn::new(planned.column.clone()))
        .collect()
}

/// The columns of the version that an import makes. Two appends planned side by side may each bring a column of the same name:
/// the later one's gets a number.
pub(crate) fn merged_columns(
    mode: Mode,
    head: &[StoredColumn],
    plan: &Plan,
) -> Result<Vec<StoredColumn>> {
    let planned = stored_columns(plan)?;
    if mode == Mode::Replace {
        return Ok(planned);
    }
    let mut merged = head.to_vec();
    for stored in planned {
        if let Some(known) = merged.iter_mut().find(|c| c.column.id == stored.column.id) {
            if known.column.null_token.is_none() {
                known.column.null_token = stored.column.null_token;
            }
            continue;
        }
        let taken = |name: &str| merged.iter().any(|c| c.column.name == name);
        let name = if taken(&stored.column.name) {
            (2..)
                .map(|n| format!("{}_{n}", stored.column.name))
                .find(|name| !taken(name))
                .unwrap_or_default()
        } else {
            stored.column.name.clone()
        };
        merged.push(StoredColumn {
            column: Column {
                name,
                ..stored.column
            },
            sql: stored.sql,
        });
    }
    Ok(merged)
}

pub(crate) async fn head_columns(
    connection: &mut PgConnection,
    dataset_no: i64,
) -> Result<Vec<StoredColumn>> {
    let columns = sqlx::query_scalar!(
        r#"select v.columns as "columns: Json<Vec<StoredColumn>>" from gk.dataset d
           join gk.version v on v.dataset = d.no and v.version = d.head where d.no = $1"#,
        dataset_no
    )
    .fetch_optional(connection)
    .await?;
    Ok(columns.map(|json| json.0).unwrap_or_default())
}

impl Store {
    /// Stores the plan, unless its generation has one: first writer wins, and every caller gets the stored one back. New
    /// columns get ids of the dataset's own counter here, so load with the answer, not with what was handed in.
    /// [`crate::Error::OldGeneration`] when a newer one stands, [`crate::Error::Final`] when the import is over.
    pub async fn save_plan(
        &self,
        upload: UploadId,
        plan: &Plan,
        warnings: &[Place],
    ) -> Result<Plan> {
        let upload = upload.to_string();
        let dataset_no = self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let import = lock_import(&mut tx, &upload).await?;
        if let Some(stored) = stored_plan(&mut tx, &upload, plan.generation).await? {
            return Ok(stored);
        }
        if import.state.is_final() {
            return Err(Error::Final(import.state));
        }
        if plan.generation < import.generation {
            return Err(Error::OldGeneration {
                newest: import.generation,
            });
        }

        let mut plan = plan.clone();
        let dataset = sqlx::query!(
            "select head, next_column from gk.dataset where no = $1",
            dataset_no
        )
        .fetch_one(&mut *tx)
        .await?;
        let present = head_columns(&mut tx, dataset_no).await?;
        // Before the first version an earlier generation's columns are nobody's: the numbers begin again.
        let mut next = if dataset.head == 0 {
            1
        } else {
            dataset.next_column
        };
        let free = if dataset.head == 0 {
            Vec::new()
        } else {
            free_columns(&mut tx, dataset_no, &upload, plan.generation).await?
        };
        let added = number_columns(
            &mut plan.file.columns,
            import.mode,
            &present,
            free,
            &mut next,
        )?;
        name_mapped(&mut plan);
        if import.mode.needs_key() {
            merge::key_of(&plan)?;
        }
        sqlx::query!(
            "update gk.dataset set next_column = $2 where no = $1",
            dataset_no,
            next
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into gk.plan (upload, generation, plan, rules, added) select $1, $2, $3, d.rules, $5 from gk.dataset d where d.no = $4",
            upload,
            plan.generation,
            serde_json::to_value(&plan)?,
            dataset_no,
            // The numbers of a first version's plans begin again and again, so what they add is never free.
            serde_json::to_value(if dataset.head == 0 { Vec::new() } else { added })?
        )
        .execute(&mut *tx)
        .await?;
        let places = warnings
            .iter()
            .map(|place| {
                serde_json::to_value(Place {
                    column: place.column.as_deref().map(without_nul),
                    message: without_nul(&place.message),
                    raw: place.raw.as_deref().map(without_nul),
                    ..place.clone()
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        sqlx::query!(
            "insert into gk.warning (upload, generation, no, place) \
             select $1, $2, (w.no - 1)::int, w.place from unnest($3::jsonb[]) with ordinality w (place, no)",
            upload,
            plan.generation,
            &places
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update gk.import set generation = $2, state = 'analysing', bytes_read = $3, rows_read = $4 where upload = $1",
            upload,
            plan.generation,
            big(plan.object.bytes),
            big(plan.file.rows)
        )
        .execute(&mut *tx)
        .await?;
        analyses::forget(&mut tx, &upload).await?;
        parts::found(&mut tx, &upload, &plan).await?;
        tx.commit().await?;
        Ok(plan)
    }

    /// The plan of a generation, or the newest.
    pub async fn plan(&self, upload: UploadId, generation: Option<i32>) -> Result<Option<Plan>> {
        let plan = sqlx::query_scalar!(
            r#"select plan as "plan: Json<Plan>" from gk.plan where upload = $1 and ($2::int is null or generation = $2)
               order by generation desc limit 1"#,
            upload.to_string(),
            generation
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(plan.map(|json| json.0))
    }

    /// Plans anew, by other options: the next generation, whose number this answers, takes the place of the newest one, and what was
    /// loaded of that is given up. Somebody is to be sent for, until [`Store::work_sent`]. [`crate::Error::OldGeneration`] where the caller looked at another than the newest, [`crate::Error::Confirmed`] once somebody has said yes, [`crate::Error::NotReady`] before the
    /// file has come, [`crate::Error::Final`] when the import is over.
    pub async fn replan(
        &self,
        upload: UploadId,
        looked_at: Option<i32>,
        mode: Mode,
        key: &[String],
        options: &Options,
    ) -> Result<i32> {
        let upload = upload.to_string();
        let dataset_no = self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let import = lock_import(&mut tx, &upload).await?;
        if import.state.is_final() {
            return Err(Error::Final(import.state));
        }
        if import.confirm == Confirm::Auto || import.confirmed.is_some() {
            return Err(Error::Confirmed);
        }
        if looked_at.is_some_and(|generation| generation != import.generation) {
            return Err(Error::OldGeneration {
                newest: import.generation,
            });
        }
        if matches!(import.state, UploadState::Created | UploadState::Uploaded) {
            return Err(Error::NotReady("the file has not come"));
        }
        if (mode == Mode::New) != (import.mode == Mode::New) {
            return Err(Error::invalid(
                "/mode",
                "an import into a new dataset stays one, and no other becomes one",
            ));
        }
        abort_open(&mut tx, &upload).await?;
        // The generation under way is numbered 1 before it has a plan. Whoever works on it loses the lease and stops.
        let generation = import.generation.max(1) + 1;
        sqlx::query!(
            "update gk.import set generation = $2, state = 'analysing', mode = $3, key_columns = $4, options = $5, problem = null, \
                 bytes_read = 0, rows_read = 0, lease_owner = null, lease_until = null, waiting_since = clock_timestamp(), \
                 stage_since = clock_timestamp(), moved_at = clock_timestamp(), work_owed_at = clock_timestamp() \
             where upload = $1",
            upload,
            generation,
            word(&mode)?,
            key,
            serde_json::to_value(options)?
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(generation)
    }

    /// The user says yes to this generation: it is published when it is complete. [`crate::Error::OldGeneration`] if it is not the
    /// newest, [`crate::Error::Unmended`] if it cannot be published as it is.
    pub async fn confirm(&self, upload: UploadId, generation: i32) -> Result<()> {
        let upload = upload.to_string();
        self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        let import = lock_import(&mut tx, &upload).await?;
        if import.state == UploadState::Published && import.generation == generation {
            return Ok(());
        }
        if import.state.is_final() {
            return Err(Error::Final(import.state));
        }
        if let Some(problem) = import.problem {
            return Err(Error::Unmended(Box::new(problem)));
        }
        if import.generation > generation {
            return Err(Error::OldGeneration {
                newest: import.generation,
            });
        }
        if stored_plan(&mut tx, &upload, generation).await?.is_none() {
            return Err(Error::NotReady("the file is not read yet"));
        }
        sqlx::query!(
            "update gk.import set confirmed = $2, state = case state when 'awaiting_confirmation' then 'loading' else state end, \
                 stage_since = case state when 'awaiting_confirmation' then null else stage_since end where upload = $1",
            upload,
            generation
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Something about this generation is to be mended by other options: it waits with the problem, and what was loaded of it is given
    /// up. No effect on a later generation or an import that is over; false for one about which nobody is asked.
    pub async fn ask_to_mend(
        &self,
        upload: UploadId,
        generation: i32,
        problem: &Problem,
    ) -> Result<bool> {
        let upload = upload.to_string();
        let dataset_no = self.dataset_of(&upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let import = lock_import(&mut tx, &upload).await?;
        if import.confirm == Confirm::Auto {
            return Ok(false);
        }
        if import.state.is_final() || import.generation > generation {
            return Ok(true);
        }
        abort_open(&mut tx, &upload).await?;
        sqlx::query!(
            "update gk.import set generation = $2, state = 'awaiting_confirmation', problem = $3, confirmed = null, \
                 waiting_since = clock_timestamp() where upload = $1",
            upload,
            generation,
            serde_json::to_value(problem)?
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Opens the generation's commit: makes or widens the tables, reserves the row ids, aborts the former generation's commit.
    /// Opening again answers the same. [`crate::Error::OldGeneration`], [`crate::Error::Final`], or
    /// [`crate::Error::NotReady`] without a plan.
    pub async fn open_load(&self, upload: UploadId, generation: i32) -> Result<OpenLoad> {
        let upload = upload.to_string();
        let mut tries = 0;
        loop {
            match self.try_open_load(&upload, generation).await {
                Err(error) if tables::try_again(&error, &mut tries).await => {}
                done => return done,
            }
        }
    }

    async fn try_open_load(&self, upload: &str, generation: i32) -> Result<OpenLoad> {
        let dataset_no = self.dataset_of(upload).await?;
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let import = lock_import(&mut tx, upload).await?;
        if import.state.is_final() {
            return Err(Error::Final(import.state));
        }
        if import.generation != generation {
            return Err(Error::OldGeneration {
                newest: import.generation,
            });
        }
        let plan = stored_plan(&mut tx, upload, generation)
            .await?
            .ok_or(Error::NotReady("it has no plan yet"))?;
        let columns = stored_columns(&plan)?;
        let open = sqlx::query!(
            r#"select c.id, c.row_lo as "row_lo!", p.rules as "rules: Json<ColumnRules>" from gk.plan p
               join gk.commit c on c.dataset = $3 and c.id = p.commit where p.upload = $1 and p.generation = $2"#,
            upload,
            generation,
            dataset_no
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(open) = open {
            return Ok(OpenLoad {
                dataset_no,
                commit: open.id,
                row_lo: open.row_lo,
                columns,
                rules: open.rules.0,
            });
        }

        abort_open(&mut tx, upload).await?;
        let rows = big(plan.file.rows);
        let dataset = sqlx::query!(
            r#"update gk.dataset set next_commit = next_commit + 1, next_row = next_row + $2 where no = $1
               returning head, next_commit - 1 as "commit!", next_row - $2 as "row_lo!""#,
            dataset_no,
            rows
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into gk.commit (dataset, id, kind, state, row_lo, row_hi, author, message, upload) \
             values ($1, $2, 'import', 'open', $3, $4, $5, $6, $7)",
            dataset_no,
            dataset.commit,
            dataset.row_lo,
            dataset.row_lo + rows - 1,
            import.member,
            import.file_name,
            upload
        )
        .execute(&mut *tx)
        .await?;
        let rules = sqlx::query_scalar!(
            r#"update gk.plan set commit = $3 where upload = $1 and generation = $2 returning rules as "rules: Json<ColumnRules>""#,
            upload,
            generation,
            dataset.commit
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "update gk.import set state = 'loading', stage_since = clock_timestamp(), bytes_read = 0 where upload = $1",
            upload
        )
        .execute(&mut *tx)
        .await?;
        tables::limit_lock_wait(&mut tx).await?;
        if dataset.head == 0 {
            tables::create(&mut tx, dataset_no, &columns).await?;
        } else {
            tables::widen(&mut tx, dataset_no, &columns).await?;
        }
        if import.mode.needs_key() {
            tables::create_staged(&mut tx, dataset_no, dataset.commit, &columns).await?;
        }
        if plan.file.unique(&rules.0).next().is_some() {
            tables::create_places(&mut tx, dataset_no, dataset.commit).await?;
        }
        tx.commit().await?;
        Ok(OpenLoad {
            dataset_no,
            commit: dataset.commit,
            row_lo: dataset.row_lo,
            columns,
            rules: rules.0,
        })
    }

    /// False when the generation is not the newest or the import is over: stop loading. Never goes backwards.
    pub async fn save_checkpoint(
        &self,
        upload: UploadId,
        generation: i32,
        checkpoint: &Checkpoint,
    ) -> Result<bool> {
        let saved = sqlx::query!(
            "update gk.plan p set checkpoint = case when (p.checkpoint ->> 'batch')::bigint > $4 then p.checkpoint else $3 end \
             from gk.import i where p.upload = $1 and p.generation = $2 and i.upload = p.upload and i.generation = p.generation \
               and i.state not in ('published', 'failed', 'cancelled')",
            upload.to_string(),
            generation,
            serde_json::to_value(checkpoint)?,
            i64::from(checkpoint.batch)
        )
        .execute(&self.pool)
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    pub async fn checkpoint(
        &self,
        upload: UploadId,
        generation: i32,
    ) -> Result<Option<Checkpoint>> {
        let checkpoint = sqlx::query_scalar!(
            r#"select checkpoint as "checkpoint: Json<Checkpoint>" from gk.plan where upload = $1 and generation = $2"#,
            upload.to_string(),
            generation
        )
        .fetch_optional(&self.pool)
        .await?
        .flatten();
        Ok(checkpoint.map(|json| json.0))
    }
}

async fn stored_plan(
    connection: &mut PgConnection,
    upload: &str,
    generation: i32,
) -> Result<Option<Plan>> {
    let plan = sqlx::query_scalar!(
        r#"select plan as "plan: Json<Plan>" from gk.plan where upload = $1 and generation = $2"#,
        upload,
        generation
    )
    .fetch_optional(connection)
    .await?;
    Ok(plan.map(|json| json.0))
}
