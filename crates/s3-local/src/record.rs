//! Records: small JSON files that are replaced as a whole or not at all.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// How a replacement failed.
#[derive(Debug)]
pub(crate) enum ReplaceError {
    /// The old record stands.
    NotDone(io::Error),
    /// The new record stands, but a power cut might bring the old one back.
    NotSynced(io::Error),
}

impl From<ReplaceError> for io::Error {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::NotDone(error) | ReplaceError::NotSynced(error) => error,
        }
    }
}

/// Ending of a record that is being written; the sweep at start removes such files.
pub(crate) const TEMPORARY: &str = "tmp";

/// Puts `bytes` in place of the file at `path`: the rename is the commit.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let temporary = path.with_extension(TEMPORARY);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(ReplaceError::NotDone(error));
    }
    sync_parent(path).map_err(ReplaceError::NotSynced)
}

/// Removes the file at `path`, for good.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)?;
    sync_parent(path)
}

pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
