"""Rules for what the stage of a scenario requires. One function per rule; the JSON Schema uses the same table."""

from edgewise.book.book import Book
from edgewise.book.scenario import DESIGNED, MAPPED, SERVED, STRESS_TESTED, Scenario
from edgewise.book.source import Source

REQUIRED: tuple[tuple[int, tuple[str, ...], str], ...] = (
    (0, ("owner",), "owner: a-team"),
    (0, ("situation",), "situation: what is going on in the visitor's life"),
    (0, ("goal",), "goal: what the visitor wants to get done"),
    (1, ("evidence", "review"), "review: {accuracy: 4, frequency: 4, impact: 4, on: 2026-08-12}"),
    (MAPPED, ("evidence", "as_is"), "as_is: [what people do today, step by step]"),
    (MAPPED, ("evidence", "opportunities"), "opportunities: [what could be better]"),
    (DESIGNED, ("context",), "context: \"order.channel == 'online'\""),
    (DESIGNED, ("pathways",), "pathways: [{id: other, otherwise: true}]"),
    (DESIGNED, ("decision_points",), "decision_points: [{id: home.hero, default: {content: home/standard}}]"),
    (DESIGNED, ("outcome",), "outcome: {primary: NAME}"),
    (STRESS_TESTED, ("tests",), "tests: [{name: NAME, signals: {}, expect: {pathway: other}}]"),
    (STRESS_TESTED, ("evidence", "stress_test"), "stress_test: {prototype: true, on: 2026-08-30}"),
)


def required_fields(_book: Book, source: Source[Scenario]) -> None:
    """EW702: a scenario has what its stage requires."""
    scenario = source.value
    if scenario.status is None:
        return
    for stage, path, example in REQUIRED:
        if scenario.stage >= stage and source.lacks(*path):
            field = ".".join(path)
            source.found("EW702", path, f"`{scenario.status}` needs `{field}`", f"write `{example}`")


def reason_for_cut(_book: Book, source: Source[Scenario]) -> None:
    """EW702: a scenario that was cut says why."""
    if source.value.status == "cut" and source.lacks("reason"):
        source.found("EW702", ("status",), "`cut` needs `reason`", "say why, so that nobody has to ask again")


def baseline(_book: Book, source: Source[Scenario]) -> None:
    """EW302: a live scenario knows what the outcome was before."""
    scenario = source.value
    if scenario.stage >= SERVED and source.has("outcome") and source.lacks("outcome", "baseline"):
        hint = "write `baseline: {value: 0.2, unit: ..., measured: 2026-09-01/2026-09-30, source: ...}`"
        source.found("EW302", ("outcome",), f"`{scenario.status}` needs `outcome.baseline`", hint)


def experiment(_book: Book, source: Source[Scenario]) -> None:
    """EW304: a live scenario is measured, or says why not."""
    scenario = source.value
    if scenario.stage < SERVED:
        return
    if source.lacks("experiment"):
        hint = "write `experiment: {id: ..., arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: ...}`"
        source.found("EW304", (), f"`{scenario.status}` needs `experiment`", hint)
    elif scenario.experiment == "none" and source.lacks("reason"):
        source.found("EW304", ("experiment",), "`experiment: none` needs `reason`", "say why it is not measured")


def operations_done(_book: Book, source: Source[Scenario]) -> None:
    """EW701: nothing outside of the file is still to be done for a live scenario."""
    if source.value.status != "live":
        return
    for number, operation in enumerate(source.value.readiness.operations):
        path = ("readiness", "operations", number)
        if not operation.done and not (source.has(*path, "done") and source.is_damaged(*path)):
            message = f"`live` while `{operation.change}` of `{operation.team}` is not done"
            source.found("EW701", path, message, "write `done: true` when it is, or go back to `stress_tested`")


RULES = (required_fields, reason_for_cut, baseline, experiment, operations_done)
