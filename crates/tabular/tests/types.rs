//! Which type a column gets, and that a typed column prints back what stands in the file.

mod support;

use contracts::{
    dataset::{Column, ColumnType, Format},
    plan::Options,
};
use support::{analyse, analyse_with, columns, inspected, load, rejects};
use tabular::format::{Value, parse, print};

/// The type of a column with these values, after checking that `inspect --csv` gives every one back.
#[expect(clippy::unwrap_used, reason = "a test helper")]
fn column(values: &[&str]) -> String {
    let mut file = "x|y\n".to_owned();
    for value in values {
        file.push_str(value);
        file.push_str("|text\n");
    }
    let analysis = analyse(file.as_bytes()).unwrap();
    let printed: Vec<String> = inspected(file.as_bytes())
        .into_iter()
        .skip(1)
        .map(|mut row| row.remove(0))
        .collect();
    assert_eq!(printed, values);
    let all = columns(&analysis.plan);
    all.split(", y ")
        .next()
        .unwrap()
        .trim_start_matches("x ")
        .to_owned()
}

#[test]
fn numbers_are_typed_only_where_they_print_back() {
    for (values, expected) in [
        (&["1", "-2", "0", "9223372036854775807"][..], "int64"),
        (&["1", "", "3"], "int64 null=\"\""),
        (&["1", "NA", "3"], "int64 null=\"NA\""),
        (&["1", "NA", ""], "text"),
        (&["007", "1"], "text"),
        (&["+31612345678", "1"], "text"),
        (&["1", "-0"], "text"),
        (&["9223372036854775808"], "decimal"),
        (&["123456789012345678901234567890", "5"], "decimal"),
        (&["1.5", "2"], "float"),
        (&["1.5", "100000000000000000000"], "float"),
        (&["0.1", "-2.25", "NULL"], "float null=\"NULL\""),
        (&["1.50", "2"], "decimal"),
        (&["1.0", "2.5"], "decimal"),
        (&["0.1000000000000000055511151231257827", "1"], "decimal"),
        (&["1e5", "1.10"], "text"),
        (&["1e5", "2.5e-7"], "float `0.#e0`"),
        (&["1E5"], "float `0.#E0`"),
        (&["0.5", "1e-05"], "float `0.#e+00`"),
        (&["NaN", "1.5"], "float null=\"NaN\""),
        (&["inf", "1.5"], "text"),
        (&[".5", "1.5"], "text"),
        (&["1.", "1.5"], "text"),
        (&["-0.0", "1.5"], "text"),
        (&["1 ", "2"], "text"),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

#[test]
fn numbers_with_marks_are_typed_only_where_the_whole_column_decides() {
    for (values, expected) in [
        (&["1,5", "2,5"][..], "decimal `0,#`"),
        (&["1,5", "1234,50"], "decimal `0,#`"),
        (&["1,234", "2,345"], "text"),
        (&["1,234", "5"], "text"),
        (&["1,234", "1,234,567"], "int64 `#,##0`"),
        (&["1,234", "12.5"], "decimal `#,##0.#`"),
        (&["1,234.50", "-7.00"], "decimal `#,##0.#`"),
        (&["1,234", "1234.5"], "text"),
        (&["1.234,50", "7"], "decimal `#.##0,#`"),
        (&["1.234", "1.234.567"], "int64 `#.##0`"),
        (&["1 234", "-5"], "int64 `# ##0`"),
        (&["1\u{a0}234,5", "1"], "decimal `#\u{a0}##0,#`"),
        (&["1'234.50", "1"], "decimal `#'##0.#`"),
        (&["1.5", "2,5"], "text"),
        (&["12,34", "1,234"], "decimal `0,#`"),
        (&["0,123", "1,500"], "decimal `0,#`"),
        (&["01,5", "2,5"], "text"),
        (&["$1,234.50", "$5.00", "-$7.25"], "decimal `$#,##0.#`"),
        (&["$1,234.50", "$-5.00"], "decimal `$-#,##0.#`"),
        (&["$5", "$1234"], "int64 `$0`"),
        (&["$5", "5"], "text"),
        (&["$5", "€5"], "text"),
        (&["$1,234", "$5"], "text"),
        (&["1.234,50 €", "-3,00 €", "0,99 €"], "decimal `#.##0,# €`"),
        (&["12 %", "5 %"], "int64 `0 %`"),
        (&["12.5%", "5%"], "decimal `0.#%`"),
        (&["12 %", "5%"], "text"),
        (&["(1,234.50)", "10.00"], "decimal `(#,##0.#)`"),
        (&["(1,234.50)", "-10.00"], "text"),
        (&["$10", "($5)"], "int64 `($0)`"),
        (&["(1)", "(2)"], "text"),
        (&["5", "7", "(3)"], "int64 `(0)`"),
        (&["-5", "7", "(3)"], "text"),
        (&["5", "-7", "(3)"], "text"),
        (&["1234", "5", "(3)"], "int64 `(0)`"),
        (&["(0)", "7"], "text"),
        (&["-0,5", "7,1"], "decimal `0,#`"),
        (&["USD 5", "USD 1,234.00"], "decimal `USD #,##0.#`"),
        (&["5 zł", "-", "7 zł"], "int64 `0 zł` null=\"-\""),
        (&["5 kg", "7 kg"], "text"),
        (
            &["9,223,372,036,854,775,808", "1,234,567"],
            "decimal `#,##0.#`",
        ),
        (&["1,2345", "1"], "decimal `0,#`"),
        (&["1e5", "1,5"], "text"),
        (&["1 2", "3 4"], "text"),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

#[test]
fn an_asked_number_takes_its_marks_with_it() {
    let mut options = Options::default();
    options.types.insert("n".to_owned(), ColumnType::Decimal);
    options.types.insert("i".to_owned(), ColumnType::Int64);
    let file = b"n|i\n$1,234|1,234\n$5|12\n5|x\n";
    let analysis = analyse_with(file, &options, None, 4).unwrap();
    assert_eq!(
        columns(&analysis.plan),
        "n decimal `$#,##0.#`, i int64 `#,##0`"
    );
    let batches = load(file, &analysis.plan);
    use arrow_array::{cast::AsArray, types::Int64Type};
    assert_eq!(
        batches[0].rows.column(0).as_string::<i32>().value(0),
        "1234"
    );
    assert_eq!(
        batches[0]
            .rows
            .column(1)
            .as_primitive::<Int64Type>()
            .value(0),
        1_234
    );
    assert!(rejects(&batches)[0].message.contains("$#,##0.#"));
}

#[test]
fn words_of_truth_are_one_pair_per_column() {
    for (values, expected) in [
        (&["true", "false"][..], "boolean"),
        (&["yes", "no", "-"], "boolean `yes|no` null=\"-\""),
        (&["True", "false"], "text"),
        (&["Y", "N"], "boolean `Y|N`"),
        (&["T", "T"], "text"),
        (&["TRUE"], "boolean `TRUE|FALSE`"),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

#[test]
fn dates_have_one_spelling_and_the_whole_column_decides() {
    for (values, expected) in [
        (&["2020-01-31", "1999-12-01"][..], "date"),
        (&["2020-02-30"], "text"),
        (&["2020/01/31"], "date `yyyy/MM/dd`"),
        (&["31/01/2020", "01/02/2020"], "date `dd/MM/yyyy`"),
        (&["01/31/2020", "01/02/2020"], "date `MM/dd/yyyy`"),
        (&["01/02/2020", "03/04/2020"], "text"),
        (&["31/01/2020", "01/31/2020"], "text"),
        (&["1/2/2020", "13/2/2020"], "date `d/M/yyyy`"),
        (&["01/2/2020", "13/2/2020"], "text"),
        (&["01.02.2020"], "date `dd.MM.yyyy`"),
        (&["2020-01-01", "01/02/2020"], "text"),
        (&["0000-01-01"], "text"),
        (&["2020-1-5", "2020-12-31"], "date `yyyy-M-d`"),
        (&["20200101"], "int64"),
        (&["3 Mar 2024", "12 May 2024"], "date `d MMM yyyy`"),
        (&["03 Mar 2024", "12 May 2024"], "date `dd MMM yyyy`"),
        (&["3 March 2024", "12 May 2024"], "date `d MMMM yyyy`"),
        (&["Mar 3, 2024", "Dec 31, 1999"], "date `MMM d, yyyy`"),
        (&["March 3, 2024", "May 1, 1999"], "date `MMMM d, yyyy`"),
        (&["03-MAR-2024", "31-DEC-1999"], "date `dd-MON-yyyy`"),
        (&["3-Mar-2024", "31-Dec-1999"], "date `d-MMM-yyyy`"),
        (&["12 May 2024", "13 May 2024"], "date `d MMM yyyy`"),
        (&["3 Mar 2024", "12 March 2024"], "text"),
        (&["3 Mar 2024", "2024-03-04"], "text"),
        (&["31 Feb 2024"], "text"),
        (&["3 mar 2024"], "text"),
        (&["3 Mar 24"], "text"),
        (&["3 Mär 2024"], "text"),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

#[test]
fn times_keep_their_digits_and_their_zone() {
    for (values, expected) in [
        (&["09:05:00", "23:59:59"][..], "time"),
        (&["9:05", "10:00"], "time `H:mm`"),
        (&["09:05", "10:00"], "time `HH:mm`"),
        (&["9:05", "09:05"], "text"),
        (&["24:00:00"], "text"),
        (&["10:00:00.5", "10:00:00"], "time"),
        (&["10:00:00.50", "10:00:00.25"], "time `HH:mm:ss.SS`"),
        (&["10:00:00.50", "10:00:00"], "time `HH:mm:ss[.SS]`"),
        (&["10:00:00.50", "10:00:00.5"], "text"),
        (&["10:00:00.1234567"], "text"),
        (&["3:05 PM", "12:00 AM", "12:30 PM"], "time `h:mm AM`"),
        (&["03:05 pm", "11:00 am"], "time `hh:mm am`"),
        (&["3:05:09PM"], "time `h:mm:ssAM`"),
        (
            &["03:05:09.50 PM", "03:05:09.25 AM"],
            "time `hh:mm:ss.SS AM`",
        ),
        (&["3:05 PM", "15:05"], "text"),
        (&["13:05 PM"], "text"),
        (&["0:05 AM"], "text"),
        (&["3:05 Pm"], "text"),
        (&["Mar 3, 2024 3:05 PM"], "timestamp `MMM d, yyyy h:mm AM`"),
        (
            &["3/31/2024 12:00:00 AM", "4/1/2024 1:30:00 PM"],
            "timestamp `M/d/yyyy h:mm:ss AM`",
        ),
        (
            &["31 Jan 2024 10:00:00 UTC"],
            "timestamptz `d MMM yyyy HH:mm:ss UTC`",
        ),
        (&["2020-01-01T10:00:00"], "timestamp"),
        (&["2020-01-01 10:00:00"], "timestamp `yyyy-MM-dd HH:mm:ss`"),
        (&["2020-01-01 10:00"], "timestamp `yyyy-MM-dd HH:mm`"),
        (&["31.12.2020 9:05"], "timestamp `dd.MM.yyyy H:mm`"),
        (&["2020-01-01T10:00:00", "2020-01-01 10:00:00"], "text"),
        (&["2020-01-01T10:00:00Z"], "timestamptz"),
        (
            &["2020-01-01T10:00:00.000Z"],
            "timestamptz `yyyy-MM-ddTHH:mm:ss.SSSZ`",
        ),
        (
            &["2020-01-01T10:00:00+01:00"],
            "timestamptz `yyyy-MM-ddTHH:mm:ss+01:00`",
        ),
        (
            &["2020-01-01 10:00:00+0100"],
            "timestamptz `yyyy-MM-dd HH:mm:ss+0100`",
        ),
        (
            &["2020-01-01 10:00:00 UTC"],
            "timestamptz `yyyy-MM-dd HH:mm:ss UTC`",
        ),
        (
            &["2020-06-01T10:00:00+02:00", "2020-01-01T10:00:00+01:00"],
            "text",
        ),
        (&["2020-01-01T10:00:00", "2020-01-01T10:00:00Z"], "text"),
        (&["2020-01-01", "2020-01-01T10:00:00"], "text"),
        (
            &["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59+14:00"],
            "timestamptz `yyyy-MM-ddTHH:mm:ss+14:00`",
        ),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

#[test]
fn json_is_objects_and_arrays_verbatim() {
    for (values, expected) in [
        (&["{}", "[1, 2]", "{\"a\" : 1.0}"][..], "json"),
        (&["{}", "null"], "json null=\"null\""),
        (&["{}", "{oops}"], "text"),
        (&["[1]", "1"], "text"),
    ] {
        // Quotes are the file's: cells are written as they are.
        let quoted: Vec<String> = values
            .iter()
            .map(|v| format!("\"{}\"", v.replace('"', "\"\"")))
            .collect();
        let file = format!("x|y\n{}|t\n", quoted.join("|t\n"));
        let analysis = analyse(file.as_bytes()).unwrap();
        assert!(
            columns(&analysis.plan).starts_with(&format!("x {expected}, ")),
            "{values:?}"
        );
        let printed: Vec<String> = inspected(file.as_bytes())
            .into_iter()
            .skip(1)
            .map(|mut row| row.remove(0))
            .collect();
        assert_eq!(printed, *values);
    }
}

#[test]
fn text_keeps_its_empty_cells_and_its_na_and_padding_is_null() {
    let file = b"a,b,c\nx,,NA\ny\nNA,z,\n";
    let analysis = analyse(file).unwrap();
    assert_eq!(columns(&analysis.plan), "a text, b text, c text");
    let batches = load(file, &analysis.plan);
    use arrow_array::{Array, cast::AsArray};
    let b = batches[0].rows.column(1).as_string::<i32>().clone();
    assert!(
        !b.is_null(0) && b.value(0).is_empty(),
        "an empty cell is empty text"
    );
    assert!(b.is_null(1), "a cell that the row lacks is null");
    assert_eq!(batches[0].rows.column(2).as_string::<i32>().value(0), "NA");
    assert_eq!(inspected(file)[2], ["y", "", ""]);
}

#[test]
fn a_padded_null_of_a_typed_column_prints_empty_and_not_as_the_files_null() {
    let file = b"a,b\nx,1\ny\nz,NA\n";
    assert_eq!(
        columns(&analyse(file).unwrap().plan),
        "a text, b int64 null=\"NA\""
    );
    assert_eq!(inspected(file)[2], ["y", ""]);
    assert_eq!(inspected(file)[3], ["z", "NA"]);
}

#[test]
fn an_asked_type_takes_what_fits_and_quarantines_the_rest_with_its_place() {
    let mut options = Options::default();
    options.types.insert("n".to_owned(), ColumnType::Int64);
    options.types.insert("d".to_owned(), ColumnType::Date);
    let file = b"n,d\n1,31/01/2020\noops,01/02/2020\n007,01/02/2020\n,05/06/2020\n4,2020-01-01\n";
    let analysis = analyse_with(file, &options, None, 7).unwrap();
    assert_eq!(
        columns(&analysis.plan),
        "n int64 null=\"\", d date `dd/MM/yyyy`"
    );
    let batches = load(file, &analysis.plan);
    assert_eq!(batches[0].rows.num_rows(), 2);
    let rejects = rejects(&batches);
    let told: Vec<_> = rejects
        .iter()
        .map(|r| {
            (
                r.code.as_str(),
                r.line,
                r.record,
                r.column.as_deref().unwrap(),
                r.raw.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("type_mismatch", 3, 3, "n", "oops,01/02/2020"),
            ("type_mismatch", 4, 4, "n", "007,01/02/2020"),
            ("type_mismatch", 6, 6, "d", "4,2020-01-01"),
        ]
    );
    assert!(
        rejects[2].message.contains("dd/MM/yyyy"),
        "{}",
        rejects[2].message
    );
}

#[test]
fn a_type_for_a_column_that_is_not_there_is_refused() {
    let mut options = Options::default();
    options.types.insert("nope".to_owned(), ColumnType::Int64);
    assert!(
        analyse_with(b"a\n1\n", &options, None, 9)
            .unwrap_err()
            .to_string()
            .contains("nope")
    );
}

#[test]
fn a_told_null_is_the_columns_only_one() {
    let mut options = Options::default();
    for (name, null) in [("n", "none"), ("t", "x"), ("m", "-"), ("w", "?")] {
        options.nulls.insert(name.to_owned(), null.to_owned());
    }
    options.types.insert("w".to_owned(), ColumnType::Int64);
    let file = b"n,t,m,w\n1,x,3,1\nnone,NA,,?\n3,y,-,NA\n";
    let analysis = analyse_with(file, &options, None, 4).unwrap();
    assert_eq!(
        columns(&analysis.plan),
        "n int64 null=\"none\", t text null=\"x\", m text null=\"-\", w int64 null=\"?\""
    );
    let batches = load(file, &analysis.plan);
    use arrow_array::Array;
    assert_eq!(batches[0].rows.column(1).null_count(), 1);
    assert_eq!(rejects(&batches)[0].column.as_deref(), Some("w"));
    assert_eq!(
        support::inspected_with(file, &options)[1..],
        [["1", "x", "3", "1"], ["none", "NA", "", "?"]]
    );
    options.nulls.insert("gone".to_owned(), "-".to_owned());
    assert!(
        analyse_with(file, &options, None, 9)
            .unwrap_err()
            .to_string()
            .contains("gone")
    );
}

#[test]
fn an_append_keeps_the_datasets_columns_and_adds_its_own() {
    let fixed = [
        Column {
            id: "col_1".into(),
            name: "day".into(),
            kind: ColumnType::Date,
            format: Some(Format("dd/MM/yyyy".into())),
            null_token: None,
        },
        Column {
            id: "col_4".into(),
            name: "gone".into(),
            kind: ColumnType::Text,
            format: None,
            null_token: None,
        },
        Column {
            id: "col_2".into(),
            name: "n".into(),
            kind: ColumnType::Int64,
            format: None,
            null_token: Some("NA".into()),
        },
    ];
    let file = b"n,extra,day\n1,yes,01/02/2020\nNA,no,-\n2.5,no,03/04/2020\n";
    let analysis = analyse_with(file, &Options::default(), Some(&fixed), 5).unwrap();
    assert_eq!(
        columns(&analysis.plan),
        "day date `dd/MM/yyyy` null=\"-\", gone text, n int64 null=\"NA\", extra boolean `yes|no`"
    );
    let ids: Vec<_> = analysis
        .plan
        .columns
        .iter()
        .map(|c| (c.column.id.as_str(), c.source))
        .collect();
    assert_eq!(
        ids,
        [
            ("col_1", Some(2)),
            ("col_4", None),
            ("col_2", Some(0)),
            ("col_5", Some(1))
        ]
    );
    let batches = load(file, &analysis.plan);
    assert_eq!(batches[0].rows.num_rows(), 2);
    assert_eq!(rejects(&batches)[0].column.as_deref(), Some("n"));
}

#[test]
fn a_cell_is_read_and_printed_by_its_column() {
    let column = Column {
        id: "col_1".into(),
        name: "d".into(),
        kind: ColumnType::Date,
        format: Some(Format("d.M.yyyy".into())),
        null_token: Some("-".into()),
    };
    assert_eq!(parse(&column, "1.2.1970"), Ok(Some(Value::Date(31))));
    assert_eq!(parse(&column, "-"), Ok(None));
    assert!(parse(&column, "01.2.1970").is_err());
    assert_eq!(print(&column, Some(&Value::Date(-1))), "31.12.1969");
    assert_eq!(print(&column, None), "-");
    let broken = Column {
        format: Some(Format("dd/QQ".into())),
        ..column
    };
    assert!(
        parse(&broken, "1.2.1970")
            .unwrap_err()
            .to_string()
            .contains("dd/QQ")
    );
}

#[test]
fn days_agree_with_another_calendar() {
    let column = Column {
        id: "col_1".into(),
        name: "d".into(),
        kind: ColumnType::Date,
        format: None,
        null_token: None,
    };
    let mut date = jiff::civil::date(1, 1, 1);
    let epoch = jiff::civil::date(1970, 1, 1);
    while date < jiff::civil::date(9999, 12, 20) {
        let Ok(Some(Value::Date(days))) = parse(&column, &date.to_string()) else {
            panic!("{date}")
        };
        assert_eq!(
            i64::from(days),
            i64::from(date.since((jiff::Unit::Day, epoch)).unwrap().get_days()),
            "{date}"
        );
        assert_eq!(print(&column, Some(&Value::Date(days))), date.to_string());
        date = date.checked_add(jiff::Span::new().days(11)).unwrap();
    }
}
