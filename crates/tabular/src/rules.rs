//! The rules of a column against a value, the same for the records of a file ([`crate::load`]) and for cells written by hand. All but
//! `unique`, which is no matter of one value: `store` has the others.

use std::cmp::Ordering;

use contracts::{
    dataset::{Column, ColumnType},
    rules::{ONE_OF_MAX, PATTERN_CHARS_MAX, Rules},
};
use regex::{Regex, RegexBuilder};

use crate::{
    format::{Codec, Misfit, Reader, Value},
    number,
};

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// A rule that a value breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `rule_required`, `rule_range`, `rule_pattern` or `rule_one_of`.
    pub code: &'static str,
    pub message: String,
}

/// A column's rules, ready to use many times.
#[derive(Clone, Debug)]
pub struct Checker {
    canonical: Codec,
    required: bool,
    min: Option<(Value, String)>,
    max: Option<(Value, String)>,
    pattern: Option<(Regex, String)>,
    one_of: Option<(Vec<Value>, String)>,
}

impl Checker {
    /// # Errors
    /// A rule that this column cannot have, with the rule's name.
    pub fn new(column: &Column, rules: &Rules) -> Result<Self, (&'static str, Misfit)> {
        let canonical = Codec::new(column.kind, None).map_err(|misfit| ("required", misfit))?;
        let reader = Reader::new(column).map_err(|misfit| ("required", misfit))?;
        let value = |name: &'static str, text: &str| {
            let read = reader.read(text).and_then(|read| {
                let null = || Misfit(format!("`{text}` is null here; `required` speaks of that."));
                canonical.parse(&read.ok_or_else(null)?)
            });
            read.map_err(|misfit| (name, misfit))
        };
        let ordered = !matches!(
            column.kind,
            ColumnType::Text | ColumnType::Json | ColumnType::Boolean
        );
        let bound = |name: &'static str, text: &Option<String>| match text {
            None => Ok(None),
            Some(_) if !ordered => {
                let message = "Only numbers, dates and times have a least and a greatest value.";
                Err((name, Misfit(message.to_owned())))
            }
            Some(text) => Ok(Some((value(name, text)?, text.clone()))),
        };
        let (min, max) = (bound("min", &rules.min)?, bound("max", &rules.max)?);
        if let (Some((min, _)), Some((max, _))) = (&min, &max)
            && order(min, max) == Some(Ordering::Greater)
        {
            let message = "The greatest value is less than the least.";
            return Err(("max", Misfit(message.to_owned())));
        }
        let one_of = match &rules.one_of {
            None => None,
            Some(values) if !(1..=ONE_OF_MAX).contains(&values.len()) => {
                let message = format!("A list has 1 to {ONE_OF_MAX} values.");
                return Err(("one_of", Misfit(message)));
            }
            Some(texts) => {
                let values = texts.iter().map(|text| value("one_of", text));
                Some((values.collect::<Result<_, _>>()?, listed(texts)))
            }
        };
        if rules.unique && !column.kind.can_be_unique() {
            let message = "Only a column of another type than float and JSON can be asked for values that are all different.";
            return Err(("unique", Misfit(message.to_owned())));
        }
        Ok(Self {
            required: rules.required,
            min,
            max,
            pattern: rules
                .pattern
                .as_ref()
                .map(|text| pattern(column.kind, text))
                .transpose()
                .map_err(|misfit| ("pattern", misfit))?,
            one_of,
            canonical,
        })
    }

    /// # Errors
    /// The first rule that the value breaks; `None` is null.
    pub fn check(&self, value: Option<&Value>) -> Result<(), Broken> {
        let Some(value) = value else {
            return self.present(false);
        };
        self.present(!matches!(value, Value::Text(text) if text.is_empty()))?;
        if let Some((min, text)) = &self.min
            && order(value, min) == Some(Ordering::Less)
        {
            return Err(broken(
                "rule_range",
                format!("The column takes {text} or more."),
            ));
        }
        if let Some((max, text)) = &self.max
            && order(value, max) == Some(Ordering::Greater)
        {
            return Err(broken(
                "rule_range",
                format!("The column takes {text} or less."),
            ));
        }
        if let (Some((pattern, text)), Value::Text(value)) = (&self.pattern, value)
            && !pattern.is_match(value)
        {
            let message = format!("The column takes texts that match `{text}`.");
            return Err(broken("rule_pattern", message));
        }
        if let Some((values, text)) = &self.one_of
            && !values.iter().any(|one| same(one, value))
        {
            return Err(broken("rule_one_of", format!("The column takes {text}.")));
        }
        Ok(())
    }

    /// The same for a value in its canonical text.
    ///
    /// # Errors
    /// The first rule that the value breaks; `None` is null.
    pub fn check_text(&self, text: Option<&str>) -> Result<(), Broken> {
        // What cannot be read is no value of the column, and was refused as that.
        let value = text.and_then(|text| self.canonical.parse(text).ok());
        self.check(value.as_ref())
    }

    fn present(&self, present: bool) -> Result<(), Broken> {
        if self.required && !present {
            let message = "The column is required: it takes no null and no empty text.";
            return Err(broken("rule_required", message.to_owned()));
        }
        Ok(())
    }
}

fn broken(code: &'static str, message: String) -> Broken {
    Broken { code, message }
}

