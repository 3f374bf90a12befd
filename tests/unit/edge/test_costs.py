"""What requests cost lately: averages that follow the clock, and what single surprises may do to them."""

import pytest

from edgewise.edge.costs import KIB, SURPRISE, Cost


def test_a_cost_follows_what_requests_take_but_no_single_surprise():
    cost = Cost(0.000_02)
    for _ in range(200):
        cost.learn(0, 0.000_5)
    assert cost.of(0) == pytest.approx(0.000_5, rel=0.01)
    cost.learn(0, 60.0)
    assert cost.of(0) < 0.000_6


def test_by_size_a_cost_is_in_proportion():
    cost = Cost(0.000_01, is_by_size=True)
    for _ in range(200):
        cost.learn(32 * KIB, 0.000_8)
    assert cost.of(32 * KIB) == pytest.approx(0.000_8, rel=0.01)
    assert cost.of(320 * KIB) == pytest.approx(0.008, rel=0.01)


def test_small_requests_that_are_dear_for_their_size_do_not_make_large_ones_dear():
    cost = Cost(0.000_02, is_by_size=True)
    for _ in range(200):
        cost.learn(100 * KIB, 0.002)
        cost.learn(100, 0.000_05)
    assert cost.of(100 * KIB) == pytest.approx(0.002, rel=0.1)


def test_an_average_gets_from_anything_to_anything_in_a_hundred_requests():
    cost = Cost(0.000_01, is_by_size=True)
    for _ in range(100):
        cost.learn(KIB, 0.001)
    assert cost.of(KIB) > 0.000_9
    for _ in range(100):
        cost.learn(KIB, 0.000_01)
    assert cost.of(KIB) < 0.000_02 * SURPRISE
