//! Changes by hand become one version, or none: under the dataset's lock the changes are held against what others did since
//! their base, and only then written. Values come as PostgreSQL reads them; who typed them is `tabular`'s business.
//!
//! Changed and deleted rows go to history, inserted ones get ids behind everything handed out so far, and the blocks they lie
//! in are counted anew ([`crate::blocks`]). Locks and the trap behind each order of statements: see [`crate::publish`].

use std::collections::{BTreeMap, HashMap, HashSet};

use contracts::{
    DatasetId, UserId, commit::Conflict, dataset::VersionKind, quarantine::QuarantineId,
    receipt::Receipt, rules::ColumnRules,
};
use serde_json::Value;
use sqlx::{PgConnection, Row as _, postgres::PgRow, types::Json};

use crate::{
    Error, Result, Snapshot, Store, StoredColumn, blocks, cells,
    columns::sql_type,
    imports::{big, lock_dataset, word},
    keyed,
    publish::{NewVersion, write_version},
    quarantine,
    statement::Binds,
    tables,
    unique::{self, Taken},
};

/// Conflicts that are told; a commit with more has the same answer.
const CONFLICTS_TOLD: usize = 1_000;
/// Column sets that are written one by one; a commit with more of them is written as a whole, with a flag beside each value.
const COLUMN_SETS_MAX: usize = 8;

/// Column id to value, as PostgreSQL reads it; `None` is null.
pub type Cells = Vec<(String, Option<String>)>;

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Insert(Cells),
    Update(i64, Cells),
    Delete(i64),
}

/// What tells a repeated request from a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// Of the whole request: another one under the same key is refused.
    pub fingerprint: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct NewCommit {
    pub author: UserId,
    /// `grid` or `api`.
    pub kind: VersionKind,
    pub message: String,
    /// The version that the changes were made on.
    pub base: i64,
    pub changes: Vec<Change>,
    pub idempotency: Option<IdempotencyKey>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Commit {
    /// Published as this version, by this call (`fresh`) or an earlier one with the same key. `rows` are the inserted ones.
    Done {
        version: i64,
        rows: Vec<i64>,
        fresh: bool,
    },
    /// Everything is at the head already as asked for.
    Unchanged { version: i64 },
    /// Somebody else changed these cells since the base; nothing was written.
    Conflicts(Vec<Conflict>),
    /// These records are no longer open in the quarantine; nothing was written.
    Settled(Vec<QuarantineId>),
    /// Other rows have the values of these cells, whose columns take each once, or nobody can say which row has the key; nothing was
    /// written.
    Taken(Vec<Taken>),
}

/// The dataset as its lock found it.
pub(crate) struct Head {
    pub(crate) dataset_no: i64,
    pub(crate) dataset: DatasetId,
    pub(crate) version: i64,
    pub(crate) rows: i64,
    pub(crate) max_commit: i64,
    pub(crate) hidden: Vec<i64>,
    pub(crate) columns: Vec<StoredColumn>,
    pub(crate) rules: ColumnRules,
    /// All of the table's: [`tables::physical_names`].
    pub(crate) physical: Vec<String>,
}

/// Who makes a commit, and as what.
pub(crate) struct Making<'a> {
    pub(crate) kind: VersionKind,
    pub(crate) author: UserId,
    pub(crate) message: &'a str,
    pub(crate) idempotency: Option<&'a IdempotencyKey>,
    /// New rows, which get ids behind everything handed out so far.
    pub(crate) new_rows: i64,
}

/// A commit under way.
pub(crate) struct Made {
    pub(crate) id: i64,
    /// The first new row's.
    pub(crate) row_lo: Option<i64>,
}

impl Head {
    /// Takes the dataset's lock, first and as a statement of its own, then looks.
    pub(crate) async fn lock(connection: &mut PgConnection, dataset_no: i64) -> Result<Self> {
        lock_dataset(connection, dataset_no).await?;
        Self::look(connection, dataset_no).await
    }

