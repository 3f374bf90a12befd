"""The book in memory: its sources, its compiled conditions and what they read. Owns these; judges nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewise._core import Condition
from edgewise.book.findings import Finding, in_order
from edgewise.book.models import BookModel
from edgewise.book.registry import BUILT_IN_SIGNALS, Registry
from edgewise.book.rehearsal import Rehearsal
from edgewise.book.scenario import DESIGNED, Scenario
from edgewise.book.source import Names, Source
from edgewise.book.tree import Path as TreePath
from edgewise.intent import Verdicts


@dataclass(slots=True)
class Book:
    """All files of a book. What the checks learn is kept here too, for the checks behind them.

    `conditions` is what compiled, by file and path; `rehearsals` are the tests of live scenarios that ran;
    `refused_names` cannot be read in conditions (constants with
    `policy.` in front); `unsound_signals` are declared wrongly, so that nothing is said of their types. `models` are
    those that signals name and that keep every rule; `inherited_purposes` are those of signals they set, too.
    `verdicts` are what probes of its models found, where somebody keeps them. `scenario_ids` are not complete when a
    scenario has none that can be read.
    """

    folder: Path
    registry: Source[Registry]
    scenarios: list[Source[Scenario]]
    loose: list[Finding] = field(default_factory=list)
    conditions: dict[tuple[str, TreePath], Condition] = field(default_factory=dict)
    rehearsals: list[Rehearsal] = field(default_factory=list)
    knows_timezone: bool = True
    refused_names: set[str] = field(default_factory=set)
    unsound_signals: set[str] = field(default_factory=set)
    models: dict[str, BookModel] = field(default_factory=dict)
    inherited_purposes: dict[str, list[str]] = field(default_factory=dict)
    verdicts: Verdicts | None = None
    scenario_ids: Names = field(init=False, repr=False)
    _by_id: dict[str, Source[Scenario]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find scenarios by their ids; of two with one id, the first."""
        self._by_id = {source.value.id: source for source in reversed(self.scenarios) if source.value.id}
        self.scenario_ids = Names(self._by_id, complete=all(source.value.id for source in self.scenarios))

    @property
    def findings(self) -> list[Finding]:
        """Everything found so far, in order."""
        found = [*self.loose, *self.registry.findings]
        for scenario in self.scenarios:
            found.extend(scenario.findings)
        return in_order(found)

    @property
    def live(self) -> list[Source[Scenario]]:
        """The scenarios that are served."""
        return [source for source in self.scenarios if source.value.status == "live"]

    def scenario(self, name: str) -> Source[Scenario] | None:
        """The scenario of an id."""
        return self._by_id.get(name)

    def condition(self, source: Source[Any], *path: str | int) -> Condition | None:
        """A condition that compiled."""
        return self.conditions.get((source.file, path))

    def segments_named(self, scenario: Scenario) -> list[str]:
        """The segments that overlays of a scenario name, in order of first occurrence."""
        return _unique(overlay.segment for point in scenario.decision_points for overlay in point.overlays)

    def signals_read(self, source: Source[Scenario]) -> list[str]:
        """The signals read by a scenario's context, its pathways and the segments its overlays name."""
        return _unique(name for condition in self.conditions_read(source) for name in condition.signals)

    def purposes_of(self, source: Source[Scenario]) -> list[str]:
        """The purposes a scenario needs, derived from the signals it reads."""
        signals = self.registry.value.signals
        read = [name for name in self.signals_read(source) if name in signals]
        return _unique(
            purpose for name in read for purpose in (*signals[name].purposes, *self.inherited_purposes.get(name, ()))
        )

    def models_read(self, source: Source[Scenario]) -> list[BookModel]:
        """The models that set the signals a scenario reads."""
        signals = self.registry.value.signals
        named = {signals[name].model for name in self.signals_read(source) if name in signals}
        return [model for name, model in sorted(self.models.items()) if name in named]

    def is_declared(self, name: str) -> bool:
        """Whether a signal is declared, or built in, so that it can be read."""
        if name in BUILT_IN_SIGNALS:
            return self.knows_timezone or BUILT_IN_SIGNALS[name]["source"] != "clock"
        return name in self.registry.value.signals and name not in self.unsound_signals | self.refused_names

    def has_its_model(self, name: str) -> bool:
        """Whether the model that sets a signal is at hand and keeps every rule; true of signals that none sets."""
        signal = self.registry.value.signals.get(name)
        return signal is None or signal.model is None or signal.model in self.models

    def is_compiled(self, source: Source[Scenario]) -> bool:
        """Whether every condition of a scenario compiled."""
        return all(self.condition(where, *path) is not None for where, path in self._condition_paths(source))

    def conditions_read(self, source: Source[Scenario]) -> Iterator[Condition]:
        """The compiled conditions of a scenario: context, pathways, and the segments its overlays name."""
        for where, path in self._condition_paths(source):
            condition = self.condition(where, *path)
            if condition is not None:
                yield condition

    def _condition_paths(self, source: Source[Scenario]) -> Iterator[tuple[Source[Any], TreePath]]:
        yield source, ("context",)
        for number, pathway in enumerate(source.value.pathways):
            if pathway.when is not None:
                yield source, ("pathways", number, "when")
        for name in self.segments_named(source.value):
            yield self.registry, ("segments", name, "when")


def purposes_by_scenario(book: Book) -> dict[str, list[str]]:
    """What `check` prints: the purposes of each scenario that is designed so far that it reads signals."""
    designed = (source for source in book.scenarios if source.value.id and source.value.stage >= DESIGNED)
    return {source.value.id or "": book.purposes_of(source) for source in designed}


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
