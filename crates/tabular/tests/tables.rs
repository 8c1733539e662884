//! A file of several tables: which there are, and that each is read as if it stood alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    io::{Cursor, Write as _},
    ops::ControlFlow,
};

use contracts::{
    dataset::ColumnType,
    plan::{Apart, CHOICES_MAX, Checkpoint, Encoding, FilePlan, Options, OtherTable, Tables},
    upload::Mode,
};
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use support::{
    analyse_broken_off, analyse_with, columns, inspected_with, load_with,
    style::{encode, style},
};
use tabular::{Analyser, Analysis, FileError, Finished, Input, Source, mapping::Hints};
use zip::{ZipWriter, write::SimpleFileOptions};

const EACH: Apart = Apart {
    members: true,
    sheets: true,
    under: false,
};

fn split() -> Options {
    Options {
        tables: Some(Tables::Split),
        ..Options::default()
    }
}

fn open(file: &[u8], apart: Apart) -> Source {
    let input = Input::new(Cursor::new(file.to_vec())).unwrap();
    Source::open(input, &Options::default(), apart).unwrap()
}

/// What is said of the file, by code.
fn notes(source: &Source) -> Vec<(&'static str, String)> {
    let told = source.notes().iter();
    told.map(|note| (note.code, note.message.clone())).collect()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Sheets by name; one with a dash before its name is hidden, one without a cell is empty.
fn workbook(sheets: &[(&str, &[&str])]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, cells) in sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name.trim_start_matches('-')).unwrap();
        sheet.set_hidden(name.starts_with('-'));
        for (row, cell) in (0..).zip(*cells) {
            sheet.write_string(row, 0, *cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn in_sheet(name: &str) -> OtherTable {
    OtherTable {
        member: None,
        sheet: Some(name.to_owned()),
        after: None,
    }
}

fn in_member(name: &str) -> OtherTable {
    OtherTable {
        member: Some(name.to_owned()),
        sheet: None,
        after: None,
    }
}

#[test]
fn every_visible_sheet_with_cells_is_a_table() {
    let file = workbook(&[
        ("Empty", &[]),
        ("First", &["a", "1"]),
        ("-Secret", &["s", "1"]),
        ("Blank", &[]),
        ("Second", &["b", "2"]),
        ("Third", &["c", "3"]),
    ]);
    let source = open(&file, EACH);
    assert_eq!(source.kind().sheet.as_deref(), Some("First"));
    assert_eq!(source.others(), [in_sheet("Second"), in_sheet("Third")]);
    assert_eq!(
        notes(&source),
        [(
            "other_sheets",
            "Hidden sheets are not imported. Choose one of them to read that: `Secret`.".to_owned()
        )]
    );
    // Not asked for, they are only named.
    let source = open(&file, Apart::default());
    assert_eq!(source.others(), []);
    assert!(notes(&source)[0].1.contains("`Secret`, `Second`, `Third`"));
}

#[test]
fn every_file_of_an_archive_that_can_be_read_is_a_table_and_the_others_are_named() {
    let inner = zip(&[("x.csv", b"a\n1\n")]);
    let book = workbook(&[("S", &["a", "1"])]);
    let file = zip(&[
        ("README.txt", b"Three months, one file each."),
        ("2024/jan.csv", b"a,b\n1,2\n"),
        ("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("lying.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("2024/feb.tsv", b"a\tb\n3\t4\n"),
        ("empty.csv", b""),
        ("inner.zip", &inner),
        ("book.xlsx", &book),
        ("__MACOSX/2024/._jan.csv", b"\0\x05\x16\x07"),
    ]);
    let source = open(&file, EACH);
    let container = source.kind().container.as_ref();
    assert_eq!(
        container.and_then(|container| container.member.as_deref()),
        Some("2024/jan.csv")
    );
    assert_eq!(
        source.others(),
        [in_member("2024/feb.tsv"), in_member("book.xlsx")]
    );
    assert_eq!(
        notes(&source),
        [(
            "other_files",
            "Files of the archive that are no tables are not imported: `README.txt`, `logo.png`, `lying.csv`, `empty.csv`, `inner.zip`.".to_owned()
        )]
    );
}

#[test]
fn the_sheets_of_a_packed_workbook_come_before_the_next_file() {
    let book = workbook(&[("S", &["a", "1"]), ("T", &["b", "1"])]);
    let file = zip(&[("book.xlsx", &book), ("more.csv", b"a\n1\n")]);
    let source = open(&file, EACH);
    let sheet = OtherTable {
        member: Some("book.xlsx".to_owned()),
        ..in_sheet("T")
    };
    assert_eq!(source.others(), [sheet, in_member("more.csv")]);
}

#[test]
fn of_more_tables_than_are_imported_the_others_are_named() {
    let names: Vec<String> = (0..CHOICES_MAX + 3).map(|n| format!("{n}.csv")).collect();
    let members: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"a\n1\n"[..]))
        .collect();
    let source = open(&zip(&members), EACH);
    assert_eq!(source.others().len(), CHOICES_MAX - 1);
    let [(code, message)] = notes(&source).try_into().unwrap();
    assert_eq!(code, "more_tables");
    assert!(message.contains("200 tables"), "{message}");
    assert!(
        message.contains("`200.csv`, `201.csv`, `202.csv`"),
        "{message}"
    );
}

#[test]
fn options_say_how_a_file_is_taken_apart() {
    let apart = |options: &Options, mode| {
        let Apart {
            members,
            sheets,
            under,
        } = options.apart(mode);
        (members, sheets, under)
    };
    let none = Options::default();
    assert_eq!(apart(&none, Mode::New), (true, true, false));
    assert_eq!(apart(&none, Mode::Append), (true, false, false));
    assert_eq!(apart(&none, Mode::Upsert), (true, false, false));
    assert_eq!(apart(&none, Mode::Replace), (false, false, false));
    assert_eq!(apart(&none, Mode::Sync), (false, false, false));
    let sheet = Options {
        sheet: Some("S".to_owned()),
        ..Options::default()
    };
    assert_eq!(apart(&sheet, Mode::New), (false, false, false));
    assert_eq!(apart(&split(), Mode::Replace), (true, true, true));
}

/// All tables of the text: each one's plan, and its cells as text.
fn all_tables(file: &[u8], options: &Options) -> Vec<(FilePlan, Vec<Vec<String>>)> {
    let mut tables = Vec::new();
    let mut next = Some(options.clone());
    while let Some(options) = next {
        let plan = analyse_with(file, &options, None, file.len()).unwrap().plan;
        assert_eq!(
            plan.records,
            plan.headers + plan.rows + plan.skipped.values().sum::<i64>().unsigned_abs(),
            "every record is accounted for"
        );
        let others = plan.other_tables.first();
        next = others.map(|table| plan.options_of(table, &options, Mode::New));
        let cells = inspected_with(file, &options);
        tables.push((plan, cells));
    }
    tables
}

fn strings(rows: &[&[&str]]) -> Vec<Vec<String>> {
    let row = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
    rows.iter().map(row).collect()
}

#[test]
fn tables_under_one_another_are_told_apart_by_choice() {
    let file = "town,sum\nUlm,10\nRom,12\n* a note\n\n\nCosts of 2024\ncode,land,size\nDE,Germany,1\nIT,Italy,2\n\ncode,land,size\nFR,France,3\n\nx,y\n1,2.50\n";
    let tables = all_tables(file.as_bytes(), &split());
    let cells: Vec<_> = tables.iter().map(|(_, cells)| cells.clone()).collect();
    assert_eq!(
        cells,
        [
            strings(&[&["town", "sum"], &["Ulm", "10"], &["Rom", "12"]]),
            strings(&[
                &["code", "land", "size"],
                &["DE", "Germany", "1"],
                &["IT", "Italy", "2"]
            ]),
            strings(&[&["code", "land", "size"], &["FR", "France", "3"]]),
            strings(&[&["x", "y"], &["1", "2.50"]]),
        ]
    );
    let (first, _) = &tables[0];
    assert_eq!(first.until, Some(7));
    assert_eq!(first.dialect.footer, 3, "the note and two blank lines");
    let skipped: Vec<_> = first
        .skipped
        .iter()
        .map(|(why, n)| (why.as_str(), *n))
        .collect();
    assert_eq!(skipped, [("blank", 2), ("footer", 1), ("other_table", 10)]);
    assert_eq!(first.warnings.get("second_table"), None);
    let (second, _) = &tables[1];
    assert_eq!((second.after, second.dialect.preamble), (6, 1), "its title");
    assert_eq!(columns(&tables[3].0), "x int64, y decimal");
    // Not chosen, they are one, and the user is told.
    let kept = analyse_with(file.as_bytes(), &Options::default(), None, 1_000).unwrap();
    assert_eq!(kept.plan.until, None);
    assert_eq!(kept.plan.other_tables, []);
    assert!(kept.plan.warnings["second_table"] >= 1);
}

#[test]
fn one_odd_row_or_two_begin_no_table() {
    for file in [
        "a,b\n1,2\n\n1,2,3\n4,5\n6,7\n",
        "a,b\n1,2\n1,2,3\n4,5,6\n",
        "a,b\n1,2\n\n1,2,3\n",
        "a,b\n1,2\n\n1,2,3\n\n1,2,3\n\n4,5\n",
        "a,b\n1,2\n\n3,4\n",
    ] {
        let plan = analyse_with(file.as_bytes(), &split(), None, 1_000)
            .unwrap()
            .plan;
        assert_eq!(plan.until, None, "{file}");
        let alone = analyse_with(file.as_bytes(), &Options::default(), None, 1_000).unwrap();
        assert_eq!(plan.rows, alone.plan.rows, "{file}");
        assert_eq!(plan.columns, alone.plan.columns, "{file}");
    }
}

#[test]
fn a_table_that_begins_far_behind_the_head_is_read_as_if_it_stood_alone() {
    let mut file = "id,name\n".to_owned();
    for id in 0..300_000 {
        file.push_str(&format!("{id},\"n\"\"{id}\"\n"));
    }
    let second = "\nyear,Ort,Größe\n2019,Köln,1.50\n2020,Ulm,2.25\n";
    file.push_str(second);
    let tables = all_tables(file.as_bytes(), &split());
    assert_eq!(tables.len(), 2);
    assert_eq!(tables[0].0.rows, 300_000);
    assert_eq!(tables[0].0.until, Some(300_003));
    let (plan, cells) = &tables[1];
    assert_eq!(plan.after, 300_002);
    assert_eq!(columns(plan), "year int64, Ort text, Größe decimal");
    assert_eq!(
        cells[1..],
        strings(&[&["2019", "Köln", "1.50"], &["2020", "Ulm", "2.25"]])
    );
}

#[test]
fn a_table_behind_the_files_end_is_a_fault_of_the_option() {
    let options = Options {
        after: Some(9),
        ..Options::default()
    };
    let error = analyse_with(b"a,b\n1,2\n", &options, None, 9).unwrap_err();
    assert!(
        matches!(&error, FileError::Options(detail) if detail.contains("2 records")),
        "{error}"
    );
}

#[test]
fn tables_under_one_another_in_a_sheet_are_told_apart_too() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let rows: [&[&str]; 6] = [
        &["town", "sum"],
        &["Ulm", "10"],
        &[],
        &["code", "land", "size"],
        &["DE", "Germany", "1"],
        &["IT", "Italy", "2"],
    ];
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    let file = workbook.save_to_buffer().unwrap();
    let analyse = |options: &Options| -> Analysis {
        let input = Input::new(Cursor::new(file.clone())).unwrap();
        let mut source = Source::open(input, options, options.apart(Mode::New)).unwrap();
        let mut analyser = Analyser::of(&source, options, None).unwrap();
        let mut take = |piece: &[u8]| analyser.push(piece).map(|()| ControlFlow::Continue(()));
        source.pour(0, &mut take).unwrap();
        match analyser.finish().unwrap() {
            Finished::Analysis(analysis) => *analysis,
            Finished::Again(_) => panic!("once is enough"),
        }
    };
    let first = analyse(&split()).plan;
    // A sheet's rows are all as wide as the widest of its first ones; the columns are the table's own.
    assert_eq!(first.until, Some(4), "{first:?}");
    assert_eq!(columns(&first), "town text, sum int64");
    let options = first.options_of(&first.other_tables[0], &split(), Mode::New);
    assert_eq!(options.sheet.as_deref(), Some("Sheet1"));
    let second = analyse(&options).plan;
    assert_eq!((second.rows, second.after), (2, 3));
    assert_eq!(columns(&second), "code text, land text, size int64");
}

