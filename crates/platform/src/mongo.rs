//! MongoDB, or any server of its protocol: users, sessions and upload records.

use std::time::Duration;

use mongodb::{Client, Database, options::ClientOptions};
use secrecy::{ExposeSecret, SecretString};

/// The driver has timeouts for connecting and finding a server, none for an answer: see [`within`].
const ANSWER: Duration = Duration::from_secs(5);

/// What a MongoDB call can fail with.
#[derive(Debug, thiserror::Error)]
pub enum MongoError {
    #[error("GRIDKEEP_MONGO_URL names no database in its path")]
    NoDatabase,
    #[error("MongoDB did not answer within {ANSWER:?}")]
    TimedOut,
    #[error("MongoDB failed")]
    Driver(#[from] mongodb::error::Error),
}

impl MongoError {
    /// Whether a document with that unique key exists already.
    #[must_use]
    pub fn is_duplicate_key(&self) -> bool {
        use mongodb::error::{ErrorKind, WriteFailure};
        match self {
            Self::Driver(error) => match error.kind.as_ref() {
                ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == 11_000,
                ErrorKind::Command(command) => command.code == 11_000,
                _ => false,
            },
            _ => false,
        }
    }
}

/// The database that the URL's path names. Connections are opened on first use.
///
/// # Errors
/// When the URL is not valid or names no database.
pub async fn connect(url: &SecretString) -> Result<Database, MongoError> {
    let mut options = ClientOptions::parse(url.expose_secret()).await?;
    options.app_name = Some("gridkeep".to_owned());
    options.connect_timeout = Some(Duration::from_secs(3));
    options.server_selection_timeout = Some(Duration::from_secs(3));
    options.max_pool_size = Some(8);
    Client::with_options(options)?
        .default_database()
        .ok_or(MongoError::NoDatabase)
}

/// Awaits a driver call for at most five seconds. Every call goes through here.
///
/// # Errors
/// The driver's error, or that no answer came in time.
pub async fn within<T>(
    call: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, MongoError> {
    match tokio::time::timeout(ANSWER, call.into_future()).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(MongoError::TimedOut),
    }
}