    /// The head as this statement sees it: without the lock it may move at once.
    pub(crate) async fn look(connection: &mut PgConnection, dataset_no: i64) -> Result<Self> {
        let row = sqlx::query!(
            r#"select d.id, d.head, d.rows, d.max_commit, d.hidden, d.rules as "rules: Json<ColumnRules>", v.columns as "columns: Json<Vec<StoredColumn>>",
                   array(select attname::text from pg_attribute where attrelid = $2::text::regclass and attnum > 0
                       and not attisdropped and attname not in ('row_id', 'born') order by attnum) as "physical!"
               from gk.dataset d join gk.version v on v.dataset = d.no and v.version = d.head
               where d.no = $1 and d.deleted_at is null"#,
            dataset_no,
            tables::live(dataset_no)
        )
        .fetch_optional(connection)
        .await?
        .ok_or(Error::NotFound("dataset"))?;
        Ok(Self {
            dataset_no,
            dataset: row.id.parse()?,
            version: row.head,
            rows: row.rows,
            max_commit: row.max_commit,
            hidden: row.hidden,
            columns: row.columns.0,
            rules: row.rules.0,
            physical: row.physical,
        })
    }

    /// The condition that a live row is one of the head's.
    pub(crate) fn visible(&self) -> String {
        born_by(self.max_commit, &self.hidden)
    }

    /// Draws the id of a commit and records it. Only ids of imports may be older than rows they do not see.
    pub(crate) async fn make_commit(
        &self,
        connection: &mut PgConnection,
        making: &Making<'_>,
    ) -> Result<Made> {
        let made = sqlx::query!(
            r#"with drawn as (update gk.dataset set next_commit = next_commit + 1, next_row = next_row + $4::bigint where no = $1
                   returning next_commit - 1 as id, next_row - $4::bigint as row_lo)
               insert into gk.commit (dataset, id, kind, state, author, message, row_lo, row_hi, idempotency_key, fingerprint)
               select $1, id, $2, 'published', $3, $5, case when $4 > 0 then row_lo end, case when $4 > 0 then row_lo + $4 - 1 end, $6, $7
               from drawn returning id, row_lo"#,
            self.dataset_no,
            word(&making.kind)?,
            making.author.to_string(),
            making.new_rows,
            making.message,
            making.idempotency.map(|key| key.key.as_str()),
            making.idempotency.map(|key| key.fingerprint.as_slice()),
        )
        .fetch_one(connection)
        .await?;
        Ok(Made {
            id: made.id,
            row_lo: made.row_lo,
        })
    }
}

/// Updates of one shape: values column by column, in the order of `columns`.
struct Updates<'a> {
    columns: Vec<&'a StoredColumn>,
    row_ids: Vec<i64>,
    values: Vec<Vec<Option<String>>>,
    /// Beside each value whether it is meant; empty where all are.
    meant: Vec<Vec<bool>>,
}

struct Sorted<'a> {
    updates: Vec<Updates<'a>>,
    deletes: Vec<i64>,
    inserts: Updates<'a>,
}

impl Store {
    /// Writes the changes as one version. [`crate::Error::Invalid`] for a base that is none, an unknown column, a row named
    /// twice or a key that was used for another request; [`crate::Error::Gone`] when the base is no longer kept.
    pub async fn commit(&self, dataset_no: i64, commit: &NewCommit) -> Result<Commit> {
        self.write(dataset_no, commit, &[]).await
    }

    /// The same for rows that these records of the quarantine become, one insert each: they are taken out with it, each once. A record of
    /// an import that merged changes the row that has its key, if one has.
    pub async fn resubmit(
        &self,
        dataset_no: i64,
        commit: &NewCommit,
        records: &[QuarantineId],
    ) -> Result<Commit> {
        self.write(dataset_no, commit, records).await
    }

