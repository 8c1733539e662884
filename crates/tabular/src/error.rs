//! What is wrong with a whole file. (What is wrong with one record is a [`contracts::receipt::Place`].)

use contracts::{Code, Problem, plan::COLUMNS_MAX};

/// Why a file cannot be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("The file holds no record. Upload a file with at least a header line.")]
    Empty,
    /// Another kind of file, whatever its name says.
    #[error("{0}")]
    Unsupported(String),
    #[error("The file is protected by a password. Remove the password and upload it again.")]
    Encrypted,
    /// Over a limit, or growing far over its size when it is unpacked.
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Unreadable(String),
    #[error(
        "The file has {columns} columns; a table takes at most {COLUMNS_MAX}. Split it, or remove columns that are not needed."
    )]
    TooManyColumns { columns: usize },
    /// An option that cannot be used (a delimiter that is a line end, a type for a column that is not there).
    #[error("{0}")]
    Options(String),
    /// One that is at fault only in this file.
    #[error("{detail}")]
    Option { pointer: String, detail: String },
    /// The plan does not describe a table that can be loaded: it was not made by this code.
    #[error("The plan cannot be followed: {0}")]
    Plan(String),
    #[error("the batch cannot be built or read")]
    Arrow(#[from] arrow_schema::ArrowError),
    #[error("the batch's rejects cannot be written or read")]
    Rejects(#[from] serde_json::Error),
    /// Only where the caller's own stream is read or written ([`crate::inspect`]).
    #[error("the file cannot be read or the output not written")]
    Io(#[source] std::io::Error),
}

impl From<std::io::Error> for FileError {
    /// What is wrong with a file may have come through a reader.
    fn from(error: std::io::Error) -> Self {
        match error.downcast() {
            Ok(error) => error,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<FileError> for std::io::Error {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}

impl From<&FileError> for Problem {
    fn from(error: &FileError) -> Self {
        let code = match error {
            FileError::Empty => Code::EmptyFile,
            FileError::Unsupported(_) => Code::UnsupportedFormat,
            FileError::Encrypted => Code::EncryptedFile,
            FileError::TooLarge(_) => Code::TooLarge,
            FileError::Unreadable(_) => Code::UnreadableFile,
            FileError::TooManyColumns { .. } => Code::TooManyColumns,
            FileError::Options(_) => Code::Validation,
            FileError::Option { pointer, detail } => {
                return Self::new(Code::Validation, detail).at(pointer);
            }
            FileError::Plan(_) | FileError::Arrow(_) | FileError::Rejects(_) | FileError::Io(_) => {
                return Self::new(Code::Internal, Code::Internal.title());
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Self::from(&error)
    }
}
