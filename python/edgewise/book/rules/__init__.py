"""The rules of the checker: one function per rule, grouped by file. Owns their order; each rule stands alone.

A rule over the registry or the whole book takes the book; a rule over one scenario takes the book and that scenario's
source. Rules before `compile_all` prepare the names that conditions are compiled against. Proofs about what
conditions can reach are rules too: a file of their own, and a place in these tuples.
"""

from collections.abc import Callable

from edgewise.book.book import Book
from edgewise.book.rules import (
    expectations,
    header,
    limits,
    models,
    outcomes,
    pathways,
    points,
    registry,
    signals,
    stages,
)
from edgewise.book.scenario import Scenario
from edgewise.book.source import Source

BookRule = Callable[[Book], None]
ScenarioRule = Callable[[Book, Source[Scenario]], None]

REGISTRY_RULES: tuple[BookRule, ...] = (*header.REGISTRY_RULES, *signals.RULES, *models.RULES, *registry.RULES)
SCENARIO_RULES: tuple[ScenarioRule, ...] = (
    *header.SCENARIO_RULES,
    *stages.RULES,
    *pathways.RULES,
    *points.RULES,
    *outcomes.SCENARIO_RULES,
    *expectations.RULES,
    *limits.SCENARIO_RULES,
)
BOOK_RULES: tuple[BookRule, ...] = (*header.BOOK_RULES, *outcomes.BOOK_RULES, *limits.BOOK_RULES)