    async fn write(
        &self,
        dataset_no: i64,
        commit: &NewCommit,
        records: &[QuarantineId],
    ) -> Result<Commit> {
        // Before the lock: a read of its own takes another connection.
        let base = match self
            .resolve(dataset_no, crate::At::Version(commit.base))
            .await
        {
            Err(Error::NotFound("version")) => {
                return Err(Error::invalid("base_version", "no such version"));
            }
            base => base?,
        };
        // On the head itself nobody can have changed anything meanwhile: only a row that is not there makes it look closer.
        if let Some(done) = self
            .try_write(dataset_no, commit, records, &base, false)
            .await?
        {
            return Ok(done);
        }
        self.try_write(dataset_no, commit, records, &base, true)
            .await?
            .ok_or(Error::Disagrees("a commit and its conflicts"))
    }

    /// `None`, with nothing written, when rows are lacking and nobody has looked for conflicts.
    async fn try_write(
        &self,
        dataset_no: i64,
        commit: &NewCommit,
        records: &[QuarantineId],
        base: &Snapshot,
        look: bool,
    ) -> Result<Option<Commit>> {
        let mut tx = self.pool.begin().await?;
        let head = Head::lock(&mut tx, dataset_no).await?;
        if let Some(done) = done_before(&mut tx, dataset_no, commit).await? {
            return Ok(Some(done));
        }
        let changes = match keyed::settle(&mut tx, &head, records, &commit.changes).await? {
            Ok(changes) => changes,
            Err(refused) => return Ok(Some(Commit::Taken(refused))),
        };
        let sorted = sort(&head.columns, &changes)?;
        if look || base.version != head.version {
            let conflicts = conflicts(&mut tx, &head, base, &sorted).await?;
            if !conflicts.is_empty() {
                return Ok(Some(Commit::Conflicts(conflicts)));
            }
        }

        let making = Making {
            kind: commit.kind,
            author: commit.author,
            message: &commit.message,
            idempotency: commit.idempotency.as_ref(),
            new_rows: big(sorted.inserts.row_ids.len() as u64),
        };
        let made = head.make_commit(&mut tx, &making).await?;
        let mut receipt = Receipt {
            inserted: making.new_rows,
            ..Receipt::default()
        };
        let mut lacking = 0;
        for updates in &sorted.updates {
            let updated = update(&mut tx, &head, made.id, updates).await?;
            receipt.updated += updated.changed;
            if !records.is_empty() {
                receipt.unchanged += updated.found - updated.changed;
            }
            lacking += big(updates.row_ids.len() as u64) - updated.found;
        }
        let deleted = delete(&mut tx, &head, made.id, &sorted.deletes).await?;
        receipt.deleted = big(deleted.len() as u64);
        lacking += big(sorted.deletes.len() as u64) - receipt.deleted;
        if lacking > 0 && !look && base.version == head.version {
            return Ok(None);
        }
        if receipt == Receipt::default() {
            return Ok(Some(Commit::Unchanged {
                version: head.version,
            }));
        }
        receipt.rows_read = receipt.inserted + receipt.updated + receipt.unchanged;
        receipt.records = receipt.rows_read;
        let version = head.version + 1;
        let settled =
            quarantine::take(&mut tx, dataset_no, records, commit.author, version).await?;
        if !settled.is_empty() {
            return Ok(Some(Commit::Settled(settled)));
        }
        let rows = insert(&mut tx, &head, &made, &sorted.inserts).await?;
        let taken = taken(&mut tx, &head, made.id, &changes, &sorted, &rows).await?;
        if !taken.is_empty() {
            return Ok(Some(Commit::Taken(taken)));
        }
        blocks::take(&mut tx, dataset_no, version, &deleted).await?;
        blocks::append(&mut tx, dataset_no, version, &rows).await?;
        write_version(
            &mut tx,
            &NewVersion {
                dataset_no,
                dataset: head.dataset,
                version,
                commit: made.id,
                rows: head.rows + receipt.inserted - receipt.deleted,
                columns: &head.columns,
                receipt: &receipt,
                upload: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(Some(Commit::Done {
            version,
            rows,
            fresh: true,
        }))
    }
}

/// The condition that a row was born by then. Without parameters: what has them is planned for any values, and a statement that makes a
/// table cannot take them.
pub(crate) fn born_by(max_commit: i64, hidden: &[i64]) -> String {
    let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
    format!(
        "born <= {max_commit} and born <> all('{{{}}}'::bigint[])",
        hidden.join(",")
    )
}

/// Cells whose values other rows have, where that may not be. `new` are the ids of the inserted rows, in their order.
async fn taken(
    connection: &mut PgConnection,
    head: &Head,
    commit: i64,
    changes: &[Change],
    sorted: &Sorted<'_>,
    new: &[i64],
) -> Result<Vec<Taken>> {
    if !head.rules.values().any(|rules| rules.unique) {
        return Ok(Vec::new());
    }
    let sets = sorted.updates.iter().chain([&sorted.inserts]);
    let written: HashSet<&str> = (sets.clone())
        .flat_map(|set| set.columns.iter().map(|stored| stored.column.id.as_str()))
        .collect();
    let columns: Vec<&StoredColumn> = (head.columns.iter())
        .filter(|stored| written.contains(stored.column.id.as_str()))
        .collect();
    let mut new = new.iter().copied();
    let rows: HashMap<i64, usize> = (changes.iter().enumerate())
        .filter_map(|(no, change)| match change {
            Change::Insert(_) => Some((new.next()?, no)),
            Change::Update(row_id, _) => Some((*row_id, no)),
            Change::Delete(_) => None,
        })
        .collect();
    let ids: Vec<i64> = rows.keys().copied().collect();
    let taken = unique::taken(connection, head, commit, &ids, &columns).await?;
    let mut taken: Vec<Taken> = (taken.into_iter())
        .filter_map(|(row_id, column, message)| {
            Some(Taken {
                change: *rows.get(&row_id)?,
                column,
                message,
            })
        })
        .collect();
    taken.sort_by_key(|taken| taken.change);
    Ok(taken)
}

async fn conflicts(
    connection: &mut PgConnection,
    head: &Head,
    base: &Snapshot,
    sorted: &Sorted<'_>,
) -> Result<Vec<Conflict>> {
    let mut conflicts = Vec::new();
    for updates in &sorted.updates {
        conflicts.extend(update_conflicts(connection, head, base, updates).await?);
    }
    conflicts.extend(delete_conflicts(connection, head, base, &sorted.deletes).await?);
    conflicts.truncate(CONFLICTS_TOLD);
    Ok(conflicts)
}

/// What the same request came to earlier.
async fn done_before(
    connection: &mut PgConnection,
    dataset_no: i64,
    commit: &NewCommit,
) -> Result<Option<Commit>> {
    let Some(idempotency) = &commit.idempotency else {
        return Ok(None);
    };
    let before = sqlx::query!(
        r#"select v.version, c.row_lo, c.row_hi, c.fingerprint as "fingerprint!" from gk.commit c
           join gk.version v on v.dataset = c.dataset and v.commit = c.id
           where c.dataset = $1 and c.author = $2 and c.idempotency_key = $3"#,
        dataset_no,
        commit.author.to_string(),
        idempotency.key
    )
    .fetch_optional(connection)
    .await?;
    let Some(before) = before else {
        return Ok(None);
    };
    if before.fingerprint != idempotency.fingerprint {
        return Err(Error::invalid(
            "Idempotency-Key",
            "another request was made with this key",
        ));
    }
    let rows = match (before.row_lo, before.row_hi) {
        (Some(lo), Some(hi)) => (lo..=hi).collect(),
        _ => Vec::new(),
    };
    Ok(Some(Commit::Done {
        version: before.version,
        rows,
        fresh: false,
    }))
}

/// Checks the changes against the columns and turns them into whole columns of values.
fn sort<'a>(columns: &'a [StoredColumn], changes: &[Change]) -> Result<Sorted<'a>> {
    let places: HashMap<&str, usize> = columns
        .iter()
        .enumerate()
        .map(|(place, stored)| (stored.column.id.as_str(), place))
        .collect();
    let mut seen = HashSet::new();
    let mut by_set: BTreeMap<Vec<usize>, Vec<(i64, &Cells)>> = BTreeMap::new();
    let mut deletes = Vec::new();
    let mut inserts = Vec::new();
    for (no, change) in changes.iter().enumerate() {
        let set = |cells: &Cells| -> Result<Vec<usize>> {
            let mut set = Vec::with_capacity(cells.len());
            for (id, _) in cells {
                let place = places.get(id.as_str()).ok_or_else(|| {
                    Error::invalid(
                        format!("/changes/{no}/cells/{id}"),
                        "the dataset has no such column",
                    )
                })?;
                set.push(*place);
            }
            set.sort_unstable();
            set.dedup();
            Ok(set)
        };
        let row_id = match change {
            Change::Insert(cells) => {
                set(cells)?;
                inserts.push((0, cells));
                continue;
            }
            Change::Update(row_id, cells) => {
                let set = set(cells)?;
                if !set.is_empty() {
                    by_set.entry(set).or_default().push((*row_id, cells));
                }
                row_id
            }
            Change::Delete(row_id) => {
                deletes.push(*row_id);
                row_id
            }
        };
        if !seen.insert(*row_id) {
            return Err(Error::invalid(
                format!("/changes/{no}/row_id"),
                "this row is changed by an earlier entry already",
            ));
        }
    }
    deletes.sort_unstable();
    let updates = if by_set.len() <= COLUMN_SETS_MAX {
        by_set
            .into_iter()
            .map(|(set, rows)| Updates::new(columns, &set, &rows, false))
            .collect()
    } else {
        let all: Vec<usize> = by_set
            .keys()
            .flatten()
            .copied()
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let rows: Vec<(i64, &Cells)> = by_set.into_values().flatten().collect();
        vec![Updates::new(columns, &all, &rows, true)]
    };
    let set: HashSet<usize> = inserts
        .iter()
        .flat_map(|(_, cells)| {
            cells
                .iter()
                .filter_map(|(id, _)| places.get(id.as_str()).copied())
        })
        .collect();
    let set: Vec<usize> = set.into_iter().collect();
    Ok(Sorted {
        updates,
        deletes,
        inserts: Updates::new(columns, &set, &inserts, false),
    })
}

