//! Decisions that wait for a model: asked only when a candidate's conditions need it, and decided without when it fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected should stop")]

use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Switches, Waiting};
use edgewise_core::engine::Engine;
use edgewise_core::model::GivenUp;
use edgewise_core::state::FreshState;
use serde_json::{Value as Json, json};

fn spec() -> Json {
    json!({"version": 1, "hash": "murmur3_x86_32", "seed": 0, "index": "abs_mod", "bits": 10, "slots": 4, "missing": "?",
        "overflow": "drop", "scope": "session", "state": {"views": {"kind": "count", "event": "Product Viewed"}},
        "inputs": {}, "features": [{"name": "n", "of": "views", "as": "category"}], "crosses": []})
}

/// The contract's bundle, whose shop banner now asks how likely the visitor is to leave.
fn engine_with(segment: &str) -> Engine {
    let mut bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    bundle["segments"]["looker"] = json!(segment);
    bundle["models"] = json!({"journey_intent": {"digest": "sha256:00", "spec": spec().to_string(), "outputs": ["engaged", "exit_now"]}});
    Engine::from_bundle(bundle.to_string().as_bytes()).unwrap()
}

fn call() -> Call<'static> {
    Call {
        now: "2026-11-21T10:00:00Z".parse().unwrap(),
        item: 0,
        gpc: false,
        debug: true,
        allow_at: false,
        trusted: false,
        node: "n-1",
        generation: 1,
    }
}

fn body(intent: &str) -> String {
    let event = |id: &str| json!({"id": id, "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z"});
    json!({"requestId": "r", "decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"}, "signals": {"visit.intent": intent},
        "events": [event("e1"), event("e2")], "consent": {"purposes": {"personalize_content": true}}})
    .to_string()
}

fn waiting<'b>(engine: &Engine, body: &'b str) -> Option<Box<Waiting<'b>>> {
    let prepared = engine.prepare(body.as_bytes(), &call(), &FreshState).unwrap();
    engine.try_decide(prepared, &Switches::default()).err()
}

/// The segment that is served once the model gave these outputs.
fn served(engine: &Engine, outputs: Option<&[f32]>) -> Option<String> {
    let body = body("browse");
    let mut waiting = waiting(engine, &body).unwrap();
    waiting.settle(engine, 0, outputs.ok_or(GivenUp::Late));
    let decided = engine.try_decide(waiting.into_prepared(), &Switches::default()).unwrap();
    decided.decisions[0].2.segment.map(str::to_owned)
}

#[test]
fn a_model_is_asked_only_when_a_condition_on_the_way_waits_for_it() {
    let engine = engine_with("visit.exit_risk > 0.5");
    let needed = body("browse");
    let waits = waiting(&engine, &needed).unwrap();
    assert_eq!(waits.wanted(&engine).map(|(_, model)| model.name.as_str()).collect::<Vec<_>>(), ["journey_intent"]);
    assert!(waiting(&engine, &body("buy")).is_none(), "no scenario is near");
    assert!(
        waiting(&engine_with("visit.exit_risk > 0.5 && session.views > 9"), &needed).is_none(),
        "it cannot be true"
    );
    assert!(
        waiting(&engine_with("visit.exit_risk > 0.5 || session.views == 2"), &needed).is_none(),
        "it is true anyway"
    );
}

#[test]
fn a_model_sees_the_events_of_this_request() {
    let engine = engine_with("visit.exit_risk > 0.5");
    let body = body("browse");
    let waits = waiting(&engine, &body).unwrap().into_owned();
    let (_, model) = waits.wanted(&engine).next().unwrap();
    let (mut ids, mut vals) = ([0; 4], [0.0; 4]);
    waits.extract(model, &mut ids, &mut vals);
    let (slot, sign) = edgewise_core::features::slot_and_sign(b"n=2", 1 << 10);
    assert_eq!((ids, vals.map(f64::from)), ([slot, 0, 0, 0], [sign, 0.0, 0.0, 0.0]));
}

#[test]
fn outputs_set_signals_and_rules_choose() {
    let engine = engine_with("visit.exit_risk > 0.5");
    assert_eq!(served(&engine, Some(&[0.1, 0.9])).as_deref(), Some("looker"));
    assert_eq!(served(&engine, Some(&[0.9, 0.1])), None);
}

/// The segment's condition in the trace, and the record, of a request whose model, if it is asked, comes to this.
fn explained(outcome: Result<&[f32], GivenUp>, body: &str) -> (Json, Json) {
    let engine = engine_with("visit.exit_risk > 0.5");
    let body = body.replace("{\"consent\"", "{\"options\":{\"explain\":\"full\"},\"consent\"");
    let mut prepared = engine.prepare(body.as_bytes(), &call(), &FreshState).unwrap();
    let decided = loop {
        match engine.try_decide(prepared, &Switches::default()) {
            Ok(decided) => break decided,
            Err(mut waiting) => {
                waiting.settle(&engine, 0, outcome);
                prepared = waiting.into_prepared();
            }
        }
    };
    let answer: Json = serde_json::from_slice(&decided.render(&call(), Committed::Done)).unwrap();
    let explanation = &answer["decisions"]["shop.banner"]["explanation"];
    let candidates = explanation["trace"].as_array().unwrap().iter();
    let conditions: Vec<_> = candidates.flat_map(|one| one["conditions"].as_array().unwrap()).collect();
    let segment = conditions.iter().rfind(|condition| condition["name"] == "looker").unwrap();
    (segment["models"].clone(), explanation["record"].clone())
}

