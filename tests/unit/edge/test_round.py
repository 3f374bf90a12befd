"""A round by a clock of our own: who is worked on, who is shed, and what is learned."""

import pytest

from edgewise.edge.costs import Cost, Costs
from edgewise.edge.round import BUDGET_S, Round

WORK_S, SHED_S = 0.001, 0.000_1


def costs():
    """Costs as they are once learned: a decision takes a millisecond, shedding one a tenth of that."""
    learned = Costs()
    learned.full["decide"], learned.shed["decide"] = Cost(WORK_S), Cost(SHED_S)
    return learned


def play(arriving, *, read_s=0.0, work_s=WORK_S, shed_s=SHED_S, is_off=False, learned=None):
    """Play a round on a processor that takes these times; give how many were full, how many shed, how long it took."""
    now = 0.0
    this = Round(learned or costs(), now, is_off=is_off)
    full = shed = lined = 0
    for _ in range(arriving):
        now += read_s
        if this.has_room("decide", 0, now):
            this.line_up("decide", 0)
            lined += 1
        else:
            shed += 1
            now += shed_s
            this.was_answered_early("decide", 0, shed_s, "shed")
    this.begin_work(now)
    for number in range(lined):
        is_full = this.has_time("decide", 0, now) or number == 0
        took_s = work_s if is_full else shed_s
        now += took_s
        full, shed = full + is_full, shed + (not is_full)
        this.was_answered("decide", 0, took_s, "full" if is_full else "shed")
    assert this.used(now) == pytest.approx(now / BUDGET_S)
    return full, shed, now


def test_what_there_is_time_for_is_worked_on():
    assert play(19) == (19, 0, pytest.approx(0.019))


def test_the_round_ends_in_time_however_many_arrive():
    for arriving in (30, 60, 100, 150):
        full, shed, took_s = play(arriving)
        assert full + shed == arriving
        assert took_s <= BUDGET_S * 1.001
        left_for_work_s = BUDGET_S - shed * SHED_S
        assert full == pytest.approx(left_for_work_s / WORK_S, abs=1.01), "and none of its time is left over"


def test_one_is_worked_on_even_where_shedding_the_rest_takes_longer_than_there_is():
    full, shed, _ = play(1_000)
    assert (full, shed) == (1, 999)


def test_one_alone_is_worked_on_however_dear():
    learned = costs()
    learned.full["decide"] = Cost(10 * BUDGET_S)
    assert play(1, learned=learned)[0] == 1


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1])
def test_on_a_processor_that_gives_less_than_foretold_the_round_still_ends_in_time(share):
    full, shed, took_s = play(40, work_s=WORK_S / share, shed_s=SHED_S / share)
    assert full + shed == 40
    assert full >= 1
    assert took_s <= BUDGET_S + (WORK_S + 40 * SHED_S) / share, "over it by what was begun and by what is shed after"
    again, costs_now = 0.0, costs()
    for _ in range(50):
        again = play(40, work_s=WORK_S / share, shed_s=SHED_S / share, learned=costs_now)[2]
    assert again <= max(BUDGET_S, (WORK_S + 39 * SHED_S) / share) * 1.001, "and not over it once that is learned"


def test_reading_counts_as_what_the_round_took():
    full, _, took_s = play(40, read_s=0.000_25)
    assert full == pytest.approx(7, abs=1), "half of the time went into reading, three thousandths into shedding"
    assert took_s <= BUDGET_S * 1.001


def test_what_reading_takes_is_learned():
    learned = costs()
    for _ in range(200):
        play(40, read_s=0.000_25, learned=learned)
    assert learned.server.of(0) == pytest.approx(0.000_25, rel=0.01)


def test_short_requests_are_worked_on_as_they_are_read_until_the_time_is_over():
    read_s, work_s, shed_s = 0.000_03, 0.000_01, 0.000_005
    this, now, full = Round(costs(), 0.0, is_off=False), 0.0, 0
    for _ in range(2_000):
        now += read_s
        is_full = this.has_room("decide", 0, now)
        took_s = work_s if is_full else shed_s
        now, full = now + took_s, full + is_full
        this.was_answered_early("decide", 0, took_s, "full" if is_full else "shed")
    assert full == pytest.approx(BUDGET_S / (read_s + work_s), abs=25), "as many as if no more had arrived"


def test_what_is_refused_says_nothing_of_what_work_takes():
    learned = costs()
    this = Round(learned, 0.0, is_off=False)
    for _ in range(150):
        this.was_answered("decide", 0, 0.000_01, "refused")
    assert (learned.full["decide"].of(0), learned.shed["decide"].of(0)) == (WORK_S, SHED_S)


def test_switched_off_everything_is_worked_on():
    assert play(500, is_off=True)[:2] == (500, 0)
