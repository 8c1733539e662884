//! The first pass: sniff, decode and infer over the whole file, pushed in pieces of any size, and the plan that follows.
//! Memory is one record, the few last ones and the facts of each column. Where the whole file contradicts its head (an encoding
//! that only shows late), it is read once more. A reading that is broken off can be saved and go on later ([`crate::saved`]).
//! Next: [`crate::load`].

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

use contracts::{
    dataset::{Column, ColumnType},
    plan::{
        COLUMNS_MAX, Dialect, FileFormat, FileKind, FilePlan, Mapped, NewColumns, Options,
        OtherTable, PLACES_PER_CODE, PlannedColumn, Tables,
    },
    receipt::Place,
};
use serde::{Deserialize, Serialize};

use crate::{
    FileError, Source,
    csv::{Decoder, Event, HeldRecord, Position, Record},
    detect::Evidence,
    encoding::raw_text,
    format::Codec,
    infer::{Asked, Facts, Found, Nulls},
    mapping::{self, Goal, Hints, Way},
    names::column_names,
    record::{self, Flaw, SHOWN_CHARS, place},
    saved,
    sniff::{self, HEAD_BYTES, Known, Sniffed},
    source::{Note, names_columns},
};

/// What analysis found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub plan: FilePlan,
    /// The first places of each warning code; `plan.warnings` has the counts.
    pub warnings: Vec<Place>,
}

/// What the file's end brought.
#[derive(Debug)]
pub enum Finished {
    Analysis(Box<Analysis>),
    /// The whole file must be read otherwise than its head promised: push it again, from its first byte, into this one.
    Again(Box<Analyser>),
}

/// Reads a file once, seldom twice, and makes its plan.
#[derive(Debug)]
pub struct Analyser {
    options: Options,
    fixed: Option<Vec<Column>>,
    hints: Hints,
    known: Known,
    kind: FileKind,
    notes: Vec<Note>,
    others: Vec<OtherTable>,
    stage: Stage,
    /// Bytes still to come of what [`Self::recalls`].
    recalling: u64,
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
            hints: Hints::default(),
            known: Known::default(),
            kind: FileKind::default(),
            notes: Vec::new(),
            others: Vec::new(),
            stage: Stage::Head(Vec::new()),
            recalling: 0,
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
            others: source.others().to_vec(),
            ..Self::new(&source.options(options), fixed)?
        })
    }

    /// What else tells where the file's columns go among the dataset's.
    #[must_use]
    pub fn with_hints(mut self, hints: Hints) -> Self {
        self.hints = hints;
        self
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// The file as a whole cannot be loaded; nothing more needs to be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let recalled = usize::try_from(self.recalling).map_or(bytes.len(), |n| n.min(bytes.len()));
        let (recalled, bytes) = bytes.split_at(recalled);
        if let Stage::Body(body) = &mut self.stage
            && let Some(evidence) = body.evidence.as_mut().filter(|_| !recalled.is_empty())
        {
            evidence.recall(recalled);
            self.recalling -= recalled.len() as u64;
        }
        match &mut self.stage {
            Stage::Body(body) => body.push(bytes),
            Stage::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() < HEAD_BYTES {
                    return Ok(());
                }
                self.begin(false)
            }
        }
    }

    /// What of the file is to be pushed, now and next: mostly all of it. One that was saved wants to see some bytes again, and
    /// then goes on from the record that it had come to.
    #[must_use]
    pub fn wants(&self) -> (Range<u64>, u64) {
        match &self.stage {
            Stage::Head(head) => (0..0, head.len() as u64),
            Stage::Body(body) => {
                let recalls = body.evidence.as_ref().map_or(0..0, Evidence::recalls);
                (recalls, body.decoder.next_position().byte)
            }
        }
    }

    /// Where in the file the next record begins, for progress.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.stage {
            Stage::Head(_) => 0,
            Stage::Body(body) => body.decoder.next_position().byte,
        }
    }

    /// Rows seen so far, for progress.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        match &self.stage {
            Stage::Head(_) => 0,
            Stage::Body(body) => body.rows.count,
        }
    }

    /// The file has ended.
    ///
    /// # Errors
    /// As [`Self::push`], and a file without any record.
    pub fn finish(mut self) -> Result<Finished, FileError> {
        if matches!(self.stage, Stage::Head(_)) {
            self.begin(true)?;
        }
        let Stage::Body(mut body) = self.stage else {
            return Err(FileError::Empty);
        };
        body.decoder.finish();
        body.drain()?;
        body.rows.end_ahead()?;
        let mut known = self.known;
        if let Some(evidence) = &body.evidence {
            let found = evidence.conclude(true);
            if found.0 != body.rows.dialect.encoding {
                known.encoding = Some(found);
            } else {
                body.rows.dialect.confidence = sniff::confidence(found.1, body.layout_confidence);
            }
        }
        known.no_comments |= body.rows.doubts_comments;
        if known != self.known {
            return Ok(Finished::Again(Box::new(Self {
                options: self.options,
                fixed: body.rows.fixed,
                hints: body.rows.hints,
                known,
                kind: self.kind,
                notes: self.notes,
                others: body.rows.others,
                stage: Stage::Head(Vec::new()),
                recalling: 0,
            })));
        }
        body.rows.finish().map(Box::new).map(Finished::Analysis)
    }

    /// The head is complete: exactly as long however the file is cut into pieces.
    fn begin(&mut self, whole: bool) -> Result<(), FileError> {
        let Stage::Head(head) = &mut self.stage else {
            return Ok(());
        };
        let head = std::mem::take(head);
        let looked_at = &head[..head.len().min(HEAD_BYTES)];
        let whole = whole && looked_at.len() == head.len();
        let sniffed = sniff::sniff_knowing(looked_at, whole, &self.options, self.known)?;
        let mut body = Box::new(Body::new(sniffed, self.options.clone(), self.fixed.take()));
        body.rows.kind = self.kind.clone();
        body.rows.hints = std::mem::take(&mut self.hints);
        body.rows.others = std::mem::take(&mut self.others);
        for note in &self.notes {
            let rows = &mut body.rows;
            warn(
                &mut rows.warnings,
                &mut rows.places,
                note.code,
                FIRST,
                || (note.message.clone(), None, None),
            );
        }
        for piece in head.chunks(HEAD_BYTES) {
            body.push(piece)?;
        }
        self.stage = Stage::Body(body);
        Ok(())
    }
}

