//! PostgreSQL's binary `numeric` from and to plain decimal text, keeping the scale: `1.50` stays `1.50`.
//!
//! The wire format is four 16-bit numbers (digits, weight of the first, sign, scale) and base-10,000 digits; groups of four
//! are counted from the decimal point.

const NEGATIVE: u16 = 0x4000;
/// The largest scale that `numeric` can be sent with.
const SCALE_MAX: usize = 0x3fff;
/// Digits before the point that `numeric` can hold.
const WHOLE_MAX: usize = 131_072;

/// Appends the value's bytes, without their length. `None`, and nothing appended, when the text is not a plain decimal
/// (`[-+]digits[.digits]`) that `numeric` can hold.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let bytes = text.as_bytes();
    let (negative, unsigned) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, bytes),
    };
    let point = unsigned.iter().position(|&b| b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?),
        None => (unsigned, &[][..]),
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let scale = fraction.len();
    let whole = whole
        .iter()
        .position(|&b| b != b'0')
        .map_or(&[][..], |at| &whole[at..]);
    if scale > SCALE_MAX || whole.len() > WHOLE_MAX {
        return None;
    }

    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    let mut groups = 0_i32;
    // Groups above the point; the first may be short. `weight` is the place of the first group that is written.
    let mut weight = i32::try_from(whole.len().div_ceil(4)).ok()? - 1;
    let mut group = |value: u16, out: &mut Vec<u8>| {
        if groups == 0 && value == 0 {
            weight -= 1;
        } else {
            out.extend_from_slice(&value.to_be_bytes());
            groups += 1;
        }
    };
    let short = whole.len() % 4;
    if short > 0 {
        group(value_of(&whole[..short]), out);
    }
    for four in whole[short..].chunks(4) {
        group(value_of(four), out);
    }
    for four in fraction.chunks(4) {
        let pad = [1, 10, 100, 1_000][4 - four.len()];
        group(value_of(four) * pad, out);
    }
    while groups > 0 && out.ends_with(&[0, 0]) {
        out.truncate(out.len() - 2);
        groups -= 1;
    }
    if groups == 0 {
        weight = 0;
    }
    let sign = if negative && groups > 0 { NEGATIVE } else { 0 };
    let header = &mut out[start..start + 8];
    header[..2].copy_from_slice(&u16::try_from(groups).ok()?.to_be_bytes());
    header[2..4].copy_from_slice(&i16::try_from(weight).ok()?.to_be_bytes());
    header[4..6].copy_from_slice(&sign.to_be_bytes());
    header[6..].copy_from_slice(&u16::try_from(scale).ok()?.to_be_bytes());
    Some(())
}

fn value_of(digits: &[u8]) -> u16 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
}

/// The plain text of a binary `numeric`; `None` for what is not one (or NaN and the infinities, which are never stored).
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let at = |n: usize| Some([*bytes.get(2 * n)?, *bytes.get(2 * n + 1)?]);
    let count = i32::from(u16::from_be_bytes(at(0)?));
    let weight = i32::from(i16::from_be_bytes(at(1)?));
    let sign = u16::from_be_bytes(at(2)?);
    let scale = usize::from(u16::from_be_bytes(at(3)?));
    if sign & !NEGATIVE != 0 {
        return None;
    }
    let digit = |place: i32| -> Option<u16> {
        let n = weight - place;
        if (0..count).contains(&n) {
            at(usize::try_from(n).ok()? + 4).map(u16::from_be_bytes)
        } else {
            Some(0)
        }
    };
    let mut text = String::with_capacity(usize::try_from(weight.max(0)).ok()? * 4 + scale + 6);
    if sign == NEGATIVE {
        text.push('-');
    }
    if weight < 0 {
        text.push('0');
    } else {
        text.push_str(&digit(weight)?.to_string());
        for place in (0..weight).rev() {
            push_four(&mut text, digit(place)?);
        }
    }
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        let mut place = -1;
        while text.len() < end {
            push_four(&mut text, digit(place)?);
            place -= 1;
        }
        text.truncate(end);
    }
    Some(text)
}

fn push_four(text: &mut String, value: u16) {
    for unit in [1_000, 100, 10, 1] {
        text.push(char::from(
            b'0' + u8::try_from(value / unit % 10).unwrap_or(0),
        ));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(text: &str) -> String {
        let mut bytes = Vec::new();
        encode(text, &mut bytes).unwrap();
        decode(&bytes).unwrap()
    }

    #[test]
    fn a_decimal_keeps_its_scale_and_every_digit() {
        for text in [
            "0",
            "0.000",
            "-0.10",
            "1.50",
            "10000",
            "100000000.0001",
            "0.00000000000000000001",
            "1234567890123456789012345678901234567890",
            "-9999.9999",
            "1234567890123456789012345678901234567890.0987654321",
        ] {
            assert_eq!(there_and_back(text), text);
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused_and_leaves_nothing_behind() {
        for text in [
            "", "-", ".", "1e5", "1,5", "NaN", "--1", "1.2.3", " 1", "Infinity",
        ] {
            let mut bytes = vec![7];
            assert_eq!(encode(text, &mut bytes), None, "{text}");
            assert_eq!(bytes, [7]);
        }
    }

    proptest! {
        #[test]
        fn any_canonical_decimal_comes_back(text in "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?") {
            prop_assume!(!(text.starts_with('-') && text.bytes().all(|b| !(b'1'..=b'9').contains(&b))));
            prop_assert_eq!(there_and_back(&text), text);
        }
    }
}
