//! Columns whose values may be in one row only: what an import or a commit may write, and what becomes of the rest.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use contracts::{
    UploadId,
    dataset::{ColumnType, VersionKind},
    receipt::Receipt,
    rules::{ColumnRules, Rules},
    upload::{Confirm, Mode, UploadState},
};
use serde_json::Value;
use store::{
    At, Change, Commit, Error, IncomingBatch, MergeLimits, NewCommit, Publish, QuarantineFilter,
    Refusal, Restored, Start, Write,
};

use crate::helper::{Import, TestDb, check_counts, new_target, numbers, query, texts, walk};

const COLUMNS: [(&str, ColumnType); 3] = [
    ("id", ColumnType::Int64),
    ("mail", ColumnType::Text),
    ("price", ColumnType::Decimal),
];

type Line<'a> = (i64, Option<&'a str>, Option<&'a str>);

fn batch(import: &Import, no: u32, row_offset: u64, lines: &[Line<'_>]) -> IncomingBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(
        lines.iter().map(|line| line.0),
    ));
    let mails = texts(&lines.iter().map(|line| line.1).collect::<Vec<_>>());
    let prices = texts(&lines.iter().map(|line| line.2).collect::<Vec<_>>());
    import.batch(no, row_offset, vec![ids, mails, prices])
}

