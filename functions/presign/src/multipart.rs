//! A file in parts: S3's multipart upload, whose parts the sender PUTs by links as [`crate::link`]'s, several at a time, and goes
//! on with after an interruption. Length and (when given) checksum of each part are signed. S3 knows which parts are there;
//! [`crate::record`] keeps how to ask it.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use contracts::{
    Code, Problem,
    upload::{PartLink, PartLinks, SentPart},
};
use jiff::Timestamp;
use platform::s3::presigning;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    link::CONTENT_TYPE,
    request::{Sums, UploadRequest, invalid},
};

/// An interrupted file may be gone on with for so long.
pub const RESUMED_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// What is kept of it, beside the object's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Multipart {
    /// S3's own id of it.
    pub upload_id: String,
    pub bytes: i64,
    pub part_bytes: i64,
    /// Of each part, when the sender gave them.
    pub sha256: Vec<String>,
}

/// How a completion went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    Done,
    /// S3 has none of it: completed or aborted before.
    Unknown,
}

impl Multipart {
    /// Opens one for a file that goes in parts.
    pub async fn create(
        s3: &Client,
        bucket: &str,
        key: &str,
        request: &UploadRequest,
        part_bytes: u64,
    ) -> Result<Self, Error> {
        let sha256 = match &request.sums {
            Sums::Parts { sha256, .. } => sha256.clone(),
            Sums::None | Sums::Whole(_) => Vec::new(),
        };
        let created = s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type(CONTENT_TYPE)
            .set_checksum_algorithm((!sha256.is_empty()).then_some(ChecksumAlgorithm::Sha256))
            .send()
            .await
            .map_err(failed)?;
        Ok(Self {
            upload_id: created
                .upload_id
                .ok_or_else(|| Error::Storage("S3 gave no upload id".into()))?,
            // At most 5 GiB, as checked.
            bytes: i64::try_from(request.bytes).unwrap_or(i64::MAX),
            part_bytes: i64::try_from(part_bytes).unwrap_or(i64::MAX),
            sha256,
        })
    }

    /// Number and length of each part.
    fn cuts(&self) -> impl Iterator<Item = (i32, i64)> + use<> {
        let (bytes, part_bytes) = (self.bytes, self.part_bytes.max(1));
        (1..)
            .zip((0..).map(move |n| n * part_bytes))
            .take_while(move |(_, start)| *start < bytes)
            .map(move |(number, start)| (number, part_bytes.min(bytes - start)))
    }

    fn checksum(&self, number: i32) -> Option<String> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.sha256.get(at).cloned()
    }

    /// A link for every part; `there` are the ETags of those that have come.
    pub async fn links(
        &self,
        s3: &Client,
        bucket: &str,
        key: &str,
        there: &BTreeMap<i32, String>,
        lifetime: Duration,
    ) -> Result<PartLinks, Error> {
        let now = Timestamp::now();
        let mut parts = Vec::new();
        for (number, bytes) in self.cuts() {
            let signed = s3
                .upload_part()
                .bucket(bucket)
                .key(key)
                .upload_id(&self.upload_id)
                .part_number(number)
                .content_length(bytes)
                .set_checksum_sha256(self.checksum(number))
                .presigned(presigning(now, lifetime).map_err(Error::Sign)?)
                .await
                .map_err(|e| Error::Sign(e.into()))?;
            parts.push(PartLink {
                number: number.unsigned_abs(),
                bytes: bytes.unsigned_abs(),
                url: signed.uri().to_owned(),
                headers: crate::link::headers(&signed),
                etag: there.get(&number).cloned(),
            });
        }
        Ok(PartLinks {
            part_bytes: self.part_bytes.unsigned_abs(),
            parts,
            expires_at: format!("{:.6}", now + lifetime),
        })
    }

    /// The ETags of the parts that have come; `None` when S3 has none of it any more.
    pub async fn received(
        &self,
        s3: &Client,
        bucket: &str,
        key: &str,
    ) -> Result<Option<BTreeMap<i32, String>>, Error> {
        let mut pages = s3
            .list_parts()
            .bucket(bucket)
            .key(key)
            .upload_id(&self.upload_id)
            .into_paginator()
            .send();
        let mut there = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(None),
                page => page.map_err(failed)?,
            };
            for part in page.parts() {
                if let (Some(number), Some(etag)) = (part.part_number, part.e_tag()) {
                    there.insert(number, etag.to_owned());
                }
            }
        }
        Ok(Some(there))
    }

    /// The listed parts, which must be all, as S3 wants them.
    fn listed(&self, sent: &[SentPart]) -> Result<Vec<CompletedPart>, Problem> {
        let mut etags = BTreeMap::new();
        for (at, part) in sent.iter().enumerate() {
            let etag = part.etag.trim_matches('"');
            if etag.is_empty() {
                let detail = "It is the ETag that the storage answered to the part.";
                return Err(invalid(&format!("/parts/{at}/etag"), detail));
            }
            if etags.insert(part.number, format!("\"{etag}\"")).is_some() {
                let detail = format!("Part {} is listed twice.", part.number);
                return Err(invalid(&format!("/parts/{at}/number"), detail));
            }
        }
        let mut parts = Vec::new();
        for (number, _) in self.cuts() {
            let Some(etag) = etags.remove(&number.unsigned_abs()) else {
                let detail = format!("Part {number} is not listed. Send it, then list all parts.");
                return Err(invalid("/parts", detail));
            };
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(etag)
                    .set_checksum_sha256(self.checksum(number))
                    .build(),
            );
        }
        match etags.keys().next() {
            None => Ok(parts),
            Some(number) => {
                let detail = format!("The file has no part {number}: it has {}.", parts.len());
                Err(invalid("/parts", detail))
            }
        }
    }

    /// Makes the parts one object. S3 checks that they came as they are listed.
    pub async fn complete(
        &self,
        s3: &Client,
        bucket: &str,
        key: &str,
        sent: &[SentPart],
    ) -> Result<Completed, Error> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(self.listed(sent)?))
            .build();
        let done = s3
            .complete_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(&self.upload_id)
            .mpu_object_size(self.bytes)
            .multipart_upload(parts)
            .send()
            .await;
        match done {
            Ok(_) => Ok(Completed::Done),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(Completed::Unknown),
            Err(error) if error.code() == Some("InvalidPart") => Err(Problem::new(
                Code::Conflict,
                "A part has not come, or not as it is listed. See GET /uploads/{id}/parts for what is there, send the rest, and list all parts again.",
            )
            .at("/parts")
            .into()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Lets go of the parts of an upload that is over.
pub async fn abort(s3: &Client, bucket: &str, key: &str) -> Result<(), Error> {
    let open = s3
        .list_multipart_uploads()
        .bucket(bucket)
        .prefix(key)
        .send()
        .await
        .map_err(failed)?;
    for upload in open.uploads() {
        let aborted = s3
            .abort_multipart_upload()
            .bucket(bucket)
            .key(key)
            .set_upload_id(upload.upload_id.clone())
            .send()
            .await;
        match aborted {
            Ok(_) => {}
            Err(error) if error.code() == Some("NoSuchUpload") => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn failed<E>(error: SdkError<E>) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    Error::Storage(error.into())
}
