//! The tables behind a dataset: `data.d_<no>` with what is live, `_history` with what was, `_blocks` for the jump to the N-th
//! row. All SQL text that names them is made of numbers of our own.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{Error, Result, StoredColumn, columns::sql_type};

pub(crate) fn live(dataset_no: i64) -> String {
    format!("data.d_{dataset_no}")
}

pub(crate) fn history(dataset_no: i64) -> String {
    format!("data.d_{dataset_no}_history")
}

pub(crate) fn blocks(dataset_no: i64) -> String {
    format!("data.d_{dataset_no}_blocks")
}

/// The rows of a file that is merged, as they stand in it.
pub(crate) fn staged(dataset_no: i64, commit: i64) -> String {
    format!("data.d_{dataset_no}_staged_{commit}")
}

/// Which of them, and which rows of the head, a merge writes.
pub(crate) fn difference(dataset_no: i64, commit: i64) -> String {
    format!("data.d_{dataset_no}_difference_{commit}")
}

/// Where rows went that came up while a merge's content was written anew.
pub(crate) fn late(dataset_no: i64, commit: i64) -> String {
    format!("data.d_{dataset_no}_late_{commit}")
}

/// Where the rows of a file stood in it, while some may yet be quarantined.
pub(crate) fn places(dataset_no: i64, commit: i64) -> String {
    format!("data.d_{dataset_no}_places_{commit}")
}

pub(crate) fn reader_view(dataset_no: i64) -> String {
    format!("data.v_{dataset_no}")
}

/// All physical columns, also those that no version shows any more: what moves to history moves whole.
pub(crate) async fn physical_names(
    connection: &mut PgConnection,
    dataset_no: i64,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped \
         and attname not in ('row_id', 'born') order by attnum",
    )
    .bind(live(dataset_no))
    .fetch_all(connection)
    .await?)
}

/// `, c1, c2, …` to follow `row_id`, each with a prefix such as `l.`.
pub(crate) fn list(names: &[String], prefix: &str) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        text.push_str(", ");
        text.push_str(prefix);
        text.push_str(name);
        text
    })
}

/// How often DDL on a live table is tried, and how long each try may wait: a waiting ALTER stops every reader behind it.
const TRIES: u32 = 40;
const LOCK_WAIT: &str = "set local lock_timeout = '150ms'";

pub(crate) async fn limit_lock_wait(connection: &mut PgConnection) -> Result<()> {
    sqlx::query(LOCK_WAIT).execute(connection).await?;
    Ok(())
}

/// Whether a transaction that [`limit_lock_wait`]s is to be tried again, after a pause that this takes.
pub(crate) async fn try_again(error: &Error, tries: &mut u32) -> bool {
    let Error::Database(sqlx::Error::Database(database)) = error else {
        return false;
    };
    // lock_not_available, deadlock_detected
    if !matches!(database.code().as_deref(), Some("55P03" | "40P01")) || *tries >= TRIES {
        return false;
    }
    *tries += 1;
    // Spread by the try and the clock's last digits, so that two do not meet again and again.
    let jitter = u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs() / 1_000 % 50);
    tokio::time::sleep(Duration::from_millis(50 + jitter + 10 * u64::from(*tries))).await;
    true
}

/// Makes a dataset's tables, in place of those that an earlier plan made and never published.
pub(crate) async fn create(
    connection: &mut PgConnection,
    dataset_no: i64,
    columns: &[StoredColumn],
) -> Result<()> {
    drop_all(connection, dataset_no).await?;
    let (live, history, blocks) = (live(dataset_no), history(dataset_no), blocks(dataset_no));
    let columns = typed(columns);
    // No index on `born`: it would end HOT updates. No btree on `died`: BRIN is enough and costs large commits nothing.
    let statements = format!(
        "create table {live} (row_id bigint primary key, born bigint not null{columns}) with (autovacuum_vacuum_scale_factor = 0.02); \
         create table {history} (row_id bigint not null, born bigint not null, died bigint not null{columns}); \
         create index on {history} (row_id, died); \
         create index on {history} using brin (died) with (pages_per_range = 16); \
         create table {blocks} (lo bigint not null, n int not null, v_from bigint not null, v_to bigint not null default {}, primary key (lo, v_from));",
        i64::MAX
    );
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}

/// `, c1 bigint, c2 text, …`
fn typed(columns: &[StoredColumn]) -> String {
    columns.iter().fold(String::new(), |mut text, column| {
        text.push_str(&format!(
            ", {} {}",
            column.sql,
            sql_type(column.column.kind)
        ));
        text
    })
}

/// Where the rows of a file are staged.
pub(crate) async fn create_staged(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    columns: &[StoredColumn],
) -> Result<()> {
    let statement = format!(
        "create table {} (row_id bigint not null, born bigint not null{})",
        staged(dataset_no, commit),
        typed(columns)
    );
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}

/// Where it is kept where rows stood, and of those that are to be quarantined why.
pub(crate) async fn create_places(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
) -> Result<()> {
    let places = places(dataset_no, commit);
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create table {places} (row_id bigint primary key, batch int not null, record bigint not null, byte bigint not null, \
           line bigint not null, raw text not null, column_name text, message text); \
         create index on {places} (record) where message is not null"
    )))
    .execute(connection)
    .await?;
    Ok(())
}

/// What an import that came to nothing leaves behind.
pub(crate) async fn drop_staged(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
) -> Result<()> {
    // In this order, each by itself: who makes one of the others reads the first, and to drop it waits for them.
    for table in [
        staged(dataset_no, commit),
        difference(dataset_no, commit),
        late(dataset_no, commit),
        places(dataset_no, commit),
    ] {
        sqlx::query(AssertSqlSafe(format!("drop table if exists {table}")))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Adds the columns that live and history lack. Call [`limit_lock_wait`] first.
pub(crate) async fn widen(
    connection: &mut PgConnection,
    dataset_no: i64,
    columns: &[StoredColumn],
) -> Result<()> {
    let present: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
    )
    .bind(live(dataset_no))
    .fetch_all(&mut *connection)
    .await?;
    let missing: Vec<String> = columns
        .iter()
        .filter(|c| !present.contains(&c.sql))
        .map(|c| {
            format!(
                "add column if not exists {} {}",
                c.sql,
                sql_type(c.column.kind)
            )
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let added = missing.join(", ");
    let statements = format!(
        "alter table {} {added}; alter table {} {added};",
        live(dataset_no),
        history(dataset_no)
    );
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}

/// With the views upon them.
pub(crate) async fn drop_all(connection: &mut PgConnection, dataset_no: i64) -> Result<()> {
    let statement = format!(
        "drop table if exists {}, {}, {} cascade;",
        live(dataset_no),
        history(dataset_no),
        blocks(dataset_no)
    );
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}
