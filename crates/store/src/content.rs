//! A version's content as one hash: equal exactly when columns and cells are, in row order; row ids do not count.

use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::{Result, Store, tables, versions::At};

impl Store {
    /// SHA-256 in hexadecimal of the columns' names and types and PostgreSQL's own binary form of the rows.
    pub async fn content_hash(&self, dataset_no: i64, version: i64) -> Result<String> {
        let snapshot = self.resolve(dataset_no, At::Version(version)).await?;
        let mut hash = Sha256::new();
        for column in snapshot.columns.iter().map(|stored| &stored.column) {
            hash.update(serde_json::to_vec(&(&column.name, column.kind))?);
        }
        let cells = snapshot
            .columns
            .iter()
            .map(|stored| stored.sql.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        // COPY takes no parameters; these are numbers of our own.
        let (max, hidden) = (snapshot.max_commit, &snapshot.hidden);
        let born = format!("born <= {max} and born <> all(array{hidden:?}::bigint[])");
        let (live, history) = (tables::live(dataset_no), tables::history(dataset_no));
        let row_id_and = if cells.is_empty() {
            "row_id"
        } else {
            "row_id, "
        };
        let statement = format!(
            "copy (select {cells} from (select {row_id_and}{cells} from {live} where {born} \
             union all select {row_id_and}{cells} from {history} where {born} and died > {max}) rows order by row_id) \
             to stdout (format binary)"
        );
        let mut connection = self.pool.acquire().await?;
        let mut stream = connection.copy_out_raw(&statement).await?;
        while let Some(bytes) = stream.try_next().await? {
            hash.update(&bytes);
        }
        Ok(hash
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                text.push_str(&format!("{byte:02x}"));
                text
            }))
    }
}
