//! Upsert and sync: the file's rows against those of the head, told apart by a key. The rows are staged in a table of their own
//! (`data.d_<no>_staged_<commit>`). What differs from a head is worked out before the dataset's lock is taken, and kept
//! (`data.d_<no>_difference_<commit>`), so that editors wait only for what really changes to be written. It is done in steps, each a
//! short transaction of its own: part by part of the keys ([`compare`]), then, should the head have moved meanwhile, again for what was
//! touched since ([`recheck`]), and where very much changes the whole merged content anew, not visible yet ([`renew`]). Whoever stops
//! between two steps leaves the next one to others. [`crate::publish`] makes a version of it.
//!
//! Of repeated keys in one file the last row counts. A key that the dataset itself has twice is refused: nobody could say which
//! row is meant. Null is a value of a key like any other.

use std::time::{Duration, Instant};

use contracts::{Code, Problem, dataset::ColumnType, plan::Plan};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, types::Json};

use crate::{
    Error, Result, Store, StoredColumn, blocks, columns,
    commits::{Head, born_by},
    error::{has_code, is_undefined_table},
    imports::{big, lock_dataset},
    plans::stored_columns,
    tables,
};

mod compare;
mod recheck;
mod renew;

pub(crate) use renew::Renewal;

/// Sorting and hashing a million rows in memory, and the time that this may take.
pub(crate) const ROOM: &str = "set local work_mem = '64MB'; set local statement_timeout = '15min'";
/// How long one step may take where the process does not end.
const STEP_LONGEST: Duration = Duration::from_secs(15 * 60);
/// What a step gets at least, however near the end is.
const STEP_SHORTEST: Duration = Duration::from_secs(5);
/// What a statement is told that has taken longer than it may.
const TIMED_OUT: &str = "57014";
/// How often the lock is taken in vain before what was touched since is compared under it, however much that is; and how often a
/// difference is begun anew.
pub(crate) const TRIES: u32 = 3;
/// Rows that may be looked at again while editors wait.
const TOUCHED_UNDER_LOCK: i64 = 20_000;
/// Touched more than this, a difference is begun anew.
const TOUCHED_MAX: i64 = 1_000_000;

/// How merges are cut up. The defaults were measured (docs/adr/0013); tests take smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeLimits {
    /// Rows of file and dataset that can meet in one step.
    pub step_rows: i64,
    /// Steps that a comparison is planned in at most: each reads both tables whole.
    pub steps: i64,
    /// With more changed rows than this the content is written anew, as a replace, because editors would wait too long for the
    /// changes to be written in place.
    pub changed_in_place: i64,
    /// Blocks of rows that are written anew in one step.
    pub step_blocks: i64,
}

impl Default for MergeLimits {
    fn default() -> Self {
        Self {
            step_rows: 2_500_000,
            steps: 16,
            changed_in_place: 250_000,
            step_blocks: 16,
        }
    }
}

impl MergeLimits {
    /// Whatever changes is written in place.
    pub(crate) fn in_place(self) -> Self {
        Self {
            changed_in_place: i64::MAX,
            ..self
        }
    }
}

/// Until when somebody works on a merge.
#[derive(Clone, Copy, Debug)]
pub struct Sitting {
    /// No step begins after this, but the first.
    pub until: Instant,
    /// Where the process ends, if it does: a step that would not be done by then is undone. The first that was begun is tried again
    /// in halves, others as the first of the next sitting.
    pub end: Option<Instant>,
}

impl Sitting {
    /// How long a statement may take: half of what is left, because others follow the one that takes longest.
    fn step_longest(self) -> Duration {
        self.end.map_or(STEP_LONGEST, |end| {
            (end.saturating_duration_since(Instant::now()) / 2).max(STEP_SHORTEST)
        })
    }
}

/// How a file differs from the version `head`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    pub(crate) head: i64,
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) unchanged: i64,
    /// Rows of the head that a synchronised file does not have.
    pub(crate) deleted: i64,
    /// What is not compared yet.
    #[serde(default)]
    pending: Vec<Part>,
    /// Whether a key of the file may be null.
    #[serde(default = "perhaps")]
    nulls: bool,
    /// Whether staged rows and entries of the difference are found by an index.
    #[serde(default)]
    indexed: bool,
    /// How often it was begun anew.
    #[serde(default)]
    begun: u32,
    #[serde(default)]
    pub(crate) renewal: Option<Renewal>,
}

fn perhaps() -> bool {
    true
}

