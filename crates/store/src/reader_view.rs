//! What SQL readers use: the view `data.v_<no>` shows the rows of a dataset's head under the ids of its columns (`col_1`, …; no text
//! of a user ever becomes an identifier). Their names stand in the comments. It follows every new version by itself; only when
//! the columns change is it made anew.

use std::collections::BTreeMap;

use contracts::DatasetId;
use sqlx::{AssertSqlSafe, Connection as _, PgTransaction};

use crate::{
    At, Result, Snapshot, Store,
    error::has_code,
    imports::lock_dataset,
    statement::{head_rows, quoted},
    tables,
};

impl Store {
    /// Makes the view, if it is not there or shows other columns than the head has. Answers whether it did.
    pub async fn remake_reader_view(&self, dataset: DatasetId) -> Result<bool> {
        let no = sqlx::query_scalar!(
            "select no from gk.dataset where id = $1 and deleted_at is null and head > 0",
            dataset.to_string()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(no) = no else { return Ok(false) };
        let mut tries = 0;
        loop {
            let head = self.resolve(no, At::Head).await?;
            match self.remake_for(dataset, &head).await {
                Err(error) if tables::try_again(&error, &mut tries).await => {}
                done => return done,
            }
        }
    }

    async fn remake_for(&self, dataset: DatasetId, head: &Snapshot) -> Result<bool> {
        let view = tables::reader_view(head.dataset_no);
        let names: BTreeMap<&str, &str> = head
            .columns
            .iter()
            .map(|stored| (stored.sql.as_str(), stored.column.name.as_str()))
            .collect();
        // Tells people what it is of, and this function whether it still is.
        let comment = format!("{dataset} {}", serde_json::to_string(&names)?);
        // Not by to_regclass, which asks a cache: that may not have heard yet of whoever held the lock before.
        let there = "select obj_description(oid, 'pg_class') from pg_class \
            where relnamespace = 'data'::regnamespace and relname = split_part($1, '.', 2)::name";
        let is_there = |found: Option<Option<String>>| found.flatten().as_deref() == Some(&comment);
        // Without the lock: nearly every version has the columns of the one before, and commits wait for that lock.
        if is_there(
            sqlx::query_scalar(there)
                .bind(&view)
                .fetch_optional(&self.pool)
                .await?,
        ) {
            return Ok(false);
        }
        let mut tx = self.pool.begin().await?;
        tables::limit_lock_wait(&mut tx).await?;
        // Two at once would make it twice.
        lock_dataset(&mut tx, head.dataset_no).await?;
        if is_there(
            sqlx::query_scalar(there)
                .bind(&view)
                .fetch_optional(&mut *tx)
                .await?,
        ) {
            return Ok(false);
        }
        let mut columns = "row_id".to_owned();
        let mut comments = format!("comment on view {view} is {};", quoted(&comment));
        for stored in &head.columns {
            let id = &stored.column.id;
            columns.push_str(&format!(", {} as {id}", stored.sql));
            comments.push_str(&format!(
                " comment on column {view}.{id} is {};",
                quoted(&stored.column.name)
            ));
        }
        let rows = head_rows(head.dataset_no, &columns);
        let definition = format!("view {view} as {rows}; {comments}");
        // Columns at the end can be added under whatever people have built upon the view; others need a new one.
        if !run(
            &mut tx,
            format!("create or replace {definition}"),
            CANNOT_REPLACE,
        )
        .await?
        {
            let anew = format!("drop view if exists {view}; create {definition}");
            if !run(&mut tx, anew, OTHERS_DEPEND).await? {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// invalid_table_definition
const CANNOT_REPLACE: &str = "42P16";
/// dependent_objects_still_exist: the view stays as it was, which is right for those who use it.
const OTHERS_DEPEND: &str = "2BP01";

/// Runs statements; false, and nothing done, when they fail with this code.
async fn run(tx: &mut PgTransaction<'_>, statements: String, code: &str) -> Result<bool> {
    let mut part = tx.begin().await?;
    match sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut *part)
        .await
    {
        Ok(_) => {
            part.commit().await?;
            Ok(true)
        }
        Err(error) if has_code(&error, code) => {
            part.rollback().await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
