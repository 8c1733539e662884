//! The outbox onto the `VERSIONS` stream: oldest first, each acknowledged before it is marked, the outbox id as message id. A
//! kill between the two publishes it again, and the stream knows it.

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};

use crate::{Deps, error::Error};

const AT_ONCE: u32 = 100;

/// Relays what is owed; answers how many.
pub async fn relay(deps: &Deps) -> Result<u64, Error> {
    let mut relayed = 0;
    loop {
        let events = deps.store.pending_events(AT_ONCE).await?;
        let mut ids = Vec::with_capacity(events.len());
        for owed in &events {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, owed.id.to_string());
            let payload = serde_json::to_vec(&owed.event)?;
            let subject = format!("versions.{}", owed.event.dataset);
            let ack = deps
                .jetstream
                .publish_with_headers(subject, headers, payload.into())
                .await?;
            ack.await?;
            ids.push(owed.id);
        }
        if ids.is_empty() {
            return Ok(relayed);
        }
        deps.store.mark_relayed(&ids).await?;
        relayed += ids.len() as u64;
    }
}
