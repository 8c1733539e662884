//! RFC 9457 problems. [`Code`] is the stable name a client may switch on; each code has one HTTP status.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commit::{CellError, Conflict};

/// Stable problem codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Unauthenticated,
    Forbidden,
    NotFound,
    Validation,
    Conflict,
    PreconditionRequired,
    TooLarge,
    Expired,
    RateLimited,
    Unavailable,
    Gone,
    UnreadableFile,
    EncryptedFile,
    UnsupportedFormat,
    EmptyFile,
    TooManyColumns,
    Internal,
}

impl Code {
    /// The HTTP status that goes with the code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Validation => 400,
            Self::Conflict => 409,
            Self::PreconditionRequired => 428,
            Self::TooLarge => 413,
            Self::Expired | Self::Gone => 410,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::UnreadableFile
            | Self::EncryptedFile
            | Self::UnsupportedFormat
            | Self::EmptyFile
            | Self::TooManyColumns => 422,
            Self::Internal => 500,
        }
    }

    /// The fixed title of the code.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Unauthenticated => "Sign in first",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::Validation => "The request is not valid",
            Self::Conflict => "Changed in the meantime",
            Self::PreconditionRequired => "Say which version you are changing",
            Self::TooLarge => "Too large",
            Self::Expired => "Expired",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "Temporarily unavailable",
            Self::Gone => "No longer kept",
            Self::UnreadableFile => "The file cannot be read",
            Self::EncryptedFile => "The file is encrypted",
            Self::UnsupportedFormat => "The format is not supported",
            Self::EmptyFile => "The file is empty",
            Self::TooManyColumns => "Too many columns",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// A problem as it is sent (`application/problem+json`) and as an import keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank`-style type: `urn:gridkeep:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: Code,
    /// What happened, where, and how to mend it.
    pub detail: String,
    /// What is at fault: a field, a query parameter, a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Of a commit (`conflict`): the cells that somebody else changed since its base, the first 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Of a commit (`validation`): every cell that cannot be taken as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<CellError>,
}

impl Problem {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let name = serde_json::to_value(code)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        Self {
            kind: format!("urn:gridkeep:problem:{name}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            pointer: None,
            request_id: None,
            conflicts: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Names the field, parameter or header at fault.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Uses another status than the code's own (412 for a `conflict` on `If-Match`).
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}
