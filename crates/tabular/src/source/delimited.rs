//! The delimited text that every other format is turned into: UTF-8, commas, LF, and each cell that has a value in quotes. A
//! cell without quotes is one that the file lacks: it becomes null, while `""` is an empty text. Next: [`crate::analyse`].

use std::ops::ControlFlow;

use super::Take;
use crate::FileError;

/// Opens the stand-in for a record that cannot be read. A record with a NUL is quarantined in any case.
const BROKEN: u8 = 0;
/// Between its code, its message and its text.
const UNIT: char = '\u{b}';

/// As much is handed on at once.
const PIECE: usize = 128 * 1024;

/// Writes records and hands them on in pieces.
pub(super) struct Writer<'a> {
    take: &'a mut Take<'a>,
    text: Vec<u8>,
    /// Whether the record at hand has a cell already.
    begun: bool,
    open: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(take: &'a mut Take<'a>) -> Self {
        Self {
            take,
            text: Vec::with_capacity(PIECE + PIECE / 4),
            begun: false,
            open: true,
        }
    }

    /// Whether anybody still listens.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn cell(&mut self, text: &str) {
        self.missing();
        self.text.push(b'"');
        push_quoted(&mut self.text, text.as_bytes());
        self.text.push(b'"');
    }

    pub(super) fn missing(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(b',');
        }
    }

    pub(super) fn end_record(&mut self) -> Result<(), FileError> {
        self.text.push(b'\n');
        self.begun = false;
        if self.text.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    /// A record that cannot be read: the loader quarantines it with this code, message and text.
    pub(super) fn broken(
        &mut self,
        code: &str,
        message: &str,
        raw: &[u8],
    ) -> Result<(), FileError> {
        self.text.extend_from_slice(&[b'"', BROKEN]);
        push_quoted(
            &mut self.text,
            format!("{code}{UNIT}{message}{UNIT}").as_bytes(),
        );
        push_quoted(&mut self.text, raw);
        self.text.push(b'"');
        self.end_record()
    }

    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        if self.open && !self.text.is_empty() {
            self.open = (self.take)(&self.text)? == ControlFlow::Continue(());
        }
        self.text.clear();
        Ok(())
    }
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    if !text.contains(&b'"') {
        out.extend_from_slice(text);
        return;
    }
    for (at, part) in text.split(|byte| *byte == b'"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
}

/// Code, message and text of a record that [`Writer::broken`] wrote, from its only cell.
pub(crate) fn broken(cell: &[u8]) -> Option<(String, String, &[u8])> {
    let mut parts = cell
        .strip_prefix(&[BROKEN])?
        .splitn(3, |byte| u32::from(*byte) == u32::from(UNIT));
    let mut text = || Some(String::from_utf8_lossy(parts.next()?).into_owned());
    let (code, message) = (text()?, text()?);
    Some((code, message, parts.next()?))
}
