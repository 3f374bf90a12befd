"""The book of the contract, word for word: checks clean, builds, and gives the values its words promise.

The two texts are the contract's, with their unused signals; the model that one of these names comes with edgewise.
"""
# ruff: noqa: E501 -- the contract's own lines

import orjson
import pytest

from edgewise._core import Engine
from edgewise.book import build, load, purposes_by_scenario

REGISTRY = """\
# book.yaml
apiVersion: edgewise/v1
kind: Registry
timezone: Europe/Berlin                      # when a request names none
policy: {return_window_days: 30}             # business constants, read as policy.return_window_days
signals:
  order.channel:                 {type: enum, values: [online, store], source: request}
  order.days_since_delivery:     {type: int, min: 0, unit: days, source: request}
  order.final_sale:              {type: bool, source: request}
  visit.intent:                  {type: enum, values: [return_item, buy, browse], source: edge}
  customer.returns_12m:          {type: int, min: 0, source: profile, max_age: 1d, purposes: [personalize_content], label: your past returns}
  customer.support_contacts_90d: {type: int, min: 0, source: profile, max_age: 1d, purposes: [personalize_content], label: your contacts with us}
  session.views:                 {type: int, source: session, count: {event: Product Viewed}, purposes: [personalize_content], label: pages you looked at}
  session.since_view:            {type: duration, source: session, since: {event: Product Viewed}, purposes: [personalize_content]}
  ticket.contacts:               {type: int, source: journey, count: {event: Ticket Contacted}}
  visit.exit_risk:               {type: float, min: 0, max: 1, source: model, model: journey_intent, output: exit_now}
segments:
  needs_help:  {when: "customer.support_contacts_90d >= 1"}
  self_server: {when: "customer.returns_12m >= 2 && customer.support_contacts_90d == 0"}
purposes:
  personalize_content: {basis: consent, tcf: [5, 6], value_exchange: Helps you find what you need faster.}
  measure:             {basis: consent, tcf: [8]}
state: {session: {ttl: 30m}, journey: {ttl: 30d}}
decision_points:
  returns.header:    {surface: "web:/returns#header", fallback: {content: returns/how-to, tone: plain}}
  returns.next_step: {surface: "web:/returns#next",   fallback: {content: returns/find-store}}
outcomes:
  return_completed: {event: Return Completed, measure: rate, window: 14d, join: [userId, orderId], direction: up, level: outcome}
  support_calls:    {event: Support Call Logged, filter: "topic == 'in_store_return'", measure: count, window: 14d, join: [userId], direction: down, level: outcome}
  opt_outs:         {event: Personalization Opted Out, measure: rate, window: 30d, join: [userId], direction: down, level: guardrail}
limits: {max_live_scenarios: 3, max_signals_per_scenario: 8}
global_holdout: {percent: 2, unit: user, salt: gh-2026q4}
"""
SCENARIO = """\
# scenarios/in-store-return.yaml
apiVersion: edgewise/v1
kind: Scenario
id: in-store-return
version: 4
status: live
owner: returns-squad
priority: 20
situation: A shopper wants to hand back an online order at a shop counter.
goal: Know what to bring and finish the return in one visit.
context: "order.channel == 'online' && visit.intent == 'return_item'"
pathways:
  - {id: not_returnable, when: "order.final_sale", next: calls support}
  - {id: in_window,      when: "order.days_since_delivery <= policy.return_window_days", next: visits the shop}
  - {id: after_window,   when: "order.days_since_delivery > policy.return_window_days", next: asks for an exception}
  - {id: unknown_order,  otherwise: true}
decision_points:
  - id: returns.header
    default: {content: returns/how-to, tone: plain}
    by_pathway:
      after_window:   {set: {content: returns/closed-window, tone: reassuring}}
      not_returnable: {set: {content: returns/final-sale}}
    overlays:
      - {segment: needs_help,  set: {tone: reassuring, call_back: true}, explain: "You contacted us recently, so a call-back is one tap away."}
      - {segment: self_server, pathways: [in_window], set: {content: returns/fast-lane}, explain: "You have returned items before, so we skip the basics."}
  - id: returns.next_step
    default: {content: returns/find-store}
    by_pathway: {not_returnable: {omit: true}}
    overlays:
      - {segment: self_server, omit: true, explain: "You have returned items before, so we show fewer steps."}
      - {segment: needs_help, set: {content: returns/call-me-back}, cap: {max: 3, per: session}, explain: "You contacted us recently, so help comes first."}
outcome:
  primary: support_calls
  supporting: [return_completed]
  guardrails: [opt_outs]
  baseline: {value: 0.22, unit: calls per user, measured: 2026-09-01/2026-09-30, source: call-center log}
  target: {value: 0.11, by: 2026-12-31}
experiment: {id: isr-2026q4, arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: isr-1, min_days: 28}
explanation: "Shown because you are returning an online order."
readiness: {feasibility: 4, impact: 5, effort: 2, appetite: 4, operations: [{change: counter staff trained, team: stores, done: true}]}
evidence:
  review: {accuracy: 5, frequency: 4, impact: 5, on: 2026-08-12}
  as_is: [finds the policy page, calls support, visits the shop, is refused, calls again]
  opportunities: [say what to bring, say which shops accept, offer a call-back]
  stress_test: {prototype: true, interviews: {self_server: 5, needs_help: 6}, on: 2026-08-30}
tests:
  - {name: window closed, signals: {order.channel: online, visit.intent: return_item, order.days_since_delivery: 45}, expect: {pathway: after_window}}
"""


