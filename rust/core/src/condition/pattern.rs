//! Patterns of `matches`: RE2's reading of a regular expression on top of the regex crate. Owns the translation; linear time.
//!
//! RE2 reads `\d \w \s \b` as ASCII while `.` and classes still match whole characters. What the two engines read
//! differently, and has no translation, is refused.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, Span};

/// The largest compiled pattern, in bytes; matching costs at most its size times the length of the text.
const MAX_PROGRAM_BYTES: usize = 512 * 1024;
/// What a pattern may remember between matches to be quicker, in bytes a thread.
const MAX_CACHE_BYTES: usize = 256 * 1024;
/// The longest pattern, in bytes of text.
const MAX_PATTERN_BYTES: usize = 4 * 1024;
/// How deep groups may nest.
const MAX_NESTING: u32 = 32;
/// What RE2 allows in `{n,m}`.
const MAX_REPEATS: u32 = 1_000;

/// A compiled pattern and the text it came from.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    /// Over bytes, because only there may `\B` stand for its ASCII meaning.
    regex: Regex,
}

impl Pattern {
    /// Compiles `text`, or says what is wrong with it.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!("a pattern has at most {MAX_PATTERN_BYTES} bytes"));
        }
        let translated = translate(text)?;
        let mut builder = RegexBuilder::new(&translated);
        builder.size_limit(MAX_PROGRAM_BYTES).dfa_size_limit(MAX_CACHE_BYTES).nest_limit(2 * MAX_NESTING);
        let regex = builder.build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large once compiled".to_owned(),
            error => last_line(&error.to_string()),
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether the pattern occurs anywhere in `text`.
    pub(super) fn occurs_in(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

fn last_line(message: &str) -> String {
    let line = message.lines().next_back().unwrap_or_default();
    line.trim().trim_start_matches("error: ").to_owned()
}

fn translate(text: &str) -> Result<String, String> {
    let mut parser = ast::parse::ParserBuilder::new().nest_limit(MAX_NESTING).build();
    let ast = parser.parse(text).map_err(|error| error.kind().to_string())?;
    let edits = ast::visit(&ast, Translator::default())?;
    let mut translated = String::with_capacity(text.len());
    let mut copied = 0;
    for (span, replacement) in edits {
        translated.push_str(text.get(copied..span.start.offset).unwrap_or_default());
        translated.push_str(replacement);
        copied = span.end.offset;
    }
    translated.push_str(text.get(copied..).unwrap_or_default());
    Ok(translated)
}

/// Walks a pattern in the order of its text and notes what to write instead.
#[derive(Default)]
struct Translator {
    edits: Vec<(Span, &'static str)>,
}

impl ast::Visitor for Translator {
    type Output = Vec<(Span, &'static str)>;
    type Err = String;

    fn finish(self) -> Result<Self::Output, String> {
        Ok(self.edits)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::ClassPerl(class) => self.edits.push((class.span, perl(class))),
            Ast::Assertion(assertion) => self.assertion(assertion)?,
            Ast::Repetition(repetition) => check_repetition(repetition)?,
            Ast::Flags(flags) => check_flags(&flags.flags)?,
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    check_flags(flags)?;
                }
            }
            Ast::Literal(literal) => check_literal(literal)?,
            Ast::ClassBracketed(class) => check_dashes(&class.kind)?,
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        match item {
            ast::ClassSetItem::Perl(class) => self.edits.push((class.span, perl(class))),
            ast::ClassSetItem::Bracketed(_) => return Err("write `\\[` for a bracket inside a class".to_owned()),
            ast::ClassSetItem::Literal(literal) => check_literal(literal)?,
            ast::ClassSetItem::Range(range) => {
                check_literal(&range.start)?;
                check_literal(&range.end)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), String> {
        Err("write `&&`, `--` and `~~` inside a class with backslashes".to_owned())
    }
}

impl Translator {
    fn assertion(&mut self, assertion: &ast::Assertion) -> Result<(), String> {
        use ast::AssertionKind as Kind;
        match assertion.kind {
            Kind::WordBoundary => self.edits.push((assertion.span, r"(?-u:\b)")),
            Kind::NotWordBoundary => self.edits.push((assertion.span, r"(?-u:\B)")),
            Kind::StartLine | Kind::EndLine | Kind::StartText | Kind::EndText => {}
            _ => return Err("this word boundary is not part of RE2; write `\\b`".to_owned()),
        }
        Ok(())
    }
}

/// RE2's classes; its `\s` has no vertical tab.
fn perl(class: &ast::ClassPerl) -> &'static str {
    match (&class.kind, class.negated) {
        (ast::ClassPerlKind::Digit, false) => "[0-9]",
        (ast::ClassPerlKind::Digit, true) => "[^0-9]",
        (ast::ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
        (ast::ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
        (ast::ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ast::ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
    }
}

fn check_repetition(repetition: &ast::Repetition) -> Result<(), String> {
    if matches!(*repetition.ast, Ast::Repetition(_)) {
        return Err("a repetition is repeated; put the inner one in `(?:...)`".to_owned());
    }
    let most = match &repetition.op.kind {
        ast::RepetitionKind::Range(
            ast::RepetitionRange::Exactly(most)
            | ast::RepetitionRange::AtLeast(most)
            | ast::RepetitionRange::Bounded(_, most),
        ) => *most,
        _ => 0,
    };
    if most > MAX_REPEATS { Err(format!("a repetition counts at most to {MAX_REPEATS}")) } else { Ok(()) }
}

fn check_flags(flags: &ast::Flags) -> Result<(), String> {
    use ast::Flag;
    let foreign = |item: &ast::FlagsItem| {
        matches!(item.kind, ast::FlagsItemKind::Flag(Flag::Unicode | Flag::IgnoreWhitespace | Flag::CRLF))
    };
    if flags.items.iter().any(foreign) { Err("the flags are `i`, `m`, `s` and `U`".to_owned()) } else { Ok(()) }
}

/// A bare `-` between items makes a range in RE2 where the regex crate reads the character.
fn check_dashes(class: &ast::ClassSet) -> Result<(), String> {
    let ast::ClassSet::Item(ast::ClassSetItem::Union(union)) = class else { return Ok(()) };
    let is_dash = |item: &ast::ClassSetItem| {
        matches!(item, ast::ClassSetItem::Literal(ast::Literal { kind: ast::LiteralKind::Verbatim, c: '-', .. }))
    };
    match union.items.as_slice() {
        [_, between @ .., _] if between.iter().any(is_dash) => Err("write `\\-` for a dash inside a class".to_owned()),
        _ => Ok(()),
    }
}

fn check_literal(literal: &ast::Literal) -> Result<(), String> {
    use ast::{HexLiteralKind, LiteralKind};
    match literal.kind {
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err("write a character by its code as `\\x{...}`".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurs(pattern: &str, text: &str) -> bool {
        Pattern::compile(pattern).unwrap().occurs_in(text)
    }

    #[test]
    fn it_is_not_anchored() {
        assert!(occurs("ubb", "hubba"));
        assert!(!occurs("^ubb", "hubba"));
        assert!(!occurs("a$", "a\n"));
    }

    #[test]
    fn classes_are_ascii_but_characters_stay_whole() {
        assert!(!occurs(r"\d", "\u{663}"));
        assert!(!occurs(r"\w", "\u{e9}"));
        assert!(!occurs(r"\s", "\u{a0}"));
        assert!(!occurs(r"\s", "\u{b}"));
        assert!(occurs(r"^\W$", "\u{e9}"));
        assert!(occurs(r"^[^\d]$", "\u{1f600}"));
        assert!(occurs(r"^.$", "\u{1f600}"));
        assert!(occurs(r"\bcaf\b", "caf\u{e9}"));
        assert!(!occurs(r"caf\B", "caf\u{e9}"));
        assert!(occurs(r"(a|\x{1F600}){2}", "\u{1f600}\u{1f600}"));
        assert!(occurs(r"(?i)^\x{E9}$", "\u{c9}"));
        assert!(occurs(r"(?i)^\pL{1,10}[^\pL]$", "\u{c9}t\u{e9}!"));
    }

    #[test]
    fn what_re2_reads_otherwise_is_refused() {
        for pattern in [
            "(",
            "[a",
            "a**",
            "a{2}{3}",
            "(?x)a",
            "(?-u)a",
            "(?u:a)",
            "[[a]]",
            "[a&&b]",
            "[a--b]",
            r"\<a",
            r"\b{start}a",
            r"\u0041",
            r"\1",
            "(?=a)",
            "a{1001}",
            "a{,5}",
            "[-- ]",
        ] {
            assert!(Pattern::compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(Pattern::compile(r"(?:\pL{1000}){1000}").unwrap_err(), "it is too large once compiled");
        assert!(Pattern::compile(&"a".repeat(MAX_PATTERN_BYTES + 1)).is_err());
        assert!(Pattern::compile(&"(".repeat(1_000)).is_err());
    }
}
