//! Answers that never change, kept in Redis (promise 7). A key names a version of a dataset and everything else that the bytes
//! depend on, so there is nothing to invalidate. Redis may be away, slow or full: then the answer is made as if it had never been
//! there, and for a moment nobody asks it again, so that a paused one does not cost every request its timeout.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use redis::{AsyncCommands as _, aio::ConnectionManager};
use secrecy::SecretString;
use tokio::{sync::OnceCell, time::timeout};

/// A cache slower than this is worse than none.
const ANSWER: Duration = Duration::from_millis(100);
/// How long Redis is left alone after it failed.
const REST: Duration = Duration::from_secs(1);
/// Larger answers are made again: they would push out thousands of small ones.
const ENTRY_BYTES_MAX: usize = 1024 * 1024;
/// How long an answer is kept that nobody asks for.
const KEEP_SECONDS: u64 = 24 * 60 * 60;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Hit,
    Miss,
    /// Redis is not used, or not to be had.
    Bypass,
}

impl Found {
    /// For the `X-Cache` header.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

pub use redis::RedisError as UrlError;

type Flights = Mutex<HashMap<String, Arc<OnceCell<Bytes>>>>;

/// Clients of the cache share one, by reference.
pub struct Cache {
    redis: Option<ConnectionManager>,
    started: Instant,
    /// Milliseconds after `started` until which Redis is left alone.
    rests_until: AtomicU64,
    /// Answers being made: who asks for the same meanwhile waits for it.
    flights: Flights,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("redis", &self.redis.is_some())
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// Without a URL nothing is kept.
    ///
    /// # Errors
    /// When the URL is no Redis URL; an unreachable server is none.
    pub fn connect(url: Option<&SecretString>) -> Result<Self, UrlError> {
        Ok(Self {
            redis: url.map(crate::redis::connect).transpose()?,
            started: Instant::now(),
            rests_until: AtomicU64::new(0),
            flights: Mutex::default(),
        })
    }

    /// The answer of this key, or the one that `make` makes, which is then kept. Of many who ask at once one makes it.
    ///
    /// # Errors
    /// Those of `make`; never one of Redis.
    pub async fn get_or<E>(
        &self,
        key: &str,
        make: impl Future<Output = Result<Vec<u8>, E>>,
    ) -> Result<(Bytes, Found), E> {
        let found = match self.read(key).await {
            Ok(Some(bytes)) => return Ok((bytes, Found::Hit)),
            Ok(None) => Found::Miss,
            Err(Away) => Found::Bypass,
        };
        let flight = Flight::board(&self.flights, key);
        let bytes = flight
            .answer
            .get_or_try_init(|| async {
                let bytes = Bytes::from(make.await?);
                if found == Found::Miss {
                    self.write(key, &bytes).await;
                }
                Ok(bytes)
            })
            .await?;
        Ok((bytes.clone(), found))
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, Away> {
        let mut redis = self.awake()?;
        let read = timeout(ANSWER, redis.get::<_, Option<Vec<u8>>>(key)).await;
        let Ok(Ok(kept)) = read else {
            self.rest();
            return Err(Away);
        };
        // What cannot be read is as good as not there.
        Ok(kept
            .and_then(|bytes| lz4_flex::decompress_size_prepended(&bytes).ok())
            .map(Bytes::from))
    }

    async fn write(&self, key: &str, bytes: &Bytes) {
        let Ok(mut redis) = self.awake() else { return };
        let packed = lz4_flex::compress_prepend_size(bytes);
        if packed.len() > ENTRY_BYTES_MAX {
            return;
        }
        match timeout(ANSWER, redis.set_ex::<_, _, ()>(key, packed, KEEP_SECONDS)).await {
            // Full, read-only, loading: it answers, and what it keeps is still good.
            Ok(Err(error)) if !error.is_io_error() && !error.is_timeout() => {}
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => self.rest(),
        }
    }

    fn awake(&self) -> Result<ConnectionManager, Away> {
        let redis = self.redis.as_ref().ok_or(Away)?;
        if self.now() < self.rests_until.load(Ordering::Relaxed) {
            return Err(Away);
        }
        Ok(redis.clone())
    }

    fn rest(&self) {
        let until = self.now() + u64::try_from(REST.as_millis()).unwrap_or_default();
        if self.rests_until.swap(until, Ordering::Relaxed) < self.now() {
            tracing::warn!("Redis does not answer; pages come from PostgreSQL");
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Redis is not to be asked.
struct Away;

/// A seat on the making of an answer; the last one out takes it off the list, also when its request was dropped.
struct Flight<'a> {
    flights: &'a Flights,
    key: &'a str,
    answer: Arc<OnceCell<Bytes>>,
}

impl<'a> Flight<'a> {
    fn board(flights: &'a Flights, key: &'a str) -> Self {
        let mut list = flights.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = Arc::clone(list.entry(key.to_owned()).or_default());
        Self {
            flights,
            key,
            answer,
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut list = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // The list's and this one.
        if Arc::strong_count(&self.answer) <= 2 {
            list.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[tokio::test]
    async fn many_who_ask_at_once_wait_for_one_answer_and_nothing_is_left_behind() {
        let cache = Cache::connect(None).unwrap();
        let made = AtomicU32::new(0);
        let ask = || {
            cache.get_or("key", async {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, std::convert::Infallible>(b"answer".to_vec())
            })
        };
        for answer in futures::future::join_all((0..16).map(|_| ask())).await {
            assert_eq!(
                answer.unwrap(),
                (Bytes::from_static(b"answer"), Found::Bypass)
            );
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert!(cache.flights.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_could_not_be_made_is_made_by_the_next() {
        let cache = Cache::connect(None).unwrap();
        let (failed, made) = tokio::join!(
            cache.get_or("key", async {
                tokio::task::yield_now().await;
                Err("no")
            }),
            cache.get_or("key", async { Ok::<_, &str>(b"yes".to_vec()) })
        );
        assert_eq!(failed.unwrap_err(), "no");
        assert_eq!(made.unwrap().0, Bytes::from_static(b"yes"));
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_costs_nothing_but_its_first_try() {
        let url = SecretString::from("redis://127.0.0.1:1");
        let cache = Cache::connect(Some(&url)).unwrap();
        for _ in 0..2 {
            let answer = cache
                .get_or("key", async { Ok::<_, &str>(b"made".to_vec()) })
                .await;
            assert_eq!(
                answer.unwrap(),
                (Bytes::from_static(b"made"), Found::Bypass)
            );
        }
        assert!(cache.awake().is_err(), "it is left alone for a while");
    }
}
