//! What a reader sees at each version, and never before it is one.

use std::time::Duration;

use contracts::{
    dataset::ColumnType,
    upload::{Mode, UploadState},
};
use store::{At, Error, Start};

use crate::helper::{TestDb, arrow, check_counts, numbers, query, walk};

const NUMBER: [(&str, ColumnType); 1] = [("number", ColumnType::Int64)];

#[tokio::test(flavor = "multi_thread")]
async fn a_polling_reader_never_sees_a_part_of_an_import() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&(0..1_000).collect::<Vec<_>>()).await;
    let dataset_no = first.dataset_no();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (store, done) = (db.store.clone(), done.clone());
            tokio::spawn(async move {
                let mut reads = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let page = store
                        .page(dataset_no, &query(At::Head, Start::Position(900), 1_000))
                        .await
                        .unwrap();
                    let rows = page.version * 1_000;
                    assert_eq!(page.total, rows);
                    assert_eq!(page.rows.len() as i64, (rows - 900).min(1_000));
                    let last = store
                        .page(
                            dataset_no,
                            &query(At::Head, Start::Position(rows as u64 - 1), 10),
                        )
                        .await
                        .unwrap();
                    assert!(last.version > page.version || last.rows.len() == 1);
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    for _ in 0..4 {
        let target = db.existing(dataset_no).await;
        let import = db.open(target, Mode::Append, &NUMBER, 1_000).await;
        import
            .write_numbers(&(0..1_000).collect::<Vec<_>>(), 50)
            .await;
        import.finish().await;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    check_counts(&db, dataset_no).await;
}

#[tokio::test]
async fn every_version_shows_its_own_rows_through_appends_replaces_edits_and_aborts() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1, 2, 3]).await;
    let dataset_no = first.dataset_no();
    let existing = db.existing(dataset_no).await;
    let mut wanted = vec![vec![1, 2, 3]];

    // Opened first, published last: its id is older than all between.
    let late = db.open(existing.clone(), Mode::Append, &NUMBER, 2).await;
    // Opened before what it replaces was even published.
    let replace = db.open(existing.clone(), Mode::Replace, &NUMBER, 2).await;
    let aborted = db.open(existing.clone(), Mode::Append, &NUMBER, 3).await;
    aborted.write_numbers(&[71, 72, 73], 2).await;
    db.store.cancel(aborted.upload).await.unwrap();

    db.import_numbers(existing.clone(), Mode::Append, &[4, 5])
        .await;
    wanted.push(vec![1, 2, 3, 4, 5]);
    db.edit(dataset_no, "c1 * 10", "c1 in (2, 5)").await;
    wanted.push(vec![1, 20, 3, 4, 50]);
    late.write_numbers(&[6, 7], 1).await;

    replace.write_numbers(&[8, 9], 4_096).await;
    assert_eq!(numbers(&db.store, dataset_no, At::Head).await, wanted[2]);
    replace.finish().await;
    wanted.push(vec![8, 9]);
    let receipt = db
        .store
        .import(replace.upload)
        .await
        .unwrap()
        .unwrap()
        .upload
        .receipt
        .unwrap();
    assert_eq!((receipt.deleted, receipt.inserted), (5, 2));

    late.finish().await;
    // Row ids were reserved when it opened, so its rows stand before the replacement's.
    wanted.push(vec![6, 7, 8, 9]);
    db.edit(dataset_no, "c1 * 10", "c1 in (7)").await;
    wanted.push(vec![6, 70, 8, 9]);

    let check = async || {
        for (version, wanted) in wanted.iter().enumerate() {
            let at = At::Version(version as i64 + 1);
            assert_eq!(&numbers(&db.store, dataset_no, at).await, wanted, "{at:?}");
            // A second store has no cache.
            assert_eq!(
                &numbers(&store::Store::new(db.pool.clone()), dataset_no, at).await,
                wanted
            );
        }
        check_counts(&db, dataset_no).await;
    };
    check().await;

    let swept = db.store.sweep(u64::MAX).await.unwrap();
    assert_eq!((swept.deleted, swept.commits, swept.more), (3, 1, false));
    check().await;
    let swept = db
        .store
        .sweep_replaced(u64::MAX, Duration::from_secs(3_600))
        .await
        .unwrap();
    assert_eq!(swept.moved, 0);
    let swept = db
        .store
        .sweep_replaced(u64::MAX, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!((swept.moved, swept.commits), (3, 2));
    check().await;
    // What is swept is hidden no more, and still nowhere to be seen.
    db.import_numbers(existing, Mode::Append, &[11]).await;
    wanted.push(vec![6, 70, 8, 9, 11]);
    assert_eq!(
        db.number(&format!(
            "select cardinality(hidden)::bigint from gk.dataset where no = {dataset_no}"
        ))
        .await,
        0
    );
    for (version, wanted) in wanted.iter().enumerate() {
        let at = At::Version(version as i64 + 1);
        assert_eq!(&numbers(&db.store, dataset_no, at).await, wanted, "{at:?}");
    }
}

