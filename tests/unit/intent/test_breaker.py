"""The breaker: closed, open, half open; time is told to it."""

import threading

from edgewise.intent import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock, failures_max=3, rest_s=30)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = broken(Clock())
    assert (breaker.state, breaker.openings) == ("open", 1)
    assert not breaker.allows()


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock(), failures_max=3)
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert (breaker.state, breaker.openings) == ("closed", 0)


def test_after_a_while_one_run_is_let_through_and_no_more() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 29.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.state == "half_open"
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_its_success_closes_the_breaker() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.state == "closed"
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_its_failure_opens_it_for_as_long_again() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    assert breaker.allows()
    breaker.failed()
    assert (breaker.state, breaker.openings) == ("open", 2)
    clock.now += 29
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()


def test_of_many_threads_one_is_let_through() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    allowed: list[bool] = []
    threads = [threading.Thread(target=lambda: allowed.append(breaker.allows())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 15 + [True]
