//! What an import needs next, and the right to do it: one worker at a time holds the lease on the import's row, and shows
//! that it is alive. Then [`crate::analyse`] and [`crate::load`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use contracts::{
    Code, Problem, UploadId,
    events::Work,
    plan::{Checkpoint, Options, Plan},
    upload::{Upload, UploadState},
};
use store::{Import, Lease, SavedAnalysis};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    Deps,
    analyse::{self, Analysed},
    drop_folder,
    error::{Error, Stop},
    event::Arrival,
    load::{self, Loaded},
    object::Object,
    pipe::Progress,
    publish,
    turns::{SHORT_BYTES, Way},
};

/// How often progress is shown and cancellation noticed.
const PULSE: Duration = Duration::from_secs(1);
/// Kept back before the deadline to hand the rest on.
const HANDOVER_MAX: Duration = Duration::from_secs(15);
/// How often a file that has had its turn, or waits for it, looks whether others wait.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Telling that an import is under way may take so long.
const TELL_WITHIN: Duration = Duration::from_secs(1);

/// What a message asks for.
#[derive(Clone, Debug)]
pub enum Start {
    Arrived(Arrival),
    /// The options have changed: this generation has no plan yet.
    Analyse {
        upload: UploadId,
        generation: i32,
    },
    Load {
        upload: UploadId,
        generation: i32,
        checkpoint: Checkpoint,
    },
}

