//! Files that are not plain text, as a stream of delimited text: the content says what a file is, whatever it is called. A packed
//! file is unpacked ([`packed`]); workbooks ([`workbook`]), JSON ([`json`]) and Parquet ([`columnar`]) are turned into
//! [`delimited`] text, always the same for the same bytes, so that a checkpoint in it holds. From there on everything is as for
//! any text. Next: [`crate::analyse`].

mod columnar;
mod compound;
pub(crate) mod delimited;
mod input;
mod json;
mod package;
mod packed;
mod print;
mod workbook;

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    ops::ControlFlow,
};

use contracts::plan::{
    Apart, Container, Escape, FileFormat, FileKind, FilePlan, Options, OtherTable,
};

pub use input::Input;

use crate::{
    FileError,
    sniff::{HEAD_BYTES, is_json},
};
use packed::Layer;

/// What takes the text, piece by piece, until it has heard enough.
pub type Take<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, FileError> + 'a;

/// A workbook or Parquet file inside of another file is unpacked up to this size: it must lie somewhere to be read.
const UNPACKED_FILE_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// A sheet's text is kept up to this size, for the second reading.
const KEPT_TEXT_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes of text that are handed on at once.
const PIECE: usize = 256 * 1024;

/// Something to tell about the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub code: &'static str,
    pub message: String,
}

/// A file, opened by what it is.
#[derive(Debug)]
pub struct Source {
    kind: FileKind,
    notes: Vec<Note>,
    /// What else of the file is a table by itself.
    others: Vec<OtherTable>,
    input: Input,
    content: Content,
}

/// What of the file is to be read.
struct Asked<'a> {
    sheet: Option<&'a str>,
    member: Option<&'a str>,
    apart: Apart,
    /// Whether it was never read before: then nothing that it says of itself is believed.
    first: bool,
}

#[derive(Debug)]
enum Content {
    Text(Option<Layer>),
    Json {
        layer: Option<Layer>,
        shape: json::Shape,
        /// The keys of the records, once they are known.
        keys: Option<Vec<String>>,
    },
    Workbook {
        workbook: Box<workbook::Workbook>,
        /// The sheet's text, once it was read to its end: to read that again costs a tenth of reading the sheet.
        kept: Option<File>,
    },
    Parquet,
}

/// What the first bytes say.
enum Looks {
    Text,
    Json(json::Shape),
    Parquet,
    Gz,
    Zst,
    Zip,
    /// The compound files of older office programs, and of encrypted workbooks.
    Compound,
}

fn looks(head: &[u8]) -> Looks {
    let magics: [(&[u8], Looks); 7] = [
        (b"\x1f\x8b", Looks::Gz),
        (b"\x28\xb5\x2f\xfd", Looks::Zst),
        (b"PK\x03\x04", Looks::Zip),
        (b"PK\x05\x06", Looks::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Looks::Compound),
        (b"PAR1", Looks::Parquet),
        (b"PARE", Looks::Parquet),
    ];
    for (magic, looks) in magics {
        if head.starts_with(magic)
            && (!matches!(looks, Looks::Parquet) || head.iter().any(|byte| *byte < 9))
        {
            return looks;
        }
    }
    let text = json::without_mark(head).trim_ascii_start();
    if is_json(text) {
        return Looks::Json(json::Shape::of(text));
    }
    Looks::Text
}

/// Whether a file with these first [`HEAD_BYTES`] goes into the analyser just as it is.
#[must_use]
pub fn is_plain_text(head: &[u8]) -> bool {
    matches!(looks(head), Looks::Text)
}

impl Source {
    /// Finds out what the file is, and into which tables it comes apart; the first of them is read.
    ///
    /// # Errors
    /// It is damaged, protected, too large to be read, or lacks the sheet or member that was asked for.
    pub fn open(input: Input, options: &Options, apart: Apart) -> Result<Self, FileError> {
        Self::find(
            input,
            &Asked {
                sheet: options.sheet.as_deref(),
                member: options.member.as_deref(),
                apart,
                first: true,
            },
        )
    }

