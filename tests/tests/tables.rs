//! Files of several tables, the whole way: each table is an import of its own, and none of them is lost on it.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use contracts::{
    Code, DatasetId, UploadId,
    dataset::RowPage,
    plan::{Options, Tables},
    receipt::Receipt,
    upload::{Confirm, CreateUpload, Mode, Target, Upload, UploadState},
};
use gridkeep_tests::archive;
use serde_json::{Value, json};
use testkit::{Client, new_dataset, shared};

const PATIENCE: Duration = Duration::from_secs(120);

fn two_sheets() -> anyhow::Result<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    Ok(std::fs::read(folder.join("workbooks/two_sheets.xlsx"))?)
}

async fn new(ada: &Client, csv: &str) -> anyhow::Result<DatasetId> {
    let id = ada
        .send_bytes("Months", "first.csv", csv.as_bytes().to_vec())
        .await?;
    Ok(published(ada, id).await?.dataset_id)
}

fn into(id: DatasetId, mode: Mode, key: &[&str], name: &str, bytes: &[u8]) -> CreateUpload {
    CreateUpload {
        dataset: Target::Existing { id },
        mode,
        key: key.iter().map(|&column| column.to_owned()).collect(),
        ..new_dataset("", name, bytes.len() as u64)
    }
}

async fn published(ada: &Client, id: UploadId) -> anyhow::Result<Upload> {
    let upload = ada.outcome(id, PATIENCE).await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    let receipt = upload.receipt.as_ref();
    ensure!(receipt.is_some_and(Receipt::balances), "{upload:?}");
    Ok(upload)
}

/// All imports of the file, published, in its order.
async fn all(ada: &Client, first: UploadId) -> anyhow::Result<Vec<Upload>> {
    let mut uploads = vec![published(ada, first).await?];
    let mut at = 1;
    loop {
        let tables = ada.upload(first).await?.tables;
        let Some(table) = tables.get(at) else {
            ensure!(tables.len() == uploads.len() || tables.is_empty());
            return Ok(uploads);
        };
        uploads.push(published(ada, table.upload_id).await?);
        at += 1;
    }
}

/// Names and cells of a version.
async fn rows(ada: &Client, id: DatasetId) -> anyhow::Result<(Vec<String>, Vec<Vec<Value>>)> {
    let answer = ada.get(&format!("/datasets/{id}/rows")).await?;
    let page: RowPage = serde_json::from_value(answer.body)?;
    let names = page.columns.into_iter().map(|column| column.name).collect();
    Ok((names, page.rows.into_iter().map(|row| row.cells).collect()))
}

fn names(uploads: &[Upload]) -> Vec<(&str, &str)> {
    uploads
        .iter()
        .map(|upload| {
            (
                upload.table.as_deref().unwrap_or_default(),
                upload.dataset_name.as_str(),
            )
        })
        .collect()
}

#[tokio::test]
async fn each_sheet_of_a_workbook_becomes_a_dataset() -> anyhow::Result<()> {
    let ada = shared().await.user("sheets@tables.example")?;
    let id = ada
        .send_bytes("Shop", "two_sheets.xlsx", two_sheets()?)
        .await?;
    let uploads = all(&ada, id).await?;
    ensure!(
        names(&uploads) == [("Stock", "Shop"), ("Sizes", "Shop · Sizes")],
        "{uploads:?}"
    );
    let warnings = |upload: &Upload| upload.receipt.clone().unwrap_or_default().warnings;
    ensure!(warnings(&uploads[0]).is_empty(), "all of it is imported");
    let (columns, cells) = rows(&ada, uploads[1].dataset_id).await?;
    ensure!(columns == ["id", "size"] && cells == [[json!("1"), json!("10")]]);
    // Its owner is who sent the file.
    let answer = ada
        .get(&format!("/datasets/{}", uploads[1].dataset_id))
        .await?;
    ensure!(answer.body["role"] == "owner", "{}", answer.body);

    let one = CreateUpload {
        options: Options {
            sheet: Some("Sizes".to_owned()),
            ..Options::default()
        },
        ..new_dataset("One", "two_sheets.xlsx", two_sheets()?.len() as u64)
    };
    let one = published(&ada, ada.send(&one, two_sheets()?).await?).await?;
    ensure!(one.tables.is_empty() && one.table.is_none(), "{one:?}");
    Ok(())
}

