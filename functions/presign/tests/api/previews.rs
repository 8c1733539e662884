//! Uploads that ask first: who may look, change and confirm, and when it is too early or too late. What a change does is tested with the
//! whole stack.

use std::{collections::BTreeMap, time::Duration};

use contracts::{
    DatasetId, UploadId,
    dataset::{Column, ColumnType},
    plan::{Dialect, FileKind, FilePlan, ObjectRef, Options, Plan, PlannedColumn},
    upload::{Confirm, Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};
use store::NewImport;

use crate::common::{Answer, App, NO_MONGO, Person, refused};

/// An upload of a file with one column, which has come when `has_come`.
async fn asking(
    app: &App,
    by: &Person,
    target: Target,
    mode: Mode,
    confirm: Confirm,
    has_come: bool,
) -> (UploadId, DatasetId) {
    let upload = UploadId::generate();
    let new = NewImport {
        upload,
        member: by.id,
        file_name: "table.csv".into(),
        bytes: 100,
        target,
        mode,
        key: Vec::new(),
        options: Options::default(),
        confirm,
        object_key: format!("uploads/{upload}/table.csv"),
        expires_in: Duration::from_secs(900),
    };
    let import = app.store.create_import(new).await.unwrap();
    if has_come {
        app.store.start_analysis(upload, 100).await.unwrap();
    }
    (upload, import.upload.dataset_id)
}

fn new_dataset() -> Target {
    Target::New {
        new_name: "Numbers".into(),
    }
}

fn plan(mode: Mode) -> Plan {
    let column = Column {
        id: "col_1".into(),
        name: "number".into(),
        kind: ColumnType::Int64,
        format: None,
        null_token: None,
    };
    Plan {
        generation: 1,
        object: ObjectRef {
            bucket: "gridkeep".into(),
            key: "uploads/x/table.csv".into(),
            etag: "e".into(),
            bytes: 100,
        },
        mode,
        key: Vec::new(),
        file: FilePlan {
            kind: FileKind::default(),
            dialect: Dialect::default(),
            columns: vec![PlannedColumn {
                header: column.name.clone(),
                column,
                source: Some(0),
                fixed: false,
            }],
            mapping: Vec::new(),
            records: 1,
            headers: 1,
            skipped: BTreeMap::new(),
            rows: 0,
            ..FilePlan::default()
        },
        batch_rows: 10,
        batch_bytes: 1_000,
    }
}

/// A dataset that has the column, and no row.
async fn dataset(app: &App, by: &Person) -> DatasetId {
    let (upload, id) = asking(app, by, new_dataset(), Mode::New, Confirm::Auto, true).await;
    let store = &app.store;
    store
        .save_plan(upload, &plan(Mode::New), &[])
        .await
        .unwrap();
    store.open_load(upload, 1).await.unwrap();
    let end = contracts::events::EndOfLoad {
        batches: 0,
        rows: 0,
        quarantined: 0,
    };
    store.end_of_load(upload, 1, end).await.unwrap();
    store.publish_if_complete(upload).await.unwrap();
    id
}

async fn patch(app: &App, upload: UploadId, by: &Person, body: Value) -> Answer {
    let path = format!("/uploads/{upload}");
    app.send("PATCH", &path, Some(by), &[], Some(body)).await
}

async fn confirm(app: &App, upload: UploadId, by: &Person, generation: i32) -> Answer {
    let path = format!("/uploads/{upload}/confirm");
    app.post(&path, by, json!({ "generation": generation }))
        .await
}

#[tokio::test]
async fn a_bad_change_names_its_field() {
    let app = App::start(NO_MONGO, 900).await;
    let ada = app.person("ada").await;
    let id = dataset(&app, &ada).await;
    let target = Target::Existing { id };
    let (upload, _) = asking(&app, &ada, target, Mode::Append, Confirm::Ask, true).await;
    for (body, pointer) in [
        (json!([]), ""),
        (json!({"mode": "new"}), "/mode"),
        (json!({"mode": "merge"}), "/mode"),
        (json!({"mode": "upsert"}), "/key"),
        (json!({"key": ["number"]}), "/key"),
        (json!({"mode": "sync", "key": ["nothing"]}), "/key/0"),
        (json!({"options": {"quote": "<>"}}), "/options/quote"),
        (
            json!({"options": {"new_columns": "ask"}}),
            "/options/new_columns",
        ),
        (
            json!({"mode": "replace", "options": {"mapping": {"a": null}}}),
            "/options/mapping",
        ),
        (json!({"confirm": "auto"}), "/confirm"),
    ] {
        refused(
            &patch(&app, upload, &ada, body).await,
            "validation",
            pointer,
        );
    }
    let (upload, _) = asking(&app, &ada, new_dataset(), Mode::New, Confirm::Ask, true).await;
    let answer = patch(&app, upload, &ada, json!({"mode": "append"})).await;
    refused(&answer, "validation", "/mode");
    let shown = app.get(&format!("/uploads/{upload}"), &ada).await.body;
    assert_eq!(
        (
            &shown["confirm"],
            &shown["key"],
            &shown["options"]["mapping"],
            &shown["generation"]
        ),
        (&json!("ask"), &json!([]), &json!({}), &json!(0))
    );
}

#[tokio::test]
async fn an_answer_comes_neither_too_early_nor_too_late() {
    let app = App::start(NO_MONGO, 900).await;
    let ada = app.person("ada").await;
    let conflict = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
        assert_eq!(answer.body["code"], "conflict", "{}", answer.body);
    };
    let (upload, _) = asking(&app, &ada, new_dataset(), Mode::New, Confirm::Ask, false).await;
    let preview = format!("/uploads/{upload}/preview");
    conflict(patch(&app, upload, &ada, json!({})).await);
    conflict(confirm(&app, upload, &ada, 1).await);
    conflict(app.get(&preview, &ada).await);

    app.store.start_analysis(upload, 100).await.unwrap();
    let planned = app.store.save_plan(upload, &plan(Mode::New), &[]).await;
    planned.unwrap();
    let shown = app.get(&preview, &ada).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert_eq!(shown.body["columns"][0]["name"], "number");
    assert_eq!(shown.body["counts"], Value::Null);
    conflict(confirm(&app, upload, &ada, 2).await);
    conflict(patch(&app, upload, &ada, json!({"generation": 2})).await);
    for _ in 0..2 {
        let confirmed = confirm(&app, upload, &ada, 1).await;
        assert_eq!(confirmed.status, StatusCode::OK, "{}", confirmed.body);
        assert_eq!(confirmed.body["confirmed"], true);
    }
    conflict(patch(&app, upload, &ada, json!({})).await);
    let answer = app
        .send(
            "DELETE",
            &format!("/uploads/{upload}"),
            Some(&ada),
            &[],
            None,
        )
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    conflict(confirm(&app, upload, &ada, 1).await);

    let (auto, _) = asking(&app, &ada, new_dataset(), Mode::New, Confirm::Auto, true).await;
    conflict(patch(&app, auto, &ada, json!({})).await);
}

