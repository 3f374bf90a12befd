"""Judges a run: figures against the limits of a file, one gate each, and the verdict in words. Runs nothing."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from shapes import DEFAULTS

GATE_FAILED = 3
ERRORS_SHOWN = DECISIONS_SHOWN = 10


class ThresholdError(Exception):
    """A file of thresholds that cannot be used: a limit nobody looks at would be worse than none."""


Limit = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _Run(msgspec.Struct, forbid_unknown_fields=True):
    requests_per_visitor_minute_min: Limit = 0
    failure_ratio_max: Limit = 0
    degraded_ratio_max: Limit = 0
    achieved_ratio_min: Limit = 0
    page_p95_ms: Limit = 0
    page_p99_ms: Limit = 0


class _Memory(msgspec.Struct, forbid_unknown_fields=True):
    growth_mib_per_minute_max: Limit = 0


class _Models(msgspec.Struct, forbid_unknown_fields=True):
    runs_min: Limit = 0


class _Endpoint(msgspec.Struct, forbid_unknown_fields=True):
    p95_ms: Limit = 0
    p99_ms: Limit = 0


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    run: _Run | None = None
    memory: _Memory | None = None
    models: _Models | None = None
    endpoints: dict[str, _Endpoint] = {}


class _File(_Part, forbid_unknown_fields=True):
    shapes: dict[str, _Part] = {}

    def __post_init__(self) -> None:
        for name in set(self.shapes) - set(DEFAULTS):
            raise ValueError(f"`{name}` is no shape; known are {', '.join(sorted(DEFAULTS))}")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of one shape."""

    run: Mapping[str, float]
    endpoints: Mapping[str, Mapping[str, float]]
    memory: Mapping[str, float]
    models: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one endpoint did."""

    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run did, over all processes that generated load."""

    shape: str
    users: int
    seconds: float
    endpoints: Mapping[str, Endpoint]
    due: int
    answered: int
    degraded: int
    pages: Mapping[str, float]
    visitor_minutes: float  # in the visits' own time
    decisions: Mapping[str, int]
    generators: int = 1
    generators_heard: int = 1
    exceptions: int = 0
    errors: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """Count all requests."""
        return sum(one.requests for one in self.endpoints.values())

    @property
    def failure_ratio(self) -> float:
        """Give the share of requests that failed; of none, all of them."""
        failures = sum(one.failures for one in self.endpoints.values())
        return failures / self.requests if self.requests else 1.0

    @property
    def degraded_ratio(self) -> float:
        """Give the share of answers that say themselves that they are less than was asked for."""
        return self.degraded / self.requests if self.requests else 0.0

    @property
    def intensity(self) -> float:
        """Give how many requests a visitor made in a minute of the visit's own time."""
        return self.requests / self.visitor_minutes if self.visitor_minutes else 0.0

    @property
    def achieved_ratio(self) -> float:
        """Give the share of what was due that was answered; of nothing due, none."""
        return self.answered / self.due if self.due else 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit and what was found."""

    name: str
    value: float
    wanted: Literal["below", "at most", "at least"]
    limit: float

    @property
    def holds(self) -> bool:
        """Tell whether it holds; a value that is no number never does."""
        if self.wanted == "below":
            return self.value < self.limit
        return self.value <= self.limit if self.wanted == "at most" else self.value >= self.limit

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.name}: {self.value:.5g}, {self.wanted} {self.limit:g} wanted"


def read_thresholds(path: Path, shape: str) -> Thresholds:
    """Read the limits of a shape: the common ones, and over them its own."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        msgspec.convert(document, _File)
    except (OSError, ValueError) as error:
        raise ThresholdError(f"`{path}`: {error}") from error
    own = document.get("shapes", {}).get(shape, {})
    parts = [{**document.get(part, {}), **own.get(part, {})} for part in _Part.__struct_fields__]
    run, memory, models, endpoints = parts
    common = document.get("endpoints", {})
    return Thresholds(run, {name: {**common.get(name, {}), **endpoints[name]} for name in endpoints}, memory, models)


