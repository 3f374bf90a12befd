//! Looks at a database file before it is mapped: a page that the tree names but the file lacks would kill the process that
//! touches it. Reads the file's pages itself, by LMDB's format version 1; changes nothing.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u64 = 0xbeef_c0de;
const FORMAT: u64 = 1;
const HEAD_BYTES: usize = 16;
const META_BYTES: usize = 152;
const PAGE_BYTES_MIN: u64 = 512;
const PAGE_BYTES_MAX: u64 = 65_536;

/// Deepest tree LMDB walks.
const DEPTH_MAX: usize = 32;

/// Files up to this size are read whole; of larger ones only what tells where pages lie.
const WHOLE_BYTES_MAX: u64 = 64 << 20;

const BRANCH: u64 = 0x01;
const LEAF: u64 = 0x02;
const NODE_OVERFLOW: u64 = 0x01;
const NODE_TREE: u64 = 0x02;
const NODE_HEAD_BYTES: usize = 8;
const TREE_BYTES: usize = 48;
const NO_PAGE: u64 = u64::MAX;

/// What is wrong with a database file, if anything; a file that is not there or empty is new.
pub(super) fn damage(path: &Path) -> std::io::Result<Option<&'static str>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    if bytes == 0 { Ok(None) } else { Ok(check(&file, bytes).err()) }
}

/// Where a tree starts and whether its leaves lead on to other pages.
struct Tree {
    root: u64,
    has_overflow: bool,
}

struct Checked<'f> {
    file: &'f File,
    page_bytes: u64,
    pages: u64,
    whole: bool,
    left: u64,
}

type Check<T> = Result<T, &'static str>;

fn check(file: &File, bytes: u64) -> Check<()> {
    let mut head = vec![0; HEAD_BYTES + META_BYTES];
    file.read_exact_at(&mut head, 0).map_err(|_| "it has no head")?;
    let page_bytes = number(&head, HEAD_BYTES + 24, 4)?;
    if !page_bytes.is_power_of_two() || !(PAGE_BYTES_MIN..=PAGE_BYTES_MAX).contains(&page_bytes) {
        return Err("its head is not one of a database");
    }
    let meta = newest_meta(file, page_bytes)?;
    let pages = bytes / page_bytes;
    // No tree has more pages than the file, so a cycle ends too.
    let mut checked = Checked { file, page_bytes, pages, whole: bytes <= WHOLE_BYTES_MAX, left: 2 * pages };
    checked.tree(&tree(&meta, HEAD_BYTES + 24)?, false, 0)?;
    checked.tree(&tree(&meta, HEAD_BYTES + 24 + TREE_BYTES)?, true, 0)
}

fn newest_meta(file: &File, page_bytes: u64) -> Check<Vec<u8>> {
    let mut newest: Option<(u64, Vec<u8>)> = None;
    for page in 0..2 {
        let mut meta = vec![0; HEAD_BYTES + META_BYTES];
        file.read_exact_at(&mut meta, page * page_bytes).map_err(|_| "it has no head")?;
        if number(&meta, HEAD_BYTES, 4)? != MAGIC || number(&meta, HEAD_BYTES + 4, 4)? != FORMAT {
            return Err("its head is not one of a database");
        }
        let transaction = number(&meta, HEAD_BYTES + 128, 8)?;
        if newest.as_ref().is_none_or(|(newest, _)| *newest < transaction) {
            newest = Some((transaction, meta));
        }
    }
    newest.map(|(_, meta)| meta).ok_or("it has no head")
}

fn tree(bytes: &[u8], at: usize) -> Check<Tree> {
    Ok(Tree { root: number(bytes, at + 40, 8)?, has_overflow: number(bytes, at + 24, 8)? > 0 })
}

