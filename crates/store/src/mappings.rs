//! Where the columns of a file went that was published, so that the next one with the same header goes there too. What comes of it is
//! `tabular::mapping`'s to say.

use std::collections::BTreeMap;

use contracts::plan::{MappedBy, Plan};
use sqlx::{PgConnection, types::Json};

use crate::{Result, Store};

/// Of a dataset, the newest.
const KEPT: i64 = 100;

/// Where the columns of a file with this header went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMapping {
    /// Names of the file's columns, in its order.
    pub header: Vec<String>,
    /// By these names: the id of the dataset's column, or none for one that was left out.
    pub columns: BTreeMap<String, Option<String>>,
}

impl Store {
    /// Those of a dataset, the newest first.
    pub async fn mappings(&self, dataset_no: i64) -> Result<Vec<StoredMapping>> {
        let mappings = sqlx::query!(
            r#"select header as "header: Json<Vec<String>>", columns as "columns: Json<BTreeMap<String, Option<String>>>"
               from gk.mapping where dataset = $1 order by published_at desc"#,
            dataset_no
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
    sqlx::query!(
        "insert into gk.mapping (dataset, fingerprint, header, columns) \
         values ($1, sha256(convert_to(($2::jsonb)::text, 'UTF8')), $2, $3) \
         on conflict on constraint mapping_pkey do update set columns = excluded.columns, published_at = excluded.published_at",
        dataset_no,
        serde_json::to_value(header)?,
        serde_json::to_value(columns)?
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from gk.mapping m using (select fingerprint from gk.mapping where dataset = $1 order by published_at desc offset $2) old \
         where m.dataset = $1 and m.fingerprint = old.fingerprint",
        dataset_no,
        KEPT
    )
    .execute(connection)
    .await?;
    Ok(())
}
