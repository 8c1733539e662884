//! Records in quarantine over the router: filtered, mended, resubmitted, discarded, downloaded.

use contracts::{
    DatasetId,
    dataset::ColumnType::{Int64, Text},
    receipt::Place,
    upload::{Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{Answer, App, Person, Table};

struct Scene {
    app: App,
    owner: Person,
    dataset: DatasetId,
}

fn place(record: u64, code: &str, raw: Option<&str>) -> Place {
    Place {
        byte: record * 10,
        line: record,
        record,
        column: (code == "type_mismatch").then(|| "n".into()),
        code: code.into(),
        message: "It does not fit.".into(),
        raw: raw.map(str::to_owned),
    }
}

fn table() -> Table {
    Table::new(&[("name", Text), ("n", Int64)]).row(&["a", "1"])
}

impl Scene {
    async fn set(rejects: &[Place]) -> Self {
        let app = App::start().await;
        let owner = app.person("owner").await;
        let table = rejects.iter().cloned().fold(table(), Table::reject);
        let dataset = app.dataset(&owner, "Numbers", &table).await;
        Self {
            app,
            owner,
            dataset,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let path = format!("/datasets/{}{path}", self.dataset);
        let answer = self.app.get(&path, &self.owner).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    async fn post(&self, action: &str, body: Value) -> Answer {
        self.post_with(action, &[], body).await
    }

    async fn post_with(&self, action: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let path = format!("/datasets/{}/quarantine/{action}", self.dataset);
        self.app
            .send("POST", &path, Some(&self.owner), headers, Some(body))
            .await
    }

    async fn ids(&self) -> Vec<String> {
        let list = self.get("/quarantine").await;
        list["rows"].as_array().unwrap().iter().map(id).collect()
    }

    async fn cells(&self) -> Vec<Value> {
        let page = self.get("/rows").await;
        let rows = page["rows"].as_array().unwrap();
        rows.iter().map(|row| row["cells"].clone()).collect()
    }

    async fn open(&self) -> Value {
        self.get("").await["quarantined"].clone()
    }
}

fn id(row: &Value) -> String {
    row["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_record_shows_its_cells_under_the_columns_they_were_meant_for() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("\"a, \"\"b\"\"\",x")),
        place(5, "long_row", Some("c,2,more,\"and more\"")),
        place(6, "row_too_large", None),
        place(7, "type_mismatch", Some("short")),
    ])
    .await;
    let list = scene.get("/quarantine").await;
    let cells: Vec<_> = list["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["cells"].clone(), row["surplus"].clone()))
        .collect();
    assert_eq!(
        cells,
        [
            (json!({"col_1": "a, \"b\"", "col_2": "x"}), json!([])),
            (
                json!({"col_1": "c", "col_2": "2"}),
                json!(["more", "and more"])
            ),
            (Value::Null, json!([])),
            (json!({"col_1": "short"}), json!([])),
        ]
    );
    assert_eq!(list["rows"][0]["state"], "open");
    assert_eq!(list["total"], 4);
}

#[tokio::test]
async fn a_long_record_is_cut_in_a_page_and_whole_as_a_row() {
    let long = format!("{},x", "é".repeat(20_000));
    let scene = Scene::set(&[place(4, "type_mismatch", Some(&long))]).await;
    let row = scene.get("/quarantine").await["rows"][0].clone();
    assert_eq!(row["raw"].as_str().unwrap().chars().count(), 10_000);
    assert_eq!(row["cells"]["col_1"]["chars"], 20_000);
    let body = json!({"rows": [{"id": id(&row), "cells": {"col_2": 7}}]});
    assert_eq!(
        scene.post("resubmit", body).await.status,
        StatusCode::CREATED
    );
    let whole = scene.get("/rows/3/cells/col_1").await;
    assert_eq!(whole["chars"], 20_000);
}

#[tokio::test]
async fn records_are_filtered_by_reason_file_and_state_and_grouped() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,x")),
        place(5, "long_row", Some("c,2,3")),
        place(6, "type_mismatch", Some("d,y")),
    ])
    .await;
    let target = Target::Existing { id: scene.dataset };
    let more = table().reject(place(3, "type_mismatch", Some("e,z")));
    let app = &scene.app;
    app.import(&scene.owner, target, Mode::Append, &more).await;

    let all = scene.get("/quarantine").await;
    assert_eq!(
        (all["total"].clone(), scene.open().await),
        (json!(4), json!(4))
    );
    // The newest import first.
    assert_eq!(all["rows"][0]["raw"], "e,z");
    assert_eq!(all["groups"][0]["rows"], 2);
    assert_eq!(all["groups"].as_array().unwrap().len(), 3);
    let upload = all["rows"][0]["upload_id"].as_str().unwrap().to_owned();
    let ids = scene.ids().await;

    let one = scene.get("/quarantine?code=type_mismatch&limit=1").await;
    assert_eq!(one["total"], 3);
    let next = one["next"].as_str().unwrap();
    let two = scene
        .get(&format!(
            "/quarantine?code=type_mismatch&limit=2&cursor={next}"
        ))
        .await;
    assert_eq!(
        (
            id(&two["rows"][0]),
            id(&two["rows"][1]),
            two["next"].clone()
        ),
        (ids[1].clone(), ids[3].clone(), Value::Null)
    );
    let of_file = scene.get(&format!("/quarantine?upload={upload}")).await;
    assert_eq!(of_file["total"], 1);

    scene.post("discard", json!({"ids": [ids[0]]})).await;
    assert_eq!(scene.get("/quarantine?state=open").await["total"], 3);
    assert_eq!(scene.get("/quarantine?state=discarded").await["total"], 1);
    for wrong in ["cursor=nonsense", "state=nope", "upload=upl_x", "limit=0"] {
        let path = format!("/datasets/{}/quarantine?{wrong}", scene.dataset);
        let answer = scene.app.get(&path, &scene.owner).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn mended_records_become_one_version() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,x")),
        place(5, "long_row", Some("Smith, J,5")),
        place(6, "type_mismatch", Some("d,6 ")),
    ])
    .await;
    let ids = scene.ids().await;
    let body = json!({"rows": [
        {"id": ids[0], "cells": {"col_2": 4}},
        {"id": ids[1], "raw": "\"Smith, J\",5"},
        {"id": ids[2]},
    ]});
    let done = scene.post("resubmit", body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    assert_eq!(done.body["version"], 2);
    assert_eq!(done.body["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        scene.cells().await,
        [
            json!(["a", "1"]),
            json!(["b", "4"]),
            json!(["Smith, J", "5"]),
            json!(["d", "6"])
        ]
    );
    assert_eq!(scene.open().await, 0);
    let versions = scene.get("/versions").await;
    assert_eq!(versions["versions"][0]["message"], "3 rows from quarantine");
    let row = scene.get("/quarantine").await["rows"][0].clone();
    assert_eq!(
        (
            row["state"].clone(),
            row["version"].clone(),
            row["changed_by"].clone()
        ),
        (json!("resubmitted"), json!(2), json!("owner"))
    );
    assert_eq!(row["raw"], "b,x");
}

#[tokio::test]
async fn what_still_does_not_fit_is_named_and_nothing_is_done() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,x")),
        place(5, "long_row", Some("c,2,3")),
        place(6, "row_too_large", None),
        place(7, "invalid_encoding", Some("caf\\xE9,7")),
        place(8, "type_mismatch", Some("e,8")),
    ])
    .await;
    let ids = scene.ids().await;
    let body = json!({"rows": [
        {"id": ids[0]},
        {"id": ids[1], "cells": {"col_1": "c"}},
        {"id": ids[2], "cells": {"col_1": "c"}},
        {"id": ids[3]},
        {"id": ids[4], "raw": "e,8\nf,9"},
        {"id": "99.1"},
        {"id": "99.2", "cells": {"col_9": "?"}},
    ]});
    let refused = scene.post("resubmit", body).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let pointers: Vec<_> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/rows/0/cells/col_2",
            "/rows/1",
            "/rows/2",
            "/rows/3/cells/col_1",
            "/rows/4/raw",
            "/rows/5",
            "/rows/6"
        ]
    );
    let errors = &refused.body["errors"];
    assert_eq!(errors[0]["row_id"], json!(ids[0]));
    assert!(errors[2]["message"].as_str().unwrap().contains("16 MiB"));
    assert_eq!(
        (scene.get("").await["version"].clone(), scene.open().await),
        (json!(1), json!(5))
    );

    // As meant, all but the one that only the file has.
    let body = json!({"rows": [
        {"id": ids[0], "cells": {"col_2": null}},
        {"id": ids[1], "cells": {"col_1": "c", "col_2": "2"}},
        {"id": ids[3], "cells": {"col_1": "café"}},
        {"id": ids[4]},
    ]});
    let done = scene.post("resubmit", body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    assert_eq!(
        scene.cells().await[1..],
        [
            json!(["b", null]),
            json!(["c", "2"]),
            json!(["café", "7"]),
            json!(["e", "8"])
        ]
    );
    assert_eq!(scene.open().await, 1);
}

