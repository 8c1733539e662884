//! Uploads: asking for one, watching, listing and cancelling it. The tests of the whole stack send the bytes as well.

use std::time::Duration;

use contracts::{
    Code, DatasetId, Problem, UploadId,
    plan::Options,
    upload::{Confirm, Mode, Target},
};
use http::StatusCode;
use serde_json::{Value, json};
use store::NewImport;

use crate::common::{App, NO_MONGO, Person, mongo_url, refused};

fn request() -> Value {
    json!({"file_name": "Flüge 2013.csv", "bytes": 29_000, "dataset": {"new_name": "Flights"}, "mode": "new"})
}

/// An import as `POST /uploads` writes it.
pub async fn import(
    app: &App,
    by: &Person,
    target: Target,
    mode: Mode,
    expires_in: Duration,
) -> (UploadId, DatasetId) {
    let upload = UploadId::generate();
    let import = app
        .store
        .create_import(NewImport {
            upload,
            member: by.id,
            file_name: "table.csv".into(),
            bytes: 100,
            target,
            mode,
            key: Vec::new(),
            options: Options::default(),
            confirm: Confirm::Auto,
            object_key: format!("uploads/{upload}/table.csv"),
            expires_in,
        })
        .await
        .unwrap();
    (upload, import.upload.dataset_id)
}

async fn new_import(app: &App, by: &Person) -> (UploadId, DatasetId) {
    let target = Target::New {
        new_name: "Numbers".into(),
    };
    import(app, by, target, Mode::New, Duration::from_secs(900)).await
}

#[tokio::test]
async fn a_bad_request_names_its_field_before_anything_is_written() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    for (field, value, code, pointer) in [
        ("file_name", json!("a\nb"), "validation", "/file_name"),
        ("bytes", json!(0), "empty_file", "/bytes"),
        ("bytes", json!(6_000_000_000_u64), "too_large", "/bytes"),
        (
            "checksum",
            json!({"sha256": "zz"}),
            "validation",
            "/checksum/sha256",
        ),
        ("mode", json!("upsert"), "validation", "/key"),
        ("mode", json!("sync"), "validation", "/key"),
        ("confirm", json!("maybe"), "validation", "/confirm"),
        (
            "options",
            json!({"mapping": {"a": "b"}}),
            "validation",
            "/options/mapping",
        ),
    ] {
        let mut body = request();
        body[field] = value;
        refused(&app.post("/uploads", &person, body).await, code, pointer);
    }
    let imports: i64 = sqlx::query_scalar("select count(*) from gk.import")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(imports, 0);
    let nobody = app
        .send("POST", "/uploads", None, &[], Some(request()))
        .await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_mongodb_asking_fails_as_unavailable_and_leaves_nothing() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    let answer = app.post("/uploads", &person, request()).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    assert!(!answer.body.to_string().contains("127.0.0.1"));
    assert_eq!(
        app.get("/uploads", &person).await.body,
        json!({"uploads": [], "next": null})
    );
}

#[tokio::test]
async fn appending_takes_an_editor_and_a_dataset_that_one_can_see() {
    let app = App::start(NO_MONGO, 900).await;
    let (owner, viewer, stranger) = (
        app.person("owner").await,
        app.person("viewer").await,
        app.person("stranger").await,
    );
    let (_, dataset) = new_import(&app, &owner).await;
    app.share(dataset, &viewer, Some("viewer")).await;
    let body =
        json!({"file_name": "a.csv", "bytes": 5, "dataset": {"id": dataset}, "mode": "append"});
    assert_eq!(
        app.post("/uploads", &viewer, body.clone()).await.status,
        StatusCode::FORBIDDEN
    );
    let there = app.post("/uploads", &stranger, body.clone()).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
    let mut nowhere = body;
    nowhere["dataset"]["id"] = json!(DatasetId::generate());
    assert_eq!(
        app.post("/uploads", &owner, nowhere.clone()).await.body["detail"],
        there.body["detail"]
    );
}

