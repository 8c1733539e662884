//! Everything is delivered at least once and counts exactly once (promise 4): each handler gets its event again, at once in parallel, after publish, after
//! cancel, after the deduplication window and with an old generation.
//!
//! The servers, the bucket and the API are the stack's own; the etl and consumer roles are killed and their handlers called here, so that a test decides
//! what is delivered when. The tests take turns, because a drain drains for everybody.

#![expect(clippy::expect_used, reason = "a test may panic")]

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use async_nats::{HeaderMap, jetstream::message::StreamMessage};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use consumer::DrainReport;
use contracts::{
    Code, UploadId,
    events::{BatchMeta, DEAD_STREAM, EndOfLoad, ROWS_STREAM, VERSIONS_STREAM, Work, header},
    plan::Checkpoint,
    upload::{
        self, Checksum, Confirm, CreateUpload, CreatedUpload, PART_BYTES_MIN, SendTo, Upload,
        UploadState,
    },
};
use gridkeep_tests::{archive, newest_work};
use host::stack::{folder::Folder, settings};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use testkit::{Client, Mode, Stack, new_dataset};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const DEDUP: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(2);
/// Messages of one upload that `ROWS` takes.
const ROOM: usize = 8;
/// Five batches and an end: they all find room.
const ROWS: usize = 20_000;
const AMPLE: Duration = Duration::from_secs(120);

type Outcome = anyhow::Result<()>;

/// A turn at the stack.
struct Stand {
    etl: Arc<etl::Deps>,
    consumer: Arc<consumer::Deps>,
    consumer_config: consumer::Config,
    pg: PgPool,
    user: Client,
    _turn: MutexGuard<'static, ()>,
}

/// A file that has arrived, and the notification that said so.
struct Arrived {
    id: UploadId,
    link: CreatedUpload,
    notification: String,
}

impl Stand {
    async fn take() -> anyhow::Result<Self> {
        static STACK: OnceCell<Stack> = OnceCell::const_new();
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let stack = STACK.get_or_try_init(start).await?;
        let settings = settings::read(&Folder::at(stack.folder())?)?;
        let consumer_config = consumer::Config::from(&settings)?;
        let stand = Self {
            etl: etl::Deps::connect(&etl::Config::from(&settings)?).await?,
            consumer: consumer::Deps::connect(&consumer_config).await?,
            consumer_config,
            pg: stack.pg().await?,
            user: stack.user("redelivery@example.org")?,
            _turn: turn,
        };
        // What a failed test before left is not this one's.
        stand.drain().await?;
        Ok(stand)
    }

    async fn upload(&self, csv: &str) -> anyhow::Result<Arrived> {
        let ask = new_dataset("again", "again.csv", csv.len() as u64);
        let link = self.user.create_upload(&ask).await?;
        ensure!(
            self.user
                .put(&link, csv.to_owned().into())
                .await?
                .is_success()
        );
        let notification = self.work_about(link.id, "ObjectCreated").await?;
        Ok(Arrived {
            id: link.id,
            link,
            notification,
        })
    }

    /// A file that is to be confirmed, read and sent by etl; its batches wait.
    async fn ask_first(&self, csv: &str) -> anyhow::Result<UploadId> {
        let ask = CreateUpload {
            confirm: Confirm::Ask,
            ..new_dataset("again", "again.csv", csv.len() as u64)
        };
        let id = self.user.send(&ask, csv.to_owned().into()).await?;
        let notification = self.work_about(id, "ObjectCreated").await?;
        ensure!(self.deliver(&notification).await);
        Ok(id)
    }

    async fn work_about(&self, upload: UploadId, what: &str) -> anyhow::Result<String> {
        newest_work(&self.etl.jetstream, upload, what).await
    }

    /// Gives etl a message; true when it is done with it.
    async fn deliver(&self, body: &str) -> bool {
        self.deliver_within(body, AMPLE).await
    }

    async fn deliver_within(&self, body: &str, time: Duration) -> bool {
        let response = etl::handle(&self.etl, event("m-1", body), Instant::now() + time).await;
        response.batch_item_failures.is_empty()
    }

    async fn drain(&self) -> anyhow::Result<DrainReport> {
        Ok(consumer::drain(&self.consumer, Instant::now() + AMPLE).await?)
    }

    /// As another process would, which looks after everything in its first drain.
    async fn drain_anew(&self) -> anyhow::Result<DrainReport> {
        let deps = consumer::Deps::connect(&self.consumer_config).await?;
        Ok(consumer::drain(&deps, Instant::now() + AMPLE).await?)
    }

    /// What happened to the upload happened an hour ago.
    async fn an_hour_later(&self, upload: UploadId) -> Outcome {
        sqlx::query(
            "update gk.import set moved_at = moved_at - interval '1 hour', work_owed_at = work_owed_at - interval '1 hour', \
               lease_until = lease_until - interval '1 hour', expires_at = expires_at - interval '1 hour', \
               rescued_at = rescued_at - interval '1 hour' where upload = $1",
        )
        .bind(upload.to_string())
        .execute(&self.pg)
        .await?;
        Ok(())
    }

    async fn state(&self, upload: UploadId) -> anyhow::Result<Upload> {
        self.user.upload(upload).await
    }

