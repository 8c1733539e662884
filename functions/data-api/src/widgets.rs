//! `/datasets/{id}/widgets`: the dashboard that a dataset's people share. `store::widgets` keeps each one's numbers; the
//! consumer brings them to each new version.

use axum::extract::State;
use contracts::{
    Code, DatasetId, Problem, WidgetId,
    widget::{
        GROUPS_MAX, GroupOrder, Position, TITLE_CHARS_MAX, Widget, WidgetDefinition, WidgetKind,
        WidgetList,
    },
};
use http::StatusCode;
use platform::{
    access::{Access, Editor, Viewer},
    http::{Json, Path, openapi::Problems},
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use store::Store;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{config::App, error::Error, filter};

const COLUMNS: u32 = 12;
const ROWS_DOWN_MAX: u32 = 10_000;
/// Bars that a person can still tell apart.
const BARS: u32 = 50;
/// A change is made anew on what somebody else has changed meanwhile so often.
const TRIES: u32 = 5;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_widgets, create_widget))
        .routes(routes!(show_widget, update_widget, delete_widget))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWidget {
    #[schema(max_length = 200)]
    title: String,
    kind: WidgetKind,
    /// A column, or `col_3:month` (day, week, month, quarter, year) of one that holds dates. A number has none, the others need
    /// one.
    group: Option<String>,
    /// `count`, or `count:col_3`, `sum:…`, `avg:…`, `min:…`, `max:…`.
    #[schema(min_items = 1, max_items = 5)]
    measures: Vec<String>,
    /// As of the rows.
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// When left out: bars by measure, lines by group.
    sort: Option<GroupOrder>,
    /// When left out: 50 bars, 1,000 points of a line.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// When left out: below all the others.
    position: Option<Position>,
}

/// What is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WidgetChange {
    #[schema(max_length = 200)]
    title: Option<String>,
    kind: Option<WidgetKind>,
    /// Null for no groups.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    group: Option<Option<String>>,
    #[schema(min_items = 1, max_items = 5)]
    measures: Option<Vec<String>>,
    /// Null for all rows.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Option<Value>>,
    sort: Option<GroupOrder>,
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    position: Option<Position>,
}

/// Tells a null that was sent from a field that was not.
fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WidgetPath {
    /// The dataset.
    #[param(value_type = DatasetId)]
    #[expect(dead_code, reason = "read by Access; here for the OpenAPI document")]
    id: String,
    /// The widget.
    #[param(value_type = WidgetId)]
    widget_id: String,
}

impl WidgetPath {
    /// An id that is none is like a widget that is not there.
    fn widget(&self) -> Result<WidgetId, Error> {
        self.widget_id
            .parse()
            .map_err(|_| Error::Store(store::Error::NotFound("widget")))
    }
}

/// The dashboard of a dataset
///
/// Each widget says of which version its numbers are; soon after a new one they are of that.
#[utoipa::path(get, path = "/api/v1/datasets/{id}/widgets", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    responses((status = 200, description = "From top to bottom, then from left to right.", body = WidgetList),
        (status = 304, description = "As the client has it."), Problems))]
async fn list_widgets(
    access: Access<Viewer>,
    State(store): State<Store>,
) -> Result<Json<WidgetList>, Error> {
    Ok(Json(WidgetList {
        widgets: store.list_widgets(access.no).await?,
    }))
}

/// Add a widget (editors)
#[utoipa::path(post, path = "/api/v1/datasets/{id}/widgets", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(("id" = DatasetId, Path, description = "The dataset.")),
    request_body = NewWidget,
    responses((status = 201, description = "With its numbers.", body = Widget), Problems))]
async fn create_widget(
    access: Access<Editor>,
    State(store): State<Store>,
    Json(new): Json<NewWidget>,
) -> Result<(StatusCode, Json<Widget>), Error> {
    let position = match new.position {
        Some(position) => position,
        None => below(&store.list_widgets(access.no).await?, new.kind),
    };
    let (sort, limit) = match new.kind {
        WidgetKind::Number => (GroupOrder::Group, 1),
        WidgetKind::Bar => (GroupOrder::Measure, BARS),
        WidgetKind::Line => (GroupOrder::Group, GROUPS_MAX),
    };
    let definition = checked(WidgetDefinition {
        title: new.title,
        kind: new.kind,
        group: new.group,
        measures: new.measures,
        filter: new.filter,
        sort: new.sort.unwrap_or(sort),
        limit: new.limit.unwrap_or(limit),
        position,
    })?;
    let widget = store.create_widget(access.no, &definition).await?;
    tracing::info!(dataset.id = %access.dataset, widget.id = %widget.id, "a widget was added");
    Ok((StatusCode::CREATED, Json(widget)))
}

