//! The quarantine of a dataset: records of its imports that could not become rows, and what became of them since.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{UploadId, ids::InvalidId, receipt::Place};

/// Most records in one resubmission, discard or reopening.
pub const RECORDS_MAX: usize = 10_000;

/// Names a record within its dataset: the commit of its import, a dot, and its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuarantineId {
    pub commit: i64,
    pub record: i64,
}

impl fmt::Display for QuarantineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.commit, self.record)
    }
}

impl FromStr for QuarantineId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.split_once('.')
            .and_then(|(commit, record)| {
                Some(Self {
                    commit: commit.parse().ok()?,
                    record: record.parse().ok()?,
                })
            })
            // One spelling per id.
            .filter(|id| id.commit >= 0 && id.record >= 0 && id.to_string() == text)
            .ok_or(InvalidId {
                kind: "quarantined record",
            })
    }
}

impl TryFrom<String> for QuarantineId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<QuarantineId> for String {
    fn from(id: QuarantineId) -> Self {
        id.to_string()
    }
}

impl utoipa::PartialSchema for QuarantineId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[0-9]+\\.[0-9]+$"))
            .into()
    }
}

impl ToSchema for QuarantineId {}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuarantineState {
    Open,
    /// It is a row since `version`.
    Resubmitted,
    Discarded,
}

/// A quarantined record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedRow {
    pub id: QuarantineId,
    pub state: QuarantineState,
    /// When and by whom it was resubmitted, discarded or reopened.
    pub changed_at: Option<String>,
    pub changed_by: Option<String>,
    /// Of a resubmitted one: the version that has it as a row.
    pub version: Option<i64>,
    pub upload_id: UploadId,
    pub file_name: String,
    #[serde(flatten)]
    pub place: Place,
    /// Its cells as the file spells them, by the id of the column that they were meant for; cut over 10,000 characters. Null for
    /// a record over 16 MiB, which lies in the file only.
    #[schema(value_type = Option<Object>)]
    pub cells: Option<Map<String, Value>>,
    /// Cells that no column takes.
    #[schema(value_type = Vec<Value>)]
    pub surplus: Vec<Value>,
}

/// How many records of a file are there for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineGroup {
    pub code: String,
    pub upload_id: UploadId,
    pub file_name: String,
    pub rows: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantineList {
    pub rows: Vec<QuarantinedRow>,
    /// Records that pass the filter.
    pub total: i64,
    /// Records of the state that was asked for, by reason and file; the 1,000 largest groups.
    pub groups: Vec<QuarantineGroup>,
    pub next: Option<String>,
}

/// A record as it is meant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResubmittedRow {
    pub id: QuarantineId,
    /// Column id to value, read as a commit's. Columns left out keep the record's own cell.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub cells: Map<String, Value>,
    /// The whole record written anew, in the file's own dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resubmission {
    #[schema(min_items = 1, max_items = 10_000)]
    pub rows: Vec<ResubmittedRow>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineIds {
    #[schema(min_items = 1, max_items = 10_000)]
    pub ids: Vec<QuarantineId>,
}

/// What a discard or a reopening came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineMoved {
    /// Records that changed their state by it; the others were in another already.
    pub rows: i64,
    /// Open records of the dataset afterwards.
    pub open: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_has_one_spelling() {
        let id = QuarantineId {
            commit: 7,
            record: 12,
        };
        assert_eq!(id.to_string().parse::<QuarantineId>().unwrap(), id);
        for text in ["", "7", "7.", ".12", "07.12", "7.+12", "-7.12", "7.12.1"] {
            assert!(text.parse::<QuarantineId>().is_err(), "{text}");
        }
    }
}
