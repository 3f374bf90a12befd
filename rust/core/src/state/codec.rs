//! Numbers and bytes of a record, written and read. Whatever bytes come in, reading ends in a value or a [`RecordError`].

use std::fmt;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end too early.
    Truncated,
    /// Written by a version this one does not know.
    Version(u8),
    /// A part holds what no record holds.
    Malformed(&'static str),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the record ends too early"),
            Self::Version(version) => write!(f, "the record has the unknown version {version}"),
            Self::Malformed(part) => write!(f, "the record is malformed: {part}"),
        }
    }
}

impl std::error::Error for RecordError {}

/// Bytes still to be read.
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, RecordError> {
        let (first, rest) = self.rest.split_first().ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A little-endian number of `count` bytes, at most 8.
    pub(super) fn fixed(&mut self, count: usize) -> Result<u64, RecordError> {
        let mut bytes = [0; 8];
        let taken = self.take(count)?;
        bytes.get_mut(..taken.len()).ok_or(RecordError::Malformed("a number is too long"))?.copy_from_slice(taken);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn varint(&mut self) -> Result<u128, RecordError> {
        let mut number = 0_u128;
        // Nearly all are small.
        if let Some((first, rest)) = self.rest.split_first().filter(|(first, _)| **first < 0x80) {
            self.rest = rest;
            return Ok(u128::from(*first));
        }
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift == 126 && byte > 3 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(RecordError::Malformed("a number is too long"))
    }

    pub(super) fn varint_u64(&mut self) -> Result<u64, RecordError> {
        u64::try_from(self.varint()?).map_err(|_| RecordError::Malformed("a number is too large"))
    }

    /// A count of things that follow, at most `max` of them.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, RecordError> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if count > max { Err(RecordError::Malformed("too many parts")) } else { Ok(count) }
    }

    pub(super) fn signed(&mut self) -> Result<i128, RecordError> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(super) fn signed_i64(&mut self) -> Result<i64, RecordError> {
        i64::try_from(self.signed()?).map_err(|_| RecordError::Malformed("a number is too large"))
    }

    /// A time written with [`put_time`] against the same base.
    pub(super) fn time(&mut self, base_ms: i64) -> Result<i64, RecordError> {
        Ok(base_ms.wrapping_add(self.signed_i64()?))
    }

    pub(super) fn float(&mut self) -> Result<f64, RecordError> {
        let number = f64::from_bits(self.fixed(8)?);
        if number.is_finite() { Ok(number) } else { Err(RecordError::Malformed("a float is not finite")) }
    }

    pub(super) fn text(&mut self, bytes_max: usize) -> Result<Box<str>, RecordError> {
        let count = self.count(bytes_max)?;
        let text = std::str::from_utf8(self.take(count)?).map_err(|_| RecordError::Malformed("text is not UTF-8"))?;
        Ok(text.into())
    }
}

pub(super) fn put_fixed(out: &mut Vec<u8>, number: u64, count: usize) {
    out.extend_from_slice(number.to_le_bytes().get(..count).unwrap_or_default());
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u128) {
    loop {
        let low = number.to_le_bytes().first().copied().unwrap_or_default() & 0x7f;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, count as u128);
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i128) {
    put_varint(out, ((number << 1) ^ (number >> 127)).cast_unsigned());
}

/// Times are near each other and near the record's expiry: written as the distance to it they take three bytes or so.
pub(super) fn put_time(out: &mut Vec<u8>, time_ms: i64, base_ms: i64) {
    put_signed(out, i128::from(time_ms.wrapping_sub(base_ms)));
}

pub(super) fn put_float(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}
