//! A writer: fetches a few messages, writes those of one import in one transaction, asks whether the import is complete, and
//! only then acknowledges. Killed anywhere in between, the messages come again and find themselves in the ledger.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    self, AckKind,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
};
use aws_sdk_s3::error::SdkError;
use bytes::Bytes;
use contracts::{
    UploadId,
    events::{BatchMeta, EndOfLoad, ROWS_STREAM, SpillClaim},
};
use futures::StreamExt as _;
use store::{IncomingBatch, Publish, Write};

use crate::{
    Deps,
    drain::{DrainReport, Sitting},
    error::{self, Error},
    message::{self, Content},
    poison,
    relay::relay,
    tables::ask_for_tables,
};

/// Of all drains, so that a message is with one of them at a time.
const DURABLE: &str = "writer";
/// Messages out with drains. Above it the stream waits for acks, so that many drains cannot hold everything.
const OUT_MAX: i64 = 1_000;
/// Fetched, and written in one transaction, at once.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
const GROUP_MESSAGES: usize = 64;
/// A message that failed so often, for no passing reason, is poison.
const TRIES: i64 = 5;
const NAK_DELAY: Duration = Duration::from_millis(500);
/// A batch of many MiB from the bucket.
const SPILL_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn consumer(deps: &Deps) -> Result<PullConsumer, Error> {
    durable(deps, ROWS_STREAM, DURABLE, OUT_MAX).await
}

/// Gets a durable consumer of a stream, or makes it: all drains share it.
pub(crate) async fn durable(
    deps: &Deps,
    stream: &str,
    name: &str,
    out_max: i64,
) -> Result<PullConsumer, Error> {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: deps.ack_wait,
        // Without a limit: a message past it would be lost from sight. Poison is taken out by our own hand.
        max_deliver: -1,
        max_ack_pending: out_max,
        ..pull::Config::default()
    };
    deps.jetstream
        .create_consumer_on_stream(config, stream)
        .await
        .map_err(|e| Error::Consumer(e.into()))
}

/// Writes until the sitting is over.
pub(crate) async fn run(deps: &Deps, sitting: &Sitting) -> Result<DrainReport, Error> {
    let consumer = consumer(deps).await?;
    let mut report = DrainReport::default();
    while !sitting.is_closing() {
        let asked = Instant::now();
        let messages = fetch(&consumer, sitting.linger()).await?;
        if messages.is_empty() {
            if sitting.ends_when_empty() {
                break;
            }
            // The server may answer at once that other fetches will take what there is.
            if asked.elapsed() < Duration::from_millis(10) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            continue;
        }
        let mut held = Held::new(deps, messages);
        let settled = settle(&mut held, sitting, &mut report).await;
        held.give_back().await;
        settled?;
    }
    Ok(report)
}

/// Takes what is there, waiting for a first message.
pub(crate) async fn fetch(
    consumer: &PullConsumer,
    linger: Duration,
) -> Result<Vec<jetstream::Message>, Error> {
    let mut batch = consumer
        .fetch()
        .max_messages(GROUP_MESSAGES)
        .max_bytes(GROUP_BYTES)
        .expires(linger)
        .messages()
        .await
        .map_err(|e| Error::Fetch(e.into()))?;
    let mut messages = Vec::new();
    while let Some(next) = batch.next().await {
        match next {
            Ok(message) => messages.push(message),
            // Also the server's word that one more would pass the bytes asked for.
            Err(_) if !messages.is_empty() => break,
            Err(error) => return Err(Error::Fetch(error)),
        }
    }
    Ok(messages)
}

/// Messages that are ours until each is acknowledged, buried or given back.
struct Held<'a> {
    deps: &'a Deps,
    messages: Vec<Option<jetstream::Message>>,
}

impl<'a> Held<'a> {
    fn new(deps: &'a Deps, messages: Vec<jetstream::Message>) -> Self {
        Self {
            deps,
            messages: messages.into_iter().map(Some).collect(),
        }
    }

