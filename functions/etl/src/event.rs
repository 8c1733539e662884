//! What a message of the work queue says: an S3 notification, or a [`Work`] message of ours. [`crate::import`] acts on it.

use contracts::{
    DatasetId, UploadId,
    drop_folder::{DROP, SETTINGS_FILE},
    events::Work,
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::drop_folder::upload_of;

/// Where uploaded files lie: `uploads/<upload id>/<name>`.
const UPLOADS: &str = "uploads/";

/// A message body, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Files that arrived. Empty when the notification is about nothing of ours (`s3:TestEvent`, a foreign prefix, a deletion).
    Arrived(Vec<Arrival>),
    Work(Work),
}

/// A file, as S3 announced it. Size and ETag are asked of S3 itself: a second PUT may have come since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub upload: UploadId,
    pub bucket: String,
    pub key: String,
    /// Nobody asked for it before: it came through a drop folder.
    pub dropped: Option<Dropped>,
}

/// What is known of a file in a drop folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// `None` when the folder is named for none.
    pub dataset: Option<DatasetId>,
    /// Below the folder.
    pub path: String,
    pub bytes: u64,
    pub etag: String,
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
    if let Some(path) = key.strip_prefix(DROP) {
        let dropped = dropped(path, &record)?;
        let object = &record.s3.object;
        // A bucket without versions still numbers what happens to a key.
        let version = [&object.version_id, &object.sequencer, &object.e_tag];
        let version = version.into_iter().flatten().next()?;
        let at = record.event_time.unwrap_or(Timestamp::UNIX_EPOCH);
        return Some(Arrival {
            upload: upload_of(at, &record.s3.bucket.name, &key, version),
            bucket: record.s3.bucket.name,
            key,
            dropped: Some(dropped),
        });
    }
    let (upload, name) = key.strip_prefix(UPLOADS)?.split_once('/')?;
    if name.is_empty() {
        return None;
    }
    Some(Arrival {
        upload: upload.parse().ok()?,
        bucket: record.s3.bucket.name,
        key,
        dropped: None,
    })
}

/// None of the folders that some tools make as objects, nor of the settings.
fn dropped(path: &str, record: &Record) -> Option<Dropped> {
    let (dataset, path) = path.split_once('/').unwrap_or(("", path));
    if path.is_empty() || path.ends_with('/') || path == SETTINGS_FILE {
        return None;
    }
    Some(Dropped {
        dataset: dataset.parse().ok(),
        path: path.to_owned(),
        bytes: record.s3.object.size,
        etag: record.s3.object.e_tag.clone().unwrap_or_default(),
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
    #[serde(default)]
    event_time: Option<Timestamp>,
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
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    e_tag: Option<String>,
    version_id: Option<String>,
    sequencer: Option<String>,
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
                    dropped: None,
                }]
            );
        }
    }

    #[test]
    fn a_dropped_file_has_the_id_of_its_event() {
        let dataset = DatasetId::generate();
        let event = |key: &str, sequencer: &str| {
            let body = serde_json::json!({ "Records": [{
                "eventName": "ObjectCreated:Put", "eventTime": "2026-05-03T14:02:00.123Z",
                "s3": { "bucket": { "name": "b" }, "object": { "key": key, "size": 3, "eTag": "x", "sequencer": sequencer } },
            }] });
            match parse(&body.to_string()).unwrap() {
                Message::Arrived(mut arrivals) => arrivals.pop(),
                Message::Work(work) => panic!("{work:?}"),
            }
        };
        let key = format!("drop/{dataset}/2026/a+b.csv");
        let first = event(&key, "01").unwrap();
        assert_eq!(
            first.dropped,
            Some(Dropped {
                dataset: Some(dataset),
                path: "2026/a b.csv".to_owned(),
                bytes: 3,
                etag: "x".to_owned(),
            })
        );
        assert_eq!(event(&key, "01").as_ref(), Some(&first));
        assert_ne!(event(&key, "02").unwrap().upload, first.upload);
        for ignored in [
            format!("drop/{dataset}/"),
            format!("drop/{dataset}/2026/"),
            format!("drop/{dataset}/.gridkeep.json"),
        ] {
            assert_eq!(event(&ignored, "01"), None, "{ignored}");
        }
        for nowhere in ["drop/a.csv", "drop/dst_nonsense/a.csv"] {
            let dropped = event(nowhere, "01").unwrap().dropped.unwrap();
            assert_eq!((dropped.dataset, dropped.path.as_str()), (None, "a.csv"));
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
