//! Starting, mending, killing and removing a stack.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use host::stack::{
    folder::Folder,
    published::Published,
    up::{self, Mode, Options},
};
use sqlx::PgPool;
use tokio::sync::OnceCell;

use crate::Client;

/// A running stack. Dropping it ends its processes and removes its data.
#[derive(Debug)]
pub struct Stack {
    folder: Folder,
    options: Options,
    reaper: Child,
    _dir: tempfile::TempDir,
}

/// One stack in one process for all roles, shared by the tests of a test binary.
pub async fn shared() -> &'static Stack {
    static SHARED: OnceCell<Stack> = OnceCell::const_new();
    SHARED
        .get_or_init(async || {
            Stack::start(Mode::One, &[])
                .await
                .expect("the stack starts")
        })
        .await
}

impl Stack {
    /// Starts every server and the roles as processes of their own, on free ports, with these settings in place of the defaults.
    pub async fn start(mode: Mode, tuned: &[(&str, &str)]) -> anyhow::Result<Self> {
        let program = program()?;
        let dir = tempfile::Builder::new().prefix("gridkeep-").tempdir()?;
        let folder = Folder::make(dir.path())?;
        let reaper = Command::new(&program)
            .arg("--data")
            .arg(folder.path())
            .arg("reap")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the test; the reaper cleans up after it.
            .process_group(0)
            .spawn()?;
        let tuned = tuned
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>();
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let stack = Self {
            folder,
            options: Options {
                port: Some(port),
                mode,
                tuned,
                program,
            },
            reaper,
            _dir: dir,
        };
        stack.up().await?;
        Ok(stack)
    }

    /// Starts again whatever of the stack has died.
    pub async fn up(&self) -> anyhow::Result<()> {
        up::up(&self.folder, &self.options).await?;
        Ok(())
    }

    /// What `stack.json` says.
    pub fn published(&self) -> anyhow::Result<Published> {
        Published::read(&self.folder)
    }

    pub fn url(&self) -> anyhow::Result<String> {
        Ok(self.published()?.url)
    }

    pub fn pid(&self, name: &str) -> anyhow::Result<u32> {
        self.published()?
            .pids
            .get(name)
            .copied()
            .with_context(|| format!("nothing called {name} runs in this stack"))
    }

    /// SIGKILL to a role or server, at once.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.signal(name, "-KILL")
    }

    /// SIGSTOP: it is there, but does nothing.
    pub fn pause(&self, name: &str) -> anyhow::Result<()> {
        self.signal(name, "-STOP")
    }

    pub fn resume(&self, name: &str) -> anyhow::Result<()> {
        self.signal(name, "-CONT")
    }

    fn signal(&self, name: &str, signal: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .arg(signal)
            .arg(self.pid(name)?.to_string())
            .status()?;
        ensure!(status.success(), "kill {signal} of {name} failed");
        Ok(())
    }

    /// A pool on the stack's PostgreSQL, for looking behind the API.
    pub async fn pg(&self) -> anyhow::Result<PgPool> {
        Ok(PgPool::connect(&self.published()?.pg_url).await?)
    }

    /// The command line of this stack.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.options.program);
        command.env("GRIDKEEP_DATA", self.folder.path());
        command
    }

    /// A member with an API token, made by `gridkeep token` if need be.
    pub fn user(&self, email: &str) -> anyhow::Result<Client> {
        let output = self
            .command()
            .args(["token", "--create", "--user", email])
            .output()?;
        ensure!(
            output.status.success(),
            "gridkeep token: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Client::new(
            self.url()?,
            Some(String::from_utf8(output.stdout)?.trim().to_owned()),
        ))
    }

    /// Somebody who has not signed in.
    pub fn anonymous(&self) -> anyhow::Result<Client> {
        Ok(Client::new(self.url()?, None))
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Its end of the pipe closes; wait, so that no test leaves while its processes still run.
        drop(self.reaper.stdin.take());
        let _ended = self.reaper.wait();
    }
}

/// The `gridkeep` program beside the running test (`target/<profile>/gridkeep`), or `GRIDKEEP_BIN`.
pub fn program() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("GRIDKEEP_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    for folder in test.ancestors().skip(1).take(2) {
        let program = folder.join("gridkeep");
        if program.is_file() {
            return Ok(program);
        }
    }
    bail!("gridkeep is not built: run `cargo build -p host` in the same profile first")
}
