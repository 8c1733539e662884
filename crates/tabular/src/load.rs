//! The second pass: the file's bytes by the plan, cut into typed batches. The cut depends on the rows alone, never on how the
//! bytes arrive, and the loader holds one batch and what was pushed last; from any batch's checkpoint it goes on as if it had
//! never stopped. Next: [`crate::batch`].

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{Int64Builder, StringBuilder},
};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use contracts::{
    events::{BatchMeta, EndOfLoad, PLACE_FIELDS},
    plan::{Checkpoint, Encoding, FileFormat, FilePlan, PREVIEW_ROWS},
    receipt::Place,
    rules::ColumnRules,
};

use crate::{
    Batch, FileError,
    column::ColumnBuilder,
    csv::{Decoder, Event, Position, Record},
    encoding::raw_text,
    record,
    rules::Checker,
    source::{column_letters, delimited, names_columns},
};

/// How a cell of a record is come by: its text, or none when the file lacks it.
type Get = for<'a> fn(&Record<'a>, usize) -> Option<&'a [u8]>;

/// Makes batches of a file by its plan.
#[derive(Debug)]
pub struct Loader {
    decoder: Decoder,
    format: FileFormat,
    sheet: Option<String>,
    /// Of the sheet, where the table begins.
    first_column: u32,
    get: Get,
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    /// Rules, by the place of their column in `columns`.
    rules: Vec<(usize, Checker)>,
    /// Of the rows at hand, where somebody may yet have to say it.
    places: Option<Places>,
    /// Arrow bytes of a row beside its texts.
    row_bytes: usize,
    /// Cells that the widest row of the plan has.
    width: usize,
    batch_rows: usize,
    batch_bytes: usize,
    /// Header records still to come.
    headers: u64,
    /// The table's records: behind the first number, up to the second.
    above: u64,
    last: u64,
    /// Where the batch being built began.
    begun: Checkpoint,
    rows: usize,
    bytes: usize,
    rejects: Vec<Place>,
    padded: Vec<(u32, u32)>,
    /// Record numbers of the first rows.
    shown: Vec<u64>,
    ended: bool,
}

impl Loader {
    /// `from`: `Checkpoint::default()` for the whole file; else the bytes must be pushed from `from.byte` on.
    ///
    /// # Errors
    /// The plan has a format that this code does not know.
    pub fn new(
        plan: &FilePlan,
        batch_rows: usize,
        batch_bytes: usize,
        from: Checkpoint,
    ) -> Result<Self, FileError> {
        let resumed = from.byte > 0;
        let position = resumed.then_some(Position {
            byte: from.byte,
            line: from.line,
            record: from.record,
        });
        let batch_rows = batch_rows.max(1);
        let columns = plan
            .columns
            .iter()
            .map(|planned| ColumnBuilder::new(planned, batch_rows.min(1_024)))
            .collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = columns.iter().map(ColumnBuilder::field).collect();
        let width = columns.iter().filter_map(|column| column.source).max();
        Ok(Self {
            decoder: Decoder::new(&plan.dialect, position),
            format: plan.kind.format,
            sheet: plan.kind.sheet.clone(),
            first_column: plan.kind.first_column,
            get: match plan.kind.format {
                FileFormat::Text => |record, column| record.get(column),
                _ => |record, column| record.get_valued(column),
            },
            schema: Arc::new(Schema::new(fields)),
            row_bytes: columns.iter().map(ColumnBuilder::cell_bytes).sum(),
            // Columns at the end may be left out.
            width: width.map_or(0, |last| last + 1).max(plan.mapping.len()),
            columns,
            rules: Vec::new(),
            places: None,
            batch_rows,
            batch_bytes,
            headers: if resumed { 0 } else { plan.headers },
            above: plan.after + plan.dialect.preamble,
            last: plan.last_record(),
            begun: from,
            rows: 0,
            bytes: 0,
            rejects: Vec::new(),
            padded: Vec::new(),
            shown: Vec::new(),
            ended: false,
        })
    }

    /// Records that break a rule become rejects. What only the whole table can judge goes along with its place.
    ///
    /// # Errors
    /// A rule that its column cannot have.
    pub fn with_rules(mut self, plan: &FilePlan, rules: &ColumnRules) -> Result<Self, FileError> {
        for (at, planned) in plan.columns.iter().enumerate() {
            if let Some(rules) = rules.get(&planned.column.id) {
                let checker = Checker::new(&planned.column, rules)
                    .map_err(|(_, misfit)| FileError::Plan(misfit.0))?;
                self.rules.push((at, checker));
            }
        }
        self.places = (plan.unique(rules).next().is_some()).then(Places::default);
        Ok(self)
    }

    /// Takes the next bytes; ask [`Self::next_batch`] until it has none before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The file has ended; ask [`Self::next_batch`] until it has none.
    pub fn finish(&mut self) {
        self.decoder.finish();
        self.ended = true;
    }

