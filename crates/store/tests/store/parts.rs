//! The tables of a file that has several: each is an import of its own, made once with the plan that found it.

use std::time::Duration;

use contracts::{
    Code, UploadId, UserId,
    dataset::ColumnType,
    plan::{OtherTable, Plan, Tables},
    upload::{Confirm, FileTable, Mode, Target, Upload, UploadState},
};

use crate::helper::{TestDb, new_target, plan};

const NUMBER: [(&str, ColumnType); 1] = [("number", ColumnType::Int64)];

fn sheet(name: &str) -> OtherTable {
    OtherTable {
        member: None,
        sheet: Some(name.to_owned()),
        after: None,
    }
}

/// A plan whose file has these sheets besides.
fn plan_of(generation: i32, mode: Mode, sheets: &[&str]) -> Plan {
    let mut plan = plan(generation, mode, &NUMBER, 0);
    plan.file.kind.sheet = Some("First".to_owned());
    plan.file.other_tables = sheets.iter().map(|name| sheet(name)).collect();
    plan
}

async fn tables(db: &TestDb, id: UploadId) -> Vec<FileTable> {
    db.store.file_tables(id, db.member).await.unwrap()
}

async fn to_read(db: &TestDb) -> Vec<UploadId> {
    db.store.tables_to_read(100).await.unwrap()
}

async fn upload(db: &TestDb, id: UploadId) -> Upload {
    db.store.import(id).await.unwrap().unwrap().upload
}

/// A dataset with a version.
async fn dataset(db: &TestDb) -> Target {
    let first = db.new_numbers(&[1, 2]).await;
    db.existing(first.load.dataset_no).await
}

#[tokio::test]
async fn the_imports_of_further_tables_are_made_with_the_plan_and_once() {
    let db = TestDb::new().await;
    let first = db.ask(new_target(), Mode::New).await;
    assert_eq!(tables(&db, first).await, []);
    let plan = plan_of(1, Mode::New, &["Second", "Third"]);
    for _ in 0..2 {
        db.store.save_plan(first, &plan, &[]).await.unwrap();
    }
    let found = tables(&db, first).await;
    let names: Vec<_> = found
        .iter()
        .map(|table| (table.name.as_str(), table.dataset_name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("First", "Things"),
            ("Second", "Things · Second"),
            ("Third", "Things · Third")
        ]
    );
    assert_eq!(found[0].upload_id, first);
    // Whichever is asked about, it is the same file.
    assert_eq!(tables(&db, found[2].upload_id).await, found);

    let import = db.store.import(found[1].upload_id).await.unwrap().unwrap();
    assert_eq!(import.part.map(|part| part.found_by), Some(first));
    assert_eq!(import.member, db.member);
    assert_eq!(
        import.object_key,
        db.store.import(first).await.unwrap().unwrap().object_key
    );
    let second = import.upload;
    assert_eq!(second.state, UploadState::Uploaded);
    assert_eq!(
        (second.first, second.table.as_deref()),
        (Some(first), Some("Second"))
    );
    assert_eq!(second.options.sheet.as_deref(), Some("Second"));
    assert_eq!(second.options.tables, Some(Tables::One));
    // Nobody else sees them, whoever is asked about.
    let stranger = UserId::generate();
    let seen = db.store.file_tables(first, stranger).await.unwrap();
    assert_eq!(seen, []);
}

