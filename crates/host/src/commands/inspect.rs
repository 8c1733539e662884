//! `inspect`: what would be loaded from a file, by the very code that etl loads with. Next: `tabular::inspect`.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
};

use anyhow::{Context as _, anyhow};
use contracts::{Problem, plan::Options};
use tabular::{
    FileError,
    inspect::{Outcome, write_csv, write_json},
};

use super::{FAILED, NOTABLE, print};
use crate::cli::InspectArgs;

pub(super) fn inspect(args: &InspectArgs) -> anyhow::Result<u8> {
    let file =
        File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let options = Options::from(&args.reading);
    let out = || BufWriter::with_capacity(256 * 1024, io::stdout().lock());
    let outcome = if args.csv {
        write_csv(file, &options, out())
    } else if args.json {
        write_json(file, &options, out())
    } else {
        let mut json = Vec::new();
        let outcome = write_json(file, &options, &mut json);
        if outcome.is_ok() {
            summary(&json)?;
        }
        outcome
    };
    match outcome {
        Ok(Outcome {
            warnings: 0,
            quarantined: 0,
        }) => Ok(0),
        Ok(_) => Ok(NOTABLE),
        Err(error) => unreadable(error),
    }
}

/// A file that cannot be loaded is said like the import's own problem; anything else (a full disk) as it is.
fn unreadable(error: FileError) -> anyhow::Result<u8> {
    let problem = Problem::from(&error);
    if problem.status >= 500 {
        return Err(anyhow!(error));
    }
    writeln!(
        io::stderr(),
        "gridkeep: {}: {}",
        problem.title,
        problem.detail
    )?;
    Ok(FAILED)
}

fn summary(json: &[u8]) -> anyhow::Result<()> {
    let found: serde_json::Value = serde_json::from_slice(json)?;
    let empty = Vec::new();
    let list = |name: &str| found[name].as_array().unwrap_or(&empty);
    print(format_args!(
        "{} records, {} rows, {} columns",
        found["records"],
        found["rows"],
        list("columns").len()
    ))?;
    print(dialect(&found["dialect"]))?;
    for column in list("columns") {
        let text = |name: &str| column[name].as_str().unwrap_or_default().to_owned();
        let format = column["format"]
            .as_str()
            .map(|format| format!("  as {format}"))
            .unwrap_or_default();
        let null = column["null_token"]
            .as_str()
            .map(|token| format!("  null {token:?}"))
            .unwrap_or_default();
        print(format_args!(
            "  {:<11} {}{format}{null}",
            text("type"),
            text("name")
        ))?;
    }
    for (title, name) in [("warnings", "warnings"), ("quarantined", "quarantine")] {
        let places = list(name);
        if !places.is_empty() {
            print(format_args!("{} {title}", places.len()))?;
        }
        for place in places.iter().take(20) {
            print(format_args!(
                "  line {}: {}",
                place["line"],
                place["message"].as_str().unwrap_or_default()
            ))?;
        }
    }
    Ok(())
}

/// How the file is written, in one line.
fn dialect(dialect: &serde_json::Value) -> String {
    let quote = match &dialect["quote"] {
        serde_json::Value::Null => "no quotes".to_owned(),
        quote => format!("quote {quote}"),
    };
    let mut line = format!(
        "{}, delimiter {}, {quote}, {} header rows",
        dialect["encoding"].as_str().unwrap_or_default(),
        dialect["delimiter"],
        dialect["header_rows"],
    );
    for (name, what) in [("preamble", "above"), ("footer", "under")] {
        if let Some(records @ 1..) = dialect[name].as_u64() {
            line.push_str(&format!(", {records} records {what} the table"));
        }
    }
    let sure = dialect["confidence"].as_f64().unwrap_or(1.0) * 100.0;
    format!("{line} ({sure:.0} % sure)")
}
