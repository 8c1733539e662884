//! data-api: what is in the tables. [`datasets`] lists and shows them, [`rows`] reads pages of a version (its parameters
//! are read by [`query`], [`filter`] and [`cursor`]), [`commits`] changes them (cells are read by [`values`]), [`versions`]
//! tells how a dataset came to be, [`quarantine`] keeps and mends what could not become rows, [`diff`] and [`restore`] go back, [`grants`] says who may, [`aggregate`] sums up and
//! [`widgets`] keeps such sums on a dashboard. Everything below
//! `/datasets/{id}` takes its right from `platform::access`.

mod aggregate;
mod commits;
mod config;
mod cursor;
mod datasets;
mod diff;
mod error;
mod filter;
mod grants;
mod kept;
mod page;
mod quarantine;
mod query;
mod restore;
mod rows;
mod values;
mod versions;
mod widgets;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::header;
use platform::http::openapi::SecuritySchemes;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use config::App;
pub use config::{Config, ConnectError, Deps};
use error::Error;

/// The contract of all functions together, as committed; a test compares it with what their routes say.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

#[derive(OpenApi)]
#[openapi(
    info(title = "Gridkeep: data", version = "1"),
    tags(
        (name = "datasets", description = "What is shared with the caller"),
        (name = "rows", description = "Reading a version, page by page"),
        (name = "commits", description = "Changing rows, one version at a time"),
        (name = "versions", description = "How a dataset came to be"),
        (name = "quarantine", description = "Records that could not become rows"),
        (name = "grants", description = "Who may do what with a dataset"),
        (name = "widgets", description = "Numbers and charts of a dataset"),
        (name = "about", description = "This document"),
    ),
    components(schemas(contracts::Problem, contracts::dataset::CutCell)),
    modifiers(&SecuritySchemes)
)]
struct Document;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(datasets::routes())
        .merge(rows::routes())
        .merge(commits::routes())
        .merge(versions::routes())
        .merge(quarantine::routes())
        .merge(diff::routes())
        .merge(restore::routes())
        .merge(grants::routes())
        .merge(aggregate::routes())
        .merge(widgets::routes())
        .routes(routes!(show_document))
}

/// The bare routes, with absolute paths; who mounts them puts `platform::http::layer` around.
pub fn router(deps: Arc<Deps>) -> Router {
    let app = App(deps);
    let wakes = middleware::from_fn_with_state(app.clone(), wake_after_write);
    routes()
        .with_state(app)
        .split_for_parts()
        .0
        .route_layer(wakes)
}

/// A write may have published a version; the consumer tells of it ([`Deps`]). Here, so that no handler can forget it.
async fn wake_after_write(State(App(deps)): State<App>, request: Request, next: Next) -> Response {
    let writes = !request.method().is_safe();
    let response = next.run(request).await;
    if writes && response.status().is_success() {
        deps.wake().await;
    }
    response
}

/// This function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().split_for_parts().1
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "about",
    responses((status = 200, description = "The OpenAPI document of the whole API.", body = Object)))]
async fn show_document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// A page's length, or a problem that says what it may be.
fn limit(asked: Option<u32>, default: u32, max: u32) -> Result<u32, Error> {
    match asked.unwrap_or(default) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(Error::invalid("limit", format!("`limit` is 1 to {max}."))),
    }
}
