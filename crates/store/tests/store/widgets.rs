//! Widgets and aggregates: the numbers are those of a version, whatever is on its way, and follow the head once per version.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use contracts::{
    DatasetId,
    dataset::{Column, ColumnType, VersionKind},
    upload::Mode,
    widget::{GroupOrder, Position, Widget, WidgetDefinition, WidgetKind},
};
use serde_json::{Value, json};
use store::{At, Cells, Change, Commit, Error, Filter, NewCommit, aggregate::Aggregation};

use crate::helper::TestDb;

fn definition(kind: WidgetKind, group: Option<&str>, measures: &[&str]) -> WidgetDefinition {
    WidgetDefinition {
        title: "A widget".to_owned(),
        kind,
        group: group.map(str::to_owned),
        measures: measures.iter().map(|m| (*m).to_owned()).collect(),
        filter: None,
        sort: GroupOrder::Group,
        limit: 1_000,
        position: Position {
            x: 0,
            y: 0,
            w: 4,
            h: 2,
        },
    }
}

fn aggregation(group: Option<&str>, measures: &[&str]) -> Aggregation {
    Aggregation::of(&definition(WidgetKind::Bar, group, measures)).unwrap()
}

async fn id_of(db: &TestDb, no: i64) -> DatasetId {
    let id: String = sqlx::query_scalar("select id from gk.dataset where no = $1")
        .bind(no)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    id.parse().unwrap()
}

/// Sales: where, when, how many, at what price.
async fn sales(db: &TestDb, rows: &[[Option<&str>; 4]]) -> i64 {
    let columns = [
        ("place", ColumnType::Text),
        ("day", ColumnType::Date),
        ("pieces", ColumnType::Int64),
        ("price", ColumnType::Float),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, kind)| Column {
            id: String::new(),
            name: name.to_owned(),
            kind,
            format: None,
            null_token: None,
        })
        .collect();
    let no = db
        .store
        .create_dataset(db.member, "Sales", columns)
        .await
        .unwrap();
    if !rows.is_empty() {
        add(db, no, rows).await;
    }
    no
}

async fn add(db: &TestDb, no: i64, rows: &[[Option<&str>; 4]]) -> i64 {
    let changes = rows
        .iter()
        .map(|row| {
            let cells: Cells = row
                .iter()
                .enumerate()
                .map(|(at, value)| (format!("col_{}", at + 1), value.map(str::to_owned)))
                .collect();
            Change::Insert(cells)
        })
        .collect();
    commit(db, no, changes).await
}

async fn commit(db: &TestDb, no: i64, changes: Vec<Change>) -> i64 {
    let base = db.store.resolve(no, At::Head).await.unwrap().version;
    let new = NewCommit {
        author: db.member,
        kind: VersionKind::Grid,
        message: String::new(),
        base,
        changes,
        idempotency: None,
    };
    match db.store.commit(no, &new).await.unwrap() {
        Commit::Done { version, .. } => version,
        other => panic!("{other:?}"),
    }
}

const SALES: [[Option<&str>; 4]; 5] = [
    [Some("Ulm"), Some("2024-01-31"), Some("3"), Some("1.5")],
    [
        Some("Köln"),
        Some("2024-02-01"),
        Some("9223372036854775807"),
        Some("0.1"),
    ],
    [Some("Ulm"), Some("2024-02-29"), Some("4"), Some("0.2")],
    [None, Some("2024-02-10"), None, None],
    [Some(""), None, Some("1"), Some("2.5")],
];

