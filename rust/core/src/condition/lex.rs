//! Text to tokens. Owns what a number, a name, a string and a comment look like in CEL; knows no grammar.

use super::escape;
use super::fault::Fault;

/// One token and the byte offset at which it begins.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    Name(&'t str),
    /// Without its sign, which the parser adds.
    Int(u64),
    Float(f64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "+", "-", "*",
    "/", "%",
];
const LONE_SIGNS: [(char, &str); 3] = [('&', "&&"), ('|', "||"), ('=', "==")];

/// Splits `text`; the last token is always [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut cursor = Cursor { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        cursor.skip_blanks();
        let at = cursor.at;
        let kind = cursor.token()?;
        let done = kind == Kind::End;
        tokens.push(Token { at, kind });
        if done {
            return Ok(tokens);
        }
    }
}

/// A place in the text that only moves forward.
pub(super) struct Cursor<'t> {
    text: &'t str,
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Kind<'t>, Fault> {
        let mut ahead = self.rest().chars();
        match (ahead.next(), ahead.next()) {
            (None, _) => Ok(Kind::End),
            (Some('0'..='9'), _) | (Some('.'), Some('0'..='9')) => self.number(),
            (Some('"' | '\''), _) => escape::string(self, false).map(Kind::Text),
            (Some(c), _) if is_name_start(c) => self.name(),
            (Some(c), _) => self.sign(c),
        }
    }

    fn sign(&mut self, c: char) -> Result<Kind<'t>, Fault> {
        if let Some(sign) = SIGNS.into_iter().find(|sign| sign.starts_with(c) && self.take(sign)) {
            return Ok(Kind::Sign(sign));
        }
        let fault = Fault::new(self.at, format!("unexpected `{}`", c.escape_debug()));
        let meant = LONE_SIGNS.into_iter().find(|(lone, _)| *lone == c);
        Err(fault.maybe_hint(meant.map(|(_, sign)| format!("write `{sign}`"))))
    }

    fn name(&mut self) -> Result<Kind<'t>, Fault> {
        let at = self.at;
        let name = self.take_while(is_name_part);
        if self.rest().starts_with(['"', '\'']) {
            return match name {
                "r" | "R" => escape::string(self, true).map(Kind::Text),
                _ if is_bytes_prefix(name) => {
                    Err(Fault::new(at, "bytes are not part of conditions").hint("write a string"))
                }
                _ => Err(Fault::new(at, format!("`{name}` stands before a string"))),
            };
        }
        Ok(Kind::Name(name))
    }

    fn number(&mut self) -> Result<Kind<'t>, Fault> {
        let at = self.at;
        let kind = if self.take("0x") { self.hex(at)? } else { self.decimal(at)? };
        if self.rest().starts_with(['u', 'U']) {
            let fault = Fault::new(at, "unsigned numbers are not part of conditions");
            return Err(fault.hint("write the number without `u`"));
        }
        if self.rest().starts_with(is_name_part) {
            return Err(Fault::new(at, "a number runs into a name"));
        }
        Ok(kind)
    }

    fn hex(&mut self, at: usize) -> Result<Kind<'t>, Fault> {
        let digits = self.take_while(|c| c.is_ascii_hexdigit());
        if digits.is_empty() {
            return Err(Fault::new(at, "a hexadecimal number has no digits"));
        }
        u64::from_str_radix(digits, 16).map(Kind::Int).map_err(|_| out_of_range(at))
    }

    fn decimal(&mut self, at: usize) -> Result<Kind<'t>, Fault> {
        self.digits();
        let fraction = self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if fraction {
            self.at += 1;
            self.digits();
        }
        let exponent = self.exponent();
        let text = self.text.get(at..self.at).unwrap_or_default();
        if !fraction && !exponent {
            return text.parse().map(Kind::Int).map_err(|_| out_of_range(at));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Kind::Float(value)),
            _ => Err(out_of_range(at)),
        }
    }

    fn digits(&mut self) {
        self.take_while(|c| c.is_ascii_digit());
    }

    fn exponent(&mut self) -> bool {
        let rest = self.rest();
        let Some(power) = rest.strip_prefix(['e', 'E']) else { return false };
        let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        self.at += rest.len() - digits.len();
        self.digits();
        true
    }
}

pub(super) fn out_of_range(at: usize) -> Fault {
    Fault::new(at, "the number is out of range").hint("ints have 64 bits with a sign, floats are finite")
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_bytes_prefix(name: &str) -> bool {
    ["b", "rb", "br"].iter().any(|prefix| name.eq_ignore_ascii_case(prefix))
}
