"""Whatever somebody writes into a store: a node gets what was signed, or an error of the store's kind. Nothing else."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.store import NodeStatus, Objects, StoreError, steps
from edgewise.store.commit import Writer
from edgewise.store.keys import ROLES, KeyFolder
from edgewise.store.names import digest_of
from edgewise.store.node import NodeStore
from edgewise.store.releases import publish
from edgewise.store.rollout import take_step
from edgewise.store.setup import init_store, new_id
from edgewise.store.status import public_of, seal, unseal

FIRST, SECOND = b'{"bundle":"first"}', b'{"bundle":"second"}'
BYTES_MAX = 10**6


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """Every object of a store with two generations, its keys, and the folder with its root."""
    folder = tmp_path_factory.mktemp("signed")
    keys = KeyFolder(folder / "keys")
    for role in ROLES:
        keys.make(role)
    objects = Objects.open(f"memory://{uuid.uuid4().hex}")
    writer = Writer(objects, init_store(objects, new_id(), keys, {}, development=False), keys)
    for data in (FIRST, SECOND):
        digest, _ = publish(writer, data, {digest_of(b"model"): b"model"})
        sign = steps.Signature(by="t", at="2026-11-21T09:00:00Z")
        take_step(writer, lambda before, digest=digest, sign=sign: steps.start_everywhere(before, digest, sign))
    return {item.name: objects.read(item.name, BYTES_MAX) for item in objects.below("")}, keys


def spoil(data, how, place, junk):
    """The bytes of an object after somebody was at them."""
    where = place % (len(data) or 1)
    if how == "flip":
        return data[:where] + bytes([data[where] ^ (junk[0] if junk and junk[0] else 1)]) + data[where + 1 :]
    return {"cut": data[:where], "grow": data + junk, "replace": junk, "insert": data[:where] + junk + data[where:]}[
        how
    ]


spoiling = st.tuples(
    st.integers(0, 10**6),
    st.sampled_from(["flip", "cut", "grow", "replace", "insert", "delete", "swap"]),
    st.integers(0, 10**6),
    st.binary(max_size=64),
)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(spoiling, min_size=1, max_size=4))
def test_a_node_gets_what_was_signed_or_an_error_of_the_store(signed, tmp_path_factory, spoilings):
    originals, keys = signed
    now = dict(originals)
    for pick, how, place, junk in spoilings:
        name = sorted(originals)[pick % len(originals)]
        if how == "delete":
            now.pop(name, None)
        elif how == "swap":
            now[name] = originals[sorted(originals)[place % len(originals)]]
        elif name in now:
            now[name] = spoil(now[name], how, place, junk)
    url = f"memory://{uuid.uuid4().hex}"
    objects = Objects.open(url)
    for name, data in now.items():
        objects.replace(name, data)
    node = NodeStore.open(url, tmp_path_factory.mktemp("cache"), root=keys.root_file)

    try:
        generation = node.refresh().generation
        if generation is None:
            return
        assert generation.stable == {1: digest_of(FIRST), 2: digest_of(SECOND)}[generation.generation]
        release = node.fetch(generation.stable)
    except StoreError:
        return
    assert digest_of(release.bundle) == generation.stable
    assert release.models == {digest_of(b"model"): b"model"}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_rubbish_is_no_status(rubbish):
    with pytest.raises(StoreError):
        unseal(rubbish, "n-1", "00" * 32)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_status_with_a_flipped_byte_is_no_status(signed, place, flip):
    _, keys = signed
    [key] = keys.of_role("fleet")
    data = seal(NodeStatus(generation=1, digest="sha256:" + "0" * 64, node="n-1", sequence=1, at="now"), key)
    assert unseal(data, "n-1", public_of(key)).sequence == 1

    where = place % len(data)
    spoiled = data[:where] + bytes([data[where] ^ flip]) + data[where + 1 :]
    try:
        status = unseal(spoiled, "n-1", public_of(key))
    except StoreError:
        return
    # What is left is JSON that says the same another way, such as hex in capitals.
    assert status.sequence == 1
