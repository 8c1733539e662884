//! Column names from header cells: everyone gets one, no two the same. Used by [`crate::analyse`].

use std::collections::HashSet;

use contracts::names::NAME_CHARS_MAX;

/// The names of columns with these headers. Empty ones become `column_N`, repeated ones get `_2`, `_3`, …; a name that some
/// header spells out is never given to another.
#[must_use]
pub fn column_names<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let cleaned: Vec<String> = headers.into_iter().map(clean).collect();
    let spelled: HashSet<&str> = cleaned
        .iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut names = Vec::with_capacity(cleaned.len());
    for (at, name) in cleaned.iter().enumerate() {
        let (base, own) = if name.is_empty() {
            (format!("column_{}", at + 1), false)
        } else {
            (name.clone(), true)
        };
        let free = |candidate: &str, used: &HashSet<String>| {
            !used.contains(candidate) && !spelled.contains(candidate)
        };
        let given = if (own && !used.contains(&base)) || free(&base, &used) {
            base
        } else {
            let mut number = 2;
            loop {
                let candidate = format!("{base}_{number}");
                if free(&candidate, &used) {
                    break candidate;
                }
                number += 1;
            }
        };
        used.insert(given.clone());
        names.push(given);
    }
    names
}

/// A header as a name: one line, no control characters, not endless.
fn clean(header: &str) -> String {
    let plain: String = header
        .trim()
        .chars()
        .take(NAME_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_gets_a_name_of_its_own() {
        let names = column_names(["a", "a", "", "a_2", " b\n", "", "column_3", "b"]);
        assert_eq!(
            names,
            [
                "a",
                "a_3",
                "column_3_2",
                "a_2",
                "b",
                "column_6",
                "column_3",
                "b_2"
            ]
        );
    }

    #[test]
    fn a_header_with_nul_is_still_a_name() {
        assert_eq!(column_names(["x\0y", "\0"]), ["x y", "column_2"]);
    }
}
