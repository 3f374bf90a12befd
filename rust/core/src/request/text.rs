//! The small pieces of a request: bounded text, maps whose names must differ, a given signal. Borrows from the body.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::input::Input;
use crate::instant::Instant;
use crate::temporal::parse_timestamp;

/// Longest id or name in a request, in bytes.
pub const TEXT_BYTES_MAX: usize = 512;

/// A bounded string; borrowed from the body unless it holds escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, borrowing nothing.
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// The text, still borrowed where it was.
    pub fn into_inner(self) -> Cow<'a, str> {
        self.0
    }
}

/// The text of an id; an empty one counts as none.
pub fn id<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(Text::as_str).filter(|id| !id.is_empty())
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        bounded(text).map(|text| Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        bounded(text).map(|text| Text(Cow::Owned(text.to_owned())))
    }
}

fn bounded<E: Error>(text: &str) -> Result<&str, E> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(E::custom(format_args!("longer than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// A struct that comes as an object; serde would also take its fields from a list, by position.
#[derive(Clone, Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A list of at most `MAX` items: one more ends the parse, before the rest is read.
#[derive(Clone, Debug)]
pub struct Bounded<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What the error of a [`Bounded`] list begins with.
pub(super) const TOO_MANY: &str = "holds more than ";

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor::<T, MAX>(PhantomData)).map(Self)
    }
}

struct BoundedVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for BoundedVisitor<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() == MAX {
                return Err(A::Error::custom(format_args!("{TOO_MANY}{MAX} items")));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// Room for the pairs of most objects.
const PAIRS: usize = 16;

/// An object as a list of pairs; a name that comes twice is refused, for two parsers would disagree about it.
#[derive(Clone, Debug)]
pub struct Pairs<'a, T>(Vec<(Cow<'a, str>, T)>);

impl<'a, T> Pairs<'a, T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs in the order they came.
    pub fn as_slice(&self) -> &[(Cow<'a, str>, T)] {
        &self.0
    }

    /// The pairs in the order they came.
    pub fn into_inner(self) -> Vec<(Cow<'a, str>, T)> {
        self.0
    }
}

impl<T> Default for Pairs<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Pairs<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<'a, T> {
    type Value = Pairs<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Vec<(Cow<'a, str>, T)> = Vec::with_capacity(PAIRS);
        while let Some((name, value)) = map.next_entry::<Text<'a>, T>()? {
            pairs.push((name.into_inner(), value));
        }
        match repeated(&pairs) {
            Some(name) => Err(A::Error::custom(format_args!("`{name}` is given twice"))),
            None => Ok(Pairs(pairs)),
        }
    }
}

/// Sorting the names keeps this n log n however the names were chosen.
fn repeated<'p, T>(pairs: &'p [(Cow<'_, str>, T)]) -> Option<&'p str> {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(*first),
        _ => None,
    })
}

/// What a clock may be set to, as RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTime(pub Timestamp);

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let instant = parse_timestamp(text.as_str()).and_then(Instant::to_timestamp).map(Self);
        instant.ok_or_else(|| D::Error::custom(format_args!("`{}` is not an RFC 3339 time", text.as_str())))
    }
}

/// Whether a purpose is granted; `null` counts as not said.
pub type Granted = Option<bool>;

/// A signal as a caller gives it: a plain value, or a value with the time it was observed.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The value, not yet checked against its declaration.
    pub input: Input<'a>,
    /// When it was observed.
    pub observed: Observed,
}

/// When a value was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Not said, which counts as now.
    Now,
    /// At an instant.
    At(Instant),
    /// At something that is no RFC 3339 time.
    Unreadable,
}

impl<'a> From<Input<'a>> for Given<'a> {
    fn from(input: Input<'a>) -> Self {
        Self { input, observed: Observed::Now }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or an object with `value`")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Input::Null.into())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Input::Bool(value).into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Input::Int(value).into())
    }

    #[allow(clippy::cast_precision_loss, reason = "an int beyond 64 bits is a float, as everywhere in JSON")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Input::Float(value as f64), Input::Int).into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Input::Float(value).into())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Input::String(Cow::Borrowed(value)).into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Input::String(Cow::Owned(value.to_owned())).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Input::deserialize(SeqAccessDeserializer::new(seq)).map(Given::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        ObservedValue::deserialize(MapAccessDeserializer::new(map)).map(Given::from)
    }
}

/// An object that says nothing of a value is no value at all.
const fn no_value<'a>() -> Input<'a> {
    Input::Other
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObservedValue<'a> {
    #[serde(borrow, default = "no_value")]
    value: Input<'a>,
    #[serde(borrow, default)]
    observed_at: Option<Input<'a>>,
}

impl<'a> From<ObservedValue<'a>> for Given<'a> {
    fn from(given: ObservedValue<'a>) -> Self {
        let observed = match given.observed_at {
            None | Some(Input::Null) => Observed::Now,
            Some(Input::String(text)) => parse_timestamp(&text).map_or(Observed::Unreadable, Observed::At),
            Some(_) => Observed::Unreadable,
        };
        Self { input: given.value, observed }
    }
}
