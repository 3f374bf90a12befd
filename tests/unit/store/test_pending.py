"""Releases that several people sign for, each with a key of their own: nothing runs before enough have."""

from datetime import UTC, datetime, timedelta

import pytest
from tuf.api.metadata import Metadata, Targets

from edgewise.store import (
    KeysError,
    Objects,
    RolloutError,
    StoreError,
    StoreUnavailableError,
    TrustError,
    ceremony,
    steps,
)
from edgewise.store.bringing import bring, named, sign
from edgewise.store.desk import Desk
from edgewise.store.names import bundle_name, digest_of, model_name
from edgewise.store.pending import Proposal, proposals, proposed, require_fitting
from edgewise.store.pruning import prune
from edgewise.store.releases import publish, releases
from edgewise.store.setup import read_store_file
from edgewise.store.view import look_with_waiting
from edgewise.store.watching import take_turn

FIRST, SECOND, THIRD = b'{"bundle":"first"}', b'{"bundle":"second"}', b'{"bundle":"third"}'
MODEL = b"onnx"
ONLINE = ("snapshot", "timestamp")


class Team:
    """People on machines of their own, each with one key of `release`; two of them must sign."""

    def __init__(self, shop):
        self.shop = shop
        for _ in range(2):
            shop.keys.make("release")
        first = ceremony.authorized(shop.writer.read().root, shop.writer.read().targets, "release")[0]
        new = [key for key in shop.keys.of_role("release") if key.id not in first]
        draft = ceremony.with_keys(shop.writer.read(), "release", add=new, remove=[], threshold=2)
        ceremony.sign_draft(draft, shop.keys)
        ceremony.apply(shop.writer, draft)
        self._keys = shop.keys.of_role("release")

    def key(self, number):
        return self._keys[number]

    def person(self, number, *roles):
        writer = self.shop.with_keys(*(roles or ONLINE))
        path = self._keys[number].path
        (writer.keys.folder / path.name).write_bytes(path.read_bytes())
        return writer

    def waiting(self):
        return proposals(self.shop.objects, self.shop.writer.read())

    def signs(self, number, data, *roles):
        writer = self.person(number, *roles)
        view = writer.read()
        return sign(writer, view, named(writer, view, digest_of(data)))


@pytest.fixture
def team(shop):
    return Team(shop)


def released(shop):
    return list(releases(shop.writer.read()))


def test_one_signature_of_two_releases_nothing(team, shop):
    brought = bring(team.person(0), FIRST, {}, note="by ada")

    assert (brought.waits.missing, len(brought.waits.signed), len(brought.waits.unsigned)) == (1, 1, 2)
    assert released(shop) == []
    with pytest.raises(RolloutError, match="is no release of this store"):
        shop.step(steps.start_everywhere, brought.digest)
    with pytest.raises(TrustError, match="not signed for by `release`"):
        shop.node().fetch(brought.digest)
    [waiting] = team.waiting()
    assert (waiting.digest, waiting.facts.note) == (brought.digest, "by ada")


def test_a_second_person_signs_for_the_digest_and_it_counts(team, shop):
    brought = bring(team.person(0), FIRST, {digest_of(MODEL): MODEL})
    done = team.signs(1, FIRST)

    assert (done.digest, done.is_new, done.waits) == (brought.digest, True, None)
    assert team.waiting() == []
    shop.step(steps.start_everywhere, brought.digest)
    node = shop.node()
    node.refresh()
    assert node.fetch(brought.digest).models == {digest_of(MODEL): MODEL}


def test_a_second_person_who_publishes_the_same_signs_the_same(team, shop):
    bring(team.person(0), FIRST, {}, decides="d")
    assert bring(team.person(2), FIRST, {}, decides="d").waits is None
    assert released(shop) == [digest_of(FIRST)]


def test_signing_twice_counts_once(team, shop):
    bring(team.person(0), FIRST, {})
    assert bring(team.person(0), FIRST, {}).waits.missing == 1, "and to publish again changes nothing"
    with pytest.raises(KeysError, match="you have signed this already; it waits for 1 more"):
        team.signs(0, FIRST)
    stranger, view, [waiting] = shop.with_keys(*ONLINE), shop.writer.read(), team.waiting()
    with pytest.raises(KeysError, match="holds no key of `release`"):
        sign(stranger, view, waiting)


