"""The form of `book.yaml`. Owns the fields of the registry; checks nothing beyond their types."""
# ruff: noqa: N815, RUF012 -- fields are called as in the file; msgspec copies empty defaults

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from edgewise.book.fields import Condition, Count, Duration, Id, Name, Number, Percent, Shape, Text, Unit

AGGREGATES = (
    *("count", "sum", "last", "first", "max", "min", "since", "distinct", "decay", "ring"),
    *("run", "switches", "repeats", "dwell", "ewma"),
)
STATE_SOURCES = ("session", "journey")
BUILT_IN_SIGNALS: dict[str, dict[str, Any]] = {
    "time.hour": {"type": "int", "min": 0, "max": 23, "source": "clock"},
    "time.weekday": {"type": "enum", "values": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "source": "clock"},
    "time.date": {"type": "string", "source": "clock"},
    "geo.country": {"type": "string", "source": "edge"},
}

SignalType = Literal["bool", "int", "float", "string", "enum", "string_set", "timestamp", "duration"]
Source = Literal["request", "edge", "profile", "session", "journey", "model"]
Basis = Literal[
    "consent",
    "contract",
    "legal_obligation",
    "vital_interest",
    "vital_interests",
    "public_task",
    "legitimate_interest",
    "legitimate_interests",
]


Equals = Annotated[bool | int | str, Meta(description="The only value of the property that counts.")]


class Aggregate(Shape, frozen=True):
    """How a signal is kept up to date from events."""

    event: Text
    property: Name | None = None


class Counted(Shape, frozen=True):
    """How many events there were, or how many whose property has one value."""

    event: Text
    property: Name | None = None
    equals: Equals | None = None


class Dwell(Shape, frozen=True):
    """The time from each event to the next one of any name; `equals` credits one value of a property alone."""

    event: Text
    cap: Annotated[Duration, Meta(description="The most that one gap adds.")] = "30m"
    property: Name | None = None
    equals: Equals | None = None


class Sequence(Shape, frozen=True):
    """How the values of a property follow each other."""

    event: Text
    property: Name


class Average(Shape, frozen=True):
    """A moving average of a property; `size` events halve what the values before them weigh."""

    event: Text
    property: Name
    size: Annotated[int, Meta(ge=1, le=32)]


class Decay(Shape, frozen=True):
    """A sum (or count) of events in which older ones weigh less."""

    event: Text
    half_life: Duration
    property: Name | None = None


class Ring(Shape, frozen=True):
    """The last few values of a property, or how often one of them came again."""

    event: Text
    property: Name
    size: Annotated[int, Meta(ge=1, le=32)] = 8


AnyAggregate = Aggregate | Counted | Decay | Ring | Sequence | Dwell | Average


class Signal(Shape, frozen=True):
    """One typed fact about a visit. `min` and `max` are bounds when numbers, aggregates when they name an event."""

    type: SignalType
    source: Source
    values: Annotated[list[Name], Meta(min_length=1, max_length=1000)] | None = None
    unit: Text | None = None
    max_age: Duration | None = None
    purposes: list[Id] = []
    label: Annotated[Text, Meta(description="What visitors read when the signal decided.")] | None = None
    count: Counted | None = None
    sum: Aggregate | None = None
    last: Aggregate | None = None
    first: Aggregate | None = None
    max: Number | Aggregate | None = None
    min: Number | Aggregate | None = None
    since: Aggregate | None = None
    distinct: Aggregate | None = None
    decay: Decay | None = None
    ring: Ring | None = None
    run: Sequence | None = None
    switches: Sequence | None = None
    repeats: Ring | None = None
    dwell: Dwell | None = None
    ewma: Average | None = None
    model: Id | None = None
    output: Name | None = None

    def aggregates(self) -> list[tuple[str, AnyAggregate]]:
        """The aggregates declared, with their kinds; a sound signal has at most one."""
        found = ((kind, getattr(self, kind)) for kind in AGGREGATES)
        return [(kind, value) for kind, value in found if isinstance(value, AnyAggregate)]


class Segment(Shape, frozen=True):
    """A behavioral group."""

    when: Condition


class Purpose(Shape, frozen=True):
    """What personal data is used for."""

    basis: Basis
    tcf: list[Annotated[int, Meta(ge=1, le=11)]] = []
    gpc_blocks: bool = False
    value_exchange: Text | None = None


class Ttl(Shape, frozen=True):
    """How long a key of a scope is kept after its last event."""

    ttl: Duration


class StateTtls(Shape, frozen=True):
    """The scopes of state."""

    session: Ttl | None = None
    journey: Ttl | None = None


class DecisionPoint(Shape, frozen=True):
    """A place where an experience is served, and what is served there when no scenario applies."""

    surface: Text
    fallback: Any


class Outcome(Shape, frozen=True):
    """A real result that is measured."""

    event: Text
    measure: Literal["rate", "count", "sum", "mean"]
    window: Duration
    join: Annotated[list[Name], Meta(min_length=1, max_length=4)]
    direction: Literal["up", "down"]
    level: Literal["outcome", "leading", "lagging", "guardrail"]
    filter: Annotated[Condition, Meta(description="A condition over the event's properties.")] | None = None
    property: Name | None = None


class Limits(Shape, frozen=True):
    """Beyond these `check` warns."""

    max_live_scenarios: Count = 3
    max_signals_per_scenario: Count = 8


class GlobalHoldout(Shape, frozen=True):
    """The share of visitors who are left alone by every scenario."""

    percent: Percent
    unit: Unit
    salt: Id


class Registry(Shape, frozen=True):
    """The registry of a book."""

    apiVersion: Annotated[Literal["edgewise/v1"], Meta(extra={"code": "EW002"})] | None = None
    kind: Annotated[Literal["Registry"], Meta(extra={"code": "EW002"})] | None = None
    timezone: Annotated[str, Meta(description="An IANA time zone, used when a request names none.")] = "UTC"
    policy: dict[str, bool | int | float | str | list[str]] = {}
    signals: dict[str, Signal] = {}
    segments: dict[Id, Segment] = {}
    purposes: dict[Id, Purpose] = {}
    state: StateTtls = field(default_factory=StateTtls)
    decision_points: dict[Id, DecisionPoint] = {}
    outcomes: dict[Id, Outcome] = {}
    content: Annotated[list[Name], Meta(description="If given, every `content` must be one of these.")] | None = None
    limits: Limits = field(default_factory=Limits)
    global_holdout: GlobalHoldout | None = None
