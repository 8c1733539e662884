//! The comparison of a file's staged rows with the rows of one version, part by part. Rows with equal keys are in the same part,
//! whichever table they are in and however they are spelled, so that a part needs to know of no other.

use contracts::upload::Mode;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Difference, Merge, Part, Refused, Seen, hash, join, key_of, same_key};
use crate::{Result, StoredColumn, commits::Head, imports::big};

impl Merge<'_> {
    /// An empty difference from this head, and in how many parts it is to be worked out.
    pub(super) async fn begin(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        begun: u32,
    ) -> Result<Difference> {
        let key = key_of(self.plan)?;
        let (staged, rows) = (self.staged(), self.rows());
        // The place of a staged row finds it without an index; its id beside it, should the table be written anew before it is
        // published.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "drop table if exists {rows}; create table {rows} (staged bigint, place tid, row_id bigint)"
        )))
        .execute(&mut *connection)
        .await?;
        let any_null = join(&key, " or ", |column| format!("{} is null", column.sql));
        let nulls: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select exists (select from {staged} where {any_null})"
        )))
        .fetch_one(connection)
        .await?;
        // What can meet. More parts for a large dataset that a small file means little of would be so many more times to read it.
        let file = big(self.plan.file.rows);
        let met = if self.plan.mode == Mode::Sync {
            head.rows
        } else {
            head.rows.min(file)
        };
        let of = ((file + met) / self.limits.step_rows.max(1) + 1).clamp(1, self.limits.steps);
        Ok(Difference {
            head: head.version,
            pending: (0..of).rev().map(|no| Part { of, no }).collect(),
            nulls,
            begun,
            ..Difference::default()
        })
    }

    /// Compares one part with the version that the difference is from, and adds what differs. `head` is the one of this transaction.
    pub(super) async fn compare(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        part: Part,
        difference: &mut Difference,
    ) -> Result<Option<Refused>> {
        let key = key_of(self.plan)?;
        let (staged, rows) = (self.staged(), self.rows());
        let seen = Seen::at(connection, self.dataset_no, difference.head).await?;
        let mut columns = self.compared()?;
        columns.retain(|column| !key.contains(column));
        columns.extend(key.iter().cloned());
        let names = join(&columns, "", |column| format!(", {}", column.sql));
        let of_head = format!(
            "(select * from {} r where {})",
            seen.rows(self.dataset_no, head.version, &names),
            part.holds(&key, "r.")
        );
        let same_as = |other: &str| same_key(&key, difference.nulls, "s.", other);
        // A statement that only makes a table may run on several processors. Rows of the head that the file does not mean are
        // never sorted, and half of the work would be to look each up.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "set local enable_nestloop = off; set local enable_mergejoin = off; \
             create temp table compared on commit drop as select s.row_id as staged, s.place, {} as hash, l.row_id, \
               l.row_id is not null and not ({}) as same \
             from (select r.ctid as place, r.* from {staged} r where {}) s left join {of_head} l on {}; \
             set local enable_nestloop = on; set local enable_mergejoin = on",
            hash(&key, "s."),
            self.differs()?,
            part.holds(&key, "r."),
            same_as("l.")
        )))
        .execute(&mut *connection)
        .await?;
        // Where nothing is there twice no two hashes are the same. Else it is asked exactly.
        let repeated: bool = sqlx::query_scalar(
            "select exists (select from (select hash, lag(hash) over (order by hash) as before from compared) k where hash = before)",
        )
        .fetch_one(&mut *connection)
        .await?;
        if repeated {
            self.supersede(connection, &key, part, difference.nulls)
                .await?;
            let twice: bool =
                sqlx::query_scalar("select count(*) <> count(distinct staged) from compared")
                    .fetch_one(&mut *connection)
                    .await?;
            if twice {
                return Ok(Some(self.not_unique(&key)));
            }
        }
        let (found, inserted, unchanged): (i64, i64, i64) = sqlx::query_as(
            "select count(*), count(*) filter (where row_id is null), count(*) filter (where same) from compared",
        )
        .fetch_one(&mut *connection)
        .await?;
        sqlx::query(AssertSqlSafe(format!(
            "insert into {rows} (staged, place, row_id) select staged, place, row_id from compared where not same"
        )))
        .execute(&mut *connection)
        .await?;
        if self.plan.mode == Mode::Sync {
            let gone = sqlx::query(AssertSqlSafe(format!(
                "insert into {rows} (row_id) select l.row_id from {of_head} l \
                 where not exists (select from compared c where c.row_id = l.row_id)"
            )));
            difference.deleted += big(gone.execute(&mut *connection).await?.rows_affected());
        }
        sqlx::raw_sql(AssertSqlSafe(format!(
            "drop table compared; analyze {rows}"
        )))
        .execute(connection)
        .await?;
        difference.inserted += inserted;
        difference.unchanged += unchanged;
        difference.updated += found - inserted - unchanged;
        difference.pending.pop();
        Ok(None)
    }

    /// Takes out all staged rows of a key but the last.
    async fn supersede(
        &self,
        connection: &mut PgConnection,
        key: &[StoredColumn],
        part: Part,
        nulls: bool,
    ) -> Result<()> {
        let staged = self.staged();
        let names = join(key, ", ", |column| column.sql.clone());
        let same_key = same_key(key, nulls, "s.", "l.");
        sqlx::query(AssertSqlSafe(format!(
            "with repeated as (select {names}, max(row_id) as last from {staged} r where {} group by {names} having count(*) > 1), \
             gone as (delete from {staged} s using repeated l where {same_key} and s.row_id < l.last returning s.row_id) \
             delete from compared c using gone where c.staged = gone.row_id",
            part.holds(key, "r.")
        )))
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Part {
    /// The condition that a row's key belongs to it.
    fn holds(self, key: &[StoredColumn], row: &str) -> String {
        if self.of == 1 {
            return "true".to_owned();
        }
        format!(
            "({} & {}) % {} = {}",
            hash(key, row),
            i64::MAX,
            self.of,
            self.no
        )
    }
}