impl<'a> Updates<'a> {
    fn new(
        columns: &'a [StoredColumn],
        set: &[usize],
        rows: &[(i64, &Cells)],
        flagged: bool,
    ) -> Self {
        let columns: Vec<&StoredColumn> =
            set.iter().filter_map(|place| columns.get(*place)).collect();
        let places: HashMap<&str, usize> = columns
            .iter()
            .enumerate()
            .map(|(place, stored)| (stored.column.id.as_str(), place))
            .collect();
        let mut values = vec![vec![None; rows.len()]; columns.len()];
        let mut meant = vec![vec![false; rows.len()]; if flagged { columns.len() } else { 0 }];
        for (row, (_, cells)) in rows.iter().enumerate() {
            for (id, value) in *cells {
                let Some(place) = places.get(id.as_str()) else {
                    continue;
                };
                values[*place][row].clone_from(value);
                if flagged {
                    meant[*place][row] = true;
                }
            }
        }
        Self {
            row_ids: rows.iter().map(|(row_id, _)| *row_id).collect(),
            columns,
            values,
            meant,
        }
    }

    /// The changes as a table `e (row_id, v0, v1, …, s0, s1, …)`.
    fn table(&self, binds: &mut Binds, row_ids: Vec<i64>) -> Result<String> {
        let mut arrays = vec![format!("{}::bigint[]", binds.add_bulk(row_ids)?)];
        let mut names = vec!["row_id".to_owned()];
        for (place, values) in self.values.iter().enumerate() {
            arrays.push(format!("{}::text[]", binds.add_bulk(values.clone())?));
            names.push(format!("v{place}"));
        }
        for (place, meant) in self.meant.iter().enumerate() {
            arrays.push(format!("{}::boolean[]", binds.add_bulk(meant.clone())?));
            names.push(format!("s{place}"));
        }
        Ok(format!(
            "unnest({}) e ({})",
            arrays.join(", "),
            names.join(", ")
        ))
    }

