"""Pauses of a node's garbage collectors over a stretch of time, as its `/metrics` counts them. Sends nothing else."""

import re
import urllib.request
from dataclasses import dataclass, field
from typing import Self

BUCKET = re.compile(r'^edgewise_gc_pause_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
SUM = re.compile(r"^edgewise_gc_pause_seconds_sum (\S+)$", re.MULTILINE)
TIMEOUT_S = 10.0


@dataclass(slots=True)
class Pauses:
    """How many there were while the block lasted, how long all of them took, and how long the longest at most."""

    address: tuple[str, int]
    count: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0
    _before: dict[float, int] = field(default_factory=dict)
    _spent_s: float = 0.0

    def __enter__(self) -> Self:
        self._before, self._spent_s = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        after, spent_s = self._read()
        self.total_ms = (spent_s - self._spent_s) * 1000
        below = 0
        for bound_s in sorted(after):
            found = after[bound_s] - self._before.get(bound_s, 0)
            if found > below:
                self.longest_ms = bound_s * 1000
            below = found
        self.count = below

    def __str__(self) -> str:
        if not self.count:
            return "no GC pauses"
        return f"{self.count} GC pauses, {self.total_ms:.1f} ms in all, the longest at most {self.longest_ms:g} ms"

    def _read(self) -> tuple[dict[float, int], float]:
        host, port = self.address
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
        buckets = {float(bound): int(float(count)) for bound, count in BUCKET.findall(text)}
        return buckets, sum(float(spent) for spent in SUM.findall(text))
