//! Uploads that ask first: what the preview tells is what is published, and nobody sees any of it before.

use std::time::Duration;

use anyhow::{Context, ensure};
use contracts::{
    Code, DatasetId, UploadId,
    dataset::RowPage,
    plan::{MappedBy, Options},
    receipt::Receipt,
    upload::{Confirm, CreateUpload, Mode, Preview, PreviewCounts, Target, Upload, UploadState},
};
use serde_json::{Value, json};
use testkit::{Client, shared};

const PATIENCE: Duration = Duration::from_secs(120);

const FIRST: &str = "sku,name,price\nA1,Anvil,10.50\nB2,Bucket,3.20\nC3,Chisel,7.00\n";

async fn send(ada: &Client, request: CreateUpload, file: &str) -> anyhow::Result<UploadId> {
    ada.send(&request, file.as_bytes().to_vec()).await
}

async fn new(ada: &Client) -> anyhow::Result<DatasetId> {
    let request = testkit::new_dataset("Tools", "tools.csv", FIRST.len() as u64);
    let upload = ada
        .outcome(send(ada, request, FIRST).await?, PATIENCE)
        .await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    Ok(upload.dataset_id)
}

fn asking(id: DatasetId, mode: Mode, key: &[&str], file: &str) -> CreateUpload {
    CreateUpload {
        dataset: Target::Existing { id },
        mode,
        key: key.iter().map(|&column| column.to_owned()).collect(),
        confirm: Confirm::Ask,
        ..testkit::new_dataset("", "tools.csv", file.len() as u64)
    }
}

/// Loaded, or with a problem, by this generation.
async fn waiting(ada: &Client, id: UploadId, generation: i32) -> anyhow::Result<Upload> {
    let waits = |upload: &Upload| {
        upload.state.is_final()
            || (upload.state == UploadState::AwaitingConfirmation
                && upload.generation == generation)
    };
    let upload = ada.until(id, PATIENCE, waits).await?;
    ensure!(!upload.state.is_final(), "{upload:?}");
    Ok(upload)
}

async fn preview(ada: &Client, id: UploadId) -> anyhow::Result<Preview> {
    let answer = ada.get(&format!("/uploads/{id}/preview")).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(serde_json::from_value(answer.body)?)
}

async fn change(ada: &Client, id: UploadId, body: Value) -> anyhow::Result<Upload> {
    let answer = ada.patch(&format!("/uploads/{id}"), &body).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    Ok(serde_json::from_value(answer.body)?)
}

async fn confirm(ada: &Client, id: UploadId, generation: i32) -> anyhow::Result<Upload> {
    let path = format!("/uploads/{id}/confirm");
    let answer = ada.post(&path, &json!({"generation": generation})).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    let upload = ada.outcome(id, PATIENCE).await?;
    ensure!(upload.state == UploadState::Published, "{upload:?}");
    Ok(upload)
}

async fn rows(ada: &Client, id: DatasetId) -> anyhow::Result<RowPage> {
    let answer = ada.get(&format!("/datasets/{id}/rows")).await?;
    Ok(serde_json::from_value(answer.body)?)
}

async fn versions(ada: &Client, id: DatasetId) -> anyhow::Result<usize> {
    let answer = ada.get(&format!("/datasets/{id}/versions")).await?;
    Ok(answer.body["versions"].as_array().map_or(0, Vec::len))
}