#[tokio::test]
async fn an_upload_is_answered_with_a_signed_link_and_recorded() {
    let mongo = mongo_url();
    let app = App::start(&mongo, 900).await;
    let person = app.person("ada").await;
    let mut body = request();
    body["checksum"] =
        json!({"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"});
    let created = app.post("/uploads", &person, body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.body["method"], "PUT");
    let url: url::Url = created.body["url"].as_str().unwrap().parse().unwrap();
    assert_eq!(url.path(), format!("/gridkeep/uploads/{id}/Fl_ge_2013.csv"));
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        query["X-Amz-SignedHeaders"],
        "content-length;content-type;host;x-amz-checksum-sha256"
    );
    assert_eq!(query["X-Amz-Expires"], "900");
    assert_eq!(
        created.body["headers"]["x-amz-checksum-sha256"],
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
    assert_eq!(
        created.body["headers"]["content-type"],
        "application/octet-stream"
    );
    assert!(created.body["headers"].get("content-length").is_none());

    let shown = app.get(&format!("/uploads/{id}"), &person).await;
    assert_eq!(
        (&shown.body["state"], &shown.body["bytes_total"]),
        (&json!("created"), &json!(29_000))
    );
    assert_eq!(
        (&shown.body["file_name"], &shown.body["dataset_name"]),
        (&json!("Flüge 2013.csv"), &json!("Flights"))
    );

    let database = mongodb::Client::with_uri_str(&mongo)
        .await
        .unwrap()
        .default_database()
        .unwrap();
    let records = database.collection::<mongodb::bson::Document>("uploads");
    let record = records
        .find_one(mongodb::bson::doc! {"_id": id})
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.get_str("user").unwrap(), person.id.to_string());
    assert_eq!(record.get_str("url").unwrap(), url.as_str());
    assert_eq!(record.get_str("file_name").unwrap(), "Flüge 2013.csv");
}

