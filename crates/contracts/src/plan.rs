//! The plan of an import: what analysis found and decided, stored once per generation and never changed.
//! `tabular` makes the file's half ([`FilePlan`]), `etl` adds the object, `store` the generation and the reserved row ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{dataset::Column, rules::ColumnRules, upload::Mode};

/// A batch ends at this many rows, or before its Arrow size under the plan's schema would pass [`BATCH_BYTES`].
pub const BATCH_ROWS: usize = 4_096;
pub const BATCH_BYTES: usize = 512 * 1024;
/// A record longer than this is quarantined by place and length.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Of each kind: rows that a preview shows.
pub const PREVIEW_ROWS: usize = 20;
/// Warnings kept with their places, per code.
pub const PLACES_PER_CODE: usize = 1_000;
/// Sheets or members that a plan lists.
pub const CHOICES_MAX: usize = 200;
/// Columns that a typed table can take.
pub const COLUMNS_MAX: usize = 400;

macro_rules! encodings {
    ($($(#[$meta:meta])* $name:ident = $label:literal),+ $(,)?) => {
        /// How characters are written as bytes, named by the WHATWG Encoding Standard's labels (UTF-32 beside them).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum Encoding {
            $($(#[$meta])* #[serde(rename = $label)] $name,)+
        }

        impl Encoding {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

encodings! {
    #[default]
    Utf8 = "utf-8",
    Utf16Le = "utf-16le",
    Utf16Be = "utf-16be",
    Utf32Le = "utf-32le",
    Utf32Be = "utf-32be",
    Windows1252 = "windows-1252",
    Windows1250 = "windows-1250",
    Windows1251 = "windows-1251",
    Windows1253 = "windows-1253",
    Windows1254 = "windows-1254",
    Windows1255 = "windows-1255",
    Windows1256 = "windows-1256",
    Windows1257 = "windows-1257",
    Windows1258 = "windows-1258",
    Windows874 = "windows-874",
    Iso8859_2 = "iso-8859-2",
    Iso8859_3 = "iso-8859-3",
    Iso8859_4 = "iso-8859-4",
    Iso8859_5 = "iso-8859-5",
    Iso8859_6 = "iso-8859-6",
    Iso8859_7 = "iso-8859-7",
    Iso8859_8 = "iso-8859-8",
    Iso8859_10 = "iso-8859-10",
    Iso8859_13 = "iso-8859-13",
    Iso8859_14 = "iso-8859-14",
    Iso8859_15 = "iso-8859-15",
    Iso8859_16 = "iso-8859-16",
    Koi8R = "koi8-r",
    Koi8U = "koi8-u",
    Ibm866 = "ibm866",
    Macintosh = "macintosh",
    MacCyrillic = "x-mac-cyrillic",
    ShiftJis = "shift_jis",
    EucJp = "euc-jp",
    Gbk = "gbk",
    Gb18030 = "gb18030",
    Big5 = "big5",
    EucKr = "euc-kr",
}

/// How a quote mark stands inside a quoted cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Escape {
    /// Twice: `""`.
    #[default]
    Doubled,
    /// Behind a backslash: `\"`; also a delimiter in a cell without quotes, and the backslash itself.
    Backslash,
    /// Not at all.
    None,
}

/// How the file is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dialect {
    pub encoding: Encoding,
    /// Whether a byte order mark opens the file.
    pub bom: bool,
    /// One or several characters between two cells.
    pub delimiter: String,
    /// The quote mark (the opening one where it has a counterpart: `“`, `„`, `«`); null when cells are never quoted.
    pub quote: Option<char>,
    #[serde(default)]
    pub escape: Escape,
    /// What a line begins with that is a comment; null when there are none.
    #[serde(default)]
    pub comment: Option<char>,
    /// Records above the table, blank lines and comments among them counted.
    #[serde(default)]
    pub preamble: u64,
    /// Records under the table.
    #[serde(default)]
    pub footer: u64,
    /// Whether the first record names the columns.
    pub header: bool,
    /// Records that name the columns together.
    #[serde(default)]
    pub header_rows: u32,
    /// How sure the reading is, from 0 to 1.
    #[serde(default = "sure")]
    pub confidence: f64,
}

fn sure() -> f64 {
    1.0
}

impl Default for Dialect {
    /// UTF-8, commas, quotes, one header record.
    fn default() -> Self {
        Self {
            encoding: Encoding::Utf8,
            bom: false,
            delimiter: ",".to_owned(),
            quote: Some('"'),
            escape: Escape::Doubled,
            comment: None,
            preamble: 0,
            footer: 0,
            header: true,
            header_rows: 1,
            confidence: sure(),
        }
    }
}

/// What a file is, whatever its name says. All but text are turned into delimited text as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    #[default]
    Text,
    Xlsx,
    Xlsm,
    Xlsb,
    Xls,
    Ods,
    Ndjson,
    Json,
    Parquet,
}

/// What the file is packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    Gz,
    Zst,
    Zip,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Container {
    pub packing: Packing,
    /// The file of the archive that is read. It is only shown, never used as a path.
    pub member: Option<String>,
    /// Where there are several to choose from: their names, the first [`CHOICES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
}

/// The format of a file and which part of it is read: enough to read the very same rows again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileKind {
    #[serde(default)]
    pub format: FileFormat,
    #[serde(default)]
    pub container: Option<Container>,
    #[serde(default)]
    pub sheet: Option<String>,
    /// The column of the sheet that the table begins with; 0 is A.
    #[serde(default, skip_serializing_if = "is_first")]
    pub first_column: u32,
    /// Where there are several to choose from: their names, the first [`CHOICES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_first(column: &u32) -> bool {
    *column == 0
}

impl FileKind {
    /// Whether the same part of the file is read in the same way.
    #[must_use]
    pub fn reads_as(&self, other: &Self) -> bool {
        let part = |kind: &Self| {
            let container = kind.container.as_ref();
            container.map(|container| (container.packing, container.member.clone()))
        };
        self.format == other.format && self.sheet == other.sheet && part(self) == part(other)
    }
}

/// What the user fixed beforehand; everything left out is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// A label of the WHATWG Encoding Standard (`windows-1252`, `latin1`, `sjis`, …), `utf-32le` or `utf-32be`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// One or several characters.
    #[serde(default)]
    pub delimiter: Option<String>,
    /// One character; an empty text when cells are never quoted.
    #[serde(default)]
    pub quote: Option<String>,
    #[serde(default)]
    pub escape: Option<Escape>,
    /// One ASCII character; an empty text when no line is a comment.
    #[serde(default)]
    pub comment: Option<String>,
    /// Records above the table.
    #[serde(default)]
    pub preamble: Option<u64>,
    /// Records under the table.
    #[serde(default)]
    pub footer: Option<u64>,
    #[serde(default)]
    pub header: Option<bool>,
    /// Records that name the columns together; 0 is `header: false`.
    #[serde(default)]
    pub header_rows: Option<u32>,
    /// Type by file column name: anything that does not fit it is quarantined.
    #[serde(default)]
    pub types: BTreeMap<String, crate::dataset::ColumnType>,
    /// The one spelling of null, by file column name.
    #[serde(default)]
    pub nulls: BTreeMap<String, String>,
    /// The sheet of a workbook; without it the first one that is visible and not empty.
    #[serde(default)]
    pub sheet: Option<String>,
    /// The file of an archive; without it the first one that can be read.
    #[serde(default)]
    pub member: Option<String>,
    /// What becomes of a file's other tables. Left out, a file for a new dataset is read as by "each", and of an archive that is
    /// appended or upserted each file is read; where a sheet or a file of an archive is named, and for replace and sync, it is "one".
    #[serde(default)]
    pub tables: Option<Tables>,
    /// Records above the table, and above all of its preamble, that are another table's.
    #[serde(default)]
    pub after: Option<u64>,
    /// Where columns of the file go, by file column name, for append, upsert and sync: the id or name of a column of the dataset,
    /// or the name of a new one; null leaves the file's column out.
    #[serde(default)]
    pub mapping: BTreeMap<String, Option<String>>,
    /// What becomes of a file's column that the dataset does not have, for append, upsert and sync.
    #[serde(default)]
    pub new_columns: NewColumns,
}

/// Which tables of a file are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tables {
    /// One alone.
    One,
    /// Every sheet that is visible and not empty, every file of an archive that can be read: each by an import of its own.
    Each,
    /// As by "each"; and where a table stands under another in a sheet or a text, that is one of its own too.
    Split,
}

