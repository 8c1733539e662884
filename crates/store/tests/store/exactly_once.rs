//! Batches come at least once, in any order and from several writers; they take effect once.

use contracts::{
    Code,
    upload::{Mode, UploadState},
};
use store::{At, Error, Publish, QuarantineFilter, Refusal, Write};

use crate::helper::{TestDb, check_counts, numbers, reject};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_batches_from_many_writers_at_once_are_stored_once_and_published_once() {
    let db = TestDb::new().await;
    let wanted: Vec<i64> = (0..5_000).collect();
    let import = db
        .open_new(&[("number", contracts::dataset::ColumnType::Int64)], 5_000)
        .await;
    let batches = import.number_batches(&wanted, 100);
    import.end(50, 5_000, 0).await;

    let writers = (0..6_usize).map(|writer| {
        let store = import.store.clone();
        let upload = import.upload;
        // Each writer begins elsewhere and runs the other way round every second time.
        let mut mine = batches.clone();
        mine.rotate_left(writer * 7);
        if writer % 2 == 1 {
            mine.reverse();
        }
        tokio::spawn(async move {
            let mut rows = 0;
            let mut fresh = 0;
            for some in mine.chunks(3 + writer) {
                match store.write_batches(upload, 1, some).await.unwrap() {
                    Write::Written { rows: new } => rows += new,
                    Write::Refused(Refusal::Over(UploadState::Published)) => {}
                    other @ Write::Refused(_) => panic!("{other:?}"),
                }
                if let Publish::Published { fresh: true, .. } =
                    store.publish_if_complete(upload).await.unwrap()
                {
                    fresh += 1;
                }
            }
            (rows, fresh)
        })
    });
    let mut sum = (0, 0);
    for writer in writers.collect::<Vec<_>>() {
        let (rows, fresh) = writer.await.unwrap();
        sum = (sum.0 + rows, sum.1 + fresh);
    }
    assert_eq!(sum, (5_000, 1));
    assert_eq!(
        numbers(&db.store, import.dataset_no(), At::Head).await,
        wanted
    );
    assert_eq!(db.number("select count(*) from gk.version").await, 1);
    assert_eq!(db.number("select count(*) from gk.outbox").await, 1);
    check_counts(&db, import.dataset_no()).await;

    // Redelivered after publish: acknowledged, without effect.
    assert_eq!(
        import.write(&batches[..2]).await,
        Write::Refused(Refusal::Over(UploadState::Published))
    );
    assert_eq!(
        import
            .store
            .publish_if_complete(import.upload)
            .await
            .unwrap(),
        Publish::Published {
            version: 1,
            fresh: false
        }
    );
}

#[tokio::test]
async fn the_order_of_batches_does_not_matter_nor_does_an_early_end_of_load() {
    let db = TestDb::new().await;
    let wanted: Vec<i64> = (0..1_000).collect();
    let import = db
        .open_new(&[("number", contracts::dataset::ColumnType::Int64)], 1_000)
        .await;
    let mut batches = import.number_batches(&wanted, 64);
    import.end(batches.len(), 1_000, 0).await;
    batches.reverse();
    for batch in &batches {
        assert_eq!(
            import
                .store
                .publish_if_complete(import.upload)
                .await
                .unwrap(),
            Publish::Incomplete
        );
        assert!(import.store.complete_imports().await.unwrap().is_empty());
        import.write(std::slice::from_ref(batch)).await;
        // The same again in one call, twice: nothing more.
        assert_eq!(
            import.write(&[batch.clone(), batch.clone()]).await,
            Write::Written { rows: 0 }
        );
    }
    assert_eq!(
        import.store.complete_imports().await.unwrap(),
        [import.upload]
    );
    import.finish().await;
    assert!(import.store.complete_imports().await.unwrap().is_empty());
    assert_eq!(
        numbers(&db.store, import.dataset_no(), At::Head).await,
        wanted
    );
}

