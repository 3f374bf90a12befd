"""Watches the memory of a node's workers while they are under load: their own, without the pages they share or map."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from client import CallError, Node
from gates import Gate

WARM_UP = 0.25
SAMPLES_MIN = 10
OWN = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)

Sample = tuple[float, float]


@dataclass(slots=True)
class MemoryWatch:
    """Samples of each worker, as minutes and MiB."""

    url: str
    began_s: float = field(default_factory=time.monotonic)
    workers: dict[int, list[Sample]] = field(default_factory=dict)

    def begin(self) -> None:
        """Meet the workers, and measure them a first time."""
        self.workers = {pid: [] for pid in self.pids()}
        self.measure()

    def pids(self) -> set[int]:
        """Ask which workers there are, over a connection of its own: one kept open would be closed as idle."""
        return {int(worker["pid"]) for worker in Node(self.url).call("GET", "/v1/status")["workers"]}

    def measure(self) -> None:
        """Measure each worker that still lives."""
        minutes = (time.monotonic() - self.began_s) / 60
        for pid, samples in self.workers.items():
            if (own := own_mib(pid)) is not None:
                samples.append((minutes, own))

    def gates(self, limits: Mapping[str, float]) -> list[Gate]:
        """Judge: all workers lived, and none went on growing once it was warm."""
        found = [Gate("workers that lived to the end", self._lived(), "at least", len(self.workers))]
        if limit := limits.get("growth_mib_per_minute_max"):
            growths = [growth(samples) for samples in self.workers.values()]
            found.append(Gate("memory growth, MiB/minute", max(growths, default=0.0), "at most", limit))
        return found

    def _lived(self) -> int:
        try:
            return len(self.pids() & set(self.workers))
        except CallError:
            return 0

    def in_words(self) -> list[str]:
        """Say what each worker did."""
        return [
            f"  memory of worker {pid}: {samples[0][1]:.1f} MiB at first, {samples[-1][1]:.1f} at last,"
            f" {growth(samples):+.2f} MiB/minute once warm"
            for pid, samples in self.workers.items()
            if samples
        ]


def own_mib(pid: int) -> float | None:
    """Read how much memory a process has to itself; None when it is gone."""
    try:
        found = OWN.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except OSError:
        return None
    return int(found.group(1)) / 1024 if found else None


def growth(samples: list[Sample]) -> float:
    """Fit a line through all but the first quarter: MiB per minute. Too few samples say nothing."""
    warm = samples[int(len(samples) * WARM_UP) :]
    if len(warm) < SAMPLES_MIN:
        return 0.0
    minutes = sum(at for at, _ in warm) / len(warm)
    mib = sum(own for _, own in warm) / len(warm)
    spread = sum((at - minutes) ** 2 for at, _ in warm)
    return sum((at - minutes) * (own - mib) for at, own in warm) / spread if spread else 0.0
