//! A file in a dataset's drop folder becomes an import as its owner: [`take_up`] writes the import that an upload has from presign.
//! From there on [`crate::import`] treats both alike. What became of it is written by the consumer once it is final; here, of what
//! becomes no import.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use contracts::{
    Code, DatasetId, Problem, UploadId, UserId,
    drop_folder::{DROP, DropOutcome, DropSettings, SETTINGS_FILE, outcome_key},
    upload::{Confirm, Mode, Target, UploadState},
};
use store::NewImport;

use crate::{
    Deps,
    error::Error,
    event::{Arrival, Dropped},
    object::{ReadError, classify},
    publish,
};

/// More is no settings file.
const SETTINGS_BYTES_MAX: i64 = 64 * 1024;
/// The file is there; this only bounds an import that nobody ever takes up.
const EXPIRES_IN: Duration = Duration::from_secs(7 * 24 * 3_600);
const NAME_CHARS_MAX: usize = 255;

/// Makes sure that the dropped file has its import. False when it can have none, which its outcome says.
pub async fn take_up(deps: &Deps, arrival: &Arrival, dropped: &Dropped) -> Result<bool, Error> {
    let Some(key) = outcome_key(&arrival.key) else {
        return Ok(false);
    };
    let owner = match dropped.dataset {
        Some(dataset) => deps.store.owner(dataset).await.map_err(Error::Store)?,
        None => None,
    };
    let (Some(dataset), Some(owner)) = (dropped.dataset, owner) else {
        tracing::info!(s3.key = arrival.key, "a file was dropped for no dataset");
        refuse(deps, arrival, &key).await?;
        return Ok(false);
    };
    let settings = settings(deps, &arrival.bucket, dataset).await?;
    let upload = arrival.upload;
    let problem = match &settings {
        Ok(settings) => match create(deps, arrival, dropped, dataset, owner, settings).await {
            Err(store::Error::Invalid { pointer, detail }) => Some(
                Problem::new(
                    Code::Validation,
                    format!("{SETTINGS_FILE} cannot be followed: {detail}."),
                )
                .at(pointer),
            ),
            Err(store::Error::NotFound(_)) => {
                refuse(deps, arrival, &key).await?;
                return Ok(false);
            }
            done => done.map(|()| None).map_err(Error::Store)?,
        },
        Err(problem) => Some(problem.clone()),
    };
    if let Some(problem) = problem {
        // It failed, so it is an import: listed, and told of.
        let plain = DropSettings::default();
        create(deps, arrival, dropped, dataset, owner, &plain)
            .await
            .map_err(Error::Store)?;
        deps.store
            .fail(upload, &problem)
            .await
            .map_err(Error::Store)?;
        publish::try_wake(deps, "a dropped file failed").await;
    }
    let store = &deps.store;
    store
        .owe_outcome(upload, &key, &dropped.etag)
        .await
        .map_err(Error::Store)?;
    Ok(true)
}

async fn create(
    deps: &Deps,
    arrival: &Arrival,
    dropped: &Dropped,
    dataset: DatasetId,
    owner: UserId,
    settings: &DropSettings,
) -> store::Result<()> {
    let import = NewImport {
        upload: arrival.upload,
        member: owner,
        file_name: shown_name(&dropped.path),
        bytes: dropped.bytes,
        target: Target::Existing { id: dataset },
        mode: settings.mode,
        key: settings.key.clone(),
        options: settings.options.clone(),
        confirm: Confirm::Auto,
        object_key: arrival.key.clone(),
        expires_in: EXPIRES_IN,
    };
    deps.store.create_import(import).await.map(drop)
}

/// The path below the drop folder, as a name that can be shown: its end when it is long.
fn shown_name(path: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let skipped = path.chars().count().saturating_sub(NAME_CHARS_MAX);
    path.chars().skip(skipped).map(shown).collect()
}

