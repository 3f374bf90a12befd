"""Watching a rollout: success goes on, failure goes back, everything else waits; each step once, whoever watches."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from edgewise.store import Measures, Nack, NodeStatus, steps
from edgewise.store.desk import Desk
from edgewise.store.generation import Plan, Stage
from edgewise.store.keys import KeyFolder
from edgewise.store.releases import publish
from edgewise.store.setup import read_store_file
from edgewise.store.view import look
from edgewise.store.watching import take_turn

PLAN = Plan(name="p", stages=(Stage(name="some", node_percent=10), Stage(name="all", node_percent=100)))
NODES = ("n-1", "n-2", "n-3")


class Fleet:
    """Nodes that report what they are told to."""

    def __init__(self, shop):
        self.shop = shop
        self.reporters = {node: shop.node(node).reporter(node, keys=shop.keys.folder) for node in NODES}

    def report(self, **changed):
        """Every node does what the present generation says of it, but for what is changed."""
        now = self.now
        for node, reporter in self.reporters.items():
            holds = now.candidate if now.takes_candidate(node, {}) else None
            status = NodeStatus(generation=now.generation, digest=now.stable, candidate=holds)
            reporter.write(msgspec.structs.replace(status, **changed.get(node.replace("-", ""), {})))

    @property
    def now(self):
        return self.shop.node("observer").refresh().generation

    @property
    def desk(self):
        return Desk(self.shop.objects, read_store_file(self.shop.objects), self.shop.keys, self.shop.root)


@pytest.fixture
def fleet(shop):
    """Three nodes on a stable bundle, with a candidate at its first stage."""
    shop.everywhere(b"stable")
    fleet = Fleet(shop)
    fleet.report()
    nodes = look(fleet.desk).nodes
    candidate = shop.release(b"candidate")
    shop.step(lambda before, sign: steps.reaching(steps.start(before, candidate, PLAN, sign), nodes))
    return fleet


def turns(fleet):
    turn = take_turn(fleet.desk)
    return turn.deed


def test_a_good_candidate_is_promoted_stage_by_stage(fleet):
    fleet.report()
    assert turns(fleet) == "advance"
    assert turns(fleet) == "wait"  # nobody has come along yet
    fleet.report()
    assert turns(fleet) == "promote"
    assert (fleet.now.action, fleet.now.candidate) == ("promote", None)
    assert fleet.now.by.startswith("watch, ")
    assert turns(fleet) == "idle"


def test_a_small_stage_still_takes_one_node(fleet):
    taken = [node for node in NODES if fleet.now.takes_candidate(node, {})]
    assert len(taken) == 1


def test_a_refused_candidate_is_taken_off_with_the_reason(fleet):
    candidate, generation = fleet.now.candidate, fleet.now.generation
    [holder] = [node for node in NODES if fleet.now.takes_candidate(node, {})]
    nack = Nack(generation=generation, digest=candidate, stage="selftest", code="golden", detail="differs")
    fleet.report(**{holder.replace("-", ""): {"nack": nack, "candidate": None}})

    assert turns(fleet) == "abort"

    assert (fleet.now.action, fleet.now.candidate) == ("abort", None)
    assert f"`{holder}` refused the candidate: selftest/golden differs" in fleet.now.why
    assert not any(fleet.now.takes_candidate(node, {}) for node in NODES)


def test_silence_waits(fleet):
    assert turns(fleet) == "wait"
    assert fleet.now.progress.stage == 0


def test_a_held_rollout_waits_even_when_all_is_well(fleet):
    fleet.shop.step(steps.hold)
    fleet.report()
    assert turns(fleet) == "wait"
    fleet.shop.step(steps.resume)
    fleet.report()
    assert turns(fleet) == "advance"


def test_a_dry_run_says_and_does_nothing(fleet):
    fleet.report()
    before = fleet.now.generation
    keyless = Desk(fleet.desk.objects, fleet.desk.about, KeyFolder(fleet.shop.folder / "none"), fleet.shop.root)

    assert take_turn(keyless, dry_run=True).deed == "advance"
    assert fleet.now.generation == before


def test_two_watchers_make_a_step_once(fleet):
    fleet.report()
    before = fleet.now.generation

    with ThreadPoolExecutor(4) as pool:
        made = [turn.made for turn in pool.map(lambda _: take_turn(fleet.desk), range(4)) if turn.made is not None]

    assert len(made) == 1
    assert (fleet.now.generation, fleet.now.progress.stage) == (made[0].generation, 1)
    assert made[0].previous == before


def test_a_mix_may_not_shift_when_no_rule_has_changed(shop):
    stable = publish(shop.writer, b"stable", {}, decides="same")[0]
    shop.step(steps.start_everywhere, stable)
    candidate = publish(shop.writer, b"candidate", {}, decides="same")[0]
    shop.step(
        steps.start, candidate, Plan(name="p", stages=(Stage(name="half", node_percent=100, subject_percent=50),))
    )
    fleet = Fleet(shop)
    measures = {
        "stable_measures": Measures(decisions=1000, reasons={"SPLIT": 900, "FALLBACK": 100}),
        "candidate_measures": Measures(decisions=1000, reasons={"SPLIT": 600, "FALLBACK": 400}),
    }
    fleet.report(n1=measures)

    turn = take_turn(fleet.desk)

    assert turn.deed == "abort"
    assert "30.0% of decisions go another way, though no rule has changed" in turn.reasons[0]


def test_a_mix_is_of_nodes_that_try_the_candidate_themselves(shop):
    stable = publish(shop.writer, b"stable", {}, decides="same")[0]
    shop.step(steps.start_everywhere, stable)
    candidate = publish(shop.writer, b"candidate", {}, decides="same")[0]
    canary = Stage(name="canary", labels={"ring": "canary"}, subject_percent=50)
    shop.step(steps.start, candidate, Plan(name="p", stages=(canary, Stage(name="all", node_percent=100))))
    fleet = Fleet(shop)
    mixed = Measures(decisions=1000, reasons={"SPLIT": 600, "CAPPED": 400})
    others = Measures(decisions=9000, reasons={"SPLIT": 9000})
    here = {"labels": {"ring": "canary"}, "candidate": candidate, "stable_measures": mixed, "candidate_measures": mixed}
    fleet.report(n1=here, n2={"stable_measures": others}, n3={"stable_measures": others})

    assert turns(fleet) == "advance"


@pytest.mark.parametrize(
    ("ours", "theirs", "is_alike"), [("same", "same", True), ("same", "other", False), ("", "", False)]
)
def test_a_node_knows_by_what_was_signed_whether_both_have_the_same_rules(shop, ours, theirs, is_alike):
    shop.step(steps.start_everywhere, publish(shop.writer, b"stable", {}, decides=ours)[0])
    assert not shop.node().refresh().decides_alike
    shop.step(steps.start, publish(shop.writer, b"candidate", {}, decides=theirs)[0], PLAN)
    assert shop.node().refresh().decides_alike is is_alike


def test_nodes_are_asked_to_try_again(fleet):
    fleet.shop.step(steps.retry, ("n-1",))

    assert (fleet.now.asks_retry("n-1", 0), fleet.now.asks_retry("n-2", 0), fleet.now.asks_retry("n-1", 1)) == (
        True,
        False,
        False,
    )
    fleet.shop.step(steps.retry, ())
    assert fleet.now.asks_retry("n-2", 1)
