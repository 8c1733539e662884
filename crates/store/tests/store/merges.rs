//! Upsert and sync: the same rows are found again by their key, only what differs is written, and every row of the file is
//! accounted for.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use contracts::{dataset::ColumnType, receipt::Receipt, upload::Mode};
use serde_json::{Value, json};
use store::{At, Change, Commit, Error, NewCommit, Publish, Start};

use crate::helper::{Import, TestDb, check_counts, new_target, numbers, plan, query, texts, walk};

const COLUMNS: [(&str, ColumnType); 3] = [
    ("id", ColumnType::Int64),
    ("price", ColumnType::Decimal),
    ("name", ColumnType::Text),
];

type Line<'a> = (Option<i64>, Option<&'a str>, Option<&'a str>);

async fn write(import: &Import, lines: &[Line<'_>]) {
    let ids: ArrayRef = Arc::new(Int64Array::from(
        lines.iter().map(|line| line.0).collect::<Vec<_>>(),
    ));
    let prices = texts(&lines.iter().map(|line| line.1).collect::<Vec<_>>());
    let names = texts(&lines.iter().map(|line| line.2).collect::<Vec<_>>());
    if !lines.is_empty() {
        import
            .write(&[import.batch(0, 0, vec![ids, prices, names])])
            .await;
    }
    import
        .end(usize::from(!lines.is_empty()), lines.len(), 0)
        .await;
}

/// A dataset of these lines.
async fn dataset(db: &TestDb, lines: &[Line<'_>]) -> i64 {
    let import = db
        .open(new_target(), Mode::New, &COLUMNS, lines.len() as u64)
        .await;
    write(&import, lines).await;
    import.finish().await;
    import.dataset_no()
}

/// An import whose rows are all staged.
async fn staged(db: &TestDb, dataset_no: i64, mode: Mode, lines: &[Line<'_>]) -> Import {
    let target = db.existing(dataset_no).await;
    let import = db.open(target, mode, &COLUMNS, lines.len() as u64).await;
    write(&import, lines).await;
    import
}

async fn cells(db: &TestDb, dataset_no: i64, at: At) -> Vec<Vec<Value>> {
    walk(&db.store, dataset_no, &query(at, Start::First, 100))
        .await
        .into_iter()
        .map(|row| row.cells)
        .collect()
}

async fn receipt(db: &TestDb, dataset_no: i64) -> Receipt {
    let versions = db.store.list_versions(dataset_no, None, 1).await.unwrap();
    versions.versions[0].receipt.clone().unwrap()
}

#[tokio::test]
async fn an_upsert_writes_what_differs_and_accounts_for_every_row() {
    let db = TestDb::new().await;
    let no = dataset(
        &db,
        &[
            (Some(1), Some("1.50"), Some("one")),
            (Some(2), Some("2"), Some("two")),
            (Some(3), None, Some("three")),
        ],
    )
    .await;
    let import = staged(
        &db,
        no,
        Mode::Upsert,
        &[
            (Some(2), Some("9"), Some("an earlier line of the same key")),
            // The same number in another spelling is another value of a cell.
            (Some(1), Some("1.5"), Some("one")),
            (Some(3), None, Some("three")),
            (Some(2), Some("2"), Some("zwei")),
            (Some(4), Some("4"), Some("four")),
        ],
    )
    .await;
    let before = cells(&db, no, At::Head).await;
    assert_eq!(import.finish().await, 2);
    assert_eq!(
        cells(&db, no, At::Head).await,
        [
            [json!("1"), json!("1.5"), json!("one")],
            [json!("2"), json!("2"), json!("zwei")],
            [json!("3"), Value::Null, json!("three")],
            [json!("4"), json!("4"), json!("four")],
        ]
    );
    assert_eq!(cells(&db, no, At::Version(1)).await, before);
    let receipt = receipt(&db, no).await;
    assert!(receipt.balances());
    let Receipt {
        inserted,
        updated,
        unchanged,
        superseded,
        deleted,
        ..
    } = receipt;
    assert_eq!(
        (inserted, updated, unchanged, superseded, deleted),
        (1, 2, 1, 1, 0)
    );
    let versions = db.store.list_versions(no, None, 1).await.unwrap();
    assert_eq!(json!(versions.versions[0].kind), json!("import"));
    let history = db
        .number(&format!("select count(*) from data.d_{no}_history"))
        .await;
    assert_eq!(history, 2, "only what changed is kept");
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_sync_deletes_what_the_file_lacks_and_a_restore_undoes_it() {
    let db = TestDb::new().await;
    let no = dataset(
        &db,
        &[
            (Some(1), Some("1"), Some("one")),
            (None, Some("0"), Some("none")),
            (Some(3), Some("3"), Some("three")),
        ],
    )
    .await;
    let before = cells(&db, no, At::Head).await;
    let import = staged(
        &db,
        no,
        Mode::Sync,
        &[
            (Some(5), Some("5"), Some("five")),
            (None, Some("0"), Some("nil")),
        ],
    )
    .await;
    import.finish().await;
    assert_eq!(
        cells(&db, no, At::Head).await,
        [
            [Value::Null, json!("0"), json!("nil")],
            [json!("5"), json!("5"), json!("five")],
        ],
        "null is a key like any other"
    );
    let told = receipt(&db, no).await;
    assert_eq!((told.inserted, told.updated, told.deleted), (1, 1, 2));
    db.store.restore(no, db.member, 1, "back").await.unwrap();
    assert_eq!(cells(&db, no, At::Head).await, before);
    check_counts(&db, no).await;
}

#[tokio::test]
async fn a_column_that_the_file_lacks_keeps_what_it_has() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(Some(1), Some("1"), Some("one"))]).await;
    let target = db.existing(no).await;
    let upload = db.ask(target, Mode::Upsert).await;
    let mut plan = plan(1, Mode::Upsert, &COLUMNS, 2);
    plan.file.columns[1].source = None;
    plan.key = vec!["id".to_owned()];
    let plan = db.store.save_plan(upload, &plan, &[]).await.unwrap();
    let load = db.store.open_load(upload, 1).await.unwrap();
    let import = Import {
        store: db.store.clone(),
        upload,
        generation: 1,
        plan,
        load,
    };
    write(
        &import,
        &[(Some(1), None, Some("uno")), (Some(2), None, Some("due"))],
    )
    .await;
    import.finish().await;
    assert_eq!(
        cells(&db, no, At::Head).await,
        [
            [json!("1"), json!("1"), json!("uno")],
            [json!("2"), Value::Null, json!("due")],
        ]
    );
}

#[tokio::test]
async fn a_key_that_means_several_rows_is_refused_and_nothing_changes() {
    let db = TestDb::new().await;
    let no = dataset(
        &db,
        &[
            (Some(1), Some("1"), Some("one")),
            (Some(1), Some("2"), Some("one again")),
            (Some(2), Some("2"), Some("two")),
        ],
    )
    .await;
    let import = staged(
        &db,
        no,
        Mode::Upsert,
        &[(Some(2), None, None), (Some(1), None, None)],
    )
    .await;
    let outcome = db.store.publish_if_complete(import.upload).await.unwrap();
    let Publish::Failed(problem) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(problem.detail.contains("“id”"), "{}", problem.detail);
    assert_eq!(numbers(&db.store, no, At::Head).await, [1, 1, 2]);
    db.store.sweep(100).await.unwrap();
    let left = db
        .number("select count(*) from pg_tables where schemaname = 'data' and tablename ~ 'staged|difference'")
        .await;
    assert_eq!(left, 0, "what was staged is swept");
    // Rows that the file does not mean may share a key.
    let import = staged(&db, no, Mode::Upsert, &[(Some(2), Some("2"), Some("zwei"))]).await;
    import.finish().await;
}

#[tokio::test]
async fn a_key_must_be_a_column_of_the_file_that_can_be_compared() {
    let db = TestDb::new().await;
    let no = dataset(&db, &[(Some(1), Some("1"), Some("one"))]).await;
    for (key, source) in [
        (vec![], Some(0)),
        (vec!["colour".to_owned()], Some(0)),
        (vec!["id".to_owned()], None),
    ] {
        let upload = db.ask(db.existing(no).await, Mode::Upsert).await;
        let mut plan = plan(1, Mode::Upsert, &COLUMNS, 1);
        plan.key = key;
        plan.file.columns[0].source = source;
        let saved = db.store.save_plan(upload, &plan, &[]).await;
        assert!(
            matches!(&saved, Err(Error::Invalid { pointer, .. }) if pointer == "/key"),
            "{saved:?}"
        );
    }
}

#[tokio::test]
async fn edits_beside_merges_are_never_lost_and_a_merge_takes_effect_once() {
    let db = TestDb::new().await;
    let lines: Vec<Line<'_>> = (1..=300)
        .map(|id| (Some(id), Some("0"), Some("-")))
        .collect();
    let no = dataset(&db, &lines).await;
    let editor = async {
        let mut edited = 0;
        for round in 1..=30 {
            let head = db.store.resolve(no, At::Head).await.unwrap();
            let change =
                Change::Update(round, vec![("col_3".to_owned(), Some("edited".to_owned()))]);
            let commit = NewCommit {
                author: db.member,
                kind: contracts::dataset::VersionKind::Grid,
                message: String::new(),
                base: head.version,
                changes: vec![change],
                idempotency: None,
            };
            if matches!(
                db.store.commit(no, &commit).await.unwrap(),
                Commit::Done { .. }
            ) {
                edited += 1;
            }
        }
        edited
    };
    let importer = async {
        for round in 1..=6 {
            // Rows that nobody edits, and new ones.
            let price = round.to_string();
            let lines: Vec<Line<'_>> = (200..=300 + round * 10)
                .map(|id| (Some(id), Some(price.as_str()), Some("file")))
                .collect();
            let import = staged(&db, no, Mode::Upsert, &lines).await;
            let publish = || db.store.publish_if_complete(import.upload);
            // As often as it is delivered, by as many at once.
            loop {
                let (a, b) = tokio::join!(publish(), publish());
                let fresh = [a.unwrap(), b.unwrap()]
                    .iter()
                    .filter(|outcome| matches!(outcome, Publish::Published { fresh: true, .. }))
                    .count();
                assert!(fresh <= 1);
                if fresh == 1 {
                    break;
                }
            }
            assert!(matches!(
                publish().await.unwrap(),
                Publish::Published { fresh: false, .. }
            ));
        }
    };
    let (edited, ()) = tokio::join!(editor, importer);
    assert_eq!(edited, 30);
    let rows = cells(&db, no, At::Head).await;
    assert_eq!(rows.len(), 360);
    let of = |name: &str| rows.iter().filter(|row| row[2] == json!(name)).count();
    assert_eq!((of("edited"), of("file")), (30, 161));
    check_counts(&db, no).await;
}
