"""One generation after the other: start, stages, hold, abort, rollback, the kill switch."""

import pytest

from edgewise.store import RolloutError, steps
from edgewise.store.generation import Disabled, Plan, Stage, check, check_plan
from edgewise.store.steps import FIRST, Signature

BY = Signature(by="me", at="2026-11-21T09:00:00Z", why="because")
PLAN = Plan(name="two", stages=(Stage(name="some", node_percent=10), Stage(name="all", node_percent=100)))


def after(*changes):
    """The generation after some steps, numbered as the store would."""
    now = FIRST
    for number, (step, *args) in enumerate(changes, start=1):
        now = step(now, *args, BY)
        now = type(now)(**{**{name: getattr(now, name) for name in now.__struct_fields__}, "generation": number})
    return now


A, B = (steps.start_everywhere, "A"), (steps.start_everywhere, "B")


def test_a_rollout_goes_stage_by_stage_to_stable():
    started = after(A, (steps.start, "B", PLAN))
    assert (started.stable, started.candidate, started.progress.current.name) == ("A", "B", "some")
    moved = steps.advance(started, BY)
    assert (moved.candidate, moved.progress.current.name) == ("B", "all")
    done = steps.advance(moved, BY)
    assert (done.action, done.stable, done.candidate, done.progress, done.earlier) == (
        "promote",
        "B",
        None,
        None,
        ("A",),
    )


def test_an_aborted_candidate_is_gone_and_stable_stays():
    done = steps.abort(after(A, (steps.start, "B", PLAN)), BY)
    assert (done.stable, done.candidate, done.progress) == ("A", None, None)


def test_hold_stays_and_resume_goes_on():
    held = steps.hold(after(A, (steps.start, "B", PLAN)), BY)
    assert (held.candidate, held.progress.state) == ("B", "held")
    assert steps.resume(held, BY).progress.state == "running"


def test_rollback_goes_back_one_by_one():
    now = after(A, B, (steps.start_everywhere, "C"))
    back = steps.rollback(now, None, BY)
    assert back.stable == "B"
    assert steps.rollback(back, None, BY).stable == "A"


def test_rollback_goes_to_a_named_release():
    now = after(A, B, (steps.start_everywhere, "C"))
    back = steps.rollback(now, "A", BY)
    assert (back.stable, back.earlier) == ("A", ())


def test_rollback_takes_a_candidate_off_first():
    back = steps.rollback(after(A, (steps.start, "B", PLAN)), None, BY)
    assert (back.stable, back.candidate) == ("A", None)


def test_off_and_on_change_nothing_else():
    off = steps.switch_off(after(A, (steps.start, "B", PLAN)), Disabled(scenario="s", reason="r"), BY)
    assert [(entry.scenario, entry.reason, entry.by) for entry in off.disabled] == [("s", "r", "me")]
    assert (off.stable, off.candidate, off.progress.stage) == ("A", "B", 0)
    assert steps.switch_on(off, "s", None, BY).disabled == ()


def test_off_again_replaces_the_reason():
    off = steps.switch_off(after(A), Disabled(scenario="s", reason="r"), BY)
    again = steps.switch_off(off, Disabled(scenario="s", reason="other"), BY)
    assert [entry.reason for entry in again.disabled] == ["other"]


def test_what_was_off_for_a_time_is_forgotten_when_it_is_over():
    off = steps.switch_off(after(A), Disabled(scenario="s", reason="r", until="2026-11-21T10:00:00+00:00"), BY)
    before, later = (Signature(by="me", at=f"2026-11-21T{hour}:00:00Z") for hour in ("09", "11"))
    assert [entry.scenario for entry in steps.retry(off, (), before).disabled] == ["s"]
    assert steps.retry(off, (), later).disabled == ()


def test_a_point_is_switched_on_by_itself_or_with_its_scenario():
    off = steps.switch_off(after(A), Disabled(scenario="s", point="p", reason="r"), BY)
    both = steps.switch_off(off, Disabled(scenario="s", reason="r"), BY)
    assert [entry.point for entry in steps.switch_on(both, "s", "p", BY).disabled] == [None]
    assert steps.switch_on(both, "s", None, BY).disabled == ()


@pytest.mark.parametrize(
    ("before", "step", "said"),
    [
        ((), (steps.start, "A", PLAN), "nothing is stable yet"),
        ((A,), (steps.start, "A", PLAN), "stable everywhere already"),
        ((A,), (steps.start_everywhere, "A"), "stable everywhere already"),
        ((A, (steps.start, "B", PLAN)), (steps.start, "C", PLAN), "is being rolled out"),
        ((A,), (steps.advance,), "nothing is being rolled out"),
        ((A,), (steps.hold,), "nothing is being rolled out"),
        ((A,), (steps.abort,), "nothing is being rolled out"),
        ((A,), (steps.rollback, None), "nothing else was stable"),
        ((A,), (steps.switch_on, "s", None), "not switched off"),
        ((A, (steps.start, "B", PLAN), (steps.hold,)), (steps.hold,), "held already"),
        ((A, (steps.start, "B", PLAN)), (steps.resume,), "not held"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(before, step, said):
    with pytest.raises(RolloutError, match=said):
        step[0](after(*before), *step[1:], BY)


def test_a_stage_keeps_every_node_of_the_stages_before():
    plan = Plan(name="p", stages=tuple(Stage(name=str(percent), node_percent=percent) for percent in (1, 10, 50, 100)))
    now = after(A, (steps.start, "B", plan))
    taken = set()
    for _ in plan.stages:
        here = {node for node in map(str, range(2000)) if now.takes_candidate(node, {})}
        assert taken <= here
        taken, last = here, now
        now = steps.advance(now, BY)
    assert len(taken) == 2000
    assert last.progress.is_last


def test_the_dial_takes_about_the_share_of_nodes_it_says():
    plan = Plan(name="p", stages=(Stage(name="s", node_percent=10),))
    now = after(A, (steps.start, "B", plan))
    assert 150 < sum(now.takes_candidate(str(node), {}) for node in range(2000)) < 250


def test_a_canary_is_chosen_by_its_labels():
    plan = Plan(name="p", stages=(Stage(name="canary", labels={"ring": "canary"}), Stage(name="all", node_percent=100)))
    now = after(A, (steps.start, "B", plan))
    assert now.takes_candidate("n", {"ring": "canary", "zone": "x"})
    assert not now.takes_candidate("n", {"ring": "main"})
    assert not now.takes_candidate("n", {})


def test_a_reason_has_a_bound():
    off = steps.switch_off(after(A), Disabled(scenario="s", reason="r" * 1001), BY)
    with pytest.raises(RolloutError, match="at most 1000 characters"):
        check(off)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((), "1 to 32 stages"),
        ((Stage(name="s", node_percent=101),), "0 to 100"),
        ((Stage(name="s"),), "takes no node"),
        ((Stage(name="a", node_percent=50), Stage(name="b", node_percent=10)), "only grow"),
        ((Stage(name="a", node_percent=50, bake_seconds=-1),), "at least 0"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(stages, said):
    with pytest.raises(RolloutError, match=said):
        check_plan(Plan(name="p", stages=stages))
