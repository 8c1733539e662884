//! What a file is, from its head: another format altogether, its encoding, its delimiter, quotes and escapes, what stands above
//! the table, and how many records name the columns. The content decides, whatever the file is called; where two readings are
//! possible, the one that takes fewer characters for marks. Next: [`crate::encoding`].

use std::cmp::Reverse;

use contracts::plan::{Dialect, Encoding, Escape, Options};
use serde::{Deserialize, Serialize};

use crate::{
    FileError,
    csv::{Decoder, Event, Record},
    detect::Evidence,
    encoding::{self, Transcoder},
    format::kind_name,
    infer, record, saved,
};

/// As much of the file's head is looked at, however it arrives.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Delimiters that are looked for, the likelier first.
const DELIMITERS: [&str; 7] = [",", ";", "\t", "|", "^", "~", "\u{1f}"];
/// Delimiters that begin with another one, which must stand nowhere alone.
const LONG_DELIMITERS: [&str; 4] = [", ", "; ", "||", "::"];
/// Characters that are mostly text: delimiters only where nothing speaks against it.
const WEAK_DELIMITERS: [&str; 2] = [" ", ":"];

/// Quote marks that are looked for where `"` quotes nothing.
const QUOTES: [char; 4] = ['\'', '“', '„', '«'];

/// The mark of comment lines that is looked for.
const COMMENT: char = '#';

/// Lines that may stand above a table.
const PREAMBLE_MAX: usize = 30;

/// What the whole file has shown that its head did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    #[serde(with = "saved::exact_beside")]
    pub encoding: Option<(Encoding, f64)>,
    /// Lines that look like comments are rows.
    pub no_comments: bool,
}

/// The head's dialect, and what the rest of the file may still change.
#[derive(Clone, Debug)]
pub(crate) struct Sniffed {
    pub dialect: Dialect,
    /// Whether the encoding is only what the head's bytes say.
    pub is_encoding_open: bool,
    /// How sure the rest of the dialect is.
    pub layout_confidence: f64,
}

/// Finds the dialect, or says what the file is instead. `whole`: the head is the whole file.
///
/// # Errors
/// Another format, text in no encoding that can be read, an option that cannot be used.
pub fn sniff(head: &[u8], whole: bool, options: &Options) -> Result<Dialect, FileError> {
    Ok(sniff_knowing(head, whole, options, Known::default())?.dialect)
}

pub(crate) fn sniff_knowing(
    head: &[u8],
    whole: bool,
    options: &Options,
    known: Known,
) -> Result<Sniffed, FileError> {
    if head.is_empty() {
        return Err(FileError::Empty);
    }
    options
        .check()
        .map_err(|(_, advice)| FileError::Options(advice.to_owned()))?;
    refuse_other_formats(head)?;
    let mut is_encoding_open = false;
    let named = encoding::by_bom(head);
    let (encoding, encoding_confidence) = if let Some(label) = &options.encoding {
        let encoding = encoding::by_label(label).ok_or_else(|| {
            FileError::Options(format!(
                "{label:?} is no encoding that can be read. Take a name of the WHATWG Encoding Standard, like `windows-1252` or `shift_jis`."
            ))
        })?;
        (encoding, 1.0)
    } else if let Some(encoding) = named {
        (encoding, 1.0)
    } else if let Some(known) = known.encoding {
        known
    } else if let Some(wide) = encoding::by_zero_bytes(head) {
        (wide, 0.95)
    } else {
        is_encoding_open = true;
        let mut evidence = Evidence::default();
        evidence.push(head);
        evidence.conclude(whole)
    };
    refuse_binary(head, encoding)?;
    let mark = encoding::bom(encoding);
    let mut dialect = Dialect {
        encoding,
        bom: !mark.is_empty() && head.starts_with(mark),
        escape: options.escape.unwrap_or_default(),
        comment: given_char(options.comment.as_deref()).flatten(),
        ..Dialect::default()
    };
    let sniffer = Sniffer {
        head,
        whole,
        options,
        no_comments: known.no_comments,
        hint: if options.delimiter.is_none() {
            hint(head, &dialect)
        } else {
            None
        },
    };
    let reading = sniffer.find_marks(&mut dialect);
    if reading.bad * 2 > reading.lines.len().max(1) {
        return Err(FileError::Unreadable(
            "The text is in no encoding that can be told. Name its encoding, or save it as UTF-8 (in Excel: \"CSV UTF-8\") and upload it again.".to_owned(),
        ));
    }
    sniffer.find_head(&mut dialect, &reading);
    let layout_confidence = if options.delimiter.is_some() {
        1.0
    } else {
        let score = reading.score();
        0.5 + score.agree_percent as f64 / 200.0
    };
    dialect.confidence = confidence(encoding_confidence, layout_confidence);
    Ok(Sniffed {
        dialect,
        is_encoding_open,
        layout_confidence,
    })
}