#[tokio::test]
async fn an_idempotency_key_makes_one_upload_of_many_requests() {
    let mongo = mongo_url();
    let app = App::start(&mongo, 900).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let ask = async |by: &Person, key: &str, body: Value| {
        app.send(
            "POST",
            "/uploads",
            Some(by),
            &[("idempotency-key", key)],
            Some(body),
        )
        .await
    };
    let first = ask(&ada, "k-1", request()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(ask(&ada, "k-1", request()).await.body, first.body);
    assert_ne!(
        ask(&ada, "k-2", request()).await.body["id"],
        first.body["id"]
    );
    assert_ne!(
        ask(&bob, "k-1", request()).await.body["id"],
        first.body["id"]
    );
    let mut other = request();
    other["bytes"] = json!(1);
    refused(
        &ask(&ada, "k-1", other).await,
        "conflict",
        "Idempotency-Key",
    );
    refused(
        &ask(&ada, "", request()).await,
        "validation",
        "Idempotency-Key",
    );
    assert_eq!(
        app.get("/uploads", &ada).await.body["uploads"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn an_upload_that_never_came_is_failed_as_expired() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    let target = Target::New {
        new_name: "Late".into(),
    };
    let (upload, _) = import(&app, &person, target, Mode::New, Duration::ZERO).await;
    let shown = app.get(&format!("/uploads/{upload}"), &person).await;
    assert_eq!(
        (&shown.body["state"], &shown.body["problem"]["code"]),
        (&json!("failed"), &json!("expired")),
        "{}",
        shown.body
    );
    let listed = app.get("/uploads", &person).await;
    assert_eq!(listed.body["uploads"][0]["state"], "failed");
}

#[tokio::test]
async fn an_upload_whose_file_came_unannounced_does_not_expire() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    let target = Target::New {
        new_name: "Late".into(),
    };
    let (upload, _) = import(&app, &person, target, Mode::New, Duration::ZERO).await;
    let stored = app.store.import(upload).await.unwrap().unwrap();
    app.bucket.put(&stored.object_key, b"a\n1\n").await;
    let shown = app.get(&format!("/uploads/{upload}"), &person).await;
    assert_eq!(shown.body["state"], "created", "{}", shown.body);
    let listed = app.get("/uploads", &person).await;
    assert_eq!(listed.body["uploads"][0]["state"], "created");
}

#[tokio::test]
async fn an_upload_is_seen_by_those_with_a_grant_on_its_dataset_alone() {
    let app = App::start(NO_MONGO, 900).await;
    let (owner, viewer, stranger) = (
        app.person("owner").await,
        app.person("viewer").await,
        app.person("stranger").await,
    );
    let (upload, dataset) = new_import(&app, &owner).await;
    app.share(dataset, &viewer, Some("viewer")).await;
    for path in ["", "/warnings"] {
        assert_eq!(
            app.get(&format!("/uploads/{upload}{path}"), &viewer)
                .await
                .status,
            StatusCode::OK
        );
        let there = app
            .get(&format!("/uploads/{upload}{path}"), &stranger)
            .await;
        let nowhere = app
            .get(
                &format!("/uploads/{}{path}", UploadId::generate()),
                &stranger,
            )
            .await;
        assert_eq!(
            (there.status, &there.body["detail"]),
            (StatusCode::NOT_FOUND, &nowhere.body["detail"])
        );
        assert_eq!(
            app.get(&format!("/uploads/nonsense{path}"), &stranger)
                .await
                .status,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(
        app.get("/uploads", &viewer).await.body["uploads"],
        json!([])
    );
    let of_dataset = app
        .get(&format!("/uploads?dataset={dataset}"), &viewer)
        .await;
    assert_eq!(of_dataset.body["uploads"][0]["id"], json!(upload));
    for by in [&stranger, &owner] {
        let path = format!("/uploads?dataset={}", DatasetId::generate());
        assert_eq!(app.get(&path, by).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        app.get(&format!("/uploads?dataset={dataset}"), &stranger)
            .await
            .status,
        StatusCode::NOT_FOUND
    );

    // A revoked grant works at once, also for who sent the file.
    app.share(dataset, &owner, None).await;
    assert_eq!(
        app.get(&format!("/uploads/{upload}"), &owner).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(app.get("/uploads", &owner).await.body["uploads"], json!([]));
}

#[tokio::test]
async fn cancelling_twice_is_fine_and_a_published_upload_stays() {
    let app = App::start(NO_MONGO, 900).await;
    let (owner, viewer) = (app.person("owner").await, app.person("viewer").await);
    let (upload, dataset) = new_import(&app, &owner).await;
    app.share(dataset, &viewer, Some("viewer")).await;
    let path = format!("/uploads/{upload}");
    assert_eq!(
        app.send("DELETE", &path, Some(&viewer), &[], None)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    for _ in 0..2 {
        assert_eq!(
            app.send("DELETE", &path, Some(&owner), &[], None)
                .await
                .status,
            StatusCode::NO_CONTENT
        );
    }
    assert_eq!(app.get(&path, &owner).await.body["state"], "cancelled");

    let (upload, _) = new_import(&app, &owner).await;
    sqlx::query("update gk.import set state = 'published', version = 1, finished_at = now() where upload = $1")
        .bind(upload.to_string())
        .execute(&app.pool)
        .await
        .unwrap();
    let answer = app
        .send(
            "DELETE",
            &format!("/uploads/{upload}"),
            Some(&owner),
            &[],
            None,
        )
        .await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (StatusCode::CONFLICT, &json!("conflict"))
    );
}

#[tokio::test]
async fn a_failed_upload_says_why_and_its_tag_saves_the_second_answer() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    let (upload, _) = new_import(&app, &person).await;
    app.store
        .fail(
            upload,
            &Problem::new(Code::UnreadableFile, "It is a photograph."),
        )
        .await
        .unwrap();
    let path = format!("/uploads/{upload}");
    let shown = app.get(&path, &person).await;
    assert_eq!(shown.body["problem"]["detail"], "It is a photograph.");
    let tag = shown.headers["etag"].to_str().unwrap();
    let again = app
        .send("GET", &path, Some(&person), &[("if-none-match", tag)], None)
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn uploads_are_listed_page_by_page_newest_first() {
    let app = App::start(NO_MONGO, 900).await;
    let person = app.person("ada").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(json!(new_import(&app, &person).await.0));
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut path = "/uploads?limit=2".to_owned();
    loop {
        let page = app.get(&path, &person).await;
        seen.extend(
            page.body["uploads"]
                .as_array()
                .unwrap()
                .iter()
                .map(|u| u["id"].clone()),
        );
        match page.body["next"].as_str() {
            Some(cursor) => path = format!("/uploads?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    for bad in [
        "cursor=nonsense",
        "limit=0",
        "limit=201",
        "limit=x",
        "page=2",
    ] {
        let answer = app.get(&format!("/uploads?{bad}"), &person).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (StatusCode::BAD_REQUEST, &json!("validation")),
            "{bad}"
        );
    }
    let warnings = app
        .get(
            &format!(
                "/uploads/{}/warnings?cursor=nonsense",
                made[0].as_str().unwrap()
            ),
            &person,
        )
        .await;
    assert_eq!(warnings.status, StatusCode::BAD_REQUEST);
}
