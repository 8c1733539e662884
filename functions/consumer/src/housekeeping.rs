//! What is done now and then, by whichever drain finds it due: imports whose file never came, that nobody confirmed or that nobody works
//! on ([`crate::rescue`]), rows of imports that were given up, spilled batches and unfinished parts of imports that are over.

use std::{
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use contracts::UploadId;

use crate::{Deps, error::Error, rescue};

/// A preview may wait for days, and PostgreSQL is to sleep meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(15 * 60);
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
/// An import that asks waits so long for an answer.
const UNCONFIRMED_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// One sweep's worth, so that a drain with batches waiting is not kept.
const SWEEP_ROWS: u64 = 50_000;
const SPILLED: &str = "spill/";
const UPLOADS: &str = "uploads/";

/// When each was last done in this process. Doing it twice does no harm.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    expired: Mutex<Option<Instant>>,
    looked: Mutex<Option<Instant>>,
    swept: Mutex<Option<Instant>>,
}

pub(crate) async fn housekeep(deps: &Deps) -> Result<(), Error> {
    if is_due(&deps.housekeeping.expired, EXPIRE_EVERY) {
        // Boxed: all of a drain in one future is deeper than the compiler cares to lay out.
        Box::pin(rescue::rescue(deps)).await?;
        for upload in deps.store.expire_unconfirmed(UNCONFIRMED_MAX).await? {
            tracing::info!(upload.id = %upload, "an upload was never confirmed and has expired");
        }
        rescue::note_none_under_way(deps).await?;
    }
    if is_due(&deps.housekeeping.swept, SWEEP_EVERY) {
        let swept = deps.store.sweep(SWEEP_ROWS).await?;
        if swept.commits > 0 {
            tracing::info!(
                rows = swept.deleted,
                moved = swept.moved,
                commits = swept.commits,
                "swept"
            );
        }
        if swept.more {
            forget(&deps.housekeeping.swept);
        }
        sweep_spilled(deps).await?;
        sweep_parts(deps).await?;
    }
    Ok(())
}

/// Whether a schedule's look is due, where imports are under way and no message says that there is anything to do.
pub(crate) fn is_look_due(deps: &Deps) -> bool {
    is_due(&deps.housekeeping.looked, LOOK_EVERY)
}

fn is_due(last: &Mutex<Option<Instant>>, every: Duration) -> bool {
    let mut last = last
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let due = last.is_none_or(|at| at.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

fn forget(last: &Mutex<Option<Instant>>) {
    *last
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = None;
}

/// Removes the spilled batches of uploads that have come to their end.
async fn sweep_spilled(deps: &Deps) -> Result<(), Error> {
    let listed = deps
        .s3
        .list_objects_v2()
        .bucket(&deps.bucket)
        .prefix(SPILLED)
        .delimiter("/")
        .send()
        .await
        .map_err(|e| Error::Spill(e.into()))?;
    let uploads: BTreeSet<UploadId> = listed
        .common_prefixes()
        .iter()
        .filter_map(|found| {
            found
                .prefix()?
                .strip_prefix(SPILLED)?
                .strip_suffix('/')?
                .parse()
                .ok()
        })
        .collect();
    for upload in uploads {
        let import = deps.store.import(upload).await?;
        if import.is_none_or(|import| import.upload.state.is_final()) {
            remove_spilled(deps, upload).await?;
        }
    }
    Ok(())
}

/// Lets go of the parts of uploads that have come to their end without their file. presign opens them before it writes the import,
/// so those without one are left to the bucket's own rule.
async fn sweep_parts(deps: &Deps) -> Result<(), Error> {
    let open = deps
        .s3
        .list_multipart_uploads()
        .bucket(&deps.bucket)
        .prefix(UPLOADS)
        .send()
        .await
        .map_err(|e| Error::Bucket(e.into()))?;
    for multipart in open.uploads() {
        let (Some(key), Some(id)) = (multipart.key(), multipart.upload_id()) else {
            continue;
        };
        let upload = key
            .strip_prefix(UPLOADS)
            .and_then(|rest| rest.split('/').next());
        let Some(upload) = upload.and_then(|id| id.parse().ok()) else {
            continue;
        };
        let import = deps.store.import(upload).await?;
        if import.is_some_and(|import| import.upload.state.is_final()) {
            let aborted = deps
                .s3
                .abort_multipart_upload()
                .bucket(&deps.bucket)
                .key(key)
                .upload_id(id)
                .send()
                .await;
            match aborted {
                Err(error) if error.code() == Some("NoSuchUpload") => {}
                aborted => drop(aborted.map_err(|e| Error::Bucket(e.into()))?),
            }
        }
    }
    Ok(())
}

/// Removes an upload's spilled batches. Not before it is over: a redelivered claim must still find its batch.
async fn remove_spilled(deps: &Deps, upload: UploadId) -> Result<(), Error> {
    let listed = deps
        .s3
        .list_objects_v2()
        .bucket(&deps.bucket)
        .prefix(format!("{SPILLED}{upload}/"))
        .send()
        .await
        .map_err(|e| Error::Spill(e.into()))?;
    for object in listed.contents() {
        if let Some(key) = object.key() {
            deps.s3
                .delete_object()
                .bucket(&deps.bucket)
                .key(key)
                .send()
                .await
                .map_err(|e| Error::Spill(e.into()))?;
        }
    }
    Ok(())
}
