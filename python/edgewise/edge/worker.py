"""One worker of a node: its seat, counters, sessions, decider, and the clockwork that keeps them current.

It composes; what is decided and what is answered lies elsewhere.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

from edgewise._core import Counters
from edgewise.edge.activation import Activation, settle_heap
from edgewise.edge.admission import Admission
from edgewise.edge.age import Trust
from edgewise.edge.aside import Aside
from edgewise.edge.confirmation import Confirmation
from edgewise.edge.log import log
from edgewise.edge.memory import Memory
from edgewise.edge.pauses import watch_pauses
from edgewise.edge.rundir import Account, Seat
from edgewise.edge.setclock import SetClock, ahead_of_boot_s
from edgewise.edge.settings import Settings
from edgewise.edge.tokens import Gate
from edgewise.engine.decider import Decider
from edgewise.intent import Ledger

BATCH_WAIT_MAX_S = 0.020
REST = ("edgewise.edge.metrics", "edgewise.edge.openapi")
REST_AFTER_S = 1.0
LOOK_MAX_S = 0.2  # how long one look waits for what is being loaded
INGEST_WAIT_MAX_S = 2.0  # its callers wait for the disk anyway, and would only send it again


class Worker:
    """Everything that one process serves with."""

    def __init__(self, settings: Settings, http: str) -> None:
        self.settings = settings
        self.gate = Gate(settings.grants)
        self.trust = Trust(settings.trusted)
        self.admission = Admission(is_on=settings.admission)
        # Apart, so that a flood of events keeps no batch of decisions waiting.
        self.asides = {"decide_batch": Aside("batches", BATCH_WAIT_MAX_S), "events": Aside("events", INGEST_WAIT_MAX_S)}
        self.seat = Seat.take(settings.folder / "run")
        self.counters = Counters(self.seat.counters)
        self.memory = Memory(settings.folder / "sessions")
        self.clock = SetClock(ahead_of_boot_s())
        trial = Counters(self.seat.trial_counters)
        sessions = self.memory.sessions
        self.decider = Decider(settings.node, self.counters, sessions, allow_at=settings.allow_at, trial_counters=trial)
        self.activation = Activation(settings.folder, self.decider, _ledger(self.seat.ledger), settings.stale)
        self._http = http
        self._since = time.time()
        self._loop = "none"
        self._taking_up: asyncio.Future[None] | None = None
        self._reported: Account | None = None
        self._report_failed = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve from the slot from the first request on, follow it meanwhile, leave cleanly."""
        self._loop = type(asyncio.get_running_loop()).__module__
        watch_pauses(self.counters)
        self.activation.take_up()
        self.activation.is_stale = self.confirmation().is_stale
        if self.activation.has_news():
            self.activation.take_up()
        settle_heap()
        self.report()
        follower, rest = asyncio.create_task(self._follow()), asyncio.create_task(_import_rest())
        try:
            yield
        finally:
            follower.cancel()
            rest.cancel()
            self.close()

    def close(self) -> None:
        """Give back what other processes could wait for."""
        for aside in self.asides.values():
            aside.close()
        self.memory.close()
        self.seat.leave()

    @property
    def degraded(self) -> list[str]:
        """The parts that do not work while decisions go on."""
        parts = {
            "clock": self.clock.is_degraded,
            "models": self.decider.models.is_degraded,
            "state": self.memory.is_degraded,
        }
        return [part for part, is_degraded in parts.items() if is_degraded]

    def confirmation(self) -> Confirmation:
        """Say how sure it is that what is served should be."""
        return Confirmation.of(self.settings, self.activation.served, self.activation.slot)

    def report(self) -> None:
        """Publish what this worker serves, if that changed."""
        served = self.activation.served if self.decider.active else None
        account = Account(
            worker=self.seat.number,
            pid=os.getpid(),
            since=self._since,
            loop=self._loop,
            http=self._http,
            generation=served.generation if served else None,
            digest=served.digest if served else None,
            slot=served.revision if served else 0,
            trial=self.activation.trial if served else None,
            refused=self.activation.refused,
            error=self.activation.error,
            degraded=self.degraded,
            revision=self.settings.revision,
            admission=self.admission.account(),
            models=self.decider.models.states(),
        )
        if account == self._reported:
            return
        try:
            self.seat.report(account)
        except OSError as error:
            self._log_once(error)
        else:
            self._reported, self._report_failed = account, False

    def _log_once(self, error: OSError) -> None:
        if not self._report_failed:
            log.error("degraded", part="run folder", error=type(error).__name__)
        self._report_failed = True

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll_interval_ms / 1000)
            leave_with_parent()
            try:
                await self._look_after()
            except Exception:  # noqa: BLE001, whatever it was, the next look may go well
                log.error("look_after_failed", exc_info=True)

    async def _look_after(self) -> None:
        self.activation.is_stale = self.confirmation().is_stale
        await self._take_up()
        await self.memory.check(self.decider)
        self.clock.check(ahead_of_boot_s(), time.monotonic())
        self.report()

    async def _take_up(self) -> None:
        """Take up what is new; what takes long goes on beside the next looks."""
        if self._taking_up is None and self.activation.has_news():
            self._taking_up = asyncio.ensure_future(asyncio.to_thread(self.activation.take_up))
        if self._taking_up is None:
            return
        await asyncio.wait({self._taking_up}, timeout=LOOK_MAX_S)
        if self._taking_up.done():
            done, self._taking_up = self._taking_up, None
            done.result()
        else:
            self.activation.heed_switches()


def _ledger(path: Path) -> Ledger:
    """Count in the file; without it, models are counted for nobody to see, and asked all the same."""
    try:
        return Ledger.open(path)
    except OSError as error:
        log.error("degraded", part="counts of models", error=type(error).__name__)
        return Ledger()


async def _import_rest() -> None:
    """Import what no decision needs, once others have started too, and before whoever watches asks for it."""
    await asyncio.sleep(REST_AFTER_S)
    for name in REST:
        await asyncio.to_thread(import_module, name)
    settle_heap()


def leave_with_parent() -> None:
    """End in good order when the supervisor is gone: nobody would restart or stop this worker any more."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)
