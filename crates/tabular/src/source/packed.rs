//! What a file is packed in: gzip, zstd or a ZIP archive. It is unpacked as it is read, and no further than a file of its size
//! can honestly go. Next: [`super`].

use std::{
    collections::HashSet,
    io::{self, BufRead, Read},
    path::Path,
};

use contracts::plan::{CHOICES_MAX, Packing};
use flate2::bufread::GzDecoder;
use zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::{Asked, Input, Looks, Note, head_of, looks};
use crate::{FileError, sniff};

/// Unpacked, no file may be longer than this.
const UNPACKED_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// Nor so many times longer than it is packed, once it is longer than [`RATIO_FROM`].
const RATIO_MAX: u64 = 200;
const RATIO_FROM: u64 = 64 * 1024 * 1024;
/// Names that a warning or an error lists.
const NAMES_SHOWN: usize = 5;
/// Longer names are not offered as a choice.
const NAME_BYTES: usize = 1_024;

/// How to get at the packed bytes, as often as they are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Gz,
    Zst,
    /// The member of this number.
    Zip(usize),
}

impl Layer {
    pub(super) fn packing(self) -> Packing {
        match self {
            Self::Gz => Packing::Gz,
            Self::Zst => Packing::Zst,
            Self::Zip(_) => Packing::Zip,
        }
    }
}

/// Hands the unpacked bytes to `read`.
pub(super) fn unpack<T>(
    input: &Input,
    layer: Layer,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileError>,
) -> Result<T, FileError> {
    match layer {
        Layer::Gz => read(&mut Guarded::new(Members::new(input.start()), input)),
        Layer::Zst => {
            let mut decoder = zstd::Decoder::with_buffer(input.start())?;
            // The window is what the decoder holds in memory.
            decoder.window_log_max(27)?;
            read(&mut Guarded::new(decoder, input))
        }
        Layer::Zip(member) => {
            let mut archive = ZipArchive::new(input.start()).map_err(zip_fault)?;
            let member = archive.by_index(member).map_err(zip_fault)?;
            read(&mut Guarded::new(member, input))
        }
    }
}

/// The members of a gzip file, one behind the other; zeros behind one are padding, as tapes and some servers leave it.
struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(file: R) -> Self {
        Self {
            member: Some(GzDecoder::new(file)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buf)?;
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
            let Some(mut file) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            self.member = skip_zeros(&mut file)?.then(|| GzDecoder::new(file));
        }
        Ok(0)
    }
}

/// Whether anything else follows.
fn skip_zeros(file: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = file.fill_buf()?;
        if ahead.is_empty() {
            return Ok(false);
        }
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        let is_more = zeros < ahead.len();
        file.consume(zeros);
        if is_more {
            return Ok(true);
        }
    }
}

/// Ends the reading where no honest file would be, and says in plain words what is wrong with a damaged one.
struct Guarded<R> {
    inner: R,
    unpacked: u64,
    max: u64,
}

impl<R> Guarded<R> {
    fn new(inner: R, input: &Input) -> Self {
        Self {
            inner,
            unpacked: 0,
            max: unpacked_max(input.bytes()),
        }
    }
}

fn unpacked_max(packed: u64) -> u64 {
    packed
        .saturating_mul(RATIO_MAX)
        .clamp(RATIO_FROM, UNPACKED_MAX)
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FileError::Unreadable(format!(
                "The compressed file ends too early, after {} bytes of its content. It was probably cut off on its way; upload it again.",
                self.unpacked
            ))
            .into(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                FileError::Unreadable(format!(
                    "The compressed file is damaged after {} bytes of its content. Pack it again, or upload it unpacked.",
                    self.unpacked
                ))
                .into()
            }
            io::ErrorKind::Unsupported => unknown_packing().into(),
            _ => error,
        })?;
        self.unpacked += read as u64;
        if self.unpacked > self.max {
            return Err(FileError::TooLarge(format!(
                "The file grows over {} bytes when it is unpacked, far more than a table of its size does. Upload it unpacked.",
                self.max
            ))
            .into());
        }
        Ok(read)
    }
}

pub(super) fn zip_fault(error: ZipError) -> FileError {
    match error {
        ZipError::Io(error) => inner_fault(error, damaged_archive),
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => {
            FileError::Encrypted
        }
        ZipError::InvalidPassword => FileError::Encrypted,
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            unknown_packing()
        }
        _ => damaged_archive(),
    }
}

