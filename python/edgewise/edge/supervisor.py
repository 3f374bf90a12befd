"""The supervisor: N spawned workers that share the listening sockets, their restarts. It answers no request."""

import asyncio
import gc
import logging
import signal
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from edgewise.bundle.slot import Slot
from edgewise.edge import log
from edgewise.edge.backoff import Backoff
from edgewise.edge.companion import Companion
from edgewise.edge.listener import BACKLOG
from edgewise.edge.rundir import ask_for_revision, living
from edgewise.edge.settings import Settings

KEEP_ALIVE_S: Final = 75  # above the pool timeout of common proxies, so that it is they who hang up
# The fast loop by name, and nothing that costs on each request; what a node is compared with is served alike.
SERVER: Final[dict[str, Any]] = {
    "interface": "asgi3",
    "loop": "uvloop",
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "date_header": False,
    "backlog": BACKLOG,
    "timeout_keep_alive": KEEP_ALIVE_S,
}
GRACEFUL_SHUTDOWN_S: Final = 10
STOP_TIMEOUT_S: Final = GRACEFUL_SHUTDOWN_S + 5
HUNG_S: Final = 20  # a worker that does not even answer its pipe for so long is replaced
PING_S: Final = 0.2
RESTART_READY_S: Final = 20  # how long a rolling restart waits for each new worker
RESTART_RETRY_S: Final = 60  # after a rolling restart was given up; workers that it did not reach have old tokens
READY_POLL_S: Final = 0.05
COMPANION_WAITS_S: Final = 3.0
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class WorkerConfig(Config):
    """The server's configuration inside a worker: the application made from the supervisor's settings."""

    def configure_logging(self) -> None:
        """Log as we do, in supervisor and workers."""
        log.configure()
        logging.getLogger("uvicorn").setLevel(logging.ERROR)

    def load(self) -> None:
        """Make the application; what keeps it from being made is logged as everything else is."""
        try:
            super().load()
        except Exception as error:  # noqa: BLE001, whatever it was, this process is of no use
            log.log.error("worker_cannot_start", detail=str(error), exc_info=True)
            sys.exit(STARTUP_FAILURE)

    def load_app(self) -> Any:  # noqa: ANN401, the server's interface
        """Find the application's factory, telling it which parser will serve it."""
        gc.disable()  # all that is made until the worker is ready stays: it settles its heap then
        from edgewise.edge.app import create_app  # noqa: PLC0415, the supervisor needs none of it

        return partial(create_app, Settings.take_over(), parser_of(self.http_protocol_class))


class WorkerProcess(Process):
    """One worker, made with one revision of the settings; waiting for its end has an end itself."""

    def __init__(self, config: Config, sockets: list[socket.socket], revision: int) -> None:
        super().__init__(config, sockets)
        self.revision = revision

    def join(self) -> None:
        """Wait until it has ended; one that does not end in good order is ended."""
        self.process.join(STOP_TIMEOUT_S)
        if self.process.is_alive():
            log.log.error("worker_killed", pid=self.pid)
            self.process.kill()
            self.process.join()


class StopRequest(threading.Event):
    """Set once it is time to stop, also by a signal that waits to be handled: a rolling restart must not delay it."""

    def __init__(self, signals: list[int]) -> None:
        super().__init__()
        self._signals = signals

    def is_set(self) -> bool:
        """Whether to stop."""
        return super().is_set() or any(number in STOP_SIGNALS for number in self._signals)


