"""A node that follows a store: real processes, a store in a folder, operators with their keys."""

import json
import os
import shutil
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgewise import book
from edgewise.bundle.slot import Slot
from edgewise.store import Plan, Stage, steps
from edgewise.store.generation import Disabled

BOOKS = Path(__file__).parent / "books"
PROGRAM = Path(sys.executable).with_name("edgewise")
POINT = "home.banner"


@pytest.fixture(scope="module")
def shop(tmp_path_factory, make_shop):
    return make_shop(tmp_path_factory.mktemp("shop"))


def serving(generation, digest):
    """Whether every worker of a node serves a bundle under a generation."""
    return lambda node: (
        (status := node.status())["ready"]
        and (status["generation"], status["digest"])
        == (
            generation,
            digest,
        )
    )


def reasons(node, client=None):
    answer = node.decide("s", client=client)
    return answer["decisions"][POINT]["reason"]


@pytest.fixture(scope="module")
def views(shop):
    """The bundle that every test of this file starts from."""
    return shop.release("views")


def test_what_is_rolled_out_is_served_and_said_to_the_store(shop, views, follow):
    generation = shop.everywhere(views)
    node = follow(shop, workers=2)
    node.wait_until(serving(generation, views))
    answer = node.decide("s")
    assert (answer["bundle"], answer["generation"], answer["node"]) == (views, generation, "n-1")
    status = node.wait_until(lambda node: (now := node.status())["source"] == "origin" and now)
    assert (status["degraded"], status["nack"], len(status["workers"])) == ([], None, 2)
    assert 0 <= status["ageSeconds"] < 5
    assert (status["node"], status["generation"], status["digest"]) == ("n-1", generation, views)
    assert [type(worker) for worker in status["workers"]] == [dict, dict]
    told = node.wait_until(lambda _: (now := shop.nodes()["n-1"])["state"] == "serving" and now)
    assert (told["generation"], told["digest"]) == (generation, views)

    carts = shop.release("carts")
    generation = shop.everywhere(carts)
    node.wait_until(serving(generation, carts))
    assert node.decide("s")["decisions"][POINT]["scenario"] == "carts"

    generation = shop.step(steps.rollback, None)
    node.wait_until(serving(generation, views))
    assert node.decide("s")["bundle"] == views


def test_what_is_switched_off_is_off_until_it_is_on_again(shop, views, follow):
    generation = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    node = follow(shop)
    node.wait_until(lambda node: node.status()["generation"] == generation)
    shop.step(steps.switch_off, Disabled(scenario="views", reason="wrong price"))
    node.wait_until(lambda node: reasons(node) == "FALLBACK")
    [off] = node.status()["disabled"]
    assert (off["scenario"], off["reason"]) == ("views", "wrong price")
    shop.step(steps.switch_on, "views", None)
    node.wait_until(lambda node: reasons(node) not in ("FALLBACK", "DISABLED"))

    until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    generation = shop.step(steps.switch_off, Disabled(scenario="views", point=POINT, reason="a test", until=until))
    node.wait_until(lambda node: reasons(node) == "DISABLED")
    node.wait_until(lambda node: reasons(node) not in ("FALLBACK", "DISABLED"))
    assert node.status()["generation"] == generation
    assert node.log.read_text().count('"bundle_active"') >= 4
    shop.step(steps.switch_on, "views", None)


def spoiled(shop, **change):
    """A release that decides otherwise than its golden decisions say."""
    golden = book.build(BOOKS / "views").document()["golden"]
    golden[0]["decisions"][POINT]["pathway"] = "views_9"
    return shop.release("views", golden=golden, **change)