/// In which ways a file is taken apart into its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Apart {
    /// Each file of an archive.
    pub members: bool,
    /// Each sheet of a workbook.
    pub sheets: bool,
    /// Each of the tables that stand under one another.
    pub under: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewColumns {
    /// The dataset gets it.
    #[default]
    Add,
    /// The import fails.
    Refuse,
}

/// Characters of a delimiter.
const DELIMITER_CHARS_MAX: usize = 8;
/// Rows that a header can have.
pub const HEADER_ROWS_MAX: u32 = 10;
/// Records that can be said to stand under a table: so many are held back until the file's end shows which they are.
pub const FOOTER_MAX: u64 = 1_000;

impl Options {
    /// What is wrong with them, whatever the file is: the option's name, and what to do.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let taken = |c: char| matches!(c, '\0' | '\r' | '\n');
        if let Some(delimiter) = &self.delimiter {
            let chars = delimiter.chars().count();
            if chars == 0 || chars > DELIMITER_CHARS_MAX || delimiter.contains(taken) {
                return Err((
                    "delimiter",
                    "The delimiter must have one to eight characters, none of them a line end.",
                ));
            }
        }
        let one = |text: &str| text.chars().count() > 1 || text.contains(taken);
        if self.quote.as_deref().is_some_and(one) {
            return Err((
                "quote",
                "The quote mark must be one character that is no line end, or empty for none.",
            ));
        }
        if let (Some(delimiter), Some(quote)) = (&self.delimiter, &self.quote)
            && !quote.is_empty()
            && delimiter.starts_with(quote.as_str())
        {
            return Err(("quote", "The quote mark and the delimiter must differ."));
        }
        if self
            .comment
            .as_deref()
            .is_some_and(|text| one(text) || !text.is_ascii())
        {
            return Err((
                "comment",
                "The comment mark must be one ASCII character that is no line end, or empty for none.",
            ));
        }
        if self.header_rows.is_some_and(|rows| rows > HEADER_ROWS_MAX) {
            return Err(("header_rows", "A header has at most ten records."));
        }
        if self.footer.is_some_and(|records| records > FOOTER_MAX) {
            return Err(("footer", "At most 1,000 records can stand under the table."));
        }
        if let (Some(header), Some(rows)) = (self.header, self.header_rows)
            && header != (rows > 0)
        {
            return Err((
                "header_rows",
                "`header` and `header_rows` contradict each other. Leave one of them out.",
            ));
        }
        if self.tables == Some(Tables::Split) && self.footer.is_some_and(|records| records > 0) {
            return Err((
                "footer",
                "Where tables under one another are told apart, nobody can say which one's footer it is. Leave it out.",
            ));
        }
        Ok(())
    }

    /// How a file is taken apart that is imported in this mode.
    #[must_use]
    pub fn apart(&self, mode: Mode) -> Apart {
        let (members, sheets) = (self.member.is_none(), self.sheet.is_none());
        match self.tables {
            Some(Tables::One) => Apart::default(),
            Some(wanted) => Apart {
                members,
                sheets,
                under: wanted == Tables::Split,
            },
            None => Apart {
                members: members
                    && sheets
                    && matches!(mode, Mode::New | Mode::Append | Mode::Upsert),
                sheets: members && sheets && mode == Mode::New,
                under: false,
            },
        }
    }
}

