//! Models of a document: which signals they set, what they read, and under which purposes their state is kept.

use super::signals::SignalSet;
use crate::bundle::{Document, ModelDocument};
use crate::consent::{PurposeSet, Purposes};
use crate::error::BundleError;
use crate::features::Spec;
use crate::model::{MODELS_MAX, Model};
use crate::signal::SignalId;
use crate::state::Aggregate;

/// The models that set a signal; one that no signal names is left out. Gives each model signal the purposes of what its
/// model reads, so that refusing one refuses the output too.
pub(super) fn models(
    document: &Document,
    signals: &mut SignalSet,
    purposes: &Purposes,
) -> Result<Vec<Model>, BundleError> {
    let mut models = Vec::new();
    for (name, declared) in &document.models {
        let model = model(name, declared, signals, purposes)?;
        models.extend(model.filter(|model| !model.outputs.is_empty()));
    }
    if models.len() > MODELS_MAX {
        return Err(BundleError::new("models", format!("more than {MODELS_MAX}")));
    }
    Ok(models)
}

fn model(
    name: &str,
    declared: &ModelDocument,
    signals: &mut SignalSet,
    purposes: &Purposes,
) -> Result<Option<Model>, BundleError> {
    let refused = |detail: String| BundleError::new(format!("models.{name}"), detail);
    let spec = Spec::parse(&declared.spec).map_err(|error| refused(error.to_string()))?;
    let outputs = outputs(name, declared, signals)?;
    let mut inputs = Vec::with_capacity(spec.inputs().len());
    for input in spec.inputs() {
        let slot = signals.table.slot(&input.signal);
        let kind = slot.and_then(|slot| signals.table.get(slot)).and_then(|signal| signal.kind);
        let slot = slot.filter(|_| kind == Some(input.value_type));
        inputs.push(slot.ok_or_else(|| {
            refused(format!("reads `{}` as {}, which is not declared", input.signal, input.value_type))
        })?);
        if signals.outputs.iter().any(|(output, _)| Some(*output) == slot) {
            return Err(refused(format!("reads `{}`, which a model sets", input.signal)));
        }
    }
    let set = signals.inherit(&spec, &inputs, &outputs);
    let names: Vec<String> = purposes.names(set).map(str::to_owned).collect();
    let kept = |aggregate: &Aggregate| aggregate.clone().for_purposes(&names);
    let aggregates = spec.aggregates().iter().map(|(_, aggregate)| kept(aggregate)).collect();
    let (digest, heads) = (declared.digest.clone(), declared.outputs.clone());
    Ok(Some(Model { name: name.to_owned(), digest, spec, inputs, aggregates, heads, outputs }))
}

/// The signals that name this model, each with the place of its output.
fn outputs(name: &str, declared: &ModelDocument, signals: &SignalSet) -> Result<Vec<(SignalId, usize)>, BundleError> {
    let named = signals.outputs.iter().filter(|(_, used)| used.name == name);
    let placed = named.map(|(slot, used)| {
        let place = declared.outputs.iter().position(|output| *output == used.output);
        let detail = || BundleError::new(format!("models.{name}"), format!("has no output `{}`", used.output));
        place.map(|place| (*slot, place)).ok_or_else(detail)
    });
    placed.collect()
}

impl SignalSet {
    /// Adds the purposes of what a model reads to the signals it sets, and returns them: those declared on these signals, on
    /// its inputs, and on signals that keep the same state.
    fn inherit(&mut self, spec: &Spec, inputs: &[SignalId], outputs: &[(SignalId, usize)]) -> PurposeSet {
        let read = outputs.iter().map(|(slot, _)| slot).chain(inputs);
        let of = |slot: &SignalId| self.facts.get(*slot as usize).map_or(PurposeSet::EMPTY, |facts| facts.purposes);
        let declared = read.map(of).fold(PurposeSet::EMPTY, PurposeSet::union);
        let same_state = self.aggregates.iter().filter(|(scope, _, aggregate)| {
            *scope == spec.scope() && spec.aggregates().iter().any(|(_, other)| other.spec() == aggregate.spec())
        });
        let set = same_state.map(|(_, slot, _)| of(slot)).fold(declared, PurposeSet::union);
        for (slot, _) in outputs {
            if let Some(facts) = self.facts.get_mut(*slot as usize) {
                facts.purposes = set;
            }
        }
        set
    }
}
