"""From a generation to what a node runs."""

from edgewise.agent.wanted import manifest_of, wanted_of
from edgewise.bundle import Manifest
from edgewise.bundle.slot import SwitchedOff, Trial
from edgewise.store import Generation, Plan, Progress, Stage
from edgewise.store.generation import Disabled

GOOD = Manifest(generation=3, digest="old", source="store", revision=9)


def generation(**change):
    known = {"generation": 5, "previous": 4, "stable": "stable", "action": "start", "by": "t", "at": "now"}
    return Generation(**known | change)


def rolling(percent=10.0, **stage):
    plan = Plan(name="p", stages=(Stage(name="s", subject_percent=percent, **stage),))
    progress = Progress(plan=plan, stage=0, state="running", salt="x", started_at="", stage_at="")
    return generation(candidate="new", progress=progress)


def manifest(known, *, here=("stable", "new", "old"), refused=(), labels=None, last_good=GOOD):
    wanted = wanted_of(known, "n-1", labels or {}, refused)
    return manifest_of(known, wanted, lambda digest: digest in here, last_good)


def test_stable_runs_everywhere():
    assert manifest(generation()) == Manifest(generation=5, digest="stable", source="store")


def test_a_node_of_the_stage_tries_the_candidate_beside_it():
    known = rolling(labels={"ring": "canary"})
    assert manifest(known).trial is None
    tried = manifest(known, labels={"ring": "canary"})
    assert (tried.digest, tried.trial) == ("stable", Trial(digest="new", salt="x:subject", percent=10.0))


def test_the_first_candidate_ever_is_all_there_is():
    known = rolling(percent=1.0, node_percent=100.0)
    alone = Generation(**{name: getattr(known, name) for name in known.__struct_fields__} | {"stable": None})
    assert manifest(alone) == Manifest(generation=5, digest="new", source="store")


def test_a_refused_candidate_leaves_stable_alone():
    known = rolling(node_percent=100.0)
    assert manifest(known, refused=("new",)) == Manifest(generation=5, digest="stable", source="store")
    assert manifest(known, here=("stable",)) == Manifest(generation=5, digest="stable", source="store")


def test_a_refused_or_absent_stable_keeps_the_last_good_and_its_generation():
    for found in (manifest(generation(), refused=("stable",)), manifest(generation(), here=("old",))):
        assert found == Manifest(generation=3, digest="old", source="store")


def test_what_is_off_is_off_whichever_bundle_runs():
    off = (
        Disabled(scenario="a", reason="why", by="x"),
        Disabled(scenario="b", point="p", reason="", until="2026-01-01"),
    )
    expected = (SwitchedOff(scenario="a", reason="why"), SwitchedOff(scenario="b", point="p", until="2026-01-01"))
    assert manifest(generation(disabled=off)).disabled == expected
    assert manifest(generation(disabled=off), refused=("stable",)).disabled == expected


def test_without_anything_that_can_run_nothing_is_said():
    assert manifest(generation(), here=()) is None
    assert manifest(generation(stable=None)) == Manifest(generation=3, digest="old", source="store")
    assert manifest(generation(stable=None), last_good=None) is None
