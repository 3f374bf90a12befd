//! From the words of a feature's declaration to its form. Owns which parameters and which types each form takes.

use super::check::Names;
use super::document::FeatureDocument;
use super::feature::{FieldRef, Form};
use super::number::{Cut, Number, Operands, doubling_bounds};
use crate::state::{AggregateKind, RING_SIZE_MAX};
use crate::value::Type;

/// The words of `as`.
const FORMS: [&str; 9] =
    ["category", "each", "linear", "log2", "ngram", "ratio_linear", "ratio_log2", "ratio_value", "value"];

/// Numbers up to 2^53 are exact in a float.
const EXACT_MAX: i64 = 1 << 53;

/// Most parts of a doubling.
const STEP_MAX: i64 = 64;

/// Longest n-gram.
const GRAM_MAX: i64 = 5;

/// The form of a declaration, or why there is none.
pub(super) fn compile(document: &FeatureDocument, names: &Names<'_>) -> Result<Form, String> {
    let given = Given::of(document);
    match document.form.as_str() {
        "category" => {
            given.takes(&[])?;
            let types = [Type::String, Type::Enum, Type::Int, Type::Bool];
            Ok(Form::Category(one(document, names, &types, "bucket it with `linear` or `log2`")?))
        }
        "each" => {
            given.takes(&[])?;
            each(document, names)
        }
        "ngram" => {
            given.takes(&["n", "take"])?;
            ngram(document, names)
        }
        "value" | "ratio_value" => {
            given.takes(&["width", "scale", "cap"])?;
            Ok(Form::Value(number(document, names, Cut::None)?))
        }
        "linear" | "ratio_linear" => {
            given.takes(&["width", "scale", "cap"])?;
            Ok(Form::Bucket(number(document, names, Cut::Linear)?))
        }
        "log2" | "ratio_log2" => {
            given.takes(&["width", "scale", "cap", "step"])?;
            let step = ranged("step", document.step, 1, STEP_MAX)?;
            let bounds = doubling_bounds(u16::try_from(step).unwrap_or(1));
            Ok(Form::Bucket(number(document, names, Cut::Log2(bounds))?))
        }
        form => Err(format!("`{form}` is not a form: use one of {}", FORMS.join(", "))),
    }
}

/// The parameters that were written.
struct Given<'d> {
    form: &'d str,
    written: [(&'static str, bool); 6],
}

impl<'d> Given<'d> {
    fn of(document: &'d FeatureDocument) -> Self {
        let written = [
            ("step", document.step.is_some()),
            ("width", document.width.is_some()),
            ("scale", document.scale.is_some()),
            ("cap", document.cap.is_some()),
            ("n", document.n.is_some()),
            ("take", document.take.is_some()),
        ];
        Self { form: &document.form, written }
    }

    fn takes(&self, names: &[&str]) -> Result<(), String> {
        let stray = self.written.iter().find(|(name, written)| *written && !names.contains(name));
        stray.map_or(Ok(()), |(name, _)| Err(format!("{} has no `{name}`: remove it", self.form)))
    }
}

fn ranged(name: &str, given: Option<i64>, default: i64, max: i64) -> Result<i64, String> {
    match given.unwrap_or(default) {
        given if (1..=max).contains(&given) => Ok(given),
        given => Err(format!("the {name} `{given}` is out of range: use 1 to {max}")),
    }
}

/// The only operand, if it is of one of these types.
fn one(document: &FeatureDocument, names: &Names<'_>, types: &[Type], hint: &str) -> Result<FieldRef, String> {
    let form = &document.form;
    let [name] = document.of.names() else { return Err(format!("{form} is `of` one name")) };
    let (field, given, _) = names.get(name)?;
    if types.contains(&given) { Ok(field) } else { Err(format!("`{name}` is a {given}, which has no {form}: {hint}")) }
}

fn each(document: &FeatureDocument, names: &Names<'_>) -> Result<Form, String> {
    let of = one(document, names, &[Type::StringSet], "use it with a string_set of `inputs`")?;
    match of {
        FieldRef::Input(_) => Ok(Form::Each(of)),
        FieldRef::State(_) => Err("a ring is no set here: use ngram with `n` 1".to_owned()),
    }
}

fn ngram(document: &FeatureDocument, names: &Names<'_>) -> Result<Form, String> {
    let [name] = document.of.names() else { return Err("ngram is `of` one name".to_owned()) };
    let (of, _, kind) = names.get(name)?;
    if kind != Some(AggregateKind::Ring) {
        return Err(format!("`{name}` is not a ring: an ngram needs values in order of arrival"));
    }
    let n = ranged("n", document.n, 1, GRAM_MAX)?;
    let most = i64::from(RING_SIZE_MAX);
    let take = ranged("take", document.take, most, most)?;
    let size = |number: i64| usize::try_from(number).unwrap_or(1);
    Ok(Form::Ngram { of, n: size(n), take: size(take) })
}

fn number(document: &FeatureDocument, names: &Names<'_>, cut: Cut) -> Result<Number, String> {
    let of = operands(document, names)?;
    let width = match (&cut, document.width) {
        (Cut::Linear, None) => return Err(format!("{} needs a `width` of its buckets", document.form)),
        (_, width) => ranged("width", width, 1, EXACT_MAX)?,
    };
    let scale = ranged("scale", document.scale, 1, EXACT_MAX)?;
    let cap = document.cap.map(|cap| ranged("cap", Some(cap), 1, EXACT_MAX)).transpose()?;
    Ok(Number { of, scale: exact(scale), cap: cap.map_or(f64::INFINITY, exact), width: exact(width), cut })
}

fn operands(document: &FeatureDocument, names: &Names<'_>) -> Result<Operands, String> {
    let form = &document.form;
    let operand = |name: &String| operand(name, form, names);
    match (form.starts_with("ratio"), document.of.names()) {
        (false, [one]) => Ok(Operands::One(operand(one)?)),
        (true, [first, by]) => Ok(Operands::Ratio([operand(first)?, operand(by)?])),
        (true, [first, sum, count]) => Ok(Operands::Relative([operand(first)?, operand(sum)?, operand(count)?])),
        (true, _) => {
            Err(format!("{form} is `of` two names, a number and what divides it, or three: a number, a sum, a count"))
        }
        (false, _) => Err(format!("{form} is `of` one name; a ratio_{form} is of two")),
    }
}

fn operand(name: &str, form: &str, names: &Names<'_>) -> Result<FieldRef, String> {
    let (field, given, _) = names.get(name)?;
    match given {
        Type::Bool | Type::Int | Type::Float | Type::Duration => Ok(field),
        _ => Err(format!("`{name}` is a {given}, which has no {form}: it is not a number")),
    }
}

#[allow(clippy::cast_precision_loss, reason = "at most 2^53")]
const fn exact(number: i64) -> f64 {
    number as f64
}
