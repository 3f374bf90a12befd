"""When a node drops a candidate by itself."""

import pytest

from edgewise._core import Counters
from edgewise.agent.guard import breach
from edgewise.agent.measures import Meter
from edgewise.store import Measures
from edgewise.store.generation import Guardrails

FINE = Measures(decisions=1000, fallbacks=100, p95_ms=4.0)


@pytest.mark.parametrize(
    ("trial", "code"),
    [
        (FINE, None),
        (Measures(decisions=1000, errors=11), "errors"),
        (Measures(decisions=1000, errors=10), None),
        (Measures(decisions=30, errors=2), None),
        (Measures(decisions=29, errors=29), None),
        (Measures(decisions=100, fallbacks=16), "fallbacks"),
        (Measures(decisions=100, fallbacks=15), None),
        (Measures(decisions=1000, fallbacks=100, p95_ms=9.1), "p95"),
        (Measures(decisions=1000, fallbacks=100, p95_ms=8.9), None),
        (Measures(decisions=199, p95_ms=500.0), None),
    ],
)
def test_each_guardrail_has_its_bound(trial, code):
    found = breach(trial, FINE, Guardrails())
    assert (found and found[0]) == code


def test_slow_bundles_are_held_to_a_ratio_and_fast_ones_to_some_slack():
    slow = Measures(decisions=1000, p95_ms=100.0)
    assert breach(Measures(decisions=1000, p95_ms=149.0), slow, Guardrails()) is None
    assert breach(Measures(decisions=1000, p95_ms=151.0), slow, Guardrails()) is not None


def test_without_a_stable_side_only_errors_count():
    trial = Measures(decisions=1000, fallbacks=1000, p95_ms=500.0)
    assert breach(trial, Measures(), Guardrails()) is None
    assert breach(Measures(decisions=1000, errors=500), Measures(), Guardrails()) is not None


def test_a_plan_may_ask_for_more_before_anything_is_said():
    trial = Measures(decisions=400, errors=400)
    assert breach(trial, FINE, Guardrails(min_decisions=500)) is None


def mixed(split, capped):
    return Measures(decisions=split + capped, reasons={"SPLIT": split, "CAPPED": capped})


@pytest.mark.parametrize(
    ("trial", "code"),
    [
        (mixed(900, 100), None),
        (mixed(810, 190), None),
        (mixed(790, 210), "mix"),
        (mixed(300, 150), None),  # so few that it may be chance
    ],
)
def test_bundles_with_the_same_rules_mix_their_decisions_alike(trial, code):
    stable = mixed(8100, 900)
    found = breach(trial, stable, Guardrails(), alike_percent=10)
    assert (found and found[0]) == code
    assert breach(trial, stable, Guardrails()) is None, "with other rules they may mix as they will"


class Node:
    """Two lanes of one worker, metered as the agent does."""

    def __init__(self, folder):
        self.stable = Counters(folder / "worker-0.counters")
        self.trial = Counters(folder / "worker-0.trial.counters")
        self.meter = Meter(folder)

    def found(self, percent=10):
        stable, trial = self.meter.read("stable", "trial")
        broken = breach(trial, stable, Guardrails(), alike_percent=percent)
        return broken and broken[0]


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def decide(counters, split, capped):
    counters.add_decisions("SPLIT", split)
    counters.add_decisions("CAPPED", capped)


def test_what_stable_decided_before_the_trial_came_is_not_held_against_it(node):
    node.meter.read("stable", None)
    decide(node.stable, 50_000, 50_000)  # a week
    assert node.meter.read("stable", None)[0].decisions == 100_000
    assert node.found() is None
    decide(node.stable, 6_300, 2_700)  # this morning
    decide(node.trial, 700, 300)
    assert node.found() is None
    decide(node.trial, 0, 300)
    assert node.found() == "mix"


def test_requests_without_an_id_are_stables_alone_and_not_held_against_the_trial(node):
    node.found()
    decide(node.stable, 6_300, 2_700)  # of visitors
    decide(node.stable, 0, 9_000)  # of crawlers
    decide(node.trial, 700, 300)
    assert node.found() is None


def test_what_requests_without_an_id_cannot_explain_is_found_beside_them(node):
    node.found()
    decide(node.stable, 6_300, 11_700)
    decide(node.trial, 1_000, 0)
    assert node.found() == "mix"


def test_where_everybody_is_on_trial_there_is_no_mix_to_compare_with(node):
    node.found()
    decide(node.stable, 0, 9_000)
    decide(node.trial, 1_000, 0)
    assert node.found(percent=100) is None
