//! Imports that ask first: all their rows are loaded, nobody sees them, and they are published when somebody has said yes to the newest
//! generation.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow_array::{ArrayRef, Int64Array};
use contracts::{
    Code, Problem, UploadId,
    dataset::ColumnType,
    events::EndOfLoad,
    plan::{Mapped, MappedBy, Options},
    receipt::Place,
    upload::{Confirm, Mode, Preview, PreviewCounts, Target, Upload, UploadState},
};
use serde_json::json;
use store::{At, Error, Publish, Refusal, Restored, Start, StoredMapping, Write};

use crate::helper::{Import, TestDb, key_of, new_target, numbers, plan, query, texts, walk};

const NUMBER: [(&str, ColumnType); 1] = [("number", ColumnType::Int64)];
const PAIR: [(&str, ColumnType); 2] = [("number", ColumnType::Int64), ("name", ColumnType::Text)];

async fn asked(db: &TestDb, target: Target, mode: Mode) -> UploadId {
    db.ask_with(target, mode, Confirm::Ask).await
}

/// All numbers sent, none published.
async fn loaded(db: &TestDb, target: Target, mode: Mode, numbers: &[i64]) -> Import {
    let upload = asked(db, target, mode).await;
    let rows = numbers.len() as u64;
    let import = db.open_generation(upload, 1, mode, &NUMBER, rows).await;
    import.write_numbers(numbers, 4).await;
    import
}

async fn replanned(db: &TestDb, import: &Import, mode: Mode) -> i32 {
    db.store
        .replan(
            import.upload,
            None,
            mode,
            &key_of(mode),
            &Options::default(),
        )
        .await
        .unwrap()
}

async fn upload(db: &TestDb, id: UploadId) -> Upload {
    db.store.import(id).await.unwrap().unwrap().upload
}

async fn preview(db: &TestDb, id: UploadId) -> Preview {
    db.store.preview(id).await.unwrap()
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Pairs under the key column, sent.
async fn pairs(db: &TestDb, dataset_no: i64, mode: Mode, pairs: &[(i64, &str)]) -> Import {
    let target = db.existing(dataset_no).await;
    let upload = asked(db, target, mode).await;
    pairs_of(db, upload, 1, mode, pairs).await
}

async fn pairs_of(
    db: &TestDb,
    upload: UploadId,
    generation: i32,
    mode: Mode,
    pairs: &[(i64, &str)],
) -> Import {
    let rows = pairs.len() as u64;
    let import = db
        .open_generation(upload, generation, mode, &PAIR, rows)
        .await;
    write_pairs(&import, pairs).await;
    import
}

async fn write_pairs(import: &Import, pairs: &[(i64, &str)]) {
    let keys = ints(&pairs.iter().map(|p| p.0).collect::<Vec<_>>());
    let names = texts(&pairs.iter().map(|p| Some(p.1)).collect::<Vec<_>>());
    let mut batch = import.batch(0, 0, vec![keys, names]);
    batch.shown = (2..).take(pairs.len()).collect();
    import.write(&[batch]).await;
    import.end(1, pairs.len(), 0).await;
}

async fn named(db: &TestDb, pairs: &[(i64, &str)]) -> i64 {
    let import = db
        .open(new_target(), Mode::New, &PAIR, pairs.len() as u64)
        .await;
    write_pairs(&import, pairs).await;
    import.finish().await;
    import.dataset_no()
}

#[tokio::test]
async fn rows_are_loaded_before_the_answer_and_published_by_it() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1, 2]).await;
    let no = first.dataset_no();
    let import = loaded(&db, db.existing(no).await, Mode::Append, &[3, 4, 5]).await;
    assert_eq!(upload(&db, import.upload).await.state, UploadState::Loading);
    assert_eq!(preview(&db, import.upload).await.counts, None);
    import.awaits().await;

    let waiting = upload(&db, import.upload).await;
    assert_eq!(waiting.state, UploadState::AwaitingConfirmation);
    assert_eq!((waiting.confirm, waiting.rows_written), (Confirm::Ask, 3));
    assert_eq!(numbers(&db.store, no, At::Head).await.len(), 2);
    assert_eq!(db.store.resolve(no, At::Head).await.unwrap().version, 1);
    assert!(db.store.complete_imports().await.unwrap().is_empty());
    let counts = preview(&db, import.upload).await.counts;
    let inserted = PreviewCounts {
        inserted: 3,
        ..PreviewCounts::default()
    };
    assert_eq!(counts, Some(inserted));

    for _ in 0..2 {
        db.store.confirm(import.upload, 1).await.unwrap();
        assert_eq!(db.store.complete_imports().await.unwrap(), [import.upload]);
    }
    assert_eq!(import.finish().await, 2);
    db.store.confirm(import.upload, 1).await.unwrap();
    assert_eq!(numbers(&db.store, no, At::Head).await, [1, 2, 3, 4, 5]);
    assert_eq!(preview(&db, import.upload).await.counts, Some(inserted));
    assert!(matches!(
        db.store.confirm(import.upload, 2).await,
        Err(Error::Final(UploadState::Published))
    ));
}

