//! The CSV decoder: well-formed input as csv-core reads it, and places that are exact.

use contracts::plan::{Dialect, Encoding, Escape, RECORD_BYTES_MAX};
use proptest::prelude::*;
use tabular::csv::{Decoder, Event};

fn dialect() -> Dialect {
    Dialect::default()
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    event: Event,
    byte: u64,
    line: u64,
    record: u64,
    cells: Vec<String>,
}

fn decode(dialect: &Dialect, file: &[u8], piece: usize) -> Vec<Found> {
    let mut decoder = Decoder::new(dialect, None);
    let mut found = Vec::new();
    let mut drain = |decoder: &mut Decoder| {
        while let Some(event) = decoder.next_event() {
            let at = decoder.position();
            let cells = match event {
                Event::Record => decoder
                    .record()
                    .cells()
                    .map(|c| String::from_utf8_lossy(c).into_owned())
                    .collect(),
                _ => Vec::new(),
            };
            found.push(Found {
                event,
                byte: at.byte,
                line: at.line,
                record: at.record,
                cells,
            });
        }
    };
    for piece in file.chunks(piece) {
        decoder.push(piece);
        drain(&mut decoder);
    }
    decoder.finish();
    drain(&mut decoder);
    assert_eq!(decoder.next_position().byte, file.len() as u64);
    found
}

fn cells(file: &str) -> Vec<Vec<String>> {
    decode(&dialect(), file.as_bytes(), 3)
        .into_iter()
        .map(|found| found.cells)
        .collect()
}

#[test]
fn every_line_end_is_one_and_blank_lines_are_seen() {
    let found = decode(&dialect(), b"a,b\r\n\r\n\"x\ny\",1\rlast,\n\n", 1);
    let places: Vec<_> = found
        .iter()
        .map(|f| (f.event, f.byte, f.line, f.record))
        .collect();
    assert_eq!(
        places,
        [
            (Event::Record, 0, 1, 1),
            (Event::Blank, 5, 2, 2),
            (Event::Record, 7, 3, 3),
            (Event::Record, 15, 5, 4),
            (Event::Blank, 21, 6, 5),
        ]
    );
    assert_eq!(found[2].cells, ["x\ny", "1"]);
    assert_eq!(found[3].cells, ["last", ""]);
}

#[test]
fn stray_quotes_keep_every_character() {
    assert_eq!(cells("5\" pipe,b\n"), [["5\" pipe", "b"]]);
    assert_eq!(cells("\"ab\"c,d\n"), [["\"ab\"c", "d"]]);
    assert_eq!(cells("\"a\"\"b\"c,d\n"), [["\"a\"\"b\"c", "d"]]);
    assert_eq!(cells("\"a\" ,d\n"), [["\"a\" ", "d"]]);
}

#[test]
fn a_quote_left_open_costs_its_own_record_only() {
    assert_eq!(
        cells("a,\"b\nc,d\ne,f\n"),
        [["a", "\"b"], ["c", "d"], ["e", "f"]]
    );
    assert_eq!(
        cells("a,\"b\nc,\"d, d\"\n\"e\",f"),
        [["a", "\"b"], ["c", "d, d"], ["e", "f"]]
    );
    assert_eq!(cells("\""), [["\""]]);
}

#[test]
fn a_record_over_the_limit_is_told_by_place_and_length_and_the_next_is_read() {
    let long = RECORD_BYTES_MAX + 10;
    for quote in ["", "\""] {
        let mut file = b"a,b\n".to_vec();
        file.extend_from_slice(quote.as_bytes());
        file.extend(std::iter::repeat_n(b'x', long));
        file.extend_from_slice(quote.as_bytes());
        file.extend_from_slice(b",1\r\nc,d\n");
        let bytes = (long + 2 + 2 * quote.len()) as u64;
        for piece in [file.len(), 1 << 20, 65_537] {
            let found = decode(&dialect(), &file, piece);
            assert_eq!(found[1].event, Event::TooLarge(bytes));
            assert_eq!((found[1].byte, found[1].line, found[1].record), (4, 2, 2));
            assert_eq!(found[2].cells, ["c", "d"]);
            assert_eq!(
                (found[2].byte, found[2].line, found[2].record),
                (4 + bytes + 2, 3, 3)
            );
        }
    }
}

#[test]
fn a_record_of_just_the_limit_is_read() {
    for (len, event) in [
        (RECORD_BYTES_MAX, Event::Record),
        (
            RECORD_BYTES_MAX + 1,
            Event::TooLarge(RECORD_BYTES_MAX as u64 + 1),
        ),
    ] {
        let mut file = vec![b'x'; len];
        file.push(b'\n');
        for piece in [file.len(), 1 << 20] {
            let found = decode(&dialect(), &file, piece);
            assert_eq!(
                (found.len(), found[0].event),
                (1, event),
                "{len} by {piece}"
            );
        }
    }
}

