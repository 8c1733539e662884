//! How fast it is beside PostgreSQL's own tools, in one run:
//!
//! `GRIDKEEP_FLIGHTS_CSV=flights.csv cargo test -p store --test store -- --ignored --nocapture speed`
//!
//! Needs `psql` and `pgbench` on the path. The load is the flights file three times over, 1,010,328 rows, by two writers; its
//! anchor is `\copy` of the same rows into the same table with its key.

use std::{
    fmt::Write as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use contracts::{dataset::ColumnType, upload::Mode};
use store::{At, IncomingBatch, RowsQuery, Sort, Start, versions::Timestamp};

use crate::helper::{Import, TestDb, new_target, query};

const RUNS: usize = 3;
const BATCH: usize = 4_096;
const BATCHES_PER_TRANSACTION: usize = 32;

struct Flights {
    columns: Vec<(String, ColumnType)>,
    cells: Vec<ArrayRef>,
    rows: usize,
}

impl Flights {
    fn read(path: &Path, times: usize) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let mut fields: Vec<Vec<Option<&str>>> = vec![Vec::new(); names.len()];
        for line in lines {
            for (column, cell) in fields.iter_mut().zip(line.split(',')) {
                column.push((cell != "NA").then_some(cell));
            }
        }
        let mut columns = Vec::new();
        let mut cells: Vec<ArrayRef> = Vec::new();
        for (name, once) in names.into_iter().zip(fields) {
            let values = (0..times).flat_map(|_| once.iter().copied());
            let (kind, array): (_, ArrayRef) = match name {
                "carrier" | "tailnum" | "origin" | "dest" => {
                    (ColumnType::Text, Arc::new(values.collect::<StringArray>()))
                }
                "time_hour" => (
                    ColumnType::Timestamptz,
                    Arc::new(
                        values
                            .map(|v| v.map(|v| v.parse::<Timestamp>().unwrap().as_microsecond()))
                            .collect::<TimestampMicrosecondArray>()
                            .with_timezone("UTC"),
                    ),
                ),
                _ => (
                    ColumnType::Int64,
                    Arc::new(
                        values
                            .map(|v| v.map(|v| v.parse::<i64>().unwrap()))
                            .collect::<Int64Array>(),
                    ),
                ),
            };
            columns.push((name.to_owned(), kind));
            cells.push(array);
        }
        let rows = cells[0].len();
        Self {
            columns,
            cells,
            rows,
        }
    }

    fn batches(&self, import: &Import) -> Vec<IncomingBatch> {
        (0..self.rows)
            .step_by(BATCH)
            .enumerate()
            .map(|(no, from)| {
                let length = BATCH.min(self.rows - from);
                let cells = self.cells.iter().map(|a| a.slice(from, length)).collect();
                import.batch(u32::try_from(no).unwrap(), from as u64, cells)
            })
            .collect()
    }
}

