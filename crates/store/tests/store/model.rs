//! Random interleavings of imports in every mode, commits, restores, aborted imports, sweeps and readers against a model that keeps every
//! version as a plain map. Whatever the model says of a version, the store must say at every later moment.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, Int64Array, StringArray};
use contracts::{
    UploadId,
    commit::{Diff, RowChange},
    dataset::{ColumnType, VersionKind},
    plan::Options,
    upload::{Confirm, Mode},
};
use serde_json::Value;
use std::sync::Arc;
use store::{At, Change, Commit, Error, MergeLimits, NewCommit, Publish, Restored, Sitting, Start};

use crate::helper::{Import, TestDb, check_counts, key_of, query, walk};

const COLUMNS: [(&str, ColumnType); 2] =
    [("number", ColumnType::Int64), ("name", ColumnType::Text)];

/// Number and name, as the API spells them.
type Row = [Option<String>; 2];
type Content = BTreeMap<i64, Row>;

/// A generator of its own, so that a seed means the same for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(items.len()).unwrap();
        (len > 0).then(|| &items[usize::try_from(self.roll(len)).unwrap()])
    }

    /// Few values, so that the same one is met again.
    fn cell(&mut self) -> Option<String> {
        match self.roll(6) {
            0 => None,
            n => Some(n.to_string()),
        }
    }
}

struct Open {
    import: Import,
    mode: Mode,
    rows: Vec<Row>,
    written: bool,
    preview: Option<Preview>,
    /// A merge that somebody has begun met a head at which a row of the file is that of several rows.
    was_at_fault: bool,
}

/// Of an import that asks first.
#[derive(Clone, Copy, Default)]
struct Preview {
    /// A row of the file is that of several rows of the dataset: other options, or another dataset, are needed.
    is_at_fault: bool,
    is_confirmed: bool,
}

struct World {
    db: TestDb,
    dice: Dice,
    dataset_no: i64,
    /// Version 1 is the first.
    versions: Vec<Content>,
    open: Vec<Open>,
    conflicts: u32,
    merges: u32,
    /// Of them, those whose content was written anew.
    renewed: u32,
    replanned: u32,
}

impl World {
    async fn new(seed: u64) -> Self {
        let mut db = TestDb::new().await;
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // Every other world takes merges in many small steps, and writes anew what changes much.
        if seed.is_multiple_of(2) {
            db.store = db.store.clone().with_merge_limits(MergeLimits {
                step_rows: 10,
                steps: 4,
                changed_in_place: 4,
                step_blocks: 1,
            });
        }
        let rows: Vec<Row> = (0..20).map(|_| [dice.cell(), dice.cell()]).collect();
        let import = db.open_new(&COLUMNS, 20).await;
        write(&import, &rows).await;
        import.finish().await;
        let content = content(&import, &rows);
        Self {
            dataset_no: import.dataset_no(),
            db,
            dice,
            versions: vec![content],
            open: Vec::new(),
            conflicts: 0,
            merges: 0,
            renewed: 0,
            replanned: 0,
        }
    }

    fn head(&self) -> &Content {
        self.versions.last().unwrap()
    }

    fn head_version(&self) -> i64 {
        i64::try_from(self.versions.len()).unwrap()
    }

    fn at(&self, version: i64) -> &Content {
        &self.versions[usize::try_from(version - 1).unwrap()]
    }

    fn any_version(&mut self) -> i64 {
        1 + i64::try_from(self.dice.roll(self.versions.len() as u64)).unwrap()
    }

    async fn step(&mut self) {
        match self.dice.roll(22) {
            0 => self.open_import(Mode::Append).await,
            1 => self.open_import(Mode::Replace).await,
            2 | 20 => self.open_import(Mode::Upsert).await,
            21 => self.open_import(Mode::Sync).await,
            3..=6 => self.go_on_with_an_import().await,
            7..=13 => self.commit().await,
            14 | 15 => self.restore().await,
            16 => {
                self.db.store.sweep(1_000).await.unwrap();
            }
            17 => {
                let rows = self.dice.roll(30);
                self.db
                    .store
                    .sweep_replaced(rows, Duration::ZERO)
                    .await
                    .unwrap();
            }
            18 => self.compare().await,
            _ => {
                let version = self.any_version();
                self.read(version).await;
            }
        }
        let head = self.head_version();
        self.read(head).await;
    }

