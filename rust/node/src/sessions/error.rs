//! Why the session store cannot be prepared or opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What went wrong, and where.
#[derive(Debug)]
pub enum SessionsError {
    /// The file system refused.
    Io(PathBuf, io::Error),
    /// A file could not be opened as a database.
    Database(PathBuf, heed::Error),
    /// Another process uses the folder.
    InUse(PathBuf),
    /// The folder was not prepared since the last clean stop.
    NotPrepared(PathBuf),
}

impl SessionsError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Io(path, error)
    }
}

impl fmt::Display for SessionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "cannot use `{}`: {error}", path.display()),
            Self::Database(path, error) => write!(f, "cannot open `{}`: {error}", path.display()),
            Self::InUse(path) => {
                write!(f, "another process uses `{}`: stop it, or choose another data directory", path.display())
            }
            Self::NotPrepared(path) => write!(f, "`{}` is not prepared: prepare it before opening it", path.display()),
        }
    }
}

impl std::error::Error for SessionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Database(_, error) => Some(error),
            Self::InUse(_) | Self::NotPrepared(_) => None,
        }
    }
}
