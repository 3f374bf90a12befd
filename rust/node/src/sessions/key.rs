//! Keys of records as a database holds them, and the file each belongs to.

use edgewise_core::state::{Scope, stable_hash};
use sha2::{Digest, Sha256};

use super::SHARDS;

/// Longest key kept as it is; a longer one is kept as its hash.
const PLAIN_BYTES_MAX: usize = 128;

/// The key under which a bucket keeps its number; no record has it, as theirs start with another byte.
pub(super) const LABEL: &[u8] = &[0];

const PLAIN: u8 = 1;
const HASHED: u8 = 2;

/// The key of a record: at most 129 bytes, whatever callers send.
pub(super) fn stored(key: &str) -> Vec<u8> {
    let mut stored = Vec::with_capacity(1 + key.len().min(PLAIN_BYTES_MAX));
    if key.len() <= PLAIN_BYTES_MAX {
        stored.push(PLAIN);
        stored.extend_from_slice(key.as_bytes());
    } else {
        stored.push(HASHED);
        stored.extend_from_slice(&Sha256::digest(key.as_bytes()));
    }
    stored
}

/// The file of a key; all workers must agree on it.
pub(super) fn shard(scope: Scope, key: &str) -> usize {
    let tag = match scope {
        Scope::Session => b's',
        Scope::Journey => b'j',
    };
    usize::try_from(stable_hash(tag, key.as_bytes()) % SHARDS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_hashed_and_stay_apart() {
        let long = "k".repeat(PLAIN_BYTES_MAX + 1);
        assert_eq!(stored("s-1"), b"\x01s-1");
        assert_eq!(stored(&long).len(), 33);
        assert_ne!(stored(&long), stored(&format!("{long}k")));
    }

    #[test]
    fn keys_spread_over_all_files() {
        let mut keys = [0; SHARDS];
        for number in 0..4_000 {
            keys[shard(Scope::Session, &format!("s-{number}"))] += 1;
        }
        assert!(keys.iter().all(|count| (800..1_200).contains(count)), "{keys:?}");
    }
}