fn told(receipt: &Receipt) -> PreviewCounts {
    PreviewCounts {
        inserted: receipt.inserted,
        updated: receipt.updated,
        unchanged: receipt.unchanged,
        superseded: receipt.superseded,
        deleted: receipt.deleted,
        quarantined: receipt.quarantined,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_is_shown_changed_and_published_as_it_was_shown() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    let file = "SKU,Name,cost,made\nD4,Drill,9.00,1\nE5,Edge,much,2\n\nF6,File,1.25,x\n";
    let upload = send(&ada, asking(id, Mode::Append, &[], file), file).await?;
    let first = waiting(&ada, upload, 1).await?;
    ensure!((first.version, first.confirm) == (None, Confirm::Ask));
    let shown = preview(&ada, upload).await?;
    let counts = PreviewCounts {
        inserted: 3,
        ..PreviewCounts::default()
    };
    ensure!(shown.counts == Some(counts), "{shown:?}");
    let by: Vec<_> = first.plan.context("no plan")?.file.mapping;
    let by: Vec<_> = by.iter().map(|m| (m.name.as_str(), m.by)).collect();
    ensure!(
        by == [
            ("sku", MappedBy::Alike),
            ("name", MappedBy::Alike),
            ("cost", MappedBy::New),
            ("made", MappedBy::New)
        ],
        "{by:?}"
    );
    let places: Vec<_> = shown.rows.iter().map(|row| row.place).collect();
    ensure!(places == [2, 3, 5], "{places:?}");

    let options = json!({
        "mapping": {"cost": "price", "made": "lot"},
        "types": {"made": "int64"},
    });
    let changed = change(&ada, upload, json!({ "options": options })).await?;
    ensure!((changed.state, changed.generation) == (UploadState::Analysing, 2));
    ensure!(changed.options.mapping.len() == 2 && changed.plan.is_none());
    let stale = ada
        .post(
            &format!("/uploads/{upload}/confirm"),
            &json!({"generation": 1}),
        )
        .await?;
    ensure!(stale.status == 409, "{} {}", stale.status, stale.body);
    waiting(&ada, upload, 2).await?;
    let shown = preview(&ada, upload).await?;
    let counts = PreviewCounts {
        inserted: 1,
        quarantined: 2,
        ..PreviewCounts::default()
    };
    ensure!(shown.counts == Some(counts), "{shown:?}");
    ensure!(shown.quarantined.len() == 2, "{shown:?}");
    let columns: Vec<_> = (shown.columns.iter())
        .map(|c| (c.column.name.as_str(), c.source.as_deref(), c.new))
        .collect();
    ensure!(
        columns
            == [
                ("sku", Some("SKU"), false),
                ("name", Some("Name"), false),
                ("price", Some("cost"), false),
                ("lot", Some("made"), true)
            ],
        "{columns:?}"
    );
    ensure!(shown.rows[0].place == 2);
    ensure!(shown.rows[0].cells == [json!("D4"), json!("Drill"), json!("9.00"), json!("1")]);

    // Nothing of it is to be seen.
    let before = rows(&ada, id).await?;
    ensure!((before.version, before.total, before.columns.len()) == (1, 3, 3));
    ensure!(versions(&ada, id).await? == 1);
    let quarantine = ada.get(&format!("/datasets/{id}/quarantine")).await?;
    ensure!(quarantine.body["total"] == 0, "{}", quarantine.body);

    let published = confirm(&ada, upload, 2).await?;
    let receipt = published.receipt.context("no receipt")?;
    ensure!(
        receipt.balances() && told(&receipt) == counts,
        "{receipt:?}"
    );
    let after = rows(&ada, id).await?;
    ensure!((after.version, after.total, after.columns.len()) == (2, 4, 4));
    confirm(&ada, upload, 2).await?;
    let late = ada.patch(&format!("/uploads/{upload}"), &json!({})).await?;
    ensure!(late.status == 409, "{} {}", late.status, late.body);

    // The next one with this header goes the same way, without being asked.
    let again = CreateUpload {
        confirm: Confirm::Auto,
        ..asking(id, Mode::Append, &[], file)
    };
    let upload = ada
        .outcome(send(&ada, again, file).await?, PATIENCE)
        .await?;
    let mapping = upload.plan.context("no plan")?.file.mapping;
    ensure!(
        mapping.iter().all(|m| m.by == MappedBy::Remembered),
        "{mapping:?}"
    );
    ensure!(rows(&ada, id).await?.columns.len() == 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_shows_what_changes_and_is_worked_out_again_after_an_edit() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    let file = "sku,price\nA1,11.00\nB2,3.20\nD4,5.00\n";
    let upload = send(&ada, asking(id, Mode::Sync, &["sku"], file), file).await?;
    waiting(&ada, upload, 1).await?;
    let shown = preview(&ada, upload).await?;
    let counts = PreviewCounts {
        inserted: 1,
        updated: 1,
        unchanged: 1,
        deleted: 1,
        ..PreviewCounts::default()
    };
    ensure!(shown.counts == Some(counts), "{shown:?}");
    ensure!(shown.updated[0].before == [json!("A1"), json!("Anvil"), json!("10.50")]);
    ensure!(shown.updated[0].after == [json!("A1"), json!("Anvil"), json!("11.00")]);
    ensure!(shown.deleted[0].cells == [json!("C3"), json!("Chisel"), json!("7.00")]);

    // As an upsert nothing goes.
    change(&ada, upload, json!({"mode": "upsert"})).await?;
    waiting(&ada, upload, 2).await?;
    let shown = preview(&ada, upload).await?;
    ensure!(shown.deleted.is_empty());
    ensure!(
        shown.counts
            == Some(PreviewCounts {
                deleted: 0,
                ..counts
            }),
        "{shown:?}"
    );

    let page = rows(&ada, id).await?;
    let edit = json!({
        "base_version": 1,
        "message": "",
        "changes": [{"op": "update", "row_id": page.rows[0].row_id, "cells": {"col_3": "11.00"}}],
    });
    let edited = ada.post(&format!("/datasets/{id}/commits"), &edit).await?;
    ensure!(edited.status == 201, "{} {}", edited.status, edited.body);
    let published = confirm(&ada, upload, 2).await?;
    let receipt = published.receipt.clone().context("no receipt")?;
    ensure!(
        (receipt.inserted, receipt.updated, receipt.unchanged) == (1, 0, 2),
        "{receipt:?}"
    );
    ensure!(published.version == Some(3), "{published:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_options_mend_waits_and_what_none_mends_fails() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let id = new(&ada).await?;
    let file = "sku,weight\nD4,5\n";
    let request = CreateUpload {
        options: serde_json::from_value::<Options>(json!({"new_columns": "refuse"}))?,
        ..asking(id, Mode::Append, &[], file)
    };
    let refused = CreateUpload {
        confirm: Confirm::Auto,
        ..request.clone()
    };
    let refused = ada
        .outcome(send(&ada, refused, file).await?, PATIENCE)
        .await?;
    let problem = refused.problem.context("no problem")?;
    ensure!(problem.pointer.as_deref() == Some("/options/new_columns"));
    ensure!(problem.detail.contains("weight"), "{problem:?}");

    let upload = send(&ada, request, file).await?;
    let waits = waiting(&ada, upload, 1).await?;
    ensure!(waits.problem == Some(problem) && waits.plan.is_none());
    let path = format!("/uploads/{upload}/confirm");
    let answer = ada.post(&path, &json!({"generation": 1})).await?;
    ensure!(answer.status == 409, "{} {}", answer.status, answer.body);
    ensure!(answer.body["pointer"] == "/options/new_columns");

    let wrong = json!({"options": {"mapping": {"height": null}}});
    change(&ada, upload, wrong).await?;
    let waits = waiting(&ada, upload, 2).await?;
    let problem = waits.problem.context("no problem")?;
    ensure!(
        problem.pointer.as_deref() == Some("/options/mapping/height"),
        "{problem:?}"
    );
    let right = json!({"options": {"mapping": {"weight": null}}});
    change(&ada, upload, right).await?;
    let waits = waiting(&ada, upload, 3).await?;
    ensure!(waits.problem.is_none(), "{waits:?}");
    let shown = preview(&ada, upload).await?;
    ensure!(
        shown.warnings.get("column_left_out") == Some(&1),
        "{shown:?}"
    );
    confirm(&ada, upload, 3).await?;
    ensure!(rows(&ada, id).await?.columns.len() == 3);

    let empty = "\n\n";
    let upload = send(&ada, asking(id, Mode::Append, &[], empty), empty).await?;
    let failed = ada.outcome(upload, PATIENCE).await?;
    ensure!(failed.problem.map(|problem| problem.code) == Some(Code::EmptyFile));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_leaves_nothing() -> anyhow::Result<()> {
    let ada = shared().await.user("ada@example.com")?;
    let request = CreateUpload {
        confirm: Confirm::Ask,
        ..testkit::new_dataset("Dropped", "tools.csv", FIRST.len() as u64)
    };
    let early = ada.create_upload(&request).await?;
    let answer = ada
        .patch(&format!("/uploads/{}", early.id), &json!({}))
        .await?;
    ensure!(answer.status == 409, "{} {}", answer.status, answer.body);
    let answer = ada.get(&format!("/uploads/{}/preview", early.id)).await?;
    ensure!(answer.status == 409, "{} {}", answer.status, answer.body);

    let upload = send(&ada, request, FIRST).await?;
    let waits = waiting(&ada, upload, 1).await?;
    ensure!(preview(&ada, upload).await?.columns.iter().all(|c| c.new));
    let dataset = waits.dataset_id;
    let hidden = ada.get(&format!("/datasets/{dataset}")).await?;
    ensure!(hidden.status == 404, "{} {}", hidden.status, hidden.body);
    let answer = ada.delete(&format!("/uploads/{upload}")).await?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.body);
    let path = format!("/uploads/{upload}/confirm");
    let answer = ada.post(&path, &json!({"generation": 1})).await?;
    ensure!(answer.status == 409, "{} {}", answer.status, answer.body);
    let cancelled = ada.upload(upload).await?;
    ensure!(cancelled.state == UploadState::Cancelled, "{cancelled:?}");
    let hidden = ada.get(&format!("/datasets/{dataset}")).await?;
    ensure!(hidden.status == 404, "{} {}", hidden.status, hidden.body);
    let pg = shared().await.pg().await?;
    let store = store::Store::new(pg.clone());
    while store.sweep(1_000_000).await?.more {}
    let left: bool = sqlx::query_scalar(
        "select exists (select from gk.dataset d where d.id = $1 and to_regclass('data.d_' || d.no) is not null)",
    )
    .bind(dataset.to_string())
    .fetch_one(&pg)
    .await?;
    ensure!(!left, "its tables are still there");
    Ok(())
}
