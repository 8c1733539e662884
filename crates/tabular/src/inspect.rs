//! `gridkeep inspect`: what would be loaded, by the very code that loads it. Two passes over a seekable file; the memory is the
//! loader's, and the source's.

use std::{
    io::{Read, Seek, Write},
    ops::ControlFlow,
};

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType},
};
use contracts::{
    dataset::{Column, ColumnType},
    plan::{BATCH_BYTES, BATCH_ROWS, Checkpoint, FileKind, Options, OtherTable, PlannedColumn},
    upload::Mode,
};
use serde_json::json;

use crate::{
    Analyser, Analysis, Batch, FileError, Finished, Input, Loader, Source,
    format::{Codec, Value},
};

/// Whether there is anything to tell of: the exit code's reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub warnings: u64,
    pub quarantined: u64,
}

/// Writes what `gridkeep inspect --json` prints.
///
/// # Errors
/// The file cannot be loaded, read, or the output not written.
pub fn write_json(
    file: impl Read + Seek + Send + 'static,
    options: &Options,
    mut out: impl Write,
) -> Result<Outcome, FileError> {
    let mut source = open(file, options)?;
    let analysis = analyse(&mut source, options)?;
    let plan = &analysis.plan;
    let columns: Vec<_> = plan
        .columns
        .iter()
        .map(|planned| {
            let Column {
                name,
                kind,
                format,
                null_token,
                ..
            } = &planned.column;
            json!({"name": name, "type": kind, "format": format, "null_token": null_token})
        })
        .collect();
    // Quarantined records are written as they are found: there may be any number of them.
    write!(
        out,
        "{{{}{}\"dialect\":{},\"columns\":{},\"records\":{},\"rows\":{},\"warnings\":{},\"quarantine\":[",
        kind(&plan.kind)?,
        others(&plan.other_tables)?,
        serde_json::to_string(&plan.dialect)?,
        serde_json::to_string(&columns)?,
        plan.records,
        plan.rows,
        serde_json::to_string(&analysis.warnings)?,
    )?;
    let mut first = true;
    let quarantined = load(&mut source, &analysis, |batch| {
        for place in &batch.rejects {
            if !std::mem::take(&mut first) {
                out.write_all(b",")?;
            }
            serde_json::to_writer(&mut out, place)?;
        }
        Ok(())
    })?;
    out.write_all(b"]}\n")?;
    out.flush()?;
    Ok(outcome(&analysis, quarantined))
}

