"""The rollout document: what should run where, and what is switched off. Owns its form and who belongs to a stage."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec

from edgewise._core import bucket
from edgewise.store.errors import RolloutError, TrustError
from edgewise.store.limits import DISABLED_MAX, LABELS_MAX, RELEASES_KEPT, RETRIED_MAX, STAGES_MAX, TEXT_MAX

FORMAT: Final = "edgewise/rollout/1"
FULL: Final = 100.0

State = Literal["running", "held"]
Action = Literal["init", "start", "advance", "promote", "hold", "resume", "abort", "rollback", "off", "on", "retry"]


class Stage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step of a plan: which nodes load the candidate, which visitors of those nodes get it, for how long."""

    name: str
    node_percent: float = 0.0
    subject_percent: float = FULL
    labels: dict[str, str] = {}
    bake_seconds: int = 0

    def selects(self, salt: str, node: str, labels: dict[str, str]) -> bool:
        """Whether a node belongs to this stage by itself."""
        if self.labels and all(labels.get(name) == value for name, value in self.labels.items()):
            return True
        return bucket(salt, node) * FULL < self.node_percent


class Guardrails(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node on the candidate may show before the verdict is failure."""

    nacks_max: int = 0
    error_ratio_max: float = 0.01
    p95_ratio_max: float = 1.5
    p95_slack_ms: float = 5.0
    fallback_rise_max: float = 0.05
    mix_shift_max: float = 0.1
    min_decisions: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a candidate becomes stable."""

    name: str
    stages: tuple[Stage, ...]
    quorum_percent: float = 80.0
    fresh_seconds: int = 120
    guardrails: Guardrails = Guardrails()


class Progress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a candidate has come."""

    plan: Plan
    stage: int
    state: State
    salt: str
    started_at: str
    stage_at: str

    @property
    def current(self) -> Stage:
        """The stage that holds now."""
        return self.plan.stages[self.stage]

    @property
    def is_last(self) -> bool:
        """Whether the next step is promotion."""
        return self.stage + 1 >= len(self.plan.stages)


class Disabled(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A scenario, or one decision point of it, that is switched off."""

    scenario: str
    point: str | None = None
    reason: str
    until: str | None = None
    by: str = ""
    at: str = ""

    def is_over(self, at: str) -> bool:
        """Whether it has ended by itself; a time that cannot be read ends nothing."""
        try:
            return self.until is not None and datetime.fromisoformat(self.until) <= datetime.fromisoformat(at)
        except (ValueError, TypeError):
            return False


class Generation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a store says should run, from one number on."""

    format: str = FORMAT
    generation: int
    previous: int
    stable: str | None
    candidate: str | None = None
    progress: Progress | None = None
    disabled: tuple[Disabled, ...] = ()
    min_generation: int = 0
    earlier: tuple[str, ...] = ()
    retry: int = 0
    retry_nodes: tuple[str, ...] = ()
    action: str
    by: str
    at: str
    why: str = ""

    def takes_candidate(self, node: str, labels: dict[str, str]) -> bool:
        """Whether a node loads the candidate. A stage never gives up a node that an earlier one took."""
        if self.candidate is None or self.progress is None:
            return False
        stages = self.progress.plan.stages[: self.progress.stage + 1]
        return any(stage.selects(self.progress.salt, node, labels) for stage in stages)

    @property
    def subject_percent(self) -> float:
        """How many visitors of a node with the candidate get it; none without one."""
        return self.progress.current.subject_percent if self.progress is not None else 0.0

    def asks_retry(self, node: str, seen: int) -> bool:
        """Whether a node that has seen retry number `seen` is to try again what it had put aside."""
        return self.retry > seen and (not self.retry_nodes or node in self.retry_nodes)

    def switched_off(self, at: str) -> tuple[Disabled, ...]:
        """What is off at a moment."""
        return tuple(entry for entry in self.disabled if not entry.is_over(at))

    def digests(self) -> list[str]:
        """The bundles that this generation needs."""
        return [digest for digest in (self.stable, self.candidate) if digest is not None]


def encode(document: Generation) -> bytes:
    """The bytes of a document."""
    return msgspec.json.encode(document, order="sorted")


def decode(data: bytes, generation: int) -> Generation:
    """The document of a generation, refused when it is another one's or breaks a bound."""
    try:
        document = msgspec.json.decode(data, type=Generation)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrustError("document", f"the document of generation {generation} is malformed: {error}") from error
    if document.format != FORMAT or document.generation != generation:
        raise TrustError("document", f"the document at generation {generation} is of another generation or format")
    try:
        check(document)
    except RolloutError as error:
        raise TrustError("document", f"generation {generation}: {error}") from error
    return document


def check(document: Generation) -> None:
    """Refuse a document that is larger than nodes accept, or whose stage is none of its plan's."""
    if len(document.disabled) > DISABLED_MAX:
        raise RolloutError(f"more than {DISABLED_MAX} entries are switched off")
    if max(len(document.why), len(document.by)) > TEXT_MAX:
        raise RolloutError(f"a reason may have at most {TEXT_MAX} characters")
    if len(document.earlier) > RELEASES_KEPT:
        raise RolloutError(f"at most {RELEASES_KEPT} earlier bundles are remembered")
    for entry in document.disabled:
        if max(len(text) for text in (entry.scenario, entry.point or "", entry.reason, entry.by)) > TEXT_MAX:
            raise RolloutError(f"what is switched off, and why, may have at most {TEXT_MAX} characters each")
    if len(document.retry_nodes) > RETRIED_MAX:
        raise RolloutError(f"name at most {RETRIED_MAX} nodes, or none for all")
    if (document.candidate is None) != (document.progress is None):
        raise RolloutError("a candidate and its plan go together")
    if document.progress is not None:
        check_plan(document.progress.plan)
        if not 0 <= document.progress.stage < len(document.progress.plan.stages):
            raise RolloutError("the plan has no such stage")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that makes no sense: no stage, dials out of range, stages that shrink."""
    for _, mistake in mistakes_of(plan):
        raise RolloutError(mistake)


def mistakes_of(plan: Plan) -> Iterator[tuple[int | None, str]]:
    """What makes no sense in a plan, each with the number of its stage from 0 on; None for the plan as a whole."""
    if not 1 <= len(plan.stages) <= STAGES_MAX:
        yield None, f"a plan has 1 to {STAGES_MAX} stages"
    nodes = subjects = 0.0
    for number, stage in enumerate(plan.stages):
        for mistake in _mistakes_of_stage(stage):
            yield number, mistake
        if stage.node_percent < nodes or stage.subject_percent < subjects:
            yield (
                number,
                f"stage `{stage.name}` takes fewer nodes or visitors than the one before; stages only grow",
            )
        nodes, subjects = stage.node_percent, stage.subject_percent
    if not 0 < plan.quorum_percent <= FULL or plan.fresh_seconds <= 0:
        yield None, "`quorumPercent` is above 0 and at most 100, `freshSeconds` above 0"
    rails = plan.guardrails
    for name, encoded in zip(rails.__struct_fields__, rails.__struct_encode_fields__, strict=True):
        if not getattr(rails, name) >= 0:  # nor what is no number
            yield None, f"`guardrails`: `{encoded}` is at least 0"


def _mistakes_of_stage(stage: Stage) -> Iterator[str]:
    if not (0 <= stage.node_percent <= FULL and 0 < stage.subject_percent <= FULL):
        yield f"stage `{stage.name}`: `nodePercent` is 0 to 100, `subjectPercent` above 0 to 100"
    if len(stage.labels) > LABELS_MAX or stage.bake_seconds < 0:
        yield f"stage `{stage.name}`: at most {LABELS_MAX} labels, `bakeSeconds` at least 0"
    if not stage.labels and stage.node_percent == 0:
        yield f"stage `{stage.name}` takes no node; give it `nodePercent` or `labels`"
