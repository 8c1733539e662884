//! Files that are not plain text: what each becomes, and what is wrong with the bad ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom, Write as _},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, types::Int32Type,
};
use contracts::{
    Code, Problem,
    plan::{Apart, BATCH_BYTES, Checkpoint, Encoding, Options},
};
use flate2::{Compression, write::GzEncoder};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use support::{
    columns, inspected, inspected_with, rejects,
    style::{Style, encode, encoding, style},
};
use tabular::{Analyser, Analysis, Batch, FileError, Finished, Input, Loader, Source, inspect};
use zip::{ZipWriter, write::SimpleFileOptions};

type Flow = std::ops::ControlFlow<()>;

/// A file whose reads end at this byte, so that what is read of it comes in two pieces.
struct Cut {
    file: Cursor<Vec<u8>>,
    at: u64,
}

impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.at.saturating_sub(self.file.position()) as usize;
        let len = if left == 0 {
            buf.len()
        } else {
            left.min(buf.len())
        };
        self.file.read(&mut buf[..len])
    }
}

impl Seek for Cut {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn analysed(file: &[u8]) -> Result<Analysis, FileError> {
    analysed_with(Cursor::new(file.to_vec()), &Options::default())
}

fn analysed_with(
    file: impl Read + Seek + Send + 'static,
    options: &Options,
) -> Result<Analysis, FileError> {
    let mut source = Source::open(Input::new(file).unwrap(), options, Apart::default())?;
    let mut analyser = Analyser::of(&source, options, None)?;
    loop {
        source.pour(0, &mut |piece| {
            analyser.push(piece)?;
            Ok(Flow::Continue(()))
        })?;
        match analyser.finish()? {
            Finished::Analysis(analysis) => return Ok(*analysis),
            Finished::Again(again) => analyser = *again,
        }
    }
}

/// Loads as another invocation would: the file is opened by its plan, and read from the checkpoint on.
fn loaded(file: &[u8], analysis: &Analysis, rows: usize, from: Checkpoint) -> Vec<Batch> {
    loaded_with(Cursor::new(file.to_vec()), analysis, rows, from)
}

fn loaded_with(
    file: impl Read + Seek + Send + 'static,
    analysis: &Analysis,
    rows: usize,
    from: Checkpoint,
) -> Vec<Batch> {
    let input = Input::new(file).unwrap();
    let mut source = Source::of_plan(input, &analysis.plan).unwrap();
    let mut loader = Loader::new(&analysis.plan, rows, BATCH_BYTES, from).unwrap();
    let mut batches = Vec::new();
    source
        .pour(from.byte, &mut |piece| {
            loader.push(piece);
            while let Some(batch) = loader.next_batch()? {
                batches.push(batch);
            }
            Ok(Flow::Continue(()))
        })
        .unwrap();
    loader.finish();
    while let Some(batch) = loader.next_batch().unwrap() {
        batches.push(batch);
    }
    batches
}

fn all(file: &[u8]) -> (Analysis, Vec<Batch>) {
    let analysis = analysed(file).unwrap();
    let batches = loaded(file, &analysis, 4_096, Checkpoint::default());
    (analysis, batches)
}

/// The code and the words that a file is refused with.
fn refused(file: &[u8]) -> (Code, String) {
    refused_with(file, &Options::default())
}

fn refused_with(file: &[u8], options: &Options) -> (Code, String) {
    let file = Cursor::new(file.to_vec());
    let error = inspect::write_csv(file, options, std::io::sink()).unwrap_err();
    let problem = Problem::from(&error);
    (problem.code, problem.detail)
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn workbook(rows: &[Vec<Option<String>>]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            if let Some(cell) = cell {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A sheet whose XML is given, in a package that is otherwise whole.
fn sheet(xml: &str, strings: Option<&str>) -> Vec<u8> {
    let rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let sheet = format!("<worksheet xmlns=\"{main}\">{xml}</worksheet>");
    let types = format!("<Types xmlns=\"{package}/content-types\"></Types>");
    let root = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{rels}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{rels}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let parts = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{rels}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let mut members = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", parts.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    if let Some(strings) = strings {
        members.push(("xl/sharedStrings.xml", strings.as_bytes()));
    }
    zip(&members)
}

#[test]
fn a_cell_of_a_workbook_is_its_stored_value_and_its_number_format_decides_dates_and_zeros() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let format = |code: &str| Format::new().set_num_format(code);
    for (column, name) in (0..).zip([
        "code", "price", "day", "at", "clock", "took", "ok", "note", "big",
    ]) {
        sheet.write_string(0, column, name).unwrap();
    }
    let day = ExcelDateTime::parse_from_str("2024-02-29").unwrap();
    let at = ExcelDateTime::parse_from_str("2024-02-29 00:00:00").unwrap();
    let later = ExcelDateTime::parse_from_str("2024-03-01 13:45:30.250").unwrap();
    for (row, code, price, at, clock, took, ok, note, big) in [
        (1, 7, 0.1, &at, 0.5, 1.5, true, "a \"b\", c", 1e15),
        (2, 12_345, 12.5, &later, 0.25, 0.75, false, "", 3.0),
    ] {
        sheet
            .write_number_with_format(row, 0, f64::from(code), &format("00000"))
            .unwrap();
        sheet
            .write_number_with_format(row, 1, price, &format("0%"))
            .unwrap();
        sheet
            .write_datetime_with_format(row, 2, &day, &format("dd.mm.yy"))
            .unwrap();
        sheet
            .write_datetime_with_format(row, 3, at, &format("d/m/yyyy h:mm"))
            .unwrap();
        sheet
            .write_number_with_format(row, 4, clock, &format("h:mm AM/PM"))
            .unwrap();
        sheet
            .write_number_with_format(row, 5, took, &format("[h]:mm:ss"))
            .unwrap();
        sheet.write_boolean(row, 6, ok).unwrap();
        if !note.is_empty() {
            sheet.write_string(row, 7, note).unwrap();
        }
        sheet.write_number(row, 8, big).unwrap();
    }
    let file = workbook.save_to_buffer().unwrap();
    assert_eq!(
        inspected(&file)[1..],
        [
            [
                "00007",
                "0.1",
                "2024-02-29",
                "2024-02-29T00:00:00",
                "12:00:00",
                "36:00:00",
                "TRUE",
                "a \"b\", c",
                "1000000000000000"
            ],
            [
                "12345",
                "12.5",
                "2024-02-29",
                "2024-03-01T13:45:30.25",
                "06:00:00",
                "18:00:00",
                "FALSE",
                "",
                "3"
            ],
        ]
    );
    let (analysis, batches) = all(&file);
    assert_eq!(
        columns(&analysis.plan),
        "code text, price float, day date, at timestamp, clock time, took text, ok boolean `TRUE|FALSE`, note text, big int64"
    );
    // A cell that is not there is null, also in a text column.
    assert!(batches[0].rows.column(7).is_null(1));
}

#[test]
fn a_sheet_is_chosen_by_name_or_is_the_first_that_is_visible_and_not_empty() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Empty").unwrap();
    let hidden = workbook.add_worksheet().set_name("Hidden").unwrap();
    hidden.set_hidden(true).write_string(0, 0, "h").unwrap();
    let first = workbook.add_worksheet().set_name("First").unwrap();
    first.write_string(0, 0, "a").unwrap();
    let second = workbook.add_worksheet().set_name("Second").unwrap();
    second.write_string(0, 0, "b").unwrap();
    let file = workbook.save_to_buffer().unwrap();
    let analysis = analysed(&file).unwrap();
    assert_eq!(analysis.plan.kind.sheet.as_deref(), Some("First"));
    assert_eq!(
        analysis.plan.kind.sheets,
        ["Empty", "Hidden", "First", "Second"]
    );
    assert_eq!(
        analysis.warnings[0].message,
        "Only the sheet `First` is read. Choose another sheet to read that: `Hidden`, `Second`."
    );
    let sheet = |name: &str| Options {
        sheet: Some(name.to_owned()),
        ..Options::default()
    };
    assert_eq!(inspected_with(&file, &sheet("Hidden")), [["h"]]);
    assert_eq!(
        refused_with(&file, &sheet("Third")),
        (
            Code::Validation,
            "The workbook has no sheet `Third`. It has `Empty`, `Hidden`, `First`, `Second`."
                .to_owned()
        )
    );
}

#[test]
fn a_table_that_begins_in_the_middle_of_a_sheet_keeps_its_row_numbers() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, id, name) in [(4, "id", "name"), (5, "1", "x"), (7, "2", "y")] {
        sheet.write_string(row, 2, id).unwrap();
        sheet.write_string(row, 3, name).unwrap();
    }
    let file = workbook.save_to_buffer().unwrap();
    assert_eq!(inspected(&file), [["id", "name"], ["1", "x"], ["2", "y"]]);
    let options = Options {
        types: [("name".to_owned(), contracts::dataset::ColumnType::Int64)].into(),
        ..Options::default()
    };
    let mut json = Vec::new();
    inspect::write_json(Cursor::new(file), &options, &mut json).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["quarantine"][1]["record"], 8);
    // As the cell is called in the program that the file comes from.
    let message = json["quarantine"][1]["message"].as_str().unwrap();
    assert!(message.ends_with("(Sheet `Sheet1`, cell D8.)"), "{message}");
}

