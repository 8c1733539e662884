//! Which type a column has: a lattice over all its values, so that the order and the chunks they come in do not matter.
//!
//! Every value narrows what is possible; a column is typed only if one spelling ([`crate::format`]) prints every value back as it
//! stands in the file. A column that has fallen to text costs nothing from then on. Next: [`crate::analyse`].

use contracts::dataset::{ColumnType, Format};
use serde::{Deserialize, Serialize};

use crate::{
    datetime::{self, Dates, Fraction, Half, StampStyle, TimeShape, TimeStyle, Zone},
    marks::MarkFacts,
    number::{self, FloatStyle},
    words,
};

const INT64: u16 = 1;
const FLOAT: u16 = 1 << 1;
const DECIMAL: u16 = 1 << 2;
const BOOLEAN: u16 = 1 << 3;
const DATE: u16 = 1 << 4;
const TIME: u16 = 1 << 5;
const TIMESTAMP: u16 = 1 << 6;
const TIMESTAMPTZ: u16 = 1 << 7;
const JSON: u16 = 1 << 8;
/// A number that is not spelled plainly.
const MARKED: u16 = 1 << 9;
const NUMBERS: u16 = INT64 | FLOAT | DECIMAL;
const ALL: u16 = (1 << 10) - 1;

/// Spellings of floats that a plain number fits.
const PLAIN_FLOATS: u8 = 0b0011;

fn bit(kind: ColumnType) -> u16 {
    match kind {
        ColumnType::Text => 0,
        ColumnType::Int64 => INT64,
        ColumnType::Float => FLOAT,
        ColumnType::Decimal => DECIMAL,
        ColumnType::Boolean => BOOLEAN,
        ColumnType::Date => DATE,
        ColumnType::Time => TIME,
        ColumnType::Timestamp => TIMESTAMP,
        ColumnType::Timestamptz => TIMESTAMPTZ,
        ColumnType::Json => JSON,
    }
}

/// What a column was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: ColumnType,
    pub format: Option<Format>,
    pub null_token: Option<String>,
}

impl Found {
    pub(crate) fn text() -> Self {
        Self {
            kind: ColumnType::Text,
            format: None,
            null_token: None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum ZoneFact {
    #[default]
    Unknown,
    One(Vec<u8>),
    Several,
}

/// What the times of a column have shown; every field only ever gains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TimeFacts {
    bare_hour: bool,
    padded_hour: bool,
    seconds: bool,
    no_seconds: bool,
    /// Bit n: a fraction of n digits.
    digits: u8,
    trailing_zero: bool,
    zero_fraction: bool,
    /// Ways to write the half of the day, one bit each.
    halves: u8,
}

impl TimeFacts {
    fn add(&mut self, shape: &TimeShape) {
        self.bare_hour |= shape.hour_digits == 1;
        self.padded_hour |= shape.hour_digits == 2 && shape.hour < 10;
        self.seconds |= shape.seconds;
        self.no_seconds |= !shape.seconds;
        self.digits |= 1 << shape.digits;
        self.trailing_zero |= shape.trailing_zero;
        self.zero_fraction |= shape.zero_fraction;
        let half = Half::ALL.iter().position(|half| *half == shape.half);
        self.halves |= 1 << half.unwrap_or_default();
    }

    fn join(&mut self, other: &Self) {
        self.bare_hour |= other.bare_hour;
        self.padded_hour |= other.padded_hour;
        self.seconds |= other.seconds;
        self.no_seconds |= other.no_seconds;
        self.digits |= other.digits;
        self.trailing_zero |= other.trailing_zero;
        self.zero_fraction |= other.zero_fraction;
        self.halves |= other.halves;
    }

    /// The style that prints all of them, the canonical one if it does.
    fn style(&self) -> Option<TimeStyle> {
        if (self.bare_hour && self.padded_hour) || self.seconds == self.no_seconds {
            return None;
        }
        let half = *Half::ALL.get(self.halves.trailing_zeros() as usize)?;
        if !self.halves.is_power_of_two() {
            return None;
        }
        let canonical = !self.bare_hour && self.seconds && half == Half::Neither;
        let fraction = if canonical && !self.trailing_zero {
            Fraction::Trimmed
        } else if self.digits.is_power_of_two() {
            Fraction::Digits(self.digits.trailing_zeros() as u8)
        } else if !self.trailing_zero {
            Fraction::Trimmed
        } else if (self.digits & !1).is_power_of_two() && !self.zero_fraction {
            Fraction::Optional((self.digits & !1).trailing_zeros() as u8)
        } else {
            return None;
        };
        Some(TimeStyle {
            padded: !self.bare_hour,
            seconds: self.seconds,
            fraction,
            half,
        })
    }
}

/// All that is known of a column's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Types that every value so far can have. None: text.
    kinds: u16,
    /// Whether there was a value that is no null.
    valued: bool,
    /// Spellings of null that occurred. More than one: text.
    nulls: u32,
    /// Whether a number had a fraction or an exponent.
    broken: bool,
    floats: u8,
    booleans: u16,
    yes: bool,
    no: bool,
    dates: Dates,
    /// `T` is 1, a blank is 2.
    separators: u8,
    time: TimeFacts,
    zone: ZoneFact,
    marks: MarkFacts,
    /// A plain whole number of so many characters changes nothing any more, and a negative one as well.
    steady_len: usize,
    steady_negative: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            kinds: ALL,
            valued: false,
            nulls: 0,
            broken: false,
            floats: 0b1111,
            booleans: (1 << words::BOOLEANS.len()) - 1,
            yes: false,
            no: false,
            dates: (1 << datetime::DATES.len()) - 1,
            separators: 0b11,
            time: TimeFacts::default(),
            zone: ZoneFact::Unknown,
            marks: MarkFacts::default(),
            steady_len: 0,
            steady_negative: false,
        }
    }
}

