//! Bytes of the file become UTF-8, in pieces of any size, so that the rest of the crate knows one encoding.
//!
//! What is not text is kept, not replaced: a bad UTF-8 byte goes through as it is, a lone surrogate of UTF-16 as its three bytes
//! (WTF-8), any other byte as [`BYTE`] and its two nibbles. None of these is valid UTF-8, so the record that holds one is found
//! by the one check in [`crate::record`], and [`Transcoder::source_len`] and [`raw_text`] can still tell what stood in the file. Of the
//! older encodings only characters that are written back as the very bytes of the file are taken; other bytes are bad ones.
//! Which encoding a file has is [`crate::detect`]'s to say. Next: [`crate::csv`].

use contracts::plan::Encoding;

/// Opens the stand-in for a byte that is no text: its two nibbles follow.
const BYTE: u8 = 0xff;

/// The bytes of the byte order mark; none for encodings that have no such mark.
#[must_use]
pub fn bom(encoding: Encoding) -> &'static [u8] {
    match encoding {
        Encoding::Utf8 => b"\xef\xbb\xbf",
        Encoding::Utf16Le => b"\xff\xfe",
        Encoding::Utf16Be => b"\xfe\xff",
        Encoding::Utf32Le => b"\xff\xfe\0\0",
        Encoding::Utf32Be => b"\0\0\xfe\xff",
        _ => b"",
    }
}

/// The encoding that a byte order mark at the head names.
#[must_use]
pub fn by_bom(head: &[u8]) -> Option<Encoding> {
    // UTF-32 first: UTF-16's mark opens its own.
    [
        Encoding::Utf32Le,
        Encoding::Utf32Be,
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ]
    .into_iter()
    .find(|encoding| head.starts_with(bom(*encoding)))
}

/// The encoding that a label of the WHATWG standard, or one of ours, names.
#[must_use]
pub fn by_label(label: &str) -> Option<Encoding> {
    let named = |label: &str| {
        Encoding::ALL
            .iter()
            .copied()
            .find(|encoding| encoding.label().eq_ignore_ascii_case(label))
    };
    let label = label.trim();
    named(label).or_else(|| named(encoding_rs::Encoding::for_label(label.as_bytes())?.name()))
}

/// Our name of an encoding that `encoding_rs` has.
pub(crate) fn of_rs(encoding: &'static encoding_rs::Encoding) -> Option<Encoding> {
    by_label(encoding.name())
}

/// The older encodings, of one or several bytes a character; none for Unicode's own.
fn legacy(encoding: Encoding) -> Option<&'static encoding_rs::Encoding> {
    match encoding {
        Encoding::Utf8
        | Encoding::Utf16Le
        | Encoding::Utf16Be
        | Encoding::Utf32Le
        | Encoding::Utf32Be => None,
        older => encoding_rs::Encoding::for_label(older.label().as_bytes()),
    }
}

/// Bytes of a line end's character, or of any other of ASCII.
pub(crate) fn ascii_width(encoding: Encoding) -> u64 {
    match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be => 2,
        Encoding::Utf32Le | Encoding::Utf32Be => 4,
        _ => 1,
    }
}

/// UTF-32 without a byte order mark: two bytes of every character are zero, or nearly, and one is always.
fn wide_by_zero_bytes(head: &[u8]) -> Option<Encoding> {
    let (units, _) = head.as_chunks::<4>();
    if units.len() < 2 {
        return None;
    }
    let looks = |read: fn([u8; 4]) -> u32| {
        let characters = units
            .iter()
            .map(|unit| char::from_u32(read(*unit)))
            .collect::<Option<Vec<char>>>();
        characters.is_some_and(|characters| {
            let nul = characters.iter().filter(|c| **c == '\0').count();
            nul * 8 < characters.len()
        })
    };
    if looks(u32::from_le_bytes) {
        Some(Encoding::Utf32Le)
    } else if looks(u32::from_be_bytes) {
        Some(Encoding::Utf32Be)
    } else {
        None
    }
}

