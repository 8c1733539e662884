//! The cells of one column, a line each: whatever type they are found to be or read as, they are printed as they were spelled.

use contracts::dataset::{Column, ColumnType, Format};
use tabular::{
    format::{Codec, Reader, Value},
    infer::{Asked, Facts, Found},
};

const KINDS: [ColumnType; 10] = [
    ColumnType::Text,
    ColumnType::Int64,
    ColumnType::Decimal,
    ColumnType::Float,
    ColumnType::Boolean,
    ColumnType::Date,
    ColumnType::Time,
    ColumnType::Timestamp,
    ColumnType::Timestamptz,
    ColumnType::Json,
];

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let cells: Vec<&str> = text.split('\n').collect();
    let found = infer(&cells);
    for cell in &cells {
        if found.null_token.as_deref() != Some(*cell) {
            let codec = codec(&found);
            let value = codec.parse(cell).expect("the type fits every cell");
            assert_eq!(printed(&codec, &value), *cell, "{found:?}");
        }
    }
    for kind in KINDS {
        let mut asked = Asked::new(kind);
        for cell in &cells {
            asked.add(cell.as_bytes());
        }
        reads_what_it_prints(&codec(&asked.conclude()), &cells);
        // The first line as a format that somebody gave.
        if let Ok(codec) = Codec::new(kind, Some(&Format(cells[0].to_owned()))) {
            reads_what_it_prints(&codec, &cells);
        }
    }
    canonical_stays(&found, &cells);
}

/// Finds the type, in any order and any chunks the same.
fn infer(cells: &[&str]) -> Found {
    let of = |cells: &[&str]| {
        let mut facts = Facts::default();
        for cell in cells {
            facts.add(cell.as_bytes());
        }
        facts
    };
    let found = of(cells).conclude();
    let (left, right) = cells.split_at(cells.len() / 2);
    let mut joined = of(right);
    joined.join(&of(left));
    assert_eq!(joined.conclude(), found);
    found
}

fn reads_what_it_prints(codec: &Codec, cells: &[&str]) {
    for cell in cells {
        if let Ok(value) = codec.parse(cell) {
            assert_eq!(printed(codec, &value), *cell, "{codec:?} {value:?}");
        }
    }
}

/// What a person types is canonical at once.
fn canonical_stays(found: &Found, cells: &[&str]) {
    let mut column = Column {
        id: "col_1".to_owned(),
        name: "a".to_owned(),
        kind: found.kind,
        format: found.format.clone(),
        null_token: None,
    };
    let own = Reader::new(&column).expect("a format that was found");
    column.format = None;
    let canonical = Reader::new(&column).expect("no format");
    for cell in cells {
        if let Ok(Some(once)) = own.read(cell) {
            assert_eq!(canonical.read(&once), Ok(Some(once.clone())), "{cell:?}");
        }
    }
}

fn codec(found: &Found) -> Codec {
    Codec::new(found.kind, found.format.as_ref()).expect("a format that was found")
}

fn printed(codec: &Codec, value: &Value) -> String {
    let mut out = String::new();
    codec.print(value, &mut out);
    out
}