#[tokio::test]
async fn the_files_of_an_archive_are_appended_one_version_each_in_their_order() -> anyhow::Result<()>
{
    let ada = shared().await.user("months@tables.example")?;
    let dataset = new(&ada, "day,n\n2023-12-31,0\n").await?;
    let file = archive(&[
        ("jan.csv", "day,n,note\n2024-01-01,1,x\n2024-01-02,2,y\n"),
        ("picture.png", "\u{89}PNG"),
        ("feb.csv", "day,n,note\n2024-02-01,3,z\n"),
        ("empty.csv", ""),
        ("mar.csv", "day,n,note\n2024-03-01,4,x\n"),
    ])?;
    let ask = into(dataset, Mode::Append, &[], "months.zip", &file);
    let uploads = all(&ada, ada.send(&ask, file).await?).await?;
    let versions: Vec<_> = uploads.iter().map(|upload| upload.version).collect();
    ensure!(versions == [Some(2), Some(3), Some(4)], "{uploads:?}");
    let tables: Vec<_> = uploads
        .iter()
        .map(|upload| upload.table.as_deref())
        .collect();
    ensure!(
        tables == [Some("jan"), Some("feb"), Some("mar")],
        "{tables:?}"
    );
    let (columns, cells) = rows(&ada, dataset).await?;
    ensure!(
        columns == ["day", "n", "note"],
        "a new column is one: {columns:?}"
    );
    let n: Vec<_> = cells.iter().map(|row| row[1].clone()).collect();
    ensure!(n == ["0", "1", "2", "3", "4"], "{n:?}");
    // What is no table is told of.
    let warnings = ada
        .get(&format!("/uploads/{}/warnings", uploads[0].id))
        .await?;
    let told = warnings.body["places"][0]["message"].as_str();
    ensure!(
        told.is_some_and(|told| told.contains("`picture.png`, `empty.csv`")),
        "{}",
        warnings.body
    );
    Ok(())
}

#[tokio::test]
async fn of_upserted_files_a_later_one_wins() -> anyhow::Result<()> {
    let ada = shared().await.user("upserts@tables.example")?;
    let dataset = new(&ada, "id,n\n1,1\n").await?;
    let file = archive(&[
        ("a.csv", "id,n\n1,2\n2,2\n"),
        ("b.csv", "id,n\n2,3\n3,3\n"),
        ("c.csv", "id,n\n3,4\n"),
    ])?;
    let ask = into(dataset, Mode::Upsert, &["id"], "days.zip", &file);
    all(&ada, ada.send(&ask, file).await?).await?;
    let (_, mut cells) = rows(&ada, dataset).await?;
    cells.sort_by_key(|row| row[0].to_string());
    let wanted = [["1", "2"], ["2", "3"], ["3", "4"]].map(|row| row.map(Value::from).to_vec());
    ensure!(cells == wanted, "{cells:?}");
    Ok(())
}

#[tokio::test]
async fn tables_that_would_undo_one_another_are_refused() -> anyhow::Result<()> {
    let ada = shared().await.user("undone@tables.example")?;
    let dataset = new(&ada, "id,n\n1,1\n").await?;
    let file = archive(&[("a.csv", "id,n\n1,2\n"), ("b.csv", "id,n\n2,3\n")])?;
    for (mode, key) in [(Mode::Replace, &[][..]), (Mode::Sync, &["id"][..])] {
        let mut ask = into(dataset, mode, key, "all.zip", &file);
        ask.options.tables = Some(Tables::Each);
        let id = ada.send(&ask, file.clone()).await?;
        let failed = ada.outcome(id, PATIENCE).await?;
        let problem = failed.problem.context("a reason")?;
        ensure!(problem.code == Code::Validation, "{problem:?}");
        ensure!(problem.pointer.as_deref() == Some("/options/tables"));
        ensure!(problem.detail.contains("2 tables"), "{problem:?}");
        ensure!(failed.tables.is_empty());
    }
    // Not told to, it reads the first, as it always did.
    let ask = into(dataset, Mode::Replace, &[], "all.zip", &file);
    let upload = published(&ada, ada.send(&ask, file).await?).await?;
    ensure!(upload.tables.is_empty() && upload.version == Some(2));
    Ok(())
}

#[tokio::test]
async fn a_second_table_in_a_text_becomes_a_dataset_by_choice() -> anyhow::Result<()> {
    let ada = shared().await.user("split@tables.example")?;
    let mut file = "town,sum\n".to_owned();
    for n in 0..12_000 {
        file.push_str(&format!("Ulm,{n}\n"));
    }
    file.push_str("\nLands\ncode,land,size\nDE,Germany,1.50\nIT,Italy,2.50\n");
    let mut ask = new_dataset("Towns", "towns.csv", file.len() as u64);
    ask.options.tables = Some(Tables::Split);
    let uploads = all(&ada, ada.send(&ask, file.clone().into()).await?).await?;
    ensure!(
        names(&uploads) == [("table 1", "Towns"), ("table 2", "Towns · table 2")],
        "{uploads:?}"
    );
    let skipped = |upload: &Upload| upload.receipt.clone().unwrap_or_default().skipped;
    ensure!(skipped(&uploads[0])["other_table"] == 4, "{uploads:?}");
    ensure!(skipped(&uploads[1])["other_table"] == 12_002, "{uploads:?}");
    ensure!(skipped(&uploads[1])["preamble"] == 1, "{uploads:?}");
    let (columns, cells) = rows(&ada, uploads[1].dataset_id).await?;
    ensure!(columns == ["code", "land", "size"], "{columns:?}");
    ensure!(
        cells[1] == [json!("IT"), json!("Italy"), json!("2.50")],
        "{cells:?}"
    );

    let kept = ada.send_bytes("Kept", "towns.csv", file.into()).await?;
    let kept = published(&ada, kept).await?;
    ensure!(kept.tables.is_empty());
    ensure!(kept.receipt.context("a receipt")?.warnings["second_table"] >= 1);
    Ok(())
}

