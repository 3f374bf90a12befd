"""Whether a bundle on trial does worse here than the plan allows: judged by this node alone. Pure."""

from typing import Final

from edgewise.store import Measures
from edgewise.store.generation import Guardrails
from edgewise.store.verdict import shifted

ERRORS_MIN: Final = 3  # one failed decision of few is no ratio
DECISIONS_MIN: Final = 30
TIMED_MIN: Final = 200  # a 95th percentile of fewer is chance


def breach(
    trial: Measures, stable: Measures, rails: Guardrails, *, alike_percent: float | None = None
) -> tuple[str, str] | None:
    """Give the code and the words of the guardrail that is broken; None while there is none, or too little to tell.

    With `alike_percent` both have the same rules, so that their decisions must mix alike, and the trial has so many
    of the visitors.
    """
    if trial.decisions < max(DECISIONS_MIN, rails.min_decisions):
        return None
    errors = trial.errors / trial.decisions
    if trial.errors >= ERRORS_MIN and errors > rails.error_ratio_max:
        return "errors", f"{errors:.2%} of its decisions fail; {rails.error_ratio_max:.2%} may"
    if stable.decisions < DECISIONS_MIN:
        return None
    rise = trial.fallbacks / trial.decisions - stable.fallbacks / stable.decisions
    if rise > rails.fallback_rise_max:
        return "fallbacks", f"{rise:.1%} more of its decisions fall back; {rails.fallback_rise_max:.1%} may"
    if alike_percent is not None:
        mixed = shifted(trial.reasons, stable.reasons, alike_percent, rails.mix_shift_max)
        if mixed is not None:
            return "mix", mixed
    return _slower(trial, stable, rails)


def _slower(trial: Measures, stable: Measures, rails: Guardrails) -> tuple[str, str] | None:
    allowed_ms = max(stable.p95_ms * rails.p95_ratio_max, stable.p95_ms + rails.p95_slack_ms)
    if min(trial.decisions, stable.decisions) < TIMED_MIN or trial.p95_ms <= allowed_ms:
        return None
    return "p95", f"its p95 is {trial.p95_ms:.1f} ms, {stable.p95_ms:.1f} ms with stable"
