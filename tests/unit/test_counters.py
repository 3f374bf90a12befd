"""Counters: one file a worker, added up over all of them, dead ones too."""

import os
import signal
import subprocess
import sys

import pytest

from edgewise._core import Counters, sum_counters


def value(paths, name, **labels):
    (family,) = [family for family in sum_counters(paths) if family[0] == name]
    (sample,) = [value for given, value in family[3] if given == labels]
    return sample


def test_workers_add_up(tmp_path):
    paths = [tmp_path / f"worker-{number}.counters" for number in range(3)]
    for number, path in enumerate(paths):
        counters = Counters(path)
        counters.add_request("decide", 200)
        counters.add_request("decide", 304)
        counters.add_request("other", 404 + 100 * number)
        counters.add_decisions("SHED", 5)
    assert value(paths, "edgewise_requests_total", route="decide", status="2xx") == 6
    assert value(paths, "edgewise_requests_total", route="other", status="4xx") == 1
    assert value(paths, "edgewise_requests_total", route="other", status="5xx") == 2
    assert value(paths, "edgewise_decisions_total", reason="SHED") == 15


def test_a_histogram_is_cumulative(tmp_path):
    counters = Counters(tmp_path / "worker-0.counters")
    for seconds in (0.0001, 0.00025, 0.003, 60, -1):
        counters.observe("events", seconds)
    buckets, total = value([tmp_path / "worker-0.counters"], "edgewise_request_duration_seconds", route="events")
    assert buckets[0] == ("0.00025", 3)
    assert dict(buckets)["0.005"] == dict(buckets)["10.0"] == 4
    assert buckets[-1] == ("+Inf", 5)
    assert total == pytest.approx(60.00335)


def test_a_killed_worker_is_still_counted_and_goes_on(tmp_path):
    path = tmp_path / "worker-0.counters"
    count = "import sys, os\nfrom edgewise._core import Counters\nCounters(sys.argv[1]).add_request('state', 200)\n"
    for _ in range(3):
        killed = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", count + f"os.kill(os.getpid(), {signal.SIGKILL})", os.fspath(path)],
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
    assert value([path], "edgewise_requests_total", route="state", status="2xx") == 3


def test_a_missing_file_adds_nothing_and_an_unknown_name_is_refused(tmp_path):
    assert value([tmp_path / "none"], "edgewise_events_total", result="accepted") == 0
    counters = Counters(tmp_path / "worker-0.counters")
    with pytest.raises(ValueError, match="`home` is not a route"):
        counters.add_request("home", 200)
    with pytest.raises(ValueError, match="`state` is not a timed route"):
        counters.observe("state", 1)
    with pytest.raises(ValueError, match="`LUCK` is not a reason"):
        counters.add_decisions("LUCK", 1)
