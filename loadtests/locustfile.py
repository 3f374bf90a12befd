"""Locust: whole journeys of real visits against a node, in the shape that is asked for, judged by thresholds.toml.

    locust -f loadtests/locustfile.py --headless --host http://127.0.0.1:8787 --processes 2 --shape step --csv out/run

Exits with 3 when a gate does not hold. Wires locust to the modules beside it: what a journey is, which answers are
right and which limits hold is decided there.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from locust import FastHttpUser, LoadTestShape, events, runners, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

import checks
import messages
from gates import GATE_FAILED, as_document, conclusion, in_words, judge, read_thresholds
from journeys import Journey, Page, Site, journeys
from pace import GRACE_S
from run import Run, add_options, figures_of
from shapes import Shape, shape

BUDGET_MS = 50
TIMEOUT_S = 10.0
DEFAULTS_TRIES, DEFAULTS_RETRY_S = 5, 0.5
DRAIN_MAX_S = 2 * TIMEOUT_S
OVERDUE_PAGES_MAX = 10_000
UNTOLD_EVENTS_MAX = 1000

Found = TypeVar("Found")
RUN = Run()
# A machine that stalls for seconds is to be seen in the figures; locust by itself replaces workers it does not hear.
runners.HEARTBEAT_LIVENESS = 15
events.init_command_line_parser.add_listener(add_options)


class JourneyUser(FastHttpUser):
    """One visitor after another. A page is due when the visit says so, whenever the one before was answered."""

    host = "http://127.0.0.1:8787"
    connection_timeout = TIMEOUT_S
    network_timeout = TIMEOUT_S
    numbers = count()
    current: tuple[Journey, int, Page] | None = None

    def on_start(self) -> None:
        """Learn what the node decides, then wait for the first page to be due."""
        self.told, self.answered = checks.Visitor(), 0
        self.untold: list[dict[str, Any]] = []
        place = f"{getattr(self.environment.runner, 'worker_index', 0)}-{next(self.numbers)}"
        random = Random(f"{RUN.options.seed}-{place}")
        ways = journeys(random, RUN.sources, self._meet(), f"{RUN.key}-{place}")
        self.pages = ((way, number, page) for way in ways for number, page in enumerate(way.pages))
        self.due = time.perf_counter()
        self._turn()
        self.wait()

    def on_stop(self) -> None:
        """Own up to the pages that were due and never asked for."""
        for _ in range(OVERDUE_PAGES_MAX):
            if self.current is None or not self._is_overdue():
                return
            RUN.pace.page(self.current[2].requests, 0)
            self._turn()

    def wait_time(self) -> float:
        """Wait until the next page is due; not at all when it is late."""
        return max(0.0, self.due - time.perf_counter())

    @task
    def page(self) -> None:
        """View the page that is due; a wrong answer ends it, and counts as a failure."""
        if self.current is None:
            return
        way, number, page = self.current
        self.answered, is_through = 0, False
        try:
            with suppress(checks.Wrong):
                self._view(way, number, page)
            is_through = True
        finally:  # whom the end of the run cuts off in time owes nothing
            is_owed = is_through or self._is_overdue()
            RUN.pace.page(page.requests if is_owed else self.answered, self.answered)
            self._turn()

    def _view(self, way: Journey, number: int, page: Page) -> None:
        decisions: Mapping[str, dict[str, Any]] = {}
        if number == 0:
            self.told.begin()
        if page.is_sent_ahead:
            self._tell(messages.ahead(way, page, number))
        if page.points:
            asked, told = messages.decide(way, page, number), self.told
            headers = {"X-Edgewise-Budget-Ms": str(BUDGET_MS)} | ({"Sec-GPC": "1"} if way.gpc else {})
            decided = self._ask("/v1/decide", asked, partial(checks.decisions, asked=asked, visitor=told), headers)
            decisions = decided.decisions
            RUN.pace.decided(time.perf_counter() - self.due, decisions)
            if decided.is_degraded:
                self._put_off([] if page.is_sent_ahead else messages.ahead(way, page, number))
        if said := messages.report(way, page, number, decisions):
            self._tell(said)

    def _tell(self, said: list[dict[str, Any]]) -> None:
        """Tell what happened, and before it what the node could not take earlier."""
        told, self.untold = [*self.untold, *said], []
        try:
            self._ask("/v1/events", told, partial(checks.events, sent=len(told)))
        except checks.Refused:
            self._put_off(told)

    def _put_off(self, said: list[dict[str, Any]]) -> None:
        RUN.pace.degraded += 1
        self.untold = [*self.untold, *said][-UNTOLD_EVENTS_MAX:]

    def _meet(self) -> Site:
        for _ in range(DEFAULTS_TRIES):
            with suppress(checks.Wrong):
                defaults = self._ask("/v1/defaults", None, checks.defaults)
                self.told.learn(defaults)
                return Site.of(defaults)
            time.sleep(DEFAULTS_RETRY_S)  # locust has made it yield to the other visitors
        raise StopUser

    def _ask(
        self,
        path: str,
        body: object,
        check: Callable[[int, dict[str, str], bytes], Found],
        headers: dict[str, str] | None = None,
    ) -> Found:
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        sent = {**RUN.headers, **(headers or {})}
        with self.client.request(method, path, data=data, headers=sent, catch_response=True) as answer:
            self.answered += int(answer.status_code > 0)
            got = {name.lower(): str(value) for name, value in (answer.headers or {}).items()}
            try:
                found = check(answer.status_code, got, answer.content or b"")
            except checks.Wrong as wrong:
                answer.failure(str(wrong) if answer.status_code else f"no answer: {type(answer.error).__name__}")
                raise
            except checks.Refused:
                answer.success()
                raise
            answer.success()
        return found

    def _turn(self) -> None:
        self.current = next(self.pages)
        self.due += self.current[2].pause_s / RUN.options.speedup

    def _is_overdue(self) -> bool:
        return self.due < time.perf_counter() - GRACE_S


class JourneyShape(LoadTestShape):
    """As many visitors as the shape of `--shape` says, and at its end time for all of them to finish their page."""

    use_common_options = True
    plan = Shape("smoke", 1, 1.0)
    ran_s = 0.0
    is_draining = False

    def tick(self) -> tuple[int, float] | None:
        """Tell how many visitors there should be now."""
        at_s: float = self.get_run_time()
        users = self.plan.users_at(at_s)
        if not self.is_draining:
            self.ran_s, self.is_draining = at_s, users is None
            RUN.heard.clear()
        if users is not None:
            return users, self.plan.spawn_rate
        return None if self._is_drained() or at_s > self.ran_s + DRAIN_MAX_S else (0, float(self.plan.users))

    def _is_drained(self) -> bool:
        """Wait for the last report of each worker: locust gives them half a second, too little on a busy machine."""
        if isinstance(self.runner, MasterRunner):
            return len(RUN.heard) >= RUN.expected
        return self.runner is None or self.runner.user_count == 0


@events.init.add_listener
def prepare(environment: Environment, **_: object) -> None:
    """Size the shape before locust fills in a single visitor; refuse thresholds that cannot be used before the run."""
    options: Any = environment.parsed_options
    read_thresholds(Path(options.thresholds), options.shape)
    if isinstance(environment.shape_class, JourneyShape):
        environment.shape_class.plan = shape(options.shape, options.num_users, options.run_time)


@events.test_start.add_listener
def begin(environment: Environment, **_: object) -> None:
    """Begin a run; a master generates no load."""
    options: Any = environment.parsed_options
    RUN.begin(options, environment.runner)


@events.report_to_master.add_listener
def report(data: dict[str, Any], **_: object) -> None:
    """Send along with locust's own figures what was due here."""
    data["pace"], data["is_over"] = RUN.pace.take(), RUN.is_over


@events.worker_report.add_listener
def hear(client_id: str, data: dict[str, Any], **_: object) -> None:
    """Add up what a worker reports; at the end, who has no visitors any more has said everything."""
    RUN.pace.add(data["pace"])
    if data["is_over"]:
        RUN.heard.add(client_id)


@events.quitting.add_listener
def conclude(environment: Environment, **_: object) -> None:
    """Judge the run, once: workers know only their part and leave that to the master."""
    if isinstance(environment.runner, WorkerRunner) or not isinstance(environment.shape_class, JourneyShape):
        return
    options: Any = environment.parsed_options
    shaped = environment.shape_class
    figures = figures_of(RUN, environment, shaped.plan, shaped.ran_s)
    found = judge(figures, read_thresholds(Path(options.thresholds), options.shape))
    print(*in_words(figures), *conclusion(found), sep="\n", flush=True)
    if options.verdict:
        Path(options.verdict).parent.mkdir(parents=True, exist_ok=True)
        Path(options.verdict).write_text(json.dumps(as_document(figures, found), indent=1) + "\n", encoding="utf-8")
    environment.process_exit_code = 0 if all(gate.holds for gate in found) else GATE_FAILED
