//! Quarantined records of an import that merged mean the row that has their key, if there is one: resubmitted, they change it as the
//! import would have. [`crate::commits`] asks under the dataset's lock.

use std::{borrow::Cow, collections::BTreeMap};

use contracts::{plan::Plan, quarantine::QuarantineId};
use sqlx::{PgConnection, Row as _, types::Json};

use crate::{
    Result, StoredColumn,
    columns::sql_type,
    commits::{Change, Head},
    imports::big,
    merge, quarantine,
    statement::Binds,
    tables,
    unique::Taken,
};

/// What a record with a key is to become.
struct Meant {
    row: Option<i64>,
    /// Why nobody can say.
    objection: Option<&'static str>,
}

/// `changes` are the rows that `records` would become, one each, or those of a commit without any. The same as changes of the rows that
/// have their keys; or the cells of keys that more than one row or record has.
pub(crate) async fn settle<'a>(
    connection: &mut PgConnection,
    head: &Head,
    records: &[QuarantineId],
    changes: &'a [Change],
) -> Result<Result<Cow<'a, [Change]>, Vec<Taken>>> {
    let plans = plans(connection, head.dataset_no, records).await?;
    if plans.is_empty() {
        return Ok(Ok(Cow::Borrowed(changes)));
    }
    // Records by the columns of their key, which imports choose.
    let mut by_key: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    for (plan, numbers) in &plans {
        let key: Vec<String> = (merge::key_of(plan)?.into_iter())
            .map(|stored| stored.column.id)
            .collect();
        let there = (head.columns.iter()).map(|stored| stored.column.id.as_str());
        let there: Vec<&str> = there.filter(|id| key.iter().any(|key| key == id)).collect();
        if there.len() == key.len() {
            by_key.entry(there).or_default().extend(numbers);
        }
    }
    let mut settled = changes.to_vec();
    let mut refused = Vec::new();
    for (key, numbers) in by_key {
        let columns: Vec<StoredColumn> = (head.columns.iter())
            .filter(|stored| key.contains(&stored.column.id.as_str()))
            .cloned()
            .collect();
        for (no, meant) in look_up(connection, head, &columns, &numbers, changes).await? {
            if let Some(objection) = meant.objection {
                refused.push(Taken {
                    change: no,
                    column: key[0].to_owned(),
                    message: objection.to_owned(),
                });
            } else if let (Some(row), Some(Change::Insert(cells))) = (meant.row, changes.get(no)) {
                settled[no] = Change::Update(row, cells.clone());
            }
        }
    }
    refused.sort_by_key(|taken| taken.change);
    Ok(if refused.is_empty() {
        Ok(Cow::Owned(settled))
    } else {
        Err(refused)
    })
}

/// The plans of imports that merged, each with the places of its own among `records`.
async fn plans(
    connection: &mut PgConnection,
    dataset_no: i64,
    records: &[QuarantineId],
) -> Result<Vec<(Plan, Vec<usize>)>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let (commits, numbers) = quarantine::columns(records);
    let found = sqlx::query!(
        r#"select p.plan as "plan: Json<Plan>", array_agg(e.no) as "numbers!" from unnest($2::bigint[], $3::bigint[]) with ordinality e (commit, record, no)
           join gk.quarantine q on q.dataset = $1 and q.commit = e.commit and q.record = e.record
           join gk.import i on i.upload = q.upload join gk.plan p on p.upload = i.upload and p.generation = i.generation
           where i.mode in ('upsert', 'sync') group by p.upload, p.generation"#,
        dataset_no,
        &commits,
        &numbers
    )
    .fetch_all(connection)
    .await?;
    let place = |no: &i64| usize::try_from(no - 1).ok();
    Ok((found.into_iter())
        .map(|row| (row.plan.0, row.numbers.iter().filter_map(place).collect()))
        .collect())
}

async fn look_up(
    connection: &mut PgConnection,
    head: &Head,
    key: &[StoredColumn],
    numbers: &[usize],
    changes: &[Change],
) -> Result<Vec<(usize, Meant)>> {
    let mut binds = Binds::default();
    let places: Vec<i64> = numbers.iter().map(|no| big(*no as u64)).collect();
    let mut arrays = format!("{}::bigint[]", binds.add_bulk(places)?);
    let (mut names, mut typed, mut of_live) = ("no".to_owned(), String::new(), String::new());
    for (at, stored) in key.iter().enumerate() {
        let texts: Vec<Option<String>> = (numbers.iter())
            .map(|no| match changes.get(*no) {
                Some(Change::Insert(cells)) => {
                    let cell = cells.iter().find(|(id, _)| *id == stored.column.id);
                    cell.and_then(|(_, text)| text.clone())
                }
                _ => None,
            })
            .collect();
        arrays.push_str(&format!(", {}::text[]", binds.add_bulk(texts)?));
        names.push_str(&format!(", v{at}"));
        let kind = sql_type(stored.column.kind);
        typed.push_str(&format!(", v{at}::{kind} as {}", stored.sql));
        of_live.push_str(&format!(", {}", stored.sql));
    }
    let rows = binds
        .query(format!(
            "with e as materialized (select no{typed} from unnest({arrays}) u ({names})), \
               again as (select e.no from e join e f on f.no < e.no and {}) \
             select e.no, count(l.row_id) as found, min(l.row_id) as row_id, e.no in (select no from again) as again \
             from e left join (select row_id{of_live} from {} where {}) l on {} group by e.no",
            merge::same_key(key, true, "e.", "f."),
            tables::live(head.dataset_no),
            head.visible(),
            merge::same_key(key, true, "e.", "l."),
        ))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let no: i64 = row.try_get("no")?;
            let found: i64 = row.try_get("found")?;
            let objection = if found > 1 {
                Some("Several rows have this key, so it cannot be said which of them the record means. Edit the row itself, or change the key.")
            } else if row.try_get("again")? {
                Some("Another of these records has this key. Resubmit one after the other: the last counts.")
            } else {
                None
            };
            let row = row.try_get("row_id")?;
            Ok((usize::try_from(no).unwrap_or_default(), Meant { row, objection }))
        })
        .collect()
}
