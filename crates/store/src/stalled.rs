//! Imports that somebody should work on and nobody does: the message that says so was never sent or was lost, or whoever had it
//! died at every try. The consumer looks for them now and then and sends for somebody; the lease makes one message too many
//! harmless. Files that came and were never announced are among them ([`Store::owe_work`]); tables of a file that wait for their turn
//! are not: [`Store::tables_to_read`] asks for them.

use std::time::Duration;

use contracts::UploadId;

use crate::{Result, Store};

/// How long to wait before anybody is sent for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A message that is owed: whoever owes it may be about to send it.
    pub owed: Duration,
    /// Without a sign of life: the message may lie in a long queue.
    pub still: Duration,
}

/// An import that nobody works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    pub upload: UploadId,
    pub generation: i32,
    /// All of it was sent: what the ledger lacks is on its way to it, or lost.
    pub is_sent: bool,
}

/// An import whose file should have come by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub upload: UploadId,
    pub object_key: String,
}

impl Store {
    /// Those that no message, no lease and no batch is known to move on.
    pub async fn stalled_imports(&self, patience: Patience) -> Result<Vec<Stalled>> {
        let stalled = sqlx::query!(
            r#"select i.upload, greatest(i.generation, 1) as "generation!", p.end_batches is not null as "is_sent!"
               from gk.import i left join gk.plan p on p.upload = i.upload and p.generation = i.generation
               where (i.state in ('analysing', 'loading') or i.state = 'uploaded' and i.file_of is null
                   or i.state = 'created' and (i.lease_owner is not null or i.work_owed_at is not null))
                 and (i.lease_until is null or i.lease_until < clock_timestamp())
                 and (i.work_owed_at < clock_timestamp() - $1 * interval '1 millisecond'
                   or greatest(i.moved_at, i.lease_until) < clock_timestamp() - $2 * interval '1 millisecond')
                 and (p.end_batches is null or p.end_batches >
                   (select count(*) from gk.ledger l where l.commit = p.commit and l.dataset = i.dataset))
               order by i.upload"#,
            millis(patience.owed),
            millis(patience.still)
        )
        .fetch_all(&self.pool)
        .await?;
        stalled
            .into_iter()
            .map(|row| {
                Ok(Stalled {
                    upload: row.upload.parse()?,
                    generation: row.generation,
                    is_sent: row.is_sent,
                })
            })
            .collect()
    }

    /// Takes it upon the caller to send for somebody: until [`Store::work_sent`] it is owed. Answers for the how manieth time since it
    /// got any further, those counted whom somebody followed; `None` when it has moved meanwhile, or another sends.
    pub async fn rescue(&self, stalled: &Stalled, patience: Patience) -> Result<Option<u32>> {
        let upload = stalled.upload.to_string();
        let mut tx = self.pool.begin().await?;
        let rescues = sqlx::query_scalar!(
            r#"update gk.import i
               set rescues = case when i.work_owed_at is not null then i.rescues
                       when i.rescued_where is distinct from w.stands then 1
                       when i.moved_at > i.rescued_at then i.rescues + 1
                       else i.rescues end,
                   rescued_where = w.stands, rescued_at = statement_timestamp(), moved_at = statement_timestamp(),
                   work_owed_at = statement_timestamp()
               from (select concat_ws('/', $2::int, p.checkpoint ->> 'batch', p.commit, md5(a.state)) as stands
                   from (select) one left join gk.plan p on p.upload = $1 and p.generation = $2
                   left join gk.analysis a on a.upload = $1 and a.generation = $2) w
               where i.upload = $1 and greatest(i.generation, 1) = $2
                 and i.state in ('created', 'uploaded', 'analysing', 'loading')
                 and (i.lease_until is null or i.lease_until < clock_timestamp())
                 and (i.work_owed_at < clock_timestamp() - $3 * interval '1 millisecond'
                   or greatest(i.moved_at, i.lease_until) < clock_timestamp() - $4 * interval '1 millisecond')
               returning i.rescues"#,
            upload,
            stalled.generation,
            millis(patience.owed),
            millis(patience.still)
        )
        .fetch_optional(&mut *tx)
        .await?;
        if rescues.is_some() && stalled.is_sent {
            // The stream has lost some of it; the ledger knows those that are in.
            sqlx::query!(
                "update gk.plan set checkpoint = null where upload = $1 and generation = $2",
                upload,
                stalled.generation
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(rescues.map(i32::unsigned_abs))
    }

    /// The work queue has a message for this generation.
    pub async fn work_sent(&self, upload: UploadId, generation: i32) -> Result<()> {
        sqlx::query!(
            "update gk.import set work_owed_at = null where upload = $1 and greatest(generation, 1) = $2",
            upload.to_string(),
            generation
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The file is there and nobody was told, though its time is over: somebody will be.
    pub async fn owe_work(&self, upload: UploadId) -> Result<()> {
        sqlx::query!(
            "update gk.import set work_owed_at = clock_timestamp() where upload = $1 and state = 'created' and work_owed_at is null",
            upload.to_string()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whose file has not come in time, as far as is known: look for it, then [`Store::owe_work`] or [`Store::expire_overdue`].
    pub async fn overdue_imports(&self, limit: u32) -> Result<Vec<Overdue>> {
        let overdue = sqlx::query!(
            "select upload, object_key from gk.import where state = 'created' and expires_at < clock_timestamp() \
               and (lease_until is null or lease_until < clock_timestamp()) and work_owed_at is null order by upload limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        overdue
            .into_iter()
            .map(|row| {
                Ok(Overdue {
                    upload: row.upload.parse()?,
                    object_key: row.object_key,
                })
            })
            .collect()
    }

    /// Whether an import is under way that a lost message could leave there: somebody should look again.
    pub async fn is_any_under_way(&self) -> Result<bool> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from gk.import where state in ('uploaded', 'analysing', 'awaiting_confirmation', 'loading')
                 or state = 'created' and (lease_owner is not null or work_owed_at is not null)) as "any!""#
        )
        .fetch_one(&self.pool)
        .await?)
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
