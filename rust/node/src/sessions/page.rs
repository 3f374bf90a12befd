//! Pages of LMDB's file format, version 1, little-endian, as far as telling a sound one from a damaged one takes.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::MAP_BYTES_MAX;

pub(super) const HEAD_BYTES: usize = 16;
pub(super) const OVERFLOW: u64 = 0x04;

const TREE_BYTES: usize = 48;
const META_BYTES: usize = HEAD_BYTES + 136;
const PAGE_BYTES_MIN: u64 = 512;
const PAGE_BYTES_MAX: u64 = 32_768;

const MAGIC: u64 = 0xbeef_c0de;
const FORMAT: u64 = 1;

const BRANCH: u64 = 0x01;
const LEAF: u64 = 0x02;
const META: u64 = 0x08;

const NODE_HEAD_BYTES: usize = 8;
const NODE_VALUE: u64 = 0x00;
const NODE_OVERFLOW: u64 = 0x01;
const NODE_TREE: u64 = 0x02;

const NO_PAGE: u64 = u64::MAX;

/// What was found, or what is wrong.
pub(super) type Check<T> = Result<T, &'static str>;

/// Where the trees of a file start, as of its last transaction.
pub(super) struct Meta {
    pub(super) page_bytes: u64,
    /// The last page in use; the file may end before it if the pages in between are free.
    pub(super) last_page: u64,
    pub(super) free: Tree,
    pub(super) main: Tree,
}

/// A tree: its root, its depth, and whether values may lie outside of its leaves.
pub(super) struct Tree {
    pub(super) root: Option<u64>,
    pub(super) depth: usize,
    pub(super) has_overflow: bool,
}

/// A branch or leaf page.
pub(super) struct Page {
    bytes: Vec<u8>,
    pub(super) is_leaf: bool,
    pub(super) nodes: usize,
}

