//! The OpenID provider that stands in Google's place (`crates/host/oidc/server.js`). It is `127.0.0.1` and the app is
//! `localhost`: two sites, as Google's and ours are, so that cookies behave as they will.

use std::fs;

use anyhow::bail;

use super::{Server, get_ok, home, on_path};
use crate::stack::{
    folder::{Folder, write_whole},
    process::Spec,
    state::State,
};

pub const CLIENT_ID: &str = "gridkeep";

/// Sample sign-ins; any other address works as well. The first owns the sample dataset.
pub const PEOPLE: [(&str, &str); 3] = [
    ("ada@example.com", "Ada Lovelace"),
    ("ben@example.com", "Ben Okri"),
    ("carol@example.com", "Carol Shaw"),
];

pub(super) fn prepare(folder: &Folder, state: &State) -> anyhow::Result<Spec> {
    let source = home().join("crates/host/oidc");
    if !source.join("node_modules").is_dir() {
        bail!("the OpenID provider's packages are not installed; `make install` installs them");
    }
    let Some(node) = on_path("node").next() else {
        bail!("node is not installed: Gridkeep needs Node.js 20.19 or newer");
    };
    let people: Vec<_> = PEOPLE
        .map(|(email, name)| serde_json::json!({"email": email, "name": name}))
        .to_vec();
    let config = serde_json::to_string_pretty(&serde_json::json!({
        "issuer": issuer(state),
        "client_id": CLIENT_ID,
        "client_secret": state.oidc_client_secret,
        "redirect_uri": format!("{}/api/v1/auth/callback", state.public_url()),
        "cookie_key": state.oidc_cookie_key,
        "jwks_file": folder.join("oidc-keys.json"),
        "people": people,
    }))?;
    let path = folder.join("oidc.json");
    write_whole(&path, config.as_bytes(), true)?;
    let mut spec = Spec::new("oidc", node, &source);
    spec.args = vec!["server.js".into(), path.into()];
    spec.config = config + &fs::read_to_string(source.join("server.js"))?;
    Ok(spec)
}

pub(super) async fn answers(state: &State) -> anyhow::Result<()> {
    get_ok(&format!("{}/healthz", issuer(state))).await
}

#[must_use]
pub fn issuer(state: &State) -> String {
    format!("http://127.0.0.1:{}", Server::Oidc.port(state))
}
