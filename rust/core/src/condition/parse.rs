//! Tokens to a syntax tree, by precedence climbing. Owns the grammar and its bounds; knows no types and no names.

use super::fault::Fault;
use super::lex::{self, Kind, Token};
use super::names::is_reserved;
use super::syntax::{Call, Expr, ExprKind, Relation};
use crate::value::Value;

/// The longest text of a condition, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// How deep brackets, calls and lists may nest.
pub const MAX_DEPTH: usize = 64;

const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;

/// Reads a whole condition.
pub(super) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the condition has {} bytes; at most {MAX_TEXT_BYTES} are allowed", text.len());
        return Err(Fault::new(0, message));
    }
    let mut parser = Parser { tokens: lex::tokens(text)?.into_iter().peekable(), depth: 0, end: text.len() };
    let expr = parser.expression(OR)?;
    match parser.peek() {
        Kind::End => Ok(expr),
        _ => Err(parser.unexpected("an operator")),
    }
}

struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
    depth: usize,
    end: usize,
}

impl<'t> Parser<'t> {
    fn at(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |token| token.at)
    }

    fn peek(&mut self) -> &Kind<'t> {
        self.tokens.peek().map_or(&Kind::End, |token| &token.kind)
    }

    fn take(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token.kind, Kind::Sign(found) if found == sign)).is_some()
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), Fault> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&mut self, wanted: &str) -> Fault {
        let at = self.at();
        let found = match self.peek() {
            Kind::Name(name) => format!("`{name}`"),
            Kind::Sign(sign) => format!("`{sign}`"),
            Kind::Int(_) | Kind::Float(_) => "a number".to_owned(),
            Kind::Text(_) => "a string".to_owned(),
            Kind::End => "the end".to_owned(),
        };
        let meant = match self.peek() {
            Kind::Name(name) => sign_meant(name),
            _ => None,
        };
        Fault::new(at, format!("expected {wanted}, found {found}")).maybe_hint(meant)
    }

    fn expression(&mut self, min: u8) -> Result<Expr, Fault> {
        let mut left = self.unary()?;
        while let Some((power, relation)) = self.infix()? {
            if power < min {
                break;
            }
            let at = self.at();
            self.tokens.next();
            let right = self.expression(power + 1)?;
            left = match relation {
                Some(relation) => self.relation(at, relation, left, right)?,
                None => join(power, left, right),
            };
        }
        Ok(left)
    }

    /// The power of the operator that comes next, without taking it.
    fn infix(&mut self) -> Result<Option<(u8, Option<Relation>)>, Fault> {
        let at = self.at();
        let sign = match self.peek() {
            Kind::Sign(sign) => *sign,
            Kind::Name("in") => "in",
            _ => return Ok(None),
        };
        match sign {
            "||" => Ok(Some((OR, None))),
            "&&" => Ok(Some((AND, None))),
            "+" | "-" | "*" | "/" | "%" => Err(arithmetic(at)),
            "?" => Err(Fault::new(at, "`?:` is not part of conditions").hint("join conditions with `&&` and `||`")),
            "{" => Err(no_maps(at)),
            _ => Ok(Relation::of(sign).map(|relation| (RELATION, Some(relation)))),
        }
    }

    fn relation(&mut self, at: usize, relation: Relation, left: Expr, right: Expr) -> Result<Expr, Fault> {
        if let Some((RELATION, _)) = self.infix()? {
            let fault = Fault::new(self.at(), "comparisons cannot be chained");
            return Err(fault.hint("write `a < b && b < c`"));
        }
        Ok(Expr { at, kind: ExprKind::Relation(relation, Box::new(left), Box::new(right)) })
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        let mut negated = false;
        let mut any = false;
        while self.take("!") {
            (negated, any) = (!negated, true);
        }
        let operand = if self.take("-") { self.negative(at)? } else { self.postfix()? };
        let not = |operand| Expr { at, kind: ExprKind::Not(Box::new(operand)) };
        Ok(match (any, negated) {
            (false, _) => operand,
            (true, true) => not(operand),
            // Two negations cancel, yet still ask for a condition.
            (true, false) => not(not(operand)),
        })
    }

    fn negative(&mut self, at: usize) -> Result<Expr, Fault> {
        let number_at = self.at();
        let value = match self.tokens.next().map(|token| token.kind) {
            Some(Kind::Int(value)) => 0_i64.checked_sub_unsigned(value).map(Value::Int),
            Some(Kind::Float(value)) => Some(Value::Float(-value)),
            _ => return Err(arithmetic(at)),
        };
        let value = value.ok_or_else(|| lex::out_of_range(number_at))?;
        self.members(Expr { at, kind: ExprKind::Literal(value) })
    }

    fn postfix(&mut self) -> Result<Expr, Fault> {
        let primary = self.primary()?;
        self.members(primary)
    }

    /// What follows a value: `.part` of a name, or `.method(...)`.
    fn members(&mut self, mut expr: Expr) -> Result<Expr, Fault> {
        let mut bracketed = !matches!(expr.kind, ExprKind::Name(_));
        loop {
            let at = self.at();
            if self.take("[") {
                return Err(Fault::new(at, "indexing is not part of conditions"));
            }
            if !self.take(".") {
                return Ok(expr);
            }
            let at = self.at();
            let Some(Token { kind: Kind::Name(part), .. }) =
                self.tokens.next_if(|token| matches!(token.kind, Kind::Name(_)))
            else {
                return Err(self.unexpected("a name after `.`"));
            };
            if self.take("(") {
                expr = self.call(at, part, Some(expr))?;
                bracketed = true;
                continue;
            }
            match &mut expr.kind {
                ExprKind::Name(name) if !bracketed => {
                    name.push('.');
                    name.push_str(part);
                }
                _ => return Err(Fault::new(at, format!("`.{part}` does not follow a name"))),
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        let literal = |value| Ok(Expr { at, kind: ExprKind::Literal(value) });
        let Some(token) = self.tokens.next_if(|token| !matches!(token.kind, Kind::Sign(_) | Kind::End)) else {
            return self.group(at);
        };
        match token.kind {
            Kind::Int(value) => literal(i64::try_from(value).map(Value::Int).map_err(|_| lex::out_of_range(at))?),
            Kind::Float(value) => literal(Value::Float(value)),
            Kind::Text(text) => literal(Value::String(text.into())),
            Kind::Name("true") => literal(Value::Bool(true)),
            Kind::Name("false") => literal(Value::Bool(false)),
            Kind::Name(name) => self.name(at, name),
            Kind::Sign(_) | Kind::End => Err(self.unexpected("a value")),
        }
    }

    fn name(&mut self, at: usize, name: &str) -> Result<Expr, Fault> {
        if name == "null" {
            return Err(Fault::new(at, "`null` is not part of conditions").hint("write `has(name)` or `!has(name)`"));
        }
        if name.eq_ignore_ascii_case("not") && matches!(self.peek(), Kind::Name(_) | Kind::Sign("(")) {
            return Err(Fault::new(at, format!("`{name}` is not part of conditions")).maybe_hint(sign_meant(name)));
        }
        if is_reserved(name) {
            return Err(Fault::new(at, format!("`{name}` is a word of the language and cannot stand here")));
        }
        if self.take("(") {
            return self.call(at, name, None);
        }
        Ok(Expr { at, kind: ExprKind::Name(name.to_owned()) })
    }

    /// What begins with a sign: `( ... )` or `[ ... ]`.
    fn group(&mut self, at: usize) -> Result<Expr, Fault> {
        if self.take("(") {
            let inner = self.nested(at, |parser| parser.expression(OR))?;
            self.expect(")")?;
            // A bracketed name is no longer the beginning of a longer one: `(a).b` is not `a.b`.
            let closed = matches!(inner.kind, ExprKind::Name(_)) && matches!(self.peek(), Kind::Sign("."));
            return if closed { self.method_only(inner) } else { Ok(inner) };
        }
        if self.take("[") {
            let items = self.nested(at, |parser| parser.items("]"))?;
            return Ok(Expr { at, kind: ExprKind::List(items) });
        }
        match self.peek() {
            Kind::Sign("{") => Err(no_maps(at)),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn method_only(&mut self, target: Expr) -> Result<Expr, Fault> {
        self.expect(".")?;
        let at = self.at();
        match self.tokens.next().map(|token| token.kind) {
            Some(Kind::Name(method)) if self.take("(") => self.call(at, method, Some(target)),
            _ => Err(Fault::new(at, "expected a method").hint("take the brackets off the name")),
        }
    }

    fn call(&mut self, at: usize, function: &str, target: Option<Expr>) -> Result<Expr, Fault> {
        let arguments = self.nested(at, |parser| parser.items(")"))?;
        Ok(Expr { at, kind: ExprKind::Call(Box::new(Call { function: function.to_owned(), target, arguments })) })
    }

    /// Items up to and with the closing sign; a comma may follow the last item of a list.
    fn items(&mut self, close: &'static str) -> Result<Vec<Expr>, Fault> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.expression(OR)?);
            if self.take(",") {
                if close == ")" && matches!(self.peek(), Kind::Sign(")")) {
                    return Err(self.unexpected("a value"));
                }
            } else {
                self.expect(close)?;
                return Ok(items);
            }
        }
        Ok(items)
    }

    fn nested<T>(&mut self, at: usize, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(at, format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}

fn arithmetic(at: usize) -> Fault {
    Fault::new(at, "arithmetic is not part of conditions").hint("compare signals and constants directly")
}

fn no_maps(at: usize) -> Fault {
    Fault::new(at, "maps and messages are not part of conditions")
}

/// Chains of one operator become one flat list, so that their length costs no depth.
fn join(power: u8, left: Expr, right: Expr) -> Expr {
    let at = left.at;
    match (power, left.kind) {
        (OR, ExprKind::Or(mut operands)) => {
            operands.push(right);
            Expr { at, kind: ExprKind::Or(operands) }
        }
        (AND, ExprKind::And(mut operands)) => {
            operands.push(right);
            Expr { at, kind: ExprKind::And(operands) }
        }
        (OR, kind) => Expr { at, kind: ExprKind::Or(vec![Expr { at, kind }, right]) },
        (_, kind) => Expr { at, kind: ExprKind::And(vec![Expr { at, kind }, right]) },
    }
}

/// The sign that stands for a word of other languages.
fn sign_meant(word: &str) -> Option<String> {
    let signs = [("and", "&&"), ("or", "||"), ("not", "!")];
    let (_, sign) = signs.into_iter().find(|(known, _)| word.eq_ignore_ascii_case(known))?;
    Some(format!("write `{sign}`"))
}
