//! JSON records as rows: an object a line (NDJSON), an array of objects, or objects one after the other. The columns are the keys in the order
//! in which they first occur; what is not a string keeps its very characters, nested values among them. Memory is one record
//! and the keys. Next: [`super::delimited`].

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    io::{BufRead, BufReader, Read},
};

use contracts::plan::RECORD_BYTES_MAX;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Take, delimited::Writer};
use crate::FileError;

/// Values may be nested as deep as this; no reader of JSON is asked for more.
const DEPTH_MAX: usize = 128;
/// Keys that are told apart at all: far more than a table takes.
const KEYS_MAX: usize = 100_000;

/// How the records lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One a line; a line that cannot be read costs no other.
    Lines,
    Array,
    /// One after the other, over any number of lines.
    Sequence,
}

impl Shape {
    /// By the file's first bytes, which are known to be JSON.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut lines = text.splitn(2, |byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default().trim_ascii();
        let more = lines.next();
        let whole = || serde_json::from_slice::<IgnoredAny>(first).is_ok();
        match (text.first(), more) {
            (Some(b'['), Some(more)) if !more.trim_ascii().is_empty() && whole() => Self::Lines,
            (Some(b'['), _) => Self::Array,
            (_, Some(_)) if !whole() => Self::Sequence,
            _ => Self::Lines,
        }
    }
}

/// The text without a byte order mark.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Every key of the file, in the order in which they first occur.
pub(super) fn keys(reader: &mut dyn Read, shape: Shape) -> Result<Vec<String>, FileError> {
    let mut known = Keys::default();
    let mut records = Records::new(reader, shape);
    let mut good = 0;
    let mut first_fault = None;
    while records.advance()? {
        match records.fields(&mut known, true, &mut Vec::new()) {
            Ok(()) => good += 1,
            Err(fault) => {
                first_fault.get_or_insert_with(|| fault.told(&records));
            }
        }
        if known.0.len() > KEYS_MAX {
            break;
        }
    }
    if let (0, Some(fault)) = (good, first_fault) {
        return Err(FileError::Unreadable(fault));
    }
    // Those that are left out do not count, and which they are is for the analysis to say.
    if known.0.len() > KEYS_MAX {
        return Err(FileError::TooManyColumns {
            columns: known.0.len(),
        });
    }
    if known.0.is_empty() && good > 0 {
        return Err(FileError::Unreadable(
            "The records are empty: there is no key that could name a column.".to_owned(),
        ));
    }
    let mut keys: Vec<_> = known.0.into_iter().collect();
    keys.sort_unstable_by_key(|(_, at)| *at);
    Ok(keys.into_iter().map(|(key, _)| key).collect())
}

/// Writes every record by these keys.
pub(super) fn pour(
    reader: &mut dyn Read,
    shape: Shape,
    keys: &[String],
    take: &mut Take<'_>,
) -> Result<(), FileError> {
    let mut known = Keys(keys.iter().cloned().zip(0..).collect());
    let mut out = Writer::new(take);
    if keys.is_empty() {
        return Ok(());
    }
    for key in keys {
        out.cell(key);
    }
    out.end_record()?;
    let mut records = Records::new(reader, shape);
    while out.is_open() && records.advance()? {
        let mut values = vec![None; keys.len()];
        match records.fields(&mut known, false, &mut values) {
            Ok(()) => {
                let texts: Result<Vec<_>, Fault> = values
                    .into_iter()
                    .map(|value| value.map_or(Ok(None), text))
                    .collect();
                match texts {
                    Ok(texts) => {
                        for text in texts {
                            match text {
                                Some(text) => out.cell(&text),
                                None => out.missing(),
                            }
                        }
                        out.end_record()?;
                    }
                    Err(fault) => out.broken(fault.code, &fault.told(&records), records.shown())?,
                }
            }
            Err(fault) => out.broken(fault.code, &fault.told(&records), records.shown())?,
        }
    }
    out.flush()
}

/// A value as a cell's text: a string without its quotes, anything else as it is spelled, null not at all.
fn text(value: &RawValue) -> Result<Option<Cow<'_, str>>, Fault> {
    let raw = value.get();
    if raw == "null" {
        return Ok(None);
    }
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Some(Cow::Borrowed(plain))),
        Some(_) => serde_json::from_str(raw)
            .map(|text: String| Some(Cow::Owned(text)))
            .map_err(|error| Fault::invalid(error.to_string())),
        None => Ok(Some(Cow::Borrowed(raw))),
    }
}

/// Why one record cannot be read.
struct Fault {
    code: &'static str,
    what: String,
}