/// Two lines a batch, each batch twice.
async fn write(import: &Import, lines: &[Line<'_>]) {
    let batches: Vec<IncomingBatch> = (lines.chunks(2).enumerate())
        .map(|(no, lines)| batch(import, u32::try_from(no).unwrap(), no as u64 * 2, lines))
        .collect();
    for batch in &batches {
        import.write(std::slice::from_ref(batch)).await;
        import.write(std::slice::from_ref(batch)).await;
    }
    import.end(batches.len(), lines.len(), 0).await;
}

/// A dataset of these lines, in which mails and prices may be there once from then on.
async fn dataset(db: &TestDb, lines: &[Line<'_>]) -> i64 {
    let import = (db.open(new_target(), Mode::New, &COLUMNS, lines.len() as u64)).await;
    write(&import, lines).await;
    import.finish().await;
    ask_for(db, import.dataset_no(), &["col_2", "col_3"]).await;
    import.dataset_no()
}

async fn ask_for(db: &TestDb, no: i64, columns: &[&str]) {
    let unique = Rules {
        unique: true,
        ..Rules::default()
    };
    let rules = columns.iter().map(|id| ((*id).to_owned(), unique.clone()));
    let rules: ColumnRules = rules.collect();
    (db.store.change_dataset(no, None, Some(&rules)))
        .await
        .unwrap();
}

/// An import all of whose rows are in.
async fn loaded(db: &TestDb, no: i64, mode: Mode, lines: &[Line<'_>]) -> Import {
    let target = db.existing(no).await;
    let import = db.open(target, mode, &COLUMNS, lines.len() as u64).await;
    write(&import, lines).await;
    import
}

async fn asked(db: &TestDb, no: i64, mode: Mode, lines: &[Line<'_>]) -> Import {
    let target = db.existing(no).await;
    let upload = db.ask_with(target, mode, Confirm::Ask).await;
    let import = (db.open_generation(upload, 1, mode, &COLUMNS, lines.len() as u64)).await;
    write(&import, lines).await;
    import.awaits().await;
    import
}

async fn cells(db: &TestDb, no: i64, at: At) -> Vec<Vec<Value>> {
    let rows = walk(&db.store, no, &query(at, Start::First, 100)).await;
    rows.into_iter().map(|row| row.cells).collect()
}

/// Ids and mails at the head.
async fn mails(db: &TestDb, no: i64) -> Vec<String> {
    let told = |cell: &Value| cell.as_str().unwrap_or("-").to_owned();
    let rows = cells(db, no, At::Head).await;
    (rows
        .iter()
        .map(|row| format!("{} {}", told(&row[0]), told(&row[1]))))
    .collect()
}

async fn receipt(db: &TestDb, no: i64) -> Receipt {
    let versions = db.store.list_versions(no, None, 1).await.unwrap();
    let receipt = versions.versions[0].receipt.clone().unwrap();
    assert!(receipt.balances());
    receipt
}

/// Inserted, updated, unchanged, superseded, deleted, quarantined.
async fn counts(db: &TestDb, no: i64) -> [i64; 6] {
    let r = receipt(db, no).await;
    [
        r.inserted,
        r.updated,
        r.unchanged,
        r.superseded,
        r.deleted,
        r.quarantined,
    ]
}

/// Of the records in quarantine: line, column, message.
async fn quarantined(db: &TestDb, no: i64) -> Vec<(u64, String, String)> {
    let filter = QuarantineFilter::default();
    let page = db.store.list_quarantine(no, &filter, None, 100, 1 << 20);
    let rows = page.await.unwrap().rows;
    (rows.into_iter())
        .map(|row| {
            let place = row.place;
            assert_eq!(place.code, "not_unique");
            assert_eq!(
                (place.record, place.byte),
                (place.line, (place.line - 2) * 10)
            );
            assert_eq!(place.raw, Some(format!("raw {}", place.line - 2)));
            (place.line, place.column.unwrap(), place.message)
        })
        .collect()
}

fn elsewhere(line: u64, column: &str, value: &str) -> (u64, String, String) {
    let message = format!("`{value}` is in another row already. The column takes each value once.");
    (line, column.to_owned(), message)
}

fn earlier(line: u64, column: &str, value: &str, record: u64) -> (u64, String, String) {
    let message = format!(
        "`{value}` is in record {record} of the file already. The column takes each value once."
    );
    (line, column.to_owned(), message)
}

async fn commit(db: &TestDb, no: i64, changes: Vec<Change>) -> Commit {
    let head = db.store.resolve(no, At::Head).await.unwrap().version;
    db.store
        .commit(no, &new_commit(db, head, changes))
        .await
        .unwrap()
}

fn new_commit(db: &TestDb, base: i64, changes: Vec<Change>) -> NewCommit {
    NewCommit {
        author: db.member,
        kind: VersionKind::Grid,
        message: String::new(),
        base,
        changes,
        idempotency: None,
    }
}

fn update(row: i64, column: &str, value: Option<&str>) -> Change {
    Change::Update(row, vec![(column.to_owned(), value.map(str::to_owned))])
}

/// Tables that imports leave behind while they last.
async fn tables(db: &TestDb) -> i64 {
    db.number("select count(*) from pg_tables where schemaname = 'data' and tablename ~ '_(places|staged|difference)_'")
        .await
}

#[tokio::test]
async fn an_append_takes_what_nobody_has_and_quarantines_the_rest() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), Some("1.5")), (2, None, None)]).await;
    let lines = [
        (3, Some("b"), None),
        (4, Some("a"), None),
        (5, None, Some("1.50")),
        (6, Some("b"), Some("2")),
        (7, None, None),
        (8, Some("A"), Some("2")),
        (9, Some(""), Some("3")),
    ];
    let import = loaded(&db, no, Mode::Append, &lines).await;
    assert_eq!(import.finish().await, 2);
    assert_eq!(import.finish().await, 2);
    assert_eq!(mails(&db, no).await, ["1 a", "2 -", "3 b", "7 -", "9 "]);
    // Line 7 has what line 5 has, which is no row itself.
    let told = [
        elsewhere(3, "mail", "a"),
        elsewhere(4, "price", "1.50"),
        earlier(5, "mail", "b", 2),
        earlier(7, "price", "2", 5),
    ];
    assert_eq!(quarantined(&db, no).await, told);
    assert_eq!(counts(&db, no).await, [3, 0, 0, 0, 0, 4]);
    let dataset = db
        .number(&format!(
            "select quarantined from gk.dataset where no = {no}"
        ))
        .await;
    assert_eq!((dataset, tables(&db).await), (4, 0));
    check_counts(&db, no).await;
    let late = import.write(&[batch(&import, 1, 2, &lines[2..4])]).await;
    assert_eq!(late, Write::Refused(Refusal::Over(UploadState::Published)));

    // Undone and brought back, rules or not.
    for (version, ids) in [(1, vec![1, 2]), (2, vec![1, 2, 3, 7, 9])] {
        let restored = db.store.restore(no, db.member, version, "").await.unwrap();
        assert!(matches!(restored, Restored::Published { .. }));
        assert_eq!(numbers(&db.store, no, At::Head).await, ids);
    }
    check_counts(&db, no).await;
    assert_eq!(quarantined(&db, no).await, told);
}

