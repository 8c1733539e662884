//! Inbound webhooks: their keys, and the messages that each has taken. functions/presign checks signatures and makes the imports.

use std::time::Duration;

use contracts::{DatasetId, HookId, UploadId, hook::HookDelivery, plan::Options, upload::Mode};
use sqlx::types::Json;

use crate::{
    Error, Result, Store,
    imports::{big, from_word, page_of, word},
};

/// A hook, as it is made.
#[derive(Clone, Debug)]
pub struct NewHook {
    pub id: HookId,
    pub dataset_no: i64,
    pub name: String,
    pub mode: Mode,
    pub key: Vec<String>,
    pub options: Options,
    pub secret: String,
}

#[derive(Clone, Debug)]
pub struct StoredHook {
    pub id: HookId,
    pub dataset: DatasetId,
    pub dataset_no: i64,
    pub name: String,
    pub mode: Mode,
    pub key: Vec<String>,
    pub options: Options,
    pub paused: bool,
    pub created_at: String,
    pub former_until: Option<String>,
    /// The keys that are good at this moment, the newest first.
    pub secrets: Vec<String>,
}

/// A message as it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    pub hook: HookId,
    pub message: &'a str,
    /// Kept unless the message is known.
    pub upload: UploadId,
    /// Of the body.
    pub fingerprint: &'a [u8],
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub upload: UploadId,
    pub fingerprint: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct DeliveryPage {
    pub deliveries: Vec<HookDelivery>,
    pub next: Option<String>,
}

struct Row {
    id: String,
    dataset: String,
    dataset_no: i64,
    name: String,
    mode: String,
    key_columns: Vec<String>,
    options: Json<Options>,
    secret: String,
    former_secret: Option<String>,
    paused: bool,
    created_at: String,
    former_until: Option<String>,
}

impl Row {
    fn into_hook(self) -> Result<StoredHook> {
        Ok(StoredHook {
            id: self.id.parse()?,
            dataset: self.dataset.parse()?,
            dataset_no: self.dataset_no,
            name: self.name,
            mode: from_word(&self.mode)?,
            key: self.key_columns,
            options: self.options.0,
            paused: self.paused,
            created_at: self.created_at,
            former_until: self.former_until,
            secrets: [Some(self.secret), self.former_secret]
                .into_iter()
                .flatten()
                .collect(),
        })
    }
}