/// The keys whose hash leaves this remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    of: i64,
    no: i64,
}

impl Difference {
    /// Staged rows that it accounts for; all others were superseded.
    pub(crate) fn staged(&self) -> i64 {
        self.inserted + self.updated + self.unchanged
    }

    fn changed(&self) -> i64 {
        self.inserted + self.updated + self.deleted
    }

    /// Whether it is to be written as a replace by the merged content.
    pub(crate) fn is_renewed(&self, limits: MergeLimits) -> bool {
        self.renewal.is_some() || self.changed() > limits.changed_in_place
    }

    /// Whether all is compared, and written where it is written before the lock.
    pub(crate) fn is_ready(&self, limits: MergeLimits) -> bool {
        self.pending.is_empty()
            && match &self.renewal {
                Some(renewal) => renewal.is_done(),
                None => !self.is_renewed(limits),
            }
    }

    pub(crate) fn is_compared(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether so many rows were touched since that it is better begun anew.
    fn is_better_anew(&self, touched: i64) -> bool {
        touched > TOUCHED_MAX && self.begun < TRIES || !self.has_room(touched)
    }

    /// Whether there are row ids for so many rows that were touched, should they be written anew.
    fn has_room(&self, touched: i64) -> bool {
        self.renewal.is_none_or(|renewal| renewal.has_room(touched))
    }
}

/// What stands between a file and its difference.
pub(crate) enum Refused {
    /// Somebody else is working it out and will publish.
    Elsewhere,
    /// The sitting is over before the work is.
    Unfinished,
    /// This generation of the import has to fail.
    Failed { generation: i32, problem: Problem },
}

/// What came of a step.
enum Step {
    /// Nothing is left to do.
    Done,
    More,
    /// The content is to be written anew.
    Renewal,
    /// The part cannot be compared in the time there is.
    TooLong(Part),
    Refused(Refused),
}

/// A version as its rows are picked by.
#[derive(Clone, Debug)]
struct Seen {
    version: i64,
    max_commit: i64,
    hidden: Vec<i64>,
}

/// An import whose rows are staged.
pub(crate) struct Merge<'a> {
    pub(crate) dataset_no: i64,
    /// The commit that staged them.
    pub(crate) commit: i64,
    pub(crate) upload: &'a str,
    pub(crate) plan: &'a Plan,
    /// Whether somebody is asked first, and has not said yes.
    pub(crate) is_asked: bool,
    pub(crate) limits: MergeLimits,
}

/// An import that merges, as the database has it.
pub(crate) struct Merging {
    pub(crate) commit: i64,
    pub(crate) plan: Plan,
    pub(crate) is_asked: bool,
}

/// The key's columns, by id or name, among those of the plan that the file has.
///
/// # Errors
/// Text for the user: a column that is not there, or cannot be compared.
pub(crate) fn key_of(plan: &Plan) -> Result<Vec<StoredColumn>> {
    let planned = stored_columns(plan)?;
    let lacking = |detail: String| Error::invalid("/key", detail);
    if plan.key.is_empty() {
        return Err(lacking(
            "A key column is needed to tell rows apart.".to_owned(),
        ));
    }
    plan.key
        .iter()
        .map(|wanted| {
            let key = columns::find(&planned, wanted).ok_or_else(|| {
                lacking(format!("Neither the file nor the dataset has the key column {wanted:?}."))
            })?;
            let in_file = plan.file.columns.iter().any(|column| {
                column.source.is_some() && column.column.id == key.column.id
            });
            if !in_file {
                return Err(lacking(format!("The file does not have the key column {wanted:?}.")));
            }
            if key.column.kind == ColumnType::Json {
                return Err(lacking(format!(
                    "The column {wanted:?} holds JSON, which cannot be a key. Choose another column."
                )));
            }
            Ok(key.clone())
        })
        .collect()
}

impl Store {
    /// The plan and commit of an import that merges, once its load has been opened; none for other modes.
    pub(crate) async fn merging(&self, upload: &str) -> Result<Option<Merging>> {
        let found = sqlx::query!(
            r#"select p.commit as "commit!", p.plan as "plan!: Json<Plan>",
                   i.confirm = 'ask' and i.confirmed is distinct from i.generation as "is_asked!" from gk.import i
               join gk.plan p on p.upload = i.upload and p.generation = i.generation
               where i.upload = $1 and i.mode in ('upsert', 'sync') and p.commit is not null
                 and i.state not in ('published', 'failed', 'cancelled')"#,
            upload
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(|row| Merging {
            commit: row.commit,
            plan: row.plan.0,
            is_asked: row.is_asked,
        }))
    }

