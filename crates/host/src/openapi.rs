//! The whole OpenAPI document: what the HTTP functions say of their routes, put together. It is committed as
//! `docs/openapi.json`, from which the page's client types are made; a test compares the two.

use utoipa::openapi::{Info, OpenApi};

/// The document of all functions.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut all = data_api::openapi();
    all.merge(presign::openapi());
    all.merge(auth::openapi());
    let mut info = Info::new("Gridkeep", "1");
    info.description =
        Some("Spreadsheets to versioned tables: uploads, datasets, versions, rows.".to_owned());
    all.info = info;
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_what_the_routes_say() {
        let committed = include_str!("../../../docs/openapi.json");
        let generated = openapi().to_pretty_json().unwrap() + "\n";
        assert!(
            committed == generated,
            "docs/openapi.json is stale: run `make openapi`"
        );
    }
}
