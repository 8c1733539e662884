//! `make bench`: the import and the page, each beside its anchor in the same run, alternating, medians. Release build, every role a process of its own,
//! client side. Prints a table and writes docs/bench/spine.json. A ratio is ours divided by the anchor's; nothing here fails on a slow machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::upload::UploadState;
use serde_json::{Value, json};
use testkit::{Client, Mode, Stack};

const ROUNDS: usize = 5;
const PAGES: usize = 2_000;
const BIN: &str = "/usr/lib/postgresql/15/bin";

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
    let stack = Stack::start(Mode::Split, &[]).await?;
    let ada = stack.user("ada@example.com")?;
    let pg_url = stack.published()?.pg_url;

    let (imports, dataset) = import_beside_copy(&stack, &ada, &file, &pg_url).await?;
    let memory = json!({
        "etl_peak_mb": peak_mb(stack.pid("etl")?)?,
        "consumer_peak_mb": peak_mb(stack.pid("consumer")?)?,
    });
    let pages = page_beside_pgbench(&ada, &dataset, &pg_url).await?;

    let result = json!({
        "machine": {
            "cores": std::thread::available_parallelism()?.get(),
            "cpu": cpu(),
            "postgres": output(Command::new(format!("{BIN}/postgres")).arg("--version"))?.trim(),
        },
        "file": { "name": "flights.csv", "bytes": fs::metadata(&file)?.len(), "rows": 336_776, "columns": 19 },
        "import": imports,
        "memory": memory,
        "page": pages,
    });
    print_table(&result);
    let folder = root.join("../docs/bench");
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("spine.json"),
        serde_json::to_string_pretty(&result)? + "\n",
    )?;
    Ok(())
}

/// Seconds from the finished PUT (which is when the event is sent) to the version's `published_at`, beside `\copy` of the same file into the same columns.
async fn import_beside_copy(
    stack: &Stack,
    ada: &Client,
    file: &Path,
    pg_url: &str,
) -> anyhow::Result<(Value, String)> {
    let bytes = fs::read(file)?;
    let (mut ours, mut copies) = (Vec::new(), Vec::new());
    let mut last = None;
    for round in 0..=ROUNDS {
        let created = ada
            .create_upload(&testkit::new_dataset(
                &format!("flights {round}"),
                "flights.csv",
                bytes.len() as u64,
            ))
            .await?;
        ensure!(
            ada.put(&created, bytes.clone()).await?.is_success(),
            "the presigned PUT failed"
        );
        let sent = jiff::Timestamp::now();
        let upload = ada.outcome(created.id, Duration::from_secs(300)).await?;
        ensure!(
            upload.state == UploadState::Published,
            "not published: {upload:?}"
        );
        let versions = ada
            .get(&format!("/datasets/{}/versions", upload.dataset_id))
            .await?;
        let published: jiff::Timestamp = versions.body["versions"][0]["published_at"]
            .as_str()
            .context("no published_at")?
            .parse()?;
        let seconds = published.duration_since(sent).as_secs_f64();

        let pool = stack.pg().await?;
        let no: i64 = sqlx::query_scalar("select no from gk.dataset where id = $1")
            .bind(upload.dataset_id.to_string())
            .fetch_one(&pool)
            .await?;
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
             where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attname not in ('row_id', 'born') order by attnum",
        )
        .bind(format!("data.d_{no}"))
        .fetch_all(&pool)
        .await?;
        let definitions: Vec<String> = columns
            .iter()
            .map(|(name, kind)| format!("{name} {kind}"))
            .collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        psql(
            pg_url,
            &format!(
                "drop table if exists plain; create table plain (row_id bigint generated always as identity primary key, {})",
                definitions.join(", ")
            ),
        )?;
        let begin = Instant::now();
        psql(
            pg_url,
            &format!(
                "\\copy plain ({}) from '{}' with (format csv, header, null 'NA')",
                names.join(", "),
                file.display()
            ),
        )?;
        // The first round warms both and is not counted.
        if round > 0 {
            copies.push(begin.elapsed().as_secs_f64());
            ours.push(seconds);
        }
        last = Some(upload.dataset_id.to_string());
    }
    psql(pg_url, "vacuum analyze plain")?;
    let (ours, copy) = (median(&mut ours), median(&mut copies));
    Ok((
        json!({ "seconds": ours, "copy_seconds": copy, "ratio": ours / copy, "target": 3.0 }),
        last.context("no round ran")?,
    ))
}

