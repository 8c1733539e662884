//! stub
use arrow_array::RecordBatch;
use contracts::{events::BatchMeta, plan::Checkpoint, receipt::Place};
use crate::FileError;

#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The batch's number, from 0.
    pub no: u32,
    pub meta: BatchMeta,
    pub rows: RecordBatch,
    pub rejects: Vec<Place>,
    /// Where to go on after it.
    pub after: Checkpoint,
}

/// An Arrow IPC stream of one record batch, the rejects in the schema's metadata.
pub fn encode(_batch: &Batch) -> Result<Vec<u8>, FileError> { todo!() }
pub fn decode(_bytes: &[u8]) -> Result<(RecordBatch, Vec<Place>), FileError> { todo!() }
