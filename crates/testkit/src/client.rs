//! Somebody who talks to the API.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use contracts::{
    UploadId,
    plan::Options,
    upload::{Confirm, CreateUpload, CreatedUpload, Link, Mode, PartLinks, SendTo, Target, Upload},
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

/// An HTTP client with the rights of one member, or of nobody.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    pub token: Option<String>,
}

/// Status, headers and body; a body that is not JSON is a JSON string.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// The request for a file that becomes a dataset of that name.
#[must_use]
pub fn new_dataset(name: &str, file_name: &str, bytes: u64) -> CreateUpload {
    CreateUpload {
        file_name: file_name.to_owned(),
        bytes,
        checksum: None,
        dataset: Target::New {
            new_name: name.to_owned(),
        },
        mode: Mode::New,
        key: Vec::new(),
        options: Options::default(),
        confirm: Confirm::Auto,
    }
}

impl Client {
    #[must_use]
    pub(crate) fn new(base: String, token: Option<String>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()
            .expect("the client has no file or name to fail on");
        Self { http, base, token }
    }

    /// A request to `/api/v1{path}`, with the token if there is one; `send` it with [`Client::ask`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn ask(request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Self::ask(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &impl serde::Serialize) -> anyhow::Result<Answer> {
        Self::ask(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &impl serde::Serialize) -> anyhow::Result<Answer> {
        Self::ask(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        Self::ask(self.request(Method::DELETE, path)).await
    }

    /// Asks for an upload.
    pub async fn create_upload(&self, ask: &CreateUpload) -> anyhow::Result<CreatedUpload> {
        let answer = self.post("/uploads", ask).await?;
        ensure!(
            answer.status == StatusCode::CREATED,
            "POST /uploads: {} {}",
            answer.status,
            answer.body
        );
        Ok(serde_json::from_value(answer.body)?)
    }

    /// Sends the bytes where the answer said.
    pub async fn put(&self, created: &CreatedUpload, bytes: Vec<u8>) -> anyhow::Result<StatusCode> {
        match &created.to {
            SendTo::Whole(link) => self.put_whole(link, bytes).await,
            SendTo::Parts(links) => self.put_parts(created.id, links, &bytes).await,
        }
    }

    pub async fn put_whole(&self, link: &Link, bytes: Vec<u8>) -> anyhow::Result<StatusCode> {
        let mut request = self
            .http
            .request(link.method.parse()?, &link.url)
            .body(bytes);
        for (name, value) in &link.headers {
            request = request.header(name, value);
        }
        Ok(request.send().await?.status())
    }

    /// One after the other, then all together; the first answer that is no success is the outcome.
    async fn put_parts(
        &self,
        id: UploadId,
        links: &PartLinks,
        bytes: &[u8],
    ) -> anyhow::Result<StatusCode> {
        let mut sent = Vec::new();
        let pieces = bytes.chunks(usize::try_from(links.part_bytes)?);
        for (part, piece) in links.parts.iter().zip(pieces) {
            let mut request = self.http.put(&part.url).body(piece.to_vec());
            for (name, value) in &part.headers {
                request = request.header(name, value);
            }
            let answer = request.send().await?;
            if !answer.status().is_success() {
                return Ok(answer.status());
            }
            let etag = answer.headers().get("etag").context("a part has an ETag")?;
            sent.push(json!({"number": part.number, "etag": etag.to_str()?}));
        }
        let body = json!({ "parts": sent });
        let done = self.post(&format!("/uploads/{id}/complete"), &body).await?;
        Ok(done.status)
    }

    /// Sends a file as a new dataset; what becomes of it is [`Client::outcome`]'s.
    pub async fn send_file(&self, name: &str, file: &Path) -> anyhow::Result<UploadId> {
        let file_name = file
            .file_name()
            .context("a file has a name")?
            .to_string_lossy();
        self.send_bytes(name, &file_name, std::fs::read(file)?)
            .await
    }

    pub async fn send_bytes(
        &self,
        name: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<UploadId> {
        self.send(&new_dataset(name, file_name, bytes.len() as u64), bytes)
            .await
    }

    pub async fn send(&self, ask: &CreateUpload, bytes: Vec<u8>) -> anyhow::Result<UploadId> {
        let created = self.create_upload(ask).await?;
        let status = self.put(&created, bytes).await?;
        ensure!(status.is_success(), "the presigned PUT answered {status}");
        Ok(created.id)
    }

    pub async fn upload(&self, id: UploadId) -> anyhow::Result<Upload> {
        let answer = self.get(&format!("/uploads/{id}")).await?;
        ensure!(
            answer.status == StatusCode::OK,
            "GET /uploads/{id}: {} {}",
            answer.status,
            answer.body
        );
        Ok(serde_json::from_value(answer.body)?)
    }

    /// Polls until the upload has come to its final state.
    pub async fn outcome(&self, id: UploadId, patience: Duration) -> anyhow::Result<Upload> {
        self.until(id, patience, |upload| upload.state.is_final())
            .await
    }

    /// Polls until the upload is so. An answer that fails in between (somebody was killed) is asked for again.
    pub async fn until(
        &self,
        id: UploadId,
        patience: Duration,
        is_so: impl Fn(&Upload) -> bool,
    ) -> anyhow::Result<Upload> {
        let deadline = Instant::now() + patience;
        loop {
            let last = self.upload(id).await;
            match last {
                Ok(upload) if is_so(&upload) => return Ok(upload),
                Ok(upload) => ensure!(
                    Instant::now() < deadline,
                    "still {:?} after {patience:?}: {upload:?}",
                    upload.state
                ),
                Err(error) => ensure!(
                    Instant::now() < deadline,
                    "no answer after {patience:?}: {error:#}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
