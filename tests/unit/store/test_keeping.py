"""Keeping a store over time: freshness, pruning, what a node finds again after a crash of its own."""

import time
from datetime import timedelta

import pytest

from edgewise.store import steps
from edgewise.store.checkup import check_up
from edgewise.store.commit import Draft
from edgewise.store.desk import Desk
from edgewise.store.names import bundle_name, digest_of
from edgewise.store.pruning import prune
from edgewise.store.setup import read_store_file


def desk_of(shop):
    return Desk(shop.objects, read_store_file(shop.objects), shop.keys, shop.root)


def test_pruning_leaves_all_that_nodes_and_operators_need(any_shop):
    sleeper, awake = any_shop.node("sleeper"), any_shop.node("awake")
    any_shop.everywhere(b"first")
    sleeper.refresh()
    for number in range(12):
        any_shop.everywhere(b"%d" % number)
    awake.refresh()
    any_shop.objects.create(bundle_name(digest_of(b"orphan")), b"orphan")

    gone = prune(desk_of(any_shop), dry_run=False, young=timedelta(0))

    assert bundle_name(digest_of(b"orphan")) in gone
    assert any(name.startswith("metadata/") for name in gone)
    for node in (sleeper, awake, any_shop.node("fresh")):
        seen = node.refresh()
        assert (seen.generation.stable, seen.problems) == (digest_of(b"11"), ())
        assert node.fetch(digest_of(b"11")).bundle == b"11"
    any_shop.step(steps.rollback, None)
    assert any_shop.node("fresh").refresh().generation.stable == digest_of(b"10")
    assert [each for each in check_up(desk_of(any_shop)) if not each.holds] == []


def test_pruning_says_before_what_would_go(shop):
    shop.everywhere(b"first")
    shop.everywhere(b"second")

    would = prune(desk_of(shop), dry_run=True, young=timedelta(0))

    assert would
    assert prune(desk_of(shop), dry_run=False, young=timedelta(0)) == would
    assert prune(desk_of(shop), dry_run=False, young=timedelta(0)) == []


def test_refreshing_moves_only_the_timestamp(shop):
    shop.everywhere()
    before = shop.writer.read()

    shop.writer.commit(lambda _: Draft())

    after = shop.writer.read()
    assert after.timestamp.version == before.timestamp.version + 1
    assert after.snapshot.version == before.snapshot.version


def test_a_checkup_names_what_nobody_signed_and_what_is_spoiled(shop):
    digest = shop.everywhere()
    shop.objects.create("rollout/7.json", b"{}")
    shop.objects.replace(bundle_name(digest), b"spoiled")

    wrong = [each.detail for each in check_up(desk_of(shop)) if not each.holds]

    assert any("`rollout/7.json` is signed for by nobody" in detail for detail in wrong)
    assert any("is not what was signed for" in detail for detail in wrong)


@pytest.mark.parametrize("damage", ["pointer", "folder", "both", "floor", "all", "torn"])
def test_a_damaged_cache_is_made_anew(shop, damage):
    digest = shop.everywhere()
    shop.node().refresh()
    cache = shop.folder / "cache-n-1"
    if damage in ("pointer", "both"):
        (cache / "current.json").write_bytes(b"{torn")
    if damage in ("folder", "both"):
        for path in next(cache.glob("proven-*")).glob("*.json"):
            path.unlink()
        next(cache.glob("proven-*")).rename(cache / "gone")
    if damage == "floor":
        (cache / "generation.json").write_bytes(b"")
    if damage == "all":
        for path in cache.glob("*.json"):
            if path.name != "root.json":
                path.write_bytes(b"\0" * 100)

    if damage == "torn":
        for path in next(cache.glob("proven-*")).glob("*.json"):
            path.write_bytes(path.read_bytes()[:-7] if path.name != "root.json" else path.read_bytes())

    node = shop.node()
    assert node.refresh().generation.stable == digest
    shop.everywhere(b"second")
    assert node.refresh().generation.generation == 2


def test_half_written_objects_are_swept_when_they_are_old(shop):
    left = shop.folder / "store/bundles/abc.bundle#1"
    shop.everywhere()
    left.write_bytes(b"half")

    assert prune(desk_of(shop), dry_run=True) == []
    assert "bundles/abc.bundle#1" in prune(desk_of(shop), dry_run=False, young=timedelta(0))
    assert not left.exists()


def test_a_clock_that_went_back_is_told_even_after_a_restart(shop, monkeypatch):
    shop.everywhere()
    node = shop.node()
    assert node.refresh().problems == ()

    now = time.time()
    monkeypatch.setattr("edgewise.store.node.time.time", lambda: now - 86_400)

    assert node.refresh().problems[0].startswith("this machine's clock went back by 8")
    assert shop.node().refresh().problems[0].startswith("this machine's clock went back by 8")


def test_what_a_killed_refresh_left_is_swept(shop):
    shop.everywhere()
    left = shop.folder / "cache-n-1" / "try-left"
    left.mkdir(parents=True)

    shop.node().refresh()

    assert not left.exists()
    assert len(list((shop.folder / "cache-n-1").glob("proven-*"))) == 1
