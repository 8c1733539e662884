//! Spellings of null and of yes and no. Used by [`crate::infer`] and [`crate::format`].

/// Spellings that may stand for null. One column has at most one of them.
pub(crate) const NULLS: [&str; 24] = [
    "", "NA", "N/A", "n/a", "na", "NULL", "null", "Null", "None", "none", "NaN", "nan", "-", "--",
    "?", ".", "\\N", "#N/A", "nil", "N.A.", "n.a.", "NONE", "NIL", "..",
];

/// The place of the cell in [`NULLS`].
pub(crate) fn null(cell: &[u8]) -> Option<usize> {
    let Some(first) = cell.first() else {
        return Some(0);
    };
    if cell.len() > 4 || first.is_ascii_digit() || *first == b' ' {
        return None;
    }
    NULLS.iter().position(|null| null.as_bytes() == cell)
}

/// Spellings of true and false. The first is the canonical.
pub(crate) const BOOLEANS: [(&str, &str); 15] = [
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("yes", "no"),
    ("Yes", "No"),
    ("YES", "NO"),
    ("on", "off"),
    ("On", "Off"),
    ("ON", "OFF"),
    ("ja", "nein"),
    ("Ja", "Nein"),
    ("y", "n"),
    ("Y", "N"),
    ("t", "f"),
    ("T", "F"),
];

/// The pair that the cell belongs to, and whether it is its true.
pub(crate) fn boolean(cell: &[u8]) -> Option<(usize, bool)> {
    if cell.is_empty() || cell.len() > 5 {
        return None;
    }
    BOOLEANS.iter().enumerate().find_map(|(pair, (yes, no))| {
        if yes.as_bytes() == cell {
            Some((pair, true))
        } else if no.as_bytes() == cell {
            Some((pair, false))
        } else {
            None
        }
    })
}
