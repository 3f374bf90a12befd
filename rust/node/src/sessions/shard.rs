//! One database file: reading a record, and the transaction that applies what has gathered. Owns the environment.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use edgewise_core::state::{Applied, Record, Scope};
use heed::types::{Bytes, DecodeIgnore};
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, MdbError, RwTxn, WithTls};

use super::error::SessionsError;
use super::reply::Done;
use super::stats::{Tally, count};
use super::table::{DATABASES_MAX, Opened, Tables, Targets, create, empty, exponent};
use super::writer::{Job, Task};
use super::{Clocks, MAP_BYTES_MAX, READERS_MAX, Write, key};

/// How often tables that another process adds meanwhile are opened before giving up.
const REFRESHES_MAX: usize = 4;

/// A file counts as full at 3/4: emptying a bucket takes some free pages itself.
const FULL_QUARTERS: usize = 3;

const PAGE_BYTES: usize = 4_096;

pub(super) struct Shard {
    pub(super) env: Env<WithTls>,
    main: Database<'static, Bytes, DecodeIgnore>,
    tables: RwLock<Arc<Tables>>,
    pages_max: usize,
    tally: Arc<Tally>,
}

impl Shard {
    pub(super) fn open(dir: &Path, map_bytes: usize, tally: Arc<Tally>) -> Result<Self, SessionsError> {
        std::fs::create_dir_all(dir).map_err(SessionsError::io(dir))?;
        Self::map(dir, map_bytes, tally).map_err(|error| SessionsError::Database(dir.to_path_buf(), error))
    }

    fn map(dir: &Path, map_bytes: usize, tally: Arc<Tally>) -> heed::Result<Self> {
        let map_bytes = map_bytes.min(MAP_BYTES_MAX);
        let mut options = EnvOpenOptions::new();
        options.map_size(map_bytes).max_readers(READERS_MAX).max_dbs(DATABASES_MAX);
        // SAFETY: without syncs a power cut may damage the file; `layout` then starts it empty, and `health` has checked
        // that it holds every page its trees name. Only LMDB writes to it, nothing else opens its lock file, and no
        // transaction of this module outlives the call that began it.
        let env = unsafe { options.flags(EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC).open(dir)? };
        env.clear_stale_readers()?;
        let main = open_main(&env)?;
        let pages_max = map_bytes / PAGE_BYTES / 4 * FULL_QUARTERS;
        let shard = Self { env, main, tables: RwLock::default(), pages_max, tally };
        shard.refresh()?;
        Ok(shard)
    }

    /// The live record of a key.
    pub(super) fn read(&self, scope: Scope, key: &[u8], now_ms: i64) -> heed::Result<Option<Vec<u8>>> {
        for _ in 0..REFRESHES_MAX {
            let txn = self.env.read_txn()?;
            let tables = self.tables();
            if tables.are_complete(self.main, &txn)? {
                let found = tables.find(&txn, scope, key, now_ms)?.filter(|found| found.is_live);
                return Ok(found.map(|found| found.bytes.to_vec()));
            }
            // One thread may have one read transaction at a time.
            drop(txn);
            self.refresh()?;
        }
        Err(MdbError::BadDbi.into())
    }

    /// Carries out in one transaction, all or none, the jobs that `gather` hands over once it has begun: while it waits
    /// for other workers' transactions, more may come. A full file gives up the bucket that expires soonest.
    pub(super) fn carry_out(&self, gather: impl FnOnce() -> Vec<Job>) -> (Vec<Job>, heed::Result<Vec<Done>>) {
        let begun = self.env.write_txn();
        let jobs = gather();
        let mut done = begun.and_then(|txn| self.attempt(txn, &jobs));
        if matches!(done, Err(heed::Error::Mdb(MdbError::MapFull))) {
            done = self.make_room().and_then(|()| self.attempt(self.env.write_txn()?, &jobs));
        }
        count(&self.tally.transactions, 1);
        (jobs, done)
    }

    /// Frees the reader slots of processes that died, which keep old pages from being used again.
    pub(super) fn clear_stale_readers(&self) -> heed::Result<()> {
        self.env.clear_stale_readers().map(|_| ())
    }

    /// Puts bytes where a record belongs.
    #[cfg(test)]
    pub(super) fn put(&self, scope: Scope, key: &str, ttl_ms: i64, now_ms: i64, bytes: &[u8]) -> heed::Result<()> {
        let mut txn = self.env.write_txn()?;
        let target = self.tables().current(&mut txn, scope, exponent(ttl_ms), now_ms)?.ok_or(MdbError::BadDbi)?;
        target.slot.put(&mut txn, &key::stored(key), bytes)?;
        txn.commit()
    }

    /// Pages the records take.
    #[cfg(test)]
    pub(super) fn pages(&self) -> heed::Result<usize> {
        self.tables().pages(&*self.env.read_txn()?)
    }