def judge(figures: Figures, thresholds: Thresholds) -> list[Gate]:
    """Hold a run against its limits."""
    run = thresholds.run
    gates = [
        Gate("requests", figures.requests, "at least", 1),
        Gate(
            "requests per visitor minute", figures.intensity, "at least", run.get("requests_per_visitor_minute_min", 0)
        ),
        Gate("failure ratio", figures.failure_ratio, "at most", run.get("failure_ratio_max", 0)),
        Gate("degraded ratio", figures.degraded_ratio, "at most", run.get("degraded_ratio_max", 0)),
        Gate("achieved of planned rate", figures.achieved_ratio, "at least", run.get("achieved_ratio_min", 0)),
        Gate("load generators heard to the end", figures.generators_heard, "at least", figures.generators),
        Gate("exceptions in journeys", figures.exceptions, "at most", 0),
    ]
    gates += [Gate(f"pages {name}", figures.pages[name], "below", run[f"page_{name}"]) for name in _limited(run)]
    for name, limits in thresholds.endpoints.items():
        found = figures.endpoints.get(name)
        gates.append(Gate(f"{name} requests", found.requests if found else 0, "at least", 1))
        gates += [Gate(f"{name} {part}", getattr(found, part), "below", limits[part]) for part in limits if found]
    return gates


def _limited(run: Mapping[str, float]) -> list[str]:
    return [name for name in ("p95_ms", "p99_ms") if f"page_{name}" in run]


def as_document(figures: Figures, gates: Sequence[Gate]) -> dict[str, Any]:
    """Give the verdict for programs; `words` is what people are told of the figures."""
    derived = {"requests": figures.requests, "failure_ratio": figures.failure_ratio}
    derived |= {"achieved_ratio": figures.achieved_ratio, "degraded_ratio": figures.degraded_ratio}
    return {
        "passed": all(gate.holds for gate in gates),
        "gates": [asdict(gate) | {"holds": gate.holds} for gate in gates],
        "figures": asdict(figures) | derived,
        "words": in_words(figures),
    }


def gates_of(document: Mapping[str, Any]) -> list[Gate]:
    """Read the gates of a verdict back."""
    return [Gate(one["name"], one["value"], one["wanted"], one["limit"]) for one in document["gates"]]


def in_words(figures: Figures) -> list[str]:
    """Say what a run did."""
    return [
        *_load(figures),
        *_latencies(figures),
        "  decided: " + ", ".join(f"{count} {what}" for what, count in [*figures.decisions.items()][:DECISIONS_SHOWN]),
        *(f"  {count} x {text}" for count, text in figures.errors[:ERRORS_SHOWN]),
        *(f"  note: {note}" for note in figures.notes),
    ]


def conclusion(gates: Sequence[Gate]) -> list[str]:
    """Say whether it passed, and what did not hold."""
    failed = [gate for gate in gates if not gate.holds]
    last = f"FAILED: {len(failed)} of {len(gates)} gates" if failed else f"PASSED: all {len(gates)} gates"
    return [*(f"  GATE {gate}" for gate in failed), last]


def _load(figures: Figures) -> Iterator[str]:
    seconds = figures.seconds or 1.0
    processes = f"{figures.generators} process{'es' if figures.generators > 1 else ''}"
    yield f"{figures.shape}: {figures.users} visitors at the peak, {figures.seconds:.0f} s, load from {processes}"
    planned, achieved = figures.due / seconds, figures.answered / seconds
    yield f"  planned {planned:.1f} requests/s, achieved {achieved:.1f} ({figures.achieved_ratio:.2%})"
    shares = f"{figures.failure_ratio:.2%} wrong or not answered, {figures.degraded_ratio:.2%} degraded"
    yield f"  {figures.requests} requests, {shares}"


def _latencies(figures: Figures) -> Iterator[str]:
    for name, one in figures.endpoints.items():
        times = f"p50 {one.p50_ms:g} ms, p95 {one.p95_ms:g} ms, p99 {one.p99_ms:g} ms"
        yield f"  {name}: {one.requests} requests, {times}"
    pages = figures.pages
    yield f"  pages, from when they were due: p95 {pages['p95_ms']:g} ms, p99 {pages['p99_ms']:g} ms"
