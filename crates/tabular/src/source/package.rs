//! Office packages (XLSX, XLSM, XLSB, ODS) before they are opened: which they are, and whether what is in them stays within
//! bounds. The reader of workbooks trusts what a package says of itself; here it is not trusted. Next: [`super::workbook`].

use std::io::{self, Read};

use contracts::plan::{FileFormat, RECORD_BYTES_MAX};
use quick_xml::{Reader, events::Event};
use zip::ZipArchive;

use super::{
    Input,
    packed::{damaged_package, survey, zip_fault},
    workbook::{CELLS_MAX, too_many_cells},
};
use crate::FileError;

/// The strings that cells share are held in memory: of all parts but the sheets, none may be longer than this.
const PART_MAX: u64 = 256 * 1024 * 1024;
/// A sheet is streamed.
const SHEET_MAX: u64 = 32 * 1024 * 1024 * 1024;
/// Of the shared strings, where they must have begun.
const STRINGS_HEAD: usize = 4_096;
/// Cells of a row of the widest sheet there is.
const COLUMNS_MAX: u64 = 16_384;

/// Which spreadsheet an archive is; none for an archive of files.
pub(super) fn format(
    input: &Input,
    members: &[(usize, String)],
) -> Result<Option<FileFormat>, FileError> {
    let has = |found: &dyn Fn(&str) -> bool| {
        members
            .iter()
            .any(|(_, name)| found(&name.to_ascii_lowercase()))
    };
    let unsupported = |what: &str| {
        FileError::Unsupported(format!(
            "The file is {what}, not a table. Save its table as XLSX or CSV (UTF-8) and upload that."
        ))
    };
    if has(&|name| name == "[content_types].xml") {
        return match () {
            () if has(&|name| name.starts_with("word/")) => Err(unsupported("a Word document")),
            () if has(&|name| name.starts_with("ppt/")) => Err(unsupported("a presentation")),
            () if has(&|name| name.ends_with("workbook.bin")) => Ok(Some(FileFormat::Xlsb)),
            () if has(&|name| name.ends_with("vbaproject.bin")) => Ok(Some(FileFormat::Xlsm)),
            () => Ok(Some(FileFormat::Xlsx)),
        };
    }
    if has(&|name| name.ends_with(".iwa")) {
        return Err(unsupported("a document of Apple's iWork"));
    }
    let Some((at, _)) = members.iter().find(|(_, name)| name == "mimetype") else {
        return Ok(None);
    };
    let mut archive = ZipArchive::new(input.start()).map_err(zip_fault)?;
    let mut kind = Vec::new();
    archive
        .by_index(*at)
        .map_err(zip_fault)?
        .take(200)
        .read_to_end(&mut kind)
        .map_err(|_| damaged_package())?;
    if kind.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
        Ok(Some(FileFormat::Ods))
    } else if kind.starts_with(b"application/vnd.oasis.opendocument") {
        Err(unsupported("an OpenDocument text or drawing"))
    } else {
        Ok(None)
    }
}

/// Parts that nothing here reads.
const UNREAD: [&str; 7] = [
    "customxml/",
    "docprops/",
    "drawings/",
    "externallinks/",
    "media/",
    "pivotcache/",
    "vbaproject.bin",
];

/// Unpacks every part that will be read once, to nowhere.
pub(super) fn check(input: &Input, format: FileFormat) -> Result<(), FileError> {
    let mut archive = ZipArchive::new(input.start()).map_err(zip_fault)?;
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(zip_fault)?;
        let name = part.name().map_err(zip_fault)?;
        let name = name.to_ascii_lowercase().replace('\\', "/");
        let read = [".xml", ".bin", ".rels"]
            .iter()
            .any(|extension| name.ends_with(extension));
        if !read || UNREAD.iter().any(|unread| name.contains(unread)) {
            continue;
        }
        let max = if name.contains("worksheets/") || name == "content.xml" {
            SHEET_MAX
        } else {
            PART_MAX
        };
        let packed = input.bytes();
        let mut longest = Longest::default();
        let mut strings = Strings::default();
        survey(&mut part, packed, max, |piece| {
            strings.look(piece);
            if name.ends_with(".bin") {
                return Ok(());
            }
            longest.look(piece)
        })?;
        if name.ends_with("sharedstrings.xml") {
            strings.conclude()?;
        }
    }
    if format == FileFormat::Ods {
        count_cells(&mut archive)?;
    }
    Ok(())
}

/// The longest run of text or markup: the XML reader holds as much at once.
#[derive(Default)]
struct Longest(usize);

impl Longest {
    fn look(&mut self, piece: &[u8]) -> Result<(), FileError> {
        let edge = |byte: &u8| matches!(byte, b'<' | b'>');
        let longest = self.0 + piece.iter().position(edge).unwrap_or(piece.len());
        if longest > RECORD_BYTES_MAX {
            return Err(FileError::TooLarge(format!(
                "A cell of the workbook is over {RECORD_BYTES_MAX} bytes long."
            )));
        }
        self.0 = match piece.iter().rposition(edge) {
            Some(at) => piece.len() - at,
            None => longest,
        };
        Ok(())
    }
}