#[tokio::test]
async fn an_upsert_lets_a_row_keep_its_value_and_never_that_of_another() {
    let db = TestDb::new().await;
    let no = dataset(
        &db,
        &[
            (1, Some("a"), None),
            (2, Some("b"), None),
            (3, Some("twice"), None),
            (4, Some("twice"), None),
        ],
    )
    .await;
    let lines = [
        (9, Some("a"), None),          // no row of its own
        (1, Some("a"), Some("1")),     // its own
        (2, Some("first"), None),      // superseded
        (5, Some("first"), None),      // free, for its like is superseded
        (4, Some("twice"), Some("4")), // as it was, though not alone
        (6, Some("c"), None),
        (7, Some("c"), None), // as an earlier record
        (3, Some("b"), None), // another row's
        (2, Some("d"), None),
    ];
    let import = loaded(&db, no, Mode::Upsert, &lines).await;
    assert_eq!(import.finish().await, 2);
    assert_eq!(
        mails(&db, no).await,
        ["1 a", "2 d", "3 twice", "4 twice", "5 first", "6 c"]
    );
    assert_eq!(
        quarantined(&db, no).await,
        [
            elsewhere(2, "mail", "a"),
            earlier(8, "mail", "c", 7),
            elsewhere(9, "mail", "b"),
        ]
    );
    assert_eq!(counts(&db, no).await, [2, 3, 0, 1, 0, 3]);
    assert_eq!(tables(&db).await, 0);
    check_counts(&db, no).await;
    assert!(matches!(
        db.store.restore(no, db.member, 1, "").await.unwrap(),
        Restored::Published { .. }
    ));
    check_counts(&db, no).await;
}

#[tokio::test]
async fn what_a_sync_or_a_replace_takes_away_is_free() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None), (2, Some("b"), None)]).await;
    // 1 goes and leaves its value to 3; 2 cannot have what 4 has, and stays as it is.
    let lines = [
        (3, Some("a"), None),
        (4, Some("c"), None),
        (2, Some("c"), None),
    ];
    loaded(&db, no, Mode::Sync, &lines).await.finish().await;
    assert_eq!(mails(&db, no).await, ["2 b", "3 a", "4 c"]);
    assert_eq!(counts(&db, no).await, [2, 0, 0, 0, 1, 1]);
    assert_eq!(quarantined(&db, no).await, [earlier(4, "mail", "c", 3)]);
    check_counts(&db, no).await;

    let lines = [
        (5, Some("a"), None),
        (6, Some("a"), None),
        (7, Some("b"), None),
    ];
    loaded(&db, no, Mode::Replace, &lines).await.finish().await;
    assert_eq!(mails(&db, no).await, ["5 a", "7 b"]);
    assert_eq!(counts(&db, no).await, [2, 0, 0, 0, 3, 1]);
    check_counts(&db, no).await;
}

