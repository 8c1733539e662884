//! How fast a file is analysed and loaded: `cargo run --release -p tabular --example pace -- FILE [times]`.

use std::{fs::File, io::Read as _, time::Instant};

use contracts::plan::{BATCH_BYTES, BATCH_ROWS, Checkpoint, Options};
use tabular::{Analyser, FileError, Loader, batch};

const PIECE: usize = 256 * 1024;

fn pieces(
    path: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            len => take(&piece[..len])?,
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example talks to its user")]
fn main() -> Result<(), FileError> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        println!("usage: pace FILE [times]");
        return Ok(());
    };
    let times: u32 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    for _ in 0..times {
        let begin = Instant::now();
        let mut analyser = Analyser::new(&Options::default(), None)?;
        pieces(&path, |piece| analyser.push(piece))?;
        let plan = analyser.finish()?.plan;
        let analysed = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let mut loader = Loader::new(&plan, BATCH_ROWS, BATCH_BYTES, Checkpoint::default())?;
        let mut encoding = 0.0;
        let mut bytes = 0;
        let mut drain = |loader: &mut Loader| -> Result<(), FileError> {
            while let Some(batch) = loader.next_batch()? {
                let begin = Instant::now();
                bytes += batch::encode(&batch)?.len();
                encoding += begin.elapsed().as_secs_f64();
            }
            Ok(())
        };
        pieces(&path, |piece| {
            loader.push(piece);
            drain(&mut loader)
        })?;
        loader.finish();
        drain(&mut loader)?;
        let loaded = begin.elapsed().as_secs_f64() - encoding;
        let rows = plan.rows as f64 / 1e6;
        println!(
            "{} rows: analyse {analysed:.3} s ({:.2} M rows/s), load {loaded:.3} s ({:.2} M rows/s), Arrow IPC {encoding:.3} s ({} batches, {bytes} bytes)",
            plan.rows,
            rows / analysed,
            rows / loaded,
            loader.end().batches,
        );
        if times == 1 {
            for planned in &plan.columns {
                let column = &planned.column;
                println!(
                    "{} {:?} {:?} {:?}",
                    column.name, column.kind, column.format, column.null_token
                );
            }
        }
    }
    Ok(())
}
