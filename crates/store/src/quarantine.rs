//! Records that could not become rows, with their places. Only those of published imports are shown.

use contracts::{dataset::CELL_CHARS_MAX, receipt::Place, upload::QuarantinedRow};
use sqlx::PgConnection;

use crate::{
    Error, Result, Store,
    imports::{big, page_of},
};

#[derive(Clone, Debug)]
pub struct QuarantinePage {
    pub rows: Vec<QuarantinedRow>,
    pub total: i64,
    pub next: Option<String>,
}

impl Store {
    /// Newest import first, each in the file's order.
    pub async fn list_quarantine(
        &self,
        dataset_no: i64,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<QuarantinePage> {
        let after = cursor.map(parse_cursor).transpose()?;
        let (commit, record) = after.unwrap_or((i64::MAX, -1));
        let rows = sqlx::query!(
            r#"select q.commit, q.record, q.upload, i.file_name, q.byte, q.line, q.column_name, q.code, q.message,
                   left(q.raw, $5) as raw
               from gk.quarantine q join gk.commit c on c.dataset = q.dataset and c.id = q.commit
               join gk.import i on i.upload = q.upload
               where q.dataset = $1 and c.state in ('published', 'undone', 'swept') and i.state = 'published'
                 and (q.commit < $2 or (q.commit = $2 and q.record > $3))
               order by q.commit desc, q.record limit $4"#,
            dataset_no,
            commit,
            record,
            i64::from(limit.max(1)) + 1,
            i32::try_from(CELL_CHARS_MAX).unwrap_or(i32::MAX)
        )
        .fetch_all(&self.pool)
        .await?;
        let total = sqlx::query_scalar!(
            r#"select coalesce(sum((receipt ->> 'quarantined')::bigint), 0)::bigint as "total!" from gk.version where dataset = $1"#,
            dataset_no
        )
        .fetch_one(&self.pool)
        .await?;
        let (rows, next) = page_of(rows, limit, |row| format!("{}.{}", row.commit, row.record));
        let rows = rows
            .into_iter()
            .map(|row| {
                Ok(QuarantinedRow {
                    upload_id: row.upload.parse()?,
                    file_name: row.file_name,
                    place: Place {
                        byte: row.byte.unsigned_abs(),
                        line: row.line.unsigned_abs(),
                        record: row.record.unsigned_abs(),
                        column: row.column_name,
                        code: row.code,
                        message: row.message,
                        raw: row.raw,
                    },
                })
            })
            .collect::<Result<_>>()?;
        Ok(QuarantinePage { rows, total, next })
    }
}

fn parse_cursor(text: &str) -> Result<(i64, i64)> {
    text.split_once('.')
        .and_then(|(commit, record)| Some((commit.parse().ok()?, record.parse().ok()?)))
        .ok_or_else(|| Error::invalid("cursor", "not a cursor of this list"))
}

/// PostgreSQL's text cannot hold NUL; a place shows it as it shows other bytes that are not text.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\\x00")
}

pub(crate) async fn insert(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: i64,
    upload: &str,
    rejects: &[Place],
) -> Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let bigs = |of: fn(&Place) -> u64| rejects.iter().map(|p| big(of(p))).collect::<Vec<_>>();
    let texts = |of: fn(&Place) -> Option<&str>| {
        rejects
            .iter()
            .map(|place| of(place).map(without_nul))
            .collect::<Vec<_>>()
    };
    sqlx::query(
        "insert into gk.quarantine (dataset, commit, upload, record, byte, line, column_name, code, message, raw) \
         select $1, $2, $3, q.* from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) q",
    )
    .bind(dataset_no)
    .bind(commit)
    .bind(upload)
    .bind(bigs(|p| p.record))
    .bind(bigs(|p| p.byte))
    .bind(bigs(|p| p.line))
    .bind(texts(|p| p.column.as_deref()))
    .bind(texts(|p| Some(&p.code)))
    .bind(texts(|p| Some(&p.message)))
    .bind(texts(|p| p.raw.as_deref()))
    .execute(connection)
    .await?;
    Ok(())
}
