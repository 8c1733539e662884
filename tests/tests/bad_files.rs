//! Files that are not what they should be, the whole way: each gets a clear problem, a warning or a quarantine entry with its place; nothing is lost, and
//! the service stays up.

use std::time::Duration;

use anyhow::{Context, ensure};
use contracts::{
    Code,
    dataset::RowPage,
    quarantine::QuarantineList,
    upload::{Upload, UploadState},
};
use serde_json::{Value, json};
use testkit::{Client, shared};

const PATIENCE: Duration = Duration::from_secs(120);

async fn ada() -> anyhow::Result<Client> {
    shared().await.user("ada@example.com")
}

async fn import(
    ada: &Client,
    file_name: &str,
    bytes: impl Into<Vec<u8>>,
) -> anyhow::Result<Upload> {
    let id = ada.send_bytes(file_name, file_name, bytes.into()).await?;
    ada.outcome(id, PATIENCE).await
}

/// The import is published and its receipt balances; its first page.
async fn published(ada: &Client, upload: &Upload) -> anyhow::Result<RowPage> {
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    ensure!(
        upload
            .receipt
            .as_ref()
            .is_some_and(contracts::receipt::Receipt::balances),
        "{upload:?}"
    );
    let answer = ada
        .get(&format!("/datasets/{}/rows", upload.dataset_id))
        .await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(serde_json::from_value(answer.body)?)
}

async fn quarantine(ada: &Client, upload: &Upload) -> anyhow::Result<QuarantineList> {
    let answer = ada
        .get(&format!("/datasets/{}/quarantine", upload.dataset_id))
        .await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(serde_json::from_value(answer.body)?)
}

fn failed_with(upload: &Upload, code: Code) -> anyhow::Result<()> {
    let problem = upload
        .problem
        .as_ref()
        .with_context(|| format!("no problem: {upload:?}"))?;
    ensure!(
        upload.state == UploadState::Failed && problem.code == code,
        "{upload:?}"
    );
    ensure!(problem.detail.len() > 20, "no help in {:?}", problem.detail);
    Ok(())
}

