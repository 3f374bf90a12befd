//! The record of one key: event ids, fields and caps, in memory and as bytes.
//!
//! Bytes: version (1), expiry in ms since the epoch (6, little-endian), number of event ids and 5 bytes each in order of
//! arrival, number of fields and for each its digest (8), tag and value, number of caps and for each its digest (8) and count.

use super::aggregate::Aggregate;
use super::codec::{Reader, RecordError, put_count, put_fixed, put_varint};
use super::fact::Fact;
use super::field::{Field, fact};
use super::fields::Fields;
use super::hash::SHORT_HASH_BYTES;
use super::plan::{Effect, Update};
use super::{CAPS_MAX, EVENT_IDS_MAX, RECORD_BYTES_MAX};
use crate::signal::Reading;

const VERSION: u8 = 1;
const EXPIRY_BYTES: usize = 6;
const DIGEST_BYTES: usize = 8;

/// Smallest field: digest, tag and one byte. Bounds what a decoder allocates.
const FIELDS_MAX: usize = RECORD_BYTES_MAX / (DIGEST_BYTES + 2);

/// What an update did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Events that were new.
    pub accepted: u32,
    /// Events whose id was among the last of this key; they changed nothing.
    pub duplicates: u32,
    /// Caps that were counted.
    pub caps: u32,
    /// The kept record could not be decoded, and this started a new one.
    pub restarted: bool,
    /// Fields of other bundles that had to go because the record was full.
    pub dropped: u32,
}

impl Applied {
    /// Whether the record is another one than before.
    pub const fn is_change(&self) -> bool {
        self.accepted > 0 || self.caps > 0
    }
}

/// What is remembered of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    ids: Vec<u64>,
    fields: Fields,
    caps: Vec<(u64, u32)>,
}

/// The expiry of an encoded record, read without decoding the rest.
pub fn expires_at_ms(bytes: &[u8]) -> Result<i64, RecordError> {
    decode_head(&mut Reader::new(bytes))
}

