//! Upsert and sync: the same rows are found again by their key, only what differs is written, and every row of the file is
//! accounted for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use arrow_array::{ArrayRef, Int64Array};
use contracts::{
    dataset::{ColumnType, VersionKind},
    receipt::Receipt,
    upload::Mode,
};
use serde_json::{Value, json};
use store::{At, Change, Commit, Error, MergeLimits, NewCommit, Publish, Sitting, Start};

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
                kind: VersionKind::Grid,
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

/// Many small steps, and a content that is written anew for little.
const SMALL: MergeLimits = MergeLimits {
    step_rows: 20,
    steps: 8,
    changed_in_place: i64::MAX,
    step_blocks: 1,
};

async fn cut_up(limits: MergeLimits) -> TestDb {
    let mut db = TestDb::new().await;
    db.store = db.store.clone().with_merge_limits(limits);
    db
}

/// One step, as by a process that is gone after it.
async fn one_step(db: &TestDb, import: &Import, limits: MergeLimits) -> Publish {
    let store = store::Store::new(db.pool.clone()).with_merge_limits(limits);
    let sitting = Sitting {
        until: Instant::now(),
        end: None,
    };
    store
        .publish_within(import.upload, Some(sitting))
        .await
        .unwrap()
}

async fn change(db: &TestDb, no: i64, changes: Vec<Change>) {
    let head = db.store.resolve(no, At::Head).await.unwrap();
    let commit = NewCommit {
        author: db.member,
        kind: VersionKind::Grid,
        message: String::new(),
        base: head.version,
        changes,
        idempotency: None,
    };
    let done = db.store.commit(no, &commit).await.unwrap();
    assert!(matches!(done, Commit::Done { .. }), "{done:?}");
}

fn cell(column: &str, value: &str) -> (String, Option<String>) {
    (column.to_owned(), Some(value.to_owned()))
}

/// Price and name by key.
type Keyed = BTreeMap<String, [Value; 2]>;

fn keyed(rows: &[Vec<Value>]) -> Keyed {
    let keyed: Keyed = rows
        .iter()
        .map(|row| (row[0].to_string(), [row[1].clone(), row[2].clone()]))
        .collect();
    assert_eq!(keyed.len(), rows.len(), "a key is there twice");
    keyed
}

/// What a head becomes by these lines, of which the last of a key counts.
fn merged(head: &Keyed, mode: Mode, lines: &[Line<'_>]) -> Keyed {
    let file: Keyed = lines
        .iter()
        .map(|line| {
            let key = line.0.map_or("null".to_owned(), |id| format!("\"{id}\""));
            (key, [json!(line.1), json!(line.2)])
        })
        .collect();
    let mut merged = if mode == Mode::Sync {
        Keyed::new()
    } else {
        head.clone()
    };
    merged.extend(file);
    merged
}

/// A hundred rows, and a file that changes, leaves out, repeats and adds some.
fn hundred() -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let before = (0..100)
        .map(|id| (Some(id), Some("1"), Some("before")))
        .collect();
    let mut file: Vec<Line<'_>> = vec![(None, None, Some("no key"))];
    for id in (10..130).rev() {
        let name = if id % 3 == 0 { "after" } else { "before" };
        file.push((Some(id), Some("1"), Some("superseded")));
        file.push((Some(id), Some("1"), Some(name)));
    }
    (before, file)
}

#[tokio::test]
async fn a_merge_goes_on_with_the_step_after_the_last_that_somebody_took() {
    for mode in [Mode::Upsert, Mode::Sync] {
        let db = cut_up(SMALL).await;
        let (before, file) = hundred();
        let no = dataset(&db, &before).await;
        let head = keyed(&cells(&db, no, At::Head).await);
        let import = staged(&db, no, mode, &file).await;
        let mut calls = 1;
        while let Publish::Unfinished = one_step(&db, &import, SMALL).await {
            assert_eq!(db.store.resolve(no, At::Head).await.unwrap().version, 1);
            calls += 1;
        }
        assert_eq!(calls, SMALL.steps);
        assert_eq!(
            keyed(&cells(&db, no, At::Head).await),
            merged(&head, mode, &file)
        );
        let told = receipt(&db, no).await;
        assert!(told.balances());
        assert_eq!(told.superseded, 120);
        assert_eq!((told.inserted, told.updated, told.unchanged), (31, 30, 60));
        check_counts(&db, no).await;
    }
}

#[tokio::test]
async fn a_part_that_takes_too_long_is_cut_in_two() {
    let db = cut_up(SMALL).await;
    let (before, file) = hundred();
    let no = dataset(&db, &before).await;
    let head = keyed(&cells(&db, no, At::Head).await);
    let import = staged(&db, no, Mode::Sync, &file).await;
    let mut held = db.pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("lock table data.d_{no}")))
        .execute(&mut *held)
        .await
        .unwrap();
    let sitting = Sitting {
        until: Instant::now(),
        end: Some(Instant::now()),
    };
    let outcome = db.store.publish_within(import.upload, Some(sitting)).await;
    assert_eq!(outcome.unwrap(), Publish::Unfinished);
    held.rollback().await.unwrap();
    let parts = "select sum(jsonb_array_length(difference->'pending'))::bigint from gk.plan";
    assert_eq!(db.number(parts).await, 2 * SMALL.steps);
    import.finish().await;
    assert_eq!(
        keyed(&cells(&db, no, At::Head).await),
        merged(&head, Mode::Sync, &file)
    );
    check_counts(&db, no).await;
}

