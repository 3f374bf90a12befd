//! Intent models as the engine knows them: which signals they set, and what they see of a request. Running them is up to
//! whoever holds the engine; models set signals, rules choose.

use crate::features::{FieldRef, Spec};
use crate::signal::{Reading, SignalId};
use crate::state::{Aggregate, Fact, Record, Scope};

/// Most models in one bundle; a set of them is one machine word.
pub const MODELS_MAX: usize = 32;

/// Outputs are rounded to this many parts of one before anything compares them, so that a last bit decides nothing.
const PARTS: f64 = 100_000.0;

/// A set of models, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSet(u32);

impl ModelSet {
    /// The set with one model.
    pub const fn single(index: usize) -> Self {
        Self(1 << (index % MODELS_MAX))
    }

    /// Whether no model is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Models in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a model is in it.
    pub const fn contains(self, index: usize) -> bool {
        Self::single(index).without(self).is_empty()
    }

    /// Models of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The models in it, by their place in the bundle.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MODELS_MAX).filter(move |index| self.0 & (1 << index) != 0)
    }
}

/// A model that sets at least one signal of a bundle.
#[derive(Debug)]
pub struct Model {
    /// Its name in the bundle.
    pub name: String,
    /// Names its weights.
    pub digest: String,
    /// What it sees.
    pub spec: Spec,
    /// The spec's inputs as signals, in their order.
    pub(crate) inputs: Vec<SignalId>,
    /// The spec's state, kept apart for the purposes of this model.
    pub(crate) aggregates: Vec<Aggregate>,
    /// The names of its outputs, in their order.
    pub(crate) heads: Vec<String>,
    /// The signals it sets, each with the place of its output.
    pub(crate) outputs: Vec<(SignalId, usize)>,
}

impl Model {
    /// Which record its state lies in.
    pub const fn scope(&self) -> Scope {
        self.spec.scope()
    }

    /// Fills one row from the record and the readings of a request.
    pub(crate) fn extract(
        &self,
        record: &Record,
        readings: &[Reading<'_>],
        now_ms: i64,
        ids: &mut [i32],
        vals: &mut [f32],
    ) {
        let read = |field| match field {
            FieldRef::State(place) => {
                self.aggregates.get(place).map_or(Fact::Missing, |aggregate| record.fact(aggregate, now_ms))
            }
            FieldRef::Input(place) => {
                let reading = self.inputs.get(place).and_then(|slot| readings.get(*slot as usize));
                reading.map_or(Fact::Missing, |reading| Fact::of(reading))
            }
        };
        self.spec.extract(read, ids, vals);
    }
}

/// Why a model that was asked for gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GivenUp {
    /// It was refused, or is not on this node.
    Absent,
    /// Too little of the request's budget was left to begin.
    Budget,
    /// It failed too often and rests.
    Resting,
    /// It was not done within the budget.
    Late,
    /// It failed, or what it gave was not what the bundle says.
    Failed,
}

impl GivenUp {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Absent, Self::Budget, Self::Resting, Self::Late, Self::Failed];

    /// The word in explanations and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Budget => "budget",
            Self::Resting => "resting",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What a model that was asked for gave to one request: its outputs as they are compared, or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) model: usize,
    pub(crate) outputs: Result<Vec<f64>, GivenUp>,
}

/// An output as it is compared and recorded.
pub(crate) fn rounded(output: f32) -> f64 {
    (f64::from(output) * PARTS).round() / PARTS
}
