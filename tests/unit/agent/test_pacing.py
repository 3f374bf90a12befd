"""When the store is asked again."""

import pytest

from edgewise.agent.pacing import BACKOFF_MAX_S, Pacing


def test_polls_are_spread_around_the_interval():
    draws = iter([0.0, 0.5, 1.0])
    pacing = Pacing(2.0, lambda: next(draws))
    assert [pacing.after_success() for _ in range(3)] == pytest.approx([1.6, 2.0, 2.4])


def test_failures_wait_longer_and_longer_and_one_answer_forgets_them():
    pacing = Pacing(1.0, lambda: 0.5)
    assert [pacing.after_failure() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, BACKOFF_MAX_S, BACKOFF_MAX_S]
    assert pacing.after_success() == 1.0
    assert pacing.after_failure() == 1.0


def test_no_pause_is_shorter_than_a_long_poll():
    pacing = Pacing(60.0, lambda: 0.5)
    assert [pacing.after_failure() for _ in range(3)] == [60.0, 60.0, 60.0]
    assert [Pacing(1.0, lambda: 0.5).after_failure() for _ in range(2000)][-1] == 1.0