#[tokio::test]
async fn an_answer_during_the_load_is_kept() {
    let db = TestDb::new().await;
    let upload_id = asked(&db, new_target(), Mode::New).await;
    assert!(matches!(
        db.store.confirm(upload_id, 0).await,
        Err(Error::NotReady(_))
    ));
    let import = db
        .open_generation(upload_id, 1, Mode::New, &NUMBER, 2)
        .await;
    db.store.confirm(upload_id, 1).await.unwrap();
    assert_eq!(upload(&db, upload_id).await.state, UploadState::Loading);
    let answer = db.store.publish_if_complete(upload_id).await.unwrap();
    assert_eq!(answer, Publish::Incomplete);
    import.write_numbers(&[1, 2], 2).await;
    assert_eq!(import.finish().await, 1);
}

#[tokio::test]
async fn another_generation_takes_the_place_of_the_one_before() {
    let db = TestDb::new().await;
    let no = db.new_numbers(&[1, 2]).await.dataset_no();
    let import = loaded(&db, db.existing(no).await, Mode::Append, &[3]).await;
    import.awaits().await;
    assert_eq!(replanned(&db, &import, Mode::Replace).await, 2);

    let again = upload(&db, import.upload).await;
    assert_eq!(
        (again.state, again.mode),
        (UploadState::Analysing, Mode::Replace)
    );
    assert_eq!((again.generation, again.rows_written), (2, 0));
    assert!(again.plan.is_none());
    assert!(matches!(
        db.store.preview(import.upload).await,
        Err(Error::NotReady(_))
    ));
    // Neither the former one nor one that nobody has read can be confirmed.
    assert!(matches!(
        db.store.confirm(import.upload, 1).await,
        Err(Error::OldGeneration { newest: 2 })
    ));
    assert!(matches!(
        db.store.confirm(import.upload, 2).await,
        Err(Error::NotReady(_))
    ));
    // What comes late of the former one is too late.
    let late = plan(1, Mode::Append, &NUMBER, 1);
    assert_eq!(
        db.store.save_plan(import.upload, &late, &[]).await.unwrap(),
        import.plan
    );
    assert!(matches!(
        db.store.open_load(import.upload, 1).await,
        Err(Error::OldGeneration { newest: 2 })
    ));
    let refused = import.write(&import.number_batches(&[9], 1)).await;
    assert_eq!(refused, Write::Refused(Refusal::OldGeneration));

    let second = db
        .open_generation(import.upload, 2, Mode::Replace, &NUMBER, 2)
        .await;
    second.write_numbers(&[7, 8], 2).await;
    second.awaits().await;
    let counts = preview(&db, import.upload).await.counts.unwrap();
    assert_eq!((counts.inserted, counts.deleted), (2, 2));
    db.store.confirm(import.upload, 2).await.unwrap();
    assert!(matches!(
        db.store
            .replan(import.upload, None, Mode::Append, &[], &Options::default())
            .await,
        Err(Error::Confirmed)
    ));
    second.finish().await;
    assert_eq!(numbers(&db.store, no, At::Head).await, [7, 8]);
    db.store.sweep(1_000).await.unwrap();
    assert_eq!(
        db.number(&format!("select count(*) from data.d_{no}"))
            .await,
        4
    );
}

