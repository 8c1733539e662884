//! One record by its text alone: the cells of what stands in the quarantine, cut as the file's decoder cut them.

use contracts::plan::{Dialect, Encoding};

use crate::csv::{Decoder, Event};

/// The cells of a record as `raw_text` keeps it; `None` when the text is not exactly one record.
#[must_use]
pub fn split(dialect: &Dialect, raw: &str) -> Option<Vec<String>> {
    let dialect = Dialect {
        encoding: Encoding::Utf8,
        bom: false,
        ..dialect.clone()
    };
    let mut decoder = Decoder::new(&dialect, None);
    decoder.push(raw.as_bytes());
    decoder.finish();
    if decoder.next_event() != Some(Event::Record) {
        return None;
    }
    let text = |cell| String::from_utf8_lossy(cell).into_owned();
    let cells = decoder.record().cells().map(text).collect();
    decoder.next_event().is_none().then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(raw: &str) -> Option<Vec<String>> {
        let dialect = Dialect {
            encoding: Encoding::Utf16Le,
            bom: true,
            delimiter: ";".to_owned(),
            ..Dialect::default()
        };
        split(&dialect, raw)
    }

    #[test]
    fn a_record_is_cut_as_the_decoder_cuts_it() {
        assert_eq!(cells("a;b"), Some(vec!["a".into(), "b".into()]));
        let quoted = cells("\"a;\"\"b\r\nc\";;\\xFF");
        assert_eq!(
            quoted,
            Some(vec!["a;\"b\r\nc".into(), String::new(), "\\xFF".into()])
        );
        assert_eq!(cells("\"open;b"), Some(vec!["\"open".into(), "b".into()]));
    }

    #[test]
    fn nothing_and_more_than_one_record_are_none() {
        assert_eq!(cells(""), None);
        assert_eq!(cells("\n"), None);
        assert_eq!(cells("a;b\nc;d"), None);
    }
}
