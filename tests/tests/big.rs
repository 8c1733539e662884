//! A file that takes many invocations to read, and what goes on beside it.
//!
//! Every role is a process of its own; etl has so little time per invocation that the file is analysed and loaded in many of them;
//! etl is killed once while analysing and once while loading, the consumer once while writing. All the while small files come in.
//! Then the receipt balances, the rows are the generator's, nobody needed more memory than they may, and no small file waited for
//! the big one.
//!
//! 48 MB with one second per invocation; with `GRIDKEEP_SOAK` set (`make soak`) 5 GB with a minute, or `GRIDKEEP_SOAK_BYTES`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use contracts::{
    Code, UploadId,
    upload::{Checksum, CreateUpload, PartLinks, SendTo, Upload, UploadState},
};
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt as _, TryStreamExt as _};
use gridkeep_tests::big_file::{CONTENT_SQL, Content, MB, PART_BYTES, Parts};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgPool};
use testkit::{Client, Mode, Stack};

const VISIBILITY: Duration = Duration::from_secs(3);
/// What etl and the consumer may take at their peak.
const PEAK_KB_MAX: u64 = 128 * 1024;

struct Size {
    bytes: u64,
    invocation: Duration,
    small_files: usize,
    patience: Duration,
}

impl Size {
    fn asked() -> anyhow::Result<Self> {
        let bytes = std::env::var("GRIDKEEP_SOAK_BYTES").ok();
        let bytes = bytes.map(|bytes| bytes.parse()).transpose()?;
        if bytes.is_none() && std::env::var_os("GRIDKEEP_SOAK").is_none() {
            return Ok(Self {
                bytes: 48 * MB,
                invocation: Duration::from_secs(1),
                small_files: 30,
                patience: Duration::from_secs(240),
            });
        }
        Ok(Self {
            bytes: bytes.unwrap_or(5_000_000_000),
            invocation: Duration::from_secs(60),
            small_files: 200,
            patience: Duration::from_secs(3 * 3_600),
        })
    }
}

async fn start(size: &Size) -> anyhow::Result<Stack> {
    let invocation = size.invocation.as_secs().to_string();
    let visibility = VISIBILITY.as_secs().to_string();
    Stack::start(
        Mode::Split,
        &[
            ("GRIDKEEP_INVOCATION_SECONDS", invocation.as_str()),
            ("GRIDKEEP_VISIBILITY_SECONDS", visibility.as_str()),
            ("GRIDKEEP_ACK_WAIT_SECONDS", "3"),
            ("GRIDKEEP_UPLOAD_EXPIRY_SECONDS", "7200"),
        ],
    )
    .await
}

/// What the file is, found by writing it once to nowhere.
struct Known {
    content: Content,
    bytes: u64,
    parts: Vec<String>,
}

