//! Records that could not become rows, with their places. Only those of published imports are shown.

use contracts::upload::QuarantinedRow;

use crate::{Result, Store};

#[derive(Clone, Debug)]
pub struct QuarantinePage {
    pub rows: Vec<QuarantinedRow>,
    pub total: i64,
    pub next: Option<String>,
}

impl Store {
    /// Newest import first, each in the file's order.
    pub async fn list_quarantine(
        &self,
        dataset_no: i64,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<QuarantinePage> {
        let _ = (dataset_no, cursor, limit);
        todo!()
    }
}