async fn load(db: &TestDb, flights: &Flights) -> (Import, Duration) {
    let columns: Vec<_> = flights
        .columns
        .iter()
        .map(|(name, kind)| (name.as_str(), *kind))
        .collect();
    let import = db
        .open(new_target(), Mode::New, &columns, flights.rows as u64)
        .await;
    let batches = flights.batches(&import);
    let started = Instant::now();
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (store, upload) = (import.store.clone(), import.upload);
            let mine: Vec<_> = batches
                .chunks(BATCHES_PER_TRANSACTION)
                .skip(writer)
                .step_by(2)
                .map(<[IncomingBatch]>::to_vec)
                .collect();
            tokio::spawn(async move {
                for some in mine {
                    store.write_batches(upload, 1, &some).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    import.end(batches.len(), flights.rows, 0).await;
    import.finish().await;
    (import, started.elapsed())
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// `\copy` of the loaded rows, as CSV in `file`, into an empty copy of their table with its key.
fn copy(url: &str, dataset_no: i64, file: &Path) -> Duration {
    run(Command::new("psql").args([url, "-qc"]).arg(format!(
        "drop table if exists anchor; create table anchor (like data.d_{dataset_no} including indexes)"
    )));
    let started = Instant::now();
    run(Command::new("psql").args([url, "-qc"]).arg(format!(
        "\\copy anchor from '{}' (format csv, null 'NA')",
        file.display()
    )));
    started.elapsed()
}

/// Milliseconds per statement, by one client.
fn pgbench(url: &str, sql: &str) -> f64 {
    let script = tempfile_in_target("page.sql");
    std::fs::write(&script, sql).unwrap();
    let output = run(Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-T", "3", "-f"])
        .arg(&script)
        .arg(url));
    let line = output
        .lines()
        .find(|line| line.starts_with("latency average"))
        .unwrap();
    line.split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap()
}

fn tempfile_in_target(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

async fn pages(db: &TestDb, dataset_no: i64, query: &RowsQuery, count: u32) -> f64 {
    db.store.page(dataset_no, query).await.unwrap();
    let started = Instant::now();
    for _ in 0..count {
        db.store.page(dataset_no, query).await.unwrap();
    }
    started.elapsed().as_secs_f64() * 1e3 / f64::from(count)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; needs the flights file"]
async fn a_million_rows_load_about_as_fast_as_copy_and_pages_come_about_as_fast_as_plain_sql() {
    let file = std::env::var("GRIDKEEP_FLIGHTS_CSV").expect("GRIDKEEP_FLIGHTS_CSV names the file");
    let flights = Flights::read(Path::new(&file), 3);
    let db = TestDb::new().await;
    let url = db.url();
    let mut report = String::new();

    let csv = tempfile_in_target("rows.csv");
    let (mut loads, mut copies, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut dataset_no = 0;
    for _ in 0..RUNS {
        let (import, loaded) = load(&db, &flights).await;
        dataset_no = import.dataset_no();
        if !csv.exists() {
            run(Command::new("psql").args([&url, "-qc"]).arg(format!(
                "\\copy (select * from data.d_{dataset_no} order by row_id) to '{}' (format csv, null 'NA')",
                csv.display()
            )));
        }
        let copied = copy(&url, dataset_no, &csv);
        loads.push(loaded.as_secs_f64());
        copies.push(copied.as_secs_f64());
        ratios.push(loaded.as_secs_f64() / copied.as_secs_f64());
    }
    std::fs::remove_file(&csv).unwrap();
    writeln!(
        report,
        "load of {} rows to published: {:.2} s; \\copy: {:.2} s; ratio {:.2}",
        flights.rows,
        median(&mut loads),
        median(&mut copies),
        median(&mut ratios)
    )
    .unwrap();
    db.execute(&format!("vacuum analyze data.d_{dataset_no}"))
        .await;

    let columns: Vec<_> = (1..=flights.columns.len())
        .map(|n| format!("c{n}"))
        .collect();
    let plain = format!(
        "select row_id, {} from data.d_{dataset_no} where row_id > 0 order by row_id limit 100;",
        columns.join(", ")
    );
    let anchor = pgbench(&url, &plain);
    let known = query(At::Version(1), Start::First, 100);
    let middle = query(At::Version(1), Start::Position(500_000), 100);
    let sort = Sort::by("dep_time".to_owned(), false);
    let sorted = RowsQuery {
        sort: sort.clone(),
        ..known.clone()
    };
    let listed = RowsQuery {
        sort,
        ..middle.clone()
    };
    let started = Instant::now();
    db.store.page(dataset_no, &listed).await.unwrap();
    let list = started.elapsed().as_secs_f64() * 1e3;
    let started = Instant::now();
    for _ in 0..500 {
        db.number("select 1::bigint").await;
    }
    let round_trip = started.elapsed().as_secs_f64() * 2.0;
    let lines = [
        ("select 1 through the same pool", round_trip),
        (
            "page of 100, version known",
            pages(&db, dataset_no, &known, 500).await,
        ),
        (
            "page of 100, head asked for",
            pages(&db, dataset_no, &query(At::Head, Start::First, 100), 500).await,
        ),
        (
            "position 500,000",
            pages(&db, dataset_no, &middle, 200).await,
        ),
        (
            "first page sorted, no index",
            pages(&db, dataset_no, &sorted, 5).await,
        ),
        ("position 500,000 sorted, list made", list),
        (
            "position 500,000 sorted, list kept",
            pages(&db, dataset_no, &listed, 200).await,
        ),
    ];
    writeln!(report, "pgbench, the plain page: {anchor:.3} ms").unwrap();
    for (what, milliseconds) in lines {
        writeln!(report, "{what}: {milliseconds:.3} ms").unwrap();
    }
    println!("{report}");
}
