//! A file's bytes to where the answer to an upload said: in one piece, or in parts, several at a time. A part that does not arrive is sent
//! again, by a new link. Next: `upload` waits for what becomes of it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use contracts::{
    UploadId,
    upload::{
        Checksum, CompleteUpload, CreatedUpload, Link, PART_BYTES, PartLink, PartLinks, SendTo,
        SentPart, Upload,
    },
};
use futures::TryStreamExt as _;
use reqwest::{Client, RequestBuilder, Response};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;

use super::upload::Api;

const AT_ONCE: usize = 4;
/// All parts are tried so often, each time only those that are not there.
const ROUNDS: u32 = 6;
const PIECE_BYTES: usize = 256 * 1024;

/// Sends all of the file.
pub(super) async fn send(
    api: &Api,
    created: CreatedUpload,
    path: &Path,
    bytes: u64,
) -> anyhow::Result<()> {
    match created.to {
        SendTo::Whole(link) => send_whole(&api.client, &link, path, bytes).await,
        SendTo::Parts(links) => send_parts(api, created.id, links, path).await,
    }
}

async fn send_whole(client: &Client, link: &Link, path: &Path, bytes: u64) -> anyhow::Result<()> {
    let request = client
        .request(link.method.parse()?, &link.url)
        .body(piece(path, 0, bytes).await?);
    taken(with_headers(request, &link.headers, bytes)).await?;
    Ok(())
}

async fn send_parts(
    api: &Api,
    id: UploadId,
    mut links: PartLinks,
    path: &Path,
) -> anyhow::Result<()> {
    let mut round = 1;
    while let Err(error) = send_missing(&api.client, &mut links, path).await {
        if round == ROUNDS {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_secs(1 << round)).await;
        links = api.get(&format!("/api/v1/uploads/{id}/parts")).await?;
        round += 1;
    }
    let part = |part: PartLink| SentPart {
        number: part.number,
        etag: part.etag.unwrap_or_default(),
    };
    let all = CompleteUpload {
        parts: links.parts.into_iter().map(part).collect(),
    };
    let _upload: Upload = api
        .post(&format!("/api/v1/uploads/{id}/complete"), &all)
        .await?;
    Ok(())
}

/// Stops at the first part that fails; those on their way may still arrive.
async fn send_missing(client: &Client, links: &mut PartLinks, path: &Path) -> anyhow::Result<()> {
    let part_bytes = links.part_bytes;
    let missing = links.parts.iter_mut().filter(|part| part.etag.is_none());
    futures::stream::iter(missing.map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |part: &mut PartLink| {
            part.etag = Some(send_part(client, part, path, part_bytes).await?);
            anyhow::Ok(())
        })
        .await
}

async fn send_part(
    client: &Client,
    part: &PartLink,
    path: &Path,
    part_bytes: u64,
) -> anyhow::Result<String> {
    let from = u64::from(part.number.saturating_sub(1)) * part_bytes;
    let request = client
        .put(&part.url)
        .body(piece(path, from, part.bytes).await?);
    let answer = taken(with_headers(request, &part.headers, part.bytes)).await?;
    let etag = answer.headers().get("etag");
    Ok(etag
        .context("the storage answered without an ETag")?
        .to_str()?
        .to_owned())
}

/// A stretch of the file, as a body.
async fn piece(path: &Path, from: u64, bytes: u64) -> anyhow::Result<reqwest::Body> {
    let mut file = File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(from)).await?;
    let stream = ReaderStream::with_capacity(file.take(bytes), PIECE_BYTES);
    Ok(reqwest::Body::wrap_stream(stream))
}

fn with_headers(
    mut request: RequestBuilder,
    headers: &BTreeMap<String, String>,
    bytes: u64,
) -> RequestBuilder {
    request = request.header("content-length", bytes);
    for (name, value) in headers {
        if !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length") {
            request = request.header(name, value);
        }
    }
    request
}

async fn taken(request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.send().await.context("the file could not be sent")?;
    let status = response.status();
    if !status.is_success() {
        bail!(
            "the file could not be sent: {status} {}",
            response.text().await.unwrap_or_default()
        );
    }
    Ok(response)
}

/// Its length and its SHA-256, which the links will demand: of the whole, or of each part of a large file.
pub(super) async fn measure(path: &Path) -> anyhow::Result<(u64, Checksum)> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).await.with_context(cannot)?;
    let mut sums = Vec::new();
    let mut bytes = 0;
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let mut part = (&mut file).take(PART_BYTES);
        let mut hash = Sha256::new();
        let before = bytes;
        loop {
            let read = part.read(&mut buffer).await.with_context(cannot)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hash.update(piece);
            bytes += u64::try_from(read)?;
        }
        // An empty file has a checksum too; nothing behind the last part has none.
        if bytes == before && bytes > 0 {
            break;
        }
        let digest = hash.finalize();
        sums.push(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        if bytes == before {
            break;
        }
    }
    let checksum = match <[String; 1]>::try_from(sums) {
        Ok([sha256]) => Checksum::Whole { sha256 },
        Err(sha256) => Checksum::Parts {
            part_bytes: PART_BYTES,
            sha256,
        },
    };
    Ok((bytes, checksum))
}