    /// Published once, as one version, with a balanced receipt; answers the content hash.
    async fn published(&self, upload: UploadId) -> anyhow::Result<String> {
        let upload = self.state(upload).await?;
        ensure!(upload.state == UploadState::Published, "{upload:?}");
        ensure!(upload.version == Some(1), "{upload:?}");
        ensure!(
            upload
                .receipt
                .context("a published upload has a receipt")?
                .balances()
        );
        let dataset = upload.dataset_id.to_string();
        let no: i64 = sqlx::query_scalar("select no from gk.dataset where id = $1")
            .bind(&dataset)
            .fetch_one(&self.pg)
            .await?;
        let versions: i64 =
            sqlx::query_scalar("select count(*) from gk.version where dataset = $1")
                .bind(no)
                .fetch_one(&self.pg)
                .await?;
        ensure!(versions == 1, "{versions} versions");
        let page = self
            .user
            .get(&format!("/datasets/{dataset}/rows?limit=1"))
            .await?;
        ensure!(
            page.body["total"] == upload.rows_written,
            "{} rows are shown, {} written",
            page.body["total"],
            upload.rows_written
        );
        Ok(self.etl.store.content_hash(no, 1).await?)
    }

    /// What an import of this file looks like that nothing ever happened to.
    async fn undisturbed(&self, csv: &str) -> anyhow::Result<String> {
        let arrived = self.upload(csv).await?;
        ensure!(self.deliver(&arrived.notification).await);
        self.drain().await?;
        self.published(arrived.id).await
    }

