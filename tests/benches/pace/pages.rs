//! Pages of rows and a widget, as the page asks for them.

use std::{fs, time::Instant};

use anyhow::{Context, ensure};
use serde_json::json;
use testkit::{Client, Stack};

use crate::{
    Line, ROUNDS,
    tools::{flush_redis, median, pgbench, redis_gets},
};

const PAGES: usize = 2_000;
const CLIENTS: usize = 16;

/// Pages of 100 rows by key: p50 with one client, pages a second with 16. Uncached ones (each is asked for once) beside the same SQL in
/// `pgbench -M prepared`; cached ones beside a bare Redis GET of 10 kB.
pub async fn beside_pgbench(
    stack: &Stack,
    ada: &Client,
    dataset: &str,
) -> anyhow::Result<Vec<Line>> {
    let published = stack.published()?;
    let (pg_url, redis_url) = (&published.pg_url, &published.redis_url);
    let script = tempfile::NamedTempFile::new()?;
    fs::write(
        script.path(),
        "\\set r random(1, 336000)\nselect * from plain where row_id > :r order by row_id limit 100;\n",
    )?;
    let single = tempfile::NamedTempFile::new()?;
    fs::write(
        single.path(),
        "\\set r random(1, 336000)\nselect row_id from plain where row_id = :r;\n",
    )?;
    let (mut made, mut kept, mut made_16, mut kept_16) = (vec![], vec![], vec![], vec![]);
    let (mut page, mut page_16, mut key, mut get, mut get_16) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        flush_redis(redis_url)?;
        made.push(median(&mut walk(ada, dataset, 0, PAGES).await?));
        page.push(1_000.0 / pgbench(pg_url, script.path(), 1)?);
        kept.push(median(&mut walk(ada, dataset, 0, PAGES).await?));
        key.push(1_000.0 / pgbench(pg_url, single.path(), 1)?);
        get.push(1_000.0 / redis_gets(redis_url, 1)?);
        flush_redis(redis_url)?;
        made_16.push(together(ada, dataset).await?);
        page_16.push(pgbench(pg_url, script.path(), 16)?);
        kept_16.push(together(ada, dataset).await?);
        get_16.push(redis_gets(redis_url, 16)?);
    }
    Ok(vec![
        Line {
            what: "page of 100, not cached, 1 client, p50",
            unit: "ms",
            ours: median(&mut made),
            anchor: median(&mut page),
            anchor_is: "the same SQL by pgbench",
            target: "<= + 1 ms",
        },
        Line {
            what: "page of 100, not cached, 16 clients",
            unit: "1/s",
            ours: median(&mut made_16),
            anchor: median(&mut page_16),
            anchor_is: "the same SQL by pgbench",
            target: ">= 0.5 x",
        },
        Line {
            what: "page of 100, cached, 1 client, p50",
            unit: "ms",
            ours: median(&mut kept),
            anchor: median(&mut get) + median(&mut key),
            anchor_is: "bare Redis GET of 10 kB + one primary-key select",
            target: "<= + 0.3 ms",
        },
        Line {
            what: "page of 100, cached, 16 clients",
            unit: "1/s",
            ours: median(&mut kept_16),
            anchor: median(&mut get_16),
            anchor_is: "bare Redis GET of 10 kB",
            target: ">= 0.25 x",
        },
    ])
}

/// A group-by of all flights, read from its widget, beside computing it each time.
pub async fn of_a_widget(stack: &Stack, ada: &Client, dataset: &str) -> anyhow::Result<Vec<Line>> {
    let pg_url = &stack.published()?.pg_url;
    let columns = ada.get(&format!("/datasets/{dataset}")).await?.body["columns"].clone();
    let sql = |name: &str| -> anyhow::Result<String> {
        let columns = columns.as_array().context("columns")?;
        let found = columns.iter().find(|column| column["name"] == name);
        let id = found.and_then(|column| column["id"].as_str());
        Ok(id.context("a column")?.replace("col_", "c"))
    };
    let widget = json!({"title": "Distance by carrier", "kind": "bar", "group": "carrier", "measures": ["sum:distance", "count"]});
    let made = ada
        .post(&format!("/datasets/{dataset}/widgets"), &widget)
        .await?;
    let path = format!(
        "/datasets/{dataset}/widgets/{}",
        made.body["id"].as_str().context("an id")?
    );
    let script = tempfile::NamedTempFile::new()?;
    fs::write(
        script.path(),
        format!(
            "select {carrier}, sum({distance}), count(*) from plain group by 1 order by 2 desc;\n",
            carrier = sql("carrier")?,
            distance = sql("distance")?
        ),
    )?;
    let (mut ours, mut computed) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let mut times = vec![];
        for _ in 0..500 {
            times.push(timed(ada, &path).await?);
        }
        ours.push(median(&mut times));
        computed.push(1_000.0 / pgbench(pg_url, script.path(), 1)?);
    }
    // It would be refreshed beside the commits that are measured next.
    ensure!(ada.delete(&path).await?.status == 204);
    Ok(vec![Line {
        what: "widget with 16 groups, p50",
        unit: "ms",
        ours: median(&mut ours),
        anchor: median(&mut computed),
        anchor_is: "the same group-by, computed each time, by pgbench",
        target: "<= 1 ms",
    }])
}

/// Pages a second of 16 clients, each in a part of the table of its own.
async fn together(ada: &Client, dataset: &str) -> anyhow::Result<f64> {
    let each = PAGES / 10;
    let begin = Instant::now();
    let walks = (0..CLIENTS).map(|no| walk(ada, dataset, no * 20_000, each));
    futures::future::try_join_all(walks).await?;
    Ok((CLIENTS * each) as f64 / begin.elapsed().as_secs_f64())
}

/// Milliseconds of each page of a walk by `next`.
async fn walk(ada: &Client, dataset: &str, from: usize, pages: usize) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::with_capacity(pages);
    let rows = format!("/datasets/{dataset}/rows?limit=100");
    let mut path = format!("{rows}&position={from}");
    for _ in 0..pages {
        let begin = Instant::now();
        let answer = ada.get(&path).await?;
        times.push(begin.elapsed().as_secs_f64() * 1_000.0);
        ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
        let next = answer.body["next"].as_str().context("the table's end")?;
        path = format!("{rows}&cursor={next}");
    }
    Ok(times)
}

/// Milliseconds of one answer.
pub async fn timed(ada: &Client, path: &str) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let answer = ada.get(path).await?;
    let time = begin.elapsed().as_secs_f64() * 1_000.0;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(time)
}
