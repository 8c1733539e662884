//! What is wrong with a record as a whole, and the entry that says so: the same words in analysis, load and `inspect`.
//! Next: [`crate::infer`] for what is in its cells.

use contracts::{
    plan::{Encoding, RECORD_BYTES_MAX},
    receipt::Place,
};

use crate::{
    csv::{Position, Record},
    encoding::raw_text,
};

/// Why no cell of a record can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Encoding,
    Nul,
}

pub(crate) fn flaw(raw: &[u8]) -> Option<Flaw> {
    if std::str::from_utf8(raw).is_err() {
        Some(Flaw::Encoding)
    } else if raw.contains(&0) {
        Some(Flaw::Nul)
    } else {
        None
    }
}

/// Of raw text that is only shown (a warning's), as many characters.
pub(crate) const SHOWN_CHARS: usize = 1_000;

pub(crate) fn place(at: Position, code: &str, message: String, raw: Option<String>) -> Place {
    Place {
        byte: at.byte,
        line: at.line,
        record: at.record,
        column: None,
        code: code.to_owned(),
        message,
        raw,
    }
}

pub(crate) fn flawed(at: Position, flaw: Flaw, encoding: Encoding, record: Record<'_>) -> Place {
    let (code, message) = match flaw {
        Flaw::Encoding => (
            "invalid_encoding",
            match encoding {
                Encoding::Utf8 => {
                    "The record holds bytes that are not UTF-8. Save the file as UTF-8, or mend this record.".to_owned()
                }
                Encoding::Utf16Le | Encoding::Utf16Be => {
                    "The record holds half a character (a lone surrogate). Mend this record.".to_owned()
                }
                other => format!(
                    "The record holds bytes that are no characters of {}. Name the file's encoding, or mend this record.",
                    other.label()
                ),
            },
        ),
        Flaw::Nul => (
            "nul_byte",
            "The record holds a NUL character, which no database text can hold. Remove it."
                .to_owned(),
        ),
    };
    let raw = raw_text(encoding, record.raw(), usize::MAX);
    place(at, code, message, Some(raw))
}

pub(crate) fn too_large(at: Position, bytes: u64) -> Place {
    place(
        at,
        "row_too_large",
        format!(
            "The record is {bytes} bytes long; at most {RECORD_BYTES_MAX} can be read. It stays in the file, at byte {}.",
            at.byte
        ),
        None,
    )
}
