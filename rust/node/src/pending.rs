//! Decisions that wait for models: one request or a batch of them, what is decided so far and what each model has to see.
//! Rows of all requests go to a model together; running it is up to the caller.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use edgewise_core::decide::{Call, Prepared, Waiting};
use edgewise_core::error::RequestError;
use edgewise_core::model::{GivenUp, Model};
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
    /// A request, with its records, that reads what one before it, which waits, is going to write.
    Later(Box<[u8]>, Box<[RecordId]>),
}

/// Stands for a record; that two are the same costs a turn and changes no decision.
type RecordId = u64;

/// The records that requests not yet decided are going to write.
type Busy = HashSet<RecordId>;

/// What one model has to see: one row per waiting request, row after row.
pub struct Rows {
    /// Place of the model in the bundle.
    pub model: usize,
    /// Its name.
    pub name: String,
    /// How many rows there are.
    pub count: usize,
    /// Length of a row.
    pub slots: usize,
    /// Hashed features.
    pub ids: Vec<i32>,
    /// Their values.
    pub vals: Vec<f32>,
}

/// What came of running one model.
pub struct Outputs {
    /// Place of the model in the bundle.
    pub model: usize,
    /// One entry per row of its [`Rows`]: what it gave, or why nothing.
    pub rows: Vec<Result<Vec<f32>, GivenUp>>,
}

impl Node {
    /// Begins to decide one request.
    pub fn begin(&self, body: &[u8], facts: CallFacts) -> Result<Turn, RequestError> {
        let call = self.call(facts, 0);
        let item = self.try_item(self.prepare(body, &call)?, &call);
        Ok(Turn::from(Pending { facts, is_batch: false, items: vec![item] }))
    }

    /// Begins to decide a batch; a bad item is a problem in its place.
    pub fn begin_batch(&self, body: &[u8], facts: CallFacts) -> Result<Turn, RequestError> {
        let batch = Batch::parse(body)?;
        let mut busy = Busy::new();
        let items = batch.requests.0.iter().enumerate().map(|(position, request)| {
            self.begin_item(request.get().as_bytes(), &self.call(facts, position), &mut busy)
        });
        Ok(Turn::from(Pending { facts, is_batch: true, items: items.collect() }))
    }

    /// Goes on with what models gave; one of which nothing is said has failed. A model is asked once a request, so this
    /// ends after as many turns as there are models for each request that has to wait for one before it.
    pub fn resume(&self, mut pending: Pending, outputs: &[Outputs]) -> Turn {
        for (index, _, positions) in self.asked(&pending) {
            let found = outputs.iter().find(|outputs| outputs.model == index);
            for (row, position) in positions.into_iter().enumerate() {
                let output = found.and_then(|outputs| outputs.rows.get(row)).map_or(Err(GivenUp::Failed), given);
                if let Some(Item::Waiting(waiting)) = pending.items.get_mut(position) {
                    waiting.settle(&self.engine, index, output);
                }
            }
        }
        let Pending { facts, is_batch, items } = pending;
        let mut busy = Busy::new();
        let items = items.into_iter().enumerate().map(|(position, item)| {
            let call = self.call(facts, position);
            match item {
                Item::Done(answer) => Item::Done(answer),
                Item::Waiting(waiting) => noted(self.try_item(waiting.into_prepared(), &call), &mut busy),
                Item::Later(body, records) if records.iter().any(|record| busy.contains(record)) => {
                    busy.extend(&records);
                    Item::Later(body, records)
                }
                Item::Later(body, _) => self.begin_item(&body, &call, &mut busy),
            }
        });
        Turn::from(Pending { facts, is_batch, items: items.collect() })
    }

    /// What the models have to see, model by model.
    pub fn rows(&self, pending: &Pending) -> Vec<Rows> {
        let asked = self.asked(pending).into_iter();
        asked.map(|(index, model, positions)| rows(index, model, &pending.items, &positions)).collect()
    }

    /// The models that are waited for, each with the places of the requests that wait for it.
    fn asked(&self, pending: &Pending) -> Vec<(usize, &Model, Vec<usize>)> {
        let mut asked: Vec<(usize, &Model, Vec<usize>)> = Vec::new();
        for (position, item) in pending.items.iter().enumerate() {
            let Item::Waiting(waiting) = item else { continue };
            for (index, model) in waiting.wanted(&self.engine) {
                match asked.iter_mut().find(|(known, ..)| *known == index) {
                    Some((_, _, positions)) => positions.push(position),
                    None => asked.push((index, model, vec![position])),
                }
            }
        }
        asked
    }

    /// Begins a request of a batch, unless it reads what one before it is going to write: requests of a batch are decided
    /// as if they had come one after another.
    fn begin_item(&self, body: &[u8], call: &Call<'_>, busy: &mut Busy) -> Item {
        let prepared = match self.prepare(body, call) {
            Ok(prepared) => prepared,
            Err(error) => return Item::Done(error.problem()),
        };
        if !busy.is_empty() {
            let records = records(&prepared);
            if records.iter().any(|record| busy.contains(record)) {
                busy.extend(&records);
                return Item::Later(body.into(), records);
            }
        }
        noted(self.try_item(prepared, call), busy)
    }

    fn prepare<'b>(&self, body: &'b [u8], call: &Call<'_>) -> Result<Prepared<'b>, RequestError> {
        self.engine.prepare_beside(body, call, &self.records, self.beside.as_deref())
    }

    fn try_item(&self, prepared: Prepared<'_>, call: &Call<'_>) -> Item {
        match self.engine.try_decide(prepared, &self.switches) {
            Ok(decided) => Item::Done(self.finish(&decided, call)),
            Err(waiting) => Item::Waiting(Box::new(waiting.into_owned())),
        }
    }
}

/// Notes what a request that waits is going to write.
fn noted(item: Item, busy: &mut Busy) -> Item {
    if let Item::Waiting(waiting) = &item {
        busy.extend(records(waiting.prepared()));
    }
    item
}

/// The records that a request reads and may write.
fn records(prepared: &Prepared<'_>) -> Box<[RecordId]> {
    prepared
        .records()
        .map(|named| {
            let mut hasher = DefaultHasher::new();
            named.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}

fn given(row: &Result<Vec<f32>, GivenUp>) -> Result<&[f32], GivenUp> {
    row.as_deref().map_err(|reason| *reason)
}

fn rows(index: usize, model: &Model, items: &[Item], positions: &[usize]) -> Rows {
    let (count, slots) = (positions.len(), model.spec.slots());
    let (mut ids, mut vals) = (vec![0; count * slots], vec![0.0; count * slots]);
    let places = ids.chunks_mut(slots.max(1)).zip(vals.chunks_mut(slots.max(1)));
    for (position, (ids, vals)) in positions.iter().zip(places) {
        if let Some(Item::Waiting(waiting)) = items.get(*position) {
            waiting.extract(model, ids, vals);
        }
    }
    Rows { model: index, name: model.name.clone(), count, slots, ids, vals }
}

impl From<Pending> for Turn {
    fn from(pending: Pending) -> Self {
        if pending.items.iter().any(|item| !matches!(item, Item::Done(_))) {
            return Self::Pending(pending);
        }
        let answers = pending.items.into_iter().filter_map(|item| match item {
            Item::Done(answer) => Some(answer),
            Item::Waiting(_) | Item::Later(..) => None,
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
