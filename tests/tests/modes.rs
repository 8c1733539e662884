//! Files into a dataset that is there: what each mode makes of it, over HTTP and through every function.

use std::time::Duration;

use anyhow::{Context, ensure};
use contracts::{
    Code, DatasetId,
    dataset::RowPage,
    receipt::Receipt,
    upload::{CreateUpload, Mode, Target, Upload, UploadState},
};
use serde_json::{Value, json};
use testkit::{Client, shared};

const PATIENCE: Duration = Duration::from_secs(120);

const FIRST: &str = "sku,name,price\nA1,Anvil,10.50\nB2,Bucket,3.20\nC3,Chisel,7.00\n";

async fn send(ada: &Client, request: CreateUpload, file: &str) -> anyhow::Result<Upload> {
    let created = ada.create_upload(&request).await?;
    ensure!(
        ada.put(&created, file.as_bytes().to_vec())
            .await?
            .is_success(),
        "the file was not taken"
    );
    ada.outcome(created.id, PATIENCE).await
}

async fn new(ada: &Client) -> anyhow::Result<DatasetId> {
    let request = testkit::new_dataset("Tools", "tools.csv", FIRST.len() as u64);
    let upload = send(ada, request, FIRST).await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    Ok(upload.dataset_id)
}

fn into(id: DatasetId, mode: Mode, key: &[&str], file: &str) -> CreateUpload {
    CreateUpload {
        dataset: Target::Existing { id },
        mode,
        key: key.iter().map(|&column| column.to_owned()).collect(),
        ..testkit::new_dataset("", "tools.csv", file.len() as u64)
    }
}

async fn rows(ada: &Client, id: DatasetId) -> anyhow::Result<Vec<Vec<Value>>> {
    let answer = ada.get(&format!("/datasets/{id}/rows")).await?;
    let page: RowPage = serde_json::from_value(answer.body)?;
    Ok(page.rows.into_iter().map(|row| row.cells).collect())
}

fn receipt(upload: &Upload) -> anyhow::Result<&Receipt> {
    let receipt = upload
        .receipt
        .as_ref()
        .with_context(|| format!("no receipt: {upload:?}"))?;
    ensure!(receipt.balances(), "{receipt:?}");
    Ok(receipt)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_updates_and_adds_and_keeps_what_the_file_lacks() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    // Out of order, with a column more, one key twice and a price that does not fit.
    let file = "price,sku,colour\n3.50,B2,red\n9,D4,blue\n3.60,B2,green\n10.50,A1,\nmuch,C3,grey\n";
    let upload = send(&ada, into(id, Mode::Upsert, &["sku"], file), file).await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    let told = receipt(&upload)?;
    ensure!(
        (
            told.inserted,
            told.updated,
            told.unchanged,
            told.superseded,
            told.quarantined
        ) == (1, 2, 0, 1, 1),
        "{told:?}"
    );
    assert_eq!(
        rows(&ada, id).await?,
        [
            json!(["A1", "Anvil", "10.50", ""]),
            json!(["B2", "Bucket", "3.60", "green"]),
            json!(["C3", "Chisel", "7.00", null]),
            json!(["D4", null, "9", "blue"]),
        ]
        .map(|row| row.as_array().cloned().unwrap_or_default())
    );
    // The same file once more changes nothing, and is a version all the same.
    let again = send(&ada, into(id, Mode::Upsert, &["sku"], file), file).await?;
    let told = receipt(&again)?;
    ensure!((told.inserted, told.updated, told.unchanged) == (0, 0, 3));
    ensure!(again.version == Some(3), "{again:?}");
    let diff = ada.get(&format!("/datasets/{id}/diff?from=2&to=3")).await?;
    ensure!(diff.body["rows"] == json!([]), "{}", diff.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_makes_the_dataset_as_the_file_and_can_be_undone() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    let before = rows(&ada, id).await?;
    let file = "sku,name,price\nC3,Chisel,7.00\nB2,Pail,3.20\n";
    let upload = send(&ada, into(id, Mode::Sync, &["sku"], file), file).await?;
    let told = receipt(&upload)?;
    ensure!(
        (told.updated, told.unchanged, told.deleted) == (1, 1, 1),
        "{told:?}"
    );
    let names: Vec<_> = rows(&ada, id)
        .await?
        .iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(names, [json!("Pail"), json!("Chisel")]);
    let restored = ada
        .post(&format!("/datasets/{id}/restore"), &json!({"version": 1}))
        .await?;
    ensure!(
        restored.status == 201,
        "{} {}",
        restored.status,
        restored.body
    );
    assert_eq!(rows(&ada, id).await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_tell_rows_apart_fails_with_what_to_do() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    let unknown = ada
        .post("/uploads", &into(id, Mode::Upsert, &["colour"], FIRST))
        .await?;
    ensure!(
        unknown.status == 400 && unknown.body["pointer"] == "/key/0",
        "{} {}",
        unknown.status,
        unknown.body
    );
    for (key, file) in [
        // The file lacks it.
        ("sku", "name,price\nAnvil,1.00\n"),
        // Two rows of the dataset share it by then.
        ("name", "sku,name,price\nZ9,Anvil,1.00\n"),
    ] {
        if key == "name" {
            let twin = "sku,name,price\nE5,Anvil,2.00\n";
            let upload = send(&ada, into(id, Mode::Append, &[], twin), twin).await?;
            ensure!(upload.state == UploadState::Published, "{upload:?}");
        }
        let upload = send(&ada, into(id, Mode::Upsert, &[key], file), file).await?;
        let problem = upload.problem.as_ref().context("no problem")?;
        ensure!(
            upload.state == UploadState::Failed && problem.code == Code::Validation,
            "{upload:?}"
        );
        ensure!(problem.pointer.as_deref() == Some("/key"), "{problem:?}");
        ensure!(problem.detail.contains(key), "{problem:?}");
    }
    Ok(())
}
