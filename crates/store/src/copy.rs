//! Arrow record batches as PostgreSQL's binary COPY stream: `row_id`, `born`, then the batch's own columns.

use arrow_array::{
    Array, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use contracts::{dataset::ColumnType, events::PLACE_FIELDS};

use crate::{Error, Result, StoredColumn, numeric};

/// Opens every binary COPY stream: signature, flags, no header extension.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Closes it.
pub(crate) const TRAILER: &[u8] = &[0xff, 0xff];

/// From 1970-01-01, Arrow's day and second zero, to PostgreSQL's, 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

enum Cells<'a> {
    Text(&'a StringArray),
    Decimal(&'a StringArray),
    Int64(&'a Int64Array),
    Float(&'a Float64Array),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

/// The stored columns of a batch's fields, in the batch's order. A field that the plan does not know is poison.
pub(crate) fn columns_of<'a>(
    rows: &RecordBatch,
    columns: &'a [StoredColumn],
) -> Result<Vec<&'a StoredColumn>> {
    rows.schema()
        .fields()
        .iter()
        .map(|field| {
            columns
                .iter()
                .find(|c| c.column.id == *field.name())
                .ok_or_else(|| {
                    Error::Poison(
                        format!(
                            "the batch has a column {:?} that its plan lacks",
                            field.name()
                        ),
                        None,
                    )
                })
        })
        .collect()
}

/// Appends the batch's rows, the first with id `row_lo`, all born in `commit`.
pub(crate) fn encode(
    rows: &RecordBatch,
    columns: &[&StoredColumn],
    row_lo: i64,
    commit: i64,
    out: &mut Vec<u8>,
) -> Result<()> {
    let cells = rows
        .columns()
        .iter()
        .zip(columns)
        .map(|(array, column)| cells_of(array.as_ref(), column))
        .collect::<Result<Vec<_>>>()?;
    let fields = i16::try_from(cells.len() + 2)
        .map_err(|_| Error::Poison("the batch has too many columns".to_owned(), None))?;
    for (row_id, row) in (row_lo..).zip(0..rows.num_rows()) {
        out.extend_from_slice(&fields.to_be_bytes());
        put(out, &row_id.to_be_bytes());
        put(out, &commit.to_be_bytes());
        for (column, cells) in columns.iter().zip(&cells) {
            put_cell(out, cells, row).ok_or_else(|| {
                Error::Poison(
                    format!(
                        "row {row} of the batch does not fit column {:?}",
                        column.column.id
                    ),
                    None,
                )
            })?;
        }
    }
    Ok(())
}

/// Appends where the rows of a batch stood, by [`PLACE_FIELDS`], the first row's id being `row_lo`.
pub(crate) fn encode_places(
    places: &RecordBatch,
    batch: u32,
    row_lo: i64,
    out: &mut Vec<u8>,
) -> Result<()> {
    let [record, byte, line, raw] = PLACE_FIELDS;
    let lacking =
        |field: &str| Error::Poison(format!("the places of the batch lack {field:?}"), None);
    let numbers = |field: &'static str| {
        (places.column_by_name(field))
            .and_then(|array| array.as_any().downcast_ref::<Int64Array>())
            .ok_or_else(|| lacking(field))
    };
    let numbers = [numbers(record)?, numbers(byte)?, numbers(line)?];
    let texts = (places.column_by_name(raw))
        .and_then(|array| array.as_any().downcast_ref::<StringArray>())
        .ok_or_else(|| lacking(raw))?;
    for (row_id, row) in (row_lo..).zip(0..places.num_rows()) {
        out.extend_from_slice(&6_i16.to_be_bytes());
        put(out, &row_id.to_be_bytes());
        put(out, &batch.to_be_bytes());
        for numbers in numbers {
            put(out, &numbers.value(row).to_be_bytes());
        }
        put(out, texts.value(row).as_bytes());
    }
    Ok(())
}

fn cells_of<'a>(array: &'a dyn Array, column: &StoredColumn) -> Result<Cells<'a>> {
    let any = array.as_any();
    match column.column.kind {
        ColumnType::Text | ColumnType::Json => any.downcast_ref().map(Cells::Text),
        ColumnType::Decimal => any.downcast_ref().map(Cells::Decimal),
        ColumnType::Int64 => any.downcast_ref().map(Cells::Int64),
        ColumnType::Float => any.downcast_ref().map(Cells::Float),
        ColumnType::Boolean => any.downcast_ref().map(Cells::Boolean),
        ColumnType::Date => any.downcast_ref().map(Cells::Date),
        ColumnType::Time => any.downcast_ref().map(Cells::Time),
        ColumnType::Timestamp | ColumnType::Timestamptz => any.downcast_ref().map(Cells::Timestamp),
    }
    .ok_or_else(|| {
        Error::Poison(
            format!(
                "column {:?} is {:?} in the plan and {} in the batch",
                column.column.id,
                column.column.kind,
                array.data_type()
            ),
            None,
        )
    })
}

fn put(out: &mut Vec<u8>, value: &[u8]) {
    // Values are bounded by a message's size, far below 2 GiB.
    out.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

fn put_cell(out: &mut Vec<u8>, cells: &Cells<'_>, row: usize) -> Option<()> {
    let null = match cells {
        Cells::Text(a) | Cells::Decimal(a) => a.is_null(row),
        Cells::Int64(a) => a.is_null(row),
        Cells::Float(a) => a.is_null(row),
        Cells::Boolean(a) => a.is_null(row),
        Cells::Date(a) => a.is_null(row),
        Cells::Time(a) => a.is_null(row),
        Cells::Timestamp(a) => a.is_null(row),
    };
    if null {
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        return Some(());
    }
    match cells {
        Cells::Text(a) => put(out, a.value(row).as_bytes()),
        Cells::Decimal(a) => {
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            numeric::encode(a.value(row), out)?;
            let length = i32::try_from(out.len() - at - 4).ok()?;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        Cells::Int64(a) => put(out, &a.value(row).to_be_bytes()),
        Cells::Float(a) => put(out, &a.value(row).to_be_bytes()),
        Cells::Boolean(a) => put(out, &[u8::from(a.value(row))]),
        Cells::Date(a) => put(out, &a.value(row).checked_sub(EPOCH_DAYS)?.to_be_bytes()),
        Cells::Time(a) => put(out, &a.value(row).to_be_bytes()),
        Cells::Timestamp(a) => {
            put(out, &a.value(row).checked_sub(EPOCH_MICROS)?.to_be_bytes());
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_differ_by_thirty_years() {
        let days = jiff::civil::date(1970, 1, 1)
            .until(jiff::civil::date(2000, 1, 1))
            .unwrap()
            .get_days();
        assert_eq!(days, EPOCH_DAYS);
        assert_eq!(i64::from(days) * 86_400_000_000, EPOCH_MICROS);
    }
}
