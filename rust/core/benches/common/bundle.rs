//! A bundle of a large customer's size: 300 scenarios of six segments, and requests that it decides.

use serde_json::{Map, Value as Json, json};

pub const SCENARIOS: usize = 300;
const SEGMENTS: usize = 6;
const POINTS: usize = 30;
/// Scenarios that serve each decision point: every scenario serves three.
const POINTS_OF_SCENARIO: usize = 3;
const COUNTRIES: [&str; 6] = ["DE", "AT", "CH", "FR", "NL", "PL"];
const PAGES: [&str; 10] =
    ["home", "search", "category", "product", "cart", "checkout", "account", "returns", "help", "orders"];

/// What is told apart: how decision points are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One decision point that all scenarios serve; each waits for its own page.
    OnePoint,
    /// Thirty decision points, contexts of three tests, signals that need consent, experiments.
    Shop,
}

pub fn document(shape: Shape) -> Vec<u8> {
    let points: Map<String, Json> = (0..POINTS)
        .map(|n| (format!("point.{n}"), json!({"surface": "web:/", "fallback": {"content": "plain"}})))
        .collect();
    let signal = |kind: &str, source: &str| json!({"type": kind, "source": source});
    let profile = |kind: &str| json!({"type": kind, "source": "profile", "purposes": ["personalize"], "label": "your orders", "maxAgeMs": 86_400_000});
    let mut signals = Map::new();
    for (name, declared) in [
        ("page.name", signal("string", "request")),
        ("page.depth", signal("int", "request")),
        ("visit.intent", signal("string", "edge")),
        ("visit.returning", signal("bool", "edge")),
        ("cart.value", signal("float", "request")),
        ("cart.items", signal("int", "request")),
        ("cart.categories", signal("string_set", "request")),
        ("visitor.orders", profile("int")),
        ("visitor.returns", profile("int")),
        ("visitor.contacts", profile("int")),
        ("visitor.tags", profile("string_set")),
        ("visitor.days", profile("int")),
    ] {
        signals.insert(name.to_owned(), declared);
    }
    let segments: Map<String, Json> =
        (0..SEGMENTS).map(|n| (format!("segment_{n}"), segment(shape, n).into())).collect();
    let document = json!({
        "format": "edgewise/bundle/1", "timezone": "Europe/Berlin", "policy": {}, "signals": signals,
        "segments": segments, "purposes": {"personalize": {"basis": "consent", "gpcBlocks": true}},
        "state": {"session": {"ttlMs": 1_800_000}, "journey": {"ttlMs": 2_592_000_000_u64}},
        "decisionPoints": points, "outcomes": {},
        "globalHoldout": {"percent": 2, "unit": "user", "salt": "gh"},
        "scenarios": (0..SCENARIOS).map(|n| scenario(shape, n)).collect::<Vec<_>>(), "golden": [],
    });
    document.to_string().into_bytes()
}

fn segment(shape: Shape, number: usize) -> String {
    match (shape, number) {
        (Shape::OnePoint, _) => format!("page.depth == {}", 10 + number),
        (Shape::Shop, 0) => "visitor.contacts >= 2".to_owned(),
        (Shape::Shop, 1) => "visitor.returns >= 3 && visitor.contacts == 0".to_owned(),
        (Shape::Shop, 2) => "'vip' in visitor.tags".to_owned(),
        (Shape::Shop, 3) => "visitor.orders == 0".to_owned(),
        (Shape::Shop, 4) => "visitor.orders > 20 && visitor.days < 400".to_owned(),
        (Shape::Shop, _) => "visit.returning && cart.value > 100.0".to_owned(),
    }
}

