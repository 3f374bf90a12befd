//! Functions and methods of conditions: their names, arguments and folding. Part of the checker's walk.

use super::check::{Checker, Term};
use super::fault::Fault;
use super::leaf::{Method, Operand, Test, size};
use super::nearest::nearest;
use super::pattern::Pattern;
use super::syntax::{Call, Expr, ExprKind};
use super::types::a;
use crate::temporal::{parse_duration, parse_timestamp};
use crate::value::{Type, Value};

const FUNCTIONS: [&str; 8] = ["has", "size", "startsWith", "endsWith", "contains", "matches", "duration", "timestamp"];
const MACROS: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

impl Checker<'_> {
    pub(super) fn call(&mut self, at: usize, call: &Call) -> Result<Term, Fault> {
        let arguments: Vec<&Expr> = call.target.iter().chain(&call.arguments).collect();
        let is_method = call.target.is_some();
        match (call.function.as_str(), arguments.as_slice(), is_method) {
            ("has", [name], false) => self.has(name).map(Term::Test),
            ("size", [of], _) => self.size(of).map(Term::Operand),
            ("matches", [text, pattern], _) => self.matches(text, pattern).map(Term::Test),
            ("startsWith", [text, part], true) => self.method(Method::StartsWith, text, part).map(Term::Test),
            ("endsWith", [text, part], true) => self.method(Method::EndsWith, text, part).map(Term::Test),
            ("contains", [text, part], true) => self.method(Method::Contains, text, part).map(Term::Test),
            ("duration", [text], false) => self.duration(text).map(Term::Operand),
            ("timestamp", [text], false) => self.timestamp(text).map(Term::Operand),
            (function, ..) => Err(wrong_call(at, function)),
        }
    }

    fn has(&mut self, name: &Expr) -> Result<Test, Fault> {
        let wanted = || Fault::new(name.at, "has() takes the name of a signal").hint("write `has(name)`");
        let ExprKind::Name(text) = &name.kind else { return Err(wanted()) };
        if text == "policy" || text.starts_with("policy.") {
            return Err(wanted());
        }
        self.signal(name.at, text).map(Test::Has)
    }

    fn size(&mut self, of: &Expr) -> Result<Operand, Fault> {
        let operand = self.operand(of)?;
        match (self.types.operand(&operand), operand) {
            (Some(Type::String | Type::Enum | Type::StringSet) | None, Operand::Signal(signal)) => {
                Ok(Operand::Size(signal))
            }
            (_, Operand::Literal(value @ Value::String(_))) => {
                Ok(Operand::Literal(Value::Int(size(&value).unwrap_or_default())))
            }
            (kind, _) => {
                let kind = kind.map_or_else(String::new, a);
                Err(Fault::new(of.at, format!("size() takes a string or a set, and this is {kind}")))
            }
        }
    }

    fn method(&mut self, method: Method, text: &Expr, part: &Expr) -> Result<Test, Fault> {
        let (text_operand, part_operand) =
            (self.text_operand(method.name(), text)?, self.text_operand(method.name(), part)?);
        match (&text_operand, &part_operand) {
            (Operand::Literal(Value::String(text)), Operand::Literal(Value::String(part))) => {
                Ok(Test::Constant(method.holds(text, part)))
            }
            (Operand::Signal(_), Operand::Signal(_)) => {
                let fault = Fault::new(part.at, format!("{}() compares a signal with a literal", method.name()));
                Err(fault.hint("two signals can be compared with `==`, `!=`, `<`, `<=`, `>`, `>=` and `in`"))
            }
            _ => Ok(Test::Method(method, text_operand, part_operand)),
        }
    }

    fn text_operand(&mut self, function: &str, expr: &Expr) -> Result<Operand, Fault> {
        let operand = self.operand(expr)?;
        match (self.types.operand(&operand), &operand) {
            (Some(Type::String | Type::Enum) | None, Operand::Signal(_) | Operand::Literal(_)) => Ok(operand),
            (kind, _) => {
                let kind = kind.map_or_else(String::new, a);
                Err(Fault::new(expr.at, format!("{function}() takes strings, and this is {kind}")))
            }
        }
    }

    fn matches(&mut self, text: &Expr, pattern: &Expr) -> Result<Test, Fault> {
        let operand = self.text_operand("matches", text)?;
        let pattern_text = self.string_literal("matches", pattern)?;
        let pattern = Pattern::compile(&pattern_text)
            .map_err(|reason| Fault::new(pattern.at, format!("bad pattern: {reason}")))?;
        match operand {
            Operand::Signal(signal) => Ok(Test::Matches(signal, pattern)),
            Operand::Literal(Value::String(text)) => Ok(Test::Constant(pattern.occurs_in(&text))),
            _ => Err(Fault::new(text.at, "matches() takes a string")),
        }
    }

    fn duration(&mut self, text: &Expr) -> Result<Operand, Fault> {
        let literal = self.string_literal("duration", text)?;
        let Some(duration) = parse_duration(&literal) else {
            let fault = Fault::new(text.at, format!("`{}` is not a duration", literal.escape_debug()));
            return Err(fault.hint("units are h, m, s, ms, us and ns: write `36h` or `1h30m`; a day is `24h`"));
        };
        Ok(Operand::Literal(Value::Duration(duration)))
    }

    fn timestamp(&mut self, text: &Expr) -> Result<Operand, Fault> {
        let literal = self.string_literal("timestamp", text)?;
        let Some(timestamp) = parse_timestamp(&literal) else {
            let fault = Fault::new(text.at, format!("`{}` is not an RFC 3339 timestamp", literal.escape_debug()));
            return Err(fault.hint("write it as `2026-11-21T00:00:00Z`"));
        };
        Ok(Operand::Literal(Value::Timestamp(timestamp)))
    }

    fn string_literal(&mut self, function: &str, expr: &Expr) -> Result<String, Fault> {
        match self.operand(expr)? {
            Operand::Literal(Value::String(text)) => Ok(text.into_owned()),
            _ => Err(Fault::new(expr.at, format!("{function}() takes a literal string here"))),
        }
    }
}

fn wrong_call(at: usize, function: &str) -> Fault {
    let usage = match function {
        "has" => "has(name)",
        "size" => "size(name)",
        "matches" => "name.matches(\"pattern\")",
        "startsWith" => "name.startsWith(\"text\")",
        "endsWith" => "name.endsWith(\"text\")",
        "contains" => "name.contains(\"text\")",
        "duration" => "duration(\"14h\")",
        "timestamp" => "timestamp(\"2026-11-21T00:00:00Z\")",
        _ if MACROS.contains(&function) => {
            return Fault::new(at, format!("macros such as `{function}` are not part of conditions"));
        }
        _ => {
            let hint = nearest(function, FUNCTIONS).map(|near| format!("did you mean `{near}`?"));
            return Fault::new(at, format!("unknown function `{function}`")).maybe_hint(hint);
        }
    };
    Fault::new(at, format!("`{function}` is called otherwise")).hint(format!("write `{usage}`"))
}
