"""What one worker serves while the slot names a bundle that cannot be served: the last good, under today's switches."""

import json
import time
from pathlib import Path

import msgspec
import pytest

from edgewise import book
from edgewise._core import Counters
from edgewise.bundle.slot import SlotWriter, SwitchedOff
from edgewise.edge.activation import Activation
from edgewise.engine.decider import Decider
from edgewise.intent import Ledger

VIEWS = Path(__file__).parents[2] / "service" / "books" / "views"
POINT = "home.banner"
SCENARIO = SwitchedOff(scenario="views")


@pytest.fixture(scope="module")
def good():
    return book.build(VIEWS)


@pytest.fixture(scope="module")
def spoiled(good):
    return type(good).of_document(good.document() | {"scenarios": [{"id": "views"}]})


@pytest.fixture
def writer(tmp_path):
    with SlotWriter.open(tmp_path / "data") as writer:
        yield writer


class Worker:
    """An activation and the decider that it fills, as a worker has them."""

    def __init__(self, folder, stale="serve"):
        self.decider = Decider("n-1", Counters(folder / "counters"), None, allow_at=False)
        self.activation = Activation(folder / "data", self.decider, Ledger(), stale)
        self.activation.take_up()

    def look(self):
        if self.activation.has_news():
            self.activation.take_up()
        return self

    def reason(self):
        body = {"decisionPoints": [POINT], "identity": {"sessionId": "s"}, "signals": {"page.kind": "home"}}
        answer = self.decider.active.decide(json.dumps(body).encode(), now_ns=time.time_ns())
        return json.loads(answer)["decisions"][POINT]["reason"]


@pytest.fixture
def switch_off(writer):
    def write(*entries):
        return writer.put(msgspec.structs.replace(writer.slot.manifest(), disabled=entries), [])

    return write


def test_switches_hold_while_the_bundle_they_came_with_cannot_be_served(tmp_path, writer, switch_off, good, spoiled):
    writer.write(good, "store")
    worker = Worker(tmp_path)
    on = worker.reason()
    writer.write(spoiled, "store")
    assert worker.look().reason() == on
    switch_off(SCENARIO)
    assert worker.look().reason() not in {on, "DISABLED"}, "another may answer instead of a scenario that is off"
    switch_off(SwitchedOff(scenario="views", point=POINT))
    assert worker.look().reason() == "DISABLED"
    switch_off()
    assert worker.look().reason() == on
    assert worker.activation.served.digest == good.digest
    assert worker.activation.refused.digest == spoiled.digest


def test_a_switch_that_ends_by_itself_does_so_meanwhile(tmp_path, writer, switch_off, good, spoiled):
    writer.write(good, "store")
    worker = Worker(tmp_path)
    on = worker.reason()
    writer.write(spoiled, "store")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    switch_off(SwitchedOff(scenario="views", point=POINT, until=soon))
    assert worker.look().reason() == "DISABLED"
    time.sleep(2.1)
    assert worker.look().reason() == on


@pytest.mark.parametrize("stale", ["fallback", "refuse"])
def test_switches_hold_once_a_silent_store_is_heard_again(tmp_path, writer, switch_off, good, spoiled, stale):
    writer.write(good, "store")
    worker = Worker(tmp_path, stale)
    on = worker.reason()
    worker.activation.is_stale = True
    worker.look()
    writer.write(spoiled, "store")
    switch_off(SCENARIO)
    worker.look()
    worker.activation.is_stale = False
    assert worker.look().reason() not in {on, "DISABLED"}
    assert not worker.activation.has_news()


def test_the_last_good_that_is_fallen_back_to_is_under_the_slots_switches(tmp_path, writer, switch_off, good, spoiled):
    writer.write(good, "store")
    Worker(tmp_path)
    writer.write(spoiled, "store")
    switch_off(SwitchedOff(scenario="views", point=POINT))
    worker = Worker(tmp_path)
    assert (worker.activation.served.digest, worker.reason()) == (good.digest, "DISABLED")
