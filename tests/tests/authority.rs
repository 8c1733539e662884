//! Who may do what (promise 8): every route of the OpenAPI document, asked by nobody, a signed-in stranger, a viewer, an editor and an owner.
//! A route that the document has and the table below has not fails the test, and the other way round: whoever adds one decides who may use it.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use contracts::{
    DatasetId, UploadId,
    upload::{CreateUpload, Mode, Target, UploadState},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, Client, Stack, new_dataset, shared};

const DOCUMENT: &str = include_str!("../../docs/openapi.json");
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Nobody, stranger, viewer, editor, owner.
const ROLES: [&str; 5] = ["nobody", "stranger", "viewer", "editor", "owner"];
const PUBLIC: [u16; 5] = [200; 5];
const SIGNED_IN: [u16; 5] = [401, 200, 200, 200, 200];
const VIEWERS: [u16; 5] = [401, 404, 200, 200, 200];
const EDITORS: [u16; 5] = [401, 404, 403, 200, 200];
const OWNERS: [u16; 5] = [401, 404, 403, 403, 200];
/// The route and what each gets. Whoever may delete does so one after the other, each a thing of their own.
const MATRIX: &[(&str, &str, [u16; 5])] = &[
    // A sign-in is for whoever has none; these routes look at no role. Without the session's cookies there is nothing to refresh.
    ("get", "/api/v1/auth/sign-in", [303; 5]),
    ("get", "/api/v1/auth/callback", [303; 5]),
    ("post", "/api/v1/auth/refresh", [401; 5]),
    ("post", "/api/v1/auth/sign-out", [204; 5]),
    ("get", "/api/v1/auth/jwks.json", PUBLIC),
    ("get", "/api/v1/openapi.json", PUBLIC),
    ("get", "/api/v1/me", SIGNED_IN),
    ("get", "/api/v1/users", SIGNED_IN),
    ("get", "/api/v1/datasets", SIGNED_IN),
    // Anyone signed in may make a dataset of their own.
    ("post", "/api/v1/datasets", [401, 201, 201, 201, 201]),
    ("get", "/api/v1/datasets/{id}", VIEWERS),
    ("patch", "/api/v1/datasets/{id}", OWNERS),
    ("delete", "/api/v1/datasets/{id}", [401, 404, 403, 403, 204]),
    ("get", "/api/v1/datasets/{id}/rows", VIEWERS),
    ("get", "/api/v1/datasets/{id}/rows/{row_id}", VIEWERS),
    (
        "get",
        "/api/v1/datasets/{id}/rows/{row_id}/cells/{column_id}",
        VIEWERS,
    ),
    ("get", "/api/v1/datasets/{id}/versions", VIEWERS),
    ("get", "/api/v1/datasets/{id}/diff", VIEWERS),
    // To the version it is at: nothing changes.
    ("post", "/api/v1/datasets/{id}/restore", EDITORS),
    ("post", "/api/v1/datasets/{id}/commits", EDITORS),
    (
        "post",
        "/api/v1/datasets/{id}/rows",
        [401, 404, 403, 201, 201],
    ),
    ("patch", "/api/v1/datasets/{id}/rows/{row_id}", EDITORS),
    ("delete", "/api/v1/datasets/{id}/rows/{row_id}", EDITORS),
    ("get", "/api/v1/datasets/{id}/grants", VIEWERS),
    ("put", "/api/v1/datasets/{id}/grants/{user_id}", OWNERS),
    (
        "delete",
        "/api/v1/datasets/{id}/grants/{user_id}",
        [401, 404, 403, 403, 204],
    ),
    ("get", "/api/v1/datasets/{id}/aggregate", VIEWERS),
    ("get", "/api/v1/datasets/{id}/widgets", VIEWERS),
    (
        "post",
        "/api/v1/datasets/{id}/widgets",
        [401, 404, 403, 201, 201],
    ),
    ("get", "/api/v1/datasets/{id}/widgets/{widget_id}", VIEWERS),
    (
        "patch",
        "/api/v1/datasets/{id}/widgets/{widget_id}",
        EDITORS,
    ),
    (
        "delete",
        "/api/v1/datasets/{id}/widgets/{widget_id}",
        [401, 404, 403, 204, 204],
    ),
    ("get", "/api/v1/datasets/{id}/quarantine", VIEWERS),
    ("get", "/api/v1/datasets/{id}/quarantine/download", VIEWERS),
    // Of a record that is not there: whoever may do it is told so.
    (
        "post",
        "/api/v1/datasets/{id}/quarantine/resubmit",
        [401, 404, 403, 400, 400],
    ),
    ("post", "/api/v1/datasets/{id}/quarantine/discard", EDITORS),
    ("post", "/api/v1/datasets/{id}/quarantine/reopen", EDITORS),
    ("get", "/api/v1/uploads", SIGNED_IN),
    // Into the shared dataset; anyone signed in may make a dataset of their own.
    ("post", "/api/v1/uploads", [401, 404, 403, 201, 201]),
    ("get", "/api/v1/uploads/{id}", VIEWERS),
    ("delete", "/api/v1/uploads/{id}", [401, 404, 403, 204, 204]),
    ("get", "/api/v1/uploads/{id}/warnings", VIEWERS),
    // Of one that is published: to say yes again is fine, to change anything is too late.
    ("get", "/api/v1/uploads/{id}/preview", VIEWERS),
    ("post", "/api/v1/uploads/{id}/confirm", EDITORS),
    ("patch", "/api/v1/uploads/{id}", [401, 404, 403, 409, 409]),
    // Of a file that was sent in one piece; its parts would be its sender's, who is the owner here.
    (
        "get",
        "/api/v1/uploads/{id}/parts",
        [401, 404, 403, 403, 409],
    ),
    (
        "post",
        "/api/v1/uploads/{id}/complete",
        [401, 404, 403, 403, 409],
    ),
    ("get", "/api/v1/datasets/{id}/drop-folder", EDITORS),
    ("get", "/api/v1/datasets/{id}/hooks", EDITORS),
    (
        "post",
        "/api/v1/datasets/{id}/hooks",
        [401, 404, 403, 201, 201],
    ),
    ("patch", "/api/v1/datasets/{id}/hooks/{hook_id}", EDITORS),
    (
        "delete",
        "/api/v1/datasets/{id}/hooks/{hook_id}",
        [401, 404, 403, 204, 204],
    ),
    (
        "post",
        "/api/v1/datasets/{id}/hooks/{hook_id}/rotate",
        EDITORS,
    ),
    (
        "get",
        "/api/v1/datasets/{id}/hooks/{hook_id}/deliveries",
        EDITORS,
    ),
    ("post", DOOR, [400; 5]),
];

