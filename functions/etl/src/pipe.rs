//! Between the network and the parser: parts of the object go through a short queue to the thread that parses them, so that
//! reading, parsing and publishing overlap and nothing piles up.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use crate::object::ReadError;

/// What the parser gets. Without an `End` the reading was broken off, and nothing may be concluded from the end of the bytes.
#[derive(Debug)]
pub enum Piece {
    Part(Vec<Bytes>),
    End,
}

/// How far the parser has come.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    pub fn set(&self, bytes: u64, rows: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.rows.store(rows, Ordering::Relaxed);
    }

    pub fn get(&self) -> (u64, u64) {
        (
            self.bytes.load(Ordering::Relaxed),
            self.rows.load(Ordering::Relaxed),
        )
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
