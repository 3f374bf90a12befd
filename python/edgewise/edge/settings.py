"""What the supervisor tells its workers: one frozen value, handed over in one environment variable.

Nothing else of the service reads the environment.
"""

import os
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from edgewise.edge.age import TRUSTED_BY_DEFAULT
from edgewise.edge.tokens import Grant

VARIABLE: Final = "EDGEWISE_SETTINGS"
WORKERS_MAX: Final = 64
STALE_POLICIES: Final = ("serve", "fallback", "refuse")

Stale = Literal["serve", "fallback", "refuse"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One node's settings; `grants` None means that no tokens are asked for (loopback only)."""

    node: str
    data_dir: str
    workers: int
    allow_at: bool
    grants: tuple[Grant, ...] | None = None
    admission: bool = True
    trusted: tuple[str, ...] = TRUSTED_BY_DEFAULT  # whose word on a request's age is taken
    poll_interval_ms: int = 200
    stale: Stale = "serve"
    stale_after_ms: int = 86_400_000
    revision: int = 0  # counts up each time that a running node takes its settings anew

    @property
    def folder(self) -> Path:
        """The data folder as a path."""
        return Path(self.data_dir)

    def hand_over(self) -> None:
        """Leave these settings for workers that are started from now on."""
        os.environ[VARIABLE] = msgspec.json.encode(self).decode()

    @classmethod
    def take_over(cls) -> Self:
        """Take what the supervisor left."""
        return msgspec.json.decode(os.environ[VARIABLE], type=cls)
