"""What probes found, kept in a folder so that a model is tried once per engine. Owns the files; tries nothing.

A lost or torn file only costs another probe, so nothing is forced to the disk.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from edgewise.files import write_whole

VERDICTS_MAX: Final = 64
VERDICT_BYTES_MAX: Final = 8192
LOCK: Final = ".lock"

_UNSAFE = re.compile(r"[^0-9A-Za-z.+-]")


class Subject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was tried: a verdict on anything else says nothing."""

    digest: str
    spec_digest: str
    slots: int
    engine: str
    runtime: str


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a probe ended. Accepted models have no `stage`; `load_ms`, `run_us` and `memory_bytes` are what they cost."""

    stage: str | None = None
    code: str | None = None
    detail: str | None = None
    load_ms: float | None = None
    run_us: float | None = None
    memory_bytes: int | None = None


class Verdict(Report, frozen=True):
    """What was reported of one subject."""

    subject: Subject


class Verdicts:
    """The verdicts of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, subject: Subject) -> Verdict | None:
        """Give the verdict on exactly this; None when there is none, or none that can be read."""
        try:
            with self._path_of(subject).open("rb") as file:
                verdict = msgspec.json.decode(file.read(VERDICT_BYTES_MAX), type=Verdict)
        except (OSError, msgspec.DecodeError):
            return None
        return verdict if verdict.subject == subject else None

    def keep(self, verdict: Verdict) -> None:
        """Keep a verdict; a disk that takes none is no reason to refuse a model."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path_of(verdict.subject), msgspec.json.encode(verdict))
            self._prune()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process is trying a model, and let none begin meanwhile.

        Each holder is bounded by its probe, and the lock of a process that is gone is free. A folder that cannot be
        locked stops nobody.
        """
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _path_of(self, subject: Subject) -> Path:
        name = "-".join((subject.digest.removeprefix("sha256:"), subject.engine))
        return self._folder / f"{_UNSAFE.sub('_', name)[:160]}.json"

    def _prune(self) -> None:
        paths = sorted(self._folder.glob("*.json"), key=_changed_at)
        for path in paths[:-VERDICTS_MAX]:
            path.unlink(missing_ok=True)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
