//! A dashboard keeps up with its dataset by itself: imports, edits and restores, and what happened while nobody was there to refresh.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Client, Mode, Stack};

const PATIENCE: Duration = Duration::from_secs(60);

/// The widget once its numbers are of this version; they never go back, and never mix two versions.
async fn at_version(owner: &Client, path: &str, version: i64) -> anyhow::Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        let widget = owner.get(path).await?;
        ensure!(widget.status == StatusCode::OK, "{}", widget.body);
        let seen = widget.body["version"].as_i64().context("a version")?;
        ensure!(seen >= before, "{seen} after {before}");
        // Version 1 has the sum 6; each later one what its own commit made of it.
        ensure!(
            seen != 1 || widget.body["rows"][0][0] == "6",
            "{}",
            widget.body
        );
        if seen >= version {
            return Ok(widget.body);
        }
        before = seen;
        ensure!(
            Instant::now() < deadline,
            "still at {seen}, not at {version}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_widget_follows_edits_and_restores_also_those_made_while_the_consumer_was_dead()
-> anyhow::Result<()> {
    let stack = Stack::start(Mode::Split, &[]).await?;
    let owner = stack.user("owner@widgets.example")?;
    let upload = owner
        .send_bytes("Sums", "sums.csv", b"name,n\na,1\nb,2\nc,3\n".to_vec())
        .await?;
    let dataset = format!(
        "/datasets/{}",
        owner.outcome(upload, PATIENCE).await?.dataset_id
    );
    let made = owner
        .post(
            &format!("{dataset}/widgets"),
            &json!({"title": "Sum", "kind": "number", "measures": ["sum:n"]}),
        )
        .await?;
    ensure!(made.status == StatusCode::CREATED, "{}", made.body);
    let widget = format!(
        "{dataset}/widgets/{}",
        made.body["id"].as_str().context("an id")?
    );
    let commit = async |base: i64, value: &str| {
        let change = json!({"base_version": base, "changes": [{"op": "update", "row_id": "1", "cells": {"col_2": value}}]});
        let done = owner.post(&format!("{dataset}/commits"), &change).await?;
        ensure!(done.status == StatusCode::CREATED, "{}", done.body);
        Ok(())
    };

    commit(1, "10").await?;
    let followed = at_version(&owner, &widget, 2).await?;
    ensure!(followed["rows"][0][0] == "15", "{followed}");
    ensure!(followed["previous"][0] == "6", "{followed}");

    stack.kill("consumer")?;
    commit(2, "20").await?;
    commit(3, "30").await?;
    // Nobody refreshes: the widget says of which version it is, and stays with it.
    let behind = owner.get(&widget).await?.body;
    ensure!(
        behind["version"] == 2 && behind["rows"][0][0] == "15",
        "{behind}"
    );
    stack.up().await?;
    let caught_up = at_version(&owner, &widget, 4).await?;
    ensure!(caught_up["rows"][0][0] == "35", "{caught_up}");
    ensure!(caught_up["previous"][0] == "15", "{caught_up}");

    let restored = owner
        .post(&format!("{dataset}/restore"), &json!({"version": 1}))
        .await?;
    ensure!(restored.status.is_success(), "{}", restored.body);
    let back = at_version(&owner, &widget, 5).await?;
    ensure!(back["rows"][0][0] == "6", "{back}");
    Ok(())
}
