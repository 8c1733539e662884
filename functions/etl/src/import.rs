//! What an import needs next, and the right to do it: one worker at a time holds the lease on the import's row, and shows
//! that it is alive. Then [`crate::analyse`] and [`crate::load`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use contracts::{
    Code, Problem, UploadId,
    events::Work,
    plan::{Checkpoint, Plan},
    upload::{Confirm, UploadState},
};
use store::{Import, Lease};
use tabular::Source;

use crate::{
    Deps, analyse, drop_folder,
    error::{Error, Stop},
    event::Arrival,
    load::{self, Loaded},
    object::Object,
    pipe::Progress,
};

/// How often progress is shown and cancellation noticed.
const PULSE: Duration = Duration::from_secs(1);
/// Kept back before the deadline to hand a load on.
const HANDOVER_MAX: Duration = Duration::from_secs(15);

/// What a message asks for.
#[derive(Clone, Debug)]
pub enum Start {
    Arrived(Arrival),
    Load {
        upload: UploadId,
        generation: i32,
        checkpoint: Checkpoint,
    },
}

impl From<Work> for Start {
    fn from(work: Work) -> Self {
        match work {
            Work::Load {
                upload,
                generation,
                checkpoint,
            } => Self::Load {
                upload,
                generation,
                checkpoint,
            },
        }
    }
}

impl Start {
    fn upload(&self) -> UploadId {
        match self {
            Self::Arrived(arrival) => arrival.upload,
            Self::Load { upload, .. } => *upload,
        }
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// What the queue knows this delivery by.
    pub receipt: Option<&'a str>,
    /// Whether the queue gives the message up after this.
    pub is_last: bool,
    pub deadline: Instant,
}

/// One worker's try at an import.
#[derive(Debug)]
pub struct Attempt {
    pub deps: Arc<Deps>,
    pub upload: UploadId,
    /// From then on no new work is begun.
    pub closing: Instant,
    pub progress: Arc<Progress>,
    owner: String,
    receipt: Option<String>,
}

/// Does what there is to do for an import. `Ok` means that this message has no more use.
pub async fn run(deps: &Arc<Deps>, start: Start, delivery: Delivery<'_>) -> Result<(), Error> {
    let upload = start.upload();
    if let Start::Arrived(arrival) = &start
        && let Some(dropped) = &arrival.dropped
        && (arrival.bucket != deps.bucket || !drop_folder::take_up(deps, arrival, dropped).await?)
    {
        return Ok(());
    }
    let Some(import) = deps.store.import(upload).await.map_err(Error::Store)? else {
        tracing::info!(upload.id = %upload, "an object belongs to no upload");
        return Ok(());
    };
    if let Start::Arrived(arrival) = &start
        && (arrival.bucket != deps.bucket || arrival.key != import.object_key)
    {
        tracing::info!(upload.id = %upload, "an object is not the upload's own");
        return Ok(());
    }
    let left = delivery.deadline.saturating_duration_since(Instant::now());
    let attempt = Attempt {
        deps: Arc::clone(deps),
        upload,
        closing: delivery.deadline - (left / 5).min(HANDOVER_MAX),
        progress: Arc::default(),
        owner: format!("{:016x}", rand::random::<u64>()),
        receipt: delivery.receipt.map(str::to_owned),
    };
    attempt.hold_message().await;
    if !attempt.acquire().await? {
        return Ok(());
    }
    let stop = tokio::select! {
        done = Box::pin(advance(&attempt, &start)) => done.err(),
        stop = attempt.stay_alive() => Some(stop),
    };
    let result = match stop {
        None | Some(Stop::Over) => Ok(()),
        Some(Stop::Failed(problem)) => {
            tracing::info!(upload.id = %upload, problem.code = ?problem.code, "an import failed");
            let failed = deps.store.fail(upload, &problem).await;
            if matches!(&start, Start::Arrived(arrival) if arrival.dropped.is_some()) {
                drop_folder::wake(deps).await;
            }
            failed.map(drop).map_err(Error::Store)
        }
        Some(Stop::Retry(error)) => {
            if delivery.is_last && !matches!(error, Error::LeaseLost) {
                give_up(deps, upload).await;
            }
            Err(error)
        }
    };
    // Who waits for it need not wait until it runs out; if this fails, they do.
    if let Err(error) = deps.store.release_lease(upload, &attempt.owner).await {
        tracing::debug!(upload.id = %upload, error = crate::error::chain(&error), "a lease was left to run out");
    }
    result
}

/// Nobody will try again by himself: the import says so rather than stay under way for ever.
async fn give_up(deps: &Deps, upload: UploadId) {
    let problem = Problem::new(
        Code::Internal,
        "The file could not be imported because of a fault on our side, though it was tried several times. Upload it again later.",
    );
    if let Err(error) = deps.store.fail(upload, &problem).await {
        tracing::error!(upload.id = %upload, error = crate::error::chain(&error), "an import was given up and could not be told so");
    }
}

/// From wherever the import stands.
async fn advance(attempt: &Attempt, start: &Start) -> Result<(), Stop> {
    let store = &attempt.deps.store;
    let Some(import) = store.import(attempt.upload).await? else {
        return Ok(());
    };
    let generation = import.upload.generation.max(1);
    let stored = store.plan(attempt.upload, Some(generation)).await?;
    let mut source = None;
    let (plan, handed) = match (start, stored) {
        // Older than the newest plan: somebody changed the options since.
        (
            Start::Load {
                generation: wanted, ..
            },
            _,
        ) if *wanted != generation => return Ok(()),
        (Start::Load { checkpoint, .. }, Some(plan)) => (plan, Some(*checkpoint)),
        (Start::Load { .. }, None) => return Ok(()),
        (Start::Arrived(_), Some(plan)) => (plan, None),
        (Start::Arrived(arrival), None) => {
            let (plan, read) = plan(attempt, &import, arrival, generation).await?;
            source = read;
            (plan, None)
        }
    };
    let state = store
        .import(attempt.upload)
        .await?
        .map(|import| import.upload.state);
    if import.confirm == Confirm::Ask && state == Some(UploadState::AwaitingConfirmation) {
        return Ok(());
    }
    let stored = store.checkpoint(attempt.upload, plan.generation).await?;
    let from = handed
        .into_iter()
        .chain(stored)
        .max_by_key(|checkpoint| checkpoint.batch);
    match load::load(attempt, &import, &plan, from, source).await? {
        Loaded::Sent => Ok(()),
        Loaded::GoOn(checkpoint) => hand_on(attempt, &plan, checkpoint).await,
    }
}

async fn plan(
    attempt: &Attempt,
    import: &Import,
    arrival: &Arrival,
    generation: i32,
) -> Result<(Plan, Option<Source>), Stop> {
    let object = Object::head(&attempt.deps.s3, &arrival.bucket, &arrival.key).await?;
    if let Some(dropped) = &arrival.dropped
        && object.at().etag.trim_matches('"') != dropped.etag
    {
        return Err(Stop::Failed(Problem::new(
            Code::Conflict,
            "Another file was dropped under the same name before this one was read. Nothing of this one was imported; the other has an import of its own.",
        )));
    }
    analyse::analyse(attempt, import, &object, generation).await
}

/// The rest is another invocation's: its message is safe before this one goes.
async fn hand_on(attempt: &Attempt, plan: &Plan, checkpoint: Checkpoint) -> Result<(), Stop> {
    let work = Work::Load {
        upload: attempt.upload,
        generation: plan.generation,
        checkpoint,
    };
    let body = serde_json::to_string(&work).map_err(Error::Json)?;
    attempt.deps.work.send(&body).await.map_err(Error::Queue)?;
    tracing::info!(upload.id = %attempt.upload, batch.no = checkpoint.batch, "a load goes on in another invocation");
    Ok(())
}

impl Attempt {
    pub fn is_closing(&self) -> bool {
        Instant::now() >= self.closing
    }

