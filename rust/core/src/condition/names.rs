//! Which names signals may have. Owns the reserved words of CEL; the compiler and the book ask here.

use std::collections::HashSet;

/// The longest name of a signal, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// Words that CEL reads as something else wherever they stand.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
/// The root below which constants live.
pub(super) const POLICY: &str = "policy";

/// A name that no signal may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    /// The name.
    pub name: String,
    /// What is wrong with it: lower case, no full stop.
    pub message: String,
}

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// Every name that may not be declared, in the given order: malformed, reserved, or a dotted prefix of another.
pub fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<NameError> {
    let names: Vec<&str> = names.into_iter().collect();
    let mut prefixes: HashSet<&str> = HashSet::new();
    for name in names.iter().filter(|name| name.len() <= MAX_NAME_BYTES) {
        prefixes.extend(name.match_indices('.').filter_map(|(at, _)| name.get(..at)));
    }
    let wrong = |name: &&str| Some(NameError { name: (*name).to_owned(), message: fault(name, &prefixes)? });
    names.iter().filter_map(wrong).collect()
}

fn fault(name: &str, prefixes: &HashSet<&str>) -> Option<String> {
    if name.len() > MAX_NAME_BYTES {
        return Some(format!("a signal's name has at most {MAX_NAME_BYTES} bytes, this one has {}", name.len()));
    }
    if !name.split('.').all(is_segment) {
        return Some(format!("`{name}` is not a name; write letters, digits and `_`, in parts joined by `.`"));
    }
    if let Some(word) = name.split('.').find(|word| is_reserved(word)) {
        return Some(format!("`{name}` contains `{word}`, a word of the condition language; choose another"));
    }
    if name.split('.').next() == Some(POLICY) {
        return Some(format!("`{name}` is taken; names under `{POLICY}` are business constants"));
    }
    prefixes.contains(name).then(|| format!("`{name}` is also the beginning of another name; choose another"))
}

fn is_segment(segment: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    segment.starts_with(|c: char| word(c) && !c.is_ascii_digit()) && segment.chars().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(names: &[&str]) -> Vec<String> {
        check_names(names.iter().copied()).into_iter().map(|error| error.name).collect()
    }

    #[test]
    fn ordinary_names_pass() {
        assert!(bad(&["order.channel", "order.days", "age", "_x.Y1", "orders", "size", "duration"]).is_empty());
    }

    #[test]
    fn words_of_the_language_are_refused() {
        assert_eq!(bad(&["true", "a.in", "package.x", "while", "policy", "policy.x", "policies"]).len(), 6);
    }

    #[test]
    fn a_prefix_of_another_is_refused() {
        assert_eq!(bad(&["order", "order.channel", "ord"]), ["order"]);
        assert_eq!(bad(&["a.b.c", "a", "a.b"]), ["a", "a.b"]);
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for name in ["", ".", "a.", ".a", "a..b", "1a", "a-b", "a b", "\u{e9}", &long] {
            assert_eq!(bad(&[name]), [name], "{name}");
        }
    }
}
