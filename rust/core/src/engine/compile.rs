//! From a decoded document to an [`Engine`]: resolves every name once, so that no request ever looks one up that it did not
//! bring itself. Refuses what does not resolve; a book is checked long before, this is the last line of defense.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Number, Value as Json};
use sha2::{Digest, Sha256};

use super::{Engine, Point, ScopeState, SignalFacts};
use crate::bundle::{
    AggregateDocument, CapDocument, Document, OverlayDocument, PointDocument, ScenarioDocument, ScenarioPointDocument,
    SignalDocument, Source,
};
use crate::clock::{self, ClockSignals};
use crate::condition::{Condition, Constant, Policy};
use crate::consent::{PURPOSES_MAX, PurposeSet, Purposes};
use crate::error::BundleError;
use crate::index::{ConditionId, IndexBuilder};
use crate::merge::merge_patch;
use crate::scenario::{Cap, Experience, Experiment, Holdout, Overlay, Pathway, PathwayPlan, Plan, Scenario};
use crate::signal::{Signal, SignalId, SignalTable};
use crate::state::{self, Aggregate, AggregateKind, AggregateSpec, Scope};
use crate::value::{Type, Value};

/// Time to live of a session record when the bundle names none: 30 minutes.
const SESSION_TTL_MS: i64 = 30 * 60 * 1_000;
/// Time to live of a journey record when the bundle names none: 30 days.
const JOURNEY_TTL_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Compiles a document.
pub(super) fn compile(document: Document, digest: String) -> Result<Engine, BundleError> {
    let zone = clock::zone(&document.timezone)
        .ok_or_else(|| BundleError::new("timezone", format!("`{}` is not a time zone", document.timezone)))?;
    let purposes = Purposes::new(&document.purposes)
        .ok_or_else(|| BundleError::new("purposes", format!("more than {PURPOSES_MAX}")))?;
    let mut signals = SignalSet::new();
    for (name, declared) in &document.signals {
        signals.declare(name, declared, &purposes)?;
    }
    let policy = policy_of(&document.policy)?;
    let mut conditions =
        Conditions { signals: &signals, policy: &policy, builder: IndexBuilder::default(), reads_clock: false };
    let segments = conditions.segments(&document.segments)?;
    let mut scopes = scopes(&document, &signals)?;
    let mut points = registered(&document.decision_points);
    let mut scenarios = Vec::with_capacity(document.scenarios.len());
    for (position, declared) in by_priority(&document.scenarios) {
        let place = format!("scenarios[{position}]");
        let mut compiler =
            ScenarioCompiler { place, declared, slot: scenarios.len(), segments: &segments, scopes: &mut scopes };
        let scenario = compiler.scenario(&mut conditions)?;
        compiler.plans(&scenario, &mut points)?;
        scenarios.push(scenario);
    }
    let Conditions { builder, reads_clock, .. } = conditions;
    let holdout = document.global_holdout.map(|holdout| Holdout::new(holdout.unit, holdout.salt, holdout.percent));
    let clock = reads_clock.then_some(signals.clock);
    Ok(Engine {
        digest,
        zone,
        clock,
        guarded: signals.guarded(),
        country: signals.country,
        signals: signals.table,
        facts: signals.facts,
        purposes,
        index: builder.build(),
        scenarios,
        points,
        holdout,
        scopes,
        golden: document.golden,
    })
}

/// Scenarios with their place in the document, highest priority first; equal ones in the document's order.
fn by_priority(scenarios: &[ScenarioDocument]) -> Vec<(usize, &ScenarioDocument)> {
    let mut ordered: Vec<_> = scenarios.iter().enumerate().collect();
    ordered.sort_by_key(|(position, scenario)| (std::cmp::Reverse(scenario.priority), *position));
    ordered
}

fn registered(declared: &BTreeMap<String, PointDocument>) -> HashMap<String, Point> {
    let point = |point: &PointDocument| Point { fallback: point.fallback.to_string().into_bytes(), plans: Vec::new() };
    declared.iter().map(|(id, declared)| (id.clone(), point(declared))).collect()
}

