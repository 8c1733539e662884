//! What presign must be told, and what it holds while it runs.

use std::{fmt, sync::Arc, time::Duration};

use axum::extract::FromRef;
use contracts::events::Work;
use platform::{
    auth::Verifier,
    config::{ConfigError, Settings},
    mongo::{self, MongoError},
    nats, pg,
    queue::{Queue, QueueConfig, QueueError},
    s3::{self, S3Config},
};
use secrecy::SecretString;
use sqlx::PgPool;
use store::Store;

use crate::fetch::Fetcher;

/// A signed link may live this long at most (AWS's own limit).
const EXPIRY_SECONDS_MAX: u64 = 7 * 24 * 3_600;

/// Typed configuration of presign.
#[derive(Debug)]
pub struct Config {
    /// `GRIDKEEP_PG_URL`: members, grants and imports.
    pub pg_url: SecretString,
    /// Connections to PostgreSQL at most (`GRIDKEEP_PG_CONNECTIONS`, 4).
    pub pg_connections: u32,
    /// `GRIDKEEP_MONGO_URL`: upload records.
    pub mongo_url: SecretString,
    /// Where the bytes go; its endpoint must be the one that browsers reach.
    pub s3: S3Config,
    /// How long a link may be used (`GRIDKEEP_UPLOAD_EXPIRY_SECONDS`, 900).
    pub upload_expiry: Duration,
    /// `GRIDKEEP_PUBLIC_URL`: where hooks are reached.
    pub origin: String,
    /// `GRIDKEEP_WORK_QUEUE`: a file that is to be read again is announced there to etl.
    pub work: QueueConfig,
    /// `GRIDKEEP_WAKE_QUEUE`: wakes the consumer to publish what was confirmed. Without it the consumer looks by itself.
    pub wake: Option<QueueConfig>,
    /// `GRIDKEEP_NATS_URL`, where one of these queues is NATS.
    pub nats_url: Option<SecretString>,
    /// Checks access tokens.
    pub verifier: Arc<Verifier>,
}

impl Config {
    /// # Errors
    /// Names the setting that is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const EXPIRY: &str = "GRIDKEEP_UPLOAD_EXPIRY_SECONDS";
        const WAKE: &str = "GRIDKEEP_WAKE_QUEUE";
        let expiry: u64 = settings.parse_or(EXPIRY, 900)?;
        if !(1..=EXPIRY_SECONDS_MAX).contains(&expiry) {
            return Err(ConfigError::invalid(EXPIRY, "expected 1 to 604800"));
        }
        let work = QueueConfig::from(settings, "GRIDKEEP_WORK_QUEUE")?;
        let wake = match settings.optional(WAKE) {
            None => None,
            Some(_) => Some(QueueConfig::from(settings, WAKE)?),
        };
        let needs_nats = work.needs_nats() || wake.as_ref().is_some_and(QueueConfig::needs_nats);
        let nats_url = needs_nats
            .then(|| settings.secret("GRIDKEEP_NATS_URL"))
            .transpose()?;
        Ok(Self {
            work,
            wake,
            nats_url,
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
            pg_connections: settings.parse_or("GRIDKEEP_PG_CONNECTIONS", 4)?,
            mongo_url: settings.secret("GRIDKEEP_MONGO_URL")?,
            s3: S3Config::from(settings)?,
            upload_expiry: Duration::from_secs(expiry),
            origin: settings.public_origin()?,
            verifier: Arc::new(Verifier::from(settings)?),
        })
    }
}

/// A client that cannot be made from the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("GRIDKEEP_PG_URL cannot be used")]
    Pg(#[from] sqlx::Error),
    #[error("GRIDKEEP_MONGO_URL cannot be used")]
    Mongo(#[from] MongoError),
    #[error("there is no TLS")]
    Tls(#[from] reqwest::Error),
    #[error("GRIDKEEP_NATS_URL cannot be used")]
    Nats(#[from] nats::NatsError),
    #[error("a queue cannot be used")]
    Queue(#[from] QueueError),
}

/// The clients of presign, made once per process. None of them opens a connection before it is used.
pub struct Deps {
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) mongo: mongodb::Database,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    pub(crate) upload_expiry: Duration,
    pub(crate) origin: String,
    pub(crate) fetcher: Fetcher,
    work: Queue,
    wake: Option<Queue>,
    pub(crate) verifier: Arc<Verifier>,
}

impl Deps {
    /// # Errors
    /// When a URL cannot be used at all; an unreachable server is none.
    pub async fn connect(config: &Config) -> Result<Arc<Self>, ConnectError> {
        Self::connect_with(config, Fetcher::new()?).await
    }

    /// As [`Self::connect`], with a fetcher of the caller's.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_with(
        config: &Config,
        fetcher: Fetcher,
    ) -> Result<Arc<Self>, ConnectError> {
        let pool = pg::connect(&config.pg_url, config.pg_connections)?;
        let nats = match &config.nats_url {
            None => None,
            Some(url) => Some(nats::connect_later(url).await?),
        };
        let wake = match &config.wake {
            None => None,
            Some(queue) => Some(Queue::connect(queue, nats.as_ref()).await?),
        };
        Ok(Arc::new(Self {
            work: Queue::connect(&config.work, nats.as_ref()).await?,
            wake,
            store: Store::new(pool.clone()),
            pool,
            mongo: mongo::connect(&config.mongo_url).await?,
            s3: s3::client(&config.s3).await,
            bucket: config.s3.bucket.clone(),
            endpoint: config.s3.endpoint.clone(),
            region: config.s3.region.clone(),
            upload_expiry: config.upload_expiry,
            origin: config.origin.clone(),
            fetcher,
            verifier: Arc::clone(&config.verifier),
        }))
    }

    /// Returns when the work queue has the message safe.
    pub(crate) async fn send_work(&self, work: &Work) -> Result<(), QueueError> {
        self.work.send(&serde_json::to_string(work)?).await
    }

    /// Makes the consumer look before it does by itself.
    pub(crate) async fn wake_consumer(&self, reason: &str) {
        if let Some(queue) = &self.wake {
            queue.wake(reason).await;
        }
    }
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// The router's state; the extractors of `platform` find the pool and the verifier in it.
#[derive(Clone, Debug)]
pub(crate) struct App(pub(crate) Arc<Deps>);

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.0.pool.clone()
    }
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0.verifier)
    }
}

impl FromRef<App> for Arc<Deps> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0)
    }
}
