"""The one way to decide: which compiled bundle and models answer now, how a decision gets to its bytes, and the swap.

It opens no files and reads no wall clock: bytes, models, sessions, counters and the time are handed in.
"""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypedDict

import orjson

from edgewise._core import Counters, Engine, Node, Pending, Sessions, Share
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


def compile_bundle(data: bytes, *, in_background: bool = False) -> Engine:
    """Compile a bundle and replay its golden decisions; one that decides differently here is refused.

    In the background it keeps to the processor time that nobody else wants: for who decides meanwhile.
    """
    engine = Engine.from_bundle(data, in_background=in_background)
    engine.self_test(in_background=in_background)
    return engine


def points_of(engine: Engine) -> frozenset[str]:
    """Name the decision points of a bundle."""
    return frozenset(orjson.loads(engine.defaults())["decisionPoints"])


class Off(NamedTuple):
    """What is off, whatever the bundle says: scenarios are passed over, decision points serve their fallback."""

    scenarios: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset()


class Loaded(NamedTuple):
    """A bundle that can answer: compiled, with its models."""

    engine: Engine
    models: ModelSet


class OnTrial(NamedTuple):
    """A bundle that answers some visitors instead of the other."""

    share: Share
    loaded: Loaded


class Serving(NamedTuple):
    """All that answers from one moment on, under one generation."""

    generation: int
    loaded: Loaded
    off: Off = Off()
    trial: OnTrial | None = None


class Active(NamedTuple):
    """What answers now: a bundle's decision loop, its models and its defaults, swapped together.

    With a fork, some visitors are for the other one: ask `lane` for a single request; batches are taken apart here.
    """

    node: Node
    models: ModelSet
    defaults: bytes
    counters: Counters | None = None
    fork: "Fork | None" = None

    def lane(self, request: bytes) -> "Active":
        """Give the one of both that answers a request of `POST /v1/decide`."""
        return self if self.fork is None or not self.fork.share.takes(request) else self.fork.active

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
        divided = None if self.fork is None else self.fork.share.divide(body)
        if divided is not None and self.fork is not None:
            is_taken, others, taken = divided
            how: _How = {"now_ns": now_ns, "gpc": gpc, "debug": debug, "allowance": allowance}
            answers = self._replace(fork=None).decide_batch(others, **how), self.fork.active.decide_batch(taken, **how)
            return Share.join(is_taken, *answers)
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


class Fork(NamedTuple):
    """The other bundle, and who it is for."""

    share: Share
    active: Active


class _How(TypedDict):
    now_ns: int
    gpc: bool
    debug: bool
    allowance: Allowance | None


class Decider:
    """Answers with the bundle that is active. A swap is one assignment: requests see the old one or the new one.

    Without sessions it decides as with a store that is down: state is missing, events are not accepted.
    """

    def __init__(
        self,
        node: str,
        counters: Counters,
        sessions: Sessions | None,
        *,
        allow_at: bool,
        trial_counters: Counters | None = None,
    ) -> None:
        self._node = node
        self._counters = counters
        self._trial_counters = trial_counters or counters
        self._allow_at = allow_at
        self._serving: Serving | None = None
        self._changing = threading.RLock()  # bundles come from another thread than all else
        self.sessions = sessions
        self.active: Active | None = None

    @property
    def models(self) -> ModelSet:
        """The models that are asked now."""
        return self.active.models if self.active else ModelSet()

    def activate(self, serving: Serving) -> None:
        """Let this answer from the next request on."""
        with self._changing:
            self._serving = serving
            self.active = self._make(serving)

    def withdraw(self) -> None:
        """Let nothing answer from the next request on."""
        with self._changing:
            self._serving = self.active = None

    def equip(self, models: ModelSet) -> None:
        """Let the same bundle go on with other models."""
        with self._changing:
            if self._serving is not None:
                self.activate(self._serving._replace(loaded=self._serving.loaded._replace(models=models)))

    def switch(self, off: Off) -> None:
        """Let the same go on with other things off."""
        with self._changing:
            if self._serving is not None:
                self.activate(self._serving._replace(off=off))

    def rehearse(self, request: bytes) -> None:
        """Decide something with the bundle that is active, for the time it takes; nothing is kept or counted."""
        if self._serving is not None:
            self._serving.loaded.engine.rehearse(request)

    def attach(self, sessions: Sessions) -> None:
        """Remember from the next request on."""
        with self._changing:
            self.sessions = sessions
            if self._serving is not None:
                self.active = self._make(self._serving)

    def _make(self, serving: Serving) -> Active:
        if serving.trial is None:
            return self._lane(serving, serving.loaded, self._counters)
        share, tried = serving.trial
        active = self._lane(serving, serving.loaded, self._counters, tried.engine)
        fork = Fork(share, self._lane(serving, tried, self._trial_counters, serving.loaded.engine))
        return active._replace(fork=fork)

    def _lane(self, serving: Serving, loaded: Loaded, counters: Counters, beside: Engine | None = None) -> Active:
        node = Node(
            loaded.engine,
            node=self._node,
            generation=serving.generation,
            sessions=self.sessions,
            state_down=self.sessions is None,
            counters=counters,
            allow_at=self._allow_at,
            disabled_scenarios=sorted(serving.off.scenarios),
            disabled_points=sorted(serving.off.points),
            beside=beside,
        )
        return Active(node, loaded.models, loaded.engine.defaults(), counters)