    fn value(&self, place: usize) -> String {
        let kind = sql_type(self.columns[place].column.kind);
        if kind == "text" {
            format!("e.v{place}")
        } else {
            format!("e.v{place}::{kind}")
        }
    }

    /// What the cell becomes.
    fn target(&self, place: usize) -> String {
        let (sql, value) = (&self.columns[place].sql, self.value(place));
        if self.meant.is_empty() {
            value
        } else {
            format!("case when e.s{place} then {value} else l.{sql} end")
        }
    }

    /// Whether the cell is meant and differs from that of `row`.
    fn differs(&self, place: usize, row: &str) -> String {
        let stored = self.columns[place];
        let value = format!("({})", self.value(place));
        let differs = format!(
            "{} is distinct from {}",
            stored.spelled(&format!("{row}.{}", stored.sql)),
            stored.spelled(&value)
        );
        if self.meant.is_empty() {
            differs
        } else {
            format!("(e.s{place} and {differs})")
        }
    }

    fn any_differs(&self) -> String {
        let any: Vec<String> = (0..self.columns.len())
            .map(|place| self.differs(place, "l"))
            .collect();
        format!("({})", any.join(" or "))
    }
}

/// The condition by which a live row `l` is visible at the head.
fn visible(binds: &mut Binds, row: &str, max_commit: i64, hidden: &[i64]) -> Result<String> {
    let mut condition = format!("{row}.born <= {}", binds.add(max_commit)?);
    if !hidden.is_empty() {
        condition.push_str(&format!(
            " and {row}.born <> all({}::bigint[])",
            binds.add(hidden.to_vec())?
        ));
    }
    Ok(condition)
}