def test_a_release_that_decides_otherwise_is_refused_until_somebody_asks_again(shop, views, follow):
    good = shop.everywhere(shop.release("views", timezone="Europe/Rome"))
    node = follow(shop)
    before = node.wait_until(lambda node: (now := node.status())["generation"] == good and now["digest"])
    bad = spoiled(shop, timezone="Europe/Rome")
    generation = shop.everywhere(bad)
    nack = node.wait_until(lambda node: node.status()["nack"])
    assert (nack["stage"], nack["digest"], nack["generation"]) == ("selftest", bad, generation)
    assert (node.decide()["bundle"], node.decide()["generation"]) == (before, good)
    status = node.status()
    assert (status["quarantined"], status["degraded"], status["ready"]) == ([bad], ["bundle"], True)
    told = node.wait_until(lambda _: (now := shop.nodes()["n-1"])["nack"] and now)
    assert (told["state"], told["nack"]["stage"]) == ("nacked", "selftest")

    shop.step(steps.switch_off, Disabled(scenario="views", reason="while it lasts"))
    node.wait_until(lambda node: reasons(node) == "FALLBACK")
    assert node.decide()["bundle"] == before
    shop.step(steps.switch_on, "views", None)

    tried = node.log.read_text().count('"bundle_refused"')
    shop.step(steps.retry, ("n-1",))
    node.wait_until(lambda node: node.log.read_text().count('"bundle_refused"') > tried)
    generation = shop.step(steps.rollback, None)
    node.wait_until(serving(generation, before))
    node.wait_until(lambda node: node.status()["degraded"] == [])


def test_the_store_may_go_and_come_back(shop, views, follow):
    generation = shop.everywhere(shop.release("views", timezone="Europe/Oslo"))
    node = follow(shop)
    node.wait_until(lambda node: node.status()["generation"] == generation and node.status()["source"] == "origin")
    away = shop.folder.with_name("away")
    shop.folder.rename(away)
    try:
        status = node.wait_until(lambda node: (now := node.status())["degraded"] == ["store"] and now)
        assert (status["ready"], status["source"]) == (True, "origin")
        assert reasons(node) not in ("FALLBACK", "DISABLED")
        node.wait_until(lambda node: node.status()["ageSeconds"] > status["ageSeconds"])
        node.stop()

        again = follow(shop)
        status = again.status()
        assert (status["generation"], status["source"], status["ready"]) == (generation, "disk", True)
        assert again.decide()["generation"] == generation
    finally:
        shutil.rmtree(shop.folder, ignore_errors=True)  # a status that was on its way made a folder of its own
        away.rename(shop.folder)
    again.wait_until(lambda node: node.status()["source"] == "origin" and node.status()["degraded"] == [])


def test_an_older_generation_is_refused_after_a_newer_one(shop, views, follow, tmp_path):
    shop.everywhere(shop.release("views", timezone="Europe/Madrid"))
    shutil.copytree(shop.folder, tmp_path / "older")
    newer = shop.everywhere(shop.release("views", timezone="Europe/Berlin", policy={"a": 1}))
    node = follow(shop)
    node.wait_until(lambda node: node.status()["generation"] == newer)
    newest = shop.folder.with_name("newest")
    shop.folder.rename(newest)
    shutil.copytree(tmp_path / "older", shop.folder, dirs_exist_ok=True)
    try:
        node.wait_until(lambda node: "older than" in (node.status()["problem"] or ""))
        assert node.decide()["generation"] == newer
    finally:
        shutil.rmtree(shop.folder, ignore_errors=True)
        shutil.rmtree(shop.folder, ignore_errors=True)  # a status may have come in between
        newest.rename(shop.folder)
    node.wait_until(lambda node: node.status()["problem"] is None)


def agent_pid(node):
    lines = [json.loads(line) for line in node.log.read_text().splitlines() if '"agent_started"' in line]
    return lines[-1]["pid"]


