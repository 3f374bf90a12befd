"""Is the candidate fit for the next stage? Judges proven statuses alone: what cannot be proven can only hold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from edgewise.store.generation import FULL, Generation, Guardrails, Progress
from edgewise.store.status import Account, Measures, NodeStatus

Verdict = Literal["success", "failure", "inconclusive", "error"]
State = Literal["serving", "behind", "nacked", "stale", "unverified", "missing"]
FRESH_S = 120
REASONS_SHOWN = 10
MIXED_MIN = 500  # decisions of each bundle: of fewer, a mix may shift by a tenth by chance


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on, in words."""

    verdict: Verdict
    reasons: tuple[str, ...]


def state_of(now: Generation, account: Account) -> State:
    """How a node stands to the present generation, in one word."""
    fresh_s = now.progress.plan.fresh_seconds if now.progress else FRESH_S
    if account.status is None:
        return "missing" if account.age_s is None else "unverified"
    if account.problem is not None:
        return "unverified"
    if account.age_s is None or account.age_s > fresh_s:
        return "stale"
    if account.status.nack is not None and account.status.nack.digest in now.digests():
        return "nacked"
    return "serving" if account.status.generation == now.generation else "behind"


def judge(
    now: Generation, accounts: list[Account], at: datetime | None = None, *, decides_alike: bool = False
) -> Judgement | None:
    """The verdict on the present stage; None when nothing is being rolled out.

    Args:
        now: The present generation.
        accounts: What is known of every node.
        at: The present time.
        decides_alike: Whether stable and candidate have the same rules, so that their decisions must mix alike.
    """
    progress = now.progress
    if progress is None or now.candidate is None:
        return None
    proven = {account.node: account.status for account in accounts if _counts(now, account) and account.status}
    expected = {node: status for node, status in proven.items() if now.takes_candidate(node, status.labels)}
    broken = _breaches(now, progress.plan.guardrails, list(proven.values()), list(expected.values()))
    if decides_alike:
        broken += _shifted(progress.plan.guardrails, now.subject_percent, list(expected.values()))
    if broken:
        return Judgement("failure", tuple(broken[:REASONS_SHOWN]))
    waiting = _waiting(now, progress, accounts, proven, expected)
    if not waiting:
        waiting = _baking(progress, at or datetime.now(UTC))
    if waiting:
        return Judgement("inconclusive", tuple(waiting[:REASONS_SHOWN]))
    return Judgement("success", (f"{len(expected)} of {len(accounts)} nodes hold the candidate, none complains",))


def _counts(now: Generation, account: Account) -> bool:
    return state_of(now, account) in ("serving", "behind", "nacked")


def _waiting(
    now: Generation,
    progress: Progress,
    accounts: list[Account],
    proven: dict[str, NodeStatus],
    expected: dict[str, NodeStatus],
) -> list[str]:
    """What is missing before anything good can be said."""
    quorum = progress.plan.quorum_percent
    current = sum(status.generation >= now.min_generation for status in proven.values())
    holding = sum(status.candidate == now.candidate for status in expected.values())
    found = []
    if not accounts:
        found.append("no node is enrolled or has written a status")
    elif current * FULL < quorum * len(accounts):
        found.append(
            f"{current} of {len(accounts)} nodes are proven, fresh and at generation {now.min_generation}; "
            f"{quorum:g} % are needed"
        )
    if accounts and not expected:
        found.append(f"no node belongs to stage `{progress.current.name}`")
    elif holding * FULL < quorum * len(expected):
        found.append(f"{holding} of {len(expected)} nodes of the stage hold the candidate; {quorum:g} % are needed")
    rails = progress.plan.guardrails
    decided = sum(status.candidate_measures.decisions for status in expected.values() if status.candidate_measures)
    if decided < rails.min_decisions:
        found.append(f"{decided} decisions were made with the candidate; {rails.min_decisions} are needed")
    return found


