"""The decision loop of one worker: which compiled bundle answers now, and the swap to the next one.

It opens no files and reads no clock: bytes, sessions, counters and the time are handed in.
"""

from typing import NamedTuple

from edgewise._core import Counters, Engine, Node, Sessions


def compile_bundle(data: bytes) -> Engine:
    """Compile a bundle and replay its golden decisions; one that decides differently here is refused."""
    engine = Engine.from_bundle(data)
    engine.self_test()
    return engine


class Active(NamedTuple):
    """What answers now: a bundle's decision loop and the defaults of the same bundle, swapped together."""

    node: Node
    defaults: bytes


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

    def activate(self, engine: Engine, generation: int) -> None:
        """Let this engine answer from the next request on."""
        self._engine, self._generation = engine, generation
        self.active = Active(self._make_node(engine), engine.defaults())

    def rehearse(self, request: bytes) -> None:
        """Decide something with the bundle that is active, for the time it takes; nothing is kept or counted."""
        if self._engine is not None:
            self._engine.rehearse(request)

    def attach(self, sessions: Sessions) -> None:
        """Remember from the next request on."""
        self.sessions = sessions
        if self._engine is not None:
            self.active = Active(self._make_node(self._engine), self._engine.defaults())

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
