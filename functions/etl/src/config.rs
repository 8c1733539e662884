//! What etl needs to know and whom it talks to.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream;
use platform::{
    config::{ConfigError, Settings},
    nats::{self, RowsBounds},
    pg,
    queue::{Queue, QueueConfig, QueueError},
    s3::{self, S3Config},
};
use secrecy::SecretString;
use store::Store;

use crate::turns::Turns;

/// A server or setting that is not there at start.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Nats(#[from] nats::NatsError),
    #[error("the PostgreSQL URL is not valid")]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

#[derive(Clone, Debug)]
pub struct Config {
    /// PostgreSQL, with the imports.
    pub pg_url: SecretString,
    /// NATS, with the `ROWS` stream.
    pub nats_url: SecretString,
    /// Bounds of `ROWS`, should this be the first to need it.
    pub rows: RowsBounds,
    /// The bucket of uploaded files and spilled batches.
    pub s3: S3Config,
    /// Where S3 notifications come from and continued loads go to.
    pub work: QueueConfig,
    /// Wakes the consumer.
    pub wake: QueueConfig,
    /// How long a message, and the lease on its import, is held without a sign of life.
    pub visibility: Duration,
    /// How long to wait for room in a full stream before the load is handed on. Unbounded on the host, where waiting is
    /// free; a Lambda's `main` sets it short.
    pub full_wait: Duration,
    /// How large a file that is not plain text may be: it is copied to the disk to be read.
    pub spool_bytes: u64,
    /// How long a file is worked on before it gives way to others that wait.
    pub turn: Duration,
}

impl Config {
    /// # Errors
    /// When a setting is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const VISIBILITY: &str = "GRIDKEEP_VISIBILITY_SECONDS";
        let visibility: u64 = settings.parse_or(VISIBILITY, 60)?;
        if visibility == 0 {
            return Err(ConfigError::invalid(VISIBILITY, "must be at least 1"));
        }
        Ok(Self {
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
            nats_url: settings.secret("GRIDKEEP_NATS_URL")?,
            rows: RowsBounds::from(settings)?,
            s3: S3Config::from(settings)?,
            work: QueueConfig::from(settings, "GRIDKEEP_WORK_QUEUE")?,
            wake: QueueConfig::from(settings, "GRIDKEEP_WAKE_QUEUE")?,
            visibility: Duration::from_secs(visibility),
            full_wait: Duration::MAX,
            spool_bytes: settings.parse_or("GRIDKEEP_SPOOL_BYTES", 8 * 1024 * 1024 * 1024)?,
            turn: Duration::from_secs(settings.parse_or("GRIDKEEP_TURN_SECONDS", 5)?),
        })
    }
}

/// The clients, made once per process.
#[derive(Clone, Debug)]
pub struct Deps {
    pub store: Store,
    pub jetstream: jetstream::Context,
    pub s3: aws_sdk_s3::Client,
    pub bucket: String,
    pub work: Queue,
    pub wake: Queue,
    pub visibility: Duration,
    pub full_wait: Duration,
    pub spool_bytes: u64,
    pub turns: Arc<Turns>,
}

impl Deps {
    /// # Errors
    /// When NATS does not answer; the others are opened at first use.
    pub async fn connect(config: &Config) -> Result<Arc<Self>, ConnectError> {
        let nats = nats::connect(&config.nats_url).await?;
        let jetstream = nats::jetstream(&nats);
        nats::ensure_streams(&jetstream, &config.rows).await?;
        // Work and its heartbeat, with one to spare.
        let pool = pg::connect(&config.pg_url, 3)?;
        Ok(Arc::new(Self {
            store: Store::new(pool),
            s3: s3::client(&config.s3).await,
            bucket: config.s3.bucket.clone(),
            work: Queue::connect(&config.work, Some(&nats)).await?,
            wake: Queue::connect(&config.wake, Some(&nats)).await?,
            jetstream,
            visibility: config.visibility,
            full_wait: config.full_wait,
            spool_bytes: config.spool_bytes,
            turns: Arc::new(Turns::new(config.turn)),
        }))
    }
}
