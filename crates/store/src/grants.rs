//! Who may do what with a dataset. `platform::access` asks on every request, so whatever is written here is at work on the next.

use contracts::{
    UserId,
    auth::Me,
    dataset::{DatasetGrant, Role},
};

use crate::{
    Error, Result, Store,
    imports::{from_word, lock_dataset, word},
};

impl Store {
    /// Owners first, then by name.
    pub async fn list_grants(&self, dataset_no: i64) -> Result<Vec<DatasetGrant>> {
        let rows = sqlx::query!(
            r#"select m.id, m.email, m.name, g.role, to_char(g.granted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "granted_at!"
               from gk.dataset_grant g join gk.member m on m.id = g.member where g.dataset = $1
               order by array_position(array['owner', 'editor', 'viewer'], g.role), lower(m.name), m.id"#,
            dataset_no
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(DatasetGrant {
                    user: Me {
                        id: row.id.parse()?,
                        email: row.email,
                        name: row.name,
                    },
                    role: from_word(&row.role)?,
                    granted_at: row.granted_at,
                })
            })
            .collect()
    }

    /// Gives a member a role, in place of the one they have. [`crate::Error::NotFound`] when there is no such member,
    /// [`crate::Error::LastOwner`] when nobody would own the dataset any more.
    pub async fn grant(&self, dataset_no: i64, member: UserId, role: Role) -> Result<DatasetGrant> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let granted = sqlx::query!(
            "insert into gk.dataset_grant (dataset, member, role) select $1, id, $3 from gk.member where id = $2 \
             on conflict on constraint dataset_grant_pkey do update set role = excluded.role",
            dataset_no,
            member.to_string(),
            word(&role)?
        )
        .execute(&mut *tx)
        .await?;
        if granted.rows_affected() == 0 {
            return Err(Error::NotFound("user"));
        }
        keeps_an_owner(&mut tx, dataset_no).await?;
        tx.commit().await?;
        self.list_grants(dataset_no)
            .await?
            .into_iter()
            .find(|grant| grant.user.id == member)
            .ok_or(Error::NotFound("user"))
    }

    /// [`crate::Error::NotFound`] when the member has no role here, [`crate::Error::LastOwner`] as above.
    pub async fn revoke(&self, dataset_no: i64, member: UserId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        let revoked = sqlx::query!(
            "delete from gk.dataset_grant where dataset = $1 and member = $2",
            dataset_no,
            member.to_string()
        )
        .execute(&mut *tx)
        .await?;
        if revoked.rows_affected() == 0 {
            return Err(Error::NotFound("grant"));
        }
        keeps_an_owner(&mut tx, dataset_no).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn keeps_an_owner(connection: &mut sqlx::PgConnection, dataset_no: i64) -> Result<()> {
    let owned = sqlx::query_scalar!(
        r#"select exists (select from gk.dataset_grant where dataset = $1 and role = 'owner') as "owned!""#,
        dataset_no
    )
    .fetch_one(connection)
    .await?;
    if owned { Ok(()) } else { Err(Error::LastOwner) }
}
