//! `up`: starts what is not running, mends what is half dead, leaves alone what is well. Every step is safe to repeat, so a
//! killed `up`, a killed server and a first start are all the same case.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use platform::nats::RowsBounds;
use rustix::process::Signal;

use super::{
    Role,
    folder::Folder,
    process::{self, POLL, Running, Spec},
    published::Published,
    settings,
    state::{PUBLIC, S3, State, is_free},
};
use crate::servers::{Server, get_ok, postgres};

/// A healthy process answers sooner than this; one that does not is replaced.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Recovery after a kill included.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// A killed process gives its port back sooner than this.
const PORT_FREED_WITHIN: Duration = Duration::from_secs(5);
/// How long a role may drain, a server may checkpoint.
pub(crate) const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// Which processes of ours a stack has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process for all roles.
    One,
    /// A process for each role.
    Split,
    /// Servers alone; the roles run in the caller.
    Servers,
}

impl Mode {
    fn roles(self) -> &'static [Role] {
        match self {
            Self::One => &Role::ONE,
            Self::Split => &Role::SPLIT,
            Self::Servers => &[],
        }
    }
}

#[derive(Clone, Debug)]
pub struct Options {
    /// The public port; the stack's former one, or 8080, when not given.
    pub port: Option<u16>,
    pub mode: Mode,
    /// Settings in place of the defaults, of those that may be tuned.
    pub tuned: BTreeMap<String, String>,
    /// The `gridkeep` program that roles are started with.
    pub program: PathBuf,
}

/// Starts or mends the stack of the folder. Returns when everything answers.
///
/// # Errors
/// What could not be started, and where its log is.
pub async fn up(folder: &Folder, options: &Options) -> anyhow::Result<Published> {
    let _lock = folder.lock()?;
    postgres::remove_orphans(folder).await;
    let mut state = State::open(folder)?;
    end_strays(folder).await;
    end_roles_but(folder, options.mode.roles()).await;
    choose_ports(folder, &mut state, options).await?;
    state.save(folder)?;

    try_join_all(Server::ALL.map(|server| start_server(folder, &state, server))).await?;

    let settings = settings::of(folder, &state, &options.tuned);
    let text = settings::write(folder, &settings)?;
    let published = Published::of(folder, &state)?;
    prepare_stores(folder).await?;
    // The front forwards to the others, but does not need them to start.
    let roles = options
        .mode
        .roles()
        .iter()
        .map(|role| start_role(folder, &state, *role, options, &text));
    try_join_all(roles).await?;
    published.write(folder)
}

/// The schema and the streams, brought up to date.
///
/// # Errors
/// When PostgreSQL or NATS refuses.
pub async fn prepare_stores(folder: &Folder) -> anyhow::Result<()> {
    let settings = settings::read(folder)?;
    let pool = platform::pg::connect(&settings.secret("GRIDKEEP_PG_URL")?, 1)?;
    store::Store::new(pool.clone())
        .migrate()
        .await
        .context("cannot migrate PostgreSQL")?;
    pool.close().await;
    let nats = platform::nats::connect(&settings.secret("GRIDKEEP_NATS_URL")?).await?;
    let jetstream = platform::nats::jetstream(&nats);
    platform::nats::ensure_streams(&jetstream, &RowsBounds::from(&settings)?).await?;
    Ok(())
}

/// How a role is started, by `up` or by hand: both must come to the same fingerprint.
///
/// # Errors
/// When its program cannot be found.
pub fn role_spec(folder: &Folder, role: Role, program: PathBuf, settings: &str) -> Spec {
    let mut spec = Spec::new(role.name(), program, folder.path());
    spec.args = vec!["serve".into(), "--role".into(), role.name().into()];
    spec.env = vec![(
        "GRIDKEEP_DATA".to_owned(),
        folder.path().display().to_string(),
    )];
    settings.clone_into(&mut spec.config);
    spec
}

async fn start_server(folder: &Folder, state: &State, server: Server) -> anyhow::Result<()> {
    let spec = server.prepare(folder, state).await?;
    // A killed PostgreSQL's children may still hold its memory for a moment.
    let tries = if server == Server::Postgres { 40 } else { 1 };
    start(
        folder,
        &spec,
        tries,
        || server.answers(state),
        || server.clear(folder),
    )
    .await
}

async fn start_role(
    folder: &Folder,
    state: &State,
    role: Role,
    options: &Options,
    settings: &str,
) -> anyhow::Result<()> {
    let spec = role_spec(folder, role, options.program.clone(), settings);
    let port = if role.is_public() {
        PUBLIC
    } else {
        role.name()
    };
    let url = format!(
        "http://127.0.0.1:{}/healthz",
        state.ports.get(port).copied().unwrap_or_default()
    );
    // A killed predecessor's last thread may still hold its port or its folder for a moment.
    start(folder, &spec, 3, || get_ok(&url), || async { Ok(()) }).await
}

