//! Commits, and what a hundred of them leave behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Client, Stack};

use crate::{
    Line, ROUNDS,
    pages::timed,
    tools::{flush_redis, median},
};

const VERSIONS: usize = 100;
const CELLS: usize = 1_000;
/// The column that is changed: `distance`.
const COLUMN: &str = "distance";

/// Commits over HTTP of 1, 1,000 and 100,000 cells beside the same updates as one set-based statement, its values bound, on a plain table.
pub async fn beside_sql(stack: &Stack, ada: &Client, dataset: &str) -> anyhow::Result<Vec<Line>> {
    let pool = stack.pg().await?;
    let column = column(ada, dataset).await?;
    let mut lines = Vec::new();
    for (cells, what, target) in [
        (1_usize, "commit of 1 cell", "<= 3 x"),
        (1_000, "commit of 1,000 cells", "<= 2.5 x"),
        (100_000, "commit of 100,000 cells", "<= 2.5 x"),
    ] {
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        let rounds = if cells == 1 { 200 } else { ROUNDS };
        for round in 0..=rounds {
            let value = i64::try_from(1_000 + round)?;
            let body = commit(head(ada, dataset).await?, &column, 1, cells, value);
            let begin = Instant::now();
            let answer = ada
                .post(&format!("/datasets/{dataset}/commits"), &body)
                .await?;
            let time = begin.elapsed();
            ensure!(answer.status == 201, "{} {}", answer.status, answer.body);
            let sql = update(&pool, &column, cells, value).await?;
            if round > 0 {
                ours.push(millis(time));
                plain.push(millis(sql));
            }
        }
        lines.push(Line {
            what,
            unit: "ms",
            ours: median(&mut ours),
            anchor: median(&mut plain),
            anchor_is: "the same values by update … from unnest on a plain table",
            target,
        });
    }
    Ok(lines)
}

/// A page a hundred versions back beside the head's, and the bytes of all versions beside the plain table.
pub async fn hundred_versions(
    stack: &Stack,
    ada: &Client,
    file: &Path,
) -> anyhow::Result<Vec<Line>> {
    let pool = stack.pg().await?;
    let redis_url = stack.published()?.redis_url;
    let upload = ada.send_file("Hundred versions", file).await?;
    let dataset = ada
        .outcome(upload, Duration::from_secs(300))
        .await?
        .dataset_id
        .to_string();
    let column = column(ada, &dataset).await?;
    let before = bytes(&pool, &dataset).await?;
    for version in 1..=VERSIONS {
        let from = 1 + version * 3_000;
        let value = i64::try_from(version)?;
        let body = commit(i64::try_from(version)?, &column, from, CELLS, value);
        let answer = ada
            .post(&format!("/datasets/{dataset}/commits"), &body)
            .await?;
        ensure!(answer.status == 201, "{} {}", answer.status, answer.body);
    }
    let after = bytes(&pool, &dataset).await?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        flush_redis(&redis_url)?;
        let (mut olds, mut news) = (Vec::new(), Vec::new());
        for page in 0..300 {
            let rows = format!(
                "/datasets/{dataset}/rows?limit=100&position={}",
                page * 1_000
            );
            olds.push(timed(ada, &format!("{rows}&version=1")).await?);
            news.push(timed(ada, &rows).await?);
        }
        old.push(median(&mut olds));
        new.push(median(&mut news));
    }
    Ok(vec![
        Line {
            what: "page of 100, 100 versions back, p50",
            unit: "ms",
            ours: median(&mut old),
            anchor: median(&mut new),
            anchor_is: "the same page at the head",
            target: "<= 2 x",
        },
        Line {
            what: "size after 100 versions of 1,000 cells",
            unit: "MB",
            ours: after / 1e6,
            anchor: before / 1e6,
            anchor_is: "the size before them",
            target: "<= 1.1 x + changes",
        },
    ])
}

/// `col_16`
async fn column(ada: &Client, dataset: &str) -> anyhow::Result<String> {
    let columns = ada.get(&format!("/datasets/{dataset}")).await?.body["columns"].clone();
    let columns = columns.as_array().context("columns")?;
    let found = columns.iter().find(|column| column["name"] == COLUMN);
    let id = found.and_then(|column| column["id"].as_str());
    Ok(id.context("the column")?.to_owned())
}

async fn head(ada: &Client, dataset: &str) -> anyhow::Result<i64> {
    let dataset = ada.get(&format!("/datasets/{dataset}")).await?;
    dataset.body["version"].as_i64().context("a version")
}

fn commit(base: i64, column: &str, from: usize, cells: usize, value: i64) -> Value {
    let changes: Vec<Value> = (from..from + cells)
        .map(|row| json!({"op": "update", "row_id": row.to_string(), "cells": {column: value.to_string()}}))
        .collect();
    json!({"base_version": base, "message": "bench", "changes": changes})
}

async fn update(pool: &PgPool, column: &str, cells: usize, value: i64) -> anyhow::Result<Duration> {
    let rows: Vec<i64> = (1..=i64::try_from(cells)?).collect();
    let values = vec![value; cells];
    let column = column.replace("col_", "c");
    let begin = Instant::now();
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "update plain set {column} = new.value from unnest($1::bigint[], $2::bigint[]) new (row_id, value) where plain.row_id = new.row_id"
    )))
    .bind(rows)
    .bind(values)
    .execute(pool)
    .await?;
    Ok(begin.elapsed())
}

/// Of all tables of the dataset, indexes included, without what a vacuum frees.
async fn bytes(pool: &PgPool, dataset: &str) -> anyhow::Result<f64> {
    let no: i64 = sqlx::query_scalar("select no from gk.dataset where id = $1")
        .bind(dataset)
        .fetch_one(pool)
        .await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("vacuum data.d_{no}")))
        .execute(pool)
        .await?;
    let bytes: i64 = sqlx::query_scalar(
        "select sum(pg_total_relation_size(('data.d_' || $1 || part)::regclass))::bigint
         from unnest(array['', '_history', '_blocks']) part",
    )
    .bind(no.to_string())
    .fetch_one(pool)
    .await?;
    Ok(bytes as f64)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
