"""How models stand, as workers tell each other and whoever watches. Owns the words; knows no model."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from edgewise.intent.tally import Counts, counts_of

State = Literal["ready", "resting", "refused"]
_ORDER: Final[tuple[State, ...]] = ("ready", "resting", "refused")


class ModelState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a model stands; `trained_at` is what its file says.

    A `refused` model was not loaded (`stage`, `code`, `detail` say why), a `resting` one failed too often in a row.
    """

    digest: str
    state: State
    trained_at: datetime | None = None
    stage: str | None = None
    code: str | None = None
    detail: str | None = None


class ModelStatus(ModelState, frozen=True, kw_only=True, rename="camel"):
    """A model as `/v1/status` shows it: how it stands, how old it is, what was counted."""

    age_seconds: float | None = None
    counts: Counts = msgspec.field(default_factory=Counts)


def statuses(
    states: Mapping[str, ModelState], tallies: Mapping[str, Sequence[int]], now: datetime | None = None
) -> dict[str, ModelStatus]:
    """Say of each model how it stands and what was counted."""
    moment = now or datetime.now(UTC)
    return {name: _status(state, tallies.get(name), moment) for name, state in sorted(states.items())}


def _status(state: ModelState, tally: Sequence[int] | None, now: datetime) -> ModelStatus:
    age_s = None if state.trained_at is None else round(max(0.0, (now - state.trained_at).total_seconds()), 3)
    counts = Counts() if tally is None else counts_of(tally)
    return ModelStatus(**msgspec.structs.asdict(state), age_seconds=age_s, counts=counts)


def worst_states(workers: Iterable[Mapping[str, ModelState]]) -> dict[str, ModelState]:
    """Say how the models of a node stand: as they do in the worker where they stand worst."""
    worst: dict[str, ModelState] = {}
    for states in workers:
        for name, state in states.items():
            before = worst.setdefault(name, state)
            worst[name] = max(before, state, key=lambda one: _ORDER.index(one.state))
    return worst
