//! The account of an import: every record of the file is in exactly one of its sums.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `records = headers + rows_read + Σ skipped` and
/// `rows_read = inserted + updated + unchanged + quarantined + superseded`; `deleted` stands outside the sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub records: i64,
    pub headers: i64,
    pub rows_read: i64,
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub quarantined: i64,
    pub superseded: i64,
    /// Records that hold no row, by reason: `blank`, `comment`, `preamble`, `footer`, `other_table`.
    pub skipped: BTreeMap<String, i64>,
    pub deleted: i64,
    pub warnings: BTreeMap<String, i64>,
}

impl Receipt {
    /// Whether every record is accounted for. An import that does not balance is never published.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.records == self.headers + self.rows_read + self.skipped.values().sum::<i64>()
            && self.rows_read
                == self.inserted
                    + self.updated
                    + self.unchanged
                    + self.quarantined
                    + self.superseded
    }
}

/// Where in the file something is: a warning, or a quarantined record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// Offset in the file of the record's first byte, from 0.
    pub byte: u64,
    /// Line of the file, from 1; a line is a line also inside a quoted cell.
    pub line: u64,
    /// Record of the file, from 1, the header counted.
    pub record: u64,
    /// The column's name, where it is about one column.
    pub column: Option<String>,
    /// `short_row`, `long_row`, `nul_byte`, `invalid_encoding`, `row_too_large`, `type_mismatch`, …
    pub code: String,
    pub message: String,
    /// The record as it stands in the file; bytes that are not text as `\xNN`; cut at 10,000 characters where only shown.
    pub raw: Option<String>,
}