/// UTF-16 and UTF-32 without a byte order mark: separators, digits and Latin letters have a zero byte each, always on the same side.
#[must_use]
pub fn by_zero_bytes(head: &[u8]) -> Option<Encoding> {
    if let Some(wide) = wide_by_zero_bytes(head) {
        return Some(wide);
    }
    let pairs = head.len() / 2;
    let zeros = |side: usize| {
        head.iter()
            .skip(side)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let many = |count: usize| {
        // Nearly all of Latin text; of another script the separators, and then its bytes make no sense as UTF-8. A few NUL
        // cells in a short UTF-8 file are bad cells, not an encoding.
        count >= 2 && (count * 10 >= pairs * 7 || (count * 8 >= pairs && !sensible(head)))
    };
    if many(odd) && even * 16 <= odd {
        Some(Encoding::Utf16Le)
    } else if many(even) && odd * 16 <= even {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Whether the head may be UTF-8, NUL aside.
fn sensible(head: &[u8]) -> bool {
    let valid = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    let controls = controls(head) - head.iter().filter(|b| **b == 0).count();
    valid && controls * 10 < head.len()
}

/// Control characters that no text has, NUL among them. The unit separator may be a delimiter.
pub(crate) fn controls(text: &[u8]) -> usize {
    text.iter()
        .filter(|b| matches!(**b, 0..=8 | 14..=26 | 28..=30))
        .count()
}

/// Turns the file's bytes into UTF-8 as they come.
#[derive(Clone, Debug)]
pub struct Transcoder {
    encoding: Encoding,
    legacy: Option<&'static encoding_rs::Encoding>,
    /// The bytes of a character, or of a UTF-16 unit, that are not all there yet.
    part: Vec<u8>,
    /// A high surrogate whose other half is yet to come.
    high: Option<u16>,
}

impl Transcoder {
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            legacy: legacy(encoding),
            part: Vec::new(),
            high: None,
        }
    }

    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.encoding == Encoding::Utf8 {
            out.extend_from_slice(bytes);
            return;
        }
        if self.part.is_empty() {
            let whole = self.whole(bytes, out);
            self.part.extend_from_slice(&bytes[whole..]);
            return;
        }
        let mut joined = std::mem::take(&mut self.part);
        joined.extend_from_slice(bytes);
        let whole = self.whole(&joined, out);
        joined.drain(..whole);
        self.part = joined;
    }

    /// The file has ended: what is half read is let through as what it is.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_unit(high, out);
        }
        for byte in std::mem::take(&mut self.part) {
            self.byte(byte, out);
        }
    }

    /// How many bytes of the file stand behind this text of whole characters.
    #[inline]
    #[must_use]
    pub fn source_len(&self, text: &[u8]) -> u64 {
        if self.encoding == Encoding::Utf8 {
            return text.len() as u64;
        }
        self.encoded_len(text)
    }

    fn encoded_len(&self, text: &[u8]) -> u64 {
        if let Some(legacy) = self.legacy {
            return legacy_len(legacy, text);
        }
        let width = ascii_width(self.encoding);
        text.iter()
            .map(|byte| match byte {
                0x80..0xc0 => 0,
                &BYTE => 1,
                0xf0..BYTE => 4,
                _ => width,
            })
            .sum()
    }

    /// Takes the characters that are whole; answers how many bytes they are.
    fn whole(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        if let Some(legacy) = self.legacy {
            return self.legacy(legacy, bytes, out);
        }
        if matches!(self.encoding, Encoding::Utf16Le | Encoding::Utf16Be) {
            out.reserve(bytes.len() / 2);
            let (pairs, rest) = bytes.as_chunks::<2>();
            for pair in pairs {
                self.unit(*pair, out);
            }
            return bytes.len() - rest.len();
        }
        let (units, rest) = bytes.as_chunks::<4>();
        for unit in units {
            let code = if self.encoding == Encoding::Utf32Le {
                u32::from_le_bytes(*unit)
            } else {
                u32::from_be_bytes(*unit)
            };
            match char::from_u32(code) {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => unit.iter().for_each(|byte| push_byte(*byte, out)),
            }
        }
        bytes.len() - rest.len()
    }

    /// All characters at once where every one is written back as it was, else one by one.
    fn legacy(
        &self,
        legacy: &'static encoding_rs::Encoding,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> usize {
        let mut end = 0;
        if legacy.is_single_byte() {
            end = bytes.len();
        }
        while let Some(len) = bytes.get(end..).and_then(|rest| self.character(rest)) {
            end += len;
        }
        let bytes = &bytes[..end];
        if let Some(text) = exact(legacy, bytes) {
            out.extend_from_slice(text.as_bytes());
            return end;
        }
        let mut rest = bytes;
        while let Some(len) = self.character(rest) {
            let (character, behind) = rest.split_at(len);
            match exact(legacy, character) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => character.iter().for_each(|byte| self.byte(*byte, out)),
            }
            rest = behind;
        }
        end
    }

    /// How long the character at the start is; none while its end has not come.
    fn character(&self, bytes: &[u8]) -> Option<usize> {
        let [lead, rest @ ..] = bytes else {
            return None;
        };
        let len = match (self.encoding, lead) {
            (Encoding::ShiftJis, 0x81..=0x9f | 0xe0..=0xfc) => 2,
            (Encoding::EucJp, 0x8f) => 3,
            (Encoding::EucJp, 0x8e | 0xa1..=0xfe) => 2,
            (Encoding::EucKr | Encoding::Big5, 0x81..=0xfe) => 2,
            (Encoding::Gbk | Encoding::Gb18030, 0x81..=0xfe) => match rest.first()? {
                b'0'..=b'9' => 4,
                _ => 2,
            },
            _ => 1,
        };
        // A delimiter or a line end is never part of a character: what stands before it is a lone byte.
        let lone = rest
            .iter()
            .take(len - 1)
            .any(|byte| *byte < if len == 4 { b'0' } else { b'@' });
        if lone {
            return Some(1);
        }
        (bytes.len() >= len).then_some(len)
    }

    /// A byte that is part of no character.
    fn byte(&self, byte: u8, out: &mut Vec<u8>) {
        if byte < 0x80 && self.legacy.is_some() {
            out.push(byte);
        } else {
            push_byte(byte, out);
        }
    }

    fn unit(&mut self, pair: [u8; 2], out: &mut Vec<u8>) {
        let unit = if self.encoding == Encoding::Utf16Le {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        };
        if let Some(high) = self.high.take() {
            if (0xdc00..0xe000).contains(&unit) {
                let code = 0x1_0000 + ((u32::from(high) & 0x3ff) << 10) + (u32::from(unit) & 0x3ff);
                if let Some(c) = char::from_u32(code) {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                return;
            }
            push_unit(high, out);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            push_unit(unit, out);
        }
    }
}

