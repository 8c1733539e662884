//! Uploads over HTTP: asking for one, and its state until its rows are published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    DatasetId, UploadId,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checksum {
    /// SHA-256 of the file: 64 hexadecimal digits, or base64.
    pub sha256: String,
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

/// What to send the bytes with: this method, to this URL, with these headers, before `expires_at`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedUpload {
    pub id: UploadId,
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub expires_at: String,
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
    pub bytes_total: u64,
    pub bytes_read: u64,
    pub rows_read: u64,
    pub rows_written: u64,
    pub dataset_id: DatasetId,
    pub dataset_name: String,
    pub version: Option<i64>,
    pub receipt: Option<Receipt>,
    pub plan: Option<Plan>,
    pub problem: Option<Problem>,
    pub created_at: String,
    /// When it came to its final state.
    pub finished_at: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadList {
    pub uploads: Vec<Upload>,
    pub next: Option<String>,
}

/// `GET /uploads/{id}/warnings`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlaceList {
    pub places: Vec<Place>,
    pub next: Option<String>,
}
