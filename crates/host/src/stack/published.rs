//! `stack.json`: what an outsider may know of a running stack. There while it runs, gone after `down`.

use std::{collections::BTreeMap, fs, fs::File, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{
    folder::{Folder, write_whole},
    process::Running,
    state::{S3, State},
};
use crate::servers::{mongo, nats, oidc, postgres, redis};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    pub url: String,
    pub s3_url: String,
    pub issuer: String,
    pub pg_url: String,
    pub nats_url: String,
    pub redis_url: String,
    pub mongo_url: String,
    pub log_dir: PathBuf,
    /// Where PostgreSQL's cluster lies: not always in the data folder.
    pub pg_cluster: PathBuf,
    /// By role or server.
    pub pids: BTreeMap<String, u32>,
}

impl Published {
    /// # Errors
    /// When the cluster's place cannot be told.
    pub fn of(folder: &Folder, state: &State) -> anyhow::Result<Self> {
        Ok(Self {
            url: state.public_url(),
            s3_url: format!(
                "http://127.0.0.1:{}",
                state.ports.get(S3).copied().unwrap_or_default()
            ),
            issuer: oidc::issuer(state),
            pg_url: postgres::url(state, "gridkeep"),
            nats_url: nats::url(state),
            redis_url: redis::url(state),
            mongo_url: mongo::url(state),
            log_dir: folder.logs(),
            pg_cluster: postgres::place(folder, postgres::user()?)?,
            pids: BTreeMap::new(),
        })
    }

    /// The stack that runs in the folder.
    ///
    /// # Errors
    /// When none does.
    pub fn read(folder: &Folder) -> anyhow::Result<Self> {
        let path = folder.stack_json();
        let bytes = fs::read(&path).with_context(|| {
            format!(
                "no stack runs in {}: start it with `make up`",
                folder.path().display()
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Writes it, with what runs at this moment.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(mut self, folder: &Folder) -> anyhow::Result<Self> {
        let _lock = lock(folder)?;
        self.save(folder)?;
        Ok(self)
    }

    fn save(&mut self, folder: &Folder) -> anyhow::Result<()> {
        self.pids = Running::all(folder)
            .into_iter()
            .filter(Running::is_alive)
            .map(|running| (running.name, running.pid))
            .collect();
        write_whole(
            &folder.stack_json(),
            &serde_json::to_vec_pretty(&self)?,
            true,
        )
    }
}

/// Brings the pids up to date: a role was started by hand.
///
/// # Errors
/// When the folder cannot be written to.
pub fn refresh(folder: &Folder) -> anyhow::Result<()> {
    let _lock = lock(folder)?;
    match Published::read(folder) {
        Ok(mut published) => published.save(folder),
        // `up` has not come that far; it writes them itself.
        Err(_) => Ok(()),
    }
}

/// Two roles may be started at once.
fn lock(folder: &Folder) -> anyhow::Result<File> {
    let file = File::create(folder.run().join("published.lock"))?;
    file.lock()?;
    Ok(file)
}
