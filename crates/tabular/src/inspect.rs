//! stub
use std::io::{Read, Seek, Write};
use contracts::plan::Options;
use crate::FileError;

/// Whether anything is to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub warnings: u64,
    pub quarantined: u64,
}

/// What `gridkeep inspect --json` prints.
pub fn write_json(_file: impl Read + Seek, _options: &Options, _out: impl Write) -> Result<Outcome, FileError> { todo!() }
/// What `gridkeep inspect --csv` prints.
pub fn write_csv(_file: impl Read + Seek, _options: &Options, _out: impl Write) -> Result<Outcome, FileError> { todo!() }
