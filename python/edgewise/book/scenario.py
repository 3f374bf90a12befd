"""The form of a scenario file. Owns the fields of a scenario and the order of its stages."""
# ruff: noqa: N815, RUF012 -- fields are called as in the file; msgspec copies empty defaults

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from edgewise.book.fields import (
    Condition,
    Count,
    Date,
    Explanation,
    Id,
    Instant,
    JsonObject,
    Name,
    Number,
    Percent,
    Period,
    Score,
    Shape,
    Text,
    Unit,
)

Status = Literal["strawman", "refined", "mapped", "designed", "stress_tested", "live", "paused", "retired", "cut"]
Arm = Literal["as_is", "default", "personalized"]
Action = Literal["render", "omit", "own"]
STAGES: dict[str, int] = {
    "cut": 0,
    "strawman": 1,
    "refined": 1,
    "mapped": 2,
    "designed": 3,
    "stress_tested": 4,
    "live": 5,
    "paused": 5,
    "retired": 5,
}
MAPPED, DESIGNED, STRESS_TESTED, SERVED = 2, 3, 4, 5


class Pathway(Shape, frozen=True):
    """One ordered branch; the last is `otherwise`."""

    id: Id
    when: Condition | None = None
    otherwise: bool = False
    next: Annotated[Text, Meta(description="What the person will likely do next.")] | None = None


class Delta(Shape, frozen=True):
    """What a pathway changes: a merge patch, or nothing is served."""

    set: Any = None
    omit: bool | None = None


class Cap(Shape, frozen=True):
    """How often an overlay may be served to one key."""

    max: Annotated[int, Meta(ge=1, le=65535)] | None = None
    per: Literal["session", "journey"] | None = None


class Overlay(Shape, frozen=True):
    """A segment's delta on the experience of its pathways."""

    segment: Id
    pathways: Annotated[list[Id], Meta(min_length=1)] | None = None
    set: Any = None
    omit: bool | None = None
    explain: Explanation | None = None
    cap: Cap | None = None


class PointDesign(Shape, frozen=True):
    """What a scenario serves at one decision point."""

    id: Id
    default: Any = None
    by_pathway: dict[str, Delta] = {}
    overlays: list[Overlay] = []


class Baseline(Shape, frozen=True):
    """What the primary outcome was before."""

    value: Number
    unit: Text
    measured: Period
    source: Text


class Target(Shape, frozen=True):
    """What the primary outcome shall be."""

    value: Number
    by: Date


class OutcomeUse(Shape, frozen=True):
    """The one result a scenario is for, whatever the segment."""

    primary: Id | None = None
    supporting: list[Id] = []
    guardrails: list[Id] = []
    baseline: Baseline | None = None
    target: Target | None = None


class Arms(Shape, frozen=True):
    """The shares of an experiment, in percent."""

    as_is: Percent = 0
    default: Percent = 0
    personalized: Percent = 0


class Experiment(Shape, frozen=True):
    """Who gets which arm."""

    id: Id
    arms: Arms
    unit: Unit
    salt: Id
    min_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class Operation(Shape, frozen=True):
    """A change outside of this file that must be done before the scenario may be live."""

    change: Text
    team: Text
    done: bool = False


class Readiness(Shape, frozen=True):
    """How ready the organization is."""

    feasibility: Score | None = None
    impact: Score | None = None
    effort: Score | None = None
    appetite: Score | None = None
    operations: list[Operation] = []


class Review(Shape, frozen=True):
    """How the scenario was judged in the workshop."""

    accuracy: Score
    frequency: Score
    impact: Score
    on: Date


class StressTest(Shape, frozen=True):
    """How the design was tried on people."""

    prototype: bool
    on: Date
    interviews: dict[str, Count] = {}


class Evidence(Shape, frozen=True):
    """What the scenario rests on."""

    review: Review | None = None
    as_is: list[Text] = []
    opportunities: list[Text] = []
    stress_test: StressTest | None = None


class ExpectedPoint(Shape, frozen=True):
    """What a test expects at one decision point. Only what is written is compared; `null` means that there is none."""

    pathway: Id | UnsetType | None = UNSET
    segment: Annotated[Id, Meta(description="The segment found, whatever the arm.")] | UnsetType | None = UNSET
    scenario: Id | UnsetType | None = UNSET
    reason: Name | UnsetType = UNSET
    arm: Arm | UnsetType | None = UNSET
    action: Action | UnsetType = UNSET
    value: Any = UNSET


class Expectation(ExpectedPoint, frozen=True):
    """What a test expects at every decision point of the scenario, and at single ones."""

    decision_points: dict[str, ExpectedPoint] = {}


class GivenConsent(Shape, frozen=True):
    """The consent of a test's visitor; purposes that are not named are granted."""

    purposes: dict[str, bool] = {}
    gpc: bool = False
    tcf: str | None = None
    gpp: str | None = None
    gppSid: list[int] = []


class GivenIdentity(Shape, frozen=True):
    """The ids of a test's visitor."""

    userId: Name | None = None
    anonymousId: Name | None = None
    sessionId: Name | None = None
    journeyId: Name | None = None
    accountId: Name | None = None


class GivenContext(Shape, frozen=True):
    """Where a test's visitor is."""

    timezone: Name | None = None
    country: Name | None = None


class BookTest(Shape, frozen=True):
    """A real situation and what it must lead to."""

    name: Text
    expect: Expectation
    signals: dict[str, Any] = {}
    events: list[JsonObject] = []
    identity: GivenIdentity | None = None
    consent: GivenConsent | None = None
    context: GivenContext | None = None
    at: Instant | None = None
    arm: Arm = "personalized"


class Scenario(Shape, frozen=True):
    """Context x segments: pathways, decision points, one outcome, an experiment, an explanation."""

    apiVersion: Annotated[Literal["edgewise/v1"], Meta(extra={"code": "EW002"})] | None = None
    kind: Annotated[Literal["Scenario"], Meta(extra={"code": "EW002"})] | None = None
    id: Id | None = None
    version: Annotated[int, Meta(ge=1)] = 1
    status: Status | None = None
    owner: Text | None = None
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    situation: Text | None = None
    goal: Text | None = None
    reason: Annotated[Text, Meta(description="Why it was cut, or why it runs without an experiment.")] | None = None
    context: Condition | None = None
    pathways: list[Pathway] = []
    decision_points: list[PointDesign] = []
    outcome: OutcomeUse | None = None
    experiment: Experiment | Literal["none"] | None = None
    explanation: Explanation | None = None
    readiness: Readiness = field(default_factory=Readiness)
    evidence: Evidence = field(default_factory=Evidence)
    tests: list[BookTest] = []

    @property
    def stage(self) -> int:
        """How far the scenario has come; 0 when it was cut or its status cannot be read."""
        return STAGES.get(self.status or "", 0)
