//! An analysis between two invocations: what the first reading of a long file had gathered when its time was over. It lies here and
//! not in the bucket, because only then the lease decides who may write it, and it is gone with the import. Its plan comes in by
//! [`crate::plans`].

use contracts::{UploadId, plan::ObjectRef};
use sqlx::{PgConnection, types::Json};

use crate::{Result, Store};

/// As it was saved; the content is the analyser's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedAnalysis {
    pub object: ObjectRef,
    pub state: Vec<u8>,
}

impl Store {
    /// False when the lease was lost or the import is over: somebody else has the word.
    pub async fn save_analysis(
        &self,
        upload: UploadId,
        owner: &str,
        generation: i32,
        analysis: &SavedAnalysis,
    ) -> Result<bool> {
        let saved = sqlx::query!(
            "insert into gk.analysis (upload, generation, object, state) \
             select i.upload, $3, $4, $5 from gk.import i where i.upload = $1 and i.lease_owner = $2 \
               and i.state not in ('published', 'failed', 'cancelled') for update of i \
             on conflict on constraint analysis_pkey do update \
               set generation = excluded.generation, object = excluded.object, state = excluded.state",
            upload.to_string(),
            owner,
            generation,
            serde_json::to_value(&analysis.object)?,
            analysis.state
        )
        .execute(&self.pool)
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// What there is to go on from for this generation.
    pub async fn saved_analysis(
        &self,
        upload: UploadId,
        generation: i32,
    ) -> Result<Option<SavedAnalysis>> {
        let saved = sqlx::query!(
            r#"select object as "object: Json<ObjectRef>", state from gk.analysis where upload = $1 and generation = $2"#,
            upload.to_string(),
            generation
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(saved.map(|row| SavedAnalysis {
            object: row.object.0,
            state: row.state,
        }))
    }
}

/// It has its plan, or will have none.
pub(crate) async fn forget(connection: &mut PgConnection, upload: &str) -> Result<()> {
    sqlx::query!("delete from gk.analysis where upload = $1", upload)
        .execute(connection)
        .await?;
    Ok(())
}