/// Finds what stands above a table further down in the file, and its header, by its first records (none for a line that is no
/// record). The marks are known.
pub(crate) fn find_head<'a>(
    dialect: &mut Dialect,
    options: &Options,
    records: impl Iterator<Item = Option<Record<'a>>>,
) {
    let mut reading = Reading {
        given_preamble: options.preamble,
        ..Reading::default()
    };
    for record in records {
        reading.add(record, dialect);
    }
    let comment = dialect.comment;
    let sniffer = Sniffer {
        head: &[],
        whole: false,
        options,
        no_comments: true,
        hint: None,
    };
    sniffer.find_head(dialect, &reading);
    dialect.comment = comment;
}

/// Whether a file with this head is text, and not something else that is known.
pub(crate) fn is_text(head: &[u8]) -> bool {
    let encoding = encoding::by_bom(head)
        .or_else(|| encoding::by_zero_bytes(head))
        .unwrap_or_default();
    refuse_other_formats(head).is_ok() && refuse_binary(head, encoding).is_ok()
}

/// Two confidences together, in hundredths.
pub(crate) fn confidence(encoding: f64, layout: f64) -> f64 {
    (encoding * layout * 100.0).round() / 100.0
}

/// A mark as it is given: nothing said, none, or one.
fn given_char(text: Option<&str>) -> Option<Option<char>> {
    text.map(|text| text.chars().next())
}

struct Sniffer<'a> {
    head: &'a [u8],
    whole: bool,
    options: &'a Options,
    no_comments: bool,
    /// The delimiter that the first line names, as spreadsheet programs write it: `sep=;`.
    hint: Option<String>,
}

/// The delimiter of a first line `sep=;`.
fn hint(head: &[u8], dialect: &Dialect) -> Option<String> {
    let mut text = Vec::new();
    let head = head.get(..64).unwrap_or(head);
    let mark = if dialect.bom {
        encoding::bom(dialect.encoding).len()
    } else {
        0
    };
    Transcoder::new(dialect.encoding).push(&head[mark..], &mut text);
    let line = text.split(|b| matches!(b, b'\n' | b'\r')).next()?;
    let named = std::str::from_utf8(line).ok()?.strip_prefix("sep=")?;
    (named.chars().count() == 1 && line.len() < text.len()).then(|| named.to_owned())
}