#[tokio::test]
async fn only_what_asks_and_has_come_is_planned_anew() {
    let db = TestDb::new().await;
    let auto = db.open_new(&NUMBER, 1).await;
    let none = Options::default();
    assert!(matches!(
        db.store
            .replan(auto.upload, None, Mode::New, &[], &none)
            .await,
        Err(Error::Confirmed)
    ));
    let asks = asked(&db, new_target(), Mode::New).await;
    assert!(matches!(
        db.store.replan(asks, None, Mode::New, &[], &none).await,
        Err(Error::NotReady(_))
    ));
    db.store.start_analysis(asks, 10).await.unwrap();
    assert!(matches!(
        db.store.replan(asks, None, Mode::Append, &[], &none).await,
        Err(Error::Invalid { .. })
    ));
    // Generation 1 is being read.
    assert_eq!(
        db.store
            .replan(asks, None, Mode::New, &[], &none)
            .await
            .unwrap(),
        2
    );
    assert!(matches!(
        db.store
            .save_plan(asks, &plan(1, Mode::New, &NUMBER, 1), &[])
            .await,
        Err(Error::OldGeneration { newest: 2 })
    ));
    db.store.cancel(asks).await.unwrap();
    assert!(matches!(
        db.store.replan(asks, None, Mode::New, &[], &none).await,
        Err(Error::Final(UploadState::Cancelled))
    ));
}

#[tokio::test]
async fn whoever_reads_the_former_generation_loses_the_lease() {
    let db = TestDb::new().await;
    let asks = asked(&db, new_target(), Mode::New).await;
    db.store.start_analysis(asks, 10).await.unwrap();
    let ttl = Duration::from_secs(60);
    db.store.lease(asks, "a", ttl).await.unwrap();
    let none = Options::default();
    db.store
        .replan(asks, None, Mode::New, &[], &none)
        .await
        .unwrap();
    assert!(!db.store.extend_lease(asks, "a", ttl).await.unwrap());
}

#[tokio::test]
async fn the_fault_of_one_generation_is_not_that_of_another() {
    let db = TestDb::new().await;
    let asks = asked(&db, new_target(), Mode::New).await;
    let problem = Problem::new(Code::Internal, "a batch cannot be written");
    let fail = async |generation| db.store.fail_generation(asks, generation, &problem).await;
    let import = db.open_generation(asks, 1, Mode::New, &NUMBER, 1).await;
    replanned(&db, &import, Mode::New).await;
    for other in [1, 3] {
        assert!(!fail(other).await.unwrap());
        assert_eq!(upload(&db, asks).await.state, UploadState::Analysing);
    }
    assert!(fail(2).await.unwrap());
    assert!(!fail(2).await.unwrap());
    assert_eq!(upload(&db, asks).await.problem, Some(problem.clone()));

    // The first one, before it has a plan.
    let unread = asked(&db, new_target(), Mode::New).await;
    assert!(db.store.fail_generation(unread, 1, &problem).await.unwrap());
}

#[tokio::test]
async fn planning_anew_does_not_use_up_the_columns_of_a_table() {
    let db = TestDb::new().await;
    let no = db.new_numbers(&[1]).await.dataset_no();
    let upload = asked(&db, db.existing(no).await, Mode::Append).await;
    let mut ids = Vec::new();
    for generation in 1..=4 {
        let kind = if generation == 3 {
            ColumnType::Int64
        } else {
            ColumnType::Text
        };
        let columns = [NUMBER[0], ("note", kind)];
        let import = db
            .open_generation(upload, generation, Mode::Append, &columns, 0)
            .await;
        ids.push(import.plan.file.columns[1].column.id.clone());
        replanned(&db, &import, Mode::Append).await;
    }
    assert_eq!(ids, ["col_2", "col_2", "col_3", "col_2"]);
}

