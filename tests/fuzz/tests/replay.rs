//! A short run of what `make fuzz` runs for long: every file of the corpus and every small fixture, as it is and changed at random.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use gridkeep_fuzz::{TARGETS, Target};
use proptest::{prelude::*, sample::Index};

/// Longer files are what the goldens are for.
const BYTES_MAX: u64 = 4_096;

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// The files of a target, those that were found and those that were made, always in one order.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![home.join("corpus").join(name)];
    let fixtures = home.join("../fixtures");
    match name {
        "file" => folders.extend(
            [
                "bad",
                "encodings",
                "formats",
                "json",
                "packed",
                "spreadsheets",
                "text",
                "types",
                "workbooks",
            ]
            .map(|folder| fixtures.join(folder)),
        ),
        "packed" => folders.extend(["json", "text", "types"].map(|folder| fixtures.join(folder))),
        "cells" => folders.push(fixtures.join("types")),
        _ => {}
    }
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let small = |path: &&PathBuf| fs::metadata(path).unwrap().len() <= BYTES_MAX;
    let seeds: Vec<_> = paths
        .iter()
        .filter(small)
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert!(seeds.len() > 20, "{} of {name}", seeds.len());
    seeds
}

/// One way of changing a file.
#[derive(Clone, Debug)]
enum Edit {
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// Bytes of another file.
    Splice(Index, Index, Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\"',;\t\n\r\0 |{}[]<>.-0".to_vec())
    ];
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Edit::Put(at, byte)),
        (any::<Index>(), prop::collection::vec(byte, 1..5))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<Index>(), 1usize..40).prop_map(|(at, len)| Edit::Remove(at, len)),
        (any::<Index>(), any::<Index>(), any::<Index>(), 1usize..80)
            .prop_map(|(at, other, from, len)| Edit::Splice(at, other, from, len)),
    ]
}

fn changed(seeds: &[Vec<u8>], seed: Index, edits: &[Edit]) -> Vec<u8> {
    let mut file = seed.get(seeds).clone();
    for edit in edits {
        let len = file.len();
        match edit {
            Edit::Put(at, byte) if len > 0 => file[at.index(len)] = *byte,
            Edit::Insert(at, bytes) => {
                let at = at.index(len + 1);
                file.splice(at..at, bytes.iter().copied());
            }
            Edit::Remove(at, many) if len > 0 => {
                let at = at.index(len);
                file.drain(at..len.min(at + many));
            }
            Edit::Splice(at, other, from, many) => {
                let other = other.get(seeds);
                let from = from.index(other.len() + 1);
                let piece = &other[from..other.len().min(from + many)];
                let at = at.index(len + 1);
                file.splice(at..at, piece.iter().copied());
            }
            _ => {}
        }
    }
    file
}

fn replay(name: &str, cases: u32) {
    let target = target(name);
    let seeds = seeds(name);
    for seed in &seeds {
        target(seed);
    }
    let edits = prop::collection::vec(edit(), 1..6);
    proptest!(ProptestConfig::with_cases(cases), |(seed in any::<Index>(), edits in edits)| {
        target(&changed(&seeds, seed, &edits));
    });
}

#[test]
fn cells_are_printed_as_they_were_spelled() {
    replay("cells", 2_000);
}

#[test]
fn any_file_is_loaded_or_refused_and_every_record_accounted_for() {
    replay("file", 1_500);
}

#[test]
fn a_packed_file_is_what_it_is_alone() {
    replay("packed", 500);
}

#[test]
fn any_parts_of_a_workbook_are_read_or_refused() {
    replay("workbook", 700);
}
