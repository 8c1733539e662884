//! A dataset's columns as a version keeps them: what people see, and the physical column behind it.

use contracts::dataset::{Column, ColumnType};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A column and its place in `data.d_<no>`: `c1`, `c2`, … for ever, whatever the name becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredColumn {
    #[serde(flatten)]
    pub column: Column,
    pub sql: String,
}

impl StoredColumn {
    /// The physical column of `col_7` is `c7`. Ids are handed out by us; anything else is a stranger's and refused.
    pub(crate) fn new(column: Column) -> Result<Self> {
        let number = number_of(&column.id).ok_or_else(|| {
            Error::invalid(
                "columns",
                format!("{:?} is not the id of a column", column.id),
            )
        })?;
        Ok(Self {
            column,
            sql: format!("c{number}"),
        })
    }

    /// The expression that sorts and compares it: `json` has no order of its own.
    pub(crate) fn comparable(&self) -> String {
        match self.column.kind {
            ColumnType::Json => format!("{}::text", self.sql),
            _ => self.sql.clone(),
        }
    }

    /// What of a value must be equal for the cell to be: the very characters, where the type takes two spellings for the same,
    /// and `json` cannot be compared at all.
    pub(crate) fn spelled(&self, expression: &str) -> String {
        match self.column.kind {
            ColumnType::Decimal | ColumnType::Json => format!("{expression}::text"),
            _ => expression.to_owned(),
        }
    }
}

/// 7 for `col_7`.
pub(crate) fn number_of(id: &str) -> Option<i32> {
    let digits = id.strip_prefix("col_")?;
    let number: i32 = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}

/// The PostgreSQL type: `json`, not `jsonb`, and decimal without a scale, so that every value keeps its very characters.
pub(crate) fn sql_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Int64 => "bigint",
        ColumnType::Decimal => "numeric",
        ColumnType::Float => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Timestamptz => "timestamptz",
        ColumnType::Json => "json",
    }
}

/// Finds a column by id or, failing that, by name: an id wins.
pub(crate) fn find<'a>(columns: &'a [StoredColumn], wanted: &str) -> Option<&'a StoredColumn> {
    columns
        .iter()
        .find(|c| c.column.id == wanted)
        .or_else(|| columns.iter().find(|c| c.column.name == wanted))
}
