"""When a node drops a candidate by itself."""

import pytest

from edgewise.agent.guard import breach
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
    stable = mixed(9000, 1000)
    found = breach(trial, stable, Guardrails(), decides_alike=True)
    assert (found and found[0]) == code
    assert breach(trial, stable, Guardrails()) is None, "with other rules they may mix as they will"
