//! What data-api must be told, and what it holds while it runs.

use std::{fmt, sync::Arc};

use axum::extract::FromRef;
use platform::{
    auth::Verifier,
    cache::Cache,
    config::{ConfigError, Settings},
    pg,
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
    /// Checks access tokens.
    pub verifier: Arc<Verifier>,
}

impl Config {
    /// # Errors
    /// Names the setting that is missing or not valid.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            pg_url: settings.secret("GRIDKEEP_PG_URL")?,
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
}

/// The clients of data-api, made once per process. None of them opens a connection before it is used.
pub struct Deps {
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) cache: Cache,
    pub(crate) verifier: Arc<Verifier>,
}

impl Deps {
    /// # Errors
    /// When a URL cannot be used at all; an unreachable server is none.
    #[expect(
        clippy::unused_async,
        reason = "every function's Deps::connect is awaited alike"
    )]
    pub async fn connect(config: &Config) -> Result<Arc<Self>, ConnectError> {
        let pool = pg::connect_for_pages(&config.pg_url, config.pg_connections)?;
        Ok(Arc::new(Self {
            store: Store::new(pool.clone()),
            pool,
            cache: Cache::connect(config.redis_url.as_ref())?,
            verifier: Arc::clone(&config.verifier),
        }))
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
