//! `token`: a new API token of a member, and nothing else on standard output.

use anyhow::Context as _;
use contracts::UserId;
use platform::config::Settings;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use super::print;
use crate::stack::{folder::Folder, settings};

pub(super) async fn token(folder: &Folder, email: &str, create: bool) -> anyhow::Result<u8> {
    let settings = settings::read(folder)?;
    let pool = pool(&settings)?;
    let user = member(&settings, &pool, email, create).await?;
    let token = auth::tokens::create_api_token(&pool, user, "gridkeep token").await?;
    print(token.expose_secret())?;
    Ok(0)
}

pub(super) fn pool(settings: &Settings) -> anyhow::Result<PgPool> {
    Ok(platform::pg::connect(
        &settings.secret("GRIDKEEP_PG_URL")?,
        1,
    )?)
}

/// The member of that address; made when there is none and `create` says so.
pub(super) async fn member(
    settings: &Settings,
    pool: &PgPool,
    email: &str,
    create: bool,
) -> anyhow::Result<UserId> {
    let mongo = platform::mongo::connect(&settings.secret("GRIDKEEP_MONGO_URL")?).await?;
    if create {
        return Ok(auth::members::create(&mongo, pool, email).await?);
    }
    auth::members::find(&mongo, pool, email)
        .await?
        .with_context(|| {
            format!("nobody with the address {email} has signed in yet; --create makes the member")
        })
}