/// The text that is written back as these very bytes.
fn exact<'a>(
    legacy: &'static encoding_rs::Encoding,
    bytes: &'a [u8],
) -> Option<std::borrow::Cow<'a, str>> {
    let text = legacy.decode_without_bom_handling_and_without_replacement(bytes)?;
    let same = {
        let (back, _, unmappable) = legacy.encode(&text);
        !unmappable && *back == *bytes
    };
    same.then_some(text)
}

fn push_byte(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[BYTE, 0x80 | (byte >> 4), 0x80 | (byte & 0xf)]);
}

/// One unit of the basic plane, lone surrogates included, as one to three bytes.
fn push_unit(unit: u16, out: &mut Vec<u8>) {
    let low = |shift: u16| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x80 => out.push(unit as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (unit >> 6) as u8, low(0)]),
        _ => out.extend_from_slice(&[0xe0 | (unit >> 12) as u8, low(6), low(0)]),
    }
}

fn legacy_len(legacy: &'static encoding_rs::Encoding, text: &[u8]) -> u64 {
    if legacy.is_single_byte() || text.is_ascii() {
        return text
            .iter()
            .filter(|byte| !matches!(byte, 0x80..0xc0))
            .count() as u64;
    }
    text.split(|byte| *byte == BYTE)
        .enumerate()
        .map(|(at, part)| {
            // Behind the mark stand the two nibbles of one byte.
            let (bytes, part) = if at > 0 {
                (1, part.get(2..).unwrap_or_default())
            } else {
                (0, part)
            };
            let written = std::str::from_utf8(part).map_or(0, |part| legacy.encode(part).0.len());
            bytes + written as u64
        })
        .sum()
}

