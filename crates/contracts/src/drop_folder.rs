//! A dataset's drop folder in the bucket: `drop/<dataset id>/<any path>` is imported, and `outcomes/<the same>.json` says what
//! became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    DatasetId, UploadId,
    plan::Options,
    problem::Problem,
    receipt::Receipt,
    upload::{Mode, UploadState},
};

/// Objects under this are imported as they arrive.
pub const DROP: &str = "drop/";
/// Not watched: an outcome is no file to import.
pub const OUTCOMES: &str = "outcomes/";
/// Directly under `drop/<dataset id>/`: how its files are imported.
pub const SETTINGS_FILE: &str = ".gridkeep.json";

/// Where the outcome of a dropped object is written; `None` for a key that is in no drop folder.
#[must_use]
pub fn outcome_key(key: &str) -> Option<String> {
    Some(format!("{OUTCOMES}{}.json", key.strip_prefix(DROP)?))
}

/// What a settings file may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropSettings {
    #[serde(default = "Mode::append")]
    pub mode: Mode,
    #[serde(default)]
    pub key: Vec<String>,
    #[serde(default)]
    pub options: Options,
}

impl Default for DropSettings {
    fn default() -> Self {
        Self {
            mode: Mode::append(),
            key: Vec::new(),
            options: Options::default(),
        }
    }
}

/// What became of a dropped file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropOutcome {
    /// The object's key.
    pub file: String,
    /// None of a file that belongs to no dataset.
    pub upload_id: Option<UploadId>,
    pub dataset_id: Option<DatasetId>,
    pub state: UploadState,
    pub version: Option<i64>,
    pub receipt: Option<Receipt>,
    pub problem: Option<Problem>,
    pub finished_at: Option<String>,
}

/// `GET /datasets/{id}/drop-folder`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DropFolder {
    pub bucket: String,
    /// Files under this are imported.
    pub prefix: String,
    /// Key of the settings file, which may be missing.
    pub settings_key: String,
    /// Under this is what became of them.
    pub outcomes_prefix: String,
    /// Of an S3 that is not AWS's.
    pub endpoint: Option<String>,
    pub region: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_lies_outside_of_the_drop_folder_under_the_same_path() {
        assert_eq!(
            outcome_key("drop/dst_1/2026/a b.csv").as_deref(),
            Some("outcomes/dst_1/2026/a b.csv.json")
        );
        assert_eq!(outcome_key("uploads/upl_1/a.csv"), None);
    }
}
