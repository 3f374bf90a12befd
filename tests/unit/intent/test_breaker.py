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
        breaker.failed(begun(breaker))
    return breaker


def begun(breaker: Breaker) -> int:
    """The ticket of a run that is let through."""
    ticket = breaker.allows()
    assert ticket is not None
    return ticket


def is_let_through(breaker: Breaker) -> bool:
    return breaker.allows() is not None


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = broken(Clock())
    assert (breaker.state, breaker.openings) == ("open", 1)
    assert not is_let_through(breaker)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock(), failures_max=3)
    for _ in range(10):
        breaker.failed(begun(breaker))
        breaker.failed(begun(breaker))
        breaker.succeeded(begun(breaker))
    assert (breaker.state, breaker.openings) == ("closed", 0)


def test_after_a_while_one_run_is_let_through_and_no_more() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 29.9
    assert not is_let_through(breaker)
    clock.now += 0.1
    assert breaker.state == "half_open"
    assert [is_let_through(breaker) for _ in range(3)] == [True, False, False]


def test_its_success_closes_the_breaker() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    breaker.succeeded(begun(breaker))
    assert breaker.state == "closed"
    assert [is_let_through(breaker) for _ in range(3)] == [True, True, True]


def test_its_failure_opens_it_for_as_long_again() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    breaker.failed(begun(breaker))
    assert (breaker.state, breaker.openings) == ("open", 2)
    clock.now += 29
    assert not is_let_through(breaker)
    clock.now += 1
    assert is_let_through(breaker)


def test_runs_that_began_before_it_opened_neither_open_it_again_nor_close_it() -> None:
    clock = Clock()
    breaker = Breaker(clock, failures_max=3, rest_s=30)
    late = [begun(breaker) for _ in range(5)]
    assert [breaker.failed(ticket) for ticket in late[:4]] == [False, False, True, False]
    breaker.succeeded(late[4])
    assert (breaker.state, breaker.openings) == ("open", 1)
    clock.now += 30
    trying = begun(breaker)
    breaker.failed(late[0])
    breaker.succeeded(late[1])
    assert not is_let_through(breaker), "only the run that is let through says how it goes on"
    breaker.succeeded(trying)
    breaker.failed(late[2])
    assert (breaker.state, breaker.openings) == ("closed", 1)


def test_of_many_threads_one_is_let_through() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 30
    allowed: list[bool] = []
    threads = [threading.Thread(target=lambda: allowed.append(is_let_through(breaker))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 15 + [True]
