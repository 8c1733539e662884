//! Pages of rows at a version. How a page is found depends on its order and start:
//!
//! - in row-id order it is a walk of the primary key, over the version's extent; a position is looked up in the blocks, each a
//!   batch of at most 4,096 rows, so that no more than a block is ever skipped row by row;
//! - sorted, it is the first rows behind the last one shown, by (values, row id); the cursor is that row's id alone, because at
//!   a version its values can be read again;
//! - a position in a sorted or filtered view comes from the view's row-id list ([`crate::orders`]).
//!
//! The statements themselves are put together in [`crate::statement`], their cells read in [`crate::cells`].

use std::sync::Arc;

use contracts::dataset::{Column, Row};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};

use crate::{
    Error, Filter, Result, Snapshot, Store, StoredColumn, cells, columns,
    imports::big,
    orders::Order,
    statement::{Binds, Sources},
    tables,
    versions::At,
};

/// Rows of a page, at most.
pub const ROWS_MAX: u32 = 1_000;

/// Columns of one sort, at most.
pub const SORT_KEYS_MAX: usize = 16;

/// Order of a view: nulls last and ties by rising row id, in both directions. Without keys it is the table's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sort(pub Vec<SortKey>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// Column id or name (an id wins); `row_id`, which leaves no ties, for the order of the table.
    pub column: String,
    pub descending: bool,
}

impl Sort {
    /// By one column.
    #[must_use]
    pub fn by(column: impl Into<String>, descending: bool) -> Self {
        Self(vec![SortKey {
            column: column.into(),
            descending,
        }])
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    First,
    /// After this row, wherever the sort puts it: what [`RowsPage::next`] says. Ask at the page's own version.
    After(i64),
    /// So many rows of this sort and filter are skipped.
    Position(u64),
}

#[derive(Clone, Debug)]
pub struct RowsQuery {
    /// Hand in [`At::Version`] where the head is known already: it saves a statement.
    pub at: At,
    pub sort: Sort,
    pub filter: Option<Filter>,
    pub start: Start,
    /// 1 to 1,000.
    pub limit: u32,
}

/// A page, all of one version.
#[derive(Clone, Debug)]
pub struct RowsPage {
    pub version: i64,
    pub columns: Vec<Column>,
    /// Cells as INTERFACE's JSON values, long ones cut.
    pub rows: Vec<Row>,
    /// Rows of the version that pass the filter.
    pub total: i64,
    /// For [`Start::After`]; `None` on the last page.
    pub next: Option<i64>,
}

/// The order of a view, its columns found.
enum Sorted<'a> {
    RowId {
        descending: bool,
    },
    By {
        /// Each with whether it falls.
        keys: Vec<(&'a StoredColumn, bool)>,
        /// Whether ties fall.
        descending: bool,
    },
}

impl<'a> Sorted<'a> {
    fn find(sort: &Sort, columns: &'a [StoredColumn]) -> Result<Self> {
        if sort.0.len() > SORT_KEYS_MAX {
            return Err(Error::invalid(
                "sort",
                format!("at most {SORT_KEYS_MAX} columns"),
            ));
        }
        let mut keys: Vec<(&StoredColumn, bool)> = Vec::new();
        for key in &sort.0 {
            if key.column == "row_id" {
                return Ok(Self::new(keys, key.descending));
            }
            let column = columns::find(columns, &key.column).ok_or_else(|| {
                Error::invalid("sort", format!("there is no column {:?}", key.column))
            })?;
            // A column that sorts already has no say again.
            if !keys.iter().any(|(known, _)| known.sql == column.sql) {
                keys.push((column, key.descending));
            }
        }
        Ok(Self::new(keys, false))
    }

