//! Columns whose values may be in one row only (the rule `unique`). What no loader can know is decided here, against the very version
//! that is published onto: which rows of an import have a value that another row of the table has already, or an earlier record of the
//! file. They become quarantined records, and the rest is published ([`crate::publish`]). Where each row stood in the file comes with its
//! batch and is kept until then in a table of its own (`data.d_<no>_places_<commit>`), which also keeps the judgement for the preview.
//!
//! A value counts as taken by a row of the version that is published onto, even where the file itself would give that row another value,
//! and by a record that is quarantined itself: so one look decides, whatever hangs together in the file. Rows that a replace or
//! a synchronised file takes away hold nothing. A row keeps the value that it has, though others have it too: the rule is about what is
//! written. Null is no value.
//!
//! Commits are held to the same under the dataset's lock: [`taken`].

use contracts::{
    dataset::ColumnType, plan::Plan, receipt::Place, rules::ColumnRules, upload::Mode,
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow, types::Json};

use crate::{
    Error, Result, Store, StoredColumn,
    commits::Head,
    error::{has_code, is_undefined_table},
    merge, tables,
};

/// The code of a record whose value is taken.
const CODE: &str = "not_unique";
/// Characters of a value that are told.
const VALUE_CHARS: usize = 100;
/// Cells that are told; a commit with more has the same answer.
const TAKEN_TOLD: i64 = 1_000;

/// An import with columns whose values may be in one row only.
pub(crate) struct Unique {
    dataset_no: i64,
    upload: String,
    /// The commit that its rows came with.
    pub(crate) commit: i64,
    row_lo: i64,
    row_hi: i64,
    mode: Mode,
    /// That its records are rows of.
    sheet: Option<String>,
    columns: Vec<StoredColumn>,
}

/// Rows of an import that are quarantined instead, by what would have become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct NotUnique {
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
}

impl NotUnique {
    pub(crate) fn all(self) -> i64 {
        self.inserted + self.updated
    }
}

/// A cell of a commit whose value another row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which of the commit's changes it is of.
    pub change: usize,
    pub column: String,
    pub message: String,
}

