//! Time buckets: the databases of one scope and one range of lifetimes. Owns their names and which bucket a time falls into.
//!
//! A table is a pair of databases that take turns: one takes what is written now, the other holds what was written in the
//! bucket before. A record lives at most one bucket's width after it was written, so when time enters a new bucket,
//! everything in the older database has expired and it is emptied at once. Widths are powers of two of a minute: bundles
//! of different lifetimes mostly share tables, and there can only be so many.

use edgewise_core::state::{Scope, expires_at_ms};
use heed::types::{Bytes, DecodeIgnore};
use heed::{CommitToken, Database, DatabaseOpener, OnCommit, RoTxn, RwTxn, WithTls};

use super::key::LABEL;

/// An open database; static once the transaction that opened it has committed.
pub(super) type Slot<'e> = Database<'e, Bytes, Bytes>;

const MINUTE_MS: i64 = 60_000;

/// Widest bucket: 2^20 minutes, two years.
const EXPONENT_MAX: u32 = 20;

/// Databases a file can have: two for each width of each scope.
pub(super) const DATABASES_MAX: u32 = 2 * 2 * (EXPONENT_MAX + 1);

/// The least width that holds a lifetime; one beyond the widest is cut to it.
pub(super) fn exponent(ttl_ms: i64) -> u32 {
    (0..EXPONENT_MAX).find(|exponent| width_ms(*exponent) >= ttl_ms).unwrap_or(EXPONENT_MAX)
}

const fn width_ms(exponent: u32) -> i64 {
    MINUTE_MS << exponent
}

/// The names of a table's databases, as `session-5-0` and `session-5-1`.
fn names(scope: Scope, exponent: u32) -> [String; 2] {
    [0, 1].map(|slot| format!("{}-{exponent}-{slot}", scope.name()))
}

/// The two databases of a scope and width.
pub(super) struct Table {
    scope: Scope,
    exponent: u32,
    slots: [Slot<'static>; 2],
}

/// Which database of which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    scope: Scope,
    exponent: u32,
    slot: usize,
}

/// The database for what is written now.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) slot: Slot<'static>,
}

/// The databases that a transaction writes, each looked up once: within it nobody else turns them over.
#[derive(Default)]
pub(super) struct Targets {
    known: Vec<((Scope, u32, i64), Target)>,
}

impl Targets {
    /// The database for what is written at `wall_ms` in a table, by its scope and exponent.
    pub(super) fn get(
        &mut self,
        tables: &Tables,
        txn: &mut RwTxn<'_>,
        (scope, exponent): (Scope, u32),
        wall_ms: i64,
    ) -> heed::Result<Option<Target>> {
        let turn = (scope, exponent, wall_ms.max(0) / width_ms(exponent));
        if let Some((_, target)) = self.known.iter().find(|(known, _)| *known == turn) {
            return Ok(Some(*target));
        }
        let target = tables.current(txn, scope, exponent, wall_ms)?;
        self.known.extend(target.map(|target| (turn, target)));
        Ok(target)
    }
}

/// A record and where it lies.
pub(super) struct Found<'t> {
    pub(super) place: Place,
    pub(super) bytes: &'t [u8],
    pub(super) is_live: bool,
}

impl Table {
    fn number_at(&self, now_ms: i64) -> i64 {
        now_ms.max(0) / width_ms(self.exponent)
    }

    /// The number of the bucket that is written at `now_ms` or next, whichever this slot's turn is.
    fn turn_of(&self, slot: usize, now_ms: i64) -> i64 {
        let number = self.number_at(now_ms);
        number + i64::from(number % 2 != i64::from(slot == 1))
    }

    fn place(&self, slot: usize) -> Place {
        Place { scope: self.scope, exponent: self.exponent, slot }
    }
}

/// Every table of a file.
#[derive(Default)]
pub(super) struct Tables {
    /// How many databases the file had; when it has more, another process has added tables.
    databases: u64,
    tables: Vec<Table>,
}

