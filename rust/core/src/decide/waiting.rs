//! A request that waits for models: what each of them sees of it, and what their outputs change.

use super::prepare::Prepared;
use crate::engine::Engine;
use crate::input::Input;
use crate::model::{Model, ModelSet, rounded};

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

    /// Takes the outputs of a model, or that it was given up: then, and where an output is not finite, its signals stay
    /// missing. One outside its declared bounds is invalid, as any other value would be.
    pub fn settle(&mut self, engine: &Engine, index: usize, outputs: Option<&[f32]>) {
        self.prepared.settled = self.prepared.settled.union(ModelSet::single(index));
        let (Some(model), Some(outputs)) = (engine.models.get(index), outputs) else { return };
        for (slot, place) in &model.outputs {
            let output = outputs.get(*place).filter(|output| output.is_finite() && outputs.len() == model.output_count);
            if let (Some(output), Some(signal)) = (output, engine.signals.get(*slot)) {
                let reading = signal.admit(Input::Float(rounded(*output)));
                self.prepared.row.get_mut(*slot as usize).into_iter().for_each(|place| *place = reading.clone());
            }
        }
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
