//! The functions as Lambda starts them: the very `bootstrap`, talking to a Lambda Runtime API, gets SQS and API Gateway events as
//! AWS sends them. `GRIDKEEP_BOOTSTRAPS` names the folder of `make package`; without it the same mains are taken as the tests are
//! built.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write as _,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use consumer::DrainReport;
use contracts::upload::UploadState;
use gridkeep_tests::newest_work;
use host::stack::{folder::Folder, settings};
use serde_json::{Value, json};
use testkit::{Client, Mode, Stack, new_dataset};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, oneshot},
};

const AMPLE: Duration = Duration::from_secs(120);
/// Messages of one upload that `ROWS` takes: a longer file cannot be loaded in one go while nobody drains.
const ROOM: usize = 8;
const ROWS: usize = 3 * ROOM * 4_096;

/// What stands on the other side of a function: AWS's own HTTP interface for runtimes.
struct RuntimeApi {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<VecDeque<(String, Value, SystemTime)>>,
    added: Notify,
    asked: Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RuntimeApi {
    async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, shared })
    }

    /// One invocation with so much time; answers what the function did.
    async fn invoke(&self, event: Value, time: Duration) -> anyhow::Result<Value> {
        let id = contracts::UploadId::generate().to_string();
        let (answer, answered) = oneshot::channel();
        held(&self.shared.asked).insert(id.clone(), answer);
        held(&self.shared.waiting).push_back((id, event, SystemTime::now() + time));
        self.shared.added.notify_one();
        let answer = tokio::time::timeout(AMPLE, answered)
            .await
            .context("the function does not answer")??;
        answer.map_err(|error| anyhow::anyhow!("the function failed: {error}"))
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    loop {
        let found = held(&shared.waiting).pop_front();
        let Some((id, event, deadline)) = found else {
            shared.added.notified().await;
            continue;
        };
        let deadline = deadline
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("lambda-runtime-aws-request-id", id),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:123456789012:function:gridkeep".to_owned(),
            ),
            (
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
                    .to_owned(),
            ),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        return (headers, Json(event));
    }
}

fn settle(shared: &Shared, id: &str, answer: Result<Value, Value>) -> StatusCode {
    match held(&shared.asked).remove(id) {
        Some(asked) => {
            let _nobody_waits = asked.send(answer);
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    }
}

/// Functions do not say of what type their answer is.
fn read(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    settle(&shared, &id, Ok(read(&body)))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    settle(&shared, &id, Err(read(&body)))
}

/// The stack's servers, its own etl and consumer dead.
async fn stack() -> anyhow::Result<Stack> {
    let room = ROOM.to_string();
    let stack = Stack::start(
        Mode::Split,
        &[("GRIDKEEP_ROWS_MAX_PER_UPLOAD", room.as_str())],
    )
    .await?;
    stack.kill("etl")?;
    stack.kill("consumer")?;
    Ok(stack)
}

/// Starts a function as Lambda would: nothing in its environment but what it is given.
fn start(function: &str, stack: &Stack, api: &RuntimeApi) -> anyhow::Result<Child> {
    let built = std::env::current_exe()?;
    let target = built
        .ancestors()
        .nth(2)
        .context("a test lies in deps of the target folder")?;
    let bootstrap = match std::env::var_os("GRIDKEEP_BOOTSTRAPS") {
        Some(folder) => PathBuf::from(folder).join(function).join("bootstrap"),
        None => target.join(function),
    };
    let settings = std::fs::read(Folder::at(stack.folder())?.join("settings.json"))?;
    let settings: BTreeMap<String, String> = serde_json::from_slice(&settings)?;
    Command::new(&bootstrap)
        .env_clear()
        .envs(settings)
        .env("AWS_LAMBDA_RUNTIME_API", &api.address)
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", bootstrap.display()))
}

/// As SQS hands it to a function.
fn sqs(body: &str) -> Value {
    json!({"Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:gridkeep-work",
        "awsRegion": "eu-central-1"
    }]})
}

/// As API Gateway's HTTP API hands a request to a function, payload format 2.0.
fn request(method: &str, path: &str, query: &str, headers: Value, body: Option<Value>) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "localhost", "domainPrefix": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_u64
        },
        "body": body.map(|body| body.to_string()),
        "isBase64Encoded": false
    })
}

fn csv(rows: usize) -> String {
    let mut csv = "n,word\n".to_owned();
    for n in 0..rows {
        let _infallible = writeln!(csv, "{n},word {}", n * 7 % 1_000);
    }
    csv
}