#[test]
fn a_sheet_read_again_says_the_same_from_any_byte() {
    let rows: Vec<_> = (0..3_000)
        .map(|row| vec![Some(format!("row {row}")), Some(row.to_string())])
        .collect();
    let input = Input::new(Cursor::new(workbook(&rows))).unwrap();
    let mut source = Source::open(input, &Options::default(), Apart::default()).unwrap();
    let mut text = |from, upto| {
        let mut text = Vec::new();
        let poured = source.pour(from, &mut |piece| {
            text.extend_from_slice(piece);
            let enough = text.len() >= upto;
            Ok(if enough {
                Flow::Break(())
            } else {
                Flow::Continue(())
            })
        });
        poured.unwrap();
        text
    };
    // A reading that is broken off leaves nothing behind that a later one would take for the whole.
    text(0, 1);
    let whole = text(0, usize::MAX);
    assert!(whole.len() > 3_000 * 10, "{}", whole.len());
    for from in [0, 1, 17_000, whole.len() as u64 - 1, whole.len() as u64] {
        assert!(text(from, usize::MAX) == whole[from as usize..], "{from}");
    }
}

#[test]
fn a_sheet_that_says_it_has_a_billion_cells_is_as_large_as_it_is() {
    let cells = "<dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>a</v></c></row>\
        <row r=\"2\"><c r=\"A2\"><v>1</v></c></row></sheetData>";
    assert_eq!(inspected(&sheet(cells, None)), [["a"], ["1"]]);
    let far =
        "<sheetData><row r=\"1000000000\"><c r=\"A1000000000\"><v>1</v></c></row></sheetData>";
    let (code, message) = refused(&sheet(far, None));
    assert_eq!(code, Code::UnreadableFile, "{message}");
}

