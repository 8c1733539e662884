//! `up`, `down` and the hidden `reap`. Next: `crate::stack::up`.

use std::{io::Read as _, path::Path};

use super::print;
use crate::{
    cli::UpArgs,
    stack::{
        down,
        folder::Folder,
        settings,
        up::{self, Mode, Options},
    },
};

pub(super) async fn up(data: &Path, args: &UpArgs) -> anyhow::Result<u8> {
    let folder = Folder::make(data)?;
    let mode = match (args.split, args.servers) {
        (true, _) => Mode::Split,
        (false, true) => Mode::Servers,
        (false, false) => Mode::One,
    };
    let options = Options {
        port: args.port,
        mode,
        tuned: settings::tuned_by_environment(),
        program: std::env::current_exe()?,
    };
    let published = up::up(&folder, &options).await?;
    print(format_args!("Gridkeep is up at {}", published.url))?;
    Ok(0)
}

pub(super) async fn down(folder: &Folder, delete_data: bool) -> anyhow::Result<u8> {
    // What is not there is down.
    if folder.path().exists() {
        if delete_data {
            down::remove(folder).await?;
        } else {
            down::down(folder).await?;
        }
    }
    Ok(0)
}

/// Ends the stack when whoever holds the other end of standard input is gone, in whatever way.
pub(super) async fn reap(folder: &Folder) -> anyhow::Result<u8> {
    tokio::task::spawn_blocking(|| {
        let mut rest = Vec::new();
        std::io::stdin().read_to_end(&mut rest)
    })
    .await??;
    down(folder, true).await
}
