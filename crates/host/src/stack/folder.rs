//! The data folder of a stack: where everything lies, the lock that one command at a time holds, and writes that a kill
//! cannot tear. What the files mean is in [`super::state`] and [`super::published`].

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// The data folder, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that `path` names, from the current directory; not made yet.
    ///
    /// # Errors
    /// When there is no current directory.
    pub fn at(path: &Path) -> io::Result<Self> {
        // A link in the path is followed when it can be, so that one folder has one name.
        let path = std::path::absolute(path)?;
        Ok(Self(fs::canonicalize(&path).unwrap_or(path)))
    }

    /// # Errors
    /// When it cannot be made.
    pub fn make(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        let folder = Self::at(path)?;
        for part in [folder.logs(), folder.run()] {
            fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        }
        Ok(folder)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// A small file per running process.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// What anybody may know of the running stack.
    #[must_use]
    pub fn stack_json(&self) -> PathBuf {
        self.0.join("stack.json")
    }

    /// What the roles need to know, secrets among it.
    #[must_use]
    pub fn settings_json(&self) -> PathBuf {
        self.0.join("settings.json")
    }

    /// Waits until no other command works on this stack; held until dropped, or until the holder dies.
    ///
    /// # Errors
    /// When the lock file cannot be opened.
    pub fn lock(&self) -> anyhow::Result<File> {
        let path = self.0.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }
}

/// Replaces `path` by `content` in one step, readable by its owner alone if `private`.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_whole(path: &Path, content: &[u8], private: bool) -> anyhow::Result<()> {
    let mode = if private { 0o600 } else { 0o644 };
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode)
            .open(&new)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("gridkeep-folder-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secret.json");
        write_whole(&file, b"1", true).unwrap();
        write_whole(&file, b"22", true).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"22");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