    /// The messages that wait on `ROWS` for this upload.
    async fn waiting(&self, upload: UploadId) -> anyhow::Result<Vec<StreamMessage>> {
        let mut stream = self.etl.jetstream.get_stream(ROWS_STREAM).await?;
        let state = stream.info().await?.state.clone();
        let mut messages = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            if let Ok(message) = stream.get_raw_message(sequence).await
                && message.subject.ends_with(&upload.to_string())
            {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    /// Puts messages on `ROWS` again, as a redelivery that no message id betrays.
    async fn send_again(&self, messages: &[StreamMessage]) -> Outcome {
        for message in messages {
            let mut headers = HeaderMap::new();
            for (name, values) in message
                .headers
                .iter()
                .filter(|(name, _)| name.to_string() != "Nats-Msg-Id")
            {
                for value in values {
                    headers.append(name.clone(), value.clone());
                }
            }
            let ack = self
                .etl
                .jetstream
                .publish_with_headers(message.subject.clone(), headers, message.payload.clone())
                .await?;
            ack.await?;
        }
        Ok(())
    }

    /// As if the worker had died before it stored any checkpoint.
    async fn forget_checkpoint(&self, upload: UploadId) -> Outcome {
        sqlx::query("update gk.plan set checkpoint = null where upload = $1")
            .bind(upload.to_string())
            .execute(&self.pg)
            .await?;
        Ok(())
    }

    async fn messages_on(&self, stream: &str, subject: String) -> anyhow::Result<usize> {
        let stream = self.etl.jetstream.get_stream(stream).await?;
        let info = stream.info_with_subjects(subject).await?;
        let counts: Vec<(String, usize)> = futures::TryStreamExt::try_collect(info).await?;
        Ok(counts.iter().map(|(_, count)| count).sum())
    }

    async fn spilled(&self, upload: UploadId) -> anyhow::Result<usize> {
        let listed = self
            .etl
            .s3
            .list_objects_v2()
            .bucket(&self.etl.bucket)
            .prefix(format!("spill/{upload}/"))
            .send()
            .await?;
        Ok(listed.contents().len())
    }
}

async fn start() -> anyhow::Result<Stack> {
    let (dedup, lease, room) = (
        DEDUP.as_secs().to_string(),
        LEASE.as_secs().to_string(),
        ROOM.to_string(),
    );
    let tuned = [
        ("GRIDKEEP_ROWS_DEDUP_SECONDS", dedup.as_str()),
        ("GRIDKEEP_VISIBILITY_SECONDS", lease.as_str()),
        ("GRIDKEEP_ACK_WAIT_SECONDS", lease.as_str()),
        ("GRIDKEEP_ROWS_MAX_PER_UPLOAD", room.as_str()),
    ];
    let stack = Stack::start(Mode::Split, &tuned).await?;
    stack.kill("etl")?;
    stack.kill("consumer")?;
    Ok(stack)
}

fn event(id: &str, body: &str) -> SqsEvent {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = Some(body.to_owned());
    let mut event = SqsEvent::default();
    event.records = vec![message];
    event
}

fn csv(rows: usize) -> String {
    let mut csv = "n,word,day\n".to_owned();
    for n in 0..rows {
        let _infallible = writeln!(csv, "{n},word {},2024-02-{:02}", n * 7 % 1_000, n % 28 + 1);
    }
    csv
}

fn goes_on(upload: UploadId, generation: i32, checkpoint: Checkpoint) -> String {
    serde_json::to_string(&Work::Load {
        upload,
        generation,
        checkpoint,
    })
    .expect("it is plain JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_at_once_counts_once() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    let (first, second) = tokio::join!(
        stand.deliver(&arrived.notification),
        stand.deliver(&arrived.notification)
    );
    ensure!(first && second);
    let (one, other) = tokio::join!(stand.drain(), stand.drain());
    ensure!(one?.published + other?.published == 1);
    ensure!(stand.published(arrived.id).await? == wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_publish_neither_the_event_nor_its_batches_have_any_effect() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let messages = stand.waiting(arrived.id).await?;
    ensure!(messages.len() == 6, "{} messages", messages.len());
    let first = stand.drain().await?;
    ensure!(
        (first.rows, first.published) == (ROWS as u64, 1),
        "{first:?}"
    );
    let hash = stand.published(arrived.id).await?;

    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(
        stand
            .deliver(&goes_on(arrived.id, 1, Checkpoint::default()))
            .await
    );
    ensure!(stand.waiting(arrived.id).await?.is_empty());
    stand.send_again(&messages).await?;
    let again = stand.drain().await?;
    ensure!(
        (again.rows, again.published, again.dead) == (0, 0, 0),
        "{again:?}"
    );
    ensure!(stand.waiting(arrived.id).await?.is_empty());
    ensure!(stand.published(arrived.id).await? == hash);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_come_twice_before_publish_are_written_once() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let messages = stand.waiting(arrived.id).await?;
    stand.send_again(&messages[..2]).await?;
    let report = stand.drain().await?;
    ensure!(
        (report.rows, report.published) == (ROWS as u64, 1),
        "{report:?}"
    );
    ensure!(stand.published(arrived.id).await? == wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_repeated_after_the_deduplication_window_counts_once() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    // The batches are in PostgreSQL, the end of the load is not: a worker died before it was sent.
    let messages = stand.waiting(arrived.id).await?;
    let (end, batches) = messages.split_last().context("an end of load")?;
    ensure!(
        end.headers
            .get(header::KIND)
            .map(async_nats::HeaderValue::as_str)
            == Some("end")
    );
    let stream = stand.etl.jetstream.get_stream(ROWS_STREAM).await?;
    stream.delete_message(end.sequence).await?;
    let first = stand.drain().await?;
    ensure!(
        (first.messages, first.published) == (batches.len() as u64, 0),
        "{first:?}"
    );

    tokio::time::sleep(DEDUP * 2).await;
    stand.forget_checkpoint(arrived.id).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(
        stand.waiting(arrived.id).await?.len() == messages.len(),
        "the stream has forgotten the message ids"
    );
    let second = stand.drain().await?;
    ensure!((second.rows, second.published) == (0, 1), "{second:?}");
    ensure!(stand.published(arrived.id).await? == wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_cancel_nothing_is_written_and_nothing_is_kept() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let answer = stand
        .user
        .delete(&format!("/uploads/{}", arrived.id))
        .await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    let report = stand.drain().await?;
    ensure!(
        (report.rows, report.refused, report.published) == (0, 6, 0),
        "{report:?}"
    );
    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(stand.waiting(arrived.id).await?.is_empty());
    ensure!(stand.state(arrived.id).await?.state == UploadState::Cancelled);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_generation_has_no_say() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let store = &stand.etl.store;
    let mut plan = store.plan(arrived.id, Some(1)).await?.context("a plan")?;
    plan.generation = 2;
    store.save_plan(arrived.id, &plan, &[]).await?;
    store.open_load(arrived.id, 2).await?;
    let old = stand.drain().await?;
    ensure!((old.rows, old.refused) == (0, 6), "{old:?}");
    ensure!(
        stand
            .deliver(&goes_on(arrived.id, 1, Checkpoint::default()))
            .await
    );
    ensure!(stand.waiting(arrived.id).await?.is_empty());

    ensure!(stand.deliver(&arrived.notification).await);
    let new = stand.drain().await?;
    ensure!((new.rows, new.published) == (ROWS as u64, 1), "{new:?}");
    ensure!(stand.state(arrived.id).await?.generation == 2);
    ensure!(stand.published(arrived.id).await? == wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delivery_waits_for_the_lease_and_then_takes_over() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(100)).await?;
    let begun = Instant::now();
    stand
        .etl
        .store
        .lease(arrived.id, "a worker that has died", LEASE)
        .await?;
    ensure!(
        !stand
            .deliver_within(&arrived.notification, Duration::from_millis(500))
            .await,
        "it must come again"
    );
    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(begun.elapsed() >= LEASE);
    stand.drain().await?;
    stand.published(arrived.id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_runs_out_of_time_goes_on_from_its_checkpoint() -> Outcome {
    let stand = Stand::take().await?;
    let long = csv(3 * ROOM * 4_096);
    let arrived = stand.upload(&long).await?;
    let mut body = arrived.notification.clone();
    let mut parts = 0;
    while stand.state(arrived.id).await?.state != UploadState::Published {
        parts += 1;
        ensure!(parts < 10, "it never ends");
        // Nobody drains meanwhile: the stream is full after so many batches, and then the time is up.
        ensure!(stand.deliver_within(&body, Duration::from_secs(5)).await);
        ensure!(stand.waiting(arrived.id).await?.len() <= ROOM);
        if let Ok(next) = tokio::time::timeout(
            Duration::from_secs(2),
            stand.work_about(arrived.id, r#""load""#),
        )
        .await
        {
            body = next?;
        }
        stand.drain().await?;
    }
    ensure!(parts >= 3, "{parts} parts");
    stand.published(arrived.id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_that_runs_out_of_time_goes_on_whichever_message_comes() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    let saved = async || {
        let count = "select count(*) from gk.analysis where upload = $1";
        sqlx::query_scalar::<_, i64>(count)
            .bind(arrived.id.to_string())
            .fetch_one(&stand.pg)
            .await
    };
    for _ in 0..2 {
        let is_done = stand
            .deliver_within(&arrived.notification, Duration::ZERO)
            .await;
        ensure!(is_done && saved().await? == 1);
    }
    ensure!(stand.state(arrived.id).await?.state == UploadState::Analysing);
    let next = stand.work_about(arrived.id, r#""analyse""#).await?;
    let (first, second) = tokio::join!(stand.deliver(&next), stand.deliver(&next));
    ensure!(first && second && saved().await? == 0);
    stand.drain().await?;
    ensure!(stand.published(arrived.id).await? == wanted);
    ensure!(stand.deliver(&next).await);
    ensure!(stand.waiting(arrived.id).await?.is_empty() && saved().await? == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_while_it_is_read_fails_clearly() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload("a,b\n1,2\n").await?;
    ensure!(stand.deliver(&arrived.notification).await);
    stand.forget_checkpoint(arrived.id).await?;
    ensure!(
        stand
            .user
            .put(&arrived.link, "a,b\n3,4\n".into())
            .await?
            .is_success()
    );
    ensure!(
        stand
            .deliver(&goes_on(arrived.id, 1, Checkpoint::default()))
            .await
    );
    let upload = stand.state(arrived.id).await?;
    ensure!(upload.state == UploadState::Failed);
    ensure!(upload.problem.context("a problem")?.code == Code::UnreadableFile);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_size_than_announced_fails_clearly() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload("a,b\n1,2\n").await?;
    let key: String = sqlx::query_scalar("select object_key from gk.import where upload = $1")
        .bind(arrived.id.to_string())
        .fetch_one(&stand.pg)
        .await?;
    stand
        .etl
        .s3
        .put_object()
        .bucket(&stand.etl.bucket)
        .key(key)
        .body(b"a,b\n1,2\n3,4\n".to_vec().into())
        .send()
        .await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let problem = stand
        .state(arrived.id)
        .await?
        .problem
        .context("a problem")?;
    ensure!(
        problem.code == Code::UnreadableFile && problem.detail.contains("12 bytes"),
        "{problem:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_too_large_for_a_message_goes_through_the_bucket_and_is_cleared_away() -> Outcome {
    let stand = Stand::take().await?;
    let csv = format!("n,text\n1,short\n2,{}\n3,short\n", "x".repeat(2_000_000));
    let arrived = stand.upload(&csv).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(stand.spilled(arrived.id).await? == 1);
    let messages = stand.waiting(arrived.id).await?;
    stand.drain().await?;
    let hash = stand.published(arrived.id).await?;
    // The next process' first drain looks after the bucket.
    drop(stand);
    let next = Stand::take().await?;
    next.drain().await?;
    ensure!(next.spilled(arrived.id).await? == 0);
    next.send_again(&messages).await?;
    let again = next.drain().await?;
    ensure!((again.rows, again.dead) == (0, 0), "{again:?}");
    ensure!(next.published(arrived.id).await? == hash);
    Ok(())
}

/// The batch with what is no batch in it, and as one of a later kind.
fn poisoned(batch: &StreamMessage) -> [StreamMessage; 2] {
    let damaged = StreamMessage {
        payload: "no Arrow".into(),
        ..batch.clone()
    };
    let mut newer = batch.clone();
    newer.headers.insert(header::VERSION, "99");
    [damaged, newer]
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_kept_and_fails_its_own_import_only() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    let other = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await && stand.deliver(&other.notification).await);
    let messages = stand.waiting(arrived.id).await?;
    let batch = messages.first().context("a batch")?;
    stand.send_again(&poisoned(batch)).await?;
    let report = stand.drain().await?;
    ensure!((report.dead, report.published) == (2, 1), "{report:?}");
    stand.published(other.id).await?;
    let failed = stand.state(arrived.id).await?;
    ensure!(
        failed.state == UploadState::Failed
            && failed.problem.context("a problem")?.code == Code::Internal
    );
    ensure!(
        stand
            .messages_on(DEAD_STREAM, format!("dead.{}", batch.subject))
            .await?
            == 2
    );
    ensure!(stand.waiting(arrived.id).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_of_an_old_generation_leaves_the_newest_alone() -> Outcome {
    let stand = Stand::take().await?;
    let id = stand.ask_first(&csv(ROWS)).await?;
    let messages = stand.waiting(id).await?;
    let changed = serde_json::json!({"options": {"types": {"n": "text"}}});
    let answer = stand
        .user
        .patch(&format!("/uploads/{id}"), &changed)
        .await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    let batch = messages.first().context("a batch")?;
    stand.send_again(&poisoned(batch)).await?;
    let report = stand.drain().await?;
    ensure!((report.dead, report.rows) == (2, 0), "{report:?}");
    ensure!(stand.state(id).await?.state == UploadState::Analysing);

    let next = stand.work_about(id, "\"generation\":2").await?;
    ensure!(stand.deliver(&next).await);
    let report = stand.drain().await?;
    ensure!(report.rows == ROWS as u64, "{report:?}");
    ensure!(stand.state(id).await?.state == UploadState::AwaitingConfirmation);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_uploads_that_nobody_knows_are_dropped() -> Outcome {
    let stand = Stand::take().await?;
    let stranger = UploadId::generate();
    let notification = format!(
        r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{}"}},"object":{{"key":"uploads/{stranger}/a.csv"}}}}}}]}}"#,
        stand.etl.bucket
    );
    ensure!(stand.deliver(&notification).await);
    ensure!(
        stand
            .deliver(&goes_on(stranger, 1, Checkpoint::default()))
            .await
    );
    let mut headers = HeaderMap::new();
    headers.insert(header::VERSION, "1");
    headers.insert(header::KIND, "end");
    headers.insert(header::UPLOAD, stranger.to_string().as_str());
    headers.insert(header::GENERATION, "1");
    let end = serde_json::to_vec(&EndOfLoad {
        batches: 0,
        rows: 0,
        quarantined: 0,
    })?;
    let subject = format!("rows.{}.{stranger}", contracts::DatasetId::generate());
    stand
        .etl
        .jetstream
        .publish_with_headers(subject.clone(), headers.clone(), end.into())
        .await?
        .await?;
    headers.insert(header::KIND, "batch");
    headers.insert(header::BATCH, "0");
    headers.insert(
        header::META,
        serde_json::to_string(&BatchMeta::default())?.as_str(),
    );
    stand
        .etl
        .jetstream
        .publish_with_headers(subject, headers, "no Arrow".into())
        .await?
        .await?;
    let report = stand.drain().await?;
    ensure!((report.refused, report.dead) == (1, 1), "{report:?}");
    ensure!(stand.waiting(stranger).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_understood_is_reported_and_never_by_an_empty_id() -> Outcome {
    let stand = Stand::take().await?;
    for body in ["", "no json", "{}", r#"{"gridkeep":"dance"}"#] {
        let response = etl::handle(&stand.etl, event("m-7", body), Instant::now() + AMPLE).await;
        let failed: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|failure| failure.item_identifier.as_str())
            .collect();
        ensure!(failed == ["m-7"], "{body}: {failed:?}");
        let response = etl::handle(&stand.etl, event("", body), Instant::now() + AMPLE).await;
        ensure!(response.batch_item_failures.is_empty());
    }
    let two = event("m-8", r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#);
    let mut both = event("m-9", "no json");
    both.records.extend(two.records);
    let response = etl::handle(&stand.etl, both, Instant::now() + AMPLE).await;
    ensure!(response.batch_item_failures.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_told_once_however_often_the_relay_is_killed() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload("a\n1\n").await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let first = stand.drain().await?;
    ensure!((first.published, first.relayed) == (1, 1), "{first:?}");
    let subject = format!("versions.{}", stand.state(arrived.id).await?.dataset_id);
    // Killed after the stream took it and before it was marked.
    sqlx::query("update gk.outbox set relayed_at = null")
        .execute(&stand.pg)
        .await?;
    ensure!(stand.drain().await?.relayed >= 1);
    ensure!(stand.messages_on(VERSIONS_STREAM, subject).await? == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_follows_a_version_once_however_often_it_is_told() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload("a\n1\n2\n").await?;
    ensure!(stand.deliver(&arrived.notification).await);
    stand.drain().await?;
    let dataset = stand.state(arrived.id).await?.dataset_id;
    let (widgets, rows) = (
        format!("/datasets/{dataset}/widgets"),
        format!("/datasets/{dataset}/rows"),
    );
    let sum = serde_json::json!({"title": "Sum", "kind": "number", "measures": ["sum:a"]});
    ensure!(stand.user.post(&widgets, &sum).await?.body["rows"][0][0] == "3");
    let cells = serde_json::json!({"cells": {"col_1": "4"}});
    ensure!(stand.user.post(&rows, &cells).await?.status == 201);
    let told = stand.drain().await?;
    ensure!((told.relayed, told.refreshed) == (1, 1), "{told:?}");
    let shown = stand.user.get(&widgets).await?.body["widgets"][0].clone();
    ensure!(
        (&shown["rows"][0][0], &shown["previous"][0]) == (&"7".into(), &"3".into()),
        "{shown}"
    );

    // The same event twice more, one of them of the version before.
    for version in [1, 2] {
        let event = serde_json::json!({"dataset": dataset, "version": version, "upload": null});
        let ack = stand
            .consumer
            .jetstream
            .publish(format!("versions.{dataset}"), event.to_string().into())
            .await?;
        ack.await?;
    }
    // What is no event of ours holds nobody up.
    let odd = stand
        .consumer
        .jetstream
        .publish("versions.odd", "?".into())
        .await?;
    odd.await?;
    ensure!(consumer::has_work(&stand.consumer).await?);
    ensure!(stand.drain().await?.refreshed == 0);
    ensure!(!consumer::has_work(&stand.consumer).await?);
    ensure!(stand.user.get(&widgets).await?.body["widgets"][0] == shown);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_without_time_leaves_everything_to_the_next() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let late = consumer::drain(&stand.consumer, Instant::now()).await?;
    ensure!(late.more && late.messages == 0, "{late:?}");
    ensure!(stand.drain().await?.published == 1);
    stand.published(arrived.id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_loop_publishes_by_itself_and_ends_when_told() -> Outcome {
    let stand = Stand::take().await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let looped = tokio::spawn(consumer::run_loop(Arc::clone(&stand.consumer), async {
        let _dropped = stopped.await;
    }));
    // More than the stream takes at once: the load waits for room, and the loop makes it.
    let arrived = stand.upload(&csv(3 * ROOM * 4_096)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    stand.user.outcome(arrived.id, AMPLE).await?;
    stand.published(arrived.id).await?;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(10), looped).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_another_message_at_work_lets_go_of_his() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(100)).await?;
    let store = &stand.etl.store;
    store.lease(arrived.id, "m-0/1", AMPLE).await?;
    // Not the same message, whose worker may have died.
    ensure!(stand.deliver(&arrived.notification).await);
    ensure!(stand.waiting(arrived.id).await?.is_empty());
    store.release_lease(arrived.id, "m-0/1").await?;
    store.lease(arrived.id, "m-1/1", AMPLE).await?;
    let same = stand.deliver_within(&arrived.notification, Duration::from_millis(500));
    ensure!(!same.await, "it must come again");
    store.release_lease(arrived.id, "m-1/1").await?;
    ensure!(stand.deliver(&arrived.notification).await);
    stand.drain().await?;
    stand.published(arrived.id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_options_whose_message_was_never_sent_are_gone_by_all_the_same() -> Outcome {
    let stand = Stand::take().await?;
    let id = stand.ask_first(&csv(100)).await?;
    stand.drain().await?;
    let options = contracts::plan::Options::default();
    let store = &stand.etl.store;
    store
        .replan(id, None, contracts::upload::Mode::New, &[], &options)
        .await?;
    stand.an_hour_later(id).await?;
    stand.drain_anew().await?;
    let work = stand.work_about(id, r#""analyse""#).await?;
    ensure!(stand.deliver(&work).await);
    stand.drain().await?;
    let read = stand.state(id).await?;
    ensure!(
        (read.state, read.generation) == (UploadState::AwaitingConfirmation, 2),
        "{read:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nobody_was_told_of_is_read_when_its_time_is_over() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(100)).await?;
    stand.an_hour_later(arrived.id).await?;
    // Whoever looks at it finds that its file is there.
    ensure!(stand.state(arrived.id).await?.state == UploadState::Created);
    stand.an_hour_later(arrived.id).await?;
    stand.drain_anew().await?;
    let work = stand.work_about(arrived.id, r#""analyse""#).await?;
    ensure!(stand.deliver(&work).await);
    stand.drain().await?;
    stand.published(arrived.id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_the_stream_has_lost_are_sent_again() -> Outcome {
    let stand = Stand::take().await?;
    let wanted = stand.undisturbed(&csv(ROWS)).await?;
    let arrived = stand.upload(&csv(ROWS)).await?;
    ensure!(stand.deliver(&arrived.notification).await);
    let stream = stand.etl.jetstream.get_stream(ROWS_STREAM).await?;
    let messages = stand.waiting(arrived.id).await?;
    for lost in &messages[1..3] {
        stream.delete_message(lost.sequence).await?;
    }
    // While the stream still holds some of it, nobody is sent for.
    stand.an_hour_later(arrived.id).await?;
    let held = stand.drain_anew().await?;
    ensure!(held.published == 0, "{held:?}");
    ensure!(consumer::is_due(&stand.consumer).await?);
    stand.drain_anew().await?;
    let work = stand.work_about(arrived.id, r#""analyse""#).await?;
    tokio::time::sleep(DEDUP * 2).await;
    ensure!(stand.deliver(&work).await);
    ensure!(stand.drain().await?.published == 1);
    ensure!(stand.published(arrived.id).await? == wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_nobody_brings_any_further_fails_and_says_so() -> Outcome {
    let stand = Stand::take().await?;
    let arrived = stand.upload(&csv(100)).await?;
    let store = &stand.etl.store;
    store.lease(arrived.id, "m-1/1", LEASE).await?;
    store.start_analysis(arrived.id, 1).await?;
    for _ in 0..3 {
        stand.an_hour_later(arrived.id).await?;
        stand.drain_anew().await?;
        ensure!(stand.state(arrived.id).await?.state == UploadState::Analysing);
        // Its worker dies of it.
        store.lease(arrived.id, "m-1/1", LEASE).await?;
    }
    stand.an_hour_later(arrived.id).await?;
    stand.drain_anew().await?;
    let failed = stand.state(arrived.id).await?;
    let problem = failed.problem.context("a problem")?;
    ensure!(
        failed.state == UploadState::Failed && problem.detail.contains("several times"),
        "{problem:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_looks_only_while_imports_are_under_way() -> Outcome {
    let stand = Stand::take().await?;
    let anew = async || consumer::Deps::connect(&stand.consumer_config).await;
    sqlx::query("update gk.import set state = 'cancelled', lease_owner = null where state not in ('published', 'failed', 'cancelled')")
        .execute(&stand.pg)
        .await?;
    stand.drain_anew().await?;
    ensure!(!consumer::is_due(&*anew().await?).await?);
    let id = stand.ask_first(&csv(100)).await?;
    stand.drain().await?;
    let looks = anew().await?;
    ensure!(consumer::is_due(&looks).await?);
    // Once in a while.
    ensure!(!consumer::is_due(&looks).await?);
    stand.drain_anew().await?;
    ensure!(consumer::is_due(&*anew().await?).await?);
    let answer = stand.user.delete(&format!("/uploads/{id}")).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    stand.drain_anew().await?;
    ensure!(!consumer::is_due(&*anew().await?).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_file_that_is_over_are_cleared_away() -> Outcome {
    let stand = Stand::take().await?;
    let part = vec![b'a'; usize::try_from(PART_BYTES_MIN)?];
    let sum = "0".repeat(64);
    let ask = CreateUpload {
        checksum: Some(Checksum::Parts {
            part_bytes: PART_BYTES_MIN,
            sha256: vec![hex(&part), sum],
        }),
        ..new_dataset("again", "again.csv", PART_BYTES_MIN + 1)
    };
    let created = stand.user.create_upload(&ask).await?;
    let SendTo::Parts(links) = &created.to else {
        anyhow::bail!("it is sent in parts");
    };
    let sent = stand.user.put_part(&links.parts[0], part).await?;
    ensure!(sent.is_ok(), "{sent:?}");
    let open = async || {
        let s3 = &stand.etl.s3;
        let listed = s3.list_multipart_uploads().bucket(&stand.etl.bucket);
        let listed = listed.prefix(format!("uploads/{}/", created.id)).send();
        anyhow::Ok(listed.await?.uploads().len())
    };
    stand.drain_anew().await?;
    ensure!(open().await? == 1, "it may be gone on with");
    // Whoever cancelled it could not tell the storage.
    stand.etl.store.cancel(created.id).await?;
    stand.drain_anew().await?;
    ensure!(open().await? == 0, "nobody can go on with it");
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_anew_twice_counts_once() -> Outcome {
    let stand = Stand::take().await?;
    let id = stand.ask_first(&csv(ROWS)).await?;
    let arrived = stand.work_about(id, "ObjectCreated").await?;
    stand.drain().await?;
    ensure!(stand.state(id).await?.state == UploadState::AwaitingConfirmation);

    let changed = serde_json::json!({"options": {"types": {"n": "text"}}});
    let path = format!("/uploads/{id}");
    let mut messages = Vec::new();
    for _ in 0..2 {
        let answer = stand.user.patch(&path, &changed).await?;
        ensure!(answer.status.is_success(), "{answer:?}");
        let generation = &answer.body["generation"];
        let what = format!("\"generation\":{generation}");
        messages.push(stand.work_about(id, &what).await?);
    }
    // The former one comes late, the newest twice at once, and so does the file's arrival.
    ensure!(stand.deliver(&messages[0]).await);
    ensure!(stand.waiting(id).await?.is_empty());
    let (first, second) = tokio::join!(stand.deliver(&messages[1]), stand.deliver(&messages[1]));
    ensure!(first && second && stand.deliver(&arrived).await);
    let report = stand.drain().await?;
    ensure!(
        (report.rows, report.published) == (ROWS as u64, 0),
        "{report:?}"
    );
    ensure!(stand.state(id).await?.state == UploadState::AwaitingConfirmation);
    ensure!(stand.deliver(&messages[1]).await && stand.waiting(id).await?.is_empty());

    let confirm = serde_json::json!({"generation": 3});
    let answer = stand
        .user
        .post(&format!("{path}/confirm"), &confirm)
        .await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    ensure!(stand.drain().await?.published == 1);
    stand.published(id).await?;
    Ok(())
}

/// Two texts in an archive, of three rows and of two.
fn two_texts() -> anyhow::Result<Vec<u8>> {
    archive(&[
        ("a.csv", "a,b\n1,2\n3,4\n5,6\n"),
        ("b.csv", "a,b\n7,8\n9,10\n"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_a_file_are_imported_once_however_often_it_arrives() -> Outcome {
    let stand = Stand::take().await?;
    let dataset = stand.upload("a,b\n0,0\n").await?;
    ensure!(stand.deliver(&dataset.notification).await);
    stand.drain().await?;
    let dataset = stand.state(dataset.id).await?.dataset_id;
    let bytes = two_texts()?;
    let ask = contracts::upload::CreateUpload {
        dataset: contracts::upload::Target::Existing { id: dataset },
        mode: contracts::upload::Mode::Append,
        ..new_dataset("", "two.zip", bytes.len() as u64)
    };
    let id = stand.user.send(&ask, bytes).await?;
    let arrived = stand.work_about(id, "ObjectCreated").await?;
    let (first, second) = tokio::join!(stand.deliver(&arrived), stand.deliver(&arrived));
    ensure!(first && second);
    let tables = stand.state(id).await?.tables;
    let [_, table] = &tables[..] else {
        anyhow::bail!("two tables, once: {tables:?}");
    };
    // Its turn has not come, whoever drains: the first is loaded, and not published yet.
    ensure!(table.state == UploadState::Uploaded);
    ensure!(stand.deliver(&arrived).await && stand.state(id).await?.tables.len() == 2);

    let report = stand.drain().await?;
    ensure!((report.rows, report.published) == (3, 1), "{report:?}");
    let asked = stand.work_about(table.upload_id, "\"analyse\"").await?;
    // That message is lost; after a while there is another.
    sqlx::query("update gk.import set asked_at = asked_at - interval '1 hour' where upload = $1")
        .bind(table.upload_id.to_string())
        .execute(&stand.pg)
        .await?;
    let before = stand
        .messages_on(
            platform::nats::WORK_STREAM,
            platform::nats::WORK_SUBJECT.to_owned(),
        )
        .await?;
    stand.drain().await?;
    let after = stand
        .messages_on(
            platform::nats::WORK_STREAM,
            platform::nats::WORK_SUBJECT.to_owned(),
        )
        .await?;
    ensure!(after == before + 1, "{before} and {after} messages");
    ensure!(stand.work_about(table.upload_id, "\"analyse\"").await? == asked);

    let (first, second) = tokio::join!(stand.deliver(&asked), stand.deliver(&asked));
    ensure!(first && second);
    let report = stand.drain().await?;
    ensure!((report.rows, report.published) == (2, 1), "{report:?}");
    for message in [&asked, &arrived] {
        ensure!(stand.deliver(message).await);
    }
    let report = stand.drain().await?;
    ensure!((report.rows, report.published) == (0, 0), "{report:?}");
    let page = stand.user.get(&format!("/datasets/{dataset}")).await?.body;
    ensure!(
        (&page["rows"], &page["version"]) == (&6.into(), &3.into()),
        "{page}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_the_first_table_does_not_keep_the_others_from_being_read() -> Outcome {
    let stand = Stand::take().await?;
    let bytes = two_texts()?;
    let ask = new_dataset("again", "two.zip", bytes.len() as u64);
    let id = stand.user.send(&ask, bytes).await?;
    let arrived = stand.work_about(id, "ObjectCreated").await?;
    ensure!(stand.deliver(&arrived).await);
    let table = stand.state(id).await?.tables[1].upload_id;
    // The user drops the first one before anybody was told of the second.
    let answer = stand.user.delete(&format!("/uploads/{id}")).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    stand.drain().await?;
    let asked = stand.work_about(table, "\"analyse\"").await?;
    ensure!(stand.deliver(&asked).await);
    stand.drain().await?;
    stand.published(table).await?;
    ensure!(stand.state(id).await?.state == UploadState::Cancelled);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_taken_is_quarantined_once_however_often_it_comes() -> Outcome {
    let stand = Stand::take().await?;
    let first = stand.upload("sku,name\nA1,Anvil\nB2,Bucket\n").await?;
    ensure!(stand.deliver(&first.notification).await);
    stand.drain().await?;
    let id = stand.state(first.id).await?.dataset_id;
    let path = format!("/datasets/{id}");
    let rules = json!({"rules": {"col_2": {"unique": true}}});
    let set = stand.user.patch(&path, &rules).await?;
    ensure!(set.status == 200, "{}", set.body);

    let append = "sku,name\nC3,Chisel\nD4,Anvil\nE5,Chisel\n";
    let upsert = "sku,name\nA1,Anvil\nB2,Chisel\nC3,Cleaver\nF6,File\n";
    for (mode, csv, version, told) in [
        (upload::Mode::Append, append, 2, [1, 0, 0, 2]),
        (upload::Mode::Upsert, upsert, 3, [1, 1, 1, 1]),
    ] {
        let ask = CreateUpload {
            dataset: upload::Target::Existing { id },
            mode,
            key: (mode == upload::Mode::Upsert)
                .then(|| "sku".to_owned())
                .into_iter()
                .collect(),
            ..new_dataset("", "more.csv", csv.len() as u64)
        };
        let upload = stand.user.send(&ask, csv.into()).await?;
        let notification = stand.work_about(upload, "ObjectCreated").await?;
        let (one, other) = tokio::join!(stand.deliver(&notification), stand.deliver(&notification));
        ensure!(one && other);
        let messages = stand.waiting(upload).await?;
        stand.send_again(&messages).await?;
        let (one, other) = tokio::join!(stand.drain(), stand.drain());
        ensure!(one?.published + other?.published == 1);
        stand.send_again(&messages).await?;
        ensure!(stand.deliver(&notification).await);
        ensure!(stand.drain().await?.published == 0);
        let done = stand.state(upload).await?;
        ensure!(done.version == Some(version), "{done:?}");
        let receipt = done.receipt.context("a published upload has a receipt")?;
        ensure!(receipt.balances());
        let counts = [
            receipt.inserted,
            receipt.updated,
            receipt.unchanged,
            receipt.quarantined,
        ];
        ensure!(counts == told, "{receipt:?}");
    }
    let rows = stand.user.get(&format!("{path}/rows")).await?;
    let rows = rows.body["rows"].as_array().context("rows")?.clone();
    let cells: Vec<_> = rows.iter().map(|row| row["cells"].clone()).collect();
    let wanted = [
        ["A1", "Anvil"],
        ["B2", "Bucket"],
        ["C3", "Cleaver"],
        ["F6", "File"],
    ];
    ensure!(cells == wanted.map(|cells| json!(cells)), "{cells:?}");
    let kept = stand.user.get(&format!("{path}/quarantine")).await?;
    let kept = kept.body["rows"].as_array().context("records")?.clone();
    let told: Vec<_> = (kept.iter())
        .map(|row| {
            json!([
                row["line"],
                row["code"],
                row["column"],
                row["raw"],
                row["message"]
            ])
        })
        .collect();
    let taken = |line: u64, raw: &str, message: &str| {
        json!([
            line,
            "not_unique",
            "name",
            raw,
            format!("{message} The column takes each value once.")
        ])
    };
    let wanted = [
        taken(3, "B2,Chisel", "`Chisel` is in another row already."),
        taken(3, "D4,Anvil", "`Anvil` is in another row already."),
        taken(
            4,
            "E5,Chisel",
            "`Chisel` is in record 2 of the file already.",
        ),
    ];
    ensure!(told == wanted, "{told:?}");

    // By hand it goes by the same, also for what was quarantined.
    let edit = async |name: &str, base: i64| {
        let change = json!({"op": "insert", "cells": {"col_1": "G7", "col_2": name}});
        let body = json!({"base_version": base, "changes": [change]});
        stand.user.post(&format!("{path}/commits"), &body).await
    };
    let refused = edit("Anvil", 3).await?;
    ensure!(
        refused.status == 400 && refused.body["pointer"] == "/changes/0/cells/col_2",
        "{}",
        refused.body
    );
    let resubmit = async |cells: serde_json::Value| {
        let body = json!({"rows": [{"id": kept[0]["id"], "cells": cells}]});
        stand
            .user
            .post(&format!("{path}/quarantine/resubmit"), &body)
            .await
    };
    // The value of the record is free by then: the file took it away from its row.
    ensure!(edit("Chisel", 3).await?.status == 201);
    ensure!(resubmit(json!({})).await?.status == 400);
    let done = resubmit(json!({"col_1": "H8", "col_2": "Drill"})).await?;
    ensure!(done.status == 201, "{}", done.body);
    Ok(())
}
