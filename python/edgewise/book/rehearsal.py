"""Running the tests of a book in the real engine. Owns the request a test becomes and how its answer is compared."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from msgspec import UNSET, Struct, to_builtins

from edgewise._core import Engine
from edgewise.book.forms import instant, is_instant
from edgewise.book.models import Trial
from edgewise.book.scenario import BookTest, ExpectedPoint, GivenConsent, Scenario
from edgewise.book.source import Source
from edgewise.book.tree import Path
from edgewise.bundle import canonical_json
from edgewise.errors import RequestError

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Vals

TEST_INSTANT = "2026-01-01T12:00:00Z"
TEST_KEYS = {"sessionId": "test", "journeyId": "test"}
SHOWN_CHARACTERS_MAX = 300
WARNINGS_SHOWN = frozenset({"invalid_signal", "event_rejected", "unknown_timezone"})
_INDEX = re.compile(r"(\w+)\[(\d+)\]")
Json = dict[str, Any]
Outputs = dict[str, list[float]]


class Rehearsal(NamedTuple):
    """What one test asked, what models gave on the way, and what the engine decided."""

    name: str
    request: Json
    outputs: Outputs
    decisions: Json


class Failure(NamedTuple):
    """What a test expected and did not get, and where it says so."""

    path: Path
    message: str


def rehearse_tests(engine: Engine, source: Source[Scenario], purposes: list[str], trial: Trial) -> list[Rehearsal]:
    """Run the tests of one scenario; each that fails becomes a finding at its source."""
    ran = (_rehearse(engine, source, number, purposes, trial) for number in range(len(source.value.tests)))
    return [done for done in ran if done is not None]


def _rehearse(
    engine: Engine, source: Source[Scenario], number: int, purposes: list[str], trial: Trial
) -> Rehearsal | None:
    """Run one test; None where there is no answer, which has been found.

    What every node replays is asked first. The trace is long where many scenarios share a decision point, so it is
    asked for only where it says more.
    """
    scenario, test = source.value, source.value.tests[number]
    request = request_of(scenario, test, purposes)
    outputs: Outputs = {}
    try:
        answer = _answer(engine, request, trial, outputs)
    except RequestError as error:
        _note(source, test, [Failure(("tests", number), f"the engine refuses it: {_refusal(error)}")])
        return None
    if answer is None:
        return None
    decisions = answer["decisions"]
    _warn(source, number, test, answer["warnings"])
    seen = _traced(engine, request, outputs) if _hides_segment(test) else decisions
    failures = _compare(number, test, seen)
    if failures:
        _note(source, test, failures, _why_not_reached(scenario, test, _traced(engine, request, outputs)))
    return Rehearsal(f"{scenario.id}: {test.name}", request, outputs, decisions)


def request_of(scenario: Scenario, test: BookTest, purposes: list[str]) -> Json:
    """The request of a test: everything granted and the personalized arm, unless the test says otherwise."""
    request: Json = {
        "requestId": f"{scenario.id}/{test.name}",
        "decisionPoints": [point.id for point in scenario.decision_points],
        "signals": test.signals,
        "consent": _consent(test.consent, purposes),
        "options": {"at": _at(test), "dryRun": True, "force": {"arm": test.arm}, "explain": "short"},
    }
    if test.events:
        request["events"] = [_event(event, number, _at(test)) for number, event in enumerate(test.events)]
    if test.identity is not None or test.events:
        request["identity"] = {**TEST_KEYS, **_given(test.identity)} if test.events else _given(test.identity)
    if test.context is not None:
        request["context"] = _given(test.context)
    return request


def _answer(engine: Engine, request: Json, trial: Trial, outputs: Outputs) -> Json | None:
    """The answer, with what models gave noted in `outputs`.

    None where a model was refused: that was found, and without the model an answer says nothing about the test.
    """
    refused: set[str] = set()

    def run(name: str, ids: "Ids", vals: "Vals") -> list[float] | None:
        found = trial.run(name, ids, vals)
        if found is None:
            refused.add(name)
        else:
            outputs[name] = found
        return found

    answer: Json = orjson.loads(engine.rehearse(orjson.dumps(request), run))
    return None if refused else answer


def _traced(engine: Engine, request: Json, outputs: Outputs) -> Json:
    """The decisions with all there is to tell of them, made of what models gave before."""
    asked = {**request, "options": {**request["options"], "explain": "full"}}
    answer = engine.rehearse(orjson.dumps(asked), lambda name, _ids, _vals: outputs.get(name))
    decisions: Json = orjson.loads(answer)["decisions"]
    return decisions


def _hides_segment(test: BookTest) -> bool:
    """Whether the segment that a test expects does not show in the answer, as its arm serves none."""
    expected = (test.expect, *test.expect.decision_points.values())
    return test.arm != "personalized" and any(part.segment is not UNSET for part in expected)


def _at(test: BookTest) -> str:
    """The clock of a test: as given, else that of its last event, else always the same."""
    if test.at is not None:
        return test.at
    times = [str(event.get("timestamp")) for event in test.events]
    return max(filter(is_instant, times), key=instant, default=TEST_INSTANT)


def _event(event: Json, number: int, at: str) -> Json:
    return {"id": f"e{number + 1}", "timestamp": at, **event}


def _consent(consent: GivenConsent | None, purposes: list[str]) -> Json:
    granted: dict[str, bool] = dict.fromkeys(purposes, True)
    if consent is None:
        return {"purposes": granted}
    return {**_given(consent), "purposes": {**granted, **consent.purposes}}


def _given(struct: Struct | None) -> Json:
    fields: Json = to_builtins(struct) if struct is not None else {}
    return {name: value for name, value in fields.items() if value is not None}


def _warn(source: Source[Scenario], number: int, test: BookTest, warnings: list[Json]) -> None:
    """Note what the engine left out; names that nobody declared are findings already."""
    for warning in warnings:
        if warning["code"] in WARNINGS_SHOWN:
            path = ("tests", number, *_path(warning["field"]))
            message = f"the test `{test.name}`: `{warning['field']}` {warning['detail']}"
            if not source.is_found("EW904", path):
                source.found("EW904", path, message)


def _path(field: str) -> Path:
    """Where a field of a request stands in the test: `signals.order.channel`, `events[0]`, `context.timezone`."""
    first, _, rest = field.partition(".")
    if first == "signals":
        return (first, rest)
    index = _INDEX.fullmatch(first)
    return (index[1], int(index[2])) if index is not None else tuple(field.split("."))


def _compare(number: int, test: BookTest, decisions: Json) -> list[Failure]:
    path: Path = ("tests", number, "expect")
    expected = test.expect
    failures: list[Failure] = []
    for field in ("scenario", "pathway", "segment", "reason", "arm", "action", "value"):
        wanted = getattr(expected, field)
        if wanted is UNSET:
            continue
        got = {point: _found(field, decision) for point, decision in decisions.items()}
        if not _agrees(field, wanted, list(got.values())):
            failures.append(Failure((*path, field), f"expected {field} {_show(wanted)}, got {_show_all(got)}"))
    for point, wanted_there in expected.decision_points.items():
        if point in decisions:
            failures.extend(_compare_point((*path, "decision_points", point), wanted_there, decisions[point]))
    return failures


def _compare_point(path: Path, expected: ExpectedPoint, decision: Json) -> Iterator[Failure]:
    for field in ExpectedPoint.__struct_fields__:
        wanted, got = getattr(expected, field), _found(field, decision)
        if wanted is not UNSET and not _same(wanted, got):
            yield Failure((*path, field), f"at `{path[-1]}` expected {field} {_show(wanted)}, got {_show(got)}")


def _found(field: str, decision: Json) -> object:
    """The field of a decision; for the segment, the one found before any arm was drawn."""
    if field != "segment":
        return decision[field]
    record = (decision["explanation"] or {}).get("record")
    return record["segment"] if record is not None else decision["segment"]


def _agrees(field: str, wanted: object, got: list[object]) -> bool:
    """Say whether every decision point agrees.

    A segment is found where some point has an overlay for it, and no point finds another.
    """
    if field == "segment" and wanted is not None:
        return wanted in got and all(found in (wanted, None) for found in got)
    return all(_same(wanted, found) for found in got)


def _same(wanted: object, got: object) -> bool:
    return canonical_json(wanted) == canonical_json(got)


def _show(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"`{text[:SHOWN_CHARACTERS_MAX]}`"


def _show_all(got: Json) -> str:
    values = list(got.values())
    if all(_same(values[0], value) for value in values):
        return _show(values[0])
    return ", ".join(f"{_show(value)} at `{point}`" for point, value in got.items())


def _refusal(error: RequestError) -> str:
    problem = orjson.loads(error.problem)
    return str(problem.get("detail") or problem.get("title"))


def _note(source: Source[Scenario], test: BookTest, failures: list[Failure], cause: str | None = None) -> None:
    """Each failure becomes a finding; those of one known cause become a single one that names it."""
    for failure in failures if cause is None else failures[:1]:
        source.found("EW901", failure.path, f"the test `{test.name}` fails: {failure.message}", cause)


def _why_not_reached(scenario: Scenario, test: BookTest, decisions: Json) -> str | None:
    """Why the scenario itself did not apply, where the test means it to."""
    if test.expect.scenario not in (UNSET, scenario.id):
        return None
    traces = [decision["explanation"]["trace"] for decision in decisions.values() if decision["explanation"]]
    for candidate in chain.from_iterable(traces):
        if candidate["scenario"] == scenario.id and candidate["reached"] == "context":
            return _why_not_true(candidate["conditions"][-1])
    return None


def _why_not_true(condition: Json) -> str | None:
    if condition["part"] != "context" or condition["value"] is True:
        return None
    if condition["value"] is False:
        return "the context is false"
    blocking = ", ".join(f"`{blocked['signal']}` is {blocked['state']}" for blocked in condition["blocking"])
    return f"the context is unknown: {blocking}"
