//! The folder of the session store: its lock, its mark of a clean stop, and when it has to start empty.
//!
//! The files are not synced, so they survive the death of every process but perhaps not that of the machine. The mark
//! names the boot in which they were last used; after another boot they only count if they were closed and synced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::SessionsError;
use super::{SHARDS, clock, health};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// First line of the mark: a folder of another layout starts empty.
const LAYOUT: &str = "edgewise-sessions 1";

const OPEN: &str = "open";
const CLEAN: &str = "clean";

/// Why the store starts empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// There was none of this layout.
    New,
    /// The machine was restarted and the store had not been closed.
    UncleanBoot,
    /// Files were damaged; the others were kept.
    Damaged(usize),
}

/// What [`prepare`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Why records were dropped, or `None` if all were kept.
    pub wiped: Option<Wiped>,
}

/// Makes the folder ready to be opened. Called once, by the process that starts the workers, before it starts them.
pub fn prepare(dir: &Path) -> Result<Prepared, SessionsError> {
    prepare_in_boot(dir, &boot_id()?)
}

/// Syncs the files and notes that they may be used after the next boot. Called once the workers have stopped.
pub fn mark_clean(dir: &Path) -> Result<(), SessionsError> {
    let _lock = Lock::exclusive(dir)?;
    let mark = require_open(dir)?;
    for shard in 0..SHARDS {
        let file = data_file(&shard_dir(dir, shard));
        match File::open(&file) {
            Ok(data) => data.sync_all().map_err(SessionsError::io(&file))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(SessionsError::Io(file, error)),
        }
    }
    Mark { boot_id: boot_id()?, is_open: false, ..mark }.write(dir)
}

fn prepare_in_boot(dir: &Path, boot_id: &str) -> Result<Prepared, SessionsError> {
    fs::create_dir_all(dir).map_err(SessionsError::io(dir))?;
    let _lock = Lock::exclusive(dir)?;
    let mark = Mark::read(dir)?;
    // A clock that is set while the machine runs must not move the store's time, not even over a restart of the node.
    let boot_ms = mark.as_ref().filter(|mark| mark.boot_id == boot_id).map_or_else(clock::boot_ms, |mark| mark.boot_ms);
    let wiped = match mark {
        None => Some(Wiped::New),
        Some(mark) if mark.is_open && mark.boot_id != boot_id => Some(Wiped::UncleanBoot),
        Some(_) => match wipe_damaged(dir)? {
            0 => None,
            shards => Some(Wiped::Damaged(shards)),
        },
    };
    if matches!(wiped, Some(Wiped::New | Wiped::UncleanBoot)) {
        (0..SHARDS).try_for_each(|shard| wipe(&shard_dir(dir, shard)))?;
    }
    Mark { boot_id: boot_id.to_owned(), is_open: true, boot_ms }.write(dir)?;
    Ok(Prepared { wiped })
}

/// Takes the shared lock a process holds while it has the store open. Whoever is alone sees to it that every file can be
/// mapped; beside others nobody looks, as their transactions change the pages under the eyes of a reader, and a file that
/// is mapped has been checked.
///
/// Answers also what the machine's clock said at boot, by which the store's time goes.
pub(super) fn enter(dir: &Path) -> Result<(Lock, i64), SessionsError> {
    match Lock::exclusive(dir) {
        Ok(_alone) => {
            require_open(dir)?;
            wipe_damaged(dir)?;
        }
        Err(SessionsError::InUse(_)) => {}
        Err(error) => return Err(error),
    }
    let lock = Lock::shared(dir)?;
    let mark = require_open(dir)?;
    Ok((lock, mark.boot_ms))
}

fn require_open(dir: &Path) -> Result<Mark, SessionsError> {
    let mark = Mark::read(dir)?.filter(|mark| mark.is_open);
    mark.ok_or_else(|| SessionsError::NotPrepared(dir.to_path_buf()))
}

pub(super) fn shard_dir(dir: &Path, shard: usize) -> PathBuf {
    dir.join(format!("shard-{shard}"))
}

fn data_file(shard_dir: &Path) -> PathBuf {
    shard_dir.join("data.mdb")
}

fn wipe_damaged(dir: &Path) -> Result<usize, SessionsError> {
    let mut wiped = 0;
    for shard in 0..SHARDS {
        let shard_dir = shard_dir(dir, shard);
        let file = data_file(&shard_dir);
        if health::damage(&file).map_err(SessionsError::io(&file))?.is_some() {
            wipe(&shard_dir)?;
            wiped += 1;
        }
    }
    Ok(wiped)
}

fn wipe(shard_dir: &Path) -> Result<(), SessionsError> {
    match fs::remove_dir_all(shard_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(SessionsError::Io(shard_dir.to_path_buf(), error)),
        _ => Ok(()),
    }
}

fn boot_id() -> Result<String, SessionsError> {
    let text = fs::read_to_string(BOOT_ID).map_err(SessionsError::io(Path::new(BOOT_ID)))?;
    Ok(text.trim().to_owned())
}

