"""What each pathway x segment would get at each decision point of a scenario. Owns the merge of values.

A cell takes its segment as found and no other; whether a visitor can be in it is not asked.
"""

import msgspec

from edgewise.book.scenario import Delta, Overlay, PointDesign, Scenario


class Cell(msgspec.Struct, frozen=True, rename="camel"):
    """What one pathway and segment get at one decision point; `segment` None is everybody else."""

    decision_point: str
    pathway: str
    segment: str | None
    action: str
    value: object


def grid(scenario: Scenario) -> list[Cell]:
    """All cells, by decision point, pathway and segment, in the order of the file."""
    segments = list(dict.fromkeys(overlay.segment for point in scenario.decision_points for overlay in point.overlays))
    return [
        _cell(point, pathway.id, segment)
        for point in scenario.decision_points
        for pathway in scenario.pathways
        for segment in (None, *segments)
    ]


def merge_patch(target: object, patch: object) -> object:
    """RFC 7396: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged: dict[str, object] = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _cell(point: PointDesign, pathway: str, segment: str | None) -> Cell:
    value, omitted = point.default, False
    for delta in (point.by_pathway.get(pathway), _overlay(point, pathway, segment)):
        if delta is None:
            continue
        omitted = bool(delta.omit)
        value = value if omitted else merge_patch(value, delta.set)
    action = "omit" if omitted else "render"
    return Cell(point.id, pathway, segment, action, None if omitted else value)


def _overlay(point: PointDesign, pathway: str, segment: str | None) -> Delta | Overlay | None:
    fitting = (overlay for overlay in point.overlays if overlay.pathways is None or pathway in overlay.pathways)
    return next((overlay for overlay in fitting if overlay.segment == segment), None)
