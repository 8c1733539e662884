//! Row-id lists: the order of a sorted or filtered view, computed once per (dataset, version, sort, filter) and kept while there
//! is room. With it any position of the view is a lookup by row id, so the scrollbar never walks over what it skips; the view's
//! total is its length. A version never changes, so a list is never stale, only forgotten. One per process: a second process
//! computes its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::Result;

/// Bytes of lists kept: some 24 million rows in all while ids fit four bytes.
const BYTES_KEPT: usize = 96 * 1024 * 1024;
/// What an entry costs besides its ids.
const ENTRY_BYTES: usize = 512;

/// A view's row ids in its order, in four bytes each where they fit.
#[derive(Debug)]
pub(crate) enum Order {
    Narrow(Vec<u32>),
    Wide(Vec<i64>),
}

impl Order {
    /// From the ids as the server sends them: eight bytes each, most significant first.
    pub(crate) fn from_wire(bytes: &[u8]) -> Self {
        let ids = bytes.chunks_exact(8).map(|chunk| {
            chunk
                .iter()
                .fold(0_i64, |id, byte| id << 8 | i64::from(*byte))
        });
        match ids.clone().map(u32::try_from).collect() {
            Ok(narrow) => Self::Narrow(narrow),
            Err(_) => Self::Wide(ids.collect()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(ids) => ids.len(),
            Self::Wide(ids) => ids.len(),
        }
    }

    /// At most `count` ids from a position on.
    pub(crate) fn slice(&self, position: u64, count: usize) -> Vec<i64> {
        let from = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(self.len());
        let to = from.saturating_add(count).min(self.len());
        match self {
            Self::Narrow(ids) => ids[from..to].iter().map(|id| i64::from(*id)).collect(),
            Self::Wide(ids) => ids[from..to].to_vec(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Narrow(ids) => ids.len() * 4,
            Self::Wide(ids) => ids.len() * 8,
        }
    }
}

#[derive(Debug, Default)]
struct Entry {
    order: Arc<OnceCell<Arc<Order>>>,
    used: u64,
}

/// The lists kept. The least lately used go first.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    entries: Mutex<(HashMap<String, Entry>, u64)>,
    totals: Mutex<HashMap<String, i64>>,
}

impl Orders {
    /// The list, computed by one caller while others that want the same wait.
    pub(crate) async fn get<F>(&self, key: &str, compute: F) -> Result<Arc<Order>>
    where
        F: Future<Output = Result<Order>>,
    {
        let cell = {
            let mut guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let (entries, clock) = &mut *guard;
            *clock += 1;
            let entry = entries.entry(key.to_owned()).or_default();
            entry.used = *clock;
            Arc::clone(&entry.order)
        };
        let order = Arc::clone(
            cell.get_or_try_init(|| async { compute.await.map(Arc::new) })
                .await?,
        );
        self.make_room(key);
        Ok(order)
    }

    /// The list if it is there.
    pub(crate) fn peek(&self, key: &str) -> Option<Arc<Order>> {
        let guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        guard.0.get(key)?.order.get().cloned()
    }

    pub(crate) fn total(&self, key: &str) -> Option<i64> {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.get(key).copied()
    }

    pub(crate) fn keep_total(&self, key: String, total: i64) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if totals.len() >= 4_096 {
            totals.clear();
        }
        totals.insert(key, total);
    }

    /// Forgets the oldest until the rest fits. The one just asked for goes last, and goes too if it alone is too large: its
    /// caller holds it.
    fn make_room(&self, asked: &str) {
        let mut guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = &mut guard.0;
        let size = |key: &str, entry: &Entry| {
            ENTRY_BYTES + key.len() + entry.order.get().map_or(0, |order| order.bytes())
        };
        let mut bytes: usize = entries.iter().map(|(key, entry)| size(key, entry)).sum();
        while bytes > BYTES_KEPT {
            let oldest = entries
                .iter()
                .filter(|(_, entry)| entry.order.initialized())
                .min_by_key(|(key, entry)| (key.as_str() == asked, entry.used))
                .map(|(key, entry)| (key.clone(), size(key, entry)));
            let Some((key, freed)) = oldest else { return };
            entries.remove(&key);
            bytes -= freed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(ids: impl Iterator<Item = i64>) -> Vec<u8> {
        ids.flat_map(i64::to_be_bytes).collect()
    }

    #[test]
    fn a_list_gives_any_part_of_itself_and_nothing_beyond() {
        for ids in [vec![3, 1, 2], vec![3, i64::MAX, 2]] {
            let order = Order::from_wire(&wire(ids.iter().copied()));
            assert_eq!(order.slice(0, 9), ids);
            assert_eq!(order.slice(1, 1), ids[1..2]);
            assert_eq!(order.slice(3, 1), Vec::<i64>::new());
            assert_eq!(order.slice(u64::MAX, usize::MAX), Vec::<i64>::new());
        }
    }

    #[tokio::test]
    async fn the_least_lately_used_list_is_forgotten_when_there_is_no_room() {
        let orders = Orders::default();
        let half = BYTES_KEPT / 2 / 4;
        let list = || async move { Ok(Order::Narrow(vec![0; half - 1_000])) };
        for key in ["a", "b", "a", "c"] {
            orders.get(key, list()).await.unwrap();
        }
        assert!(orders.peek("a").is_some());
        assert!(orders.peek("b").is_none());
        assert!(orders.peek("c").is_some());
    }
}
