//! The first reading of a file: every row is looked at, and the plan is stored. The first one stored stands, so that a second
//! reading by newer code changes nothing. [`crate::load`] reads again, by the plan.

use std::{ops::ControlFlow, sync::Arc};

use contracts::{
    Code, Problem,
    dataset::Column,
    plan::{BATCH_BYTES, BATCH_ROWS, ObjectRef, Plan},
    upload::{Confirm, Mode},
};
use store::{At, Import};
use tabular::{
    Analyser, Analysis, FileError, Finished,
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

/// Reads the whole object and stores what was found.
pub async fn analyse(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    generation: i32,
) -> Result<Plan, Stop> {
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
    let analysis = read(attempt, import, object, known).await?;
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
    Ok(stored)
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
    })
}

async fn read(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    known: Known,
) -> Result<Analysis, Stop> {
    let head = object.head_bytes(HEAD_BYTES as u64).await?;
    if !is_plain_text(&head) {
        return read_copy(attempt, import, object, known).await;
    }
    let analyser = Analyser::new(&import.upload.options, known.fixed.as_deref());
    let mut analyser = analyser
        .map_err(|e| Stop::Failed(e.into()))?
        .with_hints(known.hints);
    loop {
        match read_once(attempt, object, analyser).await? {
            Finished::Analysis(analysis) => return Ok(*analysis),
            Finished::Again(again) => analyser = *again,
        }
    }
}

async fn read_once(
    attempt: &Attempt,
    object: &Object,
    analyser: Analyser,
) -> Result<Finished, Stop> {
    let (parts, received) = pipe::channel();
    let progress = Arc::clone(&attempt.progress);
    let parser = tokio::task::spawn_blocking(move || infer(analyser, received, &progress));
    let fed = tokio::select! {
        fed = pipe::feed(object.read(0), parts) => fed,
        () = tokio::time::sleep_until(attempt.closing.into()) => return Err(Error::OutOfTime.into()),
    };
    let inferred = parser.await.map_err(Error::Parser)?;
    fed?;
    match inferred {
        Ok(Some(finished)) => Ok(finished),
        Ok(None) => Err(Error::OutOfTime.into()),
        Err(error) => Err(Stop::Failed(error.into())),
    }
}

/// As [`read`], for a file that is not plain text.
async fn read_copy(
    attempt: &Attempt,
    import: &Import,
    object: &Object,
    known: Known,
) -> Result<Analysis, Stop> {
    let file = tokio::select! {
        file = spool::copy(attempt, object) => file?,
        () = tokio::time::sleep_until(attempt.closing.into()) => return Err(Error::OutOfTime.into()),
    };
    let (until, _guard) = Until::new(attempt.closing);
    let progress = Arc::clone(&attempt.progress);
    let options = import.upload.options.clone();
    let bytes = object.at().bytes;
    let parser = tokio::task::spawn_blocking(move || {
        let mut source = spool::open(file, None, &options)?;
        let analyser = Analyser::of(&source, &options, known.fixed.as_deref())?;
        let mut analyser = analyser.with_hints(known.hints);
        loop {
            let mut whole = true;
            source.pour(0, &mut |piece| {
                analyser.push(piece)?;
                progress.set(bytes, analyser.rows_read());
                let flow = until.flow();
                whole = flow == ControlFlow::Continue(());
                Ok(flow)
            })?;
            if !whole {
                return Ok(None);
            }
            match analyser.finish()? {
                Finished::Analysis(analysis) => return Ok(Some(*analysis)),
                Finished::Again(again) => analyser = *again,
            }
        }
    });
    match parser.await.map_err(Error::Parser)? {
        Ok(Some(analysis)) => Ok(analysis),
        Ok(None) => Err(Error::OutOfTime.into()),
        Err(error) => Err(spool::stop(error)),
    }
}

/// On a thread of its own. `None` when the reading was broken off.
fn infer(
    mut analyser: Analyser,
    mut parts: mpsc::Receiver<Piece>,
    progress: &Progress,
) -> Result<Option<Finished>, FileError> {
    let mut bytes = 0;
    while let Some(piece) = parts.blocking_recv() {
        let Piece::Part(part) = piece else {
            return analyser.finish().map(Some);
        };
        for slice in part {
            analyser.push(&slice)?;
            bytes += slice.len() as u64;
            progress.set(bytes, analyser.rows_read());
        }
    }
    Ok(None)
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
