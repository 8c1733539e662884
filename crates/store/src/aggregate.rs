//! Groups and measures over a version's rows: what a chart shows. Computed here for any version; a widget's own view of the
//! head ([`crate::widgets`]) is made of the same statement.

use std::str::FromStr;

use contracts::{
    dataset::ColumnType,
    widget::{Aggregate, GROUPS_MAX, GroupOrder, MEASURES_MAX, Series, SeriesColumn},
};
use serde_json::Value;
use sqlx::postgres::PgRow;

use crate::{
    At, Error, Filter, Result, Snapshot, Store, StoredColumn, cells, columns,
    error::has_code,
    statement::{Binds, Sources, Values},
};

/// What to compute. Columns are ids or names (an id wins).
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// None: one group of all rows.
    pub group: Option<Group>,
    /// 1 to 5.
    pub measures: Vec<Measure>,
    pub filter: Option<Filter>,
    pub order: GroupOrder,
    /// Groups, 1 to 1,000.
    pub limit: u32,
}

/// What rows have in common: `carrier`, `date:month`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    column: String,
    bucket: Option<Bucket>,
}

/// What is said of a group's rows: `count`, `sum:distance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    function: Function,
    column: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bucket {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

impl Bucket {
    const ALL: [Self; 5] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl Function {
    const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max];

    fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

impl FromStr for Group {
    type Err = Error;

    /// A name may have a colon of its own: only what is behind the last one, and only if it is a bucket's word, is one.
    fn from_str(text: &str) -> Result<Self> {
        let bucketed = text.rsplit_once(':').and_then(|(column, word)| {
            let bucket = Bucket::ALL.into_iter().find(|b| b.word() == word)?;
            Some((column, bucket))
        });
        let (column, bucket) =
            bucketed.map_or((text, None), |(column, bucket)| (column, Some(bucket)));
        Ok(Self {
            column: column.to_owned(),
            bucket,
        })
    }
}

impl FromStr for Measure {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (word, column) = match text.split_once(':') {
            None => (text, None),
            Some((word, column)) => (word, Some(column.to_owned())),
        };
        let function = Function::ALL
            .into_iter()
            .find(|function| function.word() == word)
            .filter(|function| column.is_some() || *function == Function::Count)
            .ok_or_else(|| {
                Error::invalid(
                    "measures",
                    format!("{text:?} is none: `count`, or `count:`, `sum:`, `avg:`, `min:`, `max:` with a column behind it"),
                )
            })?;
        Ok(Self { function, column })
    }
}

/// An aggregation whose columns were found in a version.
pub(crate) struct Shape<'a> {
    group: Option<(&'a StoredColumn, Option<Bucket>)>,
    measures: Vec<(Function, Option<&'a StoredColumn>)>,
    order: GroupOrder,
    limit: usize,
}

impl Aggregation {
    /// Finds its columns. [`Error::Invalid`] names the part that does not fit them.
    pub(crate) fn shape<'a>(&self, all: &'a [StoredColumn]) -> Result<Shape<'a>> {
        let find = |pointer: &str, wanted: &str| {
            columns::find(all, wanted)
                .ok_or_else(|| Error::invalid(pointer, format!("there is no column {wanted:?}")))
        };
        let group = match &self.group {
            None => None,
            Some(group) => {
                let column = find("group", &group.column)?;
                group.check(column)?;
                Some((column, group.bucket))
            }
        };
        if !(1..=MEASURES_MAX).contains(&self.measures.len()) {
            return Err(Error::invalid(
                "measures",
                format!("1 to {MEASURES_MAX} of them"),
            ));
        }
        let measures = self
            .measures
            .iter()
            .map(|measure| {
                let column = measure
                    .column
                    .as_deref()
                    .map(|wanted| find("measures", wanted))
                    .transpose()?;
                if let Some(column) = column {
                    measure.check(column)?;
                }
                Ok((measure.function, column))
            })
            .collect::<Result<_>>()?;
        if !(1..=GROUPS_MAX).contains(&self.limit) {
            return Err(Error::invalid("limit", format!("1 to {GROUPS_MAX}")));
        }
        Ok(Shape {
            group,
            measures,
            order: self.order,
            limit: usize::try_from(self.limit).unwrap_or(1),
        })
    }

    /// ` and …`
    pub(crate) fn filter<V: Values>(&self, all: &[StoredColumn], values: &mut V) -> Result<String> {
        Ok(match &self.filter {
            None => String::new(),
            Some(filter) => format!(" and {}", filter.condition(all, values)?),
        })
    }
}

