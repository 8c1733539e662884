//! Real spreadsheets and what becomes of them: `tests/fixtures/spreadsheets/*` in, `tests/snapshots/*` out. `INSTA_UPDATE=always`
//! writes them anew.

use std::{fs, path::Path};

use contracts::{Problem, plan::Options};
use tabular::inspect;

/// Lines of a sheet that a snapshot holds.
const LINES: usize = 12;

#[test]
fn every_real_spreadsheet_is_loaded_or_refused_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/spreadsheets");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
        .collect();
    files.sort();
    assert!(files.len() > 60);
    for path in files {
        let open = || fs::File::open(&path).unwrap();
        let mut csv = Vec::new();
        let told = match inspect::write_csv(open(), &Options::default(), &mut csv) {
            Err(error) => {
                let problem = Problem::from(&error);
                let code = serde_json::to_string(&problem.code).unwrap();
                format!("refused: {code} {}", problem.detail)
            }
            Ok(outcome) => {
                let mut json = Vec::new();
                let again = inspect::write_json(open(), &Options::default(), &mut json).unwrap();
                assert_eq!(outcome, again);
                let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let types: Vec<_> = json["columns"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|column| format!("{} {}", column["name"], column["type"]))
                    .collect();
                let csv = String::from_utf8(csv).unwrap();
                let lines: Vec<_> = csv.lines().take(LINES).collect();
                format!(
                    "{}\n{}\n{} rows\n{}\n\n{}",
                    json["file"],
                    types.join(", "),
                    json["rows"],
                    json["warnings"],
                    lines.join("\n")
                )
            }
        };
        insta::assert_snapshot!(path.file_name().unwrap().to_str().unwrap(), told);
    }
}
