//! Clears away what no reader can see: rows of imports that were never published, tables of deleted datasets.

use crate::{Result, Store};

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Never-published rows deleted.
    pub deleted: u64,
    /// Replaced rows moved to history.
    pub moved: u64,
    pub commits: u64,
    pub tables_dropped: u64,
    /// Whether it stopped at its limit with more to do.
    pub more: bool,
}

impl Store {
    /// Sweeps in small transactions, about `rows_max` rows in all. Safe to run anywhere at any time.
    pub async fn sweep(&self, rows_max: u64) -> Result<Swept> {
        let _ = rows_max;
        todo!()
    }
}
