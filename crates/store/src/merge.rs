//! Upsert and sync: the file's rows against those of the head, told apart by a key. The rows are staged in a table of their own
//! (`data.d_<no>_staged_<commit>`). What differs from the head is worked out before the dataset's lock is taken, and kept
//! (`data.d_<no>_difference_<commit>`), so that editors wait only for what really changes to be written. Should the head have
//! moved meanwhile, it is worked out again, at last under the lock. [`crate::publish`] calls both.
//!
//! Of repeated keys in one file the last row counts. A key that the dataset itself has twice is refused: nobody could say which
//! row is meant. Null is a value of a key like any other.

use contracts::{Code, Problem, dataset::ColumnType, plan::Plan, upload::Mode};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, types::Json};

use crate::{
    Error, Result, Store, StoredColumn, blocks, columns,
    commits::Head,
    error::{has_code, is_undefined_table},
    imports::big,
    plans::stored_columns,
    tables,
};

/// Sorting and hashing a million rows in memory, and the time that this may take.
const ROOM: &str = "set local work_mem = '64MB'; set local statement_timeout = '15min'";
/// How often a difference is worked out without the lock.
pub(crate) const TRIES: u32 = 3;

/// How a file differs from the version `head`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    pub(crate) head: i64,
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) unchanged: i64,
    /// Rows of the head that a synchronised file does not have.
    pub(crate) deleted: i64,
}

impl Difference {
    /// Staged rows that it accounts for; all others were superseded.
    pub(crate) fn staged(&self) -> i64 {
        self.inserted + self.updated + self.unchanged
    }
}

/// What stands between a file and its difference.
pub(crate) enum Refused {
    /// Somebody else is working it out and will publish.
    Elsewhere,
    /// This generation of the import has to fail.
    Failed { generation: i32, problem: Problem },
}

