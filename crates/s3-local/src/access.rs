//! Who may ask at all: only requests signed by SigV4, for this region, with every `x-amz-*` header under the signature.
//!
//! `s3s` has checked the signature itself before it comes here. Three things it leaves open are closed: requests
//! without any signature, the old SigV2, and headers that the signer never saw. The last one matters: to add
//! `x-amz-copy-source` to someone's presigned PUT would copy another person's object under the signer's name.
//! Next: [`crate::protocol`].

use std::borrow::Cow;

use http::{HeaderMap, Uri};
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

#[derive(Debug)]
pub(crate) struct SignedOnly {
    pub(crate) region: String,
}

#[async_trait::async_trait]
impl S3Access for SignedOnly {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "The request is not signed"));
        }
        let Some(scope) = Scope::of(cx.uri(), cx.headers()) else {
            return Err(s3_error!(
                AccessDenied,
                "Only AWS Signature Version 4 is taken"
            ));
        };
        // <access key>/<date>/<region>/<service>/aws4_request
        let mut credential = scope.credential.rsplit('/').skip(1);
        if credential.next() != Some("s3") || credential.next() != Some(self.region.as_str()) {
            return Err(s3_error!(
                AuthorizationHeaderMalformed,
                "The credential must be for the service s3 in {}",
                self.region
            ));
        }
        for name in cx.headers().keys() {
            let name = name.as_str();
            // The payload hash is the one header that only narrows what is accepted.
            if name.starts_with("x-amz-")
                && name != "x-amz-content-sha256"
                && !scope.signed_headers.split(';').any(|signed| signed == name)
            {
                return Err(s3_error!(AccessDenied, "The header {name} is not signed"));
            }
        }
        Ok(())
    }
}

/// What a SigV4 signature says about itself, in the query of a presigned URL or in the `Authorization` header.
struct Scope<'a> {
    credential: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
}

impl<'a> Scope<'a> {
    fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Self> {
        let query = |name: &str| {
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        // SigV2's names come first in s3s too: a request with both is judged by the older one.
        if query("Signature").is_some() {
            return None;
        }
        if query("X-Amz-Signature").is_some() {
            return Some(Self {
                credential: query("X-Amz-Credential")?,
                signed_headers: query("X-Amz-SignedHeaders")?,
            });
        }
        let fields = headers
            .get(http::header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name))
                .map(Cow::Borrowed)
        };
        Some(Self {
            credential: field("Credential=")?,
            signed_headers: field("SignedHeaders=")?,
        })
    }
}
