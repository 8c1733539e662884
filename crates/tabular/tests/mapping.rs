//! Files into a dataset that is there, whose columns go where somebody said: what the plan says of it, and what the load makes of that.

mod support;

use std::{collections::BTreeMap, io::Cursor};

use contracts::{
    Problem,
    dataset::{Column, ColumnType},
    plan::{Apart, COLUMNS_MAX, FilePlan, Mapped, MappedBy, NewColumns, Options},
};
use support::{analyse_with, columns, load, rejects};
use tabular::{
    Analyser, FileError, Finished, Input, Source,
    mapping::{Hints, Remembered},
};

fn column(id: &str, name: &str, kind: ColumnType) -> Column {
    Column {
        id: id.into(),
        name: name.into(),
        kind,
        format: None,
        null_token: None,
    }
}

fn dataset() -> [Column; 2] {
    [
        column("col_1", "sku", ColumnType::Text),
        column("col_3", "price", ColumnType::Decimal),
    ]
}

fn mapping(pairs: &[(&str, Option<&str>)]) -> Options {
    let owned = |(from, to): &(&str, Option<&str>)| ((*from).to_owned(), to.map(str::to_owned));
    Options {
        mapping: pairs.iter().map(owned).collect(),
        ..Options::default()
    }
}

/// By way of the source, as for a file that is not plain text.
fn plan_of(
    file: &[u8],
    options: &Options,
    fixed: Option<&[Column]>,
) -> Result<FilePlan, FileError> {
    let mut source = Source::open(
        Input::new(Cursor::new(file.to_vec()))?,
        options,
        Apart::default(),
    )?;
    let mut analyser = Analyser::of(&source, options, fixed)?;
    source.pour(0, &mut |piece| {
        analyser.push(piece)?;
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    match analyser.finish()? {
        Finished::Analysis(analysis) => Ok(analysis.plan),
        Finished::Again(_) => panic!("it is read once"),
    }
}

fn told(mapped: &[Mapped]) -> Vec<(&str, Option<&str>, &str, MappedBy)> {
    mapped
        .iter()
        .map(|m| (m.file.as_str(), m.column.as_deref(), m.name.as_str(), m.by))
        .collect()
}

#[test]
fn columns_go_where_they_are_told_and_those_left_out_leave_no_trace() {
    let file = b"cost,when,code,note\n1.5,2020-01-02,A,x\n2.5,2020-01-03,B,\"y\nz\"\n";
    let options = mapping(&[
        ("cost", Some("col_3")),
        ("code", Some("sku")),
        ("when", Some("bought")),
        ("note", None),
    ]);
    let analysis = analyse_with(file, &options, Some(&dataset()), 7).unwrap();
    let plan = &analysis.plan;
    assert_eq!(columns(plan), "sku text, price decimal, bought date");
    assert_eq!(
        told(&plan.mapping),
        [
            ("cost", Some("col_3"), "price", MappedBy::Chosen),
            ("when", Some("col_4"), "bought", MappedBy::Chosen),
            ("code", Some("col_1"), "sku", MappedBy::Chosen),
            ("note", None, "note", MappedBy::LeftOut),
        ]
    );
    assert_eq!(plan.warnings.get("column_left_out"), Some(&1));
    assert_eq!(analysis.warnings[0].column.as_deref(), Some("note"));
    let batches = load(file, plan);
    // The last column of the file is not missed, and no row is too long for it.
    assert!(rejects(&batches).is_empty());
    assert_eq!(batches[0].rows.num_columns(), 3);
    assert_eq!(batches[0].rows.num_rows(), 2);
    assert!(batches[0].padded.is_empty());
}

#[test]
fn a_mapping_that_cannot_be_is_a_problem_at_its_option() {
    let file = b"a,b\n1,2\n";
    for (options, pointer) in [
        (mapping(&[("x", None)]), "/options/mapping/x"),
        (
            mapping(&[("a", Some("sku")), ("b", Some("col_1"))]),
            "/options/mapping/b",
        ),
        (
            Options {
                new_columns: NewColumns::Refuse,
                ..mapping(&[("a", Some("sku"))])
            },
            "/options/new_columns",
        ),
    ] {
        let error = analyse_with(file, &options, Some(&dataset()), 9).unwrap_err();
        let problem = Problem::from(error);
        assert_eq!(problem.pointer.as_deref(), Some(pointer), "{problem:?}");
    }
    // There is no dataset to map to.
    assert!(analyse_with(file, &mapping(&[("a", None)]), None, 9).is_err());
}

#[test]
fn where_new_columns_are_refused_surplus_cells_are_quarantined() {
    let file = b"sku,price\nA,1.5\nB,2.5,and more\nC,3.5\n";
    let refusing = Options {
        new_columns: NewColumns::Refuse,
        ..Options::default()
    };
    let plan = analyse_with(file, &refusing, Some(&dataset()), 9)
        .unwrap()
        .plan;
    assert_eq!(plan.columns.len(), 2);
    let batches = load(file, &plan);
    assert_eq!(rejects(&batches)[0].code, "long_row");
    assert_eq!(batches[0].rows.num_rows(), 2);
    let plan = analyse_with(file, &Options::default(), Some(&dataset()), 9)
        .unwrap()
        .plan;
    assert_eq!((plan.columns.len(), plan.mapping.len()), (3, 2));
}

#[test]
fn what_is_remembered_holds_also_when_the_file_must_be_read_twice() {
    // The words at its end tell the encoding: the whole of it is read again.
    let mut file = "Code,Cost\n".to_owned() + &"plain,1.5\n".repeat(12_000);
    file.push_str(&"Это предложение написано по-русски,2.5\n".repeat(10));
    let (file, ..) = encoding_rs::WINDOWS_1251.encode(&file);
    let remembered = Remembered {
        header: vec!["Code".into(), "Cost".into()],
        columns: BTreeMap::from([("Code".into(), Some("col_1".into())), ("Cost".into(), None)]),
    };
    let hints = Hints {
        remembered: vec![remembered],
        alike: true,
        ..Hints::default()
    };
    let analyser = Analyser::new(&Options::default(), Some(&dataset())).unwrap();
    let mut analyser = analyser.with_hints(hints);
    let mut readings = 0;
    let plan = loop {
        readings += 1;
        analyser.push(&file).unwrap();
        match analyser.finish().unwrap() {
            Finished::Analysis(analysis) => break analysis.plan,
            Finished::Again(again) => analyser = *again,
        }
    };
    assert!(readings > 1);
    assert_eq!(
        told(&plan.mapping),
        [
            ("Code", Some("col_1"), "sku", MappedBy::Remembered),
            ("Cost", None, "Cost", MappedBy::LeftOut)
        ]
    );
}

#[test]
fn the_first_rows_are_known_by_their_records() {
    let mut file = "sku,price\nA,1.5\n\nB,much\n".to_owned();
    for n in 0..40 {
        file.push_str(&format!("C{n},{n}.5\n"));
    }
    let plan = analyse_with(file.as_bytes(), &Options::default(), Some(&dataset()), 9)
        .unwrap()
        .plan;
    let batches = load(file.as_bytes(), &plan);
    let shown: Vec<u64> = batches.iter().flat_map(|b| b.shown.clone()).collect();
    let expected: Vec<u64> = [2].into_iter().chain(5..24).collect();
    assert_eq!(shown, expected);
}

/// So many columns, named after their place, and one row.
fn wide(columns: usize) -> String {
    let names: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
    format!("{}\n{}\n", names.join(","), vec!["1"; columns].join(","))
}

#[test]
fn columns_that_are_left_out_do_not_count_against_the_limit() {
    let dataset = [column("col_1", "c0", ColumnType::Int64)];
    let names: Vec<String> = (COLUMNS_MAX..1_000).map(|n| format!("c{n}")).collect();
    let left_out: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    let file = wide(1_000);
    let json = format!(
        "{{{}}}\n",
        (0..1_000)
            .map(|n| format!("\"c{n}\":1"))
            .collect::<Vec<_>>()
            .join(",")
    );
    for file in [&file, &json] {
        let plan = plan_of(file.as_bytes(), &mapping(&left_out), Some(&dataset)).unwrap();
        assert_eq!(plan.columns.len(), COLUMNS_MAX);
        assert_eq!(plan.warnings.get("column_left_out"), Some(&600));
        for (options, columns) in [(&left_out[1..], 401), (&left_out[..0], 1_000)] {
            let refused = plan_of(file.as_bytes(), &mapping(options), Some(&dataset));
            let error = refused.unwrap_err();
            assert!(
                matches!(error, FileError::TooManyColumns { columns: n } if n == columns),
                "{error}"
            );
        }
    }
    let batches = load(
        file.as_bytes(),
        &analyse_with(file.as_bytes(), &mapping(&left_out), Some(&dataset), 999)
            .unwrap()
            .plan,
    );
    assert_eq!(batches[0].rows.num_columns(), COLUMNS_MAX);

    // Columns of the dataset that the file lacks do count, and so do surplus cells.
    let dataset: Vec<Column> = (0..COLUMNS_MAX)
        .map(|n| {
            column(
                &format!("col_{}", n + 1),
                &format!("d{n}"),
                ColumnType::Text,
            )
        })
        .collect();
    let all: Vec<_> = ["a", "b"].map(|name| (name, None)).to_vec();
    let file = b"a,b\n1,2\n1,2,3\n";
    let plan = analyse_with(file, &mapping(&all), Some(&dataset), 7)
        .unwrap()
        .plan;
    assert_eq!(plan.columns.len(), COLUMNS_MAX);
    assert_eq!(rejects(&load(file, &plan))[0].code, "long_row");
}

#[test]
fn columns_left_out_before_do_not_count_either() {
    let dataset = [column("col_1", "c0", ColumnType::Int64)];
    let file = wide(500);
    let header: Vec<String> = (0..500).map(|n| format!("c{n}")).collect();
    let left_out = header[1..].iter().map(|name| (name.clone(), None));
    let hints = Hints {
        remembered: vec![Remembered {
            header: header.clone(),
            columns: left_out.collect(),
        }],
        ..Hints::default()
    };
    let analyser = Analyser::new(&Options::default(), Some(&dataset)).unwrap();
    let mut analyser = analyser.with_hints(hints);
    analyser.push(file.as_bytes()).unwrap();
    let Finished::Analysis(analysis) = analyser.finish().unwrap() else {
        panic!("it is read once");
    };
    assert_eq!(columns(&analysis.plan), "c0 int64");
}