#[tokio::test]
async fn an_append_brings_columns_and_old_versions_keep_theirs() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1, 2]).await;
    let dataset_no = first.dataset_no();
    let existing = db.existing(dataset_no).await;
    // Two at once, each with a new column of the same name, numbered from 1 as the analyser does.
    let columns = [("number", ColumnType::Int64), ("note", ColumnType::Text)];
    let one = db.open(existing.clone(), Mode::Append, &columns, 1).await;
    let two = db.open(existing.clone(), Mode::Append, &columns, 1).await;
    for (import, value) in [(&one, 3), (&two, 4)] {
        let cells = vec![
            arrow(ColumnType::Int64, &[Some(value)]),
            arrow(ColumnType::Text, &[Some(value * 100)]),
        ];
        import.write(&[import.batch(0, 0, cells)]).await;
        import.end(1, 1, 0).await;
        import.finish().await;
    }
    let names = async |version| {
        let snapshot = db
            .store
            .resolve(dataset_no, At::Version(version))
            .await
            .unwrap();
        snapshot
            .shown_columns()
            .into_iter()
            .map(|c| (c.id, c.name))
            .collect::<Vec<_>>()
    };
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(names(1).await, [pair("col_1", "number")]);
    assert_eq!(
        names(2).await,
        [pair("col_1", "number"), pair("col_2", "note")]
    );
    assert_eq!(
        names(3).await,
        [
            pair("col_1", "number"),
            pair("col_2", "note"),
            pair("col_3", "note_2")
        ]
    );
    let rows = walk(&db.store, dataset_no, &query(At::Head, Start::First, 10)).await;
    let cells: Vec<_> = rows
        .iter()
        .map(|row| serde_json::json!(row.cells))
        .collect();
    assert_eq!(
        cells,
        [
            serde_json::json!(["1", null, null]),
            serde_json::json!(["2", null, null]),
            serde_json::json!(["3", "300", null]),
            serde_json::json!(["4", null, "400"]),
        ]
    );
    assert_eq!(
        walk(
            &db.store,
            dataset_no,
            &query(At::Version(1), Start::First, 10)
        )
        .await[0]
            .cells
            .len(),
        1
    );

    // A replace keeps the ids of columns that stay the same and gives others new ones.
    let columns = [("note", ColumnType::Text), ("number", ColumnType::Decimal)];
    let replace = db.open(existing.clone(), Mode::Replace, &columns, 1).await;
    let cells = vec![
        arrow(ColumnType::Text, &[Some(5)]),
        arrow(ColumnType::Decimal, &[Some(6)]),
    ];
    replace.write(&[replace.batch(0, 0, cells)]).await;
    replace.end(1, 1, 0).await;
    replace.finish().await;
    assert_eq!(
        names(4).await,
        [pair("col_2", "note"), pair("col_4", "number")]
    );
    let rows = walk(&db.store, dataset_no, &query(At::Head, Start::First, 10)).await;
    assert_eq!(
        serde_json::json!(rows[0].cells),
        serde_json::json!(["5", "6"])
    );

    // An append may not change a type.
    let upload = db.ask(existing, Mode::Append).await;
    let wrong = crate::helper::plan(1, Mode::Append, &[("number", ColumnType::Text)], 1);
    assert!(matches!(
        db.store.save_plan(upload, &wrong, &[]).await,
        Err(Error::Invalid { .. })
    ));
}