#[tokio::test]
async fn a_newer_generation_takes_the_place_of_the_older_and_the_older_is_refused() {
    let db = TestDb::new().await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let old = db.open_new(&columns, 300).await;
    let batches = old.number_batches(&(0..300).collect::<Vec<_>>(), 100);
    old.write(&batches[..2]).await;

    let upload = old.upload;
    let columns = [
        ("number", contracts::dataset::ColumnType::Int64),
        ("more", contracts::dataset::ColumnType::Text),
    ];
    let new = db
        .open_generation(upload, 2, Mode::New, &columns[..1], 200)
        .await;
    assert!(new.load.commit > old.load.commit);
    assert_eq!(
        old.write(&batches[2..]).await,
        Write::Refused(Refusal::OldGeneration)
    );
    assert_eq!(
        old.end(3, 300, 0).await,
        Write::Refused(Refusal::OldGeneration)
    );
    assert!(matches!(
        db.store.open_load(upload, 1).await,
        Err(Error::OldGeneration { newest: 2 })
    ));
    assert!(matches!(
        db.store
            .save_checkpoint(upload, 1, &contracts::plan::Checkpoint::default())
            .await,
        Ok(false)
    ));
    // Opening again answers the same and keeps what is written.
    new.write_numbers(&(1_000..1_200).collect::<Vec<_>>(), 64)
        .await;
    assert_eq!(db.store.open_load(upload, 2).await.unwrap(), new.load);
    assert_eq!(new.finish().await, 1);
    assert_eq!(
        numbers(&db.store, new.dataset_no(), At::Head).await,
        (1_000..1_200).collect::<Vec<_>>()
    );
    check_counts(&db, new.dataset_no()).await;
}

#[tokio::test]
async fn the_first_plan_of_a_generation_stands() {
    let db = TestDb::new().await;
    let upload = db.ask_new().await;
    let columns = [("a", contracts::dataset::ColumnType::Int64)];
    let first = crate::helper::plan(1, Mode::New, &columns, 10);
    let second = crate::helper::plan(1, Mode::New, &columns, 20);
    let stored = db
        .store
        .save_plan(upload, &first, &[reject(2)])
        .await
        .unwrap();
    assert_eq!(
        db.store.save_plan(upload, &second, &[]).await.unwrap(),
        stored
    );
    assert_eq!(db.store.plan(upload, None).await.unwrap(), Some(stored));
    let warnings = db.store.warnings(upload, None, 10).await.unwrap().places;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].raw.as_deref(), Some("a\\x00b,c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_import_takes_no_more_and_shows_nothing() {
    let db = TestDb::new().await;
    let former = db.new_numbers(&[1, 2, 3]).await;
    let target = db.existing(former.dataset_no()).await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let import = db.open(target, Mode::Append, &columns, 10_000).await;
    let batches = import.number_batches(&(0..10_000).collect::<Vec<_>>(), 100);
    let writer = {
        let (store, upload, batches) = (import.store.clone(), import.upload, batches.clone());
        tokio::spawn(async move {
            for batch in &batches {
                if let Write::Refused(refusal) = store
                    .write_batches(upload, 1, std::slice::from_ref(batch))
                    .await
                    .unwrap()
                {
                    return Some(refusal);
                }
            }
            None
        })
    };
    while db.number("select count(*) from gk.ledger").await < 20 {
        tokio::task::yield_now().await;
    }
    db.store.cancel(import.upload).await.unwrap();
    db.store.cancel(import.upload).await.unwrap();
    assert_eq!(
        writer.await.unwrap(),
        Some(Refusal::Over(UploadState::Cancelled))
    );
    assert_eq!(
        import
            .store
            .publish_if_complete(import.upload)
            .await
            .unwrap(),
        Publish::Over(UploadState::Cancelled)
    );
    assert!(matches!(
        db.store.cancel(former.upload).await,
        Err(Error::Final(UploadState::Published))
    ));
    assert_eq!(
        numbers(&db.store, import.dataset_no(), At::Head).await,
        [1, 2, 3]
    );
}

