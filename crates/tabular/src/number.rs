//! Numbers: which spellings can be read and printed back unchanged. Used by [`crate::infer`] and [`crate::format`].

use std::cmp::Ordering;

/// What a cell's characters say about it as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub int64: bool,
    pub decimal: bool,
    /// Spellings of [`FloatStyle`] that give the cell back, one bit each.
    pub floats: u8,
    /// Whether there is a fraction or an exponent.
    pub broken: bool,
    pub negative: bool,
    /// Digits before and behind the point.
    pub whole: usize,
    pub scale: usize,
    /// Whether there is but a zero before the point.
    pub zero_whole: bool,
}

/// Digits that PostgreSQL's `numeric` is trusted with, on either side of the point.
const DIGITS_MAX: usize = 1_000;

/// How floats of a column are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatStyle {
    /// Shortest digits, never an exponent: `0.00001`.
    Plain,
    /// As C, Python and PostgreSQL: `1e-05`, `1e+15`, plain between.
    C,
    /// Always with an exponent: `1.5e-5`, `1E3`.
    Exponent { upper: bool },
}

impl FloatStyle {
    pub(crate) const ALL: [Self; 4] = [
        Self::Plain,
        Self::C,
        Self::Exponent { upper: false },
        Self::Exponent { upper: true },
    ];

    /// The style as a column's format; the canonical has none.
    pub(crate) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::C => Some("0.#e+00"),
            Self::Exponent { upper: false } => Some("0.#e0"),
            Self::Exponent { upper: true } => Some("0.#E0"),
        }
    }

    pub(crate) fn print(self, value: f64, out: &mut String) {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Plain => write!(out, "{value}"),
            Self::Exponent { upper: false } => write!(out, "{value:e}"),
            Self::Exponent { upper: true } => write!(out, "{value:E}"),
            Self::C => {
                let short = format!("{value:e}");
                match short.split_once('e') {
                    Some((digits, exponent)) => match exponent.parse::<i32>() {
                        Ok(exponent) if !(-4..15).contains(&exponent) => {
                            let sign = if exponent < 0 { '-' } else { '+' };
                            write!(out, "{digits}e{sign}{:02}", exponent.abs())
                        }
                        _ => write!(out, "{value}"),
                    },
                    None => write!(out, "{value}"),
                }
            }
        };
    }
}

/// Compares two decimals by their texts, however many digits they have.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> (bool, &str, &str) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let zero = whole.is_empty() && fraction.is_empty();
        (digits.len() < text.len() && !zero, whole, fraction)
    }
    let ((a_negative, a_whole, a_fraction), (b_negative, b_whole, b_fraction)) =
        (parts(a), parts(b));
    let size = (a_whole.len(), a_whole, a_fraction).cmp(&(b_whole.len(), b_whole, b_fraction));
    match (a_negative, b_negative) {
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Floats with at most this many digits come back as they are, whatever they are.
const SAFE_DIGITS: usize = 15;

pub(crate) fn shape(cell: &[u8]) -> Shape {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let negative = digits.len() != cell.len();
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if whole == 0 || (whole > 1 && digits[0] == b'0') {
        return Shape::default();
    }
    let rest = &digits[whole..];
    if rest.is_empty() {
        if negative && digits == b"0" {
            // Minus zero: no number type but float keeps it, and there it equals zero.
            return Shape::default();
        }
        let int64 = whole < 19 || parse_int(cell).is_some();
        return Shape {
            int64,
            decimal: whole <= DIGITS_MAX,
            floats: if whole < 15 {
                0b0011
            } else {
                float_styles(cell)
            },
            broken: false,
            negative,
            whole,
            scale: 0,
            zero_whole: digits == b"0",
        };
    }
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Shape {
            floats: float_styles(cell),
            broken: true,
            ..Shape::default()
        };
    };
    let scale = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if scale == 0 {
        return Shape::default();
    }
    if scale < fraction.len() {
        return Shape {
            floats: float_styles(cell),
            broken: true,
            ..Shape::default()
        };
    }
    let zero = digits.iter().all(|b| matches!(b, b'0' | b'.'));
    let floats = if fraction[scale - 1] == b'0' {
        0
    } else if whole + scale <= SAFE_DIGITS && (digits[0] != b'0' || scale <= 4) {
        0b0011
    } else {
        float_styles(cell)
    };
    Shape {
        int64: false,
        decimal: !(negative && zero) && whole <= DIGITS_MAX && scale <= DIGITS_MAX,
        floats,
        broken: true,
        negative,
        whole,
        scale,
        zero_whole: digits[0] == b'0',
    }
}

/// The styles that print the cell's value as the cell is spelled.
fn float_styles(cell: &[u8]) -> u8 {
    // Longer than any shortest spelling that is worth a float.
    if cell.len() > 40 || !float_characters(cell) {
        return 0;
    }
    let Some(value) = std::str::from_utf8(cell)
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|value| value.is_finite() && (*value != 0.0 || value.is_sign_positive()))
    else {
        return 0;
    };
    let mut styles = 0;
    let mut printed = String::with_capacity(40);
    for (bit, style) in FloatStyle::ALL.into_iter().enumerate() {
        printed.clear();
        style.print(value, &mut printed);
        if printed.as_bytes() == cell {
            styles |= 1 << bit;
        }
    }
    styles
}

fn float_characters(cell: &[u8]) -> bool {
    cell.iter()
        .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// A whole number in the one canonical spelling.
#[inline]
pub(crate) fn parse_int(cell: &[u8]) -> Option<i64> {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let negative = digits.len() != cell.len();
    if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && cell.len() > 1) {
        return None;
    }
    let mut value: u64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen digits always fit u64.
        value = value * 10 + u64::from(digit);
    }
    if negative {
        0i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

pub(crate) fn parse_float(cell: &[u8], style: FloatStyle) -> Option<f64> {
    let bit = match style {
        FloatStyle::Plain => 0b0001,
        FloatStyle::C => 0b0010,
        FloatStyle::Exponent { upper: false } => 0b0100,
        FloatStyle::Exponent { upper: true } => 0b1000,
    };
    if shape(cell).floats & bit == 0 {
        return None;
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}