/// The tables of a file, by scope and exponent, in the transaction that opens them.
pub(super) struct Opened<'e> {
    databases: u64,
    tables: Vec<(Scope, u32, [Slot<'e>; 2])>,
}

impl<'e> Opened<'e> {
    /// Opens every table of the file, which has this many databases.
    pub(super) fn open(
        opener: &DatabaseOpener<'e, WithTls>,
        txn: &RoTxn<'e, WithTls>,
        databases: u64,
    ) -> heed::Result<Self> {
        let mut tables = Vec::new();
        for (scope, exponent) in every_table() {
            let [even, odd] = names(scope, exponent);
            let even = opener.open_database(txn, Some(&even))?;
            if let Some((even, odd)) = even.zip(opener.open_database(txn, Some(&odd))?) {
                tables.push((scope, exponent, [even, odd]));
            }
        }
        Ok(Self { databases, tables })
    }
}

impl OnCommit for Opened<'_> {
    type Committed = Tables;

    fn on_commit(self, token: &CommitToken) -> Tables {
        let commit =
            |(scope, exponent, slots): (_, _, [Slot<'_>; 2])| Table { scope, exponent, slots: slots.on_commit(token) };
        Tables { databases: self.databases, tables: self.tables.into_iter().map(commit).collect() }
    }
}

/// Adds tables to a file.
pub(super) fn create<'e>(
    opener: &DatabaseOpener<'e, WithTls>,
    txn: &mut RwTxn<'e>,
    missing: &[(Scope, u32)],
) -> heed::Result<()> {
    for (scope, exponent) in missing {
        for name in names(*scope, *exponent) {
            opener.create_database::<Bytes, Bytes>(txn, Some(&name))?;
        }
    }
    Ok(())
}

impl Tables {
    /// Whether the file has no table but these.
    pub(super) fn are_complete(&self, main: Database<'_, Bytes, DecodeIgnore>, txn: &RoTxn<'_>) -> heed::Result<bool> {
        Ok(main.len(txn)? == self.databases)
    }

    pub(super) fn has(&self, scope: Scope, exponent: u32) -> bool {
        self.get(scope, exponent).is_some()
    }

    fn get(&self, scope: Scope, exponent: u32) -> Option<&Table> {
        self.tables.iter().find(|table| table.scope == scope && table.exponent == exponent)
    }

    /// The database for what is written at `wall_ms`. The first update in a new bucket empties whatever has expired.
    ///
    /// A clock that was set back by a bucket finds a newer one there and leaves it alone. One that is further ahead was
    /// begun by a clock that ran ahead: it takes its turn now, with what it holds.
    pub(super) fn current(
        &self,
        txn: &mut RwTxn<'_>,
        scope: Scope,
        exponent: u32,
        wall_ms: i64,
    ) -> heed::Result<Option<Target>> {
        let Some(table) = self.get(scope, exponent) else { return Ok(None) };
        let number = table.number_at(wall_ms);
        let [even, odd] = table.slots;
        let (index, slot) = if number % 2 == 0 { (0, even) } else { (1, odd) };
        let held = number_of(slot, txn)?;
        if held != Some(number) {
            self.sweep(txn, wall_ms)?;
        }
        if held.is_none_or(|held| held < number) {
            restart(slot, txn, number)?;
        }
        Ok(Some(Target { place: table.place(index), slot }))
    }

    /// Empties every bucket whose records have all expired, also of tables that are no longer written, and gives those
    /// that a clock ahead of time has labelled a number that will be reached.
    fn sweep(&self, txn: &mut RwTxn<'_>, wall_ms: i64) -> heed::Result<()> {
        for table in &self.tables {
            let number = table.number_at(wall_ms);
            for (index, slot) in table.slots.into_iter().enumerate() {
                let Some(held) = number_of(slot, txn)? else { continue };
                if held > number + 1 {
                    label(slot, txn, table.turn_of(index, wall_ms))?;
                } else if held < number - 1 && slot.len(txn)? > 1 {
                    restart(slot, txn, held)?;
                }
            }
        }
        Ok(())
    }

    /// The record of a key: the live one, or else one that has expired. One whose expiry cannot be read is left to who
    /// decodes it.
    pub(super) fn find<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        scope: Scope,
        key: &[u8],
        now_ms: i64,
    ) -> heed::Result<Option<Found<'t>>> {
        let mut expired = None;
        for (place, slot) in self.slots(scope) {
            let Some(bytes) = slot.get(txn, key)? else { continue };
            if expires_at_ms(bytes).unwrap_or(i64::MAX) > now_ms {
                return Ok(Some(Found { place, bytes, is_live: true }));
            }
            expired = Some(Found { place, bytes, is_live: false });
        }
        Ok(expired)
    }

    /// Deletes a key wherever it lies; whether it had a live record.
    pub(super) fn erase(&self, txn: &mut RwTxn<'_>, scope: Scope, key: &[u8], now_ms: i64) -> heed::Result<bool> {
        let found = self.find(txn, scope, key, now_ms)?.is_some_and(|found| found.is_live);
        for (_, slot) in self.slots(scope) {
            slot.delete(txn, key)?;
        }
        Ok(found)
    }

    pub(super) fn delete(&self, txn: &mut RwTxn<'_>, place: Place, key: &[u8]) -> heed::Result<()> {
        if let Some((_, slot)) = self.slots(place.scope).find(|(at, _)| *at == place) {
            slot.delete(txn, key)?;
        }
        Ok(())
    }

    /// The bucket with records whose last one expires first.
    pub(super) fn expires_soonest(&self, txn: &RoTxn<'_>) -> heed::Result<Option<Slot<'static>>> {
        let mut soonest = None;
        for table in &self.tables {
            for slot in table.slots {
                let Some(number) = number_of(slot, txn)?.filter(|_| slot.len(txn).is_ok_and(|entries| entries > 1))
                else {
                    continue;
                };
                let end_ms = number.saturating_add(2).saturating_mul(width_ms(table.exponent));
                if soonest.is_none_or(|(soonest_ms, _)| end_ms < soonest_ms) {
                    soonest = Some((end_ms, slot));
                }
            }
        }
        Ok(soonest.map(|(_, slot)| slot))
    }

    /// Pages all tables use.
    pub(super) fn pages(&self, txn: &RoTxn<'_>) -> heed::Result<usize> {
        let mut pages = 0;
        for slot in self.tables.iter().flat_map(|table| table.slots) {
            let stat = slot.stat(txn)?;
            pages += stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        }
        Ok(pages)
    }

    fn slots(&self, scope: Scope) -> impl Iterator<Item = (Place, Slot<'static>)> {
        let tables = self.tables.iter().filter(move |table| table.scope == scope);
        tables
            .flat_map(|table| table.slots.into_iter().enumerate().map(|(slot, database)| (table.place(slot), database)))
    }
}