#[tokio::test]
async fn columns_that_were_never_published_are_free_for_others() {
    let db = TestDb::new().await;
    let first = db.new_numbers(&[1]).await;
    let no = first.dataset_no();
    let add = async |upload: UploadId, generation: i32, names: &[&str]| {
        let mut columns = vec![NUMBER[0]];
        columns.extend(names.iter().map(|name| (*name, ColumnType::Text)));
        let import = db
            .open_generation(upload, generation, Mode::Append, &columns, 1)
            .await;
        let ids = import.plan.file.columns[1..].iter();
        let ids: Vec<String> = ids.map(|planned| planned.column.id.clone()).collect();
        (import, ids)
    };
    let ask = async || asked(&db, db.existing(no).await, Mode::Append).await;
    // Trying names uses up no more columns than one try.
    let tried = ask().await;
    for (generation, names) in [(1, ["a", "b"]), (2, ["c", "d"]), (3, ["d", "e"])] {
        let (import, ids) = add(tried, generation, &names).await;
        let wanted = if generation == 3 {
            // What has the same name keeps its number.
            ["col_3", "col_2"]
        } else {
            ["col_2", "col_3"]
        };
        assert_eq!(ids, wanted, "generation {generation}");
        import
            .write(&[import.batch(
                0,
                0,
                vec![ints(&[7]), texts(&[Some("x")]), texts(&[Some("y")])],
            )])
            .await;
        if generation < 3 {
            replanned(&db, &import, Mode::Append).await;
        }
    }
    // Meanwhile they are its own.
    let other = ask().await;
    let (other_import, ids) = add(other, 1, &["f"]).await;
    assert_eq!(ids, ["col_4"]);
    db.store.cancel(tried).await.unwrap();
    let (_, ids) = add(ask().await, 1, &["g", "h", "i"]).await;
    assert_eq!(ids, ["col_2", "col_3", "col_5"]);

    // What is published is never given away, whatever came to nothing before or since; and it holds nothing of those.
    let cells = vec![ints(&[2]), texts(&[Some("mine")])];
    other_import.write(&[other_import.batch(0, 0, cells)]).await;
    other_import.end(1, 1, 0).await;
    other_import.awaits().await;
    db.store.confirm(other, 1).await.unwrap();
    other_import.finish().await;
    let (last, ids) = add(ask().await, 1, &["f", "j"]).await;
    assert_eq!(ids, ["col_4", "col_6"]);
    db.store.cancel(last.upload).await.unwrap();
    let (_, ids) = add(ask().await, 1, &["k"]).await;
    assert_eq!(ids, ["col_6"]);
    let rows = walk(&db.store, no, &query(At::Head, Start::First, 10)).await;
    let cells: Vec<_> = rows.iter().map(|row| row.cells.clone()).collect();
    assert_eq!(
        cells,
        [
            vec![json!("1"), json!(null)],
            vec![json!("2"), json!("mine")]
        ]
    );
}

