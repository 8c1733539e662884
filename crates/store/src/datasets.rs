//! Datasets as they are listed and shown: those with at least one version, and not deleted.

use contracts::{UserId, dataset::Dataset};

use crate::{Result, Store};

#[derive(Clone, Debug)]
pub struct DatasetPage {
    pub datasets: Vec<Dataset>,
    pub next: Option<String>,
}

impl Store {
    /// The datasets that a member has a grant on, newest first.
    pub async fn list_datasets(
        &self,
        member: UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DatasetPage> {
        let _ = (member, cursor, limit);
        todo!()
    }

    /// As this member sees it; [`crate::Error::NotFound`] without a grant.
    pub async fn show_dataset(&self, dataset_no: i64, member: UserId) -> Result<Dataset> {
        let _ = (dataset_no, member);
        todo!()
    }

    pub async fn rename_dataset(&self, dataset_no: i64, name: &str) -> Result<()> {
        let _ = (dataset_no, name);
        todo!()
    }

    /// Out of sight at once, its unfinished imports cancelled; the tables go with the next [`Store::sweep`].
    pub async fn delete_dataset(&self, dataset_no: i64) -> Result<()> {
        let _ = dataset_no;
        todo!()
    }
}
