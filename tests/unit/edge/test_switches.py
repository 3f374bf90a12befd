"""What is off at a moment."""

from edgewise.bundle.slot import SwitchedOff
from edgewise.edge.switches import Switches, still_off

AT_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z


def test_scenarios_and_points_are_told_apart():
    now = Switches.at(AT_S, [SwitchedOff(scenario="a"), SwitchedOff(scenario="b", point="p")])
    assert (now.scenarios, now.points, now.until_s) == ({"a"}, {"p"}, None)
    assert not now.is_over(AT_S + 1e9)


def test_an_end_comes_by_itself():
    entries = [SwitchedOff(scenario="a", until="2027-01-15T08:00:10Z"), SwitchedOff(scenario="b")]
    now = Switches.at(AT_S, entries)
    assert (now.scenarios, now.until_s) == ({"a", "b"}, AT_S + 10)
    assert (now.is_over(AT_S + 9), now.is_over(AT_S + 10)) == (False, True)
    later = Switches.at(AT_S + 10, entries)
    assert (later.scenarios, later.until_s) == ({"b"}, None)


def test_an_end_that_cannot_be_read_never_comes():
    assert Switches.at(AT_S, [SwitchedOff(scenario="a", until="soon")]).scenarios == {"a"}


def test_what_has_ended_is_no_longer_listed():
    entries = [SwitchedOff(scenario="a", until="2027-01-15T08:00:10Z"), SwitchedOff(scenario="b")]
    assert [entry.scenario for entry in still_off(AT_S, entries)] == ["a", "b"]
    assert [entry.scenario for entry in still_off(AT_S + 10, entries)] == ["b"]
