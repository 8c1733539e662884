//! Reading alone, with no server: `gridkeep inspect --json` finds the dialect, infers the types over every row and makes typed
//! batches, as etl does. Beside it those who only read.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use calamine::{Reader as _, Xlsx};
use rust_xlsxwriter::Workbook;

use crate::{
    Line, ROUNDS,
    import::write_million,
    tools::{median, output, peak_mb},
};

/// Seconds and peak memory in MB of `gridkeep inspect --json`.
fn inspect(file: &Path) -> anyhow::Result<(f64, f64)> {
    let begin = Instant::now();
    let mut child = Command::new(testkit::program()?)
        .args(["inspect", "--json"])
        .arg(file)
        .stdout(Stdio::null())
        .spawn()?;
    let mut peak: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak.max(peak_mb(child.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(
        matches!(status.code(), Some(0 | 1)),
        "inspect of {}: {status}",
        file.display()
    );
    Ok((begin.elapsed().as_secs_f64(), peak))
}

/// A million rows of CSV beside DuckDB on one thread and bare records, and workbooks beside calamine.
pub fn beside_readers(flights: &Path) -> anyhow::Result<Vec<Line>> {
    let folder = tempfile::tempdir()?;
    let csv = folder.path().join("million.csv");
    write_million(flights, &csv, |_| false)?;
    let mut lines = text(&csv)?;
    for (shared, what, what_memory) in [
        (
            true,
            "read 336,776 rows of XLSX, shared strings",
            "its peak memory",
        ),
        (
            false,
            "read 336,776 rows of XLSX, inline strings",
            "its peak memory, inline strings",
        ),
    ] {
        let file = folder.path().join("flights.xlsx");
        write_workbook(flights, &file, shared)?;
        lines.extend(workbook(&file, what, what_memory)?);
    }
    Ok(lines)
}

fn text(csv: &Path) -> anyhow::Result<Vec<Line>> {
    let python = output(Command::new("./venv.sh").arg("benches/requirements.txt"))?;
    let (mut ours, mut duckdb, mut bare, mut peaks) = (vec![], vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let (seconds, peak) = inspect(csv)?;
        let peer = output(
            Command::new(format!("{}/bin/python", python.trim()))
                .arg("benches/duckdb_read.py")
                .arg(csv),
        )?;
        let records = bare_records(csv)?;
        if round > 0 {
            ours.push(seconds);
            peaks.push(peak);
            duckdb.push(peer.trim().parse()?);
            bare.push(records);
        }
    }
    let ours = median(&mut ours);
    Ok(vec![
        Line {
            what: "read and type 1,010,328 rows of CSV",
            unit: "s",
            ours,
            anchor: median(&mut duckdb),
            anchor_is: "DuckDB: create table as, from CSV, one thread",
            target: "<= 1 x",
        },
        Line {
            what: "read and type 1,010,328 rows of CSV (bare)",
            unit: "s",
            ours,
            anchor: median(&mut bare),
            anchor_is: "byte records of the csv crate, untyped",
            target: "<= 3 x (aim)",
        },
        memory("its peak memory, CSV", median(&mut peaks), 128.0),
    ])
}

fn memory(what: &'static str, ours: f64, anchor: f64) -> Line {
    Line {
        what,
        unit: "MB",
        ours,
        anchor,
        anchor_is: "the limit",
        target: "<= 1 x",
    }
}

fn bare_records(csv: &Path) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut reader = csv::Reader::from_path(csv)?;
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    ensure!(rows == 1_010_328, "{rows} records");
    Ok(begin.elapsed().as_secs_f64())
}

fn workbook(
    file: &Path,
    what: &'static str,
    what_memory: &'static str,
) -> anyhow::Result<Vec<Line>> {
    let (mut ours, mut alone, mut peaks) = (vec![], vec![], vec![]);
    for _ in 0..3 {
        let (seconds, peak) = inspect(file)?;
        ours.push(seconds);
        peaks.push(peak);
        let begin = Instant::now();
        let mut book: Xlsx<_> = calamine::open_workbook(file)?;
        let sheet = book.sheet_names().first().context("no sheet")?.clone();
        let mut cells = book.worksheet_cells_reader(&sheet)?;
        let mut count = 0;
        while cells.next_cell()?.is_some() {
            count += 1;
        }
        ensure!(count > 6_000_000, "{count} cells");
        alone.push(begin.elapsed().as_secs_f64());
    }
    Ok(vec![
        Line {
            what,
            unit: "s",
            ours: median(&mut ours),
            anchor: median(&mut alone),
            anchor_is: "calamine's cells alone, one pass",
            target: "<= 1.2 x",
        },
        memory(what_memory, median(&mut peaks), 64.0),
    ])
}

/// The flights as a workbook: what reads as a number is one.
fn write_workbook(flights: &Path, to: &Path, shared: bool) -> anyhow::Result<()> {
    let text = fs::read_to_string(flights)?;
    let mut book = Workbook::new();
    let sheet = if shared {
        book.add_worksheet_with_low_memory()?
    } else {
        book.add_worksheet_with_constant_memory()?
    };
    for (row, line) in (0..).zip(text.lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number)?,
                Err(_) => sheet.write_string(row, column, cell)?,
            };
        }
    }
    let mut out = fs::File::create(to)?;
    out.write_all(&book.save_to_buffer()?)?;
    Ok(())
}
