//! Events owed to the `VERSIONS` stream, written by [`crate::publish`] in its own transaction.

use contracts::events::VersionPublished;

use crate::{Result, Store};

#[derive(Clone, Debug)]
pub struct OutboxEvent {
    /// The `Nats-Msg-Id`.
    pub id: i64,
    pub event: VersionPublished,
}

impl Store {
    /// Oldest first.
    pub async fn pending_events(&self, limit: u32) -> Result<Vec<OutboxEvent>> {
        let _ = limit;
        todo!()
    }

    pub async fn mark_relayed(&self, ids: &[i64]) -> Result<()> {
        let _ = ids;
        todo!()
    }
}
