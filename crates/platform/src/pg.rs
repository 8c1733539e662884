//! PostgreSQL: one pool per process, sized by its owner.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
pub use sqlx::PgPool;
use sqlx::{
    Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// A statement that runs longer is given up; long DDL and sweeps say `set local statement_timeout` themselves.
const STATEMENT_TIMEOUT: &str = "60s";

/// How long an idle connection is taken to be alive unasked.
const IDLE_TRUSTED: Duration = Duration::from_secs(2);

/// A pool of at most `max` connections. Opened on first use, so that a cold start waits for nothing it does not need.
///
/// # Errors
/// When the URL is no PostgreSQL URL.
pub fn connect(url: &SecretString, max: u32) -> Result<PgPool, sqlx::Error> {
    Ok(pool(PgConnectOptions::from_str(url.expose_secret())?, max))
}

/// The same for one that reads pages: a statement is planned once, not for each page's bounds, which costs more than the page
/// itself. What handles many rows asks for `plan_cache_mode = force_custom_plan` in its transaction.
///
/// # Errors
/// When the URL is no PostgreSQL URL.
pub fn connect_for_pages(url: &SecretString, max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?
        .options([("plan_cache_mode", "force_generic_plan")]);
    Ok(pool(options, max))
}

fn pool(options: PgConnectOptions, max: u32) -> PgPool {
    let options = options
        .application_name("gridkeep")
        // The second: a frozen Lambda must not hold a dataset's row lock for ever.
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
        ]);
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(300))
        // Only a connection that has lain idle is asked whether it still lives (a thawed Lambda's may not): asking before every
        // statement would double the latency of a page.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE_TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}
