//! A difference is brought from the version that it was worked out at to a later head, by looking again only at keys that a row had
//! which was touched in between. Everything else stands: a staged row without an entry has the row of its key that it had.

use contracts::upload::Mode;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Difference, Merge, Refused, Seen, hash, join, key_of, same_key};
use crate::{
    Result,
    commits::Head,
    diff::{self, Ranges},
    imports::big,
    tables,
};

/// Entries by kind: inserted, updated.
type Entries = (i64, i64);

impl Merge<'_> {
    /// So staged rows and entries are found without reading all of them. Only made when the head has moved: most merges need none.
    pub(super) async fn index(
        &self,
        connection: &mut PgConnection,
        difference: &mut Difference,
    ) -> Result<()> {
        if difference.indexed {
            return Ok(());
        }
        let (staged, rows) = (self.staged(), self.rows());
        let name = format!("d_{}_staged_{}_hash", self.dataset_no, self.commit);
        sqlx::raw_sql(AssertSqlSafe(format!(
            "set local maintenance_work_mem = '256MB'; \
             create index if not exists {name} on {staged} (({})); analyze {staged}; \
             create index on {rows} (staged); create index on {rows} (row_id); analyze {rows}",
            hash(&key_of(self.plan)?, "")
        )))
        .execute(connection)
        .await?;
        difference.indexed = true;
        Ok(())
    }

    /// At most how many rows were touched since.
    pub(super) async fn touched(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &Difference,
    ) -> Result<i64> {
        let seen = Seen::at(connection, self.dataset_no, difference.head).await?;
        let ranges = self.ranges(connection, &seen, head).await?;
        let lengths = ranges.0.iter().zip(&ranges.1).map(|(lo, hi)| hi - lo + 1);
        let died: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from {} where died > $1 and died <= $2",
            tables::history(self.dataset_no)
        )))
        .bind(seen.max_commit)
        .bind(head.max_commit)
        .fetch_one(connection)
        .await?;
        Ok(lengths.sum::<i64>() + died)
    }

    /// Where whole imports, and commits with new rows, lie that came or went in between.
    async fn ranges(
        &self,
        connection: &mut PgConnection,
        seen: &Seen,
        head: &Head,
    ) -> Result<Ranges> {
        diff::ranges(
            connection,
            self.dataset_no,
            (seen.max_commit, &seen.hidden),
            (head.max_commit, &head.hidden),
        )
        .await
    }

    /// Looks again at what was touched between the difference's version and `head`, the one of this transaction.
    pub(super) async fn recheck(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &mut Difference,
    ) -> Result<Option<Refused>> {
        let key = key_of(self.plan)?;
        let (staged, rows) = (self.staged(), self.rows());
        let live = tables::live(self.dataset_no);
        self.find_touched(connection, head, difference).await?;
        let same_as = |other: &str| same_key(&key, difference.nulls, "s.", other);
        // The staged rows whose key a touched row had or has; a hash in common is no more than a hint. `stays` where the row of the
        // head that has its key is one that nobody touched.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "create temp table meant on commit drop as \
               select s.row_id as staged, s.ctid as place, {hash} as hash, d.staged is null or d.row_id is not null as had \
               from (select before as hash from touched where before is not null union select after from touched where after is not null) t \
               join {staged} s on {hash} = t.hash left join {rows} d on d.staged = s.row_id; \
             analyze meant; \
             create temp table judged on commit drop as \
               select m.staged, m.place, m.had and b.staged is null as stays, coalesce(a.rows, 0) as rows, a.row_id from meant m \
               left join (select distinct m.staged from meant m join {staged} s on s.ctid = m.place and s.row_id = m.staged \
                   join touched t on t.before = m.hash and {before}) b on b.staged = m.staged \
               left join (select m.staged, count(*) as rows, max(t.row_id) as row_id from meant m \
                   join {staged} s on s.ctid = m.place and s.row_id = m.staged \
                   join touched t on t.after = m.hash and {after} group by m.staged) a on a.staged = m.staged; \
             analyze judged",
            hash = hash(&key, "s."),
            before = same_as("t.b_"),
            after = same_as("t.a_"),
        )))
        .execute(&mut *connection)
        .await?;
        let twice: bool =
            sqlx::query_scalar("select exists (select from judged where rows + stays::int > 1)")
                .fetch_one(&mut *connection)
                .await?;
        if twice {
            return Ok(Some(self.not_unique(&key)));
        }
        let gone: Entries = sqlx::query_as(AssertSqlSafe(format!(
            "with gone as (delete from {rows} d using judged j where d.staged = j.staged and not j.stays returning d.row_id) \
             select count(*) filter (where row_id is null), count(*) filter (where row_id is not null) from gone"
        )))
        .fetch_one(&mut *connection)
        .await?;
        let come: Entries = sqlx::query_as(AssertSqlSafe(format!(
            "with come as (insert into {rows} (staged, place, row_id) \
                 select j.staged, j.place, j.row_id from judged j where not j.stays and j.row_id is null \
                 union all select j.staged, j.place, j.row_id from judged j join {staged} s on s.ctid = j.place and s.row_id = j.staged \
                   join {live} l on l.row_id = j.row_id where not j.stays and ({}) returning row_id) \
             select count(*) filter (where row_id is null), count(*) filter (where row_id is not null) from come",
            self.differs()?
        )))
        .fetch_one(&mut *connection)
        .await?;
        let all = difference.staged();
        difference.inserted += come.0 - gone.0;
        difference.updated += come.1 - gone.1;
        difference.unchanged = all - difference.inserted - difference.updated;
        if self.plan.mode == Mode::Sync {
            let gone = sqlx::query(AssertSqlSafe(format!(
                "delete from {rows} d using touched t where d.staged is null and d.row_id = t.row_id"
            )))
            .execute(&mut *connection)
            .await?;
            let come = sqlx::query(AssertSqlSafe(format!(
                "insert into {rows} (row_id) select t.row_id from touched t where t.after is not null \
                   and not exists (select from {staged} s where {} = t.after and {})",
                hash(&key, "s."),
                same_as("t.a_")
            )))
            .execute(&mut *connection)
            .await?;
            difference.deleted += big(come.rows_affected()) - big(gone.rows_affected());
        }
        if difference.renewal.is_some() {
            self.renew_touched(connection, head, difference).await?;
        }
        sqlx::raw_sql("drop table touched, meant, judged")
            .execute(connection)
            .await?;
        difference.head = head.version;
        Ok(None)
    }

    /// `touched`: rows that something happened to, with the hash and columns of the key that each had before and has after; null
    /// where it was not there.
    async fn find_touched(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &Difference,
    ) -> Result<()> {
        let key = key_of(self.plan)?;
        let (live, history) = (
            tables::live(self.dataset_no),
            tables::history(self.dataset_no),
        );
        let before = Seen::at(connection, self.dataset_no, difference.head).await?;
        let after = Seen::of(head);
        let ranges = self.ranges(connection, &before, head).await?;
        let hashed = format!(
            "{} as hash{}",
            hash(&key, "l."),
            join(&key, "", |column| format!(", l.{}", column.sql))
        );
        let named = |prefix: &str| {
            join(&key, "", |column| {
                format!(", {prefix}.{0} as {prefix}_{0}", column.sql)
            })
        };
        let sql = format!(
            "create temp table touched on commit drop as \
             with ids as materialized (select row_id from {history} where died > $3 and died <= $4 \
               union select l.row_id from unnest($1::bigint[], $2::bigint[]) r (lo, hi) join {live} l on l.row_id >= r.lo and l.row_id <= r.hi) \
             select i.row_id, b.hash as before, a.hash as after{}{} from ids i \
             left join lateral (select {hashed} from {live} l where l.row_id = i.row_id and {was_born} \
               union all select {hashed} from {history} l where l.row_id = i.row_id and {was_born} and died > {max} limit 1) b on true \
             left join lateral (select {hashed} from {live} l where l.row_id = i.row_id and {is_born}) a on true",
            named("b"),
            named("a"),
            was_born = before.born(),
            is_born = after.born(),
            max = before.max_commit,
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(ranges.0)
            .bind(ranges.1)
            .bind(before.max_commit)
            .bind(head.max_commit)
            .execute(&mut *connection)
            .await?;
        sqlx::raw_sql("analyze touched").execute(connection).await?;
        Ok(())
    }
}
