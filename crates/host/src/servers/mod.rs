//! The real servers of a stack: what each is started with and when it is ready. `stack::up` starts them, all at once.

pub mod mongo;
pub mod nats;
pub mod oidc;
pub mod postgres;
pub mod redis;

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::stack::{folder::Folder, process::Spec, state::State};

/// A server of the stack, in the order in which `up` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Postgres,
    Nats,
    Redis,
    Mongo,
    Oidc,
}

impl Server {
    pub const ALL: [Self; 5] = [
        Self::Postgres,
        Self::Nats,
        Self::Redis,
        Self::Mongo,
        Self::Oidc,
    ];

    /// Its name in stack.json, of its log and of its port.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Mongo => "mongo",
            Self::Oidc => "oidc",
        }
    }

    /// Writes what the server reads at its start, and says how to start it.
    ///
    /// # Errors
    /// When its program is not installed, or its files cannot be written.
    pub async fn prepare(self, folder: &Folder, state: &State) -> anyhow::Result<Spec> {
        match self {
            Self::Postgres => postgres::prepare(folder, state).await,
            Self::Nats => nats::prepare(folder, state),
            Self::Redis => redis::prepare(folder, state),
            Self::Mongo => mongo::prepare(folder, state),
            Self::Oidc => oidc::prepare(folder, state),
        }
    }

    /// Clears away what a killed one left that would keep it from starting.
    ///
    /// # Errors
    /// When that cannot be removed.
    pub async fn clear(self, folder: &Folder) -> anyhow::Result<()> {
        match self {
            Self::Postgres => postgres::clear(folder).await,
            Self::Nats | Self::Redis | Self::Mongo | Self::Oidc => Ok(()),
        }
    }

    /// Whether it answers, as itself and with this stack's credentials.
    ///
    /// # Errors
    /// Why it does not (yet).
    pub async fn answers(self, state: &State) -> anyhow::Result<()> {
        match self {
            Self::Postgres => postgres::answers(state).await,
            Self::Nats => nats::answers(state).await,
            Self::Redis => redis::answers(state).await,
            Self::Mongo => mongo::answers(state).await,
            Self::Oidc => oidc::answers(state).await,
        }
    }

    /// Its port, which `up` has chosen before anybody asks.
    #[must_use]
    pub fn port(self, state: &State) -> u16 {
        state.ports.get(self.name()).copied().unwrap_or_default()
    }
}

/// Where `scripts/` puts the servers that no package has.
#[must_use]
pub fn cache() -> PathBuf {
    std::env::var_os("GRIDKEEP_CACHE").map_or_else(
        || {
            std::env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
                .unwrap_or_else(std::env::temp_dir)
                .join("gridkeep")
        },
        PathBuf::from,
    )
}

/// The program of that name: our own cache first, so that a too old one on the PATH does no harm.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let cached = cache().join("bin").join(program);
    std::iter::once(cached)
        .chain(on_path(program))
        .find(|file| file.is_file())
}

pub(crate) fn on_path(program: &str) -> impl Iterator<Item = PathBuf> + use<'_> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders
        .into_iter()
        .map(move |folder| folder.join(program))
        .filter(|file| file.is_file())
}

pub(crate) fn installed(program: &str) -> anyhow::Result<PathBuf> {
    match find(program) {
        Some(file) => Ok(file),
        None => bail!("{program} is not installed; `make install` installs it"),
    }
}

/// The source tree, for what the stack runs from it: the OpenID provider, the built SPA, the sample.
#[must_use]
pub fn home() -> PathBuf {
    std::env::var_os("GRIDKEEP_HOME").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .canonicalize()
                .unwrap_or_else(|_| PathBuf::from("."))
        },
        PathBuf::from,
    )
}

/// One HTTP GET that wants a 200.
pub(crate) async fn get_ok(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(2))
        .build()?;
    client.get(url).send().await?.error_for_status()?;
    Ok(())
}
