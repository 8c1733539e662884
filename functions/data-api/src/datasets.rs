//! `/datasets`: those shared with the caller, and one of them. Their rows are in [`crate::rows`].

use std::collections::{BTreeMap, HashSet};

use axum::extract::State;
use contracts::{
    DatasetId,
    dataset::{Column, ColumnType, Dataset, DatasetList, Format},
    names::checked_name,
    rules::Rules,
};
use http::StatusCode;
use platform::{
    access::{Access, Owner, Viewer},
    auth::Caller,
    http::{Json, Query, openapi::Problems},
};
use serde::Deserialize;
use store::{At, Store};
use tabular::{format::Reader, rules::Checker};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error, limit};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
/// What a row of PostgreSQL surely holds.
const COLUMNS_MAX: usize = 400;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_datasets, create_dataset))
        .routes(routes!(show_dataset, change_dataset, delete_dataset))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListDatasets {
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The datasets shared with the caller, newest first
///
/// A dataset made by an upload is listed from its first version.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(ListDatasets),
    responses((status = 200, description = "A page of datasets.", body = DatasetList), Problems))]
async fn list_datasets(
    caller: Caller,
    State(store): State<Store>,
    Query(query): Query<ListDatasets>,
) -> Result<Json<DatasetList>, Error> {
    let limit = limit(query.limit, PAGE, PAGE_MAX)?;
    let page = store
        .list_datasets(caller.user, query.cursor.as_deref(), limit)
        .await?;
    Ok(Json(DatasetList {
        datasets: page.datasets,
        next: page.next,
    }))
}

/// A column of a new dataset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewColumn {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[serde(rename = "type")]
    kind: ColumnType,
    /// One spelling of the type's, as an import finds it; the canonical one when left out.
    format: Option<Format>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDataset {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(min_items = 1, max_items = 400)]
    columns: Vec<NewColumn>,
}

/// Make an empty dataset
///
/// The caller owns it. Its first version has no rows.
#[utoipa::path(post, path = "/api/v1/datasets", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    request_body = NewDataset,
    responses((status = 201, description = "As it is now.", body = Dataset), Problems))]
async fn create_dataset(
    caller: Caller,
    State(store): State<Store>,
    Json(body): Json<NewDataset>,
) -> Result<(StatusCode, Json<Dataset>), Error> {
    let name = dataset_name(&body.name)?;
    let columns = columns(body.columns)?;
    let no = store.create_dataset(caller.user, name, columns).await?;
    Ok((
        StatusCode::CREATED,
        Json(store.show_dataset(no, caller.user).await?),
    ))
}

fn dataset_name(name: &str) -> Result<&str, Error> {
    checked_name(name).map_err(|e| Error::invalid("/name", format!("The dataset's name {e}.")))
}

fn columns(asked: Vec<NewColumn>) -> Result<Vec<Column>, Error> {
    if !(1..=COLUMNS_MAX).contains(&asked.len()) {
        return Err(Error::invalid(
            "/columns",
            format!("A dataset has 1 to {COLUMNS_MAX} columns."),
        ));
    }
    let mut names = HashSet::new();
    let mut columns = Vec::with_capacity(asked.len());
    for (no, column) in asked.into_iter().enumerate() {
        let pointer = |field: &str| format!("/columns/{no}/{field}");
        let name = checked_name(&column.name)
            .map_err(|e| Error::invalid(pointer("name"), format!("The column's name {e}.")))?;
        if !names.insert(name.to_owned()) {
            return Err(Error::invalid(
                pointer("name"),
                "Two columns have this name. Give each its own.",
            ));
        }
        let column = Column {
            id: String::new(),
            name: name.to_owned(),
            kind: column.kind,
            format: column.format,
            null_token: None,
        };
        Reader::new(&column).map_err(|misfit| Error::invalid(pointer("format"), misfit.0))?;
        columns.push(column);
    }
    Ok(columns)
}

/// A dataset at its head version
#[utoipa::path(get, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "As it is at this moment.", body = Dataset),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_dataset(
    access: Access<Viewer>,
    State(store): State<Store>,
) -> Result<Json<Dataset>, Error> {
    Ok(Json(store.show_dataset(access.no, access.user).await?))
}

/// What may be changed of a dataset itself; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeDataset {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// By column id: all the rules of that column. Columns that are not named keep theirs.
    rules: Option<BTreeMap<String, Rules>>,
}

/// Rename a dataset, or set the rules of its columns (owners)
///
/// Rules hold for what is written from then on: an import quarantines a record that breaks one, a commit refuses the cell. Rows
/// that are there already are not looked at.
#[utoipa::path(patch, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = ChangeDataset,
    responses((status = 200, description = "As it is now.", body = Dataset), Problems))]
async fn change_dataset(
    access: Access<Owner>,
    State(store): State<Store>,
    Json(body): Json<ChangeDataset>,
) -> Result<Json<Dataset>, Error> {
    if body.name.is_none() && body.rules.is_none() {
        return Err(Error::invalid(
            "/",
            "Say what to change: `name`, `rules` or both.",
        ));
    }
    let name = body.name.as_deref().map(dataset_name).transpose()?;
    if let Some(rules) = &body.rules {
        let columns = store
            .resolve(access.no, At::Version(access.head))
            .await?
            .shown_columns();
        for (id, rules) in rules {
            let column = columns.iter().find(|column| column.id == *id);
            let column = column.ok_or_else(|| {
                Error::invalid(
                    format!("/rules/{id}"),
                    "The dataset has no column of this id.",
                )
            })?;
            Checker::new(column, rules).map_err(|(rule, misfit)| {
                Error::invalid(format!("/rules/{id}/{rule}"), misfit.0)
            })?;
        }
    }
    store
        .change_dataset(access.no, name, body.rules.as_ref())
        .await?;
    Ok(Json(store.show_dataset(access.no, access.user).await?))
}

/// Delete a dataset with all its versions (owners)
#[utoipa::path(delete, path = "/api/v1/datasets/{id}", tag = "datasets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 204, description = "It is out of sight."), Problems))]
async fn delete_dataset(
    access: Access<Owner>,
    State(store): State<Store>,
) -> Result<StatusCode, Error> {
    store.delete_dataset(access.no).await?;
    tracing::info!(dataset.id = %access.dataset, user.id = %access.user, "dataset {} was deleted", access.dataset);
    Ok(StatusCode::NO_CONTENT)
}