    async fn ack(&mut self, at: usize) -> Result<(), Error> {
        match self.messages[at].take() {
            // A lost ack brings the message back, and the ledger knows it.
            Some(message) => message.ack().await.map_err(Error::Ack),
            None => Ok(()),
        }
    }

    async fn bury(&mut self, at: usize, reason: &str) -> Result<(), Error> {
        if let Some(message) = &self.messages[at] {
            poison::bury(self.deps, message, reason).await?;
            self.messages[at] = None;
        }
        Ok(())
    }

    fn deliveries(&self, at: usize) -> i64 {
        self.messages[at]
            .as_ref()
            .and_then(|message| message.info().ok())
            .map_or(1, |info| info.delivered)
    }

    /// Tells the server again and again that they are being worked on.
    async fn keep(&self) {
        loop {
            tokio::time::sleep(self.deps.ack_wait / 3).await;
            for message in self.messages.iter().flatten() {
                if let Err(error) = message.ack_with(AckKind::Progress).await {
                    tracing::debug!(
                        error = error::chain(&*error),
                        "a message may come to another writer"
                    );
                }
            }
        }
    }

    /// What was not settled goes back at once, not after the ack wait. If this fails, it does go back after it.
    async fn give_back(&mut self) {
        for message in self.messages.drain(..).flatten() {
            if let Err(error) = message.ack_with(AckKind::Nak(Some(NAK_DELAY))).await {
                tracing::debug!(
                    error = error::chain(&*error),
                    "a message was left to its ack wait"
                );
            }
        }
    }
}

/// A message's place among the held ones, and what it says.
struct Incoming {
    at: usize,
    content: Content,
}

impl Incoming {
    /// What it takes in memory.
    fn bytes(&self) -> u64 {
        match &self.content {
            Content::Batch { arrow, .. } => arrow.len() as u64,
            Content::Spilled { claim, .. } => claim.bytes,
            Content::End(_) => 0,
        }
    }
}

/// Settles import by import, each in transactions of bounded size. What is left in `held` was not settled.
async fn settle(
    held: &mut Held<'_>,
    sitting: &Sitting,
    report: &mut DrainReport,
) -> Result<(), Error> {
    let mut imports: BTreeMap<(UploadId, i32), Vec<Incoming>> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (at, message) in held.messages.iter().enumerate() {
        let Some(message) = message else { continue };
        match message::parse(message.headers.as_ref(), &message.payload) {
            Ok(envelope) => imports
                .entry((envelope.upload, envelope.generation))
                .or_default()
                .push(Incoming {
                    at,
                    content: envelope.content,
                }),
            Err(reason) => unreadable.push((at, reason.to_string())),
        }
    }
    for (at, reason) in unreadable {
        held.bury(at, &reason).await?;
        report.dead += 1;
    }
    for ((upload, generation), incoming) in imports {
        for group in in_groups(incoming) {
            if sitting.is_closing() {
                return Ok(());
            }
            let mut import = ImportWriter {
                upload,
                generation,
                held,
                sitting,
                report,
                wrote: false,
            };
            import.settle(group).await?;
        }
    }
    Ok(())
}

