//! From an object in the bucket to typed batches on the `ROWS` stream: analyse, plan, load.
//!
//! [`handle`] takes the queue's event and reports what it could not do. [`event`] reads a message, [`drop_folder`] gives a dropped
//! file its import, [`import`] decides what an import needs next and holds its lease, [`turns`] shares a machine, [`analyse`] makes the plan, [`load`] sends the
//! rows by it. Bytes come in by [`object`] and [`pipe`], by way of [`spool`] where they are not plain text, and go out by
//! [`publish`]. The next function is `consumer`.

pub mod analyse;
pub mod config;
pub mod drop_folder;
pub mod error;
pub mod event;
pub mod import;
pub mod load;
pub mod object;
pub mod pipe;
pub mod publish;
pub mod spool;
pub mod turns;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};

pub use config::{Config, Deps};
use error::Error;
use event::Message;
use import::{Delivery, Start};

/// Deliveries until the queue gives a message up: its redrive policy, on AWS as on the host.
const TRIES: u32 = 5;

/// Works through an event and names the messages that must come again. One after the other: a batch is one message by
/// configuration, and two files at once would need twice the memory.
pub async fn handle(deps: &Arc<Deps>, event: SqsEvent, deadline: Instant) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let Err(error) = handle_message(deps, &message, deadline).await else {
            continue;
        };
        let id = message.message_id.as_deref().unwrap_or_default();
        log_failure(id, &message, &error);
        // An empty id would fail the whole batch, those that are done included.
        if !id.is_empty() {
            response.add_failure(id);
        }
    }
    response
}

async fn handle_message(
    deps: &Arc<Deps>,
    message: &SqsMessage,
    deadline: Instant,
) -> Result<(), Error> {
    let starts = match event::parse(message.body.as_deref().unwrap_or_default())? {
        Message::Work(work) => vec![Start::from(work)],
        Message::Arrived(arrivals) => arrivals.into_iter().map(Start::Arrived).collect(),
    };
    let delivery = Delivery {
        message: message.message_id.as_deref().unwrap_or_default(),
        receipt: message.receipt_handle.as_deref(),
        is_last: received(message) >= TRIES,
        deadline,
    };
    for start in starts {
        // Boxed: the whole of it in one future is deeper than the compiler cares to lay out.
        Box::pin(import::run(deps, start, delivery)).await?;
    }
    Ok(())
}

/// How often the queue has delivered it, this time counted.
fn received(message: &SqsMessage) -> u32 {
    message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

/// A message that cannot be understood comes as often as the queue delivers it: it is logged the first time.
fn log_failure(id: &str, message: &SqsMessage, error: &Error) {
    let received = received(message);
    let cause = error::chain(error);
    match error {
        Error::Malformed(_) if received > 1 => {}
        Error::Malformed(_) => {
            tracing::error!(
                message.id = id,
                error = cause,
                "a message is not understood and goes to the dead letters"
            );
        }
        _ => tracing::warn!(
            message.id = id,
            message.received = received,
            error = cause,
            "a message must come again"
        ),
    }
}

/// Twice as long with every attempt, up to `longest`, and somewhere in the upper half of it, so that many do not come at once.
fn backoff(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let wait = first
        .saturating_mul(1 << attempt.saturating_sub(1).min(16))
        .min(longest);
    wait.mul_f64(rand::random_range(0.5..=1.0))
}
