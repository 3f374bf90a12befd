//! An instant as signals and literals hold it: every RFC 3339 time of the years 1 to 9999, to the nanosecond. The clock's own
//! type ends a day earlier, and `9999-12-31T23:59:59Z` is how people write "never".

use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

/// The first second of year 1 and the last of year 9999, the range CEL knows.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// 1970-01-01T00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const NANOS_PER_S: i128 = 1_000_000_000;
const NANOS_PER_MS: i64 = 1_000_000;
const MS_PER_S: i64 = 1_000;

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Since the epoch, rounded down.
    seconds: i64,
    /// Since that second.
    nanos: u32,
}

impl Instant {
    /// The instant that a clock without zone shows when it is `offset_seconds` ahead of UTC.
    pub(crate) fn from_local(local: DateTime, offset_seconds: i64) -> Option<Self> {
        let since = local.duration_since(EPOCH).checked_sub(SignedDuration::from_secs(offset_seconds))?;
        Self::from_duration(since)
    }

    /// The instant that lies so long after the epoch.
    pub fn from_duration(since_epoch: SignedDuration) -> Option<Self> {
        Self::from_nanosecond(since_epoch.as_nanos())
    }

    /// The instant that lies so many nanoseconds after the epoch.
    pub fn from_nanosecond(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_S)).ok()?;
        let nanos = u32::try_from(nanos.rem_euclid(NANOS_PER_S)).ok()?;
        SECONDS.contains(&seconds).then_some(Self { seconds, nanos })
    }

    /// Nanoseconds since the epoch.
    pub fn as_nanosecond(self) -> i128 {
        i128::from(self.seconds) * NANOS_PER_S + i128::from(self.nanos)
    }

    /// Milliseconds since the epoch, rounded down.
    pub fn as_millisecond(self) -> i64 {
        self.seconds * MS_PER_S + i64::from(self.nanos) / NANOS_PER_MS
    }

    /// The same instant for the clock, unless it lies beyond its end.
    pub fn to_timestamp(self) -> Option<Timestamp> {
        Timestamp::new(self.seconds, i32::try_from(self.nanos).ok()?).ok()
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = SignedDuration::new(self.seconds, i32::try_from(self.nanos).unwrap_or(0));
        let local = EPOCH.checked_add(since).unwrap_or(DateTime::MAX);
        write!(f, "{local}Z")
    }
}

#[cfg(test)]
mod tests {
    use crate::temporal::parse_timestamp;

    #[test]
    fn every_rfc3339_time_of_four_digits_is_an_instant() {
        for (text, utc) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
            ("2024-02-29T00:00:00+01:00", "2024-02-28T23:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            let instant = parse_timestamp(text).unwrap();
            assert_eq!(instant.to_string(), utc);
            assert_eq!(parse_timestamp(utc), Some(instant));
        }
        for text in
            ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-02-29T00:00:00Z"]
        {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_ordered_across_the_epoch() {
        let texts =
            ["1969-12-31T23:59:58.9Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00.1Z", "1970-01-01T00:00:00.2Z"];
        let instants = texts.map(|text| parse_timestamp(text).unwrap());
        assert!(instants.is_sorted());
        assert_eq!(instants.map(super::Instant::as_millisecond), [-1_100, -1_000, 100, 200]);
    }
}
