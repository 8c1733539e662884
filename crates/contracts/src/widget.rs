//! Widgets: what a chart of a dataset shows, and its numbers. Each is backed by a view that shows published rows only.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Problem, WidgetId, dataset::ColumnType};

/// Groups of one widget or aggregate at most.
pub const GROUPS_MAX: u32 = 1_000;
/// Measures of one widget or aggregate at most.
pub const MEASURES_MAX: usize = 5;
/// Longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Widgets of one dataset at most.
pub const WIDGETS_MAX: usize = 100;

/// How a widget is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WidgetKind {
    /// One number for all rows.
    Number,
    Bar,
    Line,
}

/// Which groups come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupOrder {
    /// By the group's value, rising, null last.
    Group,
    /// By the first measure, falling.
    Measure,
}

/// Place on a grid of 12 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    #[schema(minimum = 0, maximum = 11)]
    pub x: u32,
    #[schema(minimum = 0, maximum = 10_000)]
    pub y: u32,
    #[schema(minimum = 1, maximum = 12)]
    pub w: u32,
    #[schema(minimum = 1, maximum = 12)]
    pub h: u32,
}

/// What a widget shows, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WidgetDefinition {
    #[schema(max_length = 200)]
    pub title: String,
    pub kind: WidgetKind,
    /// A column, or `col_3:month` (day, week, month, quarter, year) of one that holds dates; null without groups.
    pub group: Option<String>,
    /// `count`, or `count:col_3`, `sum:…`, `avg:…`, `min:…`, `max:…`.
    #[schema(min_items = 1, max_items = 5)]
    pub measures: Vec<String>,
    /// As of the rows; null for all of them.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Value>,
    pub sort: GroupOrder,
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: u32,
    pub position: Position,
}

/// One column of the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeriesColumn {
    /// `carrier`, `month of date`, `count`, `sum of distance`
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// The numbers: one row per group, the group first, then the measures; without groups one row of measures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    pub columns: Vec<SeriesColumn>,
    #[schema(value_type = Vec<Vec<Value>>)]
    pub rows: Vec<Vec<Value>>,
    /// Whether there are groups beyond the limit.
    pub more: bool,
}

/// A widget with its numbers, which are of one version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Widget {
    pub id: WidgetId,
    #[serde(flatten)]
    pub definition: WidgetDefinition,
    /// The version of the numbers; null while there are none.
    pub version: Option<i64>,
    /// When that version was published: UTC, six decimals.
    pub published_at: Option<String>,
    /// When the numbers were made.
    pub refreshed_at: Option<String>,
    #[serde(flatten)]
    pub series: Series,
    /// Of a number: its row at the version that was shown before.
    #[schema(value_type = Option<Vec<Value>>)]
    pub previous: Option<Vec<Value>>,
    /// Why there are no numbers, and how to mend it.
    pub problem: Option<Problem>,
}

/// A dataset's dashboard.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WidgetList {
    /// From top to bottom, then from left to right.
    pub widgets: Vec<Widget>,
}

/// Numbers computed for this answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Aggregate {
    pub version: i64,
    /// UTC, six decimals.
    pub published_at: String,
    #[serde(flatten)]
    pub series: Series,
}
