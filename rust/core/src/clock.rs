//! The clock signals of a request: its instant read in a time zone of the compiled-in database. Never asks for the time.

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::signal::{Reading, Signal, SignalId, SignalTable};
use crate::value::{Type, Value};

/// The system's own zone files may differ from node to node, so they are never read.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Values of `time.weekday`, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone by its IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// Slots of the signals that the clock sets.
#[derive(Clone, Copy, Debug)]
pub struct ClockSignals {
    hour: SignalId,
    weekday: SignalId,
    date: SignalId,
}

impl ClockSignals {
    /// Declares `time.hour`, `time.weekday` and `time.date`.
    pub fn declare(table: &mut SignalTable) -> Self {
        let signal = |name: &str, kind, values: &[&str]| Signal {
            name: name.to_owned(),
            kind: Some(kind),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            min: None,
            max: None,
        };
        Self {
            hour: table.push(signal("time.hour", Type::Int, &[])),
            weekday: table.push(signal("time.weekday", Type::Enum, &WEEKDAYS)),
            date: table.push(signal("time.date", Type::String, &[])),
        }
    }

    /// The readings at an instant in a zone.
    pub fn read(&self, now: Timestamp, zone: &TimeZone) -> [(SignalId, Reading<'static>); 3] {
        let local = zone.to_datetime(now);
        let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let weekday = WEEKDAYS.get(weekday).copied().unwrap_or("mon");
        [
            (self.hour, Reading::Known(Value::Int(i64::from(local.hour())))),
            (self.weekday, Reading::Known(Value::String(Cow::Borrowed(weekday)))),
            (self.date, Reading::Known(Value::String(Cow::Owned(local.date().to_string())))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_instant_is_another_hour_and_day_elsewhere() {
        let mut table = SignalTable::default();
        let clock = ClockSignals::declare(&mut table);
        let now: Timestamp = "2026-11-21T23:30:00Z".parse().unwrap();
        let read = |name| clock.read(now, &zone(name).unwrap()).map(|(_, reading)| reading);
        let text = |value: &str| Reading::Known(Value::String(Cow::Owned(value.to_owned())));
        assert_eq!(read("UTC"), [Reading::Known(Value::Int(23)), text("sat"), text("2026-11-21")]);
        assert_eq!(read("Europe/Berlin"), [Reading::Known(Value::Int(0)), text("sun"), text("2026-11-22")]);
    }

    #[test]
    fn an_unknown_zone_is_none() {
        assert!(zone("Mars/Olympus").is_none());
    }
}