fn names(page: &RowPage) -> Vec<&str> {
    page.columns
        .iter()
        .map(|column| column.name.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_without_a_record_is_empty() -> anyhow::Result<()> {
    let ada = ada().await?;
    failed_with(&import(&ada, "blank.csv", "\n\n\n").await?, Code::EmptyFile)?;
    let ask = testkit::new_dataset("nothing", "nothing.csv", 0);
    let answer = ada.post("/uploads", &ask).await?;
    ensure!(
        answer.body["code"] == "empty_file",
        "{} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_alone_is_a_table_without_rows_and_a_warning() -> anyhow::Result<()> {
    let ada = ada().await?;
    let upload = import(&ada, "header.csv", "a,b\n").await?;
    let page = published(&ada, &upload).await?;
    ensure!(names(&page) == ["a", "b"] && page.total == 0 && page.rows.is_empty());
    let receipt = upload.receipt.context("no receipt")?;
    ensure!(!receipt.warnings.is_empty(), "{receipt:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_decides_what_a_file_is_not_its_name() -> anyhow::Result<()> {
    let ada = ada().await?;
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    failed_with(
        &import(&ada, "picture.csv", picture).await?,
        Code::UnsupportedFormat,
    )?;
    let page = published(&ada, &import(&ada, "table.png", "a,b\n1,2\n").await?).await?;
    ensure!(page.rows.len() == 1 && page.rows[0].cells == [json!("1"), json!("2")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_byte_and_a_nul_cost_their_own_rows_only() -> anyhow::Result<()> {
    let ada = ada().await?;
    let upload = import(
        &ada,
        "bytes.csv",
        b"a,b\n1,x\n2,\xff\n3,y\n4,\0\n5,z\n".to_vec(),
    )
    .await?;
    let page = published(&ada, &upload).await?;
    let first: Vec<&Value> = page.rows.iter().map(|row| &row.cells[0]).collect();
    ensure!(
        first == [&json!("1"), &json!("3"), &json!("5")],
        "{first:?}"
    );
    let list = quarantine(&ada, &upload).await?;
    let mut places: Vec<_> = list
        .rows
        .iter()
        .map(|row| {
            (
                row.place.line,
                row.place.record,
                row.place.byte,
                row.place.code.as_str(),
            )
        })
        .collect();
    places.sort_unstable();
    ensure!(
        places == [(3, 3, 8, "invalid_encoding"), (5, 5, 16, "nul_byte")],
        "{places:?}"
    );
    ensure!(
        list.rows
            .iter()
            .all(|row| row.place.raw.as_ref().is_some_and(|raw| raw.contains(','))),
        "{list:?}"
    );
    let receipt = upload.receipt.context("no receipt")?;
    ensure!(
        (receipt.inserted, receipt.quarantined) == (3, 2),
        "{receipt:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ragged_rows_are_kept_with_a_warning_each() -> anyhow::Result<()> {
    let ada = ada().await?;
    let upload = import(&ada, "ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n").await?;
    let page = published(&ada, &upload).await?;
    ensure!(
        names(&page) == ["a", "b", "c", "column_4"],
        "{:?}",
        names(&page)
    );
    ensure!(
        page.rows[1].cells[2].is_null() && page.rows[2].cells[3] == json!("9"),
        "{:?}",
        page.rows
    );
    let answer = ada.get(&format!("/uploads/{}/warnings", upload.id)).await?;
    let lines: Vec<&Value> = answer.body["places"]
        .as_array()
        .context("no places")?
        .iter()
        .map(|place| &place["line"])
        .collect();
    ensure!(lines == [&json!(3), &json!(4)], "{}", answer.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_of_ten_megabytes_is_cut_in_pages_and_whole_by_itself() -> anyhow::Result<()> {
    let ada = ada().await?;
    let cell = "0123456789".repeat(1_000_000);
    let over_a_message = "x".repeat(1_200_000);
    let upload = import(
        &ada,
        "large.csv",
        format!("id,note\na,{cell}\nb,short\nc,{over_a_message}\n"),
    )
    .await?;
    let page = published(&ada, &upload).await?;
    ensure!(
        page.rows.len() == 3 && page.rows[1].cells[1] == json!("short"),
        "{} rows",
        page.rows.len()
    );
    ensure!(
        page.rows[0].cells[1]["chars"] == json!(10_000_000)
            && page.rows[2].cells[1]["chars"] == json!(1_200_000)
    );
    for (row, wanted) in [(0, &cell), (2, &over_a_message)] {
        let path = format!(
            "/datasets/{}/rows/{}/cells/{}",
            upload.dataset_id, page.rows[row].row_id, page.columns[1].id
        );
        let answer = ada.get(&path).await?;
        let whole = answer
            .body
            .as_str()
            .or_else(|| answer.body["value"].as_str())
            .context("no whole cell")?;
        ensure!(
            whole == wanted,
            "{} of {} characters",
            whole.len(),
            wanted.len()
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_over_sixteen_mebibytes_is_quarantined_by_its_place() -> anyhow::Result<()> {
    let ada = ada().await?;
    let huge = "x".repeat(17 * 1024 * 1024);
    let upload = import(&ada, "huge.csv", format!("a,b\n1,2\n3,{huge}\n5,6\n")).await?;
    let page = published(&ada, &upload).await?;
    ensure!(page.total == 2, "{} rows", page.total);
    let list = quarantine(&ada, &upload).await?;
    ensure!(
        list.rows.len() == 1
            && list.rows[0].place.code == "row_too_large"
            && list.rows[0].place.line == 3,
        "{list:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_gets_a_name_of_its_own() -> anyhow::Result<()> {
    let ada = ada().await?;
    let page = published(&ada, &import(&ada, "names.csv", "a,a,,a\n1,2,3,4\n").await?).await?;
    ensure!(
        names(&page) == ["a", "a_2", "column_3", "a_3"],
        "{:?}",
        names(&page)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_columns_are_refused_with_the_limit() -> anyhow::Result<()> {
    let ada = ada().await?;
    let header: Vec<String> = (0..2_000).map(|n| format!("c{n}")).collect();
    let row = vec!["1"; 2_000];
    let upload = import(
        &ada,
        "wide.csv",
        format!("{}\n{}\n", header.join(","), row.join(",")),
    )
    .await?;
    failed_with(&upload, Code::TooManyColumns)?;
    let problem = upload.problem.context("no problem")?;
    ensure!(
        problem.detail.contains("400") && problem.detail.contains("2"),
        "{problem:?}"
    );
    Ok(())
}