/// What csv-core reads, the records of a file without blank lines.
fn oracle(file: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let (mut out, mut ends) = (vec![0; file.len() + 16], vec![0; file.len() + 16]);
    let (mut rest, mut rows) = (file, Vec::new());
    loop {
        let (result, read, _, fields) = reader.read_record(rest, &mut out, &mut ends);
        rest = &rest[read..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let mut begin = 0;
                rows.push(
                    ends[..fields]
                        .iter()
                        .map(|end| {
                            let cell = String::from_utf8_lossy(&out[begin..*end]).into_owned();
                            begin = *end;
                            cell
                        })
                        .collect(),
                );
            }
            csv_core::ReadRecordResult::InputEmpty => {
                assert!(rest.is_empty());
                // An empty input means the end.
                let (result, _, _, fields) = reader.read_record(&[], &mut out, &mut ends);
                if matches!(result, csv_core::ReadRecordResult::Record) && fields > 0 {
                    unreachable!("files end with a line end");
                }
                return rows;
            }
            csv_core::ReadRecordResult::End => return rows,
            other => panic!("{other:?}"),
        }
    }
}

fn well_formed() -> impl Strategy<Value = String> {
    let plain = "[a-c;' é€]{0,4}";
    let quoted =
        "[a-c,\n\r\" é]{0,5}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
    let cell = prop_oneof![3 => plain.boxed(), 2 => quoted.boxed()];
    let row = (
        prop::collection::vec(cell, 2..5),
        prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    );
    prop::collection::vec(row, 0..8).prop_map(|rows| {
        rows.into_iter()
            .map(|(cells, end)| cells.join(",") + end)
            .collect()
    })
}

proptest! {
    #[test]
    fn well_formed_files_read_as_by_another_reader(file in well_formed()) {
        prop_assert_eq!(cells(&file), oracle(file.as_bytes()));
    }

    #[test]
    fn any_bytes_read_the_same_in_pieces_of_any_size(file in "[a,\"\n\r;é]{0,60}", piece in 1usize..70) {
        let whole = decode(&dialect(), file.as_bytes(), file.len().max(1));
        prop_assert_eq!(&whole, &decode(&dialect(), file.as_bytes(), piece));
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            let wide: Vec<u8> = file.encode_utf16().flat_map(|unit| match encoding {
                Encoding::Utf16Le => unit.to_le_bytes(),
                _ => unit.to_be_bytes(),
            }).collect();
            let dialect = Dialect { encoding, ..dialect() };
            let found = decode(&dialect, &wide, piece);
            prop_assert_eq!(whole.len(), found.len());
            for (narrow, wide) in whole.iter().zip(&found) {
                prop_assert_eq!(&narrow.cells, &wide.cells);
                let units = file[..narrow.byte as usize].encode_utf16().count() as u64;
                prop_assert_eq!(wide.byte, units * 2);
                prop_assert_eq!(narrow.line, wide.line);
            }
        }
    }

    #[test]
    fn no_character_is_lost_from_any_bytes(file in "[a,\"\n\r]{0,60}") {
        // Without quotes' own syntax, delimiters and line ends, all that is left is in the cells.
        let kept = |text: &str| text.chars().filter(|c| *c == 'a').count();
        let cells: usize = cells(&file).iter().flatten().map(|cell| kept(cell)).sum();
        prop_assert_eq!(cells, kept(&file));
    }

    #[test]
    fn any_marks_read_the_same_in_pieces_of_any_size(
        file in "[ab|:,#'“”«»\\\\\n\r ]{0,60}", piece in 1usize..20,
        delimiter in prop::sample::select(vec![",", "||", ", ", "::", "“"]),
        quote in prop::sample::select(vec![None, Some('\''), Some('“'), Some('«'), Some('|')]),
        escape in prop::sample::select(vec![Escape::Doubled, Escape::Backslash, Escape::None]),
        comment in prop::sample::select(vec![None, Some('#')]),
    ) {
        let dialect = Dialect { delimiter: delimiter.to_owned(), quote, escape, comment, ..dialect() };
        let whole = decode(&dialect, file.as_bytes(), file.len().max(1));
        prop_assert_eq!(&whole, &decode(&dialect, file.as_bytes(), piece));
        // Without marks' own syntax all that is left is in the cells; a comment has none.
        let kept = |text: &str| text.chars().filter(|c| matches!(c, 'a' | 'b')).count();
        let cells: usize = whole.iter().flat_map(|found| &found.cells).map(|cell| kept(cell)).sum();
        if comment.is_none() {
            prop_assert_eq!(cells, kept(&file));
        }
    }

    #[test]
    fn any_bytes_of_any_encoding_have_their_place_however_they_are_cut(
        file in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => prop::sample::select(b",\n\"0123abc".to_vec())], 0..80),
        encoding in prop::sample::select(Encoding::ALL.to_vec()), piece in 1usize..20,
    ) {
        // That the places add up to the file's length is asserted there.
        let dialect = Dialect { encoding, ..dialect() };
        let whole = decode(&dialect, &file, file.len().max(1));
        prop_assert_eq!(&whole, &decode(&dialect, &file, piece));
    }
}
