//! Everything that can go wrong here, and the one place where each becomes an answer.

use platform::{config::ConfigError, http::ApiError, mongo::MongoError};

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("PostgreSQL failed")]
    Sql(#[from] sqlx::Error),
    #[error("MongoDB failed")]
    Mongo(#[from] MongoError),
    #[error("a stored document is not what it should be")]
    Stored(#[from] contracts::ids::InvalidId),
    #[error("a token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// Boxed, because the client's error types are generic and large.
    #[error("the OpenID provider does not answer")]
    Provider(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the OpenID provider's answer does not hold")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("not an email address")]
    NotAnAddress,
    /// No cookie, or one that no longer counts.
    #[error("there is no session")]
    NoSession,
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Sql(error) => error.into(),
            AuthError::Mongo(error) => error.into(),
            AuthError::Provider(_) => Self::unavailable(error),
            AuthError::NoSession => Self::unauthenticated(),
            AuthError::NotAnAddress => Self::validation("email", "This is not an email address."),
            AuthError::Config(_)
            | AuthError::Stored(_)
            | AuthError::Sign(_)
            | AuthError::Identity(_) => Self::internal(error),
        }
    }
}
