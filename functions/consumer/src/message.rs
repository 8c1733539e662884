//! A message of the `ROWS` stream: its envelope in the headers, a batch, a claim on one, or the end of a load in the payload.
//! [`crate::writer`] writes what is read here.

use std::{fmt::Display, str::FromStr};

use async_nats::HeaderMap;
use bytes::Bytes;
use contracts::{
    UploadId,
    events::{BatchMeta, ENVELOPE_VERSION, EndOfLoad, SpillClaim, header},
};
use serde::de::DeserializeOwned;

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub upload: UploadId,
    pub generation: i32,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Batch {
        no: u32,
        meta: BatchMeta,
        arrow: Bytes,
    },
    Spilled {
        no: u32,
        meta: BatchMeta,
        claim: SpillClaim,
    },
    End(EndOfLoad),
}

/// A message that no delivery will make readable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it has no {0} header")]
    Missing(&'static str),
    #[error("its {name} header is not valid: {reason}")]
    Header { name: &'static str, reason: String },
    #[error("its envelope has version {0}, which this consumer does not know")]
    Version(u32),
    #[error("its kind {0:?} is unknown")]
    Kind(String),
    #[error("its payload cannot be read: {0}")]
    Payload(String),
}

/// Reads a message.
pub fn parse(headers: Option<&HeaderMap>, payload: &Bytes) -> Result<Envelope, Unreadable> {
    let none = HeaderMap::new();
    let headers = headers.unwrap_or(&none);
    let version: u32 = number(headers, header::VERSION)?;
    if version != ENVELOPE_VERSION {
        return Err(Unreadable::Version(version));
    }
    let content = match text(headers, header::KIND)? {
        "batch" => Content::Batch {
            no: number(headers, header::BATCH)?,
            meta: meta(headers)?,
            arrow: payload.clone(),
        },
        "spilled" => Content::Spilled {
            no: number(headers, header::BATCH)?,
            meta: meta(headers)?,
            claim: json(payload)?,
        },
        "end" => Content::End(json(payload)?),
        other => return Err(Unreadable::Kind(other.to_owned())),
    };
    Ok(Envelope {
        upload: upload(headers)?,
        generation: generation(headers)?,
        content,
    })
}

/// The upload, which may be known even where the rest cannot be read.
pub fn upload(headers: &HeaderMap) -> Result<UploadId, Unreadable> {
    number(headers, header::UPLOAD)
}

/// As [`upload`].
pub fn generation(headers: &HeaderMap) -> Result<i32, Unreadable> {
    number(headers, header::GENERATION)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Unreadable> {
    headers
        .get(name)
        .map(async_nats::HeaderValue::as_str)
        .ok_or(Unreadable::Missing(name))
}

fn number<T>(headers: &HeaderMap, name: &'static str) -> Result<T, Unreadable>
where
    T: FromStr,
    T::Err: Display,
{
    text(headers, name)?
        .parse()
        .map_err(|e: T::Err| Unreadable::Header {
            name,
            reason: e.to_string(),
        })
}

fn meta(headers: &HeaderMap) -> Result<BatchMeta, Unreadable> {
    serde_json::from_str(text(headers, header::META)?).map_err(|e| Unreadable::Header {
        name: header::META,
        reason: e.to_string(),
    })
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(payload).map_err(|e| Unreadable::Payload(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn a_batch_is_read_with_its_envelope() {
        let upload = UploadId::generate();
        let meta = BatchMeta {
            row_offset: 8,
            rows: 2,
            quarantined: 1,
        };
        let headers = headers(&[
            (header::VERSION, "1"),
            (header::KIND, "batch"),
            (header::UPLOAD, &upload.to_string()),
            (header::GENERATION, "3"),
            (header::BATCH, "4"),
            (header::META, &serde_json::to_string(&meta).unwrap()),
        ]);
        let arrow = Bytes::from_static(b"arrow");
        let content = Content::Batch {
            no: 4,
            meta,
            arrow: arrow.clone(),
        };
        assert_eq!(
            parse(Some(&headers), &arrow).unwrap(),
            Envelope {
                upload,
                generation: 3,
                content
            }
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let upload = UploadId::generate().to_string();
        let read = |pairs: &[(&'static str, &str)], payload: &'static [u8]| {
            parse(Some(&headers(pairs)), &Bytes::from_static(payload))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            parse(None, &Bytes::new()).unwrap_err(),
            Unreadable::Missing(header::VERSION)
        );
        assert_eq!(
            read(&[(header::VERSION, "2")], b""),
            "its envelope has version 2, which this consumer does not know"
        );
        let v1 = (header::VERSION, "1");
        assert_eq!(
            read(&[v1, (header::KIND, "song")], b""),
            r#"its kind "song" is unknown"#
        );
        let end = [
            v1,
            (header::KIND, "end"),
            (header::UPLOAD, upload.as_str()),
            (header::GENERATION, "1"),
        ];
        assert!(read(&end, b"{").starts_with("its payload cannot be read"));
        let lost = [
            v1,
            (header::KIND, "batch"),
            (header::UPLOAD, "upl_x"),
            (header::BATCH, "-1"),
        ];
        assert!(read(&lost, b"").starts_with("its Gridkeep-Batch header is not valid"));
    }
}
