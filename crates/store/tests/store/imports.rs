//! An import's row: who works on it, and how it ends.

use std::time::Duration;

use contracts::{
    Code, Problem, UserId,
    dataset::ColumnType,
    plan::Options,
    upload::{Mode, UploadState},
};
use store::{Error, Lease, SavedAnalysis};

use crate::helper::{TestDb, plan};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_worker_at_a_time_holds_the_lease() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    assert_eq!(
        db.store.lease(upload, "a", LONG).await.unwrap(),
        Lease::Acquired
    );
    assert_eq!(
        db.store.lease(upload, "a", LONG).await.unwrap(),
        Lease::Acquired
    );
    let Lease::Held { owner, expires_in } = db.store.lease(upload, "b", LONG).await.unwrap() else {
        panic!("two hold the lease");
    };
    assert_eq!(owner, "a");
    assert!(expires_in > Duration::from_secs(50) && expires_in <= LONG);
    assert!(!db.store.extend_lease(upload, "b", LONG).await.unwrap());
    assert!(
        db.store
            .extend_lease(upload, "a", Duration::ZERO)
            .await
            .unwrap()
    );
    assert_eq!(
        db.store.lease(upload, "b", LONG).await.unwrap(),
        Lease::Acquired
    );
    assert!(!db.store.extend_lease(upload, "a", LONG).await.unwrap());
    db.store.release_lease(upload, "b").await.unwrap();
    assert_eq!(
        db.store.lease(upload, "c", LONG).await.unwrap(),
        Lease::Acquired
    );

    db.store.cancel(upload).await.unwrap();
    assert_eq!(
        db.store.lease(upload, "c", LONG).await.unwrap(),
        Lease::Final(UploadState::Cancelled)
    );
}

#[tokio::test]
async fn a_file_that_never_comes_expires_and_one_that_comes_late_is_taken_all_the_same() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    assert!(!db.store.expire_overdue(upload).await.unwrap());
    db.execute("update gk.import set expires_at = now() - interval '1 second'")
        .await;
    assert!(db.store.expire_overdue(upload).await.unwrap());
    assert!(!db.store.expire_overdue(upload).await.unwrap());
    let stored = db.store.import(upload).await.unwrap().unwrap().upload;
    assert_eq!(stored.state, UploadState::Failed);
    assert_eq!(stored.problem.unwrap().code, Code::Expired);

    assert_eq!(
        db.store.lease(upload, "a", LONG).await.unwrap(),
        Lease::Acquired
    );
    db.store.start_analysis(upload, 42).await.unwrap();
    let stored = db.store.import(upload).await.unwrap().unwrap().upload;
    assert_eq!(
        (stored.state, stored.bytes_total),
        (UploadState::Analysing, 42)
    );
    assert_eq!((stored.problem, stored.finished_at), (None, None));
}

#[tokio::test]
async fn the_first_end_of_an_import_stands() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    let problem = Problem::new(Code::EmptyFile, "nothing in it");
    assert!(db.store.fail(upload, &problem).await.unwrap());
    assert!(
        !db.store
            .fail(upload, &Problem::new(Code::Internal, "later"))
            .await
            .unwrap()
    );
    assert!(matches!(
        db.store.cancel(upload).await,
        Err(Error::Final(UploadState::Failed))
    ));
    let stored = db.store.import(upload).await.unwrap().unwrap().upload;
    assert_eq!(stored.problem, Some(problem));
    assert!(stored.finished_at.is_some());
}

