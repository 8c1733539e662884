//! The first pass: sniff, decode and infer over the whole file, pushed in pieces of any size, and the plan that follows.
//! Memory is one record and the facts of each column. Next: [`crate::load`].

use std::collections::BTreeMap;

use contracts::{
    dataset::{Column, ColumnType},
    plan::{COLUMNS_MAX, Dialect, FileKind, FilePlan, Options, PLACES_PER_CODE, PlannedColumn},
    receipt::Place,
};

use crate::{
    FileError, Source,
    csv::{Decoder, Event, Position, Record},
    encoding::raw_text,
    format::Codec,
    infer::{Asked, Facts, Found, Nulls},
    names::column_names,
    record::{self, Flaw, SHOWN_CHARS, place},
    sniff::{HEAD_BYTES, sniff},
    source::{Note, names_columns},
};

/// What analysis found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub plan: FilePlan,
    /// The first places of each warning code; `plan.warnings` has the counts.
    pub warnings: Vec<Place>,
}

/// Reads a file once and makes its plan.
#[derive(Debug)]
pub struct Analyser {
    options: Options,
    fixed: Option<Vec<Column>>,
    kind: FileKind,
    notes: Vec<Note>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Head(Vec<u8>),
    Body(Box<Body>),
}

impl Analyser {
    /// `fixed`: the columns of the dataset that the file is appended to; they keep their type.
    ///
    /// # Errors
    /// The dataset's columns are more than a table takes.
    pub fn new(options: &Options, fixed: Option<&[Column]>) -> Result<Self, FileError> {
        if let Some(fixed) = fixed.filter(|fixed| fixed.len() > COLUMNS_MAX) {
            return Err(FileError::TooManyColumns {
                columns: fixed.len(),
            });
        }
        Ok(Self {
            options: options.clone(),
            fixed: fixed.map(<[Column]>::to_vec),
            kind: FileKind::default(),
            notes: Vec::new(),
            stage: Stage::Head(Vec::new()),
        })
    }

    /// For the text that a [`Source`] gives.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(
        source: &Source,
        options: &Options,
        fixed: Option<&[Column]>,
    ) -> Result<Self, FileError> {
        Ok(Self {
            kind: source.kind().clone(),
            notes: source.notes().to_vec(),
            ..Self::new(&source.options(options), fixed)?
        })
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// The file as a whole cannot be loaded; nothing more needs to be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        match &mut self.stage {
            Stage::Body(body) => body.push(bytes),
            Stage::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() < HEAD_BYTES {
                    return Ok(());
                }
                self.begin(false)?;
                Ok(())
            }
        }
    }

    /// Rows seen so far, for progress.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        match &self.stage {
            Stage::Head(_) => 0,
            Stage::Body(body) => body.rows,
        }
    }

    /// The file has ended.
    ///
    /// # Errors
    /// As [`Self::push`], and a file without any record.
    pub fn finish(mut self) -> Result<Analysis, FileError> {
        if matches!(self.stage, Stage::Head(_)) {
            self.begin(true)?;
        }
        match self.stage {
            Stage::Body(body) => body.finish(),
            Stage::Head(_) => Err(FileError::Empty),
        }
    }

    /// The head is complete: exactly as long however the file is cut into pieces.
    fn begin(&mut self, whole: bool) -> Result<(), FileError> {
        let Stage::Head(head) = &mut self.stage else {
            return Ok(());
        };
        let head = std::mem::take(head);
        let looked_at = &head[..head.len().min(HEAD_BYTES)];
        let dialect = sniff(
            looked_at,
            whole && looked_at.len() == head.len(),
            &self.options,
        )?;
        let mut body = Box::new(Body::new(dialect, self.options.clone(), self.fixed.take()));
        body.blank_rows = names_columns(self.kind.format);
        body.kind = std::mem::take(&mut self.kind);
        for note in self.notes.drain(..) {
            warn(
                &mut body.warnings,
                &mut body.places,
                note.code,
                FIRST,
                || (note.message, None, None),
            );
        }
        for piece in head.chunks(HEAD_BYTES) {
            body.push(piece)?;
        }
        self.stage = Stage::Body(body);
        Ok(())
    }
}

