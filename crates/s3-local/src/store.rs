//! The bucket: which keys there are, what each one holds, and what is still owed to the event sink.
//!
//! On disk: `blobs/<id>` immutable bytes, `objects/<hash of the key>.json` one record per key, `uploads/<id>/` the open
//! multipart uploads. The truth is on disk; the index in memory is read from it at start and changes only after it. A
//! write is a blob first, then a record that names it: the record's rename is the commit, and the event it owes is part
//! of the same record. File names are hashes, so any key fits: a kilobyte long, or `x` beside `x/y`.
//! Next: [`crate::multipart`] for uploads in parts, [`crate::events`] for what is owed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio::task::spawn_blocking;

use crate::blob::{Blob, Segment};
use crate::checksum::{Checksums, hex};
use crate::multipart::Upload;
use crate::record::{self, ReplaceError};
use crate::{Error, Result};

/// Writers of one key wait for each other; keys share this many locks.
const KEY_LOCKS: usize = 64;

/// What a client said about an object, given back as it came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// A finished object. Never changes; a reader may outlive its place in the index.
#[derive(Debug)]
pub(crate) struct Object {
    pub facts: Facts,
    pub segments: Vec<Segment>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub etag: String,
    pub size: u64,
    pub modified: Timestamp,
    pub checksums: Checksums,
    pub headers: Headers,
    /// The multipart upload it came from: a repeated complete is answered from here.
    pub upload: Option<String>,
}

impl Object {
    pub(crate) fn etag(&self) -> ETag {
        ETag::Strong(self.facts.etag.clone())
    }
}

/// An event that the sink has not taken yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub name: String,
    pub size: u64,
    pub etag: String,
    pub sequencer: u64,
    pub time: Timestamp,
}

/// A key: what it holds, and what is owed for it. The debts of an object that was replaced or deleted stay.
#[derive(Debug, Clone, Default)]
struct Entry {
    object: Option<Arc<Object>>,
    owed: Vec<Owed>,
}

/// An [`Entry`] on disk.
#[derive(Serialize, Deserialize)]
struct KeyRecord {
    key: String,
    object: Option<ObjectRecord>,
    owed: Vec<Owed>,
}

#[derive(Serialize, Deserialize)]
struct ObjectRecord {
    #[serde(flatten)]
    facts: Facts,
    segments: Vec<SegmentRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SegmentRecord {
    blob: String,
    bytes: u64,
}

impl From<&Segment> for SegmentRecord {
    fn from(segment: &Segment) -> Self {
        Self {
            blob: segment.blob.id.clone(),
            bytes: segment.bytes,
        }
    }
}

/// What a write asks of the object that is there.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
}

impl Condition {
    fn check(&self, object: Option<&Object>) -> S3Result<()> {
        let etag = object.map(Object::etag);
        if let Some(wanted) = &self.if_match {
            let etag = etag.as_ref().ok_or_else(|| s3_error!(NoSuchKey))?;
            if wanted
                .as_etag()
                .is_some_and(|wanted| !wanted.strong_cmp(etag))
            {
                return Err(s3_error!(PreconditionFailed));
            }
        }
        if let (Some(unwanted), Some(etag)) = (&self.if_none_match, &etag)
            && unwanted
                .as_etag()
                .is_none_or(|unwanted| unwanted.weak_cmp(etag))
        {
            return Err(s3_error!(PreconditionFailed));
        }
        Ok(())
    }
}

/// A finished body on its way to become an object.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub key: String,
    pub event: &'static str,
    pub etag: String,
    pub checksums: Checksums,
    pub headers: Headers,
    pub segments: Vec<Segment>,
    pub upload: Option<String>,
    pub condition: Condition,
}

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) blobs: PathBuf,
    objects: PathBuf,
    pub(crate) uploads_folder: PathBuf,
    index: RwLock<BTreeMap<String, Entry>>,
    pub(crate) uploads: Mutex<HashMap<String, Arc<Upload>>>,
    locks: Vec<Arc<tokio::sync::Mutex<()>>>,
    sequencer: AtomicU64,
    event_prefixes: Vec<String>,
    debts: mpsc::UnboundedSender<Debt>,
    /// Holds the folder's lock for as long as the store lives.
    _lock: File,
}

