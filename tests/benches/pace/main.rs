//! `make bench`: each thing beside its anchor in the same run, alternating, medians. Release build, every role a process of its own, client side.
//! Prints a table and writes docs/bench/pace.json. Nothing here fails on a slow machine.
//!
//! [`reading`] is a file read and typed without a server, [`import`] one on its way in, [`pages`] reading tables, [`editing`] changing them
//! and what it leaves behind; [`tools`] are the anchors. Arguments name the ones to run; then nothing is written.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod editing;
mod import;
mod pages;
mod reading;
mod tools;

use std::{fs, path::Path, process::Command};

use anyhow::ensure;
use serde_json::{Value, json};
use testkit::{Mode, Stack};

use tools::{BIN, cpu, output, peak_mb};

const ROUNDS: usize = 5;

/// One thing that was measured.
struct Line {
    what: &'static str,
    unit: &'static str,
    ours: f64,
    anchor: f64,
    anchor_is: &'static str,
    target: &'static str,
}

impl Line {
    fn json(&self) -> Value {
        let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
        json!({
            "what": self.what, "unit": self.unit, "ours": round(self.ours), "anchor": round(self.anchor), "anchor_is": self.anchor_is,
            "ratio": round(self.ours / self.anchor), "target": self.target,
        })
    }
}

fn main() -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("data/flights.csv");
    ensure!(
        file.exists(),
        "tests/data/flights.csv is missing: run tests/fetch-flights.sh"
    );
    let picked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let wanted = |part: &str| picked.is_empty() || picked.iter().any(|name| name == part);
    let mut lines = Vec::new();
    if wanted("reading") {
        lines.extend(reading::beside_readers(&file)?);
    }
    if ["import", "tables", "million"].into_iter().any(wanted) {
        lines.extend(on_a_stack(&file, wanted).await?);
    }

    println!(
        "{:<52} {:>10} {:>10} {:>8}  {:<12} anchor",
        "what", "ours", "anchor", "ratio", "target"
    );
    for line in &lines {
        println!(
            "{:<52} {:>10.2} {:>10.2} {:>8.2}  {:<12} {}",
            format!("{} ({})", line.what, line.unit),
            line.ours,
            line.anchor,
            line.ours / line.anchor,
            line.target,
            line.anchor_is
        );
    }
    if !picked.is_empty() {
        return Ok(());
    }
    let result = json!({
        "machine": {
            "cores": std::thread::available_parallelism()?.get(),
            "cpu": cpu(),
            "postgres": output(Command::new(format!("{BIN}/postgres")).arg("--version"))?.trim(),
        },
        "file": { "name": "flights.csv", "bytes": fs::metadata(&file)?.len(), "rows": 336_776, "columns": 19 },
        "measured": lines.iter().map(Line::json).collect::<Vec<_>>(),
    });
    let folder = root.join("../docs/bench");
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("pace.json"),
        serde_json::to_string_pretty(&result)? + "\n",
    )?;
    Ok(())
}

async fn on_a_stack(file: &Path, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Line>> {
    let stack = Stack::start(Mode::Split, &[]).await?;
    let ada = stack.user("ada@example.com")?;
    let (mut lines, dataset) = import::beside_copy(&stack, &ada, file).await?;
    if wanted("tables") {
        lines.extend(pages::beside_pgbench(&stack, &ada, &dataset).await?);
        lines.extend(pages::of_a_widget(&stack, &ada, &dataset).await?);
        lines.extend(editing::beside_sql(&stack, &ada, &dataset).await?);
        lines.extend(editing::hundred_versions(&stack, &ada, file).await?);
    }
    if wanted("million") {
        // The last: it makes the plain table anew.
        lines.extend(import::a_million_rows(&stack, &ada, file).await?);
    }
    for (role, what) in [
        ("etl", "etl, peak memory"),
        ("consumer", "consumer, peak memory"),
    ] {
        lines.push(Line {
            what,
            unit: "MB",
            ours: peak_mb(stack.pid(role)?)?,
            anchor: 128.0,
            anchor_is: "the limit",
            target: "<= 1 x",
        });
    }
    Ok(lines)
}