def test_whoever_holds_the_online_keys_makes_it_count(team, shop):
    bring(team.person(0, "fleet"), FIRST, {})
    signed = team.signs(1, FIRST, "fleet")
    assert signed.waits.is_complete
    assert released(shop) == []

    writer = shop.with_keys(*ONLINE)
    view = writer.read()
    assert sign(writer, view, named(writer, view, digest_of(FIRST)[:14])).waits is None
    assert released(shop) == [digest_of(FIRST)]


def test_who_holds_enough_keys_waits_for_nobody(team, shop):
    assert bring(shop.writer, FIRST, {}).waits is None
    assert released(shop) == [digest_of(FIRST)]


def test_what_was_proposed_before_another_release_is_published_again(team, shop):
    bring(team.person(0), FIRST, {})
    publish(shop.writer, SECOND, {})

    assert team.waiting() == []
    with pytest.raises(RolloutError, match="names no bundle that waits"):
        team.signs(1, FIRST)
    bring(team.person(0), FIRST, {})
    team.signs(1, FIRST)
    assert set(released(shop)) == {digest_of(FIRST), digest_of(SECOND)}


def test_two_bundles_may_wait_side_by_side_and_one_of_them_wins(team, shop):
    bring(team.person(0), FIRST, {})
    bring(team.person(0), SECOND, {})
    assert {each.digest for each in team.waiting()} == {digest_of(FIRST), digest_of(SECOND)}
    team.signs(1, SECOND)
    assert released(shop) == [digest_of(SECOND)]
    assert team.waiting() == []


def signatures(shop):
    return sorted((shop.folder / "store/pending").glob("*.json"))


def test_a_proposal_that_was_changed_in_the_store_is_signed_by_nobody(team, shop):
    bring(team.person(0), FIRST, {})
    [path] = signatures(shop)
    path.write_bytes(path.read_bytes().replace(b'"by":', b'"BY":'))
    assert team.waiting() == []


def test_a_proposal_that_no_key_has_signed_is_none(team, shop):
    bring(team.person(0), FIRST, {})
    [path] = signatures(shop)
    metadata = Metadata[Targets].from_bytes(path.read_bytes())
    metadata.signatures.clear()
    metadata.sign(shop.keys.of_role("rollout")[0].signer)
    path.write_bytes(metadata.to_bytes())
    assert team.waiting() == []


def test_a_proposal_under_another_digest_is_none(team, shop):
    bring(team.person(0), FIRST, {})
    [path] = signatures(shop)
    path.rename(path.with_name(path.name.replace(digest_of(FIRST)[7:], digest_of(SECOND)[7:])))
    assert team.waiting() == []


def test_bytes_that_were_changed_meanwhile_are_found_before_signing(team, shop):
    bring(team.person(0), FIRST, {})
    (shop.folder / "store" / bundle_name(digest_of(FIRST))).write_bytes(FIRST.replace(b"first", b"worse"))
    [waiting] = team.waiting()
    with pytest.raises(TrustError, match="is not what was signed for"):
        proposed(shop.objects, shop.writer.read(), waiting)


def test_a_proposal_that_brings_in_more_than_its_name_is_not_signed(team, shop):
    """The first signer is a thief: the second sees one bundle, and would sign for two."""
    bring(team.person(0), FIRST, {})
    [waiting] = team.waiting()
    thief = team.person(0)
    waiting.metadata.signed.targets[bundle_name(digest_of(SECOND))] = next(
        iter(waiting.metadata.signed.targets.values())
    )
    waiting.metadata.signatures.clear()
    waiting.metadata.sign(thief.keys.of_role("release")[0].signer)

    with pytest.raises(TrustError, match="says more than that"):
        require_fitting(shop.objects, shop.writer.read(), waiting)


def forged(team, data, change, *, beside=False):
    """What a thief who holds one key of `release` leaves in place of a proposal, or beside it."""
    [honest] = [each for each in team.waiting() if each.digest == digest_of(data)]
    metadata = Metadata[Targets].from_bytes(honest.metadata.to_bytes())
    metadata.signatures.clear()
    change(metadata.signed)
    key = team.key(0)
    metadata.sign(key.signer)
    forgery = Proposal(honest.digest, honest.facts, metadata, (key.id,), (), 1)
    [name] = forgery.objects
    if not beside:
        for path in signatures(team.shop):
            path.unlink()
    team.shop.objects.replace(name, metadata.to_bytes())
    return forgery


