//! Blobs: immutable files of bytes, written once, named by no one until a record does.
//!
//! A body streams in through [`receive`] and out through [`read`]; neither holds more than a mebibyte or two of it.
//! A blob counts the records that name it. When the last user lets go of a blob that no record names, the file goes:
//! so a client that hangs up leaves nothing, and a reader keeps what it reads although the object was replaced.
//! Next: [`crate::store`], where records come to name blobs.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tokio::task::spawn_blocking;

use crate::checksum::{Algorithm, Checksums, Digests};
use crate::store::Object;

/// Bytes gathered before they are hashed and written; the next lot is received meanwhile.
const WRITE_BYTES: usize = 1024 * 1024;
const READ_BYTES: u64 = 256 * 1024;
/// A client that sends nothing for so long is given up, as AWS does.
const STALLED_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Blob {
    pub(crate) id: String,
    path: PathBuf,
    /// Records on disk that name this file.
    named: AtomicUsize,
}

impl Blob {
    /// A blob that exists already, named by no record yet.
    pub(crate) fn existing(folder: &Path, id: &str) -> Arc<Self> {
        Arc::new(Self {
            id: id.to_owned(),
            path: folder.join(id),
            named: AtomicUsize::new(0),
        })
    }

    pub(crate) fn hold(&self) {
        self.named.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn release(&self) {
        self.named.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if self.named.load(Ordering::Acquire) > 0 {
            return;
        }
        let path = std::mem::take(&mut self.path);
        let remove = move || {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "a blob could not be removed; the next start will");
            }
        };
        // Unlinking gigabytes takes a while: not on a thread that serves requests.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// A stretch of an object: one whole blob.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) blob: Arc<Blob>,
    pub(crate) bytes: u64,
}

/// A body that is on disk to stay, once a record names its blob.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) segment: Segment,
    pub(crate) md5: Vec<u8>,
    pub(crate) checksums: Checksums,
}

/// Streams a body of exactly `bytes` bytes into a new blob.
pub(crate) async fn receive(
    folder: &Path,
    body: Option<StreamingBlob>,
    bytes: u64,
    algorithms: &[Algorithm],
) -> S3Result<Received> {
    let digests = Digests::new(algorithms);
    let folder = folder.to_owned();
    let mut writer = spawn_blocking(move || BlobWriter::create(folder, digests));
    let mut received = 0;
    let mut batch = Batch::default();
    let mut body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    loop {
        let frame = tokio::time::timeout(STALLED_AFTER, body.next())
            .await
            .map_err(|_| s3_error!(RequestTimeout, "The client stopped sending"))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken_body(error.as_ref()))?;
        received += frame.len() as u64;
        if received > bytes {
            return Err(s3_error!(
                IncompleteBody,
                "The body is longer than its Content-Length"
            ));
        }
        batch.bytes += frame.len();
        batch.frames.push(frame);
        if batch.bytes >= WRITE_BYTES {
            let full = std::mem::take(&mut batch);
            let ready = joined(writer.await)?;
            writer = spawn_blocking(move || ready.write(&full));
        }
    }
    // An aws-chunked body may end early without an error of its own.
    if received != bytes {
        return Err(s3_error!(
            IncompleteBody,
            "The body is shorter than its Content-Length"
        ));
    }
    let ready = joined(writer.await)?;
    joined(spawn_blocking(move || ready.write(&batch)?.finish()).await)
}

#[derive(Default)]
struct Batch {
    frames: Vec<Bytes>,
    bytes: usize,
}

struct BlobWriter {
    blob: Arc<Blob>,
    folder: PathBuf,
    file: File,
    bytes: u64,
    digests: Digests,
}

impl BlobWriter {
    fn create(folder: PathBuf, digests: Digests) -> io::Result<Self> {
        let id = ulid::Ulid::new().to_string();
        let file = File::create_new(folder.join(&id))?;
        Ok(Self {
            blob: Blob::existing(&folder, &id),
            folder,
            file,
            bytes: 0,
            digests,
        })
    }

    fn write(mut self, batch: &Batch) -> io::Result<Self> {
        for frame in &batch.frames {
            self.digests.update(frame);
            self.file.write_all(frame)?;
            self.bytes += frame.len() as u64;
        }
        Ok(self)
    }

    fn finish(self) -> io::Result<Received> {
        self.file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        let (md5, checksums) = self.digests.finish();
        Ok(Received {
            segment: Segment {
                blob: self.blob,
                bytes: self.bytes,
            },
            md5,
            checksums,
        })
    }
}

/// Streams `range` of an object. The object cannot be removed from disk while the stream lives.
pub(crate) fn read(
    object: Arc<Object>,
    range: std::ops::Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let mut skip = range.start;
    let mut segment = 0;
    while object
        .segments
        .get(segment)
        .is_some_and(|at| at.bytes <= skip)
    {
        skip -= object.segments[segment].bytes;
        segment += 1;
    }
    let reader = Reader {
        object,
        segment,
        offset: skip,
        left: range.end - range.start,
        file: None,
    };
    stream::try_unfold(reader, |reader| async move {
        if reader.left == 0 {
            return Ok(None);
        }
        spawn_blocking(move || reader.next_bytes().map(Some))
            .await
            .map_err(io::Error::other)?
    })
}

struct Reader {
    object: Arc<Object>,
    segment: usize,
    offset: u64,
    left: u64,
    file: Option<File>,
}

impl Reader {
    fn next_bytes(mut self) -> io::Result<(Bytes, Self)> {
        let past_the_end = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let mut segment = self
            .object
            .segments
            .get(self.segment)
            .ok_or_else(past_the_end)?;
        while self.offset == segment.bytes {
            self.segment += 1;
            self.offset = 0;
            self.file = None;
            segment = self
                .object
                .segments
                .get(self.segment)
                .ok_or_else(past_the_end)?;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&segment.blob.path)?,
        };
        let take = READ_BYTES.min(self.left).min(segment.bytes - self.offset);
        let mut buffer = vec![0; usize::try_from(take).map_err(io::Error::other)?];
        file.read_exact_at(&mut buffer, self.offset)?;
        self.file = Some(file);
        self.offset += take;
        self.left -= take;
        Ok((Bytes::from(buffer), self))
    }
}

fn joined<T>(result: Result<io::Result<T>, tokio::task::JoinError>) -> S3Result<T> {
    result
        .map_err(S3Error::internal_error)?
        .map_err(S3Error::internal_error)
}

/// What went wrong with a body. `s3s` keeps the types of its stream errors to itself, so they are told by their texts;
/// the tests of wrong payload hashes and chunk signatures would notice other ones.
fn broken_body(error: &(dyn std::error::Error + Send + Sync)) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let mut error = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        error.set_status_code(http::StatusCode::BAD_REQUEST);
        error
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk does not match"
        )
    } else {
        s3_error!(IncompleteBody, "The body ended early or is malformed")
    }
}