/// A table of a file beside the one that a plan reads. It gets an import of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherTable {
    /// The file of the archive that it is in.
    pub member: Option<String>,
    /// Its sheet; null where that is found when the file is read.
    pub sheet: Option<String>,
    /// Records above it that are another table's.
    pub after: Option<u64>,
}

impl OtherTable {
    /// What it is called among the tables of its file; `no` counts those that stand under one another.
    #[must_use]
    pub fn label(&self, no: usize) -> String {
        let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        match (self, &self.sheet, &self.member) {
            (Self { after: Some(_), .. }, ..) => format!("table {no}"),
            (_, Some(sheet), _) => sheet.chars().map(shown).collect(),
            (_, None, Some(member)) => {
                let stem = member
                    .rsplit_once('.')
                    .map_or(member.as_str(), |(stem, _)| stem);
                let name = if stem.is_empty() { member } else { stem };
                name.chars().map(shown).collect()
            }
            (_, None, None) => String::new(),
        }
    }
}

/// A column of the file and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedColumn {
    /// Id, final name, type, format and null token. For a column that exists in the dataset, the dataset's own.
    #[serde(flatten)]
    pub column: Column,
    /// The header as the file spells it (`inspect --csv` prints it); empty for surplus and unnamed ones.
    pub header: String,
    /// Position in the file, from 0; null for a column of the dataset that the file lacks.
    pub source: Option<u32>,
    /// Whether the type was fixed beforehand (override, or append): what does not fit is quarantined.
    pub fixed: bool,
}

