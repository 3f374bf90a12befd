"""One model of a bundle as it is asked: within a budget, behind its breaker, counted. Never raises, never waits.

Runs are inline, in the caller's thread: one takes microseconds, and handing it to another thread would double that.
Nothing can end a run from outside, and nothing needs to: `policy` says why.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from edgewise.intent.breaker import Breaker
from edgewise.intent.declaration import Declaration
from edgewise.intent.errors import ModelError
from edgewise.intent.state import ModelState
from edgewise.intent.tally import SkipReason, Tally

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Model, Vals

RESERVE_MS: Final = 1.0
"""A run is begun only with so much of the budget left: a hundred times what it takes, so that few end too late."""
SLOW_MS: Final = 25.0
"""A run that keeps everybody waiting for so long counts as a failure, whatever it gave."""
SLOW_ROW_MS: Final = 2.0
"""So much longer for each row after the first: what a row may take when the model is probed."""

Clock = Callable[[], float]
Answer = Sequence[Sequence[float]] | SkipReason
"""The probabilities of each row, or why there are none of any."""


class Member:
    """A model, or why there is none; its breaker and its counts."""

    def __init__(self, declaration: Declaration, model: "Model | ModelError", clock: Clock, tally: Tally) -> None:
        self.declaration = declaration
        self.model = None if isinstance(model, ModelError) else model
        self.refusal = model if isinstance(model, ModelError) else None
        self.tally = tally
        self._breaker = Breaker(clock)
        self._clock = clock
        self._failure: ModelError | None = None

    @property
    def is_degraded(self) -> bool:
        """Whether the model was refused or rests."""
        return self.refusal is not None or self._breaker.state == "open"

    def run(self, ids: "Ids", vals: "Vals", budget_ms: float | None) -> Answer:
        """Give the probabilities of all rows in one run, or the reason, counted, why there are none in time."""
        answer = self._answer(ids, vals, budget_ms)
        if isinstance(answer, str):
            self.tally.skipped(len(ids), answer)
        return answer

    def state(self) -> ModelState:
        """Say how the model stands."""
        is_resting = self._breaker.state == "open"
        reason = self.refusal or (self._failure if is_resting else None)
        return ModelState(
            digest=self.declaration.digest,
            state="refused" if self.refusal else "resting" if is_resting else "ready",
            trained_at=self.model.trained_at if self.model else None,
            stage=reason.stage if reason else None,
            code=reason.code if reason else None,
            detail=str(reason) if reason else None,
        )

    def _answer(self, ids: "Ids", vals: "Vals", budget_ms: float | None) -> Answer:
        if self.model is None:
            return "absent"
        if budget_ms is not None and not budget_ms >= RESERVE_MS:
            return "budget"
        ticket = self._breaker.allows()
        return "resting" if ticket is None else self._ask(self.model, ids, vals, budget_ms, ticket)

    def _ask(self, model: "Model", ids: "Ids", vals: "Vals", budget_ms: float | None, ticket: int) -> Answer:
        found: Answer | None = None
        start = self._clock()
        try:
            found = (model.run(ids, vals),) if len(ids) == 1 else model.run_batch(ids, vals).tolist()
        except ModelError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001, whatever it was, the decision goes on without the model
            self._failure = ModelError("run", "runtime", type(error).__name__)
        spent_s = self._clock() - start
        self._note(len(ids), spent_s, ticket, has_failed=found is None)
        if found is None:
            return "failed"
        return "late" if budget_ms is not None and spent_s * 1000 > budget_ms else found

    def _note(self, rows: int, spent_s: float, ticket: int, *, has_failed: bool) -> None:
        is_slow = spent_s * 1000 > SLOW_MS + SLOW_ROW_MS * (rows - 1)
        if is_slow and not has_failed:
            self._failure = ModelError("run", "slow", f"a run of {rows} rows took {spent_s * 1000:.0f} ms")
        self.tally.ran(rows, spent_s, has_failed=has_failed or is_slow)
        if not has_failed and not is_slow:
            self._breaker.succeeded(ticket)
        elif self._breaker.failed(ticket):
            self.tally.opened()
