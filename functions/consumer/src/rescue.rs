//! Sends for somebody where nobody works on an import that is to go on ([`store::stalled`]): its message was never sent, or was lost, or
//! its workers died of it. One that nobody brings any further fails and says so. Part of [`crate::housekeeping`].

use std::time::Duration;

use contracts::{
    Code, Problem, UploadId,
    events::{ROWS_STREAM, Work},
};
use futures::StreamExt as _;
use platform::{nats, s3::has_object};
use store::{Overdue, Patience, Stalled};

use crate::{
    Deps,
    error::{self, Error},
};

const PATIENCE: Patience = Patience {
    owed: Duration::from_secs(10),
    still: Duration::from_secs(10 * 60),
};
/// So many may come for an import and bring it no further.
const RESCUES_MAX: u32 = 3;
const OVERDUE_AT_ONCE: u32 = 100;

pub(crate) async fn rescue(deps: &Deps) -> Result<(), Error> {
    settle_overdue(deps).await?;
    for stalled in deps.store.stalled_imports(PATIENCE).await? {
        if has_batches(deps, stalled.upload).await? {
            continue;
        }
        let Some(times) = deps.store.rescue(&stalled, PATIENCE).await? else {
            continue;
        };
        if times > RESCUES_MAX {
            give_up(deps, stalled).await?;
            continue;
        }
        let Stalled {
            upload, generation, ..
        } = stalled;
        let work = serde_json::to_string(&Work::Analyse { upload, generation })?;
        if let Err(error) = deps.work.send(&work).await {
            // The others' would not be taken either. It is owed, and tried again.
            tracing::warn!(upload.id = %upload, error = error::chain(&error), "nobody could be sent for");
            return Ok(());
        }
        deps.store.work_sent(upload, generation).await?;
        tracing::warn!(upload.id = %upload, generation, times, "nobody worked on an import, so somebody is sent for");
    }
    Ok(())
}

/// Uploads whose time is over fail, or are read where their file came and nobody was told.
async fn settle_overdue(deps: &Deps) -> Result<(), Error> {
    for Overdue { upload, object_key } in deps.store.overdue_imports(OVERDUE_AT_ONCE).await? {
        match has_object(&deps.s3, &deps.bucket, &object_key).await {
            Ok(true) => {
                deps.store.owe_work(upload).await?;
                tracing::warn!(upload.id = %upload, "a file came and was not announced");
            }
            Ok(false) if deps.store.expire_overdue(upload).await? => {
                tracing::info!(upload.id = %upload, "an upload was never sent and has expired");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(upload.id = %upload, error = error::chain(&error), "whether the file of an overdue upload is there is not known");
            }
        }
    }
    Ok(())
}

/// Whether the stream holds something of it: then it is our turn, and we are behind.
async fn has_batches(deps: &Deps, upload: UploadId) -> Result<bool, Error> {
    let stream = deps.jetstream.get_stream(ROWS_STREAM).await;
    let stream = stream.map_err(|e| Error::Fetch(e.into()))?;
    let subjects = stream.info_with_subjects(format!("rows.*.{upload}")).await;
    let mut subjects = subjects.map_err(|e| Error::Fetch(e.into()))?;
    Ok(subjects.next().await.is_some())
}

async fn give_up(deps: &Deps, stalled: Stalled) -> Result<(), Error> {
    let problem = Problem::new(
        Code::Internal,
        "The file could not be imported because of a fault on our side, though it was tried several times. Nothing of it was published. Upload it again later.",
    );
    let (upload, generation) = (stalled.upload, stalled.generation);
    if deps
        .store
        .fail_generation(upload, generation, &problem)
        .await?
    {
        tracing::error!(upload.id = %upload, generation, "nobody brings an import any further, and it failed");
    }
    Ok(())
}

/// Whether a schedule should look: asked of NATS alone, where etl tells that an import is under way.
pub(crate) async fn is_any_under_way(deps: &Deps) -> Result<bool, Error> {
    Ok(nats::under_way(&deps.jetstream).await?.is_some())
}

/// Takes the word back once no import is. One that begins meanwhile says so anew.
pub(crate) async fn note_none_under_way(deps: &Deps) -> Result<(), Error> {
    let Some(word) = nats::under_way(&deps.jetstream).await? else {
        return Ok(());
    };
    if !deps.store.is_any_under_way().await? {
        nats::take_back_under_way(&deps.jetstream, word).await?;
    }
    Ok(())
}
