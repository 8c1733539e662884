//! Where very much changes, the merged content is written anew, under row ids of its own, and takes the place of the former as a
//! replace does: editors wait for that alone. Its commit is an import's, open and so not visible until it is published, and each block of
//! rows that is written has its row in the ledger.
//!
//! A row's new id lies as far behind the first as the old one did, and rows that are new with the file lie behind those. So it is known
//! of every row where it went, and one that is touched before the publishing is written again ([`super::recheck`]). Only rows that come
//! up meanwhile, outside of all that was there, get their ids one by one, in a table of their own.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Difference, Merge, Seen, TOUCHED_MAX};
use crate::{Error, Result, blocks, commits::Head, imports::big, publish, tables};

/// Ledger rows of the rows that came up meanwhile have numbers from here.
const LATE_BATCH: i32 = 1_000_000_000;

/// The content of a version as it is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Renewal {
    pub(crate) commit: i64,
    /// The first new row id.
    base: i64,
    /// The former ids, from, to (inclusive), of all rows that there were.
    lo: i64,
    hi: i64,
    /// The first id that was reserved for the file, and how many.
    file_lo: i64,
    file_rows: i64,
    /// The first former id, and the first of the file's, that is still to be written.
    next: i64,
    file_next: i64,
    /// Blocks written.
    blocks: i32,
    /// Rows that came up meanwhile.
    late: i64,
}

impl Renewal {
    pub(super) fn is_done(&self) -> bool {
        self.next > self.hi && self.file_next >= self.file_lo + self.file_rows
    }

    /// Whether there are row ids for so many more that come up.
    pub(super) fn has_room(&self, rows: i64) -> bool {
        self.late + rows <= TOUCHED_MAX
    }

    /// What is added to a former id.
    fn shift(&self) -> i64 {
        self.base - self.lo
    }

    /// What is added to one of the file's.
    fn file_shift(&self) -> i64 {
        self.base + (self.hi - self.lo + 1) - self.file_lo
    }

    fn late_lo(&self) -> i64 {
        self.base + (self.hi - self.lo + 1) + self.file_rows
    }
}

