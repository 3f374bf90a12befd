"""The one way to decide: which compiled bundle and models answer now, how a decision gets to its bytes, and the swap.

It opens no files and reads no wall clock: bytes, models, sessions, counters and the time are handed in.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from edgewise._core import Counters, Engine, Node, Pending, Sessions
from edgewise.intent import ModelSet


class Allowance(Protocol):
    """What a request may still spend on optional work, and what it has spent."""

    models_s: float

    def left_ms(self) -> float | None:
        """Say how much time is left; None without a limit."""


class Unlimited:
    """An allowance without a limit."""

    def __init__(self) -> None:
        self.models_s = 0.0

    def left_ms(self) -> float | None:
        """Say that nobody set a limit."""
        return None


def compile_bundle(data: bytes) -> Engine:
    """Compile a bundle and replay its golden decisions; one that decides differently here is refused."""
    engine = Engine.from_bundle(data)
    engine.self_test()
    return engine


class Active(NamedTuple):
    """What answers now: a bundle's decision loop, its models and its defaults, swapped together."""

    node: Node
    models: ModelSet
    defaults: bytes

    def decide(
        self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False, allowance: Allowance | None = None
    ) -> bytes:
        """Answer `POST /v1/decide`. A request that no model can change is answered by the first call.

        Raises:
            RequestError: the request is refused; nothing was changed.
        """
        turn = self.node.begin(body, now_ns=now_ns, gpc=gpc, debug=debug)
        return turn if isinstance(turn, bytes) else self._finish(turn, allowance)

    def decide_batch(
        self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False, allowance: Allowance | None = None
    ) -> bytes:
        """Answer `POST /v1/decide/batch`, asking each model about all requests at once.

        Raises:
            RequestError: the body as a whole is refused; nothing was changed.
        """
        turn = self.node.begin_batch(body, now_ns=now_ns, gpc=gpc, debug=debug)
        return turn if isinstance(turn, bytes) else self._finish(turn, allowance)

    def _finish(self, pending: Pending, allowance: Allowance | None) -> bytes:
        """Run what is waited for until nothing is: a request waits for each model once at most."""
        allowance = allowance or Unlimited()
        turn: bytes | Pending = pending
        while not isinstance(turn, bytes):
            turn = self.node.resume(turn, self._run(turn, allowance))
        return turn

    def _run(self, pending: Pending, allowance: Allowance) -> dict[str, Sequence[Sequence[float] | str]]:
        start = time.perf_counter()
        answers: dict[str, Sequence[Sequence[float] | str]] = {}
        for name, ids, vals in pending.runs:
            answer = self.models.run(name, ids, vals, allowance.left_ms())
            answers[name] = [answer] * len(ids) if isinstance(answer, str) else answer
        allowance.models_s += time.perf_counter() - start
        return answers


class Decider:
    """Answers with the bundle that is active. A swap is one assignment: requests see the old one or the new one.

    Without sessions it decides as with a store that is down: state is missing, events are not accepted.
    """

    def __init__(self, node: str, counters: Counters, sessions: Sessions | None, *, allow_at: bool) -> None:
        self._node = node
        self._counters = counters
        self._allow_at = allow_at
        self._engine: Engine | None = None
        self._generation = 0
        self.sessions = sessions
        self.active: Active | None = None

    @property
    def models(self) -> ModelSet:
        """The models that are asked now."""
        return self.active.models if self.active else ModelSet()

    def activate(self, engine: Engine, generation: int, models: ModelSet) -> None:
        """Let this engine, with these models, answer from the next request on."""
        self._engine, self._generation = engine, generation
        self.active = Active(self._make_node(engine), models, engine.defaults())

    def equip(self, models: ModelSet) -> None:
        """Let the same bundle go on with other models."""
        if self.active is not None:
            self.active = self.active._replace(models=models)

    def rehearse(self, request: bytes) -> None:
        """Decide something with the bundle that is active, for the time it takes; nothing is kept or counted."""
        if self._engine is not None:
            self._engine.rehearse(request)

    def attach(self, sessions: Sessions) -> None:
        """Remember from the next request on."""
        self.sessions = sessions
        if self._engine is not None and self.active is not None:
            self.active = self.active._replace(node=self._make_node(self._engine))

    def _make_node(self, engine: Engine) -> Node:
        return Node(
            engine,
            node=self._node,
            generation=self._generation,
            sessions=self.sessions,
            state_down=self.sessions is None,
            counters=self._counters,
            allow_at=self._allow_at,
        )
