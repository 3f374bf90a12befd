//! A request that waits for models: what each of them sees of it, and what their outputs change.

use super::prepare::Prepared;
use crate::engine::Engine;
use crate::input::Input;
use crate::model::{GivenUp, Model, ModelSet, Outcome, rounded};

/// A request that cannot be decided before some models have run, or have been given up.
#[derive(Debug)]
pub struct Waiting<'b> {
    pub(crate) prepared: Prepared<'b>,
    pub(crate) wanted: ModelSet,
}

impl<'b> Waiting<'b> {
    /// The models that a candidate's conditions wait for.
    pub fn wanted<'e>(&self, engine: &'e Engine) -> impl Iterator<Item = (usize, &'e Model)> {
        self.wanted.iter().filter_map(|index| Some((index, engine.models.get(index)?)))
    }

    /// Fills one row of what a model sees of this request.
    pub fn extract(&self, model: &Model, ids: &mut [i32], vals: &mut [f32]) {
        if let Some(held) = self.prepared.held.iter().find(|held| held.scope == model.scope()) {
            model.extract(&held.record, &self.prepared.row, self.prepared.now_ms, ids, vals);
        }
    }

    /// Takes the outputs of a model, or that it was given up: then its signals stay missing, as they do when the outputs
    /// are not those of the bundle or not finite. One outside its declared bounds is invalid, as any other value would be.
    pub fn settle(&mut self, engine: &Engine, index: usize, outputs: Result<&[f32], GivenUp>) {
        let Some(model) = engine.models.get(index) else { return };
        if self.prepared.settled.contains(index) {
            return;
        }
        self.prepared.settled = self.prepared.settled.union(ModelSet::single(index));
        let outputs = outputs.and_then(|outputs| admitted(model, outputs));
        for (slot, place) in &model.outputs {
            let output = outputs.as_ref().ok().and_then(|outputs| outputs.get(*place));
            if let (Some(output), Some(signal)) = (output, engine.signals.get(*slot)) {
                let reading = signal.admit(Input::Float(*output));
                self.prepared.row.get_mut(*slot as usize).into_iter().for_each(|place| *place = reading.clone());
            }
        }
        self.prepared.outcomes.push(Outcome { model: index, outputs });
        self.prepared.outcomes.sort_by_key(|outcome| outcome.model);
    }

    /// The request as far as it is known.
    pub const fn prepared(&self) -> &Prepared<'b> {
        &self.prepared
    }

    /// The request, to be decided again.
    pub fn into_prepared(self) -> Prepared<'b> {
        self.prepared
    }

    /// The same, borrowing nothing from the body.
    pub fn into_owned(self) -> Waiting<'static> {
        Waiting { prepared: self.prepared.into_owned(), wanted: self.wanted }
    }
}

/// Outputs as they are compared, if they are as many as the bundle says and all of them numbers.
fn admitted(model: &Model, outputs: &[f32]) -> Result<Vec<f64>, GivenUp> {
    if outputs.len() != model.heads.len() || !outputs.iter().all(|output| output.is_finite()) {
        return Err(GivenUp::Failed);
    }
    Ok(outputs.iter().map(|output| rounded(*output)).collect())
}
