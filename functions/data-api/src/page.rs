//! Keeping answers under what API Gateway passes on (6 MB through Lambda). A page that is longer loses rows at its end; a
//! row that is longer by itself has its texts cut shorter than usual.

use contracts::{
    commit::ChangedRow,
    dataset::{CutCell, Row},
};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// Bytes of rows in one answer; columns and the rest of the answer come on top.
pub const ROWS_BYTES_MAX: usize = 5_000_000;
/// One character at its longest in JSON (`\u0001`).
const CHAR_BYTES_MAX: usize = 6;

/// What a page is made of: something with cells.
pub trait Cells: Serialize {
    fn cells(&mut self) -> Vec<&mut Value>;
}

impl Cells for Row {
    fn cells(&mut self) -> Vec<&mut Value> {
        self.cells.iter_mut().collect()
    }
}

impl Cells for ChangedRow {
    fn cells(&mut self) -> Vec<&mut Value> {
        let sides = self.before.iter_mut().chain(&mut self.after);
        sides.flatten().collect()
    }
}

/// Cuts the page to what fits, at least one row. True when rows were left off.
pub fn fit(rows: &mut Vec<impl Cells>) -> Result<bool, Error> {
    if rows.iter_mut().map(|row| at_most(row)).sum::<usize>() <= ROWS_BYTES_MAX {
        return Ok(false);
    }
    let mut bytes = 0;
    for no in 0..rows.len() {
        bytes += json_bytes(&rows[no])?;
        if bytes > ROWS_BYTES_MAX {
            if no == 0 {
                shorten(&mut rows[0]);
            }
            let keep = no.max(1);
            let cut = keep < rows.len();
            rows.truncate(keep);
            return Ok(cut);
        }
    }
    Ok(false)
}

/// More bytes than the row has, without writing it: nearly every page is far from the limit.
fn at_most(row: &mut impl Cells) -> usize {
    // Quotes, commas, ids, what stands around a cut cell, the longest number.
    const AROUND: usize = 64;
    let text = |text: &str| text.len() * CHAR_BYTES_MAX + AROUND;
    let cells = row.cells().into_iter().map(|cell| match cell {
        Value::String(whole) => text(whole),
        Value::Object(cut) => cut.get("cut").and_then(Value::as_str).map_or(AROUND, text),
        _ => AROUND,
    });
    AROUND + cells.sum::<usize>()
}

/// Cuts the row's texts so that it fits whatever they hold.
pub fn shorten(row: &mut impl Cells) {
    let cells = row.cells();
    let chars_max = ROWS_BYTES_MAX / CHAR_BYTES_MAX / cells.len().max(1);
    for cell in cells {
        let (text, chars) = match &*cell {
            Value::String(text) => (text.as_str(), text.chars().count() as u64),
            Value::Object(cut) => match (
                cut.get("cut").and_then(Value::as_str),
                cut.get("chars").and_then(Value::as_u64),
            ) {
                (Some(text), Some(chars)) => (text, chars),
                _ => continue,
            },
            _ => continue,
        };
        if let Some((end, _)) = text.char_indices().nth(chars_max) {
            let cut = CutCell {
                cut: text[..end].to_owned(),
                chars,
            };
            *cell = serde_json::json!(cut);
        }
    }
}

/// A single row, shortened if it must be.
pub fn fit_one(row: &mut Row) -> Result<(), Error> {
    if json_bytes(row)? > ROWS_BYTES_MAX {
        shorten(row);
    }
    Ok(())
}

fn json_bytes(value: &impl Serialize) -> Result<usize, Error> {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value)?;
    Ok(count.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: usize, text: &str) -> Row {
        Row {
            row_id: "1".into(),
            cells: vec![Value::String(text.into()); cells],
        }
    }

    #[test]
    fn a_page_that_fits_is_left_alone() {
        let mut rows = vec![row(3, "abc"); 1_000];
        assert!(!fit(&mut rows).unwrap());
        assert_eq!(rows.len(), 1_000);
    }

    #[test]
    fn a_long_page_loses_rows_at_its_end() {
        let mut rows = vec![row(10, &"x".repeat(9_000)); 100];
        assert!(fit(&mut rows).unwrap());
        assert_eq!(rows.len(), 55);
    }

    #[test]
    fn a_row_too_long_by_itself_is_cut_but_shown() {
        let cut = serde_json::json!({"cut": "\u{1}".repeat(10_000), "chars": 2_000_000});
        let mut rows = vec![row(400, &"€".repeat(10_000)), row(1, "next")];
        rows[0].cells[7] = cut;
        assert!(fit(&mut rows).unwrap());
        assert_eq!(rows.len(), 1);
        assert!(json_bytes(&rows[0]).unwrap() <= ROWS_BYTES_MAX);
        assert_eq!(rows[0].cells[0]["chars"], 10_000);
        assert_eq!(rows[0].cells[7]["chars"], 2_000_000);
    }
}
