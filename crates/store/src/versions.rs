//! Versions: the list people see, and the snapshot that a read needs. A version never changes, so snapshots are cached.
//! Reading goes on in [`crate::rows`].

use contracts::dataset::{Column, VersionInfo};
pub use jiff::Timestamp;

use crate::{Result, Store, StoredColumn};

/// Which version a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Head,
    Version(i64),
    /// The newest one published at or before this moment.
    AsOf(Timestamp),
}

/// All that a read at a version needs to know.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub dataset_no: i64,
    pub version: i64,
    pub rows: i64,
    pub columns: Vec<StoredColumn>,
    /// UTC, six decimals.
    pub published_at: String,
    pub(crate) max_commit: i64,
    pub(crate) hidden: Vec<i64>,
    /// Row ids among which its rows are: from, to (exclusive), rising.
    pub(crate) extent: Vec<(i64, i64)>,
}

impl Snapshot {
    /// The columns as people see them.
    #[must_use]
    pub fn shown_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|c| c.column.clone()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct VersionPage {
    pub versions: Vec<VersionInfo>,
    pub next: Option<String>,
}

/// Snapshots of versions seen lately.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {}

impl Store {
    /// [`crate::Error::NotFound`] for a version that never was (or a moment before the first), [`crate::Error::Gone`] for one
    /// that retention has dropped.
    pub async fn resolve(&self, dataset_no: i64, at: At) -> Result<std::sync::Arc<Snapshot>> {
        let _ = (dataset_no, at);
        todo!()
    }

    /// Newest first.
    pub async fn list_versions(
        &self,
        dataset_no: i64,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<VersionPage> {
        let _ = (dataset_no, cursor, limit);
        todo!()
    }
}
