//! Dates, times and timestamps: which spellings a column may have, reading and printing by one of them.
//!
//! A spelling is a pattern: `yyyy MM dd M d HH H hh h mm ss` are fields, `MMM`, `MON` and `MMMM` months by name (`Mar`, `MAR`,
//! `March`), `AM` and `am` the half of the day behind `hh` or `h`, `.SSS` a fraction of fixed digits, `[.S]` one without closing
//! zeros that is left out when there is none, `[.SSS]` one of fixed digits that is left out when it is zero; the rest stands for
//! itself, the zone at the end among it (`Z`, `+01:00`): a column of more than one offset would not come back as it was.

/// Order, separator and padding of a date, and how its month is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateStyle {
    order: Order,
    separator: u8,
    padded: bool,
    month: Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Year,
    Day,
    Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Month {
    Number,
    /// `Mar`
    Short,
    /// `MAR`
    Capitals,
    /// `March`
    Long,
}

const fn date_style(order: Order, separator: u8, padded: bool) -> DateStyle {
    named_style(order, separator, padded, Month::Number)
}

const fn named_style(order: Order, separator: u8, padded: bool, month: Month) -> DateStyle {
    DateStyle {
        order,
        separator,
        padded,
        month,
    }
}

/// A set of spellings.
pub(crate) type Dates = u32;