/// It asks for a signature, and whoever is signed in has none.
const DOOR: &str = "/api/v1/hooks/{id}";

const SECRET: &str = "A secret name";

struct Scene {
    people: Vec<Client>,
    dataset: DatasetId,
    upload: UploadId,
    row: String,
    /// Somebody else's id, who comes and goes.
    guest: String,
}

impl Scene {
    /// Its people are its own: scenes are set side by side.
    async fn set(stack: &Stack, scene: &str) -> anyhow::Result<Self> {
        let user = |name: &str| stack.user(&format!("{name}@{scene}.example"));
        let people = vec![
            stack.anonymous()?,
            user("stranger")?,
            user("viewer")?,
            user("editor")?,
            user("owner")?,
        ];
        let owner = &people[4];
        let upload = owner
            .send_bytes(SECRET, "secret.csv", b"name,n\nSesame,1\n".to_vec())
            .await?;
        let done = owner.outcome(upload, PATIENCE).await?;
        ensure!(done.state == UploadState::Published, "{done:?}");
        let pool = stack.pg().await?;
        grant(&pool, done.dataset_id, &people).await?;
        let rows = owner
            .get(&format!("/datasets/{}/rows", done.dataset_id))
            .await?;
        let row = rows.body["rows"][0]["row_id"]
            .as_str()
            .context("one row")?
            .to_owned();
        Ok(Self {
            people,
            dataset: done.dataset_id,
            upload,
            row,
            guest: id_of(&user("guest")?).await?,
        })
    }

