//! Multipart uploads: parts are blobs with a record each; to complete is to write one object record that names them.
//!
//! On disk `uploads/<id>/upload.json` and `uploads/<id>/<number>.json`. A kill between the object's commit and the
//! removal of the upload's folder is seen at the next start, because the object names the upload it came from.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::blob::{Received, Segment};
use crate::checksum::{Algorithm, Checksums, composite, composite_etag, hex};
use crate::record;
use crate::store::{
    Condition, Headers, KnownBlobs, NewObject, Object, SegmentRecord, Store, blocking, read_record,
    record_paths,
};
use crate::{Error, Result};

/// Every part but the last has at least this many bytes, as on AWS.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
const UPLOAD_RECORD: &str = "upload.json";

#[derive(Debug)]
pub(crate) struct Upload {
    pub id: String,
    pub facts: UploadFacts,
    parts: Mutex<BTreeMap<i32, Arc<Part>>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UploadFacts {
    pub key: String,
    pub headers: Headers,
    pub algorithm: Option<Algorithm>,
    pub initiated: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub facts: PartFacts,
    pub segment: Segment,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartFacts {
    pub etag: String,
    pub checksums: Checksums,
    pub modified: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct PartRecord {
    #[serde(flatten)]
    facts: PartFacts,
    segment: SegmentRecord,
}

/// A part as the client lists it to complete.
#[derive(Debug)]
pub(crate) struct ListedPart {
    pub number: i32,
    pub etag: String,
    pub checksums: Checksums,
}

/// What a complete asks for.
#[derive(Debug)]
pub(crate) struct Completion {
    pub parts: Vec<ListedPart>,
    /// The whole object's checksum and size, where the client says them.
    pub checksums: Checksums,
    pub size: Option<u64>,
    pub condition: Condition,
}

impl Upload {
    pub(crate) fn parts(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<Part>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listed parts, each checked against what was received.
    fn assemble(&self, completion: &Completion) -> S3Result<(Vec<Arc<Part>>, Checksums)> {
        if completion.parts.is_empty() {
            return Err(s3_error!(MalformedXML, "No part is listed"));
        }
        if completion
            .parts
            .windows(2)
            .any(|pair| pair[0].number >= pair[1].number)
        {
            return Err(s3_error!(InvalidPartOrder));
        }
        let received = self.parts();
        let mut parts = Vec::with_capacity(completion.parts.len());
        for listed in &completion.parts {
            let number = listed.number;
            let part = received
                .get(&number)
                .filter(|part| {
                    part.facts.etag == listed.etag
                        && part.facts.checksums.verify(&listed.checksums).is_ok()
                })
                .ok_or_else(|| {
                    s3_error!(
                        InvalidPart,
                        "Part {number} was not received, or not as it is listed"
                    )
                })?;
            parts.push(Arc::clone(part));
        }
        if parts
            .iter()
            .rev()
            .skip(1)
            .any(|part| part.segment.bytes < PART_BYTES_MIN)
        {
            return Err(s3_error!(EntityTooSmall));
        }
        let mut checksums = Checksums::default();
        if let Some(algorithm) = self.facts.algorithm {
            let sums = parts
                .iter()
                .filter_map(|part| part.facts.checksums.get(algorithm));
            checksums.set(algorithm, composite(algorithm, sums)?);
        }
        checksums.verify(&completion.checksums)?;
        let size: u64 = parts.iter().map(|part| part.segment.bytes).sum();
        if completion.size.is_some_and(|said| said != size) {
            return Err(s3_error!(
                InvalidRequest,
                "The parts have {size} bytes, not what x-amz-mp-object-size says"
            ));
        }
        Ok((parts, checksums))
    }
}

impl Store {
    pub(crate) async fn create_upload(
        self: &Arc<Self>,
        facts: UploadFacts,
    ) -> S3Result<Arc<Upload>> {
        let store = Arc::clone(self);
        blocking(move || {
            let id = ulid::Ulid::new().to_string();
            let folder = store.uploads_folder.join(&id);
            let record = serde_json::to_vec(&facts).map_err(S3Error::internal_error)?;
            std::fs::create_dir(&folder).map_err(S3Error::internal_error)?;
            record::sync_parent(&folder).map_err(S3Error::internal_error)?;
            record::replace(&folder.join(UPLOAD_RECORD), &record)
                .map_err(|e| S3Error::internal_error(std::io::Error::from(e)))?;
            let upload = Arc::new(Upload {
                id: id.clone(),
                facts,
                parts: Mutex::default(),
            });
            store.uploads().insert(id, Arc::clone(&upload));
            Ok(upload)
        })
        .await
    }

    pub(crate) fn upload(&self, key: &str, id: &str) -> S3Result<Arc<Upload>> {
        let upload = self
            .uploads()
            .get(id)
            .filter(|upload| upload.facts.key == key)
            .cloned();
        upload.ok_or_else(|| s3_error!(NoSuchUpload))
    }

    pub(crate) fn open_uploads(&self) -> Vec<Arc<Upload>> {
        let mut uploads: Vec<_> = self.uploads().values().cloned().collect();
        uploads.sort_by(|a, b| (&a.facts.key, &a.id).cmp(&(&b.facts.key, &b.id)));
        uploads
    }

    pub(crate) async fn put_part(
        self: &Arc<Self>,
        upload: Arc<Upload>,
        number: i32,
        received: Received,
    ) -> S3Result<Arc<Part>> {
        let guard = self.lock_key(&upload.facts.key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            // Completed or aborted while the part was on its way.
            store.upload(&upload.facts.key, &upload.id)?;
            let facts = PartFacts {
                etag: hex(&received.md5),
                checksums: received.checksums,
                modified: Timestamp::now(),
            };
            let record = PartRecord {
                facts: facts.clone(),
                segment: SegmentRecord::from(&received.segment),
            };
            let record = serde_json::to_vec(&record).map_err(S3Error::internal_error)?;
            let path = store
                .uploads_folder
                .join(&upload.id)
                .join(format!("{number}.json"));
            received.segment.blob.hold();
            match record::replace(&path, &record) {
                Ok(()) => {}
                Err(record::ReplaceError::NotDone(error)) => {
                    received.segment.blob.release();
                    return Err(S3Error::internal_error(error));
                }
                Err(record::ReplaceError::NotSynced(error)) => {
                    return Err(S3Error::internal_error(error));
                }
            }
            let part = Arc::new(Part {
                facts,
                segment: received.segment,
            });
            if let Some(old) = upload.parts().insert(number, Arc::clone(&part)) {
                old.segment.blob.release();
            }
            Ok(part)
        })
        .await
    }

    pub(crate) async fn complete(
        self: &Arc<Self>,
        key: String,
        id: String,
        completion: Completion,
    ) -> S3Result<Arc<Object>> {
        let guard = self.lock_key(&key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            let upload = match store.upload(&key, &id) {
                Ok(upload) => upload,
                // The answer to an earlier complete was lost on its way: the client asks again.
                Err(error) => {
                    let done = store
                        .object(&key)
                        .filter(|object| object.facts.upload.as_deref() == Some(id.as_str()));
                    return done.ok_or(error);
                }
            };
            let (parts, checksums) = upload.assemble(&completion)?;
            let object = store.put_locked(NewObject {
                key,
                event: "ObjectCreated:CompleteMultipartUpload",
                etag: composite_etag(parts.iter().map(|part| part.facts.etag.as_str()))?,
                checksums,
                headers: upload.facts.headers.clone(),
                segments: parts.iter().map(|part| part.segment.clone()).collect(),
                upload: Some(id),
                condition: completion.condition,
            })?;
            store.forget_upload(&upload);
            Ok(object)
        })
        .await
    }

    pub(crate) async fn abort(self: &Arc<Self>, key: String, id: String) -> S3Result<()> {
        let guard = self.lock_key(&key).await;
        let store = Arc::clone(self);
        blocking(move || {
            let _guard = guard;
            let upload = store.upload(&key, &id)?;
            store.forget_upload(&upload);
            Ok(())
        })
        .await
    }

    /// Takes an upload off the disk and lets go of its parts. The caller holds its key's lock.
    fn forget_upload(&self, upload: &Upload) {
        self.uploads().remove(&upload.id);
        let folder = self.uploads_folder.join(&upload.id);
        // The upload's own record goes first: a folder without it is what a start removes.
        let removed = record::remove(&folder.join(UPLOAD_RECORD))
            .and_then(|()| std::fs::remove_dir_all(&folder));
        match removed {
            Ok(()) => upload
                .parts()
                .values()
                .for_each(|part| part.segment.blob.release()),
            // The blobs stay with the records that name them.
            Err(error) => {
                tracing::error!(%error, upload.id, "a finished multipart upload could not be removed");
            }
        }
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<String, Arc<Upload>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the open uploads; those that are finished, or were being made or removed at a kill, go.
pub(crate) fn read_uploads(
    folder: &Path,
    known: &mut KnownBlobs<'_>,
    is_complete: impl Fn(&str, &str) -> bool,
) -> Result<HashMap<String, Arc<Upload>>> {
    let mut uploads = HashMap::new();
    for path in record_paths(folder)? {
        let id = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let record = path.join(UPLOAD_RECORD);
        let facts: Option<UploadFacts> = if record.exists() {
            Some(read_record(&record)?)
        } else {
            None
        };
        let Some(facts) = facts.filter(|facts| !is_complete(&facts.key, &id)) else {
            std::fs::remove_dir_all(&path).map_err(|source| Error::Folder { path, source })?;
            continue;
        };
        let mut parts = BTreeMap::new();
        for path in record_paths(&path)? {
            let number = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .and_then(|stem| stem.parse().ok());
            if let Some(number) = number {
                let record: PartRecord = read_record(&path)?;
                parts.insert(
                    number,
                    Arc::new(Part {
                        facts: record.facts,
                        segment: known.segment(record.segment),
                    }),
                );
            }
        }
        uploads.insert(
            id.clone(),
            Arc::new(Upload {
                id,
                facts,
                parts: Mutex::new(parts),
            }),
        );
    }
    Ok(uploads)
}