/// The rows of `e` beside what they are at the head (`l`) and were at the base (`b`), of those that were touched in between
/// or are not there at all.
fn touched(binds: &mut Binds, head: &Head, base: &Snapshot, e: &str) -> Result<String> {
    let names = tables::list(&head.physical, "");
    let at_head = visible(binds, "l", head.max_commit, &head.hidden)?;
    let live = tables::live(head.dataset_no);
    let history = tables::history(head.dataset_no);
    let at_base = visible(binds, "b", base.max_commit, &base.hidden)?;
    let max = binds.add(base.max_commit)?;
    let hidden = binds.add(base.hidden.clone())?;
    Ok(format!(
        "{e} left join {live} l on l.row_id = e.row_id and {at_head} \
         left join lateral (select row_id{names} from {live} b where b.row_id = e.row_id and {at_base} \
           union all select row_id{names} from {history} b where b.row_id = e.row_id and b.died > {max} and {at_base} limit 1) b on true \
         where (l.row_id is null or l.born > {max} or l.born = any({hidden}::bigint[]))"
    ))
}

async fn update_conflicts(
    connection: &mut PgConnection,
    head: &Head,
    base: &Snapshot,
    updates: &Updates<'_>,
) -> Result<Vec<Conflict>> {
    let mut binds = Binds::default();
    let e = updates.table(&mut binds, updates.row_ids.clone())?;
    let touched = touched(&mut binds, head, base, &e)?;
    let mut shown = String::new();
    let mut any = vec!["l.row_id is null".to_owned()];
    for (place, stored) in updates.columns.iter().enumerate() {
        let (yours, base) = (
            updates.differs(place, "l"),
            stored.spelled(&format!("b.{}", stored.sql)),
        );
        let theirs = stored.spelled(&format!("l.{}", stored.sql));
        let conflict = format!("({yours} and {theirs} is distinct from {base})");
        let meant = if updates.meant.is_empty() {
            "true".to_owned()
        } else {
            format!("e.s{place}")
        };
        shown.push_str(&format!(
            ", {conflict}, {meant}, {}, {}, {}",
            cells::cut_of(stored, &format!("b.{}", stored.sql)),
            cells::cut_of(stored, &format!("l.{}", stored.sql)),
            cells::cut_of(stored, &format!("({})", updates.value(place))),
        ));
        any.push(conflict);
    }
    let sql = format!(
        "select e.row_id, l.row_id is null{shown} from {touched} and ({}) order by e.row_id limit {CONFLICTS_TOLD}",
        any.join(" or ")
    );
    let rows = binds.query(sql).fetch_all(connection).await?;
    let mut conflicts = Vec::new();
    for row in &rows {
        let (row_id, gone): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
        for (place, stored) in updates.columns.iter().enumerate() {
            let at = 2 + place * 5;
            let (differs, meant): (Option<bool>, bool) = (row.try_get(at)?, row.try_get(at + 1)?);
            if meant && (gone || differs == Some(true)) {
                conflicts.push(conflict(row, row_id, gone, stored, at + 2)?);
            }
        }
    }
    Ok(conflicts)
}