#[tokio::test]
async fn uploads_are_listed_newest_first_to_the_member_who_may_still_see_the_dataset() {
    let db = TestDb::new().await;
    let mut uploads = Vec::new();
    for _ in 0..5 {
        uploads.push(db.ask_new().await);
        // Ids sort by the millisecond.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    uploads.reverse();
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = db
            .store
            .list_imports(db.member, cursor.as_deref(), 2)
            .await
            .unwrap();
        listed.extend(page.uploads.into_iter().map(|upload| upload.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, uploads);
    assert!(
        db.store
            .list_imports(UserId::generate(), None, 10)
            .await
            .unwrap()
            .uploads
            .is_empty()
    );
    db.execute("delete from gk.dataset_grant").await;
    assert!(
        db.store
            .list_imports(db.member, None, 10)
            .await
            .unwrap()
            .uploads
            .is_empty()
    );
}

#[tokio::test]
async fn a_checkpoint_never_goes_back() {
    let db = TestDb::new().await;
    let import = db.open_new(&[("a", ColumnType::Int64)], 10).await;
    let at = |batch| contracts::plan::Checkpoint {
        batch,
        ..Default::default()
    };
    assert_eq!(db.store.checkpoint(import.upload, 1).await.unwrap(), None);
    for (batch, kept) in [(3, 3), (2, 3), (7, 7)] {
        assert!(
            db.store
                .save_checkpoint(import.upload, 1, &at(batch))
                .await
                .unwrap()
        );
        let stored = db.store.checkpoint(import.upload, 1).await.unwrap();
        assert_eq!(stored, Some(at(kept)));
    }
    db.store.cancel(import.upload).await.unwrap();
    assert!(
        !db.store
            .save_checkpoint(import.upload, 1, &at(8))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_dataset_is_listed_from_its_first_version_and_gone_when_deleted() {
    let db = TestDb::new().await;
    db.ask_new().await;
    assert!(
        db.store
            .list_datasets(db.member, None, 10)
            .await
            .unwrap()
            .datasets
            .is_empty()
    );
    let import = db.new_numbers(&[1, 2, 3]).await;
    let listed = db
        .store
        .list_datasets(db.member, None, 10)
        .await
        .unwrap()
        .datasets;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].rows, listed[0].version, listed[0].columns.len()),
        (3, 1, 1)
    );
    db.store
        .change_dataset(import.dataset_no(), Some("Other"), None)
        .await
        .unwrap();
    let shown = db
        .store
        .show_dataset(import.dataset_no(), db.member)
        .await
        .unwrap();
    assert_eq!(shown.name, "Other");
    assert!(matches!(
        db.store
            .show_dataset(import.dataset_no(), UserId::generate())
            .await,
        Err(Error::NotFound(_))
    ));
    let running = db
        .open(
            db.existing(import.dataset_no()).await,
            Mode::Append,
            &[("number", ColumnType::Int64)],
            5,
        )
        .await;
    db.store.delete_dataset(import.dataset_no()).await.unwrap();
    assert!(matches!(
        db.store.show_dataset(import.dataset_no(), db.member).await,
        Err(Error::NotFound(_))
    ));
    let stored = db
        .store
        .import(running.upload)
        .await
        .unwrap()
        .unwrap()
        .upload;
    assert_eq!(stored.state, UploadState::Cancelled);
    assert_eq!(db.store.sweep(u64::MAX).await.unwrap().tables_dropped, 1);
    assert_eq!(
        db.store.sweep(u64::MAX).await.unwrap(),
        store::Swept::default()
    );
}

#[tokio::test]
async fn progress_is_the_lease_holders_and_says_how_fast_it_goes() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    let shown = async || {
        let upload = db.store.import(upload).await.unwrap().unwrap().upload;
        (
            upload.bytes_read,
            upload.rows_read,
            upload.rows_per_second,
            upload.seconds_left,
        )
    };
    let ten_seconds_ago = "update gk.import set stage_since = now() - interval '10 seconds'";
    db.store.lease(upload, "a", LONG).await.unwrap();
    db.store.start_analysis(upload, 1_000).await.unwrap();
    let reach = async |owner, stage, bytes, rows| {
        let reached = db.store.progress(upload, owner, stage, bytes, rows).await;
        reached.unwrap();
    };
    reach("a", UploadState::Analysing, 250, 70).await;
    // The first second tells nothing.
    assert_eq!(shown().await, (250, 70, None, None));
    db.execute(ten_seconds_ago).await;
    assert_eq!(shown().await, (250, 70, Some(7), Some(31)));
    reach("b", UploadState::Analysing, 900, 900).await;
    reach("a", UploadState::Loading, 900, 900).await;
    assert_eq!(shown().await, (250, 70, Some(7), Some(31)));
    // Planned anew, it begins anew.
    db.execute("update gk.import set confirm = 'ask'").await;
    let replanned = db
        .store
        .replan(upload, None, Mode::New, &[], &Options::default())
        .await;
    assert_eq!(replanned.unwrap(), 2);
    db.store.lease(upload, "a", LONG).await.unwrap();
    reach("a", UploadState::Analysing, 100, 10).await;
    assert_eq!(shown().await, (100, 10, None, None));

    let columns = [("a", ColumnType::Int64)];
    let import = db.open_generation(upload, 2, Mode::New, &columns, 40).await;
    assert_eq!(shown().await, (0, 40, None, None));
    reach("a", UploadState::Loading, 500, 20).await;
    let numbers: Vec<i64> = (0..40).collect();
    let batches = import.number_batches(&numbers, 10);
    import.write(&batches[..1]).await;
    db.execute(ten_seconds_ago).await;
    assert_eq!(shown().await, (500, 40, Some(1), Some(31)));
    // What is still to be done with all of the rows is not to be foreseen.
    import.write(&batches[1..]).await;
    assert_eq!(shown().await, (500, 40, Some(4), None));
}

#[tokio::test]
async fn what_an_analysis_has_gathered_is_the_lease_holders_and_goes_with_its_plan() {
    let db = TestDb::new().await;
    let columns = [("a", ColumnType::Int64)];
    let plan = plan(1, Mode::New, &columns, 1);
    let saved = |byte| SavedAnalysis {
        object: plan.object.clone(),
        state: vec![byte; 3],
    };
    let upload = db.ask_new().await;
    db.store.lease(upload, "a", LONG).await.unwrap();
    let store = &db.store;
    assert!(
        !store
            .save_analysis(upload, "b", 1, &saved(1))
            .await
            .unwrap()
    );
    for byte in [2, 3] {
        assert!(
            store
                .save_analysis(upload, "a", 1, &saved(byte))
                .await
                .unwrap()
        );
    }
    assert_eq!(
        store.saved_analysis(upload, 1).await.unwrap(),
        Some(saved(3))
    );
    assert_eq!(store.saved_analysis(upload, 2).await.unwrap(), None);
    store.save_plan(upload, &plan, &[]).await.unwrap();
    assert_eq!(store.saved_analysis(upload, 1).await.unwrap(), None);

    let upload = db.ask_new().await;
    store.lease(upload, "a", LONG).await.unwrap();
    assert!(
        store
            .save_analysis(upload, "a", 1, &saved(1))
            .await
            .unwrap()
    );
    store.cancel(upload).await.unwrap();
    assert_eq!(store.saved_analysis(upload, 1).await.unwrap(), None);
    assert!(
        !store
            .save_analysis(upload, "a", 1, &saved(1))
            .await
            .unwrap()
    );
}