/// Cuts where a group would pass its bytes: a claim is small, what it claims is not.
fn in_groups(incoming: Vec<Incoming>) -> Vec<Vec<Incoming>> {
    let mut groups: Vec<Vec<Incoming>> = Vec::new();
    let mut room = 0;
    for one in incoming {
        let bytes = one.bytes();
        match groups.last_mut() {
            Some(group) if bytes <= room => group.push(one),
            _ => {
                room = GROUP_BYTES as u64;
                groups.push(vec![one]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    groups
}

/// Writes groups of messages of one import's generation.
struct ImportWriter<'h, 'd, 'r> {
    upload: UploadId,
    generation: i32,
    held: &'h mut Held<'d>,
    sitting: &'h Sitting,
    report: &'r mut DrainReport,
    /// Whether anything was taken: only then can it have become complete.
    wrote: bool,
}

impl ImportWriter<'_, '_, '_> {
    async fn settle(&mut self, group: Vec<Incoming>) -> Result<(), Error> {
        let messages: Vec<usize> = group.iter().map(|incoming| incoming.at).collect();
        let (batches, ends) = self.read(group).await?;
        if !batches.is_empty() {
            self.write(&batches).await?;
        }
        for (at, end) in ends {
            self.end(at, end).await?;
        }
        if self.wrote {
            let publish = publish(self.held.deps, self.upload, self.sitting, self.report);
            tokio::select! {
                published = publish => published?,
                () = self.held.keep() => unreachable!("keeping never ends"),
            }
        }
        for at in messages {
            self.held.ack(at).await?;
        }
        Ok(())
    }

    /// Decodes the batches; those that cannot be are buried.
    async fn read(
        &mut self,
        group: Vec<Incoming>,
    ) -> Result<(Vec<Batch>, Vec<(usize, EndOfLoad)>), Error> {
        let mut ends = Vec::new();
        let mut encoded = Vec::with_capacity(group.len());
        for Incoming { at, content } in group {
            match content {
                Content::Batch { no, meta, arrow } => encoded.push((at, no, meta, arrow)),
                Content::End(end) => ends.push((at, end)),
                Content::Spilled { no, meta, claim } => {
                    match fetch_spilled(self.held.deps, &claim).await? {
                        Some(arrow) => encoded.push((at, no, meta, arrow)),
                        None => self.miss(at).await?,
                    }
                }
            }
        }
        let decoded = tokio::task::spawn_blocking(move || {
            encoded.into_iter().map(decode).collect::<Vec<_>>()
        });
        let mut batches = Vec::new();
        for batch in decoded.await.map_err(Error::Writer)? {
            match batch {
                Ok(batch) => batches.push(batch),
                Err((at, reason)) => self.bury(at, &reason).await?,
            }
        }
        Ok((batches, ends))
    }

    /// A claim on a batch that is no more: of an import that is over, whose spilled batches were removed, or poison.
    async fn miss(&mut self, at: usize) -> Result<(), Error> {
        let import = self.held.deps.store.import(self.upload).await?;
        if import.is_none_or(|import| import.upload.state.is_final()) {
            self.report.refused += 1;
            return Ok(());
        }
        self.bury(at, "the batch it claims is not in the bucket")
            .await
    }

    async fn write(&mut self, batches: &[Batch]) -> Result<(), Error> {
        let incoming: Vec<IncomingBatch> =
            batches.iter().map(|batch| batch.incoming.clone()).collect();
        match self.store(&incoming).await {
            Err(error) if !error.is_transient() => {}
            written => return self.count(batches.len(), written?),
        }
        // One of them is at fault: it must not take the others down with it.
        for (batch, incoming) in batches.iter().zip(&incoming) {
            match self.store(std::slice::from_ref(incoming)).await {
                Err(error) => self.condemn(batch.at, error).await?,
                written => self.count(1, written?)?,
            }
        }
        Ok(())
    }

    async fn store(&self, batches: &[IncomingBatch]) -> store::Result<Write> {
        let write = self
            .held
            .deps
            .store
            .write_batches(self.upload, self.generation, batches);
        tokio::select! {
            written = write => written,
            () = self.held.keep() => unreachable!("keeping never ends"),
        }
    }

    async fn end(&mut self, at: usize, end: EndOfLoad) -> Result<(), Error> {
        match self
            .held
            .deps
            .store
            .end_of_load(self.upload, self.generation, end)
            .await
        {
            Err(error) => self.condemn(at, error).await,
            written => self.count(1, written?),
        }
    }

    fn count(&mut self, messages: usize, written: Write) -> Result<(), Error> {
        match written {
            Write::Written { rows } => {
                self.report.messages += messages as u64;
                self.report.rows += rows;
                self.wrote = true;
            }
            Write::Refused(refusal) => {
                self.report.refused += messages as u64;
                tracing::debug!(upload.id = %self.upload, ?refusal, messages, "batches came too late and were dropped");
            }
        }
        Ok(())
    }

    /// Buries what can never be written, at once where the store says so, else after some tries.
    async fn condemn(&mut self, at: usize, error: store::Error) -> Result<(), Error> {
        let hopeless = matches!(error, store::Error::Poison(..))
            || (!error.is_transient() && self.held.deliveries(at) >= TRIES);
        if !hopeless {
            return Err(error.into());
        }
        self.bury(at, &error::chain(&error)).await
    }

    async fn bury(&mut self, at: usize, reason: &str) -> Result<(), Error> {
        self.held.bury(at, reason).await?;
        self.report.dead += 1;
        Ok(())
    }
}

/// Publishes an import if it is complete, or lets it wait for its confirmation. Of a batch's import after the batch's commit, in a
/// transaction of its own, and before the ack: of two writers that overlap, neither sees the other's last batch inside its own, and a
/// kill before this leaves a message that comes again.
pub(crate) async fn publish(
    deps: &Deps,
    upload: UploadId,
    sitting: &Sitting,
    report: &mut DrainReport,
) -> Result<(), Error> {
    let published = deps
        .store
        .publish_within(upload, Some(sitting.slice()))
        .await?;
    match published {
        Publish::Published {
            version,
            fresh: true,
        } => {
            tracing::info!(upload.id = %upload, version, "an import is published");
            report.published += 1;
            report.relayed += relay(deps).await?;
            ask_for_tables(deps).await?;
        }
        Publish::Failed(problem) => {
            tracing::warn!(upload.id = %upload, problem.code = ?problem.code, problem = problem.detail, "an import cannot be published");
            return ask_for_tables(deps).await;
        }
        Publish::Unfinished => {
            report.unfinished += 1;
            return Ok(());
        }
        Publish::Awaiting => {}
        Publish::Published { .. } | Publish::Incomplete | Publish::Over(_) => return Ok(()),
    }
    if let Err(error) = deps.store.analyze(upload).await {
        tracing::debug!(upload.id = %upload, error = error::chain(&error), "statistics are left to autovacuum");
    }
    Ok(())
}

/// A batch, and which of the held messages it is.
struct Batch {
    at: usize,
    incoming: IncomingBatch,
}

fn decode((at, no, meta, arrow): (usize, u32, BatchMeta, Bytes)) -> Result<Batch, (usize, String)> {
    let decoded = tabular::batch::decode(&arrow).map_err(|e| (at, error::chain(&e)))?;
    Ok(Batch {
        at,
        incoming: IncomingBatch {
            no,
            meta,
            rows: decoded.rows,
            places: decoded.places,
            rejects: decoded.rejects,
            shown: decoded.shown,
        },
    })
}

/// None when it is no more.
async fn fetch_spilled(deps: &Deps, claim: &SpillClaim) -> Result<Option<Bytes>, Error> {
    let get = deps
        .s3
        .get_object()
        .bucket(&claim.bucket)
        .key(&claim.key)
        .send()
        .await;
    let object = match get {
        Ok(object) => object,
        Err(SdkError::ServiceError(refusal)) if refusal.err().is_no_such_key() => return Ok(None),
        Err(error) => return Err(Error::Spill(error.into())),
    };
    let body = tokio::time::timeout(SPILL_TIMEOUT, object.body.collect()).await;
    let body = body
        .map_err(|e| Error::Spill(e.into()))?
        .map_err(|e| Error::Spill(e.into()))?;
    Ok(Some(body.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_bounded_by_the_bytes_it_will_hold() {
        let claim = |at, bytes| Incoming {
            at,
            content: Content::Spilled {
                no: 0,
                meta: BatchMeta::default(),
                claim: SpillClaim {
                    bucket: String::new(),
                    key: String::new(),
                    bytes,
                },
            },
        };
        let eighth = GROUP_BYTES as u64 / 8;
        let sizes = [5 * eighth, 3 * eighth, eighth, 20 * eighth, eighth];
        let groups = in_groups(
            sizes
                .iter()
                .enumerate()
                .map(|(at, bytes)| claim(at, *bytes))
                .collect(),
        );
        let groups: Vec<Vec<usize>> = groups
            .iter()
            .map(|group| group.iter().map(|i| i.at).collect())
            .collect();
        assert_eq!(groups, [vec![0, 1], vec![2], vec![3], vec![4]]);
    }
}
