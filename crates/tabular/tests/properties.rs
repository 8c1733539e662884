//! What must hold for any file.

mod support;

use contracts::plan::{Checkpoint, Encoding, Options};
use proptest::prelude::*;
use support::{analyse, analyse_with, inspected, inspected_with, load_with};
use tabular::{batch, infer::Facts};

/// Cells of every type, of none, and null spellings.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop_oneof![
            "-?[0-9]{1,3}", "-?[0-9]{1,20}", "-?[0-9]{1,3}\\.[0-9]{1,3}", "[0-9]\\.[0-9]{0,18}e-?[0-9]{1,3}",
        ],
        3 => prop_oneof![
            "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]", "[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2}", "[0-3][0-9]\\.[01][0-9]\\.20[0-9]{2}",
            "[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,7})?)?",
            "20[0-9]{2}-1[0-2]-[0-2][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]0[0-9]:?00)?",
        ],
        2 => prop_oneof![Just("true"), Just("false"), Just("yes"), Just("no"), Just("Y"), Just("N"), Just("{}"), Just("[1, 2]")].prop_map(str::to_owned),
        2 => prop_oneof![Just(""), Just("NA"), Just("-"), Just("null"), Just("NaN")].prop_map(str::to_owned),
        1 => "[ -~éß€😀\n\r\t\"]{0,8}",
    ]
}

/// A column whose cells are mostly alike.
fn column(rows: usize) -> impl Strategy<Value = Vec<String>> {
    let few = prop::collection::vec(cell(), 1..4);
    (
        few,
        prop::collection::vec(any::<prop::sample::Index>(), rows),
    )
        .prop_map(|(few, picks)| picks.iter().map(|pick| pick.get(&few).clone()).collect())
}

fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (2usize..5, 1usize..12).prop_flat_map(|(width, rows)| {
        prop::collection::vec(column(rows), width).prop_map(move |columns| {
            (0..rows)
                .map(|row| columns.iter().map(|column| column[row].clone()).collect())
                .collect()
        })
    })
}

fn write(rows: &[Vec<String>], delimiter: char, line_end: &str) -> String {
    let mut file = String::new();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                file.push(delimiter);
            }
            if cell.contains([delimiter, '"', '\n', '\r']) || cell.is_empty() && row.len() == 1 {
                file.push_str(&format!("\"{}\"", cell.replace('"', "\"\"")));
            } else {
                file.push_str(cell);
            }
        }
        file.push_str(line_end);
    }
    file
}

fn encode(text: &str, encoding: Encoding, bom: bool) -> Vec<u8> {
    let text = if bom {
        format!("\u{feff}{text}")
    } else {
        text.to_owned()
    };
    match encoding {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![
        Just(Encoding::Utf8),
        Just(Encoding::Utf16Le),
        Just(Encoding::Utf16Be)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn inspect_gives_back_every_cells_own_spelling(
        rows in table(),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        encoding in encoding(),
        bom in any::<bool>(),
    ) {
        let mut all = vec![(0..rows[0].len()).map(|n| format!("name{n}")).collect::<Vec<_>>()];
        all.extend(rows);
        let bom = bom || encoding != Encoding::Utf8;
        let file = encode(&write(&all, delimiter, line_end), encoding, bom);
        let options = Options { delimiter: Some(delimiter), header: Some(true), ..Options::default() };
        prop_assert_eq!(inspected_with(&file, &options), all);
    }

    #[test]
    fn what_is_sniffed_reads_back_too(rows in prop::collection::vec(prop::collection::vec("[a-z]{1,6}", 3), 2..9),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')], encoding in encoding()) {
        let file = encode(&write(&rows, delimiter, "\n"), encoding, false);
        prop_assert_eq!(inspected(&file), rows);
    }

    #[test]
    fn a_file_in_any_pieces_has_the_same_plan_and_batches(
        rows in table(), junk in prop::collection::vec(any::<u8>(), 0..30), at in any::<prop::sample::Index>(),
        piece in 1usize..40, encoding in encoding(), batch_rows in 1usize..5, batch_bytes in 1usize..300,
    ) {
        let mut file = encode(&write(&rows, ',', "\n"), encoding, true);
        let at = at.index(file.len() + 1);
        file.splice(at..at, junk);
        let whole = analyse(&file);
        let pieces = analyse_with(&file, &Options::default(), None, piece);
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => {
                prop_assert_eq!(&whole, &pieces);
                let plan = whole.plan;
                let start = Checkpoint::default();
                let batches = load_with(&file, &plan, batch_rows, batch_bytes, start, file.len());
                prop_assert_eq!(&batches, &load_with(&file, &plan, batch_rows, batch_bytes, start, piece));
                for (done, batch) in batches.iter().enumerate() {
                    // From each checkpoint it goes on as if it had never stopped.
                    let rest = load_with(&file, &plan, batch_rows, batch_bytes, batch.after, piece);
                    prop_assert_eq!(&batches[done + 1..], &rest[..]);
                    let (rows, rejects) = batch::decode(&batch::encode(batch).unwrap()).unwrap();
                    prop_assert_eq!(&rows, &batch.rows);
                    prop_assert_eq!(&rejects, &batch.rejects);
                }
            }
            (Err(whole), Err(pieces)) => prop_assert_eq!(whole.to_string(), pieces.to_string()),
            (whole, pieces) => prop_assert!(false, "{whole:?} but in pieces {pieces:?}"),
        }
    }

    #[test]
    fn the_lattice_knows_no_order_and_no_chunks(
        cells in column(8), order in any::<prop::sample::Index>(), split in 0usize..9,
    ) {
        let of = |cells: &[String]| {
            let mut facts = Facts::default();
            for cell in cells {
                facts.add(cell.as_bytes());
            }
            facts
        };
        let whole = of(&cells).conclude();
        let mut turned = cells.clone();
        turned.rotate_left(order.index(cells.len()));
        turned.reverse();
        prop_assert_eq!(&of(&turned).conclude(), &whole);
        let (left, right) = (of(&cells[..split.min(8)]), of(&cells[split.min(8)..]));
        let mut ahead = left.clone();
        ahead.join(&right);
        let mut back = right;
        back.join(&left);
        prop_assert_eq!(&ahead.conclude(), &whole);
        prop_assert_eq!(&back.conclude(), &whole);
    }
}