impl Sniffer<'_> {
    fn given_preamble(&self) -> Option<u64> {
        self.options.preamble.or(self.hint.as_ref().map(|_| 1))
    }

    /// Finds delimiter, quote and escape; answers with the head as they read it.
    fn find_marks(&self, dialect: &mut Dialect) -> Reading {
        let given = given_char(self.options.quote.as_deref());
        dialect.quote = given.unwrap_or(Some('"'));
        let mut reading = self.find_delimiter(dialect);
        if given.is_none() && reading.quoted == 0 {
            for quote in QUOTES {
                let mut other = Dialect {
                    quote: Some(quote),
                    ..dialect.clone()
                };
                let quoted = self.find_delimiter(&mut other);
                if quoted.is_quoted_throughout() && quoted.score().agrees_as(reading.score()) {
                    (*dialect, reading) = (other, quoted);
                    break;
                }
            }
        }
        if self.options.escape.is_none() && reading.stray > 0 {
            let mut other = Dialect {
                escape: Escape::Backslash,
                ..dialect.clone()
            };
            let escaped = self.find_delimiter(&mut other);
            if escaped.stray < reading.stray && escaped.score().agrees_as(reading.score()) {
                (*dialect, reading) = (other, escaped);
            }
        }
        reading
    }

    fn find_delimiter(&self, dialect: &mut Dialect) -> Reading {
        let read = |delimiter: &str| {
            let candidate = Dialect {
                delimiter: delimiter.to_owned(),
                ..dialect.clone()
            };
            (self.read(&candidate), delimiter.to_owned())
        };
        if let Some(given) = self.options.delimiter.as_ref().or(self.hint.as_ref()) {
            let (reading, delimiter) = read(given);
            dialect.delimiter = delimiter;
            return reading;
        }
        let mut best = read(DELIMITERS[0]);
        for delimiter in &DELIMITERS[1..] {
            let next = read(delimiter);
            if next.0.score() > best.0.score() {
                best = next;
            }
        }
        for delimiter in LONG_DELIMITERS {
            let next = read(delimiter);
            let (score, other) = (next.0.score(), best.0.score());
            let begins = !other.columns || delimiter.starts_with(&best.1);
            if begins
                && score.columns
                && !next.0.is_begun
                && next
                    .0
                    .lines
                    .iter()
                    .find(|line| line.width > 0)
                    .is_some_and(|l| l.width > 1)
                && (score.agree_percent, next.0.lines.len() > 1) >= (other.agree_percent, true)
            {
                best = next;
            }
        }
        if !best.0.score().columns && !best.0.is_typed_column(0) {
            let weak = WEAK_DELIMITERS
                .into_iter()
                .map(read)
                .find(|(reading, _)| reading.is_beyond_doubt());
            best = weak.unwrap_or(best);
        }
        dialect.delimiter = best.1;
        best.0
    }

    fn read(&self, dialect: &Dialect) -> Reading {
        let mut decoder = Decoder::new(dialect, None);
        decoder.push(self.head);
        if self.whole {
            decoder.finish();
        }
        let mut reading = Reading {
            given_preamble: self.given_preamble(),
            ..Reading::default()
        };
        while let Some(event) = decoder.next_event() {
            let record = matches!(event, Event::Record).then(|| decoder.record());
            reading.add(record, dialect);
        }
        if reading.lines.is_empty() {
            let width = decoder.fields_so_far();
            reading.lines.push(Line {
                width,
                filled: width,
                ..Line::default()
            });
        }
        reading
    }

    /// What stands above the table, and its header.
    fn find_head(&self, dialect: &mut Dialect, reading: &Reading) {
        let above = reading.preamble();
        if self.options.comment.is_none() && !self.no_comments {
            let width = reading.common_width();
            let is_certain = above > 0
                && reading.lines[..above].iter().any(|line| line.is_comment)
                && !reading.lines[above..]
                    .iter()
                    .any(|line| line.is_comment && line.width == width);
            dialect.comment = is_certain.then_some(COMMENT);
        }
        dialect.preamble = self.given_preamble().unwrap_or_else(|| {
            // Blank lines and comments are passed over wherever they stand.
            let is_title =
                |line: &Line| line.width > 0 && !(line.is_comment && dialect.comment.is_some());
            let last = reading.lines[..above].iter().rposition(is_title);
            last.map_or(0, |last| last as u64 + 1)
        });
        dialect.footer = self.options.footer.unwrap_or_default();
        let rows = reading.rows_under(above, dialect.comment == Some(COMMENT));
        dialect.header_rows = match (self.options.header_rows, self.options.header) {
            (Some(rows), _) => rows,
            (None, Some(false)) => 0,
            (None, Some(true)) => 1,
            (None, None) => header_rows(&rows),
        };
        dialect.header = dialect.header_rows > 0;
    }
}

/// Records of the head that are kept for a closer look.
const ROWS_LOOKED_AT: usize = 50;

/// A line of the head, or a record of several, as one dialect reads it. A blank one has no width.
#[derive(Debug, Default)]
struct Line {
    width: usize,
    /// Cells that are not empty, and cells in quotes.
    filled: usize,
    quoted: usize,
    is_comment: bool,
    is_worded: bool,
    cells: Option<Vec<Vec<u8>>>,
}

/// The head as one dialect reads it.
#[derive(Debug, Default)]
struct Reading {
    lines: Vec<Line>,
    given_preamble: Option<u64>,
    /// Lines with their cells.
    rows: usize,
    /// Records with bytes that are no text, with quotes that do not pair up, and cells in quotes.
    bad: usize,
    stray: usize,
    quoted: usize,
    /// Whether the first character of a delimiter of several stands alone somewhere.
    is_begun: bool,
}

/// How well a dialect explains the head: whether it finds columns at all, how many records agree on their number, how few
/// lines must be left out above them for that (decimal commas under a header with semicolons look like columns of their own), how
/// many columns they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    columns: bool,
    agree_percent: usize,
    above: Reverse<usize>,
    width: usize,
}