/// A pointer to an [`Owed`] event.
#[derive(Debug)]
pub(crate) struct Debt {
    pub key: String,
    pub sequencer: u64,
}

impl Store {
    /// Reads every record and removes what none of them names.
    pub(crate) fn open(
        root: &Path,
        event_prefixes: Vec<String>,
        debts: mpsc::UnboundedSender<Debt>,
    ) -> Result<Self> {
        let folder_error = |source| Error::Folder {
            path: root.to_owned(),
            source,
        };
        let [blobs, objects, uploads_folder] =
            ["blobs", "objects", "uploads"].map(|name| root.join(name));
        for folder in [&blobs, &objects, &uploads_folder] {
            std::fs::create_dir_all(folder).map_err(folder_error)?;
        }
        let lock = File::create(root.join("lock")).map_err(folder_error)?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => Error::InUse(root.to_owned()),
            std::fs::TryLockError::Error(source) => folder_error(source),
        })?;
        record::sync_parent(&blobs).map_err(folder_error)?;

        let mut known = KnownBlobs::new(&blobs);
        let index = read_objects(&objects, &mut known)?;
        let uploads =
            crate::multipart::read_uploads(&uploads_folder, &mut known, |key, upload| {
                let object = index
                    .get(key)
                    .and_then(|entry: &Entry| entry.object.as_ref());
                object.is_some_and(|object| object.facts.upload.as_deref() == Some(upload))
            })?;
        known.sweep().map_err(|source| Error::Folder {
            path: blobs.clone(),
            source,
        })?;

        let mut owed: Vec<_> = index
            .iter()
            .flat_map(|(key, entry)| {
                entry.owed.iter().map(|owed| Debt {
                    key: key.clone(),
                    sequencer: owed.sequencer,
                })
            })
            .collect();
        owed.sort_by_key(|debt| debt.sequencer);
        let sequencer = owed.last().map_or(0, |debt| debt.sequencer);
        for debt in owed {
            // The other end is waiting for this store to exist; it cannot have gone.
            let _ = debts.send(debt);
        }
        // An object's time is its sequencer too, so a clock that went back does not make later events look older.
        let newest = index
            .values()
            .filter_map(|entry| entry.object.as_ref())
            .map(|o| o.facts.modified)
            .max();
        let newest = newest.map_or(0, microseconds);
        Ok(Self {
            blobs,
            objects,
            uploads_folder,
            index: RwLock::new(index),
            uploads: Mutex::new(uploads),
            locks: (0..KEY_LOCKS).map(|_| Arc::default()).collect(),
            sequencer: AtomicU64::new(sequencer.max(newest)),
            event_prefixes,
            debts,
            _lock: lock,
        })
    }

    pub(crate) fn object(&self, key: &str) -> Option<Arc<Object>> {
        self.index().get(key).and_then(|entry| entry.object.clone())
    }

    /// Waits for other writers of this key. The guard goes into the blocking work: a client that hangs up while it runs
    /// must not let the next writer in.
    pub(crate) async fn lock_key(&self, key: &str) -> OwnedMutexGuard<()> {
        let at = usize::from(Sha256::digest(key)[0]) % KEY_LOCKS;
        Arc::clone(&self.locks[at]).lock_owned().await
    }

    /// Makes an object visible, if its condition holds.
    pub(crate) async fn put(self: &Arc<Self>, new: NewObject) -> S3Result<Arc<Object>> {
        let guard = self.lock_key(&new.key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            store.put_locked(new)
        })
        .await
    }

    /// The commit itself; the caller holds the key's lock.
    pub(crate) fn put_locked(&self, new: NewObject) -> S3Result<Arc<Object>> {
        let old = self.index().get(&new.key).cloned().unwrap_or_default();
        new.condition.check(old.object.as_deref())?;

        let sequencer = self.next_sequencer();
        let modified = i64::try_from(sequencer)
            .ok()
            .and_then(|at| Timestamp::from_microsecond(at).ok());
        let facts = Facts {
            size: new.segments.iter().map(|segment| segment.bytes).sum(),
            modified: modified.unwrap_or_else(Timestamp::now),
            etag: new.etag,
            checksums: new.checksums,
            headers: new.headers,
            upload: new.upload,
        };
        let mut owed = old.owed;
        let watched = self
            .event_prefixes
            .iter()
            .any(|prefix| new.key.starts_with(prefix.as_str()));
        if watched {
            owed.push(Owed {
                name: new.event.to_owned(),
                size: facts.size,
                etag: facts.etag.clone(),
                sequencer,
                time: facts.modified,
            });
        }
        let object = Arc::new(Object {
            facts,
            segments: new.segments,
        });
        self.replace(
            &new.key,
            Entry {
                object: Some(Arc::clone(&object)),
                owed,
            },
        )
        .map_err(S3Error::internal_error)?;
        if watched {
            // Without a receiver the server is going down: the next start delivers.
            let _ = self.debts.send(Debt {
                key: new.key,
                sequencer,
            });
        }
        Ok(object)
    }

    /// Removes an object; what is owed for it is still delivered.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        key: String,
        condition: Condition,
    ) -> S3Result<()> {
        let guard = self.lock_key(&key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            let Some(old) = store.index().get(&key).cloned() else {
                return condition.check(None);
            };
            condition.check(old.object.as_deref())?;
            store
                .replace(
                    &key,
                    Entry {
                        object: None,
                        owed: old.owed,
                    },
                )
                .map_err(S3Error::internal_error)
        })
        .await
    }

    /// The event behind a debt.
    pub(crate) fn owed(&self, debt: &Debt) -> Option<Owed> {
        self.index()
            .get(&debt.key)?
            .owed
            .iter()
            .find(|owed| owed.sequencer == debt.sequencer)
            .cloned()
    }

    /// Strikes out a debt that the sink has taken.
    pub(crate) async fn settle(self: &Arc<Self>, debt: Debt) -> S3Result<()> {
        let guard = self.lock_key(&debt.key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            let Some(mut entry) = store.index().get(&debt.key).cloned() else {
                return Ok(());
            };
            entry.owed.retain(|owed| owed.sequencer != debt.sequencer);
            store
                .replace(&debt.key, entry)
                .map_err(S3Error::internal_error)
        })
        .await
    }

    /// Puts `entry` in place of what the key holds: disk first, then the index. The caller holds the key's lock.
    fn replace(&self, key: &str, entry: Entry) -> io::Result<()> {
        let path = self.objects.join(file_name(key));
        let segments = |entry: &Entry| entry.object.as_ref().map(Arc::clone);
        if let Some(object) = segments(&entry) {
            object
                .segments
                .iter()
                .for_each(|segment| segment.blob.hold());
        }
        let gone = entry.object.is_none() && entry.owed.is_empty();
        let outcome = if gone {
            record::remove(&path).map_err(|error| {
                // Removed but not synced looks the same as not removed from here: ask the disk.
                if path.exists() {
                    ReplaceError::NotDone(error)
                } else {
                    ReplaceError::NotSynced(error)
                }
            })
        } else {
            let record = KeyRecord {
                key: key.to_owned(),
                object: entry.object.as_ref().map(|object| ObjectRecord {
                    facts: object.facts.clone(),
                    segments: object.segments.iter().map(SegmentRecord::from).collect(),
                }),
                owed: entry.owed.clone(),
            };
            record::replace(
                &path,
                &serde_json::to_vec(&record).map_err(io::Error::other)?,
            )
        };
        if let Err(ReplaceError::NotDone(error)) = outcome {
            if let Some(object) = segments(&entry) {
                object
                    .segments
                    .iter()
                    .for_each(|segment| segment.blob.release());
            }
            return Err(error);
        }
        let old = if gone {
            self.index_mut().remove(key)
        } else {
            self.index_mut().insert(key.to_owned(), entry)
        };
        outcome?;
        // After an unsynced rename a power cut may bring the old record back: its blobs stay until the next start.
        if let Some(object) = old.and_then(|old| old.object) {
            object
                .segments
                .iter()
                .for_each(|segment| segment.blob.release());
        }
        Ok(())
    }

    /// Live keys after `from`, in the order of their bytes, until `visit` has enough.
    pub(crate) fn walk(&self, from: Bound<&str>, mut visit: impl FnMut(&str, &Object) -> Walk) {
        let index = self.index();
        let mut from = match from {
            Bound::Included(key) => Bound::Included(key.to_owned()),
            Bound::Excluded(key) => Bound::Excluded(key.to_owned()),
            Bound::Unbounded => Bound::Unbounded,
        };
        'walk: loop {
            for (key, entry) in index.range((from.clone(), Bound::Unbounded)) {
                let Some(object) = &entry.object else {
                    continue;
                };
                match visit(key, object) {
                    Walk::On => {}
                    Walk::JumpTo(next) => {
                        from = Bound::Included(next);
                        continue 'walk;
                    }
                    Walk::Enough => return,
                }
            }
            return;
        }
    }

    /// Strictly rising, also over restarts: the time in microseconds, or one more than the last.
    fn next_sequencer(&self) -> u64 {
        let now = microseconds(Timestamp::now());
        let next = |last: u64| Some(now.max(last + 1));
        // `next` never declines, so both arms hold the value before.
        let (Ok(last) | Err(last)) =
            self.sequencer
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        now.max(last + 1)
    }

    fn index(&self) -> RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Entry>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a visitor of [`Store::walk`] wants next.