#[test]
fn what_would_not_fit_into_memory_is_refused_before_it_is_read() {
    let long = format!(
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>{}</v></c></row></sheetData>",
        "a".repeat(17 * 1024 * 1024)
    );
    let (code, message) = refused(&sheet(&long, None));
    assert_eq!(code, Code::TooLarge);
    assert!(message.contains("A cell of the workbook"), "{message}");

    let wide: Vec<_> = (0..500).map(|_| "<c t=\"str\"><v>a</v></c>").collect();
    let wide = format!(
        "<sheetData><row r=\"1\">{}</row></sheetData>",
        wide.concat()
    );
    assert_eq!(refused(&sheet(&wide, None)).0, Code::TooManyColumns);

    // An old workbook of no cell that says it has four billion rows.
    let mut old = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut stream = old.create_stream("/Workbook").unwrap();
    stream.write_all(&[0x00, 0x02, 14, 0]).unwrap();
    stream
        .write_all(&[0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 9, 0, 0, 0])
        .unwrap();
    drop(stream);
    old.flush().unwrap();
    let (code, message) = refused(&old.into_inner().into_inner());
    assert_eq!(code, Code::TooLarge, "{message}");
}

#[test]
fn bad_workbooks_are_refused_with_what_is_wrong() {
    let cells = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>5</v></c></row></sheetData>";
    let strings = "<sst uniqueCount=\"1\"><si><t>a</t></si></sst>";
    let (code, message) = refused(&sheet(cells, Some(strings)));
    assert_eq!(code, Code::UnreadableFile);
    assert!(message.contains("string index"), "{message}");

    for before in ["", "<?xml version=\"1.0\"?>\n<!-- <sst> -->"] {
        let lying = format!("{before}<sst uniqueCount = \"99999999999\"><si><t>a</t></si></sst>");
        let (code, message) = refused(&sheet(cells, Some(&lying)));
        assert_eq!(code, Code::UnreadableFile);
        assert!(message.contains("shared strings"), "{message}");
    }

    let whole = sheet(cells, Some(strings));
    let (code, _) = refused(&whole[..whole.len() - 30]);
    assert_eq!(code, Code::UnreadableFile);

    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", b"<w/>"),
    ]);
    assert_eq!(refused(&document).0, Code::UnsupportedFormat);
    assert_eq!(
        refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more").0,
        Code::UnreadableFile
    );
}