def with_hash(*names, hexes="0" * 64):
    def change(signed):
        for name in names:
            signed.targets[name].hashes["sha256"] = hexes

    return change


@pytest.mark.parametrize("name", [bundle_name(digest_of(SECOND)), model_name(digest_of(MODEL))])
def test_who_publishes_the_same_book_does_not_sign_for_others_hashes(team, shop, name):
    """The model is shared with what runs: a false hash would take away the running release as well."""
    models = {digest_of(MODEL): MODEL}
    publish(shop.writer, FIRST, models)
    shop.step(steps.start_everywhere, digest_of(FIRST))
    bring(team.person(0), SECOND, models)
    forgery = forged(team, SECOND, with_hash(name))

    brought = bring(team.person(1), SECOND, models)
    assert (brought.waits.missing, brought.waits.signed) == (1, (team.key(1).id,))
    with pytest.raises(TrustError, match=r"another hash|says more than that"):
        require_fitting(shop.objects, shop.writer.read(), forgery)
    assert team.signs(2, SECOND).waits is None
    node = shop.node()
    node.refresh()
    assert [node.fetch(digest_of(each)).models for each in (FIRST, SECOND)] == [models, models]


def test_who_publishes_the_same_book_does_not_sign_for_another_length(team):
    def change(signed):
        signed.targets[bundle_name(digest_of(FIRST))].length += 1

    bring(team.person(0), FIRST, {})
    forged(team, FIRST, change)
    assert bring(team.person(1), FIRST, {}).waits.signed == (team.key(1).id,)


def in_days(days, version=0):
    def change(signed):
        signed.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
        signed.version += version

    return change


@pytest.mark.parametrize(
    "change", [in_days(-1), in_days(1), in_days(36_500), in_days(3649, version=10**12), in_days(3649, version=256)]
)
def test_a_proposal_that_would_end_the_news_is_none(team, shop, change):
    """Once it counts, nodes take nothing new after it expires, and no number comes after a huge one."""
    bring(team.person(0), FIRST, {})
    forgery = forged(team, FIRST, change)

    assert team.waiting() == []
    with pytest.raises(TrustError, match="a number or an expiry of its own"):
        require_fitting(shop.objects, shop.writer.read(), forgery)
    bring(team.person(1), FIRST, {})
    assert team.signs(2, FIRST).waits is None


def test_a_forgery_that_sorts_first_does_not_stand_for_the_honest_one(team, shop):
    def change(signed):
        entry = signed.targets[bundle_name(digest_of(FIRST))]
        entry.hashes["sha256"] = "0" * 64
        entry.unrecognized_fields["custom"]["x-edgewise"]["at"] = ""

    brought = bring(team.person(0), FIRST, {})
    forged(team, FIRST, change, beside=True)
    assert len(team.waiting()) == 2
    assert named(shop.writer, shop.writer.read(), brought.digest).facts == brought.waits.facts

    assert team.signs(1, FIRST).waits is None


def test_what_fits_in_no_way_is_refused_and_says_why(team):
    bring(team.person(0), FIRST, {})
    forged(team, FIRST, with_hash(bundle_name(digest_of(FIRST))))
    with pytest.raises(TrustError, match="has another hash than `bundles/"):
        team.signs(1, FIRST)


def test_one_digit_names_nothing(team, shop):
    bring(team.person(0), FIRST, {})
    with pytest.raises(RolloutError, match="names no bundle that waits"):
        named(shop.writer, shop.writer.read(), digest_of(FIRST)[7:12])


def test_what_has_been_rolled_out_since_stays_released(team, shop):
    for number in range(12):
        publish(shop.writer, b"%d" % number, {})
    oldest = released(shop)[-1]
    bring(team.person(0), FIRST, {})
    shop.step(steps.start_everywhere, oldest)
    with pytest.raises(StoreError, match="has been rolled out since"):
        team.signs(1, FIRST)


def test_a_number_that_is_taken_meanwhile_holds_nobody_up(team, shop):
    bring(team.person(0), FIRST, {})
    [waiting] = team.waiting()
    (shop.folder / "store" / f"metadata/{waiting.metadata.signed.version}.release.json").write_bytes(b"squatted")
    assert team.signs(1, FIRST).waits is None
    assert released(shop) == [digest_of(FIRST)]
    bring(team.person(0), SECOND, {})
    assert team.signs(2, SECOND).waits is None


