//! What ends a drain early. What was not acknowledged comes again, so the caller only has to drain again.

pub use platform::telemetry::chain;

use async_nats::jetstream;
use platform::{nats::NatsError, queue::QueueError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("PostgreSQL")]
    Store(#[from] store::Error),
    #[error("a consumer of a stream cannot be set up")]
    Consumer(#[source] BoxError),
    #[error("messages cannot be fetched")]
    Fetch(#[source] BoxError),
    #[error("a message cannot be acknowledged")]
    Ack(#[source] BoxError),
    #[error("NATS did not take a message")]
    Publish(#[from] jetstream::context::PublishError),
    #[error("NATS did not confirm")]
    Flush(#[from] async_nats::client::FlushError),
    #[error("a spilled batch cannot be read")]
    Spill(#[source] BoxError),
    #[error("the bucket does not do as asked")]
    Bucket(#[source] BoxError),
    #[error("an event cannot be written")]
    Json(#[from] serde_json::Error),
    #[error("a queue did not take a message")]
    Wake(#[from] QueueError),
    #[error(transparent)]
    UnderWay(#[from] NatsError),
    #[error("a writer stopped")]
    Writer(#[source] tokio::task::JoinError),
}
