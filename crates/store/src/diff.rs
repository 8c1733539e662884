//! What changed between two versions, in the order of row ids. Only rows that something happened to in between are looked at:
//! what died, what was inserted by hand, and whole imports that only one of the two has.

use std::collections::HashSet;

use contracts::{
    commit::{ChangedRow, Diff, RowChange},
    dataset::Column,
};
use serde_json::Value;
use sqlx::{PgExecutor, Row as _};

use crate::{
    At, Error, Result, Snapshot, Store, StoredColumn, cells,
    statement::{Binds, Sources},
    tables,
};

/// Rows of one page at most.
pub const DIFF_ROWS_MAX: u32 = 1_000;

/// Row ids from, to (inclusive), in which every row may differ.
pub(crate) type Ranges = (Vec<i64>, Vec<i64>);

/// A column of either version, and whether each has it.
struct Compared {
    stored: StoredColumn,
    before: bool,
    after: bool,
}

struct Counts {
    inserted: i64,
    updated: i64,
    deleted: i64,
}

impl Store {
    /// `after` is the last row of the page before.
    pub async fn diff(
        &self,
        dataset_no: i64,
        from: i64,
        to: i64,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Diff> {
        if !(1..=DIFF_ROWS_MAX).contains(&limit) {
            return Err(Error::invalid("limit", format!("1 to {DIFF_ROWS_MAX}")));
        }
        let before = self.resolve(dataset_no, At::Version(from)).await?;
        let now = self.resolve(dataset_no, At::Version(to)).await?;
        let columns = compared(&before, &now);
        let (old, new) = ordered(&before, &now);
        let ranges = ranges(
            &self.pool,
            dataset_no,
            (old.max_commit, &old.hidden),
            (new.max_commit, &new.hidden),
        )
        .await?;
        let counts = self.counts(&before, &now, &columns, &ranges).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut rows: Vec<ChangedRow> = Vec::new();
        let mut after = after.unwrap_or(0);
        let mut more = true;
        // Rows that were changed and changed back are looked at and left out, so that a page may take more than one look.
        while more && rows.len() <= limit {
            let ids = self
                .touched(&before, &now, &ranges, after, limit + 1)
                .await?;
            more = ids.len() > limit;
            let Some(last) = ids.last() else { break };
            after = *last;
            rows.extend(self.compare(&before, &now, &columns, ids).await?);
        }
        let next = (rows.len() > limit).then(|| rows.get(limit - 1).map(|row| row.row_id.clone()));
        rows.truncate(limit);
        Ok(Diff {
            from,
            to,
            columns: columns.iter().map(Compared::shown).collect(),
            inserted: counts.inserted,
            updated: counts.updated,
            deleted: counts.deleted,
            rows,
            next: next.flatten(),
        })
    }

    /// The next rows that may differ.
    async fn touched(
        &self,
        before: &Snapshot,
        now: &Snapshot,
        ranges: &Ranges,
        after: i64,
        limit: usize,
    ) -> Result<Vec<i64>> {
        let mut binds = Binds::default();
        let after = binds.add(after)?;
        let sql = touched(
            &mut binds,
            before,
            now,
            ranges,
            &format!(" and row_id > {after}"),
            &format!(" order by row_id limit {limit}"),
        )?;
        let rows = binds
            .fetch(
                format!(
                    "select distinct row_id from ({sql}) touched order by row_id limit {limit}"
                ),
                &self.pool,
            )
            .await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?)
    }

