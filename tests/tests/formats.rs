//! Files that are not plain text, the whole way: their rows are in the table, and what cannot be read says why.

use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
use contracts::{
    Code,
    dataset::RowPage,
    plan::FileFormat,
    upload::{Upload, UploadState},
};
use serde_json::{Value, json};
use testkit::{Client, shared};

const PATIENCE: Duration = Duration::from_secs(120);

fn fixture(name: &str) -> anyhow::Result<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    Ok(std::fs::read(folder.join(name))?)
}

async fn import(client: &Client, file_name: &str, bytes: Vec<u8>) -> anyhow::Result<Upload> {
    let id = client.send_bytes(file_name, file_name, bytes).await?;
    client.outcome(id, PATIENCE).await
}

/// The table of a published import: its names and its rows.
async fn table(client: &Client, upload: &Upload) -> anyhow::Result<Vec<Vec<Value>>> {
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    let receipt = upload.receipt.as_ref();
    ensure!(
        receipt.is_some_and(contracts::receipt::Receipt::balances),
        "{upload:?}"
    );
    let answer = client
        .get(&format!("/datasets/{}/rows", upload.dataset_id))
        .await?;
    let page: RowPage = serde_json::from_value(answer.body)?;
    let names = page
        .columns
        .iter()
        .map(|column| json!(column.name))
        .collect();
    let rows = page.rows.into_iter().map(|row| row.cells);
    Ok(std::iter::once(names).chain(rows).collect())
}

fn format(upload: &Upload) -> Option<FileFormat> {
    upload.plan.as_ref().map(|plan| plan.file.kind.format)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_table_is_the_same_out_of_every_format() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let lines = "{\"id\":1,\"name\":\"x\",\"price\":1.50,\"day\":\"2024-02-29\"}\n{\"id\":2,\"price\":20.00,\"day\":null}\n";
    let rows = |name: Value| {
        vec![
            vec![json!("id"), json!("name"), json!("price"), json!("day")],
            vec![json!("1"), json!("x"), json!("1.50"), json!("2024-02-29")],
            vec![json!("2"), name, json!("20.00"), Value::Null],
        ]
    };
    for (file_name, bytes, wanted, name) in [
        (
            "table.csv.gz",
            fixture("formats/table.csv.gz")?,
            FileFormat::Text,
            json!(""),
        ),
        (
            "table.parquet",
            fixture("formats/table.parquet")?,
            FileFormat::Parquet,
            Value::Null,
        ),
        (
            "lines.ndjson",
            lines.into(),
            FileFormat::Ndjson,
            Value::Null,
        ),
    ] {
        let upload = import(&ada, file_name, bytes).await?;
        let found = table(&ada, &upload).await?;
        ensure!(found == rows(name), "{file_name}: {found:?}");
        ensure!(
            format(&upload) == Some(wanted),
            "{file_name}: {:?}",
            upload.plan
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_is_a_table_and_a_protected_one_says_so() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let upload = import(
        &ada,
        "inventory.xlsx",
        fixture("spreadsheets/inventory-table.xlsx")?,
    )
    .await?;
    let found = table(&ada, &upload).await?;
    ensure!(
        found[..2]
            == [
                vec![json!("Item"), json!("Type"), json!("Quantity")],
                vec![json!("1"), json!("Apple"), json!("50")],
            ],
        "{found:?}"
    );
    ensure!(format(&upload) == Some(FileFormat::Xlsx), "{upload:?}");
    let upload = import(
        &ada,
        "protected.xlsx",
        fixture("spreadsheets/pass_protected.xlsx")?,
    )
    .await?;
    let problem = upload.problem.as_ref();
    ensure!(
        problem.is_some_and(|problem| problem.code == Code::EncryptedFile),
        "{upload:?}"
    );
    Ok(())
}
