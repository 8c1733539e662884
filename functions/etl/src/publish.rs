//! Messages into the `ROWS` stream, each acknowledged before it counts. A subject that is full (the consumer is behind) is
//! tried again by one message at a time. The consumer takes over from here.

use std::{
    error::Error as StdError,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{self, context::PublishErrorKind},
};
use aws_sdk_s3::error::SdkError;
use bytes::Bytes;
use contracts::{
    DatasetId, UploadId,
    events::{BatchMeta, ENVELOPE_VERSION, EndOfLoad, SpillClaim, header, rows_subject},
};
use platform::queue::QueueError;
use tokio::sync::Mutex;

use crate::Deps;

/// A message may be 1 MiB, headers counted; what is longer lies in the bucket and only a claim travels.
const PAYLOAD_BYTES_MAX: usize = 900_000;
/// A server that restarts under us is waited for this long.
const OUTAGE: Duration = Duration::from_secs(30);
const RETRY_FIRST: Duration = Duration::from_millis(5);
const RETRY_LONGEST: Duration = Duration::from_millis(100);

type BoxError = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No room for as long as we may wait: the load is to be handed on.
    #[error("the stream has no room for this upload")]
    Full,
    #[error("NATS did not take the message")]
    Nats(#[from] jetstream::context::PublishError),
    #[error("S3 did not take the batch")]
    Spill(#[source] BoxError),
    #[error("a header cannot be written")]
    Header(#[from] serde_json::Error),
    #[error("the consumer could not be woken")]
    Wake(#[from] QueueError),
}

/// A batch on its way.
#[derive(Debug)]
pub struct Outgoing {
    pub no: u32,
    pub meta: BatchMeta,
    pub payload: Bytes,
}

/// Wakes the consumer.
pub async fn wake(deps: &Deps, reason: &str) -> Result<(), PublishError> {
    Ok(deps.wake.send_wake(reason).await?)
}

/// As [`wake`], where what is lost by it is done a little later.
pub async fn try_wake(deps: &Deps, reason: &str) {
    if let Err(error) = wake(deps, reason).await {
        tracing::debug!(
            error = crate::error::chain(&error),
            "the consumer was not woken"
        );
    }
}

/// Publishes one generation of one upload.
#[derive(Debug)]
pub struct Publisher<'a> {
    deps: &'a Deps,
    upload: UploadId,
    generation: i32,
    subject: String,
    /// Set while the subject is full: messages then queue for the lane and try one at a time.
    full: AtomicBool,
    lane: Mutex<()>,
}

impl<'a> Publisher<'a> {
    pub fn new(deps: &'a Deps, dataset: DatasetId, upload: UploadId, generation: i32) -> Self {
        Self {
            deps,
            upload,
            generation,
            subject: rows_subject(dataset, upload),
            full: AtomicBool::new(false),
            lane: Mutex::new(()),
        }
    }

    /// Returns when the stream has the batch.
    pub async fn batch(&self, batch: Outgoing) -> Result<(), PublishError> {
        let (kind, payload) = if batch.payload.len() > PAYLOAD_BYTES_MAX {
            ("spilled", self.spill(&batch).await?)
        } else {
            ("batch", batch.payload)
        };
        let mut headers = self.headers(kind, &batch.no.to_string());
        headers.insert(header::BATCH, batch.no.to_string());
        headers.insert(header::META, serde_json::to_string(&batch.meta)?);
        self.send(headers, payload).await
    }

    /// The last message. Waits for its ack, then wakes the consumer.
    pub async fn end(&self, end: EndOfLoad) -> Result<(), PublishError> {
        let headers = self.headers("end", "end");
        self.send(headers, serde_json::to_vec(&end)?.into()).await?;
        self.wake("end of load").await
    }

    pub async fn wake(&self, reason: &str) -> Result<(), PublishError> {
        wake(self.deps, reason).await
    }

    fn headers(&self, kind: &str, last: &str) -> HeaderMap {
        let (upload, generation) = (self.upload, self.generation);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("{upload}/{generation}/{last}"));
        headers.insert(header::VERSION, ENVELOPE_VERSION.to_string());
        headers.insert(header::KIND, kind);
        headers.insert(header::UPLOAD, upload.to_string());
        headers.insert(header::GENERATION, generation.to_string());
        // The trace is the upload: every function that touches it knows its id, whoever woke it.
        headers.insert(
            header::TRACEPARENT,
            format!(
                "00-{:032x}-{:016x}-01",
                upload.bits(),
                rand::random::<u64>().max(1)
            ),
        );
        headers
    }

    async fn spill(&self, batch: &Outgoing) -> Result<Bytes, PublishError> {
        let claim = SpillClaim {
            bucket: self.deps.bucket.clone(),
            key: format!("spill/{}/{}/{}", self.upload, self.generation, batch.no),
            bytes: batch.payload.len() as u64,
        };
        self.deps
            .s3
            .put_object()
            .bucket(&claim.bucket)
            .key(&claim.key)
            .body(batch.payload.clone().into())
            .send()
            .await
            .map_err(|error: SdkError<_>| PublishError::Spill(error.into()))?;
        Ok(serde_json::to_vec(&claim)?.into())
    }

    async fn send(&self, headers: HeaderMap, payload: Bytes) -> Result<(), PublishError> {
        let mut lane = None;
        let mut refused = Failures::default();
        let mut broken = Failures::default();
        loop {
            if lane.is_none() && self.full.load(Ordering::Relaxed) {
                lane = Some(self.lane.lock().await);
            }
            let Err(error) = self.offer(headers.clone(), payload.clone()).await else {
                if lane.is_some() {
                    self.full.store(false, Ordering::Relaxed);
                }
                return Ok(());
            };
            if is_full(&error) {
                self.full.store(true, Ordering::Relaxed);
                if lane.is_none() {
                    continue;
                }
                // Once a second is enough: a wake may be lost, and a drain may have ended meanwhile.
                if refused
                    .since_woken
                    .is_none_or(|at| at.elapsed() > Duration::from_secs(1))
                {
                    refused.since_woken = Some(Instant::now());
                    self.wake("the stream is full").await?;
                }
                refused
                    .wait(self.deps.full_wait)
                    .await
                    .map_err(|()| PublishError::Full)?;
            } else if is_lasting(&error) {
                return Err(error.into());
            } else {
                tracing::debug!(error = crate::error::chain(&error), "publishing again");
                broken.wait(OUTAGE).await.map_err(|()| error)?;
            }
        }
    }

    async fn offer(
        &self,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), jetstream::context::PublishError> {
        let subject = self.subject.clone();
        let ack = self
            .deps
            .jetstream
            .publish_with_headers(subject, headers, payload)
            .await?;
        ack.await.map(|_| ())
    }
}

/// Attempts of one message that came to nothing.
#[derive(Default)]
struct Failures {
    count: u32,
    since: Option<Instant>,
    since_woken: Option<Instant>,
}

impl Failures {
    /// Sleeps before the next attempt, or says that it has been long enough.
    async fn wait(&mut self, longest: Duration) -> Result<(), ()> {
        if self.since.get_or_insert_with(Instant::now).elapsed() >= longest {
            return Err(());
        }
        self.count += 1;
        tokio::time::sleep(crate::backoff(self.count, RETRY_FIRST, RETRY_LONGEST)).await;
        Ok(())
    }
}

/// 503 "maximum messages per subject exceeded", or the whole stream's bound.
fn is_full(error: &jetstream::context::PublishError) -> bool {
    let refusal = error
        .source()
        .and_then(|source| source.downcast_ref::<jetstream::Error>());
    refusal.is_some_and(|refusal| {
        let text = refusal.to_string();
        ["maximum messages", "maximum bytes"]
            .iter()
            .any(|bound| text.contains(bound))
    })
}

/// Trying again would not help.
fn is_lasting(error: &jetstream::context::PublishError) -> bool {
    matches!(error.kind(), PublishErrorKind::MaxPayloadExceeded)
}
