//! Imports that nobody works on: who is sent for, when, and how often.

use std::time::Duration;

use contracts::{
    UploadId,
    plan::{Checkpoint, Options},
    upload::{Confirm, Mode, UploadState},
};
use store::{Lease, Patience, Stalled};

use crate::helper::{TestDb, new_target};

const PATIENCE: Patience = Patience {
    owed: Duration::from_secs(10),
    still: Duration::from_secs(600),
};
const TTL: Duration = Duration::from_secs(60);

async fn stalled(db: &TestDb) -> Vec<Stalled> {
    db.store.stalled_imports(PATIENCE).await.unwrap()
}

async fn rescue(db: &TestDb, stalled: &Stalled) -> Option<u32> {
    db.store.rescue(stalled, PATIENCE).await.unwrap()
}

/// All of it happened an hour ago.
async fn an_hour_later(db: &TestDb) {
    db.execute(
        "update gk.import set moved_at = moved_at - interval '1 hour', work_owed_at = work_owed_at - interval '1 hour', \
           lease_until = lease_until - interval '1 hour', rescued_at = rescued_at - interval '1 hour'",
    )
    .await;
}

async fn asks(db: &TestDb) -> UploadId {
    let upload = db.ask_with(new_target(), Mode::New, Confirm::Ask).await;
    db.store.start_analysis(upload, 10).await.unwrap();
    upload
}

fn of(upload: UploadId, generation: i32) -> Stalled {
    Stalled {
        upload,
        generation,
        is_sent: false,
    }
}

#[tokio::test]
async fn a_message_that_was_not_sent_is_owed_soon() {
    let db = TestDb::new().await;
    let upload = asks(&db).await;
    let options = Options::default();
    let replan = db.store.replan(upload, None, Mode::New, &[], &options);
    let generation = replan.await.unwrap();
    let owed = of(upload, generation);
    // Whoever changed the options may be about to send it.
    assert_eq!(stalled(&db).await, []);
    db.execute("update gk.import set work_owed_at = work_owed_at - interval '11 seconds'")
        .await;
    assert_eq!(stalled(&db).await, [owed]);
    // Of two that look at once, one sends.
    assert_eq!(rescue(&db, &owed).await, Some(0));
    assert_eq!(rescue(&db, &owed).await, None);
    // It died before it sent.
    an_hour_later(&db).await;
    assert_eq!(rescue(&db, &owed).await, Some(0));
    db.store.work_sent(upload, generation - 1).await.unwrap();
    db.execute("update gk.import set work_owed_at = work_owed_at - interval '11 seconds'")
        .await;
    assert_eq!(stalled(&db).await, [owed]);
    db.store.work_sent(upload, generation).await.unwrap();
    assert_eq!(stalled(&db).await, []);
}

#[tokio::test]
async fn whoever_works_on_it_need_not_be_sent_for() {
    let db = TestDb::new().await;
    let upload = asks(&db).await;
    assert_eq!(stalled(&db).await, []);
    an_hour_later(&db).await;
    assert_eq!(stalled(&db).await, [of(upload, 1)]);
    let lease = db.store.lease(upload, "a", TTL).await.unwrap();
    assert_eq!(lease, Lease::Acquired);
    db.execute("update gk.import set moved_at = moved_at - interval '1 hour'")
        .await;
    assert_eq!(stalled(&db).await, []);
    assert_eq!(rescue(&db, &of(upload, 1)).await, None);
    // A worker that dies leaves a lease that runs out; one that ends gives it back.
    an_hour_later(&db).await;
    assert_eq!(stalled(&db).await, [of(upload, 1)]);
    db.store.release_lease(upload, "a").await.unwrap();
    assert_eq!(stalled(&db).await, []);

    assert!(db.store.is_any_under_way().await.unwrap());
    db.store.cancel(upload).await.unwrap();
    an_hour_later(&db).await;
    assert_eq!(stalled(&db).await, []);
    assert!(!db.store.is_any_under_way().await.unwrap());
}

#[tokio::test]
async fn those_who_come_in_vain_are_counted() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1]).await;
    let target = db.existing(import.dataset_no()).await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let import = db.open(target, Mode::Append, &columns, 8).await;
    let still = of(import.upload, 1);
    let come_in_vain = async || {
        db.store.lease(import.upload, "a", TTL).await.unwrap();
        db.store.release_lease(import.upload, "a").await.unwrap();
        an_hour_later(&db).await;
    };
    let send = async || {
        let times = rescue(&db, &still).await;
        db.store.work_sent(import.upload, 1).await.unwrap();
        times
    };
    an_hour_later(&db).await;
    assert_eq!(send().await, Some(1));
    an_hour_later(&db).await;
    // Nobody came: the message still lies in the queue, or is lost.
    assert_eq!(send().await, Some(1));
    come_in_vain().await;
    assert_eq!(send().await, Some(2));
    come_in_vain().await;
    assert_eq!(send().await, Some(3));
    let checkpoint = Checkpoint {
        batch: 1,
        ..Checkpoint::default()
    };
    let saved = db.store.save_checkpoint(import.upload, 1, &checkpoint);
    assert!(saved.await.unwrap());
    come_in_vain().await;
    assert_eq!(send().await, Some(1));
}

#[tokio::test]
async fn what_was_sent_and_lost_is_sent_again_from_the_beginning() {
    let db = TestDb::new().await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let import = db.open_new(&columns, 8).await;
    let batches = import.number_batches(&[1, 2, 3, 4, 5, 6, 7, 8], 4);
    import.write(&batches[..1]).await;
    import.end(2, 8, 0).await;
    let checkpoint = Checkpoint {
        batch: 2,
        ..Checkpoint::default()
    };
    let saved = db.store.save_checkpoint(import.upload, 1, &checkpoint);
    assert!(saved.await.unwrap());
    an_hour_later(&db).await;
    let lacking = Stalled {
        is_sent: true,
        ..of(import.upload, 1)
    };
    assert_eq!(stalled(&db).await, [lacking]);
    assert_eq!(rescue(&db, &lacking).await, Some(1));
    assert_eq!(db.store.checkpoint(import.upload, 1).await.unwrap(), None);
    import.write(&batches[1..]).await;
    an_hour_later(&db).await;
    // All of it is in: whoever publishes it finds it by himself.
    assert_eq!(stalled(&db).await, []);
    import.finish().await;
}

#[tokio::test]
async fn a_file_that_came_unannounced_does_not_expire() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    assert!(!db.store.is_any_under_way().await.unwrap());
    let overdue = async || {
        let overdue = db.store.overdue_imports(10).await.unwrap();
        overdue.into_iter().map(|o| (o.upload, o.object_key))
    };
    assert_eq!(overdue().await.count(), 0);
    db.execute("update gk.import set expires_at = now() - interval '1 second'")
        .await;
    let key = format!("uploads/{upload}/file.csv");
    assert!(overdue().await.eq([(upload, key)]));
    db.store.owe_work(upload).await.unwrap();
    assert_eq!(overdue().await.count(), 0);
    assert!(!db.store.expire_overdue(upload).await.unwrap());
    an_hour_later(&db).await;
    assert_eq!(stalled(&db).await, [of(upload, 1)]);
    assert!(db.store.is_any_under_way().await.unwrap());
    let import = db.store.import(upload).await.unwrap().unwrap();
    assert_eq!(import.upload.state, UploadState::Created);
}
