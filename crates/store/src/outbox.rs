//! Events owed to the `VERSIONS` stream, written by [`crate::publish`] in its own transaction.

use contracts::events::VersionPublished;

use sqlx::types::Json;

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
        let rows = sqlx::query!(
            r#"select id, payload as "payload: Json<VersionPublished>" from gk.outbox where relayed_at is null order by id limit $1"#,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| OutboxEvent {
                id: row.id,
                event: row.payload.0,
            })
            .collect())
    }

    pub async fn mark_relayed(&self, ids: &[i64]) -> Result<()> {
        sqlx::query!(
            "update gk.outbox set relayed_at = clock_timestamp() where id = any($1) and relayed_at is null",
            ids
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
