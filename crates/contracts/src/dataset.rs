//! The shape of a dataset: columns, types, roles, versions and rows as the API shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DatasetId, auth::Me, receipt::Receipt, rules::Rules};

/// What a column holds. The lattice that finds it is `tabular::infer`; the SQL type is `store::columns`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    Text,
    Int64,
    Decimal,
    Float,
    Boolean,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Json,
}

impl ColumnType {
    /// Whether the values of a column can be asked to be all different. Floats that print alike may differ, and JSON has no equality.
    #[must_use]
    pub fn can_be_unique(self) -> bool {
        !matches!(self, Self::Float | Self::Json)
    }
}

/// The one spelling of a column's values, as `tabular::format` reads and prints it (`dd/MM/yyyy`, `yes|no`, …).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Format(pub String);

/// A column of a dataset. `id` never changes; `name` is what people see and may rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// `col_1`, `col_2`, …
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// How values were spelled in the file, where that is not the canonical way.
    pub format: Option<Format>,
    /// How null was spelled in the file; null when the file had none.
    pub null_token: Option<String>,
}

/// What somebody may do with a dataset. Greater may do all that the lesser may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Viewer,
    Editor,
    Owner,
}

/// A dataset as listed and shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    pub id: DatasetId,
    pub name: String,
    /// The head version.
    pub version: i64,
    pub rows: i64,
    pub columns: Vec<Column>,
    /// The caller's own role.
    pub role: Role,
    /// Records in quarantine: neither resubmitted nor discarded.
    pub quarantined: i64,
    /// What new values have to be, by column id.
    pub rules: BTreeMap<String, Rules>,
    /// UTC, six decimals: when the head was published.
    pub published_at: String,
    pub created_at: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetList {
    pub datasets: Vec<Dataset>,
    pub next: Option<String>,
}

/// A member who has a role on a dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetGrant {
    pub user: Me,
    pub role: Role,
    pub granted_at: String,
}

/// Everybody who has a role on a dataset: owners first, then by name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetGrantList {
    pub grants: Vec<DatasetGrant>,
}

/// What made a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionKind {
    Import,
    Grid,
    Restore,
    Api,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionInfo {
    pub version: i64,
    pub kind: VersionKind,
    /// The author's name; null when the member is no more.
    pub author: Option<String>,
    pub message: String,
    /// UTC, six decimals, strictly rising per dataset.
    pub published_at: String,
    pub rows: i64,
    pub receipt: Option<Receipt>,
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    pub versions: Vec<VersionInfo>,
    pub next: Option<String>,
}

/// One row: cells in column order. `int64`, `decimal` and `json` are strings, `float` a number, a cut cell an object.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Row {
    pub row_id: String,
    #[schema(value_type = Vec<Value>)]
    pub cells: Vec<serde_json::Value>,
}

/// One row at a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RowAt {
    pub version: i64,
    pub columns: Vec<Column>,
    #[serde(flatten)]
    pub row: Row,
}

/// One cell at a version, whole; or the slice of a long one that was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CellAt {
    pub version: i64,
    pub column: Column,
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
    /// Characters of the whole, where the value is a text.
    pub chars: Option<u64>,
}

/// A page of rows, all of one version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RowPage {
    pub version: i64,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Rows of this version that pass the filter.
    pub total: i64,
    pub next: Option<String>,
}

/// A cell over 10,000 characters, cut; `…/rows/{row_id}/cells/{column_id}` has the whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CutCell {
    pub cut: String,
    pub chars: u64,
}

/// Cells longer than this many characters are cut in pages.
pub const CELL_CHARS_MAX: usize = 10_000;
