//! A push decoder: bytes go in as they come, whole records come out, each with its place in the file.
//!
//! It owns no I/O and one buffer, which holds the record being read and what of the last piece is not read yet. A cell is a range
//! of that buffer; only cells with doubled quotes are copied. It is not built on `csv-core`, which drops the quotes of
//! `"ab"c`, skips blank lines unseen and swallows the file behind a quote that is never closed; the tests hold it against
//! `csv-core` for everything well-formed. What it does with the ill-formed keeps every character:
//!
//! - a closing quote followed by anything but a delimiter or a line end: the cell is kept verbatim, quotes and all;
//! - if such a cell had run over a line end, or the file ends inside it, its opening quote is taken as a plain character and
//!   the record ends at its line's end, so that one stray quote costs no other record.
//!
//! Next: [`crate::record`].

use std::ops::Range;

use contracts::plan::{Dialect, Encoding, Escape, RECORD_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::{
    encoding::{Transcoder, ascii_width, bom},
    saved,
};

/// Marks a range of the side buffer, where unescaped cells lie. A record is far shorter than this.
const UNESCAPED: u32 = 1 << 31;

/// Buffer that is kept from record to record.
const BUFFER_KEPT: usize = 1024 * 1024;

/// What the decoder came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record: see [`Decoder::record`].
    Record,
    /// An empty line.
    Blank,
    /// A line that begins with the comment mark.
    Comment,
    /// A record over [`RECORD_BYTES_MAX`], of this many bytes in the file. Its content is gone.
    TooLarge(u64),
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Offset in the file, from 0.
    pub byte: u64,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub record: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    Comment,
}

/// How far a look at the bytes came.
enum Scan {
    /// To the end of a record: where its text ends, and how long its line end is.
    End(usize, usize),
    /// To the last byte that may be looked at.
    Limit,
    /// To one that means one thing or another depending on what has not come yet.
    Unclear,
}

/// A delimiter or a quote mark in UTF-8. Nearly all are one byte.
#[derive(Clone, Debug)]
struct Mark {
    first: u8,
    rest: Box<[u8]>,
}

impl Mark {
    fn new(text: &str) -> Option<Self> {
        let (first, rest) = text.as_bytes().split_first()?;
        Some(Self {
            first: *first,
            rest: rest.into(),
        })
    }

    fn len(&self) -> usize {
        1 + self.rest.len()
    }
}

/// The mark that closes what this one opens.
fn closing(quote: char) -> char {
    match quote {
        '“' => '”',
        '„' => '“',
        '«' => '»',
        '‘' => '’',
        same => same,
    }
}

#[derive(Clone, Debug)]
pub struct Decoder {
    encoding: Encoding,
    transcoder: Transcoder,
    delimiter: Mark,
    /// Open and close quoted cells, if any are.
    is_quoting: bool,
    open: Mark,
    close: Mark,
    escape: Escape,
    comment: Option<u8>,
    /// Whether all marks are of one byte, quotes are doubled and there are no comments, as in nearly every file.
    is_simple: bool,
    /// Bytes that may mean something, in cells without quotes and with them.
    plain_stops: Box<[bool; 256]>,
    quoted_stops: Box<[bool; 256]>,
    /// Bytes of the byte order mark still to be left out.
    skip: usize,
    buffer: Vec<u8>,
    ended: bool,
    /// The record being read: where it begins in the buffer and in the file.
    start: usize,
    next: Position,
    /// The byte to look at next.
    at: usize,
    state: State,
    field: usize,
    /// Line ends inside the record, and how many of them stood before the field.
    lines: u64,
    lines_before_field: u64,
    /// Whether the cell being read holds what must be unescaped, or is kept as it stands in any case; whether it is either, or of
    /// a record over the limit.
    escaped: bool,
    verbatim: bool,
    is_unusual: bool,
    /// Bytes in the file of a record over the limit that were dropped already.
    dropped: Option<u64>,
    fields: Vec<(u32, u32)>,
    unescaped: Vec<u8>,
    stray: Option<usize>,
    /// The record that was found last.
    found: Range<usize>,
    position: Position,
}

