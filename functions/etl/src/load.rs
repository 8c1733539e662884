//! The second reading of a file: its rows, typed by the plan, go out in batches. What is acknowledged without a gap is a
//! checkpoint, from which another worker, or another invocation, goes on. [`crate::publish`] sends.

use std::{collections::BTreeMap, fs::File, ops::ControlFlow, time::Duration};

use contracts::{
    events::EndOfLoad,
    plan::{Checkpoint, FilePlan, Plan},
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use store::Import;
use tabular::{FileError, Input, Loader, Source};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    error::{Error, Stop},
    import::Attempt,
    object::Object,
    pipe::{self, Piece},
    publish::{Outgoing, PublishError, Publisher},
    spool::{self, Until},
};

/// Published but not acknowledged. The stream's own share per upload is 32 MiB; more than this in flight gains nothing.
const FLIGHT_BYTES: usize = 8 * 1024 * 1024;
/// Encoded batches that wait for their turn.
const BATCHES_AHEAD: usize = 4;
/// How often the checkpoint is stored; what comes after it is sent twice when a worker dies, and counts once.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// Batches in flight at the deadline are waited for this long.
const SETTLE: Duration = Duration::from_secs(3);

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Every batch and the end-of-load message are in the stream.
    Sent,
    /// The time or the room ran out.
    GoOn(Checkpoint),
}

/// What the parser hands over.
enum Parsed {
    Batch { batch: Outgoing, after: Checkpoint },
    End(EndOfLoad),
}

/// Reads the object again, from the checkpoint on, and publishes its rows. `source` is the copy that the analysis read.
pub async fn load(
    attempt: &Attempt,
    import: &Import,
    plan: &Plan,
    from: Option<Checkpoint>,
    source: Option<Source>,
) -> Result<Loaded, Stop> {
    let deps = &attempt.deps;
    let open = deps
        .store
        .open_load(attempt.upload, plan.generation)
        .await?;
    let from = from.unwrap_or_default();
    let is_whole = spool::is_needed(&plan.file.kind);
    if is_whole && !attempt.may_read_whole(plan.object.bytes).await {
        return Ok(Loaded::GoOn(from));
    }
    let publisher = Publisher::new(
        deps,
        import.upload.dataset_id,
        attempt.upload,
        plan.generation,
    );
    let loader = Loader::new(
        &plan.file,
        plan.batch_rows as usize,
        plan.batch_bytes as usize,
        from,
    );
    let loader = loader.and_then(|loader| loader.with_rules(&plan.file, &open.rules));
    let loader = loader.map_err(|e| Stop::Failed(e.into()))?;
    let (parsed, batches) = mpsc::channel(BATCHES_AHEAD);
    let object = Object::pinned(&deps.s3, &plan.object);
    let sending = Sending::new(attempt, plan, &publisher, from);
    let sent = if is_whole {
        let copy = match source {
            Some(source) => Copied::Open(source),
            None => {
                let copying = spool::copy(attempt, &object, |_| ());
                match tokio::time::timeout_at(attempt.closing.into(), copying).await {
                    Ok(file) => Copied::Closed(file?, Box::new(plan.file.clone())),
                    Err(_) => return Err(spool::too_slow(attempt)),
                }
            }
        };
        let (until, _guard) = Until::new(attempt.closing);
        let parser = tokio::task::spawn_blocking(move || {
            parse_copy(copy, loader, from.byte, &until, &parsed)
        });
        let sent = sending.run(batches).await?;
        parser.await.map_err(Error::Parser)?.map_err(spool::stop)?;
        if matches!(sent, Sent::UpTo { is_any: false, .. }) {
            // All its time went into what was loaded before.
            return Err(spool::too_slow(attempt));
        }
        sent
    } else {
        let (parts, received) = pipe::channel();
        let parser = tokio::task::spawn_blocking(move || parse(loader, received, &parsed));
        let read = async {
            pipe::feed(object.read(from.byte), parts)
                .await
                .map_err(Stop::from)
        };
        let ((), sent) = tokio::try_join!(read, sending.run(batches))?;
        parser
            .await
            .map_err(Error::Parser)?
            .map_err(|e| Stop::Failed(e.into()))?;
        sent
    };
    let (end, upto) = match sent {
        Sent::All(end, upto) => (end, upto),
        Sent::UpTo { checkpoint, .. } => return Ok(Loaded::GoOn(checkpoint)),
    };
    // It too may find no room. Going on from behind the last batch sends only this.
    match tokio::time::timeout_at(attempt.closing.into(), publisher.end(end)).await {
        Ok(Ok(())) => {}
        Ok(Err(PublishError::Full)) | Err(_) => return Ok(Loaded::GoOn(upto)),
        Ok(Err(error)) => return Err(error.into()),
    }
    tracing::info!(upload.id = %attempt.upload, batches = end.batches, rows = end.rows, "a load is sent");
    Ok(Loaded::Sent)
}