    async fn open_import(&mut self, mode: Mode) {
        if self.open.len() > 2 {
            return;
        }
        let target = self.db.existing(self.dataset_no).await;
        let preview = (self.dice.roll(2) == 0).then(Preview::default);
        let confirm = preview.map_or(Confirm::Auto, |_| Confirm::Ask);
        let upload = self.db.ask_with(target, mode, confirm).await;
        self.open_generation(upload, 1, mode, preview).await;
    }

    async fn open_generation(
        &mut self,
        upload: UploadId,
        generation: i32,
        mode: Mode,
        preview: Option<Preview>,
    ) {
        let count = self.dice.roll(12);
        let rows: Vec<Row> = if matches!(mode, Mode::Upsert | Mode::Sync) {
            (0..count).map(|_| self.keyed_row()).collect()
        } else {
            (0..count)
                .map(|_| [self.dice.cell(), self.dice.cell()])
                .collect()
        };
        let db = &self.db;
        let import = db
            .open_generation(upload, generation, mode, &COLUMNS, count)
            .await;
        self.open.push(Open {
            import,
            mode,
            rows,
            written: false,
            preview,
            was_at_fault: false,
        });
    }

    /// Another mode and other rows in place of what was loaded.
    async fn replan(&mut self, open: Open) {
        let modes = [Mode::Append, Mode::Replace, Mode::Upsert, Mode::Sync];
        let mode = self.dice.pick(&modes).copied().unwrap();
        let (upload, none) = (open.import.upload, Options::default());
        let store = &self.db.store;
        let generation = store.replan(upload, None, mode, &key_of(mode), &none).await;
        assert_eq!(
            generation.as_ref().ok(),
            Some(&(open.import.generation + 1))
        );
        self.replanned += 1;
        let again = Some(Preview::default());
        self.open_generation(upload, generation.unwrap(), mode, again)
            .await;
    }

    /// Somebody looks at what is loaded, changes it or says yes.
    async fn answer(&mut self, mut open: Open, mut preview: Preview) {
        let what = self.dice.roll(4);
        let is_merge = matches!(open.mode, Mode::Upsert | Mode::Sync);
        let (store, upload) = (self.db.store.clone(), open.import.upload);
        match what {
            0 => return self.replan(open).await,
            1 => {
                let told = store.publish_if_complete(upload).await.unwrap();
                assert!(
                    matches!(told, Publish::Awaiting | Publish::Incomplete),
                    "{told:?}"
                );
                // The counts are worked out once, at the head of that moment.
                if told == Publish::Awaiting {
                    let merged = is_merge.then(|| self.merged(&open));
                    preview.is_at_fault = matches!(merged, Some(None));
                    let counts = store.preview(upload).await.unwrap().counts;
                    assert_eq!(counts.is_none(), preview.is_at_fault);
                    if let Some(counts) = counts {
                        let before = i64::try_from(self.head().len()).unwrap();
                        let kept = before - counts.deleted + counts.inserted;
                        let next = match merged {
                            Some(merged) => merged.map_or(0, |next| next.len()),
                            None if open.mode == Mode::Replace => open.rows.len(),
                            None => self.head().len() + open.rows.len(),
                        };
                        assert_eq!(kept, i64::try_from(next).unwrap(), "{counts:?}");
                    }
                }
            }
            _ => {
                let generation = open.import.generation;
                let confirmed = store.confirm(upload, generation).await;
                if preview.is_at_fault {
                    assert!(
                        matches!(confirmed, Err(Error::Unmended(_))),
                        "{confirmed:?}"
                    );
                } else {
                    assert!(confirmed.is_ok(), "{confirmed:?}");
                    preview.is_confirmed = true;
                }
            }
        }
        open.preview = Some(preview);
        self.open.push(open);
    }

    /// A row whose number, the key, is new or that of one row of the head.
    fn keyed_row(&mut self) -> Row {
        let keys = numbers(self.head());
        let single: Vec<Option<String>> = keys
            .iter()
            .filter(|(_, rows)| rows.len() == 1)
            .map(|(key, _)| key.clone())
            .collect();
        let key = match self.dice.pick(&single).cloned() {
            Some(key) if self.dice.roll(3) > 0 => key,
            _ => Some((100 + self.dice.roll(60)).to_string()),
        };
        [key, self.dice.cell()]
    }

