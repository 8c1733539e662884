//! NATS: the client, and the streams as the design fixes them. Row batches are published by etl and drained by consumer.

use std::time::Duration;

use async_nats::{
    Client, ConnectOptions,
    jetstream::{
        self,
        context::ContextBuilder,
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use bytes::Bytes;
use contracts::events::{DEAD_STREAM, ROWS_STREAM, VERSIONS_STREAM};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{ConfigError, Settings};

/// Work queue that stands for SQS on the host: S3 notifications and continued loads. Subject [`WORK_SUBJECT`].
pub const WORK_STREAM: &str = "WORK";
pub const WORK_SUBJECT: &str = "work";
/// Where work goes that failed five times. Subject [`WORK_DLQ_SUBJECT`].
pub const WORK_DLQ_STREAM: &str = "WORK_DLQ";
pub const WORK_DLQ_SUBJECT: &str = "work_dlq";
/// Tells by a message, of which there is one at most, that imports are under way: a schedule then asks PostgreSQL, which it else lets
/// sleep. Subject `under_way`.
pub const UNDER_WAY_STREAM: &str = "UNDER_WAY";
const UNDER_WAY_SUBJECT: &str = "under_way";
/// Core subject (no stream) that wakes the host's drain loop.
pub const WAKE_SUBJECT: &str = "wake";
/// A message, headers counted, may be this long; larger batches are spilled to S3.
pub const MESSAGE_BYTES_MAX: i32 = 1024 * 1024;

const GIB: i64 = 1024 * 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What goes wrong between us and NATS.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error("cannot connect to NATS")]
    Connect(#[from] async_nats::ConnectError),
    #[error("cannot set up stream {stream}")]
    Stream {
        stream: &'static str,
        source: jetstream::context::CreateStreamError,
    },
    #[error("the word that imports are under way")]
    UnderWay(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The bounds of `ROWS` that a deployment may set.
#[derive(Clone, Copy, Debug)]
pub struct RowsBounds {
    /// Messages that one upload may have waiting.
    pub max_per_upload: i64,
    /// How long a message id is remembered; the ledger catches what comes later.
    pub dedup: Duration,
}

impl RowsBounds {
    /// # Errors
    /// When a setting is no positive number.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const MAX: &str = "GRIDKEEP_ROWS_MAX_PER_UPLOAD";
        const DEDUP: &str = "GRIDKEEP_ROWS_DEDUP_SECONDS";
        let max_per_upload = settings.parse_or(MAX, 64)?;
        let dedup = settings.parse_or(DEDUP, 120)?;
        if max_per_upload < 1 {
            return Err(ConfigError::invalid(MAX, "must be at least 1"));
        }
        if dedup < 1 {
            return Err(ConfigError::invalid(DEDUP, "must be at least 1"));
        }
        Ok(Self {
            max_per_upload,
            dedup: Duration::from_secs(dedup),
        })
    }
}

/// A client that reconnects for ever: a Lambda thaws with a dead socket, a server restarts under the host. Only the first
/// connect may fail.
///
/// # Errors
/// When the server cannot be reached the first time.
pub async fn connect(url: &SecretString) -> Result<Client, NatsError> {
    Ok(options().connect(url.expose_secret()).await?)
}

/// The same without waiting for the server, for whom NATS is of use but not needed: what is sent before it is there waits.
///
/// # Errors
/// When the URL is none.
pub async fn connect_later(url: &SecretString) -> Result<Client, NatsError> {
    let options = options().retry_on_initial_connect();
    Ok(options.connect(url.expose_secret()).await?)
}

fn options() -> ConnectOptions {
    ConnectOptions::new()
        .name("gridkeep")
        .connection_timeout(Duration::from_secs(5))
        .request_timeout(Some(Duration::from_secs(5)))
        .ping_interval(Duration::from_secs(10))
        .max_reconnects(None)
        .reconnect_delay_callback(|attempt| {
            Duration::from_millis((50 << attempt.min(5)).min(1_000))
        })
}

/// The JetStream side of a client, its requests and publish acks bounded by ten seconds.
#[must_use]
pub fn jetstream(client: &Client) -> jetstream::Context {
    ContextBuilder::new()
        .timeout(Duration::from_secs(10))
        .ack_timeout(Duration::from_secs(15))
        .build(client.clone())
}

/// Makes every stream, or brings it to these settings. Safe to run from many processes at once.
///
/// # Errors
/// When the server refuses a stream, such as a change of retention.
pub async fn ensure_streams(
    context: &jetstream::Context,
    rows: &RowsBounds,
) -> Result<(), NatsError> {
    let streams = [
        (ROWS_STREAM, rows_stream(rows)),
        (
            VERSIONS_STREAM,
            Config {
                subjects: vec!["versions.>".to_owned()],
                max_age: 7 * DAY,
                max_bytes: GIB,
                duplicate_window: Duration::from_secs(600),
                ..limits(VERSIONS_STREAM)
            },
        ),
        (
            DEAD_STREAM,
            Config {
                subjects: vec!["dead.>".to_owned()],
                max_age: 14 * DAY,
                max_bytes: GIB,
                // Poison is copied whole, with its reason in further headers.
                max_message_size: -1,
                ..limits(DEAD_STREAM)
            },
        ),
        (
            WORK_STREAM,
            Config {
                subjects: vec![WORK_SUBJECT.to_owned()],
                retention: RetentionPolicy::WorkQueue,
                ..limits(WORK_STREAM)
            },
        ),
        (
            WORK_DLQ_STREAM,
            Config {
                subjects: vec![WORK_DLQ_SUBJECT.to_owned()],
                max_age: 14 * DAY,
                max_bytes: GIB,
                max_message_size: -1,
                ..limits(WORK_DLQ_STREAM)
            },
        ),
        (
            UNDER_WAY_STREAM,
            Config {
                subjects: vec![UNDER_WAY_SUBJECT.to_owned()],
                max_messages: 1,
                ..limits(UNDER_WAY_STREAM)
            },
        ),
    ];
    for (stream, config) in streams {
        context
            .create_or_update_stream(config)
            .await
            .map_err(|source| NatsError::Stream { stream, source })?;
    }
    Ok(())
}

/// Says that an import is under way.
///
/// # Errors
/// When the stream does not take the word.
pub async fn tell_under_way(context: &jetstream::Context) -> Result<(), NatsError> {
    let told = context.publish(UNDER_WAY_SUBJECT, Bytes::new()).await;
    let told = told.map_err(|e| NatsError::UnderWay(e.into()))?;
    told.await.map_err(|e| NatsError::UnderWay(e.into()))?;
    Ok(())
}

/// The newest word that an import is under way, for [`take_back_under_way`].
///
/// # Errors
/// When NATS does not answer.
pub async fn under_way(context: &jetstream::Context) -> Result<Option<u64>, NatsError> {
    let stream = context.get_stream(UNDER_WAY_STREAM).await;
    let stream = stream.map_err(|e| NatsError::UnderWay(e.into()))?;
    let state = &stream.cached_info().state;
    Ok((state.messages > 0).then_some(state.last_sequence))
}

/// None is any more. A later word stands.
///
/// # Errors
/// When NATS does not answer.
pub async fn take_back_under_way(context: &jetstream::Context, word: u64) -> Result<(), NatsError> {
    let stream = context.get_stream(UNDER_WAY_STREAM).await;
    let stream = stream.map_err(|e| NatsError::UnderWay(e.into()))?;
    let gone = stream.purge().sequence(word + 1).await;
    gone.map(drop).map_err(|e| NatsError::UnderWay(e.into()))
}

fn rows_stream(bounds: &RowsBounds) -> Config {
    Config {
        subjects: vec!["rows.>".to_owned()],
        // An acked batch leaves, so the bound is on what waits.
        retention: RetentionPolicy::WorkQueue,
        // A full subject refuses its publisher; other uploads go on.
        max_messages_per_subject: bounds.max_per_upload,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        duplicate_window: bounds.dedup,
        ..limits(ROWS_STREAM)
    }
}

fn limits(name: &str) -> Config {
    Config {
        name: name.to_owned(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        max_message_size: MESSAGE_BYTES_MAX,
        ..Config::default()
    }
}
