//! What the OpenAPI document says of every route: the two ways to say who asks (`cookie` and `bearer`), and its problems.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, Modify,
    openapi::{
        ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::ACCESS_COOKIE;

/// `#[openapi(modifiers(&SecuritySchemes))]`, and `security(("cookie" = []), ("bearer" = []))` at a route.
#[derive(Clone, Copy, Debug)]
pub struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                ACCESS_COOKIE,
                "The browser's session. Writes also need the page's own Origin. In development the name carries the port.",
            ))),
        );
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some(
                        "An API token (gk_…) or an access token. Wins over a cookie.",
                    ))
                    .build(),
            ),
        );
    }
}

/// The problems that any route may answer with: `responses((status = 200, body = …), Problems)`.
#[derive(Clone, Copy, Debug)]
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            (
                "400",
                "Something in the request is not valid; `pointer` names it.",
            ),
            ("401", "Nobody is signed in, or the token is no good."),
            ("403", "The caller's role does not allow it."),
            (
                "404",
                "There is no such thing, or it is not shared with the caller.",
            ),
            ("default", "Another problem."),
        ]
        .into_iter()
        .map(|(status, description)| {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let response = ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content)
                .build();
            (status.to_owned(), response.into())
        })
        .collect()
    }
}