#[tokio::test]
async fn nothing_is_left_where_every_row_is_quarantined() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None)]).await;
    let lines = [
        (2, Some("a"), None),
        (3, Some("a"), None),
        (4, Some("a"), None),
    ];
    for (mode, version) in [(Mode::Append, 2), (Mode::Upsert, 3)] {
        assert_eq!(loaded(&db, no, mode, &lines).await.finish().await, version);
        assert_eq!(counts(&db, no).await, [0, 0, 0, 0, 0, 3]);
        assert_eq!(mails(&db, no).await, ["1 a"]);
    }
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_preview_counts_them_and_the_confirmation_looks_again() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None), (2, Some("b"), None)]).await;
    let lines = [
        (3, Some("a"), None),
        (4, Some("c"), None),
        (1, Some("b"), None),
        (2, Some("e"), None),
    ];
    for mode in [Mode::Append, Mode::Upsert] {
        let import = asked(&db, no, mode, &lines).await;
        let preview = db.store.preview(import.upload).await.unwrap();
        let counts = preview.counts.unwrap();
        let refused = [elsewhere(2, "mail", "a"), elsewhere(4, "mail", "b")];
        let told: Vec<_> = (preview.quarantined.into_iter())
            .map(|place| (place.line, place.column.unwrap(), place.message))
            .collect();
        assert_eq!(told, refused, "{mode:?}");
        let shown: Vec<_> = preview
            .rows
            .iter()
            .map(|row| row.cells[0].clone())
            .collect();
        assert_eq!(shown, [""; 0], "batches of these tests name no first rows");
        let updated: Vec<_> = preview
            .updated
            .iter()
            .map(|row| row.after[0].clone())
            .collect();
        if mode == Mode::Append {
            assert_eq!(
                (counts.inserted, counts.updated, counts.quarantined),
                (2, 0, 2)
            );
        } else {
            assert_eq!(
                (counts.inserted, counts.updated, counts.quarantined),
                (1, 1, 2)
            );
            assert_eq!(updated, ["2"]);
        }
        assert_eq!(quarantined(&db, no).await, []);
        db.store.cancel(import.upload).await.unwrap();
    }
    while db.store.sweep(1_000).await.unwrap().more {}
    assert_eq!(tables(&db).await, 0);

    // What was taken is free when somebody says yes, and what was free is taken.
    let import = asked(&db, no, Mode::Append, &lines).await;
    let done = commit(
        &db,
        no,
        vec![update(1, "col_2", Some("c")), update(2, "col_2", None)],
    )
    .await;
    assert!(matches!(done, Commit::Done { version: 2, .. }), "{done:?}");
    db.store.confirm(import.upload, 1).await.unwrap();
    assert_eq!(import.finish().await, 3);
    assert_eq!(mails(&db, no).await, ["1 c", "2 -", "3 a", "1 b", "2 e"]);
    assert_eq!(quarantined(&db, no).await, [elsewhere(3, "mail", "c")]);
    assert_eq!(counts(&db, no).await, [3, 0, 0, 0, 0, 1]);
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_merge_is_written_in_place_however_much_changes_and_looked_at_again_where_the_head_moves()
{
    let mut db = TestDb::new().await;
    db.store = db.store.clone().with_merge_limits(MergeLimits {
        step_rows: 2,
        steps: 4,
        changed_in_place: 1,
        step_blocks: 1,
    });
    let rows = [
        (1, Some("a"), None),
        (2, Some("b"), None),
        (3, Some("c"), None),
    ];
    let no = dataset(&db, &rows).await;
    let lines = [
        (1, Some("x"), None),
        (2, Some("y"), None),
        (3, Some("a"), None),
        (4, Some("z"), None),
        (5, Some("b"), None),
    ];
    let import = asked(&db, no, Mode::Upsert, &lines).await;
    let preview = db.store.preview(import.upload).await.unwrap();
    let counts_then = preview.counts.unwrap();
    assert_eq!(
        (
            counts_then.inserted,
            counts_then.updated,
            counts_then.quarantined
        ),
        (1, 2, 2)
    );
    assert_eq!(preview.warnings.len(), 0, "its rows keep their ids");

    let done = commit(&db, no, vec![update(3, "col_2", Some("z"))]).await;
    assert!(matches!(done, Commit::Done { version: 2, .. }), "{done:?}");
    db.store.confirm(import.upload, 1).await.unwrap();
    assert_eq!(import.finish().await, 3);
    assert_eq!(mails(&db, no).await, ["1 x", "2 y", "3 z"]);
    assert_eq!(counts(&db, no).await, [0, 2, 0, 0, 0, 3]);
    assert_eq!(
        quarantined(&db, no).await,
        [
            elsewhere(4, "mail", "a"),
            elsewhere(5, "mail", "z"),
            elsewhere(6, "mail", "b"),
        ]
    );
    assert_eq!(numbers(&db.store, no, At::Head).await, [1, 2, 3]);
    check_counts(&db, no).await;
}

#[tokio::test]
async fn imports_side_by_side_are_each_held_against_the_version_before_their_own() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None)]).await;
    let mut imports = Vec::new();
    for id in 2..6 {
        let mode = if id % 2 == 0 {
            Mode::Append
        } else {
            Mode::Upsert
        };
        imports.push(
            loaded(
                &db,
                no,
                mode,
                &[(id, Some("b"), None), (id + 10, None, None)],
            )
            .await,
        );
    }
    let publishing = imports
        .iter()
        .flat_map(|import| [import, import])
        .map(|import| {
            let (store, upload): (_, UploadId) = (db.store.clone(), import.upload);
            tokio::spawn(async move { store.publish_if_complete(upload).await.unwrap() })
        });
    let publishing: Vec<_> = publishing.collect();
    for publishing in publishing {
        let outcome = publishing.await.unwrap();
        assert!(
            matches!(outcome, Publish::Published { .. } | Publish::Incomplete),
            "{outcome:?}"
        );
    }
    for import in &imports {
        import.finish().await;
    }
    let with_b = mails(&db, no).await;
    assert_eq!(with_b.iter().filter(|row| row.ends_with(" b")).count(), 1);
    assert_eq!(
        quarantined(&db, no).await,
        vec![elsewhere(2, "mail", "b"); 3]
    );
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_batch_that_does_not_say_where_its_rows_stood_is_poison() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None)]).await;
    let target = db.existing(no).await;
    let import = db.open(target, Mode::Append, &COLUMNS, 1).await;
    let batch = IncomingBatch {
        places: None,
        ..batch(&import, 0, 0, &[(2, Some("b"), None)])
    };
    let written = db.store.write_batches(import.upload, 1, &[batch]).await;
    assert!(matches!(written, Err(Error::Poison(..))), "{written:?}");
}

