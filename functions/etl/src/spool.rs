//! Files that are not plain text: they must be sought in, or read twice, so they are copied to the disk first. The copy has no name
//! and is gone with its handle, however the work ends. [`tabular::Source`] makes text of it, on the parser's thread.

use std::{fs::File, ops::ControlFlow, time::Instant};

use contracts::{Code, Problem, plan::FileKind};
use futures::StreamExt as _;
use tabular::FileError;
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    error::{Error, Stop},
    import::Attempt,
    object::Object,
};

/// Whether a file of this kind is read from a copy.
pub fn is_needed(kind: &FileKind) -> bool {
    *kind != FileKind::default()
}

/// Copies the whole object, and says how far it is.
pub async fn copy(attempt: &Attempt, object: &Object, tell: impl Fn(u64)) -> Result<File, Stop> {
    let (bytes, max) = (object.at().bytes, attempt.deps.spool_bytes);
    if bytes > max {
        return Err(Stop::Failed(Problem::new(
            Code::TooLarge,
            format!(
                "The file has {bytes} bytes; one that is not plain text can have at most {max}. Save it as CSV (UTF-8) and upload that."
            ),
        )));
    }
    let file = tempfile::tempfile().map_err(Error::Spool)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut parts = std::pin::pin!(object.read(0));
    let mut copied = 0;
    while let Some(part) = parts.next().await {
        for piece in part? {
            file.write_all(&piece).await.map_err(Error::Spool)?;
            copied += piece.len() as u64;
        }
        tell(copied);
    }
    file.flush().await.map_err(Error::Spool)?;
    Ok(file.into_std().await)
}

/// Says to the parser when it is to stop: nobody waits for it any more, or its time is up.
#[derive(Clone, Debug)]
pub struct Until {
    token: CancellationToken,
    closing: Instant,
}

impl Until {
    /// Once the guard is dropped, the work has nobody who waits for it.
    pub fn new(closing: Instant) -> (Self, DropGuard) {
        let token = CancellationToken::new();
        let guard = token.clone().drop_guard();
        (Self { token, closing }, guard)
    }

    pub fn flow(&self) -> ControlFlow<()> {
        if self.token.is_cancelled() || Instant::now() >= self.closing {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Such a file is read from its beginning in every invocation, so one that cannot be done within one is never done.
pub fn too_slow(attempt: &Attempt) -> Stop {
    if !attempt.had_its_time() {
        return Error::OutOfTime.into();
    }
    Stop::Failed(Problem::new(
        Code::TooLarge,
        "The file takes longer to unpack and read than one run may take. Save it as CSV (UTF-8), not compressed, which is read in as many runs as it needs, and upload that.",
    ))
}

/// What a parser's error means: the disk's are not the file's.
pub fn stop(error: FileError) -> Stop {
    match error {
        FileError::Io(error) => Error::Spool(error).into(),
        error => Stop::Failed(error.into()),
    }
}
