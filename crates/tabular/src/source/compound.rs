//! Old workbooks (XLS) before they are opened: their reader makes room for the rectangle that a sheet says it has, and for the
//! one that its cells span. Next: [`super::workbook`].

use std::{io, io::Read as _};

use super::{
    Input,
    workbook::{CELLS_MAX, damaged, too_many_cells},
};
use crate::FileError;

const DIMENSIONS: u16 = 0x0200;
const BEGIN: u16 = 0x0809;
/// Records that begin with a cell's row and column.
const CELLS: [u16; 9] = [
    0x0006, 0x00bd, 0x00d6, 0x00fd, 0x0203, 0x0204, 0x0205, 0x0207, 0x027e,
];

/// Refuses what would not fit into memory, what is protected, and what is no workbook.
pub(super) fn check(input: &Input) -> Result<(), FileError> {
    let mut file = cfb::CompoundFile::open(input.start()).map_err(|_| damaged())?;
    let names: Vec<String> = file
        .walk()
        .map(|entry| entry.name().to_ascii_lowercase())
        .collect();
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("encryptedpackage") {
        return Err(FileError::Encrypted);
    }
    let path = match file.walk().find(|entry| {
        entry.is_stream()
            && ["workbook", "book"].contains(&entry.name().to_ascii_lowercase().as_str())
    }) {
        Some(entry) => entry.path().to_owned(),
        None if has("worddocument") => return Err(unsupported("a Word document")),
        None if has("powerpoint document") => return Err(unsupported("a presentation")),
        None => return Err(unsupported("an Office document without a workbook in it")),
    };
    let stream = file.open_stream(path).map_err(|_| damaged())?;
    let mut stream = io::BufReader::with_capacity(64 * 1024, stream);
    let (mut total, mut sheet) = (0u64, Bounds::default());
    let mut data = Vec::new();
    loop {
        let mut head = [0; 4];
        if stream.read_exact(&mut head).is_err() {
            break;
        }
        let [a, b, c, d] = head;
        let (kind, len) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        data.resize(usize::from(len), 0);
        if stream.read_exact(&mut data).is_err() {
            break;
        }
        let short = |at: usize| {
            data.get(at..at + 2)
                .map(|two| u64::from(u16::from_le_bytes([two[0], two[1]])))
        };
        match kind {
            BEGIN => {
                total += sheet.cells();
                sheet = Bounds::default();
            }
            DIMENSIONS => {
                let rows = match data.len() {
                    10 => short(2).zip(short(0)),
                    _ => data.first_chunk::<8>().map(|eight| {
                        let [a, b, c, d, e, f, g, h] = *eight;
                        (
                            u64::from(u32::from_le_bytes([e, f, g, h])),
                            u64::from(u32::from_le_bytes([a, b, c, d])),
                        )
                    }),
                };
                let columns = match data.len() {
                    10 => short(6),
                    _ => short(10),
                };
                if let (Some((end, start)), Some(columns)) = (rows, columns) {
                    sheet.said = end.saturating_sub(start).saturating_add(1) * (columns + 1);
                }
            }
            _ if CELLS.contains(&kind) => {
                if let (Some(row), Some(column)) = (short(0), short(2)) {
                    // Several cells of a row end with the last one's column.
                    let last = match kind {
                        0x00bd => short(data.len().saturating_sub(2)).unwrap_or(column),
                        _ => column,
                    };
                    sheet.add(row, column, last.max(column));
                }
            }
            _ => {}
        }
        if total + sheet.cells() > CELLS_MAX {
            return Err(too_many_cells());
        }
    }
    Ok(())
}

fn unsupported(what: &str) -> FileError {
    FileError::Unsupported(format!(
        "The file is {what}, not a table. Save its table as XLSX or CSV (UTF-8) and upload that."
    ))
}

/// The rectangle that a sheet's cells span, or that it says they do.
#[derive(Default)]
struct Bounds {
    said: u64,
    rows: Option<(u64, u64)>,
    columns: (u64, u64),
}

impl Bounds {
    fn add(&mut self, row: u64, first: u64, last: u64) {
        match &mut self.rows {
            None => {
                self.rows = Some((row, row));
                self.columns = (first, last);
            }
            Some((top, bottom)) => {
                *top = row.min(*top);
                *bottom = row.max(*bottom);
                self.columns = (first.min(self.columns.0), last.max(self.columns.1));
            }
        }
    }

    fn cells(&self) -> u64 {
        let (left, right) = self.columns;
        let spanned = self
            .rows
            .map_or(0, |(top, bottom)| (bottom - top + 1) * (right - left + 1));
        spanned.max(self.said)
    }
}
