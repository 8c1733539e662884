//! Restore: a new version whose content is an older one's. Whole imports are hidden or shown again; of the rows that were
//! edited, inserted or deleted in between, those that differ are written. The cost is that of what changed.

use contracts::{UserId, dataset::VersionKind, receipt::Receipt};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    At, Error, Result, Snapshot, Store, blocks,
    commits::{Head, Making},
    imports::big,
    mappings,
    publish::{NewVersion, write_version},
    statement::Binds,
    tables,
};

/// The rows that may differ, each as it was at the version to restore. Gone with the transaction.
const TARGET: &str = "pg_temp.restore_target";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    Published {
        version: i64,
    },
    /// The head's content is that version's already.
    Unchanged {
        version: i64,
    },
}

/// Imports whose rows come or go as a whole, and what comes and goes of each.
struct Whole {
    inserted: i64,
    deleted: i64,
}

impl Store {
    /// [`crate::Error::NotFound`] for a version that never was, [`crate::Error::Gone`] for one that is no longer kept.
    pub async fn restore(
        &self,
        dataset_no: i64,
        author: UserId,
        version: i64,
        message: &str,
    ) -> Result<Restored> {
        let target = self.resolve(dataset_no, At::Version(version)).await?;
        let mut tx = self.pool.begin().await?;
        let head = Head::lock(&mut tx, dataset_no).await?;
        if head.version == version {
            return Ok(Restored::Unchanged { version });
        }
        let making = Making {
            kind: VersionKind::Restore,
            author,
            message,
            idempotency: None,
            new_rows: 0,
        };
        let id = head.make_commit(&mut tx, &making).await?.id;
        let whole = show_and_hide(&mut tx, &target, id).await?;
        let rows = write_rows(&mut tx, &head, &target, id).await?;
        let receipt = Receipt {
            records: rows.inserted + whole.inserted + rows.updated,
            rows_read: rows.inserted + whole.inserted + rows.updated,
            inserted: rows.inserted + whole.inserted,
            updated: rows.updated,
            deleted: rows.deleted + whole.deleted,
            ..Receipt::default()
        };
        if receipt == Receipt::default() && head.columns == target.columns {
            return Ok(Restored::Unchanged {
                version: head.version,
            });
        }
        if head.rows + receipt.inserted - receipt.deleted != target.rows {
            return Err(Error::Disagrees("a restore and its version"));
        }
        let next = head.version + 1;
        blocks::restore(&mut tx, dataset_no, next, version).await?;
        mappings::restore(&mut tx, dataset_no, next, version).await?;
        write_version(
            &mut tx,
            &NewVersion {
                dataset_no,
                dataset: head.dataset,
                version: next,
                commit: id,
                rows: target.rows,
                columns: &target.columns,
                receipt: &receipt,
                upload: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(Restored::Published { version: next })
    }
}

/// Hides the imports that the version does not have and shows those that it has again.
async fn show_and_hide(connection: &mut PgConnection, target: &Snapshot, id: i64) -> Result<Whole> {
    let no = target.dataset_no;
    let hide = sqlx::query!(
        r#"update gk.commit set state = 'undone', hidden_by = $3 where dataset = $1 and kind = 'import' and state = 'published'
             and (id > $2 or id = any($4)) returning id, row_lo as "lo!", row_hi as "hi!""#,
        no,
        target.max_commit,
        id,
        &target.hidden
    )
    .fetch_all(&mut *connection)
    .await?;
    // One that the sweeper has emptied comes back row by row; its range must count as a place where rows can be all the same.
    let show = sqlx::query!(
        r#"update gk.commit c set state = 'published', hidden_by = null from gk.commit before
           where c.dataset = $1 and c.kind = 'import' and c.id <= $2 and c.id <> all($3) and before.dataset = c.dataset and before.id = c.id
             and (c.state = 'undone' or c.state = 'swept' and c.hidden_by > $2)
           returning c.id, c.row_lo as "lo!", c.row_hi as "hi!""#,
        no,
        target.max_commit,
        &target.hidden
    )
    .fetch_all(&mut *connection)
    .await?;
    let (mut los, mut his, mut ids, mut signs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in &hide {
        los.push(row.lo);
        his.push(row.hi);
        ids.push(row.id);
        signs.push(-1);
    }
    for row in &show {
        los.push(row.lo);
        his.push(row.hi);
        ids.push(row.id);
        signs.push(1);
    }
    // Of an import's rows those are not live any more that history has: to count the live ones would be to read them all.
    let counts: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select i.sign, coalesce(sum(l.rows - h.rows), 0)::bigint from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) i (lo, hi, id, sign) \
         cross join lateral (select coalesce(sum(rows), 0) as rows from gk.ledger where commit = i.id and dataset = $5) l \
         cross join lateral (select count(*) as rows from {} where row_id >= i.lo and row_id <= i.hi and born = i.id) h group by i.sign",
        tables::history(no)
    )))
    .bind(los)
    .bind(his)
    .bind(ids)
    .bind(signs)
    .bind(no)
    .fetch_all(connection)
    .await?;
    let count = |wanted: i64| {
        counts
            .iter()
            .find(|(sign, _)| *sign == wanted)
            .map_or(0, |(_, count)| *count)
    };
    Ok(Whole {
        inserted: count(1),
        deleted: count(-1),
    })
}

