"""The steps of a rollout: one generation -> the next one. Pure: knows no store, no keys and no clock of its own."""

import secrets
from dataclasses import dataclass
from typing import Final

import msgspec

from edgewise._core import bucket
from edgewise.store.errors import RolloutError
from edgewise.store.generation import FULL, Action, Disabled, Generation, Plan, Progress
from edgewise.store.limits import DISABLED_MAX, RELEASES_KEPT

SALT_BYTES: Final = 8
SHARE_STEP: Final = 0.01  # percent: the finest that a bucket tells apart
FIRST: Final = Generation(generation=0, previous=0, stable=None, action="init", by="", at="")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who makes a step, when, why: what the history says of it."""

    by: str
    at: str
    why: str = ""


def start_everywhere(before: Generation, digest: str, sign: Signature) -> Generation:
    """Put a release on every node at once."""
    if before.stable == digest and before.candidate is None:
        raise RolloutError(f"`{digest}` is stable everywhere already")
    return _next(before, "start", sign, **_promoted(before, digest))


def start(before: Generation, digest: str, plan: Plan, sign: Signature) -> Generation:
    """Begin to roll out a release, by a plan."""
    if before.candidate is not None:
        raise RolloutError(
            f"`{before.candidate}` is being rolled out; let it finish, or end it with `edgewise rollout abort`"
        )
    if before.stable is None:
        raise RolloutError(
            "nothing is stable yet, so there is nothing to compare with; put the first release on with --all"
        )
    if before.stable == digest:
        raise RolloutError(f"`{digest}` is stable everywhere already")
    salt = secrets.token_hex(SALT_BYTES)
    progress = Progress(plan=plan, stage=0, state="running", salt=salt, started_at=sign.at, stage_at=sign.at)
    return _next(before, "start", sign, candidate=digest, progress=progress, min_generation=before.generation + 1)


def reaching(after: Generation, nodes: dict[str, dict[str, str]]) -> Generation:
    """The same generation, its stage widened to one node when it would take none of those known, by id and labels.

    One percent of three nodes is none; a stage without a node would prove nothing, and hold for ever.
    """
    progress = after.progress
    if progress is None or not nodes or any(after.takes_candidate(node, labels) for node, labels in nodes.items()):
        return after
    share = min(bucket(progress.salt, node) for node in nodes) * FULL + SHARE_STEP
    stages = tuple(
        stage
        if number < progress.stage
        else msgspec.structs.replace(stage, node_percent=max(stage.node_percent, share))
        for number, stage in enumerate(progress.plan.stages)
    )
    plan = msgspec.structs.replace(progress.plan, stages=stages)
    return msgspec.structs.replace(after, progress=msgspec.structs.replace(progress, plan=plan))


def advance(before: Generation, sign: Signature) -> Generation:
    """Go to the next stage; after the last one the candidate is stable."""
    progress = _progress(before)
    if progress.is_last:
        assert before.candidate is not None  # noqa: S101, goes with progress
        return _next(before, "promote", sign, **_promoted(before, before.candidate))
    moved = msgspec.structs.replace(progress, stage=progress.stage + 1, state="running", stage_at=sign.at)
    return _next(before, "advance", sign, progress=moved, min_generation=before.generation + 1)


def hold(before: Generation, sign: Signature) -> Generation:
    """Stay at this stage until somebody resumes, advances or aborts."""
    progress = _progress(before)
    if progress.state == "held":
        raise RolloutError("the rollout is held already")
    return _next(before, "hold", sign, progress=msgspec.structs.replace(progress, state="held"))


def resume(before: Generation, sign: Signature) -> Generation:
    """Let a held rollout go on; its stage bakes from now on."""
    progress = _progress(before)
    if progress.state != "held":
        raise RolloutError("the rollout is not held")
    moved = msgspec.structs.replace(progress, state="running", stage_at=sign.at)
    return _next(before, "resume", sign, progress=moved)


def abort(before: Generation, sign: Signature) -> Generation:
    """Take the candidate off every node."""
    _progress(before)
    return _next(before, "abort", sign, candidate=None, progress=None)


def rollback(before: Generation, to: str | None, sign: Signature) -> Generation:
    """Go back: to a named release, or to what was stable before; a candidate is taken off in any case."""
    if to is not None:
        if before.stable == to and before.candidate is None:
            raise RolloutError(f"`{to}` is stable everywhere already")
        earlier = before.earlier[before.earlier.index(to) + 1 :] if to in before.earlier else before.earlier
        return _next(before, "rollback", sign, stable=to, earlier=earlier, candidate=None, progress=None)
    if before.candidate is not None:
        return _next(before, "rollback", sign, candidate=None, progress=None)
    if not before.earlier:
        raise RolloutError("nothing else was stable before; name a release with --to")
    return _next(before, "rollback", sign, stable=before.earlier[0], earlier=before.earlier[1:])


def switch_off(before: Generation, entry: Disabled, sign: Signature) -> Generation:
    """Switch off a scenario, or a decision point of it, everywhere at once."""
    kept = tuple(other for other in before.disabled if not _is_same(other, entry.scenario, entry.point))
    if len(kept) >= DISABLED_MAX:
        raise RolloutError(f"{DISABLED_MAX} entries are switched off already; switch some on first")
    made = msgspec.structs.replace(entry, by=sign.by, at=sign.at)
    return _next(before, "off", sign, disabled=(*kept, made))


def switch_on(before: Generation, scenario: str, point: str | None, sign: Signature) -> Generation:
    """Switch a scenario on again: the named decision point of it, or all that was switched off."""
    kept = tuple(other for other in before.disabled if not _is_same(other, scenario, point, anywhere=point is None))
    if len(kept) == len(before.disabled):
        what = f"`{scenario}`" if point is None else f"`{point}` of `{scenario}`"
        raise RolloutError(f"{what} is not switched off")
    return _next(before, "on", sign, disabled=kept)


def retry(before: Generation, nodes: tuple[str, ...], sign: Signature) -> Generation:
    """Have nodes try again what they had put aside as unfit: those named, or all."""
    return _next(before, "retry", sign, retry=before.retry + 1, retry_nodes=nodes)


def _is_same(entry: Disabled, scenario: str, point: str | None, *, anywhere: bool = False) -> bool:
    return entry.scenario == scenario and (anywhere or entry.point == point)


def _progress(before: Generation) -> Progress:
    if before.progress is None:
        raise RolloutError("nothing is being rolled out")
    return before.progress


def _promoted(before: Generation, digest: str) -> dict[str, object]:
    earlier = [other for other in dict.fromkeys([before.stable, *before.earlier]) if other not in (None, digest)]
    return {"stable": digest, "candidate": None, "progress": None, "earlier": tuple(earlier[:RELEASES_KEPT])}


def _next(before: Generation, action: Action, sign: Signature, **changed: object) -> Generation:
    """The generation after; its own number is known when it is written."""
    changed = {"disabled": before.switched_off(sign.at), **changed}
    facts = {"action": action, "previous": before.generation, "by": sign.by, "at": sign.at, "why": sign.why}
    return msgspec.structs.replace(before, **facts, **changed)