    /// Works the difference from the head out, without any lock that others wait for.
    pub(crate) async fn work_out(
        &self,
        merge: &Merge<'_>,
        sitting: Option<Sitting>,
    ) -> Result<Result<(), Refused>> {
        let (mut is_first, mut lost) = (true, 0);
        loop {
            let longest = sitting.map_or(STEP_LONGEST, Sitting::step_longest);
            match self.step(merge, longest, is_first).await {
                Ok(Step::Done) => return Ok(Ok(())),
                Ok(Step::Refused(refused)) => return Ok(Err(refused)),
                Ok(_) => lost = 0,
                // Worked out, or published and cleared away, by another between this one's first look and its lock.
                Err(Error::Database(error)) if is_undefined_table(&error) => {
                    return Ok(Err(Refused::Elsewhere));
                }
                // Another step was committed after this one had begun to look.
                Err(Error::Database(error)) if has_code(&error, "40001") => {
                    lost += 1;
                    if lost > TRIES {
                        return Ok(Err(Refused::Elsewhere));
                    }
                }
                // Begun too late; the next one has more time.
                Err(Error::Database(error)) if !is_first && has_code(&error, TIMED_OUT) => {
                    return Ok(Err(Refused::Unfinished));
                }
                Err(error) => return Err(error),
            }
            if sitting.is_some_and(|sitting| Instant::now() >= sitting.until) {
                return Ok(Err(Refused::Unfinished));
            }
            is_first = false;
        }
    }

    /// The next step, in a transaction of its own.
    async fn step(&self, merge: &Merge<'_>, longest: Duration, is_first: bool) -> Result<Step> {
        let mut tx = self.pool.begin().await?;
        let step = merge.take(&mut tx, longest).await;
        if let Ok(step @ (Step::Done | Step::More)) = step {
            tx.commit().await?;
            return Ok(step);
        }
        // Waited for: until then nobody else can hold the import, not even this one's next transaction.
        tx.rollback().await?;
        match step? {
            Step::Renewal => self.begin_renewal(merge).await,
            Step::TooLong(part) if is_first => self.halve(merge, part).await,
            Step::TooLong(_) => Ok(Step::Refused(Refused::Unfinished)),
            step => Ok(step),
        }
    }

    /// Takes the dataset's lock, for a moment: row ids and a commit are drawn.
    async fn begin_renewal(&self, merge: &Merge<'_>) -> Result<Step> {
        let mut tx = self.pool.begin().await?;
        if !merge.hold(&mut tx).await? {
            return Ok(Step::Refused(Refused::Elsewhere));
        }
        lock_dataset(&mut tx, merge.dataset_no).await?;
        let Some(mut difference) = merge.kept(&mut tx).await? else {
            return Ok(Step::Refused(Refused::Elsewhere));
        };
        if !merge.is_open(&mut tx, merge.commit).await? {
            return Ok(Step::Refused(Refused::Elsewhere));
        }
        if difference.renewal.is_none() {
            merge.begin_renewal(&mut tx, &mut difference).await?;
            merge.keep(&mut tx, &difference).await?;
        }
        tx.commit().await?;
        Ok(Step::More)
    }

    /// A part that cannot be compared in the time there is becomes two.
    async fn halve(&self, merge: &Merge<'_>, part: Part) -> Result<Step> {
        let mut tx = self.pool.begin().await?;
        if !merge.hold(&mut tx).await? {
            return Ok(Step::Refused(Refused::Elsewhere));
        }
        let Some(mut difference) = merge.kept(&mut tx).await? else {
            // Not even the first one was begun in time; it is begun with, and then halved.
            let head = Head::look(&mut tx, merge.dataset_no).await?;
            let mut difference = merge.begin(&mut tx, &head, 0).await?;
            difference.pending = difference.pending.iter().flat_map(Part::halves).collect();
            merge.keep(&mut tx, &difference).await?;
            tx.commit().await?;
            return Ok(Step::More);
        };
        if difference.pending.last() == Some(&part) {
            difference.pending.pop();
            difference.pending.extend(part.halves());
            merge.keep(&mut tx, &difference).await?;
        }
        tx.commit().await?;
        Ok(Step::More)
    }
}

impl Part {
    /// None smaller than this: each reads both tables whole.
    const OF_MAX: i64 = 256;

