"""Bringing a bundle in: at once where the keys at hand are enough, else as a proposal that others sign too."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgewise.store.commit import Writer
from edgewise.store.errors import KeysError, RolloutError
from edgewise.store.names import bundle_name, digest_of
from edgewise.store.pending import (
    Proposal,
    add_signatures,
    fits,
    make_valid,
    must_wait,
    proposals,
    propose,
    require_fitting,
)
from edgewise.store.releases import SHORTEST, check_sizes, facts_now, publish, put_blobs, with_release
from edgewise.store.trust import View


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of it: released, or waiting for others. `is_new` when it was not released before."""

    digest: str
    is_new: bool
    waits: Proposal | None = None


def bring(writer: Writer, bundle: bytes, models: Mapping[str, bytes], *, note: str = "", decides: str = "") -> Brought:
    """Release a bundle with the keys at hand, or sign for it as one of several."""
    view = writer.read()
    digest = digest_of(bundle)
    if not must_wait(writer, view):
        return Brought(*publish(writer, bundle, models, note=note, decides=decides))
    check_sizes(bundle, models)
    put_blobs(writer.objects, bundle, models)
    if view.target("release", bundle_name(digest)) is not None:
        return Brought(digest, is_new=False)
    facts = facts_now(models, note, decides)
    targets = with_release(writer.objects, view, digest, bundle, models, facts)
    return finish(writer, propose(writer, view, digest, targets))


def sign(writer: Writer, view: View, proposal: Proposal) -> Brought:
    """Sign for what somebody else proposed. Who signs has looked at it before."""
    return finish(writer, add_signatures(writer, view, proposal))


def finish(writer: Writer, proposal: Proposal) -> Brought:
    """Let a proposal count if enough have signed and the online keys are at hand."""
    if not proposal.is_complete:
        return Brought(proposal.digest, is_new=True, waits=proposal)
    try:
        make_valid(writer, proposal)
    except KeysError:  # of snapshot or timestamp: others hold them
        return Brought(proposal.digest, is_new=True, waits=proposal)
    return Brought(proposal.digest, is_new=True)


def named(writer: Writer, view: View, text: str) -> Proposal:
    """The proposal that a digest, or its start, names; of several for one bundle the most signed that fits."""
    start = text.removeprefix("sha256:")
    found = proposals(writer.objects, view, start) if len(start) >= SHORTEST else []
    if len({each.digest for each in found}) != 1:
        what = "several bundles that wait" if found else "no bundle that waits"
        raise RolloutError(f"`{text}` names {what} for signatures; `edgewise rollout releases` lists them")
    fitting = [each for each in found if fits(writer.objects, view, each)]
    if not fitting:
        require_fitting(writer.objects, view, found[0])  # says why
    return fitting[0]