pub(crate) enum Walk {
    On,
    JumpTo(String),
    Enough,
}

/// The blobs on disk that records name, each of them once however many records share it.
pub(crate) struct KnownBlobs<'a> {
    folder: &'a Path,
    blobs: HashMap<String, Arc<Blob>>,
}

impl<'a> KnownBlobs<'a> {
    fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            blobs: HashMap::new(),
        }
    }

    /// A segment as a record names it.
    pub(crate) fn segment(&mut self, record: SegmentRecord) -> Segment {
        let folder = self.folder;
        let known = self
            .blobs
            .entry(record.blob)
            .or_insert_with_key(|id| Blob::existing(folder, id));
        known.hold();
        Segment {
            blob: Arc::clone(known),
            bytes: record.bytes,
        }
    }

    fn sweep(&self) -> io::Result<()> {
        let mut missing: HashSet<&str> = self.blobs.keys().map(String::as_str).collect();
        for file in std::fs::read_dir(self.folder)? {
            let file = file?;
            let name = file.file_name();
            if !name.to_str().is_some_and(|name| missing.remove(name)) {
                std::fs::remove_file(file.path())?;
            }
        }
        for blob in missing {
            tracing::error!(
                blob.id = blob,
                "a record names a blob that is not on disk; its object cannot be read"
            );
        }
        Ok(())
    }
}