    fn new(keys: Vec<(&'a StoredColumn, bool)>, descending: bool) -> Self {
        if keys.is_empty() {
            Self::RowId { descending }
        } else {
            Self::By { keys, descending }
        }
    }

    /// `order by` for a select list in which the sorting values are called `by_0`, `by_1`, …
    fn order(&self) -> String {
        let (keys, descending) = match self {
            Self::RowId { descending } => (&[][..], *descending),
            Self::By { keys, descending } => (keys.as_slice(), *descending),
        };
        let mut order = String::new();
        for (at, (_, descending)) in keys.iter().enumerate() {
            let fall = if *descending { " desc" } else { "" };
            order.push_str(&format!("by_{at}{fall} nulls last, "));
        }
        order + if descending { "row_id desc" } else { "row_id" }
    }

    /// The sorting values as part of a select list.
    fn value(&self) -> String {
        let Self::By { keys, .. } = self else {
            return String::new();
        };
        keys.iter()
            .enumerate()
            .fold(String::new(), |mut value, (at, (column, _))| {
                value.push_str(&format!(", {} as by_{at}", column.comparable()));
                value
            })
    }
}

/// A read being put together: the version, its two tables, and the filter upon them.
struct Read<'a> {
    snapshot: &'a Snapshot,
    sorted: Sorted<'a>,
    sources: Sources,
    binds: Binds,
    /// ` and …`
    filter: String,
    limit: usize,
}

impl<'a> Read<'a> {
    fn new(snapshot: &'a Snapshot, query: &RowsQuery) -> Result<Self> {
        let mut binds = Binds::default();
        // The filter is bound first: its places and fingerprint then make the key of the view's list.
        let filter = match &query.filter {
            None => String::new(),
            Some(filter) => format!(" and {}", filter.condition(&snapshot.columns, &mut binds)?),
        };
        let sorted = Sorted::find(&query.sort, &snapshot.columns)?;
        let sources = Sources::new(snapshot, &mut binds)?;
        Ok(Self {
            snapshot,
            sorted,
            sources,
            binds,
            filter,
            limit: usize::try_from(query.limit.clamp(1, ROWS_MAX)).unwrap_or(1),
        })
    }

    fn key(&self, order: &str) -> String {
        let Snapshot {
            dataset_no,
            version,
            ..
        } = self.snapshot;
        let value = self.sorted.value();
        format!(
            "{dataset_no} {version} {value} {order} {} {}",
            self.filter, self.binds.fingerprint
        )
    }

    /// Rows in row-id order from a row on (itself included), upwards or downwards, with these expressions.
    fn walk(mut self, expressions: &str, from: i64, descending: bool) -> Result<(Binds, String)> {
        let ranges = self.snapshot.extent.iter().filter_map(|&(lo, hi)| {
            let (lo, hi) = if descending {
                (lo, hi.min(from.saturating_add(1)))
            } else {
                (lo.max(from), hi)
            };
            (lo < hi).then_some((lo, hi))
        });
        let (los, his): (Vec<i64>, Vec<i64>) = ranges.unzip();
        let (filter, order) = (&self.filter, self.sorted_by_id(descending));
        // One row more than the page, to know whether there is another page. A literal, so that the plan made for any
        // parameters knows that it needs few rows.
        let limit = self.limit + 1;
        let rows = if let ([lo], [hi]) = (los.as_slice(), his.as_slice()) {
            let (lo, hi) = (self.binds.add(*lo)?, self.binds.add(*hi)?);
            self.sources.union(|table, visible| {
                format!(
                    "select row_id{expressions} from {table} where row_id >= {lo} and row_id < {hi} and {visible}{filter} \
                     order by {order} limit {limit}"
                )
            })
        } else {
            let (los, his) = (self.binds.add(los)?, self.binds.add(his)?);
            self.sources.union(|table, visible| {
                format!(
                    "select page.* from unnest({los}::bigint[], {his}::bigint[]) range (lo, hi) cross join lateral \
                     (select row_id{expressions} from {table} where row_id >= range.lo and row_id < range.hi and {visible}{filter} \
                     order by {order} limit {limit}) page order by {order} limit {limit}"
                )
            })
        };
        Ok((self.binds, format!("{rows} order by {order} limit {limit}")))
    }

    fn sorted_by_id(&self, descending: bool) -> &'static str {
        if descending { "row_id desc" } else { "row_id" }
    }

