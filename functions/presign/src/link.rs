//! The presigned PUT: where the browser sends the bytes. Signing needs no network. Length, type and (when given) checksum
//! are signed, so the link takes this one file and nothing else. [`crate::record`] keeps who got which link.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{Client, presigning::PresignedRequest};
use contracts::{UploadId, upload::Link};
use jiff::Timestamp;
use platform::s3::presigning;

use crate::{
    error::Error,
    request::{Sums, UploadRequest},
};

/// Never the file's own type: what people upload must not be served back as a page.
pub const CONTENT_TYPE: &str = "application/octet-stream";
/// Enough to recognise the file in the bucket; the full name is in the upload's record.
const KEY_NAME_CHARS_MAX: usize = 100;
/// The slowest sender that still gets through: a PUT is checked when it begins, so one begun just before the link ran
/// out may last as long as its bytes take at this rate.
const SLOWEST_BYTES_PER_SECOND: u64 = 128 * 1024;

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
    let length = i64::try_from(request.bytes).map_err(|e| Error::Sign(e.into()))?;
    let signed = s3
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_length(length)
        .content_type(CONTENT_TYPE)
        .set_checksum_sha256(match &request.sums {
            Sums::Whole(sum) => Some(sum.clone()),
            Sums::None | Sums::Parts { .. } => None,
        })
        .presigned(presigning(now, lifetime).map_err(Error::Sign)?)
        .await
        .map_err(|e| Error::Sign(e.into()))?;
    Ok(Link {
        method: signed.method().to_owned(),
        url: signed.uri().to_owned(),
        headers: headers(&signed),
        expires_at: format!("{:.6}", now + lifetime),
    })
}

/// What must be sent with it. Every client sends the length by itself, and a browser forbids naming it.
pub fn headers(signed: &PresignedRequest) -> BTreeMap<String, String> {
    signed
        .headers()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// How long a file of so many bytes may take to come, once its link was given.
pub fn patience(lifetime: Duration, bytes: u64) -> Duration {
    lifetime + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
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
