"""A clock that is set while a node serves is shown, until it is set back or an hour has passed."""

import pytest

from edgewise.edge.setclock import SHOWN_S, STEP_S, SetClock, ahead_of_boot_s


@pytest.mark.parametrize("by_s", [7200, -86400, STEP_S + 1])
def test_a_clock_that_is_set_is_shown_until_it_is_set_back(by_s):
    clock = SetClock(1000.0)
    clock.check(1000.0 + by_s, 1.0)
    assert clock.is_degraded
    clock.check(1000.5, 2.0)
    assert not clock.is_degraded


def test_a_clock_that_is_trimmed_is_not():
    clock = SetClock(1000.0)
    clock.check(1000.0 + STEP_S, 1.0)
    assert not clock.is_degraded


def test_a_clock_that_stays_where_it_was_put_is_right_after_an_hour():
    clock = SetClock(0.0)
    for now_s in (0.0, 1.0, SHOWN_S):
        clock.check(7200.0, now_s)
        assert clock.is_degraded
    clock.check(7200.0, SHOWN_S + 1)
    assert not clock.is_degraded
    clock.check(7200.0, SHOWN_S + 2)
    assert not clock.is_degraded
    clock.check(0.0, SHOWN_S + 3)
    assert clock.is_degraded


def test_this_machine_agrees_with_itself():
    clock = SetClock(ahead_of_boot_s())
    clock.check(ahead_of_boot_s(), 0.0)
    assert not clock.is_degraded
