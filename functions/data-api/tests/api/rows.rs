//! Pages of rows over the router, against a real PostgreSQL.

use crate::common::{Answer, App, Person, Table};
use contracts::{
    DatasetId,
    dataset::ColumnType::{Decimal, Int64, Text},
    upload::{Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};

fn flights() -> Table {
    Table::new(&[("carrier", Text), ("dep_time", Int64), ("fare", Decimal)])
        .row(&["UA", "517", "1.50"])
        .row(&["AA", "533", "-"])
        .row(&["B6", "-", "12345678901234567890.10"])
        .row(&["UA", "544", "0"])
        .row(&["DL", "554", "-3.0"])
}

fn ids(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let rows = answer.body["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row["row_id"].as_str().unwrap().parse().unwrap())
        .collect()
}

async fn setup() -> (App, Person, DatasetId) {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let dataset = app.dataset(&owner, "Flights", &flights()).await;
    (app, owner, dataset)
}

fn encoded(value: &Value) -> String {
    value
        .to_string()
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect()
}

#[tokio::test]
async fn a_page_shows_version_columns_cells_and_total() {
    let (app, owner, dataset) = setup().await;
    let page = app
        .get(&format!("/datasets/{dataset}/rows?limit=2"), &owner)
        .await;
    assert_eq!(ids(&page).len(), 2);
    assert_eq!(page.body["version"], 1);
    assert_eq!(page.body["total"], 5);
    assert_eq!(
        page.body["columns"][1],
        json!({"id": "col_2", "name": "dep_time", "type": "int64", "format": null, "null_token": "NA"})
    );
    assert_eq!(page.body["rows"][0]["cells"], json!(["UA", "517", "1.50"]));
    assert_eq!(page.body["rows"][1]["cells"], json!(["AA", "533", null]));
    assert_eq!(page.headers["cache-control"], "private, no-cache");
    assert!(page.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_walk_by_cursor_reads_one_version_to_its_end() {
    let (app, owner, dataset) = setup().await;
    let first = app
        .get(
            &format!("/datasets/{dataset}/rows?limit=2&sort=-dep_time"),
            &owner,
        )
        .await;
    let mut seen = ids(&first);

    // Another version in between changes nothing for the walk.
    let target = Target::Existing { id: dataset };
    app.import(&owner, target, Mode::Append, &flights()).await;
    let mut next = first.body["next"].clone();
    while let Some(cursor) = next.as_str() {
        let page = app
            .get(
                &format!("/datasets/{dataset}/rows?limit=2&cursor={cursor}"),
                &owner,
            )
            .await;
        assert_eq!(
            (&page.body["version"], &page.body["total"]),
            (&json!(1), &json!(5))
        );
        seen.extend(ids(&page));
        next = page.body["next"].clone();
    }
    let all = app
        .get(
            &format!("/datasets/{dataset}/rows?version=1&sort=-dep_time"),
            &owner,
        )
        .await;
    assert_eq!(seen, ids(&all));
    assert_eq!(seen.len(), 5);
    // Nulls last, in both directions.
    assert_eq!(all.body["rows"][4]["cells"][1], Value::Null);
    let head = app.get(&format!("/datasets/{dataset}/rows"), &owner).await;
    assert_eq!(
        (&head.body["version"], &head.body["total"]),
        (&json!(2), &json!(10))
    );
}

#[tokio::test]
async fn position_skips_rows_of_this_sort_and_filter() {
    let (app, owner, dataset) = setup().await;
    let all = ids(&app.get(&format!("/datasets/{dataset}/rows"), &owner).await);
    let jump = ids(&app
        .get(
            &format!("/datasets/{dataset}/rows?position=3&limit=1"),
            &owner,
        )
        .await);
    assert_eq!(jump, all[3..4]);
    let beyond = app
        .get(&format!("/datasets/{dataset}/rows?position=5"), &owner)
        .await;
    assert_eq!(ids(&beyond), Vec::<i64>::new());
    assert_eq!(beyond.body["total"], 5);

    let filter = encoded(&json!({"and": [{"column": "carrier", "op": "eq", "value": "UA"}]}));
    let ua = app
        .get(
            &format!("/datasets/{dataset}/rows?filter={filter}&position=1"),
            &owner,
        )
        .await;
    assert_eq!(ids(&ua), [all[3]]);
    assert_eq!(ua.body["total"], 2);
}

#[tokio::test]
async fn filters_combine_and_null_is_null() {
    let (app, owner, dataset) = setup().await;
    for (filter, expected) in [
        (json!({"and": [{"column": "dep_time", "op": "is_null"}]}), 1),
        (
            json!({"and": [{"column": "col_2", "op": "eq", "value": 517}]}),
            1,
        ),
        (
            json!({"and": [{"column": "dep_time", "op": "eq", "value": "517"}]}),
            1,
        ),
        (
            json!({"or": [{"column": "carrier", "op": "eq", "value": "DL"}, {"column": "dep_time", "op": "eq", "value": 533}]}),
            2,
        ),
        (json!({"column": "fare", "op": "eq", "value": "1.5"}), 1),
        (json!({"and": []}), 5),
    ] {
        let page = app
            .get(
                &format!("/datasets/{dataset}/rows?filter={}", encoded(&filter)),
                &owner,
            )
            .await;
        assert_eq!(ids(&page).len(), expected, "{filter}");
        assert_eq!(page.body["total"], expected, "{filter}");
    }
}

#[tokio::test]
async fn an_older_version_is_read_by_number_or_moment() {
    let (app, owner, dataset) = setup().await;
    let versions = app
        .get(&format!("/datasets/{dataset}/versions"), &owner)
        .await;
    let first_at = versions.body["versions"][0]["published_at"]
        .as_str()
        .unwrap()
        .to_owned();
    app.import(
        &owner,
        Target::Existing { id: dataset },
        Mode::Append,
        &flights(),
    )
    .await;

    let then = app
        .get(
            &format!("/datasets/{dataset}/rows?as_of={first_at}"),
            &owner,
        )
        .await;
    assert_eq!(
        (&then.body["version"], &then.body["total"]),
        (&json!(1), &json!(5))
    );
    let before = app
        .get(
            &format!("/datasets/{dataset}/rows?as_of=2001-01-01T00:00:00Z"),
            &owner,
        )
        .await;
    assert_eq!(before.status, StatusCode::NOT_FOUND);
    let never = app
        .get(&format!("/datasets/{dataset}/rows?version=99"), &owner)
        .await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_tag_changes_with_the_version_and_the_query_only() {
    let (app, owner, dataset) = setup().await;
    let viewer = app.person("viewer").await;
    app.share(dataset, &viewer, "viewer").await;
    let path = format!("/datasets/{dataset}/rows?limit=2");
    let page = app.get(&path, &owner).await;
    let tag = page.headers["etag"].to_str().unwrap().to_owned();
    let again = app
        .send("GET", &path, Some(&owner), &[("if-none-match", &tag)], None)
        .await;
    assert_eq!(
        (again.status, again.body),
        (StatusCode::NOT_MODIFIED, Value::Null)
    );
    assert_eq!(again.headers["etag"], tag.as_str());
    assert_eq!(app.get(&path, &viewer).await.headers["etag"], tag.as_str());
    let other = app
        .get(&format!("/datasets/{dataset}/rows?limit=3"), &owner)
        .await;
    assert_ne!(other.headers["etag"], tag.as_str());

    // A revoked grant wins over any tag.
    app.unshare(dataset, &viewer).await;
    let gone = app
        .send(
            "GET",
            &path,
            Some(&viewer),
            &[("if-none-match", &tag)],
            None,
        )
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);

    app.import(
        &owner,
        Target::Existing { id: dataset },
        Mode::Append,
        &flights(),
    )
    .await;
    let newer = app
        .send("GET", &path, Some(&owner), &[("if-none-match", &tag)], None)
        .await;
    assert_eq!(newer.status, StatusCode::OK);
}

#[tokio::test]
async fn one_row_and_one_cell_are_read_at_a_version() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let long = "né".repeat(6_000);
    let table = Table::new(&[("note", Text), ("n", Int64)])
        .row(&[&long, "9007199254740993"])
        .row(&["-", "-"]);
    let dataset = app.dataset(&owner, "Notes", &table).await;
    let page = app.get(&format!("/datasets/{dataset}/rows"), &owner).await;
    let rows = ids(&page);
    assert_eq!(page.body["rows"][0]["cells"][0]["chars"], 12_000);

    let row = app
        .get(
            &format!("/datasets/{dataset}/rows/{}?version=1", rows[0]),
            &owner,
        )
        .await;
    assert_eq!(row.body["version"], 1);
    assert_eq!(row.body["row_id"], rows[0].to_string());
    assert_eq!(row.body["cells"][1], "9007199254740993");
    assert_eq!(
        row.body["cells"][0]["cut"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        10_000
    );

    let cell = format!("/datasets/{dataset}/rows/{}/cells/col_1", rows[0]);
    let whole = app.get(&cell, &owner).await;
    assert_eq!(
        (&whole.body["value"], &whole.body["chars"]),
        (&json!(long), &json!(12_000))
    );
    let slice = app.get(&format!("{cell}?from=11999&chars=5"), &owner).await;
    assert_eq!(
        (&slice.body["value"], &slice.body["chars"]),
        (&json!("é"), &json!(12_000))
    );
    let null = app
        .get(
            &format!("/datasets/{dataset}/rows/{}/cells/note", rows[1]),
            &owner,
        )
        .await;
    assert_eq!(
        (null.status, &null.body["value"]),
        (StatusCode::OK, &Value::Null)
    );

    for missing in [
        "rows/999999",
        "rows/x",
        "rows/01",
        "rows/1/cells/col_9",
        "rows/1/cells/nope",
        "rows/1?version=7",
    ] {
        let answer = app
            .get(&format!("/datasets/{dataset}/{missing}"), &owner)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
        assert_eq!(answer.body["code"], "not_found");
    }
}

#[tokio::test]
async fn a_page_over_five_megabytes_ends_early_and_the_walk_goes_on() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let names: Vec<_> = (0..8).map(|no| format!("c{no}")).collect();
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), Text)).collect();
    let mut table = Table::new(&columns);
    let text = "x".repeat(9_990);
    for _ in 0..150 {
        table = table.row(&[text.as_str(); 8]);
    }
    let dataset = app.dataset(&owner, "Wide", &table).await;
    let mut path = format!("/datasets/{dataset}/rows?limit=1000");
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = app.get(&path, &owner).await;
        assert!(page.body.to_string().len() < 5_500_000);
        seen.extend(ids(&page));
        pages += 1;
        match page.body["next"].as_str() {
            Some(cursor) => path = format!("/datasets/{dataset}/rows?limit=1000&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (150, 3));
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn what_is_malformed_is_named_and_never_a_500() {
    let (app, owner, dataset) = setup().await;
    let filter = |value: Value| format!("filter={}", encoded(&value));
    for (query, pointer) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=1001".to_owned(), "limit"),
        ("limit=ten".to_owned(), "limit"),
        ("limit=-1".to_owned(), "limit"),
        ("version=0".to_owned(), "version"),
        ("version=1.5".to_owned(), "version"),
        ("version=99999999999999999999".to_owned(), "version"),
        ("position=-1".to_owned(), "position"),
        ("as_of=soon".to_owned(), "as_of"),
        ("version=1&as_of=2026-01-01T00:00:00Z".to_owned(), "as_of"),
        ("cursor=AAAA".to_owned(), "cursor"),
        ("cursor=%00".to_owned(), "cursor"),
        ("sort=nope".to_owned(), "sort"),
        ("sort=".to_owned(), "sort"),
        ("sort=carrier,,dep_time".to_owned(), "sort"),
        (format!("sort={}", ["carrier"; 17].join(",")), "sort"),
        ("sort=%00".to_owned(), "sort"),
        ("sort=dep_time%3B%20drop%20table".to_owned(), "sort"),
        ("filter=%7B".to_owned(), "filter"),
        (filter(json!([])), "filter"),
        (
            filter(json!({"and": [{"column": "nope", "op": "eq", "value": 1}]})),
            "filter",
        ),
        (
            filter(json!({"and": [{"column": "dep_time", "op": "eq", "value": "abc"}]})),
            "filter",
        ),
        (
            filter(
                json!({"and": [{"column": "dep_time", "op": "eq", "value": "99999999999999999999"}]}),
            ),
            "filter",
        ),
        (
            filter(json!({"and": [{"column": "fare", "op": "eq", "value": "1,5"}]})),
            "filter",
        ),
        (
            filter(json!({"and": [{"column": "carrier", "op": "like", "value": "U%"}]})),
            "filter/and/0/op",
        ),
        ("colour=red".to_owned(), "colour"),
    ] {
        let answer = app
            .get(&format!("/datasets/{dataset}/rows?{query}"), &owner)
            .await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{query}: {}",
            answer.body
        );
        assert_eq!(answer.body["code"], "validation", "{query}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        if pointer != "colour" {
            assert_eq!(answer.body["pointer"], pointer, "{query}: {}", answer.body);
        }
    }
    let beyond = app
        .get(
            &format!("/datasets/{dataset}/rows?position=18446744073709551615"),
            &owner,
        )
        .await;
    assert_eq!(ids(&beyond).len(), 0);
}

#[tokio::test]
async fn a_cursor_of_another_dataset_or_another_sort_is_refused() {
    let (app, owner, dataset) = setup().await;
    let other = app.dataset(&owner, "Other", &flights()).await;
    let page = app
        .get(
            &format!("/datasets/{dataset}/rows?limit=1&sort=carrier"),
            &owner,
        )
        .await;
    let cursor = page.body["next"].as_str().unwrap();
    for (path, pointer) in [
        (format!("/datasets/{other}/rows?cursor={cursor}"), "cursor"),
        (
            format!("/datasets/{dataset}/rows?cursor={cursor}&sort=-carrier"),
            "sort",
        ),
        (
            format!("/datasets/{dataset}/rows?cursor={cursor}&position=1"),
            "position",
        ),
        (
            format!("/datasets/{dataset}/rows?cursor={cursor}&version=2"),
            "version",
        ),
        (
            format!(
                "/datasets/{dataset}/rows?cursor={}x",
                &cursor[..cursor.len() - 1]
            ),
            "cursor",
        ),
    ] {
        let answer = app.get(&path, &owner).await;
        assert_eq!(
            (answer.status, &answer.body["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer)),
            "{path}"
        );
    }
}

/// A page of 100 rows of a table as large as the flights file. Prints; run it with `--ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement, not a check"]
async fn a_page_of_a_hundred_rows_is_quick() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let names: Vec<_> = (0..19).map(|no| format!("c{no}")).collect();
    let columns: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(no, name)| (name.as_str(), if no < 14 { Int64 } else { Text }))
        .collect();
    let mut table = Table::new(&columns);
    for row in 0..336_776 {
        table.rows.push(
            (0..19)
                .map(|no| {
                    Some(if no < 14 {
                        format!("{}", row % 2_400 + no)
                    } else {
                        format!("N{:05}", row % 4_000)
                    })
                })
                .collect(),
        );
    }
    let started = std::time::Instant::now();
    let dataset = app.dataset(&owner, "Flights", &table).await;
    println!("loaded in {:?}", started.elapsed());

    let mut cursor = None::<String>;
    let mut times = Vec::new();
    for _ in 0..300 {
        let path = match &cursor {
            Some(cursor) => format!("/datasets/{dataset}/rows?cursor={cursor}"),
            None => format!("/datasets/{dataset}/rows?position=100000"),
        };
        let started = std::time::Instant::now();
        let page = app.get(&path, &owner).await;
        times.push(started.elapsed());
        assert_eq!(ids(&page).len(), 100);
        cursor = page.body["next"].as_str().map(str::to_owned);
    }
    times.sort();
    println!(
        "in process: p50 {:?}, p95 {:?} (JSON parsed by the test included)",
        times[150], times[285]
    );

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    println!("http://{address}");
    let router = app.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut times = Vec::new();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    for no in 0..300 {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let request = format!(
            "GET /api/v1/datasets/{dataset}/rows?position={} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: {}\r\n\r\n",
            no * 1_000,
            owner.bearer(),
        );
        let started = std::time::Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut buffer = vec![0; 1 << 20];
        let mut filled = 0;
        let (head, length) = loop {
            filled += stream.read(&mut buffer[filled..]).await.unwrap();
            let text = String::from_utf8_lossy(&buffer[..filled]);
            if let Some(head) = text.find("\r\n\r\n") {
                let length: usize = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .unwrap()
                    .parse()
                    .unwrap();
                break (head + 4, length);
            }
        };
        while filled < head + length {
            filled += stream.read(&mut buffer[filled..]).await.unwrap();
        }
        times.push(started.elapsed());
    }
    server.abort();
    times.sort();
    println!(
        "over HTTP, jumps to a position: p50 {:?}, p95 {:?}",
        times[150], times[285]
    );
}
