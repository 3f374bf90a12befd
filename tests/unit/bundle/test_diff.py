"""What changes between two bundles, place by place."""

import copy

import pytest

from edgewise.book import build
from edgewise.bundle.diff import diff


@pytest.fixture(scope="module")
def old(root):
    return build(root / "examples/book").document()


@pytest.fixture
def new(old):
    return copy.deepcopy(old)


def scenario(document, name):
    return next(each for each in document["scenarios"] if each["id"] == name)


def found(old, new):
    return [
        (change.scenario, change.point, change.pathway, change.segment, change.what, change.kind)
        for change in diff(old, new)
    ]


def test_the_same_bundle_changes_nothing(old, new):
    assert diff(old, new) == []


def test_a_changed_overlay_shows_in_every_pathway_it_fits(old, new):
    header = scenario(new, "in-store-return")["decisionPoints"][0]
    header["overlays"][1]["set"]["content"] = "returns/express"

    [change] = diff(old, new)

    place = (change.scenario, change.point, change.pathway, change.segment)
    assert place == ("in-store-return", "returns.header", "in_window", "self_server")
    assert (change.before["content"], change.after["content"]) == ("returns/fast-lane", "returns/express")


def test_a_changed_default_shows_wherever_it_is_served(old, new):
    scenario(new, "in-store-return")["decisionPoints"][1]["default"] = {"content": "returns/map"}

    changed = found(old, new)

    assert {pathway for _, _, pathway, _, _, _ in changed} == {"in_window", "after_window", "unknown_order"}
    assert {segment for _, _, _, segment, _, _ in changed} == {None}


def test_a_moment_that_disappears_says_omit(old, new):
    header = scenario(new, "in-store-return")["decisionPoints"][0]
    header["byPathway"]["after_window"] = {"omit": True}

    everybody = next(change for change in diff(old, new) if change.segment is None)

    assert (everybody.pathway, everybody.after) == ("after_window", "(omit)")


def test_conditions_and_order_of_pathways(old, new):
    pathways = scenario(new, "in-store-return")["pathways"]
    pathways[1]["when"] = "order.days_since_delivery <= 60"
    pathways[0], pathways[1] = pathways[1], pathways[0]

    assert found(old, new) == [
        ("in-store-return", None, "in_window", None, "pathway", "changed"),
        ("in-store-return", None, None, None, "order of pathways", "changed"),
    ]


def test_a_pathway_that_comes(old, new):
    scenario(new, "in-store-return")["pathways"].insert(0, {"id": "gift", "when": "order.final_sale"})

    changed = found(old, new)

    assert ("in-store-return", None, "gift", None, "pathway", "added") in changed
    assert ("in-store-return", "returns.header", "gift", "needs_help", "value", "added") in changed


def test_scenarios_that_come_and_go(old, new):
    gone = new["scenarios"].pop(0)["id"]

    assert found(old, new) == [(gone, None, None, None, "scenario", "removed")]
    assert found(new, old) == [(gone, None, None, None, "scenario", "added")]


@pytest.mark.parametrize("part", ["context", "priority", "explanation", "experiment"])
def test_what_a_scenario_says_of_itself(old, new, part):
    scenario(new, "in-store-return")[part] = "other"

    assert found(old, new) == [("in-store-return", None, None, None, part, "changed")]


def test_a_cap_and_an_explanation(old, new):
    overlays = scenario(new, "in-store-return")["decisionPoints"][1]["overlays"]
    overlays[1]["cap"]["max"] = 5
    overlays[0]["explain"] = "Because."

    assert found(old, new) == [
        ("in-store-return", "returns.next_step", None, "self_server", "explain", "changed"),
        ("in-store-return", "returns.next_step", None, "needs_help", "cap", "changed"),
    ]


def test_what_all_scenarios_share(old, new):
    new["segments"]["needs_help"] = "customer.support_contacts_90d >= 2"
    new["decisionPoints"]["returns.header"]["fallback"] = {"content": "other"}
    new["globalHoldout"]["percent"] = 5
    del new["policy"]["return_window_days"]
    scenario(new, "in-store-return")["digest"] = "sha256:other"

    assert [(where, what, kind) for where, _, _, _, what, kind in found(old, new)] == [
        ("in-store-return", "what it reads", "changed"),
        (None, "decision point returns.header", "changed"),
        (None, "segment needs_help", "changed"),
        (None, "policy return_window_days", "removed"),
        (None, "globalHoldout", "changed"),
    ]
