//! API tokens: for scripts and `gridkeep token`. Shown once, stored as a hash; `platform::auth` looks them up.

use contracts::{TokenId, UserId};
use platform::auth::{API_TOKEN_PREFIX, hash_api_token};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use crate::{AuthError, secret};

/// A new token of the member, without expiry.
///
/// # Errors
/// When there is no such member, or PostgreSQL does not answer.
pub async fn create_api_token(
    pool: &PgPool,
    user: UserId,
    name: &str,
) -> Result<SecretString, AuthError> {
    let token = SecretString::from(format!("{API_TOKEN_PREFIX}{}", secret::generate()));
    let hash = hash_api_token(token.expose_secret());
    sqlx::query!(
        "insert into gk.api_token (id, member, hash, name) values ($1, $2, $3, $4)",
        TokenId::generate().to_string(),
        user.to_string(),
        hash.as_slice(),
        name,
    )
    .execute(pool)
    .await?;
    Ok(token)
}
