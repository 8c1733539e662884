//! Datasets, versions and quarantine over the router, and who may do what with them.

use crate::common::{App, Table};
use contracts::{
    dataset::ColumnType::{Int64, Text},
    receipt::Place,
    upload::{Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};

fn table() -> Table {
    Table::new(&[("name", Text), ("n", Int64)])
        .row(&["a", "1"])
        .row(&["b", "2"])
}

fn place(record: u64) -> Place {
    Place {
        byte: record * 10,
        line: record,
        record,
        column: Some("n".into()),
        code: "type_mismatch".into(),
        message: "not a whole number".into(),
        raw: Some("c,x".into()),
    }
}

#[tokio::test]
async fn a_dataset_is_listed_and_shown_with_the_callers_role() {
    let app = App::start().await;
    let (owner, viewer, stranger) = (
        app.person("owner").await,
        app.person("viewer").await,
        app.person("stranger").await,
    );
    let dataset = app.dataset(&owner, "Numbers", &table()).await;
    app.share(dataset, &viewer, "viewer").await;

    let shown = app.get(&format!("/datasets/{dataset}"), &viewer).await;
    assert_eq!(shown.status, StatusCode::OK);
    for (field, value) in [
        ("id", json!(dataset)),
        ("name", json!("Numbers")),
        ("version", json!(1)),
        ("rows", json!(2)),
        ("role", json!("viewer")),
        ("quarantined", json!(0)),
    ] {
        assert_eq!(shown.body[field], value, "{field}");
    }
    let listed = app.get("/datasets", &owner).await;
    assert_eq!(listed.body["datasets"][0]["role"], "owner");
    assert_eq!(
        app.get("/datasets", &stranger).await.body,
        json!({"datasets": [], "next": null})
    );
}

#[tokio::test]
async fn many_datasets_are_listed_page_by_page_newest_first() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let mut made = Vec::new();
    for no in 0..5 {
        made.push(json!(
            app.dataset(&owner, &format!("No {no}"), &table()).await
        ));
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut path = "/datasets?limit=2".to_owned();
    loop {
        let page = app.get(&path, &owner).await;
        seen.extend(
            page.body["datasets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d["id"].clone()),
        );
        match page.body["next"].as_str() {
            Some(cursor) => path = format!("/datasets?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    for bad in [
        "cursor=nonsense",
        "cursor=",
        "cursor=%00",
        "limit=0",
        "limit=201",
    ] {
        let answer = app.get(&format!("/datasets?{bad}"), &owner).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (StatusCode::BAD_REQUEST, &json!("validation")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_owner_renames_and_deletes() {
    let app = App::start().await;
    let (owner, editor) = (app.person("owner").await, app.person("editor").await);
    let dataset = app.dataset(&owner, "Old", &table()).await;
    app.share(dataset, &editor, "editor").await;
    let path = format!("/datasets/{dataset}");

    let renamed = app
        .send(
            "PATCH",
            &path,
            Some(&owner),
            &[],
            Some(json!({"name": " New "})),
        )
        .await;
    assert_eq!(
        (renamed.status, &renamed.body["name"]),
        (StatusCode::OK, &json!("New"))
    );
    for bad in [
        json!({"name": ""}),
        json!({"name": "a\u{0}"}),
        json!({"name": "x".repeat(256)}),
        json!({"name": 1}),
    ] {
        let answer = app.send("PATCH", &path, Some(&owner), &[], Some(bad)).await;
        assert_eq!(
            (answer.status, &answer.body["pointer"]),
            (StatusCode::BAD_REQUEST, &json!("/name"))
        );
    }
    for bad in [json!({}), json!({"name": "x", "rows": 1}), json!(null)] {
        let answer = app.send("PATCH", &path, Some(&owner), &[], Some(bad)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(
        app.send("DELETE", &path, Some(&editor), &[], None)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        app.send("DELETE", &path, Some(&owner), &[], None)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    for by in [&owner, &editor] {
        assert_eq!(app.get(&path, by).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            app.get(&format!("{path}/rows"), by).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(app.get("/datasets", by).await.body["datasets"], json!([]));
    }
}

#[tokio::test]
async fn versions_tell_who_published_what_and_the_receipt() {
    let app = App::start().await;
    let owner = app.person("Ada").await;
    let dataset = app.dataset(&owner, "Numbers", &table()).await;
    app.import(
        &owner,
        Target::Existing { id: dataset },
        Mode::Append,
        &table(),
    )
    .await;
    let path = format!("/datasets/{dataset}/versions");
    let all = app.get(&path, &owner).await;
    let versions = all.body["versions"].as_array().unwrap();
    assert_eq!(
        versions
            .iter()
            .map(|v| v["version"].clone())
            .collect::<Vec<_>>(),
        [json!(2), json!(1)]
    );
    assert_eq!(
        (
            &versions[0]["kind"],
            &versions[0]["author"],
            &versions[0]["rows"]
        ),
        (&json!("import"), &json!("Ada"), &json!(4))
    );
    assert_eq!(versions[0]["receipt"]["inserted"], 2);
    let first = app.get(&format!("{path}?limit=1"), &owner).await;
    let second = app
        .get(
            &format!(
                "{path}?limit=1&cursor={}",
                first.body["next"].as_str().unwrap()
            ),
            &owner,
        )
        .await;
    assert_eq!(second.body["versions"][0]["version"], 1);
    assert_eq!(second.body["next"], Value::Null);
    assert_eq!(
        app.get(&format!("{path}?cursor=nonsense"), &owner)
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn quarantined_records_are_listed_with_their_places() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let table = table().reject(place(4)).reject(place(5)).reject(place(6));
    let dataset = app.dataset(&owner, "Numbers", &table).await;
    let path = format!("/datasets/{dataset}/quarantine");
    let first = app.get(&format!("{path}?limit=2"), &owner).await;
    assert_eq!(first.body["total"], 3);
    assert_eq!(first.body["rows"][0]["record"], 4);
    assert_eq!(first.body["rows"][0]["raw"], "c,x");
    assert_eq!(first.body["rows"][0]["file_name"], "table.csv");
    let second = app
        .get(
            &format!(
                "{path}?limit=2&cursor={}",
                first.body["next"].as_str().unwrap()
            ),
            &owner,
        )
        .await;
    assert_eq!(second.body["rows"].as_array().unwrap().len(), 1);
    assert_eq!(second.body["next"], Value::Null);
    assert_eq!(
        app.get(&format!("{path}?cursor=nonsense"), &owner)
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        app.get(&format!("/datasets/{dataset}"), &owner).await.body["quarantined"],
        3
    );
}

#[tokio::test]
async fn nobody_and_strangers_learn_nothing() {
    let app = App::start().await;
    let (owner, stranger) = (app.person("owner").await, app.person("stranger").await);
    let dataset = app.dataset(&owner, "Secret name", &table()).await;
    for path in [
        "",
        "/rows",
        "/rows/1",
        "/rows/1/cells/col_1",
        "/versions",
        "/quarantine",
        "/rows?sort=nope",
        "/rows?version=99",
    ] {
        let there = app
            .get(&format!("/datasets/{dataset}{path}"), &stranger)
            .await;
        let nowhere = app
            .get(
                &format!("/datasets/dst_00000000000000000000000000{path}"),
                &stranger,
            )
            .await;
        assert_eq!(there.status, StatusCode::NOT_FOUND, "{path}");
        // Word for word the same, but for the request's id.
        let without_id = |mut body: Value| {
            body["request_id"] = Value::Null;
            body
        };
        assert_eq!(without_id(there.body), without_id(nowhere.body), "{path}");
        let nobody = app
            .send(
                "GET",
                &format!("/datasets/{dataset}{path}"),
                None,
                &[],
                None,
            )
            .await;
        assert_eq!(
            (nobody.status, &nobody.body["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthenticated"))
        );
    }
}

#[tokio::test]
async fn the_document_is_served_to_anyone() {
    let app = App::start().await;
    let answer = app.send("GET", "/openapi.json", None, &[], None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn rules_hold_for_what_is_written_from_then_on() {
    let app = App::start().await;
    let (owner, editor) = (app.person("owner").await, app.person("editor").await);
    let table = table().reject(place(4));
    let dataset = app.dataset(&owner, "Numbers", &table).await;
    app.share(dataset, &editor, "editor").await;
    let path = format!("/datasets/{dataset}");
    let set = async |rules: Value, by| {
        let body = json!({"rules": rules});
        app.send("PATCH", &path, Some(by), &[], Some(body)).await
    };
    let rules = json!({"col_2": {"required": true, "max": "500"}});
    assert_eq!(
        set(rules.clone(), &editor).await.status,
        StatusCode::FORBIDDEN
    );
    let shown = set(rules.clone(), &owner).await;
    assert_eq!(
        (shown.status, &shown.body["rules"]),
        (StatusCode::OK, &rules)
    );
    assert_eq!(shown.body["version"], 1);
    // Other columns keep theirs, and a column of which nothing is asked has none.
    let more = json!({"col_1": {"pattern": "[a-z]+"}});
    let shown = set(more, &owner).await;
    assert_eq!(shown.body["rules"]["col_2"], rules["col_2"]);
    let named = app
        .send(
            "PATCH",
            &path,
            Some(&owner),
            &[],
            Some(json!({"name": "Ruled"})),
        )
        .await;
    assert_eq!(named.body["rules"], shown.body["rules"]);
    for (wrong, pointer) in [
        (json!({"col_1": {"pattern": "("}}), "/rules/col_1/pattern"),
        (json!({"col_1": {"min": "a"}}), "/rules/col_1/min"),
        (json!({"col_2": {"one_of": ["x"]}}), "/rules/col_2/one_of"),
        (json!({"col_9": {}}), "/rules/col_9"),
    ] {
        let refused = set(wrong, &owner).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.body["pointer"], pointer);
    }

    let commit = async |changes: Value| {
        let body = json!({"base_version": 1, "changes": changes});
        app.send(
            "POST",
            &format!("{path}/commits"),
            Some(&editor),
            &[],
            Some(body),
        )
        .await
    };
    let refused = commit(json!([
        {"op": "insert", "cells": {"col_1": "A1", "col_2": 501}},
        {"op": "insert", "cells": {"col_1": "ok"}},
        {"op": "update", "row_id": "1", "cells": {"col_2": null}},
    ]))
    .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let errors: Vec<_> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        errors,
        [
            "/changes/0/cells/col_1",
            "/changes/0/cells/col_2",
            "/changes/1/cells/col_2",
            "/changes/2/cells/col_2"
        ]
    );
    let kept = commit(json!([{"op": "insert", "cells": {"col_1": "ok", "col_2": 500}}])).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.body);

    let list = app.get(&format!("{path}/quarantine"), &editor).await;
    let resubmit = async |value: Value| {
        let body = json!({"rows": [{"id": list.body["rows"][0]["id"], "cells": {"col_2": value}}]});
        let path = format!("{path}/quarantine/resubmit");
        app.send("POST", &path, Some(&editor), &[], Some(body))
            .await
    };
    let refused = resubmit(json!(501)).await;
    assert_eq!(
        refused.body["errors"][0]["message"],
        "The column takes 500 or less."
    );
    assert_eq!(resubmit(json!(5)).await.status, StatusCode::CREATED);

    let none = set(json!({"col_1": {}, "col_2": {}}), &owner).await;
    assert_eq!(none.body["rules"], json!({}));
}

#[tokio::test]
async fn a_unique_value_is_refused_at_its_cell_and_in_a_resubmission() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let table = table().reject(place(4));
    let dataset = app.dataset(&owner, "Numbers", &table).await;
    let path = format!("/datasets/{dataset}");
    let send = async |method: &str, path: String, body: Value| {
        app.send(method, &path, Some(&owner), &[], Some(body)).await
    };
    let rules = json!({"rules": {"col_1": {"unique": true}}});
    let set = send("PATCH", path.clone(), rules.clone()).await;
    assert_eq!(set.body["rules"], rules["rules"]);

    let commit = async |base: i64, changes: Value| {
        let body = json!({"base_version": base, "changes": changes});
        send("POST", format!("{path}/commits"), body).await
    };
    let refused = commit(
        1,
        json!([
            {"op": "insert", "cells": {"col_1": "c", "col_2": 1}},
            {"op": "update", "row_id": "2", "cells": {"col_1": "a"}},
        ]),
    )
    .await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (StatusCode::BAD_REQUEST, Some("validation"))
    );
    let taken = |pointer: &str, row: &str, value: Value| {
        json!([{"pointer": pointer, "row_id": row, "column": "col_1", "value": value,
            "message": "`a` is in another row already. The column takes each value once."}])
    };
    assert_eq!(
        refused.body["errors"],
        taken("/changes/1/cells/col_1", "2", json!("a"))
    );
    let kept = commit(
        1,
        json!([{"op": "update", "row_id": "2", "cells": {"col_1": "c"}}]),
    )
    .await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.body);

    let list = app.get(&format!("{path}/quarantine"), &owner).await;
    let id = &list.body["rows"][0]["id"];
    let resubmit = async |name: &str| {
        let body = json!({"rows": [{"id": id, "cells": {"col_1": name, "col_2": 3}}]});
        send("POST", format!("{path}/quarantine/resubmit"), body).await
    };
    let refused = resubmit("a").await;
    assert_eq!(
        refused.body["errors"],
        taken("/rows/0/cells/col_1", id.as_str().unwrap(), json!("a"))
    );
    assert_eq!(resubmit("b").await.status, StatusCode::CREATED);
}