impl Facts {
    /// Whether the column can only be text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.kinds == 0
    }

    #[inline]
    pub fn add(&mut self, cell: &[u8]) {
        if self.kinds == 0 || self.is_nothing_new(cell) {
            return;
        }
        self.narrow(cell);
    }

    #[inline]
    fn is_nothing_new(&self, cell: &[u8]) -> bool {
        cell.len() <= self.steady_len
            && (self.steady_negative || cell.first() != Some(&b'-'))
            && plain_whole(cell)
    }

    /// Adds a cell that is no null, whatever it looks like.
    pub(crate) fn add_value(&mut self, cell: &[u8]) {
        if words::null(cell).is_some() {
            self.kinds = 0;
            self.valued = true;
        } else {
            self.add(cell);
        }
    }

    fn narrow(&mut self, cell: &[u8]) {
        if let Some(null) = words::null(cell) {
            self.nulls |= 1 << null;
            if !self.nulls.is_power_of_two() {
                self.kinds = 0;
            }
            return;
        }
        self.valued = true;
        let possible = match cell[0] {
            b'0'..=b'9' | b'-' => self.number(cell) | self.moment(cell),
            b'{' | b'[' if self.kinds & JSON != 0 => json(cell),
            b'a'..=b'z' | b'A'..=b'Z' => self.boolean(cell) | self.marked(cell) | self.moment(cell),
            _ => self.marked(cell),
        };
        self.kinds &= possible;
        let is_marked = self.kinds & MARKED != 0;
        let is_steady = self.kinds & NUMBERS != 0
            && self.kinds & !(NUMBERS | MARKED) == 0
            && self.floats & !PLAIN_FLOATS == 0;
        self.steady_len = match is_steady {
            false => 0,
            // Thousands may yet turn out to be marked.
            true if is_marked && !self.marks.is_ungrouped() => 3,
            true => usize::MAX,
        };
        self.steady_negative = !is_marked || self.marks.has_sign_first();
    }

    fn marked(&mut self, cell: &[u8]) -> u16 {
        if self.kinds & MARKED != 0 && self.marks.add(cell) {
            MARKED
        } else {
            0
        }
    }

    fn number(&mut self, cell: &[u8]) -> u16 {
        if self.kinds & NUMBERS == 0 {
            return self.marked(cell);
        }
        let shape = number::shape(cell);
        self.floats &= shape.floats;
        self.broken |= shape.broken;
        let mut possible = 0;
        if shape.decimal {
            if self.kinds & MARKED != 0 && self.marks.add_plain(&shape) {
                possible |= MARKED;
            }
        } else if shape.floats == 0 {
            possible |= self.marked(cell);
        }
        if shape.int64 {
            possible |= INT64;
        }
        if shape.decimal {
            possible |= DECIMAL;
        }
        if self.floats != 0 {
            possible |= FLOAT;
        }
        possible
    }

    fn moment(&mut self, cell: &[u8]) -> u16 {
        if self.kinds & (DATE | TIME | TIMESTAMP | TIMESTAMPTZ) == 0 {
            return 0;
        }
        let Some((dates, len)) = datetime::dates(cell) else {
            return match datetime::time(cell) {
                Some(shape) if shape.len == cell.len() => {
                    self.time.add(&shape);
                    TIME
                }
                _ => 0,
            };
        };
        self.dates &= dates;
        if self.dates == 0 {
            return 0;
        }
        let Some((separator, rest)) = cell[len..].split_first() else {
            return DATE;
        };
        self.separators &= match separator {
            b'T' => 1,
            b' ' => 2,
            _ => 0,
        };
        if self.separators == 0 {
            return 0;
        }
        let Some(shape) = datetime::time(rest) else {
            return 0;
        };
        self.time.add(&shape);
        let zone = &rest[shape.len..];
        if zone.is_empty() {
            return TIMESTAMP;
        }
        let same = match &self.zone {
            ZoneFact::One(known) => known == zone,
            ZoneFact::Unknown if Zone::parse(zone).is_some() => {
                self.zone = ZoneFact::One(zone.to_vec());
                true
            }
            _ => false,
        };
        if same {
            TIMESTAMPTZ
        } else {
            self.zone = ZoneFact::Several;
            0
        }
    }

    fn boolean(&mut self, cell: &[u8]) -> u16 {
        if self.kinds & BOOLEAN == 0 {
            return 0;
        }
        let Some((pair, yes)) = words::boolean(cell) else {
            return 0;
        };
        self.booleans &= 1 << pair;
        self.yes |= yes;
        self.no |= !yes;
        if self.booleans == 0 { 0 } else { BOOLEAN }
    }

    /// What two parts of a column know together.
    pub fn join(&mut self, other: &Self) {
        self.kinds &= other.kinds;
        self.valued |= other.valued;
        self.nulls |= other.nulls;
        self.broken |= other.broken;
        self.floats &= other.floats;
        if self.floats == 0 {
            self.kinds &= !FLOAT;
        }
        self.booleans &= other.booleans;
        if self.booleans == 0 {
            self.kinds &= !BOOLEAN;
        }
        self.yes |= other.yes;
        self.no |= other.no;
        self.dates &= other.dates;
        if self.dates == 0 {
            self.kinds &= !(DATE | TIMESTAMP | TIMESTAMPTZ);
        }
        self.separators &= other.separators;
        if self.separators == 0 {
            self.kinds &= !(TIMESTAMP | TIMESTAMPTZ);
        }
        self.time.join(&other.time);
        match (&self.zone, &other.zone) {
            (_, ZoneFact::Unknown) => {}
            (ZoneFact::Unknown, zone) => self.zone = zone.clone(),
            (mine, theirs) if mine == theirs => {}
            _ => {
                self.zone = ZoneFact::Several;
                self.kinds &= !TIMESTAMPTZ;
            }
        }
        if !self.marks.join(&other.marks) {
            self.kinds &= !MARKED;
        }
        if self.nulls.count_ones() > 1 {
            self.kinds = 0;
        }
        self.steady_len = 0;
    }

    /// The column's type, spelling and null.
    #[must_use]
    pub fn conclude(&self) -> Found {
        if !self.valued || self.kinds == 0 {
            return Found::text();
        }
        let order = if self.broken {
            [ColumnType::Int64, ColumnType::Float, ColumnType::Decimal]
        } else {
            // A whole number beyond int64 is decimal.
            [ColumnType::Int64, ColumnType::Decimal, ColumnType::Float]
        };
        let others = [
            ColumnType::Boolean,
            ColumnType::Date,
            ColumnType::Time,
            ColumnType::Timestamp,
            ColumnType::Timestamptz,
            ColumnType::Json,
        ];
        order
            .into_iter()
            .chain(others)
            .find_map(|kind| {
                Some(Found {
                    kind,
                    format: self.format(kind, false)?,
                    null_token: self.null_token(),
                })
            })
            .unwrap_or_else(Found::text)
    }

    fn null_token(&self) -> Option<String> {
        words::NULLS
            .get(self.nulls.trailing_zeros() as usize)
            .map(|null| (*null).to_owned())
    }

    /// The spelling that prints every value, if the column can be of this type. `asked`: somebody said that it is, so what would
    /// be a guess otherwise (day or month first, one-letter words) is taken.
    fn format(&self, kind: ColumnType, asked: bool) -> Option<Option<Format>> {
        if self.kinds & bit(kind) == 0 {
            return self.marked_format(kind, asked).map(Some);
        }
        let pattern = match kind {
            ColumnType::Text => None,
            ColumnType::Int64 | ColumnType::Decimal | ColumnType::Json => None,
            ColumnType::Float => FloatStyle::ALL
                .get(self.floats.trailing_zeros() as usize)?
                .pattern()
                .map(str::to_owned),
            ColumnType::Boolean => {
                let pair = self.booleans.trailing_zeros() as usize;
                let (yes, no) = words::BOOLEANS.get(pair)?;
                // A column of nothing but `T` is more likely a code than a truth.
                if yes.len() == 1 && !(self.yes && self.no) && !asked {
                    return None;
                }
                (pair > 0).then(|| format!("{yes}|{no}"))
            }
            ColumnType::Date => {
                let style = self.date(asked)?;
                (style != datetime::CANONICAL_DATE).then(|| style.pattern().to_owned())
            }
            ColumnType::Time => {
                let style = self.time.style()?;
                (style != datetime::CANONICAL_TIME).then(|| style.pattern())
            }
            ColumnType::Timestamp | ColumnType::Timestamptz => {
                let zoned = kind == ColumnType::Timestamptz;
                let mut style = StampStyle {
                    date: self.date(asked)?,
                    separator: if self.separators & 1 != 0 { b'T' } else { b' ' },
                    time: self.time.style()?,
                    zone: match &self.zone {
                        ZoneFact::One(zone) if zoned => Some(Zone::parse(zone)?),
                        _ => None,
                    },
                };
                let canonical = style == StampStyle::canonical(zoned);
                if !canonical && self.time.digits.is_power_of_two() {
                    // It has a format anyway: then the plain one.
                    style.time.fraction = Fraction::Digits(self.time.digits.trailing_zeros() as u8);
                }
                (!canonical).then(|| style.pattern())
            }
        };
        Some(pattern.map(Format))
    }

    fn marked_format(&self, kind: ColumnType, asked: bool) -> Option<Format> {
        if self.kinds & MARKED == 0 {
            return None;
        }
        let (style, whole) = self.marks.conclude(asked)?;
        let fits = match kind {
            ColumnType::Int64 => whole,
            ColumnType::Decimal => asked || !whole,
            _ => false,
        };
        fits.then(|| Format(style.pattern(kind == ColumnType::Int64)))
    }

    fn date(&self, asked: bool) -> Option<datetime::DateStyle> {
        datetime::decide(self.dates).or_else(|| {
            datetime::DATES
                .get(self.dates.trailing_zeros() as usize)
                .filter(|_| asked)
                .map(|date| date.0)
        })
    }
}