    fn halves(&self) -> Vec<Self> {
        if self.of >= Self::OF_MAX {
            return vec![*self];
        }
        let of = self.of * 2;
        vec![
            Self { of, no: self.no },
            Self {
                of,
                no: self.no + self.of,
            },
        ]
    }
}

impl Seen {
    async fn at(connection: &mut PgConnection, dataset_no: i64, version: i64) -> Result<Self> {
        let row = sqlx::query!(
            "select max_commit, hidden from gk.version where dataset = $1 and version = $2",
            dataset_no,
            version
        )
        .fetch_optional(connection)
        .await?
        .ok_or(Error::NotFound("version"))?;
        Ok(Self {
            version,
            max_commit: row.max_commit,
            hidden: row.hidden,
        })
    }

    fn of(head: &Head) -> Self {
        Self {
            version: head.version,
            max_commit: head.max_commit,
            hidden: head.hidden.clone(),
        }
    }

    /// The condition that a row was born by then. Without parameters: what has them is planned for any values.
    fn born(&self) -> String {
        born_by(self.max_commit, &self.hidden)
    }

    /// `(select …)` of its rows. `head` is the one that the statement sees: what has died since lies in history.
    fn rows(&self, dataset_no: i64, head: i64, columns: &str) -> String {
        let born = self.born();
        let mut rows = format!(
            "select row_id{columns} from {} where {born}",
            tables::live(dataset_no)
        );
        if self.version != head {
            rows.push_str(&format!(
                " union all select row_id{columns} from {} where {born} and died > {}",
                tables::history(dataset_no),
                self.max_commit
            ));
        }
        format!("({rows})")
    }
}