    /// Waits while somebody else holds the lease. False when there is nothing left to do.
    ///
    /// Acknowledging instead would lose the import should the holder die: its message may be this very one.
    async fn acquire(&self) -> Result<bool, Error> {
        let mut held = Instant::now();
        loop {
            let lease = self
                .deps
                .store
                .lease(self.upload, &self.owner, self.deps.visibility)
                .await;
            let expires_in = match lease.map_err(Error::Store)? {
                Lease::Acquired => return Ok(true),
                Lease::Final(_) => return Ok(false),
                Lease::Held { expires_in } => expires_in,
            };
            if self.is_closing() {
                return Err(Error::Busy);
            }
            let left = self.closing.saturating_duration_since(Instant::now());
            tokio::time::sleep(expires_in.min(PULSE).min(left) + Duration::from_millis(10)).await;
            if held.elapsed() > self.deps.visibility / 3 {
                held = Instant::now();
                self.hold_message().await;
            }
        }
    }

    /// Keeps the lease and the message, shows progress, and notices when the import is over. Returns only to stop the work.
    async fn stay_alive(&self) -> Stop {
        let store = &self.deps.store;
        let ttl = self.deps.visibility;
        let mut extended = Instant::now();
        let mut held = Instant::now();
        let mut shown = self.progress.get();
        loop {
            tokio::time::sleep(PULSE.min(ttl / 3)).await;
            match store.extend_lease(self.upload, &self.owner, ttl).await {
                Ok(true) => extended = Instant::now(),
                Ok(false) => return self.why_lost().await,
                // PostgreSQL restarts: the lease is ours until it runs out.
                Err(error) if error.is_transient() && extended.elapsed() < ttl => {}
                Err(error) => return Stop::Retry(Error::Store(error)),
            }
            let progress = self.progress.get();
            if progress != shown
                && store
                    .progress(self.upload, progress.0, progress.1)
                    .await
                    .is_ok()
            {
                shown = progress;
            }
            if held.elapsed() > ttl / 3 {
                held = Instant::now();
                self.hold_message().await;
            }
        }
    }

    async fn why_lost(&self) -> Stop {
        match self.deps.store.import(self.upload).await {
            Ok(Some(import)) if !import.upload.state.is_final() => Stop::Retry(Error::LeaseLost),
            Ok(_) => Stop::Over,
            Err(error) => Stop::Retry(Error::Store(error)),
        }
    }

    /// The queue's own timeout is as long as a function may run; a worker that dies should be noticed sooner. Should this
    /// fail, the message comes to somebody else, who finds the lease held.
    async fn hold_message(&self) {
        let Some(receipt) = &self.receipt else { return };
        let seconds = u32::try_from(self.deps.visibility.as_secs()).unwrap_or(u32::MAX);
        if let Err(error) = self.deps.work.extend(receipt, seconds).await {
            tracing::debug!(upload.id = %self.upload, error = crate::error::chain(&error), "a message could not be held");
        }
    }
}
