"""Watching a rollout: verdict -> step, once per generation however many watch. Keeps nothing between two looks."""

from dataclasses import dataclass
from typing import Literal

from edgewise.store import steps
from edgewise.store.desk import Desk
from edgewise.store.errors import RolloutError
from edgewise.store.generation import Generation
from edgewise.store.releases import right_now, whoever
from edgewise.store.rollout import take_step
from edgewise.store.status import Sequences
from edgewise.store.steps import Signature
from edgewise.store.view import Picture, look

Deed = Literal["advance", "promote", "abort", "wait", "idle"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look saw and did, or would do."""

    deed: Deed
    generation: int | None
    reasons: tuple[str, ...]
    made: Generation | None = None


def decide(picture: Picture) -> tuple[Deed, tuple[str, ...]]:
    """What a picture calls for. Only success goes on, only failure goes back; all else waits."""
    progress = picture.generation.progress
    if progress is None or picture.judgement is None:
        return "idle", ("nothing is being rolled out",)
    verdict, reasons = picture.judgement.verdict, picture.judgement.reasons
    if verdict == "failure":
        return "abort", reasons
    if progress.state == "held":
        return "wait", ("held", *reasons)
    if verdict == "success":
        return "promote" if progress.is_last else "advance", reasons
    return "wait", reasons


def take_turn(desk: Desk, sequences: Sequences | None = None, *, dry_run: bool = False) -> Turn:
    """Look once and do what is called for. Another watcher that was faster leaves nothing to do."""
    picture = look(desk, sequences)
    deed, reasons = decide(picture)
    seen = picture.generation.generation
    if dry_run or deed in ("wait", "idle"):
        return Turn(deed, seen, reasons)
    sign = Signature(by=f"watch, {whoever()}", at=right_now(), why="; ".join(reasons))

    def step(before: Generation) -> Generation:
        return (
            steps.abort(before, sign) if deed == "abort" else steps.reaching(steps.advance(before, sign), picture.nodes)
        )

    try:
        return Turn(deed, seen, reasons, take_step(desk.writer, step, on=seen))
    except RolloutError as error:
        return Turn("wait", seen, (str(error),))