    /// What the head becomes; none when a key of the file is that of several rows.
    fn merged(&self, open: &Open) -> Option<Content> {
        let keys = numbers(self.head());
        let mut last = BTreeMap::new();
        for (row_id, row) in (open.import.load.row_lo..).zip(&open.rows) {
            last.insert(row[0].clone(), (row_id, row));
        }
        let mut next = match open.mode {
            Mode::Sync => Content::new(),
            _ => self.head().clone(),
        };
        for (key, (row_id, row)) in last {
            let row_id = match keys.get(&key).map(Vec::as_slice) {
                None => row_id,
                Some([there]) => *there,
                Some(_) => return None,
            };
            next.insert(row_id, row.clone());
        }
        Some(next)
    }

    async fn go_on_with_an_import(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let which = usize::try_from(self.dice.roll(self.open.len() as u64)).unwrap();
        let what = self.dice.roll(5);
        let open = &mut self.open[which];
        if what == 0 {
            let ended = open.import.store.cancel(open.import.upload).await;
            assert!(ended.is_ok(), "{ended:?}");
            self.open.remove(which);
        } else if !open.written {
            write(&open.import, &open.rows).await;
            open.written = true;
        } else {
            let open = self.open.remove(which);
            if let Some(preview) = open.preview.filter(|preview| !preview.is_confirmed) {
                self.answer(open, preview).await;
                return;
            }
            if matches!(open.mode, Mode::Upsert | Mode::Sync) {
                self.merge(open).await;
                return;
            }
            let version = open.import.finish().await;
            let mut next = match open.mode {
                Mode::Replace => Content::new(),
                _ => self.head().clone(),
            };
            next.extend(content(&open.import, &open.rows));
            self.versions.push(next);
            assert_eq!(version, self.head_version());
        }
    }

    async fn merge(&mut self, mut open: Open) {
        let merged = self.merged(&open);
        open.was_at_fault |= merged.is_none();
        let import = &open.import;
        // Mostly a step, and something else before the next.
        let sitting = (self.dice.roll(4) > 0).then(|| Sitting {
            until: Instant::now(),
            end: None,
        });
        let outcome = import
            .store
            .publish_within(import.upload, sitting)
            .await
            .unwrap();
        match (outcome, merged) {
            (Publish::Unfinished, _) => self.open.push(open),
            (Publish::Awaiting, _) => {
                assert!(open.was_at_fault && open.preview.is_some());
                self.replan(open).await;
            }
            (Publish::Failed(_), _) => assert!(open.was_at_fault && open.preview.is_none()),
            (Publish::Published { version, fresh }, Some(next)) => {
                self.merges += 1;
                let next = self.as_renewed(next).await;
                self.versions.push(next);
                assert_eq!((version, fresh), (self.head_version(), true));
            }
            (outcome, merged) => panic!("{outcome:?} of {merged:?}"),
        }
    }

    /// The same content under the row ids that it has got, should it have been written anew.
    async fn as_renewed(&mut self, merged: Content) -> Content {
        let rows = walk(
            &self.db.store,
            self.dataset_no,
            &query(At::Head, Start::First, 7),
        )
        .await;
        let read: Content = rows
            .iter()
            .map(|row| (row.row_id.parse().unwrap(), cells_of(&row.cells)))
            .collect();
        let known = |id: &i64| self.versions.iter().any(|content| content.contains_key(id));
        if read.keys().eq(merged.keys()) || read.keys().any(known) {
            return merged;
        }
        let sorted = |content: &Content| {
            let mut rows: Vec<Row> = content.values().cloned().collect();
            rows.sort();
            rows
        };
        assert_eq!(sorted(&read), sorted(&merged));
        self.renewed += 1;
        read
    }

