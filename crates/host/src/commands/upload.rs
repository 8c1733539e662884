//! `upload`: a file the whole way, through the same API as the page: ask, send, wait, print the receipt. Without a token of
//! its own it acts as the first sample sign-in of the stack in the data folder.

use std::{
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use contracts::{
    Problem, UploadId, UserId,
    auth::AccessClaims,
    upload::{Confirm, CreateUpload, CreatedUpload, Mode, Target, Upload, UploadState},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::config::Settings;
use reqwest::{Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::{FAILED, NOTABLE, print, send, token};
use crate::{
    cli::UploadArgs,
    servers::oidc::PEOPLE,
    stack::{folder::Folder, published::Published, settings},
};

/// A stack that does not answer for so long is not only being mended.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn upload(folder: &Folder, args: &UploadArgs) -> anyhow::Result<u8> {
    let file_name = name_of(&args.file)?;
    let (bytes, checksum) = send::measure(&args.file).await?;
    let api = Api::connect(folder, args).await?;
    let wanted = CreateUpload {
        dataset: match &args.dataset {
            Some(id) => Target::Existing {
                id: id.parse().map_err(|_| anyhow!("{id} is no dataset's id"))?,
            },
            None => Target::New {
                new_name: args.name.clone().unwrap_or_else(|| stem_of(&file_name)),
            },
        },
        mode: mode(args)?,
        file_name,
        bytes,
        checksum: Some(checksum),
        key: args.key.clone(),
        options: contracts::plan::Options::from(args),
        confirm: Confirm::Auto,
    };
    let created: CreatedUpload = api.post("/api/v1/uploads", &wanted).await?;
    let id = created.id;
    send::send(&api, created, &args.file, bytes).await?;
    let uploads = all_tables(&api, id).await?;
    if args.json {
        print(document(&uploads)?)?;
    }
    let mut worst = 0;
    for upload in &uploads {
        worst = report(upload, args.json)?.max(worst);
    }
    Ok(worst)
}

/// The upload, and those of the file's other tables. They are all there once the one that found them is final.
async fn all_tables(api: &Api, first: UploadId) -> anyhow::Result<Vec<Upload>> {
    let mut uploads: Vec<Upload> = Vec::new();
    let mut next = Some(first);
    while let Some(id) = next {
        let upload = api.wait_for(id).await?;
        let is_known = |id: UploadId| uploads.iter().any(|known| known.id == id) || id == upload.id;
        next = (upload.tables.iter())
            .map(|table| table.upload_id)
            .find(|id| !is_known(*id));
        uploads.push(upload);
    }
    Ok(uploads)
}

/// One document: the first upload, and under `others` those of the file's other tables.
fn document(uploads: &[Upload]) -> anyhow::Result<String> {
    let Some((first, others)) = uploads.split_first() else {
        bail!("there is no upload");
    };
    let mut document = serde_json::to_value(first)?;
    if !others.is_empty() {
        document["others"] = serde_json::to_value(others)?;
    }
    Ok(serde_json::to_string_pretty(&document)?)
}

pub(super) struct Api {
    pub(super) client: Client,
    url: String,
    identity: Identity,
}

enum Identity {
    Token(String),
    /// Signs for a member with the stack's own key: no token is left behind.
    Stack {
        settings: Box<Settings>,
        user: UserId,
    },
}

impl Api {
    async fn connect(folder: &Folder, args: &UploadArgs) -> anyhow::Result<Self> {
        let url = match &args.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => Published::read(folder)?.url,
        };
        let identity = match &args.token {
            Some(token) => Identity::Token(token.clone()),
            None if args.url.is_some() => bail!("GRIDKEEP_URL is set: set GRIDKEEP_TOKEN as well"),
            None => {
                let settings = Box::new(settings::read(folder)?);
                let (email, _name) = PEOPLE[0];
                let user = token::member(&settings, &token::pool(&settings)?, email, true).await?;
                Identity::Stack { settings, user }
            }
        };
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            url,
            identity,
        })
    }

    fn authorized(&self, request: RequestBuilder) -> anyhow::Result<RequestBuilder> {
        Ok(request.bearer_auth(match &self.identity {
            Identity::Token(token) => token.clone(),
            Identity::Stack { settings, user } => access_token(settings, *user)?,
        }))
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.client.get(format!("{}{path}", self.url)))
            .await
    }

    pub(super) async fn post<B: serde::Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> anyhow::Result<T> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.answer(request.json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self
            .authorized(request.timeout(Duration::from_secs(30)))?
            .send()
            .await
            .with_context(|| format!("{} does not answer", self.url))?;
        read(response).await?.map_err(problem)
    }

    /// Until nothing will change it any more. A stack that is being mended meanwhile is waited for.
    async fn wait_for(&self, id: UploadId) -> anyhow::Result<Upload> {
        let mut pause = Duration::from_millis(30);
        let mut answered = Instant::now();
        loop {
            let request = self
                .client
                .get(format!("{}/api/v1/uploads/{}", self.url, id))
                .timeout(Duration::from_secs(10));
            let unavailable = match self.authorized(request)?.send().await {
                Ok(response) if response.status().is_server_error() => {
                    anyhow!("the answer was {}", response.status())
                }
                Ok(response) => {
                    let upload: Upload = read(response).await?.map_err(problem)?;
                    if upload.state.is_final() {
                        return Ok(upload);
                    }
                    answered = Instant::now();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 5 / 4).min(Duration::from_millis(500));
                    continue;
                }
                Err(error) => anyhow!(error),
            };
            if answered.elapsed() > PATIENCE {
                return Err(unavailable.context(format!("{} does not answer", self.url)));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// As functions/auth makes them; for one request.
fn access_token(settings: &Settings, user: UserId) -> anyhow::Result<String> {
    let origin = settings.public_origin()?;
    let now = jiff::Timestamp::now().as_second();
    let claims = AccessClaims {
        iss: origin.clone(),
        aud: origin,
        sub: user,
        iat: now,
        exp: now + 60,
    };
    let header = Header {
        kid: Some(settings.required("GRIDKEEP_SIGNING_KID")?.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let key = EncodingKey::from_ed_pem(settings.required("GRIDKEEP_SIGNING_KEY")?.as_bytes())?;
    Ok(jsonwebtoken::encode(&header, &claims, &key)?)
}

/// The answer, or the problem it is.
async fn read<T: DeserializeOwned>(response: Response) -> anyhow::Result<Result<T, Problem>> {
    let status = response.status();
    let body = response.bytes().await?;
    if status.is_success() {
        return Ok(Ok(
            serde_json::from_slice(&body).context("the answer cannot be read")?
        ));
    }
    match serde_json::from_slice(&body) {
        Ok(problem) => Ok(Err(problem)),
        Err(_) => bail!("the answer was {status}"),
    }
}

fn problem(problem: Problem) -> anyhow::Error {
    let id = problem
        .request_id
        .map(|id| format!(" (request {id})"))
        .unwrap_or_default();
    anyhow!("{}: {}{id}", problem.title, problem.detail)
}

fn mode(args: &UploadArgs) -> anyhow::Result<Mode> {
    match (&args.mode, &args.dataset) {
        (Some(mode), _) => serde_json::from_value(mode.as_str().into())
            .map_err(|_| anyhow!("{mode} is no mode: new, append, upsert, replace or sync")),
        (None, Some(_)) => Ok(Mode::Append),
        (None, None) => Ok(Mode::New),
    }
}

fn name_of(path: &Path) -> anyhow::Result<String> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
        .with_context(|| format!("{} has no name that can be sent", path.display()))
}

fn stem_of(name: &str) -> String {
    Path::new(name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(name)
        .to_owned()
}

fn report(upload: &Upload, json: bool) -> anyhow::Result<u8> {
    let file = match &upload.table {
        Some(table) => format!("{} ({table})", upload.file_name),
        None => upload.file_name.clone(),
    };
    let (UploadState::Published, Some(receipt)) = (&upload.state, &upload.receipt) else {
        let reason = upload.problem.as_ref().map_or_else(
            || format!("it was {:?}", upload.state).to_lowercase(),
            |problem| format!("{}: {}", problem.title, problem.detail),
        );
        writeln!(
            std::io::stderr(),
            "gridkeep: {file} was not imported: {reason}"
        )?;
        return Ok(FAILED);
    };
    if !json {
        print(format_args!(
            "{file} published as version {} of {} ({})",
            upload.version.unwrap_or_default(),
            upload.dataset_name,
            upload.dataset_id,
        ))?;
        let sums = [
            ("inserted", receipt.inserted),
            ("updated", receipt.updated),
            ("unchanged", receipt.unchanged),
            ("superseded", receipt.superseded),
            ("quarantined", receipt.quarantined),
        ];
        let parts: Vec<String> = sums
            .iter()
            .filter(|(name, n)| *n != 0 || *name == "quarantined")
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        let mark = if receipt.balances() {
            "balances"
        } else {
            "DOES NOT BALANCE"
        };
        print(format_args!(
            "{} rows read = {}: {mark}",
            receipt.rows_read,
            parts.join(" + ")
        ))?;
        for (code, n) in &receipt.warnings {
            print(format_args!("warning {code}: {n}"))?;
        }
    }
    let is_notable =
        receipt.quarantined > 0 || receipt.warnings.values().any(|n| *n > 0) || !receipt.balances();
    Ok(if is_notable { NOTABLE } else { 0 })
}
