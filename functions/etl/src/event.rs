//! What a message of the work queue says: an S3 notification, or a [`Work`] message of ours. [`crate::import`] acts on it.

use contracts::{UploadId, events::Work};
use serde::Deserialize;

/// Where uploaded files lie: `uploads/<upload id>/<name>`.
const UPLOADS: &str = "uploads/";

/// A message body, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Files that arrived. Empty when the notification is about nothing of ours (`s3:TestEvent`, a foreign prefix, a deletion).
    Arrived(Vec<Arrival>),
    Work(Work),
}

/// An uploaded file, as S3 announced it. Size and ETag are asked of S3 itself: a second PUT may have come since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub upload: UploadId,
    pub bucket: String,
    pub key: String,
}

/// A body that is neither. It names no import that could fail with a problem, so it is reported as a failure and ends in
/// the dead-letter queue, where its bytes are kept and an alarm stands.
#[derive(Debug, thiserror::Error)]
#[error("the message is neither an S3 notification nor ours")]
pub struct Malformed(#[source] pub Option<serde_json::Error>);

/// Reads a message body.
pub fn parse(body: &str) -> Result<Message, Malformed> {
    let body: serde_json::Value = serde_json::from_str(body).map_err(|e| Malformed(Some(e)))?;
    if body.get("gridkeep").is_some() {
        return Ok(Message::Work(
            serde_json::from_value(body).map_err(|e| Malformed(Some(e)))?,
        ));
    }
    if body.get("Event").and_then(|event| event.as_str()) == Some("s3:TestEvent") {
        return Ok(Message::Arrived(Vec::new()));
    }
    if body.get("Records").is_none() {
        return Err(Malformed(None));
    }
    let notification: Notification =
        serde_json::from_value(body).map_err(|e| Malformed(Some(e)))?;
    Ok(Message::Arrived(
        notification
            .records
            .into_iter()
            .filter_map(arrival)
            .collect(),
    ))
}

fn arrival(record: Record) -> Option<Arrival> {
    if !record.event_name.starts_with("ObjectCreated:") {
        return None;
    }
    let key = decode_key(&record.s3.object.key)?;
    let (upload, name) = key.strip_prefix(UPLOADS)?.split_once('/')?;
    if name.is_empty() {
        return None;
    }
    Some(Arrival {
        upload: upload.parse().ok()?,
        bucket: record.s3.bucket.name,
        key,
    })
}

/// Keys come form-urlencoded: `+` is a space, then `%XX` is a byte. None when the bytes are no UTF-8: no key of ours.
fn decode_key(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// As much of AWS's notification as is used; the SDK's own struct demands far more than other S3 servers send.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

#[cfg(test)]
mod tests {
    use contracts::plan::Checkpoint;

    use super::*;

    fn notification(event: &str, key: &str) -> String {
        serde_json::json!({ "Records": [{
            "eventVersion": "2.1", "eventName": event,
            "s3": { "bucket": { "name": "b" }, "object": { "key": key, "size": 3, "eTag": "x" } },
        }] })
        .to_string()
    }

    fn arrivals(event: &str, key: &str) -> Vec<Arrival> {
        match parse(&notification(event, key)).unwrap() {
            Message::Arrived(arrivals) => arrivals,
            Message::Work(work) => panic!("{work:?}"),
        }
    }

    #[test]
    fn a_created_object_names_its_upload() {
        let upload = UploadId::generate();
        for event in ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload"] {
            let found = arrivals(event, &format!("uploads/{upload}/a+b%2Bc%C3%A9.csv"));
            assert_eq!(
                found,
                [Arrival {
                    upload,
                    bucket: "b".to_owned(),
                    key: format!("uploads/{upload}/a b+cé.csv"),
                }]
            );
        }
    }

    #[test]
    fn what_is_not_an_upload_is_ignored() {
        let upload = UploadId::generate();
        assert_eq!(
            arrivals("ObjectRemoved:Delete", &format!("uploads/{upload}/a.csv")),
            []
        );
        assert_eq!(
            arrivals("ObjectCreated:Put", &format!("spill/{upload}/1/0")),
            []
        );
        assert_eq!(
            arrivals("ObjectCreated:Put", "uploads/upl_nonsense/a.csv"),
            []
        );
        assert_eq!(
            arrivals("ObjectCreated:Put", &format!("uploads/{upload}/")),
            []
        );
        assert_eq!(
            arrivals("ObjectCreated:Put", &format!("uploads/{upload}/%FF%zz")),
            []
        );
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-01T00:00:00.000Z","Bucket":"b"}"#;
        assert_eq!(parse(test).unwrap(), Message::Arrived(Vec::new()));
    }

    #[test]
    fn our_own_message_is_read_back() {
        let work = Work::Load {
            upload: UploadId::generate(),
            generation: 2,
            checkpoint: Checkpoint {
                batch: 7,
                byte: 99,
                ..Checkpoint::default()
            },
        };
        let body = serde_json::to_string(&work).unwrap();
        assert_eq!(parse(&body).unwrap(), Message::Work(work));
    }

    #[test]
    fn anything_else_is_malformed() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"gridkeep":"dance"}"#,
            r#"{"Records":[{}]}"#,
            r#"{"Records":7}"#,
        ] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
