//! How work ends short of its goal. [`Error`] means "deliver the message again"; everything else is an outcome.

pub use platform::telemetry::chain;

use contracts::{Code, Problem};
use platform::queue::QueueError;

use crate::{event::Malformed, object::ReadError, publish::PublishError};

/// The message must come again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("somebody else is still at work on the import")]
    Busy,
    #[error("the lease on the import was lost")]
    LeaseLost,
    #[error("the time ran out before the file was analysed")]
    OutOfTime,
    #[error("the file cannot be read")]
    Read(#[source] ReadError),
    #[error("the file's copy on the disk")]
    Spool(#[source] std::io::Error),
    #[error("the batches cannot be published")]
    Publish(#[source] PublishError),
    #[error("the work queue")]
    Queue(#[from] QueueError),
    #[error("PostgreSQL")]
    Store(#[source] store::Error),
    #[error("an outcome cannot be written")]
    Outcome(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a message cannot be written")]
    Json(#[from] serde_json::Error),
    #[error("the parser stopped")]
    Parser(#[source] tokio::task::JoinError),
}

/// Why a stage stopped.
#[derive(Debug)]
pub enum Stop {
    /// The file is at fault: the import fails with this.
    Failed(Problem),
    /// The import came to an end, or to a newer generation, by somebody else's hand.
    Over,
    Retry(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

impl From<PublishError> for Stop {
    fn from(error: PublishError) -> Self {
        Self::Retry(Error::Publish(error))
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Final(_) | store::Error::OldGeneration { .. } => Self::Over,
            store::Error::Invalid { pointer, detail } => {
                Self::Failed(Problem::new(Code::Validation, detail).at(pointer))
            }
            other => Self::Retry(Error::Store(other)),
        }
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Gone => Self::Failed(Problem::new(
                Code::UnreadableFile,
                "The file was removed before all of it was read. Upload it again.",
            )),
            ReadError::Changed => Self::Failed(Problem::new(
                Code::UnreadableFile,
                "The file was replaced by another one while it was being read. Upload it again.",
            )),
            ReadError::S3(_) => Self::Retry(Error::Read(error)),
        }
    }
}
