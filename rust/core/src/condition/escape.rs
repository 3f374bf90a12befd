//! String literals of CEL: quotes, raw strings and escapes. Works on the lexer's cursor; knows no other token.

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
    while !cursor.take(quote) {
        let escape_at = cursor.at;
        match cursor.next() {
            Some('\\') if !raw => text.push(escape(cursor, escape_at)?),
            Some('\r') if many_lines => text.push(line_end(cursor)),
            Some('\n' | '\r') if !many_lines => return Err(open_string(at)),
            Some(c) => text.push(c),
            None => return Err(open_string(at)),
        }
    }
    Ok(text)
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

/// Writes `text` as a literal that reads back as the same text.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '\r' => literal.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => literal += &code_escape(c),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

fn code_escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}