#[tokio::test]
async fn a_preview_shows_the_first_rows_by_their_records() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one")]).await;
    let target = db.existing(no).await;
    let upload = asked(&db, target, Mode::Append).await;
    let columns = [PAIR[1], ("extra", ColumnType::Int64), PAIR[0]];
    let import = db
        .open_generation(upload, 1, Mode::Append, &columns, 3)
        .await;
    let preview_of = |preview: Preview| {
        let rows = preview.rows.into_iter().map(|row| (row.place, row.cells));
        rows.collect::<Vec<_>>()
    };
    assert!(preview(&db, upload).await.rows.is_empty());
    let cells = vec![texts(&[Some("two"), None]), ints(&[7, 8]), ints(&[2, 3])];
    let mut batch = import.batch(0, 0, cells);
    batch.shown = vec![2, 5];
    batch.meta.quarantined = 1;
    batch.rejects = vec![Place {
        byte: 9,
        line: 4,
        record: 4,
        column: Some("extra".to_owned()),
        code: "type_mismatch".to_owned(),
        message: "no".to_owned(),
        raw: Some("x".to_owned()),
    }];
    import.write(std::slice::from_ref(&batch)).await;
    import.end(1, 2, 1).await;
    import.awaits().await;
    let shown = preview(&db, upload).await;
    let heads: Vec<_> = (shown.columns.iter())
        .map(|c| (c.column.name.as_str(), c.source.as_deref(), c.new))
        .collect();
    assert_eq!(
        heads,
        [
            ("name", Some("name"), false),
            ("extra", Some("extra"), true),
            ("number", Some("number"), false)
        ]
    );
    assert_eq!(shown.quarantined, batch.rejects);
    assert_eq!(shown.counts.unwrap().quarantined, 1);
    assert_eq!(
        preview_of(shown),
        [
            (2, vec![json!("two"), json!("7"), json!("2")]),
            (5, vec![json!(null), json!("8"), json!("3")])
        ]
    );
}

#[tokio::test]
async fn a_preview_of_a_merge_shows_what_changes_and_what_goes() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one"), (2, "two"), (3, "three")]).await;
    let file = [(2, "first"), (1, "one"), (2, "zwei"), (4, "four")];
    let import = pairs(&db, no, Mode::Sync, &file).await;
    import.awaits().await;
    let shown = preview(&db, import.upload).await;
    let counts = PreviewCounts {
        inserted: 1,
        updated: 1,
        unchanged: 1,
        superseded: 1,
        deleted: 1,
        quarantined: 0,
    };
    assert_eq!(shown.counts, Some(counts));
    let [update] = &shown.updated[..] else {
        panic!("{:?}", shown.updated)
    };
    assert_eq!(update.before, [json!("2"), json!("two")]);
    assert_eq!(update.after, [json!("2"), json!("zwei")]);
    assert_eq!(shown.deleted.len(), 1);
    assert_eq!(shown.deleted[0].cells, [json!("3"), json!("three")]);
    assert_eq!(numbers(&db.store, no, At::Head).await.len(), 3);
    db.store.confirm(import.upload, 1).await.unwrap();
    import.finish().await;
    assert_eq!(preview(&db, import.upload).await.counts, Some(counts));
}

