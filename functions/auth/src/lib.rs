//! Identity: sign-in through an OpenID provider, sessions, and who the members are. Users and sessions are in MongoDB,
//! members and API tokens in PostgreSQL beside the grants, so that the other functions know who asks without MongoDB.
//!
//! A sign-in goes [`sign_in`] → the provider → `sign_in`'s callback → [`members`] (who is it) → [`session`] (cookies);
//! `session` also refreshes and ends it. Signed tokens are made with [`keys`], API tokens in [`tokens`], and every
//! function checks both in `platform::auth`.

pub mod config;
mod cookies;
pub mod deps;
mod error;
pub mod keys;
pub mod members;
mod provider;
mod secret;
pub mod session;
pub mod sign_in;
pub mod tokens;

use std::sync::Arc;

use axum::{Router, extract::FromRef};
use platform::{auth::Verifier, http::openapi::SecuritySchemes};
use sqlx::PgPool;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use config::Config;
pub use deps::Deps;
pub use error::AuthError;

#[derive(OpenApi)]
#[openapi(
    info(title = "Gridkeep: identity", version = "1"),
    tags((name = "identity", description = "Signing in, sessions and members")),
    modifiers(&SecuritySchemes)
)]
struct Document;

/// The state of the routes. A type of our own, because extractors reach their parts through it.
#[derive(Clone, Debug)]
struct App(Arc<Deps>);

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.0.pool.clone()
    }
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.0.verifier)
    }
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::callback))
        .routes(routes!(session::refresh))
        .routes(routes!(session::sign_out))
        .routes(routes!(keys::list_keys))
        .routes(routes!(members::show_me))
        .routes(routes!(members::list_users))
}

/// The bare routes; whoever mounts them puts `platform::http::layer` around.
pub fn router(deps: Arc<Deps>) -> Router {
    api().split_for_parts().0.with_state(App(deps))
}

/// This function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}
