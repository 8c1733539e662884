//! stub
use contracts::{dataset::Column, plan::{FilePlan, Options}, receipt::Place};
use crate::FileError;

/// What analysis found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub plan: FilePlan,
    /// The first places of each warning code; `plan.warnings` has the counts.
    pub warnings: Vec<Place>,
}

#[derive(Debug)]
pub struct Analyser {}

impl Analyser {
    /// `fixed`: the columns of the dataset that the file is appended to.
    pub fn new(_options: &Options, _fixed: Option<&[Column]>) -> Result<Self, FileError> { todo!() }
    pub fn push(&mut self, _bytes: &[u8]) -> Result<(), FileError> { todo!() }
    #[must_use]
    pub fn rows_read(&self) -> u64 { todo!() }
    pub fn finish(self) -> Result<Analysis, FileError> { todo!() }
}
