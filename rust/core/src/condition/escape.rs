//! String literals of CEL: quotes, raw strings and escapes. Works on the lexer's cursor; knows no other token.

use std::fmt::{self, Display, Formatter};

use super::fault::Fault;
use super::lex::Cursor;

/// Reads one string literal, the cursor being on its opening quote.
pub(super) fn string(cursor: &mut Cursor<'_>, raw: bool) -> Result<String, Fault> {
    let at = cursor.at;
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let Some(quote) = quotes.into_iter().find(|quote| cursor.take(quote)) else {
        return Err(Fault::new(at, "expected a string"));
    };
    let many_lines = quote.len() == 3;
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(is_plain));
        if cursor.take(quote) {
            return Ok(text);
        }
        let escape_at = cursor.at;
        match cursor.next() {
            Some('\\') if !raw => text.push(escape(cursor, escape_at)?),
            Some('\r') if many_lines => text.push(line_end(cursor)),
            Some('\n' | '\r') if !many_lines => return Err(open_string(at)),
            Some(c) => text.push(c),
            None => return Err(open_string(at)),
        }
    }
}

/// Whether it can only stand for itself.
const fn is_plain(c: char) -> bool {
    !matches!(c, '"' | '\'' | '\\' | '\n' | '\r')
}

/// CEL reads every end of line in a string as `\n`.
fn line_end(cursor: &mut Cursor<'_>) -> char {
    cursor.take("\n");
    '\n'
}

fn open_string(at: usize) -> Fault {
    Fault::new(at, "the string is not closed").hint("end it with the quote it began with, on the same line")
}

fn escape(cursor: &mut Cursor<'_>, at: usize) -> Result<char, Fault> {
    let code = match cursor.next() {
        Some('a') => 0x07,
        Some('b') => 0x08,
        Some('f') => 0x0c,
        Some('n') => 0x0a,
        Some('r') => 0x0d,
        Some('t') => 0x09,
        Some('v') => 0x0b,
        Some(c @ ('\\' | '?' | '"' | '\'' | '`')) => return Ok(c),
        Some('x' | 'X') => code(cursor, at, 2, 16)?,
        Some('u') => code(cursor, at, 4, 16)?,
        Some('U') => code(cursor, at, 8, 16)?,
        Some(c @ '0'..='3') => c.to_digit(8).unwrap_or_default() * 64 + code(cursor, at, 2, 8)?,
        _ => {
            return Err(
                Fault::new(at, "unknown escape").hint("write `\\\\` for a backslash, or a raw string: r\"...\"")
            );
        }
    };
    char::from_u32(code).ok_or_else(|| Fault::new(at, "the escape is not a Unicode character"))
}

fn code(cursor: &mut Cursor<'_>, at: usize, digits: usize, radix: u32) -> Result<u32, Fault> {
    let text = cursor.rest().get(..digits).filter(|text| text.chars().all(|c| c.is_digit(radix)));
    let code = text.and_then(|text| u32::from_str_radix(text, radix).ok());
    cursor.at += digits;
    code.ok_or_else(|| Fault::new(at, format!("the escape needs {digits} more digits of base {radix}")))
}

/// A text as a literal that reads back as the same text.
pub(super) struct Quoted<'t>(pub(super) &'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut plain = 0;
        for (at, c) in self.0.char_indices().filter(|(_, c)| is_escaped(*c)) {
            f.write_str(self.0.get(plain..at).unwrap_or_default())?;
            plain = at + c.len_utf8();
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                c => write!(f, "\\u{:04x}", u32::from(c))?,
            }
        }
        f.write_str(self.0.get(plain..).unwrap_or_default())?;
        f.write_str("\"")
    }
}

fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}') || c.is_control()
}
