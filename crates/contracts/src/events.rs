//! What travels between the functions: messages of the work queue (SQS, or JetStream in its place), the `ROWS` stream and
//! the `VERSIONS` stream. The S3 notification itself is AWS's JSON and is parsed by `etl`.

use serde::{Deserialize, Serialize};

use crate::{DatasetId, UploadId, plan::Checkpoint};

/// Version of the envelopes below; a reader refuses what it does not know.
pub const ENVELOPE_VERSION: u32 = 1;

/// Stream of row batches: work queue, subject `rows.<dataset>.<upload>`.
pub const ROWS_STREAM: &str = "ROWS";
/// Stream of published versions: subject `versions.<dataset>`.
pub const VERSIONS_STREAM: &str = "VERSIONS";
/// Poison messages, copied with their reason: subject `dead.rows.<dataset>.<upload>`.
pub const DEAD_STREAM: &str = "DEAD";

#[must_use]
pub fn rows_subject(dataset: DatasetId, upload: UploadId) -> String {
    format!("rows.{dataset}.{upload}")
}

/// Headers of a `ROWS` message.
pub mod header {
    pub const VERSION: &str = "Gridkeep-Version";
    /// `batch`, `spilled` or `end`.
    pub const KIND: &str = "Gridkeep-Kind";
    pub const UPLOAD: &str = "Gridkeep-Upload";
    pub const GENERATION: &str = "Gridkeep-Generation";
    pub const BATCH: &str = "Gridkeep-Batch";
    /// JSON of [`super::BatchMeta`].
    pub const META: &str = "Gridkeep-Meta";
    pub const TRACEPARENT: &str = "traceparent";
}

/// Schema metadata key under which a batch's rejects ride in its Arrow stream: JSON of `Vec<Place>`.
pub const REJECTS_KEY: &str = "gridkeep.rejects";

/// Beside it: JSON of the record numbers of its rows, in their order, in the batches that a preview shows.
pub const RECORDS_KEY: &str = "gridkeep.records";

/// Fields behind those of the columns, in a batch of an import that has to say of each row where it stood, because it may yet be
/// quarantined: record, byte, line, and the record's text.
pub const PLACE_FIELDS: [&str; 4] = [
    "gridkeep.record",
    "gridkeep.byte",
    "gridkeep.line",
    "gridkeep.raw",
];

/// Counts of a batch. The payload is an Arrow IPC stream of one record batch; rejects ride in its schema's metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchMeta {
    /// Rows in the batches before this one: the first row's id is the reserved range's first plus this.
    pub row_offset: u64,
    pub rows: u32,
    pub quarantined: u32,
}

/// A batch too large for one message: its Arrow bytes (and rejects) lie in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpillClaim {
    pub bucket: String,
    pub key: String,
    pub bytes: u64,
}

/// The end-of-load message of a generation, also when there were no batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOfLoad {
    pub batches: u32,
    pub rows: u64,
    pub quarantined: u64,
}

/// A message of the work queue that is ours (an S3 notification is the other kind).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gridkeep", rename_all = "snake_case")]
pub enum Work {
    /// Read the file for this generation's plan: once its options have changed, or on from where the last invocation came to.
    Analyse { upload: UploadId, generation: i32 },
    /// Go on loading from a checkpoint.
    Load {
        upload: UploadId,
        generation: i32,
        checkpoint: Checkpoint,
    },
}

/// Wakes the drain; carries nothing, because the drain finds its work in the stream and in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    pub reason: String,
}

/// What the `VERSIONS` stream says of a published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionPublished {
    pub dataset: DatasetId,
    pub version: i64,
    pub upload: Option<UploadId>,
}