impl Decoder {
    /// A decoder of the file from its first byte, or from a place between two records (`position.byte` > 0).
    #[must_use]
    pub fn new(dialect: &Dialect, position: Option<Position>) -> Self {
        let mark = |c: char| Mark::new(c.encode_utf8(&mut [0; 4]));
        let comma = Mark {
            first: b',',
            rest: Box::default(),
        };
        let delimiter = Mark::new(&dialect.delimiter).unwrap_or(comma);
        // Without a quote mark, one that cannot match: the delimiter is asked first.
        let open = dialect.quote.and_then(mark);
        let close = dialect.quote.map(closing).and_then(mark);
        let skip = if dialect.bom && position.is_none() {
            bom(dialect.encoding).len()
        } else {
            0
        };
        let next = position.unwrap_or(Position {
            byte: skip as u64,
            line: 1,
            record: 1,
        });
        let stops = |mark: &Mark| {
            let mut stops = Box::new([false; 256]);
            for byte in [mark.first, b'\n', b'\r'] {
                stops[usize::from(byte)] = true;
            }
            stops[usize::from(b'\\')] |= dialect.escape == Escape::Backslash;
            stops
        };
        let plain_stops = stops(&delimiter);
        let quoted_stops = stops(close.as_ref().unwrap_or(&delimiter));
        let is_single = |mark: &Option<Mark>| mark.as_ref().is_none_or(|m| m.rest.is_empty());
        Self {
            encoding: dialect.encoding,
            is_simple: delimiter.rest.is_empty()
                && is_single(&open)
                && is_single(&close)
                && dialect.escape == Escape::Doubled
                && dialect.comment.is_none(),
            transcoder: Transcoder::new(dialect.encoding),
            is_quoting: open.is_some(),
            open: open.unwrap_or_else(|| delimiter.clone()),
            close: close.unwrap_or_else(|| delimiter.clone()),
            delimiter,
            escape: dialect.escape,
            comment: dialect.comment.and_then(|c| u8::try_from(c).ok()),
            plain_stops,
            quoted_stops,
            skip,
            buffer: Vec::new(),
            ended: false,
            start: 0,
            next,
            at: 0,
            state: State::FieldStart,
            field: 0,
            lines: 0,
            lines_before_field: 0,
            escaped: false,
            verbatim: false,
            is_unusual: false,
            dropped: None,
            fields: Vec::new(),
            unescaped: Vec::new(),
            stray: None,
            found: 0..0,
            position: next,
        }
    }

