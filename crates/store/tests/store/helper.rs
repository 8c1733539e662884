//! A database per test, and imports in a few words.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use contracts::{
    UploadId, UserId,
    dataset::{Column, ColumnType, Row, VersionKind},
    events::{BatchMeta, EndOfLoad, PLACE_FIELDS},
    plan::{Dialect, FilePlan, ObjectRef, Options, Plan, PlannedColumn},
    receipt::Place,
    upload::{Confirm, Mode, Target},
};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use store::{
    At, Change, Commit, IncomingBatch, NewCommit, NewImport, OpenLoad, Publish, RowsPage,
    RowsQuery, Sort, Start, Store, Write,
};

pub struct TestDb {
    pub store: Store,
    pub pool: PgPool,
    pub member: UserId,
    admin: PgConnectOptions,
    name: String,
}

impl TestDb {
    pub async fn new() -> Self {
        let admin: PgConnectOptions = std::env::var("GRIDKEEP_TEST_PG_URL")
            .expect("GRIDKEEP_TEST_PG_URL names a PostgreSQL server for tests")
            .parse()
            .unwrap();
        let name = format!(
            "store_{}",
            UploadId::generate().to_string().replace("upl_", "")
        );
        let mut connection = admin.connect().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("create database {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(12)
            // As platform::pg has it for connections in use: no ping before each statement.
            .test_before_acquire(false)
            .connect_with(admin.clone().database(&name))
            .await
            .unwrap();
        let store = Store::new(pool.clone());
        store.migrate().await.unwrap();
        Self {
            store,
            pool,
            member: UserId::generate(),
            admin,
            name,
        }
    }

    /// For `psql` and `pgbench`, without what only sqlx understands.
    pub fn url(&self) -> String {
        let mut url = self.admin.clone().database(&self.name).to_url_lossy();
        url.set_query(None);
        url.to_string()
    }

    pub async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub async fn ask(&self, target: Target, mode: Mode) -> UploadId {
        self.ask_with(target, mode, Confirm::Auto).await
    }

    pub async fn ask_with(&self, target: Target, mode: Mode, confirm: Confirm) -> UploadId {
        let upload = UploadId::generate();
        let new = NewImport {
            upload,
            member: self.member,
            file_name: "file.csv".to_owned(),
            bytes: 1_000,
            target,
            mode,
            key: key_of(mode),
            options: Options::default(),
            confirm,
            object_key: format!("uploads/{upload}/file.csv"),
            expires_in: Duration::from_secs(900),
        };
        self.store.create_import(new).await.unwrap();
        upload
    }

    pub async fn ask_new(&self) -> UploadId {
        let target = Target::New {
            new_name: "Things".to_owned(),
        };
        self.ask(target, Mode::New).await
    }

    /// Asks, plans and opens an import, generation 1.
    pub async fn open(
        &self,
        target: Target,
        mode: Mode,
        columns: &[(&str, ColumnType)],
        rows: u64,
    ) -> Import {
        let upload = self.ask(target, mode).await;
        self.open_generation(upload, 1, mode, columns, rows).await
    }

    pub async fn open_new(&self, columns: &[(&str, ColumnType)], rows: u64) -> Import {
        let upload = self.ask_new().await;
        self.open_generation(upload, 1, Mode::New, columns, rows)
            .await
    }

    pub async fn open_generation(
        &self,
        upload: UploadId,
        generation: i32,
        mode: Mode,
        columns: &[(&str, ColumnType)],
        rows: u64,
    ) -> Import {
        let plan = plan(generation, mode, columns, rows);
        let plan = self.store.save_plan(upload, &plan, &[]).await.unwrap();
        let load = self.store.open_load(upload, generation).await.unwrap();
        Import {
            store: self.store.clone(),
            upload,
            generation,
            plan,
            load,
        }
    }

    /// A whole import of one `int64` column, published.
    pub async fn import_numbers(&self, target: Target, mode: Mode, numbers: &[i64]) -> Import {
        let import = self
            .open(
                target,
                mode,
                &[("number", ColumnType::Int64)],
                numbers.len() as u64,
            )
            .await;
        import.write_numbers(numbers, 4_096).await;
        import.finish().await;
        import
    }

    pub async fn new_numbers(&self, numbers: &[i64]) -> Import {
        let target = Target::New {
            new_name: "Numbers".to_owned(),
        };
        self.import_numbers(target, Mode::New, numbers).await
    }

    pub async fn existing(&self, dataset_no: i64) -> Target {
        let id: String = sqlx::query_scalar("select id from gk.dataset where no = $1")
            .bind(dataset_no)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        Target::Existing {
            id: id.parse().unwrap(),
        }
    }

    /// Edits the first column in the grid: this SQL expression of it, of the rows that are picked by this condition.
    pub async fn edit(&self, dataset_no: i64, to: &str, whose: &str) -> i64 {
        let head = self.store.resolve(dataset_no, At::Head).await.unwrap();
        let rows: Vec<(i64, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "select row_id, ({to})::text from data.d_{dataset_no} t join gk.dataset s on s.no = {dataset_no} \
             where born <= s.max_commit and born <> all(s.hidden) and {whose} order by row_id"
        )))
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let changes = rows
            .into_iter()
            .map(|(row, value)| Change::Update(row, vec![("col_1".to_owned(), Some(value))]))
            .collect();
        let new = NewCommit {
            author: self.member,
            kind: VersionKind::Grid,
            message: String::new(),
            base: head.version,
            changes,
            idempotency: None,
        };
        match self.store.commit(dataset_no, &new).await.unwrap() {
            Commit::Done { version, .. } => version,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async {
                    let mut connection = admin.connect().await.unwrap();
                    sqlx::query(AssertSqlSafe(format!("drop database {name} with (force)")))
                        .execute(&mut connection)
                        .await
                        .unwrap();
                });
        });
        let _ = dropped.join();
    }
}

