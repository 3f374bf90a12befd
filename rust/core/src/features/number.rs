//! Numbers of features: read, set in relation, scaled, capped, cut into buckets. By basic operations alone, so that every
//! machine gets the same bucket.

use super::feature::FieldRef;
use crate::state::Fact;

/// How a number comes about: operands, then `scale`, `cap` and `width`, then the cut.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub of: Operands,
    pub scale: f64,
    pub cap: f64,
    pub width: f64,
    pub cut: Cut,
}

/// What a number is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operands {
    /// It is what is read.
    One(FieldRef),
    /// The first divided by the second.
    Ratio([FieldRef; 2]),
    /// The first divided by a mean: that of a sum and a count.
    Relative([FieldRef; 3]),
}

/// How a number becomes that of a bucket.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// Not at all.
    None,
    /// Rounded down.
    Linear,
    /// Buckets that double; within each, the bounds of its parts as factors above 1.
    Log2(Box<[f64]>),
}

impl Number {
    /// The number before it is cut; none if an operand is missing, or it is not finite.
    pub(super) fn read<'r>(&self, read: &impl Fn(FieldRef) -> Fact<'r>) -> Option<f64> {
        let number = |field: &FieldRef| number(read(*field));
        let related = match &self.of {
            Operands::One(one) => number(one)? * self.scale,
            Operands::Ratio([first, by]) => number(first)? * self.scale / number(by)?,
            Operands::Relative([first, sum, count]) => number(first)? * number(count)? * self.scale / number(sum)?,
        };
        let capped = related.clamp(-self.cap, self.cap);
        let number = if self.width > 1.0 { capped / self.width } else { capped };
        number.is_finite().then_some(number)
    }

    /// The bucket of a number.
    pub(super) fn bucket(&self, number: f64) -> i64 {
        match &self.cut {
            Cut::None | Cut::Linear => floor(number),
            Cut::Log2(bounds) if number < 0.0 => -doubling(-number, bounds),
            Cut::Log2(bounds) => doubling(number, bounds),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "beyond 2^53 the nearest float is near enough for a bucket")]
fn number(fact: Fact<'_>) -> Option<f64> {
    match fact {
        Fact::Bool(value) => Some(f64::from(u8::from(value))),
        Fact::Int(value) => Some(value as f64),
        Fact::Float(value) => Some(value),
        Fact::Length(length) => Some(length.as_millis() as f64),
        Fact::Missing | Fact::Text(_) | Fact::Instant(_) | Fact::Texts(_) => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates, as buckets should")]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}

/// Which doubling of 1 + number it falls in, times the parts of each, and the part within.
fn doubling(number: f64, bounds: &[f64]) -> i64 {
    const FRACTION_BITS: u32 = 52;
    const ONE: u64 = 1023 << FRACTION_BITS;
    let bits = (1.0 + number).to_bits();
    let exponent = (bits >> FRACTION_BITS).cast_signed() - 1023;
    let factor = f64::from_bits(bits & ((1 << FRACTION_BITS) - 1) | ONE);
    let parts = i64::try_from(bounds.len()).unwrap_or(0) + 1;
    let part = bounds.iter().take_while(|bound| factor >= **bound).count();
    exponent * parts + i64::try_from(part).unwrap_or(0)
}

/// The bounds of `parts` equal parts of a doubling: 2^(1/parts), 2^(2/parts), ...
pub(super) fn doubling_bounds(parts: u16) -> Box<[f64]> {
    (1..parts).map(|part| exp2(f64::from(part) / f64::from(parts))).collect()
}

/// 2^x for x in [0, 1): the exponential series in Horner form.
fn exp2(x: f64) -> f64 {
    const TERMS: u32 = 18;
    let exponent = x * std::f64::consts::LN_2;
    (1..=TERMS).rev().fold(1.0, |sum, term| 1.0 + exponent * sum / f64::from(term))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_double_in_equal_parts() {
        let bounds = doubling_bounds(1);
        let buckets = [0.0, 0.5, 1.0, 2.0, 2.999, 3.0, 6.0, 7.0, 1e6].map(|number| doubling(number, &bounds));
        assert_eq!(buckets, [0, 0, 1, 1, 1, 2, 2, 3, 19]);
        for parts in [2, 3, 5, 16] {
            let bounds = doubling_bounds(parts);
            for number in 0..5_000 {
                let number = f64::from(number) / 7.0;
                let expected = floor((1.0 + number).log2() * f64::from(parts) + 1e-12);
                assert_eq!(doubling(number, &bounds), expected, "{number} in {parts}");
            }
        }
        assert_eq!(doubling(f64::MAX, &doubling_bounds(2)), 2_047);
    }

    #[test]
    fn buckets_saturate() {
        assert_eq!([floor(-0.5), floor(1e300), floor(-1e300)], [-1, i64::MAX, i64::MIN]);
    }
}
