//! `/datasets/{id}/aggregate`: groups and measures of any version, computed when asked. `store::aggregate` knows how; what is
//! asked often belongs into a widget ([`crate::widgets`]), which keeps it.

use axum::{extract::State, response::Response};
use contracts::{
    DatasetId,
    widget::{Aggregate, GroupOrder},
};
use http::HeaderMap;
use platform::{
    access::{Access, Viewer},
    http::{Query, openapi::Problems},
};
use serde::Deserialize;
use store::{At, Store, aggregate::Aggregation};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::App,
    error::Error,
    filter,
    kept::{self, Of},
};

/// Changes whenever the same numbers would be written otherwise.
const WRITING: &str = "aggregate-1";
const LIMIT: u32 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_aggregate))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AggregateParams {
    /// A column, or `col_3:month` (day, week, month, quarter, year) of one that holds dates. All rows together when left out.
    group: Option<String>,
    /// With commas between: `count`, or `count:col_3`, `sum:…`, `avg:…`, `min:…`, `max:…`.
    measures: String,
    /// JSON, as of the rows.
    filter: Option<String>,
    /// Which groups come first; by `group` when left out.
    #[param(inline)]
    sort: Option<GroupOrder>,
    /// Groups at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// The head when left out.
    #[param(minimum = 1)]
    version: Option<i64>,
}

/// Groups and measures of a version
#[utoipa::path(get, path = "/api/v1/datasets/{id}/aggregate", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset."), AggregateParams),
    responses((status = 200, description = "One row per group.", body = Aggregate,
            headers(("X-Cache" = String, description = "`hit`, `miss`, or `bypass` while the cache is not to be had."))),
        (status = 304, description = "As the client has it: a version never changes."),
        (status = 410, description = "The version is no longer kept."), Problems))]
async fn show_aggregate(
    access: Access<Viewer>,
    State(store): State<Store>,
    State(App(deps)): State<App>,
    headers: HeaderMap,
    Query(params): Query<AggregateParams>,
) -> Result<Response, Error> {
    let version = match params.version {
        None => access.head,
        Some(version @ 1..) => version,
        Some(_) => return Err(Error::invalid("version", "Versions count from 1.")),
    };
    let aggregation = Aggregation {
        group: params.group.as_deref().map(str::parse).transpose()?,
        measures: params
            .measures
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()?,
        filter: params
            .filter
            .as_deref()
            .map(filter::parse)
            .transpose()?
            .flatten(),
        order: params.sort.unwrap_or(GroupOrder::Group),
        limit: params.limit.unwrap_or(LIMIT),
    };
    let asked = format!("{aggregation:?}");
    let of = Of {
        writing: WRITING,
        dataset: access.dataset,
        version,
        asked: &asked,
    };
    let made = async {
        let numbers = store
            .aggregate(access.no, At::Version(version), &aggregation)
            .await?;
        Ok(serde_json::to_vec(&numbers)?)
    };
    kept::answer(&deps, &headers, of, made).await
}