/// A lock on the folder, held until dropped: shared by those who have it open, exclusive to wipe files.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    fn shared(dir: &Path) -> Result<Self, SessionsError> {
        let file = lock_file(dir)?;
        file.lock_shared().map_err(SessionsError::io(dir))?;
        Ok(Self { _file: file })
    }

    fn exclusive(dir: &Path) -> Result<Self, SessionsError> {
        let file = lock_file(dir)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SessionsError::InUse(dir.to_path_buf())),
            Err(TryLockError::Error(error)) => Err(SessionsError::Io(dir.to_path_buf(), error)),
        }
    }
}

fn lock_file(dir: &Path) -> Result<File, SessionsError> {
    let path = dir.join("lock");
    OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(SessionsError::io(&path))
}

/// The file `mark`: layout, boot id, whether the store is open or was closed cleanly, and the clock at boot.
struct Mark {
    boot_id: String,
    is_open: bool,
    boot_ms: i64,
}

impl Mark {
    fn read(dir: &Path) -> Result<Option<Self>, SessionsError> {
        let path = dir.join("mark");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
            Err(error) => Err(SessionsError::Io(path, error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(LAYOUT) {
            return None;
        }
        let boot_id = lines.next()?.to_owned();
        let is_open = match lines.next()? {
            OPEN => true,
            CLEAN => false,
            _ => return None,
        };
        // Marks of before the store had a time of its own end here.
        let boot_ms = lines.next().map_or_else(|| Some(clock::boot_ms()), |line| line.parse().ok())?;
        Some(Self { boot_id, is_open, boot_ms })
    }

    /// Replaces the mark in one step that survives a power cut.
    fn write(&self, dir: &Path) -> Result<(), SessionsError> {
        let (path, next) = (dir.join("mark"), dir.join("mark.next"));
        let state = if self.is_open { OPEN } else { CLEAN };
        let write = || {
            let mut file = File::create(&next)?;
            writeln!(file, "{LAYOUT}\n{}\n{state}\n{}", self.boot_id, self.boot_ms)?;
            file.sync_all()?;
            fs::rename(&next, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(SessionsError::io(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep_a_file(dir: &Path) -> PathBuf {
        let kept = shard_dir(dir, 0).join("kept");
        fs::create_dir_all(shard_dir(dir, 0)).unwrap();
        fs::write(&kept, "x").unwrap();
        kept
    }

    #[test]
    fn a_store_starts_empty_after_an_unclean_boot_only() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert_eq!(prepare_in_boot(dir, "first").unwrap().wiped, Some(Wiped::New));
        let kept = keep_a_file(dir);

        assert_eq!(prepare_in_boot(dir, "first").unwrap().wiped, None);
        assert!(kept.exists());

        assert_eq!(prepare_in_boot(dir, "second").unwrap().wiped, Some(Wiped::UncleanBoot));
        assert!(!kept.exists());
    }

    #[test]
    fn a_clean_stop_carries_records_over_a_boot() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        prepare_in_boot(dir, "first").unwrap();
        let kept = keep_a_file(dir);
        mark_clean(dir).unwrap();

        assert!(matches!(enter(dir), Err(SessionsError::NotPrepared(_))));
        assert_eq!(prepare_in_boot(dir, "second").unwrap().wiped, None);
        assert!(kept.exists());
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path()).unwrap();
        let (lock, _) = enter(dir.path()).unwrap();
        assert!(matches!(prepare(dir.path()), Err(SessionsError::InUse(_))));
        assert!(matches!(mark_clean(dir.path()), Err(SessionsError::InUse(_))));
        drop(lock);
        assert!(mark_clean(dir.path()).is_ok());
    }

    #[test]
    fn the_time_of_a_store_stays_through_restarts_of_the_node_but_not_of_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        prepare_in_boot(dir, "first").unwrap();
        let another = Mark { boot_id: "first".to_owned(), is_open: true, boot_ms: 77 };
        another.write(dir).unwrap();
        assert_eq!(enter(dir).unwrap().1, 77);
        mark_clean(dir).unwrap();
        Mark { boot_id: "first".to_owned(), is_open: false, ..Mark::read(dir).unwrap().unwrap() }.write(dir).unwrap();
        prepare_in_boot(dir, "first").unwrap();
        assert_eq!(enter(dir).unwrap().1, 77);
        mark_clean(dir).unwrap();
        prepare_in_boot(dir, "second").unwrap();
        assert!(enter(dir).unwrap().1.abs_diff(clock::boot_ms()) < 5_000);
    }

    #[test]
    fn a_mark_that_cannot_be_read_starts_empty() {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path()).unwrap();
        fs::write(dir.path().join("mark"), "edgewise-sessions 1\n").unwrap();
        assert_eq!(prepare(dir.path()).unwrap().wiped, Some(Wiped::New));
    }
}