def test_a_killed_agent_is_missed_by_no_decision_and_started_again(shop, views, follow):
    generation = shop.everywhere(shop.release("views", timezone="Europe/Vienna"))
    node = follow(shop)
    node.wait_until(lambda node: node.status()["generation"] == generation)
    killed = agent_pid(node)
    os.kill(killed, signal.SIGKILL)
    node.wait_until(lambda node: "agent" in node.status()["degraded"])
    assert reasons(node) not in ("FALLBACK", "DISABLED")
    generation = shop.everywhere(shop.release("views", timezone="Europe/Zurich"))
    node.wait_until(lambda node: node.status()["generation"] == generation)
    assert agent_pid(node) != killed


def test_a_node_without_anything_to_serve_is_live_and_waits(tmp_path, make_shop, follow):
    empty = make_shop(tmp_path / "empty")
    node = follow(empty, node_id="n-2")
    assert node.client.get("/livez").status_code == 200
    assert node.client.get("/readyz").status_code == 503
    assert node.client.post("/v1/decide", json={"decisionPoints": [POINT]}).status_code == 503
    digest = empty.release("views")
    generation = empty.everywhere(digest)
    node.wait_until(serving(generation, digest))
    assert node.client.get("/readyz").status_code == 200


def test_a_node_whose_store_is_not_there_says_so(tmp_path, make_shop, follow):
    shop = make_shop(tmp_path / "late")
    shop.folder.rename(tmp_path / "elsewhere")
    node = follow(shop, node_id="n-3")
    status = node.wait_until(lambda node: (now := node.status())["problem"] and now)
    assert (status["generation"], status["source"], status["degraded"]) == (None, None, ["bundle", "store"])
    assert "unreachable" in status["problem"]


def test_a_node_that_was_on_a_book_follows_its_store_from_then_on(tmp_path, make_shop, follow, start_node):
    shop = make_shop(tmp_path / "new")
    for _ in range(2):
        start_node(book=BOOKS / "carts").stop()
    node = follow(shop, node_id="n-4", data_dir="data")
    status = node.wait_until(lambda node: (now := node.status())["source"] == "disk" and now)
    assert (status["generation"], status["degraded"]) == (2, [])
    digest = shop.release("views")
    generation = shop.everywhere(digest)
    node.wait_until(serving(generation, digest))
    assert (generation, node.status()["source"]) == (1, "origin")


def rolled_out(percent, **stage):
    return Plan(name="quick", stages=(Stage(name="canary", subject_percent=percent, **stage),))


def bundles_of(node, visitors=40):
    """Which bundle decides for each of some visitors."""
    return {f"u-{number}": node.decide(identity={"userId": f"u-{number}"})["bundle"] for number in range(visitors)}


def test_a_candidate_decides_for_its_share_of_visitors_on_the_nodes_of_its_stage(shop, views, follow):
    stable = shop.release("views", timezone="Europe/Lisbon")
    shop.everywhere(stable)
    canary, other = follow(shop, "--label", "ring=canary"), follow(shop, node_id="n-2")
    candidate = shop.release("carts")
    generation = shop.step(steps.start, candidate, rolled_out(50.0, labels={"ring": "canary"}))
    for node in (canary, other):
        node.wait_until(lambda node: node.status()["generation"] == generation)
    assert canary.status()["trial"] == {"digest": candidate, "subjectPercent": 50.0}
    assert set(bundles_of(other).values()) == {stable}
    decided = bundles_of(canary)
    assert set(decided.values()) == {stable, candidate}
    assert bundles_of(canary) == decided
    assert canary.decide(identity={})["bundle"] == stable

    requests = [{"decisionPoints": [POINT], "identity": {"userId": name}, "requestId": name} for name in decided]
    answers = canary.client.post("/v1/decide/batch", json={"requests": [*requests, {}]}).json()["responses"]
    assert {answer["requestId"]: answer["bundle"] for answer in answers[:-1]} == decided
    assert [answer["requestId"] for answer in answers[:-1]] == list(decided)
    assert answers[-1]["status"] == 400

    told = canary.wait_until(lambda _: (now := shop.nodes()["n-1"])["candidate"] and now)
    assert (told["digest"], told["candidate"], told["state"]) == (stable, candidate, "serving")
    generation = shop.step(steps.advance)
    for node in (canary, other):
        node.wait_until(serving(generation, candidate))
    assert set(bundles_of(canary).values()) == {candidate}