    /// The first rows of a sorted view, or those behind the row `after`.
    fn sorted_page(
        mut self,
        keys: &[(&StoredColumn, bool)],
        descending: bool,
        after: Option<i64>,
    ) -> Result<(Binds, String)> {
        let (expressions, names) = shown(&self.snapshot.columns);
        let (filter, order, value) = (&self.filter, self.sorted.order(), self.sorted.value());
        let limit = self.limit + 1;
        let (with, behind) = match after {
            None => (String::new(), String::new()),
            Some(row_id) => {
                let row_id = self.binds.add(row_id)?;
                let last = self.sources.union(|table, visible| {
                    format!(
                        "select row_id{value} from {table} where row_id = {row_id} and {visible}"
                    )
                });
                (
                    format!("with last as materialized ({last}) "),
                    format!(
                        " and exists (select from last) and ({})",
                        beyond(keys, descending, &row_id)
                    ),
                )
            }
        };
        let rows = self.sources.union(|table, visible| {
            format!(
                "select row_id{value}{expressions} from {table} where {visible}{filter}{behind} order by {order} limit {limit}"
            )
        });
        Ok((
            self.binds,
            format!("{with}select row_id{names} from ({rows}) rows order by {order} limit {limit}"),
        ))
    }

    /// All row ids of the view in its order, as one value of eight bytes each: the cheapest way to bring a million of them.
    fn list(self) -> (Binds, String) {
        let (filter, value, order) = (&self.filter, self.sorted.value(), self.sorted.order());
        let rows = self.sources.union(|table, visible| {
            format!("select row_id{value} from {table} where {visible}{filter}")
        });
        (
            self.binds,
            format!(
                "select string_agg(int8send(row_id), ''::bytea) from (select row_id from ({rows}) rows order by {order}) ordered"
            ),
        )
    }

    fn count(self) -> (Binds, String) {
        let filter = &self.filter;
        let counts = self.sources.union(|table, visible| {
            format!("select count(*) as rows from {table} where {visible}{filter}")
        });
        (
            self.binds,
            format!("select sum(rows)::bigint from ({counts}) counts"),
        )
    }
}

/// Whether a row comes behind the last one shown: by the first key that tells them apart, at last by the row id.
fn beyond(keys: &[(&StoredColumn, bool)], descending: bool, row_id: &str) -> String {
    let after = |falls: bool| if falls { "<" } else { ">" };
    let mut behind = format!("row_id {} {row_id}", after(descending));
    for (at, (column, falls)) in keys.iter().enumerate().rev() {
        let (sql, last) = (column.comparable(), format!("(select by_{at} from last)"));
        behind = format!(
            "case when {last} is null then {sql} is null and ({behind}) \
             else {sql} {} {last} or {sql} is null or ({sql} = {last} and ({behind})) end",
            after(*falls)
        );
    }
    behind
}

/// The cells of a page as a select list, and the names it gives them.
fn shown(columns: &[StoredColumn]) -> (String, String) {
    let mut expressions = String::new();
    let mut names = String::new();
    for (at, column) in columns.iter().enumerate() {
        expressions.push_str(&format!(", {} as v{at}", cells::cut_expression(column)));
        names.push_str(&format!(", v{at}"));
    }
    (expressions, names)
}

fn read_row(row: &PgRow, columns: &[StoredColumn]) -> Result<(i64, Row)> {
    let row_id: i64 = row.try_get(0)?;
    let cells = columns
        .iter()
        .enumerate()
        .map(|(at, column)| cells::cut(row, at + 1, column.column.kind))
        .collect::<Result<_>>()?;
    Ok((
        row_id,
        Row {
            row_id: row_id.to_string(),
            cells,
        },
    ))
}

impl Store {
    pub async fn page(&self, dataset_no: i64, query: &RowsQuery) -> Result<RowsPage> {
        if !(1..=ROWS_MAX).contains(&query.limit) {
            return Err(Error::invalid("limit", format!("1 to {ROWS_MAX}")));
        }
        let snapshot = self.resolve(dataset_no, query.at).await?;
        let total = self.total(&snapshot, query).await?;
        let read = Read::new(&snapshot, query)?;
        let limit = read.limit;
        let fetched = match query.start {
            Start::Position(position) => self.page_at(read, query, position).await?,
            Start::First => self.page_after(read, None).await?,
            Start::After(row_id) => {
                let rows = self.page_after(read, Some(row_id)).await?;
                if rows.is_empty() && !self.is_visible(&snapshot, row_id).await? {
                    return Err(Error::invalid("cursor", "not a cursor of this view"));
                }
                rows
            }
        };
        let mut rows = Vec::with_capacity(fetched.len().min(limit));
        let mut next = None;
        for row in fetched.iter().take(limit) {
            let (row_id, row) = read_row(row, &snapshot.columns)?;
            next = Some(row_id);
            rows.push(row);
        }
        Ok(RowsPage {
            version: snapshot.version,
            columns: snapshot.shown_columns(),
            rows,
            total,
            next: next.filter(|_| fetched.len() > limit),
        })
    }