impl From<Work> for Start {
    fn from(work: Work) -> Self {
        match work {
            Work::Analyse { upload, generation } => Self::Analyse { upload, generation },
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
            Self::Analyse { upload, .. } | Self::Load { upload, .. } => *upload,
        }
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Its id, the same at every delivery.
    pub message: &'a str,
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
    /// The one that it began with.
    generation: i32,
    /// When the work must have begun to have had its time.
    begin_by: Instant,
    standing: Mutex<Standing>,
    /// The message's id and this try's own: `<id>/<number>`.
    owner: String,
    receipt: Option<String>,
}

/// How an attempt stands among others on the same machine.
#[derive(Debug)]
struct Standing {
    began: Instant,
    /// It has had its turn, and others wait.
    gives_way: Option<Way>,
    /// It is the large file that is read as a whole.
    large: Option<OwnedSemaphorePermit>,
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
    let now = Instant::now();
    let attempt = Attempt {
        deps: Arc::clone(deps),
        upload,
        closing: delivery.deadline - (left / 5).min(HANDOVER_MAX),
        progress: Arc::default(),
        generation: import.upload.generation.max(1),
        begin_by: now + left / 4,
        standing: Mutex::new(Standing {
            began: now,
            gives_way: None,
            large: None,
        }),
        owner: format!("{}/{:016x}", delivery.message, rand::random::<u64>()),
        receipt: delivery.receipt.map(str::to_owned),
    };
    attempt.hold_message().await;
    if !attempt.acquire().await? {
        return Ok(());
    }
    attempt.standing().began = Instant::now();
    attempt.tell_under_way().await;
    let done = tokio::select! {
        done = Box::pin(advance(&attempt, &start)) => done,
        stop = attempt.stay_alive() => Err(stop),
    };
    attempt.show_progress().await;
    let result = match done {
        Ok(rest) => Ok(rest),
        Err(Stop::Over) => Ok(None),
        Err(Stop::Failed(problem)) => {
            let failed = fail(&attempt, &problem).await;
            // For the outcome of a dropped file, or the next table of its file.
            publish::try_wake(deps, "an import failed").await;
            failed.map(|()| None).map_err(Error::Store)
        }
        Err(Stop::Retry(error)) => {
            if delivery.is_last && !matches!(error, Error::LeaseLost) {
                give_up(&attempt).await;
            }
            Err(error)
        }
    };
    let released = deps.store.release_lease(upload, &attempt.owner).await;
    match (result?, released) {
        // Only now: whoever gets the message lets go of it where he finds the lease held for another one.
        (Some(rest), Ok(())) => hand_on(&attempt, &rest).await,
        (Some(_), Err(error)) => Err(Error::Store(error)),
        // Who waits for it need not wait until it runs out; if this fails, they do.
        (None, Err(error)) => {
            tracing::debug!(upload.id = %upload, error = crate::error::chain(&error), "a lease was left to run out");
            Ok(())
        }
        (None, Ok(())) => Ok(()),
    }
}

/// The file is at fault: the import fails, unless other options may mend it and somebody is there to choose them.
async fn fail(attempt: &Attempt, problem: &Problem) -> store::Result<()> {
    let (store, upload) = (&attempt.deps.store, attempt.upload);
    let Some(import) = store.import(upload).await? else {
        return Ok(());
    };
    if is_mendable(&import.upload, problem)
        && store
            .ask_to_mend(upload, attempt.generation, problem)
            .await?
    {
        tracing::info!(upload.id = %upload, problem.code = ?problem.code, "an import needs other options");
        return Ok(());
    }
    if store
        .fail_generation(upload, attempt.generation, problem)
        .await?
    {
        tracing::info!(upload.id = %upload, problem.code = ?problem.code, "an import failed");
    }
    Ok(())
}

/// Whether other options would help: those that are at fault themselves, and those by which a file cannot be read.
fn is_mendable(upload: &Upload, problem: &Problem) -> bool {
    match problem.code {
        Code::Validation | Code::TooManyColumns => true,
        Code::UnreadableFile | Code::EncryptedFile | Code::UnsupportedFormat | Code::EmptyFile => {
            upload.options != Options::default()
        }
        _ => false,
    }
}

/// Nobody will try again by himself: the import says so rather than stay under way for ever.
async fn give_up(attempt: &Attempt) {
    let (store, upload) = (&attempt.deps.store, attempt.upload);
    let problem = Problem::new(
        Code::Internal,
        "The file could not be imported because of a fault on our side, though it was tried several times. Upload it again later.",
    );
    let told = store.fail_generation(upload, attempt.generation, &problem);
    if let Err(error) = told.await {
        tracing::error!(upload.id = %upload, error = crate::error::chain(&error), "an import was given up and could not be told so");
    }
}

/// From wherever the import stands. What is left when there is no more time is for another invocation.
async fn advance(attempt: &Attempt, start: &Start) -> Result<Option<Work>, Stop> {
    let store = &attempt.deps.store;
    let Some(import) = store.import(attempt.upload).await? else {
        return Ok(None);
    };
    // All of it is loaded, or other options are needed: both are for somebody else to say.
    if import.upload.state == UploadState::AwaitingConfirmation {
        return Ok(None);
    }
    let generation = import.upload.generation.max(1);
    if matches!(start, Start::Analyse { generation: wanted, .. } | Start::Load { generation: wanted, .. } if *wanted != generation)
    {
        // Somebody changed the options since.
        return Ok(None);
    }
    let stored = store.plan(attempt.upload, Some(generation)).await?;
    let mut source = None;
    let (plan, handed) = match (start, stored) {
        (Start::Load { checkpoint, .. }, Some(plan)) => (plan, Some(*checkpoint)),
        (Start::Load { .. }, None) => return Ok(None),
        (_, Some(plan)) => (plan, None),
        (_, None) => match plan(attempt, &import, start, generation).await? {
            Analysed::Planned(plan, read) => {
                source = read;
                (*plan, None)
            }
            Analysed::GoOn => {
                let upload = attempt.upload;
                return Ok(Some(Work::Analyse { upload, generation }));
            }
        },
    };
    if handed.is_none() {
        attend_to_others(attempt, &plan).await?;
    }
    let stored = store.checkpoint(attempt.upload, plan.generation).await?;
    let from = handed
        .into_iter()
        .chain(stored)
        .max_by_key(|checkpoint| checkpoint.batch);
    let loaded = load::load(attempt, &import, &plan, from, source).await?;
    Ok(match loaded {
        Loaded::Sent => None,
        Loaded::GoOn(checkpoint) => Some(Work::Load {
            upload: attempt.upload,
            generation: plan.generation,
            checkpoint,
        }),
    })
}

/// The file's other tables have their imports by the plan. Here nobody reads them: the consumer asks for that, each in its turn.
async fn attend_to_others(attempt: &Attempt, plan: &Plan) -> Result<(), Stop> {
    if plan.generation > 1 {
        let store = &attempt.deps.store;
        store.forgo_tables(attempt.upload, plan).await?;
    }
    if !plan.file.other_tables.is_empty() {
        publish::try_wake(&attempt.deps, "a file has several tables").await;
    }
    Ok(())
}

/// The bytes that are read: another table's are those that it was found in.
async fn object(
    attempt: &Attempt,
    import: &Import,
    saved: Option<&SavedAnalysis>,
) -> Result<Object, Stop> {
    let deps = &attempt.deps;
    let found_in = match &import.part {
        Some(part) => deps.store.plan(part.found_by, None).await?,
        None => None,
    };
    Ok(match (found_in, saved) {
        (Some(plan), _) => Object::pinned(&deps.s3, &plan.object),
        (None, Some(saved)) => Object::pinned(&deps.s3, &saved.object),
        (None, None) => Object::head(&deps.s3, &deps.bucket, &import.object_key).await?,
    })
}

async fn plan(
    attempt: &Attempt,
    import: &Import,
    start: &Start,
    generation: i32,
) -> Result<Analysed, Stop> {
    let deps = &attempt.deps;
    let saved = deps
        .store
        .saved_analysis(attempt.upload, generation)
        .await?;
    let goes_on = saved
        .as_ref()
        .filter(|_| matches!(start, Start::Analyse { .. }));
    let object = object(attempt, import, goes_on).await?;
    if let Some(etag) = &import.dropped_etag
        && object.at().etag.trim_matches('"') != etag
    {
        return Err(Stop::Failed(Problem::new(
            Code::Conflict,
            "Another file was dropped under the same name before this one was read. Nothing of this one was imported; the other has an import of its own.",
        )));
    }
    let saved = saved.filter(|saved| saved.object == *object.at());
    analyse::analyse(attempt, import, &object, generation, saved).await
}

/// The rest is another invocation's: its message is safe before this one goes.
async fn hand_on(attempt: &Attempt, work: &Work) -> Result<(), Error> {
    let body = serde_json::to_string(work)?;
    attempt.deps.work.send(&body).await?;
    tracing::info!(upload.id = %attempt.upload, work = body, "an import goes on in another invocation");
    Ok(())
}

impl Attempt {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_closing(&self) -> bool {
        Instant::now() >= self.closing || self.standing().gives_way.is_some()
    }