impl Group {
    fn check(&self, column: &StoredColumn) -> Result<()> {
        let kind = column.column.kind;
        let dated = matches!(
            kind,
            ColumnType::Date | ColumnType::Timestamp | ColumnType::Timestamptz
        );
        if kind == ColumnType::Json {
            return Err(Error::invalid("group", "JSON cannot be grouped by"));
        }
        if self.bucket.is_some() && !dated {
            return Err(Error::invalid(
                "group",
                format!(
                    "only dates have days, weeks, months, quarters and years; {:?} holds none",
                    column.column.name
                ),
            ));
        }
        Ok(())
    }
}

impl Measure {
    fn check(&self, column: &StoredColumn) -> Result<()> {
        let kind = column.column.kind;
        let fits = match self.function {
            Function::Count => true,
            Function::Sum | Function::Avg => matches!(
                kind,
                ColumnType::Int64 | ColumnType::Decimal | ColumnType::Float
            ),
            Function::Min | Function::Max => {
                !matches!(kind, ColumnType::Boolean | ColumnType::Json)
            }
        };
        if fits {
            return Ok(());
        }
        Err(Error::invalid(
            "measures",
            format!(
                "there is no {} of {:?}, whose values are of type {}",
                self.function.word(),
                column.column.name,
                crate::imports::word(&kind)?
            ),
        ))
    }
}

impl Shape<'_> {
    /// What the numbers' columns are called and hold.
    pub(crate) fn columns(&self) -> Vec<SeriesColumn> {
        let group = self.group.iter().map(|(column, bucket)| match bucket {
            None => SeriesColumn {
                name: column.column.name.clone(),
                kind: column.column.kind,
            },
            Some(bucket) => SeriesColumn {
                name: format!("{} of {}", bucket.word(), column.column.name),
                kind: ColumnType::Date,
            },
        });
        let measures = self.measures.iter().map(|(function, column)| SeriesColumn {
            name: column.map_or_else(
                || function.word().to_owned(),
                |column| format!("{} of {}", function.word(), column.column.name),
            ),
            kind: kind_of(*function, *column),
        });
        group.chain(measures).collect()
    }

    /// The physical columns that it reads: `, c1, c7`, or nothing.
    pub(crate) fn reads(&self) -> String {
        let group = self.group.iter().map(|(column, _)| *column);
        let measures = self.measures.iter().filter_map(|(_, column)| *column);
        let mut names: Vec<&str> = group.chain(measures).map(|c| c.sql.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().map(|name| format!(", {name}")).collect()
    }

    /// `select place, v0, v1, …` from rows that have the columns it [`Shape::reads`]; one group more than its limit.
    pub(crate) fn statement(&self, rows: &str) -> String {
        let measures: String = self
            .measures
            .iter()
            .enumerate()
            .map(|(at, (function, column))| format!(", {} as m{at}", measured(*function, *column)))
            .collect();
        let shown: String = self
            .measures
            .iter()
            .enumerate()
            .map(|(at, (function, column))| {
                let value = format!("m{at}");
                let value = match (function, column) {
                    (Function::Min | Function::Max, Some(column)) => cells::cut_of(column, &value),
                    _ => value,
                };
                format!(", {value} as v{}", at + usize::from(self.group.is_some()))
            })
            .collect();
        let Some((column, bucket)) = self.group else {
            return format!(
                "select 1::bigint as place{shown} from (select true{measures} from ({rows}) rows) measured"
            );
        };
        let (group, cut) = match bucket {
            None => (column.sql.clone(), cells::cut_of(column, "g")),
            Some(bucket) => {
                let moment = match column.column.kind {
                    ColumnType::Timestamptz => format!("{} at time zone 'UTC'", column.sql),
                    _ => format!("{}::timestamp", column.sql),
                };
                (
                    format!("date_trunc('{}', {moment})::date", bucket.word()),
                    "g".to_owned(),
                )
            }
        };
        let order = match self.order {
            GroupOrder::Group => "g nulls last",
            GroupOrder::Measure => "m0 desc nulls last, g nulls last",
        };
        format!(
            "select row_number() over (order by {order}) as place, {cut} as v0{shown} \
             from (select {group} as g{measures} from ({rows}) rows group by 1) grouped order by place limit {}",
            self.limit + 1
        )
    }

    /// The numbers of fetched rows; `from` is the place of the first value.
    pub(crate) fn series(&self, rows: &[PgRow], from: usize) -> Result<Series> {
        read_series(self.columns(), self.limit, rows, from)
    }
}

