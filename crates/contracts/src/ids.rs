//! Ids: a prefix that says what it is, and a time-sortable ULID in lower case (`upl_01jd…`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct InvalidId {
    pub kind: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// A fresh id; ids made later sort later.
            #[must_use]
            pub fn generate() -> Self {
                Self(Ulid::new())
            }

            /// All of it as one number: a trace id.
            #[must_use]
            pub fn bits(self) -> u128 {
                self.0.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.to_string().to_ascii_lowercase())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = text
                    .strip_prefix($prefix)
                    .filter(|rest| !rest.bytes().any(|b| b.is_ascii_uppercase()))
                    .and_then(|rest| Ulid::from_string(rest).ok())
                    .map(Self)
                    .ok_or(InvalidId { kind: $kind })?;
                // One spelling per id: the decoder takes aliases (`o` for `0`), the database compares text.
                if id.to_string() == text { Ok(id) } else { Err(InvalidId { kind: $kind }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-9a-z]{26}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

id!(
    /// A dataset.
    DatasetId, "dst_", "dataset"
);
id!(
    /// An upload, and the import it becomes.
    UploadId, "upl_", "upload"
);
id!(
    /// A person.
    UserId, "usr_", "user"
);
id!(
    /// A widget of a dashboard.
    WidgetId, "wdg_", "widget"
);
id!(
    /// An API token.
    TokenId, "tok_", "token"
);

impl UploadId {
    /// The id of an event that may come more than once: its time, so that it sorts as others do, and what tells it from others.
    #[must_use]
    pub fn of_event(at: jiff::Timestamp, digest: u128) -> Self {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        Self(Ulid::from_parts(millis, digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_has_one_spelling() {
        let id = DatasetId::generate();
        assert_eq!(id.to_string().parse::<DatasetId>().unwrap(), id);
        assert!(
            id.to_string()
                .to_ascii_uppercase()
                .parse::<DatasetId>()
                .is_err()
        );
        assert!(id.to_string().parse::<UploadId>().is_err());
        assert!("dst_".parse::<DatasetId>().is_err());
    }
}
