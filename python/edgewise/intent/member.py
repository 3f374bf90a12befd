"""One model of a bundle as it is asked: within a budget, behind its breaker, counted. Never raises, never waits.

Runs are inline, in the caller's thread: one takes microseconds, and handing it to another thread would double that.
Nothing can end a run from outside, and nothing needs to: `policy` says why.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from edgewise.intent.breaker import Breaker
from edgewise.intent.declaration import Declaration
from edgewise.intent.errors import ModelError
from edgewise.intent.tally import Counts, ModelStatus, SkipReason

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Model, Vals

RESERVE_MS: Final = 1.0
"""A run is begun only with so much of the budget left: a hundred times what it takes, so that few end too late."""
SLOW_MS: Final = 25.0
"""A run that keeps everybody waiting for so long counts as a failure, whatever it gave."""

Clock = Callable[[], float]


class Member:
    """A model, or why there is none; its breaker and its counts."""

    def __init__(self, declaration: Declaration, model: "Model | ModelError", clock: Clock, counts: Counts) -> None:
        self.declaration = declaration
        self.model = None if isinstance(model, ModelError) else model
        self.refusal = model if isinstance(model, ModelError) else None
        self.counts = counts
        self._breaker = Breaker(clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._failure: ModelError | None = None

    @property
    def is_degraded(self) -> bool:
        """Whether the model was refused or rests."""
        return self.refusal is not None or self._breaker.state == "open"

    def run(self, ids: "Ids", vals: "Vals", budget_ms: float | None) -> tuple[float, ...] | None:
        """Give the probabilities of one row; None, and counted, when there are none to be had in time."""
        found, obstacle = None, self._obstacle(budget_ms)
        if obstacle is None and self.model is not None:
            found, obstacle = self._ask(self.model, ids, vals, budget_ms)
        if obstacle is None:
            return found
        with self._lock:
            self.counts.skipped[obstacle] += 1
        return None

    def status(self, name: str, now: datetime) -> ModelStatus:
        """Describe the model for people and for whoever watches."""
        trained_at = self.model.trained_at if self.model else None
        is_resting = self._breaker.state == "open"
        reason = self.refusal or (self._failure if is_resting else None)
        return ModelStatus(
            name=name,
            digest=self.declaration.digest,
            state="refused" if self.refusal else "resting" if is_resting else "ready",
            trained_at=trained_at.isoformat() if trained_at else None,
            age_seconds=max(0.0, (now - trained_at).total_seconds()) if trained_at else None,
            stage=reason.stage if reason else None,
            code=reason.code if reason else None,
            detail=str(reason) if reason else None,
            openings=self._breaker.openings,
            counts=self._copy_of_counts(),
        )

    def _obstacle(self, budget_ms: float | None) -> SkipReason | None:
        if self.model is None:
            return "absent"
        if budget_ms is not None and not budget_ms >= RESERVE_MS:
            return "budget"
        return None if self._breaker.allows() else "resting"

    def _ask(
        self, model: "Model", ids: "Ids", vals: "Vals", budget_ms: float | None
    ) -> tuple[tuple[float, ...] | None, SkipReason | None]:
        found = None
        start = self._clock()
        try:
            found = model.run(ids, vals)
        except ModelError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001, whatever it was, the decision goes on without the model
            self._failure = ModelError("run", "runtime", type(error).__name__)
        spent_s = self._clock() - start
        self._note(spent_s, has_failed=found is None)
        if found is None:
            return None, "failed"
        return found, "late" if budget_ms is not None and spent_s * 1000 > budget_ms else None

    def _note(self, spent_s: float, *, has_failed: bool) -> None:
        is_slow = spent_s * 1000 > SLOW_MS
        if is_slow and not has_failed:
            self._failure = ModelError("run", "slow", f"a run took {spent_s * 1000:.0f} ms")
        if has_failed or is_slow:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        with self._lock:
            self.counts.runs += 1
            self.counts.seconds += spent_s
            self.counts.failures += has_failed or is_slow

    def _copy_of_counts(self) -> Counts:
        with self._lock:
            copy = Counts()
            copy.add(self.counts)
            return copy
