//! What Lambda's SQS event source does on AWS, over the `WORK` stream: gives each message to etl as an `SqsEvent`, deletes
//! (acks) what succeeded, returns (naks) what failed with a growing delay, and after five tries moves the message to the dead
//! letters with the reason. Next: `etl::handle`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context as _;
use async_nats::{
    HeaderMap,
    jetstream::{
        self, AckKind, Message,
        consumer::{AckPolicy, PullConsumer, pull},
    },
};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use futures::{StreamExt as _, future::BoxFuture};
use platform::nats::{WORK_DLQ_SUBJECT, WORK_STREAM, WORK_SUBJECT};
use tokio_util::sync::CancellationToken;

/// As the SQS redrive policy on AWS.
pub const TRIES_MAX: i64 = 5;
/// A stopping process gives its handlers this long; then their messages go back.
const DRAIN: Duration = Duration::from_secs(8);
const DURABLE: &str = "etl";
/// How often the messages that wait are counted.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// Handles one event; the identifiers that it gives back failed.
pub type Handler = Arc<dyn Fn(SqsEvent, Instant) -> BoxFuture<'static, Vec<String>> + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How long a message is away from others before it comes again, unless its handler extends it.
    pub visibility: Duration,
    /// What a handler is told that it has. Lambda's longest is 15 minutes.
    pub invocation: Duration,
    /// Messages handled at a time.
    pub concurrency: usize,
}

/// Hears how many messages wait for a worker, again and again.
pub type Crowd = Arc<dyn Fn(usize) + Send + Sync>;

/// Runs until `shutdown`; reconnects for ever.
pub async fn run(
    context: jetstream::Context,
    config: Config,
    handler: Handler,
    crowd: Crowd,
    shutdown: CancellationToken,
) {
    let busy = AtomicUsize::new(0);
    let workers =
        (0..config.concurrency).map(|_| work(&context, config, &handler, &busy, &shutdown));
    tokio::select! {
        _ended = futures::future::join_all(workers) => {}
        () = count(&context, config, &busy, &crowd) => {}
    }
}

/// Counts the messages that wait while every worker is busy. Never returns.
async fn count(context: &jetstream::Context, config: Config, busy: &AtomicUsize, crowd: &Crowd) {
    loop {
        tokio::time::sleep(COUNT_EVERY).await;
        let mut waiting = 0;
        if busy.load(Ordering::Relaxed) >= config.concurrency {
            match pending(context).await {
                Ok(pending) => waiting = usize::try_from(pending).unwrap_or(usize::MAX),
                Err(error) => tracing::debug!(
                    error = format!("{error:#}"),
                    "the messages that wait are not counted"
                ),
            }
        }
        crowd(waiting);
    }
}

async fn pending(context: &jetstream::Context) -> anyhow::Result<u64> {
    let stream = context.get_stream(WORK_STREAM).await?;
    Ok(stream.consumer_info(DURABLE).await?.num_pending)
}

async fn work(
    context: &jetstream::Context,
    config: Config,
    handler: &Handler,
    busy: &AtomicUsize,
    shutdown: &CancellationToken,
) {
    while !shutdown.is_cancelled() {
        if let Err(error) = receive(context, config, handler, busy, shutdown).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the WORK queue cannot be read; trying again"
            );
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }
}