impl Store {
    /// Of an import whose load has been opened; none where nothing has to be unique.
    pub(crate) async fn unique(&self, dataset_no: i64, upload: &str) -> Result<Option<Unique>> {
        let found = sqlx::query!(
            r#"select c.id, c.row_lo as "row_lo!", c.row_hi as "row_hi!", p.plan as "plan!: Json<Plan>", p.rules as "rules!: Json<ColumnRules>"
               from gk.import i join gk.plan p on p.upload = i.upload and p.generation = i.generation
               join gk.commit c on c.dataset = i.dataset and c.id = p.commit
               where i.upload = $1 and c.state = 'open' and i.state not in ('published', 'failed', 'cancelled')"#,
            upload
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let columns = unique_columns(&found.plan.0, &found.rules.0)?;
        Ok((!columns.is_empty()).then(|| Unique {
            dataset_no,
            upload: upload.to_owned(),
            commit: found.id,
            row_lo: found.row_lo,
            row_hi: found.row_hi,
            mode: found.plan.0.mode,
            sheet: found.plan.0.file.kind.sheet.clone(),
            columns,
        }))
    }

    /// Holds the rows of an import against the head without any lock that others wait for. Whatever comes of it: it is done again under
    /// the lock unless it was done, and for the same head.
    pub(crate) async fn judge(&self, unique: &Unique) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        // All of it sees one and the same head.
        sqlx::query("set transaction isolation level repeatable read")
            .execute(&mut *tx)
            .await?;
        if !merge::hold(&mut tx, &unique.upload).await? {
            return Ok(());
        }
        let head = Head::look(&mut tx, unique.dataset_no).await?;
        if !unique.is_compared(&mut tx, &head).await? {
            return Ok(());
        }
        match unique.judge(&mut tx, &head).await {
            // Published and cleared away, or written to, by another meanwhile.
            Err(Error::Database(error))
                if is_undefined_table(&error) || has_code(&error, "40001") =>
            {
                return Ok(());
            }
            judged => judged?,
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Those of the plan's columns that the rules ask it of.
fn unique_columns(plan: &Plan, rules: &ColumnRules) -> Result<Vec<StoredColumn>> {
    plan.file
        .unique(rules)
        .map(|planned| StoredColumn::new(planned.column.clone()))
        .collect()
}

impl Unique {
    fn places(&self) -> String {
        tables::places(self.dataset_no, self.commit)
    }

    /// The table with the difference, of an import that merges.
    fn difference(&self) -> Option<String> {
        self.mode
            .needs_key()
            .then(|| tables::difference(self.dataset_no, self.commit))
    }

    /// Whether what the import would write is known, for this head.
    async fn is_compared(&self, connection: &mut PgConnection, head: &Head) -> Result<bool> {
        if !self.mode.needs_key() {
            return Ok(true);
        }
        let kept = merge::kept(connection, &self.upload, self.commit).await?;
        Ok(kept
            .is_some_and(|difference| difference.is_compared() && difference.head == head.version))
    }

    /// Marks the places of rows that cannot be published onto this head, unless that was done for it before. The difference of a merge
    /// has to be one from the same head.
    pub(crate) async fn judge(&self, connection: &mut PgConnection, head: &Head) -> Result<()> {
        let judged = sqlx::query_scalar!(
            "select judged from gk.plan where upload = $1 and commit = $2",
            self.upload,
            self.commit
        )
        .fetch_optional(&mut *connection)
        .await?;
        if judged.flatten() == Some(head.version) {
            return Ok(());
        }
        sqlx::raw_sql(merge::ROOM).execute(&mut *connection).await?;
        let places = self.places();
        sqlx::raw_sql(AssertSqlSafe(format!(
            "update {places} set column_name = null, message = null where message is not null"
        )))
        .execute(&mut *connection)
        .await?;
        for column in &self.columns {
            self.judge_column(connection, head, column).await?;
        }
        sqlx::query!(
            "update gk.plan set judged = $3 where upload = $1 and commit = $2",
            self.upload,
            self.commit,
            head.version
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn judge_column(
        &self,
        connection: &mut PgConnection,
        head: &Head,
        column: &StoredColumn,
    ) -> Result<()> {
        let (places, sql) = (self.places(), &column.sql);
        let live = tables::live(self.dataset_no);
        // What the file would write where it is not there yet.
        let written = match self.difference() {
            Some(rows) => format!(
                "select s.row_id, s.{sql} as value from {rows} d \
                 join {} s on s.ctid = d.place and s.row_id = d.staged left join {live} l on l.row_id = d.row_id \
                 where s.{sql} is not null and l.{sql} is distinct from s.{sql}",
                tables::staged(self.dataset_no, self.commit)
            ),
            None => format!(
                "select row_id, {sql} as value from {live} \
                 where row_id >= {} and row_id <= {} and born = {} and {sql} is not null",
                self.row_lo, self.row_hi, self.commit
            ),
        };
        sqlx::raw_sql(AssertSqlSafe(format!(
            "create temp table written on commit drop as {written}; analyze written"
        )))
        .execute(&mut *connection)
        .await?;
        let value = told(column, "w.value");
        // Said behind the message.
        let (whence, row) = match &self.sheet {
            Some(sheet) => (format!(" (Sheet `{sheet}`, row "), "p.record || '.)'"),
            None => (String::new(), "''"),
        };
        if self.mode != Mode::Replace {
            let stays = match (self.mode, self.difference()) {
                (Mode::Sync, Some(rows)) => format!(
                    " and not exists (select from {rows} d where d.row_id = h.row_id and d.staged is null)"
                ),
                _ => String::new(),
            };
            sqlx::query(AssertSqlSafe(format!(
                "update {places} p set column_name = $1, message = '`' || {value} || $2 || {row} from written w \
                 where p.row_id = w.row_id and p.message is null \
                   and exists (select from {live} h where h.{sql} = w.value and {}{stays})",
                head.visible()
            )))
            .bind(&column.column.name)
            .bind(format!("` is in another row already. {ONCE}{whence}"))
            .execute(&mut *connection)
            .await?;
        }
        sqlx::query(AssertSqlSafe(format!(
            "with repeated as (select value, min(row_id) as first from written group by value having count(*) > 1) \
             update {places} p set column_name = $1, message = '`' || {value} || '` is in record ' || f.record || $2 || {row} \
             from written w join repeated r on r.value = w.value and w.row_id > r.first join {places} f on f.row_id = r.first \
             where p.row_id = w.row_id and p.message is null"
        )))
        .bind(&column.column.name)
        .bind(format!(" of the file already. {ONCE}{whence}"))
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql("drop table written")
            .execute(connection)
            .await?;
        Ok(())
    }

    /// How many rows are judged to be quarantined.
    pub(crate) async fn refused(&self, connection: &mut PgConnection) -> Result<NotUnique> {
        refused(connection, self.dataset_no, self.commit, self.mode).await
    }

    /// Makes quarantined records of the rows that are judged so: they are no longer among those that are about to be published.
    pub(crate) async fn take_out(&self, connection: &mut PgConnection) -> Result<()> {
        let places = self.places();
        sqlx::query(AssertSqlSafe(format!(
            "insert into gk.quarantine (dataset, commit, upload, record, byte, line, column_name, code, message, raw) \
             select $1, $2, $3, record, byte, line, column_name, $4, message, raw from {places} where message is not null"
        )))
        .bind(self.dataset_no)
        .bind(self.commit)
        .bind(&self.upload)
        .bind(CODE)
        .execute(&mut *connection)
        .await?;
        if let Some(rows) = self.difference() {
            sqlx::query(AssertSqlSafe(format!(
                "delete from {rows} d using {places} p where d.staged = p.row_id and p.message is not null"
            )))
            .execute(&mut *connection)
            .await?;
        } else {
            // Nobody ever saw them. Their batches count as blocks.
            sqlx::query(AssertSqlSafe(format!(
                "with gone as (delete from {} l using {places} p where l.row_id = p.row_id and l.born = $2 and p.message is not null \
                   returning p.batch), \
                 less as (select batch, count(*)::int as rows from gone group by batch) \
                 update gk.ledger g set rows = g.rows - less.rows from less where g.dataset = $1 and g.commit = $2 and g.batch = less.batch",
                tables::live(self.dataset_no)
            )))
            .bind(self.dataset_no)
            .bind(self.commit)
            .execute(&mut *connection)
            .await?;
        }
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {places}")))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// How many rows that came with this commit are judged to be quarantined.
pub(crate) async fn refused(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    mode: Mode,
) -> Result<NotUnique> {
    let places = tables::places(dataset_no, commit);
    let sql = if mode.needs_key() {
        format!(
            "select count(*) filter (where d.row_id is null) as inserted, count(d.row_id) as updated \
             from {places} p join {} d on d.staged = p.row_id where p.message is not null",
            tables::difference(dataset_no, commit)
        )
    } else {
        format!(
            "select count(*) as inserted, 0::bigint as updated from {places} where message is not null"
        )
    };
    Ok(sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?)
}

/// The first records that are judged to be quarantined, their texts cut to so many characters.
pub(crate) async fn first_refused(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    limit: usize,
    chars: i32,
) -> Result<Vec<Place>> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "select byte, line, record, column_name, message, left(raw, $1) from {} \
         where message is not null order by record limit {limit}",
        tables::places(dataset_no, commit)
    )))
    .bind(chars)
    .fetch_all(connection)
    .await?;
    let number = |row: &PgRow, at: usize| row.try_get(at).map(i64::unsigned_abs);
    rows.iter()
        .map(|row| {
            Ok(Place {
                byte: number(row, 0)?,
                line: number(row, 1)?,
                record: number(row, 2)?,
                column: row.try_get(3)?,
                code: CODE.to_owned(),
                message: row.try_get(4)?,
                raw: row.try_get(5)?,
            })
        })
        .collect()
}

/// What is said behind it.
const ONCE: &str = "The column takes each value once.";

/// The text of a value in a message.
fn told(column: &StoredColumn, value: &str) -> String {
    match column.column.kind {
        ColumnType::Text => format!(
            "(case when char_length({value}) > {VALUE_CHARS} then left({value}, {VALUE_CHARS}) || '…' else {value} end)"
        ),
        ColumnType::Timestamp => format!("replace({value}::text, ' ', 'T')"),
        ColumnType::Timestamptz => {
            format!("(replace(({value} at time zone 'UTC')::text, ' ', 'T') || 'Z')")
        }
        _ => format!("{value}::text"),
    }
}

/// Cells that a commit has written just now and whose values another row has: `rows` are its rows, `columns` the ones it writes to. The
/// dataset's lock must be held. A value that a row had before is nothing that was written.
pub(crate) async fn taken(
    connection: &mut PgConnection,
    head: &Head,
    commit: i64,
    rows: &[i64],
    columns: &[&StoredColumn],
) -> Result<Vec<(i64, String, String)>> {
    let mut taken = Vec::new();
    let asked = columns.iter().filter(|stored| {
        (head.rules.get(&stored.column.id)).is_some_and(|rules| rules.unique)
            && stored.column.kind.can_be_unique()
    });
    for column in asked {
        let sql = &column.sql;
        let live = tables::live(head.dataset_no);
        let found = sqlx::query(AssertSqlSafe(format!(
            "select w.row_id, {} from {live} w where w.row_id = any($1) and w.born = $2 and w.{sql} is not null \
               and not exists (select from {} f where f.row_id = w.row_id and f.died = $2 and f.{sql} = w.{sql}) \
               and exists (select from {live} o where o.{sql} = w.{sql} and o.row_id <> w.row_id and ({} or o.born = $2)) \
             order by w.row_id limit {TAKEN_TOLD}",
            told(column, &format!("w.{sql}")),
            tables::history(head.dataset_no),
            head.visible(),
        )))
        .bind(rows)
        .bind(commit)
        .fetch_all(&mut *connection)
        .await?;
        for row in found {
            let value: String = row.try_get(1)?;
            taken.push((
                row.try_get(0)?,
                column.column.id.clone(),
                format!("`{value}` is in another row already. {ONCE}"),
            ));
        }
    }
    Ok(taken)
}
