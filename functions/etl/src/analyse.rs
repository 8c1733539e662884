//! The first reading of a file: every row is looked at, and the plan is stored. The first one stored stands, so that a second
//! reading by newer code changes nothing. Where the time runs out, what was gathered of a plain text is saved for the next invocation.
//! [`crate::load`] reads again, by the plan.

use std::{ops::ControlFlow, sync::Arc};

use contracts::{
    Code, Problem,
    dataset::Column,
    plan::{BATCH_BYTES, BATCH_ROWS, FilePlan, ObjectRef, Plan, RECORD_BYTES_MAX},
    upload::{Confirm, Mode},
};
use futures::StreamExt as _;
use store::{At, Import, SavedAnalysis};
use tabular::{
    Analyser, Analysis, FileError, Finished, Input, Source,
    mapping::{Hints, Remembered},
    sniff::HEAD_BYTES,
    source::is_plain_text,
};
use tokio::sync::mpsc;

use crate::{
    error::{Error, Stop},
    import::Attempt,
    object::Object,
    pipe::{self, Piece, Progress},
    spool::{self, Until},
};

/// How an analysis ended.
#[derive(Debug)]
pub enum Analysed {
    /// The plan is stored; and the copy that was read, if one was needed and the plan is of it.
    Planned(Box<Plan>, Option<Source>),
    /// The time ran out; what was gathered is stored.
    GoOn,
}

/// Reads the object to its end, from where `saved` came to, and stores what was found.
pub async fn analyse(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    generation: i32,
    saved: Option<SavedAnalysis>,
) -> Result<Analysed, Stop> {
    let declared = import.upload.bytes_total;
    let at = object.at();
    if at.bytes != declared {
        return Err(Stop::Failed(wrong_size(at, declared)));
    }
    let store = &attempt.deps.store;
    store.start_analysis(attempt.upload, at.bytes).await?;
    let fixed = match import.upload.mode {
        Mode::Append | Mode::Upsert | Mode::Sync => Some(
            store
                .resolve(import.dataset_no, At::Head)
                .await?
                .shown_columns(),
        ),
        Mode::New | Mode::Replace => None,
    };
    let known = Known {
        fixed,
        hints: hints(attempt, import).await?,
    };
    let (analysis, source) = match read(attempt, import, object, known, saved.as_ref()).await? {
        Reading::Done(analysis, source) => (*analysis, source),
        Reading::BrokenOff(broken) => {
            return break_off(attempt, object, generation, broken, saved).await;
        }
        Reading::NotYet => return Ok(Analysed::GoOn),
    };
    if matches!(import.upload.mode, Mode::Replace | Mode::Sync)
        && !analysis.plan.other_tables.is_empty()
    {
        return Err(Stop::Failed(undoing(&analysis.plan)));
    }
    let plan = Plan {
        generation,
        object: at.clone(),
        mode: import.upload.mode,
        key: import.upload.key.clone(),
        file: analysis.plan,
        batch_rows: BATCH_ROWS as u32,
        batch_bytes: BATCH_BYTES as u32,
    };
    let stored = store
        .save_plan(attempt.upload, &plan, &analysis.warnings)
        .await?;
    tracing::info!(upload.id = %attempt.upload, bytes = at.bytes, rows = stored.file.rows, "a file is analysed");
    let source =
        source.filter(|source| stored.object == plan.object && *source.kind() == stored.file.kind);
    Ok(Analysed::Planned(Box::new(stored), source))
}

/// What is known beforehand of where the file's columns go.
struct Known {
    /// The columns of the dataset, where they stay.
    fixed: Option<Vec<Column>>,
    hints: Hints,
}

async fn hints(attempt: &Attempt, import: &Import) -> Result<Hints, Stop> {
    let mappings = attempt.deps.store.mappings(import.dataset_no).await?;
    let remembered = mappings.into_iter().map(|stored| Remembered {
        header: stored.header,
        columns: stored.columns,
    });
    Ok(Hints {
        remembered: remembered.collect(),
        alike: import.upload.confirm == Confirm::Ask,
        shared: import.part.is_some(),
        last: import.part.as_ref().is_some_and(|part| part.last),
    })
}

enum Reading {
    Done(Box<Analysis>, Option<Source>),
    BrokenOff(BrokenOff),
    /// Others go before.
    NotYet,
}

struct BrokenOff {
    analyser: Box<Analyser>,
    /// Bytes that it was given in this invocation.
    given: u64,
}

/// What was gathered is safe before somebody is asked to go on with it.
async fn break_off(
    attempt: &Attempt,
    object: &Object,
    generation: i32,
    broken: BrokenOff,
    former: Option<SavedAnalysis>,
) -> Result<Analysed, Stop> {
    let bytes = broken.analyser.bytes_read();
    let saved = SavedAnalysis {
        object: object.at().clone(),
        state: broken.analyser.save().map_err(|e| Stop::Failed(e.into()))?,
    };
    let stands_still = former.is_some_and(|former| former == saved);
    if stands_still && broken.given > RECORD_BYTES_MAX as u64 && attempt.had_its_time() {
        return Err(Stop::Failed(Problem::new(
            Code::UnreadableFile,
            format!(
                "The record that begins at byte {bytes} is so long that its end is not found in the time of one run. Check the quote marks there."
            ),
        )));
    }
    attempt.show_progress().await;
    let is_ours = attempt
        .deps
        .store
        .save_analysis(attempt.upload, attempt.owner(), generation, &saved)
        .await?;
    if !is_ours {
        return Err(Error::LeaseLost.into());
    }
    tracing::info!(upload.id = %attempt.upload, bytes, state_bytes = saved.state.len(), "an analysis is broken off");
    Ok(Analysed::GoOn)
}

