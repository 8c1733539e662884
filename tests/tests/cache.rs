//! The cache (promise 7): a page that was read is not made again, what Redis does never changes an answer, and a grant that is
//! taken away works although the page is kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::json;
use testkit::{Client, Mode, Stack, shared};

const PATIENCE: Duration = Duration::from_secs(60);

async fn dataset(owner: &Client, rows: usize) -> anyhow::Result<String> {
    let mut file = "name,n\n".to_owned();
    for no in 0..rows {
        file.push_str(&format!("row {no},{no}\n"));
    }
    let upload = owner
        .send_bytes("Kept", "kept.csv", file.into_bytes())
        .await?;
    Ok(format!(
        "/datasets/{}",
        owner.outcome(upload, PATIENCE).await?.dataset_id
    ))
}

fn from_cache(answer: &testkit::Answer) -> &str {
    answer
        .headers
        .get("x-cache")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_page_is_made_once_per_version_and_is_gone_with_the_grant() -> anyhow::Result<()> {
    let stack = shared().await;
    let owner = stack.user("owner@cache.example")?;
    let guest = stack.user("guest@cache.example")?;
    let dataset = dataset(&owner, 500).await?;
    let rows = format!("{dataset}/rows?limit=50&position=100");
    let made = owner.get(&rows).await?;
    let kept = owner.get(&rows).await?;
    ensure!((from_cache(&made), from_cache(&kept)) == ("miss", "hit"));
    ensure!(made.body == kept.body && made.headers["etag"] == kept.headers["etag"]);

    // A new version is another answer, at once; the old one is what it was.
    let commit = json!({"base_version": 1, "changes": [{"op": "update", "row_id": "101", "cells": {"col_2": "7"}}]});
    let done = owner.post(&format!("{dataset}/commits"), &commit).await?;
    ensure!(done.status == StatusCode::CREATED, "{}", done.body);
    let new = owner.get(&rows).await?;
    ensure!(from_cache(&new) == "miss" && new.body["version"] == 2);
    ensure!(
        new.body["rows"][0]["cells"][1] == "7",
        "{}",
        new.body["rows"][0]
    );
    let old = owner.get(&format!("{rows}&version=1")).await?;
    ensure!(old.body == kept.body);

    let me = guest.get("/me").await?;
    let grant = format!(
        "{dataset}/grants/{}",
        me.body["id"].as_str().context("an id")?
    );
    ensure!(guest.get(&rows).await?.status == StatusCode::NOT_FOUND);
    let given = owner
        .request(reqwest::Method::PUT, &grant)
        .json(&json!({"role": "viewer"}));
    ensure!(Client::ask(given).await?.status == StatusCode::OK);
    ensure!(from_cache(&guest.get(&rows).await?) == "hit");
    ensure!(owner.delete(&grant).await?.status == StatusCode::NO_CONTENT);
    ensure!(guest.get(&rows).await?.status == StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_redis_that_is_paused_killed_or_full_changes_no_answer() -> anyhow::Result<()> {
    let stack = Stack::start(Mode::One, &[]).await?;
    let owner = stack.user("owner@cache.example")?;
    let dataset = dataset(&owner, 2_000).await?;
    let over = Arc::new(AtomicBool::new(false));
    let (hits, others) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..8_u64)
        .map(|reader| {
            let (owner, dataset) = (owner.clone(), dataset.clone());
            let (over, hits, others) = (Arc::clone(&over), Arc::clone(&hits), Arc::clone(&others));
            tokio::spawn(async move {
                let mut at = reader * 7;
                while !over.load(Ordering::Relaxed) {
                    at = (at * 31 + 17) % 1_990;
                    let page = owner
                        .get(&format!("{dataset}/rows?limit=5&position={at}"))
                        .await?;
                    ensure!(page.status == StatusCode::OK, "{}", page.body);
                    for no in 0..5 {
                        let cells = &page.body["rows"][no]["cells"];
                        let expected = at + no as u64;
                        ensure!(
                            cells[1].as_str() == Some(expected.to_string().as_str()),
                            "{cells} at {expected}"
                        );
                    }
                    let counter = if from_cache(&page) == "hit" {
                        &hits
                    } else {
                        &others
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    let so_far = || (hits.load(Ordering::Relaxed), others.load(Ordering::Relaxed));
    // Goes on when so many more were answered by the cache, or by others.
    let wait = async |hit: u64, other: u64| {
        let before = so_far();
        let enough = async {
            while so_far().0 < before.0 + hit || so_far().1 < before.1 + other {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await
    };
    wait(20, 0).await.context("no hits")?;
    stack.pause("redis")?;
    wait(0, 50)
        .await
        .context("a paused Redis stops the readers")?;
    stack.resume("redis")?;
    wait(20, 0).await.context("no hits after the pause")?;

    let mut redis = redis_of(&stack).await?;
    redis
        .command("CONFIG SET maxmemory-policy noeviction")
        .await?;
    redis.command("CONFIG SET maxmemory 1").await?;
    wait(20, 0)
        .await
        .context("what a full Redis has is still good")?;
    redis.command("FLUSHALL").await?;
    wait(0, 50)
        .await
        .context("a full Redis stops the readers")?;

    stack.kill("redis")?;
    wait(0, 50)
        .await
        .context("a dead Redis stops the readers")?;
    stack.up().await?;
    wait(20, 0).await.context("no hits after the restart")?;
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await??;
    }
    Ok(())
}

/// Redis' own protocol in its inline form.
struct Redis(tokio::net::TcpStream);

async fn redis_of(stack: &Stack) -> anyhow::Result<Redis> {
    let url: reqwest::Url = stack.published()?.redis_url.parse()?;
    let port = url.port().context("a port")?;
    let mut redis = Redis(tokio::net::TcpStream::connect(("127.0.0.1", port)).await?);
    redis
        .command(&format!("AUTH {}", url.password().context("a password")?))
        .await?;
    Ok(redis)
}

impl Redis {
    async fn command(&mut self, line: &str) -> anyhow::Result<()> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        self.0.write_all(format!("{line}\r\n").as_bytes()).await?;
        let mut answer = [0; 5];
        self.0.read_exact(&mut answer).await?;
        ensure!(
            &answer == b"+OK\r\n",
            "{line}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(())
    }
}
