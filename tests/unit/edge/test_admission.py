"""The budget of what goes the application's way: who is let in, what is given back. And what waits aside."""

import asyncio
import time

import pytest

from edgewise.edge import admission
from edgewise.edge.admission import CROWD, INLINE_MAX_S, Admission
from edgewise.edge.aside import PENDING_MAX, THREADS, Aside
from edgewise.edge.costs import KIB, Cost
from edgewise.edge.problem import ProblemError
from edgewise.edge.round import BUDGET_S


def let_in(budget, route="events", most=1000):
    """Let in as many as there is time for."""
    tickets = []
    while len(tickets) < most and (ticket := budget.admit(route, 0)) is not None:
        tickets.append(ticket)
    return tickets


def test_as_many_are_let_in_as_there_is_time_for():
    budget = Admission(is_on=True)
    each_s = budget.costs.aside.each_s + budget.costs.server.each_s
    tickets = let_in(budget)
    assert len(tickets) == int(BUDGET_S / each_s)
    assert budget.is_full("events", 0)
    assert budget.account().level == 0
    tickets[0].give_back(None)
    assert not budget.is_full("events", 0)
    assert len(let_in(budget)) == 1


def test_one_is_always_let_in_however_dear():
    budget = Admission(is_on=True)
    budget.costs.aside = Cost(10 * BUDGET_S)
    assert len(let_in(budget)) == 1


def test_a_ticket_is_given_back_once():
    budget = Admission(is_on=True)
    first, _ = let_in(budget, most=2)
    first.give_back(None)
    first.give_back(None)
    assert budget.waiting == 1


def test_whatever_was_charged_everything_is_there_again_once_nothing_waits():
    budget = Admission(is_on=True)
    for took_s in (0.000_01, 0.000_7, 0.000_033):
        for ticket in let_in(budget):
            ticket.give_back(took_s)
    budget.account()
    assert budget.account().level == 1


def test_only_batches_that_take_long_and_events_work_aside():
    budget = Admission(is_on=True)
    assert budget.is_inline("decide", 256 * KIB)
    assert not budget.is_inline("events", 1)
    budget.costs.full["decide_batch"] = Cost(INLINE_MAX_S / 100, is_by_size=True)
    assert budget.is_inline("decide_batch", 99 * KIB)
    assert not budget.is_inline("decide_batch", 101 * KIB)


def test_the_level_is_that_of_the_worst_since_it_was_last_asked():
    budget = Admission(is_on=True)
    budget.end_round(0.25)
    budget.end_round(0.75)
    budget.end_round(0.5)
    assert budget.account().level == 0.25
    assert budget.account().level == 1
    budget.end_round(1.7)
    assert budget.account().level == 0


def test_switched_off_it_lets_everything_in():
    budget = Admission(is_on=False)
    assert len(let_in(budget)) == 1000
    assert not budget.is_full("events", 0)


def test_a_ticket_is_late_only_in_a_crowd(monkeypatch):
    monkeypatch.setattr(admission, "AGE_MAX_S", -1.0)
    budget = Admission(is_on=True)
    alone = budget.admit("events", 0)
    assert not alone.is_late()
    others = let_in(budget, most=CROWD)
    assert alone.is_late()
    others[0].give_back(None)
    others[1].give_back(None)
    assert not alone.is_late()


def slow():
    time.sleep(0.05)
    return b"done"


def test_what_waits_aside_is_bounded_in_time():
    async def crowd():
        aside = Aside("test", wait_max_s=0.020)
        for _ in range(10):
            await aside.run(slow)  # so that it knows how long such calls take
        calls = []
        while not aside.is_full:
            calls.append(asyncio.create_task(aside.run(slow)))
            await asyncio.sleep(0)
        answers = await asyncio.gather(*calls)
        was_full_for = len(answers)
        is_full_after = aside.is_full
        aside.close()
        return was_full_for, is_full_after

    waiting, is_full_after = asyncio.run(crowd())
    assert THREADS <= waiting <= THREADS + 2, "two threads work, and what takes 30 ms by now waits too long for them"
    assert not is_full_after


def test_what_waits_aside_is_bounded_in_number():
    async def crowd():
        aside = Aside("test", wait_max_s=3600.0)
        calls = [asyncio.create_task(aside.run(slow)) for _ in range(PENDING_MAX)]
        await asyncio.sleep(0)
        is_full = aside.is_full
        with pytest.raises(ProblemError):
            await aside.run(slow)
        await asyncio.gather(*calls)
        aside.close()
        return is_full

    assert asyncio.run(crowd())
