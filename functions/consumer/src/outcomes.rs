//! What became of files from drop folders, written into the bucket once their imports are final. At least once: a kill between writing
//! and marking writes the same again.

use aws_sdk_s3::primitives::ByteStream;
use contracts::drop_folder::DropOutcome;
use store::{Import, OwedOutcome};

use crate::{Deps, error::Error};

const AT_ONCE: u32 = 100;

/// Writes what is owed; answers how many.
pub async fn tell_outcomes(deps: &Deps) -> Result<u64, Error> {
    let mut told = 0;
    loop {
        let owed = deps.store.owed_outcomes(AT_ONCE).await?;
        if owed.is_empty() {
            return Ok(told);
        }
        for OwedOutcome { upload, key } in owed {
            if let Some(import) = deps.store.import(upload).await? {
                write(deps, &key, import).await?;
            }
            deps.store.outcome_told(upload).await?;
            told += 1;
        }
    }
}

async fn write(deps: &Deps, key: &str, import: Import) -> Result<(), Error> {
    let upload = import.upload;
    let outcome = DropOutcome {
        file: import.object_key,
        upload_id: Some(upload.id),
        dataset_id: Some(upload.dataset_id),
        state: upload.state,
        version: upload.version,
        receipt: upload.receipt,
        problem: upload.problem,
        finished_at: upload.finished_at,
    };
    deps.s3
        .put_object()
        .bucket(&deps.bucket)
        .key(key)
        .content_type("application/json")
        .body(ByteStream::from(serde_json::to_vec_pretty(&outcome)?))
        .send()
        .await
        .map_err(|e| Error::Bucket(e.into()))?;
    Ok(())
}
