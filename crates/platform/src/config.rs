//! Settings: names and values, from the environment (Lambda) or from the stack's own file (host). Each function turns them
//! into a typed struct of its own at start, so that a half-set configuration fails there and names the setting.

use std::{collections::BTreeMap, fmt, str::FromStr};

use secrecy::SecretString;

/// A setting that is missing or makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("setting {name} is missing")]
    Missing { name: String },
    #[error("setting {name} is not valid: {reason}")]
    Invalid { name: String, reason: String },
}

impl ConfigError {
    pub fn invalid(name: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Invalid {
            name: name.into(),
            reason: reason.to_string(),
        }
    }
}

/// Names to values. An empty value counts as not set.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Everything in the environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_map(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    #[must_use]
    pub fn from_map(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }

    /// These settings with `over`'s in their place where it has any.
    #[must_use]
    pub fn overridden_by(mut self, over: &Self) -> Self {
        self.0.extend(
            over.0
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        self
    }

    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// # Errors
    /// When the setting is not set.
    pub fn required(&self, name: &str) -> Result<&str, ConfigError> {
        self.optional(name).ok_or_else(|| ConfigError::Missing {
            name: name.to_owned(),
        })
    }

    /// # Errors
    /// When the setting is not set or is no `T`.
    pub fn parse<T>(&self, name: &str) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.required(name)?
            .parse()
            .map_err(|error| ConfigError::invalid(name, error))
    }

    /// # Errors
    /// When the setting is set and is no `T`.
    pub fn parse_or<T>(&self, name: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        if self.optional(name).is_some() {
            self.parse(name)
        } else {
            Ok(default)
        }
    }

    /// # Errors
    /// When the setting is not set.
    pub fn secret(&self, name: &str) -> Result<SecretString, ConfigError> {
        self.required(name).map(SecretString::from)
    }

    /// The parts of a comma-separated list; empty when the setting is not set.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        self.optional(name)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The origin of `GRIDKEEP_PUBLIC_URL` (`https://host[:port]`, no path), which is also the tokens' issuer and audience.
    ///
    /// # Errors
    /// When it is not set or is no http(s) origin.
    pub fn public_origin(&self) -> Result<String, ConfigError> {
        const NAME: &str = "GRIDKEEP_PUBLIC_URL";
        let url: url::Url = self.parse(NAME)?;
        if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() {
            return Err(ConfigError::invalid(
                NAME,
                "expected http(s)://host[:port] with no path",
            ));
        }
        Ok(url.origin().ascii_serialization())
    }
}

/// Values may be secrets: only names are shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_map(
            pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn an_error_names_the_setting() {
        let settings = settings(&[("A", "x"), ("EMPTY", "")]);
        assert_eq!(
            settings.required("EMPTY").unwrap_err().to_string(),
            "setting EMPTY is missing"
        );
        assert_eq!(
            settings.parse::<u32>("A").unwrap_err().to_string(),
            "setting A is not valid: invalid digit found in string"
        );
        assert_eq!(settings.parse_or("B", 7).unwrap(), 7);
        assert!(settings.parse_or("A", 7).is_err());
    }

    #[test]
    fn debugging_shows_no_value() {
        assert_eq!(format!("{:?}", settings(&[("KEY", "hush")])), r#"{"KEY"}"#);
    }

    #[test]
    fn the_public_origin_has_no_path_and_no_default_port() {
        let origin = |url| settings(&[("GRIDKEEP_PUBLIC_URL", url)]).public_origin();
        assert_eq!(
            origin("http://localhost:8080").unwrap(),
            "http://localhost:8080"
        );
        assert_eq!(
            origin("https://Example.org:443/").unwrap(),
            "https://example.org"
        );
        assert!(origin("https://example.org/app").is_err());
        assert!(origin("ftp://example.org").is_err());
    }
}