#[tokio::test]
async fn every_function_and_bucket_says_what_postgresql_says() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let ask = async |group: Option<&str>, measures: &[&str]| -> Vec<Vec<Value>> {
        db.store
            .aggregate(no, At::Head, &aggregation(group, measures))
            .await
            .unwrap()
            .series
            .rows
    };
    assert_eq!(
        ask(
            None,
            &["count", "count:place", "sum:pieces", "min:day", "max:price"]
        )
        .await,
        [vec![
            json!("5"),
            json!("4"),
            // More than an int64 holds.
            json!("9223372036854775815"),
            json!("2024-01-31"),
            json!(2.5)
        ]]
    );
    assert_eq!(
        ask(Some("place"), &["count", "avg:pieces", "avg:price"]).await,
        [
            vec![json!(""), json!("1"), json!("1"), json!(2.5)],
            vec![
                json!("Köln"),
                json!("1"),
                json!("9223372036854775807"),
                json!(0.1)
            ],
            vec![json!("Ulm"), json!("2"), json!("3.5"), json!(0.85)],
            vec![Value::Null, json!("1"), Value::Null, Value::Null],
        ]
    );
    for (bucket, first, groups) in [
        ("day", "2024-01-31", 5),
        ("week", "2024-01-29", 4),
        ("month", "2024-01-01", 3),
        ("quarter", "2024-01-01", 2),
        ("year", "2024-01-01", 2),
    ] {
        let by = format!("col_2:{bucket}");
        let rows = ask(Some(by.as_str()), &["count"]).await;
        assert_eq!(
            (rows.len(), &rows[0][0]),
            (groups, &json!(first)),
            "{bucket}"
        );
        assert_eq!(rows[groups - 1], [Value::Null, json!("1")], "{bucket}");
    }
    let mut largest = aggregation(Some("place"), &["sum:price"]);
    largest.order = GroupOrder::Measure;
    largest.limit = 2;
    let found = db.store.aggregate(no, At::Head, &largest).await.unwrap();
    assert!(found.series.more);
    assert_eq!(
        found.series.rows,
        [vec![json!(""), json!(2.5)], vec![json!("Ulm"), json!(1.7)]]
    );
    let old = db
        .store
        .aggregate(no, At::Version(1), &aggregation(Some("place"), &["count"]))
        .await
        .unwrap();
    assert_eq!(
        (old.version, old.series.rows),
        (1, Vec::<Vec<Value>>::new())
    );
}

#[tokio::test]
async fn what_does_not_fit_its_column_is_named() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    for (group, measure, at) in [
        (Some("nowhere"), "count", "group"),
        (Some("place:month"), "count", "group"),
        (None, "sum:place", "measures"),
        (None, "avg:day", "measures"),
        (None, "sum:nothing", "measures"),
    ] {
        let asked = aggregation(group, &[measure]);
        match db.store.aggregate(no, At::Head, &asked).await {
            Err(Error::Invalid { pointer, .. }) => assert_eq!(pointer, at, "{group:?} {measure}"),
            other => panic!("{group:?} {measure}: {other:?}"),
        }
    }
    add(
        &db,
        no,
        &[
            [None, None, None, Some("1e308")],
            [None, None, None, Some("1e308")],
        ],
    )
    .await;
    let over = db
        .store
        .aggregate(no, At::Head, &aggregation(None, &["sum:price"]))
        .await;
    assert!(matches!(over, Err(Error::Invalid { .. })), "{over:?}");
}

#[tokio::test]
async fn a_widget_follows_the_head_once_per_version_and_remembers_the_number_before() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let dataset = id_of(&db, no).await;
    let number = db
        .store
        .create_widget(
            no,
            &definition(WidgetKind::Number, None, &["count", "sum:price"]),
        )
        .await
        .unwrap();
    assert_eq!((number.version, number.previous.clone()), (Some(2), None));
    assert_eq!(number.series.rows, [[json!("5"), json!(4.3)]]);

    let version = add(&db, no, &[[Some("Bonn"), None, Some("1"), Some("0.7")]]).await;
    // The view is what it was until somebody refreshes it.
    assert_eq!(show(&db, no, &number).await.version, Some(2));
    let all = tokio::join!(
        db.store.refresh_widgets(dataset),
        db.store.refresh_widgets(dataset),
        db.store.refresh_widgets(dataset)
    );
    let made = [all.0, all.1, all.2].map(|done| done.unwrap().widgets);
    assert_eq!(made.iter().sum::<u64>(), 1, "{made:?}");
    let shown = show(&db, no, &number).await;
    assert_eq!(shown.version, Some(version));
    assert_eq!(shown.series.rows, [[json!("6"), json!(5.0)]]);
    assert_eq!(shown.previous, Some(vec![json!("5"), json!(4.3)]));
    // The event once more, and much later.
    let again = db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!(again.widgets, 0);
    assert_eq!(
        show(&db, no, &number).await.refreshed_at,
        shown.refreshed_at
    );

    // Back to the old numbers by a restore.
    db.store.restore(no, db.member, 2, "").await.unwrap();
    db.store.refresh_widgets(dataset).await.unwrap();
    let back = show(&db, no, &number).await;
    assert_eq!(back.series.rows, number.series.rows);
    assert_eq!(back.previous, Some(vec![json!("6"), json!(5.0)]));
}

