//! Ugly files and what becomes of them: `tests/corpus/*` in, `tests/snapshots/*` out. `INSTA_UPDATE=always` writes them anew.

mod support;

use std::{fs, io::Cursor, path::Path};

use contracts::{Problem, plan::Options};
use tabular::inspect;

#[test]
fn every_file_of_the_corpus_is_loaded_or_refused_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 80);
    for path in files {
        let file = fs::read(&path).unwrap();
        let open = || Cursor::new(file.clone());
        let mut json = Vec::new();
        let told = match inspect::write_json(open(), &Options::default(), &mut json) {
            Err(error) => {
                let problem = Problem::from(&error);
                format!(
                    "refused: {} {}",
                    serde_json::to_string(&problem.code).unwrap(),
                    problem.detail
                )
            }
            Ok(outcome) => {
                let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let mut csv = Vec::new();
                let again = inspect::write_csv(open(), &Options::default(), &mut csv).unwrap();
                assert_eq!(outcome, again);
                format!(
                    "{}\n\n{}",
                    serde_json::to_string_pretty(&json).unwrap(),
                    String::from_utf8(csv).unwrap()
                )
            }
        };
        insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), told);
    }
}
