"""The session store as a worker has it: opened again when it could not be, without holding the loop up."""

import asyncio
import threading

from edgewise._core import Counters, Sessions
from edgewise.edge import memory
from edgewise.edge.memory import Memory
from edgewise.engine.decider import Decider


class WatchedSessions:
    """Opens real stores and remembers in which thread."""

    threads: list[threading.Thread] = []  # noqa: RUF012, emptied by the test

    @classmethod
    def open(cls, folder):
        cls.threads.append(threading.current_thread())
        return Sessions.open(folder)


def test_a_store_that_comes_back_is_opened_beside_the_loop(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "Sessions", WatchedSessions)
    monkeypatch.setattr(memory, "RETRY_S", 0)
    folder = tmp_path / "sessions"
    folder.write_text("no folder")
    watched = Memory(folder)
    assert (watched.sessions, watched.is_degraded) == (None, True)
    decider = Decider("n-1", Counters(tmp_path / "counters"), None, allow_at=False)
    folder.unlink()
    Sessions.prepare(folder)
    WatchedSessions.threads.clear()
    asyncio.run(watched.check(decider))
    assert [thread is threading.main_thread() for thread in WatchedSessions.threads] == [False]
    assert (watched.is_degraded, decider.sessions) == (False, watched.sessions)
    watched.close()