def _baking(progress: Progress, at: datetime) -> list[str]:
    try:
        since = (at - datetime.fromisoformat(progress.stage_at)).total_seconds()
    except (ValueError, TypeError):
        return ["the stage does not say when it began"]
    left = progress.current.bake_seconds - since
    return [f"stage `{progress.current.name}` bakes for {left:.0f} s more"] if left > 0 else []


def _breaches(now: Generation, rails: Guardrails, proven: list[NodeStatus], expected: list[NodeStatus]) -> list[str]:
    nacks = [
        (status.node, status.nack)
        for status in proven
        if status.nack and status.nack.digest == now.candidate and status.nack.generation >= now.min_generation
    ]
    found = []
    if len(nacks) > rails.nacks_max:
        found += [
            f"`{node}` refused the candidate: {nack.stage}/{nack.code} {nack.detail}".rstrip() for node, nack in nacks
        ]
    candidate = _sum([status.candidate_measures for status in expected])
    stable = _sum([status.stable_measures for status in proven])
    if candidate.decisions > 0:
        found += _measured(rails, candidate, stable)
    return found


def _shifted(rails: Guardrails, percent: float, expected: list[NodeStatus]) -> list[str]:
    candidate = _reasons([status.candidate_measures for status in expected])
    stable = _reasons([status.stable_measures for status in expected])  # other nodes count other hours and visitors
    told = shifted(candidate, stable, percent, rails.mix_shift_max)
    return [told] if told is not None else []


def shifted(candidate: Mapping[str, int], stable: Mapping[str, int], percent: float, most: float) -> str | None:
    """Say how many decisions of two bundles with the same rules have other reasons, when that is more than may be.

    Both ran side by side, the candidate for `percent` of the visitors with an id. Requests without one are stable's and
    counted with the others: so of stable's decisions only as many are compared as such visitors make, those that are
    most like the candidate's. Said is what no choice of them explains. Of few decisions any mix is chance.
    """
    ours = sum(candidate.values())
    theirs = min(sum(stable.values()), ours * (FULL / percent - 1)) if percent > 0 else 0
    if min(ours, theirs) < MIXED_MIN:
        return None
    shift = sum(max(0.0, count / ours - stable.get(name, 0) / theirs) for name, count in candidate.items())
    if shift <= most:
        return None
    return f"{shift:.1%} of decisions go another way, though no rule has changed; {most:.1%} may"


def _reasons(parts: list[Measures | None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts:
        for reason, count in (part.reasons if part else {}).items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


def _measured(rails: Guardrails, candidate: Measures, stable: Measures) -> list[str]:
    found = []
    errors = candidate.errors / candidate.decisions
    if errors > rails.error_ratio_max:
        found.append(f"{errors:.2%} of the candidate's decisions fail; {rails.error_ratio_max:.2%} may")
    if stable.decisions == 0:
        return found
    allowed_ms = max(stable.p95_ms * rails.p95_ratio_max, stable.p95_ms + rails.p95_slack_ms)
    if candidate.p95_ms > allowed_ms:
        found.append(f"p95 is {candidate.p95_ms:.1f} ms with the candidate, {stable.p95_ms:.1f} ms with stable")
    rise = candidate.fallbacks / candidate.decisions - stable.fallbacks / stable.decisions
    if rise > rails.fallback_rise_max:
        found.append(f"{rise:.1%} more decisions fall back than with stable; {rails.fallback_rise_max:.1%} may")
    return found


def _sum(parts: list[Measures | None]) -> Measures:
    """Many nodes as one: counts add up; of percentiles the worst that a node with decisions has."""
    known = [part for part in parts if part is not None and part.decisions > 0]
    return Measures(
        decisions=sum(part.decisions for part in known),
        errors=sum(part.errors for part in known),
        fallbacks=sum(part.fallbacks for part in known),
        p95_ms=max((part.p95_ms for part in known), default=0.0),
    )
