//! Uploads over HTTP: asking for one, and its state until its rows are published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    DatasetId, UploadId,
    dataset::{Column, Row},
    plan::{Options, Plan},
    problem::Problem,
    receipt::{Place, Receipt},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    New,
    Append,
    Upsert,
    Replace,
    Sync,
}

impl Mode {
    /// Whether rows are found again by a key.
    #[must_use]
    pub fn needs_key(self) -> bool {
        matches!(self, Self::Upsert | Self::Sync)
    }

    /// What a door does with a file where nobody says otherwise.
    pub(crate) fn append() -> Self {
        Self::Append
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    #[default]
    Auto,
    Ask,
}

/// Where the rows go: a dataset that exists, or a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Target {
    Existing { id: DatasetId },
    New { new_name: String },
}

/// A larger file is sent in parts, unless the checksum of the whole of it is given.
pub const WHOLE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// What the parts of a file are long where nobody says otherwise. Whoever can send several at a time does well to ask for parts of
/// any larger file.
pub const PART_BYTES: u64 = 16 * 1024 * 1024;
/// As S3 demands of every part but the last.
pub const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// SHA-256 of the file: of the whole, which is then sent in one piece, or of each part. 64 hexadecimal digits, or base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Checksum {
    Whole {
        sha256: String,
    },
    /// The file is cut after every `part_bytes` bytes (5 MiB at least); the last part may be shorter.
    Parts {
        part_bytes: u64,
        sha256: Vec<String>,
    },
}

/// `POST /uploads`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUpload {
    pub file_name: String,
    pub bytes: u64,
    #[serde(default)]
    pub checksum: Option<Checksum>,
    pub dataset: Target,
    pub mode: Mode,
    #[serde(default)]
    pub key: Vec<String>,
    #[serde(default)]
    pub options: Options,
    #[serde(default)]
    pub confirm: Confirm,
}

/// Where to send the bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedUpload {
    pub id: UploadId,
    #[serde(flatten)]
    pub to: SendTo,
}

/// In one piece, or part by part.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SendTo {
    Whole(Link),
    Parts(PartLinks),
}

/// This method, to this URL, with these headers, before `expires_at`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Link {
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub expires_at: String,
}

/// The parts of a file, in its order. PUT each one that has no `etag` yet, several at a time if you like, and keep the `ETag`
/// of every answer: `POST /uploads/{id}/complete` takes them all. Links run out at `expires_at`; `GET /uploads/{id}/parts` has
/// new ones.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartLinks {
    /// Length of every part but the last.
    pub part_bytes: u64,
    pub parts: Vec<PartLink>,
    pub expires_at: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartLink {
    /// From 1.
    pub number: u32,
    pub bytes: u64,
    pub url: String,
    /// To send with it: the part's checksum, when it was given.
    pub headers: BTreeMap<String, String>,
    /// The part is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// `POST /uploads/{id}/complete`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteUpload {
    /// All of them.
    pub parts: Vec<SentPart>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SentPart {
    pub number: u32,
    /// What the storage answered to the part.
    pub etag: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    Created,
    Uploaded,
    Analysing,
    AwaitingConfirmation,
    Loading,
    Published,
    Failed,
    Cancelled,
}

impl UploadState {
    /// Whether nothing will change it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Failed | Self::Cancelled)
    }
}