    /// One row, long cells cut. Returns the version it was read at, its columns and the row.
    pub async fn row(
        &self,
        dataset_no: i64,
        at: At,
        row_id: i64,
    ) -> Result<(i64, Vec<Column>, Row)> {
        let snapshot = self.resolve(dataset_no, at).await?;
        let (expressions, _) = shown(&snapshot.columns);
        let row = self
            .one_row(&snapshot, row_id, &expressions)
            .await?
            .ok_or(Error::NotFound("row"))?;
        Ok((
            snapshot.version,
            snapshot.shown_columns(),
            read_row(&row, &snapshot.columns)?.1,
        ))
    }

    /// One cell, whole. `column` is an id or a name. Returns the version it was read at, the column and the value.
    pub async fn cell(
        &self,
        dataset_no: i64,
        at: At,
        row_id: i64,
        column: &str,
    ) -> Result<(i64, Column, Value)> {
        let snapshot = self.resolve(dataset_no, at).await?;
        let column = columns::find(&snapshot.columns, column).ok_or(Error::NotFound("column"))?;
        let row = self
            .one_row(&snapshot, row_id, &format!(", {}", column.comparable()))
            .await?
            .ok_or(Error::NotFound("row"))?;
        Ok((
            snapshot.version,
            column.column.clone(),
            cells::whole(&row, 1, column.column.kind)?,
        ))
    }

    async fn one_row(
        &self,
        snapshot: &Snapshot,
        row_id: i64,
        expressions: &str,
    ) -> Result<Option<PgRow>> {
        let mut binds = Binds::default();
        let sources = Sources::new(snapshot, &mut binds)?;
        let row_id = binds.add(row_id)?;
        let sql = sources.union(|table, visible| {
            format!("select row_id{expressions} from {table} where row_id = {row_id} and {visible}")
        });
        Ok(binds.query(sql).fetch_optional(&self.pool).await?)
    }

    async fn is_visible(&self, snapshot: &Snapshot, row_id: i64) -> Result<bool> {
        Ok(self.one_row(snapshot, row_id, "").await?.is_some())
    }

    /// The first page, or the one behind a row.
    async fn page_after(&self, read: Read<'_>, after: Option<i64>) -> Result<Vec<PgRow>> {
        let (binds, sql) = match read.sorted {
            Sorted::RowId { descending } => {
                let from = match (after, descending) {
                    (None, false) => 0,
                    (None, true) => i64::MAX,
                    (Some(row_id), false) => row_id.saturating_add(1),
                    (Some(row_id), true) => row_id.saturating_sub(1),
                };
                let (expressions, _) = shown(&read.snapshot.columns);
                read.walk(&expressions, from, descending)?
            }
            Sorted::By {
                ref keys,
                descending,
            } => {
                let keys = keys.clone();
                read.sorted_page(&keys, descending, after)?
            }
        };
        binds.fetch(sql, &self.pool).await
    }

    /// The page that begins so many rows into the view.
    async fn page_at(
        &self,
        read: Read<'_>,
        query: &RowsQuery,
        position: u64,
    ) -> Result<Vec<PgRow>> {
        if position == 0 {
            return self.page_after(read, None).await;
        }
        let snapshot = read.snapshot;
        if let (Sorted::RowId { descending }, None) = (&read.sorted, &query.filter) {
            let descending = *descending;
            let Some(from) = self.row_at(snapshot, position, descending).await? else {
                return Ok(Vec::new());
            };
            let (expressions, _) = shown(&snapshot.columns);
            let (binds, sql) = read.walk(&expressions, from, descending)?;
            return binds.fetch(sql, &self.pool).await;
        }
        let limit = read.limit;
        let order = self.order(read).await?;
        let ids = order.slice(position, limit + 1);
        self.rows_of(snapshot, ids).await
    }

