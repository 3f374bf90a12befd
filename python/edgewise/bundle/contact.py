"""What a node's agent says of its contact with the store, in the node's run folder: its workers read it there.

Owns the form of the file and how old a confirmation is. It is soft: whoever cannot read it serves as before.
"""

import time
from pathlib import Path
from typing import Final, Literal

import msgspec

from edgewise.bundle.locks import is_held
from edgewise.files import read_bounded, write_whole

CONTACT_BYTES_MAX: Final = 64 * 1024
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Moment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An instant by the clock on the wall and by the one that nobody sets."""

    wall_s: float
    since_boot_s: float
    boot: str

    @classmethod
    def now(cls) -> "Moment":
        """Take the present instant."""
        return cls(wall_s=time.time(), since_boot_s=_since_boot_s(), boot=_boot())

    def age_s(self) -> float:
        """Say how long ago it was: by the steady clock, or after a restart of the machine by the wall's."""
        if self.boot and self.boot == _boot():
            return max(0.0, _since_boot_s() - self.since_boot_s)
        return max(0.0, time.time() - self.wall_s)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a bundle does not run here, although a generation names it."""

    generation: int
    digest: str
    stage: str
    code: str
    detail: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The agent's word: `origin` once the store has confirmed what runs, at `confirmed`; `disk` before."""

    source: Literal["origin", "disk"]
    generation: int | None = None
    confirmed: Moment | None = None
    degraded: tuple[str, ...] = ()
    problem: str | None = None
    refusal: Refusal | None = None
    put_aside: tuple[str, ...] = ()


class ContactFile:
    """The file of a data folder, and the lock that says whether its writer lives."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "run" / "agent.json"
        self.lock = data_dir / "run" / "agent.lock"

    @property
    def is_kept_up(self) -> bool:
        """Whether an agent lives that writes it."""
        return is_held(self.lock)

    def read(self) -> Contact | None:
        """Read the last word; None when there is none that can be read."""
        try:
            return msgspec.json.decode(read_bounded(self._file, CONTACT_BYTES_MAX), type=Contact)
        except Exception:  # noqa: BLE001, damaged or not there, it says nothing
            return None

    def begin_anew(self) -> None:
        """Let nothing of an earlier run count as confirmed by this one; when that was stays known."""
        contact = self.read()
        if contact is not None:
            self.write(msgspec.structs.replace(contact, source="disk"))

    def write(self, contact: Contact) -> None:
        """Say it, whole or not at all; a lost word costs nothing, so it is not forced to the disk."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._file, msgspec.json.encode(contact))


def _since_boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
