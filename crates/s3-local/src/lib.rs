//! The S3 server of the one-machine mode.
//!
//! On AWS a file lands in an S3 bucket and the bucket tells the queue. Here this crate is the bucket: the protocol
//! (SigV4, presigned URLs, XML) comes from `s3s`, the storage underneath is our own and survives a kill at any
//! instruction, and every finished write under a watched prefix becomes the event JSON that AWS would have sent.
//!
//! A request passes `access` (who signed what), then `protocol` (one method per S3 operation), then `store` (the commit
//! of a record that names `blob`s); what the commit owes is handed to the [`EventSink`] by `events`.

mod access;
mod blob;
mod checksum;
mod events;
mod multipart;
mod protocol;
mod record;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleError;
use http::{HeaderValue, Method, StatusCode};
use s3s::auth::{SecretKey, SimpleAuth};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tokio::sync::mpsc;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::access::SignedOnly;
use crate::protocol::Bucket;
use crate::store::Store;

/// A complete of 10,000 parts with their checksums is about 2 MiB.
const XML_BYTES_MAX: usize = 4 * 1024 * 1024;
const FORM_BYTES_MAX: usize = 64 * 1024;
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the S3 folder {path}: {source}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the S3 folder {0} is in use by another process")]
    InUse(PathBuf),
    #[error("the record {path} cannot be read: {source}")]
    Record {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the page's origin {0:?} is not a header value")]
    Origin(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where finished writes are told. An error means "ask me again": the event stays owed, also over a restart.
#[async_trait::async_trait]
pub trait EventSink: Send + Sync + 'static {
    /// Takes one S3 notification, `{"Records": […]}`, durably. The same one may come more than once.
    async fn deliver(&self, notification: String) -> std::result::Result<(), SinkError>;
}

pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// What the server needs to know.
#[derive(Clone)]
pub struct Config {
    /// Folder of the bucket's data; made when missing, locked while open.
    pub root: PathBuf,
    /// The one bucket there is.
    pub bucket: String,
    /// The one pair of keys that may sign.
    pub access_key: String,
    pub secret_key: String,
    /// Region that signatures must name.
    pub region: String,
    /// Origin of the page (`http://localhost:8080`): the only one that CORS lets in.
    pub allowed_origin: String,
    /// Key prefixes whose finished writes become events (`uploads/`, `drop/`).
    pub event_prefixes: Vec<String>,
    /// Who takes the events.
    pub sink: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("root", &self.root)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// An open bucket.
#[derive(Debug, Clone)]
pub struct S3Local {
    bucket: String,
    region: String,
    access_key: String,
    secret_key: SecretKey,
    allowed_origin: HeaderValue,
    store: Arc<Store>,
}

impl S3Local {
    /// Opens the folder, removes what no record names, and starts to deliver the events that are owed.
    pub async fn open(config: Config) -> Result<Self> {
        let Config {
            root,
            bucket,
            access_key,
            secret_key,
            region,
            allowed_origin,
            event_prefixes,
            sink,
        } = config;
        let origin =
            HeaderValue::from_str(&allowed_origin).map_err(|_| Error::Origin(allowed_origin))?;
        let (debts, receiver) = mpsc::unbounded_channel();
        let path = root.clone();
        let opened =
            tokio::task::spawn_blocking(move || Store::open(&path, event_prefixes, debts)).await;
        let store = opened.map_err(|error| Error::Folder {
            path: root,
            source: std::io::Error::other(error),
        })??;
        let store = Arc::new(store);
        let source = events::Source {
            bucket: bucket.clone(),
            region: region.clone(),
        };
        tokio::spawn(events::deliver(
            Arc::downgrade(&store),
            receiver,
            source,
            sink,
        ));
        let secret_key = SecretKey::from(secret_key);
        Ok(Self {
            bucket,
            region,
            access_key,
            secret_key,
            allowed_origin: origin,
            store,
        })
    }

    /// The server as a router without a prefix: serve it on a port of its own.
    pub fn service(&self) -> Router {
        let mut limits = S3Config::default();
        limits.xml_max_body_size = XML_BYTES_MAX;
        // Form uploads are refused (see `post_object`), but s3s reads the form before it asks.
        limits.post_object_max_file_size = 0;
        limits.form_max_fields_size = FORM_BYTES_MAX;
        limits.form_max_field_size = FORM_BYTES_MAX;

        let bucket = Bucket {
            name: self.bucket.clone(),
            region: self.region.clone(),
            store: Arc::clone(&self.store),
        };
        let mut builder = S3ServiceBuilder::new(bucket);
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(limits))));
        builder.set_auth(SimpleAuth::from_single(
            self.access_key.clone(),
            self.secret_key.clone(),
        ));
        builder.set_access(SignedOnly {
            region: self.region.clone(),
        });

        // A preflight carries no signature, so it is answered before s3s could refuse it.
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list([self.allowed_origin.clone()]))
            .allow_methods([Method::GET, Method::HEAD, Method::PUT])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([http::header::ETAG])
            .max_age(PREFLIGHT_AGE);
        Router::new()
            .fallback_service(HandleError::new(builder.build(), broken))
            .layer(cors)
    }
}

/// What s3s could not even answer.
async fn broken(error: s3s::HttpError) -> StatusCode {
    tracing::error!(?error, "an S3 request could not be answered");
    StatusCode::INTERNAL_SERVER_ERROR
}
