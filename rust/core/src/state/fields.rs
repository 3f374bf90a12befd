//! The fields of a record, by digest and in the order in which they came. Digests lie together: they are searched far more
//! often than fields are touched.

use super::field::Field;

/// Fields with their digests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    digests: Vec<u64>,
    values: Vec<Field>,
}

impl Fields {
    /// No fields yet, but room for so many.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { digests: Vec::with_capacity(count), values: Vec::with_capacity(count) }
    }

    pub(super) fn get(&self, digest: u64) -> Option<&Field> {
        self.values.get(self.place(digest)?)
    }

    pub(super) fn get_mut(&mut self, digest: u64) -> Option<&mut Field> {
        let place = self.place(digest)?;
        self.values.get_mut(place)
    }

    /// Adds a field that is not there yet.
    pub(super) fn push(&mut self, digest: u64, field: Field) {
        self.digests.push(digest);
        self.values.push(field);
    }

    /// The place of the first field whose digest is meant.
    pub(super) fn position(&self, is_meant: impl Fn(u64) -> bool) -> Option<usize> {
        self.digests.iter().position(|digest| is_meant(*digest))
    }

    /// Removes the field at a place.
    pub(super) fn remove(&mut self, place: usize) {
        if place < self.digests.len() {
            self.digests.remove(place);
            self.values.remove(place);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Field)> {
        self.digests.iter().copied().zip(&self.values)
    }

    fn place(&self, digest: u64) -> Option<usize> {
        self.position(|known| known == digest)
    }
}