    /// Takes the next bytes of the file. Call [`Self::next_event`] until it has none before pushing more, or they pile up.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.at -= self.start;
            self.field -= self.start;
            for field in &mut self.fields {
                // Ranges of the side buffer do not move.
                if field.0 & UNESCAPED == 0 {
                    field.0 -= self.start as u32;
                    field.1 -= self.start as u32;
                }
            }
            self.start = 0;
            self.found = 0..0;
            if self.buffer.capacity() > BUFFER_KEPT && self.buffer.len() < BUFFER_KEPT / 2 {
                // A huge record has passed.
                self.buffer.shrink_to(BUFFER_KEPT);
                self.unescaped = Vec::new();
            }
        }
        let skip = self.skip.min(bytes.len());
        self.skip -= skip;
        self.transcoder.push(&bytes[skip..], &mut self.buffer);
    }

    /// Says that the file has ended.
    pub fn finish(&mut self) {
        self.ended = true;
        self.transcoder.finish(&mut self.buffer);
    }

    /// Where the next record begins: everything before it has been given out.
    #[must_use]
    pub fn next_position(&self) -> Position {
        self.next
    }

    /// Where the record, blank line or dropped record that was found last begins.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The record that was found last.
    #[must_use]
    pub fn record(&self) -> Record<'_> {
        Record {
            buffer: &self.buffer,
            raw: (self.found.start, self.found.end),
            unescaped: &self.unescaped,
            fields: &self.fields,
            stray: self.stray,
        }
    }

    /// The fields of a record whose end was not seen yet: all that a head without one whole record can tell.
    #[must_use]
    pub fn fields_so_far(&self) -> usize {
        self.fields.len() + usize::from(self.at > self.start)
    }

    /// The next record, or `None` until more bytes come or the file ends.
    pub fn next_event(&mut self) -> Option<Event> {
        if self.at == self.start && self.dropped.is_none() {
            self.fields.clear();
            self.unescaped.clear();
            self.stray = None;
        }
        loop {
            let limit = if self.dropped.is_some() {
                self.buffer.len()
            } else {
                self.buffer.len().min(self.start + RECORD_BYTES_MAX + 1)
            };
            let scan = if self.is_simple {
                self.scan::<true>(limit)
            } else {
                self.scan::<false>(limit)
            };
            if let Scan::End(end, line_end) = scan {
                return Some(self.complete(end, line_end));
            }
            if self.at >= limit && self.dropped.is_none() && self.at - self.start > RECORD_BYTES_MAX
            {
                // Checked at the same byte however the file is cut into pieces.
                self.dropped = Some(0);
                self.is_unusual = true;
            }
            if let Some(dropped) = &mut self.dropped {
                while self.encoding != Encoding::Utf8
                    && matches!(self.buffer.get(self.at), Some(0x80..0xc0))
                {
                    // Only whole characters can be measured; what was made of another encoding is made of such.
                    self.at -= 1;
                }
                *dropped += self
                    .transcoder
                    .source_len(&self.buffer[self.start..self.at]);
                self.start = self.at;
                self.field = self.at;
                self.fields.clear();
                self.unescaped.clear();
                if self.at < self.buffer.len() && !matches!(scan, Scan::Unclear) {
                    continue;
                }
            }
            if !self.ended || self.at < self.buffer.len() {
                return None;
            }
            if self.state == State::Quoted && self.dropped.is_none() {
                self.unquote();
                continue;
            }
            if self.at == self.start && self.fields.is_empty() && self.dropped.is_none() {
                return None;
            }
            self.end_field(self.at, false);
            return Some(self.complete(self.at, 0));
        }
    }

    /// Whether the byte at hand means one thing or another depending on the next, which has not come.
    fn waits(&self) -> bool {
        !self.ended && self.at + 1 == self.buffer.len()
    }

    /// Whether the mark whose first byte was found here stands here; `None` while that cannot be known.
    #[inline]
    fn stands<const SIMPLE: bool>(&self, mark: &Mark, at: usize) -> Option<bool> {
        if SIMPLE || mark.rest.is_empty() {
            return Some(true);
        }
        let rest = &self.buffer[at + 1..];
        let seen = rest.len().min(mark.rest.len());
        if rest[..seen] != mark.rest[..seen] {
            Some(false)
        } else if seen == mark.rest.len() {
            Some(true)
        } else {
            self.ended.then_some(false)
        }
    }

    /// Reads on. `SIMPLE`: by marks of one byte alone.
    fn scan<const SIMPLE: bool>(&mut self, limit: usize) -> Scan {
        let delimiter = self.delimiter.first;
        let close = self.close.first;
        let escape = self.escape;
        let open = self.open.first;
        let is_quoting = self.is_quoting;
        let length = |mark: &Mark| if SIMPLE { 1 } else { mark.len() };
        let is_escape = |b: u8| !SIMPLE && b == b'\\' && escape == Escape::Backslash;
        let is_line_end = |b: u8| b == b'\n' || b == b'\r';
        loop {
            if self.at >= limit {
                return Scan::Limit;
            }
            if self.state == State::FieldStart {
                let first = self.buffer[self.at];
                if first == open && is_quoting {
                    match self.stands::<SIMPLE>(&self.open, self.at) {
                        None => return Scan::Unclear,
                        Some(true) => {
                            self.state = State::Quoted;
                            self.lines_before_field = self.lines;
                            self.at += length(&self.open);
                            continue;
                        }
                        Some(false) => {}
                    }
                }
                self.state = if !SIMPLE && self.comment == Some(first) && self.begins_record() {
                    State::Comment
                } else {
                    State::Plain
                };
            }
            let ahead = &self.buffer[self.at..limit];
            if self.state == State::Plain {
                let stops = &self.plain_stops;
                let len = ahead.iter().position(|b| stops[usize::from(*b)]);
                let Some(len) = len else {
                    self.at = limit;
                    return Scan::Limit;
                };
                self.at += len;
                let byte = self.buffer[self.at];
                if byte == delimiter {
                    match self.stands::<SIMPLE>(&self.delimiter, self.at) {
                        None => return Scan::Unclear,
                        Some(true) => {
                            self.end_field(self.at, false);
                            self.next_field(self.at + length(&self.delimiter));
                        }
                        Some(false) => self.at += 1,
                    }
                    continue;
                }
                if is_escape(byte) {
                    if self.waits() {
                        return Scan::Unclear;
                    }
                    self.backslash();
                    continue;
                }
                let Some(line_end) = self.line_end() else {
                    return Scan::Unclear;
                };
                self.end_field(self.at, false);
                return Scan::End(self.at, line_end);
            }
            if self.state == State::Comment {
                let Some(len) = ahead.iter().position(|b| is_line_end(*b)) else {
                    self.at = limit;
                    return Scan::Limit;
                };
                self.at += len;
                let Some(line_end) = self.line_end() else {
                    return Scan::Unclear;
                };
                return Scan::End(self.at, line_end);
            }
            // Quoted.
            let stops = &self.quoted_stops;
            let len = ahead.iter().position(|b| stops[usize::from(*b)]);
            let Some(len) = len else {
                self.at = limit;
                return Scan::Limit;
            };
            self.at += len;
            let byte = self.buffer[self.at];
            if is_line_end(byte) {
                let Some(line_end) = self.line_end() else {
                    return Scan::Unclear;
                };
                self.lines += 1;
                self.at += line_end;
                continue;
            }
            if is_escape(byte) && close != b'\\' {
                if self.waits() {
                    return Scan::Unclear;
                }
                self.backslash();
                continue;
            }
            match self.stands::<SIMPLE>(&self.close, self.at) {
                None => return Scan::Unclear,
                Some(false) => {
                    self.at += 1;
                    continue;
                }
                Some(true) => {}
            }
            let behind = self.at + length(&self.close);
            let Some(next) = self.buffer.get(behind).copied() else {
                if !self.ended {
                    return Scan::Unclear;
                }
                self.end_field(self.at, true);
                self.at = behind;
                return Scan::End(behind, 0);
            };
            if next == close && (SIMPLE || escape != Escape::None) {
                match self.stands::<SIMPLE>(&self.close, behind) {
                    None => return Scan::Unclear,
                    Some(true) => {
                        self.escaped = true;
                        self.is_unusual = true;
                        self.at = behind + length(&self.close);
                        continue;
                    }
                    Some(false) => {}
                }
            }
            if next == delimiter {
                match self.stands::<SIMPLE>(&self.delimiter, behind) {
                    None => return Scan::Unclear,
                    Some(true) => {
                        self.end_field(self.at, true);
                        self.next_field(behind + length(&self.delimiter));
                        continue;
                    }
                    Some(false) => {}
                }
            } else if is_line_end(next) {
                let end = std::mem::replace(&mut self.at, behind);
                let Some(line_end) = self.line_end() else {
                    self.at = end;
                    return Scan::Unclear;
                };
                self.end_field(end, true);
                return Scan::End(behind, line_end);
            }
            if self.dropped.is_none() {
                self.unquote();
            } else {
                self.state = State::Plain;
            }
        }
    }

    #[inline]
    fn next_field(&mut self, at: usize) {
        self.at = at;
        self.field = at;
        self.state = State::FieldStart;
    }

    fn begins_record(&self) -> bool {
        self.at == self.start && self.fields.is_empty() && self.dropped.is_none()
    }

    /// Passes the backslash at hand, and what it escapes.
    fn backslash(&mut self) {
        let escapes = self
            .buffer
            .get(self.at + 1)
            .is_some_and(|next| self.is_escapable(*next, self.state == State::Quoted));
        self.escaped |= escapes;
        self.is_unusual |= escapes;
        self.at += 1 + usize::from(escapes);
    }

    /// Whether a backslash before this byte is no character of the cell.
    fn is_escapable(&self, byte: u8, quoted: bool) -> bool {
        byte == b'\\'
            || (self.is_quoting && byte == self.close.first)
            || (!quoted && byte == self.delimiter.first)
    }

    /// The quote that opened the field was none, or is not the whole story: the field is read again, or on, verbatim.
    fn unquote(&mut self) {
        self.stray.get_or_insert(self.fields.len());
        self.state = State::Plain;
        self.escaped = false;
        self.verbatim = true;
        self.is_unusual = true;
        if self.lines > self.lines_before_field || self.at >= self.buffer.len() {
            self.lines = self.lines_before_field;
            self.at = self.field;
        } else {
            self.at += 1;
        }
    }

    /// Length of the line end at hand; `None` while it cannot be known whether LF follows CR.
    fn line_end(&self) -> Option<usize> {
        if self.buffer[self.at] == b'\n' {
            return Some(1);
        }
        if self.waits() {
            return None;
        }
        Some(1 + usize::from(self.buffer.get(self.at + 1) == Some(&b'\n')))
    }

    #[inline]
    fn end_field(&mut self, end: usize, quoted: bool) {
        if self.is_unusual {
            self.end_unusual_field(end, quoted);
            return;
        }
        let begin = self.field + if quoted { self.open.len() } else { 0 };
        self.fields.push((begin as u32, end as u32));
    }

    #[cold]
    fn end_unusual_field(&mut self, end: usize, quoted: bool) {
        let escaped = std::mem::take(&mut self.escaped);
        let verbatim = std::mem::take(&mut self.verbatim);
        self.is_unusual = self.dropped.is_some();
        if self.is_unusual {
            return;
        }
        if !escaped || verbatim {
            self.end_field(end, quoted);
            return;
        }
        let begin = self.field + if quoted { self.open.len() } else { 0 };
        let from = self.unescaped.len() as u32;
        self.unescape(begin, end, quoted);
        let to = self.unescaped.len() as u32;
        self.fields.push((from | UNESCAPED, to | UNESCAPED));
    }

    /// Copies the cell to the side buffer, without what escapes in it.
    fn unescape(&mut self, begin: usize, end: usize, quoted: bool) {
        let mut rest = &self.buffer[begin..end];
        let mut out = std::mem::take(&mut self.unescaped);
        let is_backslash = self.escape == Escape::Backslash;
        let close = self.close.len();
        while let Some(at) = rest
            .iter()
            .position(|b| (quoted && *b == self.close.first) || (is_backslash && *b == b'\\'))
        {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let (skip, keep) = if is_backslash && rest[0] == b'\\' {
                let escapes = rest
                    .get(1)
                    .is_some_and(|next| self.is_escapable(*next, quoted));
                (usize::from(escapes), 1)
            } else {
                // In a quoted cell a whole mark only ever stands twice.
                let is_mark = rest[1..].starts_with(&self.close.rest);
                if is_mark { (close, close) } else { (0, 1) }
            };
            out.extend_from_slice(&rest[skip..skip + keep]);
            rest = &rest[skip + keep..];
        }
        out.extend_from_slice(rest);
        self.unescaped = out;
    }

    /// Turns from the record that ends here to the next.
    fn complete(&mut self, end: usize, line_end: usize) -> Event {
        let text = self.transcoder.source_len(&self.buffer[self.start..end]);
        let dropped = self.dropped.take();
        self.is_unusual = false;
        let event = match dropped {
            _ if self.state == State::Comment => Event::Comment,
            Some(dropped) => Event::TooLarge(dropped + text),
            None if end == self.start => Event::Blank,
            None => Event::Record,
        };
        self.position = self.next;
        self.found = self.start..end;
        self.next_field(end + line_end);
        self.start = self.at;
        self.next.byte +=
            dropped.unwrap_or_default() + text + line_end as u64 * ascii_width(self.encoding);
        self.next.line += self.lines + u64::from(line_end > 0);
        self.next.record += 1;
        self.lines = 0;
        event
    }
}

