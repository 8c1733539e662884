//! The work queue: SQS on AWS, a JetStream work-queue stream on the host. Receiving is the event source's part (Lambda, or
//! the host's own); here is what a function does itself: send, and hold a message for longer.

use std::time::Duration;

use async_nats::{Client as Nats, jetstream};
use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_sdk_sqs::{
    Client as Sqs,
    error::{DisplayErrorContext, SdkError},
};
use contracts::events::Wake;
use url::Url;

use crate::{
    config::{ConfigError, Settings},
    nats::{self, WAKE_SUBJECT, WORK_STREAM, WORK_SUBJECT},
    telemetry::chain,
};

const SEND: Duration = Duration::from_secs(5);
/// A request waits so long at most for somebody to be woken.
const WAKE_WITHIN: Duration = Duration::from_millis(300);

/// Which queue a setting names: `https://sqs.<region>.amazonaws.com/…`, `jetstream:WORK` or `jetstream:WAKE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueConfig {
    Sqs {
        url: Url,
        region: Option<String>,
    },
    /// A message is kept until somebody acks it.
    Work,
    /// A message only wakes whoever listens.
    Wake,
}

impl QueueConfig {
    /// # Errors
    /// When the setting is missing or names no queue.
    pub fn from(settings: &Settings, name: &str) -> Result<Self, ConfigError> {
        match settings.required(name)? {
            "jetstream:WORK" => Ok(Self::Work),
            "jetstream:WAKE" => Ok(Self::Wake),
            _ => {
                let url: Url = settings.parse(name)?;
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(ConfigError::invalid(
                        name,
                        "expected an SQS queue's URL, jetstream:WORK or jetstream:WAKE",
                    ));
                }
                let region = settings.optional("AWS_REGION").map(str::to_owned);
                Ok(Self::Sqs { url, region })
            }
        }
    }

    /// Whether [`Queue::connect`] wants a NATS client.
    #[must_use]
    pub fn needs_nats(&self) -> bool {
        !matches!(self, Self::Sqs { .. })
    }
}

