//! One sitting at the stream, and the host's endless one: two writers side by side ([`crate::writer`]), one
//! who keeps widgets at the head ([`crate::views`]), and somebody who attends to what no message announces.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use platform::nats::WAKE_SUBJECT;

use crate::{
    Deps,
    error::{self, Error},
    housekeeping::{housekeep, is_look_due},
    outcomes::tell_outcomes,
    relay::relay,
    rescue::is_any_under_way,
    tables::ask_for_tables,
    views, writer,
};

/// Side by side they keep PostgreSQL busy while one of them fetches, decodes or waits for a commit.
const WRITERS: usize = 2;
/// A drain that finds nothing for so long is done.
const LINGER: Duration = Duration::from_millis(250);
/// A long poll of the host's loop. After a lost connection it is over five seconds later than this.
const LONG_POLL: Duration = Duration::from_secs(2);
/// Kept back before the deadline for the group that is being written.
const CLOSING_MAX: Duration = Duration::from_secs(10);
/// What one import's merge may take at a time, so that the others are attended to as well.
const MERGE_SLICE: Duration = Duration::from_secs(10);
/// How often the host looks after what no message announces.
const ATTEND_EVERY: Duration = Duration::from_secs(2);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// What a drain did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Batches and end-of-load messages that are in, those that were in before included.
    pub messages: u64,
    /// Rows that this drain wrote.
    pub rows: u64,
    /// Messages of imports that are over, or of older generations: dropped.
    pub refused: u64,
    /// Messages that went to `DEAD`.
    pub dead: u64,
    /// Versions that this drain published.
    pub published: u64,
    /// Events that it relayed.
    pub relayed: u64,
    /// Widgets that it brought to a new version.
    pub refreshed: u64,
    /// Merges that took a step and are not done.
    pub unfinished: u64,
    /// Whether it stopped at its deadline with more to do, and woke the next.
    pub more: bool,
}

impl std::ops::AddAssign for DrainReport {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.rows += other.rows;
        self.refused += other.refused;
        self.dead += other.dead;
        self.published += other.published;
        self.relayed += other.relayed;
        self.refreshed += other.refreshed;
        self.unfinished += other.unfinished;
        self.more |= other.more;
    }
}

/// When to stop fetching.
#[derive(Debug)]
pub(crate) struct Sitting {
    closing: Option<Instant>,
    /// When the process may be gone.
    deadline: Option<Instant>,
    stopped: AtomicBool,
    /// How long one fetch waits for a first message.
    linger: Duration,
    /// Whether finding nothing ends it.
    ends_when_empty: bool,
}

impl Sitting {
    fn until(deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        Self {
            closing: Some(deadline - (left / 5).min(CLOSING_MAX)),
            deadline: Some(deadline),
            stopped: AtomicBool::new(false),
            linger: LINGER,
            ends_when_empty: true,
        }
    }

