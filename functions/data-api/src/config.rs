//! What data-api must be told, and what it holds while it runs.

use std::{fmt, sync::Arc};

use axum::extract::FromRef;
use platform::{
    auth::Verifier,
    cache::Cache,
    config::{ConfigError, Settings},
    nats, pg,
    queue::{Queue, QueueConfig, QueueError},
};
use secrecy::SecretString;
use sqlx::PgPool;
use store::Store;

/// Typed configuration of data-api.
#[derive(Debug)]
pub struct Config {
    /// `GRIDKEEP_PG_URL`: members, grants and tables.
    pub pg_url: SecretString,
    /// Connections to PostgreSQL at most (`GRIDKEEP_PG_CONNECTIONS`, 8).
    pub pg_connections: u32,
    /// `GRIDKEEP_REDIS_URL`: answers that never change are kept there; without it every page is made.
    pub redis_url: Option<SecretString>,
    /// `GRIDKEEP_WAKE_QUEUE`: wakes the consumer, which tells of new versions. Without it the consumer looks by itself.
    pub wake: Option<QueueConfig>,
    /// `GRIDKEEP_NATS_URL`, where that queue is NATS.
    pub nats_url: Option<SecretString>,
    /// Checks access tokens.
    pub verifier: Arc<Verifier>,
}

impl Config {
    /// # Errors
    /// Names the setting that is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const WAKE: &str = "GRIDKEEP_WAKE_QUEUE";
        let wake = match settings.optional(WAKE) {
            None => None,
            Some(_) => Some(QueueConfig::from(settings, WAKE)?),
        };
        let nats_url = match &wake {
            Some(wake) if wake.needs_nats() => Some(settings.secret("GRIDKEEP_NATS_URL")?),
            _ => None,
        };
        Ok(Self {
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
            wake,
            nats_url,
            pg_connections: settings.parse_or("GRIDKEEP_PG_CONNECTIONS", 8)?,
            redis_url: settings
                .optional("GRIDKEEP_REDIS_URL")
                .map(SecretString::from),
            verifier: Arc::new(Verifier::from(settings)?),
        })
    }
}

/// A client that cannot be made from the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("GRIDKEEP_PG_URL cannot be used")]
    Pg(#[from] sqlx::Error),
    #[error("GRIDKEEP_REDIS_URL cannot be used")]
    Redis(#[from] platform::cache::UrlError),
    #[error("GRIDKEEP_NATS_URL cannot be used")]
    Nats(#[from] nats::NatsError),
    #[error("GRIDKEEP_WAKE_QUEUE cannot be used")]
    Wake(#[from] QueueError),
}

/// The clients of data-api, made once per process. None of them waits for its server before it is used.
pub struct Deps {
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) cache: Cache,
    wake: Option<Queue>,
    pub(crate) verifier: Arc<Verifier>,
}

impl Deps {
    /// # Errors
    /// When a URL cannot be used at all; an unreachable server is none.
    pub async fn connect(config: &Config) -> Result<Arc<Self>, ConnectError> {
        let nats = match &config.nats_url {
            None => None,
            Some(url) => Some(nats::connect_later(url).await?),
        };
        let wake = match &config.wake {
            None => None,
            Some(queue) => Some(Queue::connect(queue, nats.as_ref()).await?),
        };
        let pool = pg::connect_for_pages(&config.pg_url, config.pg_connections)?;
        Ok(Arc::new(Self {
            store: Store::new(pool.clone()),
            pool,
            cache: Cache::connect(config.redis_url.as_ref())?,
            verifier: Arc::clone(&config.verifier),
            wake,
        }))
    }

    /// Wakes the consumer for the version that a write may have published. The version itself is safe: whatever fails here only
    /// makes its dashboard later.
    pub(crate) async fn wake(&self) {
        if let Some(queue) = &self.wake {
            queue.wake("a write").await;
        }
    }
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
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

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.0.store.clone()
    }
}