def desk_of(shop, objects=None):
    return Desk(objects or shop.objects, read_store_file(shop.objects), shop.keys, shop.root)


def test_pruning_keeps_what_waits_and_removes_what_waits_no_more(team, shop):
    bring(team.person(0), FIRST, {})
    bring(team.person(0), SECOND, {})
    prune(desk_of(shop), dry_run=False, young=timedelta())
    assert len(signatures(shop)) == 2
    assert team.signs(1, FIRST).waits is None
    assert [path.name[:64] for path in signatures(shop)] == [digest_of(SECOND)[7:]]  # those of a release go with it
    prune(desk_of(shop), dry_run=False, young=timedelta())
    assert signatures(shop) == []


class Dim(Objects):
    """A store in which some objects cannot be read at the moment, and which notes what is asked for."""

    @classmethod
    def of(cls, shop, dark):
        made = cls.open(shop.url)
        made.dark, made.asked = dark, []
        return made

    def read(self, name, bytes_max):
        self.asked.append(name)
        if name.startswith(self.dark):
            raise StoreUnavailableError("not now")
        return super().read(name, bytes_max)

    def below(self, prefix):
        if prefix == self.dark:
            raise StoreUnavailableError("not now")
        return super().below(prefix)


def test_what_cannot_be_looked_at_is_not_pruned_nor_what_it_may_name(team, shop, monkeypatch):
    bring(team.person(0), FIRST, {digest_of(MODEL): MODEL})
    dim = prune(desk_of(shop, Dim.of(shop, "pending/")), dry_run=False, young=timedelta())
    with monkeypatch.context() as patched:
        patched.setattr("edgewise.store.pending.PENDING_MAX", 0)
        beyond = prune(desk_of(shop), dry_run=False, young=timedelta())
    assert [name for name in (*dim, *beyond) if not name.startswith("metadata/")] == []
    assert len(signatures(shop)) == 1
    assert team.signs(1, FIRST).waits is None


def test_one_bound_holds_for_all_signatures_that_are_looked_at(team, shop, monkeypatch):
    for data in (FIRST, SECOND, THIRD):
        bring(team.person(0), data, {})
    monkeypatch.setattr("edgewise.store.pending.PENDING_MAX", 2)
    assert len(team.waiting()) == 2


def test_signatures_for_what_is_released_are_not_read(team, shop):
    bring(team.person(0), FIRST, {})
    [path] = signatures(shop)
    left = path.read_bytes()
    team.signs(1, FIRST)
    path.write_bytes(left)

    objects = Dim.of(shop, "nothing")
    assert proposals(objects, shop.writer.read()) == []
    assert objects.asked == []


@pytest.mark.parametrize("dark", ["pending/", "pending"])
def test_who_watches_a_rollout_does_not_depend_on_what_waits(team, shop, dark):
    bring(team.person(0), FIRST, {})
    desk = desk_of(shop, Dim.of(shop, dark))

    assert take_turn(desk).deed == "idle"
    assert not [name for name in desk.objects.asked if name.startswith("pending/")]
    assert look_with_waiting(desk).document()["waiting"] == ([] if dark == "pending/" else None)
    assert [each.digest for each in look_with_waiting(desk_of(shop)).waiting] == [digest_of(FIRST)]


def revoked(team, number):
    """Take a key out of the role, by whoever holds the keys of `targets` and none of `release`."""
    office = team.shop.with_keys("targets", *ONLINE)
    identity = team.key(number).id
    draft = ceremony.with_keys(office.read(), "release", add=[], remove=[identity])
    ceremony.sign_draft(draft, office.keys)
    ceremony.apply(office, draft)


def test_keys_are_revoked_without_bringing_those_that_stay_together(team, shop):
    bring(team.person(0), FIRST, {})
    team.signs(1, FIRST)
    with pytest.raises(KeysError, match="first have 2 of those whose keys stay sign something new"):
        revoked(team, 0)
    bring(team.person(1), SECOND, {})
    team.signs(2, SECOND)
    revoked(team, 0)

    node = shop.node()
    shop.step(steps.start_everywhere, digest_of(SECOND))
    assert node.refresh().generation.stable == digest_of(SECOND)
    with pytest.raises(KeysError, match="keys of `release` must sign"):
        bring(team.person(0), THIRD, {})
