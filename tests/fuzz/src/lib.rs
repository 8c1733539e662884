//! What must hold for any bytes. Each target takes bytes and panics where a promise of ingest is broken: `main.rs` gives it those
//! that libFuzzer makes, `tests/replay.rs` those of the corpus and changed ones. Start at [`file`].
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a target tells what it found"
)]

mod cells;
mod file;
mod packed;
mod workbook;

pub type Target = fn(&[u8]);

/// The targets, each with a folder of its name under `corpus/`.
pub const TARGETS: [(&str, Target); 4] = [
    ("cells", cells::check),
    ("file", file::check),
    ("packed", packed::check),
    ("workbook", workbook::check),
];
