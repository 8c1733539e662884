//! PostgreSQL: a cluster of the stack's own, with a password, on the loopback address.
//!
//! PostgreSQL refuses to run as root, so root runs it as the `postgres` user; where that user cannot enter the data folder
//! (one under `/root`), the cluster lies under `/var/lib/gridkeep/<hash of the data folder>`.

use std::{
    fs,
    io::Write as _,
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    str::FromStr as _,
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, postgres::PgConnectOptions};

use super::{Server, on_path};
use crate::stack::{
    folder::Folder,
    process::{self, Spec, User},
    state::State,
};

/// Where clusters go whose data folder the `postgres` user cannot enter.
const ELSEWHERE: &str = "/var/lib/gridkeep";

/// For a laptop: what an import gains from, and no more.
const OPTIONS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("shared_buffers", "128MB"),
    ("max_connections", "100"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "on"),
    ("password_encryption", "scram-sha-256"),
    // After a kill: one call for the file system instead of one per file of the cluster, of which there are thousands.
    ("recovery_init_sync_method", "syncfs"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_min_duration_statement", "2000"),
    // An error's statement may hold cell values and tokens; the roles log what they asked for by name.
    ("log_min_error_statement", "panic"),
    ("log_parameter_max_length", "0"),
];

pub(super) async fn prepare(folder: &Folder, state: &State) -> anyhow::Result<Spec> {
    let programs = programs()?;
    let user = user()?;
    let cluster = place(folder, user)?;
    let data = cluster.join("data");
    if !data.join("PG_VERSION").exists() {
        let (programs, cluster, data, password) = (
            programs.clone(),
            cluster.clone(),
            data.clone(),
            state.postgres_password.clone(),
        );
        tokio::task::spawn_blocking(move || make(&programs, &cluster, &data, user, &password))
            .await??;
    }
    let mut spec = Spec::new("postgres", programs.join("postgres"), &data);
    spec.user = user;
    spec.args = vec![
        "-D".into(),
        data.clone().into(),
        "-p".into(),
        Server::Postgres.port(state).to_string().into(),
    ];
    for (name, value) in OPTIONS {
        spec.args
            .extend(["-c".into(), format!("{name}={value}").into()]);
    }
    // "Fast" shutdown: open sessions are ended, what is committed is checkpointed.
    spec.stop = Signal::INT;
    Ok(spec)
}

pub(super) async fn answers(state: &State) -> anyhow::Result<()> {
    let attempt = async {
        let options = PgConnectOptions::from_str(&url(state, "postgres"))?;
        let mut connection = sqlx::PgConnection::connect_with(&options).await?;
        let exists: bool = sqlx::query_scalar(
            "select exists (select from pg_database where datname = 'gridkeep')",
        )
        .fetch_one(&mut connection)
        .await?;
        if !exists {
            sqlx::query("create database gridkeep")
                .execute(&mut connection)
                .await?;
        }
        connection.close().await?;
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(5), attempt).await?
}

/// The URL of one of the cluster's databases.
#[must_use]
pub fn url(state: &State, database: &str) -> String {
    let (password, port) = (&state.postgres_password, Server::Postgres.port(state));
    format!("postgres://gridkeep:{password}@127.0.0.1:{port}/{database}")
}

/// Where this stack's cluster lies: `<place>/data`.
///
/// # Errors
/// When its folder cannot be made.
pub fn place(folder: &Folder, user: Option<User>) -> anyhow::Result<PathBuf> {
    let inside = folder.join("postgres");
    let Some(user) = user else {
        make_folder(&inside, None)?;
        return Ok(inside);
    };
    if inside.exists() || can_enter(folder.path(), user) {
        make_folder(&inside, Some(user))?;
        return Ok(inside);
    }
    let outside = outside(folder);
    fs::create_dir_all(ELSEWHERE)?;
    make_folder(&outside, Some(user))?;
    fs::write(
        outside.join("folder"),
        folder.path().as_os_str().as_encoded_bytes(),
    )?;
    Ok(outside)
}

/// The cluster's folder outside the data folder, whether it is used or not.
#[must_use]
pub fn outside(folder: &Folder) -> PathBuf {
    let hash = Sha256::digest(folder.path().as_os_str().as_encoded_bytes());
    let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Path::new(ELSEWHERE).join(name)
}

