//! One cell, read and printed by its column's type, format and null token. What [`parse`] takes, [`print`] gives back character
//! for character; that is what makes a typed column lossless.

use contracts::dataset::{Column, ColumnType, Format};

use crate::{
    datetime::{CANONICAL_DATE, CANONICAL_TIME, DateStyle, StampStyle, TimeStyle, date_of_pattern},
    infer::is_json,
    marks::MarkStyle,
    number::{self, FloatStyle},
    words,
};

/// A cell's value. Dates are days since 1970-01-01, times microseconds since midnight, timestamps microseconds since
/// 1970-01-01T00:00 (UTC where the column has a zone).
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

/// A text that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub String);

/// A column's spelling, ready to use many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    Text,
    Int64,
    Decimal,
    /// With a currency, thousands marks and the like around the plain number.
    MarkedInt64(MarkCodec),
    MarkedDecimal(MarkCodec),
    Float(FloatCodec),
    Boolean {
        yes: String,
        no: String,
    },
    Date(DateCodec),
    Time(TimeCodec),
    Timestamp(StampCodec),
    Timestamptz(StampCodec),
    Json,
}

macro_rules! opaque {
    ($($name:ident($inner:ty)),*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub(crate) $inner);
    )*};
}
opaque!(
    MarkCodec(MarkStyle),
    FloatCodec(FloatStyle),
    DateCodec(DateStyle),
    TimeCodec(TimeStyle),
    StampCodec(StampStyle)
);

impl MarkCodec {
    pub(crate) fn parse_int(&self, cell: &[u8]) -> Option<i64> {
        number::parse_int(self.0.parse(cell)?.as_bytes())
    }
}

impl Codec {
    /// The codec of a type and a format.
    ///
    /// # Errors
    /// The format is none of the type's.
    pub fn new(kind: ColumnType, format: Option<&Format>) -> Result<Self, Misfit> {
        let pattern = format.map(|format| format.0.as_str());
        let found = match (kind, pattern) {
            (ColumnType::Text, None) => Some(Self::Text),
            (ColumnType::Int64, None) => Some(Self::Int64),
            (ColumnType::Decimal, None) => Some(Self::Decimal),
            (ColumnType::Json, None) => Some(Self::Json),
            (ColumnType::Int64, Some(pattern)) => MarkStyle::of_pattern(pattern, true)
                .map(|style| Self::MarkedInt64(MarkCodec(style))),
            (ColumnType::Decimal, Some(pattern)) => MarkStyle::of_pattern(pattern, false)
                .map(|style| Self::MarkedDecimal(MarkCodec(style))),
            (ColumnType::Float, _) => FloatStyle::ALL
                .into_iter()
                .find(|style| style.pattern() == pattern)
                .map(|style| Self::Float(FloatCodec(style))),
            (ColumnType::Boolean, pattern) => pattern
                .unwrap_or("true|false")
                .split_once('|')
                .filter(|pair| words::BOOLEANS.contains(pair))
                .map(|(yes, no)| Self::Boolean {
                    yes: yes.to_owned(),
                    no: no.to_owned(),
                }),
            (ColumnType::Date, None) => Some(Self::Date(DateCodec(CANONICAL_DATE))),
            (ColumnType::Date, Some(pattern)) => date_of_pattern(pattern)
                .filter(|(_, rest)| rest.is_empty())
                .map(|(style, _)| Self::Date(DateCodec(style))),
            (ColumnType::Time, None) => Some(Self::Time(TimeCodec(CANONICAL_TIME))),
            (ColumnType::Time, Some(pattern)) => TimeStyle::of_pattern(pattern)
                .filter(|(_, rest)| rest.is_empty())
                .map(|(style, _)| Self::Time(TimeCodec(style))),
            (ColumnType::Timestamp, pattern) => stamp(pattern, false).map(Self::Timestamp),
            (ColumnType::Timestamptz, pattern) => stamp(pattern, true).map(Self::Timestamptz),
            _ => None,
        };
        found.ok_or_else(|| {
            Misfit(format!(
                "`{}` is no format of a {} column.",
                pattern.unwrap_or_default(),
                kind_name(kind)
            ))
        })
    }

