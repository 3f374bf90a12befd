"""A checked book -> the bundle document. Owns what of a book is served, and in which form; decides nothing.

Only live scenarios go in: conditions as canonical text, lengths of time in milliseconds, fields in camelCase, and what
is absent left out.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from edgewise._core import parse_duration_ms
from edgewise.book.book import Book
from edgewise.book.registry import AnyAggregate, Decay, Dwell, Outcome, Registry, Signal
from edgewise.book.scenario import Cap, Delta, Experiment, Overlay, Pathway, PointDesign, Scenario
from edgewise.book.source import Source
from edgewise.book.words import POLICY
from edgewise.bundle import FORMAT, digest_of_value

Document = dict[str, Any]


def compile_document(book: Book, scenarios: Iterable[Source[Scenario]]) -> Document:
    """The bundle document of some scenarios of a book, without golden decisions."""
    registry = book.registry.value
    return {
        "format": FORMAT,
        "timezone": registry.timezone if book.knows_timezone else "UTC",
        "policy": {name: value for name, value in registry.policy.items() if POLICY + name not in book.refused_names},
        "signals": signals_document(book),
        "models": {name: model.document() for name, model in sorted(book.models.items())},
        "segments": _segments(book, registry.segments),
        "purposes": purposes_document(book),
        "state": _state(registry),
        "decisionPoints": {
            name: {"surface": point.surface, "fallback": point.fallback}
            for name, point in registry.decision_points.items()
        },
        "outcomes": {name: _outcome(book, name, outcome) for name, outcome in registry.outcomes.items()},
        "globalHoldout": _holdout(registry),
        "scenarios": [scenario_document(book, source) for source in scenarios],
        "golden": [],
    }


def signals_document(book: Book) -> Document:
    """The declarations of all sound signals."""
    wrong = book.unsound_signals | book.refused_names
    signals = book.registry.value.signals
    return {name: signal_document(signal) for name, signal in signals.items() if name not in wrong}


def purposes_document(book: Book) -> Document:
    """The purposes as nodes read them."""
    return {
        name: {"basis": purpose.basis, "gpcBlocks": purpose.gpc_blocks, "tcf": list(purpose.tcf)}
        for name, purpose in book.registry.value.purposes.items()
    }


def signal_document(signal: Signal) -> Document:
    """One signal's declaration as nodes read it."""
    is_bound = {name: isinstance(getattr(signal, name), int | float) for name in ("min", "max")}
    return _present(
        {
            "type": signal.type,
            "source": signal.source,
            "values": signal.values,
            "min": signal.min if is_bound["min"] else None,
            "max": signal.max if is_bound["max"] else None,
            "maxAgeMs": parse_duration_ms(signal.max_age) if signal.max_age is not None else None,
            "purposes": list(signal.purposes) or None,
            "label": signal.label,
            "aggregate": _aggregate(*signal.aggregates()[0]) if signal.aggregates() else None,
            "model": {"name": signal.model, "output": signal.output} if signal.model is not None else None,
        }
    )


def _aggregate(kind: str, aggregate: AnyAggregate) -> Document:
    return _present(
        {
            "kind": kind,
            "event": aggregate.event,
            "property": aggregate.property,
            "halfLifeMs": parse_duration_ms(aggregate.half_life) if isinstance(aggregate, Decay) else None,
            "size": getattr(aggregate, "size", None),
            "equals": getattr(aggregate, "equals", None),
            "capMs": parse_duration_ms(aggregate.cap) if isinstance(aggregate, Dwell) else None,
        }
    )


def scenario_document(book: Book, source: Source[Scenario]) -> Document:
    """One scenario with its digest, which also covers everything it reads."""
    scenario = source.value
    document = _present(
        {
            "id": scenario.id,
            "version": scenario.version,
            "priority": scenario.priority,
            "context": _text(book, source, "context"),
            "pathways": [_pathway(book, source, number, way) for number, way in enumerate(scenario.pathways)],
            "decisionPoints": [_point(point) for point in scenario.decision_points],
            "outcome": _outcome_use(scenario),
            "experiment": _experiment(scenario.experiment),
            "explanation": scenario.explanation,
        }
    )
    return {**document, "digest": digest_of_value({**document, **_read_by(book, source)})}


