//! What makes a feature spec sound. Owns those rules and their messages; what they let pass is compiled.

use std::borrow::Cow;
use std::collections::HashMap;

use super::document::{Document, FeatureDocument, InputDocument, SpecError, StateDocument};
use super::feature::{Feature, FieldRef};
use super::spec::SpecInput;
use super::{BITS, CROSS_PARTS_MAX, CROSSES_MAX, FEATURES_MAX, SLOTS_MAX, form};
use crate::state::{Aggregate, AggregateKind, AggregateSpec, Plan, Scope};
use crate::value::Type;

const VERSION: u32 = 1;
const HASH: &str = "murmur3_x86_32";
const INDEX: &str = "abs_mod";
const OVERFLOW: &str = "drop";

/// Longest name of a feature, of a field of state and of an input, and longest missing token.
const NAME_BYTES_MAX: usize = 64;

/// What stands in front; returns the scope of the state.
pub(super) fn header(document: &Document<'_>) -> Result<Scope, SpecError> {
    only("version", &document.version, &VERSION)?;
    only("hash", &document.hash.as_str(), &HASH)?;
    only("seed", &document.seed, &0)?;
    only("index", &document.index.as_str(), &INDEX)?;
    only("overflow", &document.overflow.as_str(), &OVERFLOW)?;
    within("bits", &document.bits, &BITS)?;
    within("slots", &document.slots, &(1..=SLOTS_MAX))?;
    if document.missing.is_empty() || document.missing.len() > NAME_BYTES_MAX {
        return Err(SpecError::new("missing", format!("write 1 to {NAME_BYTES_MAX} bytes, as `?`")));
    }
    let scope = &document.scope;
    Scope::from_name(scope)
        .ok_or_else(|| SpecError::new("scope", format!("`{scope}` is not a scope: write `session` or `journey`")))
}

fn only<T: PartialEq + std::fmt::Display>(place: &str, given: &T, known: &T) -> Result<(), SpecError> {
    if given == known { Ok(()) } else { Err(SpecError::new(place, format!("`{given}` is not known: write `{known}`"))) }
}

fn within<T: PartialOrd + std::fmt::Display>(
    place: &str,
    given: &T,
    range: &std::ops::RangeInclusive<T>,
) -> Result<(), SpecError> {
    if range.contains(given) {
        return Ok(());
    }
    Err(SpecError::new(place, format!("`{given}` is out of range: use {} to {}", range.start(), range.end())))
}

