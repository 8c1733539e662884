//! Rules of a column, which every new value has to keep: an import quarantines a record that breaks one, a commit refuses the
//! cell. What is in the table already is not looked at. `tabular::rules` checks them; whether a value is `unique` only the table
//! itself can say (`store::unique`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest pattern, in characters.
pub const PATTERN_CHARS_MAX: usize = 1_000;
/// Most values in a list.
pub const ONE_OF_MAX: usize = 1_000;

/// What the values of a column must be. Null keeps every rule but `required`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Not null, and in a text column not empty.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// In no other row: of any column but one of floats or JSON. Null may be in many.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// The least value, as the API writes it; of numbers, dates and times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// The greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// A regular expression that the whole text matches, without look-around and back references; of a text column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub pattern: Option<String>,
    /// The values that there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 1000)]
    pub one_of: Option<Vec<String>>,
}

/// Rules by the id of their column.
pub type ColumnRules = BTreeMap<String, Rules>;
