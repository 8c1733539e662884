//! Commits by hand: what merges, what conflicts, what is taken once, and what a restore brings back.

use contracts::{
    UserId,
    commit::{Conflict, RowChange},
    dataset::{Column, ColumnType, VersionKind},
    upload::Mode,
};
use serde_json::json;
use store::{At, Change, Commit, Error, IdempotencyKey, NewCommit, Restored};

use crate::helper::{TestDb, check_counts, numbers};

fn cell(column: &str, value: &str) -> store::Cells {
    vec![(column.to_owned(), Some(value.to_owned()))]
}

fn commit(author: UserId, base: i64, changes: Vec<Change>) -> NewCommit {
    NewCommit {
        author,
        kind: VersionKind::Grid,
        message: "by hand".to_owned(),
        base,
        changes,
        idempotency: None,
    }
}

/// A table of all types with one row of nulls.
async fn typed(db: &TestDb) -> i64 {
    let kinds = [
        ColumnType::Text,
        ColumnType::Int64,
        ColumnType::Decimal,
        ColumnType::Float,
        ColumnType::Boolean,
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Timestamp,
        ColumnType::Timestamptz,
        ColumnType::Json,
    ];
    let columns = kinds
        .iter()
        .map(|kind| Column {
            id: String::new(),
            name: format!("{kind:?}"),
            kind: *kind,
            format: None,
            null_token: None,
        })
        .collect();
    db.store
        .create_dataset(db.member, "Typed", columns)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_value_of_every_type_goes_in_and_comes_out() {
    let db = TestDb::new().await;
    let no = typed(&db).await;
    let values = [
        "a 'quoted' \"text\"",
        "-9223372036854775808",
        "12.500",
        "0.1",
        "true",
        "2013-01-31",
        "05:30:00.25",
        "2013-01-31T05:30:00",
        "2013-01-31T05:30:00Z",
        "{\"b\": 1,  \"a\": [2]}",
    ];
    let cells: store::Cells = values
        .iter()
        .enumerate()
        .map(|(at, value)| (format!("col_{}", at + 1), Some((*value).to_owned())))
        .collect();
    let done = db
        .store
        .commit(no, &commit(db.member, 1, vec![Change::Insert(cells)]))
        .await
        .unwrap();
    let Commit::Done {
        version: 2, rows, ..
    } = done
    else {
        panic!("{done:?}")
    };
    let (_, _, row) = db.store.row(no, At::Head, rows[0]).await.unwrap();
    let shown = [
        json!(values[0]),
        json!(values[1]),
        json!("12.500"),
        json!(0.1),
        json!(true),
        json!("2013-01-31"),
        json!("05:30:00.25"),
        json!("2013-01-31T05:30:00"),
        json!("2013-01-31T05:30:00Z"),
        json!(values[9]),
    ];
    assert_eq!(row.cells, shown);

    // The same number in another spelling is another cell.
    let respelled = vec![Change::Update(rows[0], cell("col_3", "12.5"))];
    let done = db
        .store
        .commit(no, &commit(db.member, 2, respelled.clone()))
        .await
        .unwrap();
    assert!(matches!(done, Commit::Done { version: 3, .. }), "{done:?}");
    let again = db
        .store
        .commit(no, &commit(db.member, 3, respelled))
        .await
        .unwrap();
    assert_eq!(again, Commit::Unchanged { version: 3 });
    check_counts_of(&db, no, 1).await;
}

async fn check_counts_of(db: &TestDb, no: i64, rows: i64) {
    let counted = db
        .number(&format!(
            "select coalesce(sum(n), 0)::bigint from data.d_{no}_blocks where v_to = {}",
            i64::MAX
        ))
        .await;
    assert_eq!(counted, rows);
}

#[tokio::test]
async fn the_same_cell_conflicts_and_another_merges() {
    let db = TestDb::new().await;
    let import = db
        .open_new(
            &[("number", ColumnType::Int64), ("name", ColumnType::Text)],
            2,
        )
        .await;
    let cells = vec![
        crate::helper::arrow(ColumnType::Int64, &[Some(1), Some(2)]),
        crate::helper::texts(&[Some("a"), Some("b")]),
    ];
    import.write(&[import.batch(0, 0, cells)]).await;
    import.end(1, 2, 0).await;
    import.finish().await;
    let (no, row) = (import.dataset_no(), import.load.row_lo);

    let theirs = vec![Change::Update(row, cell("col_1", "10"))];
    db.store
        .commit(no, &commit(db.member, 1, theirs))
        .await
        .unwrap();
    let other_cell = vec![Change::Update(row, cell("col_2", "z"))];
    let merged = db
        .store
        .commit(no, &commit(db.member, 1, other_cell))
        .await
        .unwrap();
    assert!(
        matches!(merged, Commit::Done { version: 3, .. }),
        "{merged:?}"
    );

    let yours = vec![
        Change::Update(row, cell("col_1", "11")),
        Change::Update(row + 1, cell("col_1", "22")),
    ];
    let refused = db
        .store
        .commit(no, &commit(db.member, 1, yours))
        .await
        .unwrap();
    let conflict = Conflict {
        row_id: row.to_string(),
        column: Some("col_1".to_owned()),
        base: json!("1"),
        theirs: json!("10"),
        yours: json!("11"),
        gone: false,
    };
    assert_eq!(refused, Commit::Conflicts(vec![conflict]));
    assert_eq!(
        numbers(&db.store, no, At::Head).await,
        [10, 2],
        "nothing of it was written"
    );

    // What both want alike is no conflict.
    let same = vec![Change::Update(row, cell("col_1", "10"))];
    let done = db
        .store
        .commit(no, &commit(db.member, 1, same))
        .await
        .unwrap();
    assert_eq!(done, Commit::Unchanged { version: 3 });

    let changed_since = vec![Change::Delete(row)];
    let refused = db
        .store
        .commit(no, &commit(db.member, 1, changed_since))
        .await
        .unwrap();
    assert!(
        matches!(&refused, Commit::Conflicts(c) if c.len() == 2),
        "{refused:?}"
    );
    db.store
        .commit(no, &commit(db.member, 3, vec![Change::Delete(row)]))
        .await
        .unwrap();
    let gone = vec![Change::Update(row, cell("col_2", "q"))];
    let refused = db
        .store
        .commit(no, &commit(db.member, 3, gone))
        .await
        .unwrap();
    assert!(
        matches!(&refused, Commit::Conflicts(c) if c.len() == 1 && c[0].gone && c[0].base == json!("z")),
        "{refused:?}"
    );
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_version_it_made() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1, 2, 3]).await;
    let no = import.dataset_no();
    let mut request = commit(
        db.member,
        1,
        vec![
            Change::Insert(cell("col_1", "4")),
            Change::Insert(cell("col_1", "5")),
        ],
    );
    request.idempotency = Some(IdempotencyKey {
        key: "one intention".to_owned(),
        fingerprint: vec![1],
    });
    let (one, two) = tokio::join!(db.store.commit(no, &request), db.store.commit(no, &request));
    let (
        Commit::Done {
            version,
            rows,
            fresh,
        },
        Commit::Done {
            version: again,
            rows: same,
            fresh: not,
        },
    ) = (one.unwrap(), two.unwrap())
    else {
        panic!("both are done")
    };
    assert_eq!((version, &rows, fresh), (again, &same, !not));
    assert_eq!(numbers(&db.store, no, At::Head).await, [1, 2, 3, 4, 5]);
    request.idempotency.as_mut().unwrap().fingerprint = vec![2];
    let other = db.store.commit(no, &request).await;
    assert!(matches!(other, Err(Error::Invalid { .. })), "{other:?}");
}

