"""What one process of a load run knows, and what all of them add up to. Asks no node anything."""

import secrets
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, Runner
from locust.stats import RequestStats, StatsEntry

from gates import Endpoint, Figures
from pace import Pace
from shapes import DEFAULTS, Shape
from visits import Visit
from visitsource import CLICKS, SESSIONS, name_sources, read_sources

HERE = Path(__file__).resolve().parent


def add_options(parser: LocustArgumentParser, **_: object) -> None:
    """Declare our options; each can be set by an environment variable as well, and reaches the workers."""
    group = parser.add_argument_group("edgewise")

    def add(name: str, kind: type, default: object, text: str, **more: object) -> None:
        variable = f"EDGEWISE_LOAD_{name.upper().replace('-', '_')}"
        group.add_argument(f"--{name}", type=kind, default=default, env_var=variable, help=text, **more)

    add("shape", str, "smoke", "smoke, step, spike or soak; -u and -t size it", choices=sorted(DEFAULTS))
    add("speedup", float, 60.0, "how many times faster than in life pages follow each other")
    add("sessions", str, str(SESSIONS), "OTTO sessions, one JSON object a line")
    add("clicks", str, str(CLICKS), "clickstream of the clothing shop, CSV")
    add("visits", int, 2000, "visits a source at most")
    add("seed", int, 1, "of all that is drawn")
    add("thresholds", str, str(HERE / "thresholds.toml"), "limits that the run must keep to")
    add("verdict", str, "", "file to write the verdict to, as JSON")
    add("token-file", str, "", "file with a bearer token (scopes decide, events)")


class Run:
    """The visits, the account of what was due, and who was heard of; empty until the run begins."""

    def __init__(self) -> None:
        self.options = Namespace()
        self.runner: Runner | None = None
        self.sources: list[Sequence[Visit]] = []
        self.pace = Pace()
        self.headers: dict[str, str] = {}
        self.key = ""
        self.heard: set[str] = set()

    def begin(self, options: Namespace, runner: Runner | None) -> None:
        """Start anew; a master generates no load and reads no visits."""
        self.options, self.runner, self.pace = options, runner, Pace()
        self.heard.clear()
        self.key = secrets.token_hex(4)
        self.headers = {"Content-Type": "application/json"}
        if options.token_file:
            self.headers["Authorization"] = f"Bearer {Path(options.token_file).read_text(encoding='utf-8').strip()}"
        if not isinstance(runner, MasterRunner) and not self.sources:
            self.sources = read_sources(Path(options.sessions), Path(options.clicks), options.seed, options.visits)

    @property
    def is_over(self) -> bool:
        """Whether this process has no visitors, now."""
        return self.runner is not None and self.runner.user_count == 0

    @property
    def expected(self) -> int:
        """How many workers have to be heard; none where there is no master."""
        return int(self.options.expect_workers) if isinstance(self.runner, MasterRunner) else 0


def figures_of(run: Run, environment: Environment, plan: Shape, seconds: float) -> Figures:
    """Gather what all processes did."""
    stats, runner = environment.stats, environment.runner
    errors = sorted((one.occurrences, f"{one.method} {one.name}: {one.error}") for one in stats.errors.values())
    return Figures(
        shape=plan.name,
        users=plan.users,
        seconds=seconds,
        endpoints={f"{one.method} {one.name}": _endpoint(one) for one in _by_name(stats)},
        due=run.pace.due,
        answered=run.pace.answered,
        degraded=run.pace.degraded,
        decisions=dict(run.pace.decisions.most_common()),
        pages={"p95_ms": run.pace.percentile_ms(0.95), "p99_ms": run.pace.percentile_ms(0.99)},
        visitor_minutes=plan.visitor_seconds(seconds) * run.options.speedup / 60,
        generators=run.expected or 1,
        generators_heard=len(run.heard) if run.expected else 1,
        exceptions=sum(int(one["count"]) for one in runner.exceptions.values()) if runner else 0,
        errors=tuple(reversed(errors)),
        notes=tuple(_notes(run, runner)),
    )


def _by_name(stats: RequestStats) -> list[StatsEntry]:
    return sorted(stats.entries.values(), key=lambda one: (one.name, one.method))


def _endpoint(entry: StatsEntry) -> Endpoint:
    p50, p95, p99 = (float(entry.get_response_time_percentile(share) or 0) for share in (0.5, 0.95, 0.99))
    return Endpoint(entry.num_requests, entry.num_failures, p50, p95, p99)


def _notes(run: Run, runner: Runner | None) -> Iterator[str]:
    yield name_sources(Path(run.options.sessions), Path(run.options.clicks))
    if getattr(runner, "cpu_warning_emitted", False) or getattr(runner, "worker_cpu_warning_emitted", False):
        yield "a load generator ran out of processor: its latencies are its own, use more --processes or fewer visitors"
