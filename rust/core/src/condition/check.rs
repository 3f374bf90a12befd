//! Syntax to a typed tree: resolves names, folds constants, pushes negation to the leaves. Owns what a condition may say.

use super::compare::compare;
use super::fault::Fault;
use super::leaf::{Leaf, Operand, Test, is_one_of, sort_list};
use super::leaves::Leaves;
use super::names::POLICY;
use super::nearest::nearest;
use super::policy::{Constant, Policy};
use super::syntax::{Expr, ExprKind, Relation};
use super::truth::Node;
use super::types::{Types, a};
use crate::signal::{SignalId, SignalTable};
use crate::value::{Type, Value};

/// What a text names.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) signals: Vec<SignalId>,
    pub(super) constants: Vec<String>,
}

/// One walk over one syntax tree.
pub(super) struct Checker<'c> {
    pub(super) types: Types<'c>,
    pub(super) policy: &'c Policy,
    pub(super) checked: Checked,
    leaves: &'c mut Leaves,
}

/// What stands where a value may stand.
#[derive(Debug)]
pub(super) enum Term {
    Operand(Operand),
    List(Vec<(usize, Value<'static>)>),
    /// A question; as an operand only if it asks nothing.
    Test(Test),
}

impl<'c> Checker<'c> {
    pub(super) fn new(table: &'c SignalTable, policy: &'c Policy, leaves: &'c mut Leaves) -> Self {
        Self { types: Types { table }, policy, checked: Checked::default(), leaves }
    }

    /// A tree for `expr`, or for its opposite.
    pub(super) fn node(&mut self, expr: &Expr, negated: bool) -> Result<Node, Fault> {
        match &expr.kind {
            ExprKind::Not(inner) => self.node(inner, !negated),
            ExprKind::And(operands) => self.join(operands, negated, negated),
            ExprKind::Or(operands) => self.join(operands, !negated, negated),
            _ => {
                let test = self.test(expr)?;
                Ok(self.leaf(test, negated))
            }
        }
    }

    fn join(&mut self, operands: &[Expr], or: bool, negated: bool) -> Result<Node, Fault> {
        let mut nodes = Vec::with_capacity(operands.len());
        for operand in operands {
            match (self.node(operand, negated)?, or) {
                (Node::Or(inner), true) | (Node::And(inner), false) => nodes.extend(inner),
                (node, _) => nodes.push(node),
            }
        }
        Ok(if or { Node::Or(nodes) } else { Node::And(nodes) })
    }

    /// The question that `expr` asks: a comparison, a call, or a bool by itself.
    fn test(&mut self, expr: &Expr) -> Result<Test, Fault> {
        match self.term(expr)? {
            Term::Test(test) => Ok(test),
            Term::Operand(Operand::Literal(Value::Bool(value))) => Ok(Test::Constant(value)),
            Term::Operand(Operand::Signal(signal)) if matches!(self.types.signal(signal), Some(Type::Bool) | None) => {
                Ok(Test::Flag(signal))
            }
            Term::Operand(operand) => Err(self.not_a_condition(expr.at, &operand)),
            Term::List(_) => Err(Fault::new(expr.at, "a list is not a condition").hint("write `name in [...]`")),
        }
    }

    fn not_a_condition(&self, at: usize, operand: &Operand) -> Fault {
        let kind = self.types.operand(operand).map_or_else(String::new, a);
        let fault = Fault::new(at, format!("a condition is true or false, and this is {kind}"));
        match operand {
            Operand::Literal(_) => fault,
            _ => fault.hint("compare it with a value"),
        }
    }

    fn term(&mut self, expr: &Expr) -> Result<Term, Fault> {
        match &expr.kind {
            ExprKind::Literal(value) => Ok(Term::Operand(Operand::Literal(value.clone()))),
            ExprKind::List(items) => self.list(items),
            ExprKind::Name(name) => self.name(expr.at, name),
            ExprKind::Relation(Relation::In, left, right) => self.membership(expr.at, left, right).map(Term::Test),
            ExprKind::Relation(relation, left, right) => self.relation(expr.at, left, *relation, right).map(Term::Test),
            ExprKind::Call(call) => self.call(expr.at, call),
            ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => self.folded(expr),
        }
    }

    /// Conditions are values only where they ask nothing, as in `(true && false) == false`.
    fn folded(&mut self, expr: &Expr) -> Result<Term, Fault> {
        let value = match &expr.kind {
            ExprKind::Not(inner) => !self.bool_literal(inner)?,
            ExprKind::And(operands) => !self.bool_literals(operands)?.contains(&false),
            ExprKind::Or(operands) => self.bool_literals(operands)?.contains(&true),
            _ => return self.term(expr),
        };
        Ok(Term::Operand(Operand::Literal(Value::Bool(value))))
    }

    fn bool_literals(&mut self, operands: &[Expr]) -> Result<Vec<bool>, Fault> {
        operands.iter().map(|operand| self.bool_literal(operand)).collect()
    }

    fn bool_literal(&mut self, expr: &Expr) -> Result<bool, Fault> {
        match self.test(expr)? {
            Test::Constant(value) => Ok(value),
            _ => Err(compared_condition(expr.at)),
        }
    }

    /// An operand, which may not be a list.
    pub(super) fn operand(&mut self, expr: &Expr) -> Result<Operand, Fault> {
        match self.term(expr)? {
            Term::Operand(operand) => Ok(operand),
            Term::Test(Test::Constant(value)) => Ok(Operand::Literal(Value::Bool(value))),
            Term::Test(_) => Err(compared_condition(expr.at)),
            Term::List(_) => {
                Err(Fault::new(expr.at, "a list can only stand on the right of `in`").hint("write `name in [...]`"))
            }
        }
    }

    fn list(&mut self, items: &[Expr]) -> Result<Term, Fault> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match self.operand(item)? {
                Operand::Literal(value) => values.push((item.at, value)),
                _ => return Err(Fault::new(item.at, "a list holds literals only").hint("join comparisons with `||`")),
            }
        }
        Ok(Term::List(values))
    }