impl Score {
    /// Whether as many records agree, on whatever width: delimiters in quotes make none.
    fn agrees_as(self, other: Self) -> bool {
        (self.columns, self.agree_percent) >= (other.columns, other.agree_percent)
    }
}

impl Reading {
    /// Adds a record, or a line that is none.
    fn add(&mut self, record: Option<Record<'_>>, dialect: &Dialect) {
        let Some(record) = record else {
            self.lines.push(Line::default());
            return;
        };
        if record::flaw(record.raw()) == Some(record::Flaw::Encoding) {
            self.bad += 1;
        }
        let cells = || record.cells().enumerate();
        let quote = dialect.quote;
        let quoted = |at: usize| quote.is_some_and(|quote| record.is_quoted(at, quote));
        if let Some((first, [_, ..])) = dialect.delimiter.as_bytes().split_first() {
            self.is_begun |= cells().any(|(at, cell)| cell.contains(first) && !quoted(at));
        }
        let quoted = cells().filter(|(at, _)| quoted(*at)).count();
        self.quoted += quoted;
        self.stray += usize::from(record.stray_quote().is_some());
        let is_kept = self.rows < ROWS_LOOKED_AT && record.raw().len() < 16 * 1024;
        self.rows += usize::from(is_kept);
        self.lines.push(Line {
            width: record.len(),
            filled: record.cells().filter(|cell| !cell.is_empty()).count(),
            quoted,
            is_comment: record.raw().first() == Some(&(COMMENT as u8)),
            is_worded: record.raw().contains(&b' '),
            cells: is_kept.then(|| record.cells().map(<[u8]>::to_vec).collect()),
        });
    }

    /// The width that most records of the table have, and how many: the first record's own if nothing is commoner.
    fn commonest(&self, lines: &[Line]) -> Option<(usize, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for line in lines.iter().filter(|line| line.width > 1) {
            *counts.entry(line.width).or_insert(0usize) += 1;
        }
        let first = lines.iter().find(|line| line.width > 0).map(|l| l.width);
        counts
            .into_iter()
            .max_by_key(|(width, count)| (*count, Some(*width) == first))
    }

    fn common_width(&self) -> usize {
        self.commonest(&self.lines).map_or(1, |(width, _)| width)
    }

    fn score(&self) -> Score {
        let above = self.preamble();
        let table = &self.lines[above..];
        let records = table.iter().filter(|line| line.width > 0).count().max(1);
        let percent = |count: usize| count * 100 / records;
        let first = table.iter().find(|line| line.width > 0);
        match self.commonest(table) {
            // A heading without a delimiter over text with some commas is one column of text.
            Some((width, count))
                if first.is_some_and(|line| line.width > 1) || percent(count) >= 70 =>
            {
                Score {
                    columns: true,
                    agree_percent: percent(count),
                    above: Reverse(above),
                    width,
                }
            }
            // Then the best delimiter is the one that stands in no record.
            _ => Score {
                columns: false,
                agree_percent: 100 - percent(table.iter().filter(|line| line.width > 1).count()),
                above: Reverse(above),
                width: 1,
            },
        }
    }

    /// How many lines stand above the table: titles, blank lines, comments. Only what cannot be the table's is taken for such.
    fn preamble(&self) -> usize {
        if let Some(given) = self.given_preamble {
            return usize::try_from(given).map_or(self.lines.len(), |p| p.min(self.lines.len()));
        }
        let width = self.common_width();
        let is_full = |line: &Line| line.width == width && line.filled > 1;
        let Some(above) = self.lines.iter().position(is_full) else {
            return 0;
        };
        if above == 0 || above > PREAMBLE_MAX {
            return 0;
        }
        let last = self.lines.iter().rposition(is_full).unwrap_or(above);
        let table = self.lines[above..=last]
            .iter()
            .filter(|l| l.width > 0 && !l.is_comment);
        let (all, agree) = table.fold((0, 0), |(all, agree), line| {
            (all + 1, agree + usize::from(line.width == width))
        });
        if agree < 2 || agree * 10 < all * 8 {
            return 0;
        }
        let is_gap = |line: &Line| line.filled == 0;
        let gap = self.lines[..above].iter().rposition(is_gap);
        let is_title = |(at, line): (usize, &Line)| {
            let is_apart = gap.is_some_and(|gap| at < gap);
            let is_narrow = line.width < width;
            is_gap(line)
                || line.is_comment && is_narrow
                || line.filled == 1 && (is_apart || width > 2 && (is_narrow || line.is_worded))
                || line.filled == 2 && is_apart && is_narrow && width > 3
        };
        let titles = &self.lines[..above];
        let is_preamble =
            titles.iter().enumerate().all(is_title) && titles.iter().any(|line| line.filled > 0);
        if is_preamble { above } else { 0 }
    }