#[test]
fn what_is_said_of_columns_holds_for_those_tables_that_have_them() {
    let options = Options {
        types: [("size".to_owned(), ColumnType::Text)].into(),
        ..Options::default()
    };
    let read = |file: &[u8], shared| {
        let hints = Hints {
            shared,
            ..Hints::default()
        };
        let mut analyser = Analyser::new(&options, None).unwrap().with_hints(hints);
        analyser.push(file)?;
        analyser.finish().map(|finished| match finished {
            Finished::Analysis(analysis) => columns(&analysis.plan),
            Finished::Again(_) => String::new(),
        })
    };
    assert_eq!(read(b"size\n1\n", true).unwrap(), "size text");
    assert_eq!(read(b"weight\n1\n", true).unwrap(), "weight int64");
    assert!(read(b"weight\n1\n", false).is_err());
}

fn table(width: usize, rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell = prop_oneof![4 => "[a-z]{1,8}", 1 => "[a-z]{1,3}[\n\"][a-z]{1,3}", 1 => "[äß€]{1,4}"];
    prop::collection::vec(prop::collection::vec(cell, width), rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn tables_are_told_apart_the_same_however_the_file_is_cut_and_wherever_the_work_is_broken_off(
        first in table(2, 2..5), second in table(3, 2..6), third in table(2, 2..5), is_long in any::<bool>(),
        style in style().prop_filter("what is looked for", |style| {
            !matches!(style.delimiter.as_str(), " " | ":" | "~|~" | "¦" | "；")
        }),
        encoding in prop_oneof![Just(Encoding::Utf8), Just(Encoding::Utf16Le)],
        breaks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        piece in 50usize..9_000, batch_rows in 1usize..2_000,
    ) {
        let mut first = first;
        while is_long && first.len() < 9_000 {
            first.extend_from_within(..);
        }
        let mut tables = vec![first, second, third];
        for (at, rows) in tables.iter_mut().enumerate() {
            let header = (0..rows[0].len()).map(|n| format!("name{at}{n}")).collect();
            rows.insert(0, header);
        }
        let text: Vec<String> = tables.iter().map(|rows| style.write(rows)).collect();
        let file = encode(&text.join(style.line_end), encoding, encoding != Encoding::Utf8);
        let options = Options { tables: Some(Tables::Split), ..style.options() };
        let found = all_tables(&file, &options);
        let cells: Vec<_> = found.iter().map(|(_, cells)| cells.clone()).collect();
        prop_assert_eq!(&cells, &tables);

        let mut breaks: Vec<usize> = breaks.iter().map(|at| at.index(file.len() + 1)).collect();
        breaks.sort_unstable();
        let mut next = Some(options);
        for (plan, _) in &found {
            let options = next.take().unwrap();
            prop_assert_eq!(plan, &analyse_with(&file, &options, None, piece).unwrap().plan);
            prop_assert_eq!(plan, &analyse_broken_off(&file, &options, None, &breaks).unwrap().plan);
            let batches = load_with(&file, plan, batch_rows, 1 << 20, Checkpoint::default(), piece);
            if let Some(batch) = batches.get(batches.len() / 2) {
                let rest = load_with(&file, plan, batch_rows, 1 << 20, batch.after, piece);
                prop_assert_eq!(&batches[batch.no as usize + 1..], &rest[..]);
            }
            next = plan.other_tables.first().map(|table| plan.options_of(table, &options, Mode::New));
        }
    }
}