/// How a column's type is come by.
#[derive(Debug)]
enum Finder {
    /// From its values.
    Infer(Box<Facts>),
    /// The user said the type; its spelling is found.
    Asked(Box<Asked>),
    /// It is the dataset's. Where that has no null yet, the file may bring one.
    Fixed {
        codec: Option<Codec>,
        nulls: Box<Nulls>,
    },
}

impl Finder {
    #[inline]
    fn add(&mut self, cell: &[u8]) {
        match self {
            Self::Infer(facts) => facts.add(cell),
            Self::Asked(asked) => asked.add(cell),
            Self::Fixed {
                codec: Some(codec),
                nulls,
            } => {
                let fits = std::str::from_utf8(cell).is_ok_and(|text| codec.parse(text).is_ok());
                if !fits {
                    nulls.add(cell);
                }
            }
            Self::Fixed { codec: None, .. } => {}
        }
    }
}

/// Where the file begins.
const FIRST: Position = Position {
    byte: 0,
    line: 1,
    record: 1,
};

#[derive(Debug)]
struct Body {
    kind: FileKind,
    /// Whether a blank line is a row whose only cell is missing.
    blank_rows: bool,
    dialect: Dialect,
    options: Options,
    fixed: Option<Vec<Column>>,
    decoder: Decoder,
    records: u64,
    rows: u64,
    skipped: BTreeMap<String, i64>,
    warnings: BTreeMap<String, i64>,
    places: Vec<Place>,
    /// Set by the first record.
    table: Option<Table>,
}

#[derive(Debug)]
struct Table {
    /// Header cells; empty ones where the file has no header.
    headers: Vec<String>,
    names: Vec<String>,
    finders: Vec<Finder>,
    /// Place among the dataset's columns, for those that are.
    targets: Vec<Option<usize>>,
    /// Most cells of any row that can be taken, and the most that can be.
    width: usize,
    width_max: usize,
}