/// What a node leads to or holds.
pub(super) enum Node<'p> {
    /// The page below.
    Branch(u64),
    /// A value of so many bytes from this page on.
    Overflow(u64, u64),
    /// A tree.
    Tree(&'p [u8]),
    /// A value.
    Value(&'p [u8]),
}

impl Meta {
    /// The newer of the two heads of a file; both must be sound, as either may be needed next.
    pub(super) fn read(file: &File) -> Check<Self> {
        let first = head(file, 0)?;
        let page_bytes = number(&first, HEAD_BYTES + 24, 4)?;
        if !page_bytes.is_power_of_two() || !(PAGE_BYTES_MIN..=PAGE_BYTES_MAX).contains(&page_bytes) {
            return Err("its head is not one of a database");
        }
        let second = head(file, page_bytes)?;
        let transaction = |head: &[u8]| number(head, HEAD_BYTES + 128, 8);
        let newest = if transaction(&second)? > transaction(&first)? { second } else { first };
        let (map_bytes, last_page) = (number(&newest, HEAD_BYTES + 16, 8)?, number(&newest, HEAD_BYTES + 120, 8)?);
        if number(&newest, HEAD_BYTES + 24, 4)? != page_bytes
            || map_bytes > MAP_BYTES_MAX as u64
            || last_page >= MAP_BYTES_MAX as u64 / page_bytes
        {
            return Err("its head is not one of a database");
        }
        let trees = newest.get(HEAD_BYTES + 24..).unwrap_or_default();
        let free = Tree::parse_unflagged(trees)?;
        let main = Tree::parse(trees.get(TREE_BYTES..).unwrap_or_default())?;
        Ok(Self { page_bytes, last_page, free, main })
    }
}

fn head(file: &File, at: u64) -> Check<Vec<u8>> {
    let mut head = vec![0; META_BYTES];
    file.read_exact_at(&mut head, at).map_err(|_| "it has no head")?;
    let is_head = number(&head, 10, 2)? == META
        && number(&head, HEAD_BYTES, 4)? == MAGIC
        && number(&head, HEAD_BYTES + 4, 4)? == FORMAT;
    if is_head { Ok(head) } else { Err("its head is not one of a database") }
}

impl Tree {
    /// A tree of plain keys and values, the only ones there are here.
    pub(super) fn parse(bytes: &[u8]) -> Check<Self> {
        if number(bytes, 0, 4)? != 0 || number(bytes, 4, 2)? != 0 {
            return Err("a tree is of another kind");
        }
        Self::parse_unflagged(bytes)
    }

    /// The list of free pages, whose flags are those of the file.
    fn parse_unflagged(bytes: &[u8]) -> Check<Self> {
        let root = number(bytes, 40, 8)?;
        Ok(Self {
            root: (root != NO_PAGE).then_some(root),
            depth: to_index(number(bytes, 6, 2)?)?,
            has_overflow: number(bytes, 24, 8)? > 0,
        })
    }
}

impl Page {
    pub(super) fn parse(bytes: Vec<u8>, at: u64) -> Check<Self> {
        let (flags, lower, upper) = (number(&bytes, 10, 2)?, number(&bytes, 12, 2)?, number(&bytes, 14, 2)?);
        let room = HEAD_BYTES as u64..=bytes.len() as u64;
        if number(&bytes, 0, 8)? != at || !room.contains(&lower) || !room.contains(&upper) || lower > upper {
            return Err("a page is not one of its tree");
        }
        let nodes = to_index(lower - HEAD_BYTES as u64)? / 2;
        let is_leaf = match flags {
            BRANCH if nodes > 1 => false,
            LEAF if nodes > 0 => true,
            _ => return Err("a page is neither branch nor leaf"),
        };
        let page = Self { bytes, is_leaf, nodes };
        page.check_packed(to_index(upper)?)?;
        Ok(page)
    }

    pub(super) fn node(&self, index: usize) -> Check<Node<'_>> {
        let (at, data) = self.place(index)?;
        let (low, flags) = (number(&self.bytes, at, 4)?, number(&self.bytes, at + 4, 2)?);
        if !self.is_leaf {
            return Ok(Node::Branch(low | (flags << 32)));
        }
        match flags {
            NODE_OVERFLOW => Ok(Node::Overflow(number(&self.bytes, data, 8)?, low)),
            NODE_TREE if to_index(low)? == TREE_BYTES => self.value(data, TREE_BYTES).map(Node::Tree),
            NODE_VALUE => self.value(data, to_index(low)?).map(Node::Value),
            _ => Err("a node is of another kind"),
        }
    }

    /// Nodes fill the page from `upper` to its end without gap or overlap: LMDB moves them by their sizes.
    fn check_packed(&self, upper: usize) -> Check<()> {
        let mut extents = Vec::with_capacity(self.nodes);
        for index in 0..self.nodes {
            let (at, data) = self.place(index)?;
            let value_bytes = match self.node(index)? {
                Node::Branch(_) => 0,
                Node::Overflow(..) => 8,
                Node::Tree(value) | Node::Value(value) => value.len(),
            };
            extents.push((at, (data + value_bytes).next_multiple_of(2)));
        }
        extents.sort_unstable();
        let end = extents.into_iter().try_fold(upper, |end, (at, next)| (at == end).then_some(next));
        if end == Some(self.bytes.len()) { Ok(()) } else { Err("the nodes of a page overlap") }
    }

    /// Where a node and its data begin.
    fn place(&self, index: usize) -> Check<(usize, usize)> {
        let at = to_index(number(&self.bytes, HEAD_BYTES + 2 * index, 2)?)?;
        let data = at + NODE_HEAD_BYTES + to_index(number(&self.bytes, at + 6, 2)?)?;
        if data > self.bytes.len() { Err("a node leaves its page") } else { Ok((at, data)) }
    }

    fn value(&self, at: usize, bytes: usize) -> Check<&[u8]> {
        at.checked_add(bytes).and_then(|end| self.bytes.get(at..end)).ok_or("a value leaves its page")
    }
}

/// A little-endian number of up to eight bytes.
pub(super) fn number(bytes: &[u8], at: usize, count: usize) -> Check<u64> {
    let bytes = at.checked_add(count).and_then(|end| bytes.get(at..end)).ok_or("a page is cut off")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

pub(super) fn to_index(number: u64) -> Check<usize> {
    usize::try_from(number).map_err(|_| "a number is too large")
}
