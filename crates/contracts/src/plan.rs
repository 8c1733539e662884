//! The plan of an import: what analysis found and decided, stored once per generation and never changed.
//! `tabular` makes the file's half ([`FilePlan`]), `etl` adds the object, `store` the generation and the reserved row ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{dataset::Column, upload::Mode};

/// A batch ends at this many rows, or before its Arrow size under the plan's schema would pass [`BATCH_BYTES`].
pub const BATCH_ROWS: usize = 4_096;
pub const BATCH_BYTES: usize = 512 * 1024;
/// A record longer than this is quarantined by place and length.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Warnings kept with their places, per code.
pub const PLACES_PER_CODE: usize = 1_000;
/// Columns that a typed table can take.
pub const COLUMNS_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

/// How the file is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dialect {
    pub encoding: Encoding,
    /// Whether a byte order mark opens the file.
    pub bom: bool,
    pub delimiter: char,
    /// The quote mark; null when cells are never quoted.
    pub quote: Option<char>,
    /// Whether the first record names the columns.
    pub header: bool,
}

/// What a file is, whatever its name says. All but text are turned into delimited text as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    #[default]
    Text,
    Xlsx,
    Xlsm,
    Xlsb,
    Xls,
    Ods,
    Ndjson,
    Json,
    Parquet,
}

/// What the file is packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    Gz,
    Zst,
    Zip,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Container {
    pub packing: Packing,
    /// The file of the archive that is read. It is only shown, never used as a path.
    pub member: Option<String>,
}

/// The format of a file and which part of it is read: enough to read the very same rows again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileKind {
    #[serde(default)]
    pub format: FileFormat,
    #[serde(default)]
    pub container: Option<Container>,
    #[serde(default)]
    pub sheet: Option<String>,
}

/// What the user fixed beforehand; everything left out is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    #[serde(default)]
    pub delimiter: Option<char>,
    #[serde(default)]
    pub quote: Option<char>,
    #[serde(default)]
    pub header: Option<bool>,
    /// Type by file column name: anything that does not fit it is quarantined.
    #[serde(default)]
    pub types: BTreeMap<String, crate::dataset::ColumnType>,
    /// The sheet of a workbook; without it the first one that is visible and not empty.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The file of an archive; without it the first one that can be read.
    #[serde(default)]
    pub member: Option<String>,
}

/// A column of the file and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedColumn {
    /// Id, final name, type, format and null token. For a column that exists in the dataset, the dataset's own.
    #[serde(flatten)]
    pub column: Column,
    /// The header as the file spells it (`inspect --csv` prints it); empty for surplus and unnamed ones.
    pub header: String,
    /// Position in the file, from 0; null for a column of the dataset that the file lacks.
    pub source: Option<u32>,
    /// Whether the type was fixed beforehand (override, or append): what does not fit is quarantined.
    pub fixed: bool,
}

/// The file's half of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FilePlan {
    #[serde(flatten)]
    pub kind: FileKind,
    /// Of a file that is not text: of the text that it is turned into.
    pub dialect: Dialect,
    pub columns: Vec<PlannedColumn>,
    /// Records of the file, the header and skipped ones counted.
    pub records: u64,
    pub headers: u64,
    pub skipped: BTreeMap<String, i64>,
    /// `records - headers - Σ skipped`: as many row ids are reserved.
    pub rows: u64,
    pub warnings: BTreeMap<String, i64>,
}

/// Which bytes the plan was made of. A load reads them with `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectRef {
    pub bucket: String,
    pub key: String,
    pub etag: String,
    pub bytes: u64,
}

/// The whole plan, as stored. First writer of a generation wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    pub generation: i32,
    pub object: ObjectRef,
    pub mode: Mode,
    pub key: Vec<String>,
    #[serde(flatten)]
    pub file: FilePlan,
    pub batch_rows: u32,
    pub batch_bytes: u32,
}

/// A batch boundary: where to go on. The decoder is between two records there, so it has no state of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// The next batch's number.
    pub batch: u32,
    /// Offset in the file of the next record's first byte.
    pub byte: u64,
    /// The next record's number, from 1, and the line it begins on, from 1.
    pub record: u64,
    pub line: u64,
    /// Rows (in batches or quarantined) before it; the next row's id is the reserved range's first plus this.
    pub rows: u64,
    pub quarantined: u64,
}
