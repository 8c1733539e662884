//! The settings that every role of a stack gets: written by `up` to `settings.json`, read by `serve` and by the commands,
//! which let the environment have the last word.

use std::{collections::BTreeMap, fs};

use anyhow::Context as _;
use platform::config::Settings;

use super::{
    Role,
    folder::{Folder, write_whole},
    state::{S3, State},
};
use crate::servers::{home, mongo, nats, oidc, postgres, redis};

/// Settings that may be given in the environment of `up`, or by a test; they are written down, so that a role which is
/// started again gets them too.
pub const TUNABLE: [&str; 13] = [
    "GRIDKEEP_ALLOWED_DOMAINS",
    "GRIDKEEP_ALLOWED_EMAILS",
    "GRIDKEEP_VISIBILITY_SECONDS",
    "GRIDKEEP_INVOCATION_SECONDS",
    "GRIDKEEP_SPOOL_BYTES",
    "GRIDKEEP_UPLOAD_EXPIRY_SECONDS",
    "GRIDKEEP_ROWS_MAX_PER_UPLOAD",
    "GRIDKEEP_ROWS_DEDUP_SECONDS",
    "GRIDKEEP_ACK_WAIT_SECONDS",
    "GRIDKEEP_SESSION_DAYS",
    "GRIDKEEP_REFRESH_OVERLAP_SECONDS",
    "GRIDKEEP_WEB_DIST",
    "RUST_LOG",
];

/// All settings of a stack.
#[must_use]
pub fn of(
    folder: &Folder,
    state: &State,
    tuned: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let public = state.public_url();
    let port = |name: &str| state.ports.get(name).copied().unwrap_or_default();
    let mut settings: BTreeMap<String, String> = [
        (
            "GRIDKEEP_LISTEN",
            format!("127.0.0.1:{}", port(super::state::PUBLIC)),
        ),
        (
            "GRIDKEEP_COOKIE_SUFFIX",
            format!("-{}", port(super::state::PUBLIC)),
        ),
        ("GRIDKEEP_PUBLIC_URL", public),
        ("GRIDKEEP_PG_URL", postgres::url(state, "gridkeep")),
        ("GRIDKEEP_NATS_URL", nats::url(state)),
        ("GRIDKEEP_REDIS_URL", redis::url(state)),
        ("GRIDKEEP_MONGO_URL", mongo::url(state)),
        (
            "GRIDKEEP_S3_ENDPOINT",
            format!("http://127.0.0.1:{}", port(S3)),
        ),
        ("GRIDKEEP_S3_BUCKET", "gridkeep".to_owned()),
        ("GRIDKEEP_S3_ACCESS_KEY", state.s3_access_key.clone()),
        ("GRIDKEEP_S3_SECRET_KEY", state.s3_secret_key.clone()),
        (
            "GRIDKEEP_S3_FOLDER",
            folder.join("s3").display().to_string(),
        ),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("GRIDKEEP_WORK_QUEUE", "jetstream:WORK".to_owned()),
        ("GRIDKEEP_WAKE_QUEUE", "jetstream:WAKE".to_owned()),
        ("GRIDKEEP_OIDC_ISSUER", oidc::issuer(state)),
        ("GRIDKEEP_OIDC_CLIENT_ID", oidc::CLIENT_ID.to_owned()),
        (
            "GRIDKEEP_OIDC_CLIENT_SECRET",
            state.oidc_client_secret.clone(),
        ),
        ("GRIDKEEP_SIGNING_KEY", state.signing_key.clone()),
        ("GRIDKEEP_SIGNING_KID", state.signing_kid.clone()),
        ("GRIDKEEP_JWKS", state.jwks.clone()),
        (
            "GRIDKEEP_WEB_DIST",
            home().join("web/dist").display().to_string(),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for role in Role::BEHIND_FRONT {
        settings.insert(
            role.url_setting(),
            format!("http://127.0.0.1:{}", port(role.name())),
        );
    }
    settings.extend(tuned.clone());
    settings
}

/// What of [`TUNABLE`] the environment has.
#[must_use]
pub fn tuned_by_environment() -> BTreeMap<String, String> {
    TUNABLE
        .iter()
        .filter_map(|name| {
            Some((
                (*name).to_owned(),
                std::env::var(name).ok().filter(|value| !value.is_empty())?,
            ))
        })
        .collect()
}

/// # Errors
/// When the folder cannot be written to.
pub fn write(folder: &Folder, settings: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(settings)?;
    write_whole(&folder.settings_json(), text.as_bytes(), true)?;
    Ok(text)
}

/// The stack's settings, overridden by the environment; the environment's alone where there is no stack (a container).
///
/// # Errors
/// When the file is there but cannot be read.
pub fn read(folder: &Folder) -> anyhow::Result<Settings> {
    let path = folder.settings_json();
    let environment = Settings::from_env();
    match fs::read(&path) {
        Ok(bytes) => {
            let map = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged", path.display()))?;
            Ok(Settings::from_map(map).overridden_by(&environment))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(environment),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
