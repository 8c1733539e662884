//! Changing rows over the router: commits, single rows, comparison and restore.

use contracts::{
    DatasetId,
    dataset::ColumnType::{Int64, Text},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{App, Person, Table};

struct Scene {
    app: App,
    owner: Person,
    dataset: DatasetId,
}

impl Scene {
    async fn set() -> Self {
        let app = App::start().await;
        let owner = app.person("owner").await;
        let table = Table::new(&[("name", Text), ("n", Int64)])
            .row(&["a", "1"])
            .row(&["b", "2"])
            .row(&["c", "3"]);
        let dataset = app.dataset(&owner, "Numbers", &table).await;
        Self {
            app,
            owner,
            dataset,
        }
    }

    async fn post(&self, path: &str, body: Value) -> crate::common::Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> crate::common::Answer {
        let path = format!("/datasets/{}{path}", self.dataset);
        self.app
            .send(method, &path, Some(&self.owner), headers, body)
            .await
    }

    async fn get(&self, path: &str) -> crate::common::Answer {
        self.send("GET", path, &[], None).await
    }

    async fn cells(&self) -> Vec<Value> {
        let page = self.get("/rows").await;
        let rows = page.body["rows"].as_array().unwrap();
        rows.iter().map(|row| row["cells"].clone()).collect()
    }
}

#[tokio::test]
async fn a_commit_inserts_updates_and_deletes_as_one_version() {
    let scene = Scene::set().await;
    let done = scene
        .post(
            "/commits",
            json!({"base_version": 1, "message": " Tidied up ", "changes": [
                {"op": "update", "row_id": "1", "cells": {"col_1": "A", "col_2": 10}},
                {"op": "delete", "row_id": "2"},
                {"op": "insert", "cells": {"col_1": "d"}},
                {"op": "insert", "cells": {"col_2": "5"}},
            ]}),
        )
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    assert_eq!(done.body, json!({"version": 2, "rows": ["4", "5"]}));
    assert_eq!(
        scene.cells().await,
        [
            json!(["A", "10"]),
            json!(["c", "3"]),
            json!(["d", null]),
            json!([null, "5"])
        ]
    );
    let old = scene.get("/rows?version=1").await;
    assert_eq!(old.body["total"], 3);
    assert_eq!(old.body["rows"][0]["cells"], json!(["a", "1"]));
    let versions = scene.get("/versions").await;
    let newest = &versions.body["versions"][0];
    assert_eq!(
        (&newest["kind"], &newest["author"], &newest["message"]),
        (&json!("api"), &json!("owner"), &json!("Tidied up"))
    );
    let receipt = &newest["receipt"];
    assert_eq!(
        (
            &receipt["inserted"],
            &receipt["updated"],
            &receipt["deleted"]
        ),
        (&json!(2), &json!(1), &json!(1))
    );

    let nothing = scene
        .post(
            "/commits",
            json!({"base_version": 1, "changes": [{"op": "update", "row_id": "1", "cells": {"col_1": "A"}}]}),
        )
        .await;
    assert_eq!(nothing.status, StatusCode::OK);
    assert_eq!(nothing.body["version"], 2);
}

#[tokio::test]
async fn every_bad_cell_is_named_and_nothing_is_written() {
    let scene = Scene::set().await;
    let refused = scene
        .post(
            "/commits",
            json!({"base_version": 1, "changes": [
                {"op": "update", "row_id": "1", "cells": {"col_2": "ten", "col_1": "fine"}},
                {"op": "insert", "cells": {"col_2": "2.5", "col_1": "nul\u{0}"}},
                {"op": "update", "row_id": "x", "cells": {}},
                {"op": "delete"},
                {"op": "insert", "cells": {"col_7": 1, "col_1": true}},
            ]}),
        )
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body["code"], "validation");
    let errors = refused.body["errors"].as_array().unwrap();
    let places: Vec<&str> = errors
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "/changes/0/cells/col_2",
            "/changes/1/cells/col_2",
            "/changes/1/cells/col_1",
            "/changes/2/row_id",
            "/changes/3/row_id",
            "/changes/4/cells/col_7",
            "/changes/4/cells/col_1",
        ]
    );
    assert_eq!(
        errors[0],
        json!({"pointer": "/changes/0/cells/col_2", "row_id": "1", "column": "col_2", "value": "ten",
            "message": "`ten` is not a whole number as it is printed (`1234`, no `+`, no leading zeros), at most 9223372036854775807."})
    );
    assert_eq!(scene.get("/rows").await.body["version"], 1);
}