/// The dataset's settings file, the usual ones without it, or why it cannot be read.
async fn settings(
    deps: &Deps,
    bucket: &str,
    dataset: DatasetId,
) -> Result<Result<DropSettings, Problem>, Error> {
    let key = format!("{DROP}{dataset}/{SETTINGS_FILE}");
    let found = deps.s3.get_object().bucket(bucket).key(&key).send().await;
    let found = match found.map_err(classify) {
        Ok(found) => found,
        Err(ReadError::Gone) => return Ok(Ok(DropSettings::default())),
        Err(error) => return Err(Error::Read(error)),
    };
    if found
        .content_length()
        .is_none_or(|n| n > SETTINGS_BYTES_MAX)
    {
        let detail = format!("The settings file {key} has more than {SETTINGS_BYTES_MAX} bytes.");
        return Ok(Err(Problem::new(Code::TooLarge, detail)));
    }
    let body = found.body.collect().await;
    let body = body.map_err(|e| Error::Read(ReadError::S3(e.into())))?;
    Ok(read_settings(&key, &body.into_bytes()))
}

fn read_settings(key: &str, body: &[u8]) -> Result<DropSettings, Problem> {
    let invalid = |detail: String| {
        Problem::new(
            Code::Validation,
            format!(
                "The settings file {key} cannot be followed: {detail}. Mend it, then drop the file again."
            ),
        )
    };
    let settings: DropSettings =
        serde_json::from_slice(body).map_err(|e| invalid(e.to_string()))?;
    if settings.mode == Mode::New {
        return Err(invalid(
            "a drop folder belongs to a dataset, so its mode cannot be \"new\"".to_owned(),
        )
        .at("/mode"));
    }
    if settings.mode.needs_key() && settings.key.is_empty() {
        return Err(invalid("its mode needs key columns".to_owned()).at("/key"));
    }
    if let Err((option, advice)) = settings.options.check() {
        let advice = advice.trim_end_matches('.').to_owned();
        return Err(invalid(advice).at(format!("/options/{option}")));
    }
    Ok(settings)
}

/// Says of a file for no dataset what is said of a dataset that is not there.
async fn refuse(deps: &Deps, arrival: &Arrival, key: &str) -> Result<(), Error> {
    let outcome = DropOutcome {
        file: arrival.key.clone(),
        upload_id: None,
        dataset_id: None,
        state: UploadState::Failed,
        version: None,
        receipt: None,
        problem: Some(Problem::new(
            Code::NotFound,
            "There is no such dataset. A file goes to drop/<dataset id>/…",
        )),
        finished_at: None,
    };
    deps.s3
        .put_object()
        .bucket(&arrival.bucket)
        .key(key)
        .content_type("application/json")
        .body(ByteStream::from(serde_json::to_vec_pretty(&outcome)?))
        .send()
        .await
        .map_err(|e| Error::Outcome(e.into()))?;
    Ok(())
}

/// The upload's id is the event's: the same event again finds the import that it made before.
pub fn upload_of(at: jiff::Timestamp, bucket: &str, key: &str, version: &str) -> UploadId {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::new()
        .chain_update(bucket)
        .chain_update([0])
        .chain_update(key)
        .chain_update([0])
        .chain_update(version)
        .finalize();
    let bits = digest
        .iter()
        .take(16)
        .fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    UploadId::of_event(at, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_mode_key_and_options_or_what_is_wrong_with_them() {
        let read = |text: &str| read_settings("drop/dst_1/.gridkeep.json", text.as_bytes());
        assert_eq!(read("{}"), Ok(DropSettings::default()));
        let full = read(r#"{"mode": "replace", "key": ["id"], "options": {"header": false}}"#);
        let full = full.unwrap();
        assert_eq!(
            (full.mode, full.options.header),
            (Mode::Replace, Some(false))
        );
        for (text, says) in [
            ("{", "EOF while parsing"),
            (r#"{"mood": "append"}"#, "unknown field `mood`"),
            (r#"{"mode": "add"}"#, "unknown variant `add`"),
            (r#"{"mode": "new"}"#, "cannot be \"new\""),
            (
                r#"{"options": {"delimiter": ""}}"#,
                "one to eight characters",
            ),
            (r#"{"mode": "sync"}"#, "key columns"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.detail.contains(says), "{}", problem.detail);
            assert!(problem.detail.contains("drop/dst_1/.gridkeep.json"));
        }
    }

    #[test]
    fn a_name_is_shown_without_control_characters_and_not_too_long() {
        assert_eq!(shown_name("2026/a\nb.csv"), "2026/a\u{fffd}b.csv");
        let long = shown_name(&format!("{}/ü.csv", "x".repeat(400)));
        assert_eq!(long.chars().count(), 255);
        assert!(long.ends_with("/ü.csv"));
    }
}