#[test]
fn packed_files_are_read_as_what_is_in_them() {
    let csv = b"a,b\n1,x\n2,y\n";
    let rows = [["a", "b"], ["1", "x"], ["2", "y"]];
    let two = [gz(b"a,b\n1,x\n"), gz(b"2,y\n")].concat();
    let in_archive = zip(&[("../../etc/table.csv", csv)]);
    for file in [
        gz(csv),
        two,
        zstd::encode_all(&csv[..], 1).unwrap(),
        in_archive,
    ] {
        assert_eq!(inspected(&file), rows);
    }
    let inner = workbook(&[vec![Some("a".to_owned())], vec![Some("x".to_owned())]]);
    assert_eq!(inspected(&gz(&inner)), [["a"], ["x"]]);
    assert_eq!(inspected(&zip(&[("t.xlsx", &inner)])), [["a"], ["x"]]);
    assert_eq!(
        inspected(&gz(b"{\"a\":1}\n{\"a\":2}\n")),
        [["a"], ["1"], ["2"]]
    );
}

#[test]
fn a_packed_text_goes_on_from_any_checkpoint() {
    let file = gz("\u{feff}a;b\r\n1;\"x\r\ny\"\r\n\r\n2;\r\n3;z".as_bytes());
    let analysis = analysed(&file).unwrap();
    let batches = loaded(&file, &analysis, 1, Checkpoint::default());
    assert_eq!(batches.len(), 3);
    for (done, batch) in batches.iter().enumerate() {
        assert_eq!(
            batches[done + 1..],
            loaded(&file, &analysis, 1, batch.after)
        );
    }
}

#[test]
fn of_an_archive_the_first_data_file_is_read_and_the_others_are_named() {
    let file = zip(&[
        ("readme.md", b"read me"),
        ("one.csv", b"a\n1\n"),
        ("two.csv", b"b\n2\n"),
    ]);
    let analysis = analysed(&file).unwrap();
    let container = analysis.plan.kind.container.unwrap();
    assert_eq!(container.member.as_deref(), Some("one.csv"));
    assert_eq!(container.members, ["readme.md", "one.csv", "two.csv"]);
    assert_eq!(
        analysis.warnings[0].message,
        "Only `one.csv` of the archive is read. Choose another file of it to read that: `readme.md`, `two.csv`."
    );
    let member = |name: &str| Options {
        member: Some(name.to_owned()),
        ..Options::default()
    };
    assert_eq!(inspected_with(&file, &member("two.csv")), [["b"], ["2"]]);
    assert_eq!(refused_with(&file, &member("no.csv")).0, Code::Validation);
}

#[test]
fn bad_packed_files_are_refused_with_what_is_wrong() {
    let csv = "a,b\n1,x\n".repeat(20_000);
    let whole = gz(csv.as_bytes());
    let (code, message) = refused(&whole[..whole.len() / 2]);
    assert_eq!(code, Code::UnreadableFile);
    assert!(message.contains("ends too early"), "{message}");

    let mut bent = whole.clone();
    let at = bent.len() / 2;
    bent[at] ^= 0xff;
    assert_eq!(refused(&bent).0, Code::UnreadableFile);

    assert_eq!(refused(&gz(&gz(csv.as_bytes()))).0, Code::UnsupportedFormat);
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    tar.extend_from_slice(csv.as_bytes());
    let (code, message) = refused(&gz(&tar));
    assert_eq!(code, Code::UnsupportedFormat);
    assert!(message.contains("TAR"), "{message}");
    let nested = zip(&[("in.zip", &zip(&[("a.csv", b"a\n1\n")]))]);
    let (code, message) = refused(&nested);
    assert_eq!(code, Code::UnsupportedFormat);
    assert!(message.contains("`in.zip`"), "{message}");
    assert_eq!(refused(&zip(&[])).0, Code::EmptyFile);

    let mut locked = zip(&[("a.csv", b"a\n1\n")]);
    // The bit that says so, in the member's head and in the directory.
    let directory = locked.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    locked[6] |= 1;
    locked[directory + 8] |= 1;
    assert_eq!(refused(&locked).0, Code::EncryptedFile);
}

