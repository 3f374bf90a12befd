//! Hashes that end up in records and files: part of their format, so equal on every machine and in every version.

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Bytes a [`short_hash`] takes in a record.
pub(super) const SHORT_HASH_BYTES: usize = 5;

const SHORT_HASH_MASK: u64 = (1 << (8 * SHORT_HASH_BYTES)) - 1;

/// A hash that is equal on every machine and in every version. It is no defense against who chooses the bytes.
pub fn stable_hash(tag: u8, bytes: &[u8]) -> u64 {
    mix(fnv1a(bytes, fnv1a(&[tag], FNV_OFFSET)))
}

/// 40 bits of hash: within one record, two of 16 event ids collide about once in 10^10 records.
pub(super) fn short_hash(tag: u8, bytes: &[u8]) -> u64 {
    stable_hash(tag, bytes) & SHORT_HASH_MASK
}

fn fnv1a(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// The finalizer of `MurmurHash3`, so that the low bits depend on all others.
fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