class Supervisor(Multiprocess):
    """Keeps the workers alive; says once that the node is ready; hands over new tokens on SIGHUP."""

    def __init__(
        self,
        settings: Settings,
        listeners: list[socket.socket],
        *,
        on_ready: Callable[[], None],
        renew: Callable[[], Settings],
        companion: Companion | None = None,
    ) -> None:
        self._settings = settings
        self._companion = companion
        self._companion_at = 0.0
        self._on_ready = on_ready
        self._renew = renew
        self._was_ready = False
        self._silent_since: dict[int | None, float] = {}
        self._backoffs: defaultdict[int, Backoff] = defaultdict(lambda: Backoff(time.monotonic()))
        self._retry_at: float | None = None
        self.has_failed = False
        settings.hand_over()
        super().__init__(worker_config(settings.workers), sockets=listeners)
        self.should_exit = StopRequest(self.signal_queue)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or until it is plain that the workers cannot start."""
        forget_main_module()
        threading.Thread(target=self._announce, daemon=True).start()
        try:
            super().run()
        finally:
            if self._companion is not None:
                self._companion.stop()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died or hang. Never waits long: the other workers and signals need looking after too."""
        for index, process in enumerate(self.processes):
            if self.should_exit.is_set() or self._is_well(process):
                continue
            process.kill()
            process.join()
            self._silent_since.pop(process.pid, None)
            if not self._was_ready and (process.exitcode or 0) > 0:
                self.has_failed = True
                self.should_exit.set()
                return
            if time.monotonic() >= self._backoffs[index].due(time.monotonic()):
                log.log.error("worker_replaced", pid=process.pid)
                self._seat(index, self._start_worker())
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self.restart_all()
        self._look_after_companion()

    def _look_after_companion(self) -> None:
        """Keep it alive; a node that it never got to serve anything ends when it says that it cannot work."""
        if self._companion is None or self.should_exit.is_set():
            return
        if not self._companion.has_started and not self._is_time_for_companion():
            return
        self._companion.look_after()
        if self._companion.was_refused and not self._was_ready and not Slot(self._settings.folder).file.exists():
            self.has_failed = True
            self.should_exit.set()

    def _is_time_for_companion(self) -> bool:
        """Whether it may begin: workers that have something to serve come first, they need the processors to start."""
        return self._was_ready or time.monotonic() >= self._companion_at

    def init_processes(self) -> None:
        """Start all workers, and what fills the slot at once when there is nothing in it."""
        self.processes = [self._start_worker() for _ in range(self.processes_num)]
        has_slot = Slot(self._settings.folder).file.exists()
        self._companion_at = time.monotonic() + (COMPANION_WAITS_S if has_slot else 0)
        self._look_after_companion()

    def restart_all(self) -> None:
        """Replace the workers of older settings one after another, each only once its successor serves."""
        self._retry_at = None
        for index, old in enumerate(self.processes):
            if isinstance(old, WorkerProcess) and old.revision == self._settings.revision:
                continue
            new = self._start_worker()
            if not self._takes_over(new, old):
                new.kill()
                new.join()
                self._retry_at = time.monotonic() + RESTART_RETRY_S
                log.log.error("restart_given_up", pid=new.pid, retry_s=RESTART_RETRY_S)
                return
            old.terminate()
            old.join()
            self._seat(index, new)

    def _start_worker(self) -> WorkerProcess:
        process = WorkerProcess(self.config, self.sockets, self._settings.revision)
        process.start()
        return process

    def _seat(self, index: int, process: WorkerProcess) -> None:
        self.processes[index] = process
        self._backoffs[index].started(time.monotonic())

    def _takes_over(self, new: WorkerProcess, old: Process) -> bool:
        """Wait until a worker serves a bundle, or does as little as the one that it would replace."""
        until = time.monotonic() + RESTART_READY_S
        if not new.wait_until_ready(RESTART_READY_S, self.should_exit):
            return False
        while not self.should_exit.is_set() and new.process.is_alive():
            accounts = {account.pid: account for account in living(self._run_folder)}
            ours, theirs = accounts.get(new.pid or 0), accounts.get(old.pid or 0)
            if ours is not None and (ours.generation is not None or theirs is None or theirs.generation is None):
                return True
            if time.monotonic() > until or (ours is not None and ours.error is not None):
                return False
            time.sleep(READY_POLL_S)
        return False

    @property
    def _run_folder(self) -> Path:
        return self._settings.folder / "run"

    def _is_well(self, process: Process) -> bool:
        if not process.process.is_alive():
            return False
        if process.ping(PING_S):
            self._silent_since.pop(process.pid, None)
            return True
        return time.monotonic() - self._silent_since.setdefault(process.pid, time.monotonic()) < HUNG_S

    def handle_hup(self) -> None:
        """Restart the workers one after another with settings read anew; what is wrong with them changes nothing."""
        try:
            settings = msgspec.structs.replace(self._renew(), revision=self._settings.revision + 1)
            ask_for_revision(self._run_folder, settings.revision)
            settings.hand_over()
        except Exception as error:  # noqa: BLE001, whatever it is, the node goes on as it was
            log.log.error("settings_refused", error=type(error).__name__)
        else:
            self._settings = settings
            super().handle_hup()

    def _announce(self) -> None:
        while not self.should_exit.wait(READY_POLL_S):
            serving = [account for account in living(self._run_folder) if account.generation is not None]
            if len(serving) >= self._settings.workers:
                self._was_ready = True
                self._on_ready()
                return


def parser_of(protocol: type[asyncio.Protocol]) -> str:
    """Name the parser of the server's own class that a protocol is made from."""
    modules = [base.__module__ for base in protocol.__mro__ if base.__module__.startswith("uvicorn.protocols.http.")]
    return modules[0].rpartition(".")[2].removesuffix("_impl") if modules else protocol.__module__


def forget_main_module() -> None:
    """Keep spawned workers from importing the program's main module: it is the command line, which they never use."""
    main = sys.modules["__main__"]
    main.__spec__ = None
    vars(main).pop("__file__", None)


def worker_config(workers: int) -> WorkerConfig:
    """Configure the server of the workers: the parser by name, as they import it themselves."""
    return WorkerConfig(
        "edgewise.edge.app:create_app",
        factory=True,
        workers=workers,
        http="edgewise.edge.protocol:BoundedProtocol",
        lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        timeout_worker_healthcheck=RESTART_READY_S,
        **SERVER,
    )


def clear_run_folder(data_dir: Path) -> None:
    """Forget what workers of an earlier run said of themselves and were asked for; their counters stay."""
    ask_for_revision(data_dir / "run", 0)
    for path in (data_dir / "run").glob("worker-*.json"):
        path.unlink(missing_ok=True)