#[tokio::test]
async fn a_record_becomes_a_row_once() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,x")),
        place(5, "type_mismatch", Some("c,y")),
    ])
    .await;
    let ids = scene.ids().await;
    let body = json!({"rows": [{"id": ids[0], "cells": {"col_2": 4}}]});
    let (first, second) = tokio::join!(
        scene.post("resubmit", body.clone()),
        scene.post("resubmit", body.clone())
    );
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::CONFLICT]);
    assert_eq!(scene.cells().await.len(), 2);

    // One that is taken holds the others back.
    let both = json!({"rows": [body["rows"][0], {"id": ids[1], "cells": {"col_2": 5}}]});
    let refused = scene.post("resubmit", both).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["errors"][0]["row_id"], json!(ids[0]));
    assert_eq!(
        (scene.cells().await.len(), scene.open().await),
        (2, json!(1))
    );

    let body = json!({"rows": [{"id": ids[1], "cells": {"col_2": 5}}]});
    let key = [("Idempotency-Key", "one")];
    let heard = scene.post_with("resubmit", &key, body.clone()).await;
    let again = scene.post_with("resubmit", &key, body).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert_eq!(heard.body, again.body);
    assert_eq!(scene.cells().await.len(), 3);

    let twice = json!({"rows": [{"id": ids[1]}, {"id": ids[1]}]});
    assert_eq!(
        scene.post("resubmit", twice).await.status,
        StatusCode::BAD_REQUEST
    );
    let none = json!({"rows": []});
    assert_eq!(
        scene.post("resubmit", none).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_discard_can_be_taken_back_and_a_resubmission_cannot() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,4")),
        place(5, "type_mismatch", Some("c,5")),
    ])
    .await;
    let ids = scene.ids().await;
    let all = json!({"ids": ids});
    let discarded = scene.post("discard", all.clone()).await;
    assert_eq!(discarded.body, json!({"rows": 2, "open": 0}));
    assert_eq!(
        scene.post("discard", all.clone()).await.body,
        json!({"rows": 0, "open": 0})
    );
    let body = json!({"rows": [{"id": ids[0]}]});
    let refused = scene.post("resubmit", body.clone()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(
        scene.post("reopen", all.clone()).await.body,
        json!({"rows": 2, "open": 2})
    );
    assert_eq!(
        scene.post("resubmit", body).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        scene.post("reopen", all.clone()).await.body,
        json!({"rows": 0, "open": 1})
    );
    assert_eq!(
        scene.post("discard", all).await.body,
        json!({"rows": 1, "open": 0})
    );
}

