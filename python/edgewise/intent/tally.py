"""What happened to one model: counted where it lasts, read as plain values. Knows no model and no file."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

SkipReason = Literal["absent", "budget", "resting", "late", "failed"]
SKIP_REASONS: Final[tuple[SkipReason, ...]] = ("absent", "budget", "resting", "late", "failed")
SECONDS_BOUNDS: Final = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1.0)
"""Upper bounds of the buckets that runs are counted in by how long they took; one more takes what is longer."""

_RUNS, _ROWS, _FAILURES, _OPENINGS, _SPENT_NS, _SKIPPED = range(6)
_BUCKETS: Final = _SKIPPED + len(SKIP_REASONS)
NUMBERS: Final = _BUCKETS + len(SECONDS_BOUNDS) + 1
LAYOUT: Final = repr((NUMBERS, SKIP_REASONS, SECONDS_BOUNDS))
"""What each number stands for, in words: two layouts are the same if these are."""
_NS: Final = 1_000_000_000


class Counts(msgspec.Struct, kw_only=True, rename="camel"):
    """Counts of one model: a run answers one row or several at once; `skipped` counts by reason rows without an answer.

    `openings` says how often it was given a rest.
    """

    runs: int = 0
    rows: int = 0
    failures: int = 0
    seconds: float = 0.0
    skipped: dict[SkipReason, int] = msgspec.field(default_factory=lambda: dict.fromkeys(SKIP_REASONS, 0))
    openings: int = 0


def counts_of(numbers: Sequence[int]) -> Counts:
    """Read what a tally wrote."""
    return Counts(
        runs=numbers[_RUNS],
        rows=numbers[_ROWS],
        failures=numbers[_FAILURES],
        seconds=numbers[_SPENT_NS] / _NS,
        skipped={reason: numbers[_SKIPPED + place] for place, reason in enumerate(SKIP_REASONS)},
        openings=numbers[_OPENINGS],
    )


def buckets_of(numbers: Sequence[int]) -> list[int]:
    """Read how many runs took up to each of `SECONDS_BOUNDS`, but longer than the one before; and how many longer."""
    return list(numbers[_BUCKETS:NUMBERS])


class Tally:
    """Counts one model, in memory that may be a mapped file. Any number of threads may count."""

    def __init__(self, numbers: "memoryview[int] | None" = None) -> None:
        self._numbers = memoryview(bytearray(8 * NUMBERS)).cast("Q") if numbers is None else numbers
        self._lock = threading.Lock()

    def ran(self, rows: int, spent_s: float, *, has_failed: bool) -> None:
        """Count a run."""
        with self._lock:
            self._numbers[_RUNS] += 1
            self._numbers[_ROWS] += rows
            self._numbers[_FAILURES] += has_failed
            self._numbers[_SPENT_NS] += max(0, int(spent_s * _NS))
            self._numbers[_BUCKETS + bisect_left(SECONDS_BOUNDS, spent_s)] += 1

    def skipped(self, rows: int, reason: SkipReason) -> None:
        """Count rows that got no answer."""
        with self._lock:
            self._numbers[_SKIPPED + SKIP_REASONS.index(reason)] += rows

    def opened(self) -> None:
        """Count that the model was given a rest."""
        with self._lock:
            self._numbers[_OPENINGS] += 1

    def read(self) -> Counts:
        """Read all counts at one moment."""
        with self._lock:
            return counts_of(self._numbers.tolist())
