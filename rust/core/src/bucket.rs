//! Bucketing of units: `GrowthBook`'s hash, version 2, so that an experiment can move here without moving anyone.

/// Offset basis of 32-bit FNV-1a.
const FNV_OFFSET: u32 = 0x811c_9dc5;
/// Prime of 32-bit FNV-1a.
const FNV_PRIME: u32 = 0x0100_0193;
/// How many buckets there are.
const BUCKETS: u32 = 10_000;

/// The bucket of a value under a seed, in [0, 1).
pub fn bucket(seed: &str, value: &str) -> f64 {
    let inner = fnv1a32(seed.encode_utf16().chain(value.encode_utf16()));
    let outer = fnv1a32(inner.to_string().encode_utf16());
    f64::from(outer % BUCKETS) / f64::from(BUCKETS)
}

/// FNV-1a over UTF-16 code units rather than bytes, as in JavaScript.
fn fnv1a32(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(FNV_OFFSET, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_the_contract_fall_where_it_says() {
        assert!(bucket("isr-1", "u-17") < 0.10);
        assert!((0.10..0.55).contains(&bucket("isr-1", "u-2")));
        assert!(bucket("isr-1", "u-1") >= 0.55);
        assert!(bucket("gh-2026q4", "u-24") < 0.02);
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "the fraction is exact by definition")]
    fn text_counts_in_utf_16_code_units() {
        assert_eq!(fnv1a32([].into_iter()), FNV_OFFSET);
        assert_eq!(fnv1a32("a".encode_utf16()), 0xe40c_292c);
        assert_eq!(fnv1a32("foobar".encode_utf16()), 0xbf9c_f968);
        let unit = |hash: u32, unit: u32| (hash ^ unit).wrapping_mul(FNV_PRIME);
        assert_eq!(fnv1a32("\u{1f600}".encode_utf16()), unit(unit(FNV_OFFSET, 0xd83d), 0xde00));
        assert_eq!(bucket("\u{1f600}", "x"), bucket("", "\u{1f600}x"));
    }

    #[test]
    fn buckets_are_even() {
        let low = (0..10_000).filter(|id| bucket("salt", &id.to_string()) < 0.25).count();
        assert!((2_300..2_700).contains(&low), "{low}");
    }
}
