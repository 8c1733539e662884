//! The one place where data-api's errors choose their status.

use axum::response::{IntoResponse, Response};
use contracts::{Code, Problem};
use platform::http::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is to blame; the problem says what for.
    #[error("{}", .0.detail)]
    Problem(Problem),
    #[error("the store failed")]
    Store(#[from] store::Error),
    #[error("the answer cannot be written as JSON")]
    Answer(#[from] serde_json::Error),
}

impl Error {
    /// Bad input: the parameter or field at fault, and how to mend it.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Problem(Problem::new(Code::Validation, detail).at(pointer))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Problem(problem) => problem.into(),
            Error::Store(error) => from_store(error),
            error @ Error::Answer(_) => Self::internal(error),
        }
    }
}

fn from_store(error: store::Error) -> ApiError {
    if error.is_transient() {
        return ApiError::unavailable(error);
    }
    match error {
        store::Error::NotFound(what) => ApiError::not_found(what),
        store::Error::Gone(version) => ApiError::new(
            Code::Gone,
            format!("Version {version} is no longer kept. The versions that are: …/versions."),
        ),
        store::Error::Invalid { pointer, detail } => ApiError::validation(pointer, detail),
        store::Error::LastOwner => ApiError::new(
            Code::Conflict,
            "A dataset needs an owner. Make somebody else an owner first.",
        ),
        // Of imports and loads: no route here asks for them.
        error @ (store::Error::Final(_)
        | store::Error::OldGeneration { .. }
        | store::Error::NotReady(_)
        | store::Error::Confirmed
        | store::Error::Unmended(_)
        | store::Error::Poison(..)
        | store::Error::Disagrees(_)
        | store::Error::Stored(_)
        | store::Error::StoredId(_)
        | store::Error::Database(_)
        | store::Error::Migrate(_)) => ApiError::internal(error),
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
