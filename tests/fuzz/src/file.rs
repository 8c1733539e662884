//! Any file: it is loaded or refused, the same however its bytes come, and every record of it is accounted for.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::ControlFlow,
};

use contracts::{
    Code, Problem,
    plan::{BATCH_BYTES, Checkpoint, Encoding, Escape, FileKind, Options, Tables},
    upload::Mode,
};
use tabular::{
    Analyser, Analysis, Batch, FileError, Finished, Input, Loader, Source, batch, inspect,
};

/// Rows of a batch: few, so that a small file has several.
const ROWS: usize = 3;

/// What a file became: its plan and its batches, or the words that refuse it.
pub(crate) type Outcome = Result<(Analysis, Vec<Batch>), String>;

pub(crate) fn check(data: &[u8]) {
    let whole = read(data.to_vec(), usize::MAX);
    assert_eq!(
        whole,
        read(data.to_vec(), cut(data)),
        "the same in two pieces"
    );
    if let Ok((analysis, batches)) = &whole {
        balances(analysis, batches);
        goes_on(data, analysis, batches);
        prints(data, analysis, batches);
    }
}

/// Opens the file, analyses it and loads it by its plan.
pub(crate) fn read(data: Vec<u8>, cut: usize) -> Outcome {
    let open = || Input::new(Cut::new(data.clone(), cut)).unwrap();
    let analysis = analyse(open()).map_err(|error| {
        let problem = Problem::from(&error);
        assert_ne!(problem.code, Code::Internal, "{error:?}");
        // How much was unpacked before damage shows depends on the reads.
        let detail = problem.detail.replace(|c: char| c.is_ascii_digit(), "");
        format!("{:?} {detail}", problem.code)
    })?;
    let batches = load(open(), &analysis, Checkpoint::default());
    Ok((analysis, batches))
}

/// Each sheet and each file of an archive a table: a damaged one leaves the others whole.
fn options() -> Options {
    Options {
        tables: Some(Tables::Each),
        ..Options::default()
    }
}

fn analyse(input: Input) -> Result<Analysis, FileError> {
    let options = options();
    let mut source = Source::open(input, &options, options.apart(Mode::New))?;
    let mut analyser = Analyser::of(&source, &options, None)?;
    loop {
        source.pour(0, &mut |piece| {
            analyser.push(piece)?;
            Ok(ControlFlow::Continue(()))
        })?;
        match analyser.finish()? {
            Finished::Analysis(analysis) => return Ok(*analysis),
            Finished::Again(again) => analyser = *again,
        }
    }
}

/// What could be analysed can be loaded.
fn load(input: Input, analysis: &Analysis, from: Checkpoint) -> Vec<Batch> {
    let plan = &analysis.plan;
    let mut source = Source::of_plan(input, plan).expect("the file opens by its plan");
    let mut loader = Loader::new(plan, ROWS, BATCH_BYTES, from).expect("the plan can be followed");
    let mut batches = Vec::new();
    source
        .pour(from.byte, &mut |piece| {
            loader.push(piece);
            while let Some(batch) = loader.next_batch()? {
                batches.push(batch);
            }
            Ok(ControlFlow::Continue(()))
        })
        .expect("the file can be read again");
    loader.finish();
    while let Some(batch) = loader.next_batch().expect("the rest can be read") {
        batches.push(batch);
    }
    batches
}

/// Every record is a header, a row, quarantined or skipped for a reason.
fn balances(analysis: &Analysis, batches: &[Batch]) {
    let plan = &analysis.plan;
    let skipped: i64 = plan.skipped.values().sum();
    assert_eq!(
        plan.records,
        plan.headers + plan.rows + skipped.unsigned_abs(),
        "{plan:?}"
    );
    let loaded: usize = batches
        .iter()
        .map(|batch| batch.rows.num_rows() + batch.rejects.len())
        .sum();
    assert_eq!(loaded as u64, plan.rows, "{plan:?}");
    for batch in batches {
        let decoded = batch::decode(&batch::encode(batch).unwrap()).unwrap();
        assert_eq!(
            (&decoded.rows, &decoded.rejects),
            (&batch.rows, &batch.rejects)
        );
    }
}

/// Another invocation goes on from a checkpoint as if the first had never stopped.
fn goes_on(data: &[u8], analysis: &Analysis, batches: &[Batch]) {
    let done = cut(data) % batches.len().max(1);
    if let Some(batch) = batches.get(done) {
        let input = Input::new(Cursor::new(data.to_vec())).unwrap();
        assert_eq!(
            batches[done + 1..],
            load(input, analysis, batch.after),
            "from {:?}",
            batch.after
        );
    }
}

/// What is printed reads back as what was printed, and no letter or digit of a plain text is lost.
fn prints(data: &[u8], analysis: &Analysis, batches: &[Batch]) {
    let plan = &analysis.plan;
    let printed = print(data.to_vec(), &options());
    let options = Options {
        encoding: Some("utf-8".to_owned()),
        delimiter: Some(",".to_owned()),
        quote: Some("\"".to_owned()),
        escape: Some(Escape::Doubled),
        comment: Some(String::new()),
        preamble: Some(0),
        footer: Some(0),
        header_rows: Some(1),
        ..Options::default()
    };
    if plan.columns.iter().any(|planned| planned.source.is_some()) {
        let again = print(printed.clone(), &options);
        assert_eq!(
            String::from_utf8_lossy(&printed),
            String::from_utf8_lossy(&again),
            "{plan:?}"
        );
    }
    let kept = batches.iter().all(|batch| batch.rejects.is_empty())
        && plan.skipped.keys().all(|reason| reason == "blank")
        && plan.headers <= 1
        && !data.contains(&0);
    if let Ok(text) = std::str::from_utf8(data)
        && kept
        && plan.kind == FileKind::default()
        && plan.dialect.encoding == Encoding::Utf8
    {
        let printed = std::str::from_utf8(&printed).unwrap();
        let rows = if plan.headers == 0 {
            // Names that the file does not have.
            printed
                .split_once('\n')
                .map(|(_, rows)| rows)
                .unwrap_or_default()
        } else {
            printed
        };
        assert_eq!(letters(text), letters(rows), "{plan:?}");
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn print(file: Vec<u8>, options: &Options) -> Vec<u8> {
    let mut printed = Vec::new();
    inspect::write_csv(Cursor::new(file), options, &mut printed).expect("it was read before");
    printed
}

/// A place in the file that changes with any of its bytes.
fn cut(data: &[u8]) -> usize {
    let sum = data.iter().fold(data.len(), |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    sum % data.len().max(1)
}

/// A file whose reads stop at a byte, so that what is read from it comes in two pieces.
struct Cut {
    file: Cursor<Vec<u8>>,
    at: u64,
}

impl Cut {
    fn new(file: Vec<u8>, at: usize) -> Self {
        Self {
            file: Cursor::new(file),
            at: at as u64,
        }
    }
}

impl Read for Cut {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.at.saturating_sub(self.file.position());
        match usize::try_from(left) {
            Ok(left) if left > 0 && left < buf.len() => self.file.read(&mut buf[..left]),
            _ => self.file.read(buf),
        }
    }
}

impl Seek for Cut {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