impl Fault {
    fn invalid(what: String) -> Self {
        Self {
            code: "invalid_json",
            what,
        }
    }

    fn told(&self, records: &Records<'_>) -> String {
        format!(
            "The record at line {}, byte {} of the file cannot be read: {}.",
            records.line, records.byte, self.what
        )
    }
}

/// Keys and their columns.
#[derive(Default)]
struct Keys(HashMap<String, usize>);

/// Cuts the file into records.
struct Records<'a> {
    reader: BufReader<&'a mut dyn Read>,
    shape: Shape,
    /// The record at hand, as it stands in the file.
    record: Vec<u8>,
    /// Its whole length, which may be more than is kept.
    len: u64,
    byte: u64,
    line: u64,
    next_byte: u64,
    next_line: u64,
    begun: bool,
    ended: bool,
}

impl<'a> Records<'a> {
    fn new(reader: &'a mut dyn Read, shape: Shape) -> Self {
        Self {
            reader: BufReader::with_capacity(128 * 1024, reader),
            shape,
            record: Vec::new(),
            len: 0,
            byte: 0,
            line: 1,
            next_byte: 0,
            next_line: 1,
            begun: false,
            ended: false,
        }
    }

    /// Goes on to the next record that is not blank.
    fn advance(&mut self) -> Result<bool, FileError> {
        self.record.clear();
        self.len = 0;
        if !std::mem::replace(&mut self.begun, true) {
            self.begin()?;
        }
        match self.shape {
            Shape::Lines => self.next_of_lines(),
            Shape::Array | Shape::Sequence => self.next_of_values(),
        }
    }

    /// Leaves out the byte order mark and the bracket that opens the array.
    fn begin(&mut self) -> Result<(), FileError> {
        for mark in [0xef, 0xbb, 0xbf] {
            if self.peek()? == Some(mark) {
                self.skip();
            }
        }
        if self.shape == Shape::Array {
            self.skip_blanks()?;
            self.skip();
        }
        Ok(())
    }

