//! The one error of handlers: a problem for the client, and a cause that only the log sees.

use std::{error::Error, sync::Arc};

use axum::response::{IntoResponse, Response};
use contracts::{Code, Problem};
use http::{HeaderValue, StatusCode, header};

/// A problem as answered, with its cause when there is one. Every function's own error type becomes this in one
/// exhaustive `From`, so that a new error must choose its status.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    cause: Option<Cause>,
}

/// Rides in the answer's extensions to the access log, which prints it once with the request id.
#[derive(Clone, Debug)]
pub(super) struct Cause(pub(super) Arc<dyn Error + Send + Sync>);

/// Rides in the answer's extensions to the layer, which adds the request id to the body.
#[derive(Clone, Debug)]
pub(super) struct Answered(pub(super) Problem);

impl ApiError {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// A bad input, with the field, parameter or header at fault.
    #[must_use]
    pub fn validation(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem::new(Code::Validation, detail).at(pointer).into()
    }

    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            Code::Unauthenticated,
            "This needs a signed-in person: sign in, or send a valid token as Authorization: Bearer.",
        )
    }

    /// Also for what exists and is not the caller's to know of.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("There is no such {what}, or it is not shared with you."),
        )
    }

    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// A fault of ours: the client reads a fixed text, the log the cause.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(
            Code::Internal,
            "The request could not be done. The fault is logged under the request id.",
        )
        .because(cause)
    }

    /// Something that we depend on does not answer; trying again may help.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(
            Code::Unavailable,
            "A part of the service does not answer at the moment. Try again in a few seconds.",
        )
        .because(cause)
    }

    /// Adds what the log shall say.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(Cause(Arc::from(cause.into())));
        self
    }

    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            cause: None,
        }
    }
}

/// PostgreSQL out of reach is `unavailable`, everything else our fault. What a caller can cause is matched before, by
/// constraint name.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed => Self::unavailable(error),
            // Class 57: shutting down, crashed, starting; class 53: out of connections, disk or memory.
            sqlx::Error::Database(ref database)
                if database
                    .code()
                    .is_some_and(|code| code.starts_with("57P") || code.starts_with("53")) =>
            {
                Self::unavailable(error)
            }
            _ => Self::internal(error),
        }
    }
}

#[cfg(feature = "mongo")]
impl From<crate::mongo::MongoError> for ApiError {
    fn from(error: crate::mongo::MongoError) -> Self {
        use mongodb::error::ErrorKind;
        match &error {
            crate::mongo::MongoError::TimedOut => Self::unavailable(error),
            crate::mongo::MongoError::Driver(driver) => match driver.kind.as_ref() {
                ErrorKind::ServerSelection { .. }
                | ErrorKind::Io(_)
                | ErrorKind::ConnectionPoolCleared { .. }
                | ErrorKind::DnsResolve { .. } => Self::unavailable(error),
                _ => Self::internal(error),
            },
            crate::mongo::MongoError::NoDatabase => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = render(&self.problem);
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response.extensions_mut().insert(Answered(*self.problem));
        response
    }
}

/// A problem as it goes over the wire.
pub(super) fn render(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
