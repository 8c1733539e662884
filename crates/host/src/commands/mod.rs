//! What each command does. An outcome is an exit code: 0 done, 1 done with something to look at, 2 failed.

mod dev;
mod inspect;
mod send;
mod serve;
mod stack;
mod token;
mod upload;

use std::io::{self, Write as _};

use crate::{
    cli::{Cli, Command},
    stack::{folder::Folder, up::prepare_stores},
};

/// Exit code of a command that failed.
const FAILED: u8 = 2;
/// Exit code of an import with warnings or quarantined rows.
const NOTABLE: u8 = 1;

/// Runs the command and says on standard error why it failed.
pub async fn run(cli: Cli) -> u8 {
    platform::telemetry::init(std::env::var_os("GRIDKEEP_LOG_JSON").is_some());
    match dispatch(cli).await {
        Ok(code) => code,
        Err(error) => {
            // One line per cause, the outermost first; nobody reads what cannot be printed.
            let _unread = writeln!(io::stderr(), "gridkeep: {error:#}");
            FAILED
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<u8> {
    let at = || Folder::at(&cli.data);
    match cli.command {
        Command::Up(args) => stack::up(&cli.data, &args).await,
        Command::Down { delete_data } => stack::down(&at()?, delete_data).await,
        Command::Dev { port } => dev::dev(&cli.data, port).await,
        Command::Serve { role } => serve::serve(&at()?, role).await,
        Command::Token { user, create } => token::token(&at()?, &user, create).await,
        Command::Upload(args) => upload::upload(&at()?, &args).await,
        Command::Inspect(args) => {
            tokio::task::spawn_blocking(move || inspect::inspect(&args)).await?
        }
        Command::Migrate => {
            prepare_stores(&at()?).await?;
            Ok(0)
        }
        Command::Openapi => {
            print(crate::openapi::openapi().to_pretty_json()?)?;
            Ok(0)
        }
        Command::Reap => stack::reap(&at()?).await,
    }
}

/// Prints a line to standard output; a closed pipe is a failure of the command.
fn print(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}