#[tokio::test]
async fn an_edit_between_the_preview_and_the_answer_counts() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one"), (2, "two")]).await;
    let import = pairs(&db, no, Mode::Upsert, &[(1, "eins"), (2, "two")]).await;
    import.awaits().await;
    db.edit(no, "c1 + 10", "c1 = 1").await;
    db.store.confirm(import.upload, 1).await.unwrap();
    assert_eq!(import.finish().await, 3);
    let receipt = upload(&db, import.upload).await.receipt.unwrap();
    assert_eq!(
        (receipt.inserted, receipt.updated, receipt.unchanged),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn what_other_options_can_mend_waits_for_them() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one"), (1, "uno"), (2, "two")]).await;
    let import = pairs(&db, no, Mode::Upsert, &[(1, "eins")]).await;
    import.awaits().await;
    let waiting = upload(&db, import.upload).await;
    assert_eq!(waiting.state, UploadState::AwaitingConfirmation);
    assert_eq!(waiting.problem.unwrap().pointer.as_deref(), Some("/key"));
    assert!(matches!(
        db.store.confirm(import.upload, 1).await,
        Err(Error::Unmended(problem)) if problem.code == Code::Validation
    ));
    assert_eq!(preview(&db, import.upload).await.counts, None);
    let by_name = db
        .store
        .replan(
            import.upload,
            None,
            Mode::Upsert,
            &["name".to_owned()],
            &Options::default(),
        )
        .await;
    assert_eq!(by_name.unwrap(), 2);
    assert_eq!(upload(&db, import.upload).await.problem, None);

    // So does one that came to light when it was confirmed already, and of a former generation nothing counts any more.
    db.store
        .replan(
            import.upload,
            None,
            Mode::Upsert,
            &key_of(Mode::Upsert),
            &Options::default(),
        )
        .await
        .unwrap();
    let problem = Problem::new(Code::Validation, "of a former one");
    assert!(
        db.store
            .ask_to_mend(import.upload, 2, &problem)
            .await
            .unwrap()
    );
    assert_eq!(
        upload(&db, import.upload).await.state,
        UploadState::Analysing
    );
    let third = pairs_of(&db, import.upload, 3, Mode::Upsert, &[(2, "zwei")]).await;
    third.awaits().await;
    db.edit(no, "2", "c2 = 'uno'").await;
    db.store.confirm(import.upload, 3).await.unwrap();
    third.awaits().await;
    let none = Options::default();
    assert_eq!(
        db.store
            .replan(import.upload, None, Mode::Append, &[], &none)
            .await
            .unwrap(),
        4
    );
    let fourth = pairs_of(&db, import.upload, 4, Mode::Append, &[(2, "zwei")]).await;
    fourth.awaits().await;
    db.store.confirm(import.upload, 4).await.unwrap();
    fourth.finish().await;

    let auto = db.open_new(&NUMBER, 1).await;
    assert!(
        !db.store
            .ask_to_mend(auto.upload, 1, &problem)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn what_is_cancelled_or_never_confirmed_is_swept() {
    let db = TestDb::new().await;
    let no = db.new_numbers(&[1]).await.dataset_no();
    let dropped = loaded(&db, db.existing(no).await, Mode::Append, &[2]).await;
    dropped.awaits().await;
    db.store.cancel(dropped.upload).await.unwrap();
    assert!(matches!(
        db.store.confirm(dropped.upload, 1).await,
        Err(Error::Final(UploadState::Cancelled))
    ));
    let forgotten = loaded(&db, db.existing(no).await, Mode::Append, &[3]).await;
    forgotten.awaits().await;
    let answered = loaded(&db, db.existing(no).await, Mode::Append, &[4]).await;
    answered.awaits().await;
    db.store.confirm(answered.upload, 1).await.unwrap();
    let week = Duration::from_secs(7 * 24 * 3_600);
    assert!(db.store.expire_unconfirmed(week).await.unwrap().is_empty());
    db.execute("update gk.import set waiting_since = waiting_since - interval '8 days'")
        .await;
    assert_eq!(
        db.store.expire_unconfirmed(week).await.unwrap(),
        [forgotten.upload]
    );
    assert!(db.store.expire_unconfirmed(week).await.unwrap().is_empty());
    let expired = upload(&db, forgotten.upload).await;
    assert_eq!(expired.state, UploadState::Cancelled);
    assert_eq!(expired.problem.unwrap().code, Code::Expired);
    answered.finish().await;
    db.store.sweep(1_000).await.unwrap();
    assert_eq!(
        db.number(&format!("select count(*) from data.d_{no}"))
            .await,
        2
    );
}

#[tokio::test]
async fn a_mapping_is_remembered_when_it_is_published() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one")]).await;
    let import_as = async |by: MappedBy| {
        let upload = asked(&db, db.existing(no).await, Mode::Append).await;
        let mut plan = plan(1, Mode::Append, &PAIR, 0);
        let mapped = |file: &str, by| Mapped {
            file: file.to_owned(),
            column: None,
            name: String::new(),
            by,
        };
        plan.file.mapping = vec![mapped("number", MappedBy::Exact), mapped("label", by)];
        plan.file.mapping.push(mapped("note", MappedBy::LeftOut));
        if by == MappedBy::Exact {
            plan.file.mapping.pop();
        }
        let plan = db.store.save_plan(upload, &plan, &[]).await.unwrap();
        // The columns have their ids by then.
        assert_eq!(plan.file.mapping[1].column.as_deref(), Some("col_2"));
        assert_eq!(plan.file.mapping[1].name, "name");
        db.store.open_load(upload, 1).await.unwrap();
        let end = EndOfLoad {
            batches: 0,
            rows: 0,
            quarantined: 0,
        };
        db.store.end_of_load(upload, 1, end).await.unwrap();
        db.store.publish_if_complete(upload).await.unwrap();
        upload
    };
    let upload = import_as(MappedBy::Alike).await;
    assert!(db.store.mappings(no).await.unwrap().is_empty());
    db.store.confirm(upload, 1).await.unwrap();
    db.store.publish_if_complete(upload).await.unwrap();
    let remembered = StoredMapping {
        header: ["number", "label", "note"].map(str::to_owned).to_vec(),
        columns: BTreeMap::from([
            ("number".to_owned(), Some("col_1".to_owned())),
            ("label".to_owned(), Some("col_2".to_owned())),
            ("note".to_owned(), None),
        ]),
    };
    let stored = db.store.mappings(no).await.unwrap();
    assert_eq!(stored, std::slice::from_ref(&remembered));
    let upload = import_as(MappedBy::Exact).await;
    db.store.confirm(upload, 1).await.unwrap();
    db.store.publish_if_complete(upload).await.unwrap();
    let upload = import_as(MappedBy::Chosen).await;
    db.store.confirm(upload, 1).await.unwrap();
    db.store.publish_if_complete(upload).await.unwrap();
    assert_eq!(db.store.mappings(no).await.unwrap(), [remembered]);
}

/// Appends one pair, whose file's column `note` goes there.
async fn teach(db: &TestDb, dataset_no: i64, note: Option<&str>) -> i64 {
    let upload = db.ask(db.existing(dataset_no).await, Mode::Append).await;
    let mut plan = plan(1, Mode::Append, &PAIR, 1);
    let mapped = |file: &str, column: Option<&str>, by| Mapped {
        file: file.to_owned(),
        column: column.map(str::to_owned),
        name: String::new(),
        by,
    };
    plan.file.mapping = vec![
        mapped("number", None, MappedBy::Exact),
        mapped("label", None, MappedBy::Chosen),
        mapped("note", note, MappedBy::Chosen),
    ];
    let import = Import {
        plan: db.store.save_plan(upload, &plan, &[]).await.unwrap(),
        load: db.store.open_load(upload, 1).await.unwrap(),
        store: db.store.clone(),
        upload,
        generation: 1,
    };
    write_pairs(&import, &[(9, "nine")]).await;
    import.finish().await
}

#[tokio::test]
async fn an_import_that_is_undone_has_taught_nothing() {
    let db = TestDb::new().await;
    let no = named(&db, &[(1, "one")]).await;
    let note = async || {
        let mappings = db.store.mappings(no).await.unwrap();
        assert!(mappings.len() <= 1, "{mappings:?}");
        mappings.first().map(|known| known.columns["note"].clone())
    };
    let restore = async |version| {
        let restored = db.store.restore(no, db.member, version, "").await.unwrap();
        assert!(
            matches!(restored, Restored::Published { .. }),
            "{restored:?}"
        );
    };
    let col_2 = Some(Some("col_2".to_owned()));
    assert_eq!(note().await, None);
    assert_eq!(teach(&db, no, None).await, 2);
    assert_eq!(teach(&db, no, None).await, 3);
    assert_eq!(note().await, Some(None));
    assert_eq!(teach(&db, no, Some("col_2")).await, 4);
    assert_eq!(note().await, col_2);

    restore(3).await;
    assert_eq!(note().await, Some(None));
    restore(1).await;
    assert_eq!(note().await, None);
    // And back again, one by one.
    restore(2).await;
    assert_eq!(note().await, Some(None));
    restore(4).await;
    assert_eq!(note().await, col_2);
    restore(6).await;
    assert_eq!(note().await, None);
    // What is taught from there on is undone by itself.
    assert_eq!(teach(&db, no, None).await, 10);
    assert_eq!(note().await, Some(None));
    restore(8).await;
    assert_eq!(note().await, col_2);
}