    /// The row at a position of the table's own order: its block by the running sum of block counts, then at most a block's
    /// worth of rows to step over.
    async fn row_at(
        &self,
        snapshot: &Snapshot,
        position: u64,
        descending: bool,
    ) -> Result<Option<i64>> {
        let position = big(position);
        if position >= snapshot.rows {
            return Ok(None);
        }
        let ascending = if descending {
            snapshot.rows - 1 - position
        } else {
            position
        };
        let block: Option<(i64, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "select lo, $2 - before from (select lo, n, (sum(n) over (order by lo))::bigint - n as before from {} \
             where v_from <= $1 and v_to > $1) block where before <= $2 and before + n > $2",
            tables::blocks(snapshot.dataset_no)
        )))
        .bind(snapshot.version)
        .bind(ascending)
        .fetch_optional(&self.pool)
        .await?;
        let Some((lo, into)) = block else {
            return Ok(None);
        };
        let mut read = Read::new(
            snapshot,
            &RowsQuery {
                at: At::Version(snapshot.version),
                sort: Sort::default(),
                filter: None,
                start: Start::First,
                limit: 1,
            },
        )?;
        read.limit = usize::try_from(into).unwrap_or_default();
        let (mut binds, walk) = read.walk("", lo, false)?;
        let into = binds.add(into)?;
        let row_id = binds
            .query(format!(
                "select row_id from ({walk}) block order by row_id limit 1 offset {into}"
            ))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row_id.map(|row| row.try_get(0)).transpose()?)
    }

    /// The view's row-id list, kept or computed.
    async fn order(&self, read: Read<'_>) -> Result<Arc<Order>> {
        let key = read.key(&read.sorted.order());
        self.orders
            .get(&key, async {
                let (binds, sql) = read.list();
                let mut tx = self.pool.begin().await?;
                // A million rows are sorted in memory, not on disk.
                sqlx::query("set local work_mem = '64MB'")
                    .execute(&mut *tx)
                    .await?;
                let row = binds.query(sql).fetch_one(&mut *tx).await?;
                let bytes: Option<&[u8]> = row.try_get(0)?;
                Ok(Order::from_wire(bytes.unwrap_or_default()))
            })
            .await
    }

    /// These rows, in this order.
    async fn rows_of(&self, snapshot: &Snapshot, ids: Vec<i64>) -> Result<Vec<PgRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut binds = Binds::default();
        let sources = Sources::new(snapshot, &mut binds)?;
        let ids = binds.add(ids)?;
        let (expressions, names) = shown(&snapshot.columns);
        let rows = sources.union(|table, visible| {
            format!(
                "select place, row_id{expressions} from unnest({ids}::bigint[]) with ordinality wanted (id, place) \
                 join {table} on row_id = id where {visible}"
            )
        });
        binds
            .fetch(
                format!("select row_id{names} from ({rows}) rows order by place"),
                &self.pool,
            )
            .await
    }

    /// Rows of the view: the version knows all of its own; filtered ones are counted once per version.
    async fn total(&self, snapshot: &Snapshot, query: &RowsQuery) -> Result<i64> {
        if query.filter.is_none() {
            return Ok(snapshot.rows);
        }
        let read = Read::new(snapshot, query)?;
        if let Some(order) = self.orders.peek(&read.key(&read.sorted.order())) {
            return Ok(i64::try_from(order.len()).unwrap_or(i64::MAX));
        }
        let unsorted = Read {
            sorted: Sorted::RowId { descending: false },
            ..read
        };
        let key = unsorted.key("count");
        if let Some(total) = self.orders.total(&key) {
            return Ok(total);
        }
        let (binds, sql) = unsorted.count();
        let total: i64 = binds.query(sql).fetch_one(&self.pool).await?.try_get(0)?;
        self.orders.keep_total(key, total);
        Ok(total)
    }
}