def test_events_count_for_the_candidate_too_whoever_they_come_from(shop, views, follow, view):
    """The candidate counts what stable does not: nobody's visit starts from zero when it becomes stable."""
    stable, candidate = shop.release("views", timezone="Europe/Riga"), shop.release("carts")
    shop.everywhere(stable)
    node = follow(shop)
    node.wait_until(lambda node: node.status()["digest"] == stable)
    shop.step(steps.start, candidate, rolled_out(50.0, node_percent=100.0))
    node.wait_until(lambda node: node.status()["trial"])
    visitors = [f"v-{number}" for number in range(8)]
    decided = set()
    for name in visitors:
        sent = node.client.post("/v1/events", json=[view("Product Added", sessionId=name), view(sessionId=name)])
        assert sent.json()["accepted"] == 2
        decided.add(node.decide(name, events=[view("Product Added"), view()])["bundle"])
    assert decided == {stable, candidate}, "some are answered by each of the two"

    generation = shop.step(steps.advance)
    node.wait_until(serving(generation, candidate))
    assert {node.pathway(name) for name in visitors} == {"carts_2"}
    generation = shop.step(steps.rollback, None)
    node.wait_until(serving(generation, stable))
    assert {node.pathway(name) for name in visitors} == {"views_2"}


def test_a_candidate_that_breaks_a_guardrail_is_dropped_by_the_node_itself(shop, views, follow):
    stable = shop.release("views", timezone="Europe/Dublin")
    shop.everywhere(stable)
    node = follow(shop)
    document = book.build(BOOKS / "views").document()
    nobody = [scenario | {"context": "page.kind == 'list'"} for scenario in document["scenarios"]]
    candidate = shop.release("views", scenarios=nobody, golden=[])
    generation = shop.step(steps.start, candidate, rolled_out(50.0, node_percent=100.0))
    node.wait_until(lambda node: node.status()["trial"])
    for _ in range(4):
        bundles_of(node, visitors=60)
    nack = node.wait_until(lambda node: node.status()["nack"])
    assert (nack["stage"], nack["code"], nack["digest"]) == ("guardrail", "fallbacks", candidate)
    node.wait_until(lambda node: node.status()["trial"] is None and node.status()["generation"] == generation)
    assert set(bundles_of(node).values()) == {stable}
    told = node.wait_until(lambda _: (now := shop.nodes()["n-1"])["candidate"] is None and now["nack"] and now)
    assert told["nack"]["stage"] == "guardrail"
    shop.step(steps.abort)
    node.wait_until(lambda node: node.status()["degraded"] == [])


def test_a_bundle_damaged_on_the_disk_gives_way_to_the_one_before_while_the_store_is_down(shop, follow, tmp_path):
    older, newer = (shop.release("views", timezone=f"Europe/{city}") for city in ("Sofia", "Vilnius"))
    before = shop.everywhere(older)
    node = follow(shop)
    node.wait_until(serving(before, older))
    now = shop.everywhere(newer)
    node.wait_until(serving(now, newer))
    node.stop()
    path = Slot(node.data_dir).path_of(newer)
    path.write_bytes(path.read_bytes()[:-1])
    shop.folder.rename(tmp_path / "away")
    try:
        again = follow(shop)
        again.wait_until(serving(before, older))
        again.wait_until(lambda node: {"bundle", "store"} <= set(node.status()["degraded"]))
        assert again.decide("s")["bundle"] == older
    finally:
        (tmp_path / "away").rename(shop.folder)
    again.wait_until(serving(now, newer))
    again.wait_until(lambda node: node.status()["degraded"] == [])
