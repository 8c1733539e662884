//! stub
use contracts::dataset::Column;

/// A cell's value. Dates are days since 1970-01-01, times microseconds since midnight, timestamps microseconds since 1970-01-01T00:00.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int64(i64),
    Decimal(String),
    Float(f64),
    Boolean(bool),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    Timestamptz(i64),
    Json(String),
}

/// A cell that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub String);

/// The value in its column's spelling, as the file had it.
#[must_use]
pub fn print(_column: &Column, _value: Option<&Value>) -> String { todo!() }
/// `None` is null.
pub fn parse(_column: &Column, _text: &str) -> Result<Option<Value>, Misfit> { todo!() }
