//! Which rows a view shows: INTERFACE's filter, checked against the version's columns, its values typed
//! parameters or, in the statement of a view, literals.

use contracts::dataset::ColumnType;
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result, StoredColumn, columns, numeric, statement::Values};

/// Conditions in one filter, the values of an `in` counted.
const CONDITIONS_MAX: usize = 1_000;

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

impl Filter {
    /// The condition, its values bound or written out. `pub(crate)`, because the columns in it must be those of the tables it is put upon.
    pub(crate) fn condition<V: Values>(
        &self,
        columns: &[StoredColumn],
        values: &mut V,
    ) -> Result<String> {
        let mut conditions = 0;
        self.build(columns, values, &mut conditions)
    }

    fn build<V: Values>(
        &self,
        columns: &[StoredColumn],
        binds: &mut V,
        conditions: &mut usize,
    ) -> Result<String> {
        let mut join = |parts: &[Self], word: &str, none: &str| -> Result<String> {
            let parts = parts
                .iter()
                .map(|part| part.build(columns, binds, conditions))
                .collect::<Result<Vec<_>>>()?;
            Ok(if parts.is_empty() {
                none.to_owned()
            } else {
                format!("({})", parts.join(word))
            })
        };
        match self {
            Self::And { and } => join(and, " and ", "true"),
            Self::Or { or } => join(or, " or ", "false"),
            Self::Cell(cell) => {
                *conditions += cell.value.as_array().map_or(1, Vec::len);
                if *conditions > CONDITIONS_MAX {
                    return Err(Error::invalid(
                        "filter",
                        format!("more than {CONDITIONS_MAX} conditions"),
                    ));
                }
                cell.condition(columns, binds)
            }
        }
    }
}

impl CellFilter {
    fn condition<V: Values>(&self, all: &[StoredColumn], binds: &mut V) -> Result<String> {
        let column = columns::find(all, &self.column)
            .ok_or_else(|| self.invalid(&format!("there is no column {:?}", self.column)))?;
        let sql = column.comparable();
        let kind = column.column.kind;
        let mut value = || self.value(kind, &self.value, binds);
        Ok(match self.op {
            Op::Eq => format!("{sql} = {}", value()?),
            Op::Ne => format!("{sql} is distinct from {}", value()?),
            Op::Lt => format!("{sql} < {}", value()?),
            Op::Le => format!("{sql} <= {}", value()?),
            Op::Gt => format!("{sql} > {}", value()?),
            Op::Ge => format!("{sql} >= {}", value()?),
            Op::IsNull => match self.value {
                Value::Null | Value::Bool(true) => format!("{sql} is null"),
                Value::Bool(false) => format!("{sql} is not null"),
                _ => return Err(self.invalid("is_null takes true or false")),
            },
            Op::In => {
                let Value::Array(values) = &self.value else {
                    return Err(self.invalid("in takes a list of values"));
                };
                if values.is_empty() {
                    return Ok("false".to_owned());
                }
                let values = values
                    .iter()
                    .map(|value| self.value(kind, value, binds))
                    .collect::<Result<Vec<_>>>()?;
                format!("{sql} in ({})", values.join(", "))
            }
            Op::Contains | Op::StartsWith
                if !matches!(kind, ColumnType::Text | ColumnType::Json) =>
            {
                return Err(self.invalid("contains and starts_with are for text"));
            }
            Op::Contains => format!("position({} in {sql}) > 0", value()?),
            Op::StartsWith => format!("starts_with({sql}, {})", value()?),
        })
    }

    fn invalid(&self, detail: &str) -> Error {
        Error::invalid("filter", format!("on {:?}: {detail}", self.column))
    }

    /// Binds one value of the column's type. It is checked here, so that a malformed one is the caller's error and not a failed
    /// statement.
    fn value<V: Values>(&self, kind: ColumnType, value: &Value, binds: &mut V) -> Result<String> {
        if value.is_null() {
            return Err(self.invalid("null is found with is_null"));
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            _ => return Err(self.invalid("the value must be a text, a number or a boolean")),
        };
        let bad = |wanted: &str| self.invalid(&format!("{text:?} is not {wanted}"));
        match kind {
            ColumnType::Text | ColumnType::Json => {
                if text.contains('\0') {
                    return Err(bad("a text that a cell can hold"));
                }
                binds.text(text, "text")
            }
            ColumnType::Int64 => {
                let number: i64 = text.parse().map_err(|_| bad("a whole number"))?;
                binds.int(number)
            }
            ColumnType::Decimal => {
                if numeric::encode(&text, &mut Vec::new()).is_none() {
                    return Err(bad("a plain decimal number"));
                }
                binds.text(text, "numeric")
            }
            ColumnType::Float => {
                let number: f64 = text.parse().map_err(|_| bad("a number"))?;
                if !number.is_finite() {
                    return Err(bad("a finite number"));
                }
                binds.float(number)
            }
            ColumnType::Boolean => {
                let yes: bool = text.parse().map_err(|_| bad("true or false"))?;
                binds.boolean(yes)
            }
            ColumnType::Date => {
                let date: civil::Date = text.parse().map_err(|_| bad("a date (2024-12-31)"))?;
                binds.text(date.to_string(), "date")
            }
            ColumnType::Time => {
                let time: civil::Time = text.parse().map_err(|_| bad("a time (23:59:59)"))?;
                binds.text(time.to_string(), "time")
            }
            ColumnType::Timestamp => {
                let moment: civil::DateTime = text
                    .parse()
                    .map_err(|_| bad("a date and time (2024-12-31T23:59:59)"))?;
                binds.text(moment.to_string(), "timestamp")
            }
            ColumnType::Timestamptz => {
                let moment: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| bad("a date and time with its zone (2024-12-31T23:59:59Z)"))?;
                binds.text(moment.to_string(), "timestamptz")
            }
        }
    }
}
