//! Pages: any order, any start, any version, every row once.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use contracts::{
    dataset::{ColumnType, Row},
    upload::Mode,
};
use serde_json::{Value, json};
use store::{At, Error, Filter, RowsQuery, Sort, SortKey, Start};

use crate::helper::{Import, TestDb, check_counts, ids, new_target, number, query, walk};

const COLUMNS: [(&str, ColumnType); 2] =
    [("number", ColumnType::Int64), ("word", ColumnType::Text)];

/// Numbers and words with many ties and nulls.
fn cells(rows: std::ops::Range<i64>) -> Vec<ArrayRef> {
    let scramble = |n: i64| n.wrapping_mul(2_654_435_761).rem_euclid(1_000_003);
    let numbers: Vec<_> = rows
        .clone()
        .map(|n| (n % 7 != 0).then(|| scramble(n) % 20))
        .collect();
    let words: Vec<_> = rows
        .map(|n| (n % 5 != 0).then(|| format!("w{}", scramble(n) % 50)))
        .collect();
    vec![
        Arc::new(Int64Array::from(numbers)),
        Arc::new(StringArray::from(words)),
    ]
}

async fn load(db: &TestDb, import: &Import, from: i64, rows: i64, batch: i64) {
    let mut batches = Vec::new();
    for (no, lo) in (0..rows).step_by(batch as usize).enumerate() {
        let cells = cells(from + lo..from + (lo + batch).min(rows));
        batches.push(import.batch(no as u32, lo as u64, cells));
    }
    import.write(&batches).await;
    import.end(batches.len(), rows as usize, 0).await;
    import.finish().await;
    let _ = db;
}

/// A dataset whose versions have seen an append, hidden imports between and at the end, and edits.
async fn ragged(db: &TestDb) -> i64 {
    let first = db.open(new_target(), Mode::New, &COLUMNS, 400).await;
    load(db, &first, 0, 400, 64).await;
    let no = first.dataset_no();
    let existing = db.existing(no).await;
    let hidden = db.open(existing.clone(), Mode::Append, &COLUMNS, 300).await;
    hidden.write(&[hidden.batch(0, 0, cells(0..300))]).await;
    let second = db.open(existing.clone(), Mode::Append, &COLUMNS, 250).await;
    load(db, &second, 1_000, 250, 50).await;
    db.store.cancel(hidden.upload).await.unwrap();
    db.edit(no, "3", "row_id % 10 = 4").await;
    let flying = db.open(existing, Mode::Append, &COLUMNS, 200).await;
    flying.write(&[flying.batch(0, 0, cells(0..200))]).await;
    no
}

fn view(at: At, column: &str, descending: bool) -> RowsQuery {
    RowsQuery {
        sort: Sort::by(column.to_owned(), descending),
        ..query(at, Start::First, 97)
    }
}

/// The order that a view promises, sorted here: nulls last, ties by row id, both ways.
fn sorted(mut rows: Vec<Row>, keys: &[(&str, bool)]) -> Vec<String> {
    rows.sort_by(|a, b| {
        let by_key = |(column, descending): &(&str, bool)| compare(a, b, column, *descending);
        let order = keys.iter().map(by_key).find(|order| order.is_ne());
        order.unwrap_or_else(|| compare(a, b, "row_id", false))
    });
    rows.into_iter().map(|row| row.row_id).collect()
}

fn compare(a: &Row, b: &Row, column: &str, descending: bool) -> std::cmp::Ordering {
    let key = |row: &Row| {
        let number = |text: &str| (text.parse::<i64>().unwrap(), String::new());
        match column {
            "row_id" => Some(number(&row.row_id)),
            "number" => row.cells[0].as_str().map(number),
            _ => row.cells[1].as_str().map(|text| (0, text.to_owned())),
        }
    };
    match (key(a), key(b)) {
        (None, None) => std::cmp::Ordering::Equal,
        (None, _) => std::cmp::Ordering::Greater,
        (_, None) => std::cmp::Ordering::Less,
        (a, b) if descending => b.cmp(&a),
        (a, b) => a.cmp(&b),
    }
}

#[tokio::test]
async fn a_walk_in_any_order_equals_a_full_sort_at_every_version() {
    let db = TestDb::new().await;
    let no = ragged(&db).await;
    for (version, rows) in [(1, 400), (2, 650), (3, 650)] {
        let at = At::Version(version);
        let all = walk(&db.store, no, &query(at, Start::First, 1_000)).await;
        assert_eq!(all.len(), rows);
        for column in ["row_id", "number", "col_2"] {
            for descending in [false, true] {
                let wanted = sorted(all.clone(), &[(column, descending)]);
                let walked = walk(&db.store, no, &view(at, column, descending)).await;
                let walked: Vec<_> = walked.into_iter().map(|row| row.row_id).collect();
                assert_eq!(
                    walked, wanted,
                    "version {version}, {column}, descending {descending}"
                );
            }
        }
    }
    check_counts_of_words(&db, no).await;
}

