//! The cursor of a walk over rows: opaque to the client, and carrying all that keeps the walk on one version and one view.
//! A check sum that covers the dataset tells a broken or foreign cursor from ours. It is no secret: a cursor opens nothing
//! that its bearer may not ask for anyway.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::DatasetId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;

const SUM_BYTES: usize = 9;

/// Where a walk goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "v")]
    pub version: i64,
    /// The last row seen.
    #[serde(rename = "a")]
    pub after: i64,
    /// `sort`, `filter` and `as_of` as they were asked for.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
}

impl Cursor {
    pub fn encode(&self, dataset: DatasetId) -> Result<String, Error> {
        let body = serde_json::to_vec(self)?;
        let mut bytes = sum(dataset, &body);
        bytes.extend(body);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    pub fn decode(dataset: DatasetId, text: &str) -> Result<Self, Error> {
        let read = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let (head, body) = bytes.split_at_checked(SUM_BYTES)?;
            (head == sum(dataset, body)).then_some(())?;
            serde_json::from_slice(body).ok()
        };
        read().ok_or_else(|| {
            Error::invalid(
                "cursor",
                "This is no cursor of this dataset. Take `next` of a page as it is, or leave it out to begin again.",
            )
        })
    }
}

fn sum(dataset: DatasetId, body: &[u8]) -> Vec<u8> {
    let digest = Sha256::new()
        .chain_update(dataset.to_string())
        .chain_update(body)
        .finalize();
    digest.iter().copied().take(SUM_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_no_changed_one_does() {
        let dataset = DatasetId::generate();
        let cursor = Cursor {
            version: 3,
            after: 4_711,
            sort: Some("-dep_time".into()),
            filter: Some(r#"{"and":[]}"#.into()),
            as_of: None,
        };
        let text = cursor.encode(dataset).unwrap();
        assert_eq!(Cursor::decode(dataset, &text).unwrap(), cursor);
        assert!(Cursor::decode(DatasetId::generate(), &text).is_err());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(Cursor::decode(dataset, &changed).is_err(), "byte {at}");
            assert!(Cursor::decode(dataset, &text[..at]).is_err(), "cut at {at}");
        }
        assert!(Cursor::decode(dataset, "💥").is_err());
    }
}
