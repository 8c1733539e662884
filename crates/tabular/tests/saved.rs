//! A saved analysis may be gone on with by other code than wrote it, after a deployment: what is saved, and what its bits mean, changes
//! only with its version. `tests/saved/<version>.json` has what this version saves of a few readings that were broken off.
//!
//! When this fails, count `SAVED_VERSION` up; the test then records the new version's file itself where there is none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use contracts::{
    dataset::{Column, ColumnType},
    plan::Options,
};
use serde_json::Value;
use support::analyse_with;
use tabular::{
    Analyser, Analysis, Finished,
    mapping::{Hints, Remembered},
};

/// A reading that is broken off, and all that it depends on.
struct Reading {
    name: &'static str,
    file: Vec<u8>,
    /// Where it is broken off.
    at: usize,
    options: Options,
    fixed: Option<Vec<Column>>,
    hints: Hints,
}

fn column(id: &str, name: &str, kind: ColumnType, null_token: Option<&str>) -> Column {
    Column {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        format: None,
        null_token: null_token.map(str::to_owned),
    }
}

/// Columns of every type and of many spellings; rows of all lengths, a stray quote, comments, and lines above and below the table.
fn of_all_sorts() -> Reading {
    let mut file = "Report of the year\n\nwhole;part;share;price;float;yes;day;time;moment;zoned;json;free;told;\u{e4}ther\n;;;;;;;;;;;;;\n".to_owned();
    for n in 0..1_500_u32 {
        let (day, hour) = (n % 28 + 1, n % 24);
        let _infallible = writeln!(
            file,
            "{};{}.{:02};{}%;€ {}.50;{}.5e3;{};{day:02}/03/2024;{hour}:05 {};2024-03-{day:02} {hour:02}:30:00.250;\
             2024-03-{day:02}T{hour:02}:30:00+01:00;{{\"n\": {n}}};{};{n};z{n}",
            if n % 9 == 0 {
                "NA".to_owned()
            } else {
                format!("-{n}")
            },
            n % 40,
            n % 100,
            n % 90,
            n % 700,
            n % 8,
            if n % 2 == 0 { "yes" } else { "no" },
            if hour < 12 { "AM" } else { "PM" },
            if n % 5 == 0 { "" } else { "text" },
        );
        match n % 400 {
            7 => file.push_str("short;row\n"),
            8 => file.push_str("1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16\n"),
            9 => file.push_str("\"stray\" quote;2\n"),
            10 => file.push_str("# a remark\n\n"),
            _ => {}
        }
    }
    let options = Options {
        delimiter: Some(";".to_owned()),
        preamble: Some(2),
        footer: Some(3),
        header_rows: Some(2),
        comment: Some("#".to_owned()),
        types: BTreeMap::from([("told".to_owned(), ColumnType::Decimal)]),
        nulls: BTreeMap::from([("free".to_owned(), String::new())]),
        ..Options::default()
    };
    Reading {
        name: "of all sorts",
        at: file.len() - 9_000,
        file: file.into_bytes(),
        options,
        fixed: None,
        hints: Hints::default(),
    }
}

/// Appended to a dataset, in an encoding that only the bytes tell, with what looks like footnotes where it is broken off.
fn appended() -> Reading {
    let mut file = b"id,caf\xe9,old name,extra,left\n".to_vec();
    for n in 0..6_000_u32 {
        let name = if n % 3 == 0 {
            &b"M\xfcller"[..]
        } else {
            b"Ada"
        };
        file.extend_from_slice(format!("{n},").as_bytes());
        file.extend_from_slice(name);
        file.extend_from_slice(format!(",{},x{n},y\n", n * 3).as_bytes());
    }
    file.extend_from_slice(b"\nSource: somewhere\nNote: none\n");
    let at = file.len() - 4;
    file.extend_from_slice(b"1,2,3,4,5\n");
    Reading {
        name: "appended",
        at,
        file,
        options: Options {
            mapping: BTreeMap::from([("left".to_owned(), None)]),
            ..Options::default()
        },
        fixed: Some(vec![
            column("col_1", "id", ColumnType::Int64, None),
            column("col_2", "caf\u{e9}", ColumnType::Text, Some("")),
            column("col_4", "amount", ColumnType::Decimal, Some("-")),
        ]),
        hints: Hints {
            remembered: vec![Remembered {
                header: ["id", "caf\u{e9}", "old name", "extra", "left"]
                    .map(str::to_owned)
                    .to_vec(),
                columns: BTreeMap::from([("old name".to_owned(), Some("col_4".to_owned()))]),
            }],
            alike: true,
            ..Hints::default()
        },
    }
}