/// An analysis that was broken off, as it is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    options: Options,
    fixed: Option<Vec<Column>>,
    hints: Hints,
    known: Known,
    body: Option<SavedBody>,
}

#[derive(Serialize, Deserialize)]
struct SavedBody {
    /// Where the next record begins.
    next: Position,
    evidence: Option<Evidence>,
    #[serde(with = "saved::exact")]
    layout_confidence: f64,
    rows: Rows,
}

/// Of what is saved. One that is written otherwise is not read: count it up with every change to the fields, and to the lists that
/// their bits stand for. `tests/saved.rs` holds it against what was recorded of each version.
const SAVED_VERSION: u32 = 2;

impl Analyser {
    /// What another process goes on from, by [`Self::restore`]: for plain text, whose bytes can be read from any place on. It
    /// holds some kilobytes, and more where warnings have their places or records wait.
    ///
    /// # Errors
    /// It cannot be written, which is a fault of ours.
    pub fn save(self) -> Result<Vec<u8>, FileError> {
        let body = match self.stage {
            Stage::Head(_) => None,
            Stage::Body(body) => Some(SavedBody {
                next: body.decoder.next_position(),
                evidence: body.evidence,
                layout_confidence: body.layout_confidence,
                rows: body.rows,
            }),
        };
        saved::write(&Saved {
            version: SAVED_VERSION,
            options: self.options,
            fixed: self.fixed,
            hints: self.hints,
            known: self.known,
            body,
        })
    }

    /// Goes on: push what it [`Self::wants`]. None where this was saved by other code, for other options or for a dataset whose
    /// columns are others by now (`fixed`, as in [`Self::new`]): then the file is read from its beginning.
    #[must_use]
    pub fn restore(bytes: &[u8], options: &Options, fixed: Option<&[Column]>) -> Option<Self> {
        let saved: Saved = saved::read(bytes)?;
        let known = match &saved.body {
            Some(body) => &body.rows.fixed,
            None => &saved.fixed,
        };
        if known.as_deref() != fixed {
            return None;
        }
        if saved.version != SAVED_VERSION || saved.options != *options {
            return None;
        }
        let mut analyser = Self {
            options: saved.options,
            fixed: saved.fixed,
            hints: saved.hints,
            known: saved.known,
            kind: FileKind::default(),
            notes: Vec::new(),
            others: Vec::new(),
            stage: Stage::Head(Vec::new()),
            recalling: 0,
        };
        if let Some(body) = saved.body {
            analyser.stage = Stage::Body(Box::new(Body::restore(body)?));
        }
        let (recalls, _) = analyser.wants();
        analyser.recalling = recalls.end - recalls.start;
        Some(analyser)
    }
}