fn pattern(kind: ColumnType, text: &str) -> Result<(Regex, String), Misfit> {
    if kind != ColumnType::Text {
        return Err(Misfit("Only a text column has a pattern.".to_owned()));
    }
    if text.chars().count() > PATTERN_CHARS_MAX {
        return Err(Misfit(format!(
            "A pattern has at most {PATTERN_CHARS_MAX} characters."
        )));
    }
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build()
    };
    // By itself first: `a)|(b` is none, although it would be one between the brackets.
    match build(text).and_then(|_| build(&format!(r"\A(?:{text})\z"))) {
        Ok(regex) => Ok((regex, text.to_owned())),
        Err(regex::Error::CompiledTooBig(_)) => Err(Misfit(
            "The pattern is too large. Repeat less, or list fewer alternatives.".to_owned(),
        )),
        Err(_) => Err(Misfit(format!(
            "`{text}` is not a regular expression that can be used here."
        ))),
    }
}

/// The first few, for a message.
fn listed(texts: &[String]) -> String {
    let shown: Vec<String> = texts
        .iter()
        .take(10)
        .map(|text| format!("`{text}`"))
        .collect();
    let more = texts.len() - shown.len();
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int64(a) | Value::Time(a), Value::Int64(b) | Value::Time(b))
        | (Value::Timestamp(a), Value::Timestamp(b))
        | (Value::Timestamptz(a), Value::Timestamptz(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Decimal(a), Value::Decimal(b)) => Some(number::order(a, b)),
        _ => None,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || order(a, b) == Some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker(kind: ColumnType, rules: Rules) -> Result<Checker, (&'static str, Misfit)> {
        let column = Column {
            id: "col_1".into(),
            name: "a".into(),
            kind,
            format: None,
            null_token: None,
        };
        Checker::new(&column, &rules)
    }

    fn codes(kind: ColumnType, rules: Rules, texts: &[&str]) -> Vec<&'static str> {
        let checker = checker(kind, rules).unwrap();
        let code = |text: &&str| match checker.check_text(Some(text)) {
            Ok(()) => "",
            Err(broken) => broken.code,
        };
        texts.iter().map(code).collect()
    }

    fn range(min: &str, max: &str) -> Rules {
        Rules {
            min: Some(min.into()),
            max: Some(max.into()),
            ..Rules::default()
        }
    }

    #[test]
    fn a_range_is_kept_by_every_ordered_type() {
        let (ok, no) = ("", "rule_range");
        assert_eq!(
            codes(
                ColumnType::Int64,
                range("-5", "10"),
                &["-6", "-5", "10", "11"]
            ),
            [no, ok, ok, no]
        );
        assert_eq!(
            codes(
                ColumnType::Decimal,
                range("-0.50", "9.9"),
                &["-0.51", "-0.5", "0", "9.90", "9.91", "10"]
            ),
            [no, ok, ok, ok, no, no]
        );
        assert_eq!(
            codes(
                ColumnType::Date,
                range("2020-01-01", "2020-12-31"),
                &["2019-12-31", "2020-06-01", "2021-01-01"]
            ),
            [no, ok, no]
        );
        assert_eq!(
            codes(ColumnType::Float, range("0.50", "1.5"), &["0.4", "1", "2"]),
            [no, ok, no]
        );
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let rules = Rules {
            pattern: Some("N[0-9]+|X".into()),
            ..Rules::default()
        };
        assert_eq!(
            codes(ColumnType::Text, rules, &["N12", "X", "N12 ", "aX", "N1\n"]),
            ["", "", "rule_pattern", "rule_pattern", "rule_pattern"]
        );
    }

    #[test]
    fn one_of_compares_values_and_required_wants_one() {
        let rules = Rules {
            one_of: Some(vec!["1.0".into(), "2".into()]),
            ..Rules::default()
        };
        assert_eq!(
            codes(ColumnType::Decimal, rules.clone(), &["1.00", "2", "3"]),
            ["", "", "rule_one_of"]
        );
        assert_eq!(
            checker(ColumnType::Decimal, rules).unwrap().check(None),
            Ok(())
        );
        let rules = Rules {
            required: true,
            ..Rules::default()
        };
        assert_eq!(
            codes(ColumnType::Text, rules.clone(), &["", " "]),
            ["rule_required", ""]
        );
        let null = checker(ColumnType::Int64, rules).unwrap().check(None);
        assert_eq!(null.unwrap_err().code, "rule_required");
    }

    #[test]
    fn a_rule_that_the_column_cannot_have_is_named() {
        let at = |kind, rules| checker(kind, rules).unwrap_err().0;
        assert_eq!(at(ColumnType::Text, range("a", "b")), "min");
        assert_eq!(at(ColumnType::Int64, range("1", "x")), "max");
        assert_eq!(at(ColumnType::Int64, range("2", "1")), "max");
        let pattern = |text: &str| Rules {
            pattern: Some(text.into()),
            ..Rules::default()
        };
        assert_eq!(at(ColumnType::Int64, pattern("1")), "pattern");
        let unique = Rules {
            unique: true,
            ..Rules::default()
        };
        assert_eq!(at(ColumnType::Float, unique.clone()), "unique");
        assert_eq!(at(ColumnType::Json, unique.clone()), "unique");
        assert!(checker(ColumnType::Boolean, unique).is_ok());
        assert_eq!(at(ColumnType::Text, pattern("(")), "pattern");
        assert_eq!(at(ColumnType::Text, pattern("a)|(?:b")), "pattern");
        assert_eq!(
            at(ColumnType::Text, pattern(r"(\w{1000}){1000}")),
            "pattern"
        );
        let empty = Rules {
            one_of: Some(Vec::new()),
            ..Rules::default()
        };
        assert_eq!(at(ColumnType::Text, empty), "one_of");
    }
}
