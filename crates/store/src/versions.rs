//! Versions: the list people see, and the snapshot that a read needs. A version never changes, so snapshots are cached.
//! Reading goes on in [`crate::rows`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use contracts::{
    dataset::{Column, VersionInfo},
    receipt::Receipt,
};
pub use jiff::Timestamp;
use sqlx::types::Json;

use crate::{
    Error, Result, Store, StoredColumn,
    imports::{from_word, page_of},
};

/// Snapshots kept; a wide one is some ten kilobytes.
const SNAPSHOTS_KEPT: usize = 512;

/// Which version a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Head,
    Version(i64),
    /// The newest one published at or before this moment.
    AsOf(Timestamp),
}

/// All that a read at a version needs to know.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub dataset_no: i64,
    pub version: i64,
    pub rows: i64,
    pub columns: Vec<StoredColumn>,
    /// UTC, six decimals.
    pub published_at: String,
    pub(crate) max_commit: i64,
    pub(crate) hidden: Vec<i64>,
    /// Row ids among which its rows are: from, to (exclusive), rising.
    pub(crate) extent: Vec<(i64, i64)>,
}

impl Snapshot {
    /// The columns as people see them.
    #[must_use]
    pub fn shown_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|c| c.column.clone()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct VersionPage {
    pub versions: Vec<VersionInfo>,
    pub next: Option<String>,
}

/// Snapshots of versions seen lately.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    seen: Mutex<HashMap<(i64, i64), Arc<Snapshot>>>,
}

impl Snapshots {
    fn get(&self, dataset_no: i64, version: i64) -> Option<Arc<Snapshot>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&(dataset_no, version)).cloned()
    }

    /// When full it starts over: filling it again costs one indexed query per version in use.
    fn keep(&self, snapshot: &Arc<Snapshot>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SNAPSHOTS_KEPT {
            seen.clear();
        }
        seen.insert(
            (snapshot.dataset_no, snapshot.version),
            Arc::clone(snapshot),
        );
    }
}

impl Store {
    /// [`crate::Error::NotFound`] for a version that never was (or a moment before the first), [`crate::Error::Gone`] for one
    /// that retention has dropped.
    pub async fn resolve(&self, dataset_no: i64, at: At) -> Result<Arc<Snapshot>> {
        if let At::Version(version) = at
            && let Some(snapshot) = self.snapshots.get(dataset_no, version)
        {
            return Ok(snapshot);
        }
        let version = match at {
            At::Version(version) => Some(version),
            At::Head => sqlx::query_scalar!(
                "select head from gk.dataset where no = $1 and deleted_at is null",
                dataset_no
            )
            .fetch_optional(&self.pool)
            .await?,
            // Six decimals, as versions have: a finer moment is cut, not rounded up into the next version.
            At::AsOf(moment) => sqlx::query_scalar!(
                "select version from gk.version where dataset = $1 and at <= $2::text::timestamptz order by at desc limit 1",
                dataset_no,
                format!("{moment:.6}")
            )
            .fetch_optional(&self.pool)
            .await?,
        }
        .ok_or(Error::NotFound("version"))?;
        if let Some(snapshot) = self.snapshots.get(dataset_no, version) {
            return Ok(snapshot);
        }
        let found = sqlx::query!(
            r#"select v.rows, v.max_commit, v.hidden, v.columns as "columns: Json<Vec<StoredColumn>>",
                   array(select lower(r) from unnest(v.extent) r order by r) as "from!", array(select upper(r) from unnest(v.extent) r order by r) as "to!",
                   to_char(v.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "published_at!"
               from gk.version v where v.dataset = $1 and v.version = $2"#,
            dataset_no,
            version
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else {
            let head = sqlx::query_scalar!("select head from gk.dataset where no = $1", dataset_no)
                .fetch_optional(&self.pool)
                .await?
                .unwrap_or_default();
            return Err(if (1..=head).contains(&version) {
                Error::Gone(version)
            } else {
                Error::NotFound("version")
            });
        };
        let snapshot = Arc::new(Snapshot {
            dataset_no,
            version,
            rows: found.rows,
            columns: found.columns.0,
            published_at: found.published_at,
            max_commit: found.max_commit,
            hidden: found.hidden,
            extent: found.from.into_iter().zip(found.to).collect(),
        });
        self.snapshots.keep(&snapshot);
        Ok(snapshot)
    }

    /// Newest first.
    pub async fn list_versions(
        &self,
        dataset_no: i64,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<VersionPage> {
        let before = match cursor {
            None => i64::MAX,
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("cursor", "not a cursor of this list"))?,
        };
        let rows = sqlx::query!(
            r#"select v.version, v.rows, v.receipt as "receipt: Json<Receipt>",
                   case c.kind when 'merge' then 'import' else c.kind end as "kind!", c.message, m.name as "author?",
                   to_char(v.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "published_at!"
               from gk.version v join gk.commit c on c.dataset = v.dataset and c.id = v.commit
               left join gk.member m on m.id = c.author
               where v.dataset = $1 and v.version < $2 order by v.version desc limit $3"#,
            dataset_no,
            before,
            i64::from(limit.max(1)) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, next) = page_of(rows, limit, |row| row.version.to_string());
        let versions = rows
            .into_iter()
            .map(|row| {
                Ok(VersionInfo {
                    version: row.version,
                    kind: from_word(&row.kind)?,
                    author: row.author,
                    message: row.message,
                    published_at: row.published_at,
                    rows: row.rows,
                    receipt: row.receipt.map(|json| json.0),
                    tags: Vec::new(),
                })
            })
            .collect::<Result<_>>()?;
        Ok(VersionPage { versions, next })
    }
}
