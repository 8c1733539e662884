//! Files on their way in, beside `\\copy` and SQL.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::upload::{CreateUpload, Mode, Target, Upload, UploadState};
use testkit::{Client, Stack};

use crate::{
    Line, ROUNDS,
    tools::{median, output, psql},
};

/// A run takes a minute.
const MILLION_ROUNDS: usize = 3;

/// The file of a million rows is the flights so many times over.
const TIMES: usize = 3;

/// Uploads the bytes; seconds from the finished PUT (which is when the event is sent) to the version's `published_at`.
async fn import(
    ada: &Client,
    request: &CreateUpload,
    bytes: &[u8],
) -> anyhow::Result<(Upload, f64)> {
    let created = ada.create_upload(request).await?;
    ensure!(
        ada.put(&created, bytes.to_vec()).await?.is_success(),
        "the presigned PUT failed"
    );
    let sent = jiff::Timestamp::now();
    let upload = ada.outcome(created.id, Duration::from_secs(600)).await?;
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
    Ok((upload, published.duration_since(sent).as_secs_f64()))
}

/// A plain table like the dataset's, with the key that was asked for. Names of its columns.
async fn plain_like(stack: &Stack, upload: &Upload, key: &str) -> anyhow::Result<Vec<String>> {
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
    psql(
        &stack.published()?.pg_url,
        &format!(
            "drop table if exists plain; create table plain ({key}{})",
            definitions.join(", ")
        ),
    )?;
    Ok(columns.into_iter().map(|(name, _)| name).collect())
}

/// `from` as `\\copy` names it.
fn copy(pg_url: &str, table: &str, columns: &[String], from: &str) -> anyhow::Result<f64> {
    let begin = Instant::now();
    psql(
        pg_url,
        &format!(
            "\\copy {table} ({}) from {from} with (format csv, header, null 'NA')",
            columns.join(", ")
        ),
    )?;
    Ok(begin.elapsed().as_secs_f64())
}

/// The flights beside `\copy` of the same file into the same columns; and the last round's dataset.
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
        let name = format!("flights {round}");
        let request = testkit::new_dataset(&name, "flights.csv", bytes.len() as u64);
        let (upload, seconds) = import(ada, &request, &bytes).await?;
        let key = "row_id bigint generated always as identity primary key, ";
        let columns = plain_like(stack, &upload, key).await?;
        let copied = copy(pg_url, "plain", &columns, &format!("'{}'", file.display()))?;
        // The first round warms both and is not counted.
        if round > 0 {
            copies.push(copied);
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
        target: "<= 1.25 x",
    };
    Ok((vec![line], last.context("no round ran")?))
}