#[tokio::test]
async fn the_same_cell_answers_with_base_theirs_and_yours() {
    let scene = Scene::set().await;
    let change = |value: &str| json!({"base_version": 1, "changes": [{"op": "update", "row_id": "1", "cells": {"col_2": value}}]});
    scene.post("/commits", change("10")).await;
    let refused = scene.post("/commits", change("11")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["code"], "conflict");
    assert_eq!(
        refused.body["conflicts"],
        json!([{"row_id": "1", "column": "col_2", "base": "1", "theirs": "10", "yours": "11", "gone": false}])
    );
}

#[tokio::test]
async fn a_key_makes_sending_again_harmless() {
    let scene = Scene::set().await;
    let insert = |name: &str| json!({"base_version": 1, "changes": [{"op": "insert", "cells": {"col_1": name}}]});
    let key = [("idempotency-key", "save-1")];
    let mut versions = Vec::new();
    for _ in 0..2 {
        let done = scene
            .send("POST", "/commits", &key, Some(insert("d")))
            .await;
        assert_eq!(done.status, StatusCode::CREATED);
        versions.push(done.body);
    }
    assert_eq!(versions[0], versions[1]);
    assert_eq!(scene.cells().await.len(), 4);
    let other = scene
        .send("POST", "/commits", &key, Some(insert("e")))
        .await;
    assert_eq!(
        (other.status, &other.body["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("Idempotency-Key"))
    );
    let empty = scene
        .send(
            "POST",
            "/commits",
            &[("idempotency-key", "")],
            Some(insert("e")),
        )
        .await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_row_is_written_by_its_tag() {
    let scene = Scene::set().await;
    let made = scene
        .post("/rows", json!({"cells": {"col_1": "d", "col_2": 4}}))
        .await;
    assert_eq!(
        (made.status, &made.body),
        (StatusCode::CREATED, &json!({"version": 2, "row_id": "4"}))
    );
    let read = scene.get("/rows/4").await;
    let tag = read.headers["etag"].to_str().unwrap().to_owned();
    let cells = |n: i32| Some(json!({"cells": {"col_2": n}}));

    let blind = scene.send("PATCH", "/rows/4", &[], cells(40)).await;
    assert_eq!(
        (blind.status.as_u16(), &blind.body["code"]),
        (428, &json!("precondition_required"))
    );
    let blind = scene.send("DELETE", "/rows/4", &[], None).await;
    assert_eq!(blind.status.as_u16(), 428);

    let done = scene
        .send("PATCH", "/rows/4", &[("if-match", &tag)], cells(40))
        .await;
    assert_eq!(
        (done.status, &done.body["version"]),
        (StatusCode::OK, &json!(3))
    );
    let late = scene
        .send("PATCH", "/rows/4", &[("if-match", &tag)], cells(41))
        .await;
    assert_eq!(
        (late.status.as_u16(), &late.body["code"]),
        (412, &json!("conflict"))
    );
    assert_eq!(late.body["conflicts"][0]["theirs"], "40");
    let late = scene
        .send("DELETE", "/rows/4", &[("if-match", &tag)], None)
        .await;
    assert_eq!(late.status.as_u16(), 412);
    let other = scene
        .send("PATCH", "/rows/4", &[("if-match", "\"never\"")], cells(41))
        .await;
    assert_eq!(other.status.as_u16(), 412);

    let tag = scene.get("/rows/4").await.headers["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    let done = scene
        .send("DELETE", "/rows/4", &[("if-match", &tag)], None)
        .await;
    assert_eq!(done.status, StatusCode::OK);
    for (method, body) in [("PATCH", cells(1)), ("DELETE", None)] {
        let gone = scene
            .send(method, "/rows/4", &[("if-match", "*")], body)
            .await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{method}");
    }
}

#[tokio::test]
async fn versions_are_compared_page_by_page_and_brought_back() {
    let scene = Scene::set().await;
    scene
        .post(
            "/commits",
            json!({"base_version": 1, "changes": [
                {"op": "update", "row_id": "1", "cells": {"col_2": "10"}},
                {"op": "delete", "row_id": "2"},
                {"op": "insert", "cells": {"col_1": "d"}},
            ]}),
        )
        .await;
    let first = scene.get("/diff?from=1&to=2&limit=2").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(
        (
            &first.body["inserted"],
            &first.body["updated"],
            &first.body["deleted"]
        ),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        first.body["rows"],
        json!([
            {"row_id": "1", "change": "updated", "before": ["a", "1"], "after": ["a", "10"], "changed": ["col_2"]},
            {"row_id": "2", "change": "deleted", "before": ["b", "2"], "after": null, "changed": []},
        ])
    );
    let next = first.body["next"].as_str().unwrap();
    let rest = scene
        .get(&format!("/diff?from=1&to=2&limit=2&cursor={next}"))
        .await;
    assert_eq!(
        (&rest.body["rows"], &rest.body["next"]),
        (
            &json!([{"row_id": "4", "change": "inserted", "before": null, "after": ["d", null], "changed": []}]),
            &Value::Null
        )
    );
    for (path, status) in [
        ("/diff?from=1&to=9", 404),
        ("/diff?from=0", 400),
        ("/diff?from=1&cursor=x", 400),
        ("/diff", 400),
    ] {
        assert_eq!(scene.get(path).await.status.as_u16(), status, "{path}");
    }

    let restored = scene
        .post("/restore", json!({"version": 1, "message": "Back"}))
        .await;
    assert_eq!(
        (restored.status, &restored.body["version"]),
        (StatusCode::CREATED, &json!(3))
    );
    assert_eq!(
        scene.cells().await,
        [json!(["a", "1"]), json!(["b", "2"]), json!(["c", "3"])]
    );
    let again = scene.post("/restore", json!({"version": 1})).await;
    assert_eq!(
        (again.status, &again.body["version"]),
        (StatusCode::OK, &json!(3))
    );
    let never = scene.post("/restore", json!({"version": 9})).await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
    let versions = scene.get("/versions").await;
    assert_eq!(versions.body["versions"][0]["kind"], "restore");
    assert_eq!(versions.body["versions"][0]["receipt"]["deleted"], 1);
}

#[tokio::test]
async fn an_empty_dataset_is_made_and_filled() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let ask = json!({"name": "List", "columns": [{"name": "what", "type": "text"}, {"name": "when", "type": "date", "format": "dd/MM/yyyy"}]});
    let made = app
        .send("POST", "/datasets", Some(&owner), &[], Some(ask))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(
        (
            &made.body["version"],
            &made.body["rows"],
            &made.body["role"]
        ),
        (&json!(1), &json!(0), &json!("owner"))
    );
    let id = made.body["id"].as_str().unwrap();
    let changes = json!({"base_version": 1, "changes": [
        {"op": "insert", "cells": {"col_1": "one", "col_2": "31/01/2026"}},
        {"op": "insert", "cells": {"col_1": "two", "col_2": "2026-02-01"}},
    ]});
    let done = app
        .send(
            "POST",
            &format!("/datasets/{id}/commits"),
            Some(&owner),
            &[],
            Some(changes),
        )
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    let rows = app
        .get(&format!("/datasets/{id}/rows?position=1"), &owner)
        .await;
    assert_eq!(rows.body["rows"][0]["cells"], json!(["two", "2026-02-01"]));

    for (ask, pointer) in [
        (
            json!({"name": "", "columns": [{"name": "a", "type": "text"}]}),
            "/name",
        ),
        (json!({"name": "x", "columns": []}), "/columns"),
        (
            json!({"name": "x", "columns": [{"name": "a", "type": "text"}, {"name": "a", "type": "text"}]}),
            "/columns/1/name",
        ),
        (
            json!({"name": "x", "columns": [{"name": "a", "type": "date", "format": "moon"}]}),
            "/columns/0/format",
        ),
    ] {
        let refused = app
            .send("POST", "/datasets", Some(&owner), &[], Some(ask))
            .await;
        assert_eq!(
            (refused.status, &refused.body["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer))
        );
    }
}