/// A whole number that every number type spells alike.
#[inline]
fn plain_whole(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    match digits {
        [b'0'] => digits.len() == cell.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 14 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn json(cell: &[u8]) -> u16 {
    if is_json(cell) { JSON } else { 0 }
}

/// An object or an array, nothing around it.
pub(crate) fn is_json(cell: &[u8]) -> bool {
    matches!(cell.first(), Some(b'{' | b'['))
        && matches!(cell.last(), Some(b'}' | b']'))
        && serde_json::from_slice::<serde::de::IgnoredAny>(cell).is_ok()
}

/// A column whose type somebody fixed: the spelling that most of its values share; the others will not fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    kind: ColumnType,
    groups: Vec<(Facts, u64)>,
    nulls: Nulls,
}

/// Spellings apart that are told apart at all in an asked column.
const GROUPS_MAX: usize = 32;

impl Asked {
    #[must_use]
    pub fn new(kind: ColumnType) -> Self {
        Self {
            kind,
            groups: Vec::new(),
            nulls: Nulls::default(),
        }
    }

    pub fn add(&mut self, cell: &[u8]) {
        if self.kind == ColumnType::Text || self.nulls.add(cell) {
            return;
        }
        let mut alone = Facts::default();
        alone.add(cell);
        if alone.format(self.kind, true).is_none() {
            return;
        }
        let mut taken = false;
        for (facts, count) in &mut self.groups {
            let mut together = facts.clone();
            together.join(&alone);
            if together.format(self.kind, true).is_some() {
                *facts = together;
                *count += 1;
                taken = true;
            }
        }
        if !taken && self.groups.len() < GROUPS_MAX {
            self.groups.push((alone, 1));
        }
    }

    #[must_use]
    pub fn conclude(&self) -> Found {
        let mut best: Option<&(Facts, u64)> = None;
        for group in &self.groups {
            if best.is_none_or(|best| group.1 > best.1) {
                best = Some(group);
            }
        }
        Found {
            kind: self.kind,
            format: best.and_then(|(facts, _)| facts.format(self.kind, true).flatten()),
            null_token: self.nulls.most(),
        }
    }
}

/// How often each spelling of null occurred.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Nulls([u64; words::NULLS.len()]);

impl Nulls {
    /// Whether the cell may stand for null.
    pub fn add(&mut self, cell: &[u8]) -> bool {
        let null = words::null(cell);
        if let Some(null) = null {
            self.0[null] += 1;
        }
        null.is_some()
    }

    #[must_use]
    pub fn most(&self) -> Option<String> {
        let most = self.0.iter().max().filter(|most| **most > 0)?;
        let at = self.0.iter().position(|count| count == most)?;
        Some(words::NULLS[at].to_owned())
    }
}
