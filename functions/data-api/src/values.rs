//! Cells of a request, read as an import reads a file's: by the column's type, format and null token, by the code of `tabular`.
//! What comes out goes to [`crate::commits`].

use std::collections::HashMap;

use contracts::{
    Code, Problem,
    commit::{CellError, Change, ChangeOp},
    dataset::Column,
    rules::ColumnRules,
};
use serde_json::{Map, Value};
use store::Cells;
use tabular::{format::Reader, rules::Checker};

/// Bad cells that are named; an answer with more would be too long to be sent.
const ERRORS_NAMED: usize = 10_000;

/// Reads changes against the columns of a dataset and collects what cannot be taken.
pub struct Values {
    readers: HashMap<String, Result<Reader, String>>,
    rules: HashMap<String, Checker>,
    errors: Vec<CellError>,
}

impl Values {
    pub fn new(columns: &[Column], rules: &ColumnRules) -> Self {
        let reader = |column: &Column| Reader::new(column).map_err(|misfit| misfit.0);
        // They were checked when they were made; of a column that has changed since, they are none.
        let checker = |column: &Column| {
            let checker = Checker::new(column, rules.get(&column.id)?).ok()?;
            Some((column.id.clone(), checker))
        };
        Self {
            rules: columns.iter().filter_map(checker).collect(),
            readers: columns
                .iter()
                .map(|column| (column.id.clone(), reader(column)))
                .collect(),
            errors: Vec::new(),
        }
    }

    /// The change at this place of the request, or nothing when it is at fault; what for stands in `errors`.
    pub fn read(&mut self, pointer: &str, change: &Change) -> Option<store::Change> {
        let row_id = change.row_id.as_deref();
        let known = row_id.and_then(read_row_id);
        let fault = match (change.op, row_id, known) {
            (ChangeOp::Insert, Some(_), _) => {
                Some("A new row gets its id here. Leave `row_id` out.")
            }
            (ChangeOp::Update | ChangeOp::Delete, None, _) => Some("Say which row: `row_id`."),
            (ChangeOp::Update | ChangeOp::Delete, Some(_), None) => {
                Some("This is no row id. Row ids are whole numbers in a string.")
            }
            _ => None,
        };
        if let Some(message) = fault {
            let value = change.row_id.clone().map_or(Value::Null, Value::String);
            self.fault(format!("{pointer}/row_id"), row_id, None, message, value);
            return None;
        }
        if change.op == ChangeOp::Delete && !change.cells.is_empty() {
            self.fault(
                format!("{pointer}/cells"),
                row_id,
                None,
                "A row that is deleted has no cells. Leave `cells` out.",
                Value::Null,
            );
            return None;
        }
        let cells = match change.op {
            ChangeOp::Insert => self.new_row(pointer, row_id, &change.cells)?,
            _ => self.cells(pointer, row_id, &change.cells)?,
        };
        Some(match (change.op, known) {
            (ChangeOp::Update, Some(row_id)) => store::Change::Update(row_id, cells),
            (ChangeOp::Delete, Some(row_id)) => store::Change::Delete(row_id),
            _ => store::Change::Insert(cells),
        })
    }

    /// The cells of a new row at this place of the request: what is left out is null, which not every column takes.
    pub fn new_row(
        &mut self,
        pointer: &str,
        row_id: Option<&str>,
        cells: &Map<String, Value>,
    ) -> Option<Cells> {
        let missing = self.rules.iter().filter(|(id, _)| !cells.contains_key(*id));
        let broken: Vec<_> = missing
            .filter_map(|(id, rules)| Some((id.clone(), rules.check(None).err()?.message)))
            .collect();
        let whole = broken.is_empty();
        for (id, message) in broken {
            let place = format!("{pointer}/cells/{id}");
            self.fault(place, row_id, Some(&id), message, Value::Null);
        }
        self.cells(pointer, row_id, cells).filter(|_| whole)
    }

    fn cells(
        &mut self,
        pointer: &str,
        row_id: Option<&str>,
        cells: &Map<String, Value>,
    ) -> Option<Cells> {
        let mut read = Vec::with_capacity(cells.len());
        let mut whole = true;
        for (id, value) in cells {
            let text = match self.readers.get(id) {
                None => Err("The dataset has no column of this id.".to_owned()),
                Some(Err(misfit)) => Err(misfit.clone()),
                Some(Ok(reader)) => text(reader, value).and_then(|text| {
                    let broken = self
                        .rules
                        .get(id)
                        .map(|rules| rules.check_text(text.as_deref()));
                    broken
                        .transpose()
                        .map_or_else(|broken| Err(broken.message), |_| Ok(text))
                }),
            };
            match text {
                Ok(text) => read.push((id.clone(), text)),
                Err(message) => {
                    whole = false;
                    let place = format!(
                        "{pointer}/cells/{}",
                        id.replace('~', "~0").replace('/', "~1")
                    );
                    self.fault(place, row_id, Some(id), message, value.clone());
                }
            }
        }
        whole.then_some(read)
    }

    /// Everything that cannot be taken, as one problem.
    pub fn problem(self) -> Option<Problem> {
        (!self.errors.is_empty()).then(|| refused(self.errors))
    }

    pub fn fault(
        &mut self,
        pointer: String,
        row_id: Option<&str>,
        column: Option<&str>,
        message: impl Into<String>,
        value: Value,
    ) {
        if self.errors.len() < ERRORS_NAMED {
            self.errors.push(CellError {
                pointer,
                row_id: row_id.map(str::to_owned),
                column: column.map(str::to_owned),
                message: message.into(),
                value,
            });
        }
    }
}

/// That these cells cannot be taken.
pub fn refused(errors: Vec<CellError>) -> Problem {
    let detail = match errors.len() {
        1 => "One cell cannot be taken as it is. Nothing was saved.".to_owned(),
        count => format!("{count} cells cannot be taken as they are. Nothing was saved."),
    };
    let mut problem = Problem::new(Code::Validation, detail);
    problem.pointer = errors.first().map(|error| error.pointer.clone());
    problem.errors = errors;
    problem
}

/// `None` for a text that cannot be the id of any row.
pub fn read_row_id(text: &str) -> Option<i64> {
    text.parse()
        .ok()
        .filter(|id: &i64| *id > 0 && id.to_string() == text)
}

/// The value's canonical text. A string is read as typed; a number, a truth value, a list or an object where the type has it.
fn text(reader: &Reader, value: &Value) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Number(number) if reader.takes_numbers() => number.to_string(),
        Value::Bool(value) if reader.takes_booleans() => {
            return Ok(Some(value.to_string()));
        }
        Value::Array(_) | Value::Object(_) if reader.takes_json() => value.to_string(),
        other => {
            let what = match other {
                Value::Number(_) => "A number",
                Value::Bool(_) => "A truth value",
                Value::Array(_) => "A list",
                _ => "An object",
            };
            return Err(format!(
                "{what} does not fit here. Send {}.",
                reader.expected()
            ));
        }
    };
    if text.contains('\0') {
        return Err("A text cannot hold a NUL character. Take it out.".to_owned());
    }
    reader.read(&text).map_err(|misfit| misfit.0)
}
