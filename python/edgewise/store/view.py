"""What operators look at: the present generation with every node beside it, as one document for people and machines."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from edgewise.store.desk import Desk
from edgewise.store.documents import current_generation
from edgewise.store.errors import StoreError
from edgewise.store.fleet import Fleet, read_fleet
from edgewise.store.generation import Generation
from edgewise.store.metadata import is_development
from edgewise.store.pending import Proposal, proposals
from edgewise.store.releases import decide_alike, right_now
from edgewise.store.status import Account, Sequences, read_accounts
from edgewise.store.steps import FIRST
from edgewise.store.trust import View
from edgewise.store.verdict import Judgement, judge, state_of


@dataclass(frozen=True, slots=True)
class Picture:
    """Generation, nodes and verdict at one moment."""

    view: View
    generation: Generation
    fleet: Fleet
    accounts: list[Account]
    judgement: Judgement | None
    waiting: tuple[Proposal, ...] | None = None  # None: not looked at, or not to be read

    @property
    def is_expired(self) -> bool:
        """Whether nodes take nothing new, because nobody has signed lately that this is fresh."""
        return datetime.now(UTC) >= self.view.expires_at

    @property
    def nodes(self) -> dict[str, dict[str, str]]:
        """The nodes that are proven, with their labels."""
        return {
            account.node: account.status.labels for account in self.accounts if account.status and not account.problem
        }

    def document(self) -> dict[str, Any]:
        """The picture for machines."""
        now = self.generation
        progress = now.progress
        return {
            "generation": now.generation,
            "stable": now.stable,
            "candidate": now.candidate,
            "stage": progress.current.name if progress else None,
            "verdict": self.judgement.verdict if self.judgement else None,
            "reasons": list(self.judgement.reasons) if self.judgement else [],
            "disabled": msgspec.to_builtins(now.switched_off(right_now())),
            "nodes": [_node(now, account) for account in self.accounts],
            "rollout": _progress(now),
            "last": {"action": now.action, "by": now.by, "at": now.at, "why": now.why},
            "expiresAt": self.view.expires_at.isoformat(),
            "expired": self.is_expired,
            "problems": list(self.view.problems),
            "waiting": None if self.waiting is None else [each.document() for each in self.waiting],
        }


def look(desk: Desk, sequences: Sequences | None = None) -> Picture:
    """Read what says how the fleet is. Who keeps looking passes the same `sequences`, and sees replays."""
    view = desk.writer.read()
    now = current_generation(desk.objects, view) or FIRST
    fleet = read_fleet(desk.objects, view)
    accounts = read_accounts(desk.objects, fleet, development=is_development(view.root))
    if sequences is not None:
        accounts = [sequences.check(account) for account in accounts]
    judgement = judge(now, accounts, decides_alike=decide_alike(view, now.stable, now.candidate))
    return Picture(view, now, fleet, accounts, judgement)


def look_with_waiting(desk: Desk, sequences: Sequences | None = None) -> Picture:
    """The same for people, who want to see what waits for signatures as well. Nothing else depends on that."""
    picture = look(desk, sequences)
    try:
        return replace(picture, waiting=tuple(proposals(desk.objects, picture.view)))
    except StoreError:
        return picture


def _node(now: Generation, account: Account) -> dict[str, Any]:
    status = account.status
    return {
        "id": account.node,
        "generation": status.generation if status else None,
        "digest": status.digest if status else None,
        "candidate": status.candidate if status else None,
        "state": state_of(now, account),
        "ageSeconds": round(account.age_s, 1) if account.age_s is not None else None,
        "nack": msgspec.to_builtins(status.nack) if status and status.nack else None,
        "source": status.source if status else None,
        "degraded": list(status.degraded) if status else [],
        "problem": account.problem,
    }


def _progress(now: Generation) -> dict[str, Any] | None:
    if now.progress is None:
        return None
    progress = now.progress
    stage = progress.current
    return {
        "plan": progress.plan.name,
        "state": progress.state,
        "stageNumber": progress.stage + 1,
        "stages": [each.name for each in progress.plan.stages],
        "nodePercent": stage.node_percent,
        "subjectPercent": stage.subject_percent,
        "labels": stage.labels,
        "startedAt": progress.started_at,
        "stageAt": progress.stage_at,
        "bakeSeconds": stage.bake_seconds,
    }