/// How a column's type is come by.
#[derive(Debug, Serialize, Deserialize)]
enum Finder {
    /// From its values.
    Infer(Box<Facts>),
    /// The user said the type; its spelling is found.
    Asked(Box<Asked>),
    /// It is the dataset's. Where that has no null yet, the file may bring one.
    Fixed {
        /// Comes from the column itself when the rest is read back.
        #[serde(skip)]
        codec: Option<Codec>,
        nulls: Box<Nulls>,
    },
    /// The user said how null is spelled.
    Told { null: String, finder: Box<Finder> },
    /// The column is left out.
    None,
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
            Self::Fixed { codec: None, .. } | Self::None => {}
            Self::Told { null, finder } => {
                if null.as_bytes() != cell {
                    finder.add_value(cell);
                }
            }
        }
    }

    /// Adds a cell that is no null, whatever it looks like. Apart from [`Self::add`], which runs for every cell of a file.
    #[inline(never)]
    fn add_value(&mut self, cell: &[u8]) {
        match self {
            Self::Infer(facts) => facts.add_value(cell),
            other => other.add(cell),
        }
    }

    /// What the column is, and whether that was said and not found; none where it is the dataset's.
    fn conclude(&self) -> Option<(Found, bool)> {
        match self {
            Self::Infer(facts) => Some((facts.conclude(), false)),
            Self::Asked(asked) => Some((asked.conclude(), true)),
            Self::Fixed { .. } | Self::None => None,
            Self::Told { null, finder } => finder.conclude().map(|(found, is_said)| {
                let null_token = Some(null.clone());
                (
                    Found {
                        null_token,
                        ..found
                    },
                    is_said,
                )
            }),
        }
    }

    /// For a column of the dataset.
    fn fixed(column: &Column) -> Result<Self, FileError> {
        let free = column.null_token.is_none() && column.kind != ColumnType::Text;
        let codec = Codec::new(column.kind, column.format.as_ref())
            .map_err(|misfit| FileError::Plan(misfit.0))?;
        Ok(Self::Fixed {
            codec: free.then_some(codec),
            nulls: Box::default(),
        })
    }

    /// Gives one that was saved its codec back.
    fn complete(&mut self, column: &Column) -> Result<(), FileError> {
        match self {
            Self::Fixed { codec, .. } => {
                if let Self::Fixed { codec: known, .. } = Self::fixed(column)? {
                    *codec = known;
                }
                Ok(())
            }
            Self::Told { finder, .. } => finder.complete(column),
            Self::Infer(_) | Self::Asked(_) | Self::None => Ok(()),
        }
    }

    /// The null that the file brings to a column of the dataset that has none.
    fn null_brought(&self) -> Option<String> {
        match self {
            Self::Fixed {
                codec: Some(_),
                nulls,
            } => nulls.most(),
            Self::Told { null, .. } => Some(null.clone()),
            _ => None,
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
    decoder: Decoder,
    /// Of the encoding, where only the bytes tell it.
    evidence: Option<Evidence>,
    layout_confidence: f64,
    rows: Rows,
}

/// All that is gathered of the records.
#[derive(Debug, Serialize, Deserialize)]
struct Rows {
    kind: FileKind,
    dialect: Dialect,
    options: Options,
    fixed: Option<Vec<Column>>,
    hints: Hints,
    records: u64,
    count: u64,
    skipped: BTreeMap<String, i64>,
    warnings: BTreeMap<String, i64>,
    places: Vec<Place>,
    /// Header cells of the records so far, column by column.
    header: Vec<String>,
    headers: u32,
    /// Set by the last record of the header.
    table: Option<Table>,
    /// What may turn out to stand under the table.
    held: VecDeque<Held>,
    held_bytes: usize,
    /// Whether the record before was blank.
    after_blank: bool,
    /// Where a second table may have begun, and how wide it is.
    second: Option<(Position, usize)>,
    /// Other tables of the file.
    others: Vec<OtherTable>,
    /// The first records of a table further down, until there are enough to tell its header.
    ahead: Option<Ahead>,
    /// Whether a blank line stands above, with nothing but what may be titles between.
    gap: bool,
    /// Records of `held` that a blank line stands under.
    held_above_gap: usize,
    /// A record that may be the first of a table under this one: the next one tells.
    candidate: Option<(Position, HeldRecord)>,
    /// Where that table begins, once it has been told apart.
    until: Option<u64>,
    /// Whether a line that was taken for a comment has as many cells as a row.
    doubts_comments: bool,
}

/// A record that waits for its turn.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    at: Position,
    /// None for a record over the limit, or one that is counted already.
    record: Option<HeldRecord>,
    is_counted: bool,
}

impl Held {
    fn bytes(&self) -> usize {
        self.record
            .as_ref()
            .map_or(0, |record| record.record().raw().len())
    }
}

/// What stands at the beginning of a table further down.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ahead {
    lines: Vec<(Position, Line)>,
    bytes: usize,
}

/// As the decoder finds it.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    Record(HeldRecord),
    Blank,
    Comment(HeldRecord),
    TooLarge(u64),
}

impl Line {
    fn new(event: Event, record: Record<'_>) -> Self {
        match event {
            Event::Record => Self::Record(HeldRecord::new(record)),
            Event::Blank => Self::Blank,
            Event::Comment => Self::Comment(HeldRecord::line(record)),
            Event::TooLarge(bytes) => Self::TooLarge(bytes),
        }
    }

    fn record(&self) -> Option<Record<'_>> {
        match self {
            Self::Record(record) => Some(record.record()),
            Self::Blank | Self::Comment(_) | Self::TooLarge(_) => None,
        }
    }
}

/// Records that may wait because they look like footnotes, and bytes of each.
const FOOTNOTES_MAX: usize = 20;
const FOOTNOTE_BYTES: usize = 4 * 1024;
/// Bytes of the records that were said to stand under the table.
const FOOTER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Why a record of another table is skipped.
const OTHER_TABLE: &str = "other_table";

/// What footnotes begin with.
const FOOTNOTES: [&str; 11] = [
    "*", "†", "‡", "§", "©", "#", "Source:", "Sources:", "Note:", "Notes:", "Quelle:",
];

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    /// Header cells; empty ones where the file has no header.
    headers: Vec<String>,
    names: Vec<String>,
    finders: Vec<Finder>,
    ways: Vec<Way>,
    /// Most cells of any row that can be taken, and the most that can be.
    width: usize,
    width_max: usize,
    /// How wide it is by itself: of a sheet, whose rows are all as wide as the widest, up to the last column with a name or a value.
    own: usize,
}

