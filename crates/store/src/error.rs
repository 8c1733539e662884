//! Everything that can go wrong here, and what of it is worth trying again.

use contracts::{Problem, upload::UploadState};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such dataset, version, row, column or import, or nothing published in it yet.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A version that retention has dropped.
    #[error("version {0} is no longer kept")]
    Gone(i64),
    /// The caller's input at fault: where, and what to do about it.
    #[error("{pointer}: {detail}")]
    Invalid { pointer: String, detail: String },
    /// The import is published, failed or cancelled, and stays so.
    #[error("the import is already {0:?}")]
    Final(UploadState),
    /// A newer plan has taken this generation's place.
    #[error("a newer plan, generation {newest}, has taken the place of this one")]
    OldGeneration { newest: i32 },
    /// What is asked for needs something that is not there yet.
    #[error("the import is not ready: {0}")]
    NotReady(&'static str),
    /// The import goes by the plan that it has: it was confirmed, or never was to be.
    #[error("the import is confirmed")]
    Confirmed,
    /// Something has to be mended by other options before it can be confirmed.
    #[error("the import cannot be confirmed: {}", .0.detail)]
    Unmended(Box<Problem>),
    /// Somebody has to own a dataset.
    #[error("the dataset would have no owner")]
    LastOwner,
    /// A batch or an end-of-load message that can never be taken; handing it in again will not help.
    #[error("{0}")]
    Poison(String, #[source] Option<sqlx::Error>),
    /// Two things that are always written together are not the same: nothing was written.
    #[error("{0} do not agree")]
    Disagrees(&'static str),
    #[error("stored document is unreadable")]
    Stored(#[from] serde_json::Error),
    #[error("stored id is unreadable")]
    StoredId(#[from] contracts::ids::InvalidId),
    #[error("database")]
    Database(#[from] sqlx::Error),
    #[error("migration")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Whether PostgreSQL refused with this SQLSTATE.
pub(crate) fn has_code(error: &sqlx::Error, code: &str) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some(code))
}

/// A table or view that is not there: dropped since it was looked for.
pub(crate) fn is_undefined_table(error: &sqlx::Error) -> bool {
    has_code(error, "42P01")
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => true,
            // Connection trouble, serialization and deadlock, no resources, shutdown, lock not available.
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                matches!(code.get(..2), Some("08" | "40" | "53" | "57")) || code == "55P03"
            }),
            _ => false,
        }
    }
}