#[test]
fn a_file_that_grows_beyond_measure_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n".repeat(40_000);
    for _ in 0..57 {
        encoder.write_all(piece.as_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let (code, message) = refused(&bomb);
    assert_eq!(code, Code::TooLarge);
    assert!(message.contains("grows over"), "{message}");
}

#[test]
fn json_records_become_rows_by_their_keys() {
    let lines = "{\"id\":1,\"name\":\"a\\u00e9\"}\n\n{\"name\":null,\"id\":2.50,\"more\":{\"x\": [1, 2.0]}}\r\n{\"id\":\"\",\"name\":\"\"}";
    let wanted = [
        ["id", "name", "more"],
        ["1", "aé", ""],
        ["2.50", "", "{\"x\": [1, 2.0]}"],
        ["", "", ""],
    ];
    assert_eq!(inspected(lines.as_bytes()), wanted);
    let (analysis, batches) = all(lines.as_bytes());
    assert_eq!(
        columns(&analysis.plan),
        "id decimal null=\"\", name text, more json null=\"\""
    );
    let names = batches[0].rows.column(1);
    // Null, and an empty string that is not null.
    assert_eq!((names.is_null(1), names.is_null(2)), (true, false));

    let list = "[\n  {\"id\":1,\"name\":\"aé\"} ,{\"name\":null,\"id\":2.50,\n\"more\":{\"x\": [1, 2.0]}}, {\"id\":\"\",\"name\":\"\"}\n]\n";
    assert_eq!(inspected(list.as_bytes()), wanted);
    let one_after_the_other = "{\n \"id\": 1\n}\n{\n \"id\": 2\n}\n";
    assert_eq!(
        inspected(one_after_the_other.as_bytes()),
        [["id"], ["1"], ["2"]]
    );
    assert_eq!(
        inspected(b"\xef\xbb\xbf[{\"a\":true},{}]"),
        [["a"], ["true"], [""]]
    );
}

#[test]
fn a_json_line_that_cannot_be_read_costs_no_other() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let file = format!("{{\"a\":1}}\n{{\"a\":\n[1]\n{{\"a\":2,\"a\":3}}\n{deep}\n{{\"a\":4}}\n");
    let (analysis, batches) = all(file.as_bytes());
    assert_eq!((analysis.plan.rows, batches[0].rows.num_rows()), (6, 2));
    let rejects = rejects(&batches);
    let said: Vec<_> = rejects
        .iter()
        .map(|place| (place.code.as_str(), place.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "invalid_json",
                "The record at line 2, byte 8 of the file cannot be read: EOF while parsing a value, at its character 5."
            ),
            (
                "invalid_json",
                "The record at line 3, byte 14 of the file cannot be read: it is a list, not an object with keys."
            ),
            (
                "invalid_json",
                "The record at line 4, byte 18 of the file cannot be read: a key is repeated, at its character 13."
            ),
            (
                "invalid_json",
                "The record at line 5, byte 32 of the file cannot be read: it is nested over 128 deep at its byte 132."
            ),
        ]
    );
    assert_eq!(rejects[0].raw.as_deref(), Some("{\"a\":"));
    assert_eq!(rejects[3].raw.as_deref(), Some(deep.as_str()));
}

