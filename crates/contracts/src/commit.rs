//! Changes by hand: what a commit asks for, what it answers, and what stands in its way. Also the comparison of two versions,
//! which speaks of the same changes afterwards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::dataset::Column;

/// Longest message of a commit, in characters.
pub const MESSAGE_CHARS_MAX: usize = 2_000;
/// Most changes in one commit.
pub const CHANGES_MAX: usize = 200_000;

/// What a commit does with one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeOp {
    Insert,
    Update,
    Delete,
}

/// One row's change. Cells by column id: null is null, a string is read as the file's would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub op: ChangeOp,
    /// Of an update or a delete; an insert gets its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_id: Option<String>,
    /// Column id to value. Columns left out keep their value; of a new row they are null.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub cells: Map<String, Value>,
}

/// Changes that become one version, or none at all.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitRequest {
    /// The version that the changes were made on.
    pub base_version: i64,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub message: String,
    #[schema(max_items = 200_000)]
    pub changes: Vec<Change>,
}

/// The version that holds the changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Committed {
    pub version: i64,
    /// The ids of the inserted rows, in the order of their changes.
    pub rows: Vec<String>,
}

/// One cell that was changed by somebody else since the base version. Nothing of the commit has taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    pub row_id: String,
    /// The column's id; null where it is about the whole row.
    pub column: Option<String>,
    /// As it was at the base version.
    #[schema(value_type = Value)]
    pub base: Value,
    /// As it is at the head.
    #[schema(value_type = Value)]
    pub theirs: Value,
    /// As the commit would have it.
    #[schema(value_type = Value)]
    pub yours: Value,
    /// Whether the row is no more at the head.
    pub gone: bool,
}

/// One cell that cannot be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellError {
    /// Where in the request: `/changes/3/cells/col_2`.
    pub pointer: String,
    pub row_id: Option<String>,
    /// The column's id.
    pub column: Option<String>,
    pub message: String,
    #[schema(value_type = Value)]
    pub value: Value,
}

/// What became of a row between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RowChange {
    Inserted,
    Updated,
    Deleted,
}

/// A row that differs between two versions; its cells in the order of the comparison's columns.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedRow {
    pub row_id: String,
    pub change: RowChange,
    #[schema(value_type = Option<Vec<Value>>)]
    pub before: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Value>>)]
    pub after: Option<Vec<Value>>,
    /// Ids of the columns whose cells differ, of an updated row.
    pub changed: Vec<String>,
}

/// What changed from one version to another, a page of it in the order of row ids.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    pub from: i64,
    pub to: i64,
    /// The columns of `to`, then those that only `from` has.
    pub columns: Vec<Column>,
    /// Rows in all.
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
    pub rows: Vec<ChangedRow>,
    pub next: Option<String>,
}