impl Body {
    fn new(dialect: Dialect, options: Options, fixed: Option<Vec<Column>>) -> Self {
        Self {
            kind: FileKind::default(),
            blank_rows: false,
            decoder: Decoder::new(&dialect, None),
            dialect,
            options,
            fixed,
            records: 0,
            rows: 0,
            skipped: BTreeMap::new(),
            warnings: BTreeMap::new(),
            places: Vec::new(),
            table: None,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.decoder.push(bytes);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), FileError> {
        while let Some(event) = self.decoder.next_event() {
            self.records += 1;
            match event {
                Event::Blank if !self.blank_rows => {
                    *self.skipped.entry("blank".to_owned()).or_default() += 1;
                }
                Event::TooLarge(bytes) if self.table.is_none() => {
                    return Err(FileError::Unreadable(format!(
                        "The first record is {bytes} bytes long, so the columns are not known. Check the line ends and the quotes at the file's beginning."
                    )));
                }
                // Its place is told by the load, which quarantines it.
                Event::TooLarge(_) => self.rows += 1,
                Event::Record if self.table.is_none() => self.first_record()?,
                Event::Record | Event::Blank => self.row(),
            }
        }
        Ok(())
    }

    fn first_record(&mut self) -> Result<(), FileError> {
        let record = self.decoder.record();
        if record.len() > COLUMNS_MAX {
            return Err(FileError::TooManyColumns {
                columns: record.len(),
            });
        }
        let at = self.decoder.position();
        let flaw = record::flaw(record.raw());
        let headers: Vec<String> = if self.dialect.header {
            let encoding = self.dialect.encoding;
            record
                .cells()
                .map(|cell| raw_text(encoding, cell, usize::MAX))
                .collect()
        } else {
            vec![String::new(); record.len()]
        };
        let shown = raw_text(self.dialect.encoding, record.raw(), SHOWN_CHARS);
        let names = column_names(headers.iter().map(String::as_str));
        let table = Table::new(
            &self.options,
            self.fixed.as_deref(),
            self.dialect.header,
            headers,
            names,
        )?;
        self.table = Some(table);
        if !self.dialect.header {
            self.row();
            return Ok(());
        }
        if let Some(flaw) = flaw {
            let (code, what) = match flaw {
                Flaw::Encoding => ("invalid_encoding", "bytes that are not text"),
                Flaw::Nul => ("nul_byte", "a NUL character"),
            };
            let message =
                format!("The header holds {what}; they are shown as \\xNN in the column's name.");
            warn(&mut self.warnings, &mut self.places, code, at, || {
                (message, None, Some(shown))
            });
        }
        Ok(())
    }

    fn row(&mut self) {
        self.rows += 1;
        let record = self.decoder.record();
        let Some(table) = &mut self.table else { return };
        if record::flaw(record.raw()).is_some() || record.len() > table.width_max {
            // Quarantined by the load.
            return;
        }
        let expected = table.finders.len();
        if record.len() == expected {
            for (finder, cell) in table.finders.iter_mut().zip(record.cells()) {
                finder.add(cell);
            }
            if record.stray_quote().is_none() {
                return;
            }
        } else {
            for (finder, cell) in table.finders.iter_mut().zip(record.cells()) {
                finder.add(cell);
            }
            table.width = table.width.max(record.len());
        }
        self.warn_of_row(expected);
    }

    #[cold]
    fn warn_of_row(&mut self, expected: usize) {
        let record = self.decoder.record();
        let at = self.decoder.position();
        let encoding = self.dialect.encoding;
        let cells = record.len();
        let raw = |record: Record<'_>| Some(raw_text(encoding, record.raw(), SHOWN_CHARS));
        if cells < expected {
            warn(
                &mut self.warnings,
                &mut self.places,
                "short_row",
                at,
                || {
                    (
                        format!(
                            "The row has {cells} of {expected} cells; the missing ones are null."
                        ),
                        None,
                        raw(record),
                    )
                },
            );
        }
        if cells > expected {
            warn(&mut self.warnings, &mut self.places, "long_row", at, || {
                (
                    format!(
                        "The row has {cells} cells, {} more than expected; they are kept in added columns.",
                        cells - expected
                    ),
                    None,
                    raw(record),
                )
            });
        }
        if let Some(column) = record.stray_quote() {
            let name = self
                .table
                .as_ref()
                .and_then(|table| table.names.get(column).cloned());
            warn(
                &mut self.warnings,
                &mut self.places,
                "stray_quote",
                at,
                || {
                    ("A quote mark is not closed, or is followed by more text; the cell is kept as it stands, quotes included.".to_owned(), name, raw(record))
                },
            );
        }
    }

    fn finish(mut self) -> Result<Analysis, FileError> {
        self.decoder.finish();
        self.drain()?;
        let Some(table) = self.table else {
            return Err(FileError::Empty);
        };
        let headers = u64::from(self.dialect.header);
        if self.rows == 0 {
            warn(
                &mut self.warnings,
                &mut self.places,
                "no_rows",
                FIRST,
                || {
                    (
                        "The file has a header and no row under it.".to_owned(),
                        None,
                        None,
                    )
                },
            );
        }
        let plan = FilePlan {
            kind: self.kind,
            dialect: self.dialect,
            columns: table.plan(self.fixed.unwrap_or_default()),
            records: self.records,
            headers,
            skipped: self.skipped,
            rows: self.rows,
            warnings: self.warnings,
        };
        Ok(Analysis {
            plan,
            warnings: self.places,
        })
    }
}

/// Counts a warning, and keeps its place while there are few of its code.
fn warn(
    counts: &mut BTreeMap<String, i64>,
    places: &mut Vec<Place>,
    code: &str,
    at: Position,
    tell: impl FnOnce() -> (String, Option<String>, Option<String>),
) {
    let count = counts.entry(code.to_owned()).or_default();
    *count += 1;
    if usize::try_from(*count).is_ok_and(|count| count <= PLACES_PER_CODE) {
        let (message, column, raw) = tell();
        places.push(Place {
            column,
            ..place(at, code, message, raw)
        });
    }
}

impl Table {
    fn new(
        options: &Options,
        fixed: Option<&[Column]>,
        header: bool,
        headers: Vec<String>,
        names: Vec<String>,
    ) -> Result<Self, FileError> {
        let mut asked: BTreeMap<&str, ColumnType> = options
            .types
            .iter()
            .map(|(name, kind)| (name.as_str(), *kind))
            .collect();
        let mut finders = Vec::with_capacity(names.len());
        let mut targets = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let kind = asked.remove(name.as_str());
            let target = fixed.and_then(|fixed| {
                if header {
                    fixed.iter().position(|column| column.name == *name)
                } else {
                    Some(at).filter(|at| *at < fixed.len())
                }
            });
            targets.push(target);
            finders.push(match (target.and_then(|target| fixed?.get(target)), kind) {
                (Some(column), _) => {
                    let free = column.null_token.is_none() && column.kind != ColumnType::Text;
                    let codec = Codec::new(column.kind, column.format.as_ref())
                        .map_err(|misfit| FileError::Plan(misfit.0))?;
                    Finder::Fixed {
                        codec: free.then_some(codec),
                        nulls: Box::default(),
                    }
                }
                (None, Some(kind)) => Finder::Asked(Box::new(Asked::new(kind))),
                (None, None) => Finder::Infer(Box::default()),
            });
        }
        if let Some(name) = asked.keys().next() {
            return Err(FileError::Options(format!(
                "A type is given for the column {name:?}, which the file does not have."
            )));
        }
        let lacking = fixed.map_or(0, <[Column]>::len) - targets.iter().flatten().count();
        let width_max = COLUMNS_MAX.saturating_sub(lacking);
        if names.len() > width_max {
            return Err(FileError::TooManyColumns {
                columns: names.len() + lacking,
            });
        }
        Ok(Self {
            width: names.len(),
            width_max,
            headers,
            names,
            finders,
            targets,
        })
    }