#[tokio::test]
async fn a_number_and_the_one_before_are_always_of_versions_next_to_each_other() {
    let db = TestDb::new().await;
    let no = sales(&db, &[]).await;
    let dataset = id_of(&db, no).await;
    let counted = definition(WidgetKind::Number, None, &["count"]);
    let id = db.store.create_widget(no, &counted).await.unwrap().id;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, done) = (db.store.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let seen = store.show_widget(no, id).await.unwrap();
                    // Version v has v - 1 rows.
                    let count = seen.version.unwrap() - 1;
                    assert_eq!(seen.series.rows, [[json!(count.to_string())]]);
                    if count > 0 {
                        assert_eq!(seen.previous, Some(vec![json!((count - 1).to_string())]));
                    }
                }
            })
        })
        .collect();
    for _ in 0..40 {
        add(&db, no, &[[None, None, None, None]]).await;
        db.store.refresh_widgets(dataset).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

async fn show(db: &TestDb, no: i64, widget: &Widget) -> Widget {
    db.store.show_widget(no, widget.id).await.unwrap()
}

#[tokio::test]
async fn rows_in_flight_and_hidden_imports_are_in_no_widget() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1, 2, 3]).await;
    let no = import.dataset_no();
    let dataset = id_of(&db, no).await;
    let sum = db
        .store
        .create_widget(
            no,
            &definition(WidgetKind::Number, None, &["count", "sum:number"]),
        )
        .await
        .unwrap();
    let target = db.existing(no).await;
    let flying = db
        .open(target, Mode::Append, &[("number", ColumnType::Int64)], 2)
        .await;
    flying.write_numbers(&[100, 200], 4_096).await;
    // A version is published while the rows lie there.
    commit(
        &db,
        no,
        vec![Change::Insert(vec![(
            "col_1".to_owned(),
            Some("4".to_owned()),
        )])],
    )
    .await;
    db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!(
        show(&db, no, &sum).await.series.rows,
        [[json!("4"), json!("10")]]
    );
    flying.finish().await;
    db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!(
        show(&db, no, &sum).await.series.rows,
        [[json!("6"), json!("310")]]
    );
    let target = db.existing(no).await;
    db.import_numbers(target, Mode::Replace, &[7]).await;
    db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!(
        show(&db, no, &sum).await.series.rows,
        [[json!("1"), json!("7")]]
    );
}

#[tokio::test]
async fn a_filter_of_every_type_is_written_into_the_view_as_it_is_bound_elsewhere() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let nasty = r#"it's \ a "test" $1 E'\\' ; --"#;
    add(
        &db,
        no,
        &[[Some(nasty), Some("2024-03-01"), Some("-5"), Some("-0.25")]],
    )
    .await;
    for filter in [
        Filter::eq("place", nasty),
        Filter::eq("pieces", -5),
        Filter::eq("price", -0.25),
        Filter::eq("day", "2024-03-01"),
        serde_json::from_value(json!({"and": [{"column": "pieces", "op": "lt", "value": "0"},
            {"or": [{"column": "place", "op": "contains", "value": r"\ a"}, {"column": "place", "op": "is_null"}]}]})).unwrap(),
    ] {
        let mut asked = aggregation(None, &["count"]);
        asked.filter = Some(filter.clone());
        let computed = db.store.aggregate(no, At::Head, &asked).await.unwrap();
        assert_eq!(computed.series.rows, [[json!("1")]], "{filter:?}");
        let mut kept = definition(WidgetKind::Number, None, &["count"]);
        kept.filter = Some(serde_json::to_value(&filter).unwrap());
        let widget = db.store.create_widget(no, &kept).await.unwrap();
        assert_eq!(widget.series.rows, computed.series.rows, "{filter:?}");
    }
}

#[tokio::test]
async fn a_changed_definition_makes_the_numbers_anew_and_a_reader_never_sees_half_of_it() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let by_place = definition(WidgetKind::Bar, Some("place"), &["count"]);
    let by_month = definition(WidgetKind::Bar, Some("day:month"), &["sum:pieces", "count"]);
    let widget = db.store.create_widget(no, &by_place).await.unwrap();
    let (store, id) = (db.store.clone(), widget.id);
    let reader = tokio::spawn(async move {
        for _ in 0..200 {
            let seen = store.show_widget(no, id).await.unwrap();
            let wide = seen.series.columns.len();
            assert!(seen.series.rows.iter().all(|row| row.len() == wide));
            assert_eq!(seen.series.rows.len(), if wide == 2 { 4 } else { 3 });
        }
    });
    for turn in 0..20 {
        let (seen, next) = if turn % 2 == 0 {
            (&by_place, &by_month)
        } else {
            (&by_month, &by_place)
        };
        let made = db.store.update_widget(no, id, seen, next).await.unwrap();
        assert!(made.is_some());
    }
    reader.await.unwrap();
    // Somebody else's change in between is not overwritten.
    let lost = db
        .store
        .update_widget(no, id, &by_month, &by_month)
        .await
        .unwrap();
    assert!(lost.is_none());
    db.store.delete_widget(no, id).await.unwrap();
    let views = db
        .number("select count(*) from pg_matviews where schemaname = 'data'")
        .await;
    assert_eq!(views, 0);
}