@pytest.fixture
def book(tmp_path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "book.yaml").write_text(REGISTRY, encoding="utf-8")
    (tmp_path / "scenarios/in-store-return.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def decide(engine, options=None, **request):
    body = {"decisionPoints": ["returns.header", "returns.next_step"], **request, "options": options or {}}
    return orjson.loads(engine.rehearse(orjson.dumps(body)))["decisions"]


def test_the_texts_are_still_those_of_the_contract(shared):
    contract = (shared / "CONTRACT.md").read_text(encoding="utf-8")

    assert REGISTRY in contract
    assert SCENARIO in contract


def test_it_checks_without_a_finding(book):
    checked = load(book)

    assert checked.findings == []
    assert purposes_by_scenario(checked) == {"in-store-return": ["personalize_content"]}


def test_it_builds_with_its_test_as_a_golden_decision(book):
    bundle = build(book)

    assert Engine.from_bundle(bundle.data).self_test() == 1
    assert build(book) == bundle


def test_its_model_comes_along_and_inherits_the_purpose_of_what_it_counts(root, book):
    bundle = build(book)
    [(name, model)] = bundle.document()["models"].items()

    assert (name, *model["outputs"]) == ("journey_intent", "engaged", "sale_seeker", "exit_now")
    assert bundle.models == {model["digest"]: (root / "models/journey_intent.onnx").read_bytes()}
    assert Engine.from_bundle(bundle.data).signal_purposes()["visit.exit_risk"] == ["personalize_content"]


def test_the_request_of_the_contract_gets_its_answer(book):
    decisions = decide(
        Engine.from_bundle(build(book).data),
        identity={"userId": "u-1", "anonymousId": "a-1", "sessionId": "s-1"},
        signals={
            "order.channel": "online",
            "order.days_since_delivery": 45,
            "order.final_sale": False,
            "visit.intent": "return_item",
            "customer.returns_12m": 0,
            "customer.support_contacts_90d": {"value": 2, "observedAt": "2026-11-21T09:00:00Z"},
        },
        consent={"purposes": {"personalize_content": True, "measure": True}},
        options={"at": "2026-11-21T10:00:00Z", "dryRun": True, "explain": "short"},
    )

    header = decisions["returns.header"]
    assert header.pop("decisionId")
    assert header == {
        "action": "render",
        "value": {"content": "returns/closed-window", "tone": "reassuring", "call_back": True},
        "reason": "SPLIT",
        "scenario": "in-store-return",
        "pathway": "after_window",
        "segment": "needs_help",
        "arm": "personalized",
        "inExperiment": True,
        "explanation": {
            "text": "You contacted us recently, so a call-back is one tap away.",
            "signals": ["your contacts with us"],
        },
    }


def test_the_example_book_holds_the_same_scenario(root, book):
    example = load(root / "examples/book").scenario("in-store-return")
    own = load(book).scenario("in-store-return")
    assert example is not None
    assert own is not None

    for field in own.value.__struct_fields__:
        if field != "tests":
            assert getattr(example.value, field) == getattr(own.value, field), field
    assert example.value.tests[0] == own.value.tests[0]


def test_the_example_book_declares_the_signals_of_the_contract(root, book):
    example, own = load(root / "examples/book").registry.value, load(book).registry.value

    assert {name: example.signals[name] for name in own.signals} == own.signals


def test_one_traveler_two_trips_one_arm(root):
    """The same person searches for the family, then for work: two pathways, and always the same arm."""
    engine = Engine.from_bundle(build(root / "examples/book").data)
    points = {"decisionPoints": ["booking.hero"], "consent": {"purposes": {"personalize_content": True}}}
    family = {"visit.intent": "buy", "search.adults": 2, "search.children": 2, "search.nights": 7}
    work = {"visit.intent": "buy", "search.adults": 1, "search.children": 0, "search.nights": 2}
    arms = set()

    for user in (f"u-{number}" for number in range(1, 40)):
        found = [
            decide(
                engine,
                {"at": "2026-11-16T09:00:00Z", "dryRun": True},
                **points,
                identity={"userId": user},
                signals=trip,
            )
            for trip in (family, work)
        ]
        first, second = (decisions["booking.hero"] for decisions in found)
        assert (first["pathway"], second["pathway"]) == ("family_trip", "work_trip")
        assert first["arm"] == second["arm"]
        arms.add(first["arm"])

    assert {"as_is", "default", "personalized"} <= arms
