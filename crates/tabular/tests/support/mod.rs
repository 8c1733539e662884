//! Ways to run a file through the crate.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "test helpers; each file uses some of them"
)]

pub mod style;

use std::io::Cursor;

use contracts::{
    dataset::Column,
    plan::{BATCH_BYTES, BATCH_ROWS, Checkpoint, FilePlan, Options},
    receipt::Place,
};
use tabular::{Analyser, Analysis, Batch, FileError, Finished, Loader, inspect};

pub fn analyse(file: &[u8]) -> Result<Analysis, FileError> {
    analyse_with(file, &Options::default(), None, file.len().max(1))
}

pub fn analyse_with(
    file: &[u8],
    options: &Options,
    fixed: Option<&[Column]>,
    piece: usize,
) -> Result<Analysis, FileError> {
    let mut analyser = Analyser::new(options, fixed)?;
    loop {
        for piece in file.chunks(piece) {
            analyser.push(piece)?;
        }
        match analyser.finish()? {
            Finished::Analysis(analysis) => return Ok(*analysis),
            Finished::Again(again) => analyser = *again,
        }
    }
}

/// As [`analyse_with`], broken off and gone on with after each of these bytes.
pub fn analyse_broken_off(
    file: &[u8],
    options: &Options,
    fixed: Option<&[Column]>,
    breaks: &[usize],
) -> Result<Analysis, FileError> {
    let mut analyser = Analyser::new(options, fixed)?;
    loop {
        let mut from = 0;
        for end in breaks {
            if from < *end {
                analyser.push(&file[from..*end])?;
            }
            let saved = analyser.save()?;
            analyser = Analyser::restore(&saved, options, fixed).unwrap();
            let (again, next) = analyser.wants();
            analyser.push(&file[again.start as usize..again.end as usize])?;
            from = next as usize;
        }
        analyser.push(&file[from..])?;
        match analyser.finish()? {
            Finished::Analysis(analysis) => return Ok(*analysis),
            Finished::Again(again) => analyser = *again,
        }
    }
}

pub fn load(file: &[u8], plan: &FilePlan) -> Vec<Batch> {
    load_with(
        file,
        plan,
        BATCH_ROWS,
        BATCH_BYTES,
        Checkpoint::default(),
        file.len().max(1),
    )
}

/// Loads from the checkpoint on; `piece`: bytes pushed at once.
pub fn load_with(
    file: &[u8],
    plan: &FilePlan,
    rows: usize,
    bytes: usize,
    from: Checkpoint,
    piece: usize,
) -> Vec<Batch> {
    let mut loader = Loader::new(plan, rows, bytes, from).unwrap();
    let mut batches = Vec::new();
    for piece in file[from.byte as usize..].chunks(piece) {
        loader.push(piece);
        while let Some(batch) = loader.next_batch().unwrap() {
            batches.push(batch);
        }
    }
    loader.finish();
    while let Some(batch) = loader.next_batch().unwrap() {
        batches.push(batch);
    }
    let end = loader.end();
    assert_eq!(
        end.rows + end.quarantined,
        plan.rows,
        "every row is accounted for"
    );
    batches
}

pub fn rejects(batches: &[Batch]) -> Vec<Place> {
    batches
        .iter()
        .flat_map(|batch| batch.rejects.clone())
        .collect()
}

/// The header and rows that `inspect --csv` prints, read back by the simplest of readers: every field there is quoted.
pub fn inspected(file: &[u8]) -> Vec<Vec<String>> {
    inspected_with(file, &Options::default())
}

pub fn inspected_with(file: &[u8], options: &Options) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    inspect::write_csv(Cursor::new(file.to_vec()), options, &mut out).unwrap();
    read_quoted(&String::from_utf8(out).unwrap())
}

fn read_quoted(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(open) = chars.next() {
        assert_eq!(open, '"');
        let mut field = String::new();
        loop {
            match chars.next().unwrap() {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => break,
                c => field.push(c),
            }
        }
        row.push(field);
        match chars.next().unwrap() {
            ',' => {}
            '\n' => rows.push(std::mem::take(&mut row)),
            c => panic!("{c:?} between fields"),
        }
    }
    rows
}

/// Names and types as one line: `a int64, b date dd/MM/yyyy null=NA`.
pub fn columns(plan: &FilePlan) -> String {
    let columns: Vec<String> = plan
        .columns
        .iter()
        .map(|planned| {
            let column = &planned.column;
            let mut text = format!(
                "{} {}",
                column.name,
                format!("{:?}", column.kind).to_lowercase()
            );
            if let Some(format) = &column.format {
                text.push_str(&format!(" `{}`", format.0));
            }
            if let Some(null) = &column.null_token {
                text.push_str(&format!(" null={null:?}"));
            }
            text
        })
        .collect();
    columns.join(", ")
}