async fn receive(
    context: &jetstream::Context,
    config: Config,
    handler: &Handler,
    busy: &AtomicUsize,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let consumer = consumer(context, config).await?;
    loop {
        // A request for messages dies with the server that has it, so none waits long. One at a time and only when there is a free worker: a message that waits here would lose its time.
        let mut messages = tokio::select! {
            messages = consumer.fetch().max_messages(1).expires(Duration::from_secs(3)).messages() => messages?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let message = tokio::select! {
            message = messages.next() => message,
            () = shutdown.cancelled() => return Ok(()),
        };
        if let Some(message) = message {
            let message = message.map_err(|error| anyhow::anyhow!("{error}"))?;
            busy.fetch_add(1, Ordering::Relaxed);
            let handled = handle(context, config, &message, handler, shutdown).await;
            busy.fetch_sub(1, Ordering::Relaxed);
            handled?;
        }
    }
}

async fn consumer(context: &jetstream::Context, config: Config) -> anyhow::Result<PullConsumer> {
    let wanted = pull::Config {
        durable_name: Some(DURABLE.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: config.visibility,
        // We count ourselves: a bare limit would lose sight of the message instead of moving it.
        max_deliver: -1,
        max_ack_pending: 1_000,
        ..pull::Config::default()
    };
    let stream = context
        .get_stream(WORK_STREAM)
        .await
        .context("there is no WORK stream; `gridkeep migrate` makes it")?;
    Ok(stream.create_consumer(wanted).await?)
}

async fn handle(
    context: &jetstream::Context,
    config: Config,
    message: &Message,
    handler: &Handler,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let info = message
        .info()
        .map_err(|error| anyhow::anyhow!("a message without its delivery info: {error}"))?;
    let tries = info.delivered;
    let id = format!("{WORK_STREAM}-{}", info.stream_sequence);
    if tries > TRIES_MAX {
        return bury(
            context,
            message,
            &id,
            "its handler was killed or ran out of time at the last try",
        )
        .await;
    }
    let Ok(body) = std::str::from_utf8(&message.payload) else {
        return bury(context, message, &id, "its body is not text").await;
    };
    let Some(receipt) = message.reply.as_ref().map(ToString::to_string) else {
        anyhow::bail!("a message without an ack subject");
    };
    let sent = u64::try_from(info.published.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let event = event(&id, receipt, body, tries, sent);
    // A task of its own: a panic of the handler is a failed try, not the end of this loop.
    let mut running = tokio::spawn(handler(event, Instant::now() + config.invocation));
    let result = tokio::select! {
        result = &mut running => Some(result),
        () = async { shutdown.cancelled().await; tokio::time::sleep(DRAIN).await } => None,
    };
    match result {
        Some(Ok(failed)) if !failed.contains(&id) => ack(message, AckKind::Ack).await,
        Some(failed) => {
            let reason = match failed {
                Ok(_) => "its handler failed",
                Err(_) => "its handler panicked",
            };
            if tries == TRIES_MAX {
                return bury(context, message, &id, reason).await;
            }
            tracing::warn!(message.id = id, tries, "work failed; it comes again");
            ack(message, AckKind::Nak(Some(delay_after(tries)))).await
        }
        None => {
            running.abort();
            ack(message, AckKind::Nak(None)).await
        }
    }
}

fn event(id: &str, receipt: String, body: &str, tries: i64, sent_ms: u64) -> SqsEvent {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.receipt_handle = Some(receipt);
    message.body = Some(body.to_owned());
    message.event_source = Some("aws:sqs".to_owned());
    message.event_source_arn = Some(format!("arn:aws:sqs:local:000000000000:{WORK_SUBJECT}"));
    message.attributes = [
        ("ApproximateReceiveCount", tries.to_string()),
        ("SentTimestamp", sent_ms.to_string()),
        ("ApproximateFirstReceiveTimestamp", now.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut event = SqsEvent::default();
    event.records = vec![message];
    event
}

/// 1, 4, 9, 16 seconds.
fn delay_after(tries: i64) -> Duration {
    let tries = u64::try_from(tries).unwrap_or(1);
    Duration::from_secs(tries * tries)
}

/// Copies the message to the dead letters, then ends it; a kill between the two only copies it twice under one id.
async fn bury(
    context: &jetstream::Context,
    message: &Message,
    id: &str,
    reason: &str,
) -> anyhow::Result<()> {
    tracing::error!(
        message.id = id,
        "work is given up and moved to the dead letters: {reason}"
    );
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", id);
    headers.insert("Gridkeep-Reason", reason);
    context
        .publish_with_headers(WORK_DLQ_SUBJECT, headers, message.payload.clone())
        .await?
        .await?;
    ack(message, AckKind::Term).await
}

async fn ack(message: &Message, kind: AckKind) -> anyhow::Result<()> {
    message
        .ack_with(kind)
        .await
        .map_err(|error| anyhow::anyhow!("cannot acknowledge: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_looks_like_what_sqs_sends() {
        let event = event("WORK-7", "$JS.ACK.x".to_owned(), "{}", 2, 1_700_000_000_000);
        let json = serde_json::to_value(&event).unwrap();
        let record = &json["Records"][0];
        assert_eq!(record["messageId"], "WORK-7");
        assert_eq!(record["receiptHandle"], "$JS.ACK.x");
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "2");
        assert_eq!(record["eventSource"], "aws:sqs");
    }
}
