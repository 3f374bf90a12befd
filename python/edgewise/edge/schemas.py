"""The types on the wire of the hot routes, for describing them only: the core parses and renders the bytes itself.

A test holds real answers against these types, so they cannot drift apart.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Json = Any
SignalName = str
Purpose = str
SchemaName = str
Arm = Literal["as_is", "default", "personalized"]
Action = Literal["render", "own", "omit"]
Reason = Literal["FALLBACK", "HOLDOUT", "SPLIT", "TARGETING_MATCH", "CAPPED", "DISABLED", "SHED", "ERROR"]


def one_of(*names: SchemaName) -> Meta:
    """Describe a value that has one of several shapes told apart by their fields."""
    return Meta(extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]})


class Identity(msgspec.Struct, rename="camel"):
    """Who is asking, as far as known; every id is an opaque string of the caller's."""

    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    journey_id: str | None = None
    account_id: str | None = None


class Consent(msgspec.Struct, rename="camel"):
    """What the visitor agreed to."""

    purposes: dict[Purpose, bool] = {}
    gpc: bool = False
    tcf: str | None = None
    gpp: str | None = None
    gpp_sid: list[int] = []


class VisitEvent(msgspec.Struct, rename="camel"):
    """Something that happened, sent along with a request for decisions; taken before deciding."""

    id: str
    event: str
    timestamp: Annotated[datetime | None, Meta(description="when it happened; without one, now")] = None
    properties: dict[str, Json] = {}


class Event(Identity, rename="camel", kw_only=True):
    """Something that happened, sent to the events route with the ids it belongs to."""

    id: str
    event: str
    timestamp: Annotated[datetime | None, Meta(description="when it happened; without one, now")] = None
    properties: dict[str, Json] = {}
    consent: Consent | None = None


class Context(msgspec.Struct):
    """Where the visitor is."""

    timezone: str | None = None
    country: str | None = None


class Force(msgspec.Struct):
    """A forced arm; needs the debug scope."""

    arm: Arm


class Options(msgspec.Struct, rename="camel"):
    """How to decide; `full`, `at` and `force` need the debug scope."""

    explain: Literal["none", "short", "full"] = "short"
    dry_run: bool = False
    at: datetime | None = None
    force: Force | None = None


class DecideRequest(msgspec.Struct, rename="camel", kw_only=True):
    """One visit asking for the experiences at its decision points."""

    decision_points: Annotated[list[str], Meta(min_length=1)]
    request_id: str | None = None
    identity: Identity | None = None
    signals: Annotated[
        dict[SignalName, Json],
        Meta(description='a plain value counts as observed now; {"value": ..., "observedAt": ...} tells when it was'),
    ] = {}
    events: list[VisitEvent] = []
    consent: Consent | None = None
    context: Context | None = None
    options: Options | None = None


class BatchRequest(msgspec.Struct):
    """Many visits at once."""

    requests: list[DecideRequest]


class Blocking(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A signal that keeps a condition from being known."""

    signal: SignalName
    state: Literal["missing", "stale", "denied", "invalid"]
    refused_purposes: list[Purpose]


GivenUp = Literal["absent", "budget", "resting", "late", "failed"]


class ModelTrace(msgspec.Struct, forbid_unknown_fields=True):
    """What a model had to do with a signal that a condition reads: `value`, or the `reason` why there is none."""

    signal: SignalName
    model: str
    digest: str
    output: str
    value: float | None
    reason: GivenUp | Literal["not_asked", "no_state"] | None


class ModelRecord(msgspec.Struct, forbid_unknown_fields=True):
    """What a model gave: its outputs by name, or the reason why there are none."""

    digest: str
    outputs: dict[str, float] | None
    reason: GivenUp | None


class ConditionTrace(msgspec.Struct, forbid_unknown_fields=True):
    """One condition that was asked, in order; `models` are those that set signals it reads."""

    part: Literal["context", "pathway", "segment"]
    name: str | None
    when: str
    value: Literal["unknown"] | bool
    blocking: list[Blocking]
    models: list[ModelTrace] | msgspec.UnsetType = msgspec.UNSET


class Assignment(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Which arm the unit is in, and what that depended on."""

    held_out: bool
    arm: Arm | None
    in_experiment: bool
    forced: bool
    unit_known: bool | None
    refused_purposes: list[Purpose]


class CandidateTrace(msgspec.Struct, forbid_unknown_fields=True):
    """One scenario that serves the decision point, and how far it got."""

    scenario: str
    reached: Literal["context", "served"]
    conditions: list[ConditionTrace]
    assignment: Assignment | None


class DecisionRecord(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The decision as evidence keeps it: the same facts in every arm; `models` are those that were asked for it."""

    decision_id: str
    decision_point: str
    scenario: str | None
    scenario_digest: str | None
    pathway: str | None
    segment: str | None
    differs: bool
    arm: Arm | None
    in_experiment: bool
    reason: Reason
    action: Action
    models: dict[str, ModelRecord] | msgspec.UnsetType = msgspec.UNSET


class Explanation(msgspec.Struct, forbid_unknown_fields=True):
    """Why, in words for people; `trace` and `record` come with `explain: full`."""

    text: str | None
    signals: list[str]
    trace: list[CandidateTrace] | msgspec.UnsetType = msgspec.UNSET
    record: DecisionRecord | msgspec.UnsetType = msgspec.UNSET


class PointError(msgspec.Struct, forbid_unknown_fields=True):
    """Why there is no decision for this point."""

    code: str
    detail: str


class Decision(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What to show at one decision point. `own`: what you would without us; `omit`: nothing."""

    decision_id: str
    action: Action
    value: Json
    reason: Reason
    scenario: str | None
    pathway: str | None
    segment: str | None
    arm: Arm | None
    in_experiment: bool
    explanation: Explanation | None
    limited_by: list[Purpose] | msgspec.UnsetType = msgspec.UNSET
    error: PointError | msgspec.UnsetType = msgspec.UNSET


class Warning(msgspec.Struct, forbid_unknown_fields=True):  # noqa: A001, the API's word
    """Something in the request that was set aside while the decision went on."""

    code: str
    field: str
    detail: str


class DecideAnswer(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The decisions, by decision point."""

    request_id: str
    bundle: str
    generation: int
    node: str
    cache_key: str
    events_accepted: int
    decisions: dict[str, Decision]
    warnings: list[Warning]


class BatchAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """Answers in the order of the requests; a bad request is a problem in its place."""

    responses: list[Annotated[Json, one_of("DecideAnswer", "Problem")]]


class EventError(msgspec.Struct, forbid_unknown_fields=True):
    """Why the event at an index was not taken."""

    index: int
    id: str | None
    code: str
    detail: str


class EventsAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """How many events were taken."""

    accepted: int
    rejected: int
    errors: list[EventError]


class Read(msgspec.Struct, forbid_unknown_fields=True):
    """A signal that a decision point's scenarios read."""

    signal: SignalName
    type: str
    source: str
    purposes: list[Purpose]


class DecisionPointDefault(msgspec.Struct, forbid_unknown_fields=True):
    """What to render when the node cannot be asked, and what to send when it can."""

    fallback: Json
    reads: list[Read]


class Defaults(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Every decision point of the bundle."""

    bundle: str
    decision_points: dict[str, DecisionPointDefault]
