"""Tells right answers from wrong ones. A wrong one is a failure of the run, however fast it came.

Messages are few and name no ids, so that a thousand equal mistakes are one line of the report.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ACTIONS = {"render", "omit", "own"}
REASONS = {"FALLBACK", "HOLDOUT", "SPLIT", "TARGETING_MATCH", "CAPPED", "DISABLED", "SHED"}
WARNINGS = {"event_rejected", "invalid_signal", "truncated"}
STATE_DOWN = "state_unavailable"
GENERATIONS_MAX = 64
OK, ACCEPTED, OVERLOADED = 200, 202, 503


class Wrong(Exception):  # noqa: N818, an answer is wrong; nothing went wrong with asking
    """An answer that is not the one that was asked for."""


class Refused(Exception):  # noqa: N818, told in good order
    """Events that a node could not take just now, and said so: they are to be sent again."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions, and whether the node said that they are less than was asked: shed, or made without its state."""

    decisions: Mapping[str, dict[str, Any]]
    is_degraded: bool


@dataclass(slots=True)
class Visitor:
    """What one visitor has been told so far, which later answers may not contradict."""

    fallbacks: Mapping[str, Any] = field(default_factory=dict)
    fallbacks_of: str = ""
    bundles: dict[tuple[str, int], str] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # of the node that answered last
    arms: dict[tuple[str, str], str] = field(default_factory=dict)

    def begin(self) -> None:
        """Be somebody else from now on: one visitor's bundle may be on trial, and the next one's not."""
        self.arms.clear()
        self.generations = {}

    def learn(self, defaults: Mapping[str, Any]) -> None:
        """Take the fallbacks of `/v1/defaults`."""
        self.fallbacks = {point: facts["fallback"] for point, facts in defaults["decisionPoints"].items()}
        self.fallbacks_of = defaults["bundle"]


def defaults(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Hold an answer of `/v1/defaults` against what it must be."""
    answer = _document(status, OK, body)
    _demand("etag" in headers, "no ETag")
    _demand(bool(answer.get("bundle")) and bool(answer.get("decisionPoints")), "no bundle, or no decision points")
    return answer


def events(status: int, headers: Mapping[str, str], body: bytes, sent: int) -> None:
    """Hold an answer of `/v1/events` against how many events were sent, all of them good."""
    if status == OVERLOADED and "retry-after" in headers:
        raise Refused
    answer = _document(status, ACCEPTED, body)
    _demand(_is_private(headers), "not `Cache-Control: private, no-store`")
    if answer.get("rejected") and {one.get("code") for one in answer.get("errors", [])} == {STATE_DOWN}:
        raise Refused
    _demand(answer.get("accepted") == sent and answer.get("rejected") == 0, "not all events were accepted")


def decisions(
    status: int, headers: Mapping[str, str], body: bytes, asked: Mapping[str, Any], visitor: Visitor
) -> Decided:
    """Hold an answer of `/v1/decide` against its request and all earlier answers to this visitor."""
    answer = _document(status, OK, body)
    _demand(_is_private(headers), "not `Cache-Control: private, no-store`")
    _demand(answer.get("requestId") == asked["requestId"], "the request's id is not given back")
    warned = {warning.get("code") for warning in answer.get("warnings", [])}
    _demand(not warned & WARNINGS, f"warned of {', '.join(sorted(warned & WARNINGS))}")
    _steady(answer, visitor)
    found: dict[str, Any] = answer.get("decisions") or {}
    _demand(isinstance(found, dict), "decisions are no object")
    _demand(set(found) == set(asked["decisionPoints"]), "not exactly the decision points that were asked for")
    _demand(all(isinstance(one, dict) for one in found.values()), "a decision is no object")
    is_degraded = STATE_DOWN in warned or _was_shed(found)
    taken = {0} if _was_shed(found) else {len(asked["events"]), *([0] if is_degraded else [])}
    _demand(answer.get("eventsAccepted") in taken, "not all events were accepted")
    for point, decision in found.items():
        _decision(decision)
        _as_agreed(decision, asked["consent"])
        _consistent(point, decision, answer["bundle"], visitor)
    return Decided(found, is_degraded)


def _was_shed(found: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(found) and all(decision.get("reason") == "SHED" for decision in found.values())


def _document(status: int, wanted: int, body: bytes) -> dict[str, Any]:
    _demand(status == wanted, f"status {status}, not {wanted}" if status else "no answer")
    try:
        answer = json.loads(body)
    except ValueError:
        raise Wrong("no JSON") from None
    _demand(isinstance(answer, dict), "no JSON object")
    return dict(answer)


def _is_private(headers: Mapping[str, str]) -> bool:
    return {part.strip() for part in headers.get("cache-control", "").split(",")} == {"private", "no-store"}


def _steady(answer: Mapping[str, Any], visitor: Visitor) -> None:
    node, generation, bundle = answer.get("node"), answer.get("generation"), answer.get("bundle")
    if not (isinstance(node, str) and isinstance(generation, int) and isinstance(bundle, str)):
        raise Wrong("no bundle is named")
    _demand(generation >= visitor.generations.get(node, generation), "the generation went back")
    visitor.generations = {node: generation}
    if len(visitor.bundles) < GENERATIONS_MAX:
        visitor.bundles.setdefault((node, generation), bundle)
    _demand(visitor.bundles.get((node, generation), bundle) == bundle, "one generation has two bundles")


def _decision(decision: Mapping[str, Any]) -> None:
    _demand(decision.get("action") in ACTIONS, "an action that is not known")
    _demand(decision.get("reason") != "ERROR", "a decision is an ERROR")
    _demand(decision.get("reason") in REASONS, "a reason that is not known")
    _demand(bool(decision.get("decisionId")), "a decision has no id")
    _demand((decision.get("value") is not None) == (decision["action"] == "render"), "a value does not fit its action")


def _as_agreed(decision: Mapping[str, Any], consent: Mapping[str, Any]) -> None:
    """Refuse a limit by a purpose that was granted; Global Privacy Control may take back what was."""
    limits: Sequence[str] = decision.get("limitedBy", ())
    granted = {purpose for purpose, is_granted in consent["purposes"].items() if is_granted}
    _demand(consent["gpc"] or not granted.intersection(limits), "limited by a purpose that was granted")


def _consistent(point: str, decision: Mapping[str, Any], bundle: str, visitor: Visitor) -> None:
    if decision["reason"] in {"FALLBACK", "SHED"} and bundle == visitor.fallbacks_of:
        _demand(decision["value"] == visitor.fallbacks.get(point), "a fallback that is not the one of /v1/defaults")
    if decision.get("inExperiment"):
        known = visitor.arms.setdefault((bundle, decision["scenario"]), decision["arm"])
        _demand(known == decision["arm"], "a visitor changed arms")


def _demand(holds: bool, message: str) -> None:  # noqa: FBT001, what has to hold
    if not holds:
        raise Wrong(message)
