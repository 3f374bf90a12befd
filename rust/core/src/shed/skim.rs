//! Finding the few parts of a body that an answer without deciding needs. Reads each byte once, builds nothing and checks
//! little: whatever is JSON is found right, and what is not may pass or be given up.

use memchr::memchr2;

/// The parts of a request that are looked for, as they stand in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'b> {
    pub(super) request_id: Option<&'b [u8]>,
    pub(super) points: Option<&'b [u8]>,
}

/// The parts of a request; `None` where this is no object.
pub(super) fn parts(body: &[u8]) -> Option<Parts<'_>> {
    object(body).and_then(|(parts, rest)| trimmed(rest).is_empty().then_some(parts))
}

/// The parts of the object at the front, and what follows it.
fn object(bytes: &[u8]) -> Option<(Parts<'_>, &[u8])> {
    let mut parts = Parts::default();
    let rest = members(bytes, |key, value| match key {
        b"\"requestId\"" => parts.request_id = Some(value),
        b"\"decisionPoints\"" => parts.points = Some(value),
        _ => {}
    })?;
    Some((parts, rest))
}

/// The items of a batch with their parts, none of an item that is no object; `None` where this is no list of items.
pub(super) fn requests(body: &[u8]) -> Option<Vec<(&[u8], Option<Parts<'_>>)>> {
    let mut rest = after(body, b'{')?;
    loop {
        let (key, behind) = text(trimmed(rest))?;
        let behind = trimmed(after(behind, b':')?);
        if key == b"\"requests\"" {
            return items(behind);
        }
        let (_, behind) = value(behind)?;
        rest = after(behind, b',')?;
    }
}

/// Calls `visit` with each key and value of the object at the front, and returns what follows it.
fn members<'b>(body: &'b [u8], mut visit: impl FnMut(&'b [u8], &'b [u8])) -> Option<&'b [u8]> {
    let mut rest = after(body, b'{')?;
    if let Some(end) = after(rest, b'}') {
        return Some(end);
    }
    loop {
        let (key, behind) = text(trimmed(rest))?;
        let (value, behind) = value(trimmed(after(behind, b':')?))?;
        visit(key, value);
        match trimmed(behind).split_first()? {
            (b',', next) => rest = next,
            (b'}', end) => return Some(end),
            _ => return None,
        }
    }
}

/// The items of the list at the front. What follows the list is left alone.
fn items(list: &[u8]) -> Option<Vec<(&[u8], Option<Parts<'_>>)>> {
    let mut rest = after(list, b'[')?;
    let mut items = Vec::new();
    if after(rest, b']').is_some() {
        return Some(items);
    }
    loop {
        let front = trimmed(rest);
        let (parts, behind) = item(front)?;
        let (raw, _) = front.split_at_checked(front.len() - behind.len())?;
        items.push((raw, parts));
        match trimmed(behind).split_first()? {
            (b',', next) => rest = next,
            (b']', _) => return Some(items),
            _ => return None,
        }
    }
}

fn item(bytes: &[u8]) -> Option<(Option<Parts<'_>>, &[u8])> {
    if bytes.first() == Some(&b'{') {
        return object(bytes).map(|(parts, behind)| (Some(parts), behind));
    }
    value(bytes).map(|(_, behind)| (None, behind))
}

fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes.first()? {
        b'"' => text(bytes),
        b'{' | b'[' => nested(bytes),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
            let length = bytes.iter().position(ends).filter(|length| *length > 0)?;
            bytes.split_at_checked(length)
        }
    }
}

/// The string at the front, in its quotes.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = after_text(bytes.strip_prefix(b"\"")?)?;
    bytes.split_at_checked(bytes.len() - rest.len())
}

/// What follows the quote that ends a string.
fn after_text(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (_, found) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?)?;
        match found {
            [b'"', end @ ..] => return Some(end),
            [_, _, more @ ..] => rest = more,
            _ => return None,
        }
    }
}

/// The object or list at the front.
fn nested(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    let mut depth = 0_usize;
    loop {
        let (byte, next) = rest.split_first()?;
        rest = next;
        match byte {
            b'"' => rest = after_text(rest)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return bytes.split_at_checked(bytes.len() - rest.len()),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}

/// What follows this byte, if it comes next.
fn after(bytes: &[u8], byte: u8) -> Option<&[u8]> {
    trimmed(bytes).split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn found(body: &str) -> Option<(Option<&str>, Option<&str>)> {
        let text = |part: Option<&'static [u8]>| part.map(|part| std::str::from_utf8(part).unwrap());
        let body: &'static [u8] = body.to_owned().into_bytes().leak();
        parts(body).map(|parts| (text(parts.request_id), text(parts.points)))
    }

    #[test]
    fn parts_are_found_wherever_they_stand() {
        assert_eq!(found(r#"{"requestId":"r","decisionPoints":["a"]}"#), Some((Some("\"r\""), Some("[\"a\"]"))));
        assert_eq!(
            found(r#" { "signals" : {"decisionPoints": ["no"], "x": "}\"{"} , "decisionPoints" : [ "a" ] } "#),
            Some((None, Some("[ \"a\" ]")))
        );
        assert_eq!(found(r#"{"n":-1.5e3,"t":true,"requestId":null}"#), Some((Some("null"), None)));
        assert_eq!(found("{}"), Some((None, None)));
    }

    #[test]
    fn what_is_no_object_is_given_up() {
        for body in ["", "[]", "7", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":\"", "{} {}", "{a:1}"] {
            assert_eq!(found(body), None, "{body}");
        }
        assert_eq!(requests(b"{\"requests\":{}}"), None);
        assert_eq!(requests(b"{\"requests\":[{}"), None);
        assert_eq!(requests(b"{}"), None);
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<i16>().prop_map(|eighths| Json::from(f64::from(eighths) / 8.0)),
            any::<String>().prop_map(Json::from),
            "[\\\\\"{}\\[\\],:]*".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_json_is_found_as_a_parser_finds_it(id in any_json(), points in any_json(), other in any_json(), pretty: bool) {
            let body = json!({"a": other, "requestId": id, "decisionPoints": points, "z": other});
            let bytes = if pretty { serde_json::to_vec_pretty(&body) } else { serde_json::to_vec(&body) }.unwrap();
            let parts = parts(&bytes).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Json>(parts.request_id.unwrap()).unwrap(), body["requestId"].clone());
            prop_assert_eq!(serde_json::from_slice::<Json>(parts.points.unwrap()).unwrap(), body["decisionPoints"].clone());
        }

        #[test]
        fn the_items_of_a_batch_are_those_of_a_parser(list in prop::collection::vec(any_json(), 0..8), pretty: bool) {
            let body = json!({"a": list, "requests": list, "x": 1});
            let bytes = if pretty { serde_json::to_vec_pretty(&body) } else { serde_json::to_vec(&body) }.unwrap();
            let found: Vec<Json> =
                requests(&bytes).unwrap().into_iter().map(|(item, _)| serde_json::from_slice(item).unwrap()).collect();
            prop_assert_eq!(&found, body["requests"].as_array().unwrap());
            let found = requests(&bytes).unwrap();
            let as_alone = found.iter().all(|(item, found)| item.first() != Some(&b'\x7b') || *found == parts(item));
            prop_assert!(as_alone, "an item has the parts that it has alone");
        }

        #[test]
        fn whatever_is_not_json_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (parts(&bytes), requests(&bytes));
        }
    }
}