/// Every spelling that is looked for, the preferred first. A set of them is a bit mask.
pub(crate) const DATES: [(DateStyle, &str); 27] = [
    (date_style(Order::Year, b'-', true), "yyyy-MM-dd"),
    (date_style(Order::Year, b'/', true), "yyyy/MM/dd"),
    (date_style(Order::Year, b'.', true), "yyyy.MM.dd"),
    (date_style(Order::Year, b'-', false), "yyyy-M-d"),
    (date_style(Order::Year, b'/', false), "yyyy/M/d"),
    (date_style(Order::Day, b'/', true), "dd/MM/yyyy"),
    (date_style(Order::Day, b'.', true), "dd.MM.yyyy"),
    (date_style(Order::Day, b'-', true), "dd-MM-yyyy"),
    (date_style(Order::Day, b'/', false), "d/M/yyyy"),
    (date_style(Order::Day, b'.', false), "d.M.yyyy"),
    (date_style(Order::Day, b'-', false), "d-M-yyyy"),
    (date_style(Order::Month, b'/', true), "MM/dd/yyyy"),
    (date_style(Order::Month, b'-', true), "MM-dd-yyyy"),
    (date_style(Order::Month, b'/', false), "M/d/yyyy"),
    (date_style(Order::Month, b'-', false), "M-d-yyyy"),
    (
        named_style(Order::Day, b' ', false, Month::Short),
        "d MMM yyyy",
    ),
    (
        named_style(Order::Day, b' ', true, Month::Short),
        "dd MMM yyyy",
    ),
    (
        named_style(Order::Day, b' ', false, Month::Long),
        "d MMMM yyyy",
    ),
    (
        named_style(Order::Day, b' ', true, Month::Long),
        "dd MMMM yyyy",
    ),
    (
        named_style(Order::Day, b'-', false, Month::Short),
        "d-MMM-yyyy",
    ),
    (
        named_style(Order::Day, b'-', true, Month::Short),
        "dd-MMM-yyyy",
    ),
    (
        named_style(Order::Day, b'-', true, Month::Capitals),
        "dd-MON-yyyy",
    ),
    (
        named_style(Order::Day, b' ', true, Month::Capitals),
        "dd MON yyyy",
    ),
    (
        named_style(Order::Month, b' ', false, Month::Short),
        "MMM d, yyyy",
    ),
    (
        named_style(Order::Month, b' ', true, Month::Short),
        "MMM dd, yyyy",
    ),
    (
        named_style(Order::Month, b' ', false, Month::Long),
        "MMMM d, yyyy",
    ),
    (
        named_style(Order::Month, b' ', true, Month::Long),
        "MMMM dd, yyyy",
    ),
];
/// So many of them have the month as a number.
const NUMBERED: usize = 15;
const DAY_FIRST: Dates = 0b000_0111_1110_0000;
const MONTH_FIRST: Dates = 0b111_1000_0000_0000;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The one spelling that a set of possible ones decides for; none while day and month could be exchanged.
pub(crate) fn decide(dates: Dates) -> Option<DateStyle> {
    if dates & DAY_FIRST != 0 && dates & MONTH_FIRST != 0 {
        return None;
    }
    DATES.get(dates.trailing_zeros() as usize).map(|d| d.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Always so many digits; 0: never any.
    Digits(u8),
    /// As many as are needed.
    Trimmed,
    /// So many, or none when it is zero.
    Optional(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeStyle {
    pub padded: bool,
    pub seconds: bool,
    pub fraction: Fraction,
    pub half: Half,
}

/// How the half of the day is written behind a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// Not: there are 24 hours.
    Neither,
    /// `AM`, `PM`
    Capitals { blank: bool },
    /// `am`, `pm`
    Small { blank: bool },
}

impl Half {
    pub(crate) const ALL: [Self; 5] = [
        Self::Neither,
        Self::Capitals { blank: true },
        Self::Small { blank: true },
        Self::Capitals { blank: false },
        Self::Small { blank: false },
    ];

    /// What stands behind a time of the morning, and of the afternoon.
    fn spellings(self) -> [&'static str; 2] {
        match self {
            Self::Neither => ["", ""],
            Self::Capitals { blank: true } => [" AM", " PM"],
            Self::Capitals { blank: false } => ["AM", "PM"],
            Self::Small { blank: true } => [" am", " pm"],
            Self::Small { blank: false } => ["am", "pm"],
        }
    }

    /// The half that opens what stands behind a time, and whether it is the second.
    #[inline]
    fn read(rest: &[u8]) -> (Self, bool) {
        match rest {
            [b' ', b'A' | b'P' | b'a' | b'p', ..] | [b'A' | b'P' | b'a' | b'p', ..] => {
                Self::read_letters(rest)
            }
            _ => (Self::Neither, false),
        }
    }

    fn read_letters(rest: &[u8]) -> (Self, bool) {
        Self::ALL
            .into_iter()
            .skip(1)
            .find_map(|half| {
                let at = half
                    .spellings()
                    .iter()
                    .position(|spelling| rest.starts_with(spelling.as_bytes()))?;
                Some((half, at == 1))
            })
            .unwrap_or((Self::Neither, false))
    }
}

/// A zone as it is spelled, and its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub spelling: String,
    micros: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StampStyle {
    pub date: DateStyle,
    pub separator: u8,
    pub time: TimeStyle,
    pub zone: Option<Zone>,
}

pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

pub(crate) const CANONICAL_DATE: DateStyle = DATES[0].0;
pub(crate) const CANONICAL_TIME: TimeStyle = TimeStyle {
    padded: true,
    seconds: true,
    fraction: Fraction::Trimmed,
    half: Half::Neither,
};

impl Zone {
    /// `Z`, ` UTC`, `+01`, `+0100`, `+01:00`, with or without a blank before.
    pub(crate) fn parse(spelling: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(spelling).ok()?;
        let name = text.strip_prefix(' ').unwrap_or(text);
        let micros = if matches!(name, "Z" | "UTC" | "GMT") {
            0
        } else {
            let sign = match name.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits = name.get(1..)?.as_bytes();
            let (hours, minutes) = match digits {
                [a, b] => (two(&[*a, *b])?, 0),
                [a, b, c, d] | [a, b, b':', c, d] => (two(&[*a, *b])?, two(&[*c, *d])?),
                _ => return None,
            };
            if hours > 15 || minutes > 59 {
                return None;
            }
            sign * i64::from(hours * 60 + minutes) * 60_000_000
        };
        Some(Self {
            spelling: text.to_owned(),
            micros,
        })
    }
}

fn digit(byte: u8) -> Option<u32> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(u32::from(digit))
}

fn two(bytes: &[u8; 2]) -> Option<u32> {
    Some(digit(bytes[0])? * 10 + digit(bytes[1])?)
}

/// One or two digits at the start: the number, how many.
fn one_or_two(bytes: &[u8]) -> Option<(u32, usize)> {
    let first = digit(*bytes.first()?)?;
    match bytes.get(1).and_then(|b| digit(*b)) {
        Some(second) => Some((first * 10 + second, 2)),
        None => Some((first, 1)),
    }
}

fn four(bytes: &[u8]) -> Option<u32> {
    let bytes = bytes.get(..4)?;
    Some(two(&[bytes[0], bytes[1]])? * 100 + two(&[bytes[2], bytes[3]])?)
}

fn days_of(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

fn valid(year: u32, month: u32, day: u32) -> bool {
    year >= 1 && (1..=12).contains(&month) && day >= 1 && (day <= 28 || day <= days_of(month, year))
}

/// Days since 1970-01-01 (Hinnant's `days_from_civil`, for years from 1).
fn days(year: u32, month: u32, day: u32) -> i32 {
    let year = year as i32 - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = month as i32;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day as i32 - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day; none outside of the years 1 to 9999.
fn civil(days: i32) -> Option<(u32, u32, u32)> {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (1..=9_999)
        .contains(&year)
        .then_some((year as u32, month as u32, day as u32))
}

/// The spellings that the date at the start of the cell may have, and how long it is.
pub(crate) fn dates(cell: &[u8]) -> Option<(Dates, usize)> {
    if has_name(cell) {
        let found = named(cell)?;
        return Some((found.dates, found.len));
    }
    let third = *cell.get(4)?;
    if matches!(third, b'-' | b'/' | b'.')
        && let Some(year) = four(cell)
    {
        let (month, m) = one_or_two(&cell[5..])?;
        if *cell.get(5 + m)? != third {
            return None;
        }
        let (day, d) = one_or_two(&cell[6 + m..])?;
        let end = 6 + m + d;
        if !valid(year, month, day) || cell.get(end).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let (padded, bare) = paddings(month, m, day, d);
        let set = set(Order::Year, third, padded, bare);
        return (set != 0).then_some((set, end));
    }
    let (first, a) = one_or_two(cell)?;
    let separator = *cell.get(a)?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let (second, b) = one_or_two(&cell[a + 1..])?;
    if *cell.get(a + 1 + b)? != separator {
        return None;
    }
    let year = four(&cell[a + b + 2..])?;
    let end = a + b + 6;
    if cell.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (padded, bare) = paddings(first, a, second, b);
    let mut found = 0;
    if valid(year, second, first) {
        found |= set(Order::Day, separator, padded, bare);
    }
    if valid(year, first, second) {
        found |= set(Order::Month, separator, padded, bare);
    }
    (found != 0).then_some((found, end))
}

/// Whether two numbers may be of a style that pads to two digits, and of one that does not.
fn paddings(first: u32, a: usize, second: u32, b: usize) -> (bool, bool) {
    (
        a == 2 && b == 2,
        (a == 1 || first > 9) && (b == 1 || second > 9),
    )
}

fn set(order: Order, separator: u8, padded: bool, bare: bool) -> Dates {
    let fits = |style: &DateStyle| {
        style.order == order
            && style.separator == separator
            && if style.padded { padded } else { bare }
    };
    DATES[..NUMBERED]
        .iter()
        .enumerate()
        .filter(|(_, (style, _))| fits(style))
        .fold(0, |set, (bit, _)| set | 1 << bit)
}

/// A date whose month is written as a name.
struct Named {
    dates: Dates,
    len: usize,
    days: i32,
}

/// Whether the month can only be a name: a letter begins the cell, or stands behind its first number.
fn has_name(cell: &[u8]) -> bool {
    match cell {
        [a, ..] if a.is_ascii_alphabetic() => true,
        [a, b' ' | b'-', b, ..] | [a, _, b' ' | b'-', b, ..] => {
            a.is_ascii_digit() && b.is_ascii_alphabetic()
        }
        _ => false,
    }
}

fn named(cell: &[u8]) -> Option<Named> {
    let is_month_first = cell.first()?.is_ascii_alphabetic();
    let (order, separator, day, d, name, rest) = if is_month_first {
        let letters = cell.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (name, rest) = cell.split_at(letters);
        let rest = rest.strip_prefix(b" ")?;
        let (day, d) = one_or_two(rest)?;
        let rest = rest[d..].strip_prefix(b", ")?;
        (Order::Month, b' ', day, d, name, rest)
    } else {
        let (day, d) = one_or_two(cell)?;
        let (separator, rest) = cell[d..].split_first()?;
        let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (name, rest) = rest.split_at(letters);
        let rest = rest.strip_prefix(&[*separator])?;
        (Order::Day, *separator, day, d, name, rest)
    };
    let (month, months) = month_named(name)?;
    let year = four(rest)?;
    if !valid(year, month, day) || rest.get(4).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let fits = |style: &DateStyle| {
        style.order == order
            && style.separator == separator
            && months & style.month.bit() != 0
            && (if style.padded {
                d == 2
            } else {
                d == 1 || day > 9
            })
    };
    let dates = DATES
        .iter()
        .enumerate()
        .skip(NUMBERED)
        .filter(|(_, (style, _))| fits(style))
        .fold(0, |set, (bit, _)| set | 1 << bit);
    (dates != 0).then(|| Named {
        dates,
        len: cell.len() - rest.len() + 4,
        days: days(year, month, day),
    })
}

/// The month of this name, and the ways in which it is written so.
fn month_named(name: &[u8]) -> Option<(u32, u8)> {
    MONTHS.iter().zip(1..).find_map(|(month, number)| {
        let long = month.as_bytes();
        let short = &long[..3];
        let mut ways = 0;
        for (way, fits) in [
            (Month::Short, name == short),
            (Month::Capitals, name == short.to_ascii_uppercase()),
            (Month::Long, name == long),
        ] {
            if fits {
                ways |= way.bit();
            }
        }
        (ways != 0).then_some((number, ways))
    })
}

impl Month {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a time at the start of a cell looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeShape {
    pub len: usize,
    pub hour_digits: usize,
    pub hour: u32,
    pub seconds: bool,
    pub digits: u8,
    /// Whether the fraction ends in a zero.
    pub trailing_zero: bool,
    pub zero_fraction: bool,
    pub half: Half,
    pub micros: i64,
}

pub(crate) fn time(cell: &[u8]) -> Option<TimeShape> {
    let (hour, h) = one_or_two(cell)?;
    let rest = cell.get(h..)?;
    let [b':', m1, m2, rest @ ..] = rest else {
        return None;
    };
    let minute = two(&[*m1, *m2])?;
    let mut shape = TimeShape {
        len: h + 3,
        hour_digits: h,
        hour,
        seconds: false,
        digits: 0,
        trailing_zero: false,
        zero_fraction: false,
        half: Half::Neither,
        micros: 0,
    };
    let mut second = 0;
    let mut fraction = 0;
    if let [b':', s1, s2, rest @ ..] = rest {
        second = two(&[*s1, *s2])?;
        shape.seconds = true;
        shape.len += 3;
        if let [b'.', rest @ ..] = rest {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 || digits > 6 {
                return None;
            }
            for byte in &rest[..digits] {
                fraction = fraction * 10 + i64::from(byte - b'0');
            }
            shape.digits = digits as u8;
            shape.trailing_zero = rest[digits - 1] == b'0';
            shape.zero_fraction = fraction == 0;
            fraction *= 10i64.pow(6 - digits as u32);
            shape.len += 1 + digits;
        }
    }
    let (half, is_second) = Half::read(&cell[shape.len..]);
    shape.half = half;
    shape.len += half.spellings()[0].len();
    let hour = match half {
        Half::Neither if hour < 24 => hour,
        // Twelve is the first hour of either half.
        Half::Capitals { .. } | Half::Small { .. } if (1..13).contains(&hour) => {
            hour % 12 + if is_second { 12 } else { 0 }
        }
        _ => return None,
    };
    if minute > 59 || second > 59 {
        return None;
    }
    shape.micros = i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    Some(shape)
}

impl DateStyle {
    pub(crate) fn pattern(self) -> &'static str {
        DATES
            .iter()
            .find(|d| d.0 == self)
            .map_or("yyyy-MM-dd", |d| d.1)
    }

    /// The date at the start of the cell, in this very spelling, and its length.
    fn read(self, cell: &[u8]) -> Option<(i32, usize)> {
        if self == CANONICAL_DATE {
            let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, ..] = cell else {
                return None;
            };
            let year = two(&[*y1, *y2])? * 100 + two(&[*y3, *y4])?;
            let (month, day) = (two(&[*m1, *m2])?, two(&[*d1, *d2])?);
            return valid(year, month, day).then(|| (days(year, month, day), 10));
        }
        if self.month != Month::Number {
            let found = named(cell)?;
            let is_own = |bit: &usize| found.dates & 1 << bit != 0;
            let own = DATES.iter().position(|d| d.0 == self).filter(is_own);
            return own.map(|_| (found.days, found.len));
        }
        let part = |at: usize| -> Option<(u32, usize)> {
            let (number, len) = one_or_two(cell.get(at..)?)?;
            let fits = if self.padded {
                len == 2
            } else {
                len == 1 || number > 9
            };
            fits.then_some((number, len))
        };
        let is_separator = |at: usize| cell.get(at) == Some(&self.separator);
        let (year, month, day, end) = if self.order == Order::Year {
            let year = four(cell)?;
            let (month, m) = part(5)?;
            let (day, d) = part(6 + m)?;
            (is_separator(4) && is_separator(5 + m)).then_some((year, month, day, 6 + m + d))?
        } else {
            let (first, a) = part(0)?;
            let (second, b) = part(a + 1)?;
            let year = four(cell.get(a + b + 2..)?)?;
            if !is_separator(a) || !is_separator(a + 1 + b) {
                return None;
            }
            match self.order {
                Order::Month => (year, first, second, a + b + 6),
                _ => (year, second, first, a + b + 6),
            }
        };
        valid(year, month, day).then(|| (days(year, month, day), end))
    }

    pub(crate) fn parse(self, cell: &[u8]) -> Option<i32> {
        self.read(cell)
            .filter(|(_, len)| *len == cell.len())
            .map(|d| d.0)
    }

    pub(crate) fn print(self, value: i32, out: &mut String) {
        let Some((year, month, day)) = civil(value) else {
            // No file spells such a date; an edit could bring one in.
            out.push_str(&value.to_string());
            return;
        };
        let separator = char::from(self.separator);
        if self.month != Month::Number {
            let name = MONTHS[month as usize - 1];
            let name = match self.month {
                Month::Long => name.to_owned(),
                Month::Capitals => name[..3].to_ascii_uppercase(),
                _ => name[..3].to_owned(),
            };
            let day = if self.padded {
                format!("{day:02}")
            } else {
                day.to_string()
            };
            out.push_str(&match self.order {
                Order::Month => format!("{name} {day}, {year:04}"),
                _ => format!("{day}{separator}{name}{separator}{year:04}"),
            });
            return;
        }
        let mut parts = match self.order {
            Order::Year => [(year, 4), (month, 2), (day, 2)],
            Order::Day => [(day, 2), (month, 2), (year, 4)],
            Order::Month => [(month, 2), (day, 2), (year, 4)],
        };
        if !self.padded {
            for part in parts.iter_mut().filter(|part| part.1 == 2) {
                part.1 = 1;
            }
        }
        for (at, (number, width)) in parts.into_iter().enumerate() {
            if at > 0 {
                out.push(separator);
            }
            push_number(out, number, width);
        }
    }
}

fn push_number(out: &mut String, number: u32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut at = digits.len();
    let mut rest = number;
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend(digits[at..].iter().map(|b| char::from(*b)));
}

impl TimeStyle {
    fn takes(self, shape: &TimeShape) -> bool {
        (if self.padded {
            shape.hour_digits == 2
        } else {
            shape.hour_digits == 1 || shape.hour > 9
        }) && self.seconds == shape.seconds
            && self.half == shape.half
            && match self.fraction {
                Fraction::Digits(digits) => shape.digits == digits,
                Fraction::Trimmed => shape.digits == 0 || !shape.trailing_zero,
                Fraction::Optional(digits) => {
                    shape.digits == 0 || (shape.digits == digits && !shape.zero_fraction)
                }
            }
    }

    fn read(self, cell: &[u8]) -> Option<(i64, usize)> {
        let shape = time(cell).filter(|shape| self.takes(shape))?;
        Some((shape.micros, shape.len))
    }

    pub(crate) fn parse(self, cell: &[u8]) -> Option<i64> {
        self.read(cell)
            .filter(|(_, len)| *len == cell.len())
            .map(|t| t.0)
    }

    pub(crate) fn print(self, micros: i64, out: &mut String) {
        let micros = micros.clamp(0, DAY_MICROS);
        let seconds = (micros / 1_000_000) as u32;
        let hour = seconds / 3_600;
        let [first, second] = self.half.spellings();
        let shown = match self.half {
            Half::Neither => hour,
            _ => (hour + 11) % 12 + 1,
        };
        push_number(out, shown, if self.padded { 2 } else { 1 });
        out.push(':');
        push_number(out, seconds / 60 % 60, 2);
        if self.seconds {
            self.print_seconds(micros, out);
        }
        out.push_str(if hour < 12 { first } else { second });
    }

    fn print_seconds(self, micros: i64, out: &mut String) {
        let seconds = micros / 1_000_000;
        out.push(':');
        push_number(out, (seconds % 60) as u32, 2);
        let fraction = (micros % 1_000_000) as u32;
        let digits = match self.fraction {
            Fraction::Digits(digits) => digits,
            Fraction::Optional(_) | Fraction::Trimmed if fraction == 0 => 0,
            Fraction::Optional(digits) => digits,
            Fraction::Trimmed => {
                let mut digits = 6;
                let mut rest = fraction;
                while rest.is_multiple_of(10) {
                    rest /= 10;
                    digits -= 1;
                }
                digits
            }
        };
        if digits > 0 {
            out.push('.');
            push_number(
                out,
                fraction / 10u32.pow(6 - u32::from(digits)),
                usize::from(digits),
            );
        }
    }

    pub(crate) fn pattern(self) -> String {
        let mut pattern = match (self.half, self.padded) {
            (Half::Neither, true) => "HH:mm",
            (Half::Neither, false) => "H:mm",
            (_, true) => "hh:mm",
            (_, false) => "h:mm",
        }
        .to_owned();
        if self.seconds {
            pattern.push_str(":ss");
            match self.fraction {
                Fraction::Digits(0) => {}
                Fraction::Digits(digits) => {
                    pattern.push('.');
                    pattern.extend(std::iter::repeat_n('S', usize::from(digits)));
                }
                Fraction::Trimmed => pattern.push_str("[.S]"),
                Fraction::Optional(digits) => {
                    pattern.push_str("[.");
                    pattern.extend(std::iter::repeat_n('S', usize::from(digits)));
                    pattern.push(']');
                }
            }
        }
        pattern.push_str(self.half.spellings()[0]);
        pattern
    }

    /// The style that opens a pattern, and the rest of the pattern.
    pub(crate) fn of_pattern(pattern: &str) -> Option<(Self, &str)> {
        let heads = [
            ("HH:mm", true, false),
            ("H:mm", false, false),
            ("hh:mm", true, true),
            ("h:mm", false, true),
        ];
        let (padded, is_halved, rest) =
            heads.into_iter().find_map(|(head, padded, is_halved)| {
                Some((padded, is_halved, pattern.strip_prefix(head)?))
            })?;
        let halved = |rest: &str| {
            let half = if is_halved {
                Half::read(rest.as_bytes()).0
            } else {
                Half::Neither
            };
            (is_halved == (half != Half::Neither)).then_some(half)
        };
        let Some(rest) = rest.strip_prefix(":ss") else {
            let style = Self {
                padded,
                seconds: false,
                fraction: Fraction::Digits(0),
                half: halved(rest)?,
            };
            return Some((style, &rest[style.half.spellings()[0].len()..]));
        };
        let count = |text: &str| text.bytes().take_while(|b| *b == b'S').count();
        let (fraction, rest) = if let Some(digits) = rest.strip_prefix("[.") {
            let count = count(digits);
            let rest = digits[count..].strip_prefix(']')?;
            match count {
                1 => (Fraction::Trimmed, rest),
                2..=6 => (Fraction::Optional(count as u8), rest),
                _ => return None,
            }
        } else if let Some(digits) = rest.strip_prefix('.') {
            match count(digits) {
                count @ 1..=6 => (Fraction::Digits(count as u8), &digits[count..]),
                _ => return None,
            }
        } else {
            (Fraction::Digits(0), rest)
        };
        let style = Self {
            padded,
            seconds: true,
            fraction,
            half: halved(rest)?,
        };
        Some((style, &rest[style.half.spellings()[0].len()..]))
    }
}

/// The date style of a pattern's head, and the rest of the pattern.
pub(crate) fn date_of_pattern(pattern: &str) -> Option<(DateStyle, &str)> {
    DATES
        .iter()
        .find_map(|(style, text)| Some((*style, pattern.strip_prefix(text)?)))
}

impl StampStyle {
    pub(crate) fn of_pattern(pattern: &str, zoned: bool) -> Option<Self> {
        let (date, rest) = date_of_pattern(pattern)?;
        let separator = *rest
            .as_bytes()
            .first()
            .filter(|b| matches!(b, b'T' | b' '))?;
        let (time, rest) = TimeStyle::of_pattern(&rest[1..])?;
        let zone = match (zoned, rest) {
            (false, "") => None,
            (true, zone) => Some(Zone::parse(zone.as_bytes())?),
            _ => return None,
        };
        Some(Self {
            date,
            separator,
            time,
            zone,
        })
    }

    pub(crate) fn canonical(zoned: bool) -> Self {
        Self {
            date: CANONICAL_DATE,
            separator: b'T',
            time: CANONICAL_TIME,
            zone: if zoned { Zone::parse(b"Z") } else { None },
        }
    }

    pub(crate) fn pattern(&self) -> String {
        format!(
            "{}{}{}{}",
            self.date.pattern(),
            char::from(self.separator),
            self.time.pattern(),
            self.zone.as_ref().map_or("", |zone| &zone.spelling)
        )
    }

    pub(crate) fn parse(&self, cell: &[u8]) -> Option<i64> {
        let (date, len) = self.date.read(cell)?;
        let rest = cell.get(len..)?;
        let rest = rest.strip_prefix(&[self.separator])?;
        let (time, len) = self.time.read(rest)?;
        let zone = &rest[len..];
        let local = i64::from(date) * DAY_MICROS + time;
        match &self.zone {
            None => zone.is_empty().then_some(local),
            Some(known) => (known.spelling.as_bytes() == zone).then_some(local - known.micros),
        }
    }

    pub(crate) fn print(&self, value: i64, out: &mut String) {
        let local = value + self.zone.as_ref().map_or(0, |zone| zone.micros);
        let date = i32::try_from(local.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX);
        self.date.print(date, out);
        out.push(char::from(self.separator));
        self.time.print(local.rem_euclid(DAY_MICROS), out);
        if let Some(zone) = &self.zone {
            out.push_str(&zone.spelling);
        }
    }
}