#[tokio::test]
async fn each_table_of_a_preview_is_confirmed_changed_and_dropped_by_itself() -> anyhow::Result<()>
{
    let ada = shared().await.user("preview@tables.example")?;
    let ask = CreateUpload {
        confirm: Confirm::Ask,
        ..new_dataset("Shop", "two_sheets.xlsx", two_sheets()?.len() as u64)
    };
    let waits = |upload: &Upload| upload.state == UploadState::AwaitingConfirmation;
    let id = ada.send(&ask, two_sheets()?).await?;
    let first = ada.until(id, PATIENCE, waits).await?;
    let other = first.tables.get(1).context("a second table")?.upload_id;
    let second = ada.until(other, PATIENCE, waits).await?;
    ensure!(second.first == Some(id) && second.table.as_deref() == Some("Sizes"));

    // It stays its table, whatever else is said of it.
    let path = format!("/uploads/{other}");
    let changed = ada
        .patch(&path, &json!({"options": {"types": {"id": "text"}}}))
        .await?;
    ensure!(changed.status == 200, "{}", changed.body);
    ensure!(
        changed.body["options"]["sheet"] == "Sizes",
        "{}",
        changed.body
    );
    let elsewhere = ada
        .patch(&path, &json!({"options": {"sheet": "Stock"}}))
        .await?;
    ensure!(
        elsewhere.status == 400 || elsewhere.status == 422,
        "{}",
        elsewhere.body
    );
    ensure!(
        elsewhere.body["pointer"] == "/options/sheet",
        "{}",
        elsewhere.body
    );
    let newer = |upload: &Upload| waits(upload) && upload.generation == 2;
    ada.until(other, PATIENCE, newer).await?;

    // The first without the other: that is cancelled, and this one's alone.
    let alone = json!({"options": {"tables": "one"}});
    let answer = ada.patch(&format!("/uploads/{id}"), &alone).await?;
    ensure!(answer.status == 200, "{}", answer.body);
    let first = ada.until(id, PATIENCE, newer).await?;
    ensure!(first.tables.is_empty(), "{first:?}");
    let gone = ada.upload(other).await?;
    ensure!(gone.state == UploadState::Cancelled, "{gone:?}");

    // And again with it.
    let both = json!({"options": {"tables": "each"}});
    ada.patch(&format!("/uploads/{id}"), &both).await?;
    let newest = |upload: &Upload| waits(upload) && upload.generation == 3;
    let first = ada.until(id, PATIENCE, newest).await?;
    let again = first.tables.get(1).context("a second table")?.upload_id;
    ada.until(again, PATIENCE, waits).await?;
    let confirmed = ada
        .post(&format!("/uploads/{id}/confirm"), &json!({"generation": 3}))
        .await?;
    ensure!(confirmed.status == 200, "{}", confirmed.body);
    published(&ada, id).await?;
    ensure!(
        waits(&ada.upload(again).await?),
        "the other one waits still"
    );
    ensure!(ada.delete(&format!("/uploads/{again}")).await?.status == 204);
    let states: Vec<_> = ada
        .upload(id)
        .await?
        .tables
        .into_iter()
        .map(|t| t.state)
        .collect();
    ensure!(
        states == [UploadState::Published, UploadState::Cancelled],
        "{states:?}"
    );
    Ok(())
}

#[tokio::test]
async fn nobody_sees_a_table_whose_dataset_is_not_theirs() -> anyhow::Result<()> {
    let stack = shared().await;
    let (ada, eve) = (
        stack.user("owner@tables.example")?,
        stack.user("guest@tables.example")?,
    );
    let file = archive(&[
        ("a.csv", "x\n1\n"),
        ("b.csv", "x\n2\n"),
        ("c.csv", "x\n3\n"),
    ])?;
    let id = ada.send_bytes("Three", "three.zip", file).await?;
    let uploads = all(&ada, id).await?;
    let me = eve.get("/me").await?.body["id"].clone();
    let share = async |upload: &Upload| {
        let path = format!(
            "/datasets/{}/grants/{}",
            upload.dataset_id,
            me.as_str().unwrap_or_default()
        );
        Client::ask(
            ada.request(reqwest::Method::PUT, &path)
                .json(&json!({"role": "viewer"})),
        )
        .await
    };
    ensure!(share(&uploads[0]).await?.status.is_success());
    ensure!(eve.upload(id).await?.tables.is_empty());
    ensure!(
        eve.get(&format!("/uploads/{}", uploads[1].id))
            .await?
            .status
            == 404
    );
    ensure!(share(&uploads[2]).await?.status.is_success());
    let seen: Vec<_> = eve
        .upload(id)
        .await?
        .tables
        .into_iter()
        .map(|t| t.name)
        .collect();
    ensure!(seen == ["a", "c"], "{seen:?}");
    Ok(())
}
