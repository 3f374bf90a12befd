"""What visits got, gathered and shown: runs of equal decisions, a summary, latencies. Asks no node anything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from visits import VisitEvent, iso

# What tells two decisions apart, in the order of the columns.
FIELDS = ("action", "scenario", "pathway", "segment", "arm", "reason")

console = Console()


@dataclass(slots=True)
class Run:
    """Consecutive events of a visit that got the same decision at the same point."""

    point: str
    first: int
    last: int
    event: str
    at: datetime
    decision: dict[str, Any]

    @property
    def key(self) -> tuple[str, ...]:
        """Tell what was decided, as words."""
        return (self.point, *(str(self.decision[name] or "-") for name in FIELDS))


@dataclass(slots=True)
class VisitResult:
    """What one visit got, event by event."""

    id: str
    events: int = 0
    runs: list[Run] = field(default_factory=list)

    def add(self, event: VisitEvent, decisions: dict[str, dict[str, Any]]) -> None:
        """Note the decisions of one event, lengthening the runs that they continue."""
        going = {run.point: run for run in self.runs if run.last == self.events}
        self.events += 1
        for point, decision in decisions.items():
            new = Run(point, self.events, self.events, event.name, event.at, decision)
            if point in going and going[point].key == new.key:
                going[point].last = self.events
            else:
                self.runs.append(new)


def count(results: Sequence[VisitResult]) -> Counter[tuple[str, ...]]:
    """Count equal decisions over all visits."""
    counts: Counter[tuple[str, ...]] = Counter()
    for run in (run for result in results for run in result.runs):
        counts[run.key] += run.last - run.first + 1
    return counts


def percentiles_ms(latencies_ms: Sequence[float]) -> dict[str, float]:
    """Give p50, p95 and p99 of at least one latency."""
    cuts = quantiles([*latencies_ms, latencies_ms[-1]], n=100, method="inclusive")
    return {f"p{n}": round(cuts[n - 1], 3) for n in (50, 95, 99)}


def print_visit(result: VisitResult) -> None:
    """Show one visit: a row for every run, points that got the same at the same events in one."""
    table = Table(title=f"{result.id}: {result.events} events", title_justify="left", title_style="bold")
    for name in ("events", "from", "event", "decision points", *FIELDS):
        table.add_column(name, overflow="fold")
    rows: dict[tuple[str, ...], list[str]] = {}
    for run in result.runs:
        point, *decision = run.key
        span = str(run.first) if run.first == run.last else f"{run.first}-{run.last}"
        rows.setdefault((span, f"{run.at:%m-%d %H:%M:%S}", run.event, *decision), []).append(point)
    for (span, at, event, *decision), points in rows.items():
        table.add_row(span, at, event, "\n".join(points), *decision)
    console.print(table)


def print_summary(results: Sequence[VisitResult], latencies_ms: Sequence[float]) -> None:
    """Show how often each decision was made, and how long answers took."""
    table = Table(title="Decisions", title_justify="left", title_style="bold")
    for name in ("decision point", *FIELDS):
        table.add_column(name, overflow="fold")
    table.add_column("count", justify="right")
    for key, number in count(results).most_common():
        table.add_row(*key, str(number))
    console.print(table)
    times = ", ".join(f"{name} {value:.2f} ms" for name, value in percentiles_ms(latencies_ms).items())
    events = sum(result.events for result in results)
    console.print(f"{len(results)} visits, {events} events, {len(latencies_ms)} requests one after another: {times}")


def as_document(results: Sequence[VisitResult], latencies_ms: Sequence[float]) -> dict[str, Any]:
    """Give the same as one JSON document."""
    names = ("decisionPoint", *FIELDS, "count")
    summary = [dict(zip(names, (*key, number), strict=True)) for key, number in count(results).most_common()]
    visits = [{"id": one.id, "events": one.events, "decisions": [_run(run) for run in one.runs]} for one in results]
    return {
        "visits": visits,
        "summary": summary,
        "requests": len(latencies_ms),
        "latencyMs": percentiles_ms(latencies_ms),
    }


def _run(run: Run) -> dict[str, Any]:
    place = {"decisionPoint": run.point, "firstEvent": run.first, "lastEvent": run.last, "at": iso(run.at)}
    shown = {name: run.decision[name] for name in (*FIELDS, "explanation")}
    return place | {"event": run.event} | shown
