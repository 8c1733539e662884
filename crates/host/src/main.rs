//! The `gridkeep` command: reads the command line, runs one of `host::commands`, turns its outcome into an exit code.

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};
use host::{cli::Cli, commands};

/// As `sysexits.h` has it; clap's own 2 means "failed" here.
const USAGE: u8 = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Nobody reads what cannot be printed.
            let _unread = error.print();
            return if is_help {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(USAGE)
            };
        }
    };
    ExitCode::from(commands::run(cli).await)
}
