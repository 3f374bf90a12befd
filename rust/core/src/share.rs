//! Which visitors get the bundle that is on trial beside another, and batches of both kinds of visitor taken apart and put
//! together again. Looks at ids alone; what it cannot read belongs to the other bundle, which says what is wrong with it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bucket::bucket;
use crate::request::{Batch, Identity, Object, id};

/// Visitors whose bucket lies below a percentage: the same ones on every node.
#[derive(Clone, Debug)]
pub struct Share {
    salt: String,
    percent: f64,
}

/// A batch taken apart: which items the share takes, and a batch of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divided {
    /// Item by item, whether the share takes it.
    pub is_taken: Vec<bool>,
    /// A batch of the items that it does not take.
    pub others: Vec<u8>,
    /// A batch of the items that it takes.
    pub taken: Vec<u8>,
}

/// The part of a request that says who asks.
#[derive(Deserialize)]
struct Asker<'a> {
    #[serde(borrow, default)]
    identity: Option<Object<Identity<'a>>>,
}

/// The answers to a batch.
#[derive(Deserialize)]
struct Answers<'a> {
    #[serde(borrow)]
    responses: Vec<&'a RawValue>,
}

impl Share {
    /// The visitors whose bucket under `salt` lies below `percent` of a hundred.
    pub const fn new(salt: String, percent: f64) -> Self {
        Self { salt, percent }
    }

    /// Whether the visitor who sends this request is among them. Somebody without any id is not, unless all are.
    pub fn takes(&self, request: &[u8]) -> bool {
        if self.percent >= 100.0 {
            return true;
        }
        let Ok(Asker { identity: Some(Object(identity)) }) = serde_json::from_slice(request) else { return false };
        subject(&identity).is_some_and(|subject| bucket(&self.salt, subject) * 100.0 < self.percent)
    }

    /// Takes a batch apart; one that cannot be read is not taken apart.
    pub fn divide(&self, batch: &[u8]) -> Option<Divided> {
        let batch = Batch::parse(batch).ok()?;
        let items: Vec<&str> = batch.requests.0.iter().map(|item| item.get()).collect();
        let is_taken: Vec<bool> = items.iter().map(|item| self.takes(item.as_bytes())).collect();
        let of_kind =
            |kind| items.iter().zip(&is_taken).filter(move |(_, taken)| **taken == kind).map(|(item, _)| *item);
        let (others, taken) = (listed("requests", of_kind(false)), listed("requests", of_kind(true)));
        Some(Divided { is_taken, others, taken })
    }
}

/// Puts the answers to both parts of a batch together, in the order of its items; none when they do not fit.
pub fn join(is_taken: &[bool], others: &[u8], taken: &[u8]) -> Option<Vec<u8>> {
    let others: Answers<'_> = serde_json::from_slice(others).ok()?;
    let taken: Answers<'_> = serde_json::from_slice(taken).ok()?;
    let (mut others, mut taken) = (others.responses.into_iter(), taken.responses.into_iter());
    let answers: Vec<&str> = is_taken
        .iter()
        .map(|is_taken| if *is_taken { taken.next() } else { others.next() }.map(RawValue::get))
        .collect::<Option<_>>()?;
    Some(listed("responses", answers.into_iter()))
}

/// The id that a visitor keeps one bundle by: the person's, else the browser's, else the visit's.
fn subject<'a>(identity: &'a Identity<'_>) -> Option<&'a str> {
    [&identity.user_id, &identity.anonymous_id, &identity.session_id].into_iter().find_map(|text| id(text.as_ref()))
}

fn listed<'a>(name: &str, items: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let items: Vec<&str> = items.collect();
    format!("{{\"{name}\":[{}]}}", items.join(",")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: f64) -> Share {
        Share::new("salt:subject".to_owned(), percent)
    }

    fn asked_by(identity: &str) -> String {
        format!(r#"{{"decisionPoints": ["p"], "signals": {{"identity": {{"userId": "x"}}}}, "identity": {identity}}}"#)
    }

    fn takes(percent: f64, identity: &str) -> bool {
        share(percent).takes(asked_by(identity).as_bytes())
    }

    #[test]
    fn a_growing_share_keeps_everybody_it_had() {
        for number in 0..500 {
            let identity = format!(r#"{{"userId": "u-{number}"}}"#);
            let taken: Vec<bool> = [0.0, 1.0, 10.0, 50.0, 100.0].map(|percent| takes(percent, &identity)).into();
            assert!(taken.is_sorted(), "{identity}");
            assert_eq!((taken[0], taken[4]), (false, true));
        }
        let tenth = (0..2_000).filter(|number| takes(10.0, &format!(r#"{{"userId": "u-{number}"}}"#))).count();
        assert!((140..260).contains(&tenth), "{tenth}");
    }

    #[test]
    fn the_person_counts_before_the_browser_and_that_before_the_visit() {
        let by = |identity: &str| (0..100).map(|percent| takes(f64::from(percent), identity)).collect::<Vec<_>>();
        let (user, browser, visit) =
            (by(r#"{"userId": "u"}"#), by(r#"{"anonymousId": "a"}"#), by(r#"{"sessionId": "s"}"#));
        assert!(user != browser && browser != visit);
        assert_eq!(by(r#"{"sessionId": "s", "anonymousId": "a", "userId": "u"}"#), user);
        assert_eq!(by(r#"{"sessionId": "s", "anonymousId": "a", "userId": ""}"#), browser);
        assert_eq!(by(r#"{"sessionId": "s", "anonymousId": null}"#), visit);
    }

    #[test]
    fn who_cannot_be_told_is_not_taken() {
        for identity in ["{}", "null", "[]", "7", r#"{"userId": 7}"#, r#"{"journeyId": "j", "accountId": "a"}"#] {
            assert!(!takes(99.99, identity), "{identity}");
        }
        for request in ["", "{", "{}", r#"{"identity": {"userId": "a"}, "identity": {"userId": "a"}}"#] {
            assert!(!share(99.99).takes(request.as_bytes()), "{request}");
        }
        assert!(share(100.0).takes(b"{"));
    }

    #[test]
    fn a_batch_comes_together_in_the_order_it_was_sent() {
        let items: Vec<String> = (0..20).map(|number| asked_by(&format!(r#"{{"userId": "u-{number}"}}"#))).collect();
        let divided = share(50.0).divide(format!(r#"{{"requests": [{}]}}"#, items.join(", ")).as_bytes()).unwrap();
        assert!(divided.is_taken.contains(&true) && divided.is_taken.contains(&false));
        let echo = |batch: &[u8]| String::from_utf8(batch.to_vec()).unwrap().replacen("requests", "responses", 1);
        let (others, taken) = (echo(&divided.others), echo(&divided.taken));
        let joined = join(&divided.is_taken, others.as_bytes(), taken.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(joined).unwrap(), format!(r#"{{"responses":[{}]}}"#, items.join(",")));
        assert_eq!(join(&divided.is_taken, taken.as_bytes(), b"{}"), None);
        assert_eq!(join(&divided.is_taken, br#"{"responses":[]}"#, taken.as_bytes()), None);
    }

    #[test]
    fn a_batch_that_cannot_be_read_stays_whole() {
        for batch in ["", "{}", "[]", r#"{"requests": 7}"#] {
            assert_eq!(share(50.0).divide(batch.as_bytes()), None);
        }
        let divided = share(50.0).divide(br#"{"requests": [7, "x"]}"#).unwrap();
        assert_eq!(
            (divided.is_taken, divided.others.as_slice()),
            (vec![false, false], br#"{"requests":[7,"x"]}"#.as_slice())
        );
    }
}