/// Declared and built-in signals while they are being collected.
struct SignalSet {
    table: SignalTable,
    facts: Vec<SignalFacts>,
    aggregates: Vec<(Scope, SignalId, Aggregate)>,
    clock: ClockSignals,
    country: SignalId,
}

impl SignalSet {
    fn new() -> Self {
        let mut table = SignalTable::default();
        let clock = ClockSignals::declare(&mut table);
        let country = table.push(Signal {
            name: "geo.country".to_owned(),
            kind: Some(Type::String),
            values: Vec::new(),
            min: None,
            max: None,
        });
        let built_in = |source| SignalFacts { source, purposes: PurposeSet::default(), max_age_ms: None, label: None };
        let sources = [Source::Clock, Source::Clock, Source::Clock, Source::Edge];
        Self { table, facts: sources.map(built_in).into(), aggregates: Vec::new(), clock, country }
    }

    fn declare(&mut self, name: &str, declared: &SignalDocument, purposes: &Purposes) -> Result<(), BundleError> {
        let place = || format!("signals.{name}");
        let kind = Type::from_name(&declared.kind)
            .ok_or_else(|| BundleError::new(place(), format!("`{}` is not a type", declared.kind)))?;
        if self.table.slot(name).is_some() {
            return Err(BundleError::new(place(), "is built in"));
        }
        let bound = |number: &Option<Number>| number.as_ref().and_then(number_value);
        let slot = self.table.push(Signal {
            name: name.to_owned(),
            kind: Some(kind),
            values: declared.values.clone(),
            min: bound(&declared.min),
            max: bound(&declared.max),
        });
        let mut set = PurposeSet::default();
        for purpose in &declared.purposes {
            let found = purposes
                .slot(purpose)
                .ok_or_else(|| BundleError::new(place(), format!("purpose `{purpose}` is not declared")))?;
            set = set.union(PurposeSet::single(found));
        }
        self.facts.push(SignalFacts {
            source: declared.source,
            purposes: set,
            max_age_ms: declared.max_age_ms,
            label: declared.label.clone(),
        });
        let scope = match declared.source {
            Source::Session => Scope::Session,
            Source::Journey => Scope::Journey,
            _ => return Ok(()),
        };
        let aggregate = declared.aggregate.as_ref().ok_or_else(|| BundleError::new(place(), "has no aggregate"))?;
        let aggregate = aggregate_of(aggregate, kind).map_err(|detail| BundleError::new(place(), detail))?;
        self.aggregates.push((scope, slot, aggregate));
        Ok(())
    }

    fn guarded(&self) -> Vec<(SignalId, PurposeSet)> {
        (0..)
            .zip(&self.facts)
            .filter(|(_, facts)| !facts.purposes.is_empty())
            .map(|(slot, facts)| (slot, facts.purposes))
            .collect()
    }
}

fn policy_of(declared: &BTreeMap<String, Json>) -> Result<Policy, BundleError> {
    let mut policy = Policy::default();
    for (name, value) in declared {
        let constant =
            constant_of(value).ok_or_else(|| BundleError::new(format!("policy.{name}"), "is not a constant"))?;
        policy.set(name, constant);
    }
    Ok(policy)
}

fn constant_of(value: &Json) -> Option<Constant> {
    let scalar = match value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number_value(number)?,
        Json::String(text) => Value::String(Cow::Owned(text.clone())),
        Json::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            return texts.collect::<Option<Vec<_>>>().map(Constant::Strings);
        }
        Json::Null | Json::Object(_) => return None,
    };
    Some(Constant::Scalar(scalar))
}

fn number_value(number: &Number) -> Option<Value<'static>> {
    number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float))
}

fn aggregate_of(declared: &AggregateDocument, kind: Type) -> Result<Aggregate, String> {
    let name = &declared.kind;
    let spec = AggregateSpec {
        kind: AggregateKind::from_name(name).ok_or_else(|| format!("`{name}` is not an aggregate"))?,
        event: declared.event.clone(),
        property: declared.property.clone(),
        half_life_ms: declared.half_life_ms,
        size: declared.size,
        value_type: kind,
    };
    Aggregate::new(spec).map_err(|error| error.to_string())
}

