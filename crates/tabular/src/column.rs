//! One column of the batch being built: cells in the file's spelling go in, an Arrow array comes out. Used by [`crate::load`].

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, TimeUnit};
use contracts::plan::PlannedColumn;

use crate::{FileError, format::Codec, number};

/// Zone name of `timestamptz` arrays.
const UTC: &str = "UTC";

#[derive(Debug)]
enum Data {
    Text { ends: Vec<i32>, bytes: Vec<u8> },
    Int64(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
}

#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    /// The column's place in the file.
    pub source: Option<usize>,
    pub name: String,
    id: String,
    codec: Codec,
    null: Option<Vec<u8>>,
    data: Data,
    nulls: NullBufferBuilder,
    rows: usize,
}

impl ColumnBuilder {
    pub fn new(planned: &PlannedColumn, rows: usize) -> Result<Self, FileError> {
        let column = &planned.column;
        let codec = Codec::new(column.kind, column.format.as_ref())
            .map_err(|misfit| FileError::Plan(misfit.0))?;
        Ok(Self {
            source: planned.source.map(|source| source as usize),
            name: column.name.clone(),
            id: column.id.clone(),
            null: column
                .null_token
                .as_ref()
                .map(|null| null.clone().into_bytes()),
            data: Self::data(&codec, rows),
            codec,
            nulls: NullBufferBuilder::new(rows),
            rows: 0,
        })
    }

    fn data(codec: &Codec, rows: usize) -> Data {
        match codec {
            Codec::Text | Codec::Decimal | Codec::MarkedDecimal(_) | Codec::Json => {
                let mut ends = Vec::with_capacity(rows + 1);
                ends.push(0);
                Data::Text {
                    ends,
                    bytes: Vec::with_capacity(rows * 8),
                }
            }
            Codec::Float(_) => Data::Float(Vec::with_capacity(rows)),
            Codec::Boolean { .. } => Data::Boolean(Vec::with_capacity(rows)),
            Codec::Date(_) => Data::Date(Vec::with_capacity(rows)),
            Codec::Int64
            | Codec::MarkedInt64(_)
            | Codec::Time(_)
            | Codec::Timestamp(_)
            | Codec::Timestamptz(_) => Data::Int64(Vec::with_capacity(rows)),
        }
    }

    /// Bytes of a cell beside its text: value or offset, and a share of the null bits, rounded up.
    pub fn cell_bytes(&self) -> usize {
        1 + match &self.data {
            Data::Text { .. } | Data::Date(_) => 4,
            Data::Int64(_) | Data::Float(_) => 8,
            Data::Boolean(_) => 1,
        }
    }

    pub fn is_text(&self) -> bool {
        matches!(self.data, Data::Text { .. })
    }

    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    pub fn field(&self) -> Field {
        let kind = match &self.codec {
            Codec::Text | Codec::Decimal | Codec::MarkedDecimal(_) | Codec::Json => DataType::Utf8,
            Codec::Int64 | Codec::MarkedInt64(_) => DataType::Int64,
            Codec::Float(_) => DataType::Float64,
            Codec::Boolean { .. } => DataType::Boolean,
            Codec::Date(_) => DataType::Date32,
            Codec::Time(_) => DataType::Time64(TimeUnit::Microsecond),
            Codec::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Codec::Timestamptz(_) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        };
        Field::new(&self.id, kind, true)
    }

    /// Whether the cell stands for null. A cell that the row lacks does.
    pub fn is_null(&self, cell: Option<&[u8]>) -> bool {
        match (cell, &self.null) {
            (None, _) => true,
            (Some(cell), Some(null)) => cell == null.as_slice(),
            (Some(_), None) => false,
        }
    }

