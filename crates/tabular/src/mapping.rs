//! Where each named column of a file goes in the dataset that it is imported into: where the options say, where it went the last time
//! that a file had this header, to the column of the same name, to the one whose name is alike, or to a new one. Used by
//! [`crate::analyse`].

use std::collections::BTreeMap;

use contracts::{
    dataset::Column,
    names::checked_name,
    plan::{MappedBy, NewColumns, Options},
};
use serde::{Deserialize, Serialize};

use crate::FileError;

/// Names are alike from this Jaro-Winkler similarity on.
const ALIKE: f64 = 0.9;

/// What is known beside the dataset's columns and the options.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hints {
    /// As published before.
    pub remembered: Vec<Remembered>,
    /// Whether a name that is alike will do: only where the user sees what comes of it.
    pub alike: bool,
    /// Whether the options were said for several tables: those by column are none of a table that does not have the column.
    pub shared: bool,
    /// Whether no more tables are told apart: what stands under this one stays with it.
    pub last: bool,
}

/// Where the columns of a file with this header went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Names of the file's columns, in its order.
    pub header: Vec<String>,
    /// By these names: the id of the dataset's column, or none for one that was left out.
    pub columns: BTreeMap<String, Option<String>>,
}

/// Where a column of the file goes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) to: Goal,
    pub(crate) by: MappedBy,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// The dataset's column in this place.
    Known(usize),
    /// One of this name, or else of the file's.
    New(Option<String>),
    LeftOut,
}

/// The ways of a file's columns, all found.
struct Finding<'a> {
    names: &'a [String],
    fixed: &'a [Column],
    ways: Vec<Option<Way>>,
}

/// How many of a file's columns can be left out, whatever its header says.
pub(crate) fn left_out_max(options: &Options, hints: &Hints) -> usize {
    let count = |columns: &BTreeMap<String, Option<String>>| {
        columns.values().filter(|column| column.is_none()).count()
    };
    let remembered = hints.remembered.iter().map(|known| count(&known.columns));
    count(&options.mapping) + remembered.max().unwrap_or(0)
}

/// `header`: whether the file names its columns; else they are told by their place. Without a dataset's columns (`fixed`) every one is
/// new.
pub(crate) fn find(
    names: &[String],
    header: bool,
    fixed: Option<&[Column]>,
    options: &Options,
    hints: &Hints,
) -> Result<Vec<Way>, FileError> {
    let Some(fixed) = fixed else {
        if let Some(name) = options.mapping.keys().next() {
            let detail = "Every column of the file is a new one here, so none can be mapped. Leave the mapping out.";
            return Err(at_fault(name, detail.to_owned()));
        }
        let new = Way {
            to: Goal::New(None),
            by: MappedBy::New,
        };
        return Ok(vec![new; names.len()]);
    };
    let mut finding = Finding {
        names,
        fixed,
        ways: vec![None; names.len()],
    };
    finding.choose(options, hints.shared)?;
    if header {
        finding.remember(&hints.remembered);
    }
    finding.match_exactly(header)?;
    if header && hints.alike {
        finding.match_alike();
    }
    finding.finish(options.new_columns)
}

