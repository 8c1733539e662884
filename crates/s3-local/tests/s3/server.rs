//! A server on a port of its own over a temporary folder, and clients for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::PresigningConfig;
use s3_local::{Config, EventSink, S3Local, SinkError};

pub const BUCKET: &str = "gridkeep";
pub const REGION: &str = "eu-west-1";
pub const PAGE: &str = "http://localhost:8080";

/// Takes events, or refuses the first few.
#[derive(Default)]
pub struct Sink {
    pub refusals: AtomicUsize,
    pub tries: AtomicUsize,
    pub taken: Mutex<Vec<serde_json::Value>>,
}

#[async_trait::async_trait]
impl EventSink for Sink {
    async fn deliver(&self, notification: String) -> Result<(), SinkError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let refuse = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if refuse.is_ok() {
            return Err("the queue is away".into());
        }
        self.taken
            .lock()
            .unwrap()
            .push(serde_json::from_str(&notification)?);
        Ok(())
    }
}

impl Sink {
    /// Key, event name and ETag of each event so far.
    pub fn seen(&self) -> Vec<(String, String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let taken = self.taken.lock().unwrap();
        taken
            .iter()
            .map(|event| &event["Records"][0])
            .map(|r| {
                (
                    text(&r["s3"]["object"]["key"]),
                    text(&r["eventName"]),
                    text(&r["s3"]["object"]["eTag"]),
                )
            })
            .collect()
    }

    pub async fn wait_for(&self, count: usize) -> Vec<(String, String, String)> {
        until(|| self.seen().len() >= count).await;
        self.seen()
    }
}

pub async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("waited for a condition that did not come");
}

pub struct Server {
    pub url: String,
    pub sink: Arc<Sink>,
    pub client: Client,
    pub http: reqwest::Client,
    root: PathBuf,
    serving: tokio::task::JoinHandle<()>,
}

pub fn config(root: &Path, sink: Arc<dyn EventSink>) -> Config {
    Config {
        root: root.to_owned(),
        bucket: BUCKET.to_owned(),
        access_key: "gridkeep-local".to_owned(),
        secret_key: "a secret for tests".to_owned(),
        region: REGION.to_owned(),
        allowed_origin: PAGE.to_owned(),
        event_prefixes: vec!["uploads/".to_owned(), "drop/".to_owned()],
        sink,
    }
}

pub fn client(
    url: &str,
    secret: &str,
    region: &str,
    checksums: RequestChecksumCalculation,
) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .force_path_style(true)
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(
            "gridkeep-local",
            secret,
            None,
            None,
            "tests",
        ))
        .request_checksum_calculation(checksums)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

impl Server {
    pub async fn start(root: &Path) -> Self {
        Self::start_with(root, Arc::default()).await
    }

    pub async fn start_with(root: &Path, sink: Arc<Sink>) -> Self {
        let sink_of_server: Arc<dyn EventSink> = Arc::clone(&sink) as _;
        let s3 = S3Local::open(config(root, sink_of_server)).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving =
            tokio::spawn(async move { axum::serve(listener, s3.service()).await.unwrap() });
        let client = client(
            &url,
            "a secret for tests",
            REGION,
            RequestChecksumCalculation::WhenSupported,
        );
        Self {
            url,
            sink,
            client,
            http: reqwest::Client::new(),
            root: root.to_owned(),
            serving,
        }
    }

    pub async fn put(&self, key: &str, body: &[u8]) -> String {
        let put = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body.to_vec().into());
        put.send().await.unwrap().e_tag.unwrap()
    }

    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await;
        match answer {
            Ok(output) => Some(output.body.collect().await.unwrap().to_vec()),
            Err(error) => {
                assert!(error.into_service_error().is_no_such_key());
                None
            }
        }
    }

    /// A presigned PUT as presign makes it: length and checksum under the signature when given.
    pub async fn presign_put(
        &self,
        key: &str,
        length: Option<i64>,
        sha256: Option<&str>,
        seconds: u64,
    ) -> String {
        let put = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .set_content_length(length);
        let put = put.set_checksum_sha256(sha256.map(str::to_owned));
        put.presigned(expires(seconds))
            .await
            .unwrap()
            .uri()
            .to_owned()
    }

    pub async fn presign_get(&self, key: &str) -> String {
        let get = self.client.get_object().bucket(BUCKET).key(key);
        get.presigned(expires(60)).await.unwrap().uri().to_owned()
    }

    /// Stops serving, and waits until the last connection has let go of the folder.
    pub async fn stop(self) {
        let Self {
            root,
            serving,
            client,
            http,
            ..
        } = self;
        serving.abort();
        let _ = serving.await;
        drop((client, http));
        until(|| {
            std::fs::File::open(root.join("lock"))
                .unwrap()
                .try_lock()
                .is_ok()
        })
        .await;
    }
}

pub fn expires(seconds: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap()
}

/// Status and S3's error code.
pub async fn refused(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    let code = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code);
    (status, code.unwrap_or_default().to_owned())
}

/// Files under the blobs folder.
pub fn blobs(root: &Path) -> usize {
    std::fs::read_dir(root.join("blobs")).unwrap().count()
}
