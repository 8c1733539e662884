//! Reading the `filter` parameter. The shape is checked here, with a pointer into the JSON for what is at fault; whether
//! columns exist and values fit their types is checked by `store`, which knows the version's columns.

use serde_json::{Value, json};
use store::{Filter, Op, filter::CellFilter};

use crate::error::Error;

/// More than any person builds; keeps a query's plan and time in bounds.
const TESTS_MAX: usize = 100;
const DEPTH_MAX: usize = 8;
const IN_MAX: usize = 1_000;
const OPS: &str = "eq, ne, lt, le, gt, ge, in, is_null, contains, starts_with";

/// `None` for a filter that lets everything through: `{"and": []}`.
pub fn parse(text: &str) -> Result<Option<Filter>, Error> {
    let value: Value = serde_json::from_str(text).map_err(|e| {
        Error::invalid(
            "filter",
            format!("The filter is not JSON: {e}. It looks like {{\"and\": [{{\"column\": \"…\", \"op\": \"eq\", \"value\": …}}]}}."),
        )
    })?;
    read_value(&value)
}

/// The same of a filter that came within a body.
pub fn read_value(value: &Value) -> Result<Option<Filter>, Error> {
    if *value == json!({"and": []}) {
        return Ok(None);
    }
    let mut tests = 0;
    let filter = read(value, "filter", 1, &mut tests)?;
    Ok(Some(filter))
}

fn read(value: &Value, pointer: &str, depth: usize, tests: &mut usize) -> Result<Filter, Error> {
    let Value::Object(fields) = value else {
        return Err(Error::invalid(
            pointer,
            "Each part of a filter is an object.",
        ));
    };
    if depth > DEPTH_MAX {
        return Err(Error::invalid(
            pointer,
            format!("A filter nests at most {DEPTH_MAX} deep."),
        ));
    }
    for (name, many) in [("and", true), ("or", false)] {
        let Some(parts) = fields.get(name) else {
            continue;
        };
        let pointer = format!("{pointer}/{name}");
        if fields.len() > 1 {
            return Err(Error::invalid(
                pointer,
                format!("`{name}` stands alone in its object."),
            ));
        }
        let parts = parts
            .as_array()
            .filter(|parts| !parts.is_empty())
            .ok_or_else(|| {
                Error::invalid(
                    pointer.as_str(),
                    format!("`{name}` is a list with at least one part."),
                )
            })?
            .iter()
            .enumerate()
            .map(|(no, part)| read(part, &format!("{pointer}/{no}"), depth + 1, tests))
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(if many {
            Filter::And { and: parts }
        } else {
            Filter::Or { or: parts }
        });
    }
    *tests += 1;
    if *tests > TESTS_MAX {
        return Err(Error::invalid(
            pointer,
            format!("A filter has at most {TESTS_MAX} comparisons."),
        ));
    }
    cell(fields, pointer).map(Filter::Cell)
}

