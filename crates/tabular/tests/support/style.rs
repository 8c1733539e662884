//! Delimited text, written in any way that there is.

use contracts::plan::{Encoding, Escape, Options};
use proptest::prelude::*;

/// How a file is written.
#[derive(Clone, Debug)]
pub struct Style {
    pub delimiter: String,
    /// Opening and closing quote.
    pub quotes: Option<(char, char)>,
    pub escape: Escape,
    pub line_end: &'static str,
}

impl Style {
    pub fn plain(delimiter: &str, line_end: &'static str) -> Self {
        Self {
            delimiter: delimiter.to_owned(),
            quotes: Some(('"', '"')),
            escape: Escape::Doubled,
            line_end,
        }
    }

    pub fn options(&self) -> Options {
        Options {
            delimiter: Some(self.delimiter.clone()),
            quote: Some(self.quotes.map(|q| q.0.to_string()).unwrap_or_default()),
            escape: Some(self.escape),
            header: Some(true),
            preamble: Some(0),
            footer: Some(0),
            comment: Some(String::new()),
            ..Options::default()
        }
    }

    pub fn write(&self, rows: &[Vec<String>]) -> String {
        let mut file = String::new();
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    file.push_str(&self.delimiter);
                }
                match self.quotes {
                    Some((open, close)) if self.must_quote(cell, open, close, row.len()) => {
                        file.push(open);
                        file.push_str(&self.escaped(cell, close));
                        file.push(close);
                    }
                    _ => file.push_str(cell),
                }
            }
            file.push_str(self.line_end);
        }
        file
    }

    fn must_quote(&self, cell: &str, open: char, close: char, width: usize) -> bool {
        cell.contains(|c| {
            matches!(c, '\n' | '\r' | '\\') || c == open || c == close || self.delimiter.contains(c)
        }) || (cell.is_empty() && width == 1)
    }

    fn escaped(&self, cell: &str, close: char) -> String {
        match self.escape {
            Escape::Backslash => cell
                .replace('\\', "\\\\")
                .replace(close, &format!("\\{close}")),
            _ => cell.replace(close, &format!("{close}{close}")),
        }
    }
}

pub fn style() -> impl Strategy<Value = Style> {
    let delimiter = prop::sample::select(vec![
        ",", ";", "\t", "|", " ", ":", "^", "~", "\u{1f}", ", ", "||", "::", "~|~", "¦", "；",
    ]);
    let quotes = prop::sample::select(vec![
        ('"', '"'),
        ('\'', '\''),
        ('“', '”'),
        ('„', '“'),
        ('«', '»'),
    ]);
    let escape = prop_oneof![Just(Escape::Doubled), Just(Escape::Backslash)];
    let line_end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    (delimiter, quotes, escape, line_end).prop_map(|(delimiter, quotes, escape, line_end)| Style {
        delimiter: delimiter.to_owned(),
        quotes: Some(quotes),
        escape,
        line_end,
    })
}

pub fn encode(text: &str, encoding: Encoding, bom: bool) -> Vec<u8> {
    let text = if bom {
        format!("\u{feff}{text}")
    } else {
        text.to_owned()
    };
    match encoding {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf32Le => text
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect(),
        Encoding::Utf32Be => text
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect(),
        older => legacy(older).encode(&text).0.into_owned(),
    }
}

pub fn legacy(encoding: Encoding) -> &'static encoding_rs::Encoding {
    encoding_rs::Encoding::for_label(encoding.label().as_bytes()).unwrap()
}

pub fn encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![
        Just(Encoding::Utf8),
        Just(Encoding::Utf16Le),
        Just(Encoding::Utf16Be),
        Just(Encoding::Utf32Le),
        Just(Encoding::Utf32Be),
    ]
}

pub fn legacy_encoding() -> impl Strategy<Value = Encoding> {
    let older: Vec<_> = Encoding::ALL
        .iter()
        .copied()
        .filter(|encoding| !encoding.label().starts_with("utf"))
        .collect();
    prop::sample::select(older)
}