/// Writes what `gridkeep inspect --csv` prints.
///
/// # Errors
/// The file cannot be loaded, read, or the output not written.
pub fn write_csv(
    file: impl Read + Seek + Send + 'static,
    options: &Options,
    mut out: impl Write,
) -> Result<Outcome, FileError> {
    let mut source = open(file, options)?;
    let analysis = analyse(&mut source, options)?;
    let header = analysis.plan.headers > 0;
    let mut line = Vec::new();
    for planned in &analysis.plan.columns {
        let name = if header {
            &planned.header
        } else {
            &planned.column.name
        };
        push_field(&mut line, name);
    }
    end_line(&mut line, &mut out)?;
    let codecs = analysis
        .plan
        .columns
        .iter()
        .map(|planned| Codec::new(planned.column.kind, planned.column.format.as_ref()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|misfit| FileError::Plan(misfit.0))?;
    let mut text = String::new();
    let quarantined = load(&mut source, &analysis, |batch| {
        let mut padded = batch.padded.iter().peekable();
        for row in 0..batch.rows.num_rows() {
            // Cells that the file lacks are printed empty, not as the column's null.
            let cells = padded
                .next_if(|(at, _)| *at as usize == row)
                .map_or(u32::MAX, |(_, cells)| *cells);
            for ((planned, codec), at) in analysis.plan.columns.iter().zip(&codecs).zip(0..) {
                text.clear();
                if planned.source.is_some_and(|source| source < cells) {
                    print_cell(planned, codec, &batch.rows, at, row, &mut text);
                }
                push_field(&mut line, &text);
            }
            end_line(&mut line, &mut out)?;
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(outcome(&analysis, quarantined))
}

/// One table, unless the options say that there are others: in the mode that does not take a file apart by itself.
fn open(file: impl Read + Seek + Send + 'static, options: &Options) -> Result<Source, FileError> {
    Source::open(Input::new(file)?, options, options.apart(Mode::Replace))
}

/// What the file is, where it is more than text.
fn kind(kind: &FileKind) -> Result<String, FileError> {
    if *kind == FileKind::default() {
        return Ok(String::new());
    }
    let mut kind = kind.clone();
    // A warning names what else there is.
    kind.sheets.clear();
    if let Some(container) = &mut kind.container {
        container.members.clear();
    }
    Ok(format!("\"file\":{},", serde_json::to_string(&kind)?))
}

/// What else of the file is a table by itself, where anything is.
fn others(tables: &[OtherTable]) -> Result<String, FileError> {
    if tables.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        "\"other_tables\":{},",
        serde_json::to_string(tables)?
    ))
}

fn outcome(analysis: &Analysis, quarantined: u64) -> Outcome {
    Outcome {
        warnings: analysis
            .plan
            .warnings
            .values()
            .map(|count| count.unsigned_abs())
            .sum(),
        quarantined,
    }
}

fn analyse(source: &mut Source, options: &Options) -> Result<Analysis, FileError> {
    let mut analyser = Analyser::of(source, options, None)?;
    loop {
        source.pour(0, &mut |piece| {
            analyser.push(piece)?;
            Ok(ControlFlow::Continue(()))
        })?;
        match analyser.finish()? {
            Finished::Analysis(mut analysis) => {
                source.complete(&mut analysis.plan);
                return Ok(*analysis);
            }
            Finished::Again(again) => analyser = *again,
        }
    }
}

/// Loads the file and gives out every batch; answers how many records were quarantined.
fn load(
    source: &mut Source,
    analysis: &Analysis,
    mut take: impl FnMut(&Batch) -> Result<(), FileError>,
) -> Result<u64, FileError> {
    let mut loader = Loader::new(
        &analysis.plan,
        BATCH_ROWS,
        BATCH_BYTES,
        Checkpoint::default(),
    )?;
    source.pour(0, &mut |piece| {
        loader.push(piece);
        while let Some(batch) = loader.next_batch()? {
            take(&batch)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    loader.finish();
    while let Some(batch) = loader.next_batch()? {
        take(&batch)?;
    }
    Ok(loader.end().quarantined)
}

fn print_cell(
    planned: &PlannedColumn,
    codec: &Codec,
    rows: &RecordBatch,
    column: usize,
    row: usize,
    out: &mut String,
) {
    let array = rows.column(column);
    if array.is_null(row) {
        out.push_str(planned.column.null_token.as_deref().unwrap_or_default());
        return;
    }
    match planned.column.kind {
        ColumnType::Decimal if matches!(codec, Codec::MarkedDecimal(_)) => {
            let plain = array.as_string::<i32>().value(row).to_owned();
            codec.print(&Value::Decimal(plain), out);
        }
        ColumnType::Text | ColumnType::Decimal | ColumnType::Json => {
            out.push_str(array.as_string::<i32>().value(row));
        }
        ColumnType::Int64 => {
            codec.print(
                &Value::Int64(array.as_primitive::<Int64Type>().value(row)),
                out,
            );
        }
        ColumnType::Float => {
            codec.print(
                &Value::Float(array.as_primitive::<Float64Type>().value(row)),
                out,
            );
        }
        ColumnType::Boolean => codec.print(&Value::Boolean(array.as_boolean().value(row)), out),
        ColumnType::Date => {
            codec.print(
                &Value::Date(array.as_primitive::<Date32Type>().value(row)),
                out,
            );
        }
        ColumnType::Time => {
            let micros = array.as_primitive::<Time64MicrosecondType>().value(row);
            codec.print(&Value::Time(micros), out);
        }
        ColumnType::Timestamp => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            codec.print(&Value::Timestamp(micros), out);
        }
        ColumnType::Timestamptz => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            codec.print(&Value::Timestamptz(micros), out);
        }
    }
}

fn push_field(line: &mut Vec<u8>, text: &str) {
    if !line.is_empty() {
        line.push(b',');
    }
    line.push(b'"');
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            line.extend_from_slice(b"\"\"");
        }
        line.extend_from_slice(part.as_bytes());
    }
    line.push(b'"');
}

fn end_line(line: &mut Vec<u8>, out: &mut impl Write) -> Result<(), FileError> {
    line.push(b'\n');
    out.write_all(line)?;
    line.clear();
    Ok(())
}
