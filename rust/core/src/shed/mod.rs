//! Answers without deciding, for when a node is asked for more than it can do: every decision point's fallback with the reason
//! `SHED`, rendered once per bundle. Takes of a body what an answer has to repeat, reads no signals and changes nothing.

mod skim;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;

use self::skim::Parts;

use crate::answer::{CacheKey, Writer, render_bare, render_error};
use crate::decide::{Action, Reason, decision_id, derived_id, unique};
use crate::engine::Engine;
use crate::error::RequestError;
use crate::request::{BATCH_MAX, Batch, Bounded, DECISION_POINTS_MAX, Request, Text};

/// Room for an item of a batch of answers.
const ITEM_BYTES: usize = 768;

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
        let mut answer = Answer::new(self, Writer::default(), now);
        answer.item(body, skim::parts(body), 0)?;
        Ok(answer.finish())
    }

    /// The answer to a batch: one to each request; a bad one is a problem in its place.
    pub fn answer_batch(&self, body: &[u8], now: Timestamp) -> Result<Shed, RequestError> {
        if let Some(items) = skim::requests(body).filter(|items| items.len() <= BATCH_MAX) {
            return Ok(self.answer_items(&items, now));
        }
        let batch = Batch::parse(body)?;
        let items: Vec<_> = batch.requests.0.iter().map(|item| (item.get().as_bytes(), None)).collect();
        Ok(self.answer_items(&items, now))
    }

    fn answer_items<'b>(&self, items: &[(&'b [u8], Option<Parts<'b>>)], now: Timestamp) -> Shed {
        let mut answer = Answer::new(self, Writer::with_capacity(items.len() * ITEM_BYTES), now);
        answer.json.raw("{\"responses\":[");
        for (position, (item, parts)) in items.iter().enumerate() {
            answer.json.separator(position);
            if let Err(error) = answer.item(item, *parts, position) {
                answer.json.bytes(&error.problem());
            }
        }
        answer.json.raw("]}");
        answer.finish()
    }

    /// Renders the answer to whoever asks for these points, but for the ids.
    fn asked_for<'b>(&self, raw: &'b [u8], points: Vec<Text<'b>>) -> AskedFor<'b> {
        let mut json = Writer::default();
        json.bytes(&self.head).text(&self.cache_key(&points)).raw(",\"eventsAccepted\":0,\"decisions\":{");
        let (mut parts, mut known) = (Vec::with_capacity(points.len()), 0);
        for (position, point) in points.into_iter().enumerate() {
            json.separator(position).text(point.as_str()).raw(":{\"decisionId\":\"");
            let before = std::mem::take(&mut json).into_bytes();
            json.raw("\"");
            known += usize::from(self.render_fallback(&mut json, point.as_str()));
            parts.push((point, before));
        }
        json.raw("},\"warnings\":[]}");
        AskedFor { raw, points: parts, tail: json.into_bytes(), known }
    }

    /// Renders what follows a decision's id, and says whether the point is the bundle's.
    fn render_fallback(&self, json: &mut Writer, point: &str) -> bool {
        let fallback = self.points.get(point);
        if let Some(fallback) = fallback {
            json.bytes(&fallback.rendered);
        } else {
            render_bare(json, Action::Own, b"null", Reason::Error);
            render_error(json, point);
        }
        json.raw("}");
        fallback.is_some()
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

/// An answer in the making.
struct Answer<'f, 'b> {
    fallbacks: &'f Fallbacks,
    json: Writer,
    now: Timestamp,
    decisions: usize,
    /// The points that the last item asked for: the items of a batch mostly ask for the same.
    last: Option<AskedFor<'b>>,
}

/// What an item asks for, and its answer but for the ids in it.
struct AskedFor<'b> {
    /// As it stands in the body.
    raw: &'b [u8],
    /// Each point with what stands before its decision's id.
    points: Vec<(Text<'b>, Vec<u8>)>,
    /// What stands behind the last id.
    tail: Vec<u8>,
    /// How many of the points are the bundle's.
    known: usize,
}

impl<'f, 'b> Answer<'f, 'b> {
    fn new(fallbacks: &'f Fallbacks, json: Writer, now: Timestamp) -> Self {
        Self { fallbacks, json, now, decisions: 0, last: None }
    }

    /// Renders the answer to a request; one that is refused has rendered nothing.
    fn item(&mut self, body: &'b [u8], parts: Option<Parts<'b>>, item: usize) -> Result<(), RequestError> {
        let id = match parts.and_then(|parts| self.asked(parts)) {
            Some(id) => id,
            None => self.parsed(body)?,
        };
        let id = if id.is_empty() { derived_id(body, self.now, item).into() } else { id };
        self.render(&id);
        Ok(())
    }

    /// Reads what a request asks for without parsing it, and returns its id, empty for none; `None` where that is not plain.
    fn asked(&mut self, parts: Parts<'b>) -> Option<Cow<'b, str>> {
        let id: Option<Text<'_>> = serde_json::from_slice(parts.request_id.unwrap_or(b"null")).ok()?;
        let raw = parts.points?;
        if self.last.as_ref().is_none_or(|last| last.raw != raw) {
            let points: Bounded<Text<'_>, DECISION_POINTS_MAX> = serde_json::from_slice(raw).ok()?;
            if points.0.is_empty() {
                return None;
            }
            self.ask(raw, points.0);
        }
        Some(text_or_none(id))
    }

    fn parsed(&mut self, body: &'b [u8]) -> Result<Cow<'b, str>, RequestError> {
        let request = Request::parse(body, |_| ())?;
        self.ask(b"", request.decision_points.0);
        Ok(text_or_none(request.request_id))
    }

    fn ask(&mut self, raw: &'b [u8], points: Vec<Text<'b>>) {
        self.last = Some(self.fallbacks.asked_for(raw, unique(points)));
    }

    fn render(&mut self, id: &str) {
        let Some(asked) = &self.last else { return };
        self.json.raw("{\"requestId\":").text(id);
        for (point, before) in &asked.points {
            self.json.bytes(before).raw(&decision_id(id, point.as_str()));
        }
        self.json.bytes(&asked.tail);
        self.decisions += asked.known;
    }

    fn finish(self) -> Shed {
        Shed { body: self.json.into_bytes(), decisions: self.decisions }
    }
}

fn text_or_none(id: Option<Text<'_>>) -> Cow<'_, str> {
    id.map_or(Cow::Borrowed(""), Text::into_inner)
}