    fn attempt(&self, txn: RwTxn<'_>, jobs: &[Job]) -> heed::Result<Vec<Done>> {
        let (mut txn, tables) = self.with_tables(txn, jobs)?;
        if tables.pages(&txn)? > self.pages_max {
            self.evict(&mut txn, &tables)?;
        }
        let mut work = Work { txn: &mut txn, tables: &tables, targets: Targets::default(), bytes: Vec::new() };
        let done = jobs.iter().map(|job| self.apply(&mut work, &job.task)).collect::<heed::Result<_>>()?;
        txn.commit()?;
        Ok(done)
    }

    fn apply(&self, work: &mut Work<'_, '_>, task: &Task) -> heed::Result<Done> {
        match task {
            Task::Update { write, clocks } => self.update(work, write, *clocks).map(Done::Applied),
            Task::Erase { scope, key, now_ms } => {
                work.tables.erase(work.txn, *scope, &key::stored(key), *now_ms).map(Done::Erased)
            }
        }
    }

    /// Applies an update and prolongs the record; one that changes nothing makes no new record. A record that cannot be
    /// decoded starts anew.
    fn update(&self, work: &mut Work<'_, '_>, write: &Write, clocks: Clocks) -> heed::Result<Applied> {
        let Work { txn, tables, targets, bytes } = work;
        let key = key::stored(&write.key);
        let target = targets.get(tables, txn, (write.scope, exponent(write.ttl_ms)), clocks.wall_ms)?;
        let target = target.ok_or(MdbError::BadDbi)?;
        let found = tables.find(txn, write.scope, &key, clocks.now_ms)?;
        let place = found.as_ref().map(|found| found.place);
        let kept = found.filter(|found| found.is_live).map(|found| Record::decode(found.bytes));
        let is_kept = kept.is_some();
        let restarted = matches!(kept, Some(Err(_)));
        let mut record = kept.and_then(Result::ok).unwrap_or_default();
        let applied = Applied { restarted, ..record.apply(&write.update) };
        if applied.is_change() || is_kept {
            bytes.clear();
            record.encode(clocks.now_ms.saturating_add(write.ttl_ms), bytes);
            target.slot.put(txn, &key, bytes)?;
            if let Some(place) = place.filter(|place| *place != target.place) {
                tables.delete(txn, place, &key)?;
            }
        }
        count(&self.tally.decode_failures, u64::from(restarted));
        Ok(applied)
    }

    fn make_room(&self) -> heed::Result<()> {
        self.clear_stale_readers()?;
        let (mut txn, tables) = self.with_tables(self.env.write_txn()?, &[])?;
        self.evict(&mut txn, &tables)?;
        txn.commit()
    }

    fn evict(&self, txn: &mut RwTxn<'_>, tables: &Tables) -> heed::Result<()> {
        if let Some(slot) = tables.expires_soonest(txn)? {
            empty(slot, txn)?;
            count(&self.tally.evictions, 1);
        }
        Ok(())
    }

    /// Goes on with a transaction that sees every table the jobs need and all that exist.
    fn with_tables<'e>(&'e self, mut txn: RwTxn<'e>, jobs: &[Job]) -> heed::Result<(RwTxn<'e>, Arc<Tables>)> {
        for _ in 0..REFRESHES_MAX {
            let tables = self.tables();
            if tables.are_complete(self.main, &txn)? {
                let missing = missing(&tables, jobs);
                if missing.is_empty() {
                    return Ok((txn, tables));
                }
                self.create(txn, &missing)?;
            } else {
                drop(txn);
            }
            self.refresh()?;
            txn = self.env.write_txn()?;
        }
        Err(MdbError::BadDbi.into())
    }

    fn create(&self, txn: RwTxn<'_>, missing: &[(Scope, u32)]) -> heed::Result<()> {
        self.env.create_databases_and_commit(txn, |opener, txn| {
            create(opener, txn, missing).map(CommitOrAbort::<(), ()>::Commit)
        })?;
        Ok(())
    }

    fn refresh(&self) -> heed::Result<()> {
        let txn = self.env.read_txn()?;
        let databases = self.main.len(&txn)?;
        let opened = self.env.open_databases_and_commit(txn, |opener, txn| {
            Opened::open(opener, txn, databases).map(CommitOrAbort::<_, ()>::Commit)
        })?;
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(opened.unwrap_commit());
        Ok(())
    }

    fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the jobs of one transaction share.
struct Work<'w, 'e> {
    txn: &'w mut RwTxn<'e>,
    tables: &'w Tables,
    targets: Targets,
    /// The record that is being written.
    bytes: Vec<u8>,
}

fn open_main(env: &Env<WithTls>) -> heed::Result<Database<'static, Bytes, DecodeIgnore>> {
    let txn = env.read_txn()?;
    let main = env.open_databases_and_commit(txn, |opener, txn| {
        opener.open_database(txn, None).map(CommitOrAbort::<_, ()>::Commit)
    })?;
    main.unwrap_commit().ok_or_else(|| MdbError::Invalid.into())
}

fn missing(tables: &Tables, jobs: &[Job]) -> Vec<(Scope, u32)> {
    let mut missing: Vec<_> = jobs
        .iter()
        .filter_map(|job| match &job.task {
            Task::Update { write, .. } => Some((write.scope, exponent(write.ttl_ms))),
            Task::Erase { .. } => None,
        })
        .filter(|(scope, exponent)| !tables.has(*scope, *exponent))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