/// Keeps what runs and answers, else starts it and waits until it answers.
async fn start<A, C>(
    folder: &Folder,
    spec: &Spec,
    tries: u32,
    answers: impl Fn() -> A,
    clear: impl Fn() -> C,
) -> anyhow::Result<()>
where
    A: Future<Output = anyhow::Result<()>>,
    C: Future<Output = anyhow::Result<()>>,
{
    if let Some(running) = Running::read(folder, spec.name).filter(Running::is_alive) {
        if running.fingerprint == spec.fingerprint()
            && matches!(wait(&running, ANSWERS_WITHIN, &answers).await, Wait::Ready)
        {
            return Ok(());
        }
        running.stop(spec.stop, STOPS_WITHIN).await;
    }
    let begin = Instant::now();
    let deadline = begin + STARTS_WITHIN;
    for attempt in 1.. {
        clear().await?;
        let log_from = fs::metadata(folder.log(spec.name)).map_or(0, |meta| meta.len());
        let running = spec.spawn(folder)?;
        match wait(
            &running,
            deadline.saturating_duration_since(Instant::now()),
            &answers,
        )
        .await
        {
            Wait::Ready => {
                tracing::info!(
                    process = spec.name,
                    pid = running.pid,
                    duration_ms = begin.elapsed().as_millis(),
                    "{} is ready",
                    spec.name
                );
                return Ok(());
            }
            Wait::Ended if attempt < tries && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Wait::Ended => {
                running.forget(folder);
                bail!(
                    "{} ended at its start; {}",
                    spec.name,
                    last_lines(folder, spec.name, log_from)
                );
            }
            Wait::TimedOut(error) => {
                running.stop(spec.stop, STOPS_WITHIN).await;
                running.forget(folder);
                bail!(
                    "{} does not answer ({error:#}); {}",
                    spec.name,
                    last_lines(folder, spec.name, log_from)
                );
            }
        }
    }
    Ok(())
}

/// Waits for a helper process's page.
///
/// # Errors
/// When it ends or does not answer.
pub(crate) async fn wait_until(
    folder: &Folder,
    running: &Running,
    url: &str,
) -> anyhow::Result<()> {
    match wait(running, STARTS_WITHIN, || get_ok(url)).await {
        Wait::Ready => Ok(()),
        Wait::Ended | Wait::TimedOut(_) => bail!(
            "{} did not start; {}",
            running.name,
            last_lines(folder, &running.name, 0)
        ),
    }
}

enum Wait {
    Ready,
    Ended,
    TimedOut(anyhow::Error),
}

async fn wait<A>(running: &Running, patience: Duration, answers: impl Fn() -> A) -> Wait
where
    A: Future<Output = anyhow::Result<()>>,
{
    let deadline = Instant::now() + patience;
    let mut pause = POLL;
    loop {
        // Whoever else listens on its port must not pass for it: it has to be alive after the answer.
        let answer = answers().await;
        if !running.is_alive() {
            return Wait::Ended;
        }
        match answer {
            Ok(()) => return Wait::Ready,
            Err(error) if Instant::now() > deadline => return Wait::TimedOut(error),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 5 / 4).min(Duration::from_millis(200));
    }
}

/// Ends what belongs to this stack but is not written down: the last thing that a killed command started.
async fn end_strays(folder: &Folder) {
    let known: Vec<u32> = Running::all(folder)
        .iter()
        .filter(|running| running.is_alive())
        .map(|running| running.pid)
        .collect();
    for pid in process::marked(folder.path()) {
        // What a known process started is in its session.
        if process::session_of(pid).is_none_or(|session| known.contains(&session)) {
            continue;
        }
        if let Some(stray) = Running::of("stray", pid, String::new()) {
            tracing::warn!(pid, "ending a process that an earlier command left behind");
            stray.stop(Signal::TERM, Duration::from_secs(3)).await;
        }
    }
}

/// Ends the roles of the other mode.
async fn end_roles_but(folder: &Folder, wanted: &[Role]) {
    for role in Role::EVERY.iter().filter(|role| !wanted.contains(role)) {
        if let Some(running) = Running::read(folder, role.name()) {
            running.stop(Signal::TERM, STOPS_WITHIN).await;
            running.forget(folder);
        }
    }
}

/// Whether nobody listens on the port, at the latest after so long.
async fn is_freed(port: u16, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if is_free(port) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Every name keeps its port, unless somebody else listens there by now.
async fn choose_ports(folder: &Folder, state: &mut State, options: &Options) -> anyhow::Result<()> {
    let public = options
        .port
        .or_else(|| state.ports.get(PUBLIC).copied())
        .unwrap_or(8080);
    let before = state.ports.insert(PUBLIC.to_owned(), public);
    let runs = |name: &str| Running::read(folder, name).is_some_and(|running| running.is_alive());
    let public_is_ours = before == Some(public)
        && Role::EVERY
            .iter()
            .any(|role| role.is_public() && runs(role.name()));
    // One that was killed a moment ago may still be dying, and holds its port until it is dead.
    let patience = if before == Some(public) {
        PORT_FREED_WITHIN
    } else {
        Duration::ZERO
    };
    if options.mode != Mode::Servers && !public_is_ours && !is_freed(public, patience).await {
        bail!(
            "port {public} is taken by another program: choose another one, such as GRIDKEEP_PORT={}",
            public + 1
        );
    }
    for name in Server::ALL
        .iter()
        .map(|server| server.name())
        .chain(Role::BEHIND_FRONT.iter().map(|role| role.name()))
        .chain([S3])
    {
        let port = state.port(name)?;
        let is_ours = if name == S3 {
            public_is_ours
        } else {
            runs(name)
        };
        if !is_ours && !is_free(port) {
            state.new_port(name)?;
        }
    }
    Ok(())
}

/// The end of what a process has said since it was started: the reason is nearly always there.
fn last_lines(folder: &Folder, name: &str, from: u64) -> String {
    let path = folder.log(name);
    let log = fs::read(&path).unwrap_or_default();
    let said = log
        .get(usize::try_from(from).unwrap_or_default()..)
        .unwrap_or_default();
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines
        .iter()
        .skip(lines.len().saturating_sub(5))
        .copied()
        .collect::<Vec<_>>()
        .join("\n  ");
    format!("its log {} ends with:\n  {last}", path.display())
}