/// Where a named column of the file goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mapped {
    /// The file's column, by the name that options know it by.
    pub file: String,
    /// Id of its column in the plan; null when it is left out.
    pub column: Option<String>,
    /// Name of that column; of one that is left out the file's.
    pub name: String,
    pub by: MappedBy,
}

/// Why a file's column goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappedBy {
    /// The dataset's column has the same name, or without a header the same place.
    Exact,
    /// So it was published the last time that a file had this very header.
    Remembered,
    /// The options say so.
    Chosen,
    /// The names are alike. Only where the user is asked.
    Alike,
    /// The dataset has no such column yet.
    New,
    /// The options say so, or said so the last time.
    LeftOut,
}

/// The file's half of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FilePlan {
    #[serde(flatten)]
    pub kind: FileKind,
    /// Of a file that is not text: of the text that it is turned into.
    pub dialect: Dialect,
    pub columns: Vec<PlannedColumn>,
    /// One for each named column of the file, in its order.
    #[serde(default)]
    pub mapping: Vec<Mapped>,
    /// Records of the file, the header and skipped ones counted.
    pub records: u64,
    pub headers: u64,
    pub skipped: BTreeMap<String, i64>,
    /// `records - headers - Σ skipped`: as many row ids are reserved.
    pub rows: u64,
    pub warnings: BTreeMap<String, i64>,
    /// The file's other tables that this import found, each of which gets an import of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_tables: Vec<OtherTable>,
    /// Records above the table, and above its preamble, that are another table's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// The first record of the table that stands under this one and is imported by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl FilePlan {
    /// The columns that the file brings and whose values may be in one row only.
    pub fn unique<'a>(&'a self, rules: &'a ColumnRules) -> impl Iterator<Item = &'a PlannedColumn> {
        self.columns.iter().filter(|planned| {
            planned.source.is_some()
                && planned.column.kind.can_be_unique()
                && (rules.get(&planned.column.id)).is_some_and(|rules| rules.unique)
        })
    }

    /// Records up to the table's end and its footer, from 1: all of the file, or what stands above the table under this one.
    #[must_use]
    pub fn last_record(&self) -> u64 {
        let end = self
            .until
            .map_or(self.records, |until| until.saturating_sub(1));
        end.saturating_sub(self.dialect.footer)
    }

    /// By which options another of the file's tables is read, where this one was read by `options` and in this mode.
    #[must_use]
    pub fn options_of(&self, table: &OtherTable, options: &Options, mode: Mode) -> Options {
        let apart = options.apart(mode);
        let tables = if apart.under {
            Tables::Split
        } else if apart.sheets && table.sheet.is_none() {
            Tables::Each
        } else {
            Tables::One
        };
        let mut options = Options {
            member: table.member.clone(),
            sheet: table.sheet.clone().or_else(|| options.sheet.clone()),
            tables: Some(tables),
            after: table.after,
            ..options.clone()
        };
        if table.after.is_some() {
            options.preamble = None;
            if self.kind.format == FileFormat::Text {
                // Its first record is counted by these very marks.
                let mark = |mark: Option<char>| Some(mark.map(String::from).unwrap_or_default());
                options.encoding = Some(self.dialect.encoding.label().to_owned());
                options.delimiter = Some(self.dialect.delimiter.clone());
                options.quote = mark(self.dialect.quote);
                options.escape = Some(self.dialect.escape);
                options.comment = mark(self.dialect.comment);
            }
        }
        options
    }
}

/// Which bytes the plan was made of. A load reads them with `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectRef {
    pub bucket: String,
    pub key: String,
    pub etag: String,
    pub bytes: u64,
}

/// The whole plan, as stored. First writer of a generation wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    pub generation: i32,
    pub object: ObjectRef,
    pub mode: Mode,
    pub key: Vec<String>,
    #[serde(flatten)]
    pub file: FilePlan,
    pub batch_rows: u32,
    pub batch_bytes: u32,
}

/// A batch boundary: where to go on. The decoder is between two records there, so it has no state of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// The next batch's number.
    pub batch: u32,
    /// Offset in the file of the next record's first byte.
    pub byte: u64,
    /// The next record's number, from 1, and the line it begins on, from 1.
    pub record: u64,
    pub line: u64,
    /// Rows (in batches or quarantined) before it; the next row's id is the reserved range's first plus this.
    pub rows: u64,
    pub quarantined: u64,
}
