//! Records that break a rule of their column are rejects with the rule's code and their place; the others are loaded.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

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
