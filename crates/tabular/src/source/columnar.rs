//! Parquet as delimited text, row group by row group: memory is a page of each column. Numbers, dates and times are printed so
//! that nothing of them is lost, nested values as JSON. Next: [`super::delimited`].

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{
        ArrowDictionaryKeyType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
        Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
        DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type,
        Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
        Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};

use super::{
    Input, Take,
    delimited::Writer,
    print::{date, number, time_of_day},
    unharmed,
};
use crate::FileError;

/// Rows that are decoded at once.
const ROWS: usize = 1_024;
/// Columns that are decoded side by side, each in memory of its own, left out or not.
const READ_COLUMNS_MAX: usize = 1_000;

pub(super) fn pour(input: &Input, take: &mut Take<'_>) -> Result<(), FileError> {
    let reader = unharmed(damaged, || {
        let mut magic = [0; 4];
        std::io::Read::read_exact(&mut input.start(), &mut magic)?;
        if &magic == b"PARE" {
            return Err(FileError::Encrypted);
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(input.clone()).map_err(fault)?;
        let columns = builder.schema().fields().len();
        if columns > READ_COLUMNS_MAX {
            return Err(FileError::TooManyColumns { columns });
        }
        builder.with_batch_size(ROWS).build().map_err(fault)
    })?;
    let mut out = Writer::new(take);
    let mut reader = reader;
    let schema = arrow_array::RecordBatchReader::schema(&reader);
    for field in schema.fields() {
        out.cell(field.name());
    }
    if schema.fields().is_empty() {
        return Ok(());
    }
    out.end_record()?;
    let mut text = String::new();
    while out.is_open() {
        let next = unharmed(damaged, || Ok(reader.next()))?;
        let Some(batch) = next else { break };
        let batch: RecordBatch = batch.map_err(|_| damaged())?;
        for row in 0..batch.num_rows() {
            for column in batch.columns() {
                text.clear();
                if print(column.as_ref(), row, &mut text) {
                    out.cell(&text);
                } else {
                    out.missing();
                }
            }
            out.end_record()?;
        }
    }
    out.flush()
}

fn damaged() -> FileError {
    FileError::Unreadable(
        "The Parquet file is damaged: a part of it cannot be decoded. Write it again, or export it as CSV."
            .to_owned(),
    )
}

fn fault(error: ParquetError) -> FileError {
    match error {
        ParquetError::NYI(what) => FileError::Unsupported(format!(
            "The Parquet file uses something that cannot be read here ({what}). Export it as CSV."
        )),
        _ => FileError::Unreadable(
            "The Parquet file has no readable footer. It was probably cut off on its way; upload it again."
                .to_owned(),
        ),
    }
}

/// Prints a value as a cell's text; false for null.
fn print(array: &dyn Array, row: usize, out: &mut String) -> bool {
    use std::fmt::Write as _;
    if array.is_null(row) {
        return false;
    }
    macro_rules! value {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    macro_rules! shown {
        ($value:expr) => {{
            // Writing to a String cannot fail.
            let _ = write!(out, "{}", $value);
        }};
    }
    match array.data_type() {
        DataType::Null => return false,
        DataType::Boolean => shown!(array.as_boolean().value(row)),
        DataType::Int8 => shown!(value!(Int8Type)),
        DataType::Int16 => shown!(value!(Int16Type)),
        DataType::Int32 => shown!(value!(Int32Type)),
        DataType::Int64 => shown!(value!(Int64Type)),
        DataType::UInt8 => shown!(value!(UInt8Type)),
        DataType::UInt16 => shown!(value!(UInt16Type)),
        DataType::UInt32 => shown!(value!(UInt32Type)),
        DataType::UInt64 => shown!(value!(UInt64Type)),
        DataType::Float16 => short(f32::from(value!(Float16Type)), out),
        DataType::Float32 => short(value!(Float32Type), out),
        DataType::Float64 => number(value!(Float64Type), out),
        DataType::Decimal32(..) => {
            out.push_str(&array.as_primitive::<Decimal32Type>().value_as_string(row));
        }
        DataType::Decimal64(..) => {
            out.push_str(&array.as_primitive::<Decimal64Type>().value_as_string(row));
        }
        DataType::Decimal128(..) => {
            out.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row));
        }
        DataType::Decimal256(..) => {
            out.push_str(&array.as_primitive::<Decimal256Type>().value_as_string(row));
        }
        DataType::Date32 => date(i64::from(value!(Date32Type)), out),
        DataType::Date64 => moment(value!(Date64Type), TimeUnit::Millisecond, false, out),
        DataType::Time32(TimeUnit::Second) => {
            time_of_day(i64::from(value!(Time32SecondType)) * 1_000_000_000, out);
        }
        DataType::Time32(_) => {
            time_of_day(i64::from(value!(Time32MillisecondType)) * 1_000_000, out);
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            time_of_day(value!(Time64MicrosecondType).saturating_mul(1_000), out);
        }
        DataType::Time64(_) => time_of_day(value!(Time64NanosecondType), out),
        DataType::Timestamp(unit, zone) => {
            let value = match unit {
                TimeUnit::Second => value!(TimestampSecondType),
                TimeUnit::Millisecond => value!(TimestampMillisecondType),
                TimeUnit::Microsecond => value!(TimestampMicrosecondType),
                TimeUnit::Nanosecond => value!(TimestampNanosecondType),
            };
            moment(value, *unit, zone.is_some(), out);
        }
        DataType::Duration(unit) => shown!(match unit {
            TimeUnit::Second => value!(DurationSecondType),
            TimeUnit::Millisecond => value!(DurationMillisecondType),
            TimeUnit::Microsecond => value!(DurationMicrosecondType),
            TimeUnit::Nanosecond => value!(DurationNanosecondType),
        }),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), out),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row), out),
        DataType::BinaryView => bytes(array.as_binary_view().value(row), out),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row), out),
        DataType::Dictionary(key, _) => return entry(array, key, row, out),
        _ => json(array, row, out),
    }
    true
}