    fn name(&mut self, at: usize, name: &str) -> Result<Term, Fault> {
        if let Some(constant) = name.strip_prefix(POLICY).and_then(|rest| rest.strip_prefix('.')) {
            return self.constant_named(at, name, constant);
        }
        self.signal(at, name).map(|signal| Term::Operand(Operand::Signal(signal)))
    }

    fn constant_named(&mut self, at: usize, name: &str, constant: &str) -> Result<Term, Fault> {
        if !self.checked.constants.iter().any(|known| known == constant) {
            self.checked.constants.push(constant.to_owned());
        }
        match self.policy.get(constant) {
            Some(Constant::Scalar(value)) => Ok(Term::Operand(Operand::Literal(value.clone()))),
            Some(Constant::Strings(items)) => {
                Ok(Term::List(items.iter().map(|item| (at, Value::String(item.clone().into()))).collect()))
            }
            None => {
                let near = nearest(constant, self.policy.names());
                let hint = near.map(|near| format!("did you mean `{POLICY}.{near}`?"));
                Err(Fault::unknown(at, "constant", name).maybe_hint(hint))
            }
        }
    }

    pub(super) fn signal(&mut self, at: usize, name: &str) -> Result<SignalId, Fault> {
        let Some(signal) = self.types.table.slot(name) else {
            let near = nearest(name, self.types.table.iter().map(|signal| signal.name.as_str()));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            return Err(Fault::unknown(at, "signal", name).maybe_hint(hint));
        };
        Ok(signal)
    }

    fn relation(&mut self, at: usize, left: &Expr, relation: Relation, right: &Expr) -> Result<Test, Fault> {
        let (left_at, right_at) = (left.at, right.at);
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        self.types.check(at, &left, relation, &right)?;
        match (&left, &right) {
            (Operand::Literal(left), Operand::Literal(right)) => {
                return Ok(Test::Constant(compare(left, right).is_some_and(|ordering| relation.holds(ordering))));
            }
            (operand, Operand::Literal(value)) => self.types.check_enum(right_at, operand, value)?,
            (Operand::Literal(value), operand) => self.types.check_enum(left_at, operand, value)?,
            _ => {}
        }
        Ok(match left {
            Operand::Literal(_) => Test::Compare(right, relation.mirrored(), left),
            left => Test::Compare(left, relation, right),
        })
    }

    fn membership(&mut self, at: usize, item: &Expr, list: &Expr) -> Result<Test, Fault> {
        let item_at = item.at;
        let item = self.operand(item)?;
        match self.term(list)? {
            Term::List(values) => self.one_of(at, item, values),
            Term::Operand(Operand::Signal(set)) if matches!(self.types.signal(set), Some(Type::StringSet) | None) => {
                self.member(item_at, item, set)
            }
            _ => {
                Err(Fault::new(list.at, "`in` takes a list or a set on its right")
                    .hint("write `name in [\"a\", \"b\"]`"))
            }
        }
    }

    fn one_of(&mut self, at: usize, item: Operand, values: Vec<(usize, Value<'static>)>) -> Result<Test, Fault> {
        self.types.check_relation(at, &item, Relation::In)?;
        let first = values.first().map(|(_, value)| Operand::Literal(value.clone()));
        let mut list = Vec::with_capacity(values.len());
        for (value_at, value) in values {
            self.types.check_enum(value_at, &item, &value)?;
            let literal = Operand::Literal(value);
            for other in first.iter().chain([&item]) {
                self.types.check(value_at, other, Relation::In, &literal)?;
            }
            if let Operand::Literal(value) = literal {
                list.push(value);
            }
        }
        sort_list(&mut list);
        Ok(match item {
            Operand::Literal(value) => Test::Constant(is_one_of(&value, &list)),
            item => Test::OneOf(item, list),
        })
    }

    fn member(&mut self, at: usize, item: Operand, set: SignalId) -> Result<Test, Fault> {
        match self.types.operand(&item) {
            Some(Type::String | Type::Enum) | None => Ok(Test::Member(item, set)),
            Some(kind) => {
                let name = self.types.table.name(set);
                Err(Fault::new(at, format!("types do not match: `{name}` holds strings, and this is {}", a(kind))))
            }
        }
    }

    /// The place of a leaf, made if there is none of its text yet. Opposite relations keep their own text.
    fn leaf(&mut self, test: Test, negated: bool) -> Node {
        let (test, negated) = match (test, negated) {
            (Test::Constant(value), negated) => (Test::Constant(value != negated), false),
            (Test::Compare(left, relation, right), true) => (Test::Compare(left, relation.opposite(), right), false),
            (test, negated) => (test, negated),
        };
        let id = self.leaves.share(test, self.types.table);
        let signals = &mut self.checked.signals;
        for signal in self.leaves.get(id).into_iter().flat_map(Leaf::signals) {
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        Node::Leaf { leaf: id, negated }
    }
}

fn compared_condition(at: usize) -> Fault {
    Fault::new(at, "a condition cannot be compared").hint("join conditions with `&&`, `||` and `!`")
}