/// Where these rows stand in a file with a header, a line and ten bytes each.
fn places(row_offset: u64, rows: usize) -> RecordBatch {
    let numbers = row_offset.cast_signed()..;
    let numbers: Vec<i64> = numbers.take(rows).collect();
    let of = |number: fn(&i64) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(numbers.iter().map(number)))
    };
    let raw = numbers.iter().map(|no| format!("raw {no}"));
    let arrays = [
        of(|no| no + 2),
        of(|no| no * 10),
        of(|no| no + 2),
        Arc::new(StringArray::from_iter_values(raw)) as ArrayRef,
    ];
    RecordBatch::try_from_iter(PLACE_FIELDS.into_iter().zip(arrays)).unwrap()
}

/// An import whose load is open.
pub struct Import {
    pub store: Store,
    pub upload: UploadId,
    pub generation: i32,
    pub plan: Plan,
    pub load: OpenLoad,
}

impl Import {
    pub fn dataset_no(&self) -> i64 {
        self.load.dataset_no
    }

    pub fn batch(&self, no: u32, row_offset: u64, cells: Vec<ArrayRef>) -> IncomingBatch {
        let fields: Vec<Field> = self
            .plan
            .file
            .columns
            .iter()
            .zip(&cells)
            .map(|(planned, array)| Field::new(&planned.column.id, array.data_type().clone(), true))
            .collect();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), cells).unwrap();
        let is_placed = (self.plan.file.unique(&self.load.rules).next()).is_some();
        IncomingBatch {
            shown: Vec::new(),
            places: is_placed.then(|| places(row_offset, rows.num_rows())),
            no,
            meta: BatchMeta {
                row_offset,
                rows: u32::try_from(rows.num_rows()).unwrap(),
                quarantined: 0,
            },
            rows,
            rejects: Vec::new(),
        }
    }

    /// The numbers as batches of so many rows.
    pub fn number_batches(&self, numbers: &[i64], rows: usize) -> Vec<IncomingBatch> {
        numbers
            .chunks(rows)
            .enumerate()
            .map(|(no, chunk)| {
                let cells: ArrayRef = Arc::new(Int64Array::from(chunk.to_vec()));
                self.batch(u32::try_from(no).unwrap(), (no * rows) as u64, vec![cells])
            })
            .collect()
    }

    pub async fn write(&self, batches: &[IncomingBatch]) -> Write {
        self.store
            .write_batches(self.upload, self.generation, batches)
            .await
            .unwrap()
    }

    /// Writes and says so at the end, but does not publish.
    pub async fn write_numbers(&self, numbers: &[i64], rows: usize) {
        let batches = self.number_batches(numbers, rows);
        for some in batches.chunks(4) {
            assert!(matches!(self.write(some).await, Write::Written { .. }));
        }
        self.end(batches.len(), numbers.len(), 0).await;
    }

    pub async fn end(&self, batches: usize, rows: usize, quarantined: usize) -> Write {
        let end = EndOfLoad {
            batches: u32::try_from(batches).unwrap(),
            rows: rows as u64,
            quarantined: quarantined as u64,
        };
        self.store
            .end_of_load(self.upload, self.generation, end)
            .await
            .unwrap()
    }

    /// Has all its rows; somebody is to confirm it.
    pub async fn awaits(&self) {
        let publish = self.store.publish_if_complete(self.upload).await.unwrap();
        assert_eq!(publish, Publish::Awaiting);
    }

    /// Publishes, which must work.
    pub async fn finish(&self) -> i64 {
        match self.store.publish_if_complete(self.upload).await.unwrap() {
            Publish::Published { version, .. } => version,
            other => panic!("not published: {other:?}"),
        }
    }
}

/// The first column, where a key is needed.
pub fn key_of(mode: Mode) -> Vec<String> {
    match mode {
        Mode::Upsert | Mode::Sync => vec!["col_1".to_owned()],
        Mode::New | Mode::Append | Mode::Replace => Vec::new(),
    }
}

