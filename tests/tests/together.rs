//! Many at once on one dataset (promises 3 and 6): writers move amounts between rows, readers add them up, imports add rows all
//! the while. Every version has the same sum, or an update was lost or a read was torn.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::{
    DatasetId,
    upload::{CreateUpload, Mode, Target, UploadState},
};
use rand::Rng;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Client, new_dataset, shared};

const PEOPLE: usize = 16;
const ACCOUNTS: usize = 40;
const AMOUNT: i64 = 1_000;
const IMPORTED: usize = 3_000;
const PATIENCE: Duration = Duration::from_secs(120);

fn seconds() -> Duration {
    Duration::from_secs(if std::env::var_os("GRIDKEEP_SOAK").is_some() {
        60
    } else {
        8
    })
}

fn amount(row: &Value) -> anyhow::Result<i64> {
    Ok(row["cells"][1].as_str().context("an amount")?.parse()?)
}

/// Sum and rows of one version, read page by page as the page does.
async fn add_up(client: &Client, rows: &str) -> anyhow::Result<(i64, i64, i64)> {
    let first = format!("{rows}?limit=1000");
    let mut path = first.clone();
    let (mut sum, mut count, mut version) = (0, 0, None);
    loop {
        let page = client.get(&path).await?;
        ensure!(page.status == StatusCode::OK, "{}", page.body);
        let read = page.body["version"].as_i64();
        ensure!(
            *version.get_or_insert(read) == read,
            "a walk changed its version"
        );
        for row in page.body["rows"].as_array().context("rows")? {
            sum += amount(row)?;
            count += 1;
        }
        match page.body["next"].as_str() {
            Some(next) => path = format!("{first}&cursor={next}"),
            None => {
                ensure!(
                    page.body["total"] == count,
                    "{count} rows of {}",
                    page.body["total"]
                );
                return Ok((version.flatten().context("a version")?, sum, count));
            }
        }
    }
}

/// A text that nobody else writes.
fn stamp() -> String {
    format!("{:x}", rand::rng().random::<u64>())
}

/// Moves one from one account to another; true when it was taken, false when somebody else had been there.
async fn transfer(client: &Client, dataset: &str) -> anyhow::Result<bool> {
    let page = client
        .get(&format!("{dataset}/rows?limit={ACCOUNTS}"))
        .await?;
    ensure!(page.status == StatusCode::OK, "{}", page.body);
    let rows = page.body["rows"].as_array().context("rows")?;
    let (from, to) = {
        let mut random = rand::rng();
        let from = random.random_range(0..ACCOUNTS);
        (from, (from + random.random_range(1..ACCOUNTS)) % ACCOUNTS)
    };
    let change = |row: &Value, by: i64| -> anyhow::Result<Value> {
        // Two who want the same value in a cell do not conflict; the stamp makes every transfer its own.
        let cells = json!({"col_2": (amount(row)? + by).to_string(), "col_3": stamp()});
        Ok(json!({"op": "update", "row_id": row["row_id"], "cells": cells}))
    };
    let commit = json!({
        "base_version": page.body["version"],
        "message": "a transfer",
        "changes": [change(&rows[from], -1)?, change(&rows[to], 1)?],
    });
    let done = client.post(&format!("{dataset}/commits"), &commit).await?;
    match done.status {
        StatusCode::CREATED => Ok(true),
        StatusCode::CONFLICT => {
            ensure!(done.body["code"] == "conflict", "{}", done.body);
            Ok(false)
        }
        _ => anyhow::bail!("{}", done.body),
    }
}

async fn append(client: &Client, dataset: DatasetId) -> anyhow::Result<()> {
    let mut file = b"name,amount,stamp\n".to_vec();
    for no in 0..IMPORTED {
        file.extend(format!("row {no},0,x\n").bytes());
    }
    let ask = CreateUpload {
        dataset: Target::Existing { id: dataset },
        mode: Mode::Append,
        ..new_dataset("", "more.csv", file.len() as u64)
    };
    let upload = client.send(&ask, file).await?;
    let done = client.outcome(upload, PATIENCE).await?;
    ensure!(done.state == UploadState::Published, "{done:?}");
    let receipt = done.receipt.context("a receipt")?;
    ensure!(
        receipt.balances() && receipt.inserted == IMPORTED as i64,
        "{receipt:?}"
    );
    Ok(())
}

#[tokio::test]
async fn sixteen_writers_and_sixteen_readers_beside_imports_lose_and_tear_nothing()
-> anyhow::Result<()> {
    let stack = shared().await;
    let owner = stack.user("owner@together.example")?;
    let mut file = "name,amount,stamp\n".to_owned();
    for no in 0..ACCOUNTS {
        file.push_str(&format!("account {no},{AMOUNT},x\n"));
    }
    let upload = owner
        .send_bytes("Accounts", "accounts.csv", file.into_bytes())
        .await?;
    let dataset = owner.outcome(upload, PATIENCE).await?.dataset_id;
    let path = format!("/datasets/{dataset}");
    let expected = ACCOUNTS as i64 * AMOUNT;
    let end = Instant::now() + seconds();
    let (taken, refused, reads) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
    );

    let writers = (0..PEOPLE).map(|_| {
        let (owner, path, taken, refused) = (
            owner.clone(),
            path.clone(),
            Arc::clone(&taken),
            Arc::clone(&refused),
        );
        tokio::spawn(async move {
            while Instant::now() < end {
                let counter = if transfer(&owner, &path).await? {
                    &taken
                } else {
                    &refused
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    let readers = (0..PEOPLE).map(|_| {
        let (owner, rows, reads) = (owner.clone(), format!("{path}/rows"), Arc::clone(&reads));
        tokio::spawn(async move {
            let mut newest = 0;
            while Instant::now() < end {
                let (version, sum, _) = add_up(&owner, &rows).await?;
                ensure!(sum == expected, "version {version} adds up to {sum}");
                ensure!(version >= newest, "version {version} after {newest}");
                newest = version;
                reads.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    let importer = {
        let owner = owner.clone();
        tokio::spawn(async move {
            let mut imports = 0;
            while Instant::now() < end {
                append(&owner, dataset).await?;
                imports += 1;
            }
            anyhow::Ok(imports)
        })
    };
    for task in writers.chain(readers).collect::<Vec<_>>() {
        task.await??;
    }
    let imports: i64 = importer.await??;

    let (head, sum, rows) = add_up(&owner, &format!("{path}/rows")).await?;
    let taken = i64::try_from(taken.load(Ordering::Relaxed))?;
    println!(
        "{taken} commits taken, {} refused, {} sums read, {imports} imports",
        refused.load(Ordering::Relaxed),
        reads.load(Ordering::Relaxed)
    );
    ensure!(imports > 0 && taken > 0);
    // One version each, no more and no less.
    ensure!(
        head == 1 + imports + taken,
        "{head}: {imports} imports, {taken} commits"
    );
    ensure!(
        (sum, rows) == (expected, ACCOUNTS as i64 + imports * IMPORTED as i64),
        "{sum} in {rows}"
    );
    let mut old = BTreeSet::from([1, head]);
    old.extend((0..8).map(|_| rand::rng().random_range(1..=head)));
    for version in old {
        let page = owner
            .get(&format!("{path}/rows?limit={ACCOUNTS}&version={version}"))
            .await?;
        let mut sum = 0;
        for row in page.body["rows"].as_array().context("rows")? {
            sum += amount(row)?;
        }
        ensure!(sum == expected, "version {version} adds up to {sum}");
    }
    Ok(())
}
