//! What a file is, from its head: another format altogether, its encoding, its delimiter, and whether the first record names the
//! columns. The content decides, whatever the file is called. Next: [`crate::encoding`].

use contracts::plan::{Dialect, Encoding, Options};

use crate::{
    FileError,
    csv::{Decoder, Event},
    encoding::{self, Transcoder},
    format::kind_name,
    infer, record,
};

/// As much of the file's head is looked at, however it arrives.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Delimiters that are looked for, the likelier first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Finds the dialect, or says what the file is instead. `whole`: the head is the whole file.
///
/// # Errors
/// Another format, text in no encoding that can be read, an option that cannot be used.
pub fn sniff(head: &[u8], whole: bool, options: &Options) -> Result<Dialect, FileError> {
    if head.is_empty() {
        return Err(FileError::Empty);
    }
    refuse_other_formats(head)?;
    let named = encoding::by_bom(head);
    let encoding = named
        .or_else(|| encoding::by_zero_bytes(head))
        .unwrap_or(Encoding::Utf8);
    refuse_binary(head, encoding)?;
    let quote = options.quote.or(Some('"'));
    for (name, mark) in [("delimiter", options.delimiter), ("quote", options.quote)] {
        if let Some(mark) =
            mark.filter(|mark| !mark.is_ascii() || matches!(mark, '\n' | '\r' | '\0'))
        {
            return Err(FileError::Options(format!(
                "The {name} {mark:?} cannot be used. Choose one ASCII character that is no line end."
            )));
        }
    }
    if options.delimiter.is_some() && options.delimiter == quote {
        return Err(FileError::Options(
            "The delimiter and the quote mark are the same. Choose two different ones.".to_owned(),
        ));
    }
    let dialect = |delimiter| Dialect {
        encoding,
        bom: named.is_some(),
        delimiter,
        quote,
        header: options.header.unwrap_or(true),
    };
    let mut best: Option<(Score, Dialect, Reading)> = None;
    for delimiter in options
        .delimiter
        .map_or(DELIMITERS.to_vec(), |given| vec![given])
    {
        let dialect = dialect(delimiter);
        let reading = read(head, whole, &dialect);
        let score = reading.score();
        if best.as_ref().is_none_or(|(other, ..)| score > *other) {
            best = Some((score, dialect, reading));
        }
    }
    let Some((_, mut dialect, reading)) = best else {
        return Err(FileError::Empty);
    };
    if reading.bad * 2 > reading.records.max(1) {
        return Err(FileError::Unreadable(
            "The text is neither UTF-8 nor UTF-16. Save it as UTF-8 (in Excel: \"CSV UTF-8\") and upload it again.".to_owned(),
        ));
    }
    if options.header.is_none() {
        dialect.header = !reading.begins_with_data();
    }
    Ok(dialect)
}

/// Records of the head that are kept for a closer look.
const ROWS_LOOKED_AT: usize = 50;

/// The head as one dialect reads it.
struct Reading {
    /// Cells of each record.
    widths: Vec<usize>,
    rows: Vec<Vec<Vec<u8>>>,
    records: usize,
    bad: usize,
}

/// How well a dialect explains the head: whether it finds columns at all, how many records agree on their number, how many
/// columns they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    columns: bool,
    agree_percent: usize,
    width: usize,
}

fn read(head: &[u8], whole: bool, dialect: &Dialect) -> Reading {
    let mut decoder = Decoder::new(dialect, None);
    decoder.push(head);
    if whole {
        decoder.finish();
    }
    let mut reading = Reading {
        widths: Vec::new(),
        rows: Vec::new(),
        records: 0,
        bad: 0,
    };
    while let Some(event) = decoder.next_event() {
        if event != Event::Record {
            continue;
        }
        let record = decoder.record();
        reading.records += 1;
        if record::flaw(record.raw()) == Some(record::Flaw::Encoding) {
            reading.bad += 1;
        }
        reading.widths.push(record.len());
        if reading.rows.len() < ROWS_LOOKED_AT && record.raw().len() < 16 * 1024 {
            reading
                .rows
                .push(record.cells().map(<[u8]>::to_vec).collect());
        }
    }
    if reading.widths.is_empty() {
        reading.widths.push(decoder.fields_so_far());
    }
    reading
}

impl Reading {
    fn score(&self) -> Score {
        let mut counts = std::collections::BTreeMap::new();
        for width in self.widths.iter().filter(|width| **width > 1) {
            *counts.entry(*width).or_insert(0usize) += 1;
        }
        // Ragged rows: what most agree on, the first record's own width if nothing is commoner.
        let first = self.widths.first().copied().unwrap_or_default();
        let common = counts
            .iter()
            .max_by_key(|(width, count)| (**count, **width == first));
        let records = self.widths.len().max(1);
        let percent = |count: usize| count * 100 / records;
        match common {
            // A heading without a delimiter over text with some commas is one column of text.
            Some((width, count)) if first > 1 || percent(*count) >= 70 => Score {
                columns: true,
                agree_percent: percent(*count),
                width: *width,
            },
            // Then the best delimiter is the one that stands in no record.
            _ => Score {
                columns: false,
                agree_percent: 100 - percent(counts.values().sum()),
                width: 1,
            },
        }
    }

    /// Whether the first record cannot be a header: a header is assumed wherever it can be one.
    fn begins_with_data(&self) -> bool {
        let Some((first, rest)) = self.rows.split_first() else {
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
}

/// The type of one cell alone; none for text.
fn kind_of(cell: &[u8]) -> Option<&'static str> {
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
    let magics: [(&[u8], &str, &str); 22] = [
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
        (b"\xff\xfe\0\0", "text in UTF-32", "Save it as UTF-8."),
        (b"\0\0\xfe\xff", "text in UTF-32", "Save it as UTF-8."),
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
