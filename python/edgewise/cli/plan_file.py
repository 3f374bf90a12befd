"""Plan files: how a candidate becomes stable, as people write it. Reads YAML or JSON; the words are the document's."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from edgewise.store.errors import RolloutError
from edgewise.store.generation import Plan, check_plan

PLAN_BYTES_MAX: Final = 64 * 1024

# The plan that ships. A stage's name is the share of all visits that get the candidate.
DEFAULT: Final = """\
name: default
quorumPercent: 80        # of all nodes must be proven, fresh and up to date before a stage is passed
freshSeconds: 120        # a status older than this says nothing
guardrails:
  nacksMax: 0            # nodes that may refuse the candidate
  errorRatioMax: 0.01
  p95RatioMax: 1.5       # against stable, beyond p95SlackMs
  p95SlackMs: 5
  fallbackRiseMax: 0.05
  mixShiftMax: 0.1       # only where no rule has changed
  minDecisions: 0
stages:
  - {name: canary, labels: {ring: canary}, subjectPercent: 10, bakeSeconds: 600}
  - {name: "1 %", nodePercent: 10, subjectPercent: 10, bakeSeconds: 900}
  - {name: "10 %", nodePercent: 50, subjectPercent: 20, bakeSeconds: 1800}
  - {name: "50 %", nodePercent: 100, subjectPercent: 50, bakeSeconds: 3600}
  - {name: "100 %", nodePercent: 100, subjectPercent: 100, bakeSeconds: 3600}
"""


def read_plan(path: Path | None) -> Plan:
    """The plan in a file, or the one that ships."""
    text = DEFAULT if path is None else _text_of(path)
    name = "the default plan" if path is None else f"`{path}`"
    try:
        written = yaml.safe_load(text)
        plan = msgspec.convert(written, Plan)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RolloutError(f"{name} is no plan: {error}") from error
    unknown = _unknown(written, msgspec.to_builtins(plan))
    if unknown:
        raise RolloutError(f"{name} says `{unknown}`, which no plan knows")
    check_plan(plan)
    return plan


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(PLAN_BYTES_MAX + 1)
    if len(data) > PLAN_BYTES_MAX:
        raise RolloutError(f"`{path}` is larger than {PLAN_BYTES_MAX} bytes")
    return data.decode(errors="replace")


def _unknown(written: Any, known: Any) -> str | None:  # noqa: ANN401, plain values
    """The first name that was written and is not known; labels are free."""
    if isinstance(written, dict) and isinstance(known, dict):
        for name, value in written.items():
            if name not in known:
                return str(name)
            found = None if name == "labels" else _unknown(value, known[name])
            if found:
                return found
    if isinstance(written, list) and isinstance(known, list | tuple):
        return next((found for pair in zip(written, known, strict=False) if (found := _unknown(*pair))), None)
    return None
