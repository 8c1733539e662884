//! Files dropped into the bucket, through the whole stack: imported as the dataset's owner, each with its outcome beside it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use contracts::{
    Code, DatasetId,
    drop_folder::{DropFolder, DropOutcome},
    upload::{Mode, UploadState},
};
use gridkeep_tests::archive;
use host::stack::{folder::Folder, settings};
use platform::s3::{self, S3Config, sdk};
use serde_json::json;
use testkit::{Client, shared};

const PATIENCE: Duration = Duration::from_secs(120);

struct Drops {
    owner: Client,
    s3: sdk::Client,
    dataset: DatasetId,
    folder: DropFolder,
}

impl Drops {
    /// A dataset with one row, and its drop folder.
    async fn take(name: &str) -> anyhow::Result<Self> {
        let stack = shared().await;
        let owner = stack.user(&format!("{name}@drops.example"))?;
        let id = owner
            .send_bytes(name, "first.csv", b"a,b\n1,2\n".to_vec())
            .await?;
        let dataset = owner.outcome(id, PATIENCE).await?.dataset_id;
        let answer = owner
            .get(&format!("/datasets/{dataset}/drop-folder"))
            .await?;
        let config = S3Config::from(&settings::read(&Folder::at(stack.folder())?)?)?;
        Ok(Self {
            owner,
            s3: s3::client(&config).await,
            dataset,
            folder: serde_json::from_value(answer.body)?,
        })
    }

    async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> anyhow::Result<()> {
        let put = self.s3.put_object().bucket(&self.folder.bucket).key(key);
        put.body(body.into().into()).send().await?;
        Ok(())
    }

    async fn put_file(&self, path: &str, body: impl Into<Vec<u8>>) -> anyhow::Result<()> {
        self.put(&format!("{}{path}", self.folder.prefix), body)
            .await
    }

    /// What lies at a key of the outcomes, once it does.
    async fn outcome(&self, key: &str) -> anyhow::Result<DropOutcome> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let get = self.s3.get_object().bucket(&self.folder.bucket).key(key);
            if let Ok(found) = get.send().await {
                return Ok(serde_json::from_slice(
                    &found.body.collect().await?.into_bytes(),
                )?);
            }
            ensure!(Instant::now() < deadline, "there is no {key}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn outcome_of(&self, path: &str) -> anyhow::Result<DropOutcome> {
        self.outcome(&format!("{}{path}.json", self.folder.outcomes_prefix))
            .await
    }

    async fn rows(&self) -> anyhow::Result<serde_json::Value> {
        let answer = self
            .owner
            .get(&format!("/datasets/{}", self.dataset))
            .await?;
        Ok(answer.body["rows"].clone())
    }
}

#[tokio::test]
async fn a_dropped_file_is_appended_and_its_outcome_told() -> anyhow::Result<()> {
    let drops = Drops::take("appended").await?;
    drops
        .put_file("2026/mars & more.csv", "a,b\n3,4\n5,6\n")
        .await?;
    let outcome = drops.outcome_of("2026/mars & more.csv").await?;
    ensure!(outcome.state == UploadState::Published, "{outcome:?}");
    ensure!((outcome.version, outcome.dataset_id) == (Some(2), Some(drops.dataset)));
    ensure!(
        outcome
            .receipt
            .is_some_and(|r| r.balances() && r.inserted == 2)
    );
    ensure!(drops.rows().await? == 3);
    let upload = drops
        .owner
        .upload(outcome.upload_id.context("an upload")?)
        .await?;
    ensure!(upload.file_name == "2026/mars & more.csv", "{upload:?}");
    let listed = drops.owner.get("/uploads").await?;
    ensure!(
        listed.body["uploads"][0]["id"] == json!(upload.id),
        "newest first"
    );

    let stranger = shared().await.user("stranger@drops.example")?;
    let path = format!("/datasets/{}/drop-folder", drops.dataset);
    ensure!(stranger.get(&path).await?.status == 404);
    Ok(())
}