/// Broken off before enough is known to begin.
fn hardly_begun() -> Reading {
    Reading {
        name: "hardly begun",
        file: b"a,b\n1,2\n".to_vec(),
        at: 5,
        options: Options::default(),
        fixed: None,
        hints: Hints::default(),
    }
}

fn readings() -> [Reading; 3] {
    [of_all_sorts(), appended(), hardly_begun()]
}

impl Reading {
    fn begin(&self) -> Analyser {
        let analyser = Analyser::new(&self.options, self.fixed.as_deref()).unwrap();
        analyser.with_hints(self.hints.clone())
    }

    fn saved(&self) -> Value {
        let mut analyser = self.begin();
        analyser.push(&self.file[..self.at]).unwrap();
        let saved = analyser.save().unwrap();
        serde_json::from_slice(&zstd::decode_all(&saved[..]).unwrap()).unwrap()
    }

    /// Goes on from what was saved, perhaps by other code.
    fn go_on(&self, saved: &Value) -> Analysis {
        let saved = zstd::encode_all(saved.to_string().as_bytes(), 1).unwrap();
        let restored = Analyser::restore(&saved, &self.options, self.fixed.as_deref());
        let mut analyser = restored.unwrap();
        let (again, next) = analyser.wants();
        let range = |from: u64, to: u64| &self.file[from as usize..to as usize];
        analyser.push(range(again.start, again.end)).unwrap();
        analyser.push(range(next, self.file.len() as u64)).unwrap();
        finish(analyser, &self.file)
    }

    fn in_one_go(&self) -> Analysis {
        let mut analyser = self.begin();
        analyser.push(&self.file).unwrap();
        finish(analyser, &self.file)
    }
}

fn finish(mut analyser: Analyser, file: &[u8]) -> Analysis {
    loop {
        match analyser.finish().unwrap() {
            Finished::Analysis(analysis) => return *analysis,
            Finished::Again(again) => {
                analyser = *again;
                analyser.push(file).unwrap();
            }
        }
    }
}

#[test]
fn what_is_saved_changes_only_with_its_version() {
    let saved: BTreeMap<&str, Value> = readings()
        .iter()
        .map(|reading| (reading.name, reading.saved()))
        .collect();
    let version = saved["appended"]["version"].as_u64().unwrap();
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/saved/{version}.json"));
    let text = serde_json::to_string_pretty(&saved).unwrap() + "\n";
    if !path.exists() {
        std::fs::write(&path, &text).unwrap();
        panic!("{} is recorded: look at it and commit it", path.display());
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    if let Some((at, (now, then))) = (1..)
        .zip(text.lines().zip(recorded.lines()))
        .find(|(_, (now, then))| now != then)
    {
        panic!(
            "line {at} of {}: {now:?} is saved, and was {then:?}. Count SAVED_VERSION up.",
            path.display()
        );
    }
    assert_eq!(text.len(), recorded.len(), "Count SAVED_VERSION up.");
}

#[test]
fn what_was_recorded_is_gone_on_with_to_the_same_plan() {
    for reading in readings() {
        let version = reading.saved()["version"].as_u64().unwrap();
        let path = format!("{}/tests/saved/{version}.json", env!("CARGO_MANIFEST_DIR"));
        let recorded = std::fs::read_to_string(path).unwrap_or_default();
        let Ok(recorded) = serde_json::from_str::<BTreeMap<String, Value>>(&recorded) else {
            // The other test says what is to be done.
            continue;
        };
        let wanted = reading.in_one_go();
        assert_eq!(
            reading.go_on(&recorded[reading.name]),
            wanted,
            "{}",
            reading.name
        );
        assert!(!wanted.plan.columns.is_empty());
    }
    // Another version is nobody's.
    let reading = hardly_begun();
    let mut other = reading.saved();
    other["version"] = 0.into();
    let other = zstd::encode_all(other.to_string().as_bytes(), 1).unwrap();
    assert!(Analyser::restore(&other, &reading.options, None).is_none());
    let plan = analyse_with(&reading.file, &reading.options, None, 3).unwrap();
    assert_eq!(plan, reading.in_one_go());
}
