"""What an agent is started with: one frozen value, which a node hands over in one environment variable."""

import os
from pathlib import Path
from typing import Final, Self

import msgspec

VARIABLE: Final = "EDGEWISE_AGENT"
POLL_MIN_MS: Final = 100  # no store can make a node ask more often
POLL_MAX_MS: Final = 3_600_000
LABELS_MAX: Final = 16


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which store a node follows, and as whom. Nothing in the store can change it."""

    node: str
    store: str
    data_dir: str
    root: str | None = None
    node_key: str | None = None
    keys: str | None = None
    labels: dict[str, str] = {}
    poll_ms: int = 2000
    supervised: bool = False  # ends with whoever holds the other end of its standard input

    @property
    def folder(self) -> Path:
        """The data folder as a path."""
        return Path(self.data_dir)

    def environment(self) -> dict[str, str]:
        """Give the environment of an agent with these settings."""
        return {**os.environ, VARIABLE: msgspec.json.encode(self).decode()}

    @classmethod
    def take_over(cls) -> Self:
        """Take what whoever started this process left."""
        return msgspec.json.decode(os.environ[VARIABLE], type=cls)