    fn find(input: Input, asked: &Asked<'_>) -> Result<Self, FileError> {
        let head = head(&mut input.start())?;
        let mut choices = Vec::new();
        let mut members_beside = Vec::new();
        let (layer, member, notes) = match looks(&head) {
            Looks::Gz => (Layer::Gz, None, Vec::new()),
            Looks::Zst => (Layer::Zst, None, Vec::new()),
            Looks::Zip => {
                let members = packed::members(&input)?;
                if let Some(format) = package::format(&input, &members)? {
                    return Self::workbook(input, format, asked);
                }
                choices = packed::choices(members.iter().map(|(_, name)| name.as_str()));
                let chosen = packed::choose(&input, &members, asked)?;
                members_beside = chosen.beside;
                (Layer::Zip(chosen.at), Some(chosen.name), chosen.notes)
            }
            looks => return Self::content(input, None, looks, asked),
        };
        let inner = packed::unpack(&input, layer, |reader| head_of(reader))?;
        let looks = looks(&inner);
        let mut source = match looks {
            Looks::Gz | Looks::Zst => return Err(nested(member.as_deref())),
            Looks::Text | Looks::Json(_) => Self::content(input, Some(layer), looks, asked)?,
            Looks::Zip | Looks::Compound | Looks::Parquet => {
                let file = spool(&input, layer)?;
                Self::unpacked(file, looks, member.as_deref(), asked)?
            }
        };
        source.notes.extend(notes);
        for other in &mut source.others {
            other.member.clone_from(&member);
        }
        source
            .others
            .extend(members_beside.into_iter().map(|name| OtherTable {
                member: Some(name),
                sheet: None,
                after: None,
            }));
        source.kind.container = Some(Container {
            packing: layer.packing(),
            member,
            members: choices,
        });
        Ok(source)
    }

    /// Opens the file that a plan was made of, to read the same again.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_plan(input: Input, plan: &FilePlan) -> Result<Self, FileError> {
        let container = plan.kind.container.as_ref();
        let asked = Asked {
            sheet: plan.kind.sheet.as_deref(),
            member: container.and_then(|container| container.member.as_deref()),
            apart: Apart::default(),
            first: false,
        };
        let mut source = Self::find(input, &asked)?;
        if !source.kind.reads_as(&plan.kind) {
            return Err(FileError::Plan(
                "the file is another than was analysed".to_owned(),
            ));
        }
        if let Content::Json { keys, .. } = &mut source.content {
            let mut columns: Vec<_> = plan
                .columns
                .iter()
                .filter_map(|planned| Some((planned.source?, planned.header.clone())))
                .collect();
            columns.sort_unstable();
            let headers: Vec<_> = columns.into_iter().map(|(_, header)| header).collect();
            // A header that is shown in another way than it is spelled (NUL as `\x00`) is no key: then they are found again.
            *keys = Some(headers).filter(|keys| keys.iter().all(|key| !key.contains("\\x")));
        }
        Ok(source)
    }

    #[must_use]
    pub fn kind(&self) -> &FileKind {
        &self.kind
    }

    /// Tells the plan what only showed when the file was read.
    pub fn complete(&self, plan: &mut FilePlan) {
        plan.kind.first_column = self.kind.first_column;
    }

    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// What else of the file is a table by itself, in the file's order.
    #[must_use]
    pub fn others(&self) -> &[OtherTable] {
        &self.others
    }

    /// How the text is to be read: what the user said, where the file leaves it open.
    #[must_use]
    pub fn options(&self, options: &Options) -> Options {
        let mut options = options.clone();
        if self.kind.format == FileFormat::Text {
            return options;
        }
        // As `delimited` writes it.
        options.encoding = Some("utf-8".to_owned());
        options.delimiter = Some(",".to_owned());
        options.quote = Some("\"".to_owned());
        options.escape = Some(Escape::Doubled);
        options.comment = Some(String::new());
        if names_columns(self.kind.format) {
            options.header = Some(true);
            options.header_rows = Some(1);
            options.preamble = Some(0);
            options.footer = Some(0);
        }
        options
    }

    /// Reads the text from a byte of it on.
    ///
    /// # Errors
    /// The file turns out to be damaged or too large, or `take` fails.
    pub fn pour(&mut self, from: u64, take: &mut Take<'_>) -> Result<(), FileError> {
        if let Content::Workbook {
            kept: Some(file), ..
        } = &mut self.content
        {
            file.seek(SeekFrom::Start(from))?;
            return pump(file, take);
        }
        let mut skip = from;
        let mut take = |piece: &[u8]| {
            let rest =
                usize::try_from(skip).map_or(&[][..], |skip| piece.get(skip..).unwrap_or_default());
            skip = skip.saturating_sub(piece.len() as u64);
            if rest.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            take(rest)
        };
        let input = &self.input;
        match &mut self.content {
            Content::Text(layer) => read(input, *layer, |reader| pump(reader, &mut take))?,
            Content::Json { layer, shape, keys } => {
                let keys = match keys {
                    Some(keys) => keys,
                    None => keys.insert(read(input, *layer, |reader| json::keys(reader, *shape))?),
                };
                read(input, *layer, |reader| {
                    json::pour(reader, *shape, keys, &mut take)
                })?;
            }
            Content::Workbook { workbook, kept } => {
                *kept = pour_and_keep(workbook, &mut take)?;
                self.kind.first_column = workbook.first_column();
            }
            Content::Parquet => columnar::pour(input, &mut take)?,
        }
        Ok(())
    }

    fn content(
        input: Input,
        layer: Option<Layer>,
        looks: Looks,
        asked: &Asked<'_>,
    ) -> Result<Self, FileError> {
        let (format, content) = match looks {
            Looks::Json(shape) => {
                let format = match shape {
                    json::Shape::Lines => FileFormat::Ndjson,
                    json::Shape::Array | json::Shape::Sequence => FileFormat::Json,
                };
                let content = Content::Json {
                    layer,
                    shape,
                    keys: None,
                };
                (format, content)
            }
            Looks::Parquet => (FileFormat::Parquet, Content::Parquet),
            Looks::Compound => return Self::workbook(input, FileFormat::Xls, asked),
            Looks::Text | Looks::Gz | Looks::Zst | Looks::Zip => {
                (FileFormat::Text, Content::Text(layer))
            }
        };
        Ok(Self {
            kind: FileKind {
                format,
                ..FileKind::default()
            },
            notes: Vec::new(),
            others: Vec::new(),
            input,
            content,
        })
    }

    /// A file that had to be unpacked as a whole.
    fn unpacked(
        input: Input,
        looks: Looks,
        member: Option<&str>,
        asked: &Asked<'_>,
    ) -> Result<Self, FileError> {
        if !matches!(looks, Looks::Zip) {
            return Self::content(input, None, looks, asked);
        }
        match package::format(&input, &packed::members(&input)?)? {
            Some(format) => Self::workbook(input, format, asked),
            None => Err(nested(member)),
        }
    }

    fn workbook(input: Input, format: FileFormat, asked: &Asked<'_>) -> Result<Self, FileError> {
        let (workbook, beside, notes) = workbook::Workbook::open(&input, format, asked)?;
        let other = |sheet| OtherTable {
            member: None,
            sheet: Some(sheet),
            after: None,
        };
        Ok(Self {
            kind: FileKind {
                format,
                container: None,
                sheet: Some(workbook.sheet().to_owned()),
                first_column: 0,
                sheets: workbook.sheets(),
            },
            notes,
            others: beside.into_iter().map(other).collect(),
            input,
            content: Content::Workbook {
                workbook: Box::new(workbook),
                kept: None,
            },
        })
    }
}