    async fn commit(&mut self) {
        // Mostly on the head or just behind it, sometimes on something old.
        let head = self.head_version();
        let base = match self.dice.roll(4) {
            0 => self.any_version(),
            1 => (head - 1).max(1),
            _ => head,
        };
        let known: Vec<i64> = self.at(base).keys().copied().collect();
        let mut next = self.head().clone();
        let (mut changes, mut inserted) = (Vec::new(), Vec::new());
        let mut touched = Vec::new();
        let mut conflict = false;
        let mut expected = Vec::new();
        for _ in 0..=self.dice.roll(6) {
            if self.dice.roll(4) == 0 {
                let row = [self.dice.cell(), self.dice.cell()];
                changes.push(Change::Insert(cells(&row, [true, true])));
                inserted.push(row);
                continue;
            }
            let Some(row_id) = self.dice.pick(&known).copied() else {
                continue;
            };
            if touched.contains(&row_id) {
                continue;
            }
            touched.push(row_id);
            let was = self.at(base)[&row_id].clone();
            let is = self.head().get(&row_id).cloned();
            if self.dice.roll(4) == 0 {
                changes.push(Change::Delete(row_id));
                if let Some(is) = is {
                    for column in 0..2 {
                        if is[column] != was[column] {
                            conflict = true;
                            expected.push((row_id, column, false));
                        }
                    }
                    next.remove(&row_id);
                }
                continue;
            }
            let yours = [self.dice.cell(), self.dice.cell()];
            let meant = [self.dice.roll(2) == 0, self.dice.roll(2) == 0];
            changes.push(Change::Update(row_id, cells(&yours, meant)));
            for column in 0..2 {
                if !meant[column] {
                    continue;
                }
                match &is {
                    None => {
                        conflict = true;
                        expected.push((row_id, column, true));
                    }
                    Some(is) if is[column] != was[column] && is[column] != yours[column] => {
                        conflict = true;
                        expected.push((row_id, column, false));
                    }
                    Some(_) => {
                        next.get_mut(&row_id).unwrap()[column].clone_from(&yours[column]);
                    }
                }
            }
        }
        let commit = NewCommit {
            author: self.db.member,
            kind: VersionKind::Grid,
            message: "by hand".to_owned(),
            base,
            changes,
            idempotency: None,
        };
        let done = self
            .db
            .store
            .commit(self.dataset_no, &commit)
            .await
            .unwrap();
        match done {
            Commit::Conflicts(told) => {
                self.conflicts += 1;
                let mut told: Vec<_> = told
                    .iter()
                    .map(|c| {
                        let column = if c.column.as_deref() == Some("col_1") {
                            0
                        } else {
                            1
                        };
                        (c.row_id.parse::<i64>().unwrap(), column, c.gone)
                    })
                    .collect();
                told.sort_unstable();
                expected.sort_unstable();
                assert_eq!(told, expected, "{commit:?}");
            }
            Commit::Done {
                version,
                rows,
                fresh,
            } => {
                assert!(
                    !conflict && fresh,
                    "{commit:?} should conflict: {expected:?}"
                );
                assert_eq!(rows.len(), inserted.len());
                next.extend(rows.into_iter().zip(inserted));
                self.versions.push(next);
                assert_eq!(version, self.head_version());
            }
            Commit::Unchanged { version } => {
                assert!(!conflict && inserted.is_empty(), "{commit:?}");
                assert_eq!(&next, self.head());
                assert_eq!(version, self.head_version());
            }
            Commit::Settled(_) => panic!("nothing is in quarantine: {commit:?}"),
            Commit::Taken(_) => panic!("nothing has to be unique: {commit:?}"),
        }
    }

    async fn restore(&mut self) {
        let version = self.any_version();
        let restored = self
            .db
            .store
            .restore(self.dataset_no, self.db.member, version, "back")
            .await
            .unwrap();
        let wanted = self.at(version).clone();
        match restored {
            Restored::Published { version: new } => {
                assert_ne!(&wanted, self.head(), "nothing was to be restored");
                self.versions.push(wanted);
                assert_eq!(new, self.head_version());
            }
            Restored::Unchanged { version: head } => {
                assert_eq!(&wanted, self.head());
                assert_eq!(head, self.head_version());
            }
        }
    }

    async fn compare(&mut self) {
        let (from, to) = (self.any_version(), self.any_version());
        let limit = 1 + u32::try_from(self.dice.roll(5)).unwrap();
        let mut told = BTreeMap::new();
        let mut after = None;
        let counts = loop {
            let page: Diff = self
                .db
                .store
                .diff(self.dataset_no, from, to, after, limit)
                .await
                .unwrap();
            for row in page.rows {
                let sides = (
                    row.before.map(|c| cells_of(&c)),
                    row.after.map(|c| cells_of(&c)),
                );
                let changed = row.changed.len();
                assert_eq!(changed > 0, row.change == RowChange::Updated);
                told.insert(row.row_id.parse::<i64>().unwrap(), sides);
            }
            match page.next {
                Some(next) => after = Some(next.parse().unwrap()),
                None => break (page.inserted, page.updated, page.deleted),
            }
        };
        let (before, now) = (self.at(from), self.at(to));
        let mut expected = BTreeMap::new();
        for row_id in before.keys().chain(now.keys()) {
            let sides = (before.get(row_id).cloned(), now.get(row_id).cloned());
            if sides.0 != sides.1 {
                expected.insert(*row_id, sides);
            }
        }
        assert_eq!(told, expected, "from {from} to {to}");
        let count = |wanted: fn(&(Option<Row>, Option<Row>)) -> bool| {
            i64::try_from(expected.values().filter(|sides| wanted(sides)).count()).unwrap()
        };
        let expected = (
            count(|sides| sides.0.is_none()),
            count(|sides| sides.0.is_some() && sides.1.is_some()),
            count(|sides| sides.1.is_none()),
        );
        assert_eq!(counts, expected, "from {from} to {to}");
    }

