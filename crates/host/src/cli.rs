//! The words of the command line. What each command does is in `crate::commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use contracts::{
    dataset::ColumnType,
    plan::{Escape, NewColumns, Options, Tables},
};
use serde::de::DeserializeOwned;

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
    /// Where a column of the file goes in the dataset, as often as needed; nowhere when nothing stands behind the `=`.
    #[arg(long = "map", value_name = "FILE_COLUMN=DATASET_COLUMN", value_parser = mapped)]
    pub mapping: Vec<(String, Option<String>)>,
    /// Fail when the file has a column that the dataset does not have.
    #[arg(long)]
    pub refuse_new_columns: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
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
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    #[arg(long)]
    pub csv: bool,
}

/// How a file is to be read; everything left out is found.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading the file")]
pub struct ReadingArgs {
    /// A name of the WHATWG Encoding Standard (`windows-1252`, `shift_jis`, …), `utf-32le` or `utf-32be`.
    #[arg(long)]
    pub encoding: Option<String>,
    /// What stands between two cells; `\t` is a tab.
    #[arg(long, allow_hyphen_values = true)]
    pub delimiter: Option<String>,
    /// The quote mark; `none` when cells are never quoted.
    #[arg(long)]
    pub quote: Option<String>,
    /// How a quote mark stands in a quoted cell: doubled, backslash or none.
    #[arg(long, value_parser = named::<Escape>)]
    pub escape: Option<Escape>,
    /// What comment lines begin with; `none` when there are none.
    #[arg(long)]
    pub comment: Option<String>,
    /// Records above the table.
    #[arg(long)]
    pub preamble: Option<u64>,
    /// Records under the table.
    #[arg(long)]
    pub footer: Option<u64>,
    /// Whether the table's first record names the columns.
    #[arg(long)]
    pub header: Option<bool>,
    /// Records that name the columns together.
    #[arg(long)]
    pub header_rows: Option<u32>,
    /// A column's type, as often as needed; what does not fit is quarantined.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = typed)]
    pub types: Vec<(String, ColumnType)>,
    /// A column's one spelling of null, as often as needed.
    #[arg(long = "null", value_name = "COLUMN=TEXT", value_parser = nulled)]
    pub nulls: Vec<(String, String)>,
    /// Read this sheet of a workbook.
    #[arg(long)]
    pub sheet: Option<String>,
    /// Read this file of an archive.
    #[arg(long)]
    pub member: Option<String>,
    /// Which tables of the file are imported, each by itself: one; each sheet and each file of an archive (each); tables under one
    /// another too (split). `inspect` shows the first and names the others.
    #[arg(long, value_parser = named::<Tables>)]
    pub tables: Option<Tables>,
    /// Records above the table that are another table's.
    #[arg(long)]
    pub after: Option<u64>,
}

impl From<&ReadingArgs> for Options {
    fn from(args: &ReadingArgs) -> Self {
        let mark = |mark: &Option<String>| {
            mark.as_deref().map(|mark| match mark {
                "none" => String::new(),
                mark => mark.to_owned(),
            })
        };
        Self {
            encoding: args.encoding.clone(),
            delimiter: args
                .delimiter
                .as_deref()
                .map(|text| text.replace("\\t", "\t")),
            quote: mark(&args.quote),
            escape: args.escape,
            comment: mark(&args.comment),
            preamble: args.preamble,
            footer: args.footer,
            header: args.header,
            header_rows: args.header_rows,
            types: args.types.iter().cloned().collect(),
            nulls: args.nulls.iter().cloned().collect(),
            sheet: args.sheet.clone(),
            member: args.member.clone(),
            tables: args.tables,
            after: args.after,
            ..Self::default()
        }
    }
}

impl From<&UploadArgs> for Options {
    fn from(args: &UploadArgs) -> Self {
        Self {
            mapping: args.mapping.iter().cloned().collect(),
            new_columns: if args.refuse_new_columns {
                NewColumns::Refuse
            } else {
                NewColumns::Add
            },
            ..Self::from(&args.reading)
        }
    }
}

/// A word of the API.
fn named<T: DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

fn typed(text: &str) -> Result<(String, ColumnType), String> {
    let (column, kind) = text.rsplit_once('=').ok_or("write it as COLUMN=TYPE")?;
    Ok((column.to_owned(), named(kind)?))
}

fn nulled(text: &str) -> Result<(String, String), String> {
    let (column, null) = text.split_once('=').ok_or("write it as COLUMN=TEXT")?;
    Ok((column.to_owned(), null.to_owned()))
}

fn mapped(text: &str) -> Result<(String, Option<String>), String> {
    let (column, to) = text
        .rsplit_once('=')
        .ok_or("write it as FILE_COLUMN=DATASET_COLUMN")?;
    let to = Some(to).filter(|to| !to.is_empty());
    Ok((column.to_owned(), to.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_file_becomes_the_apis_options() {
        let line = "gridkeep inspect FILE --encoding sjis --delimiter \\t --quote none --escape backslash --comment # \
            --preamble 2 --tables split --after 7 --header false --type a=b=int64 --type n=decimal --null n=-";
        let Command::Inspect(args) = Cli::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        else {
            panic!("another command");
        };
        let expected: Options = serde_json::from_value(serde_json::json!({
            "encoding": "sjis", "delimiter": "\t", "quote": "", "escape": "backslash", "comment": "#", "preamble": 2,
            "tables": "split", "after": 7,
            "header": false, "types": {"a=b": "int64", "n": "decimal"}, "nulls": {"n": "-"},
        }))
        .unwrap();
        assert_eq!(Options::from(&args.reading), expected);
        let line =
            "gridkeep upload FILE --map a=b=price --map note= --refuse-new-columns --quote none";
        let Command::Upload(args) = Cli::try_parse_from(line.split_whitespace())
            .unwrap()
            .command
        else {
            panic!("another command");
        };
        let expected: Options = serde_json::from_value(serde_json::json!({
            "quote": "", "mapping": {"a=b": "price", "note": null}, "new_columns": "refuse",
        }))
        .unwrap();
        assert_eq!(Options::from(&args), expected);
        let wrong = ["gridkeep", "upload", "FILE", "--type", "a=number"];
        assert!(Cli::try_parse_from(wrong).is_err());
    }
}
