//! A database of its own for each test, people in it, and tables put in through the store as an import would.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use axum::{Router, body::Body};
use contracts::{
    DatasetId, UploadId,
    dataset::{Column, ColumnType},
    events::{BatchMeta, EndOfLoad},
    plan::{BATCH_BYTES, BATCH_ROWS, Dialect, FilePlan, ObjectRef, Plan, PlannedColumn},
    receipt::Place,
    upload::{Confirm, Mode, Target},
};
use data_api::{Config, Deps};
use http::{StatusCode, header};
use platform::{
    config::Settings,
    http::{HttpConfig, layer},
};
use serde_json::Value;
use sqlx::PgPool;
use store::{IncomingBatch, NewImport, Publish, Store};
pub use testbase::{Answer, Person};
use testbase::{Database, JWKS, ORIGIN};

pub struct App {
    pub store: Store,
    pub pool: PgPool,
    router: Router,
    _database: Database,
}

impl App {
    pub async fn start() -> Self {
        let database = Database::create("data_api").await;
        let settings = Settings::from_map(BTreeMap::from(
            [
                ("GRIDKEEP_PG_URL", database.url.as_str()),
                ("GRIDKEEP_PUBLIC_URL", ORIGIN),
                ("GRIDKEEP_JWKS", JWKS),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ));
        let pool = PgPool::connect(&database.url).await.unwrap();
        let store = Store::new(pool.clone());
        store.migrate().await.unwrap();
        let deps: Arc<Deps> = Deps::connect(&Config::from(&settings).unwrap())
            .await
            .unwrap();
        let router = layer(
            data_api::router(deps),
            &HttpConfig::from(&settings).unwrap(),
        );
        Self {
            store,
            pool,
            router,
            _database: database,
        }
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub async fn person(&self, name: &str) -> Person {
        Person::join(&self.pool, name).await
    }

    pub async fn share(&self, dataset: DatasetId, with: &Person, role: &str) {
        with.gets(&self.pool, dataset, Some(role)).await;
    }

    pub async fn unshare(&self, dataset: DatasetId, with: &Person) {
        with.gets(&self.pool, dataset, None).await;
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        by: Option<&Person>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = testbase::ask(method, path);
        if let Some(person) = by {
            request = request.header(header::AUTHORIZATION, person.bearer());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        testbase::answer(&self.router, request.body(body).unwrap()).await
    }

    /// The text of an answer that is no JSON.
    pub async fn text(&self, path: &str, by: &Person) -> String {
        let request = testbase::ask("GET", path).header(header::AUTHORIZATION, by.bearer());
        let request = request.body(Body::empty()).unwrap();
        let (status, _, bytes) = testbase::answer_bytes(&self.router, request).await;
        assert_eq!(status, StatusCode::OK);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub async fn get(&self, path: &str, by: &Person) -> Answer {
        self.send("GET", path, Some(by), &[], None).await
    }

    /// Publishes a table as a new dataset of this person's.
    pub async fn dataset(&self, owner: &Person, name: &str, table: &Table) -> DatasetId {
        let target = Target::New {
            new_name: name.to_owned(),
        };
        self.import(owner, target, Mode::New, table).await
    }

    pub async fn import(
        &self,
        by: &Person,
        target: Target,
        mode: Mode,
        table: &Table,
    ) -> DatasetId {
        let upload = UploadId::generate();
        let import = self
            .store
            .create_import(NewImport {
                upload,
                member: by.id,
                file_name: "table.csv".into(),
                bytes: 1,
                target,
                mode,
                key: key(mode),
                options: contracts::plan::Options::default(),
                confirm: Confirm::Auto,
                object_key: format!("uploads/{upload}/table.csv"),
                expires_in: std::time::Duration::from_secs(900),
            })
            .await
            .unwrap();
        self.store.start_analysis(upload, 1).await.unwrap();
        let plan = self
            .store
            .save_plan(upload, &table.plan(mode), &[])
            .await
            .unwrap();
        let load = self.store.open_load(upload, 1).await.unwrap();
        assert_eq!(load.columns.len(), table.columns.len());
        let mut offset = 0;
        let mut end = EndOfLoad {
            batches: 0,
            rows: 0,
            quarantined: table.rejects.len() as u64,
        };
        let ids: Vec<_> = plan
            .file
            .columns
            .iter()
            .map(|c| c.column.id.clone())
            .collect();
        let mut batches = Vec::new();
        let chunks: Vec<_> = if table.rows.is_empty() {
            vec![&[][..]]
        } else {
            table.rows.chunks(BATCH_ROWS).collect()
        };
        for (no, rows) in chunks.iter().enumerate() {
            let rejects = if no == 0 {
                table.rejects.clone()
            } else {
                Vec::new()
            };
            let meta = BatchMeta {
                row_offset: offset,
                rows: rows.len() as u32,
                quarantined: rejects.len() as u32,
            };
            offset += (rows.len() + rejects.len()) as u64;
            end.batches += 1;
            end.rows += rows.len() as u64;
            batches.push(IncomingBatch {
                shown: Vec::new(),
                no: no as u32,
                meta,
                rows: table.arrow(&ids, rows),
                places: None,
                rejects,
            });
        }
        for some in batches.chunks(16) {
            self.store.write_batches(upload, 1, some).await.unwrap();
        }
        self.store.end_of_load(upload, 1, end).await.unwrap();
        let outcome = self.store.publish_if_complete(upload).await.unwrap();
        assert!(
            matches!(outcome, Publish::Published { fresh: true, .. }),
            "{outcome:?}"
        );
        import.upload.dataset_id
    }
}

/// A small table to import: cells as text, parsed by the column's type.
#[derive(Default)]
pub struct Table {
    pub columns: Vec<(String, ColumnType)>,
    pub rows: Vec<Vec<Option<String>>>,
    pub rejects: Vec<Place>,
}

/// Rows are told apart by the first column.
fn key(mode: Mode) -> Vec<String> {
    let merges = matches!(mode, Mode::Upsert | Mode::Sync);
    merges.then(|| "col_1".to_owned()).into_iter().collect()
}

impl Table {
    pub fn new(columns: &[(&str, ColumnType)]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect(),
            ..Self::default()
        }
    }

    /// Adds a row; `-` is null.
    pub fn row(mut self, cells: &[&str]) -> Self {
        assert_eq!(cells.len(), self.columns.len());
        let cells = cells
            .iter()
            .map(|cell| (*cell != "-").then(|| (*cell).to_owned()));
        self.rows.push(cells.collect());
        self
    }

    pub fn reject(mut self, place: Place) -> Self {
        self.rejects.push(place);
        self
    }

    fn plan(&self, mode: Mode) -> Plan {
        let rows = (self.rows.len() + self.rejects.len()) as u64;
        let columns = self
            .columns
            .iter()
            .enumerate()
            .map(|(no, (name, kind))| PlannedColumn {
                column: Column {
                    id: format!("col_{}", no + 1),
                    name: name.clone(),
                    kind: *kind,
                    format: None,
                    null_token: Some("NA".to_owned()),
                },
                header: name.clone(),
                source: Some(no as u32),
                fixed: false,
            });
        Plan {
            generation: 1,
            object: ObjectRef {
                bucket: "test".into(),
                key: "uploads/test/table.csv".into(),
                etag: "\"test\"".into(),
                bytes: 1,
            },
            mode,
            key: key(mode),
            file: FilePlan {
                kind: contracts::plan::FileKind::default(),
                dialect: Dialect::default(),
                columns: columns.collect(),
                mapping: Vec::new(),
                records: rows + 1,
                headers: 1,
                skipped: BTreeMap::new(),
                rows,
                ..FilePlan::default()
            },
            batch_rows: BATCH_ROWS as u32,
            batch_bytes: BATCH_BYTES as u32,
        }
    }

    fn arrow(&self, ids: &[String], rows: &[Vec<Option<String>>]) -> RecordBatch {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (no, (_, kind)) in self.columns.iter().enumerate() {
            let cells = rows.iter().map(|row| row[no].as_deref());
            let array: ArrayRef = match kind {
                ColumnType::Int64 => Arc::new(
                    cells
                        .map(|cell| cell.map(|c| c.parse::<i64>().unwrap()))
                        .collect::<Int64Array>(),
                ),
                ColumnType::Text | ColumnType::Decimal | ColumnType::Json => {
                    Arc::new(cells.collect::<StringArray>())
                }
                other => panic!("no {other:?} here"),
            };
            let kind = if *kind == ColumnType::Int64 {
                DataType::Int64
            } else {
                DataType::Utf8
            };
            fields.push(Field::new(&ids[no], kind, true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }
}
