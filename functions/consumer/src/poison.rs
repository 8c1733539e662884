//! What can never be written: kept whole on the `DEAD` stream with its reason, its import failed, and only then taken off the
//! work queue. Left to a delivery limit it would be lost from sight, and its import would hang.

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{self, AckKind},
};
use contracts::{Code, Problem};

use crate::{Deps, error::Error, message};

/// Header of a dead message: why it died.
pub const REASON: &str = "Gridkeep-Reason";

/// Buries a message.
pub async fn bury(deps: &Deps, dead: &jetstream::Message, reason: &str) -> Result<(), Error> {
    let mut headers = dead.headers.clone().unwrap_or_default();
    let upload = message::upload(&headers).ok();
    let generation = message::generation(&headers).ok();
    // Of this stream's own window; the id of the batch is kept by the envelope's headers.
    headers.insert(
        NATS_MESSAGE_ID,
        format!("{}/{}", dead.subject, sequence(dead)),
    );
    headers.insert(REASON, one_line(reason).as_str());
    let copy = deps
        .jetstream
        .publish_with_headers(
            format!("dead.{}", dead.subject),
            fit(headers),
            dead.payload.clone(),
        )
        .await?;
    copy.await?;
    if let Some(upload) = upload {
        // The reason may tell of our inside; the person only needs to know that trying the same again is no use.
        let problem = Problem::new(
            Code::Internal,
            "A part of the file could not be stored, and we have kept it to find out why. Nothing was imported.",
        );
        let failed = match generation {
            Some(generation) => {
                deps.store
                    .fail_generation(upload, generation, &problem)
                    .await
            }
            // It may be the newest's, which would then wait for it for ever.
            None => deps.store.fail(upload, &problem).await,
        };
        match failed {
            // A stranger's message may name any upload.
            Ok(_) | Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        tracing::error!(upload.id = %upload, generation, reason, "a batch can never be written, and its import fails unless it is read otherwise by now");
    } else {
        tracing::error!(subject = %dead.subject, reason, "a message on ROWS is not of ours");
    }
    // Confirmed: or else it comes again and is copied a second time.
    dead.double_ack_with(AckKind::Term)
        .await
        .map_err(Error::Ack)
}

fn sequence(message: &jetstream::Message) -> u64 {
    message.info().map_or(0, |info| info.stream_sequence)
}

fn one_line(reason: &str) -> String {
    reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1_000)
        .collect()
}

/// The server's own headers would make it expect another sequence.
fn fit(headers: HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, values) in headers.iter() {
        let name_text = name.to_string();
        if name_text.starts_with("Nats-") && name_text != NATS_MESSAGE_ID.to_string() {
            continue;
        }
        for value in values {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}
