//! A batch of typed rows, and its way over the wire: an Arrow IPC stream of one record batch whose schema metadata carries the
//! rejects. `functions/etl` encodes what [`crate::load`] cut; `functions/consumer` decodes it for the store.

use std::{collections::HashMap, sync::Arc};

use arrow_array::RecordBatch;
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{ArrowError, Fields, Schema};
use contracts::{
    events::{BatchMeta, PLACE_FIELDS, RECORDS_KEY, REJECTS_KEY},
    plan::Checkpoint,
    receipt::Place,
};
use serde::de::DeserializeOwned;

use crate::FileError;

/// Consecutive rows of a file, typed, and the records among them that were quarantined.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The batch's number, from 0.
    pub no: u32,
    pub meta: BatchMeta,
    /// Row i has the row id `row_lo + meta.row_offset + i`; fields are named by the columns' ids.
    pub rows: RecordBatch,
    /// Beside the rows where each stood, by [`PLACE_FIELDS`], of an import that asks for it.
    pub places: Option<RecordBatch>,
    pub rejects: Vec<Place>,
    /// Where to go on after it.
    pub after: Checkpoint,
    /// Short rows: their place in `rows`, and how many cells the file has of them. Not sent.
    pub padded: Vec<(u32, u32)>,
    /// Record numbers of those of its rows that a preview shows: the first of the file's.
    pub shown: Vec<u64>,
}

/// What an encoded batch says.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub rows: RecordBatch,
    pub places: Option<RecordBatch>,
    pub rejects: Vec<Place>,
    pub shown: Vec<u64>,
}

/// The batch as an Arrow IPC stream.
///
/// # Errors
/// None that a batch of [`crate::Loader`] can cause.
pub fn encode(batch: &Batch) -> Result<Vec<u8>, FileError> {
    let mut metadata = HashMap::from([(
        REJECTS_KEY.to_owned(),
        serde_json::to_string(&batch.rejects)?,
    )]);
    if !batch.shown.is_empty() {
        let shown = serde_json::to_string(&batch.shown)?;
        metadata.insert(RECORDS_KEY.to_owned(), shown);
    }
    let mut fields = batch.rows.schema().fields().to_vec();
    let mut columns = batch.rows.columns().to_vec();
    if let Some(places) = &batch.places {
        fields.extend(places.schema().fields().iter().cloned());
        columns.extend_from_slice(places.columns());
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut bytes = Vec::with_capacity(rows.get_array_memory_size() + 4_096);
    let mut writer = StreamWriter::try_new(&mut bytes, &schema)?;
    writer.write(&rows)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

/// Reads an encoded batch.
///
/// # Errors
/// The bytes are no such stream.
pub fn decode(bytes: &[u8]) -> Result<Decoded, FileError> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    let schema = reader.schema();
    let rejects = list(&schema, REJECTS_KEY)?;
    let shown = list(&schema, RECORDS_KEY)?;
    let rows = reader
        .next()
        .ok_or_else(|| ArrowError::IpcError("the stream holds no record batch".to_owned()))??;
    let (schema, mut columns, _) = rows.into_parts();
    let fields = schema.fields();
    let is_place = |at: usize| PLACE_FIELDS.contains(&fields[at].name().as_str());
    let own = (0..fields.len()).take_while(|at| !is_place(*at)).count();
    let beside = columns.split_off(own);
    // What the metadata said has been read; the rows do not carry it any further.
    let part =
        |fields: Fields, columns| RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    Ok(Decoded {
        rows: part(fields.iter().take(own).cloned().collect(), columns)?,
        places: if beside.is_empty() {
            None
        } else {
            Some(part(fields.iter().skip(own).cloned().collect(), beside)?)
        },
        rejects,
        shown,
    })
}

fn list<T: DeserializeOwned>(schema: &Schema, key: &str) -> Result<Vec<T>, FileError> {
    match schema.metadata().get(key) {
        Some(json) => Ok(serde_json::from_str(json)?),
        None => Ok(Vec::new()),
    }
}
