//! Sums of floats that do not depend on the order of their terms, and never become infinite.

use super::codec::{Reader, RecordError, put_float, put_signed};

/// Terms below this magnitude (2^53) are added exactly, in units of 2^-64.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// 2^64: units of the exact part in one.
const UNITS: f64 = 18_446_744_073_709_551_616.0;

/// An exact fixed-point part, and a plain one for terms too large for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct FloatSum {
    exact: i128,
    large: f64,
}

impl FloatSum {
    pub(super) fn add(&mut self, term: f64) {
        if term.abs() < EXACT_BELOW {
            self.add_units(units(term));
        } else {
            self.add_large(term);
        }
    }

    pub(super) fn total(&self) -> f64 {
        finite(from_units(self.exact) + self.large)
    }

    fn add_units(&mut self, units: i128) {
        if let Some(sum) = self.exact.checked_add(units) {
            self.exact = sum;
        } else {
            self.add_large(from_units(self.exact));
            self.exact = units;
        }
    }

    fn add_large(&mut self, term: f64) {
        self.large = finite(self.large + term);
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.exact);
        out.push(u8::from(self.large != 0.0));
        if self.large != 0.0 {
            put_float(out, self.large);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let exact = reader.signed()?;
        let large = if reader.byte()? == 0 { 0.0 } else { reader.float()? };
        Ok(Self { exact, large })
    }
}

fn finite(number: f64) -> f64 {
    number.clamp(f64::MIN, f64::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "below 2^53 in units of 2^-64 is below 2^117")]
fn units(term: f64) -> i128 {
    (term * UNITS).round_ties_even() as i128
}

#[allow(clippy::cast_precision_loss, reason = "this is the one rounding of the sum")]
fn from_units(units: i128) -> f64 {
    units as f64 / UNITS
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these sums are exact")]
mod tests {
    use super::*;

    fn total(terms: &[f64]) -> f64 {
        let mut sum = FloatSum::default();
        for term in terms {
            sum.add(*term);
        }
        sum.total()
    }

    #[test]
    fn rounds_once() {
        assert_eq!(total(&[0.1, 0.2]), 0.1 + 0.2);
        assert_eq!(total(&[0.1; 10]), 1.0);
        assert_eq!(total(&[1e15, 0.25, -1e15]), 0.25);
    }

    #[test]
    fn huge_terms_stay_finite() {
        assert_eq!(total(&[f64::MAX, f64::MAX, 1.0]), f64::MAX);
        assert_eq!(total(&[1e300, 1e300]), 2e300);
        assert_eq!(total(&[9e15; 2_000]), 1.8e19);
    }
}