    /// The first rows of the table.
    fn rows_under(&self, above: usize, comments: bool) -> Vec<&[Vec<u8>]> {
        self.lines[above..]
            .iter()
            .filter(|line| !(comments && line.is_comment))
            .filter_map(|line| line.cells.as_deref())
            .collect()
    }

    /// Whether some column's cells are all in quotes, and no quote is at odds with that.
    fn is_quoted_throughout(&self) -> bool {
        let rows = self.lines.iter().filter(|line| line.width > 0);
        let records = rows.clone().count();
        let least = rows.clone().skip(1).map(|line| line.quoted).min();
        self.stray == 0 && records > 1 && least.is_some_and(|quoted| quoted > 0)
    }

    /// Whether a column's cells, the header aside, are all of a type other than text.
    fn is_typed_column(&self, column: usize) -> bool {
        let rows = self.rows_under(self.preamble(), true);
        let mut cells = rows.iter().skip(1).map(|row| row.get(column)).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.is_some_and(|cell| kind_of(cell).is_some()))
    }

    /// Whether every record has the same number of cells, and some column is more than text.
    fn is_beyond_doubt(&self) -> bool {
        let score = self.score();
        score.columns
            && score.agree_percent == 100
            && self.stray == 0
            && (0..score.width).any(|column| self.is_typed_column(column))
    }
}

/// Records that name the columns: none, one, or two where the upper has gaps that the lower fills.
fn header_rows(rows: &[&[Vec<u8>]]) -> u32 {
    if has_two_headers(rows) {
        2
    } else {
        u32::from(!begins_with_data(rows))
    }
}

fn has_two_headers(rows: &[&[Vec<u8>]]) -> bool {
    let [upper, lower, rest @ ..] = rows else {
        return false;
    };
    let has_gaps = upper.iter().skip(1).any(Vec::is_empty) && upper.iter().any(|c| !c.is_empty());
    let is_named = upper.len() == lower.len()
        && lower
            .iter()
            .all(|cell| !cell.is_empty() && kind_of(cell).is_none());
    let is_typed = |column: usize| {
        let cells = || rest.iter().filter_map(|row| row.get(column));
        cells().any(|cell| !cell.is_empty())
            && cells().all(|cell| cell.is_empty() || kind_of(cell).is_some())
    };
    has_gaps && is_named && rest.len() > 1 && (0..lower.len()).any(is_typed)
}

/// Whether the first record cannot be a header: a header is assumed wherever it can be one.
fn begins_with_data(rows: &[&[Vec<u8>]]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let kinds: Vec<Option<&str>> = first.iter().map(|cell| kind_of(cell)).collect();
    if kinds
        .iter()
        .flatten()
        .any(|kind| !matches!(*kind, "int64" | "boolean"))
    {
        return true;
    }
    let filled = first.iter().filter(|cell| !cell.is_empty()).count();
    let numbers = kinds.iter().filter(|kind| **kind == Some("int64")).count();
    if filled > 0 && numbers == filled {
        return true;
    }
    // `1,Alice` over `2,Bob`; but `2019` may head a column.
    let is_year =
        |cell: &[u8]| cell.len() == 4 && (cell.starts_with(b"19") || cell.starts_with(b"20"));
    kinds.first() == Some(&Some("int64"))
        && !is_year(&first[0])
        && !rest.is_empty()
        && rest.iter().all(|row| {
            row.first()
                .is_some_and(|cell| cell.is_empty() || kind_of(cell) == Some("int64"))
        })
}

/// The type of one cell alone; none for text.
pub(crate) fn kind_of(cell: &[u8]) -> Option<&'static str> {
    let mut facts = infer::Facts::default();
    facts.add(cell);
    match kind_name(facts.conclude().kind) {
        "text" => None,
        kind => Some(kind),
    }
}

fn unsupported(what: &str, advice: &str) -> FileError {
    FileError::Unsupported(format!("The file is {what}, not delimited text. {advice}"))
}

fn contains(head: &[u8], text: &[u8]) -> bool {
    head.windows(text.len()).any(|window| window == text)
}

