//! presign: asking to upload, and watching what becomes of it. [`request`] checks what is asked for, [`link`] signs where
//! the bytes go ([`multipart`] where they go in parts), [`record`] keeps who got the link, and [`uploads`] has the routes; [`drop_folder`] says where files can be dropped,
//! [`hooks`] lists who may send messages, and [`receive`] takes them ([`fetch`] where they say where the file is). The bytes arrive in S3, and
//! functions/etl goes on from there.

mod config;
mod drop_folder;
mod error;
mod fetch;
mod hooks;
mod link;
mod multipart;
mod receive;
mod record;
mod request;
mod uploads;
mod visible;

use std::sync::Arc;

use axum::Router;
use platform::http::openapi::SecuritySchemes;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use config::App;
pub use config::{Config, ConnectError, Deps};
pub use fetch::Fetcher;

#[derive(OpenApi)]
#[openapi(
    info(title = "Gridkeep: uploads", version = "1"),
    tags(
        (name = "uploads", description = "Sending files, and what becomes of them"),
        (name = "doors", description = "Other ways in: a dataset's drop folder and its hooks"),
    ),
    components(schemas(contracts::Problem)),
    modifiers(&SecuritySchemes)
)]
struct Document;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(uploads::routes())
        .merge(drop_folder::routes())
        .merge(hooks::routes())
        .merge(receive::routes())
}

/// The bare routes, with absolute paths; who mounts them puts `platform::http::layer` around.
pub fn router(deps: Arc<Deps>) -> Router {
    routes().with_state(App(deps)).split_for_parts().0
}

/// This function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().split_for_parts().1
}