#[test]
fn json_that_holds_no_records_is_refused_with_its_place() {
    for (file, wanted) in [
        (
            "[[1], [2]]",
            "line 1, byte 1 of the file cannot be read: it is a list",
        ),
        ("[{\"a\":1}", "line 1, byte 8: the list is not closed"),
        (
            "[{\"a\":1}\n{\"a\":2}]",
            "line 2, byte 9: a comma or the list's end is missing",
        ),
        (
            "[{\"a\":1}] x",
            "line 1, byte 10: there is more text behind the list",
        ),
    ] {
        let (code, message) = refused(file.as_bytes());
        assert_eq!(code, Code::UnreadableFile, "{message}");
        assert!(message.contains(wanted), "{message}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(refused(deep.as_bytes()).0, Code::UnreadableFile);
    let keys: Vec<_> = (0..3_000).map(|n| format!("\"k{n}\":1")).collect();
    let (code, message) = refused(format!("{{{}}}\n{{}}\n", keys.join(",")).as_bytes());
    assert_eq!(code, Code::TooManyColumns, "{message}");
}

#[test]
fn parquet_is_printed_without_a_loss() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let file = parquet(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("ok", Arc::new(BooleanArray::from(vec![true, false]))),
        ("single", Arc::new(Float32Array::from(vec![0.1, 2.0]))),
        ("double", Arc::new(Float64Array::from(vec![1e-7, 1e300]))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![1_250, -5])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("day", Arc::new(Date32Array::from(vec![0, 19_782]))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![1, 1_000_000]).with_timezone("UTC")),
        ),
        (
            "fine",
            Arc::new(TimestampNanosecondArray::from(vec![-1, 86_400_000_000_000])),
        ),
        ("text", Arc::new(StringArray::from(vec![Some(""), None]))),
        (
            "bytes",
            Arc::new(BinaryArray::from(vec![&b"ab"[..], b"\xff\x00"])),
        ),
        ("list", Arc::new(list)),
    ]);
    assert_eq!(
        inspected(&file)[1..],
        [
            [
                "1",
                "true",
                "0.1",
                "0.0000001",
                "12.50",
                "1970-01-01",
                "1970-01-01T00:00:00.000001Z",
                "1969-12-31T23:59:59.999999999",
                "",
                "ab",
                "[1,null]"
            ],
            [
                "",
                "false",
                "2",
                "1e+300",
                "-0.05",
                "2024-02-29",
                "1970-01-01T00:00:01Z",
                "1970-01-02T00:00:00",
                "",
                "\\xff00",
                ""
            ],
        ]
    );
    let (_, batches) = all(&file);
    let text = batches[0].rows.column(8);
    assert_eq!((text.is_null(0), text.is_null(1)), (false, true));
}

#[test]
fn a_row_of_nothing_but_null_is_a_row() {
    let file = parquet(vec![(
        "a",
        Arc::new(StringArray::from(vec![None, Some("x"), None])),
    )]);
    let (analysis, batches) = all(&file);
    assert_eq!((analysis.plan.rows, analysis.plan.records), (3, 4));
    assert_eq!(batches[0].rows.column(0).null_count(), 2);
}

#[test]
fn bad_parquet_is_refused_with_what_is_wrong() {
    let whole = parquet(vec![("a", Arc::new(Int64Array::from(vec![1, 2, 3])))]);
    let (code, message) = refused(&whole[..whole.len() - 8]);
    assert_eq!(code, Code::UnreadableFile);
    assert!(message.contains("footer"), "{message}");
    let mut bent = whole.clone();
    for byte in &mut bent[10..30] {
        *byte ^= 0x55;
    }
    assert_eq!(refused(&bent).0, Code::UnreadableFile);
    let mut locked = whole;
    locked[..4].copy_from_slice(b"PARE");
    assert_eq!(refused(&locked).0, Code::EncryptedFile);
}

#[derive(Clone, Debug)]
enum Written {
    Text(Style, Encoding),
    Xlsx,
    Ndjson,
    Json,
    Parquet,
}

#[derive(Clone, Copy, Debug)]
enum Pack {
    None,
    Gz,
    Zst,
    Zip,
}

/// Header and rows in one of the formats; a cell may be missing.
fn write(table: &[Vec<Option<String>>], written: &Written) -> Vec<u8> {
    let names: Vec<String> = table[0].iter().map(|name| name.clone().unwrap()).collect();
    let record = |row: &Vec<Option<String>>| -> serde_json::Value {
        names
            .iter()
            .cloned()
            .zip(row.iter().cloned().map(serde_json::Value::from))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    match written {
        Written::Text(style, encoding) => encode(&style.write(&plain(table)), *encoding, true),
        Written::Xlsx => workbook(table),
        Written::Ndjson => table[1..]
            .iter()
            .map(|row| format!("{}\n", record(row)))
            .collect::<String>()
            .into_bytes(),
        Written::Json => {
            serde_json::to_vec_pretty(&table[1..].iter().map(record).collect::<Vec<_>>()).unwrap()
        }
        Written::Parquet => parquet(
            names
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    let cells: StringArray = table[1..].iter().map(|row| row[at].clone()).collect();
                    (name.as_str(), Arc::new(cells) as ArrayRef)
                })
                .collect(),
        ),
    }
}