/// A million rows with an id: as a new dataset, updated by key with a hundredth of the rows changed, and replaced.
pub async fn a_million_rows(
    stack: &Stack,
    ada: &Client,
    flights: &Path,
) -> anyhow::Result<Vec<Line>> {
    let pg_url = stack.published()?.pg_url.clone();
    let folder = tempfile::tempdir()?;
    let (file, changed) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    write_million(flights, &file, |_| false)?;
    write_million(flights, &changed, |id| id % 100 == 0)?;
    output(Command::new("gzip").args(["-6", "--keep"]).arg(&file))?;
    let packed = folder.path().join("a.csv.gz");
    let (bytes, changed_bytes, packed_bytes) =
        (fs::read(&file)?, fs::read(&changed)?, fs::read(&packed)?);
    let (mut new, mut copies) = (Vec::new(), Vec::new());
    let (mut unpacked, mut unpacked_copies) = (Vec::new(), Vec::new());
    let (mut upserts, mut on_conflict) = (Vec::new(), Vec::new());
    let (mut replaces, mut truncate_copies) = (Vec::new(), Vec::new());
    for round in 0..=MILLION_ROUNDS {
        let name = format!("a million rows {round}");
        let request = testkit::new_dataset(&name, "a.csv", bytes.len() as u64);
        let (upload, import_seconds) = import(ada, &request, &bytes).await?;
        let columns = plain_like(stack, &upload, "").await?;
        psql(&pg_url, "alter table plain add primary key (c1)")?;
        let copy_seconds = copy(&pg_url, "plain", &columns, &format!("'{}'", file.display()))?;

        let request = testkit::new_dataset(&name, "a.csv.gz", packed_bytes.len() as u64);
        let (_, unpacked_seconds) = import(ada, &request, &packed_bytes).await?;
        psql(&pg_url, "truncate plain")?;
        let from = format!("program 'gzip -dc {}'", packed.display());
        let unpacked_copy_seconds = copy(&pg_url, "plain", &columns, &from)?;

        let into = |mode: Mode| CreateUpload {
            dataset: Target::Existing {
                id: upload.dataset_id,
            },
            mode,
            key: if mode == Mode::Upsert {
                vec!["id".to_owned()]
            } else {
                Vec::new()
            },
            ..testkit::new_dataset(&name, "b.csv", changed_bytes.len() as u64)
        };
        let (done, upsert_seconds) = import(ada, &into(Mode::Upsert), &changed_bytes).await?;
        let updated = done.receipt.map(|receipt| receipt.updated);
        ensure!(updated == Some(10_103), "{updated:?} rows were updated");
        let begin = Instant::now();
        psql(
            &pg_url,
            "drop table if exists staging; create table staging (like plain)",
        )?;
        copy(
            &pg_url,
            "staging",
            &columns,
            &format!("'{}'", changed.display()),
        )?;
        psql(&pg_url, &insert_on_conflict(&columns))?;
        let on_conflict_seconds = begin.elapsed().as_secs_f64();

        let (_, replace_seconds) = import(ada, &into(Mode::Replace), &changed_bytes).await?;
        let begin = Instant::now();
        psql(&pg_url, "truncate plain")?;
        let from = format!("'{}'", changed.display());
        copy(&pg_url, "plain", &columns, &from)?;
        let truncate_copy_seconds = begin.elapsed().as_secs_f64();
        if round > 0 {
            new.push(import_seconds);
            copies.push(copy_seconds);
            unpacked.push(unpacked_seconds);
            unpacked_copies.push(unpacked_copy_seconds);
            upserts.push(upsert_seconds);
            on_conflict.push(on_conflict_seconds);
            replaces.push(replace_seconds);
            truncate_copies.push(truncate_copy_seconds);
        }
    }
    psql(&pg_url, "drop table plain, staging")?;
    let line = |what, ours, anchor, anchor_is, target| Line {
        what,
        unit: "s",
        ours,
        anchor,
        anchor_is,
        target,
    };
    Ok(vec![
        line(
            "S3 event to published, 1,010,328 rows",
            median(&mut new),
            median(&mut copies),
            "psql \\copy into the same typed table with its key",
            "<= 1.25 x",
        ),
        line(
            "the same from .csv.gz",
            median(&mut unpacked),
            median(&mut unpacked_copies),
            "psql \\copy from gzip -dc",
            "<= 1.25 x",
        ),
        line(
            "the same rows by key, 1 % changed",
            median(&mut upserts),
            median(&mut on_conflict),
            "\\copy into a staging table, then insert … on conflict",
            "<= 1.5 x",
        ),
        line(
            "the same rows as a replace",
            median(&mut replaces),
            median(&mut truncate_copies),
            "truncate, then psql \\copy into the same typed table with its key",
            "<= 1.25 x",
        ),
    ])
}

/// What differs is written, and nothing else.
fn insert_on_conflict(columns: &[String]) -> String {
    let of = |table: &str, columns: &[String]| -> String {
        let names: Vec<String> = columns
            .iter()
            .map(|name| format!("{table}{name}"))
            .collect();
        names.join(", ")
    };
    let rest = &columns[1..];
    format!(
        "insert into plain ({0}) select {0} from staging on conflict (c1) do update set ({1}) = ({2}) where ({3}) is distinct from ({2})",
        of("", columns),
        of("", rest),
        of("excluded.", rest),
        of("plain.", rest),
    )
}

/// The flights three times over with an id before each row; of the rows that are picked the distance is another.
pub fn write_million(
    flights: &Path,
    to: &Path,
    picked: impl Fn(usize) -> bool,
) -> anyhow::Result<()> {
    const DISTANCE: usize = 15;
    let text = fs::read_to_string(flights)?;
    let (header, rows) = text.split_once('\n').context("no header")?;
    let mut out = std::io::BufWriter::new(fs::File::create(to)?);
    writeln!(out, "id,{header}")?;
    let mut id = 0;
    for _ in 0..TIMES {
        for row in rows.lines() {
            id += 1;
            if picked(id) {
                let mut cells: Vec<&str> = row.split(',').collect();
                *cells.get_mut(DISTANCE).context("a short row")? = "4242";
                writeln!(out, "{id},{}", cells.join(","))?;
            } else {
                writeln!(out, "{id},{row}")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