def _read_by(book: Book, source: Source[Scenario]) -> Document:
    """What a scenario rests on outside of its own file."""
    registry = book.registry.value
    constants = {name for condition in book.conditions_read(source) for name in condition.policies}
    models = book.models_read(source)
    read = {*book.signals_read(source), *chain.from_iterable(model.inputs() for model in models)}
    parts: Document = {
        "segments": _segments(book, book.segments_named(source.value)),
        "policy": {name: registry.policy[name] for name in sorted(constants)},
        "signals": {name: signal_document(registry.signals[name]) for name in read & registry.signals.keys()},
    }
    return {**parts, **_present({"models": {model.name: model.digest for model in models} or None})}


def _segments(book: Book, names: Iterable[str]) -> Document:
    texts = {name: _text(book, book.registry, "segments", name, "when") for name in names}
    return {name: text for name, text in texts.items() if text is not None}


def _pathway(book: Book, source: Source[Scenario], number: int, pathway: Pathway) -> Document:
    when = _text(book, source, "pathways", number, "when") if pathway.when is not None else None
    return _present({"id": pathway.id, "when": when})


def _point(point: PointDesign) -> Document:
    return {
        "id": point.id,
        "default": point.default,
        "byPathway": {name: _delta(delta) for name, delta in point.by_pathway.items()},
        "overlays": [_overlay(overlay) for overlay in point.overlays],
    }


def _delta(delta: Delta | Overlay) -> Document:
    return {"omit": True} if delta.omit else {"set": delta.set}


def _overlay(overlay: Overlay) -> Document:
    rest = {"pathways": overlay.pathways, "explain": overlay.explain, "cap": _cap(overlay.cap)}
    return {"segment": overlay.segment, **_delta(overlay), **_present(rest)}


def _cap(cap: Cap | None) -> Document | None:
    return {"max": cap.max, "per": cap.per} if cap is not None else None


def _experiment(experiment: Experiment | str | None) -> Document | None:
    if not isinstance(experiment, Experiment):
        return None
    arms = experiment.arms
    return _present(
        {
            "id": experiment.id,
            "arms": {"as_is": arms.as_is, "default": arms.default, "personalized": arms.personalized},
            "unit": experiment.unit,
            "salt": experiment.salt,
            "minDays": experiment.min_days,
        }
    )


def _outcome_use(scenario: Scenario) -> Document | None:
    use = scenario.outcome
    if use is None:
        return None
    baseline, target = use.baseline, use.target
    return _present(
        {
            "primary": use.primary,
            "supporting": list(use.supporting),
            "guardrails": list(use.guardrails),
            "baseline": {field: getattr(baseline, field) for field in baseline.__struct_fields__} if baseline else None,
            "target": {"value": target.value, "by": target.by} if target else None,
        }
    )


def _outcome(book: Book, name: str, outcome: Outcome) -> Document:
    return _present(
        {
            "event": outcome.event,
            "filter": _text(book, book.registry, "outcomes", name, "filter") if outcome.filter is not None else None,
            "measure": outcome.measure,
            "property": outcome.property,
            "windowMs": parse_duration_ms(outcome.window),
            "join": list(outcome.join),
            "direction": outcome.direction,
            "level": outcome.level,
        }
    )


def _state(registry: Registry) -> Document:
    scopes = {"session": registry.state.session, "journey": registry.state.journey}
    return {name: {"ttlMs": parse_duration_ms(scope.ttl)} for name, scope in scopes.items() if scope is not None}


def _holdout(registry: Registry) -> Document | None:
    holdout = registry.global_holdout
    return {"percent": holdout.percent, "unit": holdout.unit, "salt": holdout.salt} if holdout is not None else None


def _text(book: Book, source: Source[Any], *path: str | int) -> str | None:
    """The canonical text of a condition."""
    condition = book.condition(source, *path)
    return str(condition) if condition is not None else None


def _present(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