/// What a reader of something inside of the file met: the system's own errors have a number, and all else is the file's fault.
pub(super) fn inner_fault(error: io::Error, damaged: impl FnOnce() -> FileError) -> FileError {
    match FileError::from(error) {
        FileError::Io(error) if error.raw_os_error().is_none() => damaged(),
        error => error,
    }
}

fn damaged_archive() -> FileError {
    FileError::Unreadable(
        "The ZIP archive is damaged. It was probably cut off on its way; upload it again."
            .to_owned(),
    )
}

fn unknown_packing() -> FileError {
    FileError::Unsupported(
        "The archive is packed in a way that cannot be read here. Pack it as a plain ZIP (deflate), or upload the file inside.".to_owned(),
    )
}

/// Names of an archive's members, directories and the litter of operating systems left out; each with its number.
pub(super) fn members(input: &Input) -> Result<Vec<(usize, String)>, FileError> {
    let archive = ZipArchive::new(input.start()).map_err(zip_fault)?;
    let mut members = Vec::new();
    for at in 0..archive.len() {
        let Some(Ok(name)) = archive.name_for_index(at) else {
            continue;
        };
        let litter = name.ends_with('/')
            || name.starts_with("__MACOSX/")
            || name.ends_with(".DS_Store")
            || name.ends_with("Thumbs.db");
        if !litter {
            members.push((at, name.into_owned()));
        }
    }
    Ok(members)
}

/// What a file is most probably for: the first such member is taken.
const EXTENSIONS: [&str; 15] = [
    "csv", "tsv", "txt", "tab", "psv", "dat", "json", "ndjson", "jsonl", "parquet", "xlsx", "xlsm",
    "xlsb", "xls", "ods",
];

/// The member to read.
pub(super) struct Chosen {
    pub(super) at: usize,
    pub(super) name: String,
    /// Members that are tables by themselves, if the archive is taken apart.
    pub(super) beside: Vec<String>,
    /// What is said of the others.
    pub(super) notes: Vec<Note>,
}

/// The member to read, by name or the first that looks like data, and a warning that names the others.
pub(super) fn choose(
    input: &Input,
    members: &[(usize, String)],
    asked: &Asked<'_>,
) -> Result<Chosen, FileError> {
    if members.is_empty() {
        return Err(FileError::Empty);
    }
    if let Some(wanted) = asked.member {
        return match members.iter().find(|(_, name)| name == wanted) {
            Some((at, name)) => Ok(Chosen {
                at: *at,
                name: name.clone(),
                beside: Vec::new(),
                notes: Vec::new(),
            }),
            None => Err(FileError::Options(format!(
                "The archive has no file `{wanted}`. It has {}.",
                names(members.iter().map(|(_, name)| name.as_str()))
            ))),
        };
    }
    if asked.apart.members && members.len() > 1 {
        let (tables, left) = sort_out(input, members)?;
        if let Some(((at, name), beside)) = tables.split_first() {
            let mut beside: Vec<String> = beside.iter().map(|(_, name)| name.clone()).collect();
            let mut notes = Vec::new();
            if !left.is_empty() {
                notes.push(Note {
                    code: "other_files",
                    message: format!(
                        "Files of the archive that are no tables are not imported: {}.",
                        names(left.into_iter())
                    ),
                });
            }
            notes.extend(limit(&mut beside, "files of the archive"));
            return Ok(Chosen {
                at: *at,
                name: name.clone(),
                beside,
                notes,
            });
        }
    }
    let (at, name) = members
        .iter()
        .find(|(_, name)| is_data(name))
        .unwrap_or(&members[0]);
    let others = members.iter().filter(|(other, _)| other != at);
    let note = (members.len() > 1).then(|| Note {
        code: "other_files",
        message: format!(
            "Only `{name}` of the archive is read. Choose another file of it to read that: {}.",
            names(others.map(|(_, name)| name.as_str()))
        ),
    });
    Ok(Chosen {
        at: *at,
        name: name.clone(),
        beside: Vec::new(),
        notes: note.into_iter().collect(),
    })
}

fn extension(name: &str) -> String {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    extension.unwrap_or_default().to_ascii_lowercase()
}

fn is_data(name: &str) -> bool {
    EXTENSIONS.contains(&extension(name).as_str())
}

/// Members that are opened to see whether they are tables.
const LOOKED_AT_MAX: usize = 1_000;

