//! The words of the command line. What each command does is in `crate::commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::stack::Role;

/// Spreadsheets to versioned tables, on one machine.
#[derive(Debug, Parser)]
#[command(name = "gridkeep", version, propagate_version = true)]
pub struct Cli {
    /// The stack's data folder.
    #[arg(
        long,
        env = "GRIDKEEP_DATA",
        default_value = ".gridkeep",
        global = true
    )]
    pub data: PathBuf,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the stack in the background, or mend it; data is kept.
    Up(UpArgs),
    /// Stop the stack; data is kept.
    Down {
        /// Remove the data as well.
        #[arg(long)]
        delete_data: bool,
    },
    /// Run the stack in the foreground, the page with hot reload; Ctrl-C stops all of it.
    Dev {
        #[arg(long, env = "GRIDKEEP_PORT")]
        port: Option<u16>,
    },
    /// Run one role, or all of them, in the foreground.
    Serve {
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Print a new API token of a member.
    Token {
        #[arg(long)]
        user: String,
        /// Make the member if there is none of that address.
        #[arg(long)]
        create: bool,
    },
    /// Send a file the whole way and print the receipt.
    Upload(UploadArgs),
    /// Show what would be loaded from a file; needs no server.
    Inspect(InspectArgs),
    /// Bring the schema and the streams up to date.
    Migrate,
    /// Print the OpenAPI document.
    Openapi,
    /// Wait until standard input ends, then stop the stack and remove its folder.
    #[command(hide = true)]
    Reap,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    #[arg(long, env = "GRIDKEEP_PORT")]
    pub port: Option<u16>,
    /// One process for each role.
    #[arg(long)]
    pub split: bool,
    /// The servers alone.
    #[arg(long, conflicts_with = "split", hide = true)]
    pub servers: bool,
}

#[derive(Debug, Args)]
pub struct UploadArgs {
    pub file: PathBuf,
    /// Name of the new dataset; the file's name when not given.
    #[arg(long, conflicts_with = "dataset")]
    pub name: Option<String>,
    /// Id of the dataset that the file goes into.
    #[arg(long)]
    pub dataset: Option<String>,
    /// new, append, upsert, replace or sync.
    #[arg(long)]
    pub mode: Option<String>,
    /// Columns that identify a row.
    #[arg(long, value_delimiter = ',')]
    pub key: Vec<String>,
    /// Print the upload as JSON.
    #[arg(long)]
    pub json: bool,
    #[arg(long, env = "GRIDKEEP_URL", hide = true)]
    pub url: Option<String>,
    #[arg(long, env = "GRIDKEEP_TOKEN", hide = true, hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    pub file: PathBuf,
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    #[arg(long)]
    pub csv: bool,
    /// Read this sheet of a workbook.
    #[arg(long)]
    pub sheet: Option<String>,
    /// Read this file of an archive.
    #[arg(long)]
    pub member: Option<String>,
}
