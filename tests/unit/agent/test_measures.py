"""Counters of workers as the measures of bundles."""

import pytest

from edgewise._core import Counters
from edgewise.agent.measures import Meter, Tally
from edgewise.store import Measures


def test_what_was_counted_before_a_bundle_came_is_not_its_own(tmp_path):
    worker = Counters(tmp_path / "worker-0.counters")
    other = Counters(tmp_path / "worker-1.counters")
    meter = Meter(tmp_path)
    worker.add_decisions("FALLBACK", 7)
    assert meter.read("a", None) == (Measures(), None)
    worker.add_decisions("FALLBACK", 2)
    other.add_decisions("ERROR", 1)
    other.add_request("decide", 500)
    other.add_request("events", 500)
    stable, trial = meter.read("a", None)
    assert (stable.decisions, stable.fallbacks, stable.errors, trial) == (3, 2, 2, None)
    assert stable.reasons == {"FALLBACK": 2, "ERROR": 1}
    assert meter.read("b", None) == (Measures(), None)


def test_the_bundle_on_trial_is_counted_apart(tmp_path):
    Counters(tmp_path / "worker-0.counters")
    tried = Counters(tmp_path / "worker-0.trial.counters")
    meter = Meter(tmp_path)
    meter.read("a", "b")
    tried.add_decisions("SPLIT", 5)
    stable, trial = meter.read("a", "b")
    assert (stable.decisions, trial.decisions) == (0, 5)


def test_quantiles_lie_within_the_bucket_that_holds_them(tmp_path):
    worker = Counters(tmp_path / "worker-0.counters")
    for _ in range(90):
        worker.observe("decide", 0.0009)
    for _ in range(10):
        worker.observe("decide", 0.040)
    measures = Tally.read([tmp_path / "worker-0.counters"]).measures()
    assert measures.p50_ms <= 1.0
    assert 10 <= measures.p95_ms <= 100
    assert measures.p95_ms < measures.p99_ms


def test_a_counters_file_that_was_started_anew_takes_nothing_away(tmp_path):
    before = Tally({"SPLIT": 50}, 3, ((0.1, 5), (float("inf"), 6)))
    after = Tally({"SPLIT": 2}, 0, ((0.1, 1), (float("inf"), 1)))
    assert after.since(before).measures().decisions == 0


@pytest.mark.parametrize("buckets", [(), ((0.1, 0), (float("inf"), 0))])
def test_nothing_timed_has_no_quantiles(buckets):
    assert Tally(buckets=buckets).measures().p95_ms == 0.0


def test_beyond_the_last_bound_the_bound_is_said():
    assert Tally(buckets=((0.1, 0), (2.0, 0), (float("inf"), 9))).measures().p50_ms == 2000.0
