//! Batches into the live table, each exactly once: the ledger row and the rows commit together. When all are in,
//! [`crate::publish`] makes them visible.

use arrow_array::RecordBatch;
use contracts::{
    UploadId,
    events::{BatchMeta, EndOfLoad},
    receipt::Place,
    upload::UploadState,
};

use crate::{Result, Store};

/// A batch as it came off the stream.
#[derive(Clone, Debug)]
pub struct IncomingBatch {
    pub no: u32,
    pub meta: BatchMeta,
    /// Fields are named by column id.
    pub rows: RecordBatch,
    pub rejects: Vec<Place>,
}

/// What became of some batches or an end-of-load message. Both are durable: acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// All are in; so many rows of them are new, the others were in before.
    Written {
        rows: u64,
    },
    Refused(Refusal),
}

/// Why nothing was written, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownUpload,
    OldGeneration,
    Over(UploadState),
}

impl Store {
    /// Writes batches of one upload and generation in one transaction. A batch that is in already is skipped.
    /// [`crate::Error::Poison`] for one that can never be written.
    pub async fn write_batches(
        &self,
        upload: UploadId,
        generation: i32,
        batches: &[IncomingBatch],
    ) -> Result<Write> {
        let _ = (upload, generation, batches);
        todo!()
    }

    /// Notes how much the load sent. Again with the same numbers: no effect; with others: [`crate::Error::Poison`].
    pub async fn end_of_load(
        &self,
        upload: UploadId,
        generation: i32,
        end: EndOfLoad,
    ) -> Result<Write> {
        let _ = (upload, generation, end);
        todo!()
    }

    /// Imports that only wait for [`Store::publish_if_complete`].
    pub async fn complete_imports(&self) -> Result<Vec<UploadId>> {
        todo!()
    }
}