/// `GET /uploads/{id}`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    pub id: UploadId,
    pub file_name: String,
    pub state: UploadState,
    pub generation: i32,
    pub mode: Mode,
    /// Ids or names of the columns that tell rows apart, for upsert and sync.
    pub key: Vec<String>,
    /// As they were sent.
    pub options: Options,
    pub confirm: Confirm,
    /// Whether somebody has confirmed this generation.
    pub confirmed: bool,
    pub bytes_total: u64,
    /// The file is read twice: while it is analysed, and from its beginning again while it is loaded.
    pub bytes_read: u64,
    /// Rows that the analysis has found so far; all of them once there is a plan.
    pub rows_read: u64,
    pub rows_written: u64,
    /// Rows found while analysing, written while loading, on the average since that began; null when unknown.
    pub rows_per_second: Option<u64>,
    /// Until the analysis, or the load, has come to the file's end, if it goes on as fast as so far; null when unknown.
    pub seconds_left: Option<u64>,
    pub dataset_id: DatasetId,
    pub dataset_name: String,
    pub version: Option<i64>,
    pub receipt: Option<Receipt>,
    /// Of this generation; null until the file is read.
    pub plan: Option<Plan>,
    /// Why it failed. Of one that awaits its confirmation: what other options have to mend before.
    pub problem: Option<Problem>,
    /// What its table is called among those of its file, where that has several.
    #[serde(default)]
    pub table: Option<String>,
    /// The first import of its file, where that has several tables and this is another one.
    #[serde(default)]
    pub first: Option<UploadId>,
    /// Of a file with several tables: all its imports that the caller may see, in the file's order, this one among them. Only of an
    /// upload that is asked for by itself.
    pub tables: Vec<FileTable>,
    pub created_at: String,
    /// When it came to its final state.
    pub finished_at: Option<String>,
}

/// One of the tables of a file, and its import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileTable {
    pub upload_id: UploadId,
    /// A sheet, a file of an archive, or which of the tables that stand under one another.
    pub name: String,
    pub state: UploadState,
    pub dataset_id: DatasetId,
    pub dataset_name: String,
    pub version: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadList {
    pub uploads: Vec<Upload>,
    pub next: Option<String>,
}

/// `PATCH /uploads/{id}`: what is left out stays as it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUpload {
    /// The one that was looked at; 409 where it is not the newest any more.
    #[serde(default)]
    pub generation: Option<i32>,
    /// In place of all options that it had.
    #[serde(default)]
    pub options: Option<Options>,
    /// Another one for a dataset that exists.
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default)]
    pub key: Option<Vec<String>>,
}

/// `POST /uploads/{id}/confirm`
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmUpload {
    /// The one that was looked at.
    pub generation: i32,
}

/// `GET /uploads/{id}/preview`: what confirming would publish.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    pub generation: i32,
    pub state: UploadState,
    /// Cells below are in their order.
    pub columns: Vec<PreviewColumn>,
    /// The first rows of the file as they land, at most 20; none before they are loaded.
    pub rows: Vec<PreviewRow>,
    /// Null until all rows are loaded and compared.
    pub counts: Option<PreviewCounts>,
    /// Of upsert and sync: the first rows that change, at most 20.
    pub updated: Vec<PreviewUpdate>,
    /// Of sync: the first rows that the file lacks, at most 20. A replace takes the place of all rows and lists none.
    pub deleted: Vec<Row>,
    /// The first records that cannot become rows, at most 20.
    pub quarantined: Vec<Place>,
    /// Of the file, by code; and `rows_renewed` when a merge changes so many rows that all are written anew, under new row ids.
    pub warnings: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewColumn {
    #[serde(flatten)]
    pub column: Column,
    /// The file's column that goes there; null where the file has none.
    pub source: Option<String>,
    /// Whether the dataset has it only from this import on.
    pub new: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewRow {
    /// Record of the file, from 1, the header counted.
    pub place: u64,
    #[schema(value_type = Vec<Value>)]
    pub cells: Vec<serde_json::Value>,
}

/// As they will stand in the receipt, unless the dataset is changed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewCounts {
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub superseded: i64,
    pub deleted: i64,
    pub quarantined: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewUpdate {
    pub row_id: String,
    #[schema(value_type = Vec<Value>)]
    pub before: Vec<serde_json::Value>,
    #[schema(value_type = Vec<Value>)]
    pub after: Vec<serde_json::Value>,
}

/// `GET /uploads/{id}/warnings`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlaceList {
    pub places: Vec<Place>,
    pub next: Option<String>,
}
