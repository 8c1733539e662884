//! The one place where presign's errors choose their status.

use contracts::{Code, Problem, upload::UploadState};
use platform::{http::ApiError, mongo::MongoError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is to blame; the problem says what for.
    #[error("{}", .0.detail)]
    Problem(Problem),
    /// An answer that `platform` has decided already: who asks, and what they may.
    #[error("refused")]
    Refused(ApiError),
    #[error("the store failed")]
    Store(#[from] store::Error),
    #[error("the upload record failed")]
    Record(#[from] MongoError),
    #[error("the link cannot be signed")]
    Sign(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("S3 does not do as asked")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ApiError> for Error {
    fn from(refusal: ApiError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Problem(problem) => problem.into(),
            Error::Refused(refusal) => refusal,
            Error::Store(error) => from_store(error),
            Error::Record(error) => error.into(),
            error @ Error::Sign(_) => Self::internal(error),
            error @ Error::Storage(_) => Self::unavailable(error),
        }
    }
}

/// Of an upload that nothing changes any more.
pub fn is_over(state: UploadState) -> Problem {
    let state = match state {
        UploadState::Published => "published; its rows are in the dataset",
        UploadState::Cancelled => "cancelled",
        _ => "failed",
    };
    Problem::new(Code::Conflict, format!("This upload is already {state}."))
}

fn from_store(error: store::Error) -> ApiError {
    if error.is_transient() {
        return ApiError::unavailable(error);
    }
    match error {
        store::Error::NotFound(what) => ApiError::not_found(what),
        store::Error::Gone(version) => {
            ApiError::new(Code::Gone, format!("Version {version} is no longer kept."))
        }
        store::Error::Invalid { pointer, detail } => ApiError::validation(pointer, detail),
        store::Error::Final(state) => is_over(state).into(),
        store::Error::OldGeneration { newest } => ApiError::new(
            Code::Conflict,
            format!(
                "A newer plan, generation {newest}, has taken the place of this one. Look at it first."
            ),
        ),
        store::Error::NotReady(what) => ApiError::new(
            Code::Conflict,
            format!("It is too early for that: {what}. Wait a moment."),
        ),
        store::Error::Confirmed => ApiError::new(
            Code::Conflict,
            "This upload is confirmed already, so its file is not read otherwise any more.",
        ),
        store::Error::Unmended(problem) => problem.with_status(409).into(),
        // Of grants and commits: no route here makes them.
        error @ (store::Error::Poison(..)
        | store::Error::Disagrees(_)
        | store::Error::LastOwner
        | store::Error::Stored(_)
        | store::Error::StoredId(_)
        | store::Error::Database(_)
        | store::Error::Migrate(_)) => ApiError::internal(error),
    }
}

impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        ApiError::from(self).into_response()
    }
}