impl Record {
    /// The record of a key nothing is known of.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a record back. Fields of other bundles are kept as they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::Malformed("it is too long"));
        }
        let mut reader = Reader::new(bytes);
        let base_ms = decode_head(&mut reader)?;
        let record = Self {
            ids: decode_ids(&mut reader)?,
            fields: decode_fields(&mut reader, base_ms)?,
            caps: decode_caps(&mut reader)?,
        };
        if reader.is_empty() { Ok(record) } else { Err(RecordError::Malformed("bytes follow its end")) }
    }

    /// Carries an update out.
    pub fn apply(&mut self, update: &Update) -> Applied {
        let mut applied = Applied::default();
        for effect in &update.events {
            if self.accept(effect) {
                applied.accepted += 1;
            } else {
                applied.duplicates += 1;
            }
        }
        for digest in &update.caps {
            self.count_cap(*digest);
            applied.caps += 1;
        }
        applied.dropped = self.shrink(&update.known);
        applied
    }

    /// What an aggregate says at `now_ms`.
    pub fn read(&self, aggregate: &Aggregate, now_ms: i64) -> Reading<'static> {
        self.fact(aggregate, now_ms).reading()
    }

    /// What an aggregate says at `now_ms`, borrowed; a ring in order of arrival.
    pub fn fact(&self, aggregate: &Aggregate, now_ms: i64) -> Fact<'_> {
        fact(self.fields.get(aggregate.digest()), aggregate, now_ms)
    }

    /// How often a cap was counted.
    pub fn cap_count(&self, digest: u64) -> u32 {
        self.caps.iter().find(|(cap, _)| *cap == digest).map_or(0, |(_, count)| *count)
    }

    /// Appends the bytes of this record.
    pub fn encode(&self, expires_at_ms: i64, out: &mut Vec<u8>) {
        let expiry = expires_at_ms.clamp(0, EXPIRY_MS_MAX);
        out.push(VERSION);
        put_fixed(out, expiry.cast_unsigned(), EXPIRY_BYTES);
        self.encode_against(expiry, out);
    }

    fn encode_against(&self, base_ms: i64, out: &mut Vec<u8>) {
        put_count(out, self.ids.len());
        for id in &self.ids {
            put_fixed(out, *id, SHORT_HASH_BYTES);
        }
        put_count(out, self.fields.len());
        for (digest, field) in self.fields.iter() {
            put_fixed(out, digest, DIGEST_BYTES);
            field.encode(base_ms, out);
        }
        put_count(out, self.caps.len());
        for (digest, count) in &self.caps {
            put_fixed(out, *digest, DIGEST_BYTES);
            put_varint(out, u128::from(*count));
        }
    }

    /// Whether the event was new.
    fn accept(&mut self, effect: &Effect) -> bool {
        if self.ids.contains(&effect.id) {
            return false;
        }
        if self.ids.len() >= EVENT_IDS_MAX {
            self.ids.remove(0);
        }
        self.ids.push(effect.id);
        for (digest, change) in &effect.changes {
            if let Some(field) = self.fields.get_mut(*digest) {
                change.apply(effect.time_ms, field);
            } else if let Some(field) = change.start(effect.time_ms) {
                self.fields.push(*digest, field);
            }
        }
        true
    }

    fn count_cap(&mut self, digest: u64) {
        if let Some((_, count)) = self.caps.iter_mut().find(|(cap, _)| *cap == digest) {
            *count = count.saturating_add(1);
            return;
        }
        if self.caps.len() >= CAPS_MAX {
            self.caps.remove(0);
        }
        self.caps.push((digest, 1));
    }

    /// Lets the fields of other bundles go, oldest first, until the record fits.
    fn shrink(&mut self, known: &[u64]) -> u32 {
        let mut dropped = 0;
        while let Some(foreign) = self.fields.position(|digest| known.binary_search(&digest).is_err()) {
            if !self.may_outgrow() {
                break;
            }
            self.fields.remove(foreign);
            dropped += 1;
        }
        dropped
    }

    /// Whether some expiry gives more bytes than a record may have: each time takes most against this base.
    fn may_outgrow(&self) -> bool {
        let mut bytes = Vec::with_capacity(RECORD_BYTES_MAX);
        self.encode_against(i64::MIN, &mut bytes);
        1 + EXPIRY_BYTES + bytes.len() > RECORD_BYTES_MAX
    }
}

/// The greatest expiry six bytes hold: the year 10889.
const EXPIRY_MS_MAX: i64 = (1 << (8 * EXPIRY_BYTES)) - 1;

fn decode_head(reader: &mut Reader<'_>) -> Result<i64, RecordError> {
    let version = reader.byte()?;
    if version != VERSION {
        return Err(RecordError::Version(version));
    }
    Ok(reader.fixed(EXPIRY_BYTES)?.cast_signed())
}

fn decode_ids(reader: &mut Reader<'_>) -> Result<Vec<u64>, RecordError> {
    let count = reader.count(EVENT_IDS_MAX)?;
    let mut ids = Vec::with_capacity(count + 1);
    for _ in 0..count {
        ids.push(reader.fixed(SHORT_HASH_BYTES)?);
    }
    Ok(ids)
}

fn decode_fields(reader: &mut Reader<'_>, base_ms: i64) -> Result<Fields, RecordError> {
    let count = reader.count(FIELDS_MAX)?;
    let mut fields = Fields::with_capacity(count);
    for _ in 0..count {
        let digest = reader.fixed(DIGEST_BYTES)?;
        fields.push(digest, Field::decode(reader, base_ms)?);
    }
    Ok(fields)
}

fn decode_caps(reader: &mut Reader<'_>) -> Result<Vec<(u64, u32)>, RecordError> {
    let count = reader.count(CAPS_MAX)?;
    (0..count).map(|_| Ok((reader.fixed(DIGEST_BYTES)?, cap_count(reader)?))).collect()
}

fn cap_count(reader: &mut Reader<'_>) -> Result<u32, RecordError> {
    u32::try_from(reader.varint()?).map_err(|_| RecordError::Malformed("a cap counts too high"))
}