#[test]
fn a_full_explanation_shows_what_a_model_gave_and_the_record_keeps_it() {
    let (models, record) = explained(Ok(&[0.25, 0.912_344_9]), &body("browse"));
    assert_eq!(
        models,
        json!([{"signal": "visit.exit_risk", "model": "journey_intent", "digest": "sha256:00", "output": "exit_now",
            "value": 0.91234, "reason": null}])
    );
    let outputs = json!({"engaged": 0.25, "exit_now": 0.91234});
    assert_eq!(
        record["models"],
        json!({"journey_intent": {"digest": "sha256:00", "outputs": outputs, "reason": null}})
    );
}

#[test]
fn a_full_explanation_shows_why_a_model_gave_nothing() {
    for reason in GivenUp::ALL {
        let (models, record) = explained(Err(reason), &body("browse"));
        assert_eq!((&models[0]["value"], &models[0]["reason"]), (&Json::Null, &json!(reason.name())));
        assert_eq!(record["models"]["journey_intent"]["reason"], reason.name());
    }
    let nothing = Ok(&[][..]);
    assert_eq!(explained(nothing, &body("browse")).0[0]["reason"], "failed", "not as many as the bundle says");
    let without_session = body("browse").replace("\"sessionId\":\"s-1\"", "\"sessionId\":null");
    let (models, record) = explained(nothing, &without_session);
    assert_eq!((&models[0]["reason"], &record["models"]), (&json!("no_state"), &Json::Null));
}

#[test]
fn whether_a_signal_is_there_is_known_only_once_its_model_was_asked() {
    for (segment, given, given_up) in [
        ("has(visit.exit_risk)", Some("looker"), None),
        ("!has(visit.exit_risk)", None, Some("looker")),
        ("has(visit.exit_risk) && visit.exit_risk > 0.5", Some("looker"), None),
        ("!has(visit.exit_risk) || visit.exit_risk > 0.5", Some("looker"), Some("looker")),
    ] {
        let engine = engine_with(segment);
        assert_eq!(served(&engine, Some(&[0.1, 0.9])).as_deref(), given, "{segment}");
        assert_eq!(served(&engine, None).as_deref(), given_up, "{segment}");
    }
}

#[test]
fn outputs_are_rounded_before_they_are_compared() {
    let engine = engine_with("visit.exit_risk >= 0.5");
    assert_eq!(served(&engine, Some(&[0.0, 0.499_996])).as_deref(), Some("looker"));
    assert_eq!(served(&engine, Some(&[0.0, 0.499_994])), None);
}

#[test]
fn a_model_that_gives_nothing_or_nonsense_leaves_its_signal_unknown() {
    let engine = engine_with("!(visit.exit_risk > 0.5)");
    assert_eq!(served(&engine, Some(&[0.0, 0.2])).as_deref(), Some("looker"));
    for outputs in [None, Some(&[0.0, f32::NAN][..]), Some(&[0.0, 1.5]), Some(&[0.2]), Some(&[])] {
        assert_eq!(served(&engine, outputs), None, "{outputs:?}");
    }
}

#[test]
fn a_refused_purpose_of_what_a_model_reads_denies_its_output() {
    let engine = engine_with("visit.exit_risk > 0.5");
    let refused = body("browse").replace("\"personalize_content\":true", "\"personalize_content\":false");
    assert!(waiting(&engine, &refused).is_none(), "session.views keeps the same count for a purpose");
    let without_session = body("browse").replace("\"sessionId\":\"s-1\"", "\"sessionId\":null");
    assert!(waiting(&engine, &without_session).is_none(), "without a record there is nothing to run it on");
}