/// Removes clusters outside whose data folder somebody has removed, ends what still runs on them, and one that an earlier
/// stack left for a folder of the same name.
pub async fn remove_orphans(folder: &Folder) {
    let Ok(places) = fs::read_dir(ELSEWHERE) else {
        return;
    };
    let is_new = !folder.join("state.json").exists();
    for place in places.flatten() {
        let Ok(owner) = fs::read_to_string(place.path().join("folder")) else {
            continue;
        };
        let owner = Path::new(&owner);
        if !owner.exists() || (is_new && owner == folder.path()) {
            for pid in process::marked(owner) {
                process::send(pid, Signal::KILL);
            }
            tracing::info!(
                "removing {}: its data folder {} is gone",
                place.path().display(),
                owner.display()
            );
            if let Err(error) = fs::remove_dir_all(place.path()) {
                tracing::warn!("cannot remove {}: {error}", place.path().display());
            }
        }
    }
}

/// The user that PostgreSQL runs as; None for our own.
///
/// # Errors
/// When we are root and there is no `postgres` user.
pub fn user() -> anyhow::Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    users
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let (name, _password) = (fields.next()?, fields.next()?);
            let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == "postgres").then_some(User { uid, gid })
        })
        .map(Some)
        .context("PostgreSQL refuses to run as root and there is no `postgres` user; `make install` installs both")
}

fn can_enter(path: &Path, user: User) -> bool {
    Command::new("test")
        .arg("-x")
        .arg(path)
        .uid(user.uid)
        .gid(user.gid)
        .current_dir("/")
        .status()
        .is_ok_and(|status| status.success())
}

fn make_folder(path: &Path, user: Option<User>) -> anyhow::Result<()> {
    if !path.exists() {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
    }
    if let Some(user) = user
        && fs::metadata(path)?.uid() != user.uid
    {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

/// `initdb` beside the final name, so that a killed one is made anew.
fn make(
    programs: &Path,
    cluster: &Path,
    data: &Path,
    user: Option<User>,
    password: &str,
) -> anyhow::Result<()> {
    let new = cluster.join("new");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    let password_file = cluster.join("password");
    if password_file.exists() {
        fs::remove_file(&password_file)?;
    }
    let mut file = fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&password_file)?;
    file.write_all(password.as_bytes())?;
    if let Some(user) = user {
        chown(&password_file, Some(user.uid), Some(user.gid))?;
    }
    let mut command = Command::new(programs.join("initdb"));
    command
        .args([
            "--username=gridkeep",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ])
        .arg(format!("--pwfile={}", password_file.display()))
        .arg("-D")
        .arg(&new)
        .current_dir(cluster)
        .env("LC_ALL", "C.UTF-8");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().context("cannot run initdb")?;
    fs::remove_file(&password_file)?;
    if !status.success() {
        bail!(
            "initdb failed: {}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
    }
    fs::rename(&new, data)?;
    Ok(())
}

/// A kill leaves `postmaster.pid`; when its pid belongs to another process by then, PostgreSQL would refuse to start. One that
/// is still our own postmaster (its record was lost) is ended first.
pub(super) async fn clear(folder: &Folder) -> anyhow::Result<()> {
    let data = place(folder, user()?)?.join("data");
    let path = data.join("postmaster.pid");
    let Ok(content) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let Some(pid) = content
        .lines()
        .next()
        .and_then(|line| line.trim().parse::<u32>().ok())
    else {
        fs::remove_file(&path)?;
        return Ok(());
    };
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let is_ours = arguments
        .split(|byte| *byte == 0)
        .any(|argument| argument == data.as_os_str().as_encoded_bytes());
    if is_ours && process::start_of(pid).is_some() {
        if let Some(running) = process::Running::of("postgres", pid, String::new()) {
            running.stop(Signal::INT, Duration::from_secs(10)).await;
        }
    } else if path.exists() {
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// The folder with `initdb` and `postgres`: Debian keeps them off the PATH. The newest, from 15 on.
fn programs() -> anyhow::Result<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            (version >= 15 && bin.join("initdb").is_file() && bin.join("postgres").is_file())
                .then_some((version, bin))
        })
        .max();
    if let Some((_version, bin)) = debian {
        return Ok(bin);
    }
    on_path("initdb")
        .filter_map(|initdb| Some(initdb.canonicalize().ok()?.parent()?.to_owned()))
        .find(|bin| bin.join("postgres").is_file())
        .context("PostgreSQL 15 or newer is not installed; `make install` installs it")
}
