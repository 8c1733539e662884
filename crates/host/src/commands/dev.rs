//! `dev`: the stack in the foreground. The servers run as for `up`, the roles in this process, the page behind the same origin
//! from Vite with hot reload. Ctrl-C ends all of it.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use url::Url;

use super::print;
use crate::{
    serve::{Serving, page::Pages},
    servers::{home, on_path},
    stack::{
        Role, down,
        folder::Folder,
        process::{Running, Spec},
        published::Published,
        settings,
        state::{PUBLIC, State, is_free},
        up::{self, Mode, Options, STOPS_WITHIN, wait_until},
    },
};

pub(super) async fn dev(data: &Path, port: Option<u16>) -> anyhow::Result<u8> {
    let folder = Folder::make(data)?;
    let ended = run(&folder, port).await;
    down::down(&folder).await?;
    ended.map(|()| 0)
}

async fn run(folder: &Folder, port: Option<u16>) -> anyhow::Result<()> {
    let options = Options {
        port,
        mode: Mode::Servers,
        tuned: settings::tuned_by_environment(),
        program: std::env::current_exe()?,
    };
    let published = up::up(folder, &options).await?;
    let mut state = State::open(folder)?;
    let public = state.port(PUBLIC)?;
    if !is_free(public) {
        bail!(
            "port {public} is taken by another program: choose another one, such as GRIDKEEP_PORT={}",
            public + 1
        );
    }
    let vite_port = state.port("vite")?;
    state.save(folder)?;
    let vite = start_vite(folder, vite_port).await?;
    let pages = Pages::Vite(Url::parse(&format!("http://127.0.0.1:{vite_port}"))?);
    let serving = Serving::start(Role::All, &settings::read(folder)?, pages).await?;
    if let Some(here) = Running::of(Role::All.name(), std::process::id(), String::new()) {
        here.write(folder)?;
        Published::write(published, folder)?;
        print(format_args!(
            "Gridkeep runs at {} (Ctrl-C stops it); logs in {}",
            state.public_url(),
            folder.logs().display()
        ))?;
        serving.until_stopped().await;
        // `down` ends what is written down, and that must not be us.
        here.forget(folder);
    }
    vite.stop(Signal::TERM, STOPS_WITHIN).await;
    Ok(())
}

async fn start_vite(folder: &Folder, port: u16) -> anyhow::Result<Running> {
    let web = home().join("web");
    let vite = web.join("node_modules/vite/bin/vite.js");
    if fs::metadata(&vite).is_err() {
        bail!("the page's packages are not installed; `make install` installs them");
    }
    let node = on_path("node").next().context("node is not installed")?;
    let mut spec = Spec::new("vite", node, &web);
    spec.args = vec![
        vite.into(),
        "--host".into(),
        "127.0.0.1".into(),
        "--port".into(),
        port.to_string().into(),
        "--strictPort".into(),
    ];
    let running = spec.spawn(folder)?;
    wait_until(folder, &running, &format!("http://127.0.0.1:{port}/")).await?;
    Ok(running)
}