    /// Asks the route as that person, of something that is there for the asking.
    async fn ask(&self, method: &str, route: &str, who: usize) -> anyhow::Result<Answer> {
        let mut upload = self.upload;
        if (method, route) == ("delete", "/api/v1/uploads/{id}") {
            upload = self.people[4]
                .create_upload(&append(self.dataset))
                .await?
                .id;
        }
        let owner = &self.people[4];
        let guest = format!("/datasets/{}/grants/{}", self.dataset, self.guest);
        let mut row = self.row.clone();
        let mut widget = String::new();
        if route.contains("{widget_id}") {
            let widgets = format!("/datasets/{}/widgets", self.dataset);
            let made = owner.post(&widgets, &a_number()).await?;
            made.body["id"]
                .as_str()
                .context("a widget")?
                .clone_into(&mut widget);
        }
        let mut hook = String::new();
        if route.contains("{hook_id}") {
            let hooks = format!("/datasets/{}/hooks", self.dataset);
            let made = owner.post(&hooks, &json!({"name": SECRET})).await?;
            made.body["id"]
                .as_str()
                .context("a hook")?
                .clone_into(&mut hook);
        }
        match (method, route) {
            ("delete", "/api/v1/datasets/{id}/rows/{row_id}") => {
                let made = owner
                    .post(
                        &format!("/datasets/{}/rows", self.dataset),
                        &json!({"cells": {}}),
                    )
                    .await?;
                made.body["row_id"]
                    .as_str()
                    .context("a row")?
                    .clone_into(&mut row);
            }
            ("delete", "/api/v1/datasets/{id}/grants/{user_id}") => {
                let granted = owner
                    .request(Method::PUT, &guest)
                    .json(&json!({"role": "viewer"}));
                ensure!(Client::ask(granted).await?.status == StatusCode::OK);
            }
            _ => {}
        }
        let id = if route.contains("/uploads/") {
            upload.to_string()
        } else {
            self.dataset.to_string()
        };
        let path = route
            .trim_start_matches("/api/v1")
            .replace("{id}", &id)
            .replace("{row_id}", &row)
            .replace("{user_id}", &self.guest)
            .replace("{widget_id}", &widget)
            .replace("{hook_id}", &hook)
            .replace("{column_id}", "col_1");
        let request =
            self.people[who].request(Method::from_bytes(method.to_uppercase().as_bytes())?, &path);
        let request = match (method, route) {
            ("post", "/api/v1/uploads") => request.json(&append(self.dataset)),
            _ => with_body(request, method, route),
        };
        Client::ask(request).await
    }
}

/// What the route cannot do without.
fn with_body(
    request: reqwest::RequestBuilder,
    method: &str,
    route: &str,
) -> reqwest::RequestBuilder {
    match (method, route.trim_start_matches("/api/v1")) {
        ("patch", "/datasets/{id}") => request.json(&json!({"name": SECRET})),
        ("post", "/datasets") => {
            request.json(&json!({"name": "Mine", "columns": [{"name": "a", "type": "text"}]}))
        }
        ("get", "/datasets/{id}/diff") => request.query(&[("from", "1")]),
        ("post", "/datasets/{id}/restore") => request.json(&json!({"version": 1})),
        ("post", "/datasets/{id}/quarantine/resubmit") => {
            request.json(&json!({"rows": [{"id": "1.1"}]}))
        }
        ("post", "/datasets/{id}/quarantine/discard" | "/datasets/{id}/quarantine/reopen") => {
            request.json(&json!({"ids": ["1.1"]}))
        }
        ("post", "/datasets/{id}/commits") => {
            request.json(&json!({"base_version": 1, "changes": []}))
        }
        ("get", "/datasets/{id}/aggregate") => request.query(&[("measures", "count")]),
        ("post", "/datasets/{id}/widgets") => request.json(&a_number()),
        ("patch", "/datasets/{id}/widgets/{widget_id}") => request.json(&json!({"title": SECRET})),
        ("post", "/datasets/{id}/hooks") => request.json(&json!({"name": SECRET})),
        ("patch", "/datasets/{id}/hooks/{hook_id}") => request.json(&json!({"paused": false})),
        ("post", "/uploads/{id}/complete") => request.json(&json!({"parts": []})),
        ("post", "/uploads/{id}/confirm") => request.json(&json!({"generation": 1})),
        ("patch", "/uploads/{id}") => request.json(&json!({})),
        ("post", "/datasets/{id}/rows") => request.json(&json!({"cells": {}})),
        ("patch", "/datasets/{id}/rows/{row_id}") => {
            request.header("if-match", "*").json(&json!({"cells": {}}))
        }
        ("delete", "/datasets/{id}/rows/{row_id}") => request.header("if-match", "*"),
        ("put", "/datasets/{id}/grants/{user_id}") => request.json(&json!({"role": "viewer"})),
        _ => request,
    }
}

fn a_number() -> Value {
    json!({"title": SECRET, "kind": "number", "measures": ["count"]})
}

async fn id_of(client: &Client) -> anyhow::Result<String> {
    let me = client.get("/me").await?;
    Ok(me.body["id"].as_str().context("an id")?.to_owned())
}

fn append(dataset: DatasetId) -> CreateUpload {
    CreateUpload {
        dataset: Target::Existing { id: dataset },
        mode: Mode::Append,
        ..new_dataset("", "more.csv", 5)
    }
}

