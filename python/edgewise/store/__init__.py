"""The central store of a fleet: releases, rollouts and node status in any object store, trusted by signatures alone.

`NodeStore` is what a node reads and writes, `Desk` what operators work at. Knows bundles as bytes and digests;
nothing of books, HTTP or decisions.
"""

from edgewise.store.desk import Desk
from edgewise.store.errors import (
    BusyError,
    KeysError,
    RolloutError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
    TrustError,
)
from edgewise.store.generation import Disabled, Generation, Plan, Progress, Stage
from edgewise.store.node import NodeStore, Seen
from edgewise.store.objects import Objects, Patience
from edgewise.store.releases import Release
from edgewise.store.status import Measures, Nack, NodeStatus, Reporter

__all__ = [
    "BusyError",
    "Desk",
    "Disabled",
    "Generation",
    "KeysError",
    "Measures",
    "Nack",
    "NodeStatus",
    "NodeStore",
    "Objects",
    "Patience",
    "Plan",
    "Progress",
    "Release",
    "Reporter",
    "RolloutError",
    "Seen",
    "Stage",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "TrustError",
]
