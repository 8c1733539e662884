//! Signing in: off to the provider, and back. What must be remembered in between lies in MongoDB under the hash of the
//! state, bound to the browser by a cookie, and is taken out by the first callback, so a second one finds nothing.
//! Who it is: `members`. What they get: `session`.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use contracts::Problem;
use http::{HeaderMap, header};
use mongodb::{
    Collection,
    bson::{DateTime, doc},
};
use platform::{
    http::{ApiError, Query, same_origin_path},
    mongo::within,
};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};
use utoipa::IntoParams;

use crate::{App, AuthError, Deps, members, provider::Identity, secret, session};

/// How long somebody may take at the provider.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is remembered while the browser is at the provider.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    /// Hash of the state.
    #[serde(rename = "_id")]
    state: String,
    /// Hash of the browser's cookie.
    browser: String,
    nonce: String,
    verifier: String,
    return_to: String,
    expires_at: DateTime,
}

fn attempts(deps: &Deps) -> Collection<Attempt> {
    deps.mongo.collection(session::ATTEMPTS)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignInQuery {
    /// Path of the application to open afterwards.
    return_to: Option<String>,
}

/// Sends the browser to the OpenID provider.
#[utoipa::path(
    get, path = "/api/v1/auth/sign-in", tag = "identity", params(SignInQuery),
    responses(
        (status = 303, description = "To the provider; a person's browser is sent to /sign-in?error=unavailable when that is down"),
        (status = 400, description = "return_to leads out of the application", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The provider does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign_in(
    State(App(deps)): State<App>,
    headers: HeaderMap,
    Query(query): Query<SignInQuery>,
) -> Result<Response, ApiError> {
    let return_to = query.return_to.as_deref().unwrap_or("/");
    let return_to = same_origin_path(return_to).ok_or_else(|| {
        ApiError::validation(
            "return_to",
            "Expected a path of this application, such as /datasets.",
        )
    })?;
    match begin(&deps, &headers, return_to).await {
        Ok(response) => Ok(response),
        Err(failure) if wants_page(&headers) => {
            error!(
                cause = platform::telemetry::chain(&failure),
                "a sign-in could not begin"
            );
            Ok(refuse(Refusal::Unavailable))
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn begin(deps: &Deps, headers: &HeaderMap, return_to: &str) -> Result<Response, AuthError> {
    let state = secret::generate();
    // One cookie for all tabs, so that signing in in two of them works in both.
    let browser = deps
        .cookies
        .sign_in_of(headers)
        .filter(|value| value.len() == 43)
        .map_or_else(secret::generate, str::to_owned);
    let begun = deps.provider.begin(state.clone()).await?;
    deps.sweeper.sweep(&deps.mongo).await;
    let attempt = Attempt {
        state: secret::hash(&state),
        browser: secret::hash(&browser),
        nonce: begun.nonce,
        verifier: begun.verifier,
        return_to: return_to.to_owned(),
        expires_at: session::after(PATIENCE),
    };
    within(attempts(deps).insert_one(&attempt)).await?;
    let mut response = Redirect::to(&begun.url).into_response();
    deps.cookies.set_sign_in(&mut response, &browser, PATIENCE);
    Ok(response)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    /// What the provider says instead of a code.
    error: Option<String>,
}

/// Why nobody was signed in, as `/sign-in?error=…` says it.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// The person, or the provider's administrator, said no.
    Denied,
    /// Too late, a second time, or in another browser.
    Expired,
    NotAllowed,
    Unverified,
    Unavailable,
    Failed,
}

impl Refusal {
    fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::NotAllowed => "not_allowed",
            Self::Unverified => "unverified",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }
}

/// Where the provider sends the browser back to: signs in and opens the application, or says why not on its sign-in page.
#[utoipa::path(
    get, path = "/api/v1/auth/callback", tag = "identity", params(CallbackQuery),
    responses((
        status = 303,
        description = "To the application; or to /sign-in?error=denied, expired, not_allowed, unverified, unavailable or failed"
    ))
)]
pub(crate) async fn callback(
    State(App(deps)): State<App>,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Response {
    match complete(&deps, &headers, query).await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refuse(refusal),
        Err(failure @ AuthError::Identity(_)) => {
            warn!(
                cause = platform::telemetry::chain(&failure),
                "the provider's answer to a sign-in was refused"
            );
            refuse(Refusal::Failed)
        }
        Err(failure) => {
            error!(
                cause = platform::telemetry::chain(&failure),
                "a sign-in could not be finished"
            );
            refuse(Refusal::Unavailable)
        }
    }
}

async fn complete(
    deps: &Deps,
    headers: &HeaderMap,
    query: CallbackQuery,
) -> Result<Result<Response, Refusal>, AuthError> {
    let (Some(state), Some(browser)) = (&query.state, deps.cookies.sign_in_of(headers)) else {
        return Ok(Err(Refusal::Expired));
    };
    let mine = doc! { "_id": secret::hash(state), "browser": secret::hash(browser) };
    let attempt = within(attempts(deps).find_one_and_delete(mine)).await?;
    let Some(attempt) = attempt.filter(|attempt| attempt.expires_at > DateTime::now()) else {
        return Ok(Err(Refusal::Expired));
    };
    let code = match (query.code, query.error.as_deref()) {
        (_, Some("access_denied")) => return Ok(Err(Refusal::Denied)),
        (_, Some("temporarily_unavailable" | "server_error")) => {
            return Ok(Err(Refusal::Unavailable));
        }
        (_, Some(_)) | (None, None) => return Ok(Err(Refusal::Failed)),
        (Some(code), None) => code,
    };
    let identity = deps
        .provider
        .identify(code, attempt.verifier, attempt.nonce)
        .await?;
    let email = match admit(deps, &identity) {
        Ok(email) => email,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let user = members::sign_in(&deps.mongo, &deps.pool, &identity, email).await?;
    let mut response = Redirect::to(&attempt.return_to).into_response();
    deps.cookies.set_sign_in(&mut response, "", Duration::ZERO);
    session::open(deps, user, &mut response).await?;
    Ok(Ok(response))
}

/// Whether this deployment takes the person; their address if so.
fn admit<'a>(deps: &Deps, identity: &'a Identity) -> Result<&'a str, Refusal> {
    let email = identity.email.as_deref().ok_or(Refusal::Unverified)?;
    // An address that nobody checked must not pass for one of an allowed domain.
    if deps.config.is_limited() && !identity.email_verified {
        return Err(Refusal::Unverified);
    }
    if deps.config.allows(email) {
        Ok(email)
    } else {
        Err(Refusal::NotAllowed)
    }
}

fn refuse(refusal: Refusal) -> Response {
    Redirect::to(&format!("/sign-in?error={}", refusal.name())).into_response()
}

/// A person's browser opens this address itself; to show it JSON would strand them.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"))
}
