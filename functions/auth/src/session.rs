//! Sessions: an access token of ten minutes, and a refresh token that is replaced at every use. Both are cookies. A refresh
//! token belongs to a family (one sign-in in one browser). One that was replaced works on for a short overlap, because two
//! tabs refresh at once and answers get lost; after that its use means that it was stolen, and the family ends.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{Problem, UserId};
use http::{HeaderMap, StatusCode};
use mongodb::{
    Collection, Database, IndexModel,
    bson::{DateTime, Document, doc},
};
use platform::{
    http::ApiError,
    mongo::{MongoError, within},
};
use serde::{Deserialize, Serialize};
use tracing::warn;
use ulid::Ulid;

use crate::{App, AuthError, Deps, keys::ACCESS_TOKEN, members, secret};

pub(crate) const ATTEMPTS: &str = "sign_ins";
const FAMILIES: &str = "sessions";
const TOKENS: &str = "refresh_tokens";

/// One sign-in in one browser.
#[derive(Debug, Serialize, Deserialize)]
struct Family {
    #[serde(rename = "_id")]
    id: String,
    user: UserId,
    created_at: DateTime,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
}

/// A refresh token, by its hash.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "_id")]
    hash: String,
    family: String,
    /// When a successor was first made.
    replaced_at: Option<DateTime>,
    expires_at: DateTime,
}

fn families(deps: &Deps) -> Collection<Family> {
    deps.mongo.collection(FAMILIES)
}

fn tokens(deps: &Deps) -> Collection<Token> {
    deps.mongo.collection(TOKENS)
}

/// The moment `span` from here.
pub(crate) fn after(span: Duration) -> DateTime {
    DateTime::from_millis(
        DateTime::now()
            .timestamp_millis()
            .saturating_add(millis(span)),
    )
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Starts a session and puts its cookies on the answer.
pub(crate) async fn open(
    deps: &Deps,
    user: UserId,
    response: &mut Response,
) -> Result<(), AuthError> {
    let family = Family {
        id: Ulid::new().to_string(),
        user,
        created_at: DateTime::now(),
        expires_at: after(deps.config.session),
        revoked_at: None,
    };
    within(families(deps).insert_one(&family)).await?;
    issue(deps, &family, response).await
}

/// A further refresh token of the family, and an access token.
async fn issue(deps: &Deps, family: &Family, response: &mut Response) -> Result<(), AuthError> {
    let token = secret::generate();
    let stored = Token {
        hash: secret::hash(&token),
        family: family.id.clone(),
        replaced_at: None,
        expires_at: family.expires_at,
    };
    within(tokens(deps).insert_one(&stored)).await?;
    let left = family
        .expires_at
        .timestamp_millis()
        .saturating_sub(DateTime::now().timestamp_millis());
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    deps.cookies.set_access(
        response,
        &deps.signer.sign(family.user, ACCESS_TOKEN)?,
        ACCESS_TOKEN,
    );
    deps.cookies.set_refresh(response, &token, left);
    Ok(())
}

/// Replaces the session's cookies by fresh ones.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "identity",
    responses(
        (status = 204, description = "New cookies are set"),
        (status = 401, description = "There is no session, or no longer: sign in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "From another origin", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh(State(App(deps)): State<App>, headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    match renew(&deps, &headers, &mut response).await {
        Ok(()) => response,
        Err(failure) => {
            let gone = matches!(failure, AuthError::NoSession);
            let mut response = ApiError::from(failure).into_response();
            if gone {
                deps.cookies.clear_session(&mut response);
            }
            response
        }
    }
}

async fn renew(deps: &Deps, headers: &HeaderMap, response: &mut Response) -> Result<(), AuthError> {
    let presented = deps
        .cookies
        .refresh_of(headers)
        .ok_or(AuthError::NoSession)?;
    let Some((token, family)) = find(deps, presented).await? else {
        return Err(AuthError::NoSession);
    };
    if let Some(replaced_at) = token.replaced_at {
        let since = DateTime::now()
            .timestamp_millis()
            .saturating_sub(replaced_at.timestamp_millis());
        if since > millis(deps.config.overlap) {
            warn!(user.id = %family.user, session.id = family.id, "a replaced refresh token came back; its session is ended");
            revoke(deps, &family.id).await?;
            return Err(AuthError::NoSession);
        }
    }
    // Somebody may have left, or the deployment may take fewer people, since the sign-in.
    let still = members::email_of(&deps.pool, family.user)
        .await?
        .is_some_and(|email| deps.config.allows(&email));
    if !still {
        revoke(deps, &family.id).await?;
        return Err(AuthError::NoSession);
    }
    // Only the first replacement counts: the overlap is not prolonged by using it.
    let first = doc! { "_id": &token.hash, "replaced_at": null };
    within(tokens(deps).update_one(first, doc! { "$set": { "replaced_at": DateTime::now() } }))
        .await?;
    issue(deps, &family, response).await
}

/// Ends the session in this browser; it is no error when there is none.
#[utoipa::path(
    post, path = "/api/v1/auth/sign-out", tag = "identity",
    responses(
        (status = 204, description = "Signed out"),
        (status = 403, description = "From another origin", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign_out(
    State(App(deps)): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(presented) = deps.cookies.refresh_of(&headers)
        && let Some((_, family)) = find(&deps, presented).await?
    {
        revoke(&deps, &family.id).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    deps.cookies.clear_session(&mut response);
    Ok(response)
}

/// A refresh token that is known, of a session that is neither ended nor over.
async fn find(deps: &Deps, presented: &str) -> Result<Option<(Token, Family)>, AuthError> {
    let Some(token) =
        within(tokens(deps).find_one(doc! { "_id": secret::hash(presented) })).await?
    else {
        return Ok(None);
    };
    let family = within(families(deps).find_one(doc! { "_id": &token.family })).await?;
    Ok(family
        .filter(|family| family.revoked_at.is_none() && family.expires_at > DateTime::now())
        .map(|family| (token, family)))
}

async fn revoke(deps: &Deps, family: &str) -> Result<(), AuthError> {
    within(families(deps).update_one(
        doc! { "_id": family, "revoked_at": null },
        doc! { "$set": { "revoked_at": DateTime::now() } },
    ))
    .await?;
    Ok(())
}

/// Removes what has expired. The code never trusts that it ran: it only keeps the collections small.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    last: AtomicI64,
}

impl Sweeper {
    const EVERY: Duration = Duration::from_secs(600);

    /// At most every ten minutes per process; a failure waits for the next time.
    pub(crate) async fn sweep(&self, mongo: &Database) {
        let now = DateTime::now().timestamp_millis();
        let last = self.last.load(Ordering::Relaxed);
        if now.saturating_sub(last) < millis(Self::EVERY)
            || self
                .last
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        if let Err(error) = sweep(mongo).await {
            warn!(cause = %error, "expired sessions could not be swept");
        }
    }
}

async fn sweep(mongo: &Database) -> Result<(), MongoError> {
    for name in [ATTEMPTS, TOKENS, FAMILIES] {
        let collection = mongo.collection::<Document>(name);
        let index = IndexModel::builder().keys(doc! { "expires_at": 1 }).build();
        within(collection.create_index(index)).await?;
        within(collection.delete_many(doc! { "expires_at": { "$lt": DateTime::now() } })).await?;
    }
    Ok(())
}