/// The numbers of rows that were fetched in their order, the group beyond the limit left off.
pub(crate) fn read_series(
    columns: Vec<SeriesColumn>,
    limit: usize,
    rows: &[PgRow],
    from: usize,
) -> Result<Series> {
    let values = rows
        .iter()
        .take(limit)
        .map(|row| {
            columns
                .iter()
                .enumerate()
                .map(|(at, column)| cells::cut(row, from + at, column.kind))
                .collect::<Result<Vec<Value>>>()
        })
        .collect::<Result<_>>()?;
    Ok(Series {
        columns,
        rows: values,
        more: rows.len() > limit,
    })
}

fn kind_of(function: Function, column: Option<&StoredColumn>) -> ColumnType {
    let kind = column.map_or(ColumnType::Int64, |column| column.column.kind);
    match (function, kind) {
        (Function::Count, _) => ColumnType::Int64,
        // The sum of whole numbers may be more than one of them holds.
        (Function::Sum | Function::Avg, ColumnType::Int64) => ColumnType::Decimal,
        (_, kind) => kind,
    }
}

fn measured(function: Function, column: Option<&StoredColumn>) -> String {
    let Some(column) = column else {
        return "count(*)".to_owned();
    };
    let sql = &column.sql;
    match (function, column.column.kind) {
        // Six decimals are more than any chart shows; a third would have sixteen.
        (Function::Avg, ColumnType::Int64 | ColumnType::Decimal) => {
            format!("trim_scale(round(avg({sql}), 6))")
        }
        (function, _) => format!("{}({sql})", function.word()),
    }
}

impl Store {
    /// Groups and measures of one version.
    pub async fn aggregate(
        &self,
        dataset_no: i64,
        at: At,
        aggregation: &Aggregation,
    ) -> Result<Aggregate> {
        let snapshot = self.resolve(dataset_no, at).await?;
        let shape = aggregation.shape(&snapshot.columns)?;
        let (binds, sql) = over_version(&snapshot, aggregation, &shape)?;
        let rows = binds
            .fetch(sql, &self.pool)
            .await
            .map_err(say_out_of_range)?;
        Ok(Aggregate {
            version: snapshot.version,
            published_at: snapshot.published_at.clone(),
            series: shape.series(&rows, 1)?,
        })
    }
}

fn over_version(
    snapshot: &Snapshot,
    aggregation: &Aggregation,
    shape: &Shape<'_>,
) -> Result<(Binds, String)> {
    let mut binds = Binds::default();
    let filter = aggregation.filter(&snapshot.columns, &mut binds)?;
    let sources = Sources::new(snapshot, &mut binds)?;
    let reads = shape.reads();
    let rows = sources.union(|table, visible| {
        format!("select true as row{reads} from {table} where {visible}{filter}")
    });
    Ok((binds, shape.statement(&rows)))
}

/// A sum that no float holds is the caller's to know of.
pub(crate) fn say_out_of_range(error: Error) -> Error {
    match error {
        Error::Database(error) if has_code(&error, "22003") => {
            Error::invalid("measures", "the result is larger than a float can be")
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_colon() {
        let group = |text: &str| text.parse::<Group>().unwrap();
        assert_eq!(group("a:b").column, "a:b");
        assert_eq!(group("a:b:month").column, "a:b");
        assert_eq!(group("a:b:month").bucket, Some(Bucket::Month));
        let measure: Measure = "sum:a:b".parse().unwrap();
        assert_eq!(measure.column.as_deref(), Some("a:b"));
    }

    #[test]
    fn what_is_no_measure_is_named() {
        for text in ["", "sum", "median:a", "count(*)"] {
            let error = text.parse::<Measure>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