#[tokio::test]
async fn going_back_to_an_old_version_leaves_the_quarantine_as_it_is() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("b,4")),
        place(5, "type_mismatch", Some("c,5")),
    ])
    .await;
    let ids = scene.ids().await;
    let body = json!({"rows": [{"id": ids[0]}]});
    assert_eq!(
        scene.post("resubmit", body.clone()).await.status,
        StatusCode::CREATED
    );
    let restore = format!("/datasets/{}/restore", scene.dataset);
    let restored = scene
        .app
        .send(
            "POST",
            &restore,
            Some(&scene.owner),
            &[],
            Some(json!({"version": 1})),
        )
        .await;
    assert_eq!(restored.status, StatusCode::CREATED);
    assert_eq!(scene.cells().await.len(), 1);
    assert_eq!(scene.open().await, 1);
    assert_eq!(
        scene.post("resubmit", body).await.status,
        StatusCode::CONFLICT
    );

    let target = Target::Existing { id: scene.dataset };
    let app = &scene.app;
    app.import(&scene.owner, target, Mode::Replace, &table())
        .await;
    assert_eq!(scene.open().await, 1);
    let body = json!({"rows": [{"id": ids[1]}]});
    assert_eq!(
        scene.post("resubmit", body).await.status,
        StatusCode::CREATED
    );
    assert_eq!(scene.cells().await[1], json!(["c", "5"]));
}

