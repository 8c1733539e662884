//! Pages of rows at a version.

use contracts::dataset::{Column, Row};
use serde_json::Value;

use crate::{Filter, Result, Store, versions::At};

/// Order of a view: nulls last and ties by rising row id, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// Column id or name (an id wins); `row_id` for the order of the table.
    pub column: String,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            column: "row_id".to_owned(),
            descending: false,
        }
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

impl Store {
    pub async fn page(&self, dataset_no: i64, query: &RowsQuery) -> Result<RowsPage> {
        let _ = (dataset_no, query);
        todo!()
    }

    /// One row, long cells cut. Returns the version it was read at, its columns and the row.
    pub async fn row(
        &self,
        dataset_no: i64,
        at: At,
        row_id: i64,
    ) -> Result<(i64, Vec<Column>, Row)> {
        let _ = (dataset_no, at, row_id);
        todo!()
    }

    /// One cell, whole. `column` is an id or a name. Returns the version it was read at, the column and the value.
    pub async fn cell(
        &self,
        dataset_no: i64,
        at: At,
        row_id: i64,
        column: &str,
    ) -> Result<(i64, Column, Value)> {
        let _ = (dataset_no, at, row_id, column);
        todo!()
    }
}