    /// The totals, once the file has ended and no batch is left.
    #[must_use]
    pub fn end(&self) -> EndOfLoad {
        EndOfLoad {
            batches: self.begun.batch,
            rows: self.begun.rows - self.begun.quarantined,
            quarantined: self.begun.quarantined,
        }
    }

    /// The next batch that is complete; `None` until more bytes come.
    ///
    /// # Errors
    /// None that a file can cause.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, FileError> {
        loop {
            if self.rows + self.rejects.len() >= self.batch_rows {
                return self.cut(self.decoder.next_position()).map(Some);
            }
            let Some(event) = self.decoder.next_event() else {
                if self.ended && self.rows + self.rejects.len() > 0 {
                    return self.cut(self.decoder.next_position()).map(Some);
                }
                return Ok(None);
            };
            let at = self.decoder.position();
            let full = match event {
                Event::Comment => None,
                Event::Blank if !names_columns(self.format) => None,
                _ if at.record <= self.above || at.record > self.last => None,
                Event::TooLarge(bytes) => self.reject(record::too_large(at, bytes))?,
                Event::Record if self.headers > 0 => {
                    self.headers -= 1;
                    None
                }
                Event::Record | Event::Blank => self.row(at)?,
            };
            if full.is_some() {
                return Ok(full);
            }
        }
    }

    /// Takes the record at hand; answers with the batch before it if there is no room for it there.
    fn row(&mut self, at: Position) -> Result<Option<Batch>, FileError> {
        let record = self.decoder.record();
        let encoding = self.decoder.encoding();
        if let Some(flaw) = record::flaw(record.raw()) {
            let broken = match self.format {
                FileFormat::Text => None,
                _ => record.get(0).and_then(delimited::broken),
            };
            return self.reject(match broken {
                Some((code, message, raw)) => {
                    let raw = raw_text(encoding, raw, usize::MAX);
                    record::place(at, &code, message, Some(raw).filter(|raw| !raw.is_empty()))
                }
                None => record::flawed(at, flaw, encoding, record),
            });
        }
        let (cells, raw_len) = (record.len(), record.raw().len());
        // What its place takes, the record's text above all.
        let place_bytes = (self.places.as_ref()).map_or(0, |_| Places::ROW_BYTES + raw_len);
        // Of a sheet, a row is as wide as the widest, though that may be another table's.
        let is_bare =
            |cell: usize| self.format != FileFormat::Text && record.get_valued(cell).is_none();
        if cells > self.width && !(self.width..cells).all(is_bare) {
            let message = format!(
                "The row has {cells} cells; at most {} can be taken. Check its delimiters and quotes.",
                self.width
            );
            let raw = raw_text(encoding, record.raw(), usize::MAX);
            return self.reject(record::place(at, "long_row", message, Some(raw)));
        }
        if let Some(broken) = broken(&self.rules, &self.columns, record, encoding, at) {
            return self.reject(broken);
        }
        let mut full = None;
        // The record itself is at least as long as its texts; only near the end must they be added up.
        if self.bytes + self.row_bytes + raw_len + place_bytes > self.batch_bytes {
            if let Some(misfit) = misfit(&self.columns, record, self.get, encoding, at) {
                return self.reject(misfit);
            }
            let bytes = self.row_bytes + text_bytes(&self.columns, record) + place_bytes;
            if self.rows + self.rejects.len() > 0 && self.bytes + bytes > self.batch_bytes {
                full = Some(self.cut(at)?);
            }
        }
        let record = self.decoder.record();
        let mut bytes = self.row_bytes + place_bytes;
        let mut fits = true;
        for column in &mut self.columns {
            let cell = column.source.and_then(|source| (self.get)(&record, source));
            if !column.append(cell) {
                fits = false;
                break;
            }
            if column.is_text() {
                bytes += cell.map_or(0, <[u8]>::len);
            }
        }
        if !fits {
            for column in &mut self.columns {
                column.truncate(self.rows);
            }
            let place =
                misfit(&self.columns, record, self.get, encoding, at).unwrap_or_else(|| {
                    let raw = raw_text(encoding, record.raw(), usize::MAX);
                    let message = "A cell does not fit its column.".to_owned();
                    record::place(at, "type_mismatch", message, Some(raw))
                });
            return self.reject(place);
        }
        if let Some(places) = &mut self.places {
            places.push(at, &raw_text(encoding, record.raw(), usize::MAX));
        }
        if cells < self.width {
            self.padded.push((self.rows as u32, cells as u32));
        }
        let before = self.begun.rows - self.begun.quarantined;
        if before + (self.rows as u64) < PREVIEW_ROWS as u64 {
            self.shown.push(at.record);
        }
        self.rows += 1;
        self.bytes += bytes;
        Ok(full)
    }

    fn reject(&mut self, mut place: Place) -> Result<Option<Batch>, FileError> {
        if let Some(sheet) = &self.sheet {
            let named = |column: &&ColumnBuilder| Some(&column.name) == place.column.as_ref();
            let column = self.columns.iter().find(named).and_then(|c| c.source);
            let row = place.record;
            let whence = match column {
                Some(column) => {
                    let letters = column_letters(u64::from(self.first_column) + column as u64);
                    format!("cell {letters}{row}")
                }
                None => format!("row {row}"),
            };
            place.message = format!("{} (Sheet `{sheet}`, {whence}.)", place.message);
        }
        let bytes = serde_json::to_string(&place)?.len() + 1;
        let mut full = None;
        if self.rows + self.rejects.len() > 0 && self.bytes + bytes > self.batch_bytes {
            full = Some(self.cut(Position {
                byte: place.byte,
                line: place.line,
                record: place.record,
            })?);
        }
        self.bytes += bytes;
        self.rejects.push(place);
        Ok(full)
    }

    /// Closes the batch; `next` is where the record after it begins.
    fn cut(&mut self, next: Position) -> Result<Batch, FileError> {
        let rows = std::mem::take(&mut self.rows);
        let rejects = std::mem::take(&mut self.rejects);
        self.bytes = 0;
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| column.take(rows.min(self.batch_rows)))
            .collect::<Result<Vec<_>, _>>()?;
        let before = self.begun;
        self.begun = Checkpoint {
            batch: before.batch + 1,
            byte: next.byte,
            record: next.record,
            line: next.line,
            rows: before.rows + (rows + rejects.len()) as u64,
            quarantined: before.quarantined + rejects.len() as u64,
        };
        Ok(Batch {
            no: before.batch,
            meta: BatchMeta {
                row_offset: before.rows,
                rows: rows as u32,
                quarantined: rejects.len() as u32,
            },
            rows: RecordBatch::try_new(Arc::clone(&self.schema), arrays)?,
            places: self.places.as_mut().map(Places::take).transpose()?,
            rejects,
            after: self.begun,
            padded: std::mem::take(&mut self.padded),
            shown: std::mem::take(&mut self.shown),
        })
    }
}