/// The text as it can be shown and stored: bytes of the file that are not text, and NUL, as `\xNN`; cut at `chars`.
#[must_use]
pub fn raw_text(encoding: Encoding, text: &[u8], chars: usize) -> String {
    // A character has at most four bytes; what lies beyond would be cut anyway.
    let text = text.get(..chars.saturating_mul(4)).unwrap_or(text);
    let mut shown = String::with_capacity(text.len());
    let mut left = chars;
    let mut rest = text;
    while !rest.is_empty() && left > 0 {
        let valid = match std::str::from_utf8(rest) {
            Ok(all) => all,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        for c in valid.chars().take(left) {
            left -= 1;
            if c == '\0' {
                for _ in 0..ascii_width(encoding) {
                    shown.push_str("\\x00");
                }
            } else {
                shown.push(c);
            }
        }
        rest = &rest[valid.len()..];
        if rest.is_empty() || left == 0 {
            break;
        }
        let (bytes, len) = bad_bytes(encoding, rest);
        for byte in bytes.into_iter().flatten() {
            shown.push_str(&format!("\\x{byte:02X}"));
        }
        left -= 1;
        rest = &rest[len..];
    }
    shown
}

/// The bytes of the file behind the bad sequence that opens `rest`, and how long that is.
fn bad_bytes(encoding: Encoding, rest: &[u8]) -> ([Option<u8>; 2], usize) {
    match (encoding, rest) {
        (Encoding::Utf8, [byte, ..]) => ([Some(*byte), None], 1),
        (_, [BYTE, high, low, ..]) => ([Some(high << 4 | low & 0xf), None], 3),
        (_, [a, b, c, ..]) => {
            let unit = u16::from(a & 0xf) << 12 | u16::from(b & 0x3f) << 6 | u16::from(c & 0x3f);
            let [first, second] = if encoding == Encoding::Utf16Le {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            };
            ([Some(first), Some(second)], 3)
        }
        // A cut in the middle of a sequence: nothing whole is left to show.
        _ => ([None, None], rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcode(encoding: Encoding, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut transcoder = Transcoder::new(encoding);
        for chunk in bytes.chunks(piece) {
            transcoder.push(chunk, &mut out);
        }
        transcoder.finish(&mut out);
        out
    }

    #[test]
    fn utf16_is_the_same_in_pieces_of_any_size() {
        let text = "a,ß,€,😀\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for piece in 1..9 {
            assert_eq!(transcode(Encoding::Utf16Le, &le, piece), text.as_bytes());
            assert_eq!(transcode(Encoding::Utf16Be, &be, piece), text.as_bytes());
        }
        assert_eq!(
            Transcoder::new(Encoding::Utf16Le).source_len(text.as_bytes()),
            le.len() as u64
        );
    }

    #[test]
    fn what_is_not_text_is_shown_by_the_bytes_of_the_file() {
        let bytes = b"\xd8\x00\x00a\xdc\x01\x00";
        let out = transcode(Encoding::Utf16Be, bytes, 2);
        assert!(std::str::from_utf8(&out).is_err());
        assert_eq!(Transcoder::new(Encoding::Utf16Be).source_len(&out), 7);
        assert_eq!(
            raw_text(Encoding::Utf16Be, &out, 100),
            "\\xD8\\x00a\\xDC\\x01\\x00"
        );
        assert_eq!(
            raw_text(Encoding::Utf8, b"x\xff\0\xc3y", 100),
            "x\\xFF\\x00\\xC3y"
        );
    }

    #[test]
    fn a_zero_byte_on_one_side_tells_utf16() {
        let le: Vec<u8> = "id;Straße\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let be: Vec<u8> = "id;Straße\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(by_zero_bytes(&le), Some(Encoding::Utf16Le));
        assert_eq!(by_zero_bytes(&be), Some(Encoding::Utf16Be));
        let russian: Vec<u8> = "имя,город\nАнна,Москва\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(by_zero_bytes(&russian), Some(Encoding::Utf16Le));
        let chinese: Vec<u8> = "名,城市\n安娜,莫斯科\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(by_zero_bytes(&chinese), Some(Encoding::Utf16Be));
        assert_eq!(by_zero_bytes(b"a,b\n1,\0\n"), None);
        assert_eq!(by_zero_bytes(b"a,b\n1,\0\n2,\0\n"), None);
    }
}