#[test]
fn callers_are_told_what_a_model_reads() {
    let mut bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    bundle["segments"]["looker"] = json!("visit.exit_risk > 0.5");
    let mut reads = spec();
    reads["inputs"] = json!({"country": {"signal": "geo.country", "type": "string"}});
    bundle["models"] =
        json!({"journey_intent": {"digest": "sha256:00", "spec": reads.to_string(), "outputs": ["exit_now"]}});
    let engine = Engine::from_bundle(bundle.to_string().as_bytes()).unwrap();
    let defaults: Json = serde_json::from_slice(engine.defaults()).unwrap();
    let names = |point: &str| -> Vec<String> {
        let reads = defaults["decisionPoints"][point]["reads"].as_array().unwrap();
        reads.iter().map(|read| read["signal"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("shop.banner").contains(&"geo.country".to_owned()));
    assert!(!names("returns.header").contains(&"geo.country".to_owned()), "no model has a part in it");
}

#[test]
fn a_bundle_whose_model_does_not_fit_is_refused() {
    let bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    let refused = |models: Json| {
        let mut bundle = bundle.clone();
        bundle["models"] = models;
        Engine::from_bundle(bundle.to_string().as_bytes()).unwrap_err().to_string()
    };
    let model = |spec: Json, outputs: Json| json!({"journey_intent": {"digest": "sha256:00", "spec": spec.to_string(), "outputs": outputs}});
    assert!(refused(model(spec(), json!(["engaged"]))).contains("has no output `exit_now`"));
    let mut reads = spec();
    reads["inputs"] = json!({"device": {"signal": "visit.device", "type": "string"}});
    assert!(refused(model(reads, json!(["exit_now"]))).contains("`visit.device`"));
    assert!(refused(model(json!({}), json!(["exit_now"]))).contains("models.journey_intent"));
}

/// Served in a rehearsal whose model gives this, unless the request says what it gave; and whether it was asked.
fn rehearsed(engine: &Engine, signals: &Json, exit_now: f32) -> (Option<String>, bool) {
    let mut request: Json = serde_json::from_str(&body("browse")).unwrap();
    request["signals"].as_object_mut().unwrap().extend(signals.as_object().unwrap().clone());
    let mut asked = false;
    let answer = engine.rehearse(request.to_string().as_bytes(), |name, ids, vals| {
        assert_eq!((name, ids.len(), vals.len()), ("journey_intent", 4, 4));
        asked = true;
        Some(vec![0.5, exit_now])
    });
    let answer: Json = serde_json::from_slice(&answer.unwrap()).unwrap();
    (answer["decisions"]["shop.banner"]["segment"].as_str().map(str::to_owned), asked)
}

#[test]
fn a_rehearsal_runs_a_model_unless_it_says_what_the_model_gave() {
    let engine = engine_with("visit.exit_risk > 0.5");
    assert_eq!(rehearsed(&engine, &json!({}), 0.9), (Some("looker".to_owned()), true));
    assert_eq!(rehearsed(&engine, &json!({}), 0.1), (None, true));
    assert_eq!(rehearsed(&engine, &json!({"visit.exit_risk": 0.9}), 0.1), (Some("looker".to_owned()), false));
    assert_eq!(rehearsed(&engine, &json!({"visit.exit_risk": null}), 0.9), (None, false));
}

#[test]
fn golden_decisions_are_replayed_with_the_outputs_they_were_made_with() {
    let mut bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    bundle["segments"]["looker"] = json!("visit.exit_risk > 0.5");
    bundle["models"] = json!({"journey_intent": {"digest": "sha256:00", "spec": spec().to_string(), "outputs": ["engaged", "exit_now"]}});
    let engine = Engine::from_bundle(bundle.to_string().as_bytes()).unwrap();
    let request: Json = serde_json::from_str(&body("browse")).unwrap();
    let answer = engine.rehearse(request.to_string().as_bytes(), |_, _, _| Some(vec![0.5, 0.9])).unwrap();
    let decisions = serde_json::from_slice::<Json>(&answer).unwrap()["decisions"].clone();
    let tested = |outputs: Json| {
        let golden = json!([{"name": "leaving", "request": request, "outputs": outputs, "decisions": decisions}]);
        let bundle = serde_json::to_vec(&{
            let mut bundle = bundle.clone();
            bundle["golden"] = golden;
            bundle
        });
        Engine::from_bundle(&bundle.unwrap()).unwrap().self_test().map_err(|error| error.to_string())
    };
    assert_eq!(tested(json!({"journey_intent": [0.5, 0.9]})), Ok(1));
    for outputs in [json!({}), json!({"journey_intent": [0.5, 0.1]}), json!({"journey_intent": []})] {
        assert!(tested(outputs).unwrap_err().contains("golden `leaving`"));
    }
}

#[test]
fn signals_of_models_have_the_purposes_of_what_their_model_reads() {
    let engine = engine_with("visit.exit_risk > 0.5");
    let purposes: Vec<_> = engine.signal_purposes().filter(|(name, _)| *name == "visit.exit_risk").collect();
    assert_eq!(purposes, [("visit.exit_risk", vec!["personalize_content"])], "session.views keeps the same count");
}

#[test]
fn a_model_reads_no_signal_that_a_model_sets() {
    let mut bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    let mut reads = spec();
    reads["inputs"] = json!({"risk": {"signal": "visit.exit_risk", "type": "float"}});
    bundle["models"] = json!({"other": {"digest": "sha256:00", "spec": reads.to_string(), "outputs": ["exit_now"]}});
    let error = Engine::from_bundle(bundle.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`visit.exit_risk`, which a model sets"), "{error}");
}
