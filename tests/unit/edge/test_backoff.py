"""Workers that keep dying are started again later and later, within a bound."""

from edgewise.edge.backoff import DELAY_MAX_S, FIRST_DELAY_S, STEADY_S, Backoff


def delays(lives_s):
    now, found = 0.0, []
    backoff = Backoff(now)
    for life_s in lives_s:
        now += life_s
        due = backoff.due(now)
        found.append(due - now)
        now = due
        backoff.started(now)
    return found


def test_short_lives_double_the_delay_up_to_a_bound():
    assert delays([1] * 4) == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S, 8 * FIRST_DELAY_S]
    assert delays([1] * 50)[-1] == DELAY_MAX_S


def test_a_steady_life_starts_with_a_clean_sheet():
    assert delays([1, 1, 1, STEADY_S])[-1] == FIRST_DELAY_S


def test_asking_again_changes_nothing():
    backoff = Backoff(0.0)
    assert backoff.due(1.0) == backoff.due(1.1) == 1.0 + FIRST_DELAY_S