async fn grant(pool: &PgPool, dataset: DatasetId, people: &[Client]) -> anyhow::Result<()> {
    for (client, role) in people
        .iter()
        .zip(ROLES)
        .filter(|(_, role)| matches!(*role, "viewer" | "editor"))
    {
        sqlx::query("insert into gk.dataset_grant (dataset, member, role) select no, $2, $3 from gk.dataset where id = $1")
            .bind(dataset.to_string())
            .bind(id_of(client).await?)
            .bind(role)
            .execute(pool)
            .await?;
    }
    Ok(())
}

#[test]
fn every_route_of_the_document_has_its_expectation_and_no_other_has() {
    let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "put", "post", "patch", "delete", "head", "options"] {
            if item.get(method).is_some() {
                documented.insert((method, path.as_str()));
            }
        }
    }
    let expected: BTreeSet<_> = MATRIX
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .collect();
    assert_eq!(expected, documented);
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_nothing_else() -> anyhow::Result<()> {
    let scene = Scene::set(shared().await, "matrix").await?;
    let mut wrong = Vec::new();
    // What deletes the dataset comes last.
    let (last, first): (Vec<_>, Vec<_>) = MATRIX
        .iter()
        .partition(|row| (row.0, row.1) == ("delete", "/api/v1/datasets/{id}"));
    for (method, route, expected) in first.into_iter().chain(last) {
        for (who, status) in expected.iter().enumerate() {
            let answer = scene.ask(method, route, who).await?;
            if answer.status.as_u16() != *status {
                wrong.push(format!(
                    "{method} {route} as {}: {} in place of {status}: {}",
                    ROLES[who], answer.status, answer.body
                ));
            }
            let refusal = answer.status.is_client_error();
            if refusal && answer.headers["content-type"] != "application/problem+json" {
                wrong.push(format!(
                    "{method} {route} as {}: no problem but {}",
                    ROLES[who], answer.body
                ));
            }
            if who < 2
                && (answer.body.to_string().contains(SECRET)
                    || answer.body.to_string().contains(&scene.dataset.to_string()))
            {
                wrong.push(format!(
                    "{method} {route} tells {} of the dataset: {}",
                    ROLES[who], answer.body
                ));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_strangers_answer_is_that_of_a_thing_that_is_not_there() -> anyhow::Result<()> {
    let scene = Scene::set(shared().await, "stranger").await?;
    let stranger = &scene.people[1];
    let of_a_dataset = |route: &str| route.contains("{id}") && route != DOOR;
    for (method, route, expected) in MATRIX.iter().filter(|(_, route, _)| of_a_dataset(route)) {
        ensure!(expected[1] == 404, "{method} {route}");
        let there = scene.ask(method, route, 1).await?;
        let path = route
            .trim_start_matches("/api/v1")
            .replace("{row_id}", "1")
            .replace("{user_id}", &scene.guest)
            .replace("{column_id}", "col_1")
            .replace(
                "{id}",
                &if route.contains("/uploads/") {
                    UploadId::generate().to_string()
                } else {
                    DatasetId::generate().to_string()
                },
            );
        let request =
            stranger.request(Method::from_bytes(method.to_uppercase().as_bytes())?, &path);
        let nowhere = Client::ask(with_body(request, method, route)).await?;
        ensure!(there.status == StatusCode::NOT_FOUND && nowhere.status == StatusCode::NOT_FOUND);
        ensure!(
            there.body["detail"] == nowhere.body["detail"],
            "{method} {route}: {} / {}",
            there.body,
            nowhere.body
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_revoked_grant_works_at_once() -> anyhow::Result<()> {
    let stack = shared().await;
    let scene = Scene::set(stack, "revoked").await?;
    let viewer = &scene.people[2];
    let path = format!("/datasets/{}/rows", scene.dataset);
    let seen = viewer.get(&path).await?;
    ensure!(seen.status == StatusCode::OK);
    let tag = seen.headers["etag"].to_str()?;
    sqlx::query("delete from gk.dataset_grant g using gk.dataset d where d.id = $1 and g.dataset = d.no and g.role = 'viewer'")
        .bind(scene.dataset.to_string())
        .execute(&stack.pg().await?)
        .await?;
    let again = Client::ask(
        viewer
            .request(Method::GET, &path)
            .header("if-none-match", tag),
    )
    .await?;
    ensure!(again.status == StatusCode::NOT_FOUND, "{}", again.body);
    Ok(())
}
