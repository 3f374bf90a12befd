"""What changes between two bundles, in the words of those who wrote the books: by scenario, pathway and segment.

Compares documents as they are; decides nothing and compiles nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

Document = Mapping[str, Any]
Kind = Literal["added", "removed", "changed"]

# What belongs to no scenario alone. Golden decisions follow from the rest.
_SHARED: Final = {
    "decisionPoints": "decision point",
    "signals": "signal",
    "segments": "segment",
    "policy": "policy",
    "purposes": "purpose",
    "outcomes": "outcome",
    "state": "state",
    "models": "model",
}
_SINGLE: Final = ("timezone", "globalHoldout")
_PLAIN: Final = ("context", "priority", "experiment", "outcome", "explanation", "version")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: where it is, what it is, before and after."""

    scenario: str | None = None
    point: str | None = None
    pathway: str | None = None
    segment: str | None = None
    what: str
    kind: Kind
    before: Any = None
    after: Any = None


def diff(old: Document, new: Document) -> list[Change]:
    """Every difference that can matter to a decision or to a report: scenarios first, then what they share."""
    return [*_scenarios(old, new), *_shared(old, new)]


def _scenarios(old: Document, new: Document) -> Iterator[Change]:
    before, after = (_by_id(document.get("scenarios", ())) for document in (old, new))
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Change(scenario=name, what="scenario", kind="added", after=_summary(after[name]))
        elif name not in after:
            yield Change(scenario=name, what="scenario", kind="removed", before=_summary(before[name]))
        elif before[name] != after[name]:
            yield from _inside(name, before[name], after[name])


def _inside(name: str, before: Document, after: Document) -> Iterator[Change]:
    found = [
        *(change for what in _PLAIN for change in _one(before.get(what), after.get(what), scenario=name, what=what)),
        *_pathways(name, before, after),
        *_cells(name, before, after),
        *_overlays(name, before, after),
    ]
    if not found:
        # Its digest covers what it reads: signals, segments, policy. Those are listed by themselves.
        found = [Change(scenario=name, what="what it reads", kind="changed")]
    yield from found


def _pathways(name: str, before: Document, after: Document) -> Iterator[Change]:
    old, new = (_by_id(scenario.get("pathways", ())) for scenario in (before, after))
    for pathway in {**new, **old}:
        place = {"scenario": name, "pathway": pathway}
        conditions = [side.get(pathway) and side[pathway].get("when", "otherwise") for side in (old, new)]
        yield from _one(*conditions, **place, what="pathway")
    kept = [pathway for pathway in old if pathway in new]
    if kept != [pathway for pathway in new if pathway in old]:
        yield Change(scenario=name, what="order of pathways", kind="changed", before=list(old), after=list(new))


def _cells(name: str, before: Document, after: Document) -> Iterator[Change]:
    """What each pathway and segment would get, where that is another than before."""
    old, new = _grid(before), _grid(after)
    for cell in {**new, **old}:
        point, pathway, segment = cell
        place = {"scenario": name, "point": point, "pathway": pathway, "segment": segment}
        yield from _one(old.get(cell), new.get(cell), **place, what="value")


def _overlays(name: str, before: Document, after: Document) -> Iterator[Change]:
    """Caps and explanations of overlays: what is said, and how often, rather than what is served."""
    old, new = _told(before), _told(after)
    for key in old:
        point, segment, _, what = key
        if key in new:  # an overlay that comes or goes shows in the values
            yield from _one(old[key], new[key], scenario=name, point=point, segment=segment, what=what)


def _shared(old: Document, new: Document) -> Iterator[Change]:
    for section, what in _SHARED.items():
        before, after = (document.get(section) or {} for document in (old, new))
        for name in {**after, **before}:
            yield from _one(before.get(name), after.get(name), what=f"{what} {name}")
    for what in _SINGLE:
        yield from _one(old.get(what), new.get(what), what=what)


def _one(before: Any, after: Any, *, what: str, **place: str | None) -> Iterator[Change]:  # noqa: ANN401, plain values
    """The difference of two values at a place, if there is one; None is absence."""
    if before == after:
        return
    kind: Kind = "added" if before is None else "removed" if after is None else "changed"
    yield Change(what=what, kind=kind, before=before, after=after, **place)


def _summary(scenario: Document) -> dict[str, Any]:
    return {
        "context": scenario.get("context"),
        "pathways": [pathway["id"] for pathway in scenario.get("pathways", ())],
        "decisionPoints": [point["id"] for point in scenario.get("decisionPoints", ())],
    }


def _by_id(items: Any) -> dict[str, Any]:  # noqa: ANN401, plain values
    return {item["id"]: item for item in items}


def _grid(scenario: Document) -> dict[tuple[str, str, str | None], Any]:
    points = scenario.get("decisionPoints", ())
    segments = {overlay["segment"] for point in points for overlay in point.get("overlays") or ()}
    return {
        (point["id"], pathway["id"], segment): _cell(point, pathway["id"], segment)
        for point in points
        for pathway in scenario.get("pathways", ())
        for segment in (None, *sorted(segments))
    }


def _cell(point: Document, pathway: str, segment: str | None) -> Any:  # noqa: ANN401, a served value
    value, omitted = point.get("default"), False
    fitting = (
        overlay
        for overlay in point.get("overlays") or ()
        if overlay["segment"] == segment and pathway in (overlay.get("pathways") or [pathway])
    )
    for delta in ((point.get("byPathway") or {}).get(pathway), next(fitting, None)):
        if delta is not None:
            omitted = bool(delta.get("omit"))
            value = value if omitted else _merge(value, delta.get("set", {}))
    return "(omit)" if omitted else value


def _merge(target: Any, patch: Any) -> Any:  # noqa: ANN401, RFC 7396 is about any JSON
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _told(scenario: Document) -> dict[tuple[str, str, int, str], Any]:
    """Caps and explanations by point, segment and the overlay's number among those of its segment."""
    found: dict[tuple[str, str, int, str], Any] = {}
    for point in scenario.get("decisionPoints", ()):
        seen: dict[str, int] = {}
        for overlay in point.get("overlays") or ():
            segment = overlay["segment"]
            seen[segment] = seen.get(segment, 0) + 1
            for what in ("explain", "cap"):
                found[point["id"], segment, seen[segment], what] = overlay.get(what)
    return found