impl Merge<'_> {
    fn staged(&self) -> String {
        tables::staged(self.dataset_no, self.commit)
    }

    fn rows(&self) -> String {
        tables::difference(self.dataset_no, self.commit)
    }

    /// One at a time works on an import, until its transaction ends; false while another does.
    pub(crate) async fn hold(&self, connection: &mut PgConnection) -> Result<bool> {
        hold(connection, self.upload).await
    }

    /// The next step. What it has done is for the caller to commit, if it says that it is done or that there is more.
    async fn take(&self, connection: &mut PgConnection, longest: Duration) -> Result<Step> {
        // All of it sees one and the same head.
        sqlx::query("set transaction isolation level repeatable read")
            .execute(&mut *connection)
            .await?;
        if !self.hold(connection).await? {
            return Ok(Step::Refused(Refused::Elsewhere));
        }
        sqlx::raw_sql(AssertSqlSafe(format!(
            "{ROOM}; set local statement_timeout = {}",
            longest.as_millis()
        )))
        .execute(&mut *connection)
        .await?;
        let head = Head::look(connection, self.dataset_no).await?;
        let mut difference = match self.kept(connection).await? {
            Some(kept) => kept,
            None => self.begin(connection, &head, 0).await?,
        };
        let refused = if let Some(part) = difference.pending.last().copied() {
            match self.compare(connection, &head, part, &mut difference).await {
                Err(Error::Database(error)) if has_code(&error, TIMED_OUT) => {
                    return Ok(Step::TooLong(part));
                }
                compared => compared?,
            }
        } else if difference.head != head.version {
            let touched = self.touched(connection, &head, &difference).await?;
            if difference.is_better_anew(touched) {
                self.give_up(connection, &difference).await?;
                difference = self.begin(connection, &head, difference.begun + 1).await?;
                None
            } else {
                self.index(connection, &mut difference).await?;
                self.recheck(connection, &head, &mut difference).await?
            }
        } else if self.is_asked || difference.is_ready(self.limits) {
            return Ok(Step::Done);
        } else if !difference.indexed {
            self.index(connection, &mut difference).await?;
            None
        } else if difference.renewal.is_none() {
            return Ok(Step::Renewal);
        } else if self.renew(connection, &head, &mut difference).await? {
            None
        } else {
            Some(Refused::Elsewhere)
        };
        if let Some(refused) = refused {
            return Ok(Step::Refused(refused));
        }
        self.keep(connection, &difference).await?;
        let is_done = difference.is_compared()
            && difference.head == head.version
            && (self.is_asked || difference.is_ready(self.limits));
        Ok(if is_done { Step::Done } else { Step::More })
    }

    /// Whether a commit of this import takes rows, until this transaction ends.
    async fn is_open(&self, connection: &mut PgConnection, commit: i64) -> Result<bool> {
        let state = sqlx::query_scalar!(
            "select state from gk.commit where dataset = $1 and id = $2 for share",
            self.dataset_no,
            commit
        )
        .fetch_one(connection)
        .await?;
        Ok(state == "open")
    }

    /// The difference as far as it is worked out.
    pub(crate) async fn kept(&self, connection: &mut PgConnection) -> Result<Option<Difference>> {
        kept(connection, self.upload, self.commit).await
    }

    pub(crate) async fn keep(
        &self,
        connection: &mut PgConnection,
        difference: &Difference,
    ) -> Result<()> {
        sqlx::query!(
            "update gk.plan set difference = $3 where upload = $1 and commit = $2",
            self.upload,
            self.commit,
            serde_json::to_value(difference)?
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Brings a difference that is worked out to the head that the dataset's lock was taken at. False, with nothing done, where that is
    /// better done without the lock, unless it is `forced`.
    pub(crate) async fn catch_up(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &mut Difference,
        forced: bool,
    ) -> Result<Result<bool, Refused>> {
        if difference.head == head.version {
            return Ok(Ok(true));
        }
        let touched = self.touched(connection, head, difference).await?;
        let is_little = difference.indexed && touched <= TOUCHED_UNDER_LOCK;
        if !(is_little || forced) || !difference.has_room(touched) {
            return Ok(Ok(false));
        }
        sqlx::raw_sql(ROOM).execute(&mut *connection).await?;
        self.index(connection, difference).await?;
        match self.recheck(connection, head, difference).await? {
            Some(refused) => Ok(Err(refused)),
            None => Ok(Ok(true)),
        }
    }

    /// The columns that the file brings: others keep what they have.
    fn compared(&self) -> Result<Vec<StoredColumn>> {
        self.plan
            .file
            .columns
            .iter()
            .filter(|planned| planned.source.is_some())
            .map(|planned| StoredColumn::new(planned.column.clone()))
            .collect()
    }

    /// The condition that a cell of the staged row `s` is not spelled as that of `l`.
    fn differs(&self) -> Result<String> {
        let compared = self.compared()?;
        if compared.is_empty() {
            return Ok("false".to_owned());
        }
        Ok(join(&compared, " or ", |column| {
            format!(
                "{} is distinct from {}",
                column.spelled(&format!("s.{}", column.sql)),
                column.spelled(&format!("l.{}", column.sql))
            )
        }))
    }

    /// Writes the difference as one commit, under the lock that `head` was found by. The commit's id.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &Difference,
    ) -> Result<i64> {
        sqlx::raw_sql(ROOM).execute(&mut *connection).await?;
        let id = self.make_commit(connection).await?;
        let (live, history) = (
            tables::live(head.dataset_no),
            tables::history(head.dataset_no),
        );
        let (staged, rows) = (self.staged(), self.rows());
        let (names, of_live) = (
            tables::list(&head.physical, ""),
            tables::list(&head.physical, "l."),
        );
        let brought = self.compared()?;
        let set = join(&brought, "", |column| format!(", {0} = s.{0}", column.sql));
        let (new, of_staged) = (
            join(&brought, "", |column| format!(", {}", column.sql)),
            join(&brought, "", |column| format!(", s.{}", column.sql)),
        );
        let mut counts = [0_i64; 3];
        for (count, sql) in counts.iter_mut().zip([
            format!(
                "insert into {history} (row_id, born, died{names}) select l.row_id, l.born, $1{of_live} \
                 from {rows} d join {live} l on l.row_id = d.row_id"
            ),
            format!(
                "update {live} l set born = $1{set} from {rows} d join {staged} s on s.ctid = d.place and s.row_id = d.staged where l.row_id = d.row_id"
            ),
            format!(
                "insert into {live} (row_id, born{new}) select s.row_id, $1{of_staged} \
                 from {rows} d join {staged} s on s.ctid = d.place and s.row_id = d.staged where d.row_id is null order by s.row_id"
            ),
        ]) {
            let done = sqlx::query(AssertSqlSafe(sql)).bind(id);
            *count = big(done.execute(&mut *connection).await?.rows_affected());
        }
        let deleted: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
            "delete from {live} l using {rows} d where l.row_id = d.row_id and d.staged is null returning l.row_id"
        )))
        .fetch_all(&mut *connection)
        .await?;
        let Difference {
            inserted, updated, ..
        } = *difference;
        if counts != [updated + difference.deleted, updated, inserted]
            || big(deleted.len() as u64) != difference.deleted
        {
            return Err(Error::Disagrees("a merge and its difference"));
        }
        let version = head.version + 1;
        blocks::take(connection, head.dataset_no, version, &deleted).await?;
        blocks::enclose(
            connection,
            head.dataset_no,
            version,
            &format!("select staged as row_id from {rows} where row_id is null"),
        )
        .await?;
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {staged}, {rows}")))
            .execute(connection)
            .await?;
        Ok(id)
    }

    /// Its id is younger than all that it takes the place of, as that of the staging commit may not be; the row ids that were
    /// reserved for the file are now its own.
    async fn make_commit(&self, connection: &mut PgConnection) -> Result<i64> {
        let id = sqlx::query_scalar!(
            r#"with drawn as (update gk.dataset set next_commit = next_commit + 1 where no = $1 returning next_commit - 1 as id)
               insert into gk.commit (dataset, id, kind, state, author, message, upload, row_lo, row_hi)
               select c.dataset, drawn.id, 'merge', 'published', c.author, c.message, c.upload, c.row_lo, c.row_hi
               from drawn, gk.commit c where c.dataset = $1 and c.id = $2 returning id"#,
            self.dataset_no,
            self.commit
        )
        .fetch_one(&mut *connection)
        .await?;
        self.end_staging(connection).await?;
        Ok(id)
    }

    /// A key of the file that several rows of the dataset have.
    fn not_unique(&self, key: &[StoredColumn]) -> Refused {
        let names = join(key, ", ", |column| format!("“{}”", column.column.name));
        let detail = format!(
            "Several rows of the dataset have the same {names}, so it cannot be said which of them a row of the file means. \
             Nothing was changed. Choose a key that is different in every row."
        );
        Refused::Failed {
            generation: self.plan.generation,
            problem: Problem::new(Code::Validation, detail).at("/key"),
        }
    }

    /// The commit that staged the rows has none of its own.
    async fn end_staging(&self, connection: &mut PgConnection) -> Result<()> {
        sqlx::query!(
            "update gk.commit set state = 'swept', row_lo = null, row_hi = null where dataset = $1 and id = $2",
            self.dataset_no,
            self.commit
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// One at a time works on an import, until its transaction ends; false while another does.
pub(crate) async fn hold(connection: &mut PgConnection, upload: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "held!""#,
        upload
    )
    .fetch_one(connection)
    .await?)
}