#[tokio::test]
async fn tables_for_datasets_of_their_own_are_read_at_once_and_asked_for_again_when_that_is_lost() {
    let db = TestDb::new().await;
    let first = db.ask(new_target(), Mode::New).await;
    let plan = plan_of(1, Mode::New, &["Second", "Third"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    let waiting = to_read(&db).await;
    let found = tables(&db, first).await;
    assert_eq!(waiting, [found[1].upload_id, found[2].upload_id]);
    db.store.tables_asked(&waiting).await.unwrap();
    assert_eq!(to_read(&db).await, []);
    db.execute("update gk.import set asked_at = asked_at - interval '10 minutes' where asked_at is not null")
        .await;
    assert_eq!(to_read(&db).await, waiting);
    // Once somebody reads it, it is not waited for.
    db.store.start_analysis(waiting[0], 1_000).await.unwrap();
    assert_eq!(to_read(&db).await, waiting[1..]);
}

#[tokio::test]
async fn tables_for_one_dataset_are_read_in_their_order_each_when_the_one_before_is_over() {
    let db = TestDb::new().await;
    let target = dataset(&db).await;
    let first = db.ask(target, Mode::Append).await;
    let plan = plan_of(1, Mode::Append, &["Second", "Third"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    let found = tables(&db, first).await;
    assert_eq!(found[1].dataset_id, found[0].dataset_id);
    let (second, third) = (found[1].upload_id, found[2].upload_id);
    assert_eq!(to_read(&db).await, []);
    db.store.cancel(first).await.unwrap();
    assert_eq!(to_read(&db).await, [second]);
    db.store.start_analysis(second, 1_000).await.unwrap();
    assert_eq!(to_read(&db).await, []);
    let problem = contracts::Problem::new(Code::EmptyFile, "Nothing is in it.");
    db.store.fail(second, &problem).await.unwrap();
    assert_eq!(to_read(&db).await, [third]);
}

#[tokio::test]
async fn where_somebody_is_asked_no_table_waits_for_another() {
    let db = TestDb::new().await;
    let target = dataset(&db).await;
    let first = db.ask_with(target, Mode::Append, Confirm::Ask).await;
    let plan = plan_of(1, Mode::Append, &["Second", "Third"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    assert_eq!(to_read(&db).await.len(), 2);
}

#[tokio::test]
async fn a_newer_plan_keeps_the_tables_that_it_has_and_gives_up_the_others() {
    let db = TestDb::new().await;
    let first = db.ask_with(new_target(), Mode::New, Confirm::Ask).await;
    let plan = plan_of(1, Mode::New, &["Second", "Third"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    let found = tables(&db, first).await;
    // A table that was found in one of them.
    let inner = plan_of(1, Mode::New, &["Inner"]);
    db.store
        .save_plan(found[1].upload_id, &inner, &[])
        .await
        .unwrap();
    let inner = tables(&db, first).await[2].clone();
    assert_eq!(inner.name, "Second · Inner");
    // The user drops the third one.
    db.store.cancel(found[2].upload_id).await.unwrap();

    let plan = plan_of(2, Mode::New, &["Third", "Fourth"]);
    for _ in 0..2 {
        db.store.save_plan(first, &plan, &[]).await.unwrap();
        db.store.forgo_tables(first, &plan).await.unwrap();
    }
    let now = tables(&db, first).await;
    let names: Vec<_> = now
        .iter()
        .map(|table| (table.name.as_str(), table.state))
        .collect();
    assert_eq!(
        names,
        [
            ("First", UploadState::Analysing),
            ("Third", UploadState::Cancelled),
            ("Fourth", UploadState::Uploaded)
        ]
    );
    for gone in [&found[1], &inner] {
        let gone = upload(&db, gone.upload_id).await;
        assert_eq!(gone.state, UploadState::Cancelled);
        assert_eq!(
            gone.problem.map(|problem| problem.code),
            Some(Code::Conflict)
        );
    }
    // Wanted again, it is made anew.
    let plan = plan_of(3, Mode::New, &["Second"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    let again = tables(&db, first).await;
    let second = again.iter().find(|table| table.name == "Second").unwrap();
    assert_ne!(second.upload_id, found[1].upload_id);
}

#[tokio::test]
async fn a_table_waits_for_its_turn_and_is_asked_for_again_when_nobody_came() {
    let db = TestDb::new().await;
    let first = db.ask(new_target(), Mode::New).await;
    let plan = plan_of(1, Mode::New, &["Second"]);
    db.store.save_plan(first, &plan, &[]).await.unwrap();
    let second = tables(&db, first).await[1].upload_id;
    assert_eq!(db.store.tables_to_read(9).await.unwrap(), [second]);
    db.store.tables_asked(&[second]).await.unwrap();
    assert_eq!(db.store.tables_to_read(9).await.unwrap(), []);
    db.execute(
        "update gk.import set asked_at = asked_at - interval '1 hour', moved_at = moved_at - interval '1 hour' where file_of is not null",
    )
    .await;
    assert_eq!(db.store.tables_to_read(9).await.unwrap(), [second]);
    let patience = store::Patience {
        owed: Duration::from_secs(10),
        still: Duration::from_secs(600),
    };
    // Who looks for what stands still leaves it alone: it may wait behind a long table.
    let is_stalled = |stalled: &[store::Stalled]| stalled.iter().any(|one| one.upload == second);
    assert!(!is_stalled(
        &db.store.stalled_imports(patience).await.unwrap()
    ));
    let lease = db
        .store
        .lease(second, "late", Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(lease, store::Lease::Acquired);
    db.store.start_analysis(second, 1_000).await.unwrap();
    db.execute("update gk.import set moved_at = moved_at - interval '1 hour', lease_until = lease_until - interval '1 hour'")
        .await;
    // Once it has been begun it is an import like any other.
    assert_eq!(db.store.tables_to_read(9).await.unwrap(), []);
    assert!(is_stalled(
        &db.store.stalled_imports(patience).await.unwrap()
    ));
}