/// A record and its cells, as they stand in the decoder's buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<'a> {
    buffer: &'a [u8],
    raw: (usize, usize),
    unescaped: &'a [u8],
    fields: &'a [(u32, u32)],
    stray: Option<usize>,
}

impl<'a> Record<'a> {
    /// The record as it stands in the file (as UTF-8), without its line end.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        &self.buffer[self.raw.0..self.raw.1]
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first cell whose quotes do not pair up.
    #[must_use]
    pub fn stray_quote(&self) -> Option<usize> {
        self.stray
    }

    /// Whether the cell stood in these quotes.
    pub(crate) fn is_quoted(&self, column: usize, quote: char) -> bool {
        self.fields.get(column).is_some_and(|(start, _)| {
            start & UNESCAPED != 0
                || self.buffer[..*start as usize]
                    .ends_with(quote.encode_utf8(&mut [0; 4]).as_bytes())
        })
    }

    #[must_use]
    pub fn get(&self, column: usize) -> Option<&'a [u8]> {
        self.fields.get(column).map(|range| self.slice(*range))
    }

    /// As [`Self::get`], but a cell that is empty and has no quotes is none: of text that another format was turned into.
    #[must_use]
    pub fn get_valued(&self, column: usize) -> Option<&'a [u8]> {
        let (start, end) = *self.fields.get(column)?;
        let bare = start == end
            && start & UNESCAPED == 0
            && start
                .checked_sub(1)
                .is_none_or(|before| self.buffer[before as usize] != b'"');
        (!bare).then(|| self.slice((start, end)))
    }

    pub fn cells(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let record = *self;
        self.fields.iter().map(move |range| record.slice(*range))
    }

    fn slice(&self, (start, end): (u32, u32)) -> &'a [u8] {
        if start & UNESCAPED == 0 {
            &self.buffer[start as usize..end as usize]
        } else {
            &self.unescaped[(start & !UNESCAPED) as usize..(end & !UNESCAPED) as usize]
        }
    }
}

/// A record that outlives the decoder's buffer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HeldRecord {
    #[serde(with = "saved::bytes")]
    raw: Vec<u8>,
    #[serde(with = "saved::bytes")]
    unescaped: Vec<u8>,
    fields: Vec<(u32, u32)>,
    stray: Option<usize>,
}

impl HeldRecord {
    pub(crate) fn new(record: Record<'_>) -> Self {
        let begin = record.raw.0 as u32;
        let fields = record.fields.iter().map(|(start, end)| {
            if start & UNESCAPED == 0 {
                (start - begin, end - begin)
            } else {
                (*start, *end)
            }
        });
        Self {
            raw: record.raw().to_vec(),
            unescaped: record.unescaped.to_vec(),
            fields: fields.collect(),
            stray: record.stray,
        }
    }

    /// The text of a line alone.
    pub(crate) fn line(record: Record<'_>) -> Self {
        Self {
            raw: record.raw().to_vec(),
            unescaped: Vec::new(),
            fields: Vec::new(),
            stray: None,
        }
    }

    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            buffer: &self.raw,
            raw: (0, self.raw.len()),
            unescaped: &self.unescaped,
            fields: &self.fields,
            stray: self.stray,
        }
    }
}