#[tokio::test]
async fn steps_that_many_take_at_once_are_each_taken_once() {
    let db = cut_up(SMALL).await;
    let (before, file) = hundred();
    let no = dataset(&db, &before).await;
    let head = keyed(&cells(&db, no, At::Head).await);
    let import = staged(&db, no, Mode::Sync, &file).await;
    let all = async || {
        loop {
            match one_step(&db, &import, SMALL).await {
                Publish::Published { fresh, .. } => break u32::from(fresh),
                Publish::Unfinished | Publish::Incomplete => {}
                other => panic!("{other:?}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let (a, b, c, d) = tokio::join!(all(), all(), all(), all());
    assert_eq!(a + b + c + d, 1);
    assert_eq!(
        keyed(&cells(&db, no, At::Head).await),
        merged(&head, Mode::Sync, &file)
    );
    check_counts(&db, no).await;
}

/// Edits between any two steps; in the end the file's word is held against the head as it is then.
async fn is_merged_though_the_head_moves(mode: Mode, limits: MergeLimits) -> (TestDb, i64) {
    let db = cut_up(limits).await;
    let (before, file) = hundred();
    let no = dataset(&db, &before).await;
    let import = staged(&db, no, mode, &file).await;
    let mut round = 0;
    let head = loop {
        let head = keyed(&cells(&db, no, At::Head).await);
        match one_step(&db, &import, limits).await {
            Publish::Unfinished => {}
            Publish::Published { .. } => break head,
            other => panic!("{other:?}"),
        }
        round += 1;
        assert!(round < 200, "it comes to no end");
        if round % 5 == 4 {
            continue;
        }
        let rows = walk(&db.store, no, &query(At::Head, Start::First, 100)).await;
        let row = |place: usize| rows[place % rows.len()].row_id.parse::<i64>().unwrap();
        let place = usize::try_from(round).unwrap() * 7;
        let (new, other) = (200 + round * 2, 300 + round * 2);
        change(
            &db,
            no,
            vec![
                Change::Update(row(place), vec![cell("col_3", "by hand")]),
                // Another key, sometimes one that the file has and nobody else.
                Change::Update(row(place + 1), vec![cell("col_1", &new.to_string())]),
                Change::Delete(row(place + 2)),
                Change::Insert(vec![
                    cell("col_1", &other.to_string()),
                    cell("col_3", "new"),
                ]),
            ],
        )
        .await;
        if round % 3 == 0 {
            let keys = keyed(&cells(&db, no, At::Head).await);
            let free = (10..130).find(|id| !keys.contains_key(&format!("\"{id}\"")));
            if let Some(free) = free {
                let inserted = vec![cell("col_1", &free.to_string()), cell("col_3", "late")];
                change(&db, no, vec![Change::Insert(inserted)]).await;
            }
        }
    };
    assert!(round >= SMALL.steps, "{round}");
    assert_eq!(
        keyed(&cells(&db, no, At::Head).await),
        merged(&head, mode, &file)
    );
    assert!(receipt(&db, no).await.balances());
    check_counts(&db, no).await;
    (db, no)
}

#[tokio::test]
async fn a_merge_is_right_though_the_head_moves_between_its_steps() {
    for mode in [Mode::Upsert, Mode::Sync] {
        is_merged_though_the_head_moves(mode, SMALL).await;
    }
}

#[tokio::test]
async fn a_key_that_comes_to_mean_several_rows_between_two_steps_is_refused() {
    let db = cut_up(SMALL).await;
    let (before, file) = hundred();
    let no = dataset(&db, &before).await;
    let import = staged(&db, no, Mode::Upsert, &file).await;
    for _ in 1..SMALL.steps {
        assert_eq!(one_step(&db, &import, SMALL).await, Publish::Unfinished);
    }
    // 11 is the same in file and dataset: no entry of the difference tells of it.
    change(&db, no, vec![Change::Insert(vec![cell("col_1", "11")])]).await;
    let outcome = loop {
        match one_step(&db, &import, SMALL).await {
            Publish::Unfinished => {}
            outcome => break outcome,
        }
    };
    assert!(matches!(outcome, Publish::Failed(_)), "{outcome:?}");
    assert_eq!(numbers(&db.store, no, At::Head).await.len(), 101);
}

const RENEWED: MergeLimits = MergeLimits {
    changed_in_place: 3,
    ..SMALL
};

#[tokio::test]
async fn where_much_changes_the_content_is_written_anew_and_can_be_undone() {
    for mode in [Mode::Upsert, Mode::Sync] {
        let db = cut_up(RENEWED).await;
        let (before, file) = hundred();
        let no = dataset(&db, &before).await;
        let first = walk(&db.store, no, &query(At::Head, Start::First, 100)).await;
        let head = keyed(&cells(&db, no, At::Head).await);
        let upload = db
            .ask_with(db.existing(no).await, mode, contracts::upload::Confirm::Ask)
            .await;
        let rows = file.len() as u64;
        let import = db.open_generation(upload, 1, mode, &COLUMNS, rows).await;
        write(&import, &file).await;
        import.awaits().await;
        let preview = db.store.preview(upload).await.unwrap();
        assert_eq!(preview.warnings.get("rows_renewed"), Some(&1));
        let told = preview.counts.unwrap();
        db.store.confirm(upload, 1).await.unwrap();
        let outcome = loop {
            match one_step(&db, &import, RENEWED).await {
                Publish::Unfinished => {}
                outcome => break outcome,
            }
            assert_eq!(keyed(&cells(&db, no, At::Head).await), head);
        };
        let published = Publish::Published {
            version: 2,
            fresh: true,
        };
        assert_eq!(outcome, published);
        let after = cells(&db, no, At::Head).await;
        assert_eq!(keyed(&after), merged(&head, mode, &file));
        let receipt = receipt(&db, no).await;
        assert!(receipt.balances());
        assert_eq!(
            (
                receipt.inserted,
                receipt.updated,
                receipt.unchanged,
                receipt.superseded,
                receipt.deleted
            ),
            (
                told.inserted,
                told.updated,
                told.unchanged,
                told.superseded,
                told.deleted
            )
        );
        assert_eq!((receipt.inserted, receipt.updated), (31, 30));
        // Rows that stay keep their order, those that are new come behind them, as they stand in the file.
        let ids: Vec<&str> = after.iter().filter_map(|row| row[0].as_str()).collect();
        let stay = if mode == Mode::Sync { 10 } else { 0 };
        let expected: Vec<String> = (stay..100)
            .chain((100..130).rev())
            .map(|id| id.to_string())
            .collect();
        assert_eq!(ids, expected);
        let versions = db.store.list_versions(no, None, 1).await.unwrap();
        assert_eq!(json!(versions.versions[0].kind), json!("import"));
        let renewed = walk(&db.store, no, &query(At::Head, Start::First, 100)).await;
        let of = |rows: &[contracts::dataset::Row]| -> BTreeSet<String> {
            rows.iter().map(|row| row.row_id.clone()).collect()
        };
        assert!(of(&first).is_disjoint(&of(&renewed)));
        let diff = db.store.diff(no, 1, 2, None, 1).await.unwrap();
        assert_eq!(
            (diff.inserted, diff.updated, diff.deleted),
            (i64::try_from(renewed.len()).unwrap(), 0, 100)
        );
        check_counts(&db, no).await;

        db.store.restore(no, db.member, 1, "back").await.unwrap();
        let back = walk(&db.store, no, &query(At::Head, Start::First, 100)).await;
        assert_eq!(json!(back), json!(first));
        check_counts(&db, no).await;
        db.store.restore(no, db.member, 2, "again").await.unwrap();
        assert_eq!(cells(&db, no, At::Head).await, after);
        check_counts(&db, no).await;
        // And what is written in place on top of it.
        change(
            &db,
            no,
            vec![Change::Delete(renewed[0].row_id.parse().unwrap())],
        )
        .await;
        check_counts(&db, no).await;
    }
}

#[tokio::test]
async fn a_content_written_anew_has_what_was_changed_while_it_was_written() {
    for mode in [Mode::Upsert, Mode::Sync] {
        let (db, no) = is_merged_though_the_head_moves(mode, RENEWED).await;
        let commits = db
            .number(&format!("select count(*) from gk.commit where dataset = {no} and kind = 'import' and state = 'published'"))
            .await;
        assert_eq!(commits, 1, "only what was written anew is left");
    }
}

#[tokio::test]
async fn of_a_content_that_is_not_written_to_the_end_nothing_is_left() {
    let db = cut_up(RENEWED).await;
    let (before, file) = hundred();
    let no = dataset(&db, &before).await;
    let import = staged(&db, no, Mode::Upsert, &file).await;
    let rows = format!("select count(*) from data.d_{no}");
    while db.number(&rows).await == 100 {
        assert_eq!(one_step(&db, &import, RENEWED).await, Publish::Unfinished);
    }
    db.store.cancel(import.upload).await.unwrap();
    db.store.sweep(u64::MAX).await.unwrap();
    assert_eq!(db.number(&rows).await, 100);
    let left = db
        .number("select count(*) from pg_tables where schemaname = 'data' and tablename ~ 'staged|difference|late'")
        .await;
    assert_eq!(left, 0);
    check_counts(&db, no).await;
    let import = staged(&db, no, Mode::Upsert, &file).await;
    import.finish().await;
    check_counts(&db, no).await;
}
