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