/// Why a message was not sent or held.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("a message cannot be written")]
    Json(#[from] serde_json::Error),
    #[error("a jetstream: queue needs a NATS client")]
    NoNats,
    #[error("SQS refused: {0}")]
    Sqs(String),
    #[error("the WORK stream did not take the message")]
    Publish(#[from] jetstream::context::PublishError),
    #[error("NATS did not take the message")]
    Core(#[from] async_nats::PublishError),
    #[error("NATS did not confirm the message")]
    Flush(#[from] async_nats::client::FlushError),
    #[error("not a subject to acknowledge on")]
    Receipt(#[source] async_nats::SubjectError),
    #[error("the queue did not answer within {SEND:?}")]
    TimedOut,
}

/// A queue that a function sends to.
#[derive(Clone, Debug)]
pub struct Queue(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Sqs {
        client: Sqs,
        url: String,
    },
    Work {
        context: jetstream::Context,
        nats: Nats,
    },
    Wake {
        nats: Nats,
    },
}

impl Queue {
    /// # Errors
    /// When the queue is a JetStream one and there is no client.
    pub async fn connect(config: &QueueConfig, nats: Option<&Nats>) -> Result<Self, QueueError> {
        let nats = || nats.cloned().ok_or(QueueError::NoNats);
        Ok(Self(match config {
            QueueConfig::Work => {
                let nats = nats()?;
                Inner::Work {
                    context: nats::jetstream(&nats),
                    nats,
                }
            }
            QueueConfig::Wake => Inner::Wake { nats: nats()? },
            QueueConfig::Sqs { url, region } => Inner::Sqs {
                client: sqs(url, region.clone()).await,
                url: url.to_string(),
            },
        }))
    }

    /// [`QueueConfig::from`] and [`Queue::connect`] in one.
    ///
    /// # Errors
    /// Either's.
    pub async fn from_setting(
        settings: &Settings,
        name: &str,
        nats: Option<&Nats>,
    ) -> Result<Self, FromSettingError> {
        Ok(Self::connect(&QueueConfig::from(settings, name)?, nats).await?)
    }

    /// Returns when the queue has the message safe (`WAKE`: when the server has it).
    ///
    /// # Errors
    /// When the queue did not confirm it in time.
    pub async fn send(&self, body: &str) -> Result<(), QueueError> {
        bounded(async {
            match &self.0 {
                Inner::Sqs { client, url } => {
                    client
                        .send_message()
                        .queue_url(url)
                        .message_body(body)
                        .send()
                        .await
                        .map_err(refused)?;
                }
                Inner::Work { context, .. } => {
                    context
                        .publish(WORK_SUBJECT, body.to_owned().into())
                        .await?
                        .await?;
                }
                Inner::Wake { nats } => {
                    nats.publish(WAKE_SUBJECT, body.to_owned().into()).await?;
                    nats.flush().await?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Wakes whoever listens.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_wake(&self, reason: &str) -> Result<(), QueueError> {
        let wake = Wake {
            reason: reason.to_owned(),
        };
        self.send(&serde_json::to_string(&wake)?).await
    }

    /// As [`Self::send_wake`], if that goes quickly. What they are to find is safe already: whatever fails here only makes them look
    /// later.
    pub async fn wake(&self, reason: &str) {
        match tokio::time::timeout(WAKE_WITHIN, self.send_wake(reason)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the consumer was not woken"),
            Err(_) => tracing::warn!("the consumer was not woken in time"),
        }
    }

    /// Keeps a received message away from others for longer: SQS for `seconds` from this moment, JetStream for its consumer's
    /// ack wait once more (the receipt handle is the message's ack subject).
    ///
    /// # Errors
    /// When the queue refuses, such as for a message that went to another receiver.
    pub async fn extend(&self, receipt_handle: &str, seconds: u32) -> Result<(), QueueError> {
        bounded(async {
            match &self.0 {
                Inner::Sqs { client, url } => {
                    client
                        .change_message_visibility()
                        .queue_url(url)
                        .receipt_handle(receipt_handle)
                        .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
                        .send()
                        .await
                        .map_err(refused)?;
                }
                Inner::Work { nats, .. } => {
                    let subject = async_nats::Subject::validated(receipt_handle)
                        .map_err(QueueError::Receipt)?;
                    nats.publish(subject, "+WPI".into()).await?;
                    nats.flush().await?;
                }
                Inner::Wake { .. } => {}
            }
            Ok(())
        })
        .await
    }

    /// The stream behind it, for the host's event source.
    #[must_use]
    pub fn stream(&self) -> Option<&'static str> {
        matches!(self.0, Inner::Work { .. }).then_some(WORK_STREAM)
    }
}

/// Either half of [`Queue::from_setting`].
#[derive(Debug, thiserror::Error)]
pub enum FromSettingError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

async fn bounded(call: impl Future<Output = Result<(), QueueError>>) -> Result<(), QueueError> {
    tokio::time::timeout(SEND, call)
        .await
        .unwrap_or(Err(QueueError::TimedOut))
}

fn refused<E: std::error::Error + 'static, R: std::fmt::Debug + 'static>(
    error: SdkError<E, R>,
) -> QueueError {
    QueueError::Sqs(DisplayErrorContext(error).to_string())
}

async fn sqs(url: &Url, region: Option<String>) -> Sqs {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        // The queue's own host, which is AWS's endpoint of its region, or whatever server a test runs.
        .endpoint_url(url.origin().ascii_serialization());
    if let Some(region) = region_of(url).or(region) {
        loader = loader.region(Region::new(region));
    }
    Sqs::new(&loader.load().await)
}

/// `https://sqs.<region>.amazonaws.com/…` says its region.
fn region_of(url: &Url) -> Option<String> {
    let rest = url.host_str()?.strip_prefix("sqs.")?;
    let (region, domain) = rest.split_once('.')?;
    domain
        .starts_with("amazonaws.com")
        .then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: &str) -> Result<QueueConfig, ConfigError> {
        QueueConfig::from(
            &Settings::from_map([("Q".to_owned(), value.to_owned())].into()),
            "Q",
        )
    }

    #[test]
    fn a_setting_names_sqs_or_a_stream() {
        assert_eq!(config("jetstream:WORK").unwrap(), QueueConfig::Work);
        assert_eq!(config("jetstream:WAKE").unwrap(), QueueConfig::Wake);
        assert!(matches!(
            config("https://sqs.eu-west-1.amazonaws.com/1/q").unwrap(),
            QueueConfig::Sqs { .. }
        ));
        assert!(config("jetstream:OTHER").is_err());
        assert!(config("nonsense").is_err());
    }

    #[test]
    fn the_region_comes_from_the_queues_host() {
        let region = |url: &str| region_of(&url.parse().unwrap());
        assert_eq!(
            region("https://sqs.eu-west-1.amazonaws.com/1/q").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(region("http://127.0.0.1:5000/1/q"), None);
    }
}
