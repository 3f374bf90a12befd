"""The counts of all models of one worker, in a mapped file: they outlive its models and itself, and others may look.

One process writes a file, any number read it. Owns the file's form; what is counted is the tally's.
"""

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from edgewise.intent.tally import LAYOUT, NUMBERS, Tally

PLACES_MAX: Final = 64
"""Models by name; more than a bundle may have, as names of bundles before stay."""
NAME_BYTES: Final = 128

_HEAD: Final = b"edgemdl1" + hashlib.sha256(f"{PLACES_MAX} {NAME_BYTES} {LAYOUT}".encode()).digest()[:8]
_PLACE_BYTES: Final = NAME_BYTES + 8 * NUMBERS
_FILE_BYTES: Final = len(_HEAD) + PLACES_MAX * _PLACE_BYTES


class Ledger:
    """Where one process counts. What finds no place in the file is counted all the same, for this process alone."""

    def __init__(self, memory: mmap.mmap | None = None) -> None:
        self._memory = memory
        self._tallies: dict[str, Tally] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file and go on counting; one of another form is started anew.

        Raises:
            OSError: it cannot be read or made.
        """
        if not _is_ours(path):
            _start(path)
        with path.open("r+b") as file:
            return cls(mmap.mmap(file.fileno(), _FILE_BYTES))

    def tally(self, name: str) -> Tally:
        """Give the tally of a model, always the same one."""
        if name not in self._tallies:
            self._tallies[name] = Tally(self._numbers(name))
        return self._tallies[name]

    def _numbers(self, name: str) -> "memoryview[int] | None":
        written = name.encode()
        if self._memory is None or not 1 <= len(written) <= NAME_BYTES:
            return None
        view = memoryview(self._memory)
        for start in _starts():
            found = _name_at(view, start)
            if not found:
                view[start : start + len(written)] = written
            if found in {b"", written}:
                return view[start + NAME_BYTES : start + _PLACE_BYTES].cast("Q")
        return None


def read_ledger(path: Path) -> dict[str, list[int]]:
    """Read a tally's numbers by model name; in a file that is not there or of another form nothing was counted."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    if len(content) != _FILE_BYTES or not content.startswith(_HEAD):
        return {}
    view, found = memoryview(content), {}
    for start in _starts():
        if name := _name_at(view, start):
            found[name.decode(errors="replace")] = view[start + NAME_BYTES : start + _PLACE_BYTES].cast("Q").tolist()
    return found


def add_up(ledgers: Iterable[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """Add up what the workers of a node counted, by model name."""
    sums: dict[str, list[int]] = {}
    for ledger in ledgers:
        for name, numbers in ledger.items():
            before = sums.get(name, [0] * NUMBERS)
            sums[name] = [one + more for one, more in zip(before, numbers, strict=True)]
    return sums


def _starts() -> Iterator[int]:
    return iter(range(len(_HEAD), _FILE_BYTES, _PLACE_BYTES))


def _name_at(view: "memoryview[int]", start: int) -> bytes:
    return bytes(view[start : start + NAME_BYTES]).rstrip(b"\0")


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_HEAD)) == _HEAD and os.fstat(file.fileno()).st_size == _FILE_BYTES
    except FileNotFoundError:
        return False


def _start(path: Path) -> None:
    """Put an empty file in place in one step. It is written whole: a map of it must never run out of disk."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(_HEAD.ljust(_FILE_BYTES, b"\0"))
    beside.replace(path)