    fn endless() -> Self {
        Self {
            closing: None,
            deadline: None,
            stopped: AtomicBool::new(false),
            linger: LONG_POLL,
            ends_when_empty: false,
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.closing.is_some_and(|at| Instant::now() >= at)
    }

    /// How long a merge may be worked on before others are.
    pub(crate) fn slice(&self) -> store::Sitting {
        let until = Instant::now() + MERGE_SLICE;
        store::Sitting {
            until: self.closing.map_or(until, |closing| closing.min(until)),
            end: self.deadline,
        }
    }

    pub(crate) fn linger(&self) -> Duration {
        let left = self
            .closing
            .map(|at| at.saturating_duration_since(Instant::now()));
        self.linger
            .min(left.unwrap_or(Duration::MAX))
            .max(Duration::from_millis(1))
    }

    pub(crate) fn ends_when_empty(&self) -> bool {
        self.ends_when_empty
    }
}

/// Writes what waits in the stream, publishes what is complete, relays what is owed, brings widgets to it. Returns when nothing is left or the
/// deadline is near; safe to run many at once.
///
/// # Errors
/// When a server fails it. Nothing is lost then: drain again.
pub async fn drain(deps: &Deps, deadline: Instant) -> Result<DrainReport, Error> {
    let sitting = Arc::new(Sitting::until(deadline));
    let mut report = attend(deps, &sitting).await?;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (deps, sitting) = (deps.clone(), Arc::clone(&sitting));
            tokio::spawn(async move { writer::run(&deps, &sitting).await })
        })
        .collect();
    let mut failed = None;
    // Both are waited for: one that fails must not leave the other behind in a Lambda that freezes.
    for writer in writers {
        match writer.await.map_err(Error::Writer)? {
            Ok(written) => report += written,
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let mut unfinished = report.unfinished > 0;
    while unfinished && !sitting.is_closing() {
        let attended = attend(deps, &sitting).await?;
        unfinished = attended.unfinished > 0;
        report += attended;
    }
    report.relayed += relay(deps).await?;
    tell_outcomes(deps).await?;
    report += views::run(deps, &sitting).await?;
    if unfinished || sitting.is_closing() && has_work(deps).await? {
        report.more = true;
        deps.wake.send_wake("a drain came to its deadline").await?;
    }
    // The acks must have left before a Lambda freezes.
    deps.nats.flush().await?;
    Ok(report)
}

/// Whether messages wait or are out.
///
/// # Errors
/// When NATS does not answer.
pub async fn has_work(deps: &Deps) -> Result<bool, Error> {
    for consumer in [writer::consumer(deps).await?, views::consumer(deps).await?] {
        let info = consumer
            .get_info()
            .await
            .map_err(|e| Error::Consumer(e.into()))?;
        if info.num_pending > 0 || info.num_ack_pending > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a schedule is to drain: there is work, or imports are under way and nobody has looked for a while whether one got stuck.
/// Asks only NATS, so that it does not wake a sleeping PostgreSQL for nothing.
///
/// # Errors
/// When NATS does not answer.
pub async fn is_due(deps: &Deps) -> Result<bool, Error> {
    Ok(has_work(deps).await? || (is_any_under_way(deps).await? && is_look_due(deps)))
}

/// Sits at the stream until `shutdown`, then finishes what it holds.
pub async fn run_loop(deps: Arc<Deps>, shutdown: impl Future<Output = ()> + Send) {
    let sitting = Arc::new(Sitting::endless());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (deps, sitting) = (Arc::clone(&deps), Arc::clone(&sitting));
        tasks.spawn(async move { go_on(&sitting, || writer::run(&deps, &sitting)).await });
    }
    let (refresher, refreshing) = (Arc::clone(&deps), Arc::clone(&sitting));
    tasks.spawn(async move {
        go_on(&refreshing, || views::run(&refresher, &refreshing)).await;
    });
    let (attendant, attending_until) = (Arc::clone(&deps), Arc::clone(&sitting));
    let attending = async {
        let mut failures = 0;
        loop {
            if let Err(error) = keep_attending(&attendant, &attending_until, &mut failures).await {
                pause(&mut failures, &error).await;
            }
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = attending => {}
    }
    sitting.stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = error::chain(&error), "a task of the drain stopped");
        }
    }
    if let Err(error) = deps.nats.flush().await {
        tracing::debug!(error = error::chain(&error), "the last acks may come again");
    }
}

/// Begins again after a failure, until the sitting is over.
async fn go_on<F>(sitting: &Sitting, run: impl Fn() -> F)
where
    F: Future<Output = Result<DrainReport, Error>>,
{
    let mut failures = 0;
    while !sitting.is_closing() {
        if let Err(error) = run().await {
            pause(&mut failures, &error).await;
        } else {
            failures = 0;
        }
    }
}

async fn keep_attending(deps: &Deps, sitting: &Sitting, failures: &mut u32) -> Result<(), Error> {
    let mut woken = deps
        .nats
        .subscribe(WAKE_SUBJECT)
        .await
        .map_err(|e| Error::Fetch(e.into()))?;
    loop {
        let unfinished = attend(deps, sitting).await?.unfinished > 0;
        relay(deps).await?;
        tell_outcomes(deps).await?;
        *failures = 0;
        if unfinished {
            continue;
        }
        let _either = tokio::time::timeout(ATTEND_EVERY, woken.next()).await;
        // A load wakes more than once; one look serves all.
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, woken.next()).await {}
    }
}

/// What no message announces: imports that were confirmed or whose last ack was lost after everything was written, the further tables
/// of files, merges that are worked out step by step, each a slice of the time, and the housekeeping.
async fn attend(deps: &Deps, sitting: &Sitting) -> Result<DrainReport, Error> {
    let mut report = DrainReport::default();
    for upload in deps.store.complete_imports().await? {
        // One that cannot be published now must not keep the others waiting.
        if let Err(error) = writer::publish(deps, upload, sitting, &mut report).await {
            tracing::warn!(upload.id = %upload, error = error::chain(&error), "an import that is complete could not be published");
        }
    }
    ask_for_tables(deps).await?;
    housekeep(deps).await?;
    Ok(report)
}

async fn pause(failures: &mut u32, error: &Error) {
    *failures += 1;
    tracing::warn!(
        error = error::chain(error),
        failures = *failures,
        "a drain failed and begins again"
    );
    let wait = RETRY_FIRST
        .saturating_mul(1 << (*failures - 1).min(8))
        .min(RETRY_LONGEST);
    tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..=1.0))).await;
}
