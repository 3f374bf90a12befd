"""What the service costs beside what people would use instead: same server, same flags, one core each, in one run.

    python loadtests/bench_http.py --seconds 2 --rounds 3

The server has one core, the generator another. Saturation by a closed loop of 64 connections; then open loops at shares
of it. Rates depend on the machine and on who else uses it (`foreign`, in cores); ratios within one run are what counts.
"""

import argparse
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.box import MARKDOWN
from rich.table import Table

from bodies import asking, asking_with_events, beginnings, decisions, decisions_with_events
from edgewise.book import build
from edgewise.edge.rundir import ledger_files
from edgewise.intent import add_up, counts_of, read_ledger
from hosts import Host, Watch, machine, node, peer, take_generator_core, versions
from openloop import Address, Outcome, closed_loop, open_loop
from report import console, percentiles_ms

BOOK = Path("examples/book")
CONNECTIONS, OPEN_CONNECTIONS = 64, 256
WARM_UP_S = 0.5
SHARES = (0.25, 0.5, 0.75)
BASE = "no-op Litestar @post"


@dataclass(slots=True)
class Row:
    """One way of serving, measured round after round."""

    name: str
    host: Host
    address: Address
    requests: Iterator[bytes]
    asks_model: bool = False
    runs: int = 0
    rates: list[float] = field(default_factory=list)
    cpus_us: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    def measure(self, seconds: float) -> None:
        """Saturate it for so long."""
        before = model_runs(self.host)
        warm = closed_loop(self.address, self.requests, connections=CONNECTIONS, seconds=WARM_UP_S)
        with Watch(self.host) as watch:
            outcome = closed_loop(self.address, self.requests, connections=CONNECTIONS, seconds=seconds)
        self.runs += model_runs(self.host) - before
        self.rates.append(outcome.answered / seconds)
        self.cpus_us.append(watch.host_s / max(outcome.answered, 1) * 1e6)
        self.foreign.append(watch.foreign)
        for kind, count in (*outcome.answers.items(), *warm.answers.items()):
            self.answers[kind] = self.answers.get(kind, 0) + count

    def require_model(self) -> None:
        """End where a row that is to ask the model once in each request does not; some answers came after the end."""
        full = self.answers.get("full", 0)
        if self.asks_model and not full <= self.runs <= full + 2 * CONNECTIONS * len(self.rates):
            raise SystemExit(f"{self.name}: {full} full answers, but {self.runs} runs of the model")

    @property
    def rate(self) -> float:
        """Requests a second, the median of all rounds."""
        return statistics.median(self.rates)


@contextlib.contextmanager
def rows(folder: Path) -> Iterator[list[Row]]:
    """Start everything that is compared."""

    def turns(requests: list[bytes]) -> Iterator[bytes]:
        return itertools.cycle(requests)

    with contextlib.ExitStack() as stack:
        raw, noop, struct = (stack.enter_context(peer(app, folder / app)) for app in ("raw", "noop", "struct"))
        bundle = build(BOOK)
        ours = stack.enter_context(node(bundle, folder / "ours"))
        bare = stack.enter_context(node(bundle, folder / "bare", "--no-admission"))
        begin_visits(ours)
        yield [
            Row("raw ASGI, fixed bytes", raw, raw.address, turns(decisions())),
            Row(BASE, noop, noop.address, turns(decisions())),
            Row("stock Struct handler, the same decisions", struct, struct.address, turns(decisions())),
            Row("edgewise", ours, ours.address, turns(decisions())),
            Row("edgewise --no-admission", bare, bare.address, turns(decisions())),
            Row("edgewise, a new event in each request", ours, ours.address, turns(decisions_with_events())),
            Row("edgewise, a model in each decision", ours, ours.address, turns(asking()), asks_model=True),
            Row("edgewise, a model and a new event", ours, ours.address, turns(asking_with_events()), asks_model=True),
            Row("edgewise over a Unix socket", ours, ours.uds, turns(decisions())),
        ]


def begin_visits(host: Host) -> None:
    """Send what visitors saw before."""
    seen = beginnings()
    # Few at once, so that none is shed: a visitor without a past is not asked about.
    begun = closed_loop(host.address, itertools.cycle(seen), connections=4, seconds=3.0).answers
    if begun["full"] < len(seen) or begun["shed"]:
        raise SystemExit(f"not all visits began: {dict(begun)}")


def model_runs(host: Host) -> int:
    """How often the host's models ran so far, by the ledgers of its workers."""
    ledgers = add_up(read_ledger(path) for path in ledger_files(host.data_dir / "run"))
    return sum(counts_of(numbers).runs for numbers in ledgers.values())


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a round of each takes (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in turn (%(default)s)")
    options = parser.parse_args()
    take_generator_core()
    with tempfile.TemporaryDirectory(prefix="edgewise-http-") as folder, rows(Path(folder)) as measured:
        for _ in range(options.rounds):
            for row in measured:
                row.measure(options.seconds)
        for row in measured:
            row.require_model()
        show_saturation(measured, options)
        ours = next(row for row in measured if row.name == "edgewise")
        show_latencies(ours, options.seconds)


def show_saturation(measured: list[Row], options: argparse.Namespace) -> None:
    """Show the throughput of each beside the stock no-op."""
    base = next(row for row in measured if row.name == BASE)
    console.print(f"{machine()}; {versions()}; {time.strftime('%Y-%m-%d', time.gmtime())}")
    rounds = f"{options.rounds} x {options.seconds:g} s"
    title = f"one core, closed loop of {CONNECTIONS} connections, median of {rounds} in turn"
    table = Table("served by", "requests/s", "CPU us", f"/ {BASE}", "not full", "foreign", title=title, box=MARKDOWN)
    for row in measured:
        # Rates are bounded by the generator's core too; processor time of the server is what it costs.
        ratio = statistics.median(base.cpus_us) / statistics.median(row.cpus_us)
        other = sum(count for kind, count in row.answers.items() if kind != "full")
        cpu, foreign = f"{statistics.median(row.cpus_us):.1f}", f"{statistics.median(row.foreign):.2f}"
        table.add_row(
            row.name, f"{row.rate:,.0f}", cpu, f"{row.rate / base.rate:.2f} ({ratio:.2f} by CPU)", str(other), foreign
        )
    console.print(table)


def show_latencies(row: Row, seconds: float) -> None:
    """Show latencies from planned send times at shares of saturation."""
    title = f"edgewise, open loop (Poisson) of {OPEN_CONNECTIONS} connections, latency from planned times"
    table = Table(
        "load", "offered/s", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "not full", "foreign", title=title, box=MARKDOWN
    )
    for share in SHARES:
        with Watch(row.host) as watch:
            outcome = open_loop(
                row.address,
                row.requests,
                rate=share * row.rate,
                seconds=2 * seconds,
                connections=OPEN_CONNECTIONS,
            )
        table.add_row(f"{share:.0%}", f"{share * row.rate:,.0f}", *latencies(outcome), f"{watch.foreign:.2f}")
    console.print(table)


def latencies(outcome: Outcome) -> list[str]:
    """Give the columns of one open loop."""
    cuts = percentiles_ms(outcome.latencies_ms)
    last = sorted(outcome.latencies_ms)[int(len(outcome.latencies_ms) * 0.999)]
    others = outcome.planned - outcome.answers["full"]
    return [*(f"{cuts[name]:.2f}" for name in ("p50", "p95", "p99")), f"{last:.2f}", str(others)]


if __name__ == "__main__":
    main()
