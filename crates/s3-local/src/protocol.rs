//! The S3 operations, one method each: what the request says in, what the [`Store`] did out.
//!
//! Only what the product uses is here; everything else answers NotImplemented. Next: [`crate::store`].

use std::ops::Bound;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use s3s::dto::{self, StreamingBlob};
use s3s::region::Region;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};

use crate::blob::{self, Received};
use crate::checksum::{Algorithm, Checksums, decode_base64, decode_hex, hex};
use crate::events::encode_key;
use crate::multipart::{Completion, ListedPart, UploadFacts};
use crate::store::{Condition, Headers, NewObject, Object, Store, Walk};

/// AWS's bound of a single PUT and of a part.
const BODY_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
const PAGE_MAX: i32 = 1000;
const PART_NUMBER_MAX: i32 = 10_000;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub name: String,
    pub region: String,
    pub store: Arc<Store>,
}

/// Puts the checksums of `$sums` into the fields that every output names alike.
macro_rules! with_checksums {
    ($output:expr, $sums:expr) => {{
        let mut output = $output;
        let sums: &Checksums = $sums;
        output.checksum_crc32 = sums.crc32.clone();
        output.checksum_crc32c = sums.crc32c.clone();
        output.checksum_crc64nvme = sums.crc64nvme.clone();
        output.checksum_sha1 = sums.sha1.clone();
        output.checksum_sha256 = sums.sha256.clone();
        output
    }};
}

/// The checksums that an input announces.
macro_rules! announced {
    ($input:expr) => {
        Checksums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
        }
    };
}