/// An import whose rows are staged.
pub(crate) struct Merge<'a> {
    pub(crate) dataset_no: i64,
    /// The commit that staged them.
    pub(crate) commit: i64,
    pub(crate) upload: &'a str,
    pub(crate) plan: &'a Plan,
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
    pub(crate) async fn merging(&self, upload: &str) -> Result<Option<(i64, Plan)>> {
        let found = sqlx::query!(
            r#"select p.commit as "commit!", p.plan as "plan!: Json<Plan>" from gk.import i
               join gk.plan p on p.upload = i.upload and p.generation = i.generation
               where i.upload = $1 and i.mode in ('upsert', 'sync') and p.commit is not null
                 and i.state not in ('published', 'failed', 'cancelled')"#,
            upload
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(|row| (row.commit, row.plan.0)))
    }

    /// Works the difference from the head out, without any lock that others wait for.
    pub(crate) async fn work_out(&self, merge: &Merge<'_>) -> Result<Result<Difference, Refused>> {
        let mut tx = self.pool.begin().await?;
        // All of it sees one and the same head.
        sqlx::query("set transaction isolation level repeatable read")
            .execute(&mut *tx)
            .await?;
        if !merge.hold(&mut tx).await? {
            return Ok(Err(Refused::Elsewhere));
        }
        let head = Head::look(&mut tx, merge.dataset_no).await?;
        let difference = match merge.difference(&mut tx, &head).await {
            // Worked out, or published and cleared away, by another between this one's first look and its lock.
            Err(Error::Database(error))
                if is_undefined_table(&error) || has_code(&error, "40001") =>
            {
                return Ok(Err(Refused::Elsewhere));
            }
            difference => difference?,
        };
        tx.commit().await?;
        Ok(difference)
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
        Ok(sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "held!""#,
            self.upload
        )
        .fetch_one(connection)
        .await?)
    }

    /// The difference from this head: the one that is kept, or a new one.
    pub(crate) async fn difference(
        &self,
        connection: &mut PgConnection,
        head: &Head,
    ) -> Result<Result<Difference, Refused>> {
        if let Some(kept) = self.kept(connection, head).await? {
            return Ok(Ok(kept));
        }
        sqlx::raw_sql(ROOM).execute(&mut *connection).await?;
        let key = key_of(self.plan)?;
        let (staged, rows) = (self.staged(), self.rows());
        let live = tables::live(self.dataset_no);
        let same_key = self.same_key(connection, &key).await?;
        self.supersede(connection, &key, &same_key).await?;
        let visible = visible(head);
        let compared = self.compared()?;
        let differs = if compared.is_empty() {
            "false".to_owned()
        } else {
            join(&compared, " or ", |column| {
                format!(
                    "{} is distinct from {}",
                    column.spelled(&format!("s.{}", column.sql)),
                    column.spelled(&format!("l.{}", column.sql))
                )
            })
        };
        let names = join(&key, ", ", |column| column.sql.clone());
        // A statement that only makes a table may run on several processors. The place of a staged row finds it without an index; its
        // id beside it, should the table be written anew before it is published.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "analyze {staged} ({names}); drop table if exists {rows}; \
             create temp table compared on commit drop as select s.row_id as staged, s.ctid as place, l.row_id, \
               l.row_id is not null and not ({differs}) as same \
             from {staged} s left join (select * from {live} where {visible}) l on {same_key}"
        )))
        .execute(&mut *connection)
        .await?;
        let (found, inserted, unchanged): (i64, i64, i64) = sqlx::query_as(
            "select count(*), count(*) filter (where row_id is null), count(*) filter (where same) from compared",
        )
        .fetch_one(&mut *connection)
        .await?;
        let there: i64 =
            sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {staged}")))
                .fetch_one(&mut *connection)
                .await?;
        if found != there {
            return Ok(Err(Refused::Failed {
                generation: self.plan.generation,
                problem: not_unique(&key),
            }));
        }
        sqlx::raw_sql(AssertSqlSafe(format!(
            "create table {rows} as select staged, place, row_id from compared where not same"
        )))
        .execute(&mut *connection)
        .await?;
        let deleted = if self.plan.mode == Mode::Sync {
            let gone = sqlx::query(AssertSqlSafe(format!(
                "insert into {rows} (row_id) select l.row_id from {live} l where {visible} \
                   and not exists (select from compared c where c.row_id = l.row_id)"
            )));
            big(gone.execute(&mut *connection).await?.rows_affected())
        } else {
            0
        };
        sqlx::raw_sql(AssertSqlSafe(format!(
            "drop table compared; analyze {rows}"
        )))
        .execute(&mut *connection)
        .await?;
        let updated = found - inserted - unchanged;
        let difference = Difference {
            head: head.version,
            inserted,
            updated,
            unchanged,
            deleted,
        };
        sqlx::query!(
            "update gk.plan set difference = $3 where upload = $1 and commit = $2",
            self.upload,
            self.commit,
            serde_json::to_value(difference)?
        )
        .execute(connection)
        .await?;
        Ok(Ok(difference))
    }

    /// Takes out all staged rows of a key but the last.
    async fn supersede(
        &self,
        connection: &mut PgConnection,
        key: &[StoredColumn],
        same_key: &str,
    ) -> Result<()> {
        let staged = self.staged();
        let names = join(key, ", ", |column| column.sql.clone());
        let before = join(key, ", ", |column| {
            format!("lag({0}) over w as before_{0}", column.sql)
        });
        let as_before = join(key, " and ", |column| {
            format!("before_{0} is not distinct from {0}", column.sql)
        });
        // Most files repeat none, and to sort is quicker than to group. (A first key that is null is taken for a repeated one.)
        let repeated: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select exists (select from (select {names}, {before} from {staged} window w as (order by {names})) k where {as_before})"
        )))
        .fetch_one(&mut *connection)
        .await?;
        if repeated {
            sqlx::query(AssertSqlSafe(format!(
                "with repeated as (select {names}, max(row_id) as last from {staged} group by {names} having count(*) > 1) \
                 delete from {staged} s using repeated l where {same_key} and s.row_id < l.last"
            )))
            .execute(connection)
            .await?;
        }
        Ok(())
    }

    /// The difference from this head, if it was worked out before.
    pub(crate) async fn kept(
        &self,
        connection: &mut PgConnection,
        head: &Head,
    ) -> Result<Option<Difference>> {
        let kept = sqlx::query_scalar!(
            r#"select difference as "difference: Json<Difference>" from gk.plan where upload = $1 and commit = $2"#,
            self.upload,
            self.commit
        )
        .fetch_optional(connection)
        .await?;
        let kept = kept.flatten().map(|json| json.0);
        Ok(kept.filter(|kept| kept.head == head.version))
    }

    /// The condition that a staged row `s` and a row `l` of the head have the same key. Where a key may be null, `=` alone
    /// would not do and `is not distinct from` cannot be hashed.
    async fn same_key(
        &self,
        connection: &mut PgConnection,
        key: &[StoredColumn],
    ) -> Result<String> {
        let any_null = join(key, " or ", |column| format!("{} is null", column.sql));
        let nulls: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select exists (select from {} where {any_null})",
            self.staged()
        )))
        .fetch_one(connection)
        .await?;
        Ok(join(key, " and ", |column| {
            let sql = &column.sql;
            if nulls {
                let zero = zero(column.column.kind);
                format!(
                    "coalesce(s.{sql}, {zero}) = coalesce(l.{sql}, {zero}) and (s.{sql} is null) = (l.{sql} is null)"
                )
            } else {
                format!("s.{sql} = l.{sql}")
            }
        }))
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
        sqlx::query!(
            "update gk.commit set state = 'swept', row_lo = null, row_hi = null where dataset = $1 and id = $2",
            self.dataset_no,
            self.commit
        )
        .execute(connection)
        .await?;
        Ok(id)
    }
}

/// The condition that a live row is one of the head's. Without parameters, which a statement that makes a table cannot take.
fn visible(head: &Head) -> String {
    let hidden: Vec<String> = head.hidden.iter().map(ToString::to_string).collect();
    format!(
        "born <= {} and born <> all('{{{}}}'::bigint[])",
        head.max_commit,
        hidden.join(",")
    )
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

fn not_unique(key: &[StoredColumn]) -> Problem {
    let names = join(key, ", ", |column| format!("“{}”", column.column.name));
    Problem::new(
        Code::Validation,
        format!(
            "Several rows of the dataset have the same {names}, so it cannot be said which of them a row of the file means. \
             Nothing was changed. Choose a key that is different in every row."
        ),
    )
    .at("/key")
}
