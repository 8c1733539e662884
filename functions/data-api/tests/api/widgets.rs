//! Dashboards and aggregates over the router.

use contracts::dataset::ColumnType::{Int64, Text};
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{Answer, App, Person, Table};

async fn cities(app: &App, owner: &Person) -> String {
    let table = Table::new(&[("city", Text), ("people", Int64)])
        .row(&["Ulm", "3"])
        .row(&["Bonn", "5"])
        .row(&["Ulm", "4"]);
    format!("/datasets/{}", app.dataset(owner, "Cities", &table).await)
}

async fn post(app: &App, path: &str, who: &Person, body: Value) -> Answer {
    app.send("POST", path, Some(who), &[], Some(body)).await
}

#[tokio::test]
async fn a_widget_is_added_changed_and_deleted() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let widgets = format!("{}/widgets", cities(&app, &owner).await);
    assert_eq!(app.get(&widgets, &owner).await.body, json!({"widgets": []}));
    let bars = json!({"title": " People by city ", "kind": "bar", "group": "city", "measures": ["sum:people", "count"]});
    let made = post(&app, &widgets, &owner, bars).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["title"], "People by city");
    assert_eq!(
        made.body["rows"],
        json!([["Ulm", "7", "2"], ["Bonn", "5", "1"]])
    );
    assert_eq!(
        made.body["columns"],
        json!([{"name": "city", "type": "text"}, {"name": "sum of people", "type": "decimal"}, {"name": "count", "type": "int64"}])
    );
    assert_eq!(
        (&made.body["version"], &made.body["limit"]),
        (&json!(1), &json!(50))
    );
    let path = format!("{widgets}/{}", made.body["id"].as_str().unwrap());
    let number = post(
        &app,
        &widgets,
        &owner,
        json!({"title": "All", "kind": "number", "measures": ["count"]}),
    )
    .await;
    assert_eq!(number.body["position"]["y"], made.body["position"]["h"]);

    let change = json!({"filter": {"column": "people", "op": "gt", "value": 3}, "sort": "group"});
    let changed = app
        .send("PATCH", &path, Some(&owner), &[], Some(change))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        changed.body["rows"],
        json!([["Bonn", "5", "1"], ["Ulm", "4", "1"]])
    );
    let cleared = app
        .send(
            "PATCH",
            &path,
            Some(&owner),
            &[],
            Some(json!({"filter": null, "position": {"x": 6, "y": 9, "w": 6, "h": 4}})),
        )
        .await;
    assert_eq!(
        cleared.body["rows"],
        json!([["Bonn", "5", "1"], ["Ulm", "7", "2"]])
    );
    let listed = app.get(&widgets, &owner).await;
    assert_eq!(listed.body["widgets"][1], cleared.body);
    let tag = listed.headers["etag"].to_str().unwrap();
    let same = app
        .send(
            "GET",
            &widgets,
            Some(&owner),
            &[("if-none-match", tag)],
            None,
        )
        .await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    for (expected, _) in [(StatusCode::NO_CONTENT, 1), (StatusCode::NOT_FOUND, 2)] {
        assert_eq!(
            app.send("DELETE", &path, Some(&owner), &[], None)
                .await
                .status,
            expected
        );
    }
    assert_eq!(app.get(&path, &owner).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_datasets_widget_is_not_there() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let (one, other) = (cities(&app, &owner).await, cities(&app, &owner).await);
    let body = json!({"title": "All", "kind": "number", "measures": ["count"]});
    let made = post(&app, &format!("{one}/widgets"), &owner, body).await;
    let id = made.body["id"].as_str().unwrap();
    for path in [
        format!("{other}/widgets/{id}"),
        format!("{one}/widgets/wdg_x"),
    ] {
        for method in ["GET", "PATCH", "DELETE"] {
            let body = (method == "PATCH").then(|| json!({"title": "Mine"}));
            let answer = app.send(method, &path, Some(&owner), &[], body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_widget_is_refused_by_its_field() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let widgets = format!("{}/widgets", cities(&app, &owner).await);
    let good = json!({"title": "T", "kind": "bar", "group": "city", "measures": ["count"]});
    for (field, value, pointer) in [
        ("title", json!(" "), "title"),
        ("title", json!("x".repeat(201)), "title"),
        ("kind", json!("pie"), "/kind"),
        ("group", Value::Null, "group"),
        ("group", json!("nowhere"), "group"),
        ("group", json!("city:month"), "group"),
        ("measures", json!([]), "measures"),
        ("measures", json!(["sum:city"]), "measures"),
        ("measures", json!(["median:people"]), "measures"),
        (
            "measures",
            json!(["count", "count", "count", "count", "count", "count"]),
            "measures",
        ),
        ("limit", json!(0), "limit"),
        ("limit", json!(1001), "limit"),
        ("filter", json!({"column": "city"}), "filter/op"),
        (
            "filter",
            json!({"column": "people", "op": "eq", "value": "many"}),
            "filter",
        ),
        (
            "position",
            json!({"x": 8, "y": 0, "w": 6, "h": 2}),
            "position",
        ),
        (
            "position",
            json!({"x": 0, "y": 0, "w": 0, "h": 2}),
            "position",
        ),
        ("colour", json!("red"), "/colour"),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = post(&app, &widgets, &owner, body).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{field} {value}: {}",
            answer.body
        );
        assert_eq!(
            answer.body["pointer"], pointer,
            "{field} {value}: {}",
            answer.body
        );
    }
    assert_eq!(app.get(&widgets, &owner).await.body, json!({"widgets": []}));
}

#[tokio::test]
async fn an_aggregate_is_computed_for_any_version() {
    let app = App::start().await;
    let owner = app.person("owner").await;
    let dataset = cities(&app, &owner).await;
    let path = format!("{dataset}/aggregate?group=city&measures=sum:people,count");
    let first = app.get(&path, &owner).await;
    assert_eq!(
        first.body["rows"],
        json!([["Bonn", "5", "1"], ["Ulm", "7", "2"]])
    );
    let insert = json!({"cells": {"col_1": "Köln", "col_2": "1"}});
    assert_eq!(
        post(&app, &format!("{dataset}/rows"), &owner, insert)
            .await
            .status,
        StatusCode::CREATED
    );
    let head = app.get(&path, &owner).await;
    assert_eq!(
        (
            &head.body["version"],
            head.body["rows"].as_array().unwrap().len()
        ),
        (&json!(2), 3)
    );
    let old = app.get(&format!("{path}&version=1"), &owner).await;
    assert_eq!(old.body, first.body);
    let top = app
        .get(&format!("{path}&sort=measure&limit=1"), &owner)
        .await;
    assert_eq!(
        (&top.body["rows"], &top.body["more"]),
        (&json!([["Ulm", "7", "2"]]), &json!(true))
    );
    for (query, pointer) in [
        ("", ""),
        ("measures=", "measures"),
        ("measures=sum", "measures"),
        ("measures=count&group=x", "group"),
        ("measures=count&limit=0", "limit"),
        ("measures=count&sort=name", "sort"),
        ("measures=count&version=0", "version"),
        ("measures=count&filter=x", "filter"),
    ] {
        let answer = app
            .get(&format!("{dataset}/aggregate?{query}"), &owner)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.body["pointer"], pointer, "{query}: {}", answer.body);
    }
    let later = app.get(&format!("{path}&version=9"), &owner).await;
    assert_eq!(later.status, StatusCode::NOT_FOUND);
}