/// What people lay beside their tables.
const LEAFLETS: [&str; 6] = [
    "readme",
    "read_me",
    "license",
    "licence",
    "copying",
    "changelog",
];

fn is_leaflet(name: &str) -> bool {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    let stem = stem.unwrap_or_default().to_ascii_lowercase();
    matches!(extension(name).as_str(), "" | "txt") && LEAFLETS.contains(&stem.as_str())
}

type Listed<'a> = Vec<&'a (usize, String)>;

/// Which members are tables, and the names of those that are not. Where some are called like data, the others are none; a picture, an
/// archive, an empty file is none whatever it is called.
fn sort_out<'a>(
    input: &Input,
    members: &'a [(usize, String)],
) -> Result<(Listed<'a>, Vec<&'a str>), FileError> {
    let is_some_data = members
        .iter()
        .any(|(_, name)| is_data(name) && !is_leaflet(name));
    let (mut tables, mut left) = (Listed::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut looked_at = 0;
    for member in members {
        let (at, name) = member;
        let is_called_so = !is_some_data || is_data(name) && !is_leaflet(name);
        // Behind so many the rest is only counted: none of them is imported.
        let is_table = is_called_so
            && name.len() <= NAME_BYTES
            && !name.contains('\0')
            && seen.insert(name)
            && (tables.len() > CHOICES_MAX || {
                looked_at += 1;
                looked_at <= LOOKED_AT_MAX && can_be_read(input, *at, name)?
            });
        if is_table {
            tables.push(member);
        } else {
            left.push(name.as_str());
        }
    }
    Ok((tables, left))
}

/// By its first bytes.
fn can_be_read(input: &Input, at: usize, name: &str) -> Result<bool, FileError> {
    let head = match unpack(input, Layer::Zip(at), |reader| head_of(reader)) {
        Ok(head) => head,
        Err(FileError::Io(error)) => return Err(FileError::Io(error)),
        Err(_) => return Ok(false),
    };
    Ok(match looks(&head) {
        Looks::Text => !head.is_empty() && sniff::is_text(&head),
        Looks::Json(_) | Looks::Parquet => true,
        Looks::Gz | Looks::Zst => false,
        Looks::Zip | Looks::Compound => {
            matches!(
                extension(name).as_str(),
                "xlsx" | "xlsm" | "xlsb" | "xls" | "ods"
            )
        }
    })
}

/// Of more tables than are imported of one file only the first remain, and a warning names the others.
pub(super) fn limit(beside: &mut Vec<String>, what: &str) -> Option<Note> {
    let most = CHOICES_MAX - 1;
    let over: Vec<String> = beside.drain(most.min(beside.len())..).collect();
    (!over.is_empty()).then(|| Note {
        code: "more_tables",
        message: format!(
            "Of one file {CHOICES_MAX} tables are imported; {} more {what} are not: {}. Upload them by themselves.",
            over.len(),
            names(over.iter().map(String::as_str))
        ),
    })
}

/// What can be chosen from, where there is anything to choose.
pub(super) fn choices<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let shown = if names.len() > 1 { CHOICES_MAX } else { 0 };
    names
        .filter(|name| name.len() <= NAME_BYTES && !name.contains('\0'))
        .take(shown)
        .map(str::to_owned)
        .collect()
}

/// The first few names, and how many more there are.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown: Vec<String> = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len() - shown.len();
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Reads a part of an office package to its end and looks at it piece by piece, so that nothing in it is a surprise later.
pub(super) fn survey(
    part: &mut ZipFile<'_, impl Read>,
    packed: u64,
    max: u64,
    mut look: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let limit = max.min(unpacked_max(packed));
    let mut piece = vec![0; 64 * 1024];
    let mut unpacked = 0;
    loop {
        let read = part.read(&mut piece).map_err(|_| damaged_package())?;
        if read == 0 {
            return Ok(());
        }
        unpacked += read as u64;
        if unpacked > limit {
            return Err(FileError::TooLarge(format!(
                "A part of the workbook grows over {limit} bytes when it is unpacked, more than can be read here. Save the sheet as CSV (UTF-8) and upload that."
            )));
        }
        look(&piece[..read])?;
    }
}

pub(super) fn damaged_package() -> FileError {
    FileError::Unreadable(
        "The workbook is damaged: a part of it cannot be unpacked. Open it, save it again and upload that.".to_owned(),
    )
}