fn conflict(
    row: &PgRow,
    row_id: i64,
    gone: bool,
    stored: &StoredColumn,
    at: usize,
) -> Result<Conflict> {
    let kind = stored.column.kind;
    Ok(Conflict {
        row_id: row_id.to_string(),
        column: Some(stored.column.id.clone()),
        base: cells::cut(row, at, kind)?,
        theirs: cells::cut(row, at + 1, kind)?,
        yours: cells::cut(row, at + 2, kind)?,
        gone,
    })
}

/// A row that somebody changed since the base is not deleted unseen. One that is gone already needs no deleting, unless it
/// never was there at the base.
async fn delete_conflicts(
    connection: &mut PgConnection,
    head: &Head,
    base: &Snapshot,
    deletes: &[i64],
) -> Result<Vec<Conflict>> {
    if deletes.is_empty() {
        return Ok(Vec::new());
    }
    let mut binds = Binds::default();
    let e = format!(
        "unnest({}::bigint[]) e (row_id)",
        binds.add_bulk(deletes.to_vec())?
    );
    let touched = touched(&mut binds, head, base, &e)?;
    let mut shown = String::new();
    for stored in &head.columns {
        let (base, theirs) = (format!("b.{}", stored.sql), format!("l.{}", stored.sql));
        shown.push_str(&format!(
            ", {} is distinct from {}, {}, {}",
            stored.spelled(&theirs),
            stored.spelled(&base),
            cells::cut_of(stored, &base),
            cells::cut_of(stored, &theirs),
        ));
    }
    let sql = format!(
        "select e.row_id, l.row_id is null, b.row_id is null{shown} from {touched} and (l.row_id is not null or b.row_id is null) \
         order by e.row_id limit {CONFLICTS_TOLD}"
    );
    let rows = binds.query(sql).fetch_all(connection).await?;
    let mut conflicts = Vec::new();
    for row in &rows {
        let row_id: i64 = row.try_get(0)?;
        let (gone, unknown): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        if gone || unknown {
            conflicts.push(Conflict {
                row_id: row_id.to_string(),
                column: None,
                base: Value::Null,
                theirs: Value::Null,
                yours: Value::Null,
                gone,
            });
            continue;
        }
        for (place, stored) in head.columns.iter().enumerate() {
            let at = 3 + place * 3;
            if row.try_get(at)? {
                let kind = stored.column.kind;
                conflicts.push(Conflict {
                    row_id: row_id.to_string(),
                    column: Some(stored.column.id.clone()),
                    base: cells::cut(row, at + 1, kind)?,
                    theirs: cells::cut(row, at + 2, kind)?,
                    yours: Value::Null,
                    gone: false,
                });
            }
        }
    }
    Ok(conflicts)
}