    /// Reads a cell that is no null.
    ///
    /// # Errors
    /// The text does not fit.
    pub fn parse(&self, text: &str) -> Result<Value, Misfit> {
        let cell = text.as_bytes();
        let value = match self {
            Self::Text => Some(Value::Text(text.to_owned())),
            Self::Int64 => number::parse_int(cell).map(Value::Int64),
            Self::Decimal => number::shape(cell)
                .decimal
                .then(|| Value::Decimal(text.to_owned())),
            Self::MarkedInt64(style) => style.parse_int(cell).map(Value::Int64),
            Self::MarkedDecimal(style) => style.0.parse(cell).map(Value::Decimal),
            Self::Float(style) => number::parse_float(cell, style.0).map(Value::Float),
            Self::Boolean { yes, no } => match text {
                _ if text == yes => Some(Value::Boolean(true)),
                _ if text == no => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Date(style) => style.0.parse(cell).map(Value::Date),
            Self::Time(style) => style.0.parse(cell).map(Value::Time),
            Self::Timestamp(style) => style.0.parse(cell).map(Value::Timestamp),
            Self::Timestamptz(style) => style.0.parse(cell).map(Value::Timestamptz),
            Self::Json => is_json(cell).then(|| Value::Json(text.to_owned())),
        };
        value.ok_or_else(|| self.misfit(cell))
    }

    /// Prints a value; one of another type as its own canonical text.
    pub fn print(&self, value: &Value, out: &mut String) {
        match (self, value) {
            (Self::MarkedInt64(style), Value::Int64(number)) => {
                style.0.print(&number.to_string(), out);
            }
            (Self::MarkedDecimal(style), Value::Decimal(number)) => style.0.print(number, out),
            (_, Value::Text(text) | Value::Decimal(text) | Value::Json(text)) => out.push_str(text),
            (_, Value::Int64(number)) => out.push_str(&number.to_string()),
            (Self::Float(style), Value::Float(number)) => style.0.print(*number, out),
            (_, Value::Float(number)) => FloatStyle::Plain.print(*number, out),
            (Self::Boolean { yes, no }, Value::Boolean(value)) => {
                out.push_str(if *value { yes } else { no });
            }
            (_, Value::Boolean(value)) => out.push_str(if *value { "true" } else { "false" }),
            (Self::Date(style), Value::Date(days)) => style.0.print(*days, out),
            (_, Value::Date(days)) => CANONICAL_DATE.print(*days, out),
            (Self::Time(style), Value::Time(micros)) => style.0.print(*micros, out),
            (_, Value::Time(micros)) => CANONICAL_TIME.print(*micros, out),
            (Self::Timestamp(style), Value::Timestamp(micros))
            | (Self::Timestamptz(style), Value::Timestamptz(micros)) => {
                style.0.print(*micros, out);
            }
            (_, Value::Timestamp(micros)) => StampStyle::canonical(false).print(*micros, out),
            (_, Value::Timestamptz(micros)) => StampStyle::canonical(true).print(*micros, out),
        }
    }

    /// Says what was expected in the place of this cell.
    pub(crate) fn misfit(&self, cell: &[u8]) -> Misfit {
        let text = String::from_utf8_lossy(cell);
        let mut shown: String = text.chars().take(80).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Misfit(format!("`{shown}` is not {}.", self.expected()))
    }

    fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Int64 => "a whole number as it is printed (`1234`, no `+`, no leading zeros), at most 9223372036854775807".to_owned(),
            Self::Decimal => "a decimal number (`12.50`, no `+`, no leading zeros)".to_owned(),
            Self::MarkedInt64(style) => {
                format!("a whole number written as `{}`", style.0.pattern(true))
            }
            Self::MarkedDecimal(style) => {
                format!("a number written as `{}`", style.0.pattern(false))
            }
            Self::Float(style) => format!(
                "a number in its shortest spelling{}",
                style.0.pattern().map_or(String::new(), |pattern| format!(", written as `{pattern}`"))
            ),
            Self::Boolean { yes, no } => format!("`{yes}` or `{no}`"),
            Self::Date(style) => format!("a date written as `{}`", style.0.pattern()),
            Self::Time(style) => format!("a time written as `{}`", style.0.pattern()),
            Self::Timestamp(style) | Self::Timestamptz(style) => {
                format!("a date and time written as `{}`", style.0.pattern())
            }
            Self::Json => "a JSON object or array".to_owned(),
        }
    }
}

