//! What makes the declaration of an aggregate sound. Owns those rules and their messages.

use super::RING_SIZE_MAX;
use super::aggregate::{AggregateError, AggregateSpec};
use super::kind::AggregateKind;
use super::literal::Literal;
use crate::value::Type;

/// Longest name, in UTF-8 bytes, of an event or a property, and longest text of an `equals`.
const NAME_BYTES_MAX: usize = 128;

/// Longest half-life: ten years.
const HALF_LIFE_MS_MAX: i64 = 10 * 366 * 86_400_000;

/// Longest cap of one gap: a day.
const CAP_MS_MAX: i64 = 86_400_000;

/// Checks a whole declaration.
pub(super) fn check(spec: &AggregateSpec) -> Result<(), AggregateError> {
    check_name("event", &spec.event)?;
    check_property(spec)?;
    check_equals(spec)?;
    check_type(spec)?;
    check_half_life(spec)?;
    check_cap(spec)?;
    check_size(spec)
}

fn check_property(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let kind = spec.kind;
    match &spec.property {
        Some(property) if kind.takes_property() || spec.equals.is_some() => check_name("property", property),
        Some(property) if kind.takes_equals() => Err(AggregateError::new(format!(
            "{kind} looks at whole events: remove the property `{property}`, or say with `equals` which value counts"
        ))),
        Some(property) => {
            Err(AggregateError::new(format!("{kind} looks at whole events: remove the property `{property}`")))
        }
        None if spec.is_of_any_event() && kind.takes_names() => Ok(()),
        None if kind.needs_property() => {
            Err(AggregateError::new(format!("{kind} needs a property: name the one of `{}` to look at", spec.event)))
        }
        None => Ok(()),
    }
}

fn check_equals(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let Some(equals) = &spec.equals else { return Ok(()) };
    let kind = spec.kind;
    if !kind.takes_equals() {
        return Err(AggregateError::new(format!("{kind} has no `equals`: remove it")));
    }
    if spec.property.is_none() {
        return Err(AggregateError::new(format!("`equals` needs a property: name the one of `{}`", spec.event)));
    }
    match equals {
        Literal::Text(text) if text.len() > NAME_BYTES_MAX => {
            Err(AggregateError::new(format!("the text of `equals` is longer than {NAME_BYTES_MAX} bytes: shorten it")))
        }
        _ => Ok(()),
    }
}

fn check_cap(spec: &AggregateSpec) -> Result<(), AggregateError> {
    match (spec.kind, spec.cap_ms) {
        (AggregateKind::Dwell, Some(1..=CAP_MS_MAX)) => Ok(()),
        (AggregateKind::Dwell, Some(cap_ms)) => {
            Err(AggregateError::new(format!("the cap of `{cap_ms}` ms is out of range: use 1 ms to a day")))
        }
        (AggregateKind::Dwell, None) => Err(AggregateError::new("dwell needs a cap of one gap: add one, as 30m")),
        (kind, Some(_)) => Err(AggregateError::new(format!("{kind} has no cap: remove it"))),
        (_, None) => Ok(()),
    }
}

fn check_name(what: &str, name: &str) -> Result<(), AggregateError> {
    if name.is_empty() {
        return Err(AggregateError::new(format!("the {what} of an aggregate is empty: name one")));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(AggregateError::new(format!(
            "the {what} `{}...` is longer than {NAME_BYTES_MAX} bytes: shorten it",
            name.chars().take(16).collect::<String>()
        )));
    }
    Ok(())
}

fn check_type(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let (kind, given) = (spec.kind, spec.value_type);
    if !kind.types().contains(&given) {
        let allowed = kind.types().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        return Err(AggregateError::new(format!("{kind} cannot be of type `{given}`: use one of {allowed}")));
    }
    if matches!(kind, AggregateKind::Last | AggregateKind::First) && spec.property.is_none() && given != Type::Timestamp
    {
        return Err(AggregateError::new(format!(
            "{kind} without a property is the time of the event: use type timestamp, or name a property"
        )));
    }
    Ok(())
}

fn check_half_life(spec: &AggregateSpec) -> Result<(), AggregateError> {
    match (spec.kind, spec.half_life_ms) {
        (AggregateKind::Decay, Some(half_life_ms)) if (1..=HALF_LIFE_MS_MAX).contains(&half_life_ms) => Ok(()),
        (AggregateKind::Decay, Some(half_life_ms)) => Err(AggregateError::new(format!(
            "the half-life of `{half_life_ms}` ms is out of range: use 1 ms to ten years"
        ))),
        (AggregateKind::Decay, None) => Err(AggregateError::new("decay needs a half-life: add one, as 10m")),
        (kind, Some(_)) => Err(AggregateError::new(format!("{kind} has no half-life: remove it"))),
        (_, None) => Ok(()),
    }
}

fn check_size(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let kind = spec.kind;
    match spec.size {
        Some(1..=RING_SIZE_MAX) if kind.takes_size() => Ok(()),
        Some(size) if kind.takes_size() => {
            Err(AggregateError::new(format!("the {kind} size `{size}` is out of range: use 1 to {RING_SIZE_MAX}")))
        }
        Some(_) => Err(AggregateError::new(format!("{kind} has no size: remove it"))),
        None if kind.takes_size() => {
            Err(AggregateError::new(format!("{kind} needs a size: add one, from 1 to {RING_SIZE_MAX}")))
        }
        None => Ok(()),
    }
}