    fn next_of_lines(&mut self) -> Result<bool, FileError> {
        loop {
            (self.byte, self.line) = (self.next_byte, self.next_line);
            loop {
                let buffer = self.reader.fill_buf()?;
                let end = buffer.iter().position(|byte| *byte == b'\n');
                let len = end.unwrap_or(buffer.len());
                let room = (RECORD_BYTES_MAX + 1).saturating_sub(self.record.len());
                self.record.extend_from_slice(&buffer[..len.min(room)]);
                self.len += len as u64;
                let taken = len + usize::from(end.is_some());
                let ended = buffer.is_empty();
                self.reader.consume(taken);
                self.next_byte += taken as u64;
                if end.is_some() || ended {
                    self.next_line += u64::from(end.is_some());
                    self.ended = ended;
                    break;
                }
            }
            if !self.record.trim_ascii().is_empty() {
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            self.record.clear();
            self.len = 0;
        }
    }

    fn next_of_values(&mut self) -> Result<bool, FileError> {
        self.skip_blanks()?;
        (self.byte, self.line) = (self.next_byte, self.next_line);
        match self.peek()? {
            _ if self.ended => return Ok(false),
            None if self.shape == Shape::Array => {
                return Err(
                    self.unreadable("the list is not closed; the file was probably cut off")
                );
            }
            None => return Ok(false),
            Some(b']') if self.shape == Shape::Array => {
                self.skip();
                self.skip_blanks()?;
                self.ended = true;
                return match self.peek()? {
                    None => Ok(false),
                    Some(_) => Err(self.unreadable("there is more text behind the list")),
                };
            }
            Some(_) => {}
        }
        self.value()?;
        if self.shape == Shape::Array {
            self.skip_blanks()?;
            match self.peek()? {
                Some(b',') => self.skip(),
                Some(b']') => {}
                None => {
                    return Err(
                        self.unreadable("the list is not closed; the file was probably cut off")
                    );
                }
                Some(_) => return Err(self.unreadable("a comma or the list's end is missing")),
            }
        }
        Ok(true)
    }

    /// Copies one value, whatever it holds, to where its brackets close or its word ends.
    fn value(&mut self) -> Result<(), FileError> {
        let (mut depth, mut quoted, mut escaped) = (0u64, false, false);
        while let Some(byte) = self.peek()? {
            let mut done = false;
            if quoted {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => {
                        quoted = false;
                        done = depth == 0;
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth > 0 => {
                        depth -= 1;
                        done = depth == 0;
                    }
                    b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                        if self.len == 0 {
                            return Err(self.unreadable("a value is missing"));
                        }
                        return Ok(());
                    }
                    _ => {}
                }
            }
            if self.record.len() <= RECORD_BYTES_MAX {
                self.record.push(byte);
            }
            self.len += 1;
            self.skip();
            if done {
                return Ok(());
            }
        }
        if depth > 0 || quoted {
            return Err(self.unreadable("it is not closed; the file was probably cut off"));
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, FileError> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    /// Goes over the byte that was peeked at.
    fn skip(&mut self) {
        if self.reader.buffer().first() == Some(&b'\n') {
            self.next_line += 1;
        }
        self.next_byte += 1;
        self.reader.consume(1);
    }

    fn skip_blanks(&mut self) -> Result<(), FileError> {
        while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.skip();
        }
        Ok(())
    }

    fn unreadable(&self, what: &str) -> FileError {
        FileError::Unreadable(format!(
            "The JSON cannot be read at line {}, byte {}: {what}.",
            self.next_line, self.next_byte
        ))
    }

    /// The record for a quarantine; nothing of one that is too large.
    fn shown(&self) -> &[u8] {
        if self.record.len() > RECORD_BYTES_MAX {
            &[]
        } else {
            self.record.trim_ascii()
        }
    }

    /// Finds the record's values, each in its key's place. `add`: keys that are new get a place, and no value is kept.
    fn fields<'r>(
        &'r self,
        keys: &mut Keys,
        add: bool,
        values: &mut Vec<Option<&'r RawValue>>,
    ) -> Result<(), Fault> {
        if self.record.len() > RECORD_BYTES_MAX {
            return Err(Fault {
                code: "row_too_large",
                what: format!(
                    "it is {} bytes long; at most {RECORD_BYTES_MAX} can be read",
                    self.len
                ),
            });
        }
        let record = self.record.trim_ascii();
        if let Some(at) = too_deep(record) {
            return Err(Fault::invalid(format!(
                "it is nested over {DEPTH_MAX} deep at its byte {at}"
            )));
        }
        match record.first() {
            Some(b'{') => {}
            Some(b'[') => {
                return Err(Fault::invalid(
                    "it is a list, not an object with keys".to_owned(),
                ));
            }
            _ => {
                return Err(Fault::invalid(
                    "it is a single value, not an object with keys".to_owned(),
                ));
            }
        }
        let mut deserializer = serde_json::Deserializer::from_slice(record);
        let fields = Fields { keys, add, values };
        deserializer
            .deserialize_map(fields)
            .and_then(|()| deserializer.end())
            .map_err(|error| Fault::invalid(plain(&error)))
    }
}

/// The parser's words without the place within the record that it adds to them, but for the column.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{what}, at its character {}", error.column())
}

/// Where the nesting passes [`DEPTH_MAX`].
fn too_deep(record: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in record.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some(at);
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Reads an object's fields.
struct Fields<'k, 'v, 'r> {
    keys: &'k mut Keys,
    add: bool,
    values: &'v mut Vec<Option<&'r RawValue>>,
}

impl<'r> Visitor<'r> for Fields<'_, '_, 'r> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'r>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error as _;
        // Keys of a record that turns out broken must not become columns.
        let mut new: Vec<String> = Vec::new();
        let mut seen = vec![false; if self.add { self.keys.0.len() } else { 0 }];
        while let Some(key) = map.next_key_seed(Key {
            keys: self.keys,
            new: &mut new,
            add: self.add,
        })? {
            let repeated = || A::Error::custom("a key is repeated");
            if self.add {
                if seen.len() <= key {
                    seen.resize(key + 1, false);
                }
                if std::mem::replace(&mut seen[key], true) {
                    return Err(repeated());
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value()?;
            match self.values.get_mut(key) {
                Some(place @ None) => *place = Some(value),
                _ => return Err(repeated()),
            }
        }
        for key in new {
            let at = self.keys.0.len();
            self.keys.0.insert(key, at);
        }
        Ok(())
    }
}

/// A key's column.
struct Key<'k> {
    keys: &'k Keys,
    new: &'k mut Vec<String>,
    add: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<usize, E> {
        if let Some(at) = self.keys.0.get(key) {
            return Ok(*at);
        }
        if !self.add {
            return Err(E::custom("a key is new since the file was analysed"));
        }
        let known = self.keys.0.len();
        // A record has few keys that no record before it had, but for the first.
        let at = match self.new.iter().position(|new| new == key) {
            Some(at) => at,
            None => {
                self.new.push(key.to_owned());
                self.new.len() - 1
            }
        };
        Ok(known + at)
    }
}