/// Reads what people and programs put into a column's cells: in the column's own spelling or the canonical one. Unlike a
/// file's, it need not be printed back as it was typed, so a float may have more digits than its shortest spelling.
#[derive(Clone, Debug)]
pub struct Reader {
    own: Codec,
    canonical: Codec,
    null_token: Option<String>,
}

impl Reader {
    /// # Errors
    /// The column's format is none of its type's.
    pub fn new(column: &Column) -> Result<Self, Misfit> {
        Ok(Self {
            own: Codec::new(column.kind, column.format.as_ref())?,
            canonical: Codec::new(column.kind, None)?,
            null_token: column.null_token.clone(),
        })
    }

    /// The value's canonical text; `None` is null.
    ///
    /// # Errors
    /// The text does not fit the column; the message says what does.
    pub fn read(&self, text: &str) -> Result<Option<String>, Misfit> {
        if self.null_token.as_deref() == Some(text) {
            return Ok(None);
        }
        if let Codec::Text = self.own {
            return Ok(Some(text.to_owned()));
        }
        let text = text.trim();
        let value = match self.own.parse(text) {
            Ok(value) => value,
            Err(misfit) => match (&self.own, self.canonical.parse(text), text.parse::<f64>()) {
                (_, Ok(value), _) => value,
                (Codec::Float(_), _, Ok(number)) if number.is_finite() => Value::Float(number),
                _ => return Err(misfit),
            },
        };
        let mut canonical = String::new();
        self.canonical.print(&value, &mut canonical);
        Ok(Some(canonical))
    }

    #[must_use]
    pub fn takes_numbers(&self) -> bool {
        matches!(
            self.own,
            Codec::Int64
                | Codec::Decimal
                | Codec::MarkedInt64(_)
                | Codec::MarkedDecimal(_)
                | Codec::Float(_)
        )
    }

    #[must_use]
    pub fn takes_booleans(&self) -> bool {
        matches!(self.own, Codec::Boolean { .. })
    }

    #[must_use]
    pub fn takes_json(&self) -> bool {
        matches!(self.own, Codec::Json)
    }

    /// What the column's cells look like, for a message.
    #[must_use]
    pub fn expected(&self) -> String {
        self.own.expected()
    }
}

fn stamp(pattern: Option<&str>, zoned: bool) -> Option<StampCodec> {
    match pattern {
        None => Some(StampStyle::canonical(zoned)),
        Some(pattern) => StampStyle::of_pattern(pattern, zoned),
    }
    .map(StampCodec)
}

pub(crate) fn kind_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Int64 => "int64",
        ColumnType::Decimal => "decimal",
        ColumnType::Float => "float",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Timestamptz => "timestamptz",
        ColumnType::Json => "json",
    }
}

/// The value in its column's spelling, as the file had it. `None` is null; a format that is none prints canonically.
#[must_use]
pub fn print(column: &Column, value: Option<&Value>) -> String {
    let mut out = String::new();
    match value {
        None => out.push_str(column.null_token.as_deref().unwrap_or_default()),
        Some(value) => Codec::new(column.kind, column.format.as_ref())
            .unwrap_or(Codec::Text)
            .print(value, &mut out),
    }
    out
}

/// Reads a cell as the file's own would be read. `None` is null.
///
/// # Errors
/// The text does not fit the column; the message says what does.
pub fn parse(column: &Column, text: &str) -> Result<Option<Value>, Misfit> {
    if column.null_token.as_deref() == Some(text) {
        return Ok(None);
    }
    Codec::new(column.kind, column.format.as_ref())?
        .parse(text)
        .map(Some)
}
