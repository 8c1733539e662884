//! Cells on their way out: the SQL that fetches one, and the JSON value that INTERFACE promises for it, made from
//! PostgreSQL's binary form.

use contracts::dataset::{CELL_CHARS_MAX, ColumnType};
use jiff::{civil, fmt::temporal::DateTimePrinter, tz::TimeZone};
use serde_json::{Value, json};
use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgRow, PgValueRef},
};

use crate::{Result, StoredColumn, numeric};

/// Microseconds from 1970 to 2000, and days.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The expression that fetches a cell for a page. A text that is too long comes as its first characters and, behind them, how
/// many it has: longer than [`CELL_CHARS_MAX`] is what no whole text can be.
pub(crate) fn cut_expression(column: &StoredColumn) -> String {
    cut_of(column, &column.sql)
}

/// The same for a value of the column from elsewhere than its table.
pub(crate) fn cut_of(column: &StoredColumn, expression: &str) -> String {
    let sql = match column.column.kind {
        ColumnType::Json => format!("{expression}::text"),
        _ => expression.to_owned(),
    };
    match column.column.kind {
        // octet_length reads no more than a long value's header, so that short ones cost nothing.
        ColumnType::Text | ColumnType::Json => format!(
            "case when octet_length({sql}) > {CELL_CHARS_MAX} and char_length({sql}) > {CELL_CHARS_MAX} \
             then left({sql}, {CELL_CHARS_MAX}) || char_length({sql})::text else {sql} end"
        ),
        _ => sql,
    }
}

/// The cell in place `at` of a fetched row, cut if it is long.
pub(crate) fn cut(row: &PgRow, at: usize, kind: ColumnType) -> Result<Value> {
    let value = whole(row, at, kind)?;
    Ok(match value {
        Value::String(text) if text.len() > CELL_CHARS_MAX => {
            match text.char_indices().nth(CELL_CHARS_MAX) {
                None => Value::String(text),
                Some((end, _)) => {
                    let (shown, rest) = text.split_at(end);
                    let chars = match kind {
                        ColumnType::Text | ColumnType::Json => rest.parse::<u64>().ok(),
                        _ => None,
                    };
                    json!({"cut": shown, "chars": chars.unwrap_or(text.chars().count() as u64)})
                }
            }
        }
        value => value,
    })
}

/// The cell in place `at` of a fetched row.
pub(crate) fn whole(row: &PgRow, at: usize, kind: ColumnType) -> Result<Value> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    value(&raw, kind).ok_or_else(|| {
        crate::Error::Database(sqlx::Error::ColumnDecode {
            index: at.to_string(),
            source: "not a value of the column's type".into(),
        })
    })
}

fn value(raw: &PgValueRef<'_>, kind: ColumnType) -> Option<Value> {
    let bytes = raw.as_bytes().ok()?;
    Some(match kind {
        ColumnType::Text | ColumnType::Json => {
            Value::String(std::str::from_utf8(bytes).ok()?.to_owned())
        }
        ColumnType::Int64 => Value::String(i64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        ColumnType::Decimal => Value::String(numeric::decode(bytes)?),
        ColumnType::Float => f64::from_be_bytes(bytes.try_into().ok()?).into(),
        ColumnType::Boolean => Value::Bool(bytes == [1]),
        ColumnType::Date => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            let epoch = civil::date(2000, 1, 1);
            let date = epoch
                .checked_add(jiff::Span::new().try_days(days).ok()?)
                .ok()?;
            Value::String(date.to_string())
        }
        ColumnType::Time => Value::String(time(i64::from_be_bytes(bytes.try_into().ok()?))),
        ColumnType::Timestamp => Value::String(
            moment(bytes)?
                .to_zoned(TimeZone::UTC)
                .datetime()
                .to_string(),
        ),
        ColumnType::Timestamptz => {
            let mut text = String::new();
            DateTimePrinter::new()
                .print_timestamp(&moment(bytes)?, &mut text)
                .ok()?;
            Value::String(text)
        }
    })
}

fn moment(bytes: &[u8]) -> Option<jiff::Timestamp> {
    let micros = i64::from_be_bytes(bytes.try_into().ok()?);
    jiff::Timestamp::from_microsecond(micros.checked_add(EPOCH_MICROS)?).ok()
}

/// `24:00:00`, which PostgreSQL knows and civil time does not, included.
fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}
