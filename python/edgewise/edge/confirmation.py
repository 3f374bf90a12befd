"""How sure it is that what is served should be: what the agent last said of the store, and how long ago that was.

Reads the agent's word in the run folder; knows no store. On a book there is nothing to be sure of.
"""

import time
from typing import Final, Literal, NamedTuple, Self

from edgewise.bundle.contact import Contact, ContactFile
from edgewise.bundle.slot import Manifest, Slot
from edgewise.edge.settings import Settings

AGENT: Final = "agent"
STALE: Final = "stale"

Source = Literal["origin", "disk", "book"]


class Confirmation(NamedTuple):
    """What is known at one moment. `age_s` is the time since the last confirmation; on a book, since that was read."""

    source: Source | None
    age_s: float | None
    degraded: frozenset[str]
    contact: Contact | None
    is_stale: bool

    @classmethod
    def of(cls, settings: Settings, served: Manifest | None, slot: Slot) -> Self:
        """Look now."""
        file = ContactFile(settings.folder)
        if served is not None and served.source == "book" and not file.is_kept_up:
            return cls("book", _slot_age_s(slot), frozenset(), None, is_stale=False)
        contact = file.read()
        if served is None:
            return cls(None, None, *_word_of(file, contact), is_stale=False)
        if served.source == "book":  # left by an earlier run on a book; the store has not had its word yet
            return cls("disk", _slot_age_s(slot), *_word_of(file, contact), is_stale=False)
        age_s = contact.confirmed.age_s() if contact and contact.confirmed else _slot_age_s(slot)
        is_stale = age_s is not None and age_s * 1000 > settings.stale_after_ms
        parts = {AGENT: not file.is_kept_up, STALE: is_stale}
        degraded = {part for part, is_so in parts.items() if is_so} | set(contact.degraded if contact else ())
        return cls(contact.source if contact else "disk", age_s, frozenset(degraded), contact, is_stale)


def _word_of(file: ContactFile, contact: Contact | None) -> tuple[frozenset[str], Contact | None]:
    """What an agent says that lives; the old word of one that is gone explains nothing."""
    if contact is None or not file.is_kept_up:
        return frozenset(), None
    return frozenset(contact.degraded), contact


def _slot_age_s(slot: Slot) -> float | None:
    try:
        return round(max(0.0, time.time() - slot.file.stat().st_mtime), 3)
    except OSError:
        return None