fn context(shape: Shape, number: usize) -> String {
    if shape == Shape::OnePoint {
        return format!("page.name == 'p{number}'");
    }
    let (page, country) = (PAGES[number % PAGES.len()], COUNTRIES[number / 7 % COUNTRIES.len()]);
    match number % 5 {
        0 => format!("page.name == '{page}' && geo.country == '{country}' && cart.items > {}", number % 9),
        1 => format!("visit.intent == 'intent_{}' && page.depth > {}", number % 40, number % 6),
        2 => format!("page.name in ['{page}', 'home'] && visitor.orders >= {} && !visit.returning", number % 12),
        3 => format!("'cat_{}' in cart.categories && (geo.country == '{country}' || visit.returning)", number % 60),
        _ => format!(
            "geo.country == '{country}' && cart.value >= {}.5 && page.name != '{page}' && visitor.days > {}",
            number % 90,
            number % 300
        ),
    }
}

fn scenario(shape: Shape, number: usize) -> Json {
    let overlays: Vec<Json> = (0..SEGMENTS)
        .map(|n| json!({"segment": format!("segment_{n}"), "set": {"content": format!("overlay-{n}")}, "explain": "Shown because of what you did."}))
        .collect();
    let point = |id: String| {
        json!({"id": id, "default": {"content": format!("default-{number}"), "tone": "plain"},
               "byPathway": {"deep": {"set": {"tone": "brief"}}}, "overlays": overlays})
    };
    let points: Vec<Json> = match shape {
        Shape::OnePoint => vec![point("point.0".to_owned())],
        Shape::Shop => {
            (0..POINTS_OF_SCENARIO).map(|n| point(format!("point.{}", (number + 10 * n) % POINTS))).collect()
        }
    };
    json!({
        "id": format!("scenario-{number}"), "version": 1, "digest": format!("sha256:{number:064}"),
        "priority": SCENARIOS - number, "context": context(shape, number),
        "pathways": [{"id": "deep", "when": "page.depth > 9"}, {"id": "middle", "when": "page.depth > 3"}, {"id": "top", "when": null}],
        "decisionPoints": points, "outcome": null,
        "experiment": {"id": format!("e-{number}"), "arms": {"as_is": 10, "default": 45, "personalized": 45}, "unit": "user", "salt": format!("salt-{number}")},
        "explanation": "Shown because of the page you are on.",
    })
}

/// Requests that differ in what they ask and in what is known.
pub fn requests(shape: Shape, consent: bool) -> Vec<Vec<u8>> {
    (0..64).map(|number| request(shape, consent, number).to_string().into_bytes()).collect()
}

fn request(shape: Shape, consent: bool, number: usize) -> Json {
    if shape == Shape::OnePoint {
        let page = format!("p{}", SCENARIOS - 1 - number % 20);
        return json!({"requestId": format!("r-{number}"), "decisionPoints": ["point.0"], "identity": {"userId": format!("u-{number}")},
                      "signals": {"page.name": page, "page.depth": 15, "cart.items": number % 7}});
    }
    json!({
        "requestId": format!("r-{number}"),
        "decisionPoints": [format!("point.{}", number % POINTS), format!("point.{}", (number + 7) % POINTS)],
        "identity": {"userId": format!("u-{number}"), "anonymousId": format!("a-{number}"), "sessionId": format!("s-{number}")},
        "signals": {
            "page.name": PAGES[number % PAGES.len()], "page.depth": number % 14, "visit.intent": format!("intent_{}", number % 40),
            "visit.returning": number.is_multiple_of(2), "cart.value": 0.5 * (number % 300) as f64, "cart.items": number % 11,
            "cart.categories": [format!("cat_{}", number % 60), format!("cat_{}", (number + 3) % 60)],
            "visitor.orders": number % 25, "visitor.returns": number % 5,
            "visitor.contacts": {"value": number % 4, "observedAt": "2026-11-21T09:00:00Z"},
            "visitor.tags": ["vip", "newsletter"], "visitor.days": 10 * number,
        },
        "consent": {"purposes": {"personalize": consent}},
        "context": {"timezone": "Europe/Berlin", "country": COUNTRIES[number % COUNTRIES.len()]},
    })
}
