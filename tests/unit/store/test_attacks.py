"""Somebody writes to the store, or holds a key, who should not. What a node runs never changes by it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tuf.api.metadata import MetaFile, TargetFile, Targets, Timestamp

from edgewise.store import StoreError, StoreUnavailableError, TrustError, ceremony, steps
from edgewise.store.commit import Draft
from edgewise.store.generation import Generation, encode
from edgewise.store.keys import KeyFolder
from edgewise.store.limits import TIMESTAMP_BYTES_MAX
from edgewise.store.metadata import expiry, sign
from edgewise.store.names import TIMESTAMP_HINT, bundle_name, digest_of, generation_name, metadata_name
from edgewise.store.releases import publish
from edgewise.store.rollout import take_step

FIRST = b'{"bundle":"first"}'
SECOND = b'{"bundle":"second"}'
THIRD = b'{"bundle":"third"}'
EVIL = b'{"bundle":"evil"}'


@pytest.fixture
def node(shop):
    """A node that runs generation 1."""
    shop.everywhere(FIRST)
    node = shop.node()
    assert node.refresh().generation.generation == 1
    return node


def forge_timestamp(shop, number, keys, *, snapshot=None, expires=None):
    """A timestamp made outside of any writer, under the number and by the keys wanted."""
    view = shop.writer.read()
    payload = Timestamp(
        version=number,
        expires=expires or expiry("timestamp", development=False),
        snapshot_meta=snapshot or view.timestamp.snapshot_meta,
    )
    data = sign(payload, keys)
    shop.objects.replace(metadata_name("timestamp", number), data)
    return data


def still_at(node, generation):
    seen = node.refresh()
    assert seen.generation.generation == generation
    return seen.problems


# Content


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [(bytes([FIRST[0] ^ 1]) + FIRST[1:], "hash"), (FIRST + b" ", "length"), (FIRST[:-1], "length"), (b"", "length")],
    ids=["one bit flipped", "one byte too long", "truncated", "empty"],
)
def test_a_spoiled_bundle_is_refused(shop, node, spoiled, code):
    shop.objects.replace(bundle_name(digest_of(FIRST)), spoiled)

    with pytest.raises(TrustError) as caught:
        node.fetch(digest_of(FIRST))
    assert caught.value.code in {code, "hash"}


def test_a_spoiled_model_is_refused_and_publishing_mends_it(shop):
    digest = shop.release(FIRST, {digest_of(b"onnx"): b"onnx"})
    shop.step(steps.start_everywhere, digest)
    node = shop.node()
    shop.objects.replace(f"models/{digest_of(b'onnx')[7:]}.onnx", b"evil")

    with pytest.raises(TrustError, match="not what was signed for"):
        node.fetch(digest)
    publish(shop.writer, FIRST, {digest_of(b"onnx"): b"onnx"})
    assert node.fetch(digest).models == {digest_of(b"onnx"): b"onnx"}


def test_a_spoiled_document_is_refused(shop):
    shop.everywhere()
    shop.objects.replace(generation_name(1), b"{}")

    with pytest.raises(TrustError):
        shop.node().refresh()


# Time and numbers


def test_an_old_timestamp_served_again_changes_nothing(shop, node):
    old = shop.objects.read(TIMESTAMP_HINT, TIMESTAMP_BYTES_MAX)
    shop.everywhere(SECOND)
    assert still_at(node, 2) == ()

    shop.objects.replace(TIMESTAMP_HINT, old)
    shop.objects.delete([metadata_name("timestamp", shop.writer.read().timestamp.version)])
    assert "older than" in still_at(node, 2)[0]
    restarted = shop.node()
    assert "older than" in still_at(restarted, 2)[0]


def test_an_old_timestamp_under_a_new_number_is_skipped(shop, node):
    old = shop.objects.read(TIMESTAMP_HINT, TIMESTAMP_BYTES_MAX)
    shop.everywhere(SECOND)
    next_number = shop.writer.read().next_timestamp
    shop.objects.replace(metadata_name("timestamp", next_number), old)

    assert any("skipped" in problem for problem in still_at(node, 2))
    assert still_at(shop.node("fresh"), 2)


def test_a_stolen_timestamp_key_cannot_bring_an_older_snapshot_back(shop, node):
    old = shop.writer.read().timestamp.snapshot_meta
    shop.everywhere(SECOND)
    assert still_at(node, 2) == ()

    forge_timestamp(shop, shop.writer.read().next_timestamp, shop.keys.of_role("timestamp"), snapshot=old)

    assert any("New snapshot version must be" in problem for problem in still_at(node, 2))
    shop.everywhere(THIRD)
    assert still_at(node, 3) == ()


def test_a_stolen_timestamp_key_cannot_name_a_snapshot_that_is_not_there(shop, node):
    number = shop.writer.read().next_timestamp
    forge_timestamp(shop, number, shop.keys.of_role("timestamp"), snapshot=MetaFile(version=999))

    assert any("skipped" in problem for problem in still_at(node, 1))
    shop.everywhere(SECOND)
    assert still_at(node, 2) == ()


def test_a_timestamp_by_an_unknown_key_is_skipped(shop, node, tmp_path):
    stranger = KeyFolder(tmp_path / "stranger").make("timestamp")
    number = shop.writer.read().next_timestamp
    forge_timestamp(shop, number, [stranger])

    assert any("was signed by 0/1 keys" in problem for problem in still_at(node, 1))
    shop.everywhere(SECOND)
    assert shop.writer.read().timestamp.version > number
    assert still_at(node, 2) == ()


def test_an_expired_timestamp_stops_updates_and_keeps_what_was_proven(shop, node):
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    number = shop.writer.read().next_timestamp
    data = forge_timestamp(shop, number, shop.keys.of_role("timestamp"), expires=past)
    shop.objects.replace(TIMESTAMP_HINT, data)

    with pytest.raises(TrustError) as caught:
        shop.node("fresh").refresh()
    assert caught.value.code == "expired"
    assert node.fetch(digest_of(FIRST)).bundle == FIRST

    shop.writer.commit(lambda _: Draft())
    assert shop.node("fresh").refresh().generation.generation == 1


def test_a_node_notices_that_what_it_has_proven_has_expired(shop, monkeypatch):
    from edgewise.store import trust

    shop.everywhere()
    node = shop.node()
    node.refresh()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=4000)

    monkeypatch.setattr(trust, "datetime", Later)
    node._reader._checked_at = Later.now(UTC)  # noqa: SLF001, or the whole check is due anyway
    with pytest.raises(TrustError) as caught:
        node.refresh()
    assert caught.value.code == "expired"


def test_a_timestamp_of_five_megabytes_is_not_read_to_its_end(shop, node, monkeypatch):
    number = shop.writer.read().next_timestamp
    shop.objects.replace(metadata_name("timestamp", number), b"x" * 5 * 1024 * 1024)
    read = []
    pieces = type(node.objects)._pieces  # noqa: SLF001, what is counted

    def counted(self, found, name, bytes_max):
        for chunk in pieces(self, found, name, bytes_max):
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(type(node.objects), "_pieces", counted)
    problems = still_at(node, 1)

    assert any("is larger than 16384 bytes" in problem for problem in problems)
    assert sum(read) < 1024 * 1024
    monkeypatch.undo()
    shop.everywhere(SECOND)
    assert node.refresh().generation.generation == 2


def test_a_bogus_hint_is_of_no_consequence(shop, node):
    shop.objects.replace(TIMESTAMP_HINT, b'{"signed": {"version": 99999999}}')

    still_at(node, 1)
    assert shop.node("fresh").refresh().generation.generation == 1
    shop.everywhere(SECOND)
    assert still_at(node, 2) == ()


def test_a_hint_that_claims_a_far_number_moves_no_number(shop, node, tmp_path):
    stranger = KeyFolder(tmp_path / "stranger").make("timestamp")
    data = forge_timestamp(shop, 10**12, [stranger])
    shop.objects.replace(TIMESTAMP_HINT, data)

    before = shop.node("fresh").refresh().generation.generation
    shop.everywhere(SECOND)

    assert before == 1
    assert shop.writer.read().timestamp.version < 100
    assert still_at(node, 2) == ()


def test_metadata_of_before_under_the_name_of_now_is_refused(shop, node):
    view = shop.writer.read()
    before = shop.objects.read(metadata_name("rollout", view.roles["rollout"].version), 10**6)
    shop.everywhere(SECOND)
    now = shop.writer.read().roles["rollout"].version
    shop.objects.replace(metadata_name("rollout", now), before)

    assert any("skipped" in problem for problem in still_at(node, 1))


def test_a_change_counts_when_the_hint_could_not_be_written(shop, node, monkeypatch):
    def fail(*_):
        raise StoreUnavailableError("no")

    second = shop.release(SECOND)
    with monkeypatch.context() as patched:
        patched.setattr("edgewise.store.objects.Objects.replace", fail)
        shop.step(steps.start_everywhere, second)

    assert node.refresh().generation.generation == 2
    assert shop.node("fresh").refresh().generation.generation == 2


def test_a_hint_that_lags_far_behind_is_caught_up_with(shop, node, monkeypatch):
    monkeypatch.setattr("edgewise.store.limits.PROBES_MAX", 3)
    old = shop.objects.read(TIMESTAMP_HINT, TIMESTAMP_BYTES_MAX)
    for number in range(5):
        shop.everywhere(b"%d" % number)
    shop.objects.replace(TIMESTAMP_HINT, old)

    assert shop.node("fresh").refresh().generation.generation == 6
    shop.everywhere(SECOND)
    assert node.refresh().generation.generation == 7


# Roots and keys


@pytest.fixture
def strict(make_shop, tmp_path):
    """A production store whose root must be signed by two of two keys."""
    return make_shop(tmp_path, f"memory://{uuid.uuid4().hex}", development=False, root_keys=2, thresholds={"root": 2})


def test_a_root_signed_by_one_of_two_is_skipped(strict):
    strict.everywhere()
    node = strict.node()
    before = node.refresh()
    draft = ceremony.renewed(strict.writer.read(), "root")
    draft.sign(strict.keys.of_role("root")[0].signer)
    strict.objects.replace(metadata_name("root", 2), draft.to_bytes())

    strict.everywhere(SECOND)
    seen = node.refresh()

    assert (before.generation.generation, seen.generation.generation) == (1, 2)
    assert any("root 2 is not signed by enough trusted keys" in problem for problem in seen.problems)


def test_a_real_root_takes_the_place_of_rubbish(strict):
    strict.everywhere()
    strict.objects.replace(metadata_name("root", 2), b"rubbish")
    node = strict.node()
    assert node.refresh().generation.generation == 1

    rotate(strict, "timestamp")
    strict.everywhere(SECOND)

    assert node.refresh().generation.generation == 2


def rotate(shop, role):
    """Replace the keys of a role; the old ones are thrown away."""
    old = shop.keys.of_role(role)
    new = shop.keys.make(role)
    view = shop.writer.read()
    draft = ceremony.with_keys(view, role, add=[new], remove=[key.id for key in old], threshold=1)
    ceremony.sign_draft(draft, shop.keys)
    ceremony.apply(shop.writer, draft)
    for key in old:
        key.path.unlink()
    return old


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp", "release", "rollout", "fleet"])
def test_a_replaced_key_is_taken_over_without_touching_a_node(strict, role):
    strict.everywhere()
    node = strict.node()
    node.refresh()

    [old] = rotate(strict, role)
    strict.everywhere(SECOND)

    assert node.refresh().generation.generation == 2
    assert strict.node("fresh").refresh().generation.stable == digest_of(SECOND)
    assert old.id not in str(strict.writer.read().root.to_dict()["roles"])


def test_a_revoked_timestamp_key_signs_for_nothing_any_more(strict):
    strict.everywhere()
    node = strict.node()
    node.refresh()
    old = rotate(strict, "timestamp")
    node.refresh()

    forge_timestamp(strict, strict.writer.read().next_timestamp, old)

    assert any("was signed by 0/1 keys" in problem for problem in still_at(node, 1))


def test_keys_are_replaced_after_a_stolen_one_signed_a_huge_number(strict):
    """A thief of the timestamp key can sign a number so large that nothing follows it; replacing the key mends that."""
    strict.everywhere()
    node = strict.node()
    node.refresh()
    data = forge_timestamp(strict, 10**14, strict.keys.of_role("timestamp"))
    strict.objects.replace(TIMESTAMP_HINT, data)
    assert node.refresh().generation.generation == 1

    rotate(strict, "timestamp")
    strict.everywhere(SECOND)

    assert node.refresh().generation.generation == 2


def test_an_interrupted_change_of_keys_is_finished_by_doing_it_again(strict, monkeypatch):
    strict.everywhere()
    new = strict.keys.make("timestamp")
    view = strict.writer.read()
    old = [key.id for key in strict.keys.of_role("timestamp") if key.id != new.id]
    draft = ceremony.with_keys(view, "timestamp", add=[new], remove=old)
    ceremony.sign_draft(draft, strict.keys)
    with monkeypatch.context() as patched:
        patched.setattr("edgewise.store.commit.Writer._put_top", die)
        with pytest.raises(InterruptedError):
            ceremony.apply(strict.writer, draft)
    with pytest.raises(TrustError):
        strict.writer.read()

    ceremony.apply(strict.writer, draft)
    strict.everywhere(SECOND)

    assert strict.node().refresh().generation.generation == 2


def die(*_arguments):
    raise InterruptedError


def test_a_role_without_enough_keys_is_refused(strict):
    view = strict.writer.read()
    [only] = strict.keys.of_role("release")

    with pytest.raises(StoreError, match="would have 0 keys of which 1 must sign"):
        ceremony.with_keys(view, "release", add=[], remove=[only.id])
    with pytest.raises(StoreError, match="would have 2 keys of which 3 must sign"):
        ceremony.with_keys(view, "root", add=[], remove=[], threshold=3)


def test_a_draft_without_enough_signatures_does_nothing(strict):
    view = strict.writer.read()
    draft = ceremony.renewed(view, "root")
    draft.sign(strict.keys.of_role("root")[0].signer)

    assert [(each.role, each.count) for each in ceremony.missing(view, draft)] == [("root", 1), ("root", 1)]
    with pytest.raises(TrustError, match="not signed by enough"):
        ceremony.apply(strict.writer, draft)
    assert strict.writer.read().root.version == 1


# Stolen keys of roles


def test_a_stolen_rollout_key_cannot_introduce_content(shop, node):
    thief = shop.with_keys("rollout", "snapshot", "timestamp")
    name = bundle_name(digest_of(EVIL))
    shop.objects.create(name, EVIL)

    with pytest.raises(StoreError, match="is no release of this store"):
        take_step(thief, lambda before: steps.start_everywhere(before, digest_of(EVIL), signature()))
    with pytest.raises(StoreError, match="of `release` must sign"):
        publish(thief, EVIL, {})

    # Past the program's own refusal: a generation that names it, and metadata of `rollout` that lists it.
    document = Generation(generation=2, previous=1, stable=digest_of(EVIL), action="start", by="thief", at="")
    shop.objects.create(generation_name(2), encode(document))
    entries = {
        path: TargetFile.from_data(path, data, ["sha256"])
        for path, data in ((generation_name(2), encode(document)), (name, EVIL))
    }
    thief.commit(lambda _: Draft(roles={"rollout": Targets(targets=entries)}))

    assert node.refresh().generation.stable == digest_of(EVIL)
    with pytest.raises(TrustError, match="not signed for by `release`"):
        node.fetch(digest_of(EVIL))


def test_a_stolen_rollout_key_cannot_take_generations_back(shop, node):
    shop.everywhere(SECOND)
    node.refresh()
    first = shop.writer.read().roles["rollout"].targets[generation_name(1)]
    thief = shop.with_keys("rollout", "snapshot", "timestamp")
    thief.commit(lambda _: Draft(roles={"rollout": Targets(targets={generation_name(1): first})}))

    with pytest.raises(TrustError, match="generation 2 was seen"):
        node.refresh()
    with pytest.raises(TrustError, match="generation 2 was seen"):
        shop.node().refresh()


def test_a_stolen_release_key_alone_reaches_no_node(shop, node):
    thief = shop.with_keys("release")

    with pytest.raises(StoreError, match="of `snapshot` must sign"):
        publish(thief, EVIL, {})
    assert still_at(node, 1) == ()


def signature():
    return steps.Signature(by="thief", at="", why="")


# Squatters and half-done writes


def test_a_squatted_generation_is_skipped(shop, node):
    shop.objects.create(generation_name(2), b'{"stable": "evil"}')

    shop.everywhere(SECOND)

    assert still_at(node, 3) == ()
    assert shop.objects.read(generation_name(2), 100) == b'{"stable": "evil"}'


def test_squatted_numbers_of_metadata_are_skipped(shop, node):
    view = shop.writer.read()
    for role, version in (("rollout", view.roles["rollout"].version), ("snapshot", view.snapshot.version)):
        shop.objects.create(metadata_name(role, version + 1), b"{}")
    for ahead in range(3):
        shop.objects.create(metadata_name("timestamp", view.next_timestamp + ahead), b"{}")

    shop.everywhere(SECOND)

    assert node.refresh().generation.generation == 2
    assert shop.node("fresh").refresh().generation.generation == 2


def test_a_writer_that_dies_before_the_end_has_changed_nothing(shop, node, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("edgewise.store.commit.Writer._put_timestamp", die)
        with pytest.raises(InterruptedError):
            shop.everywhere(SECOND)
    assert still_at(node, 1) == ()

    shop.everywhere(SECOND)

    assert node.refresh().generation.stable == digest_of(SECOND)