impl Merge<'_> {
    /// Opens the commit of a renewal and reserves its row ids. The dataset's lock must be held.
    pub(super) async fn begin_renewal(
        &self,
        connection: &mut PgConnection,
        difference: &mut Difference,
    ) -> Result<()> {
        let file = sqlx::query!(
            r#"select row_lo as "row_lo!", row_hi as "row_hi!" from gk.commit where dataset = $1 and id = $2"#,
            self.dataset_no,
            self.commit
        )
        .fetch_one(&mut *connection)
        .await?;
        let hi = sqlx::query_scalar!(
            r#"select coalesce(upper(extent) - 1, 0) as "hi!" from gk.version where dataset = $1 and version = $2"#,
            self.dataset_no,
            difference.head
        )
        .fetch_one(&mut *connection)
        .await?;
        let lo: Option<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select min(lo) from {} where v_from <= $1 and v_to > $1",
            tables::blocks(self.dataset_no)
        )))
        .bind(difference.head)
        .fetch_one(&mut *connection)
        .await?;
        let lo = lo.unwrap_or(hi + 1);
        let file_rows = file.row_hi - file.row_lo + 1;
        let reserved = (hi - lo + 1) + file_rows + TOUCHED_MAX;
        let opened = sqlx::query!(
            r#"with drawn as (update gk.dataset set next_commit = next_commit + 1, next_row = next_row + $3 where no = $1
                   returning next_commit - 1 as id, next_row - $3 as base)
               insert into gk.commit (dataset, id, kind, state, author, message, upload, row_lo, row_hi)
               select c.dataset, drawn.id, 'import', 'open', c.author, c.message, c.upload, drawn.base, drawn.base + $3 - 1
               from drawn, gk.commit c where c.dataset = $1 and c.id = $2 returning id, row_lo as "base!""#,
            self.dataset_no,
            self.commit,
            reserved
        )
        .fetch_one(&mut *connection)
        .await?;
        difference.renewal = Some(Renewal {
            commit: opened.id,
            base: opened.base,
            lo,
            hi,
            file_lo: file.row_lo,
            file_rows,
            next: lo,
            file_next: file.row_lo,
            blocks: 0,
            late: 0,
        });
        sqlx::raw_sql(AssertSqlSafe(format!(
            "create table {} (row_id bigint primary key, new bigint not null)",
            self.late()
        )))
        .execute(connection)
        .await?;
        Ok(())
    }

    /// What was written of a renewal is left to the sweeper.
    pub(super) async fn give_up(
        &self,
        connection: &mut PgConnection,
        difference: &Difference,
    ) -> Result<()> {
        let Some(renewal) = &difference.renewal else {
            return Ok(());
        };
        sqlx::query!(
            "update gk.commit set state = 'aborted' where dataset = $1 and id = $2 and state = 'open'",
            self.dataset_no,
            renewal.commit
        )
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {}", self.late())))
            .execute(connection)
            .await?;
        Ok(())
    }

    fn late(&self) -> String {
        tables::late(self.dataset_no, self.commit)
    }

    /// Writes some blocks more, as they are at the version of the difference. False when the import has come to an end.
    pub(super) async fn renew(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &mut Difference,
    ) -> Result<bool> {
        let Some(mut renewal) = difference.renewal else {
            return Ok(false);
        };
        if !self.is_open(connection, renewal.commit).await? {
            return Ok(false);
        }
        let some = self.limits.step_blocks;
        let (staged, rows) = (self.staged(), self.rows());
        let shift;
        let from;
        let mut borders: Vec<i64>;
        let end;
        if renewal.next <= renewal.hi {
            let seen = Seen::at(connection, self.dataset_no, difference.head).await?;
            borders = sqlx::query_scalar(AssertSqlSafe(format!(
                "select lo from {} where v_from <= $1 and v_to > $1 and lo > $2 and lo <= $3 order by lo limit $4",
                tables::blocks(self.dataset_no)
            )))
            .bind(seen.version)
            .bind(renewal.next)
            .bind(renewal.hi)
            .bind(some)
            .fetch_all(&mut *connection)
            .await?;
            end = self.cut(&mut borders, renewal.next, renewal.hi + 1);
            shift = renewal.shift();
            let names = tables::list(&head.physical, "");
            from = format!(
                "select l.row_id + {shift} as row_id{} from {} l left join {rows} d on d.row_id = l.row_id \
                   left join {staged} s on s.ctid = d.place and s.row_id = d.staged \
                 where l.row_id >= $4 and l.row_id < $5 and (d.row_id is null or d.staged is not null) order by 1",
                self.merged(head)?,
                seen.rows(self.dataset_no, head.version, &names)
            );
            renewal.next = end;
        } else {
            borders = sqlx::query_scalar!(
                "select row_lo from gk.ledger where commit = $2 and dataset = $1 and row_lo > $3 order by row_lo limit $4",
                self.dataset_no,
                self.commit,
                renewal.file_next,
                some
            )
            .fetch_all(&mut *connection)
            .await?;
            end = self.cut(
                &mut borders,
                renewal.file_next,
                renewal.file_lo + renewal.file_rows,
            );
            shift = renewal.file_shift();
            from = format!(
                "select d.staged + {shift} as row_id{} from {rows} d join {staged} s on s.ctid = d.place and s.row_id = d.staged \
                 where d.row_id is null and d.staged >= $4 and d.staged < $5 order by 1",
                self.new_cells(head)?
            );
            renewal.file_next = end;
        }
        let los: Vec<i64> = borders.iter().map(|lo| lo + shift).collect();
        // Every row is found by its place or id: to hash a whole table for a few blocks would take longer with each row it has.
        sqlx::raw_sql("set local enable_hashjoin = off; set local enable_mergejoin = off")
            .execute(&mut *connection)
            .await?;
        let sql = format!(
            "with put as (insert into {} (row_id, born{}) select f.row_id, $2{} from ({from}) f returning row_id), \
             counted as (select width_bucket(row_id, $3::bigint[]) as no, count(*) as rows from put group by 1) \
             insert into gk.ledger (dataset, commit, batch, row_lo, rows, quarantined) \
             select $1, $2, $6 + b.no::int, b.lo, coalesce(c.rows, 0), 0 from unnest($3::bigint[]) with ordinality b (lo, no) \
             left join counted c on c.no = b.no",
            tables::live(self.dataset_no),
            tables::list(&head.physical, ""),
            tables::list(&head.physical, "f."),
        );
        let written = sqlx::query(AssertSqlSafe(sql))
            .bind(self.dataset_no)
            .bind(renewal.commit)
            .bind(&los)
            .bind(borders.first().copied().unwrap_or_default())
            .bind(end)
            .bind(renewal.blocks)
            .execute(&mut *connection)
            .await?;
        sqlx::raw_sql("set local enable_hashjoin = on; set local enable_mergejoin = on")
            .execute(connection)
            .await?;
        renewal.blocks += i32::try_from(written.rows_affected()).unwrap_or(i32::MAX);
        difference.renewal = Some(renewal);
        Ok(true)
    }

    /// The first ids of the next blocks, from `first` on, and where they end.
    fn cut(&self, borders: &mut Vec<i64>, first: i64, end: i64) -> i64 {
        borders.insert(0, first);
        let some = usize::try_from(self.limits.step_blocks).unwrap_or(1).max(1);
        if borders.len() > some {
            borders.truncate(some + 1);
            return borders.pop().unwrap_or(end);
        }
        end
    }

    /// `, …` the cells of the row `l` with those of the staged row `s` in their place, where there is one.
    fn merged(&self, head: &Head) -> Result<String> {
        self.cells(
            head,
            |name| format!("case when s.row_id is null then l.{name} else s.{name} end as {name}"),
            |name| format!("l.{name}"),
        )
    }

    /// `, …` the cells of a row that is new with the file.
    fn new_cells(&self, head: &Head) -> Result<String> {
        self.cells(
            head,
            |name| format!("s.{name}"),
            |name| format!("null as {name}"),
        )
    }

    /// `, …` all physical columns: those that the file brings, and the others.
    fn cells(
        &self,
        head: &Head,
        brought: impl Fn(&str) -> String,
        other: impl Fn(&str) -> String,
    ) -> Result<String> {
        let compared = self.compared()?;
        let is_brought = |name: &str| compared.iter().any(|column| column.sql == name);
        Ok(head.physical.iter().fold(String::new(), |cells, name| {
            let cell = if is_brought(name) {
                brought(name)
            } else {
                other(name)
            };
            cells + ", " + &cell
        }))
    }

    /// Writes again what was touched, and what of the file is paired otherwise than before, as far as it was written.
    pub(super) async fn renew_touched(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        difference: &mut Difference,
    ) -> Result<()> {
        let Some(mut renewal) = difference.renewal else {
            return Ok(());
        };
        if !self.is_open(connection, renewal.commit).await? {
            return Ok(());
        }
        let (live, staged, rows, late) = (
            tables::live(self.dataset_no),
            self.staged(),
            self.rows(),
            self.late(),
        );
        let Renewal {
            commit,
            lo,
            hi,
            next,
            ..
        } = renewal;
        let late_lo = renewal.late_lo();
        let came = sqlx::query(AssertSqlSafe(format!(
            "insert into {late} (row_id, new) select t.row_id, {late_lo} + {} + row_number() over (order by t.row_id) - 1 from touched t \
             where (t.row_id < {lo} or t.row_id > {hi}) and t.after is not null and not exists (select from {late} m where m.row_id = t.row_id)",
            renewal.late
        )))
        .execute(&mut *connection)
        .await?;
        renewal.late += big(came.rows_affected());
        sqlx::query!(
            "insert into gk.ledger (dataset, commit, batch, row_lo, rows, quarantined) \
             select $1, $2, $3::int + no, $4::bigint + no * $5::bigint, 0, 0 from generate_series(0, (($6::bigint + $5 - 1) / $5 - 1)::int) no on conflict do nothing",
            self.dataset_no,
            commit,
            LATE_BATCH,
            late_lo,
            blocks::BLOCK_ROWS,
            renewal.late
        )
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "create temp table again on commit drop as \
               select t.row_id, null::bigint as staged, coalesce(m.new, t.row_id + {}) as new from touched t left join {late} m on m.row_id = t.row_id \
               where m.row_id is not null or t.row_id >= {lo} and t.row_id < {next} and t.row_id <= {hi} \
               union all select null, j.staged, j.staged + {} from judged j where not j.stays and j.staged < {}; \
             create temp table shifted (no int, rows bigint) on commit drop; analyze again; \
             set local enable_hashjoin = off; set local enable_mergejoin = off",
            renewal.shift(),
            renewal.file_shift(),
            renewal.file_next,
        )))
        .execute(&mut *connection)
        .await?;
        let los = sqlx::query_scalar!(
            r#"select coalesce(array_agg(row_lo order by row_lo), '{}') as "los!" from gk.ledger where commit = $2 and dataset = $1"#,
            self.dataset_no,
            commit
        )
        .fetch_one(&mut *connection)
        .await?;
        for sql in [
            format!(
                "with gone as (delete from {live} l using again a where l.row_id = a.new and l.born = $2 returning l.row_id) \
                 insert into shifted select width_bucket(row_id, $1::bigint[]), -count(*) from gone group by 1"
            ),
            format!(
                "with put as (insert into {live} (row_id, born{}) \
                   select a.new, $2{} from again a join {live} l on l.row_id = a.row_id and {} \
                     left join {rows} d on d.row_id = l.row_id left join {staged} s on s.ctid = d.place and s.row_id = d.staged \
                   where d.row_id is null or d.staged is not null \
                   union all select a.new, $2{} from again a join {rows} d on d.staged = a.staged and d.row_id is null \
                     join {staged} s on s.ctid = d.place and s.row_id = d.staged returning row_id) \
                 insert into shifted select width_bucket(row_id, $1::bigint[]), count(*) from put group by 1",
                tables::list(&head.physical, ""),
                self.merged(head)?,
                Seen::of(head).born(),
                self.new_cells(head)?,
            ),
        ] {
            sqlx::query(AssertSqlSafe(sql))
                .bind(&los)
                .bind(commit)
                .execute(&mut *connection)
                .await?;
        }
        sqlx::raw_sql("set local enable_hashjoin = on; set local enable_mergejoin = on")
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "update gk.ledger g set rows = g.rows + s.rows from (select no, sum(rows)::int as rows from shifted group by no) s \
             where g.commit = $2 and g.dataset = $3 and g.row_lo = ($1::bigint[])[s.no]",
        )
        .bind(&los)
        .bind(commit)
        .bind(self.dataset_no)
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql("drop table again, shifted")
            .execute(connection)
            .await?;
        difference.renewal = Some(renewal);
        Ok(())
    }

    /// Makes the renewed content that of this version, in place of all that there was. The commit's id.
    pub(crate) async fn replace(
        &self,
        connection: &mut PgConnection,
        version: i64,
        rows: i64,
        renewal: &Renewal,
    ) -> Result<i64> {
        let written = sqlx::query_scalar!(
            r#"select coalesce(sum(rows), 0)::bigint as "rows!" from gk.ledger where commit = $2 and dataset = $1"#,
            self.dataset_no,
            renewal.commit
        )
        .fetch_one(&mut *connection)
        .await?;
        if written != rows {
            return Err(Error::Disagrees("a renewed content and its difference"));
        }
        publish::hide_former(connection, self.dataset_no, version).await?;
        publish::show(connection, self.dataset_no, renewal.commit, version).await?;
        self.end_staging(connection).await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "drop table {}, {}, {}",
            self.staged(),
            self.rows(),
            self.late()
        )))
        .execute(connection)
        .await?;
        Ok(renewal.commit)
    }
}
