//! Bad input over real HTTP: each gets a clear problem that names what is at fault, nothing of the inside leaks, and the service stays up.
//! (Bad files are in `bad_files`; what the sign-in refuses is in `auth`.)

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::{
    DatasetId, UploadId,
    auth::AccessClaims,
    upload::{Checksum, SendTo, UploadState},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{Answer, Client, Stack, new_dataset, shared};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATIENCE: Duration = Duration::from_secs(60);

/// A problem of that status, code and pointer, which says nothing of the inside.
fn problem(answer: &Answer, status: u16, code: &str, pointer: Option<&str>) -> anyhow::Result<()> {
    let body = &answer.body;
    ensure!(
        answer.status == status,
        "{} in place of {status}: {body}",
        answer.status
    );
    ensure!(
        answer.headers["content-type"] == "application/problem+json",
        "{body}"
    );
    ensure!(body["code"] == code && body["status"] == status, "{body}");
    ensure!(
        body["request_id"] == answer.headers["x-request-id"].to_str()?,
        "{body}"
    );
    if let Some(pointer) = pointer {
        ensure!(body["pointer"] == pointer, "{body}");
    }
    let text = body.to_string();
    for inside in [
        "sqlx",
        "postgres",
        "syntax error",
        "panicked",
        ".rs:",
        "data.d_",
        "gk.",
    ] {
        ensure!(!text.contains(inside), "{inside} leaks: {text}");
    }
    Ok(())
}

async fn dataset(owner: &Client) -> anyhow::Result<DatasetId> {
    let upload = owner
        .send_bytes(
            "Birds",
            "birds.csv",
            b"name,weight\nkiwi,3\nemu,40\nwren,NA\n".to_vec(),
        )
        .await?;
    let done = owner.outcome(upload, PATIENCE).await?;
    ensure!(done.state == UploadState::Published, "{done:?}");
    Ok(done.dataset_id)
}

async fn alive(client: &Client) -> anyhow::Result<()> {
    ensure!(client.get("/me").await?.status == StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn malformed_parameters_of_a_page_are_named() -> anyhow::Result<()> {
    let owner = shared().await.user("pages@bad.example")?;
    let dataset = dataset(&owner).await?;
    let filter = |value: Value| vec![("filter", value.to_string())];
    for (query, pointer) in [
        (vec![("limit", "0".to_owned())], "limit"),
        (vec![("limit", "1001".to_owned())], "limit"),
        (vec![("limit", "many".to_owned())], "limit"),
        (vec![("position", "-1".to_owned())], "position"),
        (vec![("version", "first".to_owned())], "version"),
        (vec![("as_of", "2013-02-30T00:00:00Z".to_owned())], "as_of"),
        (vec![("cursor", "bm9uc2Vuc2U".to_owned())], "cursor"),
        (
            vec![("cursor", "'; drop table gk.dataset; --".to_owned())],
            "cursor",
        ),
        (vec![("sort", "weight desc".to_owned())], "sort"),
        (vec![("sort", "name,,weight".to_owned())], "sort"),
        (vec![("filter", "{".to_owned())], "filter"),
        (vec![("filter", "\0".to_owned())], "filter"),
        (
            filter(json!({"and": [{"column": "name"}]})),
            "filter/and/0/op",
        ),
        (
            filter(json!({"and": [{"column": "name", "op": "~", "value": "k"}]})),
            "filter/and/0/op",
        ),
        (filter(json!({"or": []})), "filter/or"),
        (
            filter(json!({"and": [{"column": "name", "op": "eq", "value": "a\0"}]})),
            "filter/and/0/value",
        ),
    ] {
        let request = owner
            .request(Method::GET, &format!("/datasets/{dataset}/rows"))
            .query(&query);
        problem(
            &Client::ask(request).await?,
            400,
            "validation",
            Some(pointer),
        )
        .with_context(|| format!("{query:?}"))?;
    }
    for query in [
        filter(json!({"and": [{"column": "age", "op": "eq", "value": 1}]})),
        filter(json!({"and": [{"column": "weight", "op": "eq", "value": "heavy"}]})),
        filter(json!({"and": [{"column": "weight", "op": "eq", "value": "1e400"}]})),
    ] {
        let request = owner
            .request(Method::GET, &format!("/datasets/{dataset}/rows"))
            .query(&query);
        problem(&Client::ask(request).await?, 400, "validation", None)
            .with_context(|| format!("{query:?}"))?;
    }
    let first = owner
        .get(&format!("/datasets/{dataset}/rows?limit=1"))
        .await?;
    let cursor = first.body["next"].as_str().context("another page")?;
    let (head, tail) = cursor.split_at(cursor.len() / 2);
    let flipped = if tail.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{head}{flipped}{}", &tail[1..]);
    problem(
        &owner
            .get(&format!("/datasets/{dataset}/rows?cursor={tampered}"))
            .await?,
        400,
        "validation",
        Some("cursor"),
    )?;
    alive(&owner).await
}

#[tokio::test]
async fn what_is_not_there_is_not_found() -> anyhow::Result<()> {
    let owner = shared().await.user("missing@bad.example")?;
    let dataset = dataset(&owner).await?;
    for path in [
        format!("/datasets/{dataset}/rows?version=2"),
        format!("/datasets/{dataset}/rows?as_of=2001-01-01T00:00:00Z"),
        format!("/datasets/{dataset}/rows/999"),
        format!("/datasets/{dataset}/rows/one"),
        format!("/datasets/{dataset}/rows/1/cells/col_99"),
        format!("/datasets/{}", DatasetId::generate()),
        "/datasets/dst_'".to_owned(),
        format!("/uploads/{}", UploadId::generate()),
        "/uploads/%00".to_owned(),
        "/nowhere".to_owned(),
    ] {
        problem(&owner.get(&path).await?, 404, "not_found", None).with_context(|| path)?;
    }
    let put = Client::ask(owner.request(Method::PUT, "/datasets")).await?;
    problem(&put, 405, "not_found", None)?;
    alive(&owner).await
}

#[tokio::test]
async fn a_foreign_upload_is_nobody_elses_to_see_or_cancel() -> anyhow::Result<()> {
    let stack = shared().await;
    let (owner, other) = (
        stack.user("mine@bad.example")?,
        stack.user("other@bad.example")?,
    );
    let created = owner
        .create_upload(&new_dataset("Mine", "mine.csv", 3))
        .await?;
    problem(
        &other.get(&format!("/uploads/{}", created.id)).await?,
        404,
        "not_found",
        None,
    )?;
    problem(
        &other.delete(&format!("/uploads/{}", created.id)).await?,
        404,
        "not_found",
        None,
    )?;
    ensure!(owner.upload(created.id).await?.state == UploadState::Created);
    ensure!(
        owner
            .delete(&format!("/uploads/{}", created.id))
            .await?
            .status
            == StatusCode::NO_CONTENT
    );
    ensure!(owner.upload(created.id).await?.state == UploadState::Cancelled);
    Ok(())
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused() -> anyhow::Result<()> {
    let user = shared().await.user("bodies@bad.example")?;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    for (what, content_type, body, status, pointer) in [
        (
            "half an object",
            "application/json",
            b"{".to_vec(),
            400,
            None,
        ),
        ("a list", "application/json", b"[]".to_vec(), 400, None),
        (
            "no UTF-8",
            "application/json",
            b"\xff\xfe".to_vec(),
            400,
            None,
        ),
        (
            "text",
            "text/plain",
            b"{}".to_vec(),
            415,
            Some("Content-Type"),
        ),
        ("deep", "application/json", deep, 400, None),
    ] {
        let request = user
            .request(Method::POST, "/uploads")
            .header("content-type", content_type)
            .body(body);
        let answer = Client::ask(request).await.context(what)?;
        problem(&answer, status, "validation", pointer).context(what)?;
    }
    too_long(&shared().await.url()?).await.context("too long")?;
    let empty =
        json!({"file_name": "a.csv", "bytes": 0, "dataset": {"new_name": "A"}, "mode": "new"});
    problem(
        &user.post("/uploads", &empty).await?,
        422,
        "empty_file",
        Some("/bytes"),
    )?;
    let huge = json!({"file_name": "a.csv", "bytes": 6_000_000_000_u64, "dataset": {"new_name": "A"}, "mode": "new"});
    problem(
        &user.post("/uploads", &huge).await?,
        413,
        "too_large",
        Some("/bytes"),
    )?;
    alive(&user).await
}

/// A body that says it is too long is refused before it is sent. By hand, because a client that is busy sending may miss the answer.
async fn too_long(url: &str) -> anyhow::Result<()> {
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let head = format!(
        "POST /api/v1/uploads HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 7340032\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    let mut buffer = [0; 4_096];
    while !answer.contains("request_id") {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await??;
        ensure!(read > 0, "closed after {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    ensure!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains(r#""code":"too_large""#),
        "{answer}"
    );
    Ok(())
}

/// The stack's own signing key and its id.
fn signer(stack: &Stack) -> anyhow::Result<(String, String)> {
    let settings: Value =
        serde_json::from_slice(&std::fs::read(stack.folder().join("settings.json"))?)?;
    let text = |name: &str| {
        settings[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| name.to_owned())
    };
    Ok((text("GRIDKEEP_SIGNING_KEY")?, text("GRIDKEEP_SIGNING_KID")?))
}

#[tokio::test]
async fn only_a_token_of_ours_in_its_time_opens_anything() -> anyhow::Result<()> {
    let stack = shared().await;
    let user = stack.user("tokens@bad.example")?;
    let me = user.get("/me").await?.body;
    let (pem, kid) = signer(stack)?;
    let key = EncodingKey::from_ed_pem(pem.as_bytes())?;
    let url = stack.url()?;
    let now = jiff::Timestamp::now().as_second();
    let claims = AccessClaims {
        iss: url.clone(),
        aud: url.clone(),
        sub: me["id"].as_str().context("id")?.parse()?,
        iat: now,
        exp: now + 60,
    };
    let header = |algorithm: Algorithm, kid: &str| Header {
        kid: Some(kid.to_owned()),
        ..Header::new(algorithm)
    };
    let sign = |claims: &AccessClaims| encode(&header(Algorithm::EdDSA, &kid), claims, &key);
    let status = async |token: String| {
        let mut client = user.clone();
        client.token = Some(token);
        client.get("/me").await
    };

    let good = sign(&claims)?;
    ensure!(status(good.clone()).await?.status == StatusCode::OK);

    let b64 = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let payload = good.split('.').nth(1).context("three parts")?;
    let signature = good.rsplit('.').next().context("three parts")?;
    let jwks = stack
        .anonymous()?
        .get("/auth/jwks.json")
        .await?
        .body
        .to_string();
    let forged = [
        (
            "expired",
            sign(&AccessClaims {
                iat: now - 900,
                exp: now - 60,
                ..claims.clone()
            })?,
        ),
        (
            "for another audience",
            sign(&AccessClaims {
                aud: "https://example.org".into(),
                ..claims.clone()
            })?,
        ),
        (
            "by another issuer",
            sign(&AccessClaims {
                iss: "https://example.org".into(),
                ..claims.clone()
            })?,
        ),
        (
            "of a key that we do not know",
            encode(&header(Algorithm::EdDSA, "other"), &claims, &key)?,
        ),
        (
            "by the public key as a secret",
            encode(
                &header(Algorithm::HS256, &kid),
                &claims,
                &EncodingKey::from_secret(jwks.as_bytes()),
            )?,
        ),
        (
            "without an algorithm",
            format!("{}.{payload}.", b64(json!({"alg": "none", "kid": kid}))),
        ),
        (
            "with its algorithm changed",
            format!(
                "{}.{payload}.{signature}",
                b64(json!({"alg": "HS256", "kid": kid}))
            ),
        ),
        ("with its claims changed", {
            let other = AccessClaims {
                exp: now + 9_999,
                ..claims.clone()
            };
            format!(
                "{}.{}.{signature}",
                good.split('.').next().context("three parts")?,
                b64(serde_json::to_value(other)?)
            )
        }),
        (
            "of a member who never was",
            sign(&AccessClaims {
                sub: contracts::UserId::generate(),
                ..claims.clone()
            })?,
        ),
        ("that is none", "nonsense".to_owned()),
        ("that is no API token", "gk_nonsense".to_owned()),
    ];
    for (what, token) in forged {
        problem(&status(token).await?, 401, "unauthenticated", None)
            .with_context(|| format!("a token {what}"))?;
    }
    problem(
        &stack.anonymous()?.get("/datasets").await?,
        401,
        "unauthenticated",
        None,
    )?;

    // By cookie the same token reads, and writes only from the page's own origin.
    let cookie = format!(
        "__Host-gridkeep-{}={good}",
        url.rsplit(':').next().context("a port")?
    );
    let anonymous = stack.anonymous()?;
    let by_cookie = |method: Method, path: &str| {
        anonymous
            .request(method, path)
            .header("cookie", cookie.clone())
    };
    ensure!(Client::ask(by_cookie(Method::GET, "/me")).await?.status == StatusCode::OK);
    let body = new_dataset("Cookie", "c.csv", 3);
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut request = by_cookie(Method::POST, "/uploads").json(&body);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        problem(
            &Client::ask(request).await?,
            403,
            "forbidden",
            Some("Origin"),
        )
        .with_context(|| format!("{origin:?}"))?;
    }
    let own = Client::ask(
        by_cookie(Method::POST, "/uploads")
            .header("origin", &url)
            .json(&body),
    )
    .await?;
    ensure!(own.status == StatusCode::CREATED, "{}", own.body);
    Ok(())
}

#[tokio::test]
async fn a_link_takes_this_file_and_nothing_else() -> anyhow::Result<()> {
    let user = shared().await.user("links@bad.example")?;
    let file = b"a,b\n1,2\n".to_vec();
    let sha256 = Sha256::digest(&file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let mut ask = new_dataset("Links", "links.csv", file.len() as u64);
    ask.checksum = Some(Checksum::Whole { sha256 });
    let created = user.create_upload(&ask).await?;

    let longer = [file.clone(), b"3,4\n".to_vec()].concat();
    ensure!(
        user.put(&created, longer).await?.is_client_error(),
        "a longer file was taken"
    );
    ensure!(
        user.put(&created, b"a,b\n1,3\n".to_vec())
            .await?
            .is_client_error(),
        "another content was taken"
    );
    let SendTo::Whole(link) = &created.to else {
        bail!("a small file goes in one piece: {created:?}");
    };
    for (from, to) in [
        ("links.csv", "other.csv"),
        ("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ] {
        ensure!(link.url.contains(from), "{}", link.url);
        let mut tampered = link.clone();
        tampered.url = tampered.url.replace(from, to);
        ensure!(
            user.put_whole(&tampered, file.clone())
                .await?
                .is_client_error(),
            "{to} was taken"
        );
    }
    let mut got = link.clone();
    got.method = "GET".to_owned();
    ensure!(
        user.put_whole(&got, Vec::new()).await?.is_client_error(),
        "the link reads"
    );
    let mut typed = link.clone();
    typed
        .headers
        .insert("content-type".to_owned(), "text/html".to_owned());
    ensure!(
        user.put_whole(&typed, file.clone())
            .await?
            .is_client_error(),
        "another type was taken"
    );
    ensure!(user.upload(created.id).await?.state == UploadState::Created);

    ensure!(user.put(&created, file).await?.is_success());
    ensure!(user.outcome(created.id, PATIENCE).await?.state == UploadState::Published);
    Ok(())
}

#[tokio::test]
async fn a_link_that_has_run_out_takes_nothing_and_its_upload_is_expired() -> anyhow::Result<()> {
    let stack = Stack::start(
        testkit::Mode::One,
        &[("GRIDKEEP_UPLOAD_EXPIRY_SECONDS", "1")],
    )
    .await?;
    let user = stack.user("late@bad.example")?;
    let created = user
        .create_upload(&new_dataset("Late", "late.csv", 4))
        .await?;
    let done = user.outcome(created.id, PATIENCE).await?;
    ensure!(done.state == UploadState::Failed, "{done:?}");
    let problem = done.problem.context("a reason")?;
    ensure!(problem.code == contracts::Code::Expired, "{problem:?}");
    ensure!(user.put(&created, b"a\n1\n".to_vec()).await? == StatusCode::FORBIDDEN);
    ensure!(user.upload(created.id).await?.state == UploadState::Failed);
    ensure!(user.get("/datasets").await?.body["datasets"] == json!([]));
    Ok(())
}
