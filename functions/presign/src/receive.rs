//! `POST /hooks/{id}`: a signed message is a file, or says where one is ([`crate::fetch`]). Its bytes go into the bucket under an upload
//! of their own, and from there every file goes the same way. The same message again answers with the same upload.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use axum::{
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::HeaderMap,
};
use bytes::Bytes;
use contracts::{
    Code, HookId, Problem, UploadId,
    hook::HookAccepted,
    names::NAME_CHARS_MAX,
    upload::{Confirm, Target, UploadState},
};
use http::{StatusCode, header};
use platform::http::{Json, Path, openapi::Problems};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP, Webhook, WebhookError};
use store::{NewDelivery, NewImport, StoredHook};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::{App, Deps},
    error::Error,
    fetch::Fetched,
    link::{CONTENT_TYPE, object_key},
};

/// API Gateway takes 6 MB through Lambda.
const BODY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// The sender tries again until it hears of success; this only bounds what it gave up on.
const EXPIRES_IN: Duration = Duration::from_secs(24 * 3_600);
/// Against what nobody has the key of: a hook that is not there answers as one with another key.
const NOBODYS_KEY: &[u8] = &[0; 32];

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(receive_message))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Send rows to a hook
///
/// Signed by the hook's key as <https://www.standardwebhooks.com> says: `webhook-id`, `webhook-timestamp` (at most five minutes off) and
/// `webhook-signature`. The body is a file, UTF-8 and at most 5 MiB, of the kind that Content-Type says: `text/csv`,
/// `text/tab-separated-values`, `text/plain`, `application/x-ndjson` or `application/json`. JSON of the form `{"url": "https://…"}` is the place of a
/// file, which is fetched. The same `webhook-id` again answers with the same upload.
#[utoipa::path(post, path = "/api/v1/hooks/{id}", tag = "doors",
    params(("id" = HookId, Path, description = "The hook."),
        ("webhook-id" = String, Header, description = "The sender's own id of the message."),
        ("webhook-timestamp" = i64, Header, description = "Seconds since 1970."),
        ("webhook-signature" = String, Header, description = "`v1,` and base64 of the HMAC-SHA256; several with blanks between them.")),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 202, description = "It is being imported.", body = HookAccepted),
        (status = 409, description = "The hook is paused, or the id was used for another message."), Problems))]
async fn receive_message(
    State(deps): State<Arc<Deps>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<HookAccepted>), Error> {
    let body = body.map_err(unreadable)?;
    let hook = match id.parse() {
        Ok(id) => deps.store.hook(id).await?,
        Err(_) => None,
    };
    verify(hook.as_ref(), &headers, &body)?;
    // Nobody can sign for a hook that is not there.
    let hook = hook.ok_or_else(not_signed)?;
    if hook.paused {
        let detail = "This hook is paused and takes nothing. Send the message again later.";
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let message = message_id(&headers)?;
    let upload_id = take(&deps, &hook, message, &headers, body).await?;
    Ok((StatusCode::ACCEPTED, Json(HookAccepted { upload_id })))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!(
            "A message has at most {BODY_BYTES_MAX} bytes. Send {{\"url\": \"https://…\"}} for a larger file, or upload it."
        );
        return Problem::new(Code::TooLarge, detail);
    }
    Problem::new(
        Code::Validation,
        "The body broke off before its end. Send it again.",
    )
}

fn not_signed() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "There is no such hook, or the signature is not one of its key over this id, this time and this body.",
    )
    .at(standardwebhooks::HEADER_WEBHOOK_SIGNATURE)
}

/// Any of the keys that are good at this moment may have signed.
fn verify(hook: Option<&StoredHook>, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let time = headers
        .get(HEADER_WEBHOOK_TIMESTAMP)
        .map(http::HeaderValue::as_bytes);
    // The library subtracts without looking.
    if time.is_some_and(|at| at.len() > 11 || !at.iter().all(u8::is_ascii_digit)) {
        return Err(refusal(&WebhookError::InvalidTimestamp));
    }
    let keys = hook.map_or_else(
        || vec![Webhook::from_bytes(NOBODYS_KEY.to_vec())],
        |hook| hook.secrets.iter().map(|key| Webhook::new(key)).collect(),
    );
    let mut refused = not_signed();
    for key in keys {
        match key.and_then(|key| key.verify(body, headers)) {
            Ok(()) if hook.is_some() => return Ok(()),
            Ok(()) => {}
            Err(error) => refused = refusal(&error),
        }
    }
    Err(refused)
}

