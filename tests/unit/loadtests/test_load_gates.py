"""Gates of a load run: each limit lets a good run pass and stops a bad one, and a misspelt limit is refused."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gates import (
    Endpoint,
    Figures,
    ThresholdError,
    Thresholds,
    as_document,
    conclusion,
    gates_of,
    in_words,
    judge,
    read_thresholds,
)
from memory import MemoryWatch, growth, own_mib
from modelcounts import ModelCounts
from pace import Pace
from shapes import DEFAULTS, shape

ROOT = Path(__file__).parents[3]
DECIDE = "POST /v1/decide"
GOOD = Figures(
    shape="smoke",
    users=10,
    seconds=60.0,
    endpoints={DECIDE: Endpoint(1000, 0, 1.0, 5.0, 9.0)},
    due=1000,
    answered=995,
    degraded=0,
    pages={"p95_ms": 6.0, "p99_ms": 12.0},
    visitor_minutes=600.0,
    decisions={"FALLBACK": 900, "SPLIT of in-store-return": 100},
    generators=2,
    generators_heard=2,
)
LIMITS = Thresholds(
    {
        "requests_per_visitor_minute_min": 0.5,
        "failure_ratio_max": 0.0,
        "degraded_ratio_max": 0.02,
        "achieved_ratio_min": 0.98,
        "page_p95_ms": 250,
    },
    {DECIDE: {"p95_ms": 100, "p99_ms": 300}},
    {},
    {},
)


def failing(figures: Figures, limits: Thresholds = LIMITS) -> list[str]:
    return [gate.name for gate in judge(figures, limits) if not gate.holds]


def with_endpoint(**changes: float) -> Figures:
    return replace(GOOD, endpoints={DECIDE: replace(GOOD.endpoints[DECIDE], **changes)})


def test_a_good_run_passes_every_gate() -> None:
    assert failing(GOOD) == []
    assert conclusion(judge(GOOD, LIMITS))[-1] == "PASSED: all 11 gates"


@pytest.mark.parametrize(
    ("figures", "gate"),
    [
        (with_endpoint(requests=299), "requests per visitor minute"),
        (with_endpoint(failures=1), "failure ratio"),
        (with_endpoint(p95_ms=100.0), f"{DECIDE} p95_ms"),
        (with_endpoint(p99_ms=301.0), f"{DECIDE} p99_ms"),
        (with_endpoint(p99_ms=float("nan")), f"{DECIDE} p99_ms"),
        (replace(GOOD, degraded=21), "degraded ratio"),
        (replace(GOOD, answered=979), "achieved of planned rate"),
        (replace(GOOD, pages={"p95_ms": 250.0, "p99_ms": 300.0}), "pages p95_ms"),
        (replace(GOOD, generators_heard=1), "load generators heard to the end"),
        (replace(GOOD, exceptions=1), "exceptions in journeys"),
    ],
)
def test_each_fault_is_stopped_by_its_own_gate(figures: Figures, gate: str) -> None:
    assert failing(figures) == [gate]
    assert f"GATE {gate}" in "\n".join(conclusion(judge(figures, LIMITS)))


def test_an_endpoint_nobody_asked_does_not_pass() -> None:
    assert failing(replace(GOOD, endpoints={"POST /v1/events": GOOD.endpoints[DECIDE]})) == [f"{DECIDE} requests"]


def test_a_run_without_a_single_request_fails() -> None:
    nothing = replace(GOOD, endpoints={}, due=0, answered=0)

    assert {"requests", "failure ratio", "achieved of planned rate"} <= set(failing(nothing))


def test_a_verdict_can_be_read_back() -> None:
    bad = replace(GOOD, answered=500, errors=((3, "POST /v1/decide: no JSON"),), notes=("made up",))
    document = as_document(bad, judge(bad, LIMITS))

    assert gates_of(document) == judge(bad, LIMITS)
    assert not document["passed"]
    assert document["words"] == in_words(bad)
    assert "  3 x POST /v1/decide: no JSON" in document["words"]
    assert "  decided: 900 FALLBACK, 100 SPLIT of in-store-return" in document["words"]
    assert "  planned 16.7 requests/s, achieved 8.3 (50.00%)" in document["words"]


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_the_shipped_thresholds_demand_what_is_promised(name: str) -> None:
    limits = read_thresholds(ROOT / "loadtests/thresholds.toml", name)

    assert limits.endpoints[DECIDE]["p95_ms"] == 100
    assert limits.run["failure_ratio_max"] == 0
    assert limits.run["achieved_ratio_min"] >= 0.98
    assert limits.models["runs_min"] >= 1
    assert bool(limits.memory) == (name == "soak")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nfailure_ratio = 0.1", "unknown field `failure_ratio` - at `$.run`"),
        ('[endpoints."POST /v1/decide"]\np90_ms = 1', "unknown field `p90_ms` - at `$.endpoints"),
        ("[shapes.spike.run]\np95_ms = 1", "unknown field `p95_ms` - at `$.shapes"),
        ("[shapes.spikes.run]\nfailure_ratio_max = 0", "`spikes` is no shape"),
        ("[runs]\nfailure_ratio_max = 0", "unknown field `runs`"),
        ('[run]\nfailure_ratio_max = "0"', "`$.run.failure_ratio_max`"),
        ("[run]\nfailure_ratio_max = false", "`$.run.failure_ratio_max`"),
        ("[run]\npage_p95_ms = inf", "`$.run.page_p95_ms`"),
        ("[run]\npage_p95_ms = nan", "`$.run.page_p95_ms`"),
        ("[run\n", "thresholds.toml"),
        ("run = 3", "`$.run`"),
    ],
)
def test_a_limit_that_nobody_looks_at_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(text)

    with pytest.raises(ThresholdError, match=r".*") as refused:
        read_thresholds(path, "smoke")
    assert message in str(refused.value)


def test_a_shape_may_have_single_limits_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text("[run]\nfailure_ratio_max = 0\npage_p95_ms = 100\n[shapes.spike.run]\npage_p95_ms = 900\n")

    assert read_thresholds(path, "smoke").run == {"failure_ratio_max": 0, "page_p95_ms": 100}
    assert read_thresholds(path, "spike").run == {"failure_ratio_max": 0, "page_p95_ms": 900}


def test_shapes_are_as_wide_as_they_are_said_to_be() -> None:
    step, spike, soak = (shape(name, 100, 100.0) for name in ("step", "spike", "soak"))

    assert [step.users_at(at) for at in (0, 20, 50, 99)] == [20, 40, 60, 100]
    assert [spike.users_at(at) for at in (0, 39, 40, 59, 60, 99)] == [20, 20, 100, 100, 20, 20]
    assert [soak.users_at(at) for at in (0, 99.9, 100)] == [100, 100, None]
    assert shape("soak").seconds == 1800
    assert step.visitor_seconds(100.0) == pytest.approx(6000)
    assert spike.visitor_seconds(50.0) == pytest.approx(1800)


def test_what_was_due_and_never_asked_counts_against_the_rate() -> None:
    pace = Pace()
    pace.page(2, 2)
    pace.page(3, 0)

    assert (pace.due, pace.answered) == (5, 2)


def test_accounts_of_processes_add_up_and_are_given_once() -> None:
    one, two, total = Pace(), Pace(), Pace()
    for pace, times in ((one, (0.001, 0.002, 0.0996)), (two, (0.12, 30.0, 0.003))):
        for after_s in times:
            pace.page(2, 2)
            pace.decided(after_s, {"a": {"reason": "SPLIT", "scenario": "s"}, "b": {"reason": "FALLBACK"}})
    two.degraded = 1
    for pace in (one, two, one, two):
        total.add(pace.take())

    assert (total.due, total.answered, total.degraded, total.pages_ms.total()) == (12, 12, 1, 6)
    assert total.decisions == {"SPLIT of s": 6, "FALLBACK": 6}
    assert total.percentile_ms(0.5) == 3
    assert total.percentile_ms(0.99) == 30_000


def test_percentiles_of_nothing_are_nothing() -> None:
    assert Pace().percentile_ms(0.95) == 0


def test_growth_is_measured_once_warm() -> None:
    warming = [(minute / 4, 30.0 + min(minute, 10)) for minute in range(40)]
    leaking = [(minute / 4, 30.0 + minute) for minute in range(40)]

    assert growth(warming) == pytest.approx(0.0)
    assert growth(leaking) == pytest.approx(4.0)
    assert growth(leaking[:5]) == 0.0


def test_a_worker_that_leaks_or_dies_fails_its_gate() -> None:
    nobody_listens = "http://127.0.0.1:1"
    watch = MemoryWatch(nobody_listens, workers={7: [(at / 60, 20.0 + at / 10) for at in range(120)], 8: [(0.0, 20.0)]})

    lived, grew = watch.gates({"growth_mib_per_minute_max": 1.0})

    assert (lived.value, lived.limit, lived.holds) == (0, 2, False)
    assert (grew.value, grew.holds) == (pytest.approx(6.0), False)


def model(runs: int, state: str = "ready") -> dict[str, Any]:
    skipped = {"absent": 0 if runs else 40, "budget": 0}
    return {"state": state, "counts": {"runs": runs, "rows": runs, "failures": 0, "skipped": skipped}}


@pytest.mark.parametrize(
    ("models", "failed"),
    [
        ({}, []),
        ({"intent": model(7)}, []),
        ({"intent": model(0)}, ["model intent runs"]),
        ({"intent": model(7, "refused")}, ["model intent ready"]),
        ({"intent": model(7), "other": model(0, "refused")}, ["model other ready", "model other runs"]),
    ],
)
def test_a_model_that_is_absent_or_never_asked_fails_its_gate(models: dict[str, Any], failed: list[str]) -> None:
    gates = ModelCounts(models).gates({"runs_min": 1})

    assert [gate.name for gate in gates if not gate.holds] == failed
    assert len(gates) == 2 * len(models)


def test_models_of_a_node_that_does_not_answer_fail_and_are_told() -> None:
    counts = ModelCounts.of("http://127.0.0.1:1")

    assert [gate.holds for gate in counts.gates({})] == [False]
    assert "the node does not answer" in counts.in_words()[0]
    assert ModelCounts({"m": model(0, "refused")}).in_words() == [
        "  model m (refused): 0 runs of 0 rows, 0 failed; skipped 40 absent"
    ]


def test_memory_of_a_process_is_its_own() -> None:
    before = own_mib(os.getpid())
    held = bytearray(os.urandom(8 << 20))
    after = own_mib(os.getpid())

    assert before is not None
    assert after is not None
    assert after - before > 6
    assert len(held) == 8 << 20
    assert own_mib(1 << 30) is None