#[tokio::test]
async fn the_download_has_every_record_and_no_formula() {
    let scene = Scene::set(&[
        place(4, "type_mismatch", Some("=1+1,\"x\"")),
        place(5, "row_too_large", None),
        place(6, "type_mismatch", Some("c,y")),
    ])
    .await;
    let ids = scene.ids().await;
    scene.post("discard", json!({"ids": [ids[2]]})).await;
    let path = format!("/datasets/{}/quarantine/download?format=csv", scene.dataset);
    assert_eq!(
        scene.app.text(&path, &scene.owner).await,
        "file,line,record,byte,column,code,message,state,raw\r\n\
         \"table.csv\",4,4,40,\"n\",\"type_mismatch\",\"It does not fit.\",\"open\",\"'=1+1,\"\"x\"\"\"\r\n\
         \"table.csv\",5,5,50,\"\",\"row_too_large\",\"It does not fit.\",\"open\",\"\"\r\n\
         \"table.csv\",6,6,60,\"n\",\"type_mismatch\",\"It does not fit.\",\"discarded\",\"c,y\"\r\n"
    );
    let open = scene
        .app
        .text(&format!("{path}&state=open"), &scene.owner)
        .await;
    assert_eq!(open.lines().count(), 3);
}

#[tokio::test]
async fn a_record_of_an_upsert_changes_the_row_that_has_its_key() {
    let scene = Scene::set(&[]).await;
    let upsert = (table().row(&["b", "2"]))
        .reject(place(4, "type_mismatch", Some("a,x")))
        .reject(place(5, "type_mismatch", Some("c,y")))
        .reject(place(6, "type_mismatch", Some("c,z")));
    let target = Target::Existing { id: scene.dataset };
    let app = &scene.app;
    (app.import(&scene.owner, target, Mode::Upsert, &upsert)).await;
    let ids = scene.ids().await;
    let mended = |record: usize, n: i64| json!({"id": ids[record], "cells": {"col_2": n}});
    let resubmit = async |rows: Vec<Value>| scene.post("resubmit", json!({"rows": rows})).await;
    let refused = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        let error = &answer.body["errors"][0];
        assert_eq!(error["column"], "col_1");
        (
            error["pointer"].as_str().unwrap().to_owned(),
            error["message"].as_str().unwrap().to_owned(),
        )
    };

    let (pointer, message) = refused(&resubmit(vec![mended(1, 8), mended(2, 9)]).await);
    assert_eq!(pointer, "/rows/1/cells/col_1");
    assert!(message.contains("Another of these records"), "{message}");

    let done = resubmit(vec![mended(0, 7), mended(1, 8)]).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    assert_eq!(done.body["rows"].as_array().unwrap().len(), 1);
    let cells = json!([["a", "7"], ["b", "2"], ["c", "8"]]);
    assert_eq!(json!(scene.cells().await), cells);

    let version = scene.get("").await["version"].clone();
    let twin = json!({"base_version": version, "changes": [{"op": "insert", "cells": {"col_1": "c", "col_2": 0}}]});
    let commits = format!("/datasets/{}/commits", scene.dataset);
    let twin = (app.send("POST", &commits, Some(&scene.owner), &[], Some(twin))).await;
    assert_eq!(twin.status, StatusCode::CREATED, "{}", twin.body);
    let (pointer, message) = refused(&resubmit(vec![mended(2, 9)]).await);
    assert_eq!(pointer, "/rows/0/cells/col_1");
    assert!(message.contains("Several rows have this key"), "{message}");
    assert_eq!(scene.open().await, 1);

    // What changes nothing is settled all the same.
    let same = json!({"id": ids[2], "cells": {"col_1": "a", "col_2": 7}});
    let done = resubmit(vec![same]).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.body);
    assert_eq!(scene.cells().await[0], json!(["a", "7"]));
    assert_eq!(
        (scene.open().await, scene.cells().await.len()),
        (json!(0), 4)
    );
}