/// The sheet's text goes to `take`, and to a file unless it is too long or `take` has heard enough.
fn pour_and_keep(
    workbook: &mut workbook::Workbook,
    take: &mut Take<'_>,
) -> Result<Option<File>, FileError> {
    let (mut kept, mut bytes) = (Some(tempfile::tempfile()?), 0);
    workbook.pour(&mut |piece| {
        bytes += piece.len() as u64;
        let flow = take(piece)?;
        // Without the room for it the sheet is read again.
        kept = kept.take().filter(|mut file| {
            flow.is_continue() && bytes <= KEPT_TEXT_MAX && file.write_all(piece).is_ok()
        });
        Ok(flow)
    })?;
    Ok(kept)
}

/// Whether the format itself names its columns; else the first record may or may not.
#[must_use]
pub(crate) fn names_columns(format: FileFormat) -> bool {
    matches!(
        format,
        FileFormat::Ndjson | FileFormat::Json | FileFormat::Parquet
    )
}

/// A column as spreadsheets name it: `A`, `B`, … `Z`, `AA`.
pub(crate) fn column_letters(column: u64) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.into_iter().rev().collect()
}

fn nested(member: Option<&str>) -> FileError {
    let what = member.map_or_else(
        || "The compressed file".to_owned(),
        |name| format!("`{name}` in the archive"),
    );
    FileError::Unsupported(format!(
        "{what} is itself an archive or a compressed file. Unpack it and upload the file inside."
    ))
}

fn read<T>(
    input: &Input,
    layer: Option<Layer>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileError>,
) -> Result<T, FileError> {
    match layer {
        Some(layer) => packed::unpack(input, layer, read),
        None => read(&mut input.start()),
    }
}

fn pump(reader: &mut dyn Read, take: &mut Take<'_>) -> Result<(), FileError> {
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok(()),
            len if take(&piece[..len])?.is_break() => return Ok(()),
            _ => {}
        }
    }
}

fn head(reader: &mut impl Read) -> Result<Vec<u8>, FileError> {
    head_of(reader)
}

fn head_of(reader: &mut dyn Read) -> Result<Vec<u8>, FileError> {
    let mut head = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Unpacks a file that must be seekable.
fn spool(input: &Input, layer: Layer) -> Result<Input, FileError> {
    let mut file = tempfile::tempfile()?;
    packed::unpack(input, layer, |reader| {
        let mut reader = reader.take(UNPACKED_FILE_MAX + 1);
        let len = io::copy(&mut reader, &mut file)?;
        if len > UNPACKED_FILE_MAX {
            return Err(FileError::TooLarge(format!(
                "The packed file is over {UNPACKED_FILE_MAX} bytes long. Upload it unpacked."
            )));
        }
        Ok(())
    })?;
    Ok(Input::new(file)?)
}

/// Runs a reader of another's format. What it cannot cope with is the file's fault, also where it stops short in a panic.
fn unharmed<T>(
    damaged: fn() -> FileError,
    read: impl FnOnce() -> Result<T, FileError>,
) -> Result<T, FileError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged()))
}
