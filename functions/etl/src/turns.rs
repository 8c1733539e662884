//! Sharing one machine among files. One that has had its turn gives way where others wait: what is left of it comes again behind
//! them. A file that is read as a whole cannot do so; of those that are large, one is read at a time, so that a worker is left for
//! the others. On Lambda nobody waits: every message has a machine of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A file of at most this size that is read as a whole is no large one.
pub const SHORT_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub struct Turns {
    length: Duration,
    /// Messages that no worker has taken yet, as far as is known.
    waiting: AtomicUsize,
    /// Workers that will be free for them in a moment.
    giving_way: AtomicUsize,
    large: Arc<Semaphore>,
}

impl Turns {
    pub fn new(length: Duration) -> Self {
        Self {
            length,
            waiting: AtomicUsize::new(0),
            giving_way: AtomicUsize::new(0),
            large: Arc::new(Semaphore::new(1)),
        }
    }

    /// How long a file may be worked on before it gives way.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// So many messages wait for a worker.
    pub fn set_waiting(&self, messages: usize) {
        self.waiting.store(messages, Ordering::Relaxed);
    }

    /// Gives way if somebody waits for whom nobody else does. Hold the answer until the worker is free.
    pub fn give_way(self: &Arc<Self>) -> Option<Way> {
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.giving_way
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |giving| {
                (giving < waiting).then_some(giving + 1)
            })
            .ok()?;
        Some(Way(Arc::clone(self)))
    }

    /// Waits until no other large file is read as a whole. None where that cannot be any more.
    pub async fn large(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.large).acquire_owned().await.ok()
    }
}

/// Somebody gives way.
#[derive(Debug)]
pub struct Way(Arc<Turns>);

impl Drop for Way {
    fn drop(&mut self) {
        self.0.giving_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_give_way_than_wait() {
        let turns = Arc::new(Turns::new(Duration::ZERO));
        assert!(turns.give_way().is_none());
        turns.set_waiting(1);
        let way = turns.give_way();
        assert!(way.is_some() && turns.give_way().is_none());
        drop(way);
        assert!(turns.give_way().is_some());
    }
}
