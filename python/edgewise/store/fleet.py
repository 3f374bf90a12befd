"""Which nodes count: the signed list of enrolled nodes and their public keys, kept by the role `fleet`."""

from collections.abc import Callable
from typing import Final

import msgspec
from tuf.api.metadata import TargetFile, Targets

from edgewise.store import limits
from edgewise.store.commit import Draft, Writer
from edgewise.store.documents import read_document
from edgewise.store.errors import BusyError, StoreError, TrustError
from edgewise.store.names import fleet_in, fleet_name
from edgewise.store.objects import Objects
from edgewise.store.trust import View

FORMAT: Final = "edgewise/fleet/1"
EVERY_NODE: Final = "*"
LISTS_KEPT: Final = 3


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A node that counts: its public key, and who let it in when."""

    key: str
    by: str
    at: str


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The enrolled nodes. Under `*`, in development stores only, lies the key that every node of the user shares."""

    format: str = FORMAT
    nodes: dict[str, Enrolled] = {}

    def key_of(self, node: str, *, development: bool) -> str | None:
        """The public key that a node must sign with; None when it is not enrolled."""
        found = self.nodes.get(node) or (self.nodes.get(EVERY_NODE) if development else None)
        return found.key if found else None

    @property
    def named(self) -> list[str]:
        """The nodes that are enrolled by name."""
        return sorted(node for node in self.nodes if node != EVERY_NODE)


def encode(fleet: Fleet) -> bytes:
    """The bytes of a list."""
    return msgspec.json.encode(fleet, order="sorted")


def read_fleet(objects: Objects, view: View) -> Fleet:
    """The nodes that count now."""
    number = _newest(view)
    entry = view.target("fleet", fleet_name(number)) if number else None
    if entry is None:
        return Fleet()
    try:
        fleet = msgspec.json.decode(read_document(objects, entry, limits.FLEET_BYTES_MAX), type=Fleet)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrustError("document", f"the list of nodes is malformed: {error}") from error
    if fleet.format != FORMAT:
        raise TrustError("document", f"the list of nodes is of format `{fleet.format}`")
    return fleet


def change_fleet(writer: Writer, change: Callable[[Fleet], Fleet]) -> None:
    """Sign a new list of nodes."""

    def build(view: View) -> Draft:
        after = change(read_fleet(writer.objects, view))
        if len(after.nodes) > limits.NODES_MAX:
            raise StoreError(f"at most {limits.NODES_MAX} nodes can be enrolled")
        return Draft(roles={"fleet": _put(writer.objects, view, encode(after))})

    writer.commit(build)


def first_targets(objects: Objects, fleet: Fleet) -> Targets:
    """The first list of a store, and what signs for it."""
    name, data = fleet_name(1), encode(fleet)
    objects.create(name, data)
    return Targets(targets={name: TargetFile.from_data(name, data, ["sha256"])})


def _put(objects: Objects, view: View, data: bytes) -> Targets:
    first = _newest(view) + 1
    for number in range(first, first + limits.NUMBERS_SKIPPED_MAX):
        name = fleet_name(number)
        if objects.create(name, data):
            kept = {
                old: entry for old, entry in view.roles["fleet"].targets.items() if fleet_in(old) > number - LISTS_KEPT
            }
            return Targets(targets={**kept, name: TargetFile.from_data(name, data, ["sha256"])})
    raise BusyError("too many numbers of lists of nodes are taken; see `edgewise store check`")


def _newest(view: View) -> int:
    return max((fleet_in(name) for name in view.roles["fleet"].targets), default=0)
