//! Numbers written for people: currencies, percent signs, thousands marks, decimal commas, negatives in parentheses. Used by
//! [`crate::infer`] and [`crate::format`].
//!
//! A spelling is a pattern: `#,##0.#` has commas between thousands and a point before the fraction, `0,#` none and a comma; a whole
//! number has no `.#`. What stands around it is the currency or percent sign with its blank; `(…)` around all of it, or a `-`
//! before the digits, say how a negative number is written, where that is not a `-` in front. The value is the plain number:
//! `12 %` is 12.

use serde::{Deserialize, Serialize};

use crate::number;

/// What stands between thousands, and before the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    thousands: Option<char>,
    decimal: char,
}

const fn layout(thousands: Option<char>, decimal: char) -> Layout {
    Layout { thousands, decimal }
}

/// Every layout that is looked for, the preferred first. A set of them is a bit mask.
const LAYOUTS: [Layout; 12] = [
    layout(None, '.'),
    layout(Some(','), '.'),
    layout(None, ','),
    layout(Some('.'), ','),
    layout(Some(' '), ','),
    layout(Some('\u{a0}'), ','),
    layout(Some('\u{202f}'), ','),
    layout(Some('\''), '.'),
    layout(Some('’'), '.'),
    layout(Some(' '), '.'),
    layout(Some('\u{a0}'), '.'),
    layout(Some('\u{202f}'), '.'),
];
const ALL: u16 = (1 << LAYOUTS.len()) - 1;
const UNGROUPED: u16 = 0b101;
const POINT: u16 = 0b1111_1000_0011;
/// The layout in which `1.234` is a thousand and some.
const POINT_GROUPS: u16 = 0b1000;

/// Signs and codes that may stand before or behind a number.
const CURRENCIES: [&str; 62] = [
    "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "฿", "₫", "₪", "₦", "₱", "₡", "₲", "₵", "₸", "₼",
    "R$", "US$", "A$", "C$", "CA$", "AU$", "NZ$", "HK$", "S$", "MX$", "zł", "Kč", "kr", "kr.",
    "Ft", "Fr.", "lei", "лв", "руб.", "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "RUB",
    "BRL", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "TRY", "MXN",
    "ZAR", "KRW", "SGD",
];
const PARTS: [&str; 2] = ["%", "‰"];

const BLANKS: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// How a negative number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `-$5`
    First,
    /// `$-5`
    Inside,
    /// `($5)`
    Parentheses,
}

const SIGNS: [Sign; 3] = [Sign::First, Sign::Inside, Sign::Parentheses];

/// A cell taken apart.
struct Parts<'a> {
    sign: Option<Sign>,
    prefix: &'a str,
    body: &'a str,
    suffix: &'a str,
}

fn parts(cell: &str) -> Option<Parts<'_>> {
    let (mut sign, mut rest) = (None, cell);
    if let Some(inner) = cell.strip_prefix('(') {
        rest = inner.strip_suffix(')')?;
        sign = Some(Sign::Parentheses);
    } else if let Some(inner) = cell.strip_prefix('-') {
        rest = inner;
        sign = Some(Sign::First);
    }
    let digits = rest.find(|c: char| c.is_ascii_digit())?;
    let behind = rest.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (prefix, body, suffix) = (&rest[..digits], &rest[digits..behind], &rest[behind..]);
    let prefix = match prefix.strip_suffix('-') {
        Some(_) if sign.is_some() => return None,
        Some(prefix) => {
            sign = Some(Sign::Inside);
            prefix
        }
        None => prefix,
    };
    let is_currency = |text: &str| CURRENCIES.contains(&text);
    let known = match (prefix, suffix) {
        ("", "") => true,
        (prefix, "") => is_currency(prefix.strip_suffix(BLANKS).unwrap_or(prefix)),
        ("", suffix) => {
            let text = suffix.strip_prefix(BLANKS).unwrap_or(suffix);
            is_currency(text) || PARTS.contains(&text)
        }
        _ => false,
    };
    known.then_some(Parts {
        sign,
        prefix,
        body,
        suffix,
    })
}