macro_rules! headers {
    ($input:expr) => {
        Headers {
            content_type: $input.content_type.clone(),
            content_encoding: stored_encoding($input.content_encoding.as_deref()),
            content_language: $input.content_language.clone(),
            content_disposition: $input.content_disposition.clone(),
            cache_control: $input.cache_control.clone(),
            metadata: $input
                .metadata
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}

impl Bucket {
    fn check(&self, name: &str) -> S3Result<()> {
        if name == self.name {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    /// Streams a body to disk and holds it against everything the client said about it.
    async fn receive(&self, body: Option<StreamingBlob>, said: Announcement) -> S3Result<Received> {
        let bytes = said.bytes.ok_or_else(|| {
            s3_error!(MissingContentLength, "The length of the body is not given")
        })?;
        if bytes > BODY_BYTES_MAX {
            return Err(s3_error!(EntityTooLarge));
        }
        let mut algorithms: Vec<_> = said.checksums.algorithms().collect();
        algorithms.extend(said.trailer.into_iter().chain(said.wanted));
        let received = blob::receive(&self.store.blobs, body, bytes, &algorithms).await?;
        received.checksums.verify(&said.checksums)?;
        if let Some(md5) = &said.md5
            && decode_base64(md5)? != received.md5
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what was received."
            ));
        }
        if let Some(algorithm) = said.trailer {
            let value = said.trailing_headers.and_then(|trailers| {
                trailers
                    .read(|map| {
                        map.get(algorithm.header())?
                            .to_str()
                            .ok()
                            .map(str::to_owned)
                    })
                    .flatten()
            });
            let value = value
                .ok_or_else(|| s3_error!(InvalidRequest, "The announced checksum did not come"))?;
            let mut trailing = Checksums::default();
            trailing.set(algorithm, value);
            received.checksums.verify(&trailing)?;
        }
        Ok(received)
    }
}

/// What a client says about the body it sends.
struct Announcement {
    bytes: Option<u64>,
    md5: Option<String>,
    checksums: Checksums,
    /// The checksum that follows an aws-chunked body.
    trailer: Option<Algorithm>,
    /// One to compute although the client does not send it.
    wanted: Option<Algorithm>,
    trailing_headers: Option<TrailingHeaders>,
}

impl Announcement {
    fn new(
        headers: &HeaderMap,
        content_length: Option<i64>,
        md5: Option<String>,
        checksums: Checksums,
        trailing_headers: Option<TrailingHeaders>,
    ) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let decoded = text("x-amz-decoded-content-length").and_then(|length| length.parse().ok());
        let trailer = match text("x-amz-trailer").map(str::trim) {
            Some(name) => Some(
                Algorithm::ALL
                    .into_iter()
                    .find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
                    .ok_or_else(|| s3_error!(InvalidRequest, "Unknown trailer {name}"))?,
            ),
            None => None,
        };
        let wanted = text("x-amz-sdk-checksum-algorithm")
            .map(Algorithm::parse)
            .transpose()?;
        let bytes =
            decoded.or_else(|| content_length.and_then(|length| u64::try_from(length).ok()));
        Ok(Self {
            bytes,
            md5,
            checksums,
            trailer,
            wanted,
            trailing_headers,
        })
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn head_bucket(
        &self,
        req: S3Request<dto::HeadBucketInput>,
    ) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        self.check(&req.input.bucket)?;
        let region =
            Region::new(self.region.clone().into_boxed_str()).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(dto::HeadBucketOutput {
            bucket_region: Some(region.as_str().to_owned()),
            ..Default::default()
        }))
    }

    /// The one bucket is there already, and making it again is no error, as in AWS's first region.
    async fn create_bucket(
        &self,
        req: S3Request<dto::CreateBucketInput>,
    ) -> S3Result<S3Response<dto::CreateBucketOutput>> {
        if req.input.bucket != self.name {
            return Err(s3_error!(AccessDenied, "This server has one bucket"));
        }
        let location = Some(format!("/{}", self.name));
        Ok(S3Response::new(dto::CreateBucketOutput { location }))
    }

    async fn put_object(
        &self,
        req: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        if input.write_offset_bytes.is_some() {
            return Err(s3_error!(NotImplemented, "Objects are not appended to"));
        }
        let said = Announcement::new(
            &req.headers,
            input.content_length,
            input.content_md5.clone(),
            announced!(input),
            req.trailing_headers,
        )?;
        let headers = headers!(input);
        let received = self.receive(input.body, said).await?;
        let object = self
            .store
            .put(NewObject {
                key: input.key,
                event: "ObjectCreated:Put",
                etag: hex(&received.md5),
                checksums: received.checksums,
                headers,
                segments: vec![received.segment],
                upload: None,
                condition: Condition {
                    if_match: input.if_match,
                    if_none_match: input.if_none_match,
                },
            })
            .await?;
        let output = dto::PutObjectOutput {
            e_tag: Some(object.etag()),
            ..Default::default()
        };
        Ok(S3Response::new(with_checksums!(
            output,
            &object.facts.checksums
        )))
    }

    /// A browser's form would come in here as a put with rules of its own.
    async fn post_object(
        &self,
        _req: S3Request<dto::PostObjectInput>,
    ) -> S3Result<S3Response<dto::PostObjectOutput>> {
        Err(s3_error!(
            NotImplemented,
            "Form uploads are not taken: use a presigned PUT"
        ))
    }

    async fn get_object(
        &self,
        req: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        if input.part_number.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "Parts are not read by their numbers"
            ));
        }
        let object = self
            .store
            .object(&input.key)
            .ok_or_else(|| s3_error!(NoSuchKey))?;
        check_read(
            &object,
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        )?;
        let size = object.facts.size;
        let range = match input.range {
            Some(range) => Some(range.check(size)?).filter(|range| !range.is_empty()),
            None => None,
        };
        if input.range.is_some() && range.is_none() {
            return Err(s3_error!(InvalidRange));
        }
        let facts = &object.facts;
        let mut output = dto::GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_range: range
                .as_ref()
                .map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            content_type: facts
                .headers
                .content_type
                .clone()
                .or_else(|| Some("binary/octet-stream".to_owned())),
            content_encoding: facts.headers.content_encoding.clone(),
            content_language: facts.headers.content_language.clone(),
            content_disposition: facts.headers.content_disposition.clone(),
            cache_control: facts.headers.cache_control.clone(),
            metadata: stored_metadata(&facts.headers),
            e_tag: Some(object.etag()),
            last_modified: Some(timestamp(facts.modified)),
            ..Default::default()
        };
        // A checksum of the whole says nothing of a part; a client would compare them all the same.
        if range.is_none() && is_enabled(input.checksum_mode.as_ref()) {
            output = with_checksums!(output, &facts.checksums);
            output.checksum_type = checksum_type(&object);
        }
        let range = range.unwrap_or(0..size);
        output.content_length = Some(signed(range.end - range.start)?);
        output.body = Some(StreamingBlob::wrap(blob::read(object, range)));
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        req: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let object = self
            .store
            .object(&input.key)
            .ok_or_else(|| s3_error!(NoSuchKey))?;
        check_read(
            &object,
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        )?;
        let facts = &object.facts;
        let mut output = dto::HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(facts.size)?),
            content_type: facts
                .headers
                .content_type
                .clone()
                .or_else(|| Some("binary/octet-stream".to_owned())),
            content_encoding: facts.headers.content_encoding.clone(),
            content_language: facts.headers.content_language.clone(),
            content_disposition: facts.headers.content_disposition.clone(),
            cache_control: facts.headers.cache_control.clone(),
            metadata: stored_metadata(&facts.headers),
            e_tag: Some(object.etag()),
            last_modified: Some(timestamp(facts.modified)),
            ..Default::default()
        };
        if is_enabled(input.checksum_mode.as_ref()) {
            output = with_checksums!(output, &facts.checksums);
            output.checksum_type = checksum_type(&object);
        }
        Ok(S3Response::new(output))
    }

    async fn delete_object(
        &self,
        req: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        self.check(&req.input.bucket)?;
        let condition = Condition {
            if_match: req.input.if_match,
            if_none_match: None,
        };
        self.store.delete(req.input.key, condition).await?;
        Ok(S3Response::new(dto::DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input
            .delimiter
            .as_deref()
            .filter(|delimiter| !delimiter.is_empty());
        let max = usize::try_from(input.max_keys.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX))
            .unwrap_or_default();
        let url = input
            .encoding_type
            .as_ref()
            .is_some_and(|encoding| encoding.as_str() == dto::EncodingType::URL);
        let spell = |text: &str| {
            if url {
                encode_key(text)
            } else {
                text.to_owned()
            }
        };

        // The token names the first key of the next page.
        let token = match &input.continuation_token {
            Some(token) => Some(
                decode_hex(token)
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| {
                        s3_error!(InvalidArgument, "The continuation token is not one of ours")
                    })?,
            ),
            None => None,
        };
        let from = match (&token, input.start_after.as_deref()) {
            (Some(token), _) => Bound::Included(token.as_str()),
            (None, Some(after)) if after >= prefix.as_str() => Bound::Excluded(after),
            _ => Bound::Included(prefix.as_str()),
        };
        let mut contents = Vec::new();
        let mut prefixes = Vec::new();
        let mut next = None;
        self.store.walk(from, |key, object| {
            let Some(rest) = key.strip_prefix(prefix.as_str()) else {
                return Walk::Enough;
            };
            let common = delimiter.and_then(|delimiter| {
                let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
                Some(&key[..end])
            });
            // Asked to start after `a/b`, or after `a/`: what is rolled up into `a/` has been seen.
            if let (Some(common), None, Some(after)) =
                (common, &token, input.start_after.as_deref())
                && after.starts_with(common)
            {
                return after_prefix(common).map_or(Walk::Enough, Walk::JumpTo);
            }
            if contents.len() + prefixes.len() >= max {
                next = (max > 0).then(|| hex(key.as_bytes()));
                return Walk::Enough;
            }
            if let Some(common) = common {
                prefixes.push(dto::CommonPrefix {
                    prefix: Some(spell(common)),
                });
                return after_prefix(common).map_or(Walk::Enough, Walk::JumpTo);
            }
            contents.push(dto::Object {
                key: Some(spell(key)),
                size: signed(object.facts.size).ok(),
                e_tag: Some(object.etag()),
                last_modified: Some(timestamp(object.facts.modified)),
                storage_class: Some(dto::ObjectStorageClass::from_static(
                    dto::ObjectStorageClass::STANDARD,
                )),
                ..Default::default()
            });
            Walk::On
        });
        Ok(S3Response::new(dto::ListObjectsV2Output {
            name: Some(self.name.clone()),
            key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
            max_keys: i32::try_from(max).ok(),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            prefix: input.prefix.as_deref().map(spell),
            delimiter: input.delimiter.as_deref().map(spell),
            start_after: input.start_after.as_deref().map(spell),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    /// Copies nothing: the new record names the same blobs.
    async fn copy_object(
        &self,
        req: S3Request<dto::CopyObjectInput>,
    ) -> S3Result<S3Response<dto::CopyObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let dto::CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } = &input.copy_source
        else {
            return Err(s3_error!(
                NotImplemented,
                "Only a bucket and a key can be copied from"
            ));
        };
        self.check(bucket)?;
        let replaces = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == dto::MetadataDirective::REPLACE);
        if **key == *input.key && !replaces {
            return Err(s3_error!(
                InvalidRequest,
                "An object is copied to itself only to replace its metadata"
            ));
        }
        let source = self.store.object(key).ok_or_else(|| s3_error!(NoSuchKey))?;
        let unmatched = check_read(
            &source,
            input.copy_source_if_match.clone(),
            input.copy_source_if_none_match.clone(),
            input.copy_source_if_modified_since.clone(),
            input.copy_source_if_unmodified_since.clone(),
        );
        if unmatched.is_err() {
            return Err(s3_error!(PreconditionFailed));
        }
        let headers = if replaces {
            headers!(input)
        } else {
            source.facts.headers.clone()
        };
        let object = self
            .store
            .put(NewObject {
                key: input.key,
                event: "ObjectCreated:Copy",
                etag: source.facts.etag.clone(),
                checksums: source.facts.checksums.clone(),
                headers,
                segments: source.segments.clone(),
                upload: None,
                condition: Condition::default(),
            })
            .await?;
        let result = dto::CopyObjectResult {
            e_tag: Some(object.etag()),
            last_modified: Some(timestamp(object.facts.modified)),
            ..Default::default()
        };
        let result = with_checksums!(result, &object.facts.checksums);
        Ok(S3Response::new(dto::CopyObjectOutput {
            copy_object_result: Some(result),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|a| Algorithm::parse(a.as_str()))
            .transpose()?;
        let full = input
            .checksum_type
            .as_ref()
            .is_some_and(|t| t.as_str() == dto::ChecksumType::FULL_OBJECT);
        if full || algorithm == Some(Algorithm::Crc64nvme) {
            return Err(s3_error!(
                NotImplemented,
                "Multipart objects have composite checksums"
            ));
        }
        let facts = UploadFacts {
            headers: headers!(input),
            key: input.key,
            algorithm,
            initiated: Timestamp::now(),
        };
        let upload = self.store.create_upload(facts).await?;
        Ok(S3Response::new(dto::CreateMultipartUploadOutput {
            bucket: Some(self.name.clone()),
            key: Some(upload.facts.key.clone()),
            upload_id: Some(upload.id.clone()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: algorithm
                .map(|_| dto::ChecksumType::from_static(dto::ChecksumType::COMPOSITE)),
            ..Default::default()
        }))
    }

    async fn upload_part(
        &self,
        req: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        if !(1..=PART_NUMBER_MAX).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part numbers go from 1 to {PART_NUMBER_MAX}"
            ));
        }
        let upload = self.store.upload(&input.key, &input.upload_id)?;
        let mut said = Announcement::new(
            &req.headers,
            input.content_length,
            input.content_md5.clone(),
            announced!(input),
            req.trailing_headers,
        )?;
        said.wanted = upload.facts.algorithm.or(said.wanted);
        let received = self.receive(input.body, said).await?;
        let part = self
            .store
            .put_part(upload, input.part_number, received)
            .await?;
        let output = dto::UploadPartOutput {
            e_tag: Some(dto::ETag::Strong(part.facts.etag.clone())),
            ..Default::default()
        };
        Ok(S3Response::new(with_checksums!(
            output,
            &part.facts.checksums
        )))
    }

    async fn list_parts(
        &self,
        req: S3Request<dto::ListPartsInput>,
    ) -> S3Result<S3Response<dto::ListPartsOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let upload = self.store.upload(&input.key, &input.upload_id)?;
        let after = input.part_number_marker.unwrap_or(0);
        let max = usize::try_from(input.max_parts.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX))
            .unwrap_or_default();
        let mut parts = Vec::new();
        let mut is_truncated = false;
        for (number, part) in upload
            .parts()
            .range((Bound::Excluded(after), Bound::Unbounded))
        {
            if parts.len() >= max {
                is_truncated = true;
                break;
            }
            let listed = dto::Part {
                part_number: Some(*number),
                size: Some(signed(part.segment.bytes)?),
                e_tag: Some(dto::ETag::Strong(part.facts.etag.clone())),
                last_modified: Some(timestamp(part.facts.modified)),
                ..Default::default()
            };
            parts.push(with_checksums!(listed, &part.facts.checksums));
        }
        Ok(S3Response::new(dto::ListPartsOutput {
            bucket: Some(self.name.clone()),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            max_parts: i32::try_from(max).ok(),
            part_number_marker: Some(after),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            is_truncated: Some(is_truncated),
            parts: Some(parts),
            checksum_algorithm: upload
                .facts
                .algorithm
                .map(|a| dto::ChecksumAlgorithm::from_static(a.name())),
            ..Default::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<dto::ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<dto::ListMultipartUploadsOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let max = usize::try_from(input.max_uploads.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX))
            .unwrap_or_default();
        let marker = input
            .key_marker
            .as_deref()
            .map(|key| (key, input.upload_id_marker.as_deref()));
        let mut uploads = self.store.open_uploads();
        uploads.retain(|upload| {
            let key = upload.facts.key.as_str();
            // Without an upload id the marker stands for all uploads of its key.
            let is_after = marker.is_none_or(|(marker, id)| {
                key > marker || (key == marker && id.is_some_and(|id| upload.id.as_str() > id))
            });
            is_after && key.starts_with(prefix.as_str())
        });
        let is_truncated = uploads.len() > max;
        uploads.truncate(max);
        let last = uploads.last().filter(|_| is_truncated);
        Ok(S3Response::new(dto::ListMultipartUploadsOutput {
            bucket: Some(self.name.clone()),
            prefix: input.prefix,
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            max_uploads: i32::try_from(max).ok(),
            is_truncated: Some(is_truncated),
            next_key_marker: last.map(|upload| upload.facts.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            uploads: Some(
                uploads
                    .iter()
                    .map(|upload| dto::MultipartUpload {
                        key: Some(upload.facts.key.clone()),
                        upload_id: Some(upload.id.clone()),
                        initiated: Some(timestamp(upload.facts.initiated)),
                        ..Default::default()
                    })
                    .collect(),
            ),
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let checksums = announced!(input);
        let listed = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let parts = listed.into_iter().map(|part| {
            Ok(ListedPart {
                number: part
                    .part_number
                    .ok_or_else(|| s3_error!(MalformedXML, "A part has no number"))?,
                checksums: announced!(part),
                etag: part
                    .e_tag
                    .ok_or_else(|| s3_error!(MalformedXML, "A part has no ETag"))?
                    .into_value(),
            })
        });
        let completion = Completion {
            parts: parts.collect::<S3Result<_>>()?,
            checksums,
            size: input
                .mpu_object_size
                .and_then(|size| u64::try_from(size).ok()),
            condition: Condition {
                if_match: input.if_match,
                if_none_match: input.if_none_match,
            },
        };
        let object = self
            .store
            .complete(input.key.clone(), input.upload_id, completion)
            .await?;
        let output = dto::CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", self.name, encode_key(&input.key))),
            bucket: Some(self.name.clone()),
            key: Some(input.key),
            e_tag: Some(object.etag()),
            checksum_type: checksum_type(&object),
            ..Default::default()
        };
        Ok(S3Response::new(with_checksums!(
            output,
            &object.facts.checksums
        )))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        self.check(&req.input.bucket)?;
        self.store.abort(req.input.key, req.input.upload_id).await?;
        Ok(S3Response::new(dto::AbortMultipartUploadOutput::default()))
    }
}

/// The conditions of a read, in the order of RFC 9110.
fn check_read(
    object: &Object,
    if_match: Option<dto::ETagCondition>,
    if_none_match: Option<dto::ETagCondition>,
    if_modified_since: Option<dto::Timestamp>,
    if_unmodified_since: Option<dto::Timestamp>,
) -> S3Result<()> {
    let etag = object.etag();
    let is_newer_than = |since: &dto::Timestamp| timestamp_seconds(object.facts.modified) > *since;
    if let Some(wanted) = if_match {
        if wanted
            .as_etag()
            .is_some_and(|wanted| !wanted.strong_cmp(&etag))
        {
            return Err(s3_error!(PreconditionFailed));
        }
    } else if if_unmodified_since.as_ref().is_some_and(is_newer_than) {
        return Err(s3_error!(PreconditionFailed));
    }
    let is_unmodified = match if_none_match {
        Some(known) => known.as_etag().is_none_or(|known| known.weak_cmp(&etag)),
        None => if_modified_since.is_some_and(|since| !is_newer_than(&since)),
    };
    if is_unmodified {
        let mut error = S3Error::new(S3ErrorCode::NotModified);
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::ETAG,
            etag.to_http_header().map_err(S3Error::internal_error)?,
        );
        error.set_headers(headers);
        return Err(error);
    }
    Ok(())
}

fn checksum_type(object: &Object) -> Option<dto::ChecksumType> {
    object.facts.checksums.algorithms().next()?;
    let name = match object.facts.upload {
        Some(_) => dto::ChecksumType::COMPOSITE,
        None => dto::ChecksumType::FULL_OBJECT,
    };
    Some(dto::ChecksumType::from_static(name))
}

fn is_enabled(mode: Option<&dto::ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == dto::ChecksumMode::ENABLED)
}

/// `aws-chunked` describes how the body travelled, not the object.
fn stored_encoding(encoding: Option<&str>) -> Option<String> {
    let kept: Vec<&str> = encoding?
        .split(',')
        .map(str::trim)
        .filter(|e| *e != "aws-chunked" && !e.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn stored_metadata(headers: &Headers) -> Option<dto::Metadata> {
    (!headers.metadata.is_empty()).then(|| headers.metadata.clone().into_iter().collect())
}

/// The first key after everything that starts with `prefix`, if there can be one.
fn after_prefix(prefix: &str) -> Option<String> {
    // The greatest character has no successor, so it is dropped and the one before it raised. Code points are in the
    // order of their UTF-8 bytes.
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn timestamp(time: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(std::time::SystemTime::from(time))
}

/// HTTP dates have whole seconds: a time must not look newer than itself.
fn timestamp_seconds(time: Timestamp) -> dto::Timestamp {
    timestamp(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn signed(bytes: u64) -> S3Result<i64> {
    i64::try_from(bytes).map_err(S3Error::internal_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_after_a_prefix_is_the_next_one_in_byte_order() {
        assert_eq!(after_prefix("a/").as_deref(), Some("a0"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
    }
}
