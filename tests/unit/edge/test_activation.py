"""What one worker serves while the slot names a bundle that cannot be served: the last good, under today's switches."""

import json
import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from edgewise import book
from edgewise._core import Counters
from edgewise.bundle.locks import try_to_hold
from edgewise.bundle.slot import SlotWriter, SwitchedOff
from edgewise.edge.activation import Activation
from edgewise.edge.loading import TURN
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


def test_a_bundle_that_went_bad_on_the_disk_gives_way_to_the_one_before(tmp_path, writer, good):
    older = type(good).of_document(good.document() | {"timezone": "Europe/Paris"})
    writer.write(older, "store")
    Worker(tmp_path)
    newer = writer.write(good, "store")
    Worker(tmp_path)
    path = writer.slot.path_of(good.digest)
    path.write_bytes(good.data[:-1])
    worker = Worker(tmp_path)
    assert (worker.activation.served.digest, worker.activation.refused.digest) == (older.digest, good.digest)
    worker.reason()
    path.write_bytes(good.data)
    writer.put(newer, [])
    assert worker.look().activation.served.digest == good.digest


def test_a_bundle_is_not_lost_while_it_is_the_last_good_but_one(tmp_path, writer, good):
    bundles = [type(good).of_document(good.document() | {"policy": {"edition": n}}) for n in range(4)]
    for bundle in bundles:
        writer.write(bundle, "store")
        Worker(tmp_path)
    assert writer.slot.good_before().digest == bundles[2].digest
    there = [writer.slot.path_of(bundle.digest).exists() for bundle in bundles]
    assert there == [False, True, True, True]


def begin_to_load(worker):
    """Let a thread take up what the slot names, as far as its turn; it has seen the slot as it is now."""
    loading = threading.Thread(target=worker.look)
    loading.start()
    deadline = time.monotonic() + 10
    while worker.activation.has_news() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not worker.activation.has_news()
    return loading


def test_an_older_slot_that_is_put_back_while_a_bundle_is_loaded_switches_nothing_off(
    tmp_path, writer, switch_off, good
):
    writer.write(good, "store")
    switch_off(SwitchedOff(scenario="views", point=POINT))
    older = writer.slot.file.read_bytes()
    switch_off()
    worker = Worker(tmp_path)
    turn = try_to_hold(writer.slot.folder / TURN)
    writer.write(type(good).of_document(good.document() | {"timezone": "Europe/Paris"}), "store")
    loading = begin_to_load(worker)
    writer.slot.file.write_bytes(older)
    worker.activation.heed_switches()
    assert (worker.reason() == "DISABLED", worker.activation.served.digest) == (False, good.digest)
    os.close(turn)
    loading.join()


def test_what_is_switched_off_while_a_bundle_is_loaded_is_off_at_once(tmp_path, writer, switch_off, good):
    writer.write(good, "store")
    worker = Worker(tmp_path)
    newer = type(good).of_document(good.document() | {"timezone": "Europe/Paris"})
    turn = try_to_hold(writer.slot.folder / TURN)  # as a worker does that compiles
    writer.write(newer, "store")
    loading = begin_to_load(worker)
    switch_off(SwitchedOff(scenario="views", point=POINT))
    worker.activation.heed_switches()
    assert (worker.reason(), worker.activation.served.digest) == ("DISABLED", good.digest)
    os.close(turn)
    loading.join()
    assert (worker.reason(), worker.activation.served.digest) == ("DISABLED", newer.digest)
    switch_off()
    assert worker.look().reason() != "DISABLED"