fn cell(fields: &serde_json::Map<String, Value>, pointer: &str) -> Result<CellFilter, Error> {
    if let Some(other) = fields
        .keys()
        .find(|name| !matches!(name.as_str(), "column" | "op" | "value"))
    {
        return Err(Error::invalid(
            format!("{pointer}/{other}"),
            "A comparison has `column`, `op` and `value`; a group has `and` or `or`.",
        ));
    }
    let text = |name: &str, what: &str| {
        fields.get(name).and_then(Value::as_str).ok_or_else(|| {
            Error::invalid(
                format!("{pointer}/{name}"),
                format!("`{name}` must be {what}."),
            )
        })
    };
    let column = text("column", "the id or name of a column")?.to_owned();
    let what = format!("one of {OPS}");
    let op: Op = serde_json::from_value(text("op", &what)?.into())
        .map_err(|_| Error::invalid(format!("{pointer}/op"), format!("`op` must be {what}.")))?;
    let value = fields.get("value").cloned();
    let scalar =
        |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    let fault = match (op, &value) {
        (Op::IsNull, None | Some(Value::Bool(_))) => None,
        (Op::IsNull, _) => Some("`is_null` takes true, false or no value."),
        (Op::In, Some(Value::Array(list))) if list.len() <= IN_MAX && list.iter().all(scalar) => {
            None
        }
        (Op::In, _) => Some("`in` takes a list of at most 1,000 texts, numbers or booleans."),
        (Op::Contains | Op::StartsWith, Some(Value::String(_))) => None,
        (Op::Contains | Op::StartsWith, _) => Some("This comparison takes a text."),
        (_, Some(value)) if scalar(value) => None,
        (Op::Eq | Op::Ne, Some(Value::Null) | None) => {
            Some("To compare with null use the op `is_null`.")
        }
        _ => Some("This comparison takes a text, a number or a boolean."),
    };
    if let Some(fault) = fault {
        return Err(Error::invalid(format!("{pointer}/value"), fault));
    }
    // PostgreSQL's texts hold no NUL, so nothing can equal it; said here, where the place is known.
    if value.as_ref().is_some_and(has_nul) {
        return Err(Error::invalid(
            format!("{pointer}/value"),
            "No cell holds a NUL character.",
        ));
    }
    Ok(CellFilter {
        column,
        op,
        value: value.unwrap_or_default(),
    })
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use platform::http::ApiError;

    use super::*;

    fn fault(text: &str) -> String {
        let error = ApiError::from(parse(text).expect_err(text));
        error.problem().pointer.clone().unwrap_or_default()
    }

    #[test]
    fn a_nested_filter_is_read() {
        let text = r#"{"and": [{"column": "carrier", "op": "eq", "value": "UA"},
            {"or": [{"column": "dep_time", "op": "is_null"}, {"column": "col_3", "op": "in", "value": [1, "2"]}]}]}"#;
        let Some(Filter::And { and }) = parse(text).unwrap() else {
            panic!("no and")
        };
        assert_eq!(and[0], Filter::eq("carrier", "UA"));
        assert!(matches!(&and[1], Filter::Or { or } if or.len() == 2));
        assert_eq!(parse(r#"{"and": []}"#).unwrap(), None);
        assert_eq!(
            parse(r#"{"column": "a", "op": "eq", "value": 1}"#).unwrap(),
            Some(Filter::eq("a", 1))
        );
    }

    #[test]
    fn what_is_malformed_is_pointed_at() {
        for (text, pointer) in [
            ("", "filter"),
            ("{", "filter"),
            ("[]", "filter"),
            ("7", "filter"),
            ("{}", "filter/column"),
            (r#"{"or": []}"#, "filter/or"),
            (r#"{"and": {}}"#, "filter/and"),
            (r#"{"and": [7]}"#, "filter/and/0"),
            (r#"{"and": [], "or": []}"#, "filter/and"),
            (
                r#"{"and": [{"column": "a", "op": "eq", "value": 1}], "or": []}"#,
                "filter/and",
            ),
            (
                r#"{"and": [{"op": "eq", "value": 1}]}"#,
                "filter/and/0/column",
            ),
            (
                r#"{"and": [{"column": "a", "value": 1}]}"#,
                "filter/and/0/op",
            ),
            (
                r#"{"and": [{"column": "a", "op": "like", "value": 1}]}"#,
                "filter/and/0/op",
            ),
            (
                r#"{"and": [{"column": "a", "op": "eq"}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "eq", "value": null}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "eq", "value": [1]}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "in", "value": "x"}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "in", "value": [[]]}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "contains", "value": 1}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "eq", "value": "a\u0000"}]}"#,
                "filter/and/0/value",
            ),
            (
                r#"{"and": [{"column": "a", "op": "eq", "value": 1, "not": 1}]}"#,
                "filter/and/0/not",
            ),
        ] {
            assert_eq!(fault(text), pointer, "{text}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let test = r#"{"column": "a", "op": "eq", "value": 1}"#;
        let deep = format!("{}{test}{}", r#"{"or": ["#.repeat(20), "]}".repeat(20));
        assert!(fault(&deep).starts_with("filter/or/0/"));
        let deeper = format!(
            "{}{test}{}",
            r#"{"or": ["#.repeat(5_000),
            "]}".repeat(5_000)
        );
        assert_eq!(fault(&deeper), "filter");
        let wide = format!(r#"{{"or": [{}]}}"#, [test; 101].join(","));
        assert_eq!(fault(&wide), "filter/or/100");
    }
}
