"""Releases that wait for signatures: the metadata of `release` as it is to be, with whose signatures there are.

Each signature is an object of its own, so that people on different machines need no file between them and take nothing
from each other. Nothing here is served or trusted: it counts once enough keys of `release` have signed one and the same
metadata, which says what the present one says and one bundle more.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets
from tuf.api.serialization import DeserializationError

from edgewise.store import limits
from edgewise.store.commit import Draft, Writer
from edgewise.store.errors import KeysError, StoreError, StoreUnavailableError, TrustError
from edgewise.store.metadata import authorized, expiry, is_development
from edgewise.store.names import (
    FINGERPRINT_HEX,
    PENDING,
    PendingName,
    bundle_name,
    digest_hex,
    digest_in,
    metadata_name,
    model_name,
)
from edgewise.store.objects import Objects
from edgewise.store.releases import Facts, Release, facts_of, fetch, running
from edgewise.store.trust import View

ROLE: Final = "release"
PENDING_MAX: Final = 256  # signatures that are looked at, of all bundles together
SKEW_MAX: Final = timedelta(hours=1)  # by which the clocks of those who sign may differ


@dataclass(frozen=True, slots=True)
class Proposal:
    """A release that somebody proposes, with the signatures that count, and how many are missing."""

    digest: str
    facts: Facts
    metadata: Metadata[Targets]
    signed: tuple[str, ...]
    unsigned: tuple[str, ...]
    missing: int

    @property
    def is_complete(self) -> bool:
        """Whether enough have signed."""
        return self.missing == 0

    @property
    def objects(self) -> list[str]:
        """Where its signatures lie."""
        print_of_it = _fingerprint(self.metadata)
        return [str(PendingName(self.digest, print_of_it, key[:FINGERPRINT_HEX])) for key in self.signed]

    def document(self) -> dict[str, Any]:
        """What waits, for machines."""
        facts = {"by": self.facts.by, "at": self.facts.at, "note": self.facts.note}
        signatures = {"missing": self.missing, "signed": list(self.signed), "unsigned": list(self.unsigned)}
        return {"digest": self.digest, **facts, **signatures}


def must_wait(writer: Writer, view: View) -> bool:
    """Whether a release needs others' signatures besides those of the keys at hand; some must be at hand."""
    ids, threshold = authorized(view.root, view.targets, ROLE)
    return 0 < len(writer.keys.among(ids)) < threshold


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in `pending`, each signature by itself."""

    counting: dict[PendingName, Proposal]
    over: set[PendingName]  # read, or of a released bundle: will never count
    unknown: set[PendingName]  # beyond the bound, or not to be read at the moment


def find(objects: Objects, view: View, start: str = "") -> Found:
    """Look at what waits, of one bundle, or of those whose digest starts so, or of all."""
    named = [name for item in objects.below(PENDING) if (name := PendingName.of(item.name)) is not None]
    asked = sorted(name for name in named if name.digest.removeprefix("sha256:").startswith(start))
    over = {name for name in asked if view.target(ROLE, bundle_name(name.digest)) is not None}
    waiting = [name for name in asked if name not in over]
    found = Found({}, over, set(waiting[PENDING_MAX:]))
    for name in waiting[:PENDING_MAX]:
        try:
            part = _read(objects, view, name)
        except StoreUnavailableError:
            found.unknown.add(name)
            continue
        if part is None:
            found.over.add(name)
        else:
            found.counting[name] = part
    return found


def proposals(objects: Objects, view: View, start: str = "") -> list[Proposal]:
    """What waits on top of the present state, the most signed first; of one bundle, or of all.

    What is not signed by any key that counts, or not what its name says, or cannot be read, is as if it were not there.
    """
    if authorized(view.root, view.targets, ROLE)[1] < 2:  # noqa: PLR2004, one signature is never waited for
        return []
    whole: dict[tuple[str, str], Metadata[Targets]] = {}
    for name, part in find(objects, view, start.removeprefix("sha256:")).counting.items():
        whole.setdefault((name.digest, name.proposal), part.metadata).signatures.update(part.metadata.signatures)
    made = [each for (digest, _), metadata in whole.items() if (each := _counted(view, digest, metadata)) is not None]
    return sorted(made, key=lambda each: (each.missing, each.facts.at, _fingerprint(each.metadata)))


def _read(objects: Objects, view: View, name: PendingName) -> Proposal | None:
    """The proposal in an object, with its signature; None for one that does not count, or is not what its name says."""
    try:
        metadata = Metadata[Targets].from_bytes(objects.read(str(name), limits.TARGETS_BYTES_MAX) or b"")
    except StoreUnavailableError:
        raise
    except (StoreError, DeserializationError, RepositoryError, ValueError, KeyError, TypeError, RecursionError):
        return None
    is_sound = metadata.signed.type == Targets.type and _fingerprint(metadata) == name.proposal
    if not is_sound or bundle_name(name.digest) not in metadata.signed.targets:
        return None
    return _counted(view, name.digest, metadata)


def _counted(view: View, digest: str, metadata: Metadata[Targets]) -> Proposal | None:
    """The proposal with those signatures that count; None when there is none, or when time has passed over it."""
    result = view.targets.get_verification_result(ROLE, metadata.signed_bytes, metadata.signatures)
    if not result.signed or not _is_in_time(view, metadata.signed):
        return None
    kept = {identity: metadata.signatures[identity] for identity in result.signed}
    try:
        facts = facts_of(metadata.signed.targets[bundle_name(digest)])
    except TrustError:
        return None
    whole = Metadata(metadata.signed, kept)
    return Proposal(digest, facts, whole, tuple(sorted(kept)), tuple(sorted(result.unsigned)), result.missing)


def _fingerprint(metadata: Metadata[Any]) -> str:
    return hashlib.sha256(metadata.signed_bytes).hexdigest()[:FINGERPRINT_HEX]


def _is_in_time(view: View, new: Targets) -> bool:
    """Whether a number and an expiry are such as we would give: a huge number, or an early end, would end the news."""
    ahead = new.version - view.roles[ROLE].version
    now = datetime.now(UTC)
    life = expiry(ROLE, development=is_development(view.root), now=now) - now
    return 0 < ahead <= limits.NUMBERS_SKIPPED_MAX and now + life / 2 < new.expires <= now + life + SKEW_MAX


def propose(writer: Writer, view: View, digest: str, targets: Targets) -> Proposal:
    """Sign for a release as one of several. Where the same bytes are proposed already, that gets the signature.

    Args:
        writer: With a key of `release`.
        view: What the store says now.
        digest: The bundle.
        targets: What `release` is to sign for, made of our own bytes: nobody else's word is taken for them.
    """
    facts = facts_of(targets.targets[bundle_name(digest)])
    for known in proposals(writer.objects, view, digest):
        if _says_the_same(known, facts, targets) and fits(writer.objects, view, known):
            can_add = writer.keys.among(list(known.unsigned))
            return add_signatures(writer, view, known) if can_add else known  # who publishes again waits on
    targets.expires = expiry(ROLE, development=is_development(view.root))
    targets.version = _free_version(writer.objects, view)
    return _signed(writer, view, digest, Metadata(targets))


def _says_the_same(known: Proposal, facts: Facts, ours: Targets) -> bool:
    """Whether a proposal means our own bytes: the bundle and each of its models, by length and hash."""
    if (known.facts.models, known.facts.decides) != (facts.models, facts.decides):
        return False
    theirs = known.metadata.signed.targets
    return all(
        name in theirs
        and (theirs[name].length, theirs[name].hashes) == (ours.targets[name].length, ours.targets[name].hashes)
        for name in _names_of(known.digest, facts)
    )


def add_signatures(writer: Writer, view: View, proposal: Proposal) -> Proposal:
    """Sign with the keys at hand that have not signed yet; a complete proposal needs none."""
    require_fitting(writer.objects, view, proposal)
    if proposal.is_complete:
        return proposal
    return _signed(writer, view, proposal.digest, proposal.metadata)


def _signed(writer: Writer, view: View, digest: str, metadata: Metadata[Targets]) -> Proposal:
    before = set(metadata.signatures)
    ids, _ = authorized(view.root, view.targets, ROLE)
    for key in writer.keys.among(ids):
        if key.id not in before:
            metadata.sign(key.signer, append=True)
    counted = _counted(view, digest, metadata)
    if counted is None or set(counted.signed) == before:
        raise KeysError(_nothing_added(writer, counted))
    for identity in set(counted.signed) - before:
        alone = Metadata(metadata.signed, {identity: metadata.signatures[identity]})
        name = PendingName(digest, _fingerprint(metadata), identity[:FINGERPRINT_HEX])
        writer.objects.replace(str(name), alone.to_bytes())  # one writer: whoever holds the key
    return counted


def _nothing_added(writer: Writer, proposal: Proposal | None) -> str:
    if proposal is None or not writer.keys.among(list(proposal.signed)):
        return f"`{writer.keys.folder}` holds no key of `release`; pass the folder that has one with --keys"
    left = ", ".join(identity[:12] for identity in proposal.unsigned)
    return f"you have signed this already; it waits for {proposal.missing} more of these keys of `release`: {left}"


def make_valid(writer: Writer, proposal: Proposal) -> None:
    """Let a release count that enough have signed. Needs the keys of snapshot and timestamp; may be repeated."""

    def change(view: View) -> Draft | None:
        if view.target(ROLE, bundle_name(proposal.digest)) is not None:
            return None
        require_fitting(writer.objects, view, proposal)
        return Draft(signed_roles={ROLE: proposal.metadata.to_bytes()})

    writer.commit(change)
    with contextlib.suppress(StoreError):  # `prune` takes what stays
        writer.objects.delete(proposal.objects)


def require_fitting(objects: Objects, view: View, proposal: Proposal) -> None:
    """Refuse a proposal that is not the present state with this one bundle more: whoever signs, signs for all of it."""
    new, now = proposal.metadata.signed, view.roles[ROLE]
    if new.version <= now.version:
        raise StoreError(f"other releases came after `{proposal.digest}` was proposed; publish it again")
    if not _is_in_time(view, new):
        raise TrustError("proposal", f"what was proposed with `{proposal.digest}` has a number or an expiry of its own")
    added = _names_of(proposal.digest, proposal.facts) - set(now.targets)
    strange = [name for name, entry in new.targets.items() if name not in added and now.targets.get(name) != entry]
    if strange or new.delegations is not None:
        raise TrustError("proposal", f"what was proposed with `{proposal.digest}` says more than that: {strange[:3]}")
    false = [name for name in added & set(new.targets) if new.targets[name].hashes != _hashes_of(name)]
    if false:
        raise TrustError("proposal", f"what was proposed with `{proposal.digest}` has another hash than `{false[0]}`")
    lost = sorted(running(objects, view) - set(new.targets))
    if lost:
        raise StoreError(f"`{lost[0]}` has been rolled out since `{proposal.digest}` was proposed; publish it again")


def fits(objects: Objects, view: View, proposal: Proposal) -> bool:
    """Whether a proposal may be signed for, as far as its metadata says."""
    try:
        require_fitting(objects, view, proposal)
    except StoreUnavailableError:
        raise
    except StoreError:
        return False
    return True


def proposed(objects: Objects, view: View, proposal: Proposal) -> Release:
    """The bytes that a proposal is about, proven to be those."""
    roles: Mapping[str, Targets] = {**view.roles, ROLE: proposal.metadata.signed}
    return fetch(objects, replace(view, roles=dict(roles)), proposal.digest)


def _names_of(digest: str, facts: Facts) -> set[str]:
    return {bundle_name(digest), *(model_name(model) for model in facts.models)}


def _hashes_of(name: str) -> dict[str, str]:
    return {"sha256": digest_hex(digest_in(name))}


def _free_version(objects: Objects, view: View) -> int:
    """The first number after the present one at which nothing lies: what is signed cannot be numbered anew."""
    first = view.roles[ROLE].version + 1
    for version in range(first, first + limits.NUMBERS_SKIPPED_MAX):
        if objects.find(metadata_name(ROLE, version)) is None:
            return version
    raise StoreError(f"too many numbers of `{ROLE}` are taken; see `edgewise store prune`")
