//! The tables of a file that has several. Whose plan finds others writes their imports in the same transaction, so that they are there
//! once; from then on each is an import like any other, but reads the object that the first one read. Which of them are to be read
//! next, the consumer asks.

use contracts::{
    Code, DatasetId, Problem, UploadId, UserId,
    names::NAME_CHARS_MAX,
    plan::{CHOICES_MAX, Options, OtherTable, Plan},
    upload::{FileTable, Mode, UploadState},
};
use sqlx::{PgConnection, types::Json};

use crate::{
    Result, Store,
    imports::{end, from_word, lock_dataset, new_dataset},
};

/// Which of a file's tables an import is, where another one found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub found_by: UploadId,
    /// Whether so many were found behind one another that no more are looked for.
    pub last: bool,
}

/// A table's reading that was asked for is asked for again after so long, in seconds.
const ASK_AGAIN: f64 = 300.0;

/// Writes the imports of the tables that a plan has found, those aside that an earlier plan of the import has. The file's lock, which is
/// its first dataset's, must be held.
pub(crate) async fn found(connection: &mut PgConnection, upload: &str, plan: &Plan) -> Result<()> {
    if plan.file.other_tables.is_empty() {
        return Ok(());
    }
    let import = sqlx::query!(
        r#"select i.dataset, d.name, i.member, i.mode, i.options as "options: Json<Options>", i.file_of, i.place, i.label,
               i.part as "part: Json<OtherTable>", i.outcome_key
           from gk.import i join gk.dataset d on d.no = i.dataset where i.upload = $1"#,
        upload
    )
    .fetch_one(&mut *connection)
    .await?;
    let known = sqlx::query_scalar!(
        r#"select part as "part!: Json<OtherTable>" from gk.import where found_by = $1"#,
        upload
    )
    .fetch_all(&mut *connection)
    .await?;
    let mode: Mode = from_word(&import.mode)?;
    let kind = &plan.file.kind;
    let first = OtherTable {
        member: kind
            .container
            .as_ref()
            .and_then(|container| container.member.clone()),
        sheet: kind.sheet.clone(),
        after: None,
    };
    let own = Own {
        name: import.name,
        label: import.label,
        part: import.part.map(|part| part.0),
        first: Some(first.label(1)).filter(|label| !label.is_empty()),
    };
    for (no, table) in (1..).zip(&plan.file.other_tables) {
        if known.iter().any(|known| known.0 == *table) {
            continue;
        }
        let id = UploadId::generate();
        let (label, name) = own.names_of(table);
        let options = plan.file.options_of(table, &import.options.0, mode);
        let dataset_no = if mode == Mode::New {
            new_dataset(connection, &name, &import.member).await?
        } else {
            import.dataset
        };
        let mut place = import.place.clone();
        place.push(no);
        sqlx::query!(
            "insert into gk.import (upload, dataset, member, file_name, mode, key_columns, options, confirm, object_key, state, \
                bytes_total, expires_at, file_of, found_by, part, label, place, outcome_key) \
             select $2, $3, i.member, i.file_name, i.mode, i.key_columns, $4, i.confirm, i.object_key, 'uploaded', \
                i.bytes_total, clock_timestamp() + interval '7 days', coalesce(i.file_of, i.upload), i.upload, $5, $6, $7, $8 \
             from gk.import i where i.upload = $1",
            upload,
            id.to_string(),
            dataset_no,
            serde_json::to_value(&options)?,
            serde_json::to_value(table)?,
            label,
            &place,
            import.outcome_key.as_deref().map(|key| outcome_key(key, &label))
        )
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query!(
        "update gk.import set label = coalesce(label, $2) where upload = $1",
        upload,
        own.first.as_deref().unwrap_or("table 1")
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The table that an import reads, by its names.
struct Own {
    /// Of its dataset.
    name: String,
    label: Option<String>,
    part: Option<OtherTable>,
    /// What is read without another one having found it: its sheet or file of an archive.
    first: Option<String>,
}

impl Own {
    /// What a table that it has found is called in the file, and what a new dataset for it.
    fn names_of(&self, table: &OtherTable) -> (String, String) {
        let is_under = |table: &OtherTable| table.after.is_some();
        let label = self.label.as_deref().filter(|_| self.part.is_some());
        let (mut no, mut above, mut name) = (1, label, self.name.as_str());
        match (&self.part, label) {
            (None, _) if is_under(table) => above = self.first.as_deref(),
            (Some(part), Some(label)) if is_under(part) => {
                let last = label.rsplit(SEPARATOR).next().unwrap_or(label);
                no = last
                    .rsplit(' ')
                    .next()
                    .and_then(|no| no.parse().ok())
                    .unwrap_or(1);
                above = label
                    .strip_suffix(last)
                    .and_then(|rest| rest.strip_suffix(SEPARATOR));
                let suffix = format!("{SEPARATOR}{last}");
                name = name.strip_suffix(&suffix).unwrap_or(name);
            }
            _ => {}
        }
        let own = table.label(no + 1);
        let label = match above {
            Some(above) => format!("{above}{SEPARATOR}{own}"),
            None => own.clone(),
        };
        (label, with_label(name, &own))
    }
}

/// Between the names of what lies in one another.
const SEPARATOR: &str = " · ";

/// The name of a further dataset: the first one's and the table's, of a long one the beginning.
fn with_label(base: &str, label: &str) -> String {
    let suffix: String = format!("{SEPARATOR}{label}")
        .chars()
        .take(NAME_CHARS_MAX / 2)
        .collect();
    let room = NAME_CHARS_MAX - suffix.chars().count();
    let base: String = base.chars().take(room).collect();
    format!("{}{}", base.trim_end(), suffix.trim_end())
}

/// Where the outcome of another table of a dropped file goes: in a folder beside the first one's.
fn outcome_key(first: &str, label: &str) -> String {
    let folder = first.strip_suffix(".json").unwrap_or(first);
    format!("{folder}/{label}.json")
}

impl Store {
    /// Imports of further tables whose file is to be read. Those of one dataset are read one after the other, in the file's order,
    /// unless somebody is asked about each.
    pub async fn tables_to_read(&self, limit: u32) -> Result<Vec<UploadId>> {
        let uploads = sqlx::query_scalar!(
            "select i.upload from gk.import i where i.state = 'uploaded' and i.file_of is not null \
               and (i.asked_at is null or i.asked_at < clock_timestamp() - $1 * interval '1 second') \
               and (i.lease_until is null or i.lease_until < clock_timestamp()) \
               and (i.confirm = 'ask' or not exists (select 1 from gk.import e \
                   where (e.upload = i.file_of or e.file_of = i.file_of) and e.dataset = i.dataset and e.place < i.place \
                     and e.state not in ('published', 'failed', 'cancelled'))) \
             order by i.file_of, i.place limit $2",
            ASK_AGAIN,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        uploads.iter().map(|id| Ok(id.parse()?)).collect()
    }

    /// Somebody was told to read them.
    pub async fn tables_asked(&self, uploads: &[UploadId]) -> Result<()> {
        let uploads: Vec<String> = uploads.iter().map(UploadId::to_string).collect();
        sqlx::query!(
            "update gk.import set asked_at = clock_timestamp() where upload = any($1)",
            &uploads
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A newer plan of the import does not have some of the tables that an earlier one found: unless they are confirmed or over, they
    /// are cancelled and belong to the file no more.
    pub async fn forgo_tables(&self, upload: UploadId, plan: &Plan) -> Result<()> {
        let found = sqlx::query!(
            r#"select upload, part as "part!: Json<OtherTable>" from gk.import where found_by = $1"#,
            upload.to_string()
        )
        .fetch_all(&self.pool)
        .await?;
        for table in found {
            if !plan.file.other_tables.contains(&table.part.0) {
                self.forgo(&table.upload).await?;
            }
        }
        Ok(())
    }

    /// One table, and those that it found itself.
    async fn forgo(&self, upload: &str) -> Result<()> {
        let problem = Problem::new(
            Code::Conflict,
            "The file is read in another way by now, in which this is no table of its own.",
        );
        let below = sqlx::query!(
            "select t.upload, t.dataset from gk.import o join gk.import t on t.file_of = o.file_of \
               and t.place[1:cardinality(o.place)] = o.place where o.upload = $1 order by t.place",
            upload
        )
        .fetch_all(&self.pool)
        .await?;
        for table in below {
            let mut tx = self.pool.begin().await?;
            lock_dataset(&mut tx, table.dataset).await?;
            let open = sqlx::query!(
                "select upload from gk.import where upload = $1 and confirmed is null \
                   and state not in ('published', 'failed', 'cancelled') for update",
                table.upload
            )
            .fetch_optional(&mut *tx)
            .await?;
            if open.is_none() {
                continue;
            }
            end(
                &mut tx,
                &table.upload,
                UploadState::Cancelled,
                Some(&problem),
            )
            .await?;
            sqlx::query!(
                "update gk.import set file_of = null, found_by = null where upload = $1",
                table.upload
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// All imports of the upload's file that the member may see, in the file's order; none of a file with one table.
    pub async fn file_tables(&self, upload: UploadId, member: UserId) -> Result<Vec<FileTable>> {
        let rows = sqlx::query!(
            r#"select i.upload, coalesce(i.label, i.file_name) as "name!", i.state, d.id as dataset_id, d.name as dataset_name, i.version
               from gk.import u
               join gk.import i on i.upload = coalesce(u.file_of, u.upload) or i.file_of = coalesce(u.file_of, u.upload)
               join gk.dataset d on d.no = i.dataset
               join gk.dataset_grant g on g.dataset = i.dataset and g.member = $2
               where u.upload = $1 and (d.deleted_at is null or i.member = $2) order by i.place, i.upload"#,
            upload.to_string(),
            member.to_string()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.len() < 2 {
            return Ok(Vec::new());
        }
        rows.into_iter()
            .map(|row| {
                Ok(FileTable {
                    upload_id: row.upload.parse()?,
                    name: row.name,
                    state: from_word(&row.state)?,
                    dataset_id: row.dataset_id.parse::<DatasetId>()?,
                    dataset_name: row.dataset_name,
                    version: row.version,
                })
            })
            .collect()
    }
}

/// Whether tables behind a table in this place are still told apart.
pub(crate) fn is_last(place: &[i32]) -> bool {
    place.len() + 1 >= CHOICES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_dataset_is_named_for_the_first_and_for_its_table() {
        assert_eq!(with_label("Sales", "North"), "Sales · North");
        let long = with_label(&"x".repeat(255), &"y".repeat(300));
        assert_eq!(long.chars().count(), 255);
        assert!(long.contains("x · y"));
    }

    #[test]
    fn tables_in_and_under_one_another_are_told_apart_by_their_names() {
        let table = |member: Option<&str>, sheet: Option<&str>, after| OtherTable {
            member: member.map(str::to_owned),
            sheet: sheet.map(str::to_owned),
            after,
        };
        let own = |name: &str, label: Option<&str>, part| Own {
            name: name.to_owned(),
            label: label.map(str::to_owned),
            part,
            first: Some("North".to_owned()),
        };
        let names = |own: Own, table: OtherTable| own.names_of(&table);
        let both = |label: &str, name: &str| (label.to_owned(), name.to_owned());
        let first = own("Sales", None, None);
        assert_eq!(
            names(first, table(None, Some("South"), None)),
            both("South", "Sales · South")
        );
        let first = own("Sales", Some("North"), None);
        assert_eq!(
            names(first, table(None, Some("North"), Some(9))),
            both("North · table 2", "Sales · table 2")
        );
        let second = own(
            "Sales · table 2",
            Some("North · table 2"),
            Some(table(None, Some("North"), Some(9))),
        );
        assert_eq!(
            names(second, table(None, Some("North"), Some(19))),
            both("North · table 3", "Sales · table 3")
        );
        let member = own(
            "Sales · b",
            Some("b"),
            Some(table(Some("b.xlsx"), None, None)),
        );
        assert_eq!(
            names(member, table(Some("b.xlsx"), Some("Q2"), None)),
            both("b · Q2", "Sales · b · Q2")
        );
    }

    #[test]
    fn the_outcome_of_a_further_table_lies_in_a_folder_beside_the_first_ones() {
        let key = outcome_key("outcomes/dst_1/year.zip.json", "2024/feb");
        assert_eq!(key, "outcomes/dst_1/year.zip/2024/feb.json");
    }
}