#[tokio::test]
async fn an_import_that_does_not_balance_fails_and_says_why() {
    let db = TestDb::new().await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let import = db.open_new(&columns, 10).await;
    import.write(&import.number_batches(&[1, 2, 3], 3)).await;
    import.end(1, 3, 0).await;
    let Publish::Failed(problem) = import
        .store
        .publish_if_complete(import.upload)
        .await
        .unwrap()
    else {
        panic!("published 3 of 10 rows");
    };
    assert_eq!(problem.code, Code::Internal);
    assert!(problem.detail.contains("10 records"), "{}", problem.detail);
    let stored = db
        .store
        .import(import.upload)
        .await
        .unwrap()
        .unwrap()
        .upload;
    assert_eq!(stored.state, UploadState::Failed);
    assert_eq!(stored.problem, Some(problem));
    assert_eq!(db.number("select count(*) from gk.version").await, 0);
}

#[tokio::test]
async fn quarantined_records_are_kept_once_with_their_places_and_counted_in_the_receipt() {
    let db = TestDb::new().await;
    let columns = [("number", contracts::dataset::ColumnType::Int64)];
    let import = db.open_new(&columns, 5).await;
    let mut batch = import.number_batches(&[1, 2, 3], 3).remove(0);
    batch.rejects = vec![reject(4), reject(6)];
    batch.meta.quarantined = 2;
    import.write(std::slice::from_ref(&batch)).await;
    import.write(std::slice::from_ref(&batch)).await;
    import.end(1, 3, 2).await;
    let list = async |after, limit, bytes| {
        let filter = QuarantineFilter::default();
        let no = import.dataset_no();
        let page = db.store.list_quarantine(no, &filter, after, limit, bytes);
        page.await.unwrap()
    };
    assert!(list(None, 10, 1_000).await.rows.is_empty());
    import.finish().await;
    let page = list(None, 1, 1_000).await;
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].place.record, 4);
    assert_eq!(page.rows[0].place.raw.as_deref(), Some("a\\x00b,c"));
    let page = list(page.next, 1, 1_000).await;
    assert_eq!(page.rows[0].place.record, 6);
    assert_eq!(page.next, None);
    let short = list(None, 10, 1).await;
    assert_eq!((short.rows.len(), short.next.is_some()), (1, true));
    let receipt = db
        .store
        .import(import.upload)
        .await
        .unwrap()
        .unwrap()
        .upload
        .receipt
        .unwrap();
    assert!(receipt.balances());
    assert_eq!(
        (receipt.rows_read, receipt.inserted, receipt.quarantined),
        (5, 3, 2)
    );
}

#[tokio::test]
async fn a_batch_that_can_never_be_written_is_poison_and_leaves_nothing() {
    let db = TestDb::new().await;
    let columns = [("number", contracts::dataset::ColumnType::Decimal)];
    let import = db.open_new(&columns, 5).await;
    let good = import.batch(0, 0, vec![crate::helper::texts(&[Some("1.5")])]);
    let bad = import.batch(1, 1, vec![crate::helper::texts(&[Some("1e5")])]);
    let mut lying = good.clone();
    lying.meta.rows = 2;
    let beyond = import.batch(2, 5, vec![crate::helper::texts(&[Some("1.5")])]);
    let overlapping = import.batch(3, 0, vec![crate::helper::texts(&[Some("1.5")])]);
    for batches in [
        vec![good.clone(), bad],
        vec![lying],
        vec![beyond],
        vec![good.clone(), overlapping],
    ] {
        let refused = import.store.write_batches(import.upload, 1, &batches).await;
        assert!(matches!(refused, Err(Error::Poison(..))), "{refused:?}");
        assert_eq!(db.number("select count(*) from gk.ledger").await, 0);
    }
    assert_eq!(import.write(&[good]).await, Write::Written { rows: 1 });
}

#[tokio::test]
async fn a_load_of_no_rows_is_published() {
    let db = TestDb::new().await;
    let import = db
        .open_new(&[("number", contracts::dataset::ColumnType::Int64)], 0)
        .await;
    import.end(0, 0, 0).await;
    assert_eq!(import.finish().await, 1);
    assert!(
        numbers(&db.store, import.dataset_no(), At::Head)
            .await
            .is_empty()
    );
}
