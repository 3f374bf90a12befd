"""A store's health: does it keep its word, is what it holds whole, what expires soon, what did nobody sign for."""

from datetime import UTC, datetime, timedelta
from typing import Final

from edgewise.store.desk import Desk
from edgewise.store.documents import current_generation
from edgewise.store.errors import StoreError
from edgewise.store.generation import Generation
from edgewise.store.metadata import is_development
from edgewise.store.names import fleet_in, generation_in
from edgewise.store.probing import Finding, probe
from edgewise.store.releases import fetch, releases
from edgewise.store.trust import View

TIMESTAMP_SOON: Final = timedelta(hours=12)
SOON: Final = timedelta(days=30)


def check_up(desk: Desk) -> list[Finding]:
    """Try and prove everything; what fails is told, and the rest is tried all the same."""
    found = [] if desk.objects.is_read_only else probe(desk.objects)
    try:
        view = desk.writer.read()
    except StoreError as error:
        return [*found, Finding("its metadata is proven", holds=False, detail=str(error))]
    found.append(Finding("its metadata is proven", holds=True, detail=f"timestamp {view.timestamp.version}"))
    found += _freshness(view)
    found += _documents(desk, view)
    found += [_release(desk, view, digest) for digest in releases(view)]
    found += [Finding("holds only what was signed", holds=False, detail=problem) for problem in view.problems]
    return found + _squatters(desk, view)


def _freshness(view: View) -> list[Finding]:
    now = datetime.now(UTC)
    parts = {"root": view.root, "targets": view.targets, "snapshot": view.snapshot, **view.roles}
    found = [
        Finding(
            f"`{role}` is fresh",
            part.expires > now + SOON / (10 if role == "snapshot" else 1),
            f"until {part.expires:%Y-%m-%d}",
        )
        for role, part in parts.items()
    ]
    soon = timedelta(0) if is_development(view.root) else TIMESTAMP_SOON
    stamp = view.timestamp.expires
    return [*found, Finding("`timestamp` is fresh", stamp > now + soon, f"until {stamp:%Y-%m-%d %H:%M} UTC")]


def _documents(desk: Desk, view: View) -> list[Finding]:
    try:
        now: Generation | None = current_generation(desk.objects, view)
    except StoreError as error:
        return [Finding("the present generation is whole", holds=False, detail=str(error))]
    return [Finding("the present generation is whole", holds=True, detail=f"generation {now.generation if now else 0}")]


def _release(desk: Desk, view: View, digest: str) -> Finding:
    try:
        release = fetch(desk.objects, view, digest)
    except StoreError as error:
        return Finding("a release is whole", holds=False, detail=str(error))
    return Finding("a release is whole", holds=True, detail=f"{digest}, {len(release.models)} models")


def _squatters(desk: Desk, view: View) -> list[Finding]:
    """Objects at numbers that are still to come: nobody signed for them, and publishing skips them."""
    found = []
    for prefix, number_in, role in (("rollout", generation_in, "rollout"), ("fleet", fleet_in, "fleet")):
        newest = max((number_in(name) for name in view.roles[role].targets), default=0)
        taken = [item.name for item in desk.objects.below(prefix) if number_in(item.name) > newest]
        found += [
            Finding("holds only what was signed", holds=False, detail=f"`{name}` is signed for by nobody")
            for name in taken
        ]
    return found