/// Where rows stood in the file, and how.
#[derive(Debug, Default)]
struct Places {
    record: Int64Builder,
    byte: Int64Builder,
    line: Int64Builder,
    raw: StringBuilder,
}

impl Places {
    /// Arrow bytes of a place beside its text: three numbers and where the text ends.
    const ROW_BYTES: usize = 28;

    fn push(&mut self, at: Position, raw: &str) {
        self.record.append_value(at.record.cast_signed());
        self.byte.append_value(at.byte.cast_signed());
        self.line.append_value(at.line.cast_signed());
        self.raw.append_value(raw);
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays: [ArrayRef; 4] = [
            Arc::new(self.record.finish()),
            Arc::new(self.byte.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.raw.finish()),
        ];
        RecordBatch::try_from_iter(PLACE_FIELDS.into_iter().zip(arrays))
    }
}

/// The first cell of the record that its column cannot take.
fn misfit(
    columns: &[ColumnBuilder],
    record: Record<'_>,
    get: Get,
    encoding: Encoding,
    at: Position,
) -> Option<Place> {
    columns.iter().find_map(|column| {
        let cell = column.source.and_then(|source| get(&record, source))?;
        if column.is_null(Some(cell)) {
            return None;
        }
        let text = std::str::from_utf8(cell).unwrap_or_default();
        let misfit = column.codec().parse(text).err()?;
        Some(Place {
            column: Some(column.name.clone()),
            ..record::place(
                at,
                "type_mismatch",
                misfit.0,
                Some(raw_text(encoding, record.raw(), usize::MAX)),
            )
        })
    })
}

/// The first rule that the record breaks. Of a cell that its column cannot take at all, [`misfit`] speaks.
fn broken(
    rules: &[(usize, Checker)],
    columns: &[ColumnBuilder],
    record: Record<'_>,
    encoding: Encoding,
    at: Position,
) -> Option<Place> {
    rules.iter().find_map(|(place, checker)| {
        let column = columns.get(*place)?;
        let cell = column.source.and_then(|source| record.get(source));
        let value = match cell.filter(|cell| !column.is_null(Some(cell))) {
            None => None,
            Some(cell) => {
                let text = std::str::from_utf8(cell).unwrap_or_default();
                Some(column.codec().parse(text).ok()?)
            }
        };
        let broken = checker.check(value.as_ref()).err()?;
        let raw = raw_text(encoding, record.raw(), usize::MAX);
        Some(Place {
            column: Some(column.name.clone()),
            ..record::place(at, broken.code, broken.message, Some(raw))
        })
    })
}

fn text_bytes(columns: &[ColumnBuilder], record: Record<'_>) -> usize {
    columns
        .iter()
        .filter(|column| column.is_text())
        .filter_map(|column| record.get(column.source?))
        .map(<[u8]>::len)
        .sum()
}
