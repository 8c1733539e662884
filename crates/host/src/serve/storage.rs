//! The S3 server of the one-machine mode, on a port of its own, and what its finished writes turn into: messages of the work
//! queue, exactly as a bucket's notifications are on AWS. Next: `event_source`.

use std::{path::PathBuf, sync::Arc};

use platform::{config::Settings, queue::Queue};
use s3_local::{EventSink, S3Local, SinkError};
use url::Url;

/// Keys under these become events.
const WATCHED: [&str; 2] = ["uploads/", "drop/"];

/// A notification is delivered when the queue has it safe.
struct ToQueue(Queue);

#[async_trait::async_trait]
impl EventSink for ToQueue {
    async fn deliver(&self, notification: String) -> Result<(), SinkError> {
        Ok(self.0.send(&notification).await?)
    }
}

/// The opened bucket and the address that it is served on.
///
/// # Errors
/// When a setting is missing or the folder cannot be opened.
pub async fn open(settings: &Settings, queue: Queue) -> anyhow::Result<(S3Local, String)> {
    let endpoint: Url = settings.parse("GRIDKEEP_S3_ENDPOINT")?;
    let s3 = S3Local::open(s3_local::Config {
        root: PathBuf::from(settings.required("GRIDKEEP_S3_FOLDER")?),
        bucket: settings.required("GRIDKEEP_S3_BUCKET")?.to_owned(),
        access_key: settings.required("GRIDKEEP_S3_ACCESS_KEY")?.to_owned(),
        secret_key: settings.required("GRIDKEEP_S3_SECRET_KEY")?.to_owned(),
        region: settings.required("AWS_REGION")?.to_owned(),
        allowed_origin: settings.public_origin()?,
        event_prefixes: WATCHED.map(str::to_owned).to_vec(),
        sink: Arc::new(ToQueue(queue)),
    })
    .await?;
    let host = endpoint.host_str().unwrap_or("127.0.0.1");
    let port = endpoint.port_or_known_default().unwrap_or(80);
    Ok((s3, format!("{host}:{port}")))
}