#[tokio::test]
async fn a_walk_by_several_columns_equals_a_full_sort_and_so_do_its_positions() {
    let db = TestDb::new().await;
    let no = ragged(&db).await;
    for version in [1, 3] {
        let at = At::Version(version);
        let all = walk(&db.store, no, &query(at, Start::First, 1_000)).await;
        for keys in [
            vec![("number", false), ("word", true)],
            vec![("word", true), ("number", true)],
            vec![("number", true), ("row_id", true)],
            vec![("number", false), ("number", true), ("word", false)],
        ] {
            let wanted = sorted(all.clone(), &keys);
            let view = RowsQuery {
                sort: Sort(
                    keys.iter()
                        .map(|(column, descending)| SortKey {
                            column: (*column).to_owned(),
                            descending: *descending,
                        })
                        .collect(),
                ),
                ..query(at, Start::First, 97)
            };
            let walked = walk(&db.store, no, &view).await;
            let walked: Vec<_> = walked.into_iter().map(|row| row.row_id).collect();
            assert_eq!(walked, wanted, "version {version}, {keys:?}");
            let jump = RowsQuery {
                start: Start::Position(123),
                limit: 1,
                ..view
            };
            let page = db.store.page(no, &jump).await.unwrap();
            assert_eq!(
                page.rows[0].row_id, wanted[123],
                "version {version}, {keys:?}"
            );
        }
    }
}

async fn check_counts_of_words(db: &TestDb, no: i64) {
    for version in 1..=3 {
        let blocks = db
            .number(&format!("select sum(n)::bigint from data.d_{no}_blocks where v_from <= {version} and v_to > {version}"))
            .await;
        let snapshot = db.store.resolve(no, At::Version(version)).await.unwrap();
        assert_eq!(blocks, snapshot.rows);
    }
}

#[tokio::test]
async fn a_position_is_where_the_walk_would_come_to() {
    let db = TestDb::new().await;
    let no = ragged(&db).await;
    for version in 1..=3 {
        for (column, descending) in [
            ("row_id", false),
            ("row_id", true),
            ("number", false),
            ("word", true),
        ] {
            let view = view(At::Version(version), column, descending);
            let walked = walk(&db.store, no, &view).await;
            let end = walked.len() as u64;
            for position in [
                0,
                1,
                63,
                64,
                65,
                399,
                400,
                401,
                end - 1,
                end,
                end + 1,
                u64::MAX,
            ] {
                let page = db
                    .store
                    .page(
                        no,
                        &RowsQuery {
                            start: Start::Position(position),
                            limit: 10,
                            ..view.clone()
                        },
                    )
                    .await
                    .unwrap();
                let from = position.min(end) as usize;
                let wanted: Vec<i64> = walked[from..(from + 10).min(walked.len())]
                    .iter()
                    .map(|row| row.row_id.parse().unwrap())
                    .collect();
                assert_eq!(
                    ids(&page),
                    wanted,
                    "version {version}, {column}, position {position}"
                );
                assert_eq!(page.next.is_some(), position.saturating_add(10) < end);
                assert_eq!(page.total, end as i64);
            }
        }
    }
}

