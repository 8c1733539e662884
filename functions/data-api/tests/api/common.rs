//! A database of its own for each test, people in it, and tables put in through the store as an import would.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use axum::{
    Router,
    body::{Body, Bytes},
};
use contracts::{
    DatasetId, UploadId, UserId,
    dataset::{Column, ColumnType},
    events::{BatchMeta, EndOfLoad},
    plan::{BATCH_BYTES, BATCH_ROWS, Dialect, FilePlan, ObjectRef, Plan, PlannedColumn},
    receipt::Place,
    upload::{Confirm, Mode, Target},
};
use data_api::{Config, Deps};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use platform::{
    auth::hash_api_token,
    config::Settings,
    http::{HttpConfig, layer},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use store::{IncomingBatch, NewImport, Publish, Store};
use tower::ServiceExt;
use ulid::Ulid;

const ORIGIN: &str = "http://localhost:8080";
/// The public key of RFC 8037's example: nobody signs with it here, people come with API tokens.
const JWKS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "test", "alg": "EdDSA",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

pub struct App {
    pub store: Store,
    pub pool: PgPool,
    router: Router,
    _database: Database,
}

/// Somebody with an API token.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    token: String,
}

impl Person {
    /// The header line that says who it is.
    pub fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl App {
    pub async fn start() -> Self {
        let database = Database::create().await;
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
        let person = Person {
            id: UserId::generate(),
            token: format!("gk_{}", Ulid::new()),
        };
        let id = person.id.to_string();
        sqlx::query(
            "insert into gk.member (id, email, name) values ($1, $2 || '@example.org', $2)",
        )
        .bind(&id)
        .bind(name)
        .execute(&self.pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into gk.api_token (id, member, hash, name) values ($1, $2, $3, 'test')",
        )
        .bind(format!("tok_{id}"))
        .bind(&id)
        .bind(hash_api_token(&person.token).as_slice())
        .execute(&self.pool)
        .await
        .unwrap();
        person
    }

    pub async fn share(&self, dataset: DatasetId, with: &Person, role: &str) {
        sqlx::query(
            "insert into gk.dataset_grant (dataset, member, role) select no, $2, $3 from gk.dataset where id = $1
             on conflict (member, dataset) do update set role = excluded.role",
        )
        .bind(dataset.to_string())
        .bind(with.id.to_string())
        .bind(role)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub async fn unshare(&self, dataset: DatasetId, with: &Person) {
        sqlx::query("delete from gk.dataset_grant where member = $2 and dataset = (select no from gk.dataset where id = $1)")
            .bind(dataset.to_string())
            .bind(with.id.to_string())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        by: Option<&Person>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost:8080");
        if let Some(person) = by {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
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
        let (parts, bytes) = self.answer(request.body(body).unwrap()).await;
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: if bytes.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).unwrap()
            },
        }
    }

    async fn answer(&self, request: Request<Body>) -> (http::response::Parts, Bytes) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts, body.collect().await.unwrap().to_bytes())
    }

    /// The text of an answer that is no JSON.
    pub async fn text(&self, path: &str, by: &Person) -> String {
        let request = Request::builder()
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, format!("Bearer {}", by.token));
        let (parts, bytes) = self.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(parts.status, StatusCode::OK);
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
                key: Vec::new(),
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
            key: Vec::new(),
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

/// A database that is dropped with the test.
struct Database {
    admin: String,
    name: String,
    url: String,
}

impl Database {
    async fn create() -> Self {
        let admin = std::env::var("GRIDKEEP_TEST_PG_URL")
            .expect("GRIDKEEP_TEST_PG_URL is an admin URL of a PostgreSQL");
        let name = format!("data_api_{}", Ulid::new().to_string().to_lowercase());
        execute(&admin, format!("create database {name}")).await;
        let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
        Self { admin, name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // Also when the test has failed: a thread of its own, because the test's runtime is in use.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(execute(
                &admin,
                format!("drop database {name} with (force)"),
            ));
        })
        .join();
        assert!(gone.is_ok() || std::thread::panicking());
    }
}

async fn execute(url: &str, sql: String) {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}