/// One widget
#[utoipa::path(get, path = "/api/v1/datasets/{id}/widgets/{widget_id}", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(WidgetPath),
    responses((status = 200, description = "With its numbers.", body = Widget),
        (status = 304, description = "As the client has it."), Problems))]
async fn show_widget(
    access: Access<Viewer>,
    State(store): State<Store>,
    Path(path): Path<WidgetPath>,
) -> Result<Json<Widget>, Error> {
    Ok(Json(store.show_widget(access.no, path.widget()?).await?))
}

/// Change a widget (editors)
#[utoipa::path(patch, path = "/api/v1/datasets/{id}/widgets/{widget_id}", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(WidgetPath),
    request_body = WidgetChange,
    responses((status = 200, description = "As changed, with its numbers.", body = Widget), Problems))]
async fn update_widget(
    access: Access<Editor>,
    State(store): State<Store>,
    Path(path): Path<WidgetPath>,
    Json(change): Json<WidgetChange>,
) -> Result<Json<Widget>, Error> {
    let id = path.widget()?;
    for _ in 0..TRIES {
        let seen = store.show_widget(access.no, id).await?.definition;
        let definition = checked(change.apply(seen.clone()))?;
        if let Some(widget) = store
            .update_widget(access.no, id, &seen, &definition)
            .await?
        {
            return Ok(Json(widget));
        }
    }
    Err(Error::Problem(Problem::new(
        Code::Conflict,
        "The widget is being changed by others at this moment. Nothing was changed; try again.",
    )))
}

/// Delete a widget (editors)
#[utoipa::path(delete, path = "/api/v1/datasets/{id}/widgets/{widget_id}", tag = "widgets",
    security(("cookie" = []), ("bearer" = [])),
    params(WidgetPath),
    responses((status = 204, description = "It is no more."), Problems))]
async fn delete_widget(
    access: Access<Editor>,
    State(store): State<Store>,
    Path(path): Path<WidgetPath>,
) -> Result<StatusCode, Error> {
    let id = path.widget()?;
    store.delete_widget(access.no, id).await?;
    tracing::info!(dataset.id = %access.dataset, widget.id = %id, "a widget was deleted");
    Ok(StatusCode::NO_CONTENT)
}

impl WidgetChange {
    fn apply(&self, mut definition: WidgetDefinition) -> WidgetDefinition {
        fn put<T: Clone>(field: &mut T, change: &Option<T>) {
            if let Some(value) = change {
                *field = value.clone();
            }
        }
        put(&mut definition.title, &self.title);
        put(&mut definition.kind, &self.kind);
        put(&mut definition.group, &self.group);
        put(&mut definition.measures, &self.measures);
        put(&mut definition.filter, &self.filter);
        put(&mut definition.sort, &self.sort);
        put(&mut definition.limit, &self.limit);
        put(&mut definition.position, &self.position);
        definition
    }
}

/// Whatever can be said without the dataset's columns; `store` checks the rest against them.
fn checked(mut definition: WidgetDefinition) -> Result<WidgetDefinition, Error> {
    definition.title = definition.title.trim().to_owned();
    if !(1..=TITLE_CHARS_MAX).contains(&definition.title.chars().count())
        || definition.title.contains('\0')
    {
        return Err(Error::invalid(
            "title",
            format!("A title has 1 to {TITLE_CHARS_MAX} characters."),
        ));
    }
    match (definition.kind, &definition.group) {
        (WidgetKind::Number, Some(_)) => {
            return Err(Error::invalid("group", "A number has no groups."));
        }
        (WidgetKind::Bar | WidgetKind::Line, None) => {
            return Err(Error::invalid(
                "group",
                "Bars and lines need a column to group by.",
            ));
        }
        _ => {}
    }
    // Kept only if it says something; its shape is that of the rows' filter.
    let filter = definition.filter.take().filter(|filter| !filter.is_null());
    definition.filter = match filter {
        Some(filter) => filter::read_value(&filter)?.map(|_| filter),
        None => None,
    };
    let Position { x, y, w, h } = definition.position;
    if w == 0 || h == 0 || h > COLUMNS || y > ROWS_DOWN_MAX || x.saturating_add(w) > COLUMNS {
        return Err(Error::invalid(
            "position",
            format!(
                "A widget lies within {COLUMNS} columns: `x` + `w` at most {COLUMNS}, `w` and `h` at least 1, `h` at most {COLUMNS}."
            ),
        ));
    }
    Ok(definition)
}

/// The first free place below all others.
fn below(widgets: &[Widget], kind: WidgetKind) -> Position {
    let y = widgets
        .iter()
        .map(|widget| widget.definition.position.y + widget.definition.position.h)
        .max()
        .unwrap_or(0);
    let (w, h) = match kind {
        WidgetKind::Number => (4, 2),
        WidgetKind::Bar | WidgetKind::Line => (6, 4),
    };
    Position { x: 0, y, w, h }
}
