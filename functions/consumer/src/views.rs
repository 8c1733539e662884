//! Views follow the versions: each event of the `VERSIONS` stream brings its dataset's widgets, and the view that SQL readers use,
//! to the head. Many events of one dataset need one refresh; one that comes again finds everything done.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{self, AckKind, consumer::PullConsumer};
use contracts::{
    DatasetId,
    events::{VERSIONS_STREAM, VersionPublished},
};

use crate::{
    Deps,
    drain::{DrainReport, Sitting},
    error::Error,
    writer::{durable, fetch},
};

/// Events out with drains.
const OUT_MAX: i64 = 1_000;
const DURABLE: &str = "widgets";
const NAK_DELAY: Duration = Duration::from_millis(500);

pub(crate) async fn consumer(deps: &Deps) -> Result<PullConsumer, Error> {
    durable(deps, VERSIONS_STREAM, DURABLE, OUT_MAX).await
}

/// Refreshes until the sitting is over.
pub(crate) async fn run(deps: &Deps, sitting: &Sitting) -> Result<DrainReport, Error> {
    let consumer = consumer(deps).await?;
    let mut report = DrainReport::default();
    while !sitting.is_closing() {
        let mut waiting: BTreeMap<DatasetId, Vec<jetstream::Message>> = BTreeMap::new();
        for message in fetch(&consumer, sitting.linger()).await? {
            match serde_json::from_slice::<VersionPublished>(&message.payload) {
                Ok(event) => waiting.entry(event.dataset).or_default().push(message),
                // The outbox keeps what it told; there is nothing to bury.
                Err(error) => {
                    tracing::error!(subject = %message.subject, %error, "a message on VERSIONS is not of ours");
                    ack(&message, AckKind::Term).await?;
                }
            }
        }
        if waiting.is_empty() && sitting.ends_when_empty() {
            break;
        }
        let mut failed = None;
        for (dataset, messages) in waiting {
            let refreshed = if failed.is_some() || sitting.is_closing() {
                None
            } else {
                match refresh(deps, dataset, &messages).await {
                    Ok(refreshed) => Some(refreshed),
                    Err(error) => {
                        failed = Some(error);
                        None
                    }
                }
            };
            let kind = match refreshed {
                Some(widgets) => {
                    report.refreshed += widgets;
                    AckKind::Ack
                }
                None => AckKind::Nak(Some(NAK_DELAY)),
            };
            for message in &messages {
                ack(message, kind).await?;
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(report)
}

/// Holds the messages while a large dataset takes its time.
async fn refresh(
    deps: &Deps,
    dataset: DatasetId,
    messages: &[jetstream::Message],
) -> Result<u64, Error> {
    let work = async {
        deps.store.remake_reader_view(dataset).await?;
        deps.store.refresh_widgets(dataset).await
    };
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                let done = done?;
                if done.problems > 0 {
                    tracing::info!(dataset.id = %dataset, widgets = done.problems, "widgets do not fit their dataset any more");
                }
                return Ok(done.widgets);
            }
            () = tokio::time::sleep(deps.ack_wait / 3) => {
                for message in messages {
                    ack(message, AckKind::Progress).await?;
                }
            }
        }
    }
}

async fn ack(message: &jetstream::Message, kind: AckKind) -> Result<(), Error> {
    message.ack_with(kind).await.map_err(Error::Ack)
}
