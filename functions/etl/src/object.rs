//! The uploaded object as a stream of bytes: ranged parts, each asked with `If-Match`, so that no load ever mixes two files.
//! [`crate::pipe`] feeds them to the parser.

use std::{error::Error as StdError, ops::Range, sync::Arc, time::Duration};

use aws_sdk_s3::{Client, error::SdkError, primitives::ByteStream};
use bytes::Bytes;
use contracts::plan::ObjectRef;
use futures::{Stream, StreamExt as _};
use tokio_util::task::AbortOnDropHandle;

/// Read at once. With one part being parsed, one waiting and two on their way this bounds the memory.
const PART_BYTES: u64 = 4 * 1024 * 1024;
const PARTS_AHEAD: usize = 2;
/// Of one part; the client itself already retries requests that were not answered.
const ATTEMPTS: u32 = 5;
/// Silence in the middle of a body.
const STALL: Duration = Duration::from_secs(15);

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why the object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the object is no more")]
    Gone,
    #[error("the object was overwritten since it was analysed")]
    Changed,
    #[error("S3 does not answer")]
    S3(#[source] BoxError),
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Object {
    client: Client,
    at: Arc<ObjectRef>,
}

impl Object {
    /// Asks S3 for what lies there at this moment.
    pub async fn head(client: &Client, bucket: &str, key: &str) -> Result<Self, ReadError> {
        let head = client
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .map_err(classify)?;
        let etag = head
            .e_tag()
            .ok_or_else(|| ReadError::S3("S3 sent no ETag".into()))?;
        let bytes = head.content_length().and_then(|n| u64::try_from(n).ok());
        Ok(Self::pinned(
            client,
            &ObjectRef {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                etag: etag.to_owned(),
                bytes: bytes.ok_or_else(|| ReadError::S3("S3 sent no length".into()))?,
            },
        ))
    }

    /// The very version that a plan was made of.
    pub fn pinned(client: &Client, at: &ObjectRef) -> Self {
        Self {
            client: client.clone(),
            at: Arc::new(at.clone()),
        }
    }

    pub fn at(&self) -> &ObjectRef {
        &self.at
    }

    /// The bytes from `from` on, part after part, each in the pieces in which it came.
    pub fn read(
        &self,
        from: u64,
    ) -> impl Stream<Item = Result<Vec<Bytes>, ReadError>> + Send + use<> {
        self.read_range(from..self.at.bytes)
    }

    /// As [`Self::read`], up to the range's end.
    pub fn read_range(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Vec<Bytes>, ReadError>> + Send + use<> {
        let object = self.clone();
        let end = range.end;
        let parts = (0..)
            .map(move |n| range.start + n * PART_BYTES)
            .take_while(move |start| *start < end)
            .map(move |start| start..end.min(start + PART_BYTES));
        futures::stream::iter(parts)
            .map(move |range| {
                let object = object.clone();
                // A task of its own: the next part arrives while this one is parsed.
                let part =
                    AbortOnDropHandle::new(tokio::spawn(async move { object.part(range).await }));
                async move { part.await.unwrap_or_else(|e| Err(ReadError::S3(e.into()))) }
            })
            .buffered(PARTS_AHEAD)
    }

    /// The first bytes, at most so many.
    pub async fn head_bytes(&self, most: u64) -> Result<Vec<u8>, ReadError> {
        let end = self.at.bytes.min(most);
        if end == 0 {
            return Ok(Vec::new());
        }
        Ok(self.part(0..end).await?.concat())
    }

    /// A whole part; goes on behind the last byte that came when the connection breaks.
    async fn part(&self, range: Range<u64>) -> Result<Vec<Bytes>, ReadError> {
        let mut pieces = Vec::new();
        let mut next = range.start;
        for attempt in 1..=ATTEMPTS {
            let broken = match self.open(next..range.end).await {
                Ok(body) => match collect(body, &mut pieces, &mut next).await {
                    Ok(()) if next == range.end => return Ok(pieces),
                    Ok(()) => ReadError::S3("S3 sent less than it said".into()),
                    Err(error) => ReadError::S3(error),
                },
                Err(error @ (ReadError::Gone | ReadError::Changed)) => return Err(error),
                Err(error) => error,
            };
            if attempt == ATTEMPTS {
                return Err(broken);
            }
            tracing::debug!(s3.key = self.at.key, s3.attempt = attempt, error = %broken, "reading a part again");
            tokio::time::sleep(crate::backoff(
                attempt,
                Duration::from_millis(100),
                Duration::from_secs(2),
            ))
            .await;
        }
        Ok(pieces)
    }

    async fn open(&self, range: Range<u64>) -> Result<ByteStream, ReadError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .if_match(&self.at.etag)
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .send()
            .await
            .map_err(classify)?;
        Ok(answer.body)
    }
}

async fn collect(
    mut body: ByteStream,
    pieces: &mut Vec<Bytes>,
    next: &mut u64,
) -> Result<(), BoxError> {
    while let Some(piece) = tokio::time::timeout(STALL, body.next()).await? {
        let piece = piece?;
        *next += piece.len() as u64;
        pieces.push(piece);
    }
    Ok(())
}

pub(crate) fn classify<E>(error: SdkError<E>) -> ReadError
where
    E: StdError + Send + Sync + 'static,
{
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        Some(404) => ReadError::Gone,
        Some(412) => ReadError::Changed,
        _ => ReadError::S3(error.into()),
    }
}
