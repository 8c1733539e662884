//! Which rows a view shows: INTERFACE's filter, checked against the version's columns and bound as typed parameters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `{"and": [{"column", "op", "value"}, {"or": […]}]}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Filter {
    And { and: Vec<Filter> },
    Or { or: Vec<Filter> },
    Cell(CellFilter),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellFilter {
    /// Column id or name (an id wins).
    pub column: String,
    pub op: Op,
    #[serde(default)]
    pub value: Value,
}

/// `eq` and `ne` split the rows between them: a null is `ne` to every value. Texts compare with their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    /// `value` true or left out: null; false: not null.
    IsNull,
    Contains,
    StartsWith,
}

impl Filter {
    /// The equality filter.
    #[must_use]
    pub fn eq(column: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Cell(CellFilter {
            column: column.into(),
            op: Op::Eq,
            value: value.into(),
        })
    }
}
