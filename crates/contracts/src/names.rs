//! The one rule for names that people type: files and datasets.

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 255;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("is empty; give it a name")]
    Empty,
    #[error("is longer than 255 characters; shorten it")]
    TooLong,
    #[error("holds a control character (a line break, a tab, NUL …); take it out")]
    Control,
}

/// Checks a name and gives it back without the blanks around it.
///
/// # Errors
/// Empty, over 255 characters, or with a control character.
pub fn checked_name(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.chars().count() > NAME_CHARS_MAX {
        Err(NameError::TooLong)
    } else if name.chars().any(char::is_control) {
        Err(NameError::Control)
    } else {
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_no_control_characters() {
        assert_eq!(checked_name("  Flüge 2013 "), Ok("Flüge 2013"));
        assert_eq!(checked_name(" \t\n"), Err(NameError::Empty));
        assert_eq!(checked_name("a\0b"), Err(NameError::Control));
        assert_eq!(checked_name("a\nb"), Err(NameError::Control));
        assert_eq!(checked_name(&"é".repeat(255)), Ok("é".repeat(255).as_str()));
        assert_eq!(checked_name(&"é".repeat(256)), Err(NameError::TooLong));
    }
}
