//! The store's own time: that of the machine when the folder was first used after the boot, and what has passed since. Setting
//! the machine's clock neither expires a record nor prolongs one. All processes of a node have the same time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::Clocks;

/// A clock that is off by less was slewed or read a little later: nothing that a lifetime would feel.
const STEP_MS: i64 = 5_000;

/// How far the machine's clock is from the store's time.
pub(super) struct SteadyClock {
    /// What the machine's clock said at boot, if it ran then as it did when the folder was first used.
    boot_ms: i64,
    lag_ms: AtomicI64,
}

impl SteadyClock {
    pub(super) const fn new(boot_ms: i64) -> Self {
        Self { boot_ms, lag_ms: AtomicI64::new(0) }
    }

    /// The same instants in the store's time.
    pub(super) fn steady(&self, clocks: Clocks) -> Clocks {
        let lag_ms = self.lag_at(since_boot_ms(), wall_ms());
        Clocks { now_ms: clocks.now_ms.saturating_add(lag_ms), wall_ms: clocks.wall_ms.saturating_add(lag_ms) }
    }

    /// What to add to the machine's time, read at some moment: the same as before until the clock was set.
    fn lag_at(&self, since_boot_ms: i64, wall_ms: i64) -> i64 {
        let lag_ms = self.boot_ms.saturating_add(since_boot_ms).saturating_sub(wall_ms);
        let known_ms = self.lag_ms.load(Ordering::Relaxed);
        if lag_ms.abs_diff(known_ms) < STEP_MS.unsigned_abs() {
            return known_ms;
        }
        self.lag_ms.store(lag_ms, Ordering::Relaxed);
        lag_ms
    }
}

/// What the machine's clock would have said at boot, had it run then as it does now.
pub(super) fn boot_ms() -> i64 {
    wall_ms().saturating_sub(since_boot_ms())
}

fn since_boot_ms() -> i64 {
    let since = clock_gettime(ClockId::Boottime);
    since.tv_sec.saturating_mul(1_000).saturating_add(since.tv_nsec / 1_000_000)
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_clock_that_is_set_is_made_up_for() {
        let clock = SteadyClock::new(1_000_000);
        assert_eq!(clock.lag_at(50, 1_000_050), 0);
        assert_eq!(clock.lag_at(60, 1_000_060 + 2 * HOUR_MS), -2 * HOUR_MS);
        assert_eq!(clock.lag_at(70, 1_000_070 - 24 * HOUR_MS), 24 * HOUR_MS);
        assert_eq!(clock.lag_at(80, 1_000_080), 0);
    }

    #[test]
    fn a_clock_that_is_only_trimmed_stays_as_it_was() {
        let clock = SteadyClock::new(0);
        assert_eq!(clock.lag_at(10_000, 10_000 + STEP_MS - 1), 0);
        assert_eq!(clock.lag_at(10_000, 10_000 - STEP_MS + 1), 0);
    }

    #[test]
    fn the_clocks_of_this_machine_agree_with_themselves() {
        let clock = SteadyClock::new(boot_ms());
        let now = Clocks { now_ms: 7, wall_ms: wall_ms() };
        assert_eq!(clock.steady(now), now);
    }
}