#[tokio::test]
async fn as_of_finds_the_newest_version_at_or_before_a_moment() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1]).await;
    let dataset_no = first.dataset_no();
    let existing = db.existing(dataset_no).await;
    for n in 2..5 {
        db.import_numbers(existing.clone(), Mode::Append, &[n])
            .await;
    }
    let at = async |version| -> store::versions::Timestamp {
        let snapshot = db
            .store
            .resolve(dataset_no, At::Version(version))
            .await
            .unwrap();
        snapshot.published_at.parse().unwrap()
    };
    let as_of = async |moment| {
        Ok::<_, Error>(
            db.store
                .resolve(dataset_no, At::AsOf(moment))
                .await?
                .version,
        )
    };
    let step = Duration::from_nanos(1);
    for version in 1..5 {
        let moment = at(version).await;
        assert_eq!(as_of(moment).await.unwrap(), version);
        assert_eq!(
            as_of(moment + Duration::from_nanos(999)).await.unwrap(),
            version
        );
        if version == 1 {
            assert!(matches!(
                as_of(moment - step).await,
                Err(Error::NotFound(_))
            ));
        } else {
            assert!(at(version - 1).await < moment);
            assert_eq!(as_of(moment - step).await.unwrap(), version - 1);
        }
    }
    for missing in [0, -1, 5, i64::MAX] {
        let found = db.store.resolve(dataset_no, At::Version(missing)).await;
        assert!(matches!(found, Err(Error::NotFound(_))), "{missing}");
    }
    db.execute("delete from gk.version where version = 1").await;
    let fresh = store::Store::new(db.pool.clone());
    assert!(matches!(
        fresh.resolve(dataset_no, At::Version(1)).await,
        Err(Error::Gone(1))
    ));
}

#[tokio::test]
async fn published_at_rises_even_when_the_clock_does_not() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1]).await;
    db.execute("update gk.version set at = '2999-01-01'").await;
    db.import_numbers(db.existing(first.dataset_no()).await, Mode::Append, &[2])
        .await;
    let page = db
        .store
        .list_versions(first.dataset_no(), None, 10)
        .await
        .unwrap();
    let times: Vec<_> = page
        .versions
        .iter()
        .map(|v| v.published_at.as_str())
        .collect();
    assert_eq!(
        times,
        ["2999-01-01T00:00:00.000001Z", "2999-01-01T00:00:00.000000Z"]
    );
}

#[tokio::test]
async fn content_hash_tells_content_and_not_how_it_came() {
    let db = TestDb::new().await;
    let wanted: Vec<i64> = (0..500).collect();
    let plain = db.new_numbers(&wanted).await;
    let hash = db.store.content_hash(plain.dataset_no(), 1).await.unwrap();

    // Cancelled, swept, planned anew, other batch order, other row ids.
    let existing = db.new_numbers(&[7]).await;
    let target = db.existing(existing.dataset_no()).await;
    let other = db.open(target.clone(), Mode::Append, &NUMBER, 100).await;
    other.write_numbers(&wanted[..100], 10).await;
    db.store.cancel(other.upload).await.unwrap();
    let again = db.open(target, Mode::Replace, &NUMBER, 500).await;
    let mut batches = again.number_batches(&wanted, 37);
    batches.reverse();
    again.write(&batches).await;
    again.end(batches.len(), 500, 0).await;
    again.finish().await;
    assert_eq!(
        db.store.content_hash(again.dataset_no(), 2).await.unwrap(),
        hash
    );
    assert_ne!(
        db.store.content_hash(again.dataset_no(), 1).await.unwrap(),
        hash
    );
    db.edit(again.dataset_no(), "-1", "c1 = 250").await;
    assert_ne!(
        db.store.content_hash(again.dataset_no(), 3).await.unwrap(),
        hash
    );
    // The old version is what it was, its row now in history.
    assert_eq!(
        db.store.content_hash(again.dataset_no(), 2).await.unwrap(),
        hash
    );
}

#[tokio::test]
async fn a_failed_first_import_leaves_no_tables() {
    let db = TestDb::new().await;
    let import = db.open_new(&NUMBER, 10).await;
    import.write_numbers(&[1, 2, 3], 10).await;
    db.store.cancel(import.upload).await.unwrap();
    let swept = db.store.sweep(u64::MAX).await.unwrap();
    assert_eq!(
        (swept.tables_dropped, swept.commits, swept.deleted),
        (1, 1, 0)
    );
    let stored = db
        .store
        .import(import.upload)
        .await
        .unwrap()
        .unwrap()
        .upload;
    assert_eq!(stored.state, UploadState::Cancelled);
    assert_eq!(db.number("select count(*) from gk.ledger").await, 0);
}