/// On a thread of its own. Stops without a word when nobody listens any more.
fn parse(
    mut loader: Loader,
    mut parts: mpsc::Receiver<Piece>,
    out: &mpsc::Sender<Parsed>,
) -> Result<(), FileError> {
    while let Some(piece) = parts.blocking_recv() {
        let Piece::Part(part) = piece else {
            loader.finish();
            if hand_over(&mut loader, out)? {
                let _gone = out.blocking_send(Parsed::End(loader.end()));
            }
            return Ok(());
        };
        for slice in part {
            loader.push(&slice);
            if !hand_over(&mut loader, out)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A copy of the file that is no plain text: as the analysis left it, or to be opened.
enum Copied {
    Open(Source),
    Closed(File, Box<FilePlan>),
}

/// As [`parse`], of a copy: what lies before the checkpoint is read once more and left out.
fn parse_copy(
    copy: Copied,
    mut loader: Loader,
    from: u64,
    until: &Until,
    out: &mpsc::Sender<Parsed>,
) -> Result<(), FileError> {
    let mut source = match copy {
        Copied::Open(source) => source,
        Copied::Closed(file, plan) => Source::of_plan(Input::new(file)?, &plan)?,
    };
    let mut whole = true;
    source.pour(from, &mut |piece| {
        loader.push(piece);
        whole = hand_over(&mut loader, out)? && until.flow() == ControlFlow::Continue(());
        Ok(if whole {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    if whole {
        loader.finish();
        if hand_over(&mut loader, out)? {
            let _gone = out.blocking_send(Parsed::End(loader.end()));
        }
    }
    Ok(())
}

/// Hands over the batches that are ready; false when nobody takes them.
fn hand_over(loader: &mut Loader, out: &mpsc::Sender<Parsed>) -> Result<bool, FileError> {
    while let Some(batch) = loader.next_batch()? {
        let after = batch.after;
        let batch = Outgoing {
            no: batch.no,
            meta: batch.meta,
            payload: tabular::batch::encode(&batch)?.into(),
        };
        if out.blocking_send(Parsed::Batch { batch, after }).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

enum Sent {
    /// All, and where that is.
    All(EndOfLoad, Checkpoint),
    UpTo {
        checkpoint: Checkpoint,
        /// Whether there was a batch to send at all.
        is_any: bool,
    },
}

/// Publishes batches side by side and keeps the books on which are in.
struct Sending<'a> {
    attempt: &'a Attempt,
    generation: i32,
    publisher: &'a Publisher<'a>,
    settled: Settled,
    flight_bytes: usize,
    is_any: bool,
    is_whole: bool,
    /// What the load is reckoned against: the file's bytes and the plan's rows.
    bytes: u64,
    rows: u64,
}

impl<'a> Sending<'a> {
    fn new(
        attempt: &'a Attempt,
        plan: &Plan,
        publisher: &'a Publisher<'a>,
        from: Checkpoint,
    ) -> Self {
        Self {
            attempt,
            generation: plan.generation,
            publisher,
            settled: Settled::new(from),
            flight_bytes: 0,
            is_any: false,
            is_whole: spool::is_needed(&plan.file.kind),
            bytes: plan.object.bytes,
            rows: plan.file.rows,
        }
    }

    async fn run(mut self, mut batches: mpsc::Receiver<Parsed>) -> Result<Sent, Stop> {
        let publisher = self.publisher;
        let mut flight = FuturesUnordered::new();
        let mut pulse =
            tokio::time::interval_at(Instant::now() + CHECKPOINT_EVERY, CHECKPOINT_EVERY);
        let mut end = None;
        let mut first = true;
        while end.is_none() || !flight.is_empty() {
            tokio::select! {
                Some(sent) = flight.next() => {
                    let (after, bytes, outcome): (Checkpoint, usize, Result<(), PublishError>) = sent;
                    match outcome {
                        Ok(()) => {}
                        Err(PublishError::Full) => return self.give_up().await,
                        Err(error) => return Err(error.into()),
                    }
                    self.flight_bytes -= bytes;
                    self.settled.add(after);
                    // On AWS nobody drains until woken.
                    if std::mem::take(&mut first) {
                        publisher.wake("a load has begun").await?;
                    }
                }
                parsed = batches.recv(), if end.is_none() && self.flight_bytes < FLIGHT_BYTES => match parsed {
                    Some(Parsed::Batch { batch, after }) => {
                        self.is_any = true;
                        let bytes = batch.payload.len();
                        self.flight_bytes += bytes;
                        flight.push(async move { (after, bytes, publisher.batch(batch).await) });
                    }
                    Some(Parsed::End(totals)) => end = Some(totals),
                    // The parser has stopped, and says itself why.
                    None => return self.give_up().await,
                },
                _ = pulse.tick() => self.save().await?,
                () = self.until_closing() => {
                    let settle = async {
                        while let Some((after, _, Ok(()))) = flight.next().await {
                            self.settled.add(after);
                        }
                    };
                    // What is not acknowledged by then is sent again by the next.
                    let _elapsed = tokio::time::timeout(SETTLE, settle).await;
                    return self.give_up().await;
                }
            }
        }
        self.save().await?;
        let upto = self.settled.upto;
        let is_any = self.is_any;
        let checkpoint = upto;
        Ok(end.map_or(Sent::UpTo { checkpoint, is_any }, |end| {
            Sent::All(end, upto)
        }))
    }

    /// A file that is read as a whole has no turns: all of it would be read again for the rest.
    async fn until_closing(&self) {
        if self.is_whole {
            tokio::time::sleep_until(self.attempt.closing.into()).await;
        } else {
            self.attempt.until_closing().await;
        }
    }

    async fn give_up(self) -> Result<Sent, Stop> {
        self.save().await?;
        Ok(Sent::UpTo {
            checkpoint: self.settled.upto,
            is_any: self.is_any,
        })
    }

    async fn save(&self) -> Result<(), Stop> {
        // By rows, for a checkpoint's byte is the unpacked text's.
        let done = self.settled.upto.rows as f64 / self.rows.max(1) as f64;
        let bytes = (self.bytes as f64 * done.min(1.0)) as u64;
        self.attempt.progress.loading(bytes, self.settled.upto.rows);
        let store = &self.attempt.deps.store;
        match store
            .save_checkpoint(self.attempt.upload, self.generation, &self.settled.upto)
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Over),
            // Only the way back grows longer.
            Err(error) if error.is_transient() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Acks come in any order; the checkpoint is the end of the last batch before the first gap.
struct Settled {
    upto: Checkpoint,
    beyond: BTreeMap<u32, Checkpoint>,
}

impl Settled {
    fn new(from: Checkpoint) -> Self {
        Self {
            upto: from,
            beyond: BTreeMap::new(),
        }
    }

    fn add(&mut self, after: Checkpoint) {
        self.beyond.insert(after.batch, after);
        while let Some(next) = self.beyond.remove(&(self.upto.batch + 1)) {
            self.upto = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_never_jumps_over_a_batch_that_is_not_acknowledged() {
        let after = |batch| Checkpoint {
            batch,
            byte: u64::from(batch) * 10,
            ..Checkpoint::default()
        };
        let mut settled = Settled::new(after(3));
        settled.add(after(6));
        settled.add(after(5));
        assert_eq!(settled.upto, after(3));
        settled.add(after(4));
        assert_eq!(settled.upto, after(6));
        settled.add(after(8));
        assert_eq!(settled.upto, after(6));
    }
}
