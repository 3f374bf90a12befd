//! A condition as a flat list of words, so that a million of them lie in one array. Owns the form and the walks over it;
//! what a leaf says comes from the caller.
//!
//! A word is a literal, or opens a group and holds how many words belong to it: operands follow in the order of the text.

use std::num::NonZeroU32;

use super::truth::{LeafId, Node, Truth};

/// The lowest bit of a word tells groups from literals, the next an or from an and; in a literal it belongs to that.
const GROUP: u32 = 0b01;
const OR: u32 = 0b10;
const KIND_BITS: u32 = 2;

/// A leaf or its negation. Both are untrue while the leaf is unknown, so neither can stand for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(NonZeroU32);

impl Literal {
    pub(crate) const fn new(leaf: LeafId, negated: bool) -> Self {
        Self::at((leaf << 1) | negated as u32)
    }

    pub(crate) const fn leaf(self) -> LeafId {
        self.number() >> 1
    }

    pub(crate) const fn is_negated(self) -> bool {
        self.number() & 1 == 1
    }

    /// Place in a list that has two entries for each leaf.
    pub(crate) const fn place(self) -> usize {
        self.number() as usize
    }

    /// Its truth, given that of its leaf.
    pub(crate) fn truth(self, leaf: Truth) -> Truth {
        if self.is_negated() { !leaf } else { leaf }
    }

    const fn from_word(word: u32) -> Self {
        Self::at(word >> 1)
    }

    const fn word(self) -> u32 {
        self.number() << 1
    }

    /// One more than the number is kept, so that an optional literal takes no more room.
    const fn at(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// One operand, or a whole condition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'p> {
    /// A leaf or its negation.
    Literal(Literal),
    /// True if all are.
    And(Parts<'p>),
    /// True if one is.
    Or(Parts<'p>),
}

/// Operands in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'p>(&'p [u32]);

impl<'p> Parts<'p> {
    pub(crate) fn iter(self) -> impl Iterator<Item = Part<'p>> {
        let mut words = self.0;
        std::iter::from_fn(move || {
            let (part, rest) = Part::split(words)?;
            words = rest;
            Some(part)
        })
    }
}

/// The condition that the words make.
pub(crate) fn root(words: &[u32]) -> Option<Part<'_>> {
    Part::split(words).map(|(part, _)| part)
}

/// The literals of the words, in the order of the text.
pub(crate) fn literals(words: &[u32]) -> impl Iterator<Item = Literal> + '_ {
    words.iter().filter(|word| *word & GROUP == 0).map(|word| Literal::from_word(*word))
}

/// Writes a tree as words.
pub(super) fn write(node: &Node, words: &mut Vec<u32>) {
    let (operands, kind) = match node {
        Node::Leaf { leaf, negated } => return words.push(Literal::new(*leaf, *negated).word()),
        Node::And(operands) => (operands, GROUP),
        Node::Or(operands) => (operands, GROUP | OR),
    };
    let opened = words.len();
    words.push(kind);
    for operand in operands {
        write(operand, words);
    }
    let inside = words.len() - opened - 1;
    if let (Some(word), Ok(inside)) = (words.get_mut(opened), u32::try_from(inside)) {
        *word = (inside << KIND_BITS) | kind;
    }
}

impl<'p> Part<'p> {
    /// The first part of the words, and the words after it.
    fn split(words: &'p [u32]) -> Option<(Self, &'p [u32])> {
        let (word, rest) = words.split_first()?;
        if word & GROUP == 0 {
            return Some((Self::Literal(Literal::from_word(*word)), rest));
        }
        let (inside, after) = rest.split_at_checked((word >> KIND_BITS) as usize)?;
        Some((if word & OR == 0 { Self::And(Parts(inside)) } else { Self::Or(Parts(inside)) }, after))
    }

    /// Its truth, asking `literal` for that of each literal it has to look at.
    pub(crate) fn truth(self, literal: &impl Fn(Literal) -> Truth) -> Truth {
        match self {
            Self::Literal(of) => literal(of),
            Self::And(parts) => decided(parts, Truth::False, literal),
            Self::Or(parts) => decided(parts, Truth::True, literal),
        }
    }

    /// Visits the literals that keep an unknown part unknown.
    pub(super) fn visit_blocking(self, literal: &impl Fn(Literal) -> Truth, visit: &mut impl FnMut(Literal)) {
        match self {
            Self::Literal(of) => visit(of),
            Self::And(parts) | Self::Or(parts) => {
                for part in parts.iter().filter(|part| part.truth(literal) == Truth::Unknown) {
                    part.visit_blocking(literal, visit);
                }
            }
        }
    }

    /// Visits the literals that made a true part true: all operands of an and, the first true one of an or.
    pub(super) fn visit_support(self, literal: &impl Fn(Literal) -> Truth, visit: &mut impl FnMut(Literal)) {
        match self {
            Self::Literal(of) => visit(of),
            Self::And(parts) => parts.iter().for_each(|part| part.visit_support(literal, visit)),
            Self::Or(parts) => {
                if let Some(part) = parts.iter().find(|part| part.truth(literal) == Truth::True) {
                    part.visit_support(literal, visit);
                }
            }
        }
    }

    /// Its canonical text, given that of a literal.
    pub(super) fn text(self, literal: &impl Fn(Literal) -> String) -> String {
        match self {
            Self::Literal(of) => literal(of),
            Self::And(parts) => joined(parts, " && ", |part| match part {
                Self::Or(_) => format!("({})", part.text(literal)),
                _ => part.text(literal),
            }),
            Self::Or(parts) => joined(parts, " || ", |part| part.text(literal)),
        }
    }
}

/// One operand of the `deciding` kind decides; else one unknown leaves all unknown.
fn decided(parts: Parts<'_>, deciding: Truth, literal: &impl Fn(Literal) -> Truth) -> Truth {
    let mut truth = !deciding;
    for part in parts.iter() {
        match part.truth(literal) {
            found if found == deciding => return deciding,
            Truth::Unknown => truth = Truth::Unknown,
            _ => {}
        }
    }
    truth
}

fn joined<'p>(parts: Parts<'p>, sign: &str, text: impl Fn(Part<'p>) -> String) -> String {
    parts.iter().map(text).collect::<Vec<_>>().join(sign)
}