/// Pages of 100 rows by key: p50 with one client, pages a second with 16, beside the same SQL in `pgbench -M prepared`.
async fn page_beside_pgbench(ada: &Client, dataset: &str, pg_url: &str) -> anyhow::Result<Value> {
    let script = tempfile::NamedTempFile::new()?;
    fs::write(
        script.path(),
        "\\set r random(1, 336000)\nselect * from plain where row_id > :r order by row_id limit 100;\n",
    )?;
    let (mut ours, mut anchor) = (Vec::new(), Vec::new());
    let (mut ours_16, mut anchor_16) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut times = walk(ada, dataset, PAGES).await?;
        ours.push(median(&mut times));
        anchor.push(1_000.0 / pgbench(pg_url, script.path(), 1)?);
        let begin = Instant::now();
        futures::future::try_join_all((0..16).map(|_| walk(ada, dataset, PAGES / 8))).await?;
        ours_16.push((16 * (PAGES / 8)) as f64 / begin.elapsed().as_secs_f64());
        anchor_16.push(pgbench(pg_url, script.path(), 16)?);
    }
    let (p50, pgbench_ms) = (median(&mut ours), median(&mut anchor));
    let (tps, pgbench_tps) = (median(&mut ours_16), median(&mut anchor_16));
    Ok(json!({
        "p50_ms": p50, "pgbench_ms": pgbench_ms, "over_ms": p50 - pgbench_ms, "target_over_ms": 1.0,
        "tps_16": tps, "pgbench_tps_16": pgbench_tps, "ratio_16": tps / pgbench_tps, "target_ratio_16": 0.5,
    }))
}

/// Milliseconds of each page of a walk by `next`.
async fn walk(ada: &Client, dataset: &str, pages: usize) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::with_capacity(pages);
    let first = format!("/datasets/{dataset}/rows?limit=100");
    let mut path = first.clone();
    for _ in 0..pages {
        let begin = Instant::now();
        let answer = ada.get(&path).await?;
        times.push(begin.elapsed().as_secs_f64() * 1_000.0);
        ensure!(
            answer.status == 200,
            "a page answered {} {}",
            answer.status,
            answer.body
        );
        path = answer.body["next"]
            .as_str()
            .map_or_else(|| first.clone(), |next| format!("{first}&cursor={next}"));
    }
    Ok(times)
}

/// Transactions a second.
fn pgbench(pg_url: &str, script: &Path, clients: u32) -> anyhow::Result<f64> {
    let text = output(
        Command::new(format!("{BIN}/pgbench"))
            .args([
                "-n",
                "-M",
                "prepared",
                "-T",
                "3",
                "-c",
                &clients.to_string(),
                "-j",
                "2",
                "-f",
            ])
            .arg(script)
            .arg(pg_url),
    )?;
    let tps = text
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .context("pgbench printed no tps")?;
    Ok(tps
        .split_whitespace()
        .next()
        .context("an empty tps")?
        .parse()?)
}

fn psql(pg_url: &str, command: &str) -> anyhow::Result<String> {
    output(Command::new("psql").args([
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        pg_url,
        "-c",
        command,
    ]))
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn peak_mb(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status")))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or_else(String::new, |rest| {
            rest.trim_start_matches([' ', '\t', ':']).to_owned()
        })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print_table(result: &Value) {
    let number = |pointer: &str| {
        result
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    println!(
        "{:<44} {:>10} {:>10} {:>9}  target",
        "what", "ours", "anchor", "ratio"
    );
    for (what, ours, anchor, ratio, target) in [
        (
            "S3 event to published, s (psql \\copy)",
            number("/import/seconds"),
            number("/import/copy_seconds"),
            number("/import/ratio"),
            "<= 3",
        ),
        (
            "page of 100, 1 client, p50 ms (pgbench)",
            number("/page/p50_ms"),
            number("/page/pgbench_ms"),
            number("/page/over_ms"),
            "over <= 1 ms",
        ),
        (
            "page of 100, 16 clients, 1/s (pgbench)",
            number("/page/tps_16"),
            number("/page/pgbench_tps_16"),
            number("/page/ratio_16"),
            ">= 0.5",
        ),
        (
            "etl peak memory, MB",
            number("/memory/etl_peak_mb"),
            128.0,
            number("/memory/etl_peak_mb") / 128.0,
            "<= 1",
        ),
        (
            "consumer peak memory, MB",
            number("/memory/consumer_peak_mb"),
            128.0,
            number("/memory/consumer_peak_mb") / 128.0,
            "<= 1",
        ),
    ] {
        println!("{what:<44} {ours:>10.2} {anchor:>10.2} {ratio:>9.2}  {target}");
    }
}
