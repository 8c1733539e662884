//! Where the columns of a file went that was published, so that the next one with the same header goes there too, unless the import was
//! undone. What comes of it is `tabular::mapping`'s to say.

use std::collections::BTreeMap;

use contracts::plan::{MappedBy, Plan};
use sqlx::{PgConnection, types::Json};

use crate::{Result, Store};

/// Of a dataset, the newest of those that hold, and of those that do not any more.
const KEPT: i64 = 100;

/// Where the columns of a file with this header went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMapping {
    /// Names of the file's columns, in its order.
    pub header: Vec<String>,
    /// By these names: the id of the dataset's column, or none for one that was left out.
    pub columns: BTreeMap<String, Option<String>>,
}

/// Until nothing else is known: what holds now.
const FOR_EVER: i64 = i64::MAX;

impl Store {
    /// Those of a dataset that its head has not undone, the newest first.
    pub async fn mappings(&self, dataset_no: i64) -> Result<Vec<StoredMapping>> {
        let mappings = sqlx::query!(
            r#"select header as "header: Json<Vec<String>>", columns as "columns: Json<BTreeMap<String, Option<String>>>"
               from gk.mapping where dataset = $1 and v_to = $2 order by published_at desc"#,
            dataset_no,
            FOR_EVER
        )
        .fetch_all(&self.pool)
        .await?;
        let stored = mappings.into_iter().map(|row| StoredMapping {
            header: row.header.0,
            columns: row.columns.0,
        });
        Ok(stored.collect())
    }
}

/// Part of a publish: keeps where the file's columns went, unless their names alone say it.
pub(crate) async fn remember(
    connection: &mut PgConnection,
    dataset_no: i64,
    version: i64,
    plan: &Plan,
) -> Result<()> {
    let mapping = &plan.file.mapping;
    let says_names = |by| matches!(by, MappedBy::Exact | MappedBy::New);
    if !plan.file.dialect.header || mapping.iter().all(|mapped| says_names(mapped.by)) {
        return Ok(());
    }
    let header: Vec<&str> = mapping.iter().map(|mapped| mapped.file.as_str()).collect();
    let columns: BTreeMap<&str, Option<&str>> = mapping
        .iter()
        .map(|mapped| (mapped.file.as_str(), mapped.column.as_deref()))
        .collect();
    let (header, columns) = (
        serde_json::to_value(header)?,
        serde_json::to_value(columns)?,
    );
    // What it teaches is known: it holds as long as it did.
    let known = sqlx::query!(
        "update gk.mapping set published_at = clock_timestamp() \
         where dataset = $1 and fingerprint = sha256(convert_to(($2::jsonb)::text, 'UTF8')) and v_to = $3 and columns = $4",
        dataset_no,
        header,
        FOR_EVER,
        columns
    )
    .execute(&mut *connection)
    .await?;
    if known.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        "update gk.mapping set v_to = $3 \
         where dataset = $1 and fingerprint = sha256(convert_to(($2::jsonb)::text, 'UTF8')) and v_to = $4",
        dataset_no,
        header,
        version,
        FOR_EVER
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into gk.mapping (dataset, fingerprint, header, columns, v_from) \
         values ($1, sha256(convert_to(($2::jsonb)::text, 'UTF8')), $2, $3, $4)",
        dataset_no,
        header,
        columns,
        version
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from gk.mapping m using (select fingerprint, v_from, \
             row_number() over (partition by v_to = $3 order by published_at desc) as place from gk.mapping where dataset = $1) old \
         where m.dataset = $1 and m.fingerprint = old.fingerprint and m.v_from = old.v_from and old.place > $2",
        dataset_no,
        KEPT,
        FOR_EVER
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Part of a restore: what was taught since is undone, and what held then holds again, from the restoring version on.
pub(crate) async fn restore(
    connection: &mut PgConnection,
    dataset_no: i64,
    next: i64,
    target: i64,
) -> Result<()> {
    sqlx::query!(
        "update gk.mapping set v_to = $2 where dataset = $1 and v_to = $4 and v_from > $3",
        dataset_no,
        next,
        target,
        FOR_EVER
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into gk.mapping (dataset, fingerprint, header, columns, published_at, v_from) \
         select dataset, fingerprint, header, columns, published_at, $2 from gk.mapping \
         where dataset = $1 and v_from <= $3 and v_to > $3 and v_to <> $4",
        dataset_no,
        next,
        target,
        FOR_EVER
    )
    .execute(connection)
    .await?;
    Ok(())
}
