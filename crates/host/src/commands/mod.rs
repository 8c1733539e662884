//! What each command does. An outcome is an exit code: 0 done, 1 done with something to look at, 2 failed.

mod stack;

use std::io::{self, Write as _};

use crate::{
    cli::{Cli, Command},
    stack::folder::Folder,
};

/// Exit code of a command that failed.
const FAILED: u8 = 2;

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
        _ => anyhow::bail!("not yet"),
    }
}

/// Prints a line to standard output; a closed pipe is a failure of the command.
fn print(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}