    /// Whether the work had nearly all of an invocation: it neither gave way nor waited for the lease or its turn instead.
    pub fn had_its_time(&self) -> bool {
        let standing = self.standing();
        standing.began <= self.begin_by && standing.gives_way.is_none()
    }

    /// Returns when no new work is to be begun: the time is up, or others wait and this file has had its turn.
    pub async fn until_closing(&self) {
        let turn = async {
            let turns = &self.deps.turns;
            let over = self.standing().began + turns.length();
            tokio::time::sleep_until(over.into()).await;
            loop {
                // One that got no further would only go round and round.
                if self.is_closing() || (self.progress.has_moved() && self.gives_way()) {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(self.closing.into()) => {}
            () = turn => {}
        }
    }

    fn gives_way(&self) -> bool {
        let way = self.deps.turns.give_way();
        let gives = way.is_some();
        if gives {
            self.standing().gives_way = way;
            tracing::info!(upload.id = %self.upload, "a file gives way to others");
        }
        gives
    }

    /// Waits for its turn to read a file of this size as a whole. False where it is to come again: others wait meanwhile, or there
    /// would be too little time left.
    pub async fn may_read_whole(&self, bytes: u64) -> bool {
        if bytes <= SHORT_BYTES || self.standing().large.is_some() {
            return true;
        }
        let mut large = std::pin::pin!(self.deps.turns.large());
        let mut has_waited = false;
        loop {
            tokio::select! {
                biased;
                permit = &mut large => {
                    let mut standing = self.standing();
                    standing.large = permit;
                    if has_waited {
                        standing.began = Instant::now();
                    }
                    return !has_waited || standing.began <= self.begin_by;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    has_waited = true;
                    if Instant::now() > self.begin_by || self.gives_way() {
                        return false;
                    }
                }
            }
        }
    }

    /// What the lease is held by.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Should the import get stuck, whoever has a schedule looks for it; on the host they look anyway.
    async fn tell_under_way(&self) {
        let told = platform::nats::tell_under_way(&self.deps.jetstream);
        match tokio::time::timeout(TELL_WITHIN, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(upload.id = %self.upload, error = crate::error::chain(&error), "nobody was told that an import is under way");
            }
            Err(_) => {
                tracing::warn!(upload.id = %self.upload, "nobody was told in time that an import is under way");
            }
        }
    }

    /// Waits while somebody else holds the lease. False when there is nothing left to do here: the holder has another message, which
    /// comes again should he die.
    ///
    /// Acknowledging his own instead would lose the import: it may be this very one.
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
                Lease::Held { owner, expires_in } => {
                    if is_of_another_message(&owner, &self.owner) {
                        return Ok(false);
                    }
                    expires_in
                }
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
            let reached = self.progress.get();
            if reached != shown && self.show_progress().await {
                shown = reached;
            }
            if held.elapsed() > ttl / 3 {
                held = Instant::now();
                self.hold_message().await;
            }
        }
    }

    /// Whether it could be shown. Nothing hangs on it.
    pub async fn show_progress(&self) -> bool {
        let Some(at) = self.progress.get() else {
            return true;
        };
        let shown = self
            .deps
            .store
            .progress(self.upload, &self.owner, at.stage, at.bytes, at.rows)
            .await;
        shown.is_ok()
    }

    async fn why_lost(&self) -> Stop {
        match self.deps.store.import(self.upload).await {
            // A newer generation has a message of its own.
            Ok(Some(import)) if import.upload.generation > self.generation => Stop::Over,
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

/// Whether the lease is held for another message than ours.
fn is_of_another_message(holder: &str, ours: &str) -> bool {
    let message = |owner: &str| owner.split_once('/').map(|(id, _)| id.to_owned());
    match (message(holder), message(ours)) {
        (Some(holder), Some(ours)) => !holder.is_empty() && !ours.is_empty() && holder != ours,
        _ => false,
    }
}
