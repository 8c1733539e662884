//! Block counts: how many rows of a version lie between one block's first row id and the next one's. The jump to the N-th row
//! stands on their sum. A commit closes the blocks whose count it changes and opens them anew; the borders only ever grow at
//! the end, so that every row keeps its block.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{Error, Result, tables};

/// Rows in a block at most, except where a restore brings rows back.
pub(crate) const BLOCK_ROWS: i64 = 4_096;
/// `v_to` of a block that is open.
pub(crate) const OPEN: i64 = i64::MAX;

/// Takes deleted rows out of their blocks, from this version on.
pub(crate) async fn take(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
    row_ids: &[i64],
) -> Result<()> {
    if row_ids.is_empty() {
        return Ok(());
    }
    let blocks = tables::blocks(dataset_no);
    let counted: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "with less as (select (select lo from {blocks} where lo <= id and v_to = {OPEN} order by lo desc limit 1) as lo, count(*)::int as n \
           from unnest($1::bigint[]) id group by 1), \
         closed as (update {blocks} b set v_to = $2 from less where b.lo = less.lo and b.v_to = {OPEN} returning b.lo, b.n - less.n as n), \
         opened as (insert into {blocks} (lo, n, v_from) select lo, n, $2 from closed returning 1) \
         select coalesce(sum(less.n), 0)::bigint from less join closed on closed.lo = less.lo, (select count(*) from opened) done"
    )))
    .bind(row_ids)
    .bind(version)
    .fetch_one(connection)
    .await?;
    if usize::try_from(counted) != Ok(row_ids.len()) {
        return Err(Error::Disagrees("rows and their blocks"));
    }
    Ok(())
}

/// Puts new rows, at the end of all ids, into the last block while it has room and no reserved range lies between, and into
/// new ones from there on.
pub(crate) async fn append(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
    row_ids: &[i64],
) -> Result<()> {
    if row_ids.is_empty() {
        return Ok(());
    }
    let blocks = tables::blocks(dataset_no);
    let last: Option<(i64, i32, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select lo, n, v_from from {blocks} b where v_to = {OPEN} and not exists (select from gk.commit c where c.dataset = $1 \
           and c.kind = 'import' and c.state in ('open', 'undone') and c.row_lo > b.lo) order by lo desc limit 1"
    )))
    .bind(dataset_no)
    .fetch_optional(&mut *connection)
    .await?;
    let mut rows = row_ids;
    if let Some((lo, n, v_from)) = last
        && i64::from(n) < BLOCK_ROWS
    {
        let room = usize::try_from(BLOCK_ROWS - i64::from(n)).unwrap_or_default();
        let (in_last, rest) = rows.split_at(room.min(rows.len()));
        rows = rest;
        let joined = i64::from(n) + i64::try_from(in_last.len()).unwrap_or_default();
        // One that this very version has opened is only counted again.
        let sql = if v_from == version {
            format!("update {blocks} set n = $2 where lo = $1 and v_from = $3")
        } else {
            format!(
                "with closed as (update {blocks} set v_to = $3 where lo = $1 and v_to = {OPEN} returning lo) \
                 insert into {blocks} (lo, n, v_from) select lo, $2, $3 from closed"
            )
        };
        sqlx::query(AssertSqlSafe(sql))
            .bind(lo)
            .bind(i32::try_from(joined).unwrap_or(i32::MAX))
            .bind(version)
            .execute(&mut *connection)
            .await?;
    }
    for block in rows.chunks(usize::try_from(BLOCK_ROWS).unwrap_or(1)) {
        let Some(lo) = block.first() else { continue };
        sqlx::query(AssertSqlSafe(format!(
            "insert into {blocks} (lo, n, v_from) values ($1, $2, $3)"
        )))
        .bind(lo)
        .bind(i32::try_from(block.len()).unwrap_or(i32::MAX))
        .bind(version)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Puts rows that lie in a range of their own, given by a query for their `row_id`, into blocks.
pub(crate) async fn enclose(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
    rows: &str,
) -> Result<()> {
    sqlx::query(AssertSqlSafe(format!(
        "insert into {} (lo, n, v_from) select min(row_id), count(*), $1 from \
           (select row_id, (row_number() over (order by row_id) - 1) / {BLOCK_ROWS} as block from ({rows}) rows) numbered group by block",
        tables::blocks(dataset_no)
    )))
    .bind(version)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the blocks of an older version those of this one. They count the same rows.
pub(crate) async fn restore(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
    of: i64,
) -> Result<()> {
    let blocks = tables::blocks(dataset_no);
    for sql in [
        format!(
            "update {blocks} b set v_to = $1 where b.v_to = {OPEN} and not exists (select from {blocks} old \
               where old.lo = b.lo and old.n = b.n and old.v_from <= $2 and old.v_to > $2)"
        ),
        format!(
            "insert into {blocks} (lo, n, v_from) select old.lo, old.n, $1 from {blocks} old where old.v_from <= $2 and old.v_to > $2 \
               and not exists (select from {blocks} b where b.lo = old.lo and b.v_to = {OPEN})"
        ),
    ] {
        sqlx::query(AssertSqlSafe(sql))
            .bind(version)
            .bind(of)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
