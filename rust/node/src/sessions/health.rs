//! Looks at a database file before it is mapped: a page that a tree names but the file lacks, or that is no page of a tree,
//! would take the process down that touches it. Reads the file itself, by LMDB's format version 1; changes nothing.
//!
//! Files up to a size are read whole. Of larger ones the branches are, which tell where all other pages lie.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::page::{Check, HEAD_BYTES, Meta, Node, OVERFLOW, Page, Tree, number, to_index};

/// Files up to this size are read whole.
const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// Deepest tree LMDB walks.
const DEPTH_MAX: usize = 32;

/// The two pages that start a file.
const META_PAGES: u64 = 2;

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

fn check(file: &File, bytes: u64) -> Check<()> {
    let meta = Meta::read(file)?;
    let pages = (bytes / meta.page_bytes).min(meta.last_page + 1);
    let mut walk = Walk {
        file,
        page_bytes: meta.page_bytes,
        pages,
        used: vec![false; to_index(pages)?],
        reads_leaves: bytes <= WHOLE_BYTES_MAX,
    };
    walk.tree(&meta.main, Holds::Trees)?;
    walk.tree(&meta.free, Holds::FreePages)
}

/// What the leaves of a tree hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// The main tree: databases.
    Trees,
    /// A database: records.
    Records,
    /// The list of pages to be used again.
    FreePages,
}

struct Walk<'f> {
    file: &'f File,
    page_bytes: u64,
    pages: u64,
    used: Vec<bool>,
    reads_leaves: bool,
}

impl Walk<'_> {
    fn tree(&mut self, tree: &Tree, holds: Holds) -> Check<()> {
        match tree.root {
            Some(root) if (1..=DEPTH_MAX).contains(&tree.depth) => self.page(root, tree, holds, tree.depth),
            Some(_) => Err("a tree is too deep"),
            None => Ok(()),
        }
    }

    /// A page `height` levels above nothing: 1 is a leaf.
    fn page(&mut self, page: u64, tree: &Tree, holds: Holds, height: usize) -> Check<()> {
        self.take(page, 1)?;
        if height == 1 && !self.reads_leaves && holds == Holds::Records && !tree.has_overflow {
            return Ok(());
        }
        let page = Page::parse(self.read(page)?, page)?;
        if page.is_leaf != (height == 1) {
            return Err("a branch of a tree is longer than another");
        }
        for index in 0..page.nodes {
            match page.node(index)? {
                Node::Branch(child) => self.page(child, tree, holds, height - 1)?,
                Node::Overflow(first, bytes) => self.overflow(first, bytes, holds)?,
                Node::Tree(below) if holds == Holds::Trees => self.tree(&Tree::parse(below)?, Holds::Records)?,
                Node::Tree(_) => return Err("a tree lies where none belongs"),
                Node::Value(value) if holds == Holds::FreePages => self.free(value)?,
                Node::Value(_) => {}
            }
        }
        Ok(())
    }

    fn overflow(&mut self, first: u64, bytes: u64, holds: Holds) -> Check<()> {
        let count = (HEAD_BYTES as u64 + bytes).div_ceil(self.page_bytes);
        self.take(first, count)?;
        let mut value = vec![0; HEAD_BYTES];
        self.read_at(first, &mut value)?;
        if number(&value, 0, 8)? != first || number(&value, 10, 2)? != OVERFLOW || number(&value, 12, 4)? != count {
            return Err("a long value does not lie where it should");
        }
        if holds == Holds::FreePages {
            value.resize(HEAD_BYTES + to_index(bytes)?, 0);
            self.read_at(first, &mut value)?;
            self.free(value.get(HEAD_BYTES..).unwrap_or_default())?;
        }
        Ok(())
    }

    /// A list of free pages: how many, then each. They may lie behind the end of the file, but in no tree.
    fn free(&mut self, list: &[u8]) -> Check<()> {
        let count = to_index(number(list, 0, 8)?)?;
        if count.checked_add(1).and_then(|words| words.checked_mul(8)) != Some(list.len()) {
            return Err("a list of free pages has the wrong length");
        }
        for index in 1..=count {
            let page = number(list, index * 8, 8)?;
            if page < META_PAGES || (page < self.pages && self.mark(page)?) {
                return Err("a page is both free and used");
            }
        }
        Ok(())
    }

    /// Takes pages for a tree: they are in the file, and nobody else has them.
    fn take(&mut self, first: u64, count: u64) -> Check<()> {
        let end = first.checked_add(count).filter(|end| *end <= self.pages).ok_or("it was cut off")?;
        for page in first..end {
            if page < META_PAGES || self.mark(page)? {
                return Err("a page is used twice");
            }
        }
        Ok(())
    }

    /// Whether the page was marked before.
    fn mark(&mut self, page: u64) -> Check<bool> {
        let used = self.used.get_mut(to_index(page)?).ok_or("it was cut off")?;
        Ok(std::mem::replace(used, true))
    }

    fn read(&self, page: u64) -> Check<Vec<u8>> {
        let mut bytes = vec![0; to_index(self.page_bytes)?];
        self.read_at(page, &mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, page: u64, bytes: &mut [u8]) -> Check<()> {
        self.file.read_exact_at(bytes, page * self.page_bytes).map_err(|_| "it was cut off")
    }
}
