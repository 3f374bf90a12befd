//! Answers without deciding, for when a node is asked for more than it can do: every decision point's fallback with the reason
//! `SHED`, rendered once per bundle. Takes of a body what an answer has to repeat, reads no signals and changes nothing.

mod skim;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::answer::{CacheKey, Writer, render_bare, render_error};
use crate::decide::{Action, Reason, decision_id, derived_id, unique};
use crate::engine::Engine;
use crate::error::RequestError;
use crate::request::{BATCH_MAX, Batch, Bounded, DECISION_POINTS_MAX, Request, Text};

/// Room for an item of a batch of answers.
const ITEM_BYTES: usize = 640;

/// Every decision point's fallback as one node answers it with one bundle.
#[derive(Debug)]
pub struct Fallbacks {
    digest: String,
    /// What stands between the id of a request and its cache key.
    head: Vec<u8>,
    points: HashMap<String, Fallback>,
}

#[derive(Debug)]
struct Fallback {
    value: Vec<u8>,
    /// The decision after its id.
    rendered: Vec<u8>,
    /// The cache key of an answer with this decision alone.
    cache_key: String,
}

/// An answer without deciding.
#[derive(Debug)]
pub struct Shed {
    /// Its body.
    pub body: Vec<u8>,
    /// How many decision points got their fallback.
    pub decisions: usize,
}

impl Fallbacks {
    /// Renders the fallbacks of a bundle.
    pub fn new(engine: &Engine, node: &str, generation: u64) -> Self {
        let mut head = Writer::default();
        head.raw(",\"bundle\":").text(engine.digest()).raw(",\"generation\":").value(&generation);
        head.raw(",\"node\":").text(node).raw(",\"cacheKey\":");
        let digest = engine.digest().to_owned();
        let points = engine.points.iter().map(|(name, point)| {
            let mut key = CacheKey::new(&digest);
            key.add(name, Action::Render, &point.fallback);
            let mut rendered = Writer::default();
            render_bare(&mut rendered, Action::Render, &point.fallback, Reason::Shed);
            let (value, rendered) = (point.fallback.clone(), rendered.into_bytes());
            (name.clone(), Fallback { value, rendered, cache_key: key.finish() })
        });
        Self { points: points.collect(), head: head.into_bytes(), digest }
    }

    /// The answer to one request. What is no request is refused as it is by deciding.
    pub fn answer(&self, body: &[u8], now: Timestamp) -> Result<Shed, RequestError> {
        let mut json = Writer::default();
        let decisions = self.answer_item(&mut json, body, now, 0)?;
        Ok(Shed { body: json.into_bytes(), decisions })
    }

    /// The answer to a batch: one to each request; a bad one is a problem in its place.
    pub fn answer_batch(&self, body: &[u8], now: Timestamp) -> Result<Shed, RequestError> {
        if let Some(items) = skim::requests(body).filter(|items| items.len() <= BATCH_MAX) {
            return Ok(self.answer_items(&items, now));
        }
        let batch = Batch::parse(body)?;
        let items: Vec<&[u8]> = batch.requests.0.iter().map(|item| item.get().as_bytes()).collect();
        Ok(self.answer_items(&items, now))
    }

    fn answer_items(&self, items: &[&[u8]], now: Timestamp) -> Shed {
        let mut json = Writer::with_capacity(items.len() * ITEM_BYTES);
        json.raw("{\"responses\":[");
        let mut decisions = 0;
        for (position, item) in items.iter().enumerate() {
            json.separator(position);
            match self.answer_item(&mut json, item, now, position) {
                Ok(answered) => decisions += answered,
                Err(error) => _ = json.bytes(&error.problem()),
            }
        }
        json.raw("]}");
        Shed { body: json.into_bytes(), decisions }
    }

    /// Renders the answer to a request; one that is refused has rendered nothing.
    fn answer_item(&self, json: &mut Writer, body: &[u8], now: Timestamp, item: usize) -> Result<usize, RequestError> {
        let (id, points) = match asked(body) {
            Some(asked) => asked,
            None => parsed(body)?,
        };
        let id = id.map_or_else(|| derived_id(body, now, item).into(), Text::into_inner);
        json.raw("{\"requestId\":").text(&id).bytes(&self.head).text(&self.cache_key(&points));
        json.raw(",\"eventsAccepted\":0,\"decisions\":{");
        let mut decisions = 0;
        for (position, point) in points.iter().map(Text::as_str).enumerate() {
            json.separator(position).text(point).raw(":{\"decisionId\":").text(&decision_id(&id, point));
            if let Some(fallback) = self.points.get(point) {
                json.bytes(&fallback.rendered);
                decisions += 1;
            } else {
                render_bare(json, Action::Own, b"null", Reason::Error);
                render_error(json, point);
            }
            json.raw("}");
        }
        json.raw("},\"warnings\":[]}");
        Ok(decisions)
    }

    fn cache_key(&self, points: &[Text<'_>]) -> String {
        if let [point] = points
            && let Some(fallback) = self.points.get(point.as_str())
        {
            return fallback.cache_key.clone();
        }
        let mut key = CacheKey::new(&self.digest);
        for point in points.iter().map(Text::as_str) {
            match self.points.get(point) {
                Some(fallback) => key.add(point, Action::Render, &fallback.value),
                None => key.add(point, Action::Own, b""),
            }
        }
        key.finish()
    }
}

type Asked<'b> = (Option<Text<'b>>, Vec<Text<'b>>);

/// What a request asks for, without parsing it; `None` where that is not plain.
fn asked(body: &[u8]) -> Option<Asked<'_>> {
    let parts = skim::parts(body)?;
    let id: Option<Text<'_>> = parts.request_id.map_or(Some(None), |id| serde_json::from_slice(id).ok())?;
    let points: Bounded<Text<'_>, DECISION_POINTS_MAX> = serde_json::from_slice(parts.points?).ok()?;
    (!points.0.is_empty()).then(|| (given(id), unique(points.0)))
}

fn parsed(body: &[u8]) -> Result<Asked<'_>, RequestError> {
    let request = Request::parse(body, |_| ())?;
    Ok((given(request.request_id), unique(request.decision_points.0)))
}

/// An empty id is none.
fn given(id: Option<Text<'_>>) -> Option<Text<'_>> {
    id.filter(|id| !id.as_str().is_empty())
}