const SAVE_AS_CSV: &str = "Open it and save it as CSV (UTF-8), then upload that.";
const UNPACK: &str = "Unpack it and upload the CSV file inside.";

fn refuse_other_formats(head: &[u8]) -> Result<(), FileError> {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Err(
            if contains(head, b"xl/") || contains(head, b"[Content_Types].xml") {
                unsupported("an Excel workbook (XLSX)", SAVE_AS_CSV)
            } else if contains(head, b"application/vnd.oasis.opendocument") {
                unsupported("an OpenDocument spreadsheet (ODS)", SAVE_AS_CSV)
            } else {
                unsupported("a ZIP archive", UNPACK)
            },
        );
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(if contains(head, &utf16("EncryptedPackage")) {
            FileError::Encrypted
        } else {
            unsupported(
                "an old Excel workbook or another Office document (XLS)",
                SAVE_AS_CSV,
            )
        });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(unsupported("a TAR archive", UNPACK));
    }
    let magics: [(&[u8], &str, &str); 20] = [
        (b"\x1f\x8b", "compressed with gzip", UNPACK),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
        (b"BZh", "compressed with bzip2", UNPACK),
        (b"\xfd7zXZ\0", "compressed with xz", UNPACK),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
        (b"PAR1", "a Parquet file", "Export it as CSV."),
        (b"ARROW1", "an Arrow file", "Export it as CSV."),
        (b"Obj\x01", "an Avro file", "Export it as CSV."),
        (b"ORC", "an ORC file", "Export it as CSV."),
        (
            b"SQLite format 3\0",
            "an SQLite database",
            "Export a table as CSV.",
        ),
        (
            b"%PDF-",
            "a PDF document",
            "Export the table as CSV where it was made.",
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            "a picture (PNG)",
            "Upload a CSV file.",
        ),
        (b"\xff\xd8\xff", "a picture (JPEG)", "Upload a CSV file."),
        (b"GIF8", "a picture (GIF)", "Upload a CSV file."),
        (b"{\\rtf", "a rich text document (RTF)", SAVE_AS_CSV),
        (b"\x7fELF", "a program", "Upload a CSV file."),
        (b"MZ\x90\0", "a program", "Upload a CSV file."),
        (b"\x89HDF", "an HDF5 file", "Export it as CSV."),
        (b"wOF", "a font", "Upload a CSV file."),
    ];
    if let Some((_, what, advice)) = magics.iter().find(|(magic, ..)| {
        head.starts_with(magic)
            && (*magic != b"ORC" && *magic != b"BZh" && *magic != b"PAR1" || has_controls(head))
    }) {
        return Err(unsupported(what, advice));
    }
    let text = head
        .strip_prefix(encoding::bom(Encoding::Utf8))
        .unwrap_or(head);
    let text = text.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(64).map(u8::to_ascii_lowercase).collect();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Err(unsupported(
            "a web page (HTML)",
            "The download may have needed a sign-in; fetch the CSV file itself.",
        ));
    }
    if lower.starts_with(b"<?xml") {
        return Err(unsupported("an XML document", SAVE_AS_CSV));
    }
    if is_json(text) {
        return Err(unsupported("JSON", "Export it as CSV."));
    }
    Ok(())
}

/// A first line that is a whole object or array, or one that opens and goes on.
pub(crate) fn is_json(text: &[u8]) -> bool {
    let line = text
        .split(|b| *b == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let Some((open, rest)) = line.split_first() else {
        return false;
    };
    match (open, rest.trim_ascii_start().first()) {
        (b'{' | b'[', None) | (b'[', Some(b'{')) => true,
        (b'[', Some(b']')) => line.len() == text.trim_ascii_end().len(),
        (b'{', Some(b'"' | b'}')) | (b'[', Some(b'[')) => {
            infer::is_json(line)
                || line.len() == text.trim_ascii_end().len()
                || line.ends_with(b",")
                || line.ends_with(b"{")
        }
        _ => false,
    }
}

fn has_controls(head: &[u8]) -> bool {
    head.iter().any(|b| *b < 9)
}

/// Bytes, or characters in UTF-16, that no text has many of.
fn refuse_binary(head: &[u8], encoding: Encoding) -> Result<(), FileError> {
    let mut text = Vec::new();
    Transcoder::new(encoding).push(head, &mut text);
    let controls = encoding::controls(&text);
    if controls >= 8 && controls * 32 > text.len() {
        return Err(unsupported("binary data", "Upload a CSV file."));
    }
    Ok(())
}
