//! Events: what AWS would have told its queue, told to the sink, until the sink has taken it.
//!
//! One at a time, oldest first. A debt is struck out only after the sink took the event, so a kill in between means
//! that the same event comes twice, never that it is lost.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use crate::EventSink;
use crate::store::{Debt, Owed, Store};

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(5);
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// What every event of a bucket has in common.
#[derive(Debug)]
pub(crate) struct Source {
    pub bucket: String,
    pub region: String,
}

impl Source {
    fn notification(&self, key: &str, owed: &Owed) -> String {
        let sequencer = format!("{:018X}", owed.sequencer);
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": rfc3339_millis(owed.time),
            "eventName": owed.name,
            "userIdentity": {"principalId": "gridkeep"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": sequencer, "x-amz-id-2": sequencer},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "gridkeep",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": "gridkeep"},
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": encode_key(key),
                    "size": owed.size,
                    "eTag": owed.etag,
                    "sequencer": sequencer,
                },
            },
        }]})
        .to_string()
    }
}

/// Runs until the store is gone.
pub(crate) async fn deliver(
    store: Weak<Store>,
    mut debts: mpsc::UnboundedReceiver<Debt>,
    source: Source,
    sink: Arc<dyn EventSink>,
) {
    while let Some(debt) = debts.recv().await {
        let Some(owed) = store.upgrade().and_then(|store| store.owed(&debt)) else {
            continue;
        };
        let notification = source.notification(&debt.key, &owed);
        let mut pause = RETRY_FIRST;
        loop {
            let error =
                match tokio::time::timeout(DELIVERY_TIMEOUT, sink.deliver(notification.clone()))
                    .await
                {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "the sink did not answer".to_owned(),
                };
            tracing::warn!(
                error,
                pause_ms = pause.as_millis(),
                "an S3 event was not taken; it is tried again"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_LAST);
            if store.strong_count() == 0 {
                return;
            }
        }
        let Some(store) = store.upgrade() else { return };
        if let Err(error) = store.settle(debt).await {
            tracing::error!(%error, "a delivered S3 event could not be struck out; the next start sends it again");
        }
    }
}

/// As S3 writes a key in an event: form-urlencoded, slashes kept.
pub(crate) fn encode_key(key: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    encoded.replace("%2F", "/")
}

fn rfc3339_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_aws_writes_it() {
        let source = Source {
            bucket: "b".into(),
            region: "eu-west-1".into(),
        };
        let owed = Owed {
            name: "ObjectCreated:Put".into(),
            size: 3,
            etag: "abc".into(),
            sequencer: 0x0601_0203_0405,
            time: "2026-01-02T03:04:05.6789Z".parse().unwrap(),
        };
        let event: serde_json::Value =
            serde_json::from_str(&source.notification("a b/c+d é", &owed)).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["eventTime"], "2026-01-02T03:04:05.678Z");
        assert_eq!(record["s3"]["object"]["key"], "a+b/c%2Bd+%C3%A9");
        assert_eq!(record["s3"]["object"]["sequencer"], "000000060102030405");
        assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::b");
    }
}
