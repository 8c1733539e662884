//! The parameters of a page of rows, read and checked: what comes out is one view (version, sort, filter) and a place in it.

use contracts::DatasetId;
use jiff::{Timestamp, fmt::temporal::DateTimeParser};
use serde::Deserialize;
use store::{At, Filter, Sort, SortKey, Start, rows::SORT_KEYS_MAX};
use utoipa::IntoParams;

use crate::{cursor::Cursor, error::Error, filter, limit};

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RowsParams {
    /// The head when left out.
    #[param(minimum = 1)]
    version: Option<i64>,
    /// The newest version published at or before this moment (RFC 3339), in place of `version`.
    as_of: Option<String>,
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next` of the page before. It carries version, sort and filter; they may be left out, not changed.
    cursor: Option<String>,
    /// Skip so many rows of this sort and filter, in place of `cursor`.
    position: Option<u64>,
    /// Columns by id or name, or `row_id`, with commas between; `-` in front for falling order. Nulls last, ties by row id.
    sort: Option<String>,
    /// JSON: `{"and": [{"column", "op", "value"}, {"or": […]}]}`, ops `eq ne lt le gt ge in is_null contains starts_with`.
    filter: Option<String>,
}

/// What to show: one version, sort and filter, and where the page begins.
#[derive(Debug)]
pub struct View {
    pub at: At,
    pub sort: Sort,
    pub filter: Option<Filter>,
    pub start: Start,
    pub limit: u32,
    /// As asked for, for the cursor and the fingerprint.
    asked: Asked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    sort: Option<String>,
    filter: Option<String>,
    as_of: Option<String>,
}

impl View {
    pub fn read(dataset: DatasetId, params: RowsParams) -> Result<Self, Error> {
        let limit = limit(params.limit, LIMIT, LIMIT_MAX)?;
        if params.version.is_some() && params.as_of.is_some() {
            return Err(Error::invalid(
                "as_of",
                "Give either `version` or `as_of`, not both.",
            ));
        }
        let mut at = match (params.version, &params.as_of) {
            (Some(version @ 1..), _) => At::Version(version),
            (Some(_), _) => return Err(Error::invalid("version", "Versions count from 1.")),
            (None, Some(as_of)) => At::AsOf(moment(as_of)?),
            (None, None) => At::Head,
        };
        let mut asked = Asked {
            sort: params.sort,
            filter: params.filter,
            as_of: params.as_of,
        };
        let mut start = params.position.map_or(Start::First, Start::Position);
        if let Some(text) = params.cursor {
            if params.position.is_some() {
                return Err(Error::invalid(
                    "position",
                    "Give either `cursor` or `position`, not both.",
                ));
            }
            let cursor = Cursor::decode(dataset, &text)?;
            if params
                .version
                .is_some_and(|version| version != cursor.version)
            {
                return Err(changed("version"));
            }
            asked = Asked {
                sort: unchanged("sort", asked.sort, cursor.sort)?,
                filter: unchanged("filter", asked.filter, cursor.filter)?,
                as_of: unchanged("as_of", asked.as_of, cursor.as_of)?,
            };
            at = At::Version(cursor.version);
            start = Start::After(cursor.after);
        }
        Ok(Self {
            at,
            sort: asked
                .sort
                .as_deref()
                .map(sort)
                .transpose()?
                .unwrap_or_default(),
            filter: asked
                .filter
                .as_deref()
                .map(filter::parse)
                .transpose()?
                .flatten(),
            start,
            limit,
            asked,
        })
    }

    /// Where the walk goes on after a row.
    pub fn cursor(&self, version: i64, after: i64) -> Cursor {
        Cursor {
            version,
            after,
            sort: self.asked.sort.clone(),
            filter: self.asked.filter.clone(),
            as_of: self.asked.as_of.clone(),
        }
    }

    /// Everything beside dataset and version that the answer's bytes depend on.
    pub fn fingerprint(&self) -> String {
        format!("{:?} {:?} {}", self.asked, self.start, self.limit)
    }
}

fn unchanged(
    name: &str,
    asked: Option<String>,
    kept: Option<String>,
) -> Result<Option<String>, Error> {
    if asked.is_none() || asked == kept {
        Ok(kept)
    } else {
        Err(changed(name))
    }
}

fn changed(name: &str) -> Error {
    Error::invalid(
        name,
        format!(
            "`{name}` is not the one that the cursor was made with. Leave it out, or begin again without the cursor."
        ),
    )
}

fn sort(text: &str) -> Result<Sort, Error> {
    let keys: Vec<SortKey> = text
        .split(',')
        .map(|key| {
            let (column, descending) = key
                .strip_prefix('-')
                .map_or((key, false), |column| (column, true));
            SortKey {
                column: column.to_owned(),
                descending,
            }
        })
        .collect();
    if keys.len() > SORT_KEYS_MAX {
        return Err(Error::invalid(
            "sort",
            format!("At most {SORT_KEYS_MAX} columns can be sorted by."),
        ));
    }
    if keys
        .iter()
        .any(|key| key.column.is_empty() || key.column.contains('\0'))
    {
        return Err(Error::invalid(
            "sort",
            "`sort` is a list of columns, by id or name, with commas between and `-` in front for falling order. A name that has a comma: use the column's id.",
        ));
    }
    Ok(Sort(keys))
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    // In a query string `+` is a blank, so an offset written as it is arrives as ` 02:00`.
    PARSER
        .parse_timestamp(text.replace(' ', "+"))
        .map_err(|_| Error::invalid("as_of", "`as_of` is a moment such as 2026-03-01T12:00:00Z."))
}

#[cfg(test)]
mod tests {
    use platform::http::ApiError;

    use super::*;

    fn params(pairs: &[(&str, &str)]) -> RowsParams {
        let mut params = RowsParams::default();
        for (name, value) in pairs {
            let text = || Some((*value).to_owned());
            match *name {
                "version" => params.version = Some(value.parse().unwrap()),
                "limit" => params.limit = Some(value.parse().unwrap()),
                "position" => params.position = Some(value.parse().unwrap()),
                "as_of" => params.as_of = text(),
                "cursor" => params.cursor = text(),
                "sort" => params.sort = text(),
                "filter" => params.filter = text(),
                other => panic!("{other}"),
            }
        }
        params
    }

    fn fault(dataset: DatasetId, pairs: &[(&str, &str)]) -> String {
        let error = View::read(dataset, params(pairs)).expect_err("must be refused");
        ApiError::from(error)
            .problem()
            .pointer
            .clone()
            .unwrap_or_default()
    }

    #[test]
    fn nothing_asked_is_the_head_from_its_first_row() {
        let view = View::read(DatasetId::generate(), params(&[])).unwrap();
        assert_eq!(
            (view.at, view.start, view.limit),
            (At::Head, Start::First, 100)
        );
        assert_eq!(view.sort, Sort::default());
    }

    #[test]
    fn a_cursor_brings_its_view_along_and_no_other_is_taken() {
        let dataset = DatasetId::generate();
        let first = View::read(
            dataset,
            params(&[("sort", "-dep_time"), ("as_of", "2026-01-01T00:00:00Z")]),
        )
        .unwrap();
        let cursor = first.cursor(4, 99).encode(dataset).unwrap();
        let next = View::read(dataset, params(&[("cursor", &cursor)])).unwrap();
        assert_eq!((next.at, next.start), (At::Version(4), Start::After(99)));
        assert_eq!(next.sort, Sort::by("dep_time", true));
        assert!(
            View::read(
                dataset,
                params(&[("cursor", &cursor), ("sort", "-dep_time"), ("version", "4")])
            )
            .is_ok()
        );

        for (name, value) in [
            ("sort", "dep_time"),
            ("version", "5"),
            ("filter", "{}"),
            ("position", "1"),
        ] {
            assert_eq!(fault(dataset, &[("cursor", &cursor), (name, value)]), name);
        }
        assert_eq!(
            fault(DatasetId::generate(), &[("cursor", &cursor)]),
            "cursor"
        );
    }

    #[test]
    fn bad_parameters_are_named() {
        let dataset = DatasetId::generate();
        for (pairs, pointer) in [
            (&[("limit", "0")][..], "limit"),
            (&[("limit", "1001")], "limit"),
            (&[("version", "0")], "version"),
            (&[("version", "-1")], "version"),
            (
                &[("version", "1"), ("as_of", "2026-01-01T00:00:00Z")],
                "as_of",
            ),
            (&[("as_of", "yesterday")], "as_of"),
            (&[("as_of", "2026-01-01")], "as_of"),
            (&[("sort", "")], "sort"),
            (&[("sort", "-")], "sort"),
            (&[("sort", "a,,-b")], "sort"),
            (&[("filter", "nonsense")], "filter"),
            (&[("cursor", "nonsense")], "cursor"),
        ] {
            assert_eq!(fault(dataset, pairs), pointer, "{pairs:?}");
        }
    }

    #[test]
    fn a_moment_may_carry_any_offset() {
        assert_eq!(
            moment("2026-01-01T02:00:00+02:00").unwrap(),
            moment("2026-01-01T00:00:00Z").unwrap()
        );
        assert_eq!(
            moment("2026-01-01T02:00:00 02:00").unwrap(),
            moment("2026-01-01T00:00:00Z").unwrap()
        );
        assert!(moment("2026-01-01T00:00:00.123456Z").is_ok());
    }
}
