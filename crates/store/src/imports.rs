//! An import from the asking to its end: its row in `gk.import` is the truth for state, progress and receipt. The file's
//! content comes in by [`crate::plans`].

use std::time::Duration;

use contracts::{
    UploadId, UserId,
    plan::Options,
    problem::Problem,
    receipt::Place,
    upload::{Confirm, Mode, Target, Upload, UploadState},
};

use crate::{Result, Store};

/// What presign (or a drop folder) asks for.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub upload: UploadId,
    pub member: UserId,
    pub file_name: String,
    pub bytes: u64,
    pub target: Target,
    pub mode: Mode,
    /// Key columns, for upsert and sync.
    pub key: Vec<String>,
    pub options: Options,
    pub confirm: Confirm,
    /// Where the object will lie.
    pub object_key: String,
    /// Never sent by then: failed, code `expired`.
    pub expires_in: Duration,
}

/// An import and what the functions need to work on it.
#[derive(Clone, Debug)]
pub struct Import {
    /// As the API shows it, with its newest plan.
    pub upload: Upload,
    pub member: UserId,
    pub dataset_no: i64,
    pub key: Vec<String>,
    pub options: Options,
    pub confirm: Confirm,
    pub object_key: String,
}

#[derive(Clone, Debug)]
pub struct ImportPage {
    pub uploads: Vec<Upload>,
    pub next: Option<String>,
}

#[derive(Clone, Debug)]
pub struct PlacePage {
    pub places: Vec<Place>,
    pub next: Option<String>,
}

/// The answer to asking for the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    Acquired,
    /// Somebody else works on it; their lease runs out in so long, unless they extend it.
    Held {
        expires_in: Duration,
    },
    /// Nothing to do any more.
    Final(UploadState),
}

impl Store {
    /// Writes the import, and for a new dataset its row and its owner's grant. The dataset is listed from its first version.
    /// Asking again with the same upload id answers with what is there.
    pub async fn create_import(&self, new: NewImport) -> Result<Import> {
        let _ = new;
        todo!()
    }

    /// `None` if there is no such upload. Who may see it (its member) is the caller's to check.
    pub async fn import(&self, upload: UploadId) -> Result<Option<Import>> {
        let _ = upload;
        todo!()
    }

    /// A member's uploads, newest first, without their plans.
    pub async fn list_imports(
        &self,
        member: UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ImportPage> {
        let _ = (member, cursor, limit);
        todo!()
    }

    /// Warnings of the newest plan, with their places.
    pub async fn warnings(
        &self,
        upload: UploadId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<PlacePage> {
        let _ = (upload, cursor, limit);
        todo!()
    }

    /// Takes the lease, by PostgreSQL's clock, if it is free, run out or already `owner`'s. An upload that was given up as
    /// `expired` and arrives after all is taken up again.
    pub async fn lease(&self, upload: UploadId, owner: &str, ttl: Duration) -> Result<Lease> {
        let _ = (upload, owner, ttl);
        todo!()
    }

    /// False when the lease was lost or the import has come to its end: stop working.
    pub async fn extend_lease(
        &self,
        upload: UploadId,
        owner: &str,
        ttl: Duration,
    ) -> Result<bool> {
        let _ = (upload, owner, ttl);
        todo!()
    }

    pub async fn release_lease(&self, upload: UploadId, owner: &str) -> Result<()> {
        let _ = (upload, owner);
        todo!()
    }

    /// The object has arrived and is being read: `analysing`, with its real size. No effect on a later state.
    pub async fn start_analysis(&self, upload: UploadId, bytes: u64) -> Result<()> {
        let _ = (upload, bytes);
        todo!()
    }

    /// Never goes backwards.
    pub async fn progress(&self, upload: UploadId, bytes: u64, rows: u64) -> Result<()> {
        let _ = (upload, bytes, rows);
        todo!()
    }

    /// Ends it; its rows in flight stay invisible until swept. Cancelling again is fine; [`crate::Error::Final`] when it is
    /// published or failed.
    pub async fn cancel(&self, upload: UploadId) -> Result<()> {
        let _ = upload;
        todo!()
    }

    /// Ends it with a reason. No effect on an import that has come to its end; false then.
    pub async fn fail(&self, upload: UploadId, problem: &Problem) -> Result<bool> {
        let _ = (upload, problem);
        todo!()
    }

    /// Fails, with code `expired`, imports whose file never came.
    pub async fn expire_overdue(&self) -> Result<Vec<UploadId>> {
        todo!()
    }
}
