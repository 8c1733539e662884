//! The versioned-table engine: the only crate with SQL on `data.*`.
//!
//! A file's way through it: [`imports`] (who may work on it, its state), [`analyses`] (what a long analysis has gathered), [`plans`]
//! (what analysis found; opens the commit and the tables), [`parts`] (the file's other tables), [`ledger`] (its batches, each once), `merge` (for upsert and sync),
//! `unique` (which rows have a value that is taken),
//! [`preview`] (what somebody is asked about), [`publish`] (the version; [`mappings`] keeps where its columns went), [`outbox`] (telling
//! the others). [`stalled`] finds those that got stuck on it. [`drops`] and [`hooks`] are what files need besides that come through drop folders and webhooks. Readers come
//! in by [`versions`] (which snapshot) and [`rows`] (its pages); [`sweep`] clears away what nobody can see any more.
//!
//! People's own changes are [`commits`]; [`diff`] compares versions and [`restore`] brings one back. [`aggregate`] sums a version up,
//! and [`widgets`] keeps such sums beside the head; [`reader_view`] is what other SQL programs read.
//!
//! Everything is a method of [`Store`]. Locks are always taken in the order dataset, import, commit.

pub mod aggregate;
pub mod analyses;
pub mod columns;
pub mod commits;
pub mod content;
pub mod datasets;
pub mod diff;
pub mod drops;
pub mod error;
pub mod filter;
pub mod grants;
pub mod hooks;
pub mod imports;
pub mod ledger;
pub mod mappings;
pub mod outbox;
pub mod parts;
pub mod plans;
pub mod preview;
pub mod publish;
pub mod quarantine;
pub mod reader_view;
pub mod restore;
pub mod rows;
pub mod stalled;
pub mod sweep;
pub mod versions;
pub mod widgets;

mod blocks;
mod cells;
mod copy;
mod keyed;
mod merge;
mod numeric;
mod orders;
mod statement;
mod tables;
mod unique;

use std::sync::Arc;

use sqlx::PgPool;

pub use analyses::SavedAnalysis;
pub use columns::StoredColumn;
pub use commits::{Cells, Change, Commit, IdempotencyKey, NewCommit};
pub use datasets::DatasetPage;
pub use drops::OwedOutcome;
pub use error::{Error, Result};
pub use filter::{Filter, Op};
pub use hooks::{Delivery, DeliveryPage, NewDelivery, NewHook, StoredHook};
pub use imports::{Import, ImportPage, Lease, NewImport, PlacePage};
pub use ledger::{IncomingBatch, Refusal, Write};
pub use mappings::StoredMapping;
pub use merge::{MergeLimits, Sitting};
pub use outbox::OutboxEvent;
pub use parts::Part;
pub use plans::OpenLoad;
pub use publish::Publish;
pub use quarantine::{QuarantineFilter, QuarantinePage};
pub use restore::Restored;
pub use rows::{RowsPage, RowsQuery, Sort, SortKey, Start};
pub use stalled::{Overdue, Patience, Stalled};
pub use sweep::Swept;
pub use unique::Taken;
pub use versions::{At, Snapshot, VersionPage};
pub use widgets::Refreshed;

/// The engine. Cheap to clone; clones share the pool and the caches of immutable things.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    orders: Arc<orders::Orders>,
    snapshots: Arc<versions::Snapshots>,
    merge_limits: MergeLimits,
}

impl Store {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            orders: Arc::default(),
            snapshots: Arc::default(),
            merge_limits: MergeLimits::default(),
        }
    }

    /// The same with merges cut up otherwise.
    #[must_use]
    pub fn with_merge_limits(mut self, limits: MergeLimits) -> Self {
        self.merge_limits = limits;
        self
    }

    /// Brings the schema up to date. Forward only; safe to call from several processes at once.
    pub async fn migrate(&self) -> Result<()> {
        sqlx::migrate!("./migrations").run(&self.pool).await?;
        Ok(())
    }
}
