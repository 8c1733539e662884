//! Bad input too large or too many-sided for the corpus.

mod support;

use contracts::plan::{COLUMNS_MAX, Options, PLACES_PER_CODE, RECORD_BYTES_MAX};
use support::{analyse, analyse_with, columns, inspected, load, rejects};
use tabular::FileError;

#[test]
fn two_thousand_columns_are_refused() {
    let header: Vec<String> = (0..2_000).map(|n| format!("c{n}")).collect();
    let file = format!("{}\n", header.join(","));
    assert!(matches!(
        analyse(file.as_bytes()),
        Err(FileError::TooManyColumns { columns: 2_000 })
    ));
}

#[test]
fn a_hundred_thousand_columns_are_refused_with_their_number() {
    let file = format!(
        "{}\n{}\n",
        vec!["name"; 100_000].join(","),
        vec!["1"; 100_000].join(",")
    );
    for piece in [1_000, file.len()] {
        let error = analyse_with(file.as_bytes(), &Options::default(), None, piece).unwrap_err();
        assert!(matches!(
            error,
            FileError::TooManyColumns { columns: 100_000 }
        ));
        assert!(error.to_string().contains("100000"), "{error}");
    }
}

#[test]
fn names_that_repeat_or_are_empty_all_become_different() {
    let header: Vec<&str> = (0..COLUMNS_MAX)
        .map(|n| if n % 2 == 0 { "same" } else { "" })
        .collect();
    let file = format!(
        "{}\n{}\n",
        header.join(","),
        vec!["1"; COLUMNS_MAX].join(",")
    );
    let plan = analyse(file.as_bytes()).unwrap().plan;
    let names: std::collections::BTreeSet<_> =
        plan.columns.iter().map(|c| &c.column.name).collect();
    assert_eq!(names.len(), COLUMNS_MAX);
    assert_eq!(inspected(file.as_bytes())[0], header);
    let many = format!("{}\n", vec![""; 3_000].join(","));
    assert!(matches!(
        analyse(many.as_bytes()),
        Err(FileError::TooManyColumns { columns: 3_000 })
    ));
}

#[test]
fn what_stands_above_and_below_the_table_is_counted_and_can_be_told() {
    let file = b"Report\n\na,b,c\n1,2,3\n# noted\n4,5,6\n\nSource: somewhere\n";
    let plan = analyse(file).unwrap().plan;
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|(why, n)| (why.as_str(), *n))
        .collect();
    assert_eq!(skipped, [("blank", 2), ("footer", 1), ("preamble", 1)]);
    assert_eq!((plan.records, plan.headers, plan.rows), (8, 1, 3));
    let told = Options {
        delimiter: Some(",".into()),
        preamble: Some(0),
        footer: Some(2),
        comment: Some("#".into()),
        header_rows: Some(2),
        ..Options::default()
    };
    let plan = analyse_with(file, &told, None, 5).unwrap().plan;
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|(why, n)| (why.as_str(), *n))
        .collect();
    assert_eq!(skipped, [("blank", 2), ("comment", 1), ("footer", 1)]);
    assert_eq!((plan.records, plan.headers, plan.rows), (8, 2, 2));
    assert_eq!(plan.columns[0].column.name, "Report a");
    assert!(!plan.warnings.contains_key("footer") && !plan.warnings.contains_key("comment"));
    assert_eq!(
        support::inspected_with(file, &told)[1..],
        [["1", "2", "3"], ["4", "5", "6"]]
    );
}

#[test]
fn a_footer_that_is_too_long_to_set_aside_is_refused() {
    let told = |footer| Options {
        footer: Some(footer),
        ..Options::default()
    };
    let file = format!("a,b\n{}", format!("1,{}\n", "x".repeat(9 << 20)).repeat(4));
    let error = analyse_with(file.as_bytes(), &told(5), None, 1 << 20).unwrap_err();
    assert!(error.to_string().contains("footer"), "{error}");
    assert!(analyse_with(file.as_bytes(), &told(1), None, 1 << 20).is_ok());
    let error = analyse_with(b"a\n1\n", &told(u64::MAX), None, 9).unwrap_err();
    assert!(matches!(error, FileError::Options(_)));
}

#[test]
fn an_encoding_is_taken_as_told_and_what_it_lacks_is_quarantined_with_its_bytes() {
    let told = |encoding: &str| Options {
        encoding: Some(encoding.into()),
        ..Options::default()
    };
    // The second name holds a byte that Windows-1253 has no character for; the third, half a character of Shift_JIS.
    let file = b"id,name\n1,\xc1\xe2\n2,\xd2a\n";
    let plan = analyse_with(file, &told("cp1253"), None, 2).unwrap().plan;
    assert_eq!(plan.dialect.encoding.label(), "windows-1253");
    let rejects = rejects(&load(file, &plan));
    assert_eq!(
        (
            rejects[0].code.as_str(),
            rejects[0].byte,
            rejects[0].raw.as_deref()
        ),
        ("invalid_encoding", 13, Some("2,\\xD2a"))
    );
    assert_eq!(
        support::inspected_with(file, &told("latin1"))[1],
        ["1", "Áâ"]
    );
    for unknown in ["klingon", "iso-2022-jp", ""] {
        let error = analyse_with(file, &told(unknown), None, 9).unwrap_err();
        assert!(matches!(error, FileError::Options(_)), "{unknown}");
    }
}

