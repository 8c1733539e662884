//! Records that break a rule of their column are rejects with the rule's code and their place; the others are loaded.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use arrow_array::{cast::AsArray as _, types::Int64Type};
use contracts::{
    plan::Checkpoint,
    receipt::Place,
    rules::{ColumnRules, Rules},
};
use support::analyse;
use tabular::{Batch, Loader};

const FILE: &str = "tail,seats,built\nN1,55,2001-02-03\nX2,140,1999-12-01\nN3,900,2010-07-15\nN4,,2010-07-15\nN5,70\nN6,80,2030-01-01\n";

fn rules() -> ColumnRules {
    ColumnRules::from([
        (
            "col_1".into(),
            Rules {
                pattern: Some("N[0-9]+".into()),
                ..Rules::default()
            },
        ),
        (
            "col_2".into(),
            Rules {
                required: true,
                max: Some("500".into()),
                ..Rules::default()
            },
        ),
        (
            "col_3".into(),
            Rules {
                max: Some("2020-12-31".into()),
                ..Rules::default()
            },
        ),
    ])
}

fn load(rules: &ColumnRules, piece: usize) -> Vec<Batch> {
    let mut plan = analyse(FILE.as_bytes()).unwrap().plan;
    for (no, planned) in plan.columns.iter_mut().enumerate() {
        planned.column.id = format!("col_{}", no + 1);
    }
    let loader = Loader::new(&plan, 2, 1 << 20, Checkpoint::default()).unwrap();
    let mut loader = loader.with_rules(&plan, rules).unwrap();
    let mut batches = Vec::new();
    for bytes in FILE.as_bytes().chunks(piece) {
        loader.push(bytes);
        while let Some(batch) = loader.next_batch().unwrap() {
            batches.push(batch);
        }
    }
    loader.finish();
    while let Some(batch) = loader.next_batch().unwrap() {
        batches.push(batch);
    }
    let end = loader.end();
    assert_eq!(end.rows + end.quarantined, 6);
    batches
}

#[test]
fn a_record_that_breaks_a_rule_is_quarantined_with_its_place() {
    for piece in [1, 7, FILE.len()] {
        let batches = load(&rules(), piece);
        let rejects: Vec<&Place> = batches.iter().flat_map(|batch| &batch.rejects).collect();
        let told: Vec<_> = rejects
            .iter()
            .map(|place| (place.line, place.code.as_str(), place.column.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "rule_pattern", Some("tail")),
                (4, "rule_range", Some("seats")),
                (5, "rule_required", Some("seats")),
                (7, "rule_range", Some("built")),
            ],
            "in pieces of {piece}"
        );
        assert_eq!(rejects[0].raw.as_deref(), Some("X2,140,1999-12-01"));
        assert_eq!(rejects[1].message, "The column takes 500 or less.");
        let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        assert_eq!(rows, 2);
    }
}

#[test]
fn without_rules_every_record_is_loaded() {
    let batches = load(&ColumnRules::new(), 7);
    assert!(batches.iter().all(|batch| batch.rejects.is_empty()));
}

#[test]
fn where_values_are_to_be_unique_every_row_says_where_it_stood() {
    let unique = Rules {
        unique: true,
        ..Rules::default()
    };
    let mut with_rules = rules();
    with_rules.insert("col_1".into(), unique);
    let wanted = load(&with_rules, FILE.len());
    let mut told = Vec::new();
    for batch in &wanted {
        let places = batch.places.as_ref().unwrap();
        assert_eq!(places.num_rows(), batch.rows.num_rows());
        let numbers = |at: usize| {
            places
                .column(at)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        };
        let raw = places.column(3).as_string::<i32>();
        for (row, record) in numbers(0).into_iter().enumerate() {
            let text = raw.value(row).to_owned();
            assert_eq!(FILE.find(&text), usize::try_from(numbers(1)[row]).ok());
            told.push((record, numbers(2)[row], text));
        }
        // They go beside the rows, and come out as they went in.
        let decoded = tabular::batch::decode(&tabular::batch::encode(batch).unwrap()).unwrap();
        assert_eq!(decoded.rows, batch.rows);
        assert_eq!(decoded.places, batch.places);
    }
    let line = |record: i64, text: &str| (record, record, text.to_owned());
    assert_eq!(
        told,
        [
            line(2, "N1,55,2001-02-03"),
            line(3, "X2,140,1999-12-01"),
            line(6, "N5,70"),
        ]
    );
    assert_eq!(load(&with_rules, 1), wanted);
    assert!(load(&rules(), 7).iter().all(|batch| batch.places.is_none()));
}

#[test]
fn the_texts_of_rows_count_for_a_batch() {
    let unique = Rules {
        unique: true,
        ..Rules::default()
    };
    let batches = |rules: &ColumnRules| {
        let file = format!("a,b\n{}", "1,x\n".repeat(1_000));
        let mut plan = analyse(file.as_bytes()).unwrap().plan;
        plan.columns[0].column.id = "col_1".into();
        plan.columns[1].column.id = "col_2".into();
        let loader = Loader::new(&plan, 10_000, 10_000, Checkpoint::default()).unwrap();
        let mut loader = loader.with_rules(&plan, rules).unwrap();
        loader.push(file.as_bytes());
        loader.finish();
        std::iter::from_fn(|| loader.next_batch().unwrap()).collect::<Vec<_>>()
    };
    let bytes = |batch: &Batch| tabular::batch::encode(batch).unwrap().len();
    let without = batches(&ColumnRules::new());
    let with = batches(&ColumnRules::from([("col_1".into(), unique)]));
    assert!(with.len() > without.len());
    // What an Arrow stream has beside its cells.
    assert!(
        with.iter().all(|batch| bytes(batch) < 10_000 + 4_096),
        "{:?}",
        with.iter().map(bytes).max()
    );
}