/// The difference of an import as far as it is worked out.
pub(crate) async fn kept(
    connection: &mut PgConnection,
    upload: &str,
    commit: i64,
) -> Result<Option<Difference>> {
    let kept = sqlx::query_scalar!(
        r#"select difference as "difference: Json<Difference>" from gk.plan where upload = $1 and commit = $2"#,
        upload,
        commit
    )
    .fetch_optional(connection)
    .await?;
    Ok(kept.flatten().map(|json| json.0))
}

/// The condition that two rows, each with its prefix, have the same key. Where a key may be null, `=` alone would not do and
/// `is not distinct from` cannot be hashed.
pub(crate) fn same_key(key: &[StoredColumn], nulls: bool, one: &str, other: &str) -> String {
    join(key, " and ", |column| {
        let (one, other) = (
            format!("{one}{}", column.sql),
            format!("{other}{}", column.sql),
        );
        if nulls {
            let zero = zero(column.column.kind);
            format!(
                "coalesce({one}, {zero}) = coalesce({other}, {zero}) and ({one} is null) = ({other} is null)"
            )
        } else {
            format!("{one} = {other}")
        }
    })
}

/// A number that is the same for equal keys, whatever their spelling.
fn hash(key: &[StoredColumn], row: &str) -> String {
    let columns = join(key, ", ", |column| format!("{row}{}", column.sql));
    format!("hash_record_extended(row({columns}), 0)")
}

fn join(columns: &[StoredColumn], between: &str, text: impl Fn(&StoredColumn) -> String) -> String {
    columns.iter().map(text).collect::<Vec<_>>().join(between)
}

/// Some value of the type, to stand for null beside a flag.
fn zero(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text | ColumnType::Json => "''",
        ColumnType::Int64 | ColumnType::Decimal | ColumnType::Float => "0",
        ColumnType::Boolean => "false",
        ColumnType::Date => "date '2000-01-01'",
        ColumnType::Time => "time '00:00'",
        ColumnType::Timestamp => "timestamp '2000-01-01'",
        ColumnType::Timestamptz => "timestamptz '2000-01-01 00:00Z'",
    }
}
