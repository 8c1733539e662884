//! A stack: the servers and roles of one data folder. [`up`] starts and mends it, [`down`] ends it; between the two it needs
//! no process of ours to watch over it. `crate::servers` knows the servers, `crate::serve` is what a role does.

pub mod down;
pub mod folder;
pub mod process;
pub mod published;
pub mod settings;
pub mod state;
pub mod up;

use std::fmt;

use clap::ValueEnum;

/// What one process of ours does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// The page, one origin for all, the S3 protocol, the queue's S3 side.
    Front,
    Auth,
    Presign,
    Etl,
    Consumer,
    DataApi,
}

impl Role {
    pub const ONE: [Self; 1] = [Self::All];
    /// Each started by `up --split`, the front last: it forwards to the others.
    pub const SPLIT: [Self; 6] = [
        Self::Auth,
        Self::Presign,
        Self::Etl,
        Self::Consumer,
        Self::DataApi,
        Self::Front,
    ];
    pub const BEHIND_FRONT: [Self; 5] = [
        Self::Auth,
        Self::Presign,
        Self::Etl,
        Self::Consumer,
        Self::DataApi,
    ];
    pub const EVERY: [Self; 7] = [
        Self::All,
        Self::Front,
        Self::Auth,
        Self::Presign,
        Self::Etl,
        Self::Consumer,
        Self::DataApi,
    ];

    /// As on the command line, in stack.json and of its log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Front => "front",
            Self::Auth => "auth",
            Self::Presign => "presign",
            Self::Etl => "etl",
            Self::Consumer => "consumer",
            Self::DataApi => "data-api",
        }
    }

    /// Whether it is what people's browsers talk to.
    #[must_use]
    pub fn is_public(self) -> bool {
        matches!(self, Self::All | Self::Front)
    }

    /// The setting that says where a role behind the front listens: `GRIDKEEP_DATA_API_URL`.
    #[must_use]
    pub fn url_setting(self) -> String {
        format!(
            "GRIDKEEP_{}_URL",
            self.name().replace('-', "_").to_uppercase()
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
