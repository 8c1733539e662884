//! A file on its way in, beside `\\copy`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::upload::UploadState;
use testkit::{Client, Stack};

use crate::{
    Line, ROUNDS,
    tools::{median, psql},
};

/// Seconds from the finished PUT (which is when the event is sent) to the version's `published_at`, beside `\copy` of the same file into the same columns.
pub async fn beside_copy(
    stack: &Stack,
    ada: &Client,
    file: &Path,
) -> anyhow::Result<(Vec<Line>, String)> {
    let pg_url = &stack.published()?.pg_url;
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
    let line = Line {
        what: "S3 event to published, flights",
        unit: "s",
        ours: median(&mut ours),
        anchor: median(&mut copies),
        anchor_is: "psql \\copy into the same typed table with its key",
        target: "<= 3 x",
    };
    Ok((vec![line], last.context("no round ran")?))
}