/// How many shared strings there are said to be: room for as many is made before the first is read.
#[derive(Default)]
struct Strings {
    head: Vec<u8>,
    bytes: u64,
}

impl Strings {
    fn look(&mut self, piece: &[u8]) {
        let room = STRINGS_HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        self.bytes += piece.len() as u64;
    }

    fn conclude(&self) -> Result<(), FileError> {
        // Read as the reader of workbooks reads it: a `>` in quotes, a comment or another element before it ends no tag.
        let mut xml = Reader::from_reader(&self.head[..]);
        xml.config_mut().check_end_names = false;
        let mut buffer = Vec::new();
        let honest = loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer) {
                Ok(Event::Start(element) | Event::Empty(element))
                    if element.local_name().as_ref() == "sst" =>
                {
                    break self.holds(element.attributes_raw());
                }
                Ok(Event::Eof) | Err(_) => break false,
                Ok(_) => {}
            }
        };
        if !honest {
            return Err(FileError::Unreadable(
                "The workbook is damaged: it says that it has more shared strings than it holds. Open it, save it again and upload that."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether every number that the attributes say is one that so many bytes can hold: no string takes less than five, `<si/>`.
    fn holds(&self, attributes: &str) -> bool {
        attributes.split("uniqueCount").skip(1).all(|rest| {
            let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "='\"".contains(c));
            let said = rest
                .split(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap_or_default();
            said.is_empty()
                || said
                    .parse::<u64>()
                    .is_ok_and(|said| said <= self.bytes.max(4_096))
        })
    }
}

/// An OpenDocument sheet is held in memory as a rectangle, and a few bytes of it can stand for very many cells.
fn count_cells(archive: &mut ZipArchive<io::BufReader<Input>>) -> Result<(), FileError> {
    let Ok(part) = archive.by_name("content.xml") else {
        return Ok(());
    };
    let mut xml = Reader::from_reader(io::BufReader::new(part));
    xml.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    let (mut total, mut sheet) = (0, Rectangle::default());
    loop {
        buffer.clear();
        // What is wrong with it, its reader says.
        let Ok(event) = xml.read_event_into(&mut buffer) else {
            return Ok(());
        };
        let (element, empty) = match &event {
            Event::Eof => return Ok(()),
            Event::Start(element) => (element, false),
            Event::Empty(element) => (element, true),
            Event::End(end) if end.local_name().as_ref() == "table" => {
                total += sheet.cells();
                if total > CELLS_MAX {
                    return Err(too_many_cells());
                }
                sheet = Rectangle::default();
                continue;
            }
            Event::End(end) if end.local_name().as_ref() == "table-row" => {
                sheet.end_row();
                if sheet.held > CELLS_MAX || total + sheet.cells() > CELLS_MAX {
                    return Err(too_many_cells());
                }
                continue;
            }
            _ => continue,
        };
        let repeated = |name: &str| {
            element
                .attributes()
                .flatten()
                .find(|attribute| attribute.key.local_name().as_ref() == name)
                .and_then(|attribute| attribute.value.parse().ok())
                .unwrap_or(1u64)
        };
        match element.local_name().as_ref() {
            "table-row" => {
                sheet.begin_row(repeated("number-rows-repeated"));
                if empty {
                    sheet.end_row();
                }
            }
            "table-cell" | "covered-table-cell" => {
                let valued = !empty
                    || element
                        .attributes()
                        .flatten()
                        .any(|attribute| attribute.key.as_ref().starts_with("office:"));
                sheet.cell(repeated("number-columns-repeated"), valued);
            }
            _ => {}
        }
    }
}

/// What of a sheet its reader holds.
#[derive(Default)]
struct Rectangle {
    rows: u64,
    columns: u64,
    /// Cells as they stand in the file, those before the last value of a row counted.
    held: u64,
    blank_rows: u64,
    repeat: u64,
    at: u64,
    last: u64,
}

impl Rectangle {
    fn begin_row(&mut self, repeat: u64) {
        (self.repeat, self.at, self.last) = (repeat, 0, 0);
    }

    fn cell(&mut self, repeat: u64, valued: bool) {
        self.at = (self.at + repeat).min(COLUMNS_MAX);
        if valued {
            self.last = self.at;
        }
    }

    fn end_row(&mut self) {
        if self.last == 0 {
            self.blank_rows = self.blank_rows.saturating_add(self.repeat);
            return;
        }
        let blank = std::mem::take(&mut self.blank_rows);
        let skipped = if self.rows == 0 { 0 } else { blank };
        self.rows = self
            .rows
            .saturating_add(skipped)
            .saturating_add(self.repeat);
        self.columns = self.columns.max(self.last);
        self.held += self.last;
    }

    fn cells(&self) -> u64 {
        self.rows.saturating_mul(self.columns)
    }
}