#[tokio::test(flavor = "multi_thread")]
async fn etl_checkpoints_at_its_deadline_and_later_invocations_end_the_work() -> anyhow::Result<()>
{
    let stack = stack().await?;
    let api = RuntimeApi::start().await?;
    let etl = start("etl", &stack, &api)?;
    let settings = settings::read(&Folder::at(stack.folder())?)?;
    let consumer = consumer::Deps::connect(&consumer::Config::from(&settings)?).await?;
    let drain = async || -> anyhow::Result<DrainReport> {
        Ok(consumer::drain(&consumer, Instant::now() + AMPLE).await?)
    };
    let user = stack.user("lambda@example.org")?;
    let file = csv(ROWS);
    let link = user
        .create_upload(&new_dataset("Long", "long.csv", file.len() as u64))
        .await?;
    ensure!(user.put(&link, file.into_bytes()).await?.is_success());

    // What S3 sends when a bucket begins to notify is no file.
    let test =
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "gridkeep"}).to_string();
    let answer = api.invoke(sqs(&test), AMPLE).await?;
    ensure!(answer["batchItemFailures"] == json!([]), "{answer}");

    // Nobody drains, so the stream is full before the file is loaded: the deadline comes in the middle of it.
    let arrived = newest_work(&consumer.jetstream, link.id, "ObjectCreated").await?;
    let began = Instant::now();
    let answer = api.invoke(sqs(&arrived), Duration::from_secs(8)).await?;
    ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
    ensure!(
        began.elapsed() < Duration::from_secs(8),
        "answered after its deadline: {:?}",
        began.elapsed()
    );
    let part = user.upload(link.id).await?;
    ensure!(part.state == UploadState::Loading, "{part:?}");

    let mut invocations = 1;
    let done = loop {
        let drained = drain().await?;
        let upload = user.upload(link.id).await?;
        if upload.state == UploadState::Published {
            break upload;
        }
        ensure!(drained.rows > 0, "nothing moves any more: {upload:?}");
        ensure!(invocations < 20, "it does not end");
        let goes_on = newest_work(&consumer.jetstream, link.id, "checkpoint").await?;
        let answer = api.invoke(sqs(&goes_on), AMPLE).await?;
        ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
        invocations += 1;
    };
    ensure!(invocations >= 2, "one invocation did it all");
    let receipt = done.receipt.context("a receipt")?;
    ensure!(
        receipt.balances() && usize::try_from(receipt.inserted)? == ROWS,
        "{receipt:?}"
    );
    drop(etl);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn data_api_answers_api_gateway() -> anyhow::Result<()> {
    let stack = Stack::start(Mode::One, &[]).await?;
    let api = RuntimeApi::start().await?;
    let user = stack.user("lambda@example.org")?;
    let upload = user
        .send_bytes("Small", "small.csv", b"city,n\nUlm,1\nBonn,2\n".to_vec())
        .await?;
    let dataset = user.outcome(upload, AMPLE).await?.dataset_id;
    let _function = start("data-api", &stack, &api)?;
    let bearer = bearer(&user)?;
    let host = stack.url()?.replace("http://", "");
    let headers = json!({"authorization": bearer, "host": host, "accept": "application/json", "content-type": "application/json"});

    let rows = format!("/api/v1/datasets/{dataset}/rows");
    let page = api
        .invoke(
            request("GET", &rows, "limit=1&position=1", headers.clone(), None),
            AMPLE,
        )
        .await?;
    ensure!(page["statusCode"] == 200, "{page}");
    let body: Value = serde_json::from_str(page["body"].as_str().context("a text")?)?;
    ensure!(body["rows"][0]["cells"] == json!(["Bonn", "2"]), "{body}");
    ensure!(page["headers"]["etag"].is_string(), "{page}");

    let insert = json!({"cells": {"col_1": "Köln", "col_2": "3"}});
    let made = api
        .invoke(
            request("POST", &rows, "", headers.clone(), Some(insert)),
            AMPLE,
        )
        .await?;
    ensure!(made["statusCode"] == 201, "{made}");
    let stranger = api
        .invoke(
            request("GET", &rows, "", json!({"host": host}), None),
            AMPLE,
        )
        .await?;
    ensure!(stranger["statusCode"] == 401, "{stranger}");
    let same = user.get(&format!("/datasets/{dataset}/rows")).await?;
    ensure!(
        same.body["version"] == 2 && same.body["total"] == 3,
        "{}",
        same.body
    );
    Ok(())
}

fn bearer(user: &Client) -> anyhow::Result<String> {
    let request = user.request(reqwest::Method::GET, "/me").build()?;
    Ok(request.headers()["authorization"].to_str()?.to_owned())
}