#[tokio::test]
async fn a_hidden_import_is_shown_again_also_after_the_sweeper_has_moved_its_rows() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1, 2, 3]).await;
    let (no, row) = (import.dataset_no(), import.load.row_lo);
    let edit = vec![
        Change::Update(row, cell("col_1", "10")),
        Change::Delete(row + 1),
    ];
    db.store
        .commit(no, &commit(db.member, 1, edit))
        .await
        .unwrap();
    let target = db.existing(no).await;
    db.import_numbers(target, Mode::Replace, &[7, 8]).await;
    for (swept, wanted) in [(false, 1), (true, 2)] {
        if swept {
            db.store
                .sweep_replaced(1_000, std::time::Duration::ZERO)
                .await
                .unwrap();
        }
        let before = numbers(&db.store, no, At::Version(wanted)).await;
        let restored = db.store.restore(no, db.member, wanted, "").await.unwrap();
        let Restored::Published { version } = restored else {
            panic!("{restored:?}")
        };
        assert_eq!(numbers(&db.store, no, At::Version(version)).await, before);
        let diff = db.store.diff(no, wanted, version, None, 10).await.unwrap();
        assert!(diff.rows.is_empty(), "{diff:?}");
        let restored = db.store.restore(no, db.member, 3, "").await.unwrap();
        assert!(matches!(restored, Restored::Published { .. }));
        assert_eq!(numbers(&db.store, no, At::Head).await, [7, 8]);
    }
    let diff = db.store.diff(no, 2, 3, None, 10).await.unwrap();
    let changes: Vec<RowChange> = diff.rows.iter().map(|row| row.change).collect();
    assert_eq!((diff.inserted, diff.updated, diff.deleted), (2, 0, 2));
    assert_eq!(
        changes,
        [
            RowChange::Deleted,
            RowChange::Deleted,
            RowChange::Inserted,
            RowChange::Inserted
        ]
    );
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_commit_names_what_is_wrong_with_it() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1]).await;
    let (no, row) = (import.dataset_no(), import.load.row_lo);
    for (base, changes, place) in [
        (9, vec![Change::Delete(row)], "base_version"),
        (
            1,
            vec![Change::Update(row, cell("col_9", "1"))],
            "/changes/0/cells/col_9",
        ),
        (
            1,
            vec![Change::Delete(row), Change::Delete(row)],
            "/changes/1/row_id",
        ),
    ] {
        match db.store.commit(no, &commit(db.member, base, changes)).await {
            Err(Error::Invalid { pointer, .. }) => assert_eq!(pointer, place),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        db.store
            .commit(no, &commit(db.member, 1, Vec::new()))
            .await
            .unwrap(),
        Commit::Unchanged { version: 1 }
    );
    let unknown = db
        .store
        .commit(no, &commit(db.member, 1, vec![Change::Delete(row + 5)]))
        .await
        .unwrap();
    assert!(
        matches!(&unknown, Commit::Conflicts(c) if c[0].gone),
        "{unknown:?}"
    );
}