    /// Takes a cell (of valid UTF-8); false, and nothing taken, if it does not fit.
    #[inline]
    pub fn append(&mut self, cell: Option<&[u8]>) -> bool {
        let Some(cell) = cell.filter(|cell| !self.is_null(Some(cell))) else {
            self.append_null();
            return true;
        };
        let fits = match (&mut self.data, &self.codec) {
            (Data::Int64(values), Codec::Int64) => push(values, number::parse_int(cell)),
            (Data::Int64(values), Codec::MarkedInt64(style)) => push(values, style.parse_int(cell)),
            (Data::Int64(values), Codec::Time(style)) => push(values, style.0.parse(cell)),
            (Data::Int64(values), Codec::Timestamp(style) | Codec::Timestamptz(style)) => {
                push(values, style.0.parse(cell))
            }
            (Data::Float(values), Codec::Float(style)) => {
                push(values, number::parse_float(cell, style.0))
            }
            (Data::Date(values), Codec::Date(style)) => push(values, style.0.parse(cell)),
            (Data::Boolean(values), Codec::Boolean { yes, no }) => {
                let value = if cell == yes.as_bytes() {
                    Some(true)
                } else if cell == no.as_bytes() {
                    Some(false)
                } else {
                    None
                };
                push(values, value)
            }
            (Data::Text { ends, bytes }, Codec::MarkedDecimal(style)) => {
                let plain = style.0.parse(cell);
                if let Some(plain) = &plain {
                    bytes.extend_from_slice(plain.as_bytes());
                    ends.push(bytes.len() as i32);
                }
                plain.is_some()
            }
            (Data::Text { ends, bytes }, codec) => {
                let fits = match codec {
                    Codec::Decimal => number::shape(cell).decimal,
                    Codec::Json => crate::infer::is_json(cell),
                    _ => true,
                };
                if fits {
                    bytes.extend_from_slice(cell);
                    ends.push(bytes.len() as i32);
                }
                fits
            }
            _ => false,
        };
        if fits {
            self.nulls.append_non_null();
            self.rows += 1;
        }
        fits
    }

    fn append_null(&mut self) {
        match &mut self.data {
            Data::Text { ends, bytes } => ends.push(bytes.len() as i32),
            Data::Int64(values) => values.push(0),
            Data::Float(values) => values.push(0.0),
            Data::Boolean(values) => values.push(false),
            Data::Date(values) => values.push(0),
        }
        self.nulls.append_null();
        self.rows += 1;
    }

    /// Takes back what was appended beyond this many rows.
    pub fn truncate(&mut self, rows: usize) {
        if self.rows <= rows {
            return;
        }
        self.rows = rows;
        self.nulls.truncate(rows);
        match &mut self.data {
            Data::Text { ends, bytes } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Data::Int64(values) => values.truncate(rows),
            Data::Float(values) => values.truncate(rows),
            Data::Boolean(values) => values.truncate(rows),
            Data::Date(values) => values.truncate(rows),
        }
    }

    /// The array of all that was appended; the builder is empty again, with room for `rows`.
    pub fn take(&mut self, rows: usize) -> Result<ArrayRef, FileError> {
        let nulls = self.nulls.finish();
        self.rows = 0;
        let data = std::mem::replace(&mut self.data, Self::data(&self.codec, rows));
        Ok(match (data, &self.codec) {
            (Data::Text { ends, bytes }, _) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(
                    offsets,
                    Buffer::from_vec(bytes),
                    nulls,
                )?)
            }
            (Data::Int64(values), Codec::Time(_)) => {
                Arc::new(Time64MicrosecondArray::try_new(values.into(), nulls)?)
            }
            (Data::Int64(values), Codec::Timestamp(_)) => {
                Arc::new(TimestampMicrosecondArray::try_new(values.into(), nulls)?)
            }
            (Data::Int64(values), Codec::Timestamptz(_)) => Arc::new(
                TimestampMicrosecondArray::try_new(values.into(), nulls)?.with_timezone(UTC),
            ),
            (Data::Int64(values), _) => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            (Data::Float(values), _) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
            (Data::Date(values), _) => Arc::new(Date32Array::try_new(values.into(), nulls)?),
            (Data::Boolean(values), _) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
        })
    }
}

#[inline]
fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            values.push(value);
            true
        }
        None => false,
    }
}