pub fn plan(generation: i32, mode: Mode, columns: &[(&str, ColumnType)], rows: u64) -> Plan {
    Plan {
        generation,
        object: ObjectRef {
            bucket: "gridkeep".to_owned(),
            key: "uploads/x/file.csv".to_owned(),
            etag: "\"e\"".to_owned(),
            bytes: 1_000,
        },
        mode,
        key: key_of(mode),
        file: FilePlan {
            kind: contracts::plan::FileKind::default(),
            dialect: Dialect::default(),
            columns: columns
                .iter()
                .enumerate()
                .map(|(at, (name, kind))| PlannedColumn {
                    column: Column {
                        id: format!("col_{}", at + 1),
                        name: (*name).to_owned(),
                        kind: *kind,
                        format: None,
                        null_token: Some(String::new()),
                    },
                    header: (*name).to_owned(),
                    source: Some(u32::try_from(at).unwrap()),
                    fixed: false,
                })
                .collect(),
            mapping: Vec::new(),
            records: rows + 1,
            headers: 1,
            skipped: BTreeMap::new(),
            rows,
            ..FilePlan::default()
        },
        batch_rows: 4_096,
        batch_bytes: 512 * 1024,
    }
}

pub fn reject(record: u64) -> Place {
    Place {
        byte: record * 10,
        line: record,
        record,
        column: Some("number".to_owned()),
        code: "type_mismatch".to_owned(),
        message: "not a number".to_owned(),
        raw: Some("a\0b,c".to_owned()),
    }
}

pub fn new_target() -> Target {
    Target::New {
        new_name: "Things".to_owned(),
    }
}

pub fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A column of each type from canonical spellings is more than these tests need: numbers in, Arrow out.
pub fn arrow(kind: ColumnType, values: &[Option<i64>]) -> ArrayRef {
    let values = values.to_vec();
    match kind {
        ColumnType::Text | ColumnType::Decimal | ColumnType::Json => Arc::new(StringArray::from(
            values
                .iter()
                .map(|v| v.map(|n| n.to_string()))
                .collect::<Vec<_>>(),
        )),
        ColumnType::Int64 => Arc::new(Int64Array::from(values)),
        ColumnType::Float => Arc::new(Float64Array::from(
            values
                .iter()
                .map(|v| v.map(|n| n as f64 / 4.0))
                .collect::<Vec<_>>(),
        )),
        ColumnType::Boolean => Arc::new(BooleanArray::from(
            values.iter().map(|v| v.map(|n| n != 0)).collect::<Vec<_>>(),
        )),
        ColumnType::Date => Arc::new(Date32Array::from(
            values
                .iter()
                .map(|v| v.map(|n| i32::try_from(n).unwrap()))
                .collect::<Vec<_>>(),
        )),
        ColumnType::Time => Arc::new(Time64MicrosecondArray::from(values)),
        ColumnType::Timestamp => Arc::new(TimestampMicrosecondArray::from(values)),
        ColumnType::Timestamptz => {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        }
    }
}

pub fn is_utc(array: &ArrayRef) -> bool {
    matches!(array.data_type(), DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC")
}

pub fn query(at: At, start: Start, limit: u32) -> RowsQuery {
    RowsQuery {
        at,
        sort: Sort::default(),
        filter: None,
        start,
        limit,
    }
}

/// Every row of a view, by its cursors.
pub async fn walk(store: &Store, dataset_no: i64, query: &RowsQuery) -> Vec<Row> {
    let mut query = query.clone();
    let mut rows = Vec::new();
    loop {
        let page = store.page(dataset_no, &query).await.unwrap();
        query.at = At::Version(page.version);
        let full = page.rows.len() == query.limit as usize;
        rows.extend(page.rows);
        match page.next {
            Some(row_id) => {
                assert!(full, "a page before the last is full");
                query.start = Start::After(row_id);
            }
            None => {
                if query.filter.is_none() {
                    assert_eq!(page.total, rows.len() as i64);
                }
                return rows;
            }
        }
    }
}

/// The first column's numbers at a version, in the table's order.
pub async fn numbers(store: &Store, dataset_no: i64, at: At) -> Vec<i64> {
    walk(store, dataset_no, &query(at, Start::First, 1_000))
        .await
        .iter()
        .map(|row| number(&row.cells[0]))
        .collect()
}

pub fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

pub fn ids(page: &RowsPage) -> Vec<i64> {
    page.rows
        .iter()
        .map(|row| row.row_id.parse().unwrap())
        .collect()
}

/// What must hold of every version: its blocks count its rows, and so do its readers.
pub async fn check_counts(db: &TestDb, dataset_no: i64) {
    let head = db
        .number(&format!(
            "select head from gk.dataset where no = {dataset_no}"
        ))
        .await;
    for version in 1..=head {
        let rows = db
            .number(&format!(
                "select rows from gk.version where dataset = {dataset_no} and version = {version}"
            ))
            .await;
        let blocks = db
            .number(&format!(
                "select coalesce(sum(n), 0)::bigint from data.d_{dataset_no}_blocks where v_from <= {version} and v_to > {version}"
            ))
            .await;
        let at = query(At::Version(version), Start::First, 1_000);
        let read = walk(&db.store, dataset_no, &at).await;
        assert_eq!(
            (blocks, read.len() as i64),
            (rows, rows),
            "version {version}"
        );
    }
}