#[tokio::test]
async fn a_widget_that_cannot_be_computed_says_why_and_comes_back() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let dataset = id_of(&db, no).await;
    let sum = db
        .store
        .create_widget(no, &definition(WidgetKind::Number, None, &["sum:price"]))
        .await
        .unwrap();
    add(
        &db,
        no,
        &[
            [None, None, None, Some("1e308")],
            [None, None, None, Some("1e308")],
        ],
    )
    .await;
    let done = db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!((done.widgets, done.problems), (0, 1));
    let broken = show(&db, no, &sum).await;
    assert!(broken.series.rows.is_empty());
    assert!(
        broken
            .problem
            .unwrap()
            .detail
            .contains("larger than a float")
    );
    db.store.restore(no, db.member, 2, "").await.unwrap();
    db.store.refresh_widgets(dataset).await.unwrap();
    let mended = show(&db, no, &sum).await;
    assert_eq!(
        (mended.problem, mended.series.rows),
        (None, sum.series.rows)
    );
}

#[tokio::test]
async fn sql_readers_see_the_head_by_a_view_that_follows_columns() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&[1, 2, 3]).await;
    let no = import.dataset_no();
    let dataset = id_of(&db, no).await;
    let made = tokio::join!(
        db.store.remake_reader_view(dataset),
        db.store.remake_reader_view(dataset)
    );
    assert_eq!(
        usize::from(made.0.unwrap()) + usize::from(made.1.unwrap()),
        1
    );
    let sum = async |column: &str| {
        db.number(&format!("select sum({column})::bigint from data.v_{no}"))
            .await
    };
    assert_eq!(sum("col_1").await, 6);
    // Rows in flight are not seen; an edit is, without the view being made anew.
    let target = db.existing(no).await;
    let flying = db
        .open(target, Mode::Append, &[("number", ColumnType::Int64)], 1)
        .await;
    flying.write_numbers(&[100], 4_096).await;
    assert_eq!(sum("col_1").await, 6);
    db.edit(no, "c1 * 2", "c1 = 3").await;
    assert_eq!(sum("col_1").await, 9);
    db.store.cancel(flying.upload).await.unwrap();
    assert!(!db.store.remake_reader_view(dataset).await.unwrap());

    // Other columns, with names that would break out of a literal.
    let target = db.existing(no).await;
    let odd = r"it's \ ; --";
    let wider = db
        .open(
            target,
            Mode::Replace,
            &[("number", ColumnType::Int64), (odd, ColumnType::Text)],
            1,
        )
        .await;
    let cells: Vec<arrow_array::ArrayRef> = vec![
        std::sync::Arc::new(arrow_array::Int64Array::from(vec![5])),
        std::sync::Arc::new(arrow_array::StringArray::from(vec!["x"])),
    ];
    wider.write(&[wider.batch(0, 0, cells)]).await;
    wider.end(1, 1, 0).await;
    wider.finish().await;
    assert!(db.store.remake_reader_view(dataset).await.unwrap());
    let names: Vec<Option<String>> = sqlx::query_scalar(
        "select col_description(attrelid, attnum) from pg_attribute where attrelid = $1::text::regclass and attnum > 1 order by attnum",
    )
    .bind(format!("data.v_{no}"))
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(names, [Some("number".to_owned()), Some(odd.to_owned())]);
    assert_eq!(sum("col_1").await, 5);
    db.store.delete_dataset(no).await.unwrap();
    assert!(!db.store.remake_reader_view(dataset).await.unwrap());
    db.store.sweep(1_000).await.unwrap();
}

#[tokio::test]
async fn a_deleted_datasets_views_go_with_its_tables() {
    let db = TestDb::new().await;
    let no = sales(&db, &SALES).await;
    let dataset = id_of(&db, no).await;
    db.store
        .create_widget(no, &definition(WidgetKind::Bar, Some("place"), &["count"]))
        .await
        .unwrap();
    db.store.delete_dataset(no).await.unwrap();
    db.store.sweep(1_000).await.unwrap();
    assert_eq!(db.number("select count(*) from pg_matviews").await, 0);
    let after = db.store.refresh_widgets(dataset).await.unwrap();
    assert_eq!(after.widgets, 0);
}
