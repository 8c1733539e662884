//! Any process may be killed at any point of an import (promise 4), and nobody ever sees part of it (promise 3).
//!
//! One kill per import, of each role and server on the import's way, at points drawn from a seed over the time that an unkilled import takes; and at two
//! points that a clock would hardly meet: between PostgreSQL's commit and the ack, and between publish and the outbox's relay. Once the stack is mended,
//! the content hash is the unkilled run's, there is exactly one version, and a client that polled all the while saw all of it or nothing.
//!
//! Two points per target on the first 20,000 rows; with `GRIDKEEP_SOAK` set (`make soak`), ten on the full file.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::{
    UploadId,
    upload::{CreatedUpload, Upload, UploadState},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use testkit::{Client, Mode, Stack};
use tokio::task::JoinHandle;

/// `front` is the host: it holds the page, the bucket and the queue's event source.
const TARGETS: [&str; 9] = [
    "etl", "consumer", "front", "presign", "data-api", "postgres", "nats", "redis", "mongo",
];
/// How long an import may take once everything runs again: several visibility periods on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
const SEED: u64 = 0x6b65_6570;

struct Flights {
    bytes: Vec<u8>,
    rows: i64,
    points: usize,
}

/// The flights file, or its first 20,000 rows.
fn flights() -> anyhow::Result<Flights> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights.csv");
    let mut bytes = std::fs::read(&path)
        .context("tests/data/flights.csv is missing: run tests/fetch-flights.sh")?;
    if std::env::var_os("GRIDKEEP_SOAK").is_some() {
        return Ok(Flights {
            bytes,
            rows: 336_776,
            points: 10,
        });
    }
    let end = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(20_000)
        .context("fewer than 20,000 rows")?
        .0;
    bytes.truncate(end + 1);
    Ok(Flights {
        bytes,
        rows: 20_000,
        points: 2,
    })
}

async fn start() -> anyhow::Result<Stack> {
    Stack::start(
        Mode::Split,
        &[
            ("GRIDKEEP_VISIBILITY_SECONDS", "3"),
            ("GRIDKEEP_ACK_WAIT_SECONDS", "3"),
        ],
    )
    .await
}

/// Reads the dataset over and over as its owner would in a second window. Whatever it sees must be the whole.
struct Watcher {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Watcher {
    fn of(client: &Client, path: String, rows: i64) -> Self {
        let (stop, looks) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let task = tokio::spawn({
            let (client, stop, looks) = (client.clone(), Arc::clone(&stop), Arc::clone(&looks));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    // An answer that does not come, or a 5xx, is what a kill looks like from outside; it shows no rows.
                    if let Ok(answer) = client.get(&path).await
                        && !answer.status.is_server_error()
                    {
                        looks.fetch_add(1, Ordering::Relaxed);
                        let unseen = answer.status == 404;
                        let whole = answer.status == 200
                            && answer.body["total"] == rows
                            && answer.body["version"] == 1;
                        ensure!(
                            unseen || whole,
                            "a reader saw {} {}",
                            answer.status,
                            answer.body
                        );
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ok(())
            }
        });
        Self { stop, looks, task }
    }

