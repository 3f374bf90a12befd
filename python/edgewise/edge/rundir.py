"""The run folder: where the workers of a node tell each other, and whoever looks, that they live and what they serve.

`worker-<n>.lock` is locked while worker n lives, `worker-<n>.json` is its account, `worker-<n>.counters` its counters,
`worker-<n>.models` what it counted of models.
`revision` is the revision of the settings that all workers should have.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import msgspec

from edgewise.bundle.locks import is_held, try_to_hold
from edgewise.edge.admission import AdmissionAccount
from edgewise.edge.settings import WORKERS_MAX
from edgewise.intent import ModelState

SLOTS_MAX: Final = 2 * WORKERS_MAX  # a rolling restart brings up the new worker before the old one goes
ACCOUNT_BYTES_MAX: Final = 128 * 1024
REVISION_BYTES_MAX: Final = 20

_LOCK_FILE = re.compile(r"worker-(\d{1,4})\.lock")


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle that a worker could not take up, and why."""

    digest: str
    code: str
    detail: str
    slot: int  # revision of the slot that named it


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What one worker says of itself; `error` is why it did not take the newest generation."""

    worker: int
    pid: int
    since: float
    loop: str
    http: str
    generation: int | None = None
    digest: str | None = None
    slot: int = 0  # revision of the slot that it serves
    trial: str | None = None
    refused: Refused | None = None
    error: str | None = None
    degraded: list[str] = []
    revision: int = 0
    admission: AdmissionAccount | None = None
    models: Mapping[str, ModelState] = {}


class Seat:
    """The place of one worker among the others: the lowest number that no living worker holds."""

    def __init__(self, folder: Path, number: int, lock: int) -> None:
        self.number = number
        self.counters = folder / f"worker-{number}.counters"
        self.ledger = ledger_file(folder, number)
        self.trial_counters = folder / f"worker-{number}.trial.counters"
        self._account = folder / f"worker-{number}.json"
        self._lock = lock

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Take the lowest free seat and forget what a dead holder said of itself."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(SLOTS_MAX):
            lock = try_to_hold(folder / f"worker-{number}.lock")
            if lock is not None:
                seat = cls(folder, number, lock)
                seat._account.unlink(missing_ok=True)
                return seat
        raise OSError(f"all {SLOTS_MAX} worker seats of `{folder}` are taken")

    def report(self, account: Account) -> None:
        """Publish the account, whole or not at all."""
        beside = self._account.with_suffix(".json.new")
        beside.write_bytes(msgspec.json.encode(account))
        beside.replace(self._account)

    def leave(self) -> None:
        """Give the seat back."""
        self._account.unlink(missing_ok=True)
        os.close(self._lock)


def take_node(folder: Path) -> bool:
    """Be the one node on a folder until this process ends; False when another one is."""
    folder.mkdir(parents=True, exist_ok=True)
    return try_to_hold(folder / "node.lock") is not None


def living(folder: Path) -> list[Account]:
    """Read the accounts of the workers that live, by number; one that has not reported yet is not listed."""
    accounts = [_read_account(path.with_suffix(".json")) for path in _locked(folder)]
    return sorted((account for account in accounts if account), key=lambda account: account.worker)


def ask_for_revision(folder: Path, revision: int) -> None:
    """Say which revision of the settings workers should have."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / "revision.new"
    beside.write_text(str(revision))
    beside.replace(folder / "revision")


def revision_asked_for(folder: Path) -> int:
    """Read which revision of the settings workers should have."""
    try:
        with (folder / "revision").open("rb") as file:
            return int(file.read(REVISION_BYTES_MAX))
    except (FileNotFoundError, ValueError):
        return 0


def count_held(folder: Path) -> int:
    """Count the seats that are held, reported or not."""
    return sum(1 for _ in _locked(folder))


def counter_files(folder: Path) -> list[Path]:
    """Name the counters of all workers, dead ones included: what they counted still happened."""
    return sorted(folder.glob("worker-*.counters"))


def ledger_file(folder: Path, number: int) -> Path:
    """Name the file in which a worker counts what happens to models."""
    return folder / f"worker-{number}.models"


def ledger_files(folder: Path) -> list[Path]:
    """Name these files of all workers, dead ones included."""
    return sorted(folder.glob("worker-*.models"))


def _locked(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if _LOCK_FILE.fullmatch(path.name) and is_held(path):
            yield path


def _read_account(path: Path) -> Account | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(ACCOUNT_BYTES_MAX), type=Account)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
