//! The file of one worker, mapped and counted in place.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use edgewise_core::state::stable_hash;
use memmap2::{MmapOptions, MmapRaw};

use super::series::{Counter, DURATION_NUMBERS, NUMBERS, PAUSES_AT, TimedRoute, bucket_of, durations_of};
use super::total;

const WORD_BYTES: usize = 8;
const HEAD_BYTES: usize = 2 * WORD_BYTES;
const FILE_BYTES: usize = HEAD_BYTES + NUMBERS * WORD_BYTES;

/// First word of a file.
const MAGIC: [u8; WORD_BYTES] = *b"edgecnt1";

/// The counters of this worker.
#[derive(Debug)]
pub struct Counters {
    map: MmapRaw,
}

impl Counters {
    /// Opens the file of this worker and goes on counting; a file of another layout is started anew.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_ours = match std::fs::read(path) {
            Ok(bytes) => numbers(&bytes).is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_ours {
            start(path)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { map: MmapOptions::new().len(FILE_BYTES).map_raw(&file)? })
    }

    /// Counts.
    pub fn add(&self, counter: Counter, by: u64) {
        self.add_to(counter.number(), by);
    }

    /// Takes the duration of one request into the histogram of its route.
    pub fn observe_us(&self, route: TimedRoute, duration_us: u64) {
        self.observe_at(durations_of(route), duration_us);
    }

    /// Takes the duration of a pause of the garbage collector into its histogram.
    pub fn observe_pause_us(&self, duration_us: u64) {
        self.observe_at(PAUSES_AT, duration_us);
    }

    fn observe_at(&self, first: usize, duration_us: u64) {
        self.add_to(first + bucket_of(duration_us), 1);
        self.add_to(first + DURATION_NUMBERS - 1, duration_us);
    }

    fn add_to(&self, number: usize, by: u64) {
        if number < NUMBERS {
            #[allow(clippy::cast_ptr_alignment, reason = "a map starts at a page")]
            let words = self.map.as_mut_ptr().cast::<u64>();
            // SAFETY: the map has `FILE_BYTES` bytes and lives as long as `self`, and `number` is below `NUMBERS`, so the
            // word lies inside, aligned. Nobody writes these words but through atomics, and the file is never cut: one of
            // another layout is replaced by a new file.
            let word = unsafe { AtomicU64::from_ptr(words.add(HEAD_BYTES / WORD_BYTES + number)) };
            word.fetch_add(by, Ordering::Relaxed);
        }
    }
}

/// The numbers in the bytes of a file, if it is one of this layout.
pub(super) fn numbers(bytes: &[u8]) -> Option<Vec<u64>> {
    let (head, numbers) = bytes.split_at_checked(HEAD_BYTES)?;
    if bytes.len() != FILE_BYTES || head != head_bytes() {
        return None;
    }
    Some(numbers.as_chunks::<WORD_BYTES>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect())
}

/// Puts an empty file in place in one step, so that no reader sees half of it.
fn start(path: &Path) -> io::Result<()> {
    let next = path.with_extension("counters.next");
    let mut bytes = head_bytes();
    bytes.resize(FILE_BYTES, 0);
    std::fs::write(&next, bytes)?;
    std::fs::rename(&next, path)
}

/// Magic and a hash of every series: a build that counts other things starts other files.
fn head_bytes() -> Vec<u8> {
    let layout = stable_hash(b'c', total::describe().as_bytes());
    [MAGIC, layout.to_ne_bytes()].concat()
}
