"""The agent's process: its locks, its clock, and its end. Composes; what is done lies elsewhere."""

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Final, NoReturn

from edgewise.agent.agent import Agent
from edgewise.agent.log import configure, log
from edgewise.agent.settings import AgentSettings
from edgewise.bundle.contact import ContactFile
from edgewise.bundle.locks import try_to_hold
from edgewise.bundle.slot import SlotError, SlotWriter
from edgewise.errors import EdgewiseError
from edgewise.files import write_synced

TICK_S: Final = 0.2
LOCK_WAIT_S: Final = 5.0  # an agent whose node was killed notices by itself, soon
EXIT_REFUSED: Final = 3  # as started, it can never work: another try is of no use
_FOLLOWS: Final = "store"


def main(settings: AgentSettings) -> NoReturn:
    """Follow the store until told to stop; threads that wait for the store are not waited for."""
    configure()
    code = 0
    try:
        _run(settings)
    except EdgewiseError as error:
        sys.stderr.write(f"{error}\n")
        code = EXIT_REFUSED
    sys.stderr.flush()
    os._exit(code)


def _run(settings: AgentSettings) -> None:
    stop = _stop_signal()
    if settings.supervised:
        threading.Thread(target=_end_with_supervisor, args=(stop,), daemon=True).start()
    with _take_folder(settings) as writer:
        _require_same_store(settings)
        run_folder = settings.folder / "run"
        run_folder.mkdir(parents=True, exist_ok=True)
        try_to_hold(ContactFile(settings.folder).lock)  # held until this process ends
        agent = Agent(settings, writer)
        log.info("agent_started", pid=os.getpid())
        while not stop.is_set():
            _tick(agent)
            stop.wait(TICK_S)
        agent.close()


def _tick(agent: Agent) -> None:
    try:
        agent.tick(time.monotonic())
    except OSError as error:  # a full or failing disk: what runs goes on, and so do we
        log.error("look_failed", exc_info=error)


def _stop_signal() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop


def _end_with_supervisor(stop: threading.Event) -> None:
    """Wait for the end of standard input: whoever started this process holds the other end and never writes."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    stop.set()


def _take_folder(settings: AgentSettings) -> SlotWriter:
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return SlotWriter.open(settings.folder)
        except SlotError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _require_same_store(settings: AgentSettings) -> None:
    """Refuse a folder that has followed another store: generations of two stores have no order."""
    file = settings.folder / "agent" / _FOLLOWS
    try:
        followed = file.read_text()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_synced(file, settings.store.encode())
        return
    if followed != settings.store:
        raise SlotError(f"`{settings.data_dir}` follows the store `{followed}`; pass another --data-dir")