impl Layout {
    /// The plain number that the digits with their marks are.
    fn read(self, body: &str) -> Option<String> {
        let (whole, fraction) = match body.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (body, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let mut plain = String::with_capacity(body.len());
        match self.thousands {
            None => plain.push_str(Some(whole).filter(|whole| is_digits(whole))?),
            Some(mark) => {
                for (at, group) in whole.split(mark).enumerate() {
                    let fits = group.len() == 3 || (at == 0 && (1..3).contains(&group.len()));
                    plain.push_str(Some(group).filter(|group| fits && is_digits(group))?);
                }
            }
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(Some(fraction).filter(|fraction| is_digits(fraction))?);
        }
        number::shape(plain.as_bytes()).decimal.then_some(plain)
    }

    /// Prints a plain number that is not negative.
    fn print(self, plain: &str, out: &mut String) {
        let (whole, fraction) = match plain.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (plain, None),
        };
        for (at, digit) in whole.chars().enumerate() {
            if let Some(mark) = self.thousands
                && at > 0
                && (whole.len() - at).is_multiple_of(3)
            {
                out.push(mark);
            }
            out.push(digit);
        }
        if let Some(fraction) = fraction {
            out.push(self.decimal);
            out.push_str(fraction);
        }
    }
}

/// The one spelling of a column's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MarkStyle {
    prefix: String,
    suffix: String,
    sign: Sign,
    layout: Layout,
}

impl MarkStyle {
    /// The plain number of a cell in this very spelling.
    pub(crate) fn parse(&self, cell: &[u8]) -> Option<String> {
        let parts = parts(std::str::from_utf8(cell).ok()?)?;
        if parts.prefix != self.prefix || parts.suffix != self.suffix {
            return None;
        }
        let plain = self.layout.read(parts.body)?;
        match parts.sign {
            None => Some(plain),
            Some(sign) => (sign == self.sign && !is_zero(&plain)).then(|| format!("-{plain}")),
        }
    }

    /// Prints a plain number.
    pub(crate) fn print(&self, plain: &str, out: &mut String) {
        let digits = plain.strip_prefix('-').unwrap_or(plain);
        let sign = (digits.len() < plain.len()).then_some(self.sign);
        match sign {
            Some(Sign::First) => out.push('-'),
            Some(Sign::Parentheses) => out.push('('),
            _ => {}
        }
        out.push_str(&self.prefix);
        if sign == Some(Sign::Inside) {
            out.push('-');
        }
        self.layout.print(digits, out);
        out.push_str(&self.suffix);
        if sign == Some(Sign::Parentheses) {
            out.push(')');
        }
    }

    /// `whole`: of a column of whole numbers.
    pub(crate) fn pattern(&self, whole: bool) -> String {
        let mut digits = match self.layout.thousands {
            Some(mark) => format!("#{mark}##0"),
            None => "0".to_owned(),
        };
        if !whole {
            digits.push(self.layout.decimal);
            digits.push('#');
        }
        let Self { prefix, suffix, .. } = self;
        match self.sign {
            Sign::First => format!("{prefix}{digits}{suffix}"),
            Sign::Inside => format!("{prefix}-{digits}{suffix}"),
            Sign::Parentheses => format!("({prefix}{digits}{suffix})"),
        }
    }

    /// The style of a pattern, of whole numbers or not.
    pub(crate) fn of_pattern(pattern: &str, whole: bool) -> Option<Self> {
        let inner = pattern.strip_prefix('(').and_then(|p| p.strip_suffix(')'));
        let rest = inner.unwrap_or(pattern);
        let is_digit = |c: char| matches!(c, '0' | '#');
        let (begin, last) = (rest.find(is_digit)?, rest.rfind(is_digit)?);
        let prefix = &rest[..begin];
        let inside = prefix.strip_suffix('-');
        let sign = match (inner, inside) {
            (Some(_), _) => Sign::Parentheses,
            (None, Some(_)) => Sign::Inside,
            (None, None) => Sign::First,
        };
        LAYOUTS
            .into_iter()
            .map(|layout| Self {
                prefix: inside.unwrap_or(prefix).to_owned(),
                suffix: rest[last + 1..].to_owned(),
                sign,
                layout,
            })
            .find(|style| style.pattern(whole) == pattern)
            .filter(Self::is_known)
    }

    fn is_known(&self) -> bool {
        let mut sample = String::new();
        self.print("1", &mut sample);
        self.parse(sample.as_bytes()).is_some()
    }
}

fn is_zero(plain: &str) -> bool {
    plain.bytes().all(|b| matches!(b, b'0' | b'.'))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Around {
    Unknown,
    One(String, String),
    Several,
}

/// What a column's values have shown of their marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MarkFacts {
    layouts: u16,
    /// Layouts in which some value has a fraction, and in which some is beyond int64.
    broken: u16,
    beyond: u16,
    signs: u8,
    around: Around,
    /// Whether a point or a comma occurred, and a number that is not negative.
    pointed: bool,
    positive: bool,
}

