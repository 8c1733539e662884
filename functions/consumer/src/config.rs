//! What the consumer needs to know and whom it talks to.

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

use crate::housekeeping::Housekeeping;

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
    /// PostgreSQL, with the tables.
    pub pg_url: SecretString,
    /// NATS, with the `ROWS` stream.
    pub nats_url: SecretString,
    /// Bounds of `ROWS`, should this be the first to need it.
    pub rows: RowsBounds,
    /// The bucket of spilled batches.
    pub s3: S3Config,
    /// Where etl is sent for: for imports that nobody works on, and for the further tables of a file.
    pub work: QueueConfig,
    /// Wakes the next drain.
    pub wake: QueueConfig,
    /// A message that is not acknowledged for so long comes again.
    pub ack_wait: Duration,
}

impl Config {
    /// # Errors
    /// When a setting is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const ACK_WAIT: &str = "GRIDKEEP_ACK_WAIT_SECONDS";
        let ack_wait: u64 = settings.parse_or(ACK_WAIT, 30)?;
        if ack_wait == 0 {
            return Err(ConfigError::invalid(ACK_WAIT, "must be at least 1"));
        }
        Ok(Self {
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
            nats_url: settings.secret("GRIDKEEP_NATS_URL")?,
            rows: RowsBounds::from(settings)?,
            s3: S3Config::from(settings)?,
            work: QueueConfig::from(settings, "GRIDKEEP_WORK_QUEUE")?,
            wake: QueueConfig::from(settings, "GRIDKEEP_WAKE_QUEUE")?,
            ack_wait: Duration::from_secs(ack_wait),
        })
    }
}

/// The clients, made once per process.
#[derive(Clone, Debug)]
pub struct Deps {
    pub store: Store,
    pub nats: async_nats::Client,
    pub jetstream: jetstream::Context,
    pub s3: aws_sdk_s3::Client,
    pub bucket: String,
    pub work: Queue,
    pub wake: Queue,
    pub ack_wait: Duration,
    pub(crate) housekeeping: Arc<Housekeeping>,
}

impl Deps {
    /// # Errors
    /// When NATS does not answer; the others are opened at first use.
    pub async fn connect(config: &Config) -> Result<Arc<Self>, ConnectError> {
        let nats = nats::connect(&config.nats_url).await?;
        let jetstream = nats::jetstream(&nats);
        nats::ensure_streams(&jetstream, &config.rows).await?;
        // Two writers, a refresh, and whoever asks something meanwhile.
        let pool = pg::connect(&config.pg_url, 6)?;
        Ok(Arc::new(Self {
            store: Store::new(pool),
            s3: s3::client(&config.s3).await,
            bucket: config.s3.bucket.clone(),
            work: Queue::connect(&config.work, Some(&nats)).await?,
            wake: Queue::connect(&config.wake, Some(&nats)).await?,
            jetstream,
            nats,
            ack_wait: config.ack_wait,
            housekeeping: Arc::default(),
        }))
    }
}
