"""From publish to a node: what is released, what a node is told, what it fetches."""

import pytest

from edgewise.store import StoreError, TrustError, steps
from edgewise.store.limits import RELEASES_KEPT
from edgewise.store.names import digest_of
from edgewise.store.releases import fetch, publish, releases

FIRST = b'{"bundle":"first"}'
SECOND = b'{"bundle":"second"}'
MODEL = b"onnx"


def test_a_node_is_told_and_fetches_what_was_rolled_out(any_shop):
    digest = any_shop.release(FIRST, {digest_of(MODEL): MODEL})
    any_shop.step(steps.start_everywhere, digest, why="the first one")

    node = any_shop.node()
    told = node.refresh().generation

    assert (told.generation, told.stable, told.candidate, told.why) == (1, digest, None, "the first one")
    assert node.fetch(digest).bundle == FIRST
    assert node.fetch(digest).models == {digest_of(MODEL): MODEL}


def test_a_store_with_nothing_rolled_out_tells_nothing(shop):
    shop.release()

    assert shop.node().refresh().generation is None


def test_a_node_sees_each_generation_as_it_comes(any_shop):
    node = any_shop.node()
    any_shop.everywhere(FIRST)
    first = node.refresh().generation
    any_shop.everywhere(SECOND)

    assert (first.generation, node.refresh().generation.generation) == (1, 2)
    assert node.refresh().generation.stable == digest_of(SECOND)


def test_publishing_again_changes_nothing(shop):
    shop.release()
    before = shop.writer.read().timestamp.version

    assert publish(shop.writer, FIRST, {}) == (digest_of(FIRST), False)
    assert shop.writer.read().timestamp.version == before


def test_what_is_not_released_cannot_be_fetched_or_rolled_out(shop):
    shop.everywhere()
    node = shop.node()

    with pytest.raises(TrustError, match="not signed for by `release`"):
        node.fetch(digest_of(b"other"))
    with pytest.raises(StoreError, match="is no release of this store"):
        shop.step(steps.start_everywhere, digest_of(b"other"))


def test_a_model_of_other_bytes_is_not_released(shop):
    with pytest.raises(StoreError, match="are others"):
        publish(shop.writer, FIRST, {digest_of(b"a"): b"b"})


def test_what_runs_stays_released_however_many_follow(shop):
    running = shop.everywhere()
    for number in range(RELEASES_KEPT + 2):
        last = shop.release(b"%d" % number)

    view = shop.writer.read()
    assert running in releases(view)
    assert last in releases(view)
    assert len(releases(view)) <= RELEASES_KEPT + 2
    assert fetch(shop.objects, view, running).bundle == FIRST


def test_a_restarted_node_knows_the_root_by_itself(shop):
    digest = shop.everywhere()
    shop.node("a").refresh()

    again = type(shop.node("a")).open(shop.url, shop.folder / "cache-a")

    assert again.refresh().generation.stable == digest