impl Checked<'_> {
    fn tree(&mut self, tree: &Tree, holds_trees: bool, depth: usize) -> Check<()> {
        if tree.root == NO_PAGE {
            return Ok(());
        }
        self.page(tree.root, tree, holds_trees, depth)
    }

    fn page(&mut self, page: u64, tree: &Tree, holds_trees: bool, depth: usize) -> Check<()> {
        self.left = self.left.checked_sub(1).ok_or("its tree does not end")?;
        if depth > DEPTH_MAX {
            return Err("its tree is too deep");
        }
        let bytes = self.read(page)?;
        let flags = number(&bytes, 10, 2)?;
        let (lower, upper) = (number(&bytes, 12, 2)?, number(&bytes, 14, 2)?);
        if number(&bytes, 0, 8)? != page || lower < HEAD_BYTES as u64 || lower > upper || upper > self.page_bytes {
            return Err("a page is not one of its tree");
        }
        let nodes = to_index(lower - HEAD_BYTES as u64)? / 2;
        match flags & (BRANCH | LEAF) {
            BRANCH => self.branch(&bytes, nodes, tree, holds_trees, depth),
            LEAF => self.leaf(&bytes, nodes, holds_trees, depth),
            _ => Err("a page is neither branch nor leaf"),
        }
    }

    fn branch(&mut self, bytes: &[u8], nodes: usize, tree: &Tree, holds_trees: bool, depth: usize) -> Check<()> {
        for node in 0..nodes {
            let at = self.node(bytes, node)?;
            let child = number(bytes, at, 4)? | (number(bytes, at + 4, 2)? << 32);
            self.within(child, 1)?;
            if self.whole || holds_trees || tree.has_overflow || self.leads_to_branch(child)? {
                self.page(child, tree, holds_trees, depth + 1)?;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, bytes: &[u8], nodes: usize, holds_trees: bool, depth: usize) -> Check<()> {
        for node in 0..nodes {
            let at = self.node(bytes, node)?;
            let size = number(bytes, at, 4)?;
            let flags = number(bytes, at + 4, 2)?;
            let data = at + NODE_HEAD_BYTES + to_index(number(bytes, at + 6, 2)?)?;
            if flags & NODE_OVERFLOW != 0 {
                self.within(number(bytes, data, 8)?, (HEAD_BYTES as u64 + size).div_ceil(self.page_bytes))?;
            } else if bytes.len() < data + to_index(size)? {
                return Err("a value leaves its page");
            } else if holds_trees && flags & NODE_TREE != 0 {
                self.tree(&tree(bytes, data)?, false, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Where a node lies in its page.
    fn node(&self, bytes: &[u8], node: usize) -> Check<usize> {
        let at = number(bytes, HEAD_BYTES + 2 * node, 2)?;
        if at + NODE_HEAD_BYTES as u64 > self.page_bytes { Err("a node leaves its page") } else { to_index(at) }
    }

    fn leads_to_branch(&self, page: u64) -> Check<bool> {
        let mut head = [0; HEAD_BYTES];
        self.file.read_exact_at(&mut head, page * self.page_bytes).map_err(|_| "it was cut off")?;
        Ok(number(&head, 10, 2)? & BRANCH != 0)
    }

    fn within(&self, page: u64, count: u64) -> Check<()> {
        match page.checked_add(count) {
            Some(end) if end <= self.pages => Ok(()),
            _ => Err("it was cut off"),
        }
    }

    fn read(&self, page: u64) -> Check<Vec<u8>> {
        self.within(page, 1)?;
        let mut bytes = vec![0; to_index(self.page_bytes)?];
        self.file.read_exact_at(&mut bytes, page * self.page_bytes).map_err(|_| "it was cut off")?;
        Ok(bytes)
    }
}

fn number(bytes: &[u8], at: usize, count: usize) -> Check<u64> {
    let bytes = bytes.get(at..at + count).ok_or("a page is cut off")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

fn to_index(number: u64) -> Check<usize> {
    usize::try_from(number).map_err(|_| "a number is too large")
}