#[tokio::test]
async fn a_commit_writes_no_value_that_another_row_has() {
    let db = TestDb::new().await;
    let no = dataset(
        &db,
        &[
            (1, Some("a"), Some("1")),
            (2, Some("b"), Some("2")),
            (3, Some("x"), None),
            (4, Some("x"), None),
        ],
    )
    .await;
    let row = |mail: &str| Change::Insert(vec![("col_2".to_owned(), Some(mail.to_owned()))]);
    let refused = commit(
        &db,
        no,
        vec![
            Change::Delete(4),
            update(2, "col_2", Some("a")),
            row("fresh"),
            update(1, "col_3", Some("2.0")),
            row("a"),
            row("same"),
            row("same"),
        ],
    )
    .await;
    let Commit::Taken(taken) = refused else {
        panic!("{refused:?}");
    };
    let told: Vec<_> = taken
        .iter()
        .map(|t| (t.change, t.column.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, "col_2"),
            (3, "col_3"),
            (4, "col_2"),
            (5, "col_2"),
            (6, "col_2")
        ]
    );
    assert_eq!(taken[1].message, elsewhere(0, "", "2.0").2);
    let head = db.store.resolve(no, At::Head).await.unwrap().version;
    assert_eq!(head, 1);

    // Two rows may change their values for each other's, a row that shares its value may change elsewhere, and what is deleted is free.
    let done = commit(
        &db,
        no,
        vec![
            update(1, "col_2", Some("b")),
            update(2, "col_2", Some("a")),
            Change::Update(
                3,
                vec![
                    ("col_1".to_owned(), Some("33".to_owned())),
                    ("col_2".to_owned(), Some("x".to_owned())),
                ],
            ),
        ],
    )
    .await;
    assert!(matches!(done, Commit::Done { version: 2, .. }), "{done:?}");
    let done = commit(
        &db,
        no,
        vec![Change::Delete(1), row("b"), update(2, "col_2", None)],
    )
    .await;
    assert!(matches!(done, Commit::Done { version: 3, .. }), "{done:?}");
    check_counts(&db, no).await;

    // Without the rule anything goes; a restore goes by none.
    (db.store.change_dataset(
        no,
        None,
        Some(&ColumnRules::from([("col_2".to_owned(), Rules::default())])),
    ))
    .await
    .unwrap();
    assert!(matches!(
        commit(&db, no, vec![row("b")]).await,
        Commit::Done { .. }
    ));
    ask_for(&db, no, &["col_2"]).await;
    assert!(matches!(
        commit(&db, no, vec![row("b")]).await,
        Commit::Taken(_)
    ));
    let restored = db.store.restore(no, db.member, 4, "").await.unwrap();
    assert!(
        matches!(restored, Restored::Unchanged { .. }),
        "{restored:?}"
    );
    for version in [1, 4] {
        let restored = db.store.restore(no, db.member, version, "").await.unwrap();
        assert!(
            matches!(restored, Restored::Published { .. }),
            "{restored:?}"
        );
    }
}

#[tokio::test]
async fn of_two_commits_at_once_one_has_the_value() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(1, Some("a"), None), (2, Some("b"), None)]).await;
    for turn in 0..5 {
        let head = db.store.resolve(no, At::Head).await.unwrap().version;
        let value = format!("wanted {turn}");
        let commits = [1, 2].map(|row| {
            let (store, new) = (
                db.store.clone(),
                new_commit(&db, head, vec![update(row, "col_2", Some(&value))]),
            );
            tokio::spawn(async move { store.commit(no, &new).await.unwrap() })
        });
        let mut done = 0;
        for commit in commits {
            match commit.await.unwrap() {
                Commit::Done { .. } => done += 1,
                Commit::Taken(taken) => assert_eq!(taken[0].column, "col_2"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(done, 1);
    }
}
