//! Everything that needs the running stack is tested from here. What more than one of the tests needs is below.

pub mod big_file;

use std::{
    io::{Cursor, Write as _},
    time::{Duration, Instant},
};

use anyhow::ensure;
use async_nats::jetstream;
use contracts::UploadId;
use platform::nats::{WORK_STREAM, WORK_SUBJECT};
use zip::{ZipWriter, write::SimpleFileOptions};

const AMPLE: Duration = Duration::from_secs(120);

/// The newest message on the work queue, once it is about this upload and says `what`.
///
/// # Errors
/// When it does not come within two minutes.
pub async fn newest_work(
    jetstream: &jetstream::Context,
    upload: UploadId,
    what: &str,
) -> anyhow::Result<String> {
    let stream = jetstream.get_stream(WORK_STREAM).await?;
    let deadline = Instant::now() + AMPLE;
    loop {
        if let Ok(last) = stream.get_last_raw_message_by_subject(WORK_SUBJECT).await {
            let body = String::from_utf8(last.payload.to_vec())?;
            if body.contains(&upload.to_string()) && body.contains(what) {
                return Ok(body);
            }
        }
        ensure!(
            Instant::now() < deadline,
            "no {what} of {upload} on the work queue"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An archive of these files: their names and texts.
///
/// # Errors
/// When two have the same name.
pub fn archive(files: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}