fn know(bytes: u64) -> Known {
    let mut parts = Parts::known(bytes);
    let mut hashes = Vec::new();
    while let Some(part) = parts.next_part() {
        let digest = Sha256::digest(&part);
        hashes.push(digest.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    Known {
        content: parts.content().unwrap_or_default(),
        bytes: parts.bytes_given(),
        parts: hashes,
    }
}

/// Sends the file through the door for parts.
async fn send(ada: &Client, known: &Known, bytes: u64) -> anyhow::Result<UploadId> {
    let request = CreateUpload {
        checksum: Some(Checksum::Parts {
            part_bytes: PART_BYTES,
            sha256: known.parts.clone(),
        }),
        ..testkit::new_dataset("Big", "big.csv", known.bytes)
    };
    let created = ada.create_upload(&request).await?;
    let SendTo::Parts(PartLinks { parts: links, .. }) = &created.to else {
        anyhow::bail!("a big file is sent in parts");
    };
    let mut parts = Parts::new(bytes);
    let mut sent = Vec::new();
    for link in links {
        let part = parts.next_part().context("fewer parts than links")?;
        let answer = ada.put_part(link, part).await?;
        sent.push(answer.map_err(|status| anyhow::anyhow!("a part was answered with {status}"))?);
    }
    ensure!(parts.next_part().is_none(), "more parts than links");
    let status = ada.complete(created.id, sent).await?;
    ensure!(status.is_success(), "complete answered {status}");
    Ok(created.id)
}

/// The peaks of all processes that were etl or the consumer, in kB.
#[derive(Default)]
struct Peaks(BTreeMap<(&'static str, u32), u64>);

impl Peaks {
    fn look(&mut self, stack: &Stack) -> anyhow::Result<()> {
        for role in ["etl", "consumer"] {
            let pid = stack.pid(role)?;
            // Of one that was just killed there is nothing more to see.
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let peak = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))
                .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
            if let Some(peak) = peak {
                self.0.insert((role, pid), peak);
            }
        }
        Ok(())
    }

    fn of(&self, role: &str) -> u64 {
        let peaks = self.0.iter().filter(|((of, _), _)| *of == role);
        peaks.map(|(_, peak)| *peak).max().unwrap_or_default()
    }
}

/// What was seen of the big file from outside.
#[derive(Default)]
struct Seen {
    /// Different values of `bytes_read`, in each of its stages.
    analysing: Vec<u64>,
    loading: Vec<u64>,
    paces: u32,
    /// Kills that have been.
    killed: Vec<&'static str>,
    /// How often an analysis was taken over by another invocation.
    states: Vec<Vec<u8>>,
}

impl Seen {
    fn note(&mut self, upload: &Upload) {
        let values = match upload.state {
            UploadState::Analysing => &mut self.analysing,
            UploadState::Loading => &mut self.loading,
            _ => return,
        };
        if upload.bytes_read > 0 && values.last() != Some(&upload.bytes_read) {
            values.push(upload.bytes_read);
        }
        let is_told = upload.rows_per_second.is_some() && upload.seconds_left.is_some();
        self.paces += u32::from(is_told);
    }
}

/// Watches the big file to its end, and kills on the way.
async fn watch(
    stack: &Stack,
    ada: &Client,
    pg: &PgPool,
    id: UploadId,
    peaks: &mut Peaks,
    size: &Size,
) -> anyhow::Result<(Upload, Seen)> {
    let mut seen = Seen::default();
    let mut slowed = false;
    let deadline = Instant::now() + size.patience;
    loop {
        peaks.look(stack)?;
        let saved: Option<Vec<u8>> =
            sqlx::query_scalar("select state from gk.analysis where upload = $1")
                .bind(id.to_string())
                .fetch_optional(pg)
                .await?;
        if let Some(saved) = saved
            && seen.states.last() != Some(&saved)
        {
            seen.states.push(saved);
        }
        let upload = match ada.upload(id).await {
            Ok(upload) => upload,
            Err(error) => {
                ensure!(Instant::now() < deadline, "no answer: {error:#}");
                continue;
            }
        };
        if upload.state.is_final() {
            return Ok((upload, seen));
        }
        ensure!(Instant::now() < deadline, "not done in time: {upload:?}");
        seen.note(&upload);
        let analysing = upload.state == UploadState::Analysing;
        if analysing && !slowed && size.invocation < VISIBILITY {
            // However fast the machine is, the file is longer than the invocation.
            slowed = true;
            stack.pause("etl")?;
            tokio::time::sleep(size.invocation).await;
            stack.resume("etl")?;
            continue;
        }
        let loading = upload.state == UploadState::Loading;
        let role = match seen.killed.len() {
            // What was gathered before is gone on with.
            0 if !seen.states.is_empty() => "etl",
            0 if analysing && !slowed && upload.bytes_read > upload.bytes_total / 2 => "etl",
            1 if loading && upload.rows_written > 0 => "etl",
            2 if loading && upload.rows_written > upload.rows_read / 4 => "consumer",
            _ => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        peaks.look(stack)?;
        stack.kill(role)?;
        seen.killed.push(role);
        stack.up().await.context("mending")?;
    }
}

/// What is in a dataset's table.
async fn stored(pg: &PgPool, dataset_no: i64) -> anyhow::Result<Content> {
    let sql = format!("{CONTENT_SQL} data.d_{dataset_no}");
    let (rows, sum): (i64, String) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(pg).await?;
    Ok(Content {
        rows,
        sum: sum.parse()?,
    })
}

fn small_file(n: usize) -> Vec<u8> {
    let mut file = "id,name\n".to_owned();
    for row in 0..100 {
        file.push_str(&format!("{row},small {n}\n"));
    }
    file.into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_many_invocations_is_imported_beside_small_ones() -> anyhow::Result<()> {
    let whole = Instant::now();
    let size = Size::asked()?;
    let bytes = size.bytes;
    let knowing = tokio::task::spawn_blocking(move || know(bytes));
    let stack = start(&size).await?;
    let ada = stack.user("ada@example.com")?;
    let pg = stack.pg().await?;
    let known = knowing.await?;

    let begin = Instant::now();
    let big = send(&ada, &known, size.bytes).await?;
    let sent = begin.elapsed();
    let small = async {
        let files = (0..size.small_files).map(|n| {
            let ada = ada.clone();
            async move {
                ada.send_bytes(&format!("Small {n}"), "small.csv", small_file(n))
                    .await
            }
        });
        futures::stream::iter(files)
            .buffer_unordered(8)
            .try_collect::<Vec<_>>()
            .await
    };
    let mut peaks = Peaks::default();
    println!(
        "the stack is up and the file sent after {:.0} s",
        whole.elapsed().as_secs_f64()
    );
    let watching = watch(&stack, &ada, &pg, big, &mut peaks, &size);
    let ((upload, seen), small) = tokio::try_join!(watching, small)?;
    peaks.look(&stack)?;
    let took = begin.elapsed();

    ensure!(upload.state == UploadState::Published, "{upload:?}");
    ensure!(
        seen.killed == ["etl", "etl", "consumer"],
        "killed {:?}",
        seen.killed
    );
    let receipt = upload.receipt.as_ref().context("a receipt")?;
    ensure!(
        receipt.balances() && receipt.inserted == known.content.rows && receipt.quarantined == 0,
        "{receipt:?}"
    );
    let no: i64 = sqlx::query_scalar("select no from gk.dataset where id = $1")
        .bind(upload.dataset_id.to_string())
        .fetch_one(&pg)
        .await?;
    let stored = stored(&pg, no).await?;
    ensure!(stored == known.content, "{stored:?} of {:?}", known.content);
    let left: i64 = sqlx::query_scalar("select count(*) from gk.analysis")
        .fetch_one(&pg)
        .await?;
    ensure!(left == 0, "{left} analyses are left behind");

    // Progress was to be seen, of both readings where they take longer than to show it once.
    let on_the_way = |values: &[u64]| values.iter().any(|bytes| *bytes < known.bytes);
    let is_long = size.invocation > VISIBILITY;
    ensure!(
        (!is_long || on_the_way(&seen.analysing) && on_the_way(&seen.loading)) && seen.paces > 0,
        "bytes read {:?} and {:?}, {} paces",
        seen.analysing,
        seen.loading,
        seen.paces
    );
    ensure!(
        upload.bytes_read == upload.bytes_total,
        "{} of {} bytes read",
        upload.bytes_read,
        upload.bytes_total
    );

    // No small file waited for the big one.
    let small: Vec<String> = small.iter().map(ToString::to_string).collect();
    let before: i64 = sqlx::query_scalar(
        "select count(*) from gk.import s join gk.import b on b.upload = $1 \
         where s.upload = any($2) and s.state = 'published' and s.finished_at < b.finished_at",
    )
    .bind(big.to_string())
    .bind(&small)
    .fetch_one(&pg)
    .await?;
    println!(
        "{} bytes, {} rows: sent in {:.0} s, published after {:.0} s; analysis broken off {} times; peaks etl {} MB, consumer {} MB; \
         {before} of {} small files before it",
        known.bytes,
        known.content.rows,
        sent.as_secs_f64(),
        took.as_secs_f64(),
        seen.states.len(),
        peaks.of("etl") / 1024,
        peaks.of("consumer") / 1024,
        small.len()
    );
    ensure!(
        before == small.len() as i64,
        "{before} of {} small files were published before the big one",
        small.len()
    );
    for role in ["etl", "consumer"] {
        let peak = peaks.of(role);
        ensure!(peak <= PEAK_KB_MAX, "{role} took {peak} kB at its peak");
    }
    Ok(())
}

fn packed(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut gzip, file)?;
    Ok(gzip.finish()?)
}

/// How many of these are published, and when the last of them was, or the first.
async fn published(pg: &PgPool, uploads: &[UploadId], which: &str) -> anyhow::Result<(i64, f64)> {
    let ids: Vec<String> = uploads.iter().map(ToString::to_string).collect();
    let sql = format!(
        "select count(*), coalesce(extract(epoch from {which}(finished_at)), 0)::float8 \
         from gk.import where upload = any($1) and state = 'published'"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql))
        .bind(ids)
        .fetch_one(pg)
        .await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_do_not_wait_for_several_big_ones() -> anyhow::Result<()> {
    let stack = Stack::start(Mode::Split, &[("GRIDKEEP_TURN_SECONDS", "1")]).await?;
    let ada = stack.user("ada@example.com")?;
    let pg = stack.pg().await?;
    let file = Parts::whole(64 * MB);
    let gz = packed(&file)?;
    ensure!(gz.len() as u64 > etl::turns::SHORT_BYTES);
    stack.pause("etl")?;
    // Those that can give way, and those that cannot.
    let (mut plain, mut whole) = (Vec::new(), Vec::new());
    for n in 0..2 {
        let name = format!("Packed {n}");
        whole.push(ada.send_bytes(&name, "big.csv.gz", gz.clone()).await?);
        let name = format!("Plain {n}");
        plain.push(ada.send_bytes(&name, "big.csv", file.clone()).await?);
    }
    stack.resume("etl")?;
    let busy = "select count(*) >= 2 from gk.import where lease_until > clock_timestamp()";
    while !sqlx::query_scalar::<_, bool>(busy).fetch_one(&pg).await? {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // They all come while two of the big ones are worked on.
    stack.pause("etl")?;
    let files = (0..20).map(|n| {
        let ada = ada.clone();
        async move {
            let file = small_file(n);
            ada.send_bytes(&format!("Small {n}"), "small.csv", file)
                .await
        }
    });
    let small: Vec<UploadId> = futures::stream::iter(files)
        .buffer_unordered(8)
        .try_collect()
        .await?;
    stack.resume("etl")?;
    let begin = Instant::now();
    let mut peaks = Peaks::default();
    for id in &small {
        let upload = ada.outcome(*id, Duration::from_secs(240)).await?;
        ensure!(upload.state == UploadState::Published, "{upload:?}");
        peaks.look(&stack)?;
    }
    let waited = begin.elapsed();
    for id in plain.iter().chain(&whole) {
        let upload = ada.outcome(*id, Duration::from_secs(600)).await?;
        let receipt = upload.receipt.as_ref().context("a receipt")?;
        ensure!(receipt.balances(), "{receipt:?}");
        peaks.look(&stack)?;
    }
    let (count, last) = published(&pg, &small, "max").await?;
    ensure!(count == 20, "{count} small files are published");
    let (count, first) = published(&pg, &plain, "min").await?;
    ensure!(count == 2 && last < first, "{count}: {last} and {first}");
    let (count, later) = published(&pg, &whole, "max").await?;
    ensure!(count == 2 && last < later, "{count}: {last} and {later}");
    println!(
        "20 small files published {:.1} s after they were sent beside four big ones; peaks etl {} MB, consumer {} MB",
        waited.as_secs_f64(),
        peaks.of("etl") / 1024,
        peaks.of("consumer") / 1024
    );
    let peak = peaks.of("etl");
    ensure!(peak <= PEAK_KB_MAX, "etl took {peak} kB at its peak");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_file_is_gone_on_with_when_its_worker_is_killed() -> anyhow::Result<()> {
    let bytes = 24 * MB;
    let known = know(bytes);
    let visibility = VISIBILITY.as_secs().to_string();
    let tuned = [("GRIDKEEP_VISIBILITY_SECONDS", visibility.as_str())];
    let stack = Stack::start(Mode::Split, &tuned).await?;
    let ada = stack.user("ada@example.com")?;
    let pg = stack.pg().await?;
    let gz = packed(&Parts::whole(bytes))?;
    let id = ada.send_bytes("Packed", "packed.csv.gz", gz).await?;
    // Once while it is analysed, once while some of it is loaded.
    for stage in [UploadState::Analysing, UploadState::Loading] {
        loop {
            let upload = ada.upload(id).await?;
            ensure!(!upload.state.is_final(), "too late: {upload:?}");
            let is_begun = stage == UploadState::Analysing || upload.rows_written > 0;
            if upload.state == stage && is_begun {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.kill("etl")?;
        stack.up().await?;
    }
    let upload = ada.outcome(id, Duration::from_secs(240)).await?;
    let receipt = upload.receipt.as_ref().context("a receipt")?;
    ensure!(
        receipt.balances() && receipt.inserted == known.content.rows,
        "{receipt:?}"
    );
    let no: i64 = sqlx::query_scalar("select no from gk.dataset where id = $1")
        .bind(upload.dataset_id.to_string())
        .fetch_one(&pg)
        .await?;
    ensure!(stored(&pg, no).await? == known.content);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_file_that_one_invocation_cannot_read_says_so() -> anyhow::Result<()> {
    let stack = Stack::start(Mode::Split, &[("GRIDKEEP_INVOCATION_SECONDS", "1")]).await?;
    let ada = stack.user("ada@example.com")?;
    let gz = packed(&Parts::whole(40 * MB))?;
    let id = ada.send_bytes("Packed", "packed.csv.gz", gz).await?;
    // However fast the machine is, every invocation is too short: it stands still while its time goes by.
    let ended = async {
        loop {
            let upload = ada.upload(id).await?;
            if upload.state.is_final() {
                return anyhow::Ok(());
            }
            if upload.state == UploadState::Analysing {
                stack.pause("etl")?;
                tokio::time::sleep(Duration::from_secs(1)).await;
                stack.resume("etl")?;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ended).await??;
    let upload = ada.outcome(id, Duration::from_secs(60)).await?;
    let problem = upload.problem.context("it fails")?;
    ensure!(
        upload.state == UploadState::Failed && problem.code == Code::TooLarge,
        "{problem:?}"
    );
    ensure!(problem.detail.contains("Save it as CSV"), "{problem:?}");
    Ok(())
}
