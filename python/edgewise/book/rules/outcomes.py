"""Rules for outcomes and experiments of a scenario. One function per rule."""

from edgewise.book.book import Book
from edgewise.book.scenario import Experiment, Scenario
from edgewise.book.source import Source

ARMS_TOTAL = 100
_ROUNDING = 1e-9


def primary_outcome(_book: Book, source: Source[Scenario]) -> None:
    """EW301: there is one result that the scenario is for."""
    if source.has("outcome") and source.value.outcome is not None and source.lacks("outcome", "primary"):
        source.found("EW301", ("outcome",), "no primary outcome", "write `primary:` and the name of an outcome")


def known_outcomes(book: Book, source: Source[Scenario]) -> None:
    """EW206: outcomes that are named are in the registry."""
    outcome = source.value.outcome
    if outcome is None:
        return
    known = book.registry.names("outcomes")
    if outcome.primary is not None:
        source.check_reference("EW206", ("outcome", "primary"), "outcome", outcome.primary, known)
    for field, names in (("supporting", outcome.supporting), ("guardrails", outcome.guardrails)):
        for number, name in enumerate(names):
            source.check_reference("EW206", ("outcome", field, number), "outcome", name, known)


def primary_is_a_result(book: Book, source: Source[Scenario]) -> None:
    """EW303: looking at something is not a result."""
    name = source.value.outcome.primary if source.value.outcome is not None else None
    outcome = book.registry.value.outcomes.get(name or "")
    if outcome is not None and outcome.level == "leading":
        message = f"the primary outcome `{name}` is only a leading one"
        source.found("EW303", ("outcome", "primary"), message, "measure what people wanted, and support it with this")


def arms_sum(_book: Book, source: Source[Scenario]) -> None:
    """EW305: the arms share out everybody."""
    experiment = source.value.experiment
    path = ("experiment", "arms")
    if not isinstance(experiment, Experiment) or source.is_damaged(*path):
        return
    total = experiment.arms.as_is + experiment.arms.default + experiment.arms.personalized
    if abs(total - ARMS_TOTAL) > _ROUNDING:
        source.found("EW305", path, f"the arms sum to {total:g}, not to {ARMS_TOTAL}", "share out all of 100 percent")


def experiment_names(book: Book) -> None:
    """EW003: ids and salts of experiments are used once, or assignments would be mixed up or run in step."""
    holdout = book.registry.value.global_holdout
    ids: dict[str, str] = {}
    salts: dict[str, str] = {holdout.salt: book.registry.file} if holdout is not None else {}
    for source in book.scenarios:
        experiment = source.value.experiment
        if isinstance(experiment, Experiment):
            _check_once(source, "id", experiment.id, ids)
            _check_once(source, "salt", experiment.salt, salts)


def _check_once(source: Source[Scenario], field: str, name: str, first: dict[str, str]) -> None:
    if name in first:
        message = f"the {field} `{name}` is already used in `{first[name]}`"
        source.found("EW003", ("experiment", field), message, "every experiment has its own, for good")
    first.setdefault(name, source.file)


SCENARIO_RULES = (primary_outcome, known_outcomes, primary_is_a_result, arms_sum)
BOOK_RULES = (experiment_names,)