fn read_objects(folder: &Path, known: &mut KnownBlobs<'_>) -> Result<BTreeMap<String, Entry>> {
    let mut index = BTreeMap::new();
    for path in record_paths(folder)? {
        let record: KeyRecord = read_record(&path)?;
        let object = record.object.map(|object| {
            let segments = object
                .segments
                .into_iter()
                .map(|segment| known.segment(segment))
                .collect();
            Arc::new(Object {
                facts: object.facts,
                segments,
            })
        });
        index.insert(
            record.key,
            Entry {
                object,
                owed: record.owed,
            },
        );
    }
    Ok(index)
}

/// The records of a folder, after what a kill left half written is removed.
pub(crate) fn record_paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let inner = || {
        let mut paths = Vec::new();
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == record::TEMPORARY)
            {
                std::fs::remove_file(path)?;
            } else {
                paths.push(path);
            }
        }
        Ok(paths)
    };
    inner().map_err(|source| Error::Folder {
        path: folder.to_owned(),
        source,
    })
}

/// A record that cannot be read stops the start: to go on would be to sweep its blobs away.
pub(crate) fn read_record<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).map_err(|source| Error::Folder {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| Error::Record {
        path: path.to_owned(),
        source,
    })
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    spawn_blocking(work)
        .await
        .map_err(S3Error::internal_error)?
}

fn file_name(key: &str) -> String {
    format!("{}.json", hex(&Sha256::digest(key)))
}

fn microseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or_default()
}