#[tokio::test]
async fn a_filter_shows_what_it_says_in_every_order_and_counts_it() {
    let db = TestDb::new().await;
    let no = ragged(&db).await;
    let all = walk(&db.store, no, &query(At::Head, Start::First, 1_000)).await;
    let num = |row: &Row| row.cells[0].as_str().map(|_| number(&row.cells[0]));
    let word = |row: &Row| row.cells[1].as_str().map(str::to_owned);
    type Pick<'a> = Box<dyn Fn(&Row) -> bool + 'a>;
    let cases: Vec<(Value, Pick<'_>)> = vec![
        (
            json!({"column": "number", "op": "eq", "value": "3"}),
            Box::new(|r| num(r) == Some(3)),
        ),
        (
            json!({"column": "number", "op": "eq", "value": 3}),
            Box::new(|r| num(r) == Some(3)),
        ),
        (
            json!({"column": "number", "op": "ne", "value": "3"}),
            Box::new(|r| num(r) != Some(3)),
        ),
        (
            json!({"column": "number", "op": "lt", "value": "3"}),
            Box::new(|r| num(r).is_some_and(|n| n < 3)),
        ),
        (
            json!({"column": "number", "op": "ge", "value": "17"}),
            Box::new(|r| num(r).is_some_and(|n| n >= 17)),
        ),
        (
            json!({"column": "number", "op": "in", "value": ["3", 5]}),
            Box::new(|r| matches!(num(r), Some(3 | 5))),
        ),
        (
            json!({"column": "number", "op": "in", "value": []}),
            Box::new(|_| false),
        ),
        (
            json!({"column": "number", "op": "is_null"}),
            Box::new(|r| num(r).is_none()),
        ),
        (
            json!({"column": "number", "op": "is_null", "value": false}),
            Box::new(|r| num(r).is_some()),
        ),
        (
            json!({"column": "word", "op": "contains", "value": "4"}),
            Box::new(|r| word(r).is_some_and(|w| w.contains('4'))),
        ),
        (
            json!({"column": "word", "op": "contains", "value": "%"}),
            Box::new(|_| false),
        ),
        (
            json!({"column": "word", "op": "starts_with", "value": "w1"}),
            Box::new(|r| word(r).is_some_and(|w| w.starts_with("w1"))),
        ),
        (
            json!({"and": [{"column": "number", "op": "gt", "value": 5},
                {"or": [{"column": "col_2", "op": "is_null"}, {"column": "word", "op": "le", "value": "w2"}]}]}),
            Box::new(|r| {
                num(r).is_some_and(|n| n > 5) && word(r).is_none_or(|w| w.as_str() <= "w2")
            }),
        ),
        (json!({"and": []}), Box::new(|_| true)),
        (json!({"or": []}), Box::new(|_| false)),
    ];
    for (filter, pick) in cases {
        let wanted: Vec<Row> = all.iter().filter(|row| pick(row)).cloned().collect();
        let parsed: Filter = serde_json::from_value(filter.clone()).unwrap();
        for (column, descending) in [("row_id", false), ("number", true)] {
            let mut view = view(At::Head, column, descending);
            view.filter = Some(parsed.clone());
            view.limit = 50;
            let wanted = sorted(wanted.clone(), &[(column, descending)]);
            let walked: Vec<_> = walk(&db.store, no, &view)
                .await
                .into_iter()
                .map(|r| r.row_id)
                .collect();
            assert_eq!(walked, wanted, "{filter} by {column}");
            view.start = Start::Position(7);
            let page = db.store.page(no, &view).await.unwrap();
            assert_eq!(page.total, wanted.len() as i64);
            let at_seven: Vec<_> = wanted.iter().skip(7).take(50).cloned().collect();
            assert_eq!(
                page.rows.into_iter().map(|r| r.row_id).collect::<Vec<_>>(),
                at_seven
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_by_name() {
    let db = TestDb::new().await;
    let no = ragged(&db).await;
    let filters = [
        json!({"column": "nothing", "op": "eq", "value": "1"}),
        json!({"column": "number", "op": "eq", "value": "one"}),
        json!({"column": "number", "op": "eq", "value": null}),
        json!({"column": "number", "op": "contains", "value": "1"}),
        json!({"column": "word", "op": "eq", "value": "a\u{0}b"}),
        json!({"column": "word", "op": "eq", "value": {"a": 1}}),
        json!({"column": "number", "op": "in", "value": "1"}),
    ];
    for filter in filters {
        let asked = RowsQuery {
            filter: Some(serde_json::from_value(filter.clone()).unwrap()),
            ..query(At::Head, Start::First, 10)
        };
        let answer = db.store.page(no, &asked).await;
        assert!(
            matches!(&answer, Err(Error::Invalid { pointer, .. }) if pointer == "filter"),
            "{filter} {answer:?}"
        );
    }
    let sorted = view(At::Head, "number\"; drop table gk.dataset", false);
    assert!(
        matches!(db.store.page(no, &sorted).await, Err(Error::Invalid { pointer, .. }) if pointer == "sort")
    );
    for limit in [0, 1_001] {
        let page = db
            .store
            .page(no, &query(At::Head, Start::First, limit))
            .await;
        assert!(matches!(page, Err(Error::Invalid { pointer, .. }) if pointer == "limit"));
    }
    // A row that the version does not show is no cursor; not even one in flight.
    for row_id in [450, 1_000, 99_999] {
        let after = RowsQuery {
            start: Start::After(row_id),
            ..view(At::Version(1), "number", false)
        };
        assert!(
            matches!(db.store.page(no, &after).await, Err(Error::Invalid { pointer, .. }) if pointer == "cursor")
        );
        assert!(matches!(
            db.store.row(no, At::Version(1), row_id).await,
            Err(Error::NotFound("row"))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_at_the_head_and_before_it_are_exact_while_edits_go_on() {
    let db = TestDb::new().await;
    let import = db.new_numbers(&vec![0; 200]).await;
    let no = import.dataset_no();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let (store, done) = (db.store.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let head = store.resolve(no, At::Head).await.unwrap().version;
                    let at = if reader == 0 {
                        At::Head
                    } else {
                        At::Version((head - reader).max(1))
                    };
                    let page = store
                        .page(no, &query(at, Start::First, 1_000))
                        .await
                        .unwrap();
                    // Version v is 200 rows of v - 1.
                    assert_eq!(page.rows.len(), 200);
                    assert!(
                        page.rows
                            .iter()
                            .all(|row| number(&row.cells[0]) == page.version - 1)
                    );
                }
            })
        })
        .collect();
    for _ in 0..60 {
        db.edit(no, "c1 + 1", "true").await;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    check_counts(&db, no).await;
}
