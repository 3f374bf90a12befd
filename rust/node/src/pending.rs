//! Decisions that wait for models: one request or a batch of them, what is decided so far and what each model has to see.
//! Rows of all requests go to a model together; running it is up to the caller.

use edgewise_core::decide::{Call, Prepared, Waiting};
use edgewise_core::error::RequestError;
use edgewise_core::request::Batch;

use crate::node::{CallFacts, Node};

/// A body on its way to an answer.
pub enum Turn {
    /// The answer.
    Answer(Vec<u8>),
    /// Models have to run first.
    Pending(Pending),
}

/// A body whose requests are not all decided.
pub struct Pending {
    facts: CallFacts,
    is_batch: bool,
    items: Vec<Item>,
}

enum Item {
    Done(Vec<u8>),
    Waiting(Box<Waiting<'static>>),
}

/// What one model has to see: one row per waiting request, row after row.
pub struct Rows {
    /// Place of the model in the bundle.
    pub model: usize,
    /// Its name.
    pub name: String,
    /// Length of a row.
    pub slots: usize,
    /// Places of the requests in the body.
    pub items: Vec<usize>,
    /// Hashed features.
    pub ids: Vec<i32>,
    /// Their values.
    pub vals: Vec<f32>,
}

/// What came of running one model.
pub struct Outputs {
    /// Place of the model in the bundle.
    pub model: usize,
    /// One entry per row of its [`Rows`]; none where the model was given up.
    pub rows: Vec<Option<Vec<f32>>>,
}

impl Node {
    /// Begins to decide one request.
    pub fn begin(&self, body: &[u8], facts: CallFacts) -> Result<Turn, RequestError> {
        let item = self.begin_item(body, &self.call(facts, 0))?;
        Ok(Turn::from(Pending { facts, is_batch: false, items: vec![item] }))
    }

    /// Begins to decide a batch; a bad item is a problem in its place.
    pub fn begin_batch(&self, body: &[u8], facts: CallFacts) -> Result<Turn, RequestError> {
        let batch = Batch::parse(body)?;
        let items = batch.requests.0.iter().enumerate().map(|(position, request)| {
            let item = self.begin_item(request.get().as_bytes(), &self.call(facts, position));
            item.unwrap_or_else(|error| Item::Done(error.problem()))
        });
        Ok(Turn::from(Pending { facts, is_batch: true, items: items.collect() }))
    }

    /// Goes on with what models gave. A model that gave nothing is not asked again, so this ends after as many turns as
    /// there are models.
    pub fn resume(&self, mut pending: Pending, outputs: &[Outputs]) -> Turn {
        let asked = self.rows(&pending);
        for rows in &asked {
            let found = outputs.iter().find(|outputs| outputs.model == rows.model);
            for (row, position) in rows.items.iter().enumerate() {
                let output = found.and_then(|outputs| outputs.rows.get(row)).and_then(Option::as_deref);
                if let Some(Item::Waiting(waiting)) = pending.items.get_mut(*position) {
                    waiting.settle(&self.engine, rows.model, output);
                }
            }
        }
        let Pending { facts, is_batch, items } = pending;
        let items = items.into_iter().enumerate().map(|(position, item)| match item {
            Item::Done(answer) => Item::Done(answer),
            Item::Waiting(waiting) => self.try_item(waiting.into_prepared(), &self.call(facts, position)),
        });
        Turn::from(Pending { facts, is_batch, items: items.collect() })
    }

    /// What the models have to see, model by model.
    pub fn rows(&self, pending: &Pending) -> Vec<Rows> {
        let mut rows: Vec<Rows> = Vec::new();
        for (position, item) in pending.items.iter().enumerate() {
            let Item::Waiting(waiting) = item else { continue };
            for (index, model) in waiting.wanted(&self.engine) {
                let slots = model.spec.slots();
                let (mut ids, mut vals) = (vec![0; slots], vec![0.0; slots]);
                waiting.extract(model, &mut ids, &mut vals);
                let place = rows.iter().position(|rows| rows.model == index).unwrap_or_else(|| {
                    let name = model.name.clone();
                    rows.push(Rows { model: index, name, slots, items: Vec::new(), ids: Vec::new(), vals: Vec::new() });
                    rows.len() - 1
                });
                if let Some(rows) = rows.get_mut(place) {
                    rows.items.push(position);
                    rows.ids.append(&mut ids);
                    rows.vals.append(&mut vals);
                }
            }
        }
        rows
    }

    fn begin_item(&self, body: &[u8], call: &Call<'_>) -> Result<Item, RequestError> {
        let prepared = self.engine.prepare(body, call, &self.records)?;
        Ok(self.try_item(prepared, call))
    }

    fn try_item(&self, prepared: Prepared<'_>, call: &Call<'_>) -> Item {
        match self.engine.try_decide(prepared, &self.switches) {
            Ok(decided) => Item::Done(self.finish(&decided, call)),
            Err(waiting) => Item::Waiting(Box::new(waiting.into_owned())),
        }
    }
}

impl From<Pending> for Turn {
    fn from(pending: Pending) -> Self {
        if pending.items.iter().any(|item| matches!(item, Item::Waiting(_))) {
            return Self::Pending(pending);
        }
        let answers = pending.items.into_iter().filter_map(|item| match item {
            Item::Done(answer) => Some(answer),
            Item::Waiting(_) => None,
        });
        let answers: Vec<Vec<u8>> = answers.collect();
        Self::Answer(if pending.is_batch { batch_answer(&answers) } else { answers.concat() })
    }
}

fn batch_answer(answers: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"{\"responses\":[".to_vec();
    body.extend(answers.join(&b','));
    body.extend_from_slice(b"]}");
    body
}