/// What became of the rows to update.
struct Updated {
    /// Those that are there.
    found: i64,
    /// Those that were not yet as asked for.
    changed: i64,
}

/// Moves the former rows to history and writes the new cells, in one statement: both look at the same rows. Rows that are as
/// asked for already stay untouched.
async fn update(
    connection: &mut PgConnection,
    head: &Head,
    commit: i64,
    updates: &Updates<'_>,
) -> Result<Updated> {
    let mut binds = Binds::default();
    let e = updates.table(&mut binds, updates.row_ids.clone())?;
    let visible = visible(&mut binds, "l", head.max_commit, &head.hidden)?;
    let born = binds.add(commit)?;
    let differs = updates.any_differs();
    let (live, history) = (
        tables::live(head.dataset_no),
        tables::history(head.dataset_no),
    );
    let set: String = (0..updates.columns.len()).fold(String::new(), |mut set, place| {
        set.push_str(&format!(
            ", {} = {}",
            updates.columns[place].sql,
            updates.target(place)
        ));
        set
    });
    let (names, of_live) = (
        tables::list(&head.physical, ""),
        tables::list(&head.physical, "l."),
    );
    let sql = format!(
        "with e as materialized (select * from {e}), \
         former as (insert into {history} (row_id, born, died{names}) select l.row_id, l.born, {born}{of_live} \
           from e join {live} l on l.row_id = e.row_id where {visible} and {differs} returning 1), \
         changed as (update {live} l set born = {born}{set} from e where l.row_id = e.row_id and {visible} and {differs} returning 1) \
         select (select count(*) from former), (select count(*) from changed), \
           (select count(*) from e join {live} l on l.row_id = e.row_id where {visible})"
    );
    let row = binds.query(sql).fetch_one(connection).await?;
    let (former, changed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if former != changed {
        return Err(Error::Disagrees("an update and its history"));
    }
    Ok(Updated {
        found: row.try_get(2)?,
        changed,
    })
}

/// The rows that were there to delete.
async fn delete(
    connection: &mut PgConnection,
    head: &Head,
    commit: i64,
    deletes: &[i64],
) -> Result<Vec<i64>> {
    if deletes.is_empty() {
        return Ok(Vec::new());
    }
    let mut binds = Binds::default();
    let ids = binds.add_bulk(deletes.to_vec())?;
    let visible = visible(&mut binds, "l", head.max_commit, &head.hidden)?;
    let died = binds.add(commit)?;
    let (live, history) = (
        tables::live(head.dataset_no),
        tables::history(head.dataset_no),
    );
    let names = tables::list(&head.physical, "");
    let sql = format!(
        "with gone as (delete from {live} l using unnest({ids}::bigint[]) e (row_id) where l.row_id = e.row_id and {visible} returning l.*) \
         insert into {history} (row_id, born, died{names}) select row_id, born, {died}{names} from gone returning row_id"
    );
    let rows = binds.query(sql).fetch_all(connection).await?;
    let mut ids = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<i64>, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// The new rows, under the ids that were drawn for them.
async fn insert(
    connection: &mut PgConnection,
    head: &Head,
    made: &Made,
    inserts: &Updates<'_>,
) -> Result<Vec<i64>> {
    let Some(lo) = made.row_lo else {
        return Ok(Vec::new());
    };
    let ids: Vec<i64> = (lo..).take(inserts.row_ids.len()).collect();
    let mut binds = Binds::default();
    let e = inserts.table(&mut binds, ids.clone())?;
    let born = binds.add(made.id)?;
    let (mut names, mut values) = (String::new(), String::new());
    for (place, stored) in inserts.columns.iter().enumerate() {
        names.push_str(&format!(", {}", stored.sql));
        values.push_str(&format!(", {}", inserts.value(place)));
    }
    let sql = format!(
        "insert into {} (row_id, born{names}) select e.row_id, {born}{values} from {e}",
        tables::live(head.dataset_no)
    );
    binds.query(sql).execute(connection).await?;
    Ok(ids)
}