impl Finding<'_> {
    fn choose(&mut self, options: &Options, shared: bool) -> Result<(), FileError> {
        for (name, wanted) in &options.mapping {
            let Some(at) = self.names.iter().position(|known| known == name) else {
                if shared {
                    continue;
                }
                let columns = self.names.join(", ");
                let detail =
                    format!("The file has no column {name:?}. Its columns are: {columns}.");
                return Err(at_fault(name, detail));
            };
            let to = match wanted {
                None => Goal::LeftOut,
                Some(wanted) => self.goal(name, wanted)?,
            };
            if to != Goal::LeftOut
                && let Some(other) = self.taken_by(&to)
            {
                return Err(at_fault(name, twice(&self.names[other], wanted.as_deref())));
            }
            let by = match to {
                Goal::LeftOut => MappedBy::LeftOut,
                _ => MappedBy::Chosen,
            };
            self.ways[at] = Some(Way { to, by });
        }
        Ok(())
    }

    /// A column of the dataset by id or, failing that, by name; else a new one.
    fn goal(&self, name: &str, wanted: &str) -> Result<Goal, FileError> {
        let by_id = self.fixed.iter().position(|column| column.id == wanted);
        let found = by_id.or_else(|| self.fixed.iter().position(|column| column.name == wanted));
        match found {
            Some(place) => Ok(Goal::Known(place)),
            None => checked_name(wanted)
                .map(|wanted| Goal::New(Some(wanted.to_owned())))
                .map_err(|e| at_fault(name, format!("The new column's name {e}."))),
        }
    }

    fn remember(&mut self, remembered: &[Remembered]) {
        let Some(remembered) = remembered.iter().find(|known| known.header == self.names) else {
            return;
        };
        for (at, name) in self.names.iter().enumerate() {
            let to = match remembered.columns.get(name) {
                None => continue,
                Some(None) => Goal::LeftOut,
                Some(Some(id)) => match self.fixed.iter().position(|column| column.id == *id) {
                    Some(place) => Goal::Known(place),
                    // The dataset does not have it any more.
                    None => continue,
                },
            };
            if self.ways[at].is_some() || (to != Goal::LeftOut && self.taken_by(&to).is_some()) {
                continue;
            }
            let by = match &to {
                Goal::LeftOut => MappedBy::LeftOut,
                Goal::Known(place) if self.fixed[*place].name == *name => MappedBy::Exact,
                _ => MappedBy::Remembered,
            };
            self.ways[at] = Some(Way { to, by });
        }
    }

    fn match_exactly(&mut self, header: bool) -> Result<(), FileError> {
        for (at, name) in self.names.iter().enumerate() {
            let place = if header {
                self.fixed.iter().position(|column| column.name == *name)
            } else {
                Some(at).filter(|at| *at < self.fixed.len())
            };
            let Some(place) = place.filter(|_| self.ways[at].is_none()) else {
                continue;
            };
            let to = Goal::Known(place);
            if let Some(other) = self.taken_by(&to) {
                if self.by(other) == Some(MappedBy::Chosen) {
                    let other = &self.names[other];
                    return Err(at_fault(other, twice(name, Some(&self.fixed[place].name))));
                }
                continue;
            }
            self.ways[at] = Some(Way {
                to,
                by: MappedBy::Exact,
            });
        }
        Ok(())
    }

    /// Where a name is like another and no third is as like either of them.
    fn match_alike(&mut self) {
        let plain: Vec<String> = self.fixed.iter().map(|c| simplified(&c.name)).collect();
        let mut pairs = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            if self.ways[at].is_some() {
                continue;
            }
            let name = simplified(name);
            for (place, known) in plain.iter().enumerate() {
                let likeness = strsim::jaro_winkler(&name, known);
                if likeness >= ALIKE && self.taken_by(&Goal::Known(place)).is_none() {
                    pairs.push((likeness, at, place));
                }
            }
        }
        for &(likeness, at, place) in &pairs {
            let is_best = pairs
                .iter()
                .all(|&(other, a, p)| (a == at) == (p == place) || other < likeness);
            if is_best {
                self.ways[at] = Some(Way {
                    to: Goal::Known(place),
                    by: MappedBy::Alike,
                });
            }
        }
    }

    fn finish(self, new_columns: NewColumns) -> Result<Vec<Way>, FileError> {
        let is_new = |way: &Option<Way>| {
            way.as_ref()
                .is_none_or(|way| matches!(way.to, Goal::New(_)))
        };
        if new_columns == NewColumns::Refuse {
            let new: Vec<String> = (self.names.iter().zip(&self.ways))
                .filter(|(_, way)| is_new(way))
                .map(|(name, _)| format!("{name:?}"))
                .collect();
            if !new.is_empty() {
                return Err(FileError::Option {
                    pointer: "/options/new_columns".to_owned(),
                    detail: format!(
                        "The dataset has no column for {} of the file, and new columns are refused. Map it to a column, leave it out, or let new columns be added.",
                        new.join(", ")
                    ),
                });
            }
        }
        let new = || Way {
            to: Goal::New(None),
            by: MappedBy::New,
        };
        Ok(self
            .ways
            .into_iter()
            .map(|way| way.unwrap_or_else(new))
            .collect())
    }

    /// The file's column that goes there already.
    fn taken_by(&self, to: &Goal) -> Option<usize> {
        self.ways
            .iter()
            .position(|way| way.as_ref().is_some_and(|way| way.to == *to))
    }

    fn by(&self, at: usize) -> Option<MappedBy> {
        self.ways[at].as_ref().map(|way| way.by)
    }
}