/// The value that a dictionary's key stands for.
fn entry(array: &dyn Array, key: &DataType, row: usize, out: &mut String) -> bool {
    fn of<K: ArrowDictionaryKeyType>(array: &dyn Array, row: usize, out: &mut String) -> bool {
        let dictionary = array.as_dictionary::<K>();
        dictionary
            .key(row)
            .is_some_and(|key| print(dictionary.values().as_ref(), key, out))
    }
    match key {
        DataType::Int8 => of::<Int8Type>(array, row, out),
        DataType::Int16 => of::<Int16Type>(array, row, out),
        DataType::Int64 => of::<Int64Type>(array, row, out),
        DataType::UInt8 => of::<UInt8Type>(array, row, out),
        DataType::UInt16 => of::<UInt16Type>(array, row, out),
        DataType::UInt32 => of::<UInt32Type>(array, row, out),
        DataType::UInt64 => of::<UInt64Type>(array, row, out),
        _ => of::<Int32Type>(array, row, out),
    }
}

/// A value inside of a nested one.
fn json(array: &dyn Array, row: usize, out: &mut String) {
    if array.is_null(row) {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            out.push('{');
            for (at, (field, column)) in fields.iter().zip(columns).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                string(field.name(), out);
                out.push(':');
                json(column.as_ref(), row, out);
            }
            out.push('}');
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref(), out),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref(), out),
        DataType::FixedSizeList(..) => {
            list(array.as_fixed_size_list().value(row).as_ref(), out);
        }
        DataType::ListView(_) => list(array.as_list_view::<i32>().value(row).as_ref(), out),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            // Keys of a map need not be strings, nor be all different: pairs lose nothing.
            out.push('[');
            for at in 0..entries.len() {
                if at > 0 {
                    out.push(',');
                }
                out.push('[');
                json(entries.column(0).as_ref(), at, out);
                out.push(',');
                json(entries.column(1).as_ref(), at, out);
                out.push(']');
            }
            out.push(']');
        }
        kind => {
            let mut text = String::new();
            let valued = print_plain(array, row, &mut text);
            let bare = kind == &DataType::Boolean
                || kind.is_integer()
                || (kind.is_numeric()
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b"+-.e".contains(&b)));
            match (valued, bare) {
                (false, _) => out.push_str("null"),
                (true, true) => out.push_str(&text),
                (true, false) => string(&text, out),
            }
        }
    }
}

/// A value of no nested type; false for null and for types that have no text.
fn print_plain(array: &dyn Array, row: usize, out: &mut String) -> bool {
    match array.data_type() {
        DataType::Interval(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::LargeListView(_) => {
            out.push_str(&format!("{:?}", array.slice(row, 1)));
            true
        }
        _ => print(array, row, out),
    }
}

fn list(items: &dyn Array, out: &mut String) {
    out.push('[');
    for at in 0..items.len() {
        if at > 0 {
            out.push(',');
        }
        json(items, at, out);
    }
    out.push(']');
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// A float of single precision in its own shortest digits.
fn short(value: f32, out: &mut String) {
    match value.to_string().parse() {
        Ok(same) => number(same, out),
        Err(_) => number(f64::from(value), out),
    }
}

fn moment(value: i64, unit: TimeUnit, zoned: bool, out: &mut String) {
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let per_day = 86_400 * per_second;
    date(value.div_euclid(per_day), out);
    out.push('T');
    time_of_day(
        value.rem_euclid(per_day) * (1_000_000_000 / per_second),
        out,
    );
    if zoned {
        out.push('Z');
    }
}

/// Old writers mark their strings as nothing but bytes.
fn bytes(value: &[u8], out: &mut String) {
    match std::str::from_utf8(value) {
        Ok(text) => out.push_str(text),
        Err(_) => {
            out.push_str("\\x");
            hex(value, out);
        }
    }
}

fn hex(value: &[u8], out: &mut String) {
    for byte in value {
        out.push_str(&format!("{byte:02x}"));
    }
}
