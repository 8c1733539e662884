//! A line of a gibibyte: memory stays bounded, the other rows are read. A binary of its own, for its peak is measured.

use std::fs;

use contracts::plan::{BATCH_BYTES, BATCH_ROWS, Checkpoint, Options};
use tabular::{Analyser, FileError, Finished, Loader};

const PIECE: usize = 1 << 20;
const PIECES: usize = 1 << 10;

/// Gives the file out in pieces: what stands before the long line's `x`s, they, and what stands behind.
fn pour<E>(around: [&[u8]; 2], mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let piece = vec![b'x'; PIECE];
    take(around[0])?;
    for _ in 0..PIECES {
        take(&piece)?;
    }
    take(around[1])
}

/// Mebibytes that this process has held at most.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

#[test]
fn a_line_of_a_gibibyte_is_quarantined_within_bounded_memory() {
    let around: [&[u8]; 2] = [b"a,b\n1,one\n2,\"", b"\"\n3,three\n"];
    let mut analyser = Analyser::new(&Options::default(), None).unwrap();
    pour(around, |piece| analyser.push(piece)).unwrap();
    let Finished::Analysis(analysis) = analyser.finish().unwrap() else {
        panic!("read again");
    };
    assert_eq!((analysis.plan.records, analysis.plan.rows), (4, 3));
    let mut loader = Loader::new(
        &analysis.plan,
        BATCH_ROWS,
        BATCH_BYTES,
        Checkpoint::default(),
    )
    .unwrap();
    let mut rejects = Vec::new();
    let mut drain = |loader: &mut Loader| -> Result<(), FileError> {
        while let Some(batch) = loader.next_batch()? {
            rejects.extend(batch.rejects);
        }
        Ok(())
    };
    pour(around, |piece| {
        loader.push(piece);
        drain(&mut loader)
    })
    .unwrap();
    loader.finish();
    drain(&mut loader).unwrap();
    assert_eq!((loader.end().rows, loader.end().quarantined), (2, 1));
    let told = &rejects[0];
    assert_eq!(
        (told.code.as_str(), told.line, told.byte),
        ("row_too_large", 3, 10)
    );
    assert!(told.message.contains(&(PIECE * PIECES + 4).to_string()));

    // As the first line it hides the columns.
    let mut analyser = Analyser::new(&Options::default(), None).unwrap();
    let error = pour([b"a,", b"\n1,2\n"], |piece| analyser.push(piece)).unwrap_err();
    assert!(matches!(error, FileError::Unreadable(_)), "{error}");

    assert!(peak().is_none_or(|peak| peak < 160), "{:?} MiB", peak());
}