    async fn end(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await??;
        Ok(self.looks.load(Ordering::Relaxed))
    }
}

/// Asks for an upload and watches its dataset from before the first byte. Right after a kill a pooled connection may still be a dead server's: its answer
/// is a 503 that says to try again, and so we do.
async fn ask(
    ada: &Client,
    flights: &Flights,
    name: &str,
) -> anyhow::Result<(CreatedUpload, Watcher)> {
    let request = testkit::new_dataset(name, "flights.csv", flights.bytes.len() as u64);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = async {
            let created = ada.create_upload(&request).await?;
            let dataset = ada.upload(created.id).await?.dataset_id;
            anyhow::Ok((created, dataset))
        };
        match asked.await {
            Ok((created, dataset)) => {
                let path = format!("/datasets/{dataset}/rows?limit=1");
                return Ok((created, Watcher::of(ada, path, flights.rows)));
            }
            Err(error) => ensure!(Instant::now() < deadline, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn put(ada: &Client, created: &CreatedUpload, flights: &Flights) -> anyhow::Result<()> {
    let status = ada.put(created, flights.bytes.clone()).await?;
    ensure!(status.is_success(), "the presigned PUT answered {status}");
    Ok(())
}

async fn send(ada: &Client, flights: &Flights, name: &str) -> anyhow::Result<(UploadId, Watcher)> {
    let (created, watcher) = ask(ada, flights, name).await?;
    put(ada, &created, flights).await?;
    Ok((created.id, watcher))
}

/// Content hash of version 1, after everything that must hold has been looked at.
async fn verify(
    stack: &Stack,
    flights: &Flights,
    upload: &Upload,
    watcher: Watcher,
    what: &str,
) -> anyhow::Result<String> {
    ensure!(upload.state == UploadState::Published, "{what}: {upload:?}");
    let receipt = upload
        .receipt
        .as_ref()
        .context("a published import has a receipt")?;
    ensure!(
        receipt.balances() && receipt.inserted == flights.rows,
        "{what}: {receipt:?}"
    );
    let pg = stack.pg().await?;
    let (no, versions): (i64, i64) = sqlx::query_as(
        "select d.no, (select count(*) from gk.version v where v.dataset = d.no) from gk.dataset d where d.id = $1",
    )
    .bind(upload.dataset_id.to_string())
    .fetch_one(&pg)
    .await?;
    ensure!(versions == 1, "{what}: {versions} versions");
    let hash = store::Store::new(pg.clone()).content_hash(no, 1).await?;
    relayed_once(&pg, no)
        .await
        .with_context(|| what.to_owned())?;
    let looks = watcher.end().await.with_context(|| what.to_owned())?;
    ensure!(looks > 0, "{what}: the watcher never got an answer");
    Ok(format!("{hash:?}"))
}

/// The outbox row leaves, also after a kill.
async fn relayed_once(pg: &PgPool, dataset: i64) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows: Vec<bool> =
            sqlx::query_scalar("select relayed_at is not null from gk.outbox where dataset = $1")
                .bind(dataset)
                .fetch_all(pg)
                .await?;
        ensure!(
            rows.len() == 1,
            "{} outbox rows for one version",
            rows.len()
        );
        if rows == [true] {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the published version was never relayed"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_any_process_at_any_point_changes_nothing() -> anyhow::Result<()> {
    let flights = flights()?;
    let stack = start().await?;
    let ada = stack.user("ada@example.com")?;

    let begin = Instant::now();
    let (id, watcher) = send(&ada, &flights, "unkilled").await?;
    let upload = ada.outcome(id, PATIENCE).await?;
    let unkilled = begin.elapsed();
    let expected = verify(&stack, &flights, &upload, watcher, "unkilled").await?;

    let mut random = StdRng::seed_from_u64(SEED);
    for target in TARGETS {
        for point in 0..flights.points {
            // One draw per equal part of the import's time, so that early and late points are both met.
            let share = (point as f64 + random.random::<f64>()) / flights.points as f64;
            let what = format!("{target} killed at {share:.3} of an import");
            let (id, watcher) = send(&ada, &flights, &what).await?;
            tokio::time::sleep(unkilled.mul_f64(share)).await;
            stack.kill(target)?;
            stack
                .up()
                .await
                .with_context(|| format!("mending after: {what}"))?;
            let upload = ada
                .outcome(id, PATIENCE)
                .await
                .with_context(|| what.clone())?;
            let hash = verify(&stack, &flights, &upload, watcher, &what).await?;
            ensure!(hash == expected, "{what}: the content differs");
        }
    }
    Ok(())
}

/// Holds the consumer at a statement by a lock on a table, so that it has fetched its messages; stops NATS, so that no ack can get through; lets the
/// transaction commit; and kills the consumer there.
async fn kill_after_commit(
    stack: &Stack,
    table: &str,
    committed: &'static str,
    id: UploadId,
) -> anyhow::Result<()> {
    let pg = stack.pg().await?;
    let mut lock = pg.begin().await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "lock table {table} in share mode"
    )))
    .execute(&mut *lock)
    .await?;
    let waiting =
        "select count(*) > 0 from pg_locks where not granted and relation = to_regclass($1)";
    wait_for(&pg, waiting, table).await?;
    stack.pause("nats")?;
    lock.commit().await?;
    wait_for(&pg, committed, &id.to_string()).await?;
    stack.kill("consumer")?;
    stack.resume("nats")?;
    stack.up().await
}

async fn wait_for(pg: &PgPool, question: &'static str, about: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !sqlx::query_scalar::<_, bool>(question)
        .bind(about)
        .fetch_one(pg)
        .await?
    {
        ensure!(
            Instant::now() < deadline,
            "waited in vain: {question} ({about})"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_commit_and_ack_or_publish_and_relay_changes_nothing() -> anyhow::Result<()>
{
    let flights = flights()?;
    let stack = start().await?;
    let ada = stack.user("ada@example.com")?;
    let (id, watcher) = send(&ada, &flights, "unkilled").await?;
    let upload = ada.outcome(id, PATIENCE).await?;
    let expected = verify(&stack, &flights, &upload, watcher, "unkilled").await?;

    for (what, table, committed) in [
        (
            "killed between commit and ack",
            "gk.ledger",
            "select exists (select from gk.ledger l join gk.commit c on (c.dataset, c.id) = (l.dataset, l.commit) where c.upload = $1)",
        ),
        (
            "killed between publish and relay",
            "gk.version",
            "select state = 'published' from gk.import where upload = $1",
        ),
    ] {
        let (created, watcher) = ask(&ada, &flights, what).await?;
        // Both at once: the lock stands long before the file is analysed.
        let sending = put(&ada, &created, &flights);
        tokio::try_join!(
            kill_after_commit(&stack, table, committed, created.id),
            sending
        )
        .context(what)?;
        let upload = ada.outcome(created.id, PATIENCE).await.context(what)?;
        let hash = verify(&stack, &flights, &upload, watcher, what).await?;
        ensure!(hash == expected, "{what}: the content differs");
    }
    Ok(())
}