impl Body {
    fn new(sniffed: Sniffed, options: Options, fixed: Option<Vec<Column>>) -> Self {
        let ahead = options.after.is_some_and(|after| after > 0);
        Self {
            decoder: Decoder::new(&sniffed.dialect, None),
            evidence: sniffed.is_encoding_open.then(Evidence::default),
            layout_confidence: sniffed.layout_confidence,
            rows: Rows {
                kind: FileKind::default(),
                dialect: sniffed.dialect,
                options,
                fixed,
                hints: Hints::default(),
                records: 0,
                count: 0,
                skipped: BTreeMap::new(),
                warnings: BTreeMap::new(),
                places: Vec::new(),
                header: Vec::new(),
                headers: 0,
                table: None,
                held: VecDeque::new(),
                held_bytes: 0,
                after_blank: false,
                second: None,
                others: Vec::new(),
                ahead: ahead.then(Ahead::default),
                gap: false,
                held_above_gap: 0,
                candidate: None,
                until: None,
                doubts_comments: false,
            },
        }
    }

    fn restore(mut saved: SavedBody) -> Option<Self> {
        if let Some(evidence) = &mut saved.evidence {
            evidence.go_on(saved.next.byte);
        }
        let fixed = saved.rows.fixed.as_deref().unwrap_or_default();
        if let Some(table) = &mut saved.rows.table {
            for (finder, way) in table.finders.iter_mut().zip(&table.ways) {
                if let Goal::Known(place) = way.to {
                    finder.complete(fixed.get(place)?).ok()?;
                }
            }
        }
        Some(Self {
            decoder: Decoder::new(&saved.rows.dialect, Some(saved.next)),
            evidence: saved.evidence,
            layout_confidence: saved.layout_confidence,
            rows: saved.rows,
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        if let Some(evidence) = &mut self.evidence {
            evidence.push(bytes);
        }
        self.decoder.push(bytes);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), FileError> {
        while let Some(event) = self.decoder.next_event() {
            let at = self.decoder.position();
            self.rows.take(event, self.decoder.record(), at)?;
        }
        Ok(())
    }
}

impl Rows {
    fn take(&mut self, event: Event, record: Record<'_>, at: Position) -> Result<(), FileError> {
        self.records += 1;
        if self.until.is_some() || at.record <= self.after() {
            self.skip(OTHER_TABLE);
            return Ok(());
        }
        let Some(ahead) = &mut self.ahead else {
            return self.take_own(event, record, at);
        };
        ahead.bytes += record.raw().len() + 1;
        ahead.lines.push((at, Line::new(event, record)));
        if ahead.bytes < HEAD_BYTES {
            return Ok(());
        }
        self.end_ahead()
    }

    /// Records above this table that are another's.
    fn after(&self) -> u64 {
        self.options.after.unwrap_or_default()
    }

    /// Enough is seen of a table further down to tell its header.
    fn end_ahead(&mut self) -> Result<(), FileError> {
        let Some(ahead) = self.ahead.take() else {
            return Ok(());
        };
        if ahead.lines.is_empty() {
            return Err(FileError::Options(format!(
                "The file has {} records, so no table begins after the first {}. Give a smaller `after`, or none.",
                self.records,
                self.after()
            )));
        }
        let records = ahead.lines.iter().map(|(_, line)| line.record());
        sniff::find_head(&mut self.dialect, &self.options, records);
        for (at, line) in ahead.lines {
            match line {
                Line::Record(record) => self.take_own(Event::Record, record.record(), at)?,
                Line::Comment(record) => self.take_own(Event::Comment, record.record(), at)?,
                Line::Blank => self.take_own(Event::Blank, Record::default(), at)?,
                Line::TooLarge(bytes) => {
                    self.take_own(Event::TooLarge(bytes), Record::default(), at)?;
                }
            }
        }
        Ok(())
    }

    /// A record that is no other table's.
    fn take_own(
        &mut self,
        event: Event,
        record: Record<'_>,
        at: Position,
    ) -> Result<(), FileError> {
        if self.until.is_some() {
            self.skip(OTHER_TABLE);
            return Ok(());
        }
        let is_above = at.record <= self.after() + self.dialect.preamble;
        // Where the format names the columns, a blank line is a row whose only cell is missing.
        let event = match event {
            Event::Blank if names_columns(self.kind.format) => Event::Record,
            event => event,
        };
        match event {
            Event::Record if self.table.is_some() && !is_above => {
                self.row_or_footnote(record, at);
            }
            Event::Record if is_above => {
                let is_found = self.options.preamble.is_none();
                self.left_out("preamble", is_found, record, at);
            }
            Event::Record => self.header(record, at)?,
            Event::Blank => {
                self.skip("blank");
                self.after_blank = true;
                self.gap = true;
                self.held_above_gap = self.held.len();
                self.hold_counted(at);
                return Ok(());
            }
            Event::Comment => {
                self.comment(record, at);
                self.hold_counted(at);
            }
            Event::TooLarge(_) if is_above => self.skip("preamble"),
            Event::TooLarge(bytes) if self.table.is_none() => {
                return Err(FileError::Unreadable(format!(
                    "The first record is {bytes} bytes long, so the columns are not known. Check the line ends and the quotes at the file's beginning."
                )));
            }
            // Its place is told by the load, which quarantines it.
            Event::TooLarge(_) if self.dialect.footer > 0 => self.hold(Held {
                at,
                record: None,
                is_counted: false,
            }),
            Event::TooLarge(_) => {
                self.keep_candidate();
                self.release(0);
                self.count += 1;
            }
        }
        self.after_blank = false;
        if self.held_bytes > FOOTER_BYTES_MAX {
            return Err(FileError::Options(format!(
                "The last {} records are too long to be set aside. Give a smaller `footer`, or none.",
                self.dialect.footer
            )));
        }
        Ok(())
    }

    fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Counts a record that is no row; where that was found and not said, the user is told.
    fn left_out(&mut self, reason: &'static str, is_found: bool, record: Record<'_>, at: Position) {
        self.skip(reason);
        if !is_found {
            return;
        }
        let message = match reason {
            "preamble" => "The line stands above the table and is left out.",
            "footer" => "The line stands under the table and is left out.",
            _ => "The line is a comment and is left out.",
        };
        let encoding = self.dialect.encoding;
        warn(&mut self.warnings, &mut self.places, reason, at, || {
            let raw = raw_text(encoding, record.raw(), SHOWN_CHARS);
            (message.to_owned(), None, Some(raw))
        });
    }

    fn comment(&mut self, record: Record<'_>, at: Position) {
        let is_found = self.options.comment.is_none();
        if let Some(table) = self.table.as_ref().filter(|_| is_found) {
            let delimiter = self.dialect.delimiter.as_bytes();
            let delimiters = record
                .raw()
                .windows(delimiter.len())
                .filter(|w| *w == delimiter);
            self.doubts_comments |= delimiters.count() + 1 == table.finders.len();
        }
        self.left_out("comment", is_found, record, at);
    }

    fn header(&mut self, record: Record<'_>, at: Position) -> Result<(), FileError> {
        let encoding = self.dialect.encoding;
        let is_header = self.dialect.header_rows > 0;
        let left_out_max = match &self.fixed {
            Some(_) => mapping::left_out_max(&self.options, &self.hints),
            None => 0,
        };
        if record.len() > COLUMNS_MAX + left_out_max {
            return Err(FileError::TooManyColumns {
                columns: record.len() - left_out_max,
            });
        }
        if self.header.len() < record.len() {
            self.header.resize(record.len(), String::new());
        }
        if is_header {
            for (name, cell) in self.header.iter_mut().zip(record.cells()) {
                let text = raw_text(encoding, cell, usize::MAX);
                if !name.is_empty() && !text.is_empty() {
                    name.push(' ');
                }
                name.push_str(&text);
            }
            self.headers += 1;
            if let Some(flaw) = record::flaw(record.raw()) {
                let (code, what) = match flaw {
                    Flaw::Encoding => ("invalid_encoding", "bytes that are not text"),
                    Flaw::Nul => ("nul_byte", "a NUL character"),
                };
                let message = format!(
                    "The header holds {what}; they are shown as \\xNN in the column's name."
                );
                let shown = raw_text(encoding, record.raw(), SHOWN_CHARS);
                warn(&mut self.warnings, &mut self.places, code, at, || {
                    (message, None, Some(shown))
                });
            }
            if self.headers < self.dialect.header_rows {
                return Ok(());
            }
        }
        self.begin_table()?;
        if !is_header {
            self.row_or_footnote(record, at);
        }
        Ok(())
    }

    fn begin_table(&mut self) -> Result<(), FileError> {
        let headers = std::mem::take(&mut self.header);
        let names = column_names(headers.iter().map(String::as_str));
        let has_header = self.dialect.header_rows > 0;
        let fixed = self.fixed.as_deref();
        let ways = mapping::find(&names, has_header, fixed, &self.options, &self.hints)?;
        for (name, _) in (names.iter().zip(&ways)).filter(|(_, way)| way.to == Goal::LeftOut) {
            let (counts, places) = (&mut self.warnings, &mut self.places);
            warn(counts, places, "column_left_out", FIRST, || {
                let message = "The column is left out: none of its cells is imported.";
                (message.to_owned(), Some(name.clone()), None)
            });
        }
        let named = headers.iter().rposition(|header| !header.is_empty());
        let shared = self.hints.shared;
        let mut table = Table::new(&self.options, shared, fixed, headers, names, ways)?;
        if self.kind.format != FileFormat::Text {
            table.own = named.map_or(0, |last| last + 1);
        }
        self.table = Some(table);
        Ok(())
    }

    fn row_or_footnote(&mut self, record: Record<'_>, at: Position) {
        if self.tells_tables_apart() && self.may_end_here(record, at) {
            return;
        }
        let held = |record| Held {
            at,
            record: Some(HeldRecord::new(record)),
            is_counted: false,
        };
        if self.dialect.footer > 0 {
            self.hold(held(record));
        } else if self.may_be_footnote(record) {
            if self.held.len() == FOOTNOTES_MAX {
                self.release(0);
            }
            self.held.push_back(held(record));
        } else {
            if !self.held.is_empty() {
                self.release(0);
            }
            self.row(record, at, self.gap);
            self.gap = false;
        }
    }

    fn tells_tables_apart(&self) -> bool {
        self.options.tables == Some(Tables::Split)
            && !self.hints.last
            && !names_columns(self.kind.format)
    }

    /// Whether the record is another table's, or may be its first and waits for the next one to tell. A table begins behind a blank
    /// line, with titles or without, by this one's header once more or by two records that are as wide as each other but not as this
    /// table.
    fn may_end_here(&mut self, record: Record<'_>, at: Position) -> bool {
        if let Some((first, candidate)) = &self.candidate {
            let width = self.cells_of(candidate.record());
            if self.goes_on(width, record) && !self.after_blank {
                let first = *first;
                self.candidate = None;
                self.end_before(first, 2);
                return true;
            }
            self.keep_candidate();
        }
        if !self.gap || self.may_be_footnote(record) {
            return false;
        }
        if self.is_header_again(record) {
            self.end_before(at, 1);
            return true;
        }
        let may_be = self.may_begin(record);
        if may_be {
            self.candidate = Some((at, HeldRecord::new(record)));
        }
        may_be
    }

    /// How many cells a record has: of a sheet, whose rows are all as wide as the widest, up to the last that is filled.
    fn cells_of(&self, record: Record<'_>) -> usize {
        let mut cells = record.len();
        if self.kind.format != FileFormat::Text {
            while cells > 0 && record.get_valued(cells - 1).is_none() {
                cells -= 1;
            }
        }
        cells
    }

    /// Whether the record is not as wide as this table, and could be another's first. In a sheet, where a row ends with its last filled
    /// cell, that takes names.
    fn may_begin(&self, record: Record<'_>) -> bool {
        let cells = self.cells_of(record);
        let is_name = |cell: &[u8]| !cell.is_empty() && sniff::kind_of(cell).is_none();
        cells > 1
            && self.table.as_ref().is_some_and(|table| table.own != cells)
            && (self.kind.format == FileFormat::Text || record.cells().take(cells).all(is_name))
    }

    /// Whether the record can be the one behind another table's first, which is so wide.
    fn goes_on(&self, width: usize, record: Record<'_>) -> bool {
        let cells = self.cells_of(record);
        cells == width || (self.kind.format != FileFormat::Text && cells > 1 && cells < width)
    }

    /// The other table has begun with so many records that are not counted yet, and the titles above them.
    fn end_before(&mut self, first: Position, records: usize) {
        let titles = self
            .held
            .split_off(self.held_above_gap.min(self.held.len()));
        let first = titles.front().map_or(first, |title| title.at);
        self.until = Some(first.record);
        for _ in 0..titles.len() + records {
            self.skip(OTHER_TABLE);
        }
    }

    /// What might have begun another table is a row of this one.
    fn keep_candidate(&mut self) {
        if let Some((at, candidate)) = self.candidate.take() {
            self.release(0);
            self.row(candidate.record(), at, false);
            self.gap = self.after_blank;
        }
    }

    fn is_header_again(&self, record: Record<'_>) -> bool {
        let encoding = self.dialect.encoding;
        self.dialect.header
            && self.table.as_ref().is_some_and(|table| {
                let cells = record
                    .cells()
                    .map(|cell| raw_text(encoding, cell, usize::MAX));
                record.len() == table.finders.len() && cells.eq(table.headers.iter().cloned())
            })
    }

    /// One text alone in a wider table, behind a blank line or another such, or with a footnote's mark.
    fn may_be_footnote(&self, record: Record<'_>) -> bool {
        let is_wide = self.table.as_ref().is_some_and(|t| t.finders.len() > 1);
        let mut cells = record.cells();
        let Some(first) = cells.next().filter(|first| is_wide && !first.is_empty()) else {
            return false;
        };
        let is_marked = || {
            FOOTNOTES
                .iter()
                .any(|mark| first.starts_with(mark.as_bytes()))
        };
        cells.all(<[u8]>::is_empty)
            && self.options.footer.is_none()
            && (self.after_blank || !self.held.is_empty() || is_marked())
            && record.raw().len() <= FOOTNOTE_BYTES
            && record.stray_quote().is_none()
            && record::flaw(record.raw()).is_none()
            && sniff::kind_of(first).is_none()
            && self.count > 0
    }

    /// Holds a record until the given number of them stands under it.
    fn hold(&mut self, held: Held) {
        self.held_bytes += held.bytes();
        self.held.push_back(held);
        self.release(usize::try_from(self.dialect.footer).unwrap_or(usize::MAX));
    }

    fn hold_counted(&mut self, at: Position) {
        if self.dialect.footer > 0 && self.table.is_some() {
            self.hold(Held {
                at,
                record: None,
                is_counted: true,
            });
        }
    }

    /// Takes the records that wait for rows, all but the last few.
    fn release(&mut self, but: usize) {
        while self.held.len() > but {
            let Some(held) = self.held.pop_front() else {
                return;
            };
            self.held_bytes = self.held_bytes.saturating_sub(held.bytes());
            self.held_above_gap = self.held_above_gap.saturating_sub(1);
            match held.record {
                Some(record) => self.row(record.record(), held.at, false),
                None => self.count += u64::from(!held.is_counted),
            }
        }
    }

    fn row(&mut self, record: Record<'_>, at: Position, behind_gap: bool) {
        self.count += 1;
        let cells = self.cells_of(record);
        let Some(table) = &mut self.table else { return };
        if record::flaw(record.raw()).is_some() || record.len() > table.width_max {
            // Quarantined by the load.
            return;
        }
        let expected = table.finders.len();
        for (finder, cell) in table.finders.iter_mut().zip(record.cells()) {
            finder.add(cell);
        }
        if record.len() == expected
            && record.stray_quote().is_none()
            && !behind_gap
            && self.second.is_none()
        {
            table.own = table.own.max(cells);
            return;
        }
        table.width = table.width.max(record.len());
        self.look_for_second_table(record, at, behind_gap);
        if let Some(table) = self
            .table
            .as_mut()
            .filter(|_| self.kind.format != FileFormat::Text)
        {
            table.own = table.own.max(cells);
        }
        self.warn_of_row(record, at, expected);
    }

    /// Behind a blank line, with titles or without, the header once more, or two rows that are as wide as each other but not as the table.
    #[cold]
    fn look_for_second_table(&mut self, record: Record<'_>, at: Position, behind_gap: bool) {
        let begun = self.second.take();
        let is_header = behind_gap && self.is_header_again(record);
        let place = match begun {
            _ if is_header => at,
            Some((place, width)) if self.goes_on(width, record) && !behind_gap => place,
            _ => {
                let is_other = behind_gap && self.may_begin(record);
                self.second = is_other.then_some((at, self.cells_of(record)));
                return;
            }
        };
        warn(
            &mut self.warnings,
            &mut self.places,
            "second_table",
            place,
            || {
                (
                "A second table seems to begin here; its rows are kept under the first one's columns.".to_owned(),
                None,
                None,
            )
            },
        );
    }

    #[cold]
    fn warn_of_row(&mut self, record: Record<'_>, at: Position, expected: usize) {
        let encoding = self.dialect.encoding;
        let cells = record.len();
        let raw = || Some(raw_text(encoding, record.raw(), SHOWN_CHARS));
        let (counts, places) = (&mut self.warnings, &mut self.places);
        if cells < expected {
            warn(counts, places, "short_row", at, || {
                (
                    format!("The row has {cells} of {expected} cells; the missing ones are null."),
                    None,
                    raw(),
                )
            });
        }
        if cells > expected {
            warn(counts, places, "long_row", at, || {
                (
                    format!(
                        "The row has {cells} cells, {} more than expected; they are kept in added columns.",
                        cells - expected
                    ),
                    None,
                    raw(),
                )
            });
        }
        if let Some(column) = record.stray_quote() {
            let name = self
                .table
                .as_ref()
                .and_then(|table| table.names.get(column).cloned());
            warn(counts, places, "stray_quote", at, || {
                ("A quote mark is not closed, or is followed by more text; the cell is kept as it stands, quotes included.".to_owned(), name, raw())
            });
        }
    }

    /// What still waits stands under the table.
    fn take_footer(&mut self) {
        let held = std::mem::take(&mut self.held);
        let is_found = self.options.footer.is_none();
        let records = self.until.map_or(self.records, |until| until - 1);
        self.dialect.footer = held
            .front()
            .map_or(0, |first| records - first.at.record + 1);
        for held in held {
            match held.record {
                Some(record) => self.left_out("footer", is_found, record.record(), held.at),
                None if held.is_counted => {}
                None => self.skip("footer"),
            }
        }
    }

    fn finish(mut self) -> Result<Analysis, FileError> {
        self.keep_candidate();
        self.take_footer();
        if self.table.is_none() && self.headers > 0 {
            // Fewer records than the header was said to have.
            self.begin_table()?;
        }
        let is_narrowed = self.tells_tables_apart() && self.kind.format != FileFormat::Text;
        let Some(mut table) = self.table else {
            return Err(FileError::Empty);
        };
        if is_narrowed {
            table.narrow();
        }
        if self.count == 0 {
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
        if let Some(sheet) = &self.kind.sheet {
            // The others are about the file as a whole.
            for place in self.places.iter_mut().filter(|place| place.record > 1) {
                place.message =
                    format!("{} (Sheet `{sheet}`, row {}.)", place.message, place.record);
            }
        }
        let (columns, mapping) = table.plan(self.fixed.unwrap_or_default());
        let mut other_tables = self.others;
        if let Some(until) = self.until {
            let container = self.kind.container.as_ref();
            let under = OtherTable {
                member: container.and_then(|container| container.member.clone()),
                sheet: self.kind.sheet.clone(),
                after: Some(until - 1),
            };
            other_tables.insert(0, under);
        }
        let plan = FilePlan {
            kind: self.kind,
            dialect: self.dialect,
            columns,
            mapping,
            records: self.records,
            headers: u64::from(self.headers),
            skipped: self.skipped,
            rows: self.count,
            warnings: self.warnings,
            other_tables,
            after: self.options.after.unwrap_or_default(),
            until: self.until,
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
        shared: bool,
        fixed: Option<&[Column]>,
        headers: Vec<String>,
        names: Vec<String>,
        ways: Vec<Way>,
    ) -> Result<Self, FileError> {
        let mut asked: BTreeMap<&str, ColumnType> = options
            .types
            .iter()
            .map(|(name, kind)| (name.as_str(), *kind))
            .collect();
        let mut nulls: BTreeMap<&str, &String> = options
            .nulls
            .iter()
            .map(|(name, null)| (name.as_str(), null))
            .collect();
        let mut finders = Vec::with_capacity(names.len());
        let mut known_columns = 0;
        for (name, way) in names.iter().zip(&ways) {
            let kind = asked.remove(name.as_str());
            let told = nulls.remove(name.as_str());
            let column = match way.to {
                Goal::LeftOut => {
                    finders.push(Finder::None);
                    continue;
                }
                Goal::New(_) => None,
                Goal::Known(place) => {
                    known_columns += 1;
                    fixed.and_then(|fixed| fixed.get(place))
                }
            };
            let finder = match (column, kind) {
                (Some(column), _) => Finder::fixed(column)?,
                (None, Some(kind)) => Finder::Asked(Box::new(Asked::new(kind))),
                (None, None) => Finder::Infer(Box::default()),
            };
            let known = column.and_then(|column| column.null_token.as_ref());
            finders.push(match told {
                Some(null) if known.is_some_and(|known| known != null) => {
                    return Err(FileError::Options(format!(
                        "The column {name:?} of the dataset spells null as {known:?} already; {null:?} cannot be its null as well."
                    )));
                }
                Some(null) if known.is_none() => Finder::Told {
                    null: null.clone(),
                    finder: Box::new(finder),
                },
                _ => finder,
            });
        }
        if let Some(name) = nulls.keys().next().filter(|_| !shared) {
            return Err(FileError::Options(format!(
                "A null is given for the column {name:?}, which the file does not have."
            )));
        }
        if let Some(name) = asked.keys().next().filter(|_| !shared) {
            return Err(FileError::Options(format!(
                "A type is given for the column {name:?}, which the file does not have."
            )));
        }
        let lacking = fixed.map_or(0, <[Column]>::len) - known_columns;
        let left_out = ways.iter().filter(|way| way.to == Goal::LeftOut).count();
        let columns = names.len() - left_out + lacking;
        if columns > COLUMNS_MAX {
            return Err(FileError::TooManyColumns { columns });
        }
        let width_max = if fixed.is_some() && options.new_columns == NewColumns::Refuse {
            // Surplus cells would be new columns.
            names.len()
        } else {
            names.len() + COLUMNS_MAX - columns
        };
        Ok(Self {
            width: names.len(),
            width_max,
            own: names.len(),
            headers,
            names,
            finders,
            ways,
        })
    }

    /// Columns that are only there because another table of the sheet is wider are none of this one.
    fn narrow(&mut self) {
        let own = self.own.max(1);
        self.width = self.width.min(own);
        self.headers.truncate(own);
        self.names.truncate(own);
        self.finders.truncate(own);
        self.ways.truncate(own);
    }

    /// The columns of the plan: the dataset's own first, then the new ones in the file's order, surplus cells last.
    /// Beside them where each named column went.
    fn plan(self, fixed: Vec<Column>) -> (Vec<PlannedColumn>, Vec<Mapped>) {
        let surplus = self.width - self.names.len();
        let padded = self
            .names
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat_n("", surplus));
        // Named again together, so that an added `column_7` never meets a header of that name.
        let names = column_names(padded);
        let mut taken: Vec<String> = fixed.iter().map(|column| column.name.clone()).collect();
        taken.extend(self.ways.iter().filter_map(|way| match &way.to {
            Goal::New(name) => name.clone(),
            _ => None,
        }));
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
            let way = self.ways.get(source);
            let unique = match way.map(|way| &way.to) {
                Some(Goal::LeftOut) => continue,
                Some(Goal::Known(place)) => {
                    if let Some(column) = columns.get_mut(*place) {
                        column.header = header;
                        column.source = Some(source as u32);
                        if let Some(null) = finder.and_then(|finder| finder.null_brought()) {
                            column.column.null_token = Some(null);
                        }
                    }
                    continue;
                }
                Some(Goal::New(Some(chosen))) => chosen.clone(),
                Some(Goal::New(None)) | None => {
                    let mut copy = 2;
                    let mut unique = name.clone();
                    while taken.contains(&unique) {
                        unique = format!("{name}_{copy}");
                        copy += 1;
                    }
                    unique
                }
            };
            taken.push(unique.clone());
            // Cells beyond the header are kept, not typed.
            let (found, fixed) = finder
                .and_then(|finder| finder.conclude())
                .unwrap_or((Found::text(), false));
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
        let mapping = mapped(&self.names, &self.ways, &columns);
        (columns, mapping)
    }
}

fn mapped(names: &[String], ways: &[Way], columns: &[PlannedColumn]) -> Vec<Mapped> {
    let tell = |((at, name), way): ((usize, &String), &Way)| {
        let source = u32::try_from(at).ok();
        let planned = columns.iter().find(|planned| planned.source == source);
        let column = planned.map(|planned| &planned.column);
        Mapped {
            file: name.clone(),
            column: column.map(|column| column.id.clone()),
            name: column.map_or_else(|| name.clone(), |column| column.name.clone()),
            by: way.by,
        }
    };
    names.iter().enumerate().zip(ways).map(tell).collect()
}
