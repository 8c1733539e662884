//! S3: AWS's own, or any server of its protocol by endpoint.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
pub use aws_sdk_s3 as sdk;
use aws_sdk_s3::{
    Client,
    config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation},
    error::SdkError,
    operation::head_object::HeadObjectError,
    presigning::PresigningConfig,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{ConfigError, Settings};

/// Which S3, and which bucket.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// Only for an S3 that is not AWS's: addressed path style.
    pub endpoint: Option<String>,
    pub bucket: String,
    pub region: String,
    /// Static keys; without them AWS's own credential chain is asked.
    pub keys: Option<(String, SecretString)>,
}

impl S3Config {
    /// # Errors
    /// When a setting is missing, or only one half of the keys is set.
    pub fn from(settings: &Settings) -> Result<Self, ConfigError> {
        const ACCESS: &str = "GRIDKEEP_S3_ACCESS_KEY";
        const SECRET: &str = "GRIDKEEP_S3_SECRET_KEY";
        let keys = match (settings.optional(ACCESS), settings.optional(SECRET)) {
            (Some(access), Some(_)) => Some((access.to_owned(), settings.secret(SECRET)?)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(ConfigError::Missing {
                    name: SECRET.to_owned(),
                });
            }
            (None, Some(_)) => {
                return Err(ConfigError::Missing {
                    name: ACCESS.to_owned(),
                });
            }
        };
        Ok(Self {
            endpoint: settings.optional("GRIDKEEP_S3_ENDPOINT").map(str::to_owned),
            bucket: settings.required("GRIDKEEP_S3_BUCKET")?.to_owned(),
            region: settings.required("AWS_REGION")?.to_owned(),
            keys,
        })
    }
}

/// A client for the bucket's S3. Presigned URLs come from it too, so its endpoint must be the one that browsers reach.
pub async fn client(config: &S3Config) -> Client {
    // The times are for an answer to begin; the bytes of a long GET may flow for as long as they do flow.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(60))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .timeout_config(timeouts);
    if let Some((access, secret)) = &config.keys {
        loader = loader.credentials_provider(Credentials::new(
            access,
            secret.expose_secret(),
            None,
            None,
            "gridkeep",
        ));
    }
    let mut builder = aws_sdk_s3::config::Builder::from(&loader.load().await)
        // Otherwise a presigned PUT would demand a checksum header that the browser's plain PUT does not carry.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint).force_path_style(true);
    }
    Client::from_conf(builder.build())
}

/// Whether an object lies there.
///
/// # Errors
/// When S3 does not say.
pub async fn has_object(
    s3: &Client,
    bucket: &str,
    key: &str,
) -> Result<bool, SdkError<HeadObjectError>> {
    match s3.head_object().bucket(bucket).key(key).send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .raw_response()
                .is_some_and(|r| r.status().as_u16() == 404) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// For a link that may be used from `now` on for so long.
///
/// # Errors
/// When the lifetime is longer than S3 allows.
pub fn presigning(
    now: Timestamp,
    lifetime: Duration,
) -> Result<PresigningConfig, Box<dyn std::error::Error + Send + Sync>> {
    Ok(PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(lifetime)
        .build()?)
}
