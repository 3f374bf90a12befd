"""Does a store keep its word? Creates twice, reads back, lists: what publishing relies on. Leaves nothing behind."""

import secrets
from dataclasses import dataclass

from edgewise.store.errors import StoreError, StoreRefusedError
from edgewise.store.objects import Objects

PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    what: str
    holds: bool
    detail: str = ""


def probe(objects: Objects) -> list[Finding]:
    """Try everything that is relied on, on an object of our own."""
    name = f"{PROBE}/{secrets.token_hex(8)}"
    first, second = b"first", b"other"
    found: list[Finding] = []
    try:
        found.append(Finding("creates an object that is not there", objects.create(name, first)))
        found.append(Finding("refuses to create it again", not objects.create(name, second)))
        found.append(Finding("keeps what was created first", objects.read(name, len(first)) == first))
        objects.replace(name, second)
        found.append(Finding("replaces and reads its own writes", objects.read(name, len(second)) == second))
        found.append(Finding("lists what it holds", any(item.name == name for item in objects.below(PROBE))))
        objects.delete([name])
        found.append(Finding("forgets what was deleted", objects.read(name, 1) is None))
    except StoreError as error:
        found.append(Finding("answers", holds=False, detail=str(error)))
    return found


def require_conditions(objects: Objects) -> None:
    """Refuse a store that would let two publishers write the same number."""
    failed = [finding for finding in probe(objects) if not finding.holds]
    if failed:
        told = "; ".join(finding.detail or f"it does not do this: {finding.what}" for finding in failed)
        raise StoreRefusedError(f"`{objects.url}` cannot hold a store: {told}")
