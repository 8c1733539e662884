//! `down`: the roles first, so that they can finish what they hold, then the servers. Nothing of the stack is left running.

use std::{fs, time::Duration};

use anyhow::Context as _;
use futures::future::join_all;
use rustix::process::Signal;

use super::{
    Role,
    folder::Folder,
    process::{self, Running},
    up::STOPS_WITHIN,
};
use crate::servers::{Server, postgres};

/// Ends the stack of the folder, however much of it still runs.
///
/// # Errors
/// When the folder cannot be written to.
pub async fn down(folder: &Folder) -> anyhow::Result<()> {
    let _lock = folder.lock()?;
    end(folder).await;
    Ok(())
}

/// Ends the stack and removes its data.
///
/// # Errors
/// When something cannot be removed.
pub async fn remove(folder: &Folder) -> anyhow::Result<()> {
    let _lock = folder.lock()?;
    end(folder).await;
    for path in [postgres::outside(folder), folder.path().to_owned()] {
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

async fn end(folder: &Folder) {
    let is_role = |running: &Running| Role::EVERY.iter().any(|role| role.name() == running.name);
    let (roles, servers): (Vec<_>, Vec<_>) = Running::all(folder).into_iter().partition(is_role);
    for group in [roles, servers] {
        join_all(group.iter().map(|running| stop(folder, running))).await;
    }
    for pid in process::marked(folder.path()) {
        if let Some(stray) = Running::of("stray", pid, String::new()) {
            stray.stop(Signal::TERM, Duration::from_secs(2)).await;
        }
    }
    let _gone = fs::remove_file(folder.stack_json());
}

async fn stop(folder: &Folder, running: &Running) {
    // PostgreSQL takes TERM for "when everybody has left", INT for "now, in order".
    let signal = if running.name == Server::Postgres.name() {
        Signal::INT
    } else {
        Signal::TERM
    };
    running.stop(signal, STOPS_WITHIN).await;
    running.forget(folder);
}
