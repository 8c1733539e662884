//! An import is cancelled while its file is analysed, while it is loaded and while its rows are written. The work on it stops within
//! moments, nothing of it is ever seen, nothing is left behind, and other imports go on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_nats::jetstream;
use contracts::{
    UploadId,
    events::ROWS_STREAM,
    upload::{CreateUpload, Mode as ImportMode, Target, Upload, UploadState},
};
use gridkeep_tests::big_file::{MB, Parts};
use platform::nats::WORK_STREAM;
use sqlx::PgPool;
use store::Store;
use testkit::{Client, Mode, Stack};

const PATIENCE: Duration = Duration::from_secs(120);
/// Several heartbeats of a worker, on a busy machine.
const MOMENTS: Duration = Duration::from_secs(15);

struct Stand {
    stack: Stack,
    ada: Client,
    pg: PgPool,
    jetstream: jetstream::Context,
}

impl Stand {
    async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start(Mode::Split, &[]).await?;
        let nats = platform::nats::connect(&stack.published()?.nats_url.into()).await?;
        Ok(Self {
            ada: stack.user("ada@example.com")?,
            pg: stack.pg().await?,
            jetstream: platform::nats::jetstream(&nats),
            stack,
        })
    }

    async fn send(&self, bytes: u64) -> anyhow::Result<UploadId> {
        self.ada
            .send_bytes("Given up", "big.csv", Parts::whole(bytes))
            .await
    }

    /// Polls until the upload is as wanted.
    async fn until(
        &self,
        id: UploadId,
        wanted: impl Fn(&Upload) -> bool,
    ) -> anyhow::Result<Upload> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let upload = self.ada.upload(id).await?;
            if wanted(&upload) {
                return Ok(upload);
            }
            ensure!(
                Instant::now() < deadline && !upload.state.is_final(),
                "waited in vain: {upload:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn cancel(&self, id: UploadId) -> anyhow::Result<()> {
        let answer = self.ada.delete(&format!("/uploads/{id}")).await?;
        ensure!(answer.status == 204, "{} {}", answer.status, answer.body);
        Ok(())
    }

    /// Nobody works on anything, and nothing waits to be worked on.
    async fn is_idle(&self) -> anyhow::Result<bool> {
        for stream in [WORK_STREAM, ROWS_STREAM] {
            let mut stream = self.jetstream.get_stream(stream).await?;
            if stream.info().await?.state.messages > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What must hold after an import was cancelled.
    async fn check(&self, id: UploadId, what: &str) -> anyhow::Result<()> {
        let cancelled = Instant::now();
        while !self.is_idle().await? {
            ensure!(
                cancelled.elapsed() < MOMENTS,
                "{what}: work on it still goes on"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let upload = self.ada.upload(id).await?;
        ensure!(
            upload.state == UploadState::Cancelled && upload.version.is_none(),
            "{what}: {upload:?}"
        );

        // The consumer sweeps once a minute; this is the same, at once.
        let store = Store::new(self.pg.clone());
        while store.sweep(1_000_000).await?.more {}
        let (no, head): (i64, i64) =
            sqlx::query_as("select no, head from gk.dataset where id = $1")
                .bind(upload.dataset_id.to_string())
                .fetch_one(&self.pg)
                .await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class where relnamespace = 'data'::regnamespace and relkind = 'r' \
             and (relname like 'd\\_' || $1 || '\\_%' or relname = 'd_' || $1) order by 1",
        )
        .bind(no.to_string())
        .fetch_all(&self.pg)
        .await?;
        let left: i64 = sqlx::query_scalar(
            "select (select count(*) from gk.ledger l join gk.commit c on (c.dataset, c.id) = (l.dataset, l.commit) where c.upload = $1) \
                + (select count(*) from gk.analysis where upload = $1)",
        )
        .bind(id.to_string())
        .fetch_one(&self.pg)
        .await?;
        ensure!(left == 0, "{what}: {left} rows of its books are left");
        let kept = |name: &String| !name.contains("staged") && !name.contains("difference");
        ensure!(
            (head > 0 || tables.is_empty()) && tables.iter().all(kept),
            "{what}: the tables {tables:?} are left"
        );
        let answer = self
            .ada
            .get(&format!("/datasets/{}/rows", upload.dataset_id))
            .await?;
        if head == 0 {
            ensure!(answer.status == 404, "{what}: {} is seen", answer.body);
        } else {
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select count(*) from data.d_{no}"
            )))
            .fetch_one(&self.pg)
            .await?;
            ensure!(
                answer.body["version"] == 1 && answer.body["total"] == rows,
                "{what}: {rows} rows are there, {} is seen",
                answer.body
            );
        }

        let small = self
            .ada
            .send_bytes("Another", "small.csv", b"a,b\n1,x\n2,y\n".to_vec())
            .await?;
        let small = self.ada.outcome(small, MOMENTS).await?;
        ensure!(small.state == UploadState::Published, "{what}: {small:?}");
        Ok(())
    }

    async fn wait_for(&self, question: &'static str, about: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !sqlx::query_scalar::<_, bool>(question)
            .bind(about)
            .fetch_one(&self.pg)
            .await?
        {
            ensure!(Instant::now() < deadline, "waited in vain: {question}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_import_stops_at_once_and_leaves_nothing() -> anyhow::Result<()> {
    let stand = Stand::start().await?;

    let id = stand.send(40 * MB).await?;
    let is_analysed = |upload: &Upload| upload.state == UploadState::Analysing;
    stand.until(id, is_analysed).await?;
    stand.cancel(id).await?;
    stand.check(id, "while it was analysed").await?;

    let is_loaded =
        |upload: &Upload| upload.state == UploadState::Loading && upload.rows_written > 0;
    let id = stand.send(24 * MB).await?;
    stand.until(id, is_loaded).await?;
    stand.cancel(id).await?;
    stand.check(id, "while it was loaded").await?;

    // All of it is in the stream, and the consumer is in the middle of a transaction.
    stand.stack.pause("consumer")?;
    let id = stand.send(8 * MB).await?;
    let all_sent =
        "select state = 'loading' and lease_owner is null from gk.import where upload = $1";
    stand.wait_for(all_sent, &id.to_string()).await?;
    let mut lock = stand.pg.begin().await?;
    sqlx::query("lock table gk.ledger in share mode")
        .execute(&mut *lock)
        .await?;
    stand.stack.resume("consumer")?;
    let waiting =
        "select count(*) > 0 from pg_locks where not granted and relation = to_regclass($1)";
    stand.wait_for(waiting, "gk.ledger").await?;
    tokio::try_join!(stand.cancel(id), async {
        lock.commit().await.context("letting the consumer go on")
    })?;
    stand.check(id, "while its rows were written").await?;

    let base = Parts::whole(MB);
    let base = stand.ada.send_bytes("Kept", "base.csv", base).await?;
    let base = stand.ada.outcome(base, PATIENCE).await?;
    let file = Parts::whole(16 * MB);
    let upsert = CreateUpload {
        dataset: Target::Existing {
            id: base.dataset_id,
        },
        mode: ImportMode::Upsert,
        key: vec!["id".to_owned()],
        ..testkit::new_dataset("", "big.csv", file.len() as u64)
    };
    let id = stand.ada.send(&upsert, file).await?;
    stand.until(id, is_loaded).await?;
    stand.cancel(id).await?;
    stand.check(id, "while it was staged").await
}