async fn read(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    known: Known,
    saved: Option<&SavedAnalysis>,
) -> Result<Reading, Stop> {
    let options = &import.upload.options;
    let restored =
        saved.and_then(|saved| Analyser::restore(&saved.state, options, known.fixed.as_deref()));
    let mut analyser = match restored {
        Some(analyser) => analyser,
        None => {
            let head = object.head_bytes(HEAD_BYTES as u64).await?;
            if !is_plain_text(&head) {
                return read_copy(attempt, import, object, known).await;
            }
            let analyser = Analyser::new(options, known.fixed.as_deref());
            analyser
                .map_err(|e| Stop::Failed(e.into()))?
                .with_hints(known.hints)
        }
    };
    loop {
        analyser = match read_once(attempt, object, analyser).await? {
            Read::Finished(Finished::Analysis(analysis)) => {
                return Ok(Reading::Done(analysis, None));
            }
            Read::Finished(Finished::Again(again)) => *again,
            Read::BrokenOff(broken) => return Ok(Reading::BrokenOff(broken)),
        }
    }
}

enum Read {
    Finished(Finished),
    BrokenOff(BrokenOff),
}

async fn read_once(attempt: &Attempt, object: &Object, analyser: Analyser) -> Result<Read, Stop> {
    let (parts, received) = pipe::channel();
    let progress = Arc::clone(&attempt.progress);
    let (again, from) = analyser.wants();
    let bytes = object.read_range(again).chain(object.read(from));
    let parser = tokio::task::spawn_blocking(move || infer(analyser, received, &progress));
    let fed = tokio::select! {
        fed = pipe::feed(bytes, parts) => fed,
        // The feed is dropped, and the parser sees that nothing more comes.
        () = attempt.until_closing() => Ok(()),
    };
    let read = parser.await.map_err(Error::Parser)?;
    fed?;
    read.map_err(|error| Stop::Failed(error.into()))
}

/// As [`read`], for a file that is not plain text.
async fn read_copy(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    known: Known,
) -> Result<Reading, Stop> {
    if !attempt.may_read_whole(object.at().bytes).await {
        return Ok(Reading::NotYet);
    }
    let tell = |copied| attempt.progress.analysing(copied, 0);
    let file = tokio::select! {
        file = spool::copy(attempt, object, tell) => file?,
        () = tokio::time::sleep_until(attempt.closing.into()) => return Err(spool::too_slow(attempt)),
    };
    let (until, _guard) = Until::new(attempt.closing);
    let progress = Arc::clone(&attempt.progress);
    let options = import.upload.options.clone();
    let apart = options.apart(import.upload.mode);
    let bytes = object.at().bytes;
    let parser = tokio::task::spawn_blocking(move || {
        let mut source = Source::open(Input::new(file)?, &options, apart)?;
        let analyser = Analyser::of(&source, &options, known.fixed.as_deref())?;
        let mut analyser = analyser.with_hints(known.hints);
        loop {
            let mut whole = true;
            source.pour(0, &mut |piece| {
                analyser.push(piece)?;
                progress.analysing(bytes, analyser.rows_read());
                let flow = until.flow();
                whole = flow == ControlFlow::Continue(());
                Ok(flow)
            })?;
            if !whole {
                return Ok(None);
            }
            match analyser.finish()? {
                Finished::Analysis(mut analysis) => {
                    source.complete(&mut analysis.plan);
                    return Ok(Some((analysis, source)));
                }
                Finished::Again(again) => analyser = *again,
            }
        }
    });
    match parser.await.map_err(Error::Parser)? {
        Ok(Some((analysis, source))) => Ok(Reading::Done(analysis, Some(source))),
        Ok(None) => Err(spool::too_slow(attempt)),
        Err(error) => Err(spool::stop(error)),
    }
}

/// On a thread of its own.
fn infer(
    mut analyser: Analyser,
    mut parts: mpsc::Receiver<Piece>,
    progress: &Progress,
) -> Result<Read, FileError> {
    let mut given = 0;
    while let Some(piece) = parts.blocking_recv() {
        let Piece::Part(part) = piece else {
            return analyser.finish().map(Read::Finished);
        };
        for slice in part {
            analyser.push(&slice)?;
            given += slice.len() as u64;
            progress.analysing(analyser.bytes_read(), analyser.rows_read());
        }
    }
    Ok(Read::BrokenOff(BrokenOff {
        analyser: Box::new(analyser),
        given,
    }))
}

/// Of several tables that take the place of all rows, only the last would be left.
fn undoing(plan: &FilePlan) -> Problem {
    let tables = plan.other_tables.len() + 1;
    Problem::new(
        Code::Validation,
        format!(
            "The file has {tables} tables, and by this mode each would undo the one before. Name one of them (`sheet` or `member`), or append or upsert them."
        ),
    )
    .at("/options/tables")
}

fn wrong_size(at: &ObjectRef, declared: u64) -> Problem {
    Problem::new(
        Code::UnreadableFile,
        format!(
            "The file that arrived has {} bytes, but {declared} were announced. Upload it again.",
            at.bytes
        ),
    )
    .at("bytes")
}