#[test]
fn a_row_of_more_cells_than_a_table_takes_is_quarantined_and_the_others_are_loaded() {
    let file = format!("a,b\n1,2\n{}\n3,4\n", vec!["x"; COLUMNS_MAX + 1].join(","));
    let analysis = analyse(file.as_bytes()).unwrap();
    assert_eq!(columns(&analysis.plan), "a int64, b int64");
    let batches = load(file.as_bytes(), &analysis.plan);
    assert_eq!(batches[0].rows.num_rows(), 2);
    let rejects = rejects(&batches);
    assert_eq!((rejects[0].code.as_str(), rejects[0].line), ("long_row", 3));
    assert_eq!(
        rejects[0].raw.as_ref().unwrap().len(),
        2 * (COLUMNS_MAX + 1) - 1
    );
}

#[test]
fn a_cell_of_ten_megabytes_is_loaded_whole_in_a_batch_of_its_own() {
    let long = "é".repeat(5 << 20);
    let file = format!("a,b\n1,x\n2,{long}\n3,y\n");
    let analysis = analyse_with(file.as_bytes(), &Options::default(), None, 100_000).unwrap();
    let batches = load(file.as_bytes(), &analysis.plan);
    let rows: Vec<_> = batches.iter().map(|batch| batch.rows.num_rows()).collect();
    assert_eq!(rows, [1, 1, 1]);
    assert_eq!(inspected(file.as_bytes())[2][1], long);
}

#[test]
fn a_record_over_the_limit_is_quarantined_by_place_and_length() {
    let file = format!("a,b\n1,x\n2,{}\n3,y\n", "x".repeat(RECORD_BYTES_MAX));
    let analysis = analyse_with(file.as_bytes(), &Options::default(), None, 1 << 20).unwrap();
    assert_eq!((analysis.plan.records, analysis.plan.rows), (4, 3));
    let batches = load(file.as_bytes(), &analysis.plan);
    let rejects = rejects(&batches);
    assert_eq!(
        (
            rejects.len(),
            rejects[0].code.as_str(),
            rejects[0].byte,
            rejects[0].record
        ),
        (1, "row_too_large", 8, 3)
    );
    assert!(rejects[0].raw.is_none());
    assert!(
        rejects[0]
            .message
            .contains(&(RECORD_BYTES_MAX + 2).to_string())
    );
    assert_eq!(inspected(file.as_bytes()).len(), 3);
}

#[test]
fn warnings_are_all_counted_and_the_first_of_a_code_kept() {
    let file = format!("a,b\n{}", "1\n".repeat(3_000));
    let analysis = analyse(file.as_bytes()).unwrap();
    assert_eq!(analysis.plan.warnings["short_row"], 3_000);
    assert_eq!(analysis.warnings.len(), PLACES_PER_CODE);
    assert_eq!(analysis.warnings[999].line, 1_001);
}

#[test]
fn rejects_fill_batches_as_rows_do() {
    // Raw text of half a batch each: no batch holds more than its share.
    let mut file = b"a,b\n".to_vec();
    for _ in 0..20 {
        file.extend(std::iter::repeat_n(b'x', 200_000));
        file.extend_from_slice(b",\0\n");
    }
    let analysis = analyse(&file).unwrap();
    let batches = load(&file, &analysis.plan);
    assert_eq!(batches.len(), 10);
    assert!(
        batches
            .iter()
            .all(|batch| batch.rejects.len() == 2 && batch.rows.num_rows() == 0)
    );
    assert_eq!(batches[9].meta.row_offset, 18);
}

#[test]
fn a_file_that_only_looks_bad_at_first_is_read() {
    // Longer than the head, an odd byte late.
    let mut file = b"id;name\n".to_vec();
    for id in 0..20_000 {
        file.extend_from_slice(format!("{id};n\u{e9}e\n").as_bytes());
    }
    file.extend_from_slice(b"20000;\xff\n");
    let analysis = analyse_with(&file, &Options::default(), None, 1_000).unwrap();
    assert_eq!(columns(&analysis.plan), "id int64, name text");
    assert_eq!(rejects(&load(&file, &analysis.plan)).len(), 1);
}

#[test]
fn surplus_cells_far_down_get_text_columns_that_clash_with_no_header() {
    let file = b"a,column_3\n1,2\n3,4,5,\n";
    let analysis = analyse(file).unwrap();
    assert_eq!(
        columns(&analysis.plan),
        "a int64, column_3 int64, column_3_2 text, column_4 text"
    );
    assert_eq!(
        inspected(file),
        [
            ["a", "column_3", "", ""],
            ["1", "2", "", ""],
            ["3", "4", "5", ""]
        ]
    );
}

#[test]
fn given_options_win_over_what_would_be_found() {
    let options = Options {
        delimiter: Some(";".into()),
        header: Some(false),
        quote: Some("'".into()),
        ..Options::default()
    };
    let analysis = analyse_with(b"a,b;'c;d'\n", &options, None, 3).unwrap();
    assert_eq!((analysis.plan.headers, analysis.plan.rows), (0, 1));
    assert_eq!(
        support::inspected_with(b"a,b;'c;d'\n", &options),
        [["column_1", "column_2"], ["a,b", "c;d"]]
    );
    let options = Options {
        delimiter: Some("\n".into()),
        ..Options::default()
    };
    assert!(matches!(
        analyse_with(b"a\n", &options, None, 3),
        Err(FileError::Options(_))
    ));
}
