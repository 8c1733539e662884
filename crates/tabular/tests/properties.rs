//! What must hold for any file.

mod support;

use contracts::{
    dataset::ColumnType,
    plan::{Checkpoint, Encoding, Options},
};
use proptest::prelude::*;
use support::{
    analyse, analyse_broken_off, analyse_with, inspected, inspected_with, load_with,
    style::{Style, encode, encoding, legacy, legacy_encoding, style},
};
use tabular::{batch, infer::Facts};

/// Cells of every type, of none, and null spellings.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop_oneof![
            "-?[0-9]{1,3}", "-?[0-9]{1,20}", "-?[0-9]{1,3}\\.[0-9]{1,3}", "[0-9]\\.[0-9]{0,18}e-?[0-9]{1,3}",
        ],
        3 => prop_oneof![
            "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]", "[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2}", "[0-3][0-9]\\.[01][0-9]\\.20[0-9]{2}",
            "[0-3]?[0-9] (Jan|MAR|May|June) 20[0-9]{2}", "(Feb|March|May) [0-3]?[0-9], 20[0-9]{2}", "[01]?[0-9]:[0-5][0-9](:[0-5][0-9])? ?(AM|PM|am|pm)",
            "[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,7})?)?",
            "20[0-9]{2}-1[0-2]-[0-2][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]0[0-9]:?00)?",
        ],
        3 => prop_oneof![
            "-?[0-9]{1,3}(,[0-9]{3}){0,2}(\\.[0-9]{1,2})?", "-?[0-9]{1,3}(\\.[0-9]{3}){0,2}(,[0-9]{1,3})?", "\\(?\\$[0-9]{1,3}(\\.[0-9]{2})?\\)?",
            "-?[0-9]{1,4} ?[€%]", "[0-9]{1,3}[ '][0-9]{3}",
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

/// The text in the characters that the encoding has; others become ones that it has.
fn expressed(text: &str, encoding: Encoding) -> String {
    let has = |c: char| {
        let text = c.to_string();
        let (bytes, _, lacks) = legacy(encoding).encode(&text);
        !lacks && *legacy(encoding).decode_without_bom_handling(&bytes).0 == text
    };
    text.chars().map(|c| if has(c) { c } else { 'x' }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn inspect_gives_back_every_cells_own_spelling(
        rows in table(), style in style(), encoding in encoding(), bom in any::<bool>(),
    ) {
        let mut all = vec![(0..rows[0].len()).map(|n| format!("name{n}")).collect::<Vec<_>>()];
        all.extend(rows);
        let bom = bom || encoding != Encoding::Utf8;
        let file = encode(&style.write(&all), encoding, bom);
        prop_assert_eq!(inspected_with(&file, &style.options()), all);
    }

    #[test]
    fn the_older_encodings_give_back_every_cell_too(
        rows in table(), letters in "[äßéЖДяαωłčşğ日本語中文한국어]{1,6}",
        style in style().prop_filter("marks that all encodings have", |style| {
            style.delimiter.is_ascii() && style.quotes.is_some_and(|q| q.0.is_ascii())
        }),
        encoding in legacy_encoding(),
    ) {
        let mut all = vec![(0..rows[0].len()).map(|n| format!("name{n}")).collect::<Vec<_>>()];
        all.extend(rows);
        all[1][0] = letters;
        let all: Vec<Vec<String>> = all
            .iter()
            .map(|row| row.iter().map(|cell| expressed(cell, encoding)).collect())
            .collect();
        let file = encode(&style.write(&all), encoding, false);
        let options = Options { encoding: Some(encoding.label().to_owned()), ..style.options() };
        prop_assert_eq!(inspected_with(&file, &options), all);
    }

    #[test]
    fn what_is_sniffed_reads_back_too(
        rows in prop::collection::vec(prop::collection::vec("[a-z]{1,6}", 3), 2..9), quoted in any::<bool>(),
        style in style().prop_filter("what is looked for", |style| {
            !matches!(style.delimiter.as_str(), " " | ":" | "~|~" | "¦" | "；")
        }),
        encoding in encoding(),
    ) {
        let mut rows = rows;
        if quoted {
            // A delimiter in every row says how cells are quoted.
            for row in &mut rows {
                row[1].push_str(&style.delimiter);
            }
        }
        let file = encode(&style.write(&rows), encoding, false);
        prop_assert_eq!(inspected(&file), rows);
    }

    #[test]
    fn a_file_in_any_pieces_has_the_same_plan_and_batches(
        rows in table(), junk in prop::collection::vec(any::<u8>(), 0..30), at in any::<prop::sample::Index>(),
        piece in 1usize..40, encoding in encoding(), bom in any::<bool>(), batch_rows in 1usize..5, batch_bytes in 1usize..300,
    ) {
        let mut file = encode(&Style::plain(",", "\n").write(&rows), encoding, bom || encoding != Encoding::Utf8);
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
                    let decoded = batch::decode(&batch::encode(batch).unwrap()).unwrap();
                    prop_assert_eq!(&decoded.rows, &batch.rows);
                    prop_assert_eq!(&decoded.rejects, &batch.rejects);
                    prop_assert_eq!(&decoded.shown, &batch.shown);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn an_encoding_that_shows_only_behind_the_head_is_found_however_the_file_is_cut(
        encoding in prop_oneof![Just(Encoding::Windows1251), Just(Encoding::ShiftJis), Just(Encoding::EucKr)],
        piece in 1_000usize..100_000,
    ) {
        let text = match encoding {
            Encoding::Windows1251 => "Это предложение написано по-русски",
            Encoding::ShiftJis => "これは日本語の文章です。漢字とかな",
            _ => "이것은 한국어로 쓴 문장입니다",
        };
        let mut file = "id,text\n".to_owned();
        for id in 0..12_000 {
            file.push_str(&format!("{id},{}\n", if id > 11_990 { text } else { "plain" }));
        }
        let bytes = encode(&file, encoding, false);
        let whole = analyse(&bytes).unwrap();
        prop_assert_eq!(whole.plan.dialect.encoding, encoding);
        prop_assert_eq!(&inspected(&bytes)[11_995][1], text);
        prop_assert_eq!(whole, analyse_with(&bytes, &Options::default(), None, piece).unwrap());
    }
}

/// A file that is longer than what is sniffed at, with everything that an analysis keeps in mind on its way.
fn long_file(rows: &[Vec<String>], encoding: Encoding, oddity: &str, at: usize) -> Vec<u8> {
    let bom = encoding.label().starts_with("utf-") && encoding != Encoding::Utf8;
    let style = Style::plain(",", "\n");
    let width = rows[0].len();
    let mut all = vec![(0..width).map(|n| format!("name{n}")).collect::<Vec<_>>()];
    while all.len() < 9_000 {
        all.extend_from_slice(rows);
    }
    let mut text = style.write(&all);
    let at = text
        .char_indices()
        .map(|(at, _)| at)
        .nth(at % text.chars().count());
    text.insert_str(at.unwrap_or_default(), oddity);
    encode(&text, encoding, bom)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_analysis_that_is_broken_off_goes_on_as_if_it_had_not_been(
        rows in table(),
        oddity in prop::sample::select(vec![
            "", "\n\n", "\n# remark\n", "\n\"", "\nHäuser, wünschen für große Mühe\n", "a,b,c,d,e,f\n", "\n\n* a note alone\nand another\n\n",
        ]),
        at in any::<prop::sample::Index>(),
        encoding in prop_oneof![Just(Encoding::Utf8), Just(Encoding::Utf16Le), Just(Encoding::Windows1252)],
        breaks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        footer in prop_oneof![Just(None), Just(Some(3))],
        told in any::<bool>(),
    ) {
        let file = long_file(&rows, encoding, oddity, at.index(200_000));
        let mut options = Options { footer, ..Options::default() };
        if told {
            options.nulls = [("name0".to_owned(), "NA".to_owned())].into();
            options.types = [("name1".to_owned(), ColumnType::Decimal)].into();
        }
        let mut breaks: Vec<usize> = breaks.iter().map(|at| at.index(file.len() + 1)).collect();
        breaks.sort_unstable();
        let whole = analyse_with(&file, &options, None, file.len());
        let broken = analyse_broken_off(&file, &options, None, &breaks);
        match (whole, broken) {
            (Ok(whole), Ok(broken)) => {
                prop_assert_eq!(&whole, &broken);
                // And as an append to what came of it.
                let fixed: Vec<_> = whole.plan.columns.iter().skip(1).map(|planned| planned.column.clone()).collect();
                let whole = analyse_with(&file, &Options::default(), Some(&fixed), file.len()).map_err(|error| error.to_string());
                let broken = analyse_broken_off(&file, &Options::default(), Some(&fixed), &breaks).map_err(|error| error.to_string());
                prop_assert_eq!(whole, broken);
            }
            (Err(whole), Err(broken)) => prop_assert_eq!(whole.to_string(), broken.to_string()),
            (whole, broken) => prop_assert!(false, "{whole:?} but broken off {broken:?}"),
        }
    }

    #[test]
    fn an_encoding_that_shows_late_is_found_though_the_reading_is_broken_off(
        encoding in prop_oneof![Just(Encoding::Windows1251), Just(Encoding::ShiftJis), Just(Encoding::EucKr)],
        breaks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let text = match encoding {
            Encoding::Windows1251 => "Это предложение написано по-русски",
            Encoding::ShiftJis => "これは日本語の文章です。漢字とかな",
            _ => "이것은 한국어로 쓴 문장입니다",
        };
        let mut file = "id,text\n".to_owned();
        for id in 0..9_000 {
            file.push_str(&format!("{id},{}\n", if id % 97 > 95 && id > 6_000 { text } else { "plain" }));
        }
        let bytes = encode(&file, encoding, false);
        let mut breaks: Vec<usize> = breaks.iter().map(|at| at.index(bytes.len() + 1)).collect();
        breaks.sort_unstable();
        let whole = analyse(&bytes).unwrap();
        prop_assert_eq!(whole.plan.dialect.encoding, encoding);
        prop_assert_eq!(whole, analyse_broken_off(&bytes, &Options::default(), None, &breaks).unwrap());
    }
}

#[test]
fn what_was_saved_for_other_options_or_by_other_code_is_not_gone_on_with() {
    let options = Options::default();
    let saved = tabular::Analyser::new(&options, None)
        .unwrap()
        .save()
        .unwrap();
    assert!(tabular::Analyser::restore(&saved, &options, None).is_some());
    let others = Options {
        header: Some(false),
        ..Options::default()
    };
    assert!(tabular::Analyser::restore(&saved, &others, None).is_none());
    assert!(tabular::Analyser::restore(&saved, &options, Some(&[])).is_none());
    assert!(tabular::Analyser::restore(b"something else", &options, None).is_none());
}