fn scopes(document: &Document, signals: &SignalSet) -> Result<Vec<ScopeState>, BundleError> {
    let defaults = [(Scope::Session, SESSION_TTL_MS), (Scope::Journey, JOURNEY_TTL_MS)];
    let states = defaults.map(|(scope, ttl_ms)| {
        let ttl_ms = document.state.get(scope.name()).map_or(ttl_ms, |state| state.ttl_ms);
        scope_state(scope, ttl_ms, signals)
    });
    states.into_iter().collect()
}

fn scope_state(scope: Scope, ttl_ms: i64, signals: &SignalSet) -> Result<ScopeState, BundleError> {
    let mut state = ScopeState { scope, ttl_ms, plan: state::Plan::default(), slots: Vec::new(), has_caps: false };
    for (_, slot, aggregate) in signals.aggregates.iter().filter(|(declared, _, _)| *declared == scope) {
        let field = state
            .plan
            .add(aggregate.clone())
            .map_err(|error| BundleError::new(format!("state.{}", scope.name()), error.to_string()))?;
        match state.slots.get_mut(field) {
            Some(slots) => slots.push(*slot),
            None => state.slots.push(vec![*slot]),
        }
    }
    Ok(state)
}

/// Compiles conditions and remembers what they read.
struct Conditions<'c> {
    signals: &'c SignalSet,
    policy: &'c Policy,
    builder: IndexBuilder,
    reads_clock: bool,
}

/// A compiled condition with the signals it reads.
#[derive(Clone)]
struct Read {
    id: ConditionId,
    signals: Vec<SignalId>,
}

impl Conditions<'_> {
    fn compile(&mut self, text: &str, place: &str) -> Result<Read, BundleError> {
        let condition = Condition::compile(text, &self.signals.table, self.policy)
            .map_err(|error| BundleError::new(place, error.to_string()))?;
        let signals = condition.signals().to_vec();
        let is_clock =
            |slot: &SignalId| self.signals.facts.get(*slot as usize).is_some_and(|facts| facts.source == Source::Clock);
        self.reads_clock |= signals.iter().any(is_clock);
        Ok(Read { id: self.builder.add(condition), signals })
    }

    fn segments(&mut self, declared: &BTreeMap<String, String>) -> Result<HashMap<String, Read>, BundleError> {
        let compiled =
            declared.iter().map(|(name, text)| Ok((name.clone(), self.compile(text, &format!("segments.{name}"))?)));
        compiled.collect()
    }
}

/// Compiles one scenario and what it serves.
struct ScenarioCompiler<'c> {
    place: String,
    declared: &'c ScenarioDocument,
    slot: usize,
    segments: &'c HashMap<String, Read>,
    scopes: &'c mut Vec<ScopeState>,
}