impl Default for MarkFacts {
    fn default() -> Self {
        Self {
            layouts: ALL,
            broken: 0,
            beyond: 0,
            signs: 0b111,
            around: Around::Unknown,
            pointed: false,
            positive: false,
        }
    }
}

impl MarkFacts {
    /// Whether whole numbers of any length, without marks, tell nothing new.
    pub(crate) fn is_ungrouped(&self) -> bool {
        self.layouts & !UNGROUPED == 0
    }

    /// Whether negative numbers without marks tell nothing new.
    pub(crate) fn has_sign_first(&self) -> bool {
        self.signs & !1 == 0
    }

    fn put_around(&mut self, prefix: &str, suffix: &str) {
        match &self.around {
            Around::Unknown => self.around = Around::One(prefix.to_owned(), suffix.to_owned()),
            Around::One(before, behind) if before == prefix && behind == suffix => {}
            _ => self.around = Around::Several,
        }
    }

    fn is_possible(&self) -> bool {
        self.layouts != 0 && self.signs != 0 && self.around != Around::Several
    }

    /// Adds a number in its plain spelling; false once no spelling is left.
    pub(crate) fn add_plain(&mut self, shape: &number::Shape) -> bool {
        let long = if shape.whole > 3 { UNGROUPED } else { ALL };
        if shape.broken {
            let groups = if shape.scale == 3 && shape.whole < 4 && !shape.zero_whole {
                POINT_GROUPS
            } else {
                0
            };
            self.layouts &= (POINT & long) | groups;
            self.broken |= POINT;
            self.pointed = true;
        } else {
            self.layouts &= long;
            if !shape.int64 {
                self.beyond |= ALL;
            }
        }
        if shape.negative {
            self.signs &= 1;
        } else {
            self.positive = true;
        }
        self.put_around("", "");
        self.is_possible()
    }

    /// Adds a cell; false once no spelling is left.
    pub(crate) fn add(&mut self, cell: &[u8]) -> bool {
        let Some(parts) = std::str::from_utf8(cell).ok().and_then(parts) else {
            return false;
        };
        let mut possible = 0;
        for (bit, layout) in LAYOUTS.iter().enumerate() {
            if self.layouts & 1 << bit == 0 {
                continue;
            }
            let Some(plain) = layout.read(parts.body) else {
                continue;
            };
            if parts.sign.is_some() && is_zero(&plain) {
                continue;
            }
            possible |= 1 << bit;
            if plain.contains('.') {
                self.broken |= 1 << bit;
            } else if number::parse_int(plain.as_bytes()).is_none() {
                self.beyond |= 1 << bit;
            }
        }
        self.layouts &= possible;
        self.pointed |= parts.body.contains(['.', ',']);
        match parts.sign {
            None => self.positive = true,
            Some(sign) => {
                let bit = SIGNS.iter().position(|s| *s == sign).unwrap_or_default();
                self.signs &= 1 << bit;
            }
        }
        self.put_around(parts.prefix, parts.suffix);
        self.is_possible()
    }

    /// What two parts of a column know together; false if no spelling is left.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        self.layouts &= other.layouts;
        self.broken |= other.broken;
        self.beyond |= other.beyond;
        self.signs &= other.signs;
        self.pointed |= other.pointed;
        self.positive |= other.positive;
        match &other.around {
            Around::Unknown => {}
            Around::One(before, behind) => self.put_around(before, behind),
            Around::Several => self.around = Around::Several,
        }
        self.is_possible()
    }

    /// The one style that prints every value, and whether all are whole numbers of int64. None where the marks may mean one
    /// thing or another, unless it was `asked` for; none for plain numbers.
    pub(crate) fn conclude(&self, asked: bool) -> Option<(MarkStyle, bool)> {
        let bit = self.layouts.trailing_zeros() as usize;
        let layout = *LAYOUTS.get(bit)?;
        let is_ambiguous = self.pointed && self.layouts & POINT != 0 && self.layouts & !POINT != 0;
        let sign = *SIGNS.get(self.signs.trailing_zeros() as usize)?;
        let Around::One(prefix, suffix) = &self.around else {
            return None;
        };
        // `(1)`, `(2)`, … are numbers of notes rather than debts.
        let is_noted = sign == Sign::Parentheses && !self.positive;
        if (is_ambiguous || is_noted) && !asked {
            return None;
        }
        let style = MarkStyle {
            prefix: prefix.clone(),
            suffix: suffix.clone(),
            sign,
            layout,
        };
        let is_plain = prefix.is_empty() && suffix.is_empty() && bit == 0 && sign == Sign::First;
        let whole = (self.broken | self.beyond) & 1 << bit == 0;
        (!is_plain).then_some((style, whole))
    }
}
