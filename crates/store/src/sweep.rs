//! Clears away what no reader can see: rows of imports that were never published, tables of deleted datasets; and moves what a
//! replace has hidden into history, where only old versions look.
//!
//! A commit is marked `swept` in a transaction after the one that took its last row. Versions published until then list it as
//! hidden, later ones do not: both are right, because there is nothing left to hide. What was published before it was hidden
//! is never deleted, only moved.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use crate::{Result, Store, error::is_undefined_table, imports::lock_dataset, tables};

/// Row ids looked at in one transaction.
const CHUNK: i64 = 20_000;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Never-published rows deleted.
    pub deleted: u64,
    /// Replaced rows moved to history.
    pub moved: u64,
    pub commits: u64,
    pub tables_dropped: u64,
    /// Whether it stopped at its limit with more to do.
    pub more: bool,
}

struct Commit {
    dataset: i64,
    id: i64,
    lo: i64,
    hi: i64,
}

impl Store {
    /// Sweeps in small transactions, about `rows_max` rows in all. Safe to run anywhere at any time.
    pub async fn sweep(&self, rows_max: u64) -> Result<Swept> {
        let mut swept = Swept::default();
        self.drop_tables(&mut swept).await?;
        let commits = sqlx::query_as!(
            Commit,
            r#"select dataset, id, coalesce(row_lo, 1) as "lo!", coalesce(row_hi, 0) as "hi!" from gk.commit
               where state = 'aborted' order by dataset, id"#
        )
        .fetch_all(&self.pool)
        .await?;
        for commit in commits {
            let mut lo = commit.lo;
            if self.has_table(commit.dataset).await? {
                while lo <= commit.hi {
                    if swept.deleted >= rows_max {
                        swept.more = true;
                        return Ok(swept);
                    }
                    // No lock: nobody writes to an aborted commit, and nobody reads it.
                    let done = sqlx::query(AssertSqlSafe(format!(
                        "delete from {} where row_id >= $1 and row_id <= $2 and born = $3",
                        tables::live(commit.dataset)
                    )))
                    .bind(lo)
                    .bind(commit.hi.min(lo + CHUNK - 1))
                    .bind(commit.id)
                    .execute(&self.pool)
                    .await;
                    swept.deleted += match done {
                        Ok(done) => done.rows_affected(),
                        Err(error) if is_undefined_table(&error) => break,
                        Err(error) => return Err(error.into()),
                    };
                    lo += CHUNK;
                }
            }
            let mut tx = self.pool.begin().await?;
            tables::drop_staged(&mut tx, commit.dataset, commit.id).await?;
            for table in ["gk.ledger", "gk.quarantine"] {
                sqlx::query(AssertSqlSafe(format!(
                    "delete from {table} where dataset = $1 and commit = $2"
                )))
                .bind(commit.dataset)
                .bind(commit.id)
                .execute(&mut *tx)
                .await?;
            }
            sqlx::query!(
                "update gk.commit set state = 'swept' where dataset = $1 and id = $2 and state = 'aborted'",
                commit.dataset,
                commit.id
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            swept.commits += 1;
        }
        Ok(swept)
    }

    /// Moves rows that a replace hid longer ago than this to history, about `rows_max` of them. Until then undoing the replace
    /// only unhides; afterwards it must restore.
    pub async fn sweep_replaced(&self, rows_max: u64, hidden_for: Duration) -> Result<Swept> {
        let mut swept = Swept::default();
        let commits = sqlx::query_as!(
            Commit,
            r#"select c.dataset, c.id, coalesce(c.row_lo, 1) as "lo!", coalesce(c.row_hi, 0) as "hi!"
               from gk.commit c join gk.commit h on h.dataset = c.dataset and h.id = c.hidden_by
               join gk.dataset d on d.no = c.dataset and d.deleted_at is null
               where c.state = 'undone' and h.created_at < clock_timestamp() - $1 * interval '1 millisecond'
               order by c.dataset, c.id"#,
            hidden_for.as_secs_f64() * 1000.0
        )
        .fetch_all(&self.pool)
        .await?;
        for commit in commits {
            let mut lo = commit.lo;
            loop {
                if swept.moved >= rows_max {
                    swept.more = true;
                    return Ok(swept);
                }
                let last = lo.saturating_add(CHUNK) > commit.hi;
                let Some(moved) = self.move_replaced(&commit, lo, last).await? else {
                    break;
                };
                swept.moved += moved;
                if last {
                    swept.commits += 1;
                    break;
                }
                lo += CHUNK;
            }
        }
        Ok(swept)
    }

    /// One chunk into history. Under the dataset's lock, as everything that writes `died`; `None` when the commit is no longer
    /// hidden.
    async fn move_replaced(&self, commit: &Commit, lo: i64, last: bool) -> Result<Option<u64>> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, commit.dataset).await?;
        let hidden_by = sqlx::query_scalar!(
            "select hidden_by from gk.commit where dataset = $1 and id = $2 and state = 'undone' for update",
            commit.dataset,
            commit.id
        )
        .fetch_optional(&mut *tx)
        .await?
        .flatten();
        let Some(hidden_by) = hidden_by else {
            return Ok(None);
        };
        let columns = tables::list(&tables::physical_names(&mut tx, commit.dataset).await?, "");
        let moved = sqlx::query(AssertSqlSafe(format!(
            "with gone as (delete from {} where row_id >= $1 and row_id <= $2 and born = $3 returning *) \
             insert into {} (row_id, born, died{columns}) select row_id, born, $4{columns} from gone",
            tables::live(commit.dataset),
            tables::history(commit.dataset)
        )))
        .bind(lo)
        .bind(commit.hi.min(lo + CHUNK - 1))
        .bind(commit.id)
        .bind(hidden_by)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if last {
            sqlx::query!(
                "update gk.commit set state = 'swept' where dataset = $1 and id = $2",
                commit.dataset,
                commit.id
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(Some(moved))
    }

    /// Tables of deleted datasets, and of those whose only imports came to nothing.
    async fn drop_tables(&self, swept: &mut Swept) -> Result<()> {
        let datasets = sqlx::query_scalar!(
            r#"select d.no from gk.dataset d where to_regclass('data.d_' || d.no) is not null and (d.deleted_at is not null
                 or (d.head = 0 and not exists (select from gk.import i where i.dataset = d.no
                     and i.state not in ('published', 'failed', 'cancelled'))))"#
        )
        .fetch_all(&self.pool)
        .await?;
        for dataset_no in datasets {
            let mut tries = 0;
            loop {
                match self.drop_one(dataset_no).await {
                    Ok(()) => break,
                    Err(error) if tables::try_again(&error, &mut tries).await => {}
                    Err(error) => return Err(error),
                }
            }
            swept.tables_dropped += 1;
        }
        Ok(())
    }

    async fn drop_one(&self, dataset_no: i64) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        tables::limit_lock_wait(&mut tx).await?;
        tables::drop_all(&mut tx, dataset_no).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn has_table(&self, dataset_no: i64) -> Result<bool> {
        let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(tables::live(dataset_no))
            .fetch_one(&self.pool)
            .await?;
        Ok(there)
    }
}