/// Without what people write otherwise and mean the same by.
fn simplified(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn twice(other: &str, wanted: Option<&str>) -> String {
    format!(
        "The file's column {other:?} goes to {:?} already. Map one of them elsewhere, or leave it out.",
        wanted.unwrap_or_default()
    )
}

fn at_fault(name: &str, detail: String) -> FileError {
    FileError::Option {
        pointer: format!(
            "/options/mapping/{}",
            name.replace('~', "~0").replace('/', "~1")
        ),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use contracts::dataset::ColumnType;

    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column = |(at, name): (usize, &&str)| Column {
            id: format!("col_{}", at + 1),
            name: (*name).to_owned(),
            kind: ColumnType::Text,
            format: None,
            null_token: None,
        };
        names.iter().enumerate().map(column).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn mapping(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        let owned = |(from, to): &(&str, Option<&str>)| ((*from).to_owned(), to.map(str::to_owned));
        pairs.iter().map(owned).collect()
    }

    fn chosen(pairs: &[(&str, Option<&str>)]) -> Options {
        Options {
            mapping: mapping(pairs),
            ..Options::default()
        }
    }

    /// The place or new name of each, and why.
    fn ways(
        file: &[&str],
        dataset: &[&str],
        options: &Options,
        hints: &Hints,
    ) -> Result<Vec<(String, MappedBy)>, (String, String)> {
        let fixed = columns(dataset);
        let found = find(&names(file), true, Some(&fixed), options, hints);
        let tell = |way: Way| {
            let to = match way.to {
                Goal::Known(place) => fixed[place].name.clone(),
                Goal::New(name) => format!("new {}", name.unwrap_or_default()),
                Goal::LeftOut => "-".to_owned(),
            };
            (to, way.by)
        };
        match found {
            Ok(ways) => Ok(ways.into_iter().map(tell).collect()),
            Err(FileError::Option { pointer, detail }) => Err((pointer, detail)),
            Err(error) => panic!("{error}"),
        }
    }

    fn way(to: &str, by: MappedBy) -> (String, MappedBy) {
        (to.to_owned(), by)
    }

    const ALIKE_TOO: Hints = Hints {
        remembered: Vec::new(),
        alike: true,
        shared: false,
        last: false,
    };

    #[test]
    fn the_same_name_is_the_same_column_and_another_is_new() {
        let found = ways(&["b", "c"], &["a", "b"], &Options::default(), &ALIKE_TOO).unwrap();
        assert_eq!(
            found,
            [way("b", MappedBy::Exact), way("new ", MappedBy::New)]
        );
    }

    #[test]
    fn without_a_header_the_place_tells() {
        let fixed = columns(&["x", "y"]);
        let file = names(&["column_1", "column_2", "column_3"]);
        let found = find(&file, false, Some(&fixed), &Options::default(), &ALIKE_TOO).unwrap();
        let to: Vec<_> = found.into_iter().map(|way| way.to).collect();
        assert_eq!(to, [Goal::Known(0), Goal::Known(1), Goal::New(None)]);
    }

    #[test]
    fn what_is_chosen_goes_before_the_name() {
        let options = chosen(&[("a", Some("col_2")), ("b", None), ("c", Some("d"))]);
        let found = ways(&["a", "b", "c"], &["a", "b"], &options, &ALIKE_TOO).unwrap();
        assert_eq!(
            found,
            [
                way("b", MappedBy::Chosen),
                way("-", MappedBy::LeftOut),
                way("new d", MappedBy::Chosen)
            ]
        );
    }

    #[test]
    fn a_choice_that_cannot_be_names_its_column() {
        for (options, pointer) in [
            (chosen(&[("z", None)]), "/options/mapping/z"),
            (chosen(&[("a/b", Some("x"))]), "/options/mapping/a~1b"),
            (
                chosen(&[("p", Some("x")), ("q", Some("col_1"))]),
                "/options/mapping/q",
            ),
            (
                chosen(&[("p", Some("new")), ("q", Some("new"))]),
                "/options/mapping/q",
            ),
            (chosen(&[("p", Some("x"))]), "/options/mapping/p"),
            (chosen(&[("p", Some(" "))]), "/options/mapping/p"),
        ] {
            let (at, _) = ways(&["p", "q", "x"], &["x", "y"], &options, &ALIKE_TOO).unwrap_err();
            assert_eq!(at, pointer);
        }
    }

    #[test]
    fn names_that_are_alike_go_together_only_where_somebody_looks() {
        let file = ["Order ID", "customer-name", "Amount", "first", "note"];
        let dataset = ["order_id", "CustomerName", "amounts", "first_a", "first_b"];
        let found = ways(&file, &dataset, &Options::default(), &ALIKE_TOO).unwrap();
        assert_eq!(
            found,
            [
                way("order_id", MappedBy::Alike),
                way("CustomerName", MappedBy::Alike),
                way("amounts", MappedBy::Alike),
                // Two are equally like it.
                way("new ", MappedBy::New),
                way("new ", MappedBy::New),
            ]
        );
        let found = ways(&file, &dataset, &Options::default(), &Hints::default()).unwrap();
        assert!(found.iter().all(|(_, by)| *by == MappedBy::New));
    }

    #[test]
    fn one_header_goes_where_it_went_before() {
        let hints = Hints {
            remembered: vec![Remembered {
                header: names(&["a", "b", "c", "d"]),
                columns: mapping(&[
                    ("a", Some("col_1")),
                    ("b", Some("col_3")),
                    ("c", None),
                    ("d", Some("col_9")),
                ]),
            }],
            ..Hints::default()
        };
        let dataset = ["a", "c", "e", "d"];
        let found = ways(&["a", "b", "c", "d"], &dataset, &Options::default(), &hints).unwrap();
        assert_eq!(
            found,
            [
                way("a", MappedBy::Exact),
                way("e", MappedBy::Remembered),
                way("-", MappedBy::LeftOut),
                way("d", MappedBy::Exact),
            ]
        );
        let told = chosen(&[("b", Some("f")), ("c", Some("c"))]);
        let found = ways(&["a", "b", "c", "d"], &dataset, &told, &hints).unwrap();
        assert_eq!(found[1], way("new f", MappedBy::Chosen));
        assert_eq!(found[2], way("c", MappedBy::Chosen));
        let found = ways(&["b", "a", "c", "d"], &dataset, &Options::default(), &hints).unwrap();
        assert_eq!(found[0], way("new ", MappedBy::New));
    }

    #[test]
    fn refusing_new_columns_names_them() {
        let refusing = |pairs| Options {
            new_columns: NewColumns::Refuse,
            ..chosen(pairs)
        };
        let (pointer, detail) = ways(&["a", "z"], &["a"], &refusing(&[]), &ALIKE_TOO).unwrap_err();
        assert_eq!(pointer, "/options/new_columns");
        assert!(detail.contains("\"z\""), "{detail}");
        assert!(
            ways(
                &["a", "z"],
                &["a"],
                &refusing(&[("z", Some("y"))]),
                &ALIKE_TOO
            )
            .is_err()
        );
        assert!(ways(&["a", "z"], &["a"], &refusing(&[("z", None)]), &ALIKE_TOO).is_ok());
    }
}
