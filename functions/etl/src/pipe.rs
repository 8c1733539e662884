//! Between the network and the parser: parts of the object go through a short queue to the thread that parses them, so that
//! reading, parsing and publishing overlap and nothing piles up.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use contracts::upload::UploadState;
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use crate::object::ReadError;

/// What the parser gets. Without an `End` the reading was broken off, and nothing may be concluded from the end of the bytes.
#[derive(Debug)]
pub enum Piece {
    Part(Vec<Bytes>),
    End,
}

/// How far a reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which of the two readings: `analysing` or `loading`.
    pub stage: UploadState,
    pub bytes: u64,
    pub rows: u64,
}

/// What the reader last said of it, beside what it said first.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Option<(Reached, Reached)>>);

impl Progress {
    pub fn analysing(&self, bytes: u64, rows: u64) {
        self.set(Reached {
            stage: UploadState::Analysing,
            bytes,
            rows,
        });
    }

    pub fn loading(&self, bytes: u64, rows: u64) {
        self.set(Reached {
            stage: UploadState::Loading,
            bytes,
            rows,
        });
    }

    fn set(&self, reached: Reached) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = said.map_or(reached, |(first, _)| first);
        *said = Some((first, reached));
    }

    pub fn get(&self) -> Option<Reached> {
        self.said().map(|(_, reached)| reached)
    }

    /// Whether the file has got any further than it was.
    pub fn has_moved(&self) -> bool {
        self.said().is_some_and(|(first, reached)| first != reached)
    }

    fn said(&self) -> Option<(Reached, Reached)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One part waits while another is parsed.
pub fn channel() -> (mpsc::Sender<Piece>, mpsc::Receiver<Piece>) {
    mpsc::channel(1)
}

/// Feeds the parser until the end, or until it has heard enough.
pub async fn feed(
    parts: impl Stream<Item = Result<Vec<Bytes>, ReadError>>,
    parser: mpsc::Sender<Piece>,
) -> Result<(), ReadError> {
    let mut parts = std::pin::pin!(parts);
    while let Some(part) = parts.next().await {
        if parser.send(Piece::Part(part?)).await.is_err() {
            return Ok(());
        }
    }
    // A parser that is gone says itself why.
    let _gone = parser.send(Piece::End).await;
    Ok(())
}
