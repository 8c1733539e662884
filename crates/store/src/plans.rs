//! Plans and loads: the first plan written for a generation stands for ever; opening its load makes the tables, reserves the
//! row ids and opens the commit. Its batches come in by [`crate::ledger`].

use contracts::{
    UploadId,
    plan::{Checkpoint, Plan},
    receipt::Place,
};

use crate::{Result, Store, StoredColumn};

/// Where a generation's rows go.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLoad {
    pub dataset_no: i64,
    pub commit: i64,
    /// Row `i` of a batch gets the id `row_lo + row_offset + i`.
    pub row_lo: i64,
    pub columns: Vec<StoredColumn>,
}

impl Store {
    /// Stores the plan, unless its generation has one: first writer wins, and every caller gets the stored one back. New
    /// columns get ids of the dataset's own counter here, so load with the answer, not with what was handed in.
    /// [`crate::Error::OldGeneration`] when a newer one stands, [`crate::Error::Final`] when the import is over.
    /// With `confirm: ask` the import then waits in `awaiting_confirmation`.
    pub async fn save_plan(
        &self,
        upload: UploadId,
        plan: &Plan,
        warnings: &[Place],
    ) -> Result<Plan> {
        let _ = (upload, plan, warnings);
        todo!()
    }

    /// The plan of a generation, or the newest.
    pub async fn plan(&self, upload: UploadId, generation: Option<i32>) -> Result<Option<Plan>> {
        let _ = (upload, generation);
        todo!()
    }

    /// The user says yes to this generation; [`crate::Error::OldGeneration`] if it is not the newest.
    pub async fn confirm(&self, upload: UploadId, generation: i32) -> Result<()> {
        let _ = (upload, generation);
        todo!()
    }

    /// Opens the generation's commit: makes or widens the tables, reserves the row ids, aborts the former generation's commit.
    /// Opening again answers the same. [`crate::Error::OldGeneration`], [`crate::Error::Final`], or
    /// [`crate::Error::NotReady`] while it waits to be confirmed.
    pub async fn open_load(&self, upload: UploadId, generation: i32) -> Result<OpenLoad> {
        let _ = (upload, generation);
        todo!()
    }

    /// False when the generation is not the newest or the import is over: stop loading. Never goes backwards.
    pub async fn save_checkpoint(
        &self,
        upload: UploadId,
        generation: i32,
        checkpoint: &Checkpoint,
    ) -> Result<bool> {
        let _ = (upload, generation, checkpoint);
        todo!()
    }

    pub async fn checkpoint(
        &self,
        upload: UploadId,
        generation: i32,
    ) -> Result<Option<Checkpoint>> {
        let _ = (upload, generation);
        todo!()
    }
}