impl ScenarioCompiler<'_> {
    fn scenario(&self, conditions: &mut Conditions<'_>) -> Result<Scenario, BundleError> {
        let declared = self.declared;
        let context = conditions.compile(&declared.context, &format!("{}.context", self.place))?;
        let mut reads = context.signals.clone();
        let mut pathways = Vec::with_capacity(declared.pathways.len());
        for pathway in &declared.pathways {
            let place = format!("{}.pathways.{}", self.place, pathway.id);
            let when = pathway.when.as_ref().map(|text| conditions.compile(text, &place)).transpose()?;
            reads.extend(when.iter().flat_map(|read| &read.signals));
            pathways.push(Pathway { id: pathway.id.clone(), when: when.map(|read| read.id) });
        }
        for overlay in declared.decision_points.iter().flat_map(|point| &point.overlays) {
            reads.extend(&self.segment(overlay)?.signals);
        }
        reads.sort_unstable();
        reads.dedup();
        let facts = |slot: &SignalId| conditions.signals.facts.get(*slot as usize);
        let purposes =
            reads.iter().filter_map(facts).fold(PurposeSet::default(), |set, facts| set.union(facts.purposes));
        let experiment = declared.experiment.as_ref().map(|experiment| {
            let arms = &experiment.arms;
            Experiment::new(experiment.unit, experiment.salt.clone(), arms.as_is, arms.personalized)
        });
        if pathways.last().is_none_or(|pathway| pathway.when.is_some()) {
            return Err(self.error("pathways", "the last one must be `otherwise`"));
        }
        Ok(Scenario {
            id: declared.id.clone(),
            digest: declared.digest.clone(),
            context: context.id,
            pathways,
            experiment,
            purposes,
            reads,
            explanation: declared.explanation.clone(),
        })
    }

    fn plans(&mut self, scenario: &Scenario, points: &mut HashMap<String, Point>) -> Result<(), BundleError> {
        let declared = self.declared;
        for point in &declared.decision_points {
            let pathways: Result<Vec<_>, _> =
                scenario.pathways.iter().map(|pathway| self.pathway_plan(&pathway.id, point)).collect();
            let plan = Plan { scenario: self.slot, pathways: pathways? };
            let registered =
                points.get_mut(&point.id).ok_or_else(|| self.error(&point.id, "is not a registered decision point"))?;
            registered.plans.push(plan);
        }
        Ok(())
    }

    fn pathway_plan(&mut self, pathway: &str, point: &ScenarioPointDocument) -> Result<PathwayPlan, BundleError> {
        let mut served = Served { value: point.default.clone(), omit: false };
        if let Some(delta) = point.by_pathway.get(pathway) {
            served.apply(delta.set.as_ref(), delta.omit);
        }
        let base = served.render();
        let applies = |overlay: &&OverlayDocument| {
            overlay.pathways.as_ref().is_none_or(|pathways| pathways.iter().any(|id| id == pathway))
        };
        let mut overlays = Vec::new();
        for overlay in point.overlays.iter().filter(applies) {
            let mut served = served.clone();
            served.apply(overlay.delta.set.as_ref(), overlay.delta.omit);
            let experience = served.render();
            overlays.push(Overlay {
                segment: overlay.segment.clone(),
                when: self.segment(overlay)?.id,
                differs: experience != base,
                experience,
                explain: overlay.explain.clone(),
                cap: overlay.cap.as_ref().map(|cap| self.cap(cap, point, overlay)).transpose()?,
            });
        }
        Ok(PathwayPlan { base, overlays })
    }

    fn segment(&self, overlay: &OverlayDocument) -> Result<&Read, BundleError> {
        let unknown = || self.error("overlays", &format!("segment `{}` is not declared", overlay.segment));
        self.segments.get(&overlay.segment).ok_or_else(unknown)
    }

    fn cap(
        &mut self,
        cap: &CapDocument,
        point: &ScenarioPointDocument,
        overlay: &OverlayDocument,
    ) -> Result<Cap, BundleError> {
        let state = self.scopes.iter_mut().find(|state| state.scope.name() == cap.per);
        let Some(state) = state else {
            return Err(self.error("cap", &format!("`{}` is not a scope of state", cap.per)));
        };
        let digest = cap_digest(&[&self.declared.id, &point.id, &overlay.segment]);
        state.has_caps = true;
        Ok(Cap { digest, max: cap.max, scope: state.scope })
    }

    fn error(&self, part: &str, detail: &str) -> BundleError {
        BundleError::new(format!("{}.{part}", self.place), detail)
    }
}

/// Names the counter of a cap in a record; a scenario's next version goes on counting.
fn cap_digest(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new_with_prefix(b"edgewise cap");
    for part in parts {
        hash.update([0]);
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What is served while deltas are applied to it.
#[derive(Clone)]
struct Served {
    value: Json,
    omit: bool,
}

impl Served {
    /// `omit` makes the moment disappear; a later `set` brings it back.
    fn apply(&mut self, set: Option<&Json>, omit: bool) {
        if let Some(patch) = set {
            merge_patch(&mut self.value, patch);
            self.omit = false;
        }
        self.omit |= omit;
    }

    fn render(&self) -> Experience {
        if self.omit { Experience::Omit } else { Experience::Render(self.value.to_string().into_bytes()) }
    }
}
