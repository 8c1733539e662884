//! Values of files that store no text, as the text that a person would have written for them. Used by [`super::workbook`] and
//! [`super::columnar`].

use crate::{datetime::CANONICAL_DATE, number::FloatStyle};

/// Longer than this, a number is printed with an exponent.
const PLAIN_MAX: usize = 40;

/// The shortest digits that are this number.
pub(super) fn number(value: f64, out: &mut String) {
    let start = out.len();
    // Minus zero is zero.
    FloatStyle::Plain.print(value + 0.0, out);
    if out.len() - start > PLAIN_MAX {
        out.truncate(start);
        FloatStyle::C.print(value, out);
    }
}

/// A day since 1970-01-01.
pub(super) fn date(days: i64, out: &mut String) {
    match i32::try_from(days) {
        Ok(days) => CANONICAL_DATE.print(days, out),
        Err(_) => out.push_str(&days.to_string()),
    }
}

/// Nanoseconds since midnight, as `HH:mm:ss` and what is left of a second.
pub(super) fn time_of_day(nanos: i64, out: &mut String) {
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    out.push_str(&format!("{hours:02}:{minutes:02}:{:02}", seconds % 60));
    fraction(nanos % 1_000_000_000, out);
}

/// A time that runs over any number of hours, as `h:mm:ss`.
pub(super) fn duration(millis: i64, out: &mut String) {
    if millis < 0 {
        out.push('-');
    }
    let millis = millis.unsigned_abs();
    let seconds = millis / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    out.push_str(&format!("{hours}:{minutes:02}:{:02}", seconds % 60));
    fraction((millis % 1_000 * 1_000_000) as i64, out);
}

fn fraction(nanos: i64, out: &mut String) {
    if nanos > 0 {
        let digits = format!(".{nanos:09}");
        out.push_str(digits.trim_end_matches('0'));
    }
}
