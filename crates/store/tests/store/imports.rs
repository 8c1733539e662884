//! An import's row: who works on it, and how it ends.

use std::time::Duration;

use contracts::{
    Code, Problem, UserId,
    dataset::ColumnType,
    upload::{Confirm, Mode, UploadState},
};
use store::{Error, Lease};

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
    let Lease::Held { expires_in } = db.store.lease(upload, "b", LONG).await.unwrap() else {
        panic!("two hold the lease");
    };
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
    assert!(db.store.expire_overdue().await.unwrap().is_empty());
    db.execute("update gk.import set expires_at = now() - interval '1 second'")
        .await;
    assert_eq!(db.store.expire_overdue().await.unwrap(), [upload]);
    assert!(db.store.expire_overdue().await.unwrap().is_empty());
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
