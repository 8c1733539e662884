//! Every type through COPY BINARY and back as JSON, and PostgreSQL's own view of it in between.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use contracts::dataset::ColumnType;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use store::{At, Filter, RowsQuery, Start};

use crate::helper::{TestDb, is_utc, query, texts};

/// The column's values as PostgreSQL prints them.
async fn printed(db: &TestDb, dataset_no: i64) -> Vec<Option<String>> {
    sqlx::query_scalar(AssertSqlSafe(format!(
        "select c1::text from data.d_{dataset_no} order by row_id"
    )))
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

/// Loads one column and compares what PostgreSQL prints and what a page shows.
async fn check(kind: ColumnType, cells: ArrayRef, text: &[&str], shown: &[Value]) {
    let db = TestDb::new().await;
    let rows = cells.len();
    let import = db.open_new(&[("value", kind)], rows as u64).await;
    import.write(&[import.batch(0, 0, vec![cells])]).await;
    import.end(1, rows, 0).await;
    import.finish().await;
    let dataset_no = import.dataset_no();
    db.execute(
        "alter database current_database set timezone = 'UTC'"
            .replace("current_database", &database(&db).await)
            .as_str(),
    )
    .await;
    let mut wanted: Vec<_> = text.iter().map(|text| Some((*text).to_owned())).collect();
    wanted.push(None);
    assert_eq!(printed(&db, dataset_no).await, wanted, "{kind:?}");
    let page = db
        .store
        .page(dataset_no, &query(At::Head, Start::First, 1_000))
        .await
        .unwrap();
    let mut cells: Vec<Value> = page.rows.iter().map(|row| row.cells[0].clone()).collect();
    assert_eq!(cells.pop(), Some(Value::Null));
    assert_eq!(cells, shown, "{kind:?}");

    // The value that is shown finds its row again, alone or among others, and null is found as null.
    for (row, value) in page.rows.iter().zip(shown) {
        for filter in [
            Filter::eq("value", value.clone()),
            serde_json::from_value(json!({"column": "value", "op": "in", "value": [value]}))
                .unwrap(),
        ] {
            let found = db
                .store
                .page(
                    dataset_no,
                    &RowsQuery {
                        filter: Some(filter),
                        ..query(At::Head, Start::First, 1_000)
                    },
                )
                .await
                .unwrap();
            assert!(
                found.rows.iter().any(|r| r.row_id == row.row_id),
                "{kind:?} {value}"
            );
            assert_eq!(found.total, found.rows.len() as i64);
        }
        let (_, _, cell) = db
            .store
            .cell(dataset_no, At::Head, row.row_id.parse().unwrap(), "value")
            .await
            .unwrap();
        assert_eq!(&cell, value);
    }
}

async fn database(db: &TestDb) -> String {
    sqlx::query_scalar("select current_database()::text")
        .fetch_one(&db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn text_keeps_every_character() {
    let long = "ä".repeat(10_000);
    let values = [
        "",
        "NA",
        "007",
        "a\"b,c\nd",
        "日本語 🎉",
        "\u{1}\u{7f}",
        long.as_str(),
    ];
    let mut cells: Vec<_> = values.iter().map(|v| Some(*v)).collect();
    cells.push(None);
    let shown: Vec<Value> = values.iter().map(|v| json!(v)).collect();
    check(ColumnType::Text, texts(&cells), &values, &shown).await;
}

#[tokio::test]
async fn decimal_keeps_scale_and_digits() {
    let forty = "1234567890123456789012345678901234567890";
    let scale = format!("0.{}1", "0".repeat(299));
    let values = [
        "0",
        "0.000",
        "-0.10",
        "1.50",
        "0.00000000000000000001",
        forty,
        "-99999999999999999999.99",
        "10000",
        "10000.0000",
        "0.0001",
        "12345678.87654321",
        &scale,
    ];
    let mut cells: Vec<_> = values.iter().map(|v| Some(*v)).collect();
    cells.push(None);
    let shown: Vec<Value> = values.iter().map(|v| json!(v)).collect();
    check(ColumnType::Decimal, texts(&cells), &values, &shown).await;
}

#[tokio::test]
async fn json_is_kept_as_it_was_spelled() {
    let values = [r#"{"b": 1,  "a": [1.0, null]}"#, "\"x\"", "null", "1.50"];
    let mut cells: Vec<_> = values.iter().map(|v| Some(*v)).collect();
    cells.push(None);
    let shown: Vec<Value> = values.iter().map(|v| json!(v)).collect();
    check(ColumnType::Json, texts(&cells), &values, &shown).await;
}

#[tokio::test]
async fn whole_numbers_are_texts_and_floats_are_numbers() {
    let cells = Int64Array::from(vec![Some(0), Some(i64::MIN), Some(i64::MAX), None]);
    let values = ["0", "-9223372036854775808", "9223372036854775807"];
    check(
        ColumnType::Int64,
        Arc::new(cells),
        &values,
        &values.map(|v| json!(v)),
    )
    .await;

    let floats = [0.1, -2.5e-308, 1.797_693_134_862_315_7e308, 1e16];
    let cells = Float64Array::from(
        floats
            .iter()
            .map(|f| Some(*f))
            .chain([None])
            .collect::<Vec<_>>(),
    );
    let text = ["0.1", "-2.5e-308", "1.7976931348623157e+308", "1e+16"];
    check(
        ColumnType::Float,
        Arc::new(cells),
        &text,
        &floats.map(|f| json!(f)),
    )
    .await;
}

#[tokio::test]
async fn booleans_are_booleans() {
    let cells = BooleanArray::from(vec![Some(true), Some(false), None]);
    check(
        ColumnType::Boolean,
        Arc::new(cells),
        &["true", "false"],
        &[json!(true), json!(false)],
    )
    .await;
}

#[tokio::test]
async fn dates_and_times_are_iso_8601() {
    let cells = Date32Array::from(vec![
        Some(0),
        Some(-1),
        Some(11_016),
        Some(-719_162),
        Some(2_932_896),
        None,
    ]);
    let text = [
        "1970-01-01",
        "1969-12-31",
        "2000-02-29",
        "0001-01-01",
        "9999-12-31",
    ];
    check(
        ColumnType::Date,
        Arc::new(cells),
        &text,
        &text.map(|v| json!(v)),
    )
    .await;

    let day = 86_400_000_000;
    let cells =
        Time64MicrosecondArray::from(vec![Some(0), Some(day - 1), Some(45_296_500_000), None]);
    let text = ["00:00:00", "23:59:59.999999", "12:34:56.5"];
    check(
        ColumnType::Time,
        Arc::new(cells),
        &text,
        &text.map(|v| json!(v)),
    )
    .await;

    let moments = vec![
        Some(0),
        Some(-1),
        Some(946_684_800_500_000),
        Some(-62_135_596_800_000_000),
        None,
    ];
    let text = [
        "1970-01-01 00:00:00",
        "1969-12-31 23:59:59.999999",
        "2000-01-01 00:00:00.5",
        "0001-01-01 00:00:00",
    ];
    let shown = text.map(|v| json!(v.replace(' ', "T")));
    let cells = TimestampMicrosecondArray::from(moments.clone());
    check(ColumnType::Timestamp, Arc::new(cells), &text, &shown).await;

    let text = text.map(|v| format!("{v}+00"));
    let shown = shown.map(|v| json!(format!("{}Z", v.as_str().unwrap())));
    let cells: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments).with_timezone("UTC"));
    assert!(is_utc(&cells));
    check(
        ColumnType::Timestamptz,
        cells,
        &text.each_ref().map(String::as_str),
        &shown,
    )
    .await;
}

#[tokio::test]
async fn a_long_cell_is_cut_in_pages_and_whole_by_itself() {
    let db = TestDb::new().await;
    let import = db
        .open_new(
            &[
                ("text", ColumnType::Text),
                ("json", ColumnType::Json),
                ("decimal", ColumnType::Decimal),
            ],
            1,
        )
        .await;
    let long = "ä".repeat(10_001);
    let document = format!("[\"{}\"]", "x".repeat(20_000));
    let digits = "1".repeat(12_000);
    let cells = vec![
        texts(&[Some(&long)]),
        texts(&[Some(&document)]),
        texts(&[Some(&digits)]),
    ];
    import.write(&[import.batch(0, 0, cells)]).await;
    import.end(1, 1, 0).await;
    import.finish().await;
    let no = import.dataset_no();
    let page = db
        .store
        .page(no, &query(At::Head, Start::First, 1))
        .await
        .unwrap();
    let row_id = page.rows[0].row_id.parse().unwrap();
    assert_eq!(
        page.rows[0].cells[0],
        json!({"cut": "ä".repeat(10_000), "chars": 10_001})
    );
    assert_eq!(
        page.rows[0].cells[1],
        json!({"cut": &document[..10_000], "chars": 20_004})
    );
    assert_eq!(
        page.rows[0].cells[2],
        json!({"cut": &digits[..10_000], "chars": 12_000})
    );
    let (_, _, row) = db.store.row(no, At::Head, row_id).await.unwrap();
    assert_eq!(row.cells, page.rows[0].cells);
    for (column, whole) in [("col_1", &long), ("json", &document), ("decimal", &digits)] {
        let (version, _, cell) = db.store.cell(no, At::Head, row_id, column).await.unwrap();
        assert_eq!((version, cell), (1, json!(whole)));
    }
}
