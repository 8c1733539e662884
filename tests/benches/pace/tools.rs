//! Peers' tools, and what is done with numbers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

pub const BIN: &str = "/usr/lib/postgresql/15/bin";

/// Transactions a second.
pub fn pgbench(pg_url: &str, script: &Path, clients: u32) -> anyhow::Result<f64> {
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

pub fn psql(pg_url: &str, command: &str) -> anyhow::Result<String> {
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

pub fn output(command: &mut Command) -> anyhow::Result<String> {
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

pub fn peak_mb(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status")))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

pub fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or_else(String::new, |rest| {
            rest.trim_start_matches([' ', '\t', ':']).to_owned()
        })
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bare GETs of a value of 10 kB a second.
pub fn redis_gets(redis_url: &str, clients: u32) -> anyhow::Result<f64> {
    redis_cli(redis_url, &["set", "bench", &"x".repeat(10_000)])?;
    let url = url::Url::parse(redis_url)?;
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", url.host_str().unwrap_or_default(), "-p"]);
    command.arg(url.port().unwrap_or(6_379).to_string());
    if let Some(password) = url.password() {
        command.args(["-a", password]);
    }
    let text = output(command.args([
        "-n",
        "20000",
        "-c",
        &clients.to_string(),
        "--csv",
        "get",
        "bench",
    ]))?;
    let line = text
        .lines()
        .last()
        .context("redis-benchmark said nothing")?;
    let rate = line.split("\",\"").nth(1).context("no rate")?;
    Ok(rate.trim_matches('"').parse()?)
}

pub fn flush_redis(redis_url: &str) -> anyhow::Result<()> {
    redis_cli(redis_url, &["flushall"])?;
    Ok(())
}

fn redis_cli(redis_url: &str, command: &[&str]) -> anyhow::Result<String> {
    output(
        Command::new("redis-cli")
            .args(["--no-auth-warning", "-u", redis_url])
            .args(command),
    )
}