impl Store {
    pub async fn create_hook(&self, new: &NewHook) -> Result<()> {
        sqlx::query!(
            "insert into gk.hook (id, dataset, name, mode, key_columns, options, secret) values ($1, $2, $3, $4, $5, $6, $7)",
            new.id.to_string(),
            new.dataset_no,
            new.name,
            word(&new.mode)?,
            &new.key,
            serde_json::to_value(&new.options)?,
            new.secret
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// `None` also when its dataset is deleted.
    pub async fn hook(&self, id: HookId) -> Result<Option<StoredHook>> {
        let mut hooks = self.hooks(Some(id), None).await?;
        Ok(hooks.pop())
    }

    /// Oldest first.
    pub async fn list_hooks(&self, dataset_no: i64) -> Result<Vec<StoredHook>> {
        self.hooks(None, Some(dataset_no)).await
    }

    async fn hooks(&self, id: Option<HookId>, dataset_no: Option<i64>) -> Result<Vec<StoredHook>> {
        let rows = sqlx::query_as!(
            Row,
            r#"select h.id, d.id as dataset, d.no as dataset_no, h.name, h.mode, h.key_columns, h.options as "options: Json<Options>", h.secret,
                   case when h.former_until > clock_timestamp() then h.former_secret end as former_secret,
                   h.paused_at is not null as "paused!",
                   to_char(h.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "created_at!",
                   case when h.former_until > clock_timestamp()
                       then to_char(h.former_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end as former_until
               from gk.hook h join gk.dataset d on d.no = h.dataset and d.deleted_at is null
               where ($1::text is null or h.id = $1) and ($2::bigint is null or h.dataset = $2) order by h.id"#,
            id.map(|id| id.to_string()),
            dataset_no
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Row::into_hook).collect()
    }

    /// What is `None` stays.
    pub async fn change_hook(
        &self,
        dataset_no: i64,
        id: HookId,
        name: Option<&str>,
        paused: Option<bool>,
    ) -> Result<StoredHook> {
        sqlx::query!(
            "update gk.hook set name = coalesce($3, name), \
                 paused_at = case $4::boolean when true then coalesce(paused_at, clock_timestamp()) when false then null else paused_at end \
             where dataset = $1 and id = $2",
            dataset_no,
            id.to_string(),
            name,
            paused
        )
        .execute(&self.pool)
        .await?;
        self.hook_of(dataset_no, id).await
    }

    /// A new key; the one before is good for so long.
    pub async fn rotate_hook(
        &self,
        dataset_no: i64,
        id: HookId,
        secret: &str,
        overlap: Duration,
    ) -> Result<StoredHook> {
        sqlx::query!(
            "update gk.hook set former_secret = secret, former_until = clock_timestamp() + $4 * interval '1 millisecond', secret = $3 \
             where dataset = $1 and id = $2",
            dataset_no,
            id.to_string(),
            secret,
            overlap.as_secs_f64() * 1000.0
        )
        .execute(&self.pool)
        .await?;
        self.hook_of(dataset_no, id).await
    }

    pub async fn delete_hook(&self, dataset_no: i64, id: HookId) -> Result<()> {
        sqlx::query!(
            "delete from gk.hook where dataset = $1 and id = $2",
            dataset_no,
            id.to_string()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The hook, if it is this dataset's.
    async fn hook_of(&self, dataset_no: i64, id: HookId) -> Result<StoredHook> {
        let hook = self.hook(id).await?;
        hook.filter(|hook| hook.dataset_no == dataset_no)
            .ok_or(Error::NotFound("hook"))
    }

    /// A message that was taken before.
    pub async fn delivery(&self, hook: HookId, message: &str) -> Result<Option<Delivery>> {
        let row = sqlx::query!(
            "select upload, fingerprint from gk.hook_delivery where hook = $1 and message = $2",
            hook.to_string(),
            message
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Delivery {
                upload: row.upload.parse()?,
                fingerprint: row.fingerprint,
            })
        })
        .transpose()
    }

    /// Records a message, once; answers with what is recorded of it.
    pub async fn record_delivery(&self, new: NewDelivery<'_>) -> Result<Delivery> {
        sqlx::query!(
            "insert into gk.hook_delivery (hook, message, upload, fingerprint, bytes) values ($1, $2, $3, $4, $5) \
             on conflict on constraint hook_delivery_pkey do nothing",
            new.hook.to_string(),
            new.message,
            new.upload.to_string(),
            new.fingerprint,
            big(new.bytes)
        )
        .execute(&self.pool)
        .await?;
        self.delivery(new.hook, new.message)
            .await?
            .ok_or(Error::NotFound("hook"))
    }

    /// Newest first.
    pub async fn list_deliveries(
        &self,
        dataset_no: i64,
        hook: HookId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DeliveryPage> {
        self.hook_of(dataset_no, hook).await?;
        let rows = sqlx::query!(
            r#"select y.message, y.upload, y.bytes, i.state as "state?",
                   to_char(y.received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "received_at!"
               from gk.hook_delivery y left join gk.import i on i.upload = y.upload
               where y.hook = $1 and ($2::text is null or y.upload < $2) order by y.upload desc limit $3"#,
            hook.to_string(),
            cursor,
            i64::from(limit.max(1)) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, next) = page_of(rows, limit, |row| row.upload.clone());
        let deliveries = rows.into_iter().map(|row| {
            Ok(HookDelivery {
                message_id: row.message,
                upload_id: row.upload.parse()?,
                state: row.state.as_deref().map(from_word).transpose()?,
                bytes: row.bytes.unsigned_abs(),
                received_at: row.received_at,
            })
        });
        Ok(DeliveryPage {
            deliveries: deliveries.collect::<Result<_>>()?,
            next,
        })
    }
}
