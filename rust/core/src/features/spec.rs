//! A feature spec, parsed and compiled: what a model needs of state and inputs, and how that becomes a row. Owns its identity.

use super::check::{self, Names};
use super::document::{self, SpecError};
use super::feature::Feature;
use crate::bundle;
use crate::state::{Aggregate, Plan, Scope};
use crate::value::Type;

/// A signal that a spec reads beside state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecInput {
    /// The name that features use.
    pub name: String,
    /// The declared signal.
    pub signal: String,
    /// The type that the signal must have.
    pub value_type: Type,
}

/// A feature spec. Equal texts, up to blanks and the order of keys, have equal digests and make equal rows everywhere.
#[derive(Clone, Debug)]
pub struct Spec {
    canonical: String,
    digest: String,
    scope: Scope,
    bits: u32,
    slots: usize,
    inputs: Vec<SpecInput>,
    pub(super) missing: String,
    pub(super) aggregates: Vec<(String, Aggregate)>,
    pub(super) plan: Plan,
    pub(super) features: Vec<Feature>,
    pub(super) crosses: Vec<Vec<usize>>,
}

impl Spec {
    /// Parses and checks a text.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let document = document::read(text)?;
        let canonical = document::canonical(text)?;
        let scope = check::header(&document)?;
        let aggregates = check::aggregates(document.state.as_slice())?;
        let inputs = check::inputs(document.inputs.as_slice())?;
        let names = Names::new(&aggregates, &inputs)?;
        let features = check::features(&document.features, &names)?;
        let crosses = check::crosses(&document.crosses, &features)?;
        let plan = check::plan(&aggregates)?;
        let digest = bundle::digest(canonical.as_bytes());
        let (bits, slots, missing) = (document.bits, document.slots, document.missing);
        Ok(Self { canonical, digest, scope, bits, slots, inputs, missing, aggregates, plan, features, crosses })
    }

    /// The same spec, its state kept apart for these purposes; see [`Aggregate::for_purposes`].
    #[must_use]
    pub fn for_purposes(mut self, purposes: &[String]) -> Self {
        for (_, aggregate) in &mut self.aggregates {
            *aggregate = aggregate.clone().for_purposes(purposes);
        }
        // As large as before, so that it fits a record as before.
        self.plan = check::plan(&self.aggregates).unwrap_or_default();
        self
    }

    /// The one text of this spec: JSON, keys sorted, no blanks.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// `sha256:` and the hash of the canonical text.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Which record its state lies in.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// How long a row is.
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// How many weights a slot's number selects from.
    pub const fn width(&self) -> u32 {
        1 << self.bits
    }

    /// The state it needs, by name; to be kept under the digests of these declarations.
    pub fn aggregates(&self) -> &[(String, Aggregate)] {
        &self.aggregates
    }

    /// The signals it reads.
    pub fn inputs(&self) -> &[SpecInput] {
        &self.inputs
    }

    /// The names of its features, in declared order.
    pub fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.name.as_ref())
    }
}
