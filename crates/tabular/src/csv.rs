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

use contracts::plan::{Dialect, Encoding, RECORD_BYTES_MAX};

use crate::encoding::{Transcoder, bom, source_len};

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
    /// A record over [`RECORD_BYTES_MAX`], of this many bytes in the file. Its content is gone.
    TooLarge(u64),
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

#[derive(Clone, Debug)]
pub struct Decoder {
    encoding: Encoding,
    transcoder: Transcoder,
    delimiter: u8,
    quote: Option<u8>,
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
    doubled: bool,
    /// Bytes in the file of a record over the limit that were dropped already.
    dropped: Option<u64>,
    fields: Vec<(u32, u32)>,
    unescaped: Vec<u8>,
    stray: Option<usize>,
    /// The record that was found last.
    found: std::ops::Range<usize>,
    position: Position,
}

impl Decoder {
    /// A decoder of the file from its first byte, or from a place between two records (`position.byte` > 0).
    #[must_use]
    pub fn new(dialect: &Dialect, position: Option<Position>) -> Self {
        let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
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
        Self {
            encoding: dialect.encoding,
            transcoder: Transcoder::new(dialect.encoding),
            delimiter: ascii(dialect.delimiter).unwrap_or(b','),
            quote: dialect.quote.and_then(ascii),
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
            doubled: false,
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
            raw: &self.buffer[self.found.clone()],
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
            if let Some(end) = self.scan(limit) {
                return Some(self.complete(end));
            }
            if self.at >= limit && self.dropped.is_none() && self.at - self.start > RECORD_BYTES_MAX
            {
                // Checked at the same byte however the file is cut into pieces.
                self.dropped = Some(0);
            }
            if let Some(dropped) = &mut self.dropped {
                *dropped += source_len(self.encoding, &self.buffer[self.start..self.at]);
                self.start = self.at;
                self.field = self.at;
                self.fields.clear();
                self.unescaped.clear();
                if self.at < self.buffer.len() && !self.waits() {
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
            return Some(self.complete((self.at, 0)));
        }
    }

    /// Whether the byte at hand means one thing or another depending on the next, which has not come.
    fn waits(&self) -> bool {
        !self.ended && self.at + 1 == self.buffer.len()
    }

    /// Reads on; answers where the record's text ends and how long its line end is.
    fn scan(&mut self, limit: usize) -> Option<(usize, usize)> {
        let delimiter = self.delimiter;
        // Without a quote mark, one that cannot match: the delimiter is asked first.
        let quote = self.quote.unwrap_or(delimiter);
        loop {
            if self.at >= limit {
                return None;
            }
            if self.state == State::FieldStart {
                let first = self.buffer[self.at];
                if first == quote && self.quote.is_some() {
                    self.state = State::Quoted;
                    self.lines_before_field = self.lines;
                    self.at += 1;
                    continue;
                }
                self.state = State::Plain;
            }
            if self.state == State::Plain {
                let plain = &self.buffer[self.at..limit];
                let len = plain
                    .iter()
                    .position(|b| *b == delimiter || *b == b'\n' || *b == b'\r');
                let Some(len) = len else {
                    self.at = limit;
                    return None;
                };
                self.at += len;
                if self.buffer[self.at] == delimiter {
                    self.end_field(self.at, false);
                    self.at += 1;
                    self.field = self.at;
                    self.state = State::FieldStart;
                    continue;
                }
                let line_end = self.line_end()?;
                self.end_field(self.at, false);
                return Some((self.at, line_end));
            }
            // Quoted.
            let quoted = &self.buffer[self.at..limit];
            let len = quoted
                .iter()
                .position(|b| *b == quote || *b == b'\n' || *b == b'\r');
            let Some(len) = len else {
                self.at = limit;
                return None;
            };
            self.at += len;
            if self.buffer[self.at] != quote {
                let line_end = self.line_end()?;
                self.lines += 1;
                self.at += line_end;
                continue;
            }
            if self.waits() {
                return None;
            }
            match self.buffer.get(self.at + 1).copied() {
                Some(next) if next == quote => {
                    self.doubled = true;
                    self.at += 2;
                }
                Some(next) if next == delimiter => {
                    self.end_field(self.at, true);
                    self.at += 2;
                    self.field = self.at;
                    self.state = State::FieldStart;
                }
                None => {
                    self.end_field(self.at, true);
                    self.at += 1;
                    return Some((self.at, 0));
                }
                Some(b'\n' | b'\r') => {
                    self.at += 1;
                    let Some(line_end) = self.line_end() else {
                        self.at -= 1;
                        return None;
                    };
                    self.end_field(self.at - 1, true);
                    return Some((self.at, line_end));
                }
                Some(_) if self.dropped.is_none() => self.unquote(),
                Some(_) => self.state = State::Plain,
            }
        }
    }

    /// The quote that opened the field was none, or is not the whole story: the field is read again, or on, verbatim.
    fn unquote(&mut self) {
        self.stray.get_or_insert(self.fields.len());
        self.state = State::Plain;
        self.doubled = false;
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

    fn end_field(&mut self, end: usize, quoted: bool) {
        if self.dropped.is_some() {
            return;
        }
        let range = if !quoted {
            (self.field as u32, end as u32)
        } else if self.doubled {
            let from = self.unescaped.len() as u32;
            let quote = self.quote.unwrap_or_default();
            let mut rest = &self.buffer[self.field + 1..end];
            while let Some(at) = rest.iter().position(|b| *b == quote) {
                self.unescaped.extend_from_slice(&rest[..=at]);
                rest = &rest[at + 2..];
            }
            self.unescaped.extend_from_slice(rest);
            (from | UNESCAPED, self.unescaped.len() as u32 | UNESCAPED)
        } else {
            (self.field as u32 + 1, end as u32)
        };
        self.doubled = false;
        self.fields.push(range);
    }

    /// Turns from the record that ends here to the next.
    fn complete(&mut self, (end, line_end): (usize, usize)) -> Event {
        let rest = source_len(self.encoding, &self.buffer[self.start..end + line_end]);
        let text = source_len(self.encoding, &self.buffer[self.start..end]);
        let event = match self.dropped.take() {
            Some(dropped) => {
                self.next.byte += dropped;
                Event::TooLarge(dropped + text)
            }
            None if end == self.start => Event::Blank,
            None => Event::Record,
        };
        self.position = Position {
            byte: match event {
                Event::TooLarge(bytes) => self.next.byte + text - bytes,
                _ => self.next.byte,
            },
            ..self.next
        };
        self.found = self.start..end;
        self.start = end + line_end;
        self.at = self.start;
        self.field = self.start;
        self.state = State::FieldStart;
        self.next.byte += rest;
        self.next.line += self.lines + u64::from(line_end > 0);
        self.next.record += 1;
        self.lines = 0;
        event
    }
}

/// A record and its cells, as they stand in the decoder's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    buffer: &'a [u8],
    raw: &'a [u8],
    unescaped: &'a [u8],
    fields: &'a [(u32, u32)],
    stray: Option<usize>,
}

impl<'a> Record<'a> {
    /// The record as it stands in the file (as UTF-8), without its line end.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
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
