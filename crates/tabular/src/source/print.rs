//! Values of files that store no text, as the text that a person would have written for them. Used by [`super::workbook`] and
//! [`super::columnar`].

use std::fmt::Write as _;

use crate::{datetime::CANONICAL_DATE, number::FloatStyle};

/// Longer than this, a number is printed with an exponent.
const PLAIN_MAX: usize = 40;

/// Whole numbers below this have the same digits as integers, which takes a third of the time.
const WHOLE_MAX: f64 = 1e15;

/// The shortest digits that are this number. Minus zero is zero.
pub(super) fn number(value: f64, out: &mut String) {
    if value.trunc() == value && value.abs() < WHOLE_MAX {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", value as i64);
        return;
    }
    let start = out.len();
    FloatStyle::Plain.print(value, out);
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

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_has_its_shortest_digits_whole_or_not() {
        let printed = |value: f64| {
            let mut out = String::new();
            number(value, &mut out);
            out
        };
        let numbers = [
            (0.0, "0"),
            (-0.0, "0"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (-1234.5, "-1234.5"),
            (999_999_999_999_999.0, "999999999999999"),
            (-1e15, "-1000000000000000"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e300, "1e+300"),
            (1.5e-60, "1.5e-60"),
        ];
        for (value, text) in numbers {
            assert_eq!(printed(value), text);
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
    }
}