    /// Those of the rows that differ.
    async fn compare(
        &self,
        before: &Snapshot,
        now: &Snapshot,
        columns: &[Compared],
        ids: Vec<i64>,
    ) -> Result<Vec<ChangedRow>> {
        let mut binds = Binds::default();
        let ids = binds.add_bulk(ids)?;
        let both = both(
            &mut binds,
            before,
            now,
            columns,
            &format!("any({ids}::bigint[])"),
        )?;
        let mut shown = String::new();
        for compared in columns {
            let sql = &compared.stored.sql;
            let cell = |there: bool, side: &str| {
                if there {
                    cells::cut_of(&compared.stored, &format!("{side}.{sql}"))
                } else {
                    "null::text".to_owned()
                }
            };
            shown.push_str(&format!(
                ", {}, {}, {}",
                compared.differs(),
                cell(compared.before, "a"),
                cell(compared.after, "b")
            ));
        }
        let rows = binds
            .fetch(
                format!(
                    "{both} select coalesce(a.row_id, b.row_id), a.row_id is not null, b.row_id is not null{shown} \
                     from a full join b using (row_id) where {} order by 1",
                    any_differs(columns)
                ),
                &self.pool,
            )
            .await?;
        rows.iter()
            .map(|row| {
                let row_id: i64 = row.try_get(0)?;
                let (was, is): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
                let mut cells = (Vec::new(), Vec::new());
                let mut changed = Vec::new();
                for (place, compared) in columns.iter().enumerate() {
                    let at = 3 + place * 3;
                    let kind = compared.stored.column.kind;
                    let cell = |there: bool, at: usize| {
                        if there {
                            cells::cut(row, at, kind)
                        } else {
                            Ok(Value::Null)
                        }
                    };
                    if was && is && row.try_get(at)? {
                        changed.push(compared.stored.column.id.clone());
                    }
                    cells.0.push(cell(compared.before, at + 1)?);
                    cells.1.push(cell(compared.after, at + 2)?);
                }
                Ok(ChangedRow {
                    row_id: row_id.to_string(),
                    change: match (was, is) {
                        (false, _) => RowChange::Inserted,
                        (true, false) => RowChange::Deleted,
                        (true, true) => RowChange::Updated,
                    },
                    before: was.then_some(cells.0),
                    after: is.then_some(cells.1),
                    changed,
                })
            })
            .collect()
    }

    /// How many rows differ in all; counted once, for versions never change.
    async fn counts(
        &self,
        before: &Snapshot,
        now: &Snapshot,
        columns: &[Compared],
        ranges: &Ranges,
    ) -> Result<Counts> {
        let key = |what: &str| {
            format!(
                "diff {} {} {} {what}",
                before.dataset_no, before.version, now.version
            )
        };
        let kept = ["inserted", "updated", "deleted"].map(|what| self.orders.total(&key(what)));
        if let [Some(inserted), Some(updated), Some(deleted)] = kept {
            return Ok(Counts {
                inserted,
                updated,
                deleted,
            });
        }
        let mut binds = Binds::default();
        let touched = touched(&mut binds, before, now, ranges, "", "")?;
        let both = both(
            &mut binds,
            before,
            now,
            columns,
            "any(array(select row_id from touched))",
        )?;
        let both = both.trim_start_matches("with ");
        let row = binds
            .query(format!(
                "with touched as materialized ({touched}), {both} \
                 select count(*) filter (where a.row_id is null), count(*) filter (where a.row_id is not null and b.row_id is not null), \
                   count(*) filter (where b.row_id is null) from a full join b using (row_id) where {}",
                any_differs(columns)
            ))
            .fetch_one(&self.pool)
            .await?;
        let counts = Counts {
            inserted: row.try_get(0)?,
            updated: row.try_get(1)?,
            deleted: row.try_get(2)?,
        };
        self.orders.keep_total(key("inserted"), counts.inserted);
        self.orders.keep_total(key("updated"), counts.updated);
        self.orders.keep_total(key("deleted"), counts.deleted);
        Ok(counts)
    }
}

/// Where whole imports, and commits with new rows, lie that came or went between two versions, each told by the last commit that it
/// sees and those that are hidden from it.
pub(crate) async fn ranges(
    executor: impl PgExecutor<'_>,
    dataset_no: i64,
    old: (i64, &[i64]),
    new: (i64, &[i64]),
) -> Result<Ranges> {
    let rows = sqlx::query!(
        r#"select row_lo as "lo!", row_hi as "hi!" from gk.commit c,
             lateral (select c.id <= $2 and c.id <> all($3) and (c.state in ('published', 'undone') or c.state = 'swept' and c.hidden_by > $2) as old,
                 c.id <= $4 and c.id <> all($5) and (c.state in ('published', 'undone') or c.state = 'swept' and c.hidden_by > $4) as new) has
           where c.dataset = $1 and c.row_lo is not null and c.row_hi >= c.row_lo
             and (c.kind = 'import' and has.old is distinct from has.new or c.kind <> 'import' and c.id > $2 and c.id <= $4)"#,
        dataset_no,
        old.0,
        old.1,
        new.0,
        new.1
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lo, row.hi)).unzip())
}