/// What is printed of a table: nothing where a cell lacks.
fn plain(table: &[Vec<Option<String>>]) -> Vec<Vec<String>> {
    table
        .iter()
        .map(|row| row.iter().cloned().map(Option::unwrap_or_default).collect())
        .collect()
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        3 => (style(), encoding()).prop_map(|(style, encoding)| Written::Text(style, encoding)),
        1 => Just(Written::Xlsx),
        1 => Just(Written::Ndjson),
        1 => Just(Written::Json),
        1 => Just(Written::Parquet),
    ]
}

fn packing() -> impl Strategy<Value = Pack> {
    prop_oneof![
        Just(Pack::None),
        Just(Pack::Gz),
        Just(Pack::Zst),
        Just(Pack::Zip)
    ]
}

fn pack(file: Vec<u8>, pack: Pack) -> Vec<u8> {
    match pack {
        Pack::None => file,
        Pack::Gz => gz(&file),
        Pack::Zst => zstd::encode_all(&file[..], 1).unwrap(),
        Pack::Zip => zip(&[("file", &file)]),
    }
}

fn cell() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        3 => "[ -~éß€😀\n\"]{1,8}".prop_map(Some),
        2 => "-?[1-9][0-9]{0,4}".prop_map(Some),
        1 => Just(None),
    ]
}

