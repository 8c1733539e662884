//! stub
use contracts::{events::EndOfLoad, plan::{Checkpoint, FilePlan}};
use crate::{FileError, batch::Batch};

#[derive(Debug)]
pub struct Loader {}

impl Loader {
    /// `from`: `Checkpoint::default()` for the whole file; else the byte stream must begin at `from.byte`.
    pub fn new(_plan: &FilePlan, _batch_rows: usize, _batch_bytes: usize, _from: Checkpoint) -> Result<Self, FileError> { todo!() }
    /// Takes bytes; then ask `next_batch` until it has none.
    pub fn push(&mut self, _bytes: &[u8]) { todo!() }
    /// Says that the file has ended; then ask `next_batch` until it has none.
    pub fn finish(&mut self) { todo!() }
    pub fn next_batch(&mut self) -> Result<Option<Batch>, FileError> { todo!() }
    /// The totals, once `finish` was called and `next_batch` had none left.
    #[must_use]
    pub fn end(&self) -> EndOfLoad { todo!() }
}