/// Empties a bucket but keeps its number, as it may be the current one.
pub(super) fn empty(slot: Slot<'static>, txn: &mut RwTxn<'_>) -> heed::Result<()> {
    let number = number_of(slot, txn)?.unwrap_or_default();
    restart(slot, txn, number)
}

fn restart(slot: Slot<'static>, txn: &mut RwTxn<'_>, number: i64) -> heed::Result<()> {
    slot.clear(txn)?;
    label(slot, txn, number)
}

fn label(slot: Slot<'static>, txn: &mut RwTxn<'_>, number: i64) -> heed::Result<()> {
    slot.put(txn, LABEL, &number.to_be_bytes())
}

fn number_of(slot: Slot<'static>, txn: &RoTxn<'_>) -> heed::Result<Option<i64>> {
    let label = slot.get(txn, LABEL)?;
    Ok(label.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes))
}

fn every_table() -> impl Iterator<Item = (Scope, u32)> {
    Scope::ALL.into_iter().flat_map(|scope| (0..=EXPONENT_MAX).map(move |exponent| (scope, exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_hold_lifetimes() {
        assert_eq!([exponent(1), exponent(60_000), exponent(60_001)], [0, 0, 1]);
        assert_eq!(width_ms(exponent(30 * MINUTE_MS)), 32 * MINUTE_MS);
        assert_eq!(exponent(i64::MAX), EXPONENT_MAX);
    }

    #[test]
    fn every_table_has_names_of_its_own() {
        let names: std::collections::HashSet<_> =
            every_table().flat_map(|(scope, exponent)| names(scope, exponent)).collect();
        assert_eq!(names.len(), DATABASES_MAX as usize);
    }
}