fn table() -> impl Strategy<Value = Vec<Vec<Option<String>>>> {
    (2usize..5, 1usize..12).prop_flat_map(|(width, rows)| {
        let header = (0..width)
            .map(|n| Some(format!("name{n}")))
            .collect::<Vec<_>>();
        // The first cell of a row is there, so that no row of a sheet is blank.
        let row = ("[a-z]{1,5}", prop::collection::vec(cell(), width - 1)).prop_map(
            |(first, mut rest)| {
                rest.insert(0, Some(first));
                rest
            },
        );
        prop::collection::vec(row, rows).prop_map(move |mut rows| {
            rows.insert(0, header.clone());
            rows
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_table_in_any_format_comes_back(
        table in table(), written in written(), packing in packing(), batch_rows in 1usize..5, at in any::<prop::sample::Index>(),
    ) {
        let file = pack(write(&table, &written), packing);
        let options = match &written {
            Written::Text(style, _) => style.options(),
            _ => Options::default(),
        };
        prop_assert_eq!(inspected_with(&file, &options), plain(&table));
        let whole = || Cursor::new(file.clone());
        let analysis = analysed_with(whole(), &options).unwrap();
        let start = Checkpoint::default();
        let batches = loaded_with(whole(), &analysis, batch_rows, start);
        // Cut at any byte it is the same.
        let cut = || Cut { file: whole(), at: at.index(file.len()) as u64 };
        prop_assert_eq!(&analysed_with(cut(), &options).unwrap(), &analysis);
        prop_assert_eq!(&loaded_with(cut(), &analysis, batch_rows, start), &batches);
        // From each checkpoint another invocation goes on as if the first had never stopped.
        for (done, batch) in batches.iter().enumerate() {
            prop_assert_eq!(&batches[done + 1..], &loaded_with(whole(), &analysis, batch_rows, batch.after)[..]);
        }
        if !matches!(written, Written::Text(..)) {
            // What a cell's column lacks is null, and nothing else is.
            let nulls: usize = batches.iter().map(|batch| batch.rows.columns().iter().map(|column| column.null_count()).sum::<usize>()).sum();
            let lacking = table[1..].iter().flatten().filter(|cell| cell.is_none()).count();
            prop_assert!(nulls >= lacking, "{} nulls, {} cells lack", nulls, lacking);
        }
    }

    #[test]
    fn typed_values_come_back_out_of_every_format(values in prop::collection::vec(value(), 1..8), packing in packing()) {
        for (file, stamp) in [(typed_workbook(&values), "T"), (typed_parquet(&values), "T"), (typed_json(&values, true), " "), (typed_json(&values, false), " ")] {
            let printed = inspected(&pack(file, packing));
            prop_assert_eq!(printed.len(), values.len() + 1);
            for (cells, value) in printed[1..].iter().zip(&values) {
                let whole: i64 = cells[0].parse().unwrap();
                let float: f64 = cells[1].parse().unwrap();
                let day = value.day();
                prop_assert_eq!((whole, float), (value.whole, value.float));
                prop_assert_eq!(cells[2].to_lowercase(), value.yes.to_string());
                prop_assert_eq!(&cells[3], &day);
                prop_assert_eq!(&cells[4], &format!("{day}{stamp}{}", value.clock()));
                prop_assert_eq!(&cells[5], &value.word);
            }
        }
    }
}

/// A value of every kind that formats have in common.
#[derive(Clone, Debug)]
struct Typed {
    whole: i64,
    float: f64,
    yes: bool,
    /// Days since 1970.
    days: i32,
    seconds: i32,
    word: String,
}

fn value() -> impl Strategy<Value = Typed> {
    (
        // What a workbook's numbers hold exactly, and days that it knows.
        -(1i64 << 53)..(1i64 << 53),
        prop_oneof![
            -1e9..1e9,
            any::<f32>()
                .prop_filter("finite", |f| f.is_finite())
                .prop_map(f64::from)
        ],
        any::<bool>(),
        -25_000i32..200_000,
        0i32..86_400,
        "[a-z]{1,3}[ -~]{0,5}",
    )
        .prop_map(|(whole, float, yes, days, seconds, word)| Typed {
            whole,
            float,
            yes,
            days,
            seconds,
            word,
        })
}

impl Typed {
    fn day(&self) -> String {
        let epoch = jiff::civil::date(1970, 1, 1);
        (epoch + jiff::Span::new().days(self.days)).to_string()
    }

    fn clock(&self) -> String {
        let (minutes, second) = (self.seconds / 60, self.seconds % 60);
        format!("{:02}:{:02}:{second:02}", minutes / 60, minutes % 60)
    }
}

const NAMES: [&str; 6] = ["whole", "float", "yes", "day", "at", "word"];

fn typed_workbook(values: &[Typed]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let stamp = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    for (column, name) in (0..).zip(NAMES) {
        sheet.write_string(0, column, name).unwrap();
    }
    for (row, value) in (1..).zip(values) {
        // Days since 1899-12-30, which no day of 1900 before March is.
        let days = f64::from(value.days + 25_569);
        sheet.write_number(row, 0, value.whole as f64).unwrap();
        sheet.write_number(row, 1, value.float).unwrap();
        sheet.write_boolean(row, 2, value.yes).unwrap();
        sheet.write_number_with_format(row, 3, days, &day).unwrap();
        let at = days + f64::from(value.seconds) / 86_400.0;
        sheet.write_number_with_format(row, 4, at, &stamp).unwrap();
        sheet.write_string(row, 5, &value.word).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

fn typed_parquet(values: &[Typed]) -> Vec<u8> {
    let whole: Int64Array = values.iter().map(|value| Some(value.whole)).collect();
    let float: Float64Array = values.iter().map(|value| Some(value.float)).collect();
    let yes: BooleanArray = values.iter().map(|value| Some(value.yes)).collect();
    let day: Date32Array = values.iter().map(|value| Some(value.days)).collect();
    let at: TimestampMicrosecondArray = values
        .iter()
        .map(|value| Some((i64::from(value.days) * 86_400 + i64::from(value.seconds)) * 1_000_000))
        .collect();
    let word: StringArray = values
        .iter()
        .map(|value| Some(value.word.clone()))
        .collect();
    let arrays: [ArrayRef; 6] = [
        Arc::new(whole),
        Arc::new(float),
        Arc::new(yes),
        Arc::new(day),
        Arc::new(at),
        Arc::new(word),
    ];
    parquet(NAMES.into_iter().zip(arrays).collect())
}

fn typed_json(values: &[Typed], lines: bool) -> Vec<u8> {
    let records: Vec<_> = values
        .iter()
        .map(|value| {
            let day = value.day();
            let at = format!("{day} {}", value.clock());
            serde_json::json!({
                "whole": value.whole, "float": value.float, "yes": value.yes, "day": day, "at": at, "word": value.word,
            })
        })
        .collect();
    if lines {
        let lines: Vec<_> = records.iter().map(ToString::to_string).collect();
        lines.join("\n").into_bytes()
    } else {
        serde_json::to_vec(&records).unwrap()
    }
}