fn refusal(error: &WebhookError) -> Problem {
    let invalid = |at: &str, detail: &str| Problem::new(Code::Validation, detail).at(at);
    match error {
        WebhookError::MissingHeader(name) | WebhookError::InvalidHeader(name) => invalid(
            &format!("webhook-{name}"),
            "A message carries webhook-id, webhook-timestamp and webhook-signature.",
        ),
        WebhookError::InvalidTimestamp => invalid(
            HEADER_WEBHOOK_TIMESTAMP,
            "The time is a number of seconds since 1970.",
        ),
        WebhookError::TimestampTooOldError | WebhookError::FutureTimestampError => invalid(
            HEADER_WEBHOOK_TIMESTAMP,
            "The time is more than five minutes off. Sign the message anew when it is sent again, and set the sender's clock.",
        ),
        WebhookError::InvalidPayload => invalid(
            header::CONTENT_TYPE.as_str(),
            "A signed body is UTF-8, and this one is not. Encode it so, or send {\"url\": \"https://…\"} for the file.",
        ),
        WebhookError::InvalidSignature | WebhookError::InvalidSecret(_) => not_signed(),
    }
}

fn message_id(headers: &HeaderMap) -> Result<&str, Problem> {
    headers
        .get(HEADER_WEBHOOK_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= NAME_CHARS_MAX)
        .ok_or_else(|| {
            let detail = "A message's id has 1 to 255 visible ASCII characters.";
            Problem::new(Code::Validation, detail).at(HEADER_WEBHOOK_ID)
        })
}

/// Record first, import second, bytes last: whatever breaks off in between, the sender tries again and it goes on.
async fn take(
    deps: &Deps,
    hook: &StoredHook,
    message: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<UploadId, Error> {
    let fingerprint = Sha256::digest(&body).to_vec();
    if let Some(known) = deps.store.delivery(hook.id, message).await? {
        same(&known.fingerprint, &fingerprint)?;
        let import = deps.store.import(known.upload).await?;
        if import.is_some_and(|import| import.upload.state != UploadState::Created) {
            return Ok(known.upload);
        }
    }
    let owner = deps.store.owner(hook.dataset).await?;
    let owner = owner.ok_or_else(not_signed)?;
    let file = content(deps, message, headers, body).await?;
    let delivery = deps
        .store
        .record_delivery(NewDelivery {
            hook: hook.id,
            message,
            upload: UploadId::generate(),
            fingerprint: &fingerprint,
            bytes: file.bytes.len() as u64,
        })
        .await?;
    same(&delivery.fingerprint, &fingerprint)?;
    let upload = delivery.upload;
    let import = NewImport {
        upload,
        member: owner,
        bytes: file.bytes.len() as u64,
        target: Target::Existing { id: hook.dataset },
        mode: hook.mode,
        key: hook.key.clone(),
        options: hook.options.clone(),
        confirm: Confirm::Auto,
        object_key: object_key(upload, &file.name),
        file_name: file.name,
        expires_in: EXPIRES_IN,
    };
    let import = deps.store.create_import(import).await?;
    deps.s3
        .put_object()
        .bucket(&deps.bucket)
        .key(&import.object_key)
        .content_type(CONTENT_TYPE)
        .body(ByteStream::from(file.bytes))
        .send()
        .await
        .map_err(|e| Error::Storage(e.into()))?;
    tracing::info!(hook.id = %hook.id, upload.id = %upload, "a hook took a message");
    Ok(upload)
}

fn same(known: &[u8], body: &[u8]) -> Result<(), Problem> {
    if known == body {
        return Ok(());
    }
    let detail = "A message with another body was sent under this id before. Give each message an id of its own.";
    Err(Problem::new(Code::Conflict, detail).at(HEADER_WEBHOOK_ID))
}

/// A place in place of the file itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    url: String,
}

async fn content(
    deps: &Deps,
    message: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Fetched, Error> {
    if body.is_empty() {
        let detail = "The message has no body, so there is nothing to import.";
        return Err(Problem::new(Code::EmptyFile, detail).into());
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase());
    let extension = match kind.as_deref() {
        Some("text/csv") => "csv",
        Some("text/tab-separated-values") => "tsv",
        Some("text/plain") => "txt",
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => "ndjson",
        Some("application/json") => {
            if let Ok(envelope) = serde_json::from_slice::<Envelope>(&body) {
                return Ok(deps.fetcher.fetch(&envelope.url).await?);
            }
            "json"
        }
        _ => {
            let detail = "Content-Type says what the body is: text/csv, text/tab-separated-values, text/plain, application/x-ndjson or application/json.";
            return Err(Problem::new(Code::UnsupportedFormat, detail)
                .at(header::CONTENT_TYPE.as_str())
                .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16())
                .into());
        }
    };
    let stem: String = message.chars().take(NAME_CHARS_MAX - 8).collect();
    Ok(Fetched {
        name: format!("{stem}.{extension}"),
        bytes: body,
    })
}