    async fn read(&mut self, version: i64) {
        let at = if version == self.head_version() {
            At::Head
        } else {
            At::Version(version)
        };
        let rows = walk(&self.db.store, self.dataset_no, &query(at, Start::First, 7)).await;
        let read: Content = rows
            .iter()
            .map(|row| (row.row_id.parse().unwrap(), cells_of(&row.cells)))
            .collect();
        assert_eq!(&read, self.at(version), "version {version}");
        // A jump lands where the walk passes.
        if !rows.is_empty() {
            let position = self.dice.roll(rows.len() as u64);
            let page = self
                .db
                .store
                .page(
                    self.dataset_no,
                    &query(At::Version(version), Start::Position(position), 1),
                )
                .await
                .unwrap();
            assert_eq!(
                page.rows[0].row_id,
                rows[usize::try_from(position).unwrap()].row_id,
                "position {position} of version {version}"
            );
        }
    }
}

/// The row ids of each number.
fn numbers(content: &Content) -> BTreeMap<Option<String>, Vec<i64>> {
    let mut rows: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for (row_id, row) in content {
        rows.entry(row[0].clone()).or_default().push(*row_id);
    }
    rows
}

async fn write(import: &Import, rows: &[Row]) {
    let mut batches = Vec::new();
    for (no, chunk) in rows.chunks(5).enumerate() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(
            chunk
                .iter()
                .map(|row| row[0].as_ref().map(|n| n.parse().unwrap()))
                .collect::<Vec<Option<i64>>>(),
        ));
        let names: ArrayRef = Arc::new(StringArray::from(
            chunk.iter().map(|row| row[1].clone()).collect::<Vec<_>>(),
        ));
        batches.push(import.batch(
            u32::try_from(no).unwrap(),
            (no * 5) as u64,
            vec![numbers, names],
        ));
    }
    if !batches.is_empty() {
        import.write(&batches).await;
    }
    import.end(batches.len(), rows.len(), 0).await;
}

fn content(import: &Import, rows: &[Row]) -> Content {
    (import.load.row_lo..).zip(rows.iter().cloned()).collect()
}

fn cells(row: &Row, meant: [bool; 2]) -> store::Cells {
    ["col_1", "col_2"]
        .into_iter()
        .zip(row)
        .zip(meant)
        .filter(|(_, meant)| *meant)
        .map(|((id, value), _)| (id.to_owned(), value.clone()))
        .collect()
}

fn cells_of(cells: &[Value]) -> Row {
    [0, 1].map(|column| cells[column].as_str().map(str::to_owned))
}

#[tokio::test]
async fn every_version_stays_what_it_was_whatever_happens_after_it() {
    let steps = std::env::var("GRIDKEEP_MODEL_STEPS").map_or(120, |n| n.parse().unwrap());
    let seeds: u64 = std::env::var("GRIDKEEP_MODEL_SEEDS").map_or(6, |n| n.parse().unwrap());
    let (mut merges, mut renewed, mut replanned) = (0, 0, 0);
    for seed in 1..=seeds {
        let mut world = World::new(seed).await;
        for step in 0..steps {
            tracing::debug!(seed, step, "a step of the model");
            world.step().await;
        }
        for version in 1..=world.head_version() {
            world.read(version).await;
        }
        for _ in 0..20 {
            world.compare().await;
        }
        check_counts(&world.db, world.dataset_no).await;
        assert!(world.conflicts > 0, "seed {seed} met no conflict");
        merges += world.merges;
        renewed += world.renewed;
        replanned += world.replanned;
    }
    assert!(merges > 0, "no file was merged");
    assert!(renewed > 0 || seeds < 2, "no content was written anew");
    assert!(replanned > 0, "no file was planned anew");
}