/// Writes the rows that differ. Whatever was edited or deleted since has died since, and whatever was inserted by hand lies in
/// its commit's range: those are looked at and no others.
async fn write_rows(
    connection: &mut PgConnection,
    head: &Head,
    target: &Snapshot,
    id: i64,
) -> Result<Receipt> {
    let no = target.dataset_no;
    let (live, history) = (tables::live(no), tables::history(no));
    let (names, of_live, of_target) = (
        tables::list(&head.physical, ""),
        tables::list(&head.physical, "l."),
        tables::list(&head.physical, "t."),
    );
    let born = "born <= $2 and born <> all($3::bigint[])";
    sqlx::query(AssertSqlSafe(format!(
        "create temp table restore_target on commit drop as \
         with touched as materialized (select row_id from {history} where died > $2 \
             union select l.row_id from gk.commit c join {live} l on l.row_id >= c.row_lo and l.row_id <= c.row_hi \
             where c.dataset = $1 and c.id > $2 and c.kind in ('grid', 'api', 'merge')) \
         select i.row_id, t.there, t.unchanged{of_target} from touched i left join lateral \
           (select true as there, true as unchanged{names} from {live} where row_id = i.row_id and {born} \
            union all select true, false{names} from {history} where row_id = i.row_id and {born} and died > $2 limit 1) t on true"
    )))
    .bind(no)
    .bind(target.max_commit)
    .bind(&target.hidden)
    .execute(&mut *connection)
    .await?;
    let hidden = sqlx::query_scalar!(
        "select id from gk.commit where dataset = $1 and state in ('open', 'aborted', 'undone')",
        no
    )
    .fetch_all(&mut *connection)
    .await?;
    let differs: Vec<String> = target
        .columns
        .iter()
        .map(|stored| {
            format!(
                "{} is distinct from {}",
                stored.spelled(&format!("l.{}", stored.sql)),
                stored.spelled(&format!("t.{}", stored.sql))
            )
        })
        .collect();
    let differs = if differs.is_empty() {
        "false".to_owned()
    } else {
        differs.join(" or ")
    };
    let set = head.physical.iter().fold(String::new(), |mut set, name| {
        set.push_str(&format!(", {name} = t.{name}"));
        set
    });
    let mut counts = [0_i64; 4];
    for (count, sql) in counts.iter_mut().zip([
        format!(
            "insert into {history} (row_id, born, died{names}) select l.row_id, l.born, $1{of_live} from {TARGET} t join {live} l using (row_id) \
             where l.born <> all($2::bigint[]) and t.unchanged is not true and (t.there is null or {differs})"
        ),
        format!(
            "update {live} l set born = $1{set} from {TARGET} t where l.row_id = t.row_id and l.born <> all($2::bigint[]) \
             and t.there and not t.unchanged and ({differs})"
        ),
        format!(
            "delete from {live} l using {TARGET} t where l.row_id = t.row_id and l.born <> all($2::bigint[]) and $1 > 0 and t.there is null"
        ),
        // The marker in history tells later comparisons and restores that the row was away.
        format!(
            "with back as (insert into {live} (row_id, born{names}) select t.row_id, $1{of_target} from {TARGET} t \
               where t.there and not t.unchanged and $2::bigint[] is not null and not exists (select from {live} l where l.row_id = t.row_id) \
               returning row_id) \
             insert into {history} (row_id, born, died) select row_id, $1, $1 from back"
        ),
    ]) {
        let mut binds = Binds::default();
        binds.add(id)?;
        binds.add(hidden.clone())?;
        *count = big(binds
            .query(sql)
            .execute(&mut *connection)
            .await?
            .rows_affected());
    }
    let [former, updated, deleted, inserted] = counts;
    if former != updated + deleted {
        return Err(Error::Disagrees("a restore and its history"));
    }
    Ok(Receipt {
        inserted,
        updated,
        deleted,
        ..Receipt::default()
    })
}
