//! PostgreSQL: one pool per process, sized by its owner.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
pub use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// A statement that runs longer is given up; long DDL and sweeps say `set local statement_timeout` themselves.
const STATEMENT_TIMEOUT: &str = "60s";

/// A pool of at most `max` connections. Opened on first use, so that a cold start waits for nothing it does not need.
///
/// # Errors
/// When the URL is no PostgreSQL URL.
pub fn connect(url: &SecretString, max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?
        .application_name("gridkeep")
        // The second: a frozen Lambda must not hold a dataset's row lock for ever.
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(300))
        .connect_lazy_with(options))
}