#[tokio::test]
async fn the_settings_file_decides_and_a_broken_one_fails_the_import() -> anyhow::Result<()> {
    let drops = Drops::take("settings").await?;
    drops
        .put(&drops.folder.settings_key, r#"{"mode": "replace"}"#)
        .await?;
    drops.put_file("all.csv", "a,b\n7,8\n9,10\n").await?;
    let outcome = drops.outcome_of("all.csv").await?;
    ensure!(outcome.state == UploadState::Published, "{outcome:?}");
    ensure!(drops.rows().await? == 2);
    let upload = drops
        .owner
        .upload(outcome.upload_id.context("an upload")?)
        .await?;
    ensure!(upload.mode == Mode::Replace);

    drops
        .put(&drops.folder.settings_key, r#"{"mode": "replace",}"#)
        .await?;
    drops.put_file("more.csv", "a,b\n1,1\n").await?;
    let failed = drops.outcome_of("more.csv").await?;
    ensure!(failed.state == UploadState::Failed, "{failed:?}");
    let problem = failed.problem.context("a reason")?;
    ensure!(
        problem.code == Code::Validation && problem.detail.contains(&drops.folder.settings_key)
    );
    ensure!(
        problem.detail.contains("line 1 column"),
        "{}",
        problem.detail
    );
    ensure!(drops.rows().await? == 2);
    Ok(())
}

#[tokio::test]
async fn each_file_of_a_dropped_archive_is_appended_and_has_its_outcome() -> anyhow::Result<()> {
    let drops = Drops::take("archive").await?;
    let year = archive(&[
        ("jan.csv", "a,b\n3,4\n"),
        ("2024/feb.csv", "a,b\n5,6\n7,8\n"),
        ("mar.csv", "a,b\n9,x\n"),
    ])?;
    drops.put_file("year.zip", year).await?;
    let mut versions = Vec::new();
    for path in ["year.zip", "year.zip/2024/feb", "year.zip/mar"] {
        let outcome = drops.outcome_of(path).await?;
        ensure!(outcome.state == UploadState::Published, "{outcome:?}");
        ensure!(outcome.file == format!("{}year.zip", drops.folder.prefix));
        versions.extend(outcome.version);
    }
    ensure!(versions == [2, 3, 4], "{versions:?}");
    ensure!(drops.rows().await? == 4, "the last file's row is no number");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_read_or_belongs_to_no_dataset_is_told_so() -> anyhow::Result<()> {
    let drops = Drops::take("refused").await?;
    drops.put_file("empty.csv", "").await?;
    let empty = drops.outcome_of("empty.csv").await?;
    ensure!(empty.problem.context("a reason")?.code == Code::EmptyFile);

    let nowhere = DatasetId::generate();
    drops
        .put(&format!("drop/{nowhere}/a.csv"), "a\n1\n")
        .await?;
    drops.put("drop/lost.csv", "a\n1\n").await?;
    for key in [
        format!("outcomes/{nowhere}/a.csv.json"),
        "outcomes/lost.csv.json".to_owned(),
    ] {
        let outcome = drops.outcome(&key).await?;
        ensure!((outcome.state, outcome.upload_id) == (UploadState::Failed, None));
        ensure!(outcome.problem.context("a reason")?.code == Code::NotFound);
    }
    Ok(())
}

#[tokio::test]
async fn two_hundred_files_at_once_each_become_a_version() -> anyhow::Result<()> {
    const FILES: usize = 200;
    let drops = Drops::take("many").await?;
    let names: Vec<_> = (0..FILES).map(|n| format!("{n}.csv")).collect();
    let puts = names.iter().map(|name| drops.put_file(name, "a,b\n1,2\n"));
    futures::future::try_join_all(puts).await?;
    let mut versions = BTreeSet::new();
    for name in &names {
        let outcome = drops.outcome_of(name).await?;
        ensure!(outcome.state == UploadState::Published, "{outcome:?}");
        versions.extend(outcome.version);
    }
    ensure!(versions.len() == FILES);
    ensure!(drops.rows().await? == FILES + 1);
    Ok(())
}