/// The fields of state, sorted by name.
pub(super) fn aggregates(declared: &[(Cow<'_, str>, StateDocument)]) -> Result<Vec<(String, Aggregate)>, SpecError> {
    let mut aggregates = Vec::with_capacity(declared.len());
    for (name, document) in declared {
        let place = format!("state.{name}");
        check_name(&place, name)?;
        let aggregate = aggregate(document).map_err(|detail| SpecError::new(place, detail))?;
        aggregates.push((name.clone().into_owned(), aggregate));
    }
    aggregates.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    Ok(aggregates)
}

fn aggregate(document: &StateDocument) -> Result<Aggregate, String> {
    let kind = &document.kind;
    let kind = AggregateKind::from_name(kind).ok_or_else(|| {
        let known = AggregateKind::ALL.map(AggregateKind::name).join(", ");
        format!("`{kind}` is not an aggregate: use one of {known}")
    })?;
    let spec = AggregateSpec {
        kind,
        event: document.event.clone(),
        property: document.property.clone(),
        half_life_ms: document.half_life_ms,
        size: document.size,
        equals: document.equals.clone(),
        cap_ms: document.cap_ms,
        value_type: type_of(kind, document.value_type.as_deref())?,
    };
    Aggregate::new(spec).map_err(|error| error.to_string())
}

/// A type need not be written where there is only one.
fn type_of(kind: AggregateKind, written: Option<&str>) -> Result<Type, String> {
    match (written, kind.types()) {
        (Some(name), _) => type_named(name),
        (None, [only]) => Ok(*only),
        (None, types) => {
            let types = types.iter().map(|known| known.name()).collect::<Vec<_>>().join(", ");
            Err(format!("{kind} needs a `type`: one of {types}"))
        }
    }
}

fn type_named(name: &str) -> Result<Type, String> {
    Type::from_name(name).ok_or_else(|| {
        let known = Type::ALL.map(Type::name).join(", ");
        format!("`{name}` is not a type: use one of {known}")
    })
}

/// All state together must fit a record.
pub(super) fn plan(aggregates: &[(String, Aggregate)]) -> Result<Plan, SpecError> {
    let mut plan = Plan::default();
    for (_, aggregate) in aggregates {
        plan.add(aggregate.clone()).map_err(|error| SpecError::new("state", error.to_string()))?;
    }
    Ok(plan)
}

/// The inputs, sorted by name.
pub(super) fn inputs(declared: &[(Cow<'_, str>, InputDocument)]) -> Result<Vec<SpecInput>, SpecError> {
    let mut inputs = Vec::with_capacity(declared.len());
    for (name, document) in declared {
        let place = format!("inputs.{name}");
        check_name(&place, name)?;
        if document.signal.is_empty() {
            return Err(SpecError::new(place, "`signal` is empty: name the declared signal"));
        }
        let value_type = type_named(&document.value_type).map_err(|detail| SpecError::new(place, detail))?;
        inputs.push(SpecInput { name: name.clone().into_owned(), signal: document.signal.clone(), value_type });
    }
    inputs.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    Ok(inputs)
}

fn check_name(place: &str, name: &str) -> Result<(), SpecError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    let name: String = name.chars().take(NAME_BYTES_MAX).collect();
    let name = name.escape_debug();
    Err(SpecError::new(
        place,
        format!("`{name}` is not a name: use 1 to {NAME_BYTES_MAX} letters, digits, `_`, `.`, `-`"),
    ))
}

/// What features may read, by name.
pub(super) struct Names<'s> {
    fields: HashMap<&'s str, (FieldRef, Type, Option<AggregateKind>)>,
}

impl<'s> Names<'s> {
    pub(super) fn new(aggregates: &'s [(String, Aggregate)], inputs: &'s [SpecInput]) -> Result<Self, SpecError> {
        let mut fields = HashMap::new();
        for (place, (name, aggregate)) in aggregates.iter().enumerate() {
            let spec = aggregate.spec();
            fields.insert(name.as_str(), (FieldRef::State(place), spec.value_type, Some(spec.kind)));
        }
        for (place, input) in inputs.iter().enumerate() {
            let known = fields.insert(input.name.as_str(), (FieldRef::Input(place), input.value_type, None));
            if known.is_some() {
                let name = &input.name;
                return Err(SpecError::new(format!("inputs.{name}"), "is a name of state too: rename one of them"));
            }
        }
        Ok(Self { fields })
    }

    /// What a name stands for: where it is read, its type, and the kind of its aggregate if it is one.
    pub(super) fn get(&self, name: &str) -> Result<(FieldRef, Type, Option<AggregateKind>), String> {
        let found = self.fields.get(name).copied();
        found.ok_or_else(|| format!("`{name}` is neither in `state` nor in `inputs`: declare it"))
    }
}

/// The features, in declared order.
pub(super) fn features(declared: &[FeatureDocument], names: &Names<'_>) -> Result<Vec<Feature>, SpecError> {
    if declared.is_empty() || declared.len() > FEATURES_MAX {
        let given = declared.len();
        return Err(SpecError::new("features", format!("there are {given}: declare 1 to {FEATURES_MAX}")));
    }
    let mut features: Vec<Feature> = Vec::with_capacity(declared.len());
    for (number, document) in declared.iter().enumerate() {
        let place = format!("features[{number}]");
        check_name(&place, &document.name)?;
        if features.iter().any(|feature| *feature.name == *document.name) {
            return Err(SpecError::new(place, format!("`{}` is declared twice: rename one of them", document.name)));
        }
        let form = form::compile(document, names).map_err(|detail| SpecError::new(place, detail))?;
        features.push(Feature::new(&document.name, form));
    }
    Ok(features)
}

/// The crosses, as places of features.
pub(super) fn crosses(declared: &[Vec<String>], features: &[Feature]) -> Result<Vec<Vec<usize>>, SpecError> {
    if declared.len() > CROSSES_MAX {
        return Err(SpecError::new("crosses", format!("there are {}: declare {CROSSES_MAX} at most", declared.len())));
    }
    let mut crosses: Vec<Vec<usize>> = Vec::with_capacity(declared.len());
    for (number, names) in declared.iter().enumerate() {
        let cross = cross(names, features)
            .and_then(|cross| if crosses.contains(&cross) { Err("is declared twice".to_owned()) } else { Ok(cross) })
            .map_err(|detail| SpecError::new(format!("crosses[{number}]"), detail))?;
        crosses.push(cross);
    }
    Ok(crosses)
}

fn cross(names: &[String], features: &[Feature]) -> Result<Vec<usize>, String> {
    if !(2..=CROSS_PARTS_MAX).contains(&names.len()) {
        return Err(format!("crosses {} features: name 2 to {CROSS_PARTS_MAX}", names.len()));
    }
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let place = features.iter().position(|feature| *feature.name == **name);
        let place = place.ok_or_else(|| format!("`{name}` is not a feature"))?;
        if places.contains(&place) {
            return Err(format!("`{name}` is crossed with itself"));
        }
        if !features.get(place).is_some_and(Feature::is_single) {
            return Err(format!("`{name}` is not one token: cross categories, buckets and an ngram with `take` 1"));
        }
        places.push(place);
    }
    Ok(places)
}