    /// The columns of the plan: the dataset's own first, then the new ones in the file's order, surplus cells last.
    fn plan(self, fixed: Vec<Column>) -> Vec<PlannedColumn> {
        let surplus = self.width - self.names.len();
        let padded = self
            .names
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat_n("", surplus));
        // Named again together, so that an added `column_7` never meets a header of that name.
        let names = column_names(padded);
        let mut taken: Vec<String> = fixed.iter().map(|column| column.name.clone()).collect();
        let mut number = fixed
            .iter()
            .filter_map(|column| column.id.strip_prefix("col_")?.parse::<u32>().ok())
            .max()
            .unwrap_or(0);
        let mut columns: Vec<PlannedColumn> = fixed
            .into_iter()
            .map(|column| PlannedColumn {
                column,
                header: String::new(),
                source: None,
                fixed: true,
            })
            .collect();
        let mut finders = self.finders.into_iter();
        for (source, name) in names.into_iter().enumerate() {
            let header = self.headers.get(source).cloned().unwrap_or_default();
            let finder = finders.next();
            let target = self.targets.get(source).copied().flatten();
            if let Some(column) = target.and_then(|target| columns.get_mut(target)) {
                column.header = header;
                column.source = Some(source as u32);
                if let Some(Finder::Fixed {
                    codec: Some(_),
                    nulls,
                }) = finder
                {
                    column.column.null_token = nulls.most();
                }
                continue;
            }
            let mut unique = name.clone();
            let mut copy = 2;
            while taken.contains(&unique) {
                unique = format!("{name}_{copy}");
                copy += 1;
            }
            taken.push(unique.clone());
            let (found, fixed) = match finder {
                Some(Finder::Infer(facts)) => (facts.conclude(), false),
                Some(Finder::Asked(asked)) => (asked.conclude(), true),
                // Cells beyond the header are kept, not typed.
                Some(Finder::Fixed { .. }) | None => (
                    Found {
                        kind: ColumnType::Text,
                        format: None,
                        null_token: None,
                    },
                    false,
                ),
            };
            number += 1;
            columns.push(PlannedColumn {
                column: Column {
                    id: format!("col_{number}"),
                    name: unique,
                    kind: found.kind,
                    format: found.format,
                    null_token: found.null_token,
                },
                header,
                source: Some(source as u32),
                fixed,
            });
        }
        columns
    }
}