#[tokio::test]
async fn a_viewer_looks_and_an_editor_answers() {
    let app = App::start(NO_MONGO, 900).await;
    let (ada, viewer, stranger) = (
        app.person("ada").await,
        app.person("viewer").await,
        app.person("stranger").await,
    );
    let (upload, dataset) = asking(&app, &ada, new_dataset(), Mode::New, Confirm::Ask, true).await;
    let planned = app.store.save_plan(upload, &plan(Mode::New), &[]).await;
    planned.unwrap();
    app.share(dataset, &viewer, Some("viewer")).await;
    let preview = format!("/uploads/{upload}/preview");
    for (person, look, answer) in [
        (&viewer, StatusCode::OK, StatusCode::FORBIDDEN),
        (&stranger, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(app.get(&preview, person).await.status, look);
        assert_eq!(confirm(&app, upload, person, 1).await.status, answer);
        assert_eq!(patch(&app, upload, person, json!({})).await.status, answer);
    }
}

#[tokio::test]
async fn a_change_and_an_answer_stand_though_nobody_can_be_told() {
    let app = App::start(NO_MONGO, 900).await;
    let ada = app.person("ada").await;
    let (upload, _) = asking(&app, &ada, new_dataset(), Mode::New, Confirm::Ask, true).await;
    let changed = patch(&app, upload, &ada, json!({"options": {"header": false}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        (&changed.body["state"], &changed.body["generation"]),
        (&json!("analysing"), &json!(2))
    );
    // The consumer sends what is owed.
    let owed: bool =
        sqlx::query_scalar("select work_owed_at is not null from gk.import where upload = $1")
            .bind(upload.to_string())
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert!(owed);
}
