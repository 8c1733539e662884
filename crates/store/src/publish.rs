//! The moment an import becomes a version: one transaction, in which the dataset's lock is the first statement and everything
//! is read after it. The event goes on by [`crate::outbox`].

use contracts::{Problem, UploadId, upload::UploadState};

use crate::{Result, Store};

#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    /// Published as this version, by this call (`fresh`) or an earlier one.
    Published { version: i64, fresh: bool },
    /// Something is still to come.
    Incomplete,
    /// The counts do not balance: the import has failed with this.
    Failed(Problem),
    /// It had come to another end before.
    Over(UploadState),
}

impl Store {
    /// Publishes the import if all its batches and its end-of-load message are in. Call it after the transaction that wrote a
    /// batch and before the ack: of two writers that overlap, neither sees the other's last batch inside its own.
    pub async fn publish_if_complete(&self, upload: UploadId) -> Result<Publish> {
        let _ = upload;
        todo!()
    }
}
