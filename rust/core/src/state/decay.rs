//! Half-life decay, by time and by events. Computed here and not by the platform's `exp2`, so that every node gets the same bits.

use super::codec::{Reader, RecordError, put_float, put_time};

/// Ages beyond this many half-lives weigh nothing.
const HALVINGS_MAX: i64 = 1_000;

/// Enough terms of the series of 2^-x, x in [0, 1), for the last bit of a double.
const SERIES_TERMS: u32 = 18;

/// A sum of weights as of the latest event's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decay {
    time_ms: i64,
    value: f64,
}

impl Decay {
    pub(super) const fn new(time_ms: i64, weight: f64) -> Self {
        Self { time_ms, value: weight }
    }

    /// Adds a weight; one that comes late has faded since its own time.
    pub(super) fn add(&mut self, time_ms: i64, weight: f64, half_life_ms: i64) {
        let sum = if time_ms >= self.time_ms {
            self.value * fade(time_ms.saturating_sub(self.time_ms), half_life_ms) + weight
        } else {
            self.value + weight * fade(self.time_ms.saturating_sub(time_ms), half_life_ms)
        };
        self.value = sum.clamp(f64::MIN, f64::MAX);
        self.time_ms = self.time_ms.max(time_ms);
    }

    /// The sum at `now_ms`; an event ahead of it weighs what it weighs at its own time.
    pub(super) fn read(&self, now_ms: i64, half_life_ms: i64) -> f64 {
        self.value * fade(now_ms.saturating_sub(self.time_ms), half_life_ms)
    }

    pub(super) fn encode(&self, base_ms: i64, out: &mut Vec<u8>) {
        put_time(out, self.time_ms, base_ms);
        put_float(out, self.value);
    }

    pub(super) fn decode(reader: &mut Reader<'_>, base_ms: i64) -> Result<Self, RecordError> {
        Ok(Self { time_ms: reader.time(base_ms)?, value: reader.float()? })
    }
}

/// A moving average one event later: `size` events halve what all values before them weigh.
pub(super) fn moved(mean: f64, value: f64, size: u16) -> f64 {
    let keeps = fade(1, i64::from(size));
    (mean * keeps + value * (1.0 - keeps)).clamp(f64::MIN, f64::MAX)
}

/// 2^(-age / half-life), 1 for an age below zero.
fn fade(age_ms: i64, half_life_ms: i64) -> f64 {
    let half_life_ms = half_life_ms.max(1);
    let halvings = age_ms.max(0) / half_life_ms;
    if halvings > HALVINGS_MAX {
        return 0.0;
    }
    let power_of_two = f64::from_bits(((1023 - halvings).cast_unsigned()) << 52);
    power_of_two * exp2_negated(ratio(age_ms.max(0) % half_life_ms, half_life_ms))
}

#[allow(clippy::cast_precision_loss, reason = "half-lives are far below 2^53 ms, 285,000 years")]
fn ratio(part_ms: i64, whole_ms: i64) -> f64 {
    part_ms as f64 / whole_ms as f64
}

/// 2^-x for x in [0, 1): the exponential series in Horner form, by basic operations alone.
fn exp2_negated(x: f64) -> f64 {
    let exponent = -x * std::f64::consts::LN_2;
    (1..=SERIES_TERMS).rev().fold(1.0, |sum, term| 1.0 + exponent * sum / f64::from(term))
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "powers of two are exact")]
mod tests {
    use super::*;

    #[test]
    fn fades_as_the_power_function_does() {
        for age_ms in [0, 1, 333, 999, 1_000, 1_001, 12_345, 700_000] {
            let expected = (-ratio(age_ms, 1_000)).exp2();
            let faded = fade(age_ms, 1_000);
            assert!((faded - expected).abs() <= expected * 1e-15, "{age_ms}: {faded} against {expected}");
        }
        assert_eq!([fade(-5, 1_000), fade(i64::MAX, 1), fade(2_000, 1_000)], [1.0, 0.0, 0.25]);
    }

    #[test]
    fn a_late_weight_counts_as_its_age() {
        let mut decay = Decay::new(10_000, 1.0);
        decay.add(9_000, 1.0, 1_000);
        assert_eq!([decay.read(10_000, 1_000), decay.read(11_000, 1_000)], [1.5, 0.75]);
    }

    #[test]
    fn stays_finite() {
        let mut decay = Decay::new(0, f64::MAX);
        decay.add(0, f64::MAX, 1_000);
        assert_eq!(decay.read(0, 1_000), f64::MAX);
    }
}
