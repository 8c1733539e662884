//! Files from drop folders: whose they are, and the outcome that is owed for each. Their imports are [`crate::imports`] as any other.

use contracts::{DatasetId, UploadId, UserId};

use crate::{Result, Store};

/// An import that is final and whose outcome has not been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedOutcome {
    pub upload: UploadId,
    /// Where it goes.
    pub key: String,
}

impl Store {
    /// Whom a dataset's drop folder and hooks act as: its first owner. `None` if there is no such dataset.
    pub async fn owner(&self, dataset: DatasetId) -> Result<Option<UserId>> {
        let owner = sqlx::query_scalar!(
            "select g.member from gk.dataset d join gk.dataset_grant g on g.dataset = d.no and g.role = 'owner' \
             where d.id = $1 and d.deleted_at is null order by g.granted_at, g.member limit 1",
            dataset.to_string()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(owner.map(|id| id.parse()).transpose()?)
    }

    /// From now on the import's outcome is owed at that key. It is of the file with this ETag.
    pub async fn owe_outcome(&self, upload: UploadId, key: &str, etag: &str) -> Result<()> {
        sqlx::query!(
            "update gk.import set outcome_key = $2, dropped_etag = $3 where upload = $1 and outcome_key is null",
            upload.to_string(),
            key,
            etag
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Oldest first.
    pub async fn owed_outcomes(&self, limit: u32) -> Result<Vec<OwedOutcome>> {
        let rows = sqlx::query!(
            r#"select upload, outcome_key as "key!" from gk.import
               where outcome_key is not null and outcome_told_at is null and state in ('published', 'failed', 'cancelled')
               order by upload limit $1"#,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OwedOutcome {
                    upload: row.upload.parse()?,
                    key: row.key,
                })
            })
            .collect()
    }

    pub async fn outcome_told(&self, upload: UploadId) -> Result<()> {
        sqlx::query!(
            "update gk.import set outcome_told_at = clock_timestamp() where upload = $1",
            upload.to_string()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
