//! Sharing over the router.

use contracts::dataset::ColumnType::Text;
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{App, Table};

#[tokio::test]
async fn a_role_is_at_work_on_the_next_request_and_so_is_its_end() {
    let app = App::start().await;
    let (owner, guest) = (app.person("owner").await, app.person("guest").await);
    let table = Table::new(&[("name", Text)]).row(&["a"]);
    let dataset = app.dataset(&owner, "Shared", &table).await;
    let (rows, grants) = (
        format!("/datasets/{dataset}/rows"),
        format!("/datasets/{dataset}/grants"),
    );
    let path = format!("{grants}/{}", guest.id);
    assert_eq!(app.get(&rows, &guest).await.status, StatusCode::NOT_FOUND);
    let add = || json!({"cells": {"col_1": "b"}});
    for (role, may_write) in [
        ("viewer", StatusCode::FORBIDDEN),
        ("editor", StatusCode::CREATED),
    ] {
        let given = app
            .send("PUT", &path, Some(&owner), &[], Some(json!({"role": role})))
            .await;
        assert_eq!(
            (given.status, &given.body["role"]),
            (StatusCode::OK, &json!(role))
        );
        assert_eq!(app.get(&rows, &guest).await.status, StatusCode::OK);
        let wrote = app
            .send("POST", &rows, Some(&guest), &[], Some(add()))
            .await;
        assert_eq!(wrote.status, may_write, "{role}");
    }
    let listed = app.get(&grants, &guest).await;
    let names: Vec<&Value> = listed.body["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| &grant["user"]["name"])
        .collect();
    assert_eq!(names, [&json!("owner"), &json!("guest")]);

    let revoked = app.send("DELETE", &path, Some(&owner), &[], None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&rows, &guest).await.status, StatusCode::NOT_FOUND);
    let again = app.send("DELETE", &path, Some(&owner), &[], None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dataset_keeps_an_owner() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let table = Table::new(&[("name", Text)]).row(&["a"]);
    let dataset = app.dataset(&owner, "Mine", &table).await;
    let path = format!("/datasets/{dataset}/grants/{}", owner.id);
    let down = app
        .send(
            "PUT",
            &path,
            Some(&owner),
            &[],
            Some(json!({"role": "editor"})),
        )
        .await;
    assert_eq!(
        (down.status, &down.body["code"]),
        (StatusCode::CONFLICT, &json!("conflict"))
    );
    let away = app.send("DELETE", &path, Some(&owner), &[], None).await;
    assert_eq!(away.status, StatusCode::CONFLICT);
    for nobody in ["usr_01jd0000000000000000000000", "x"] {
        let path = format!("/datasets/{dataset}/grants/{nobody}");
        let given = app
            .send(
                "PUT",
                &path,
                Some(&owner),
                &[],
                Some(json!({"role": "viewer"})),
            )
            .await;
        assert_eq!(given.status, StatusCode::NOT_FOUND, "{nobody}");
    }
}
