//! The presigned PUT: where the browser sends the bytes. Signing needs no network. Length, type and (when given) checksum
//! are signed, so the link takes this one file and nothing else. [`crate::record`] keeps who got which link.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{Client, presigning::PresigningConfig};
use contracts::UploadId;
use jiff::Timestamp;

use crate::{error::Error, request::UploadRequest};

/// Never the file's own type: what people upload must not be served back as a page.
const CONTENT_TYPE: &str = "application/octet-stream";
/// Enough to recognise the file in the bucket; the full name is in the upload's record.
const KEY_NAME_CHARS_MAX: usize = 100;
/// The slowest sender that still gets through: a PUT is checked when it begins, so one begun just before the link ran
/// out may last as long as its bytes take at this rate.
const SLOWEST_BYTES_PER_SECOND: u64 = 128 * 1024;

/// A link and what to send with it.
#[derive(Clone, Debug)]
pub struct Link {
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub expires_at: Timestamp,
}

/// The object's key: `uploads/<upload id>/<sanitised file name>`.
pub fn object_key(upload: UploadId, file_name: &str) -> String {
    let name: String = file_name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
            _ => '_',
        })
        .collect();
    // The end is kept: it has the extension.
    let name = &name[name.len().saturating_sub(KEY_NAME_CHARS_MAX)..];
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { "file" } else { name };
    format!("uploads/{upload}/{name}")
}

/// Signs the PUT of one file.
pub async fn sign(
    s3: &Client,
    bucket: &str,
    key: &str,
    request: &UploadRequest,
    now: Timestamp,
    lifetime: Duration,
) -> Result<Link, Error> {
    let config = PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(lifetime)
        .build()
        .map_err(|e| Error::Sign(e.into()))?;
    let length = i64::try_from(request.bytes).map_err(|e| Error::Sign(e.into()))?;
    let signed = s3
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_length(length)
        .content_type(CONTENT_TYPE)
        .set_checksum_sha256(request.sha256.clone())
        .presigned(config)
        .await
        .map_err(|e| Error::Sign(e.into()))?;
    Ok(Link {
        method: signed.method().to_owned(),
        url: signed.uri().to_owned(),
        // Every client sends the length by itself, and a browser forbids naming it.
        headers: signed
            .headers()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        expires_at: now + lifetime,
    })
}

/// When an upload that never came counts as expired.
pub fn given_up_at(link: &Link, bytes: u64) -> Timestamp {
    link.expires_at + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_only_harmless_characters_and_keeps_the_extension() {
        let id = UploadId::generate();
        for (name, tail) in [
            ("flights.csv", "flights.csv"),
            ("Umsätze Q1/2013.csv", "Ums_tze_Q1_2013.csv"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("…", "_"),
            ("..", "file"),
            ("a?b#c%20.csv", "a_b_c_20.csv"),
        ] {
            assert_eq!(object_key(id, name), format!("uploads/{id}/{tail}"));
        }
        let long = object_key(id, &format!("{}.csv", "x".repeat(251)));
        assert_eq!(long.len(), "uploads/".len() + 30 + 1 + 100);
        assert!(long.ends_with("x.csv"));
    }
}
