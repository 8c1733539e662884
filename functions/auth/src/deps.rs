//! What the handlers work with.

use std::{sync::Arc, time::Duration};

use mongodb::Database;
use platform::{auth::Verifier, config::ConfigError, mongo, pg};
use sqlx::PgPool;

use crate::{
    AuthError, Config, cookies::Cookies, keys::Signer, provider::Provider, session::Sweeper,
};

/// Clients and keys, made once per process.
#[derive(Debug)]
pub struct Deps {
    pub config: Config,
    pub pool: PgPool,
    pub mongo: Database,
    pub verifier: Arc<Verifier>,
    pub(crate) signer: Signer,
    pub(crate) provider: Provider,
    pub(crate) cookies: Cookies,
    pub(crate) sweeper: Sweeper,
}

impl Deps {
    /// Nothing is asked over the network: the pools open on first use, the provider is asked at the first sign-in.
    ///
    /// # Errors
    /// When a setting is not valid, or the signing key does not belong to the public keys.
    pub async fn connect(config: &Config) -> Result<Arc<Self>, AuthError> {
        let verifier = Verifier::new(&config.jwks, &config.origin, &config.cookie_suffix)?;
        let signer = Signer::new(config)?;
        // A wrong pair would sign people in and refuse them everywhere.
        verifier
            .verify(&signer.sign(contracts::UserId::generate(), Duration::from_secs(60))?)
            .map_err(|error| {
                ConfigError::invalid(
                    "GRIDKEEP_SIGNING_KEY",
                    format!("not the key that GRIDKEEP_JWKS lists: {error}"),
                )
            })?;
        Ok(Arc::new(Self {
            pool: pg::connect(&config.pg_url, config.pg_connections)?,
            mongo: mongo::connect(&config.mongo_url).await?,
            verifier: Arc::new(verifier),
            signer,
            provider: Provider::new(config)?,
            cookies: Cookies::new(&config.cookie_suffix),
            sweeper: Sweeper::default(),
            config: config.clone(),
        }))
    }
}