impl Compared {
    fn shown(&self) -> Column {
        self.stored.column.clone()
    }

    /// Of a column that only one version has nothing differs: every row would.
    fn differs(&self) -> String {
        if !(self.before && self.after) {
            return "false".to_owned();
        }
        let sql = &self.stored.sql;
        format!(
            "{} is distinct from {}",
            self.stored.spelled(&format!("a.{sql}")),
            self.stored.spelled(&format!("b.{sql}"))
        )
    }
}

fn any_differs(columns: &[Compared]) -> String {
    let mut any = vec!["a.row_id is null or b.row_id is null".to_owned()];
    any.extend(
        columns
            .iter()
            .filter(|compared| compared.before && compared.after)
            .map(Compared::differs),
    );
    any.join(" or ")
}

fn ordered<'a>(one: &'a Snapshot, other: &'a Snapshot) -> (&'a Snapshot, &'a Snapshot) {
    if one.version <= other.version {
        (one, other)
    } else {
        (other, one)
    }
}

fn compared(before: &Snapshot, now: &Snapshot) -> Vec<Compared> {
    let ids = |snapshot: &Snapshot| -> HashSet<String> {
        snapshot
            .columns
            .iter()
            .map(|c| c.column.id.clone())
            .collect()
    };
    let (old, new) = (ids(before), ids(now));
    let mut columns: Vec<Compared> = now
        .columns
        .iter()
        .map(|stored| Compared {
            before: old.contains(&stored.column.id),
            after: true,
            stored: stored.clone(),
        })
        .collect();
    columns.extend(
        before
            .columns
            .iter()
            .filter(|stored| !new.contains(&stored.column.id))
            .map(|stored| Compared {
                before: true,
                after: false,
                stored: stored.clone(),
            }),
    );
    columns
}

/// `select row_id …` of the rows that something happened to; each branch with its own end, or all of it would be sorted.
fn touched(
    binds: &mut Binds,
    before: &Snapshot,
    now: &Snapshot,
    ranges: &Ranges,
    behind: &str,
    end: &str,
) -> Result<String> {
    let (old, new) = ordered(before, now);
    let (live, history) = (
        tables::live(old.dataset_no),
        tables::history(old.dataset_no),
    );
    let (lo, hi) = (binds.add(old.max_commit)?, binds.add(new.max_commit)?);
    let mut sql = format!(
        "(select distinct row_id from {history} where died > {lo} and died <= {hi}{behind}{end})"
    );
    if !ranges.0.is_empty() {
        let (los, his) = (binds.add(ranges.0.clone())?, binds.add(ranges.1.clone())?);
        for table in [live, history] {
            sql.push_str(&format!(
                " union (select distinct row_id from unnest({los}::bigint[], {his}::bigint[]) range (lo, hi) cross join lateral \
                 (select distinct row_id from {table} where row_id >= range.lo and row_id <= range.hi{behind}{end}) found{end})"
            ));
        }
    }
    Ok(sql)
}

/// `with a as (…), b as (…)`: the rows before and after.
fn both(
    binds: &mut Binds,
    before: &Snapshot,
    now: &Snapshot,
    columns: &[Compared],
    ids: &str,
) -> Result<String> {
    let mut side = |snapshot: &Snapshot, has: fn(&Compared) -> bool| -> Result<String> {
        let names = columns.iter().filter(|compared| has(compared)).fold(
            String::new(),
            |mut names, compared| {
                names.push_str(&format!(", {}", compared.stored.sql));
                names
            },
        );
        let sources = Sources::new(snapshot, binds)?;
        Ok(sources.union(|table, visible| {
            format!("select row_id{names} from {table} where row_id = {ids} and {visible}")
        }))
    };
    let a = side(before, |compared| compared.before)?;
    let b = side(now, |compared| compared.after)?;
    Ok(format!("with a as ({a}), b as ({b})"))
}
