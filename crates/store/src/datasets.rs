//! Datasets as they are listed and shown: those with at least one version, and not deleted.

use contracts::{
    DatasetId, UserId,
    dataset::{Column, Dataset},
    receipt::Receipt,
    rules::ColumnRules,
};
use sqlx::{AssertSqlSafe, types::Json};

use crate::{
    Error, Result, Store, StoredColumn,
    imports::{end, from_word, lock_dataset, page_of},
    publish::{NewVersion, write_version},
    tables,
};

#[derive(Clone, Debug)]
pub struct DatasetPage {
    pub datasets: Vec<Dataset>,
    pub next: Option<String>,
}

const SELECT: &str = "select d.no, d.id, d.name, d.head, d.rows, d.quarantined, d.rules, v.columns, g.role, \
    to_char(v.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as published_at, \
    to_char(d.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as created_at \
    from gk.dataset_grant g join gk.dataset d on d.no = g.dataset join gk.version v on v.dataset = d.no and v.version = d.head \
    where g.member = $1 and d.deleted_at is null";

#[derive(sqlx::FromRow)]
struct Stored {
    no: i64,
    id: String,
    name: String,
    head: i64,
    rows: i64,
    columns: Json<Vec<StoredColumn>>,
    role: String,
    quarantined: i64,
    rules: Json<ColumnRules>,
    published_at: String,
    created_at: String,
}

impl Stored {
    fn into_dataset(self) -> Result<Dataset> {
        Ok(Dataset {
            id: self.id.parse()?,
            name: self.name,
            version: self.head,
            rows: self.rows,
            columns: self
                .columns
                .0
                .into_iter()
                .map(|stored| stored.column)
                .collect::<Vec<Column>>(),
            role: from_word(&self.role)?,
            quarantined: self.quarantined,
            rules: self.rules.0,
            published_at: self.published_at,
            created_at: self.created_at,
        })
    }
}

impl Store {
    /// The datasets that a member has a grant on, newest first.
    pub async fn list_datasets(
        &self,
        member: UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DatasetPage> {
        let before = match cursor {
            None => i64::MAX,
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("cursor", "not a cursor of this list"))?,
        };
        let stored: Vec<Stored> = sqlx::query_as(AssertSqlSafe(format!(
            "{SELECT} and d.no < $2 order by d.no desc limit $3"
        )))
        .bind(member.to_string())
        .bind(before)
        .bind(i64::from(limit.max(1)) + 1)
        .fetch_all(&self.pool)
        .await?;
        let (stored, next) = page_of(stored, limit, |row| row.no.to_string());
        Ok(DatasetPage {
            datasets: stored
                .into_iter()
                .map(Stored::into_dataset)
                .collect::<Result<_>>()?,
            next,
        })
    }

    /// As this member sees it; [`crate::Error::NotFound`] without a grant.
    pub async fn show_dataset(&self, dataset_no: i64, member: UserId) -> Result<Dataset> {
        let stored: Option<Stored> =
            sqlx::query_as(AssertSqlSafe(format!("{SELECT} and d.no = $2")))
                .bind(member.to_string())
                .bind(dataset_no)
                .fetch_optional(&self.pool)
                .await?;
        stored.ok_or(Error::NotFound("dataset"))?.into_dataset()
    }

    /// An empty dataset of these columns, version 1, owned by its author. Column ids are given here, in order.
    pub async fn create_dataset(
        &self,
        author: UserId,
        name: &str,
        columns: Vec<Column>,
    ) -> Result<i64> {
        let columns = columns
            .into_iter()
            .enumerate()
            .map(|(place, column)| {
                StoredColumn::new(Column {
                    id: format!("col_{}", place + 1),
                    ..column
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let dataset = DatasetId::generate();
        let mut tx = self.pool.begin().await?;
        let dataset_no = sqlx::query_scalar!(
            "insert into gk.dataset (id, name, created_by, next_commit, next_column) values ($1, $2, $3, 2, $4) returning no",
            dataset.to_string(),
            name,
            author.to_string(),
            i32::try_from(columns.len() + 1).unwrap_or(i32::MAX)
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into gk.dataset_grant (dataset, member, role) values ($1, $2, 'owner')",
            dataset_no,
            author.to_string()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into gk.commit (dataset, id, kind, state, author) values ($1, 1, 'api', 'published', $2)",
            dataset_no,
            author.to_string()
        )
        .execute(&mut *tx)
        .await?;
        tables::create(&mut tx, dataset_no, &columns).await?;
        write_version(
            &mut tx,
            &NewVersion {
                dataset_no,
                dataset,
                version: 1,
                commit: 1,
                rows: 0,
                columns: &columns,
                receipt: &Receipt::default(),
                upload: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(dataset_no)
    }

    /// Gives it another name or other rules, what is left out stays. Rules of a column that is not named stay too, and a column of
    /// which nothing is asked has none.
    pub async fn change_dataset(
        &self,
        dataset_no: i64,
        name: Option<&str>,
        rules: Option<&ColumnRules>,
    ) -> Result<()> {
        let changed = sqlx::query!(
            r#"update gk.dataset set name = coalesce($2, name),
                   rules = (select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(rules || $3) e where e.value <> '{}')
               where no = $1 and deleted_at is null"#,
            dataset_no,
            name,
            serde_json::to_value(rules.unwrap_or(&ColumnRules::new()))?
        )
        .execute(&self.pool)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(Error::NotFound("dataset"));
        }
        Ok(())
    }

    /// The rules by which commits go.
    pub async fn rules(&self, dataset_no: i64) -> Result<ColumnRules> {
        let rules = sqlx::query_scalar!(
            r#"select rules as "rules: Json<ColumnRules>" from gk.dataset where no = $1"#,
            dataset_no
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(rules.ok_or(Error::NotFound("dataset"))?.0)
    }

    /// Out of sight at once, its unfinished imports cancelled; the tables go with the next [`Store::sweep`].
    pub async fn delete_dataset(&self, dataset_no: i64) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        lock_dataset(&mut tx, dataset_no).await?;
        sqlx::query!(
            "update gk.dataset set deleted_at = clock_timestamp() where no = $1 and deleted_at is null",
            dataset_no
        )
        .execute(&mut *tx)
        .await?;
        let unfinished = sqlx::query_scalar!(
            "select upload from gk.import where dataset = $1 and state not in ('published', 'failed', 'cancelled') \
             order by upload for update",
            dataset_no
        )
        .fetch_all(&mut *tx)
        .await?;
        for upload in unfinished {
            end(
                &mut tx,
                &upload,
                contracts::upload::UploadState::Cancelled,
                None,
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
