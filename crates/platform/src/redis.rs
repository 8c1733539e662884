//! Redis, a cache and nothing else: when it is down, everything works, only slower.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};

/// A cache slower than this is worse than none.
const ANSWER: Duration = Duration::from_millis(250);

/// A connection that is opened on first use and reopened whenever it breaks; clones share it. While Redis is down, commands
/// fail fast and the caller goes to PostgreSQL.
///
/// # Errors
/// When the URL is no Redis URL; an unreachable server is none.
pub fn connect(url: &SecretString) -> redis::RedisResult<ConnectionManager> {
    let client = redis::Client::open(url.expose_secret())?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(ANSWER))
        .set_response_timeout(Some(ANSWER))
        .set_number_of_retries(1)
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(200));
    ConnectionManager::new_lazy_with_config(client, config)
}
