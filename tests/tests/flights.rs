//! The real flights file, the whole way: every cell comes back in the file's own spelling, from the command line and from the API.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use contracts::{
    dataset::{ColumnType, RowPage},
    upload::UploadState,
};
use serde_json::Value;
use tabular::format::Codec;
use testkit::shared;

fn file() -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/flights.csv");
    ensure!(
        path.exists(),
        "tests/data/flights.csv is missing: run tests/fetch-flights.sh"
    );
    Ok(path)
}

/// The file has no quotes, so a line's cells are what its commas part.
fn records(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(',').collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cell_that_inspect_prints_is_the_files_own() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file()?)?;
    ensure!(!text.contains('"'), "the file has quotes");
    let output = shared()
        .await
        .command()
        .arg("inspect")
        .arg(file()?)
        .arg("--csv")
        .output()?;
    ensure!(
        output.status.code() == Some(0),
        "inspect: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout)?;
    let mut lines = 0;
    for (line, cells) in printed.lines().zip(records(&text)) {
        let wanted = format!("\"{}\"", cells.join("\",\""));
        ensure!(line == wanted, "{line} instead of {wanted}");
        lines += 1;
    }
    ensure!(
        lines == 336_777 && printed.lines().count() == lines,
        "{lines} lines"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cell_that_the_api_gives_prints_as_the_files_own() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file()?)?;
    let stack = shared().await;
    let ada = stack.user("ada@example.com")?;
    let id = ada.send_file("flights", &file()?).await?;
    let upload = ada.outcome(id, Duration::from_secs(120)).await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    let receipt = upload.receipt.context("a published import has a receipt")?;
    ensure!(receipt.balances(), "{receipt:?}");
    ensure!(
        (receipt.records, receipt.headers, receipt.inserted) == (336_777, 1, 336_776),
        "{receipt:?}"
    );

    let first = format!("/datasets/{}/rows?limit=1000", upload.dataset_id);
    let mut path = first.clone();
    let mut wanted = records(&text).skip(1);
    let (mut rows, mut distance, mut nulls) = (0_i64, 0_i64, 0_u32);
    loop {
        let answer = ada.get(&path).await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
        let page: RowPage = serde_json::from_value(answer.body)?;
        let at = |name: &str| {
            page.columns
                .iter()
                .position(|column| column.name == name)
                .with_context(|| format!("no column {name}"))
        };
        let (dep_time, distances) = (at("dep_time")?, at("distance")?);
        ensure!(page.columns[dep_time].kind == ColumnType::Int64);
        ensure!(page.columns[dep_time].null_token.as_deref() == Some("NA"));
        ensure!(
            page.total == 336_776 && page.version == 1,
            "total {} of version {}",
            page.total,
            page.version
        );
        for row in &page.rows {
            let cells = wanted.next().context("more rows than the file has")?;
            for ((cell, column), wanted) in row.cells.iter().zip(&page.columns).zip(&cells) {
                let spelling = match cell {
                    Value::Null => column
                        .null_token
                        .clone()
                        .context("a null without a token")?,
                    Value::String(text) => {
                        let value = Codec::new(column.kind, None)?.parse(text)?;
                        let mut out = String::new();
                        Codec::new(column.kind, column.format.as_ref())?.print(&value, &mut out);
                        out
                    }
                    other => other.to_string(),
                };
                ensure!(
                    spelling == *wanted,
                    "row {} {}: {spelling} instead of {wanted}",
                    row.row_id,
                    column.name
                );
            }
            rows += 1;
            nulls += u32::from(row.cells[dep_time].is_null());
            distance += row.cells[distances]
                .as_str()
                .context("int64 comes as a string")?
                .parse::<i64>()?;
        }
        match page.next {
            Some(next) => path = format!("{first}&cursor={next}"),
            None => break,
        }
    }
    ensure!(
        wanted.next().is_none(),
        "the file has more rows than {rows}"
    );
    ensure!(
        (rows, distance, nulls) == (336_776, 350_217_607, 8_255),
        "{rows} rows, distance {distance}, {nulls} nulls"
    );
    Ok(())
}
