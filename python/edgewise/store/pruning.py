"""Taking out of a store what nothing signed names any more. Keeps whatever somebody may be writing at this moment."""

import re
from datetime import timedelta
from typing import Final

from edgewise.store.desk import Desk
from edgewise.store.names import PENDING
from edgewise.store.objects import Listed
from edgewise.store.pending import find
from edgewise.store.status import store_time
from edgewise.store.trust import View

YOUNG: Final = timedelta(days=1)
TIMESTAMPS_KEPT: Final = 100
_VERSIONED: Final = re.compile(r"metadata/([1-9][0-9]{0,14})\.(targets|snapshot|timestamp|release|rollout|fleet)\.json")
_BLOBS: Final = re.compile(r"(bundles/[0-9a-f]{64}\.bundle|models/[0-9a-f]{64}\.onnx|(rollout|fleet)/[0-9]+\.json)")


def prune(desk: Desk, *, dry_run: bool, young: timedelta = YOUNG) -> list[str]:
    """Remove what is neither signed for nor young; answers the names."""
    view = desk.writer.read()
    named = {name for role in view.roles.values() for name in role.targets}
    waiting = find(desk.objects, view)
    named |= {name for each in waiting.counting.values() for name in each.metadata.signed.targets}
    named |= {str(name) for name in (*waiting.counting, *waiting.unknown)}
    blobs = () if waiting.unknown else ("bundles", "models")  # what was not read may name any
    now = store_time(desk.objects)
    found = [
        item
        for prefix in ("metadata", *blobs, "rollout", "fleet", PENDING, "probe")
        for item in desk.objects.below(prefix)
    ]
    gone = [item.name for item in found if now - item.modified > young and _is_unneeded(item, view, named)]
    staged = desk.objects.staging_left(young)
    if not dry_run:
        desk.objects.delete(gone)
        for path in staged:
            path.unlink(missing_ok=True)
    return sorted([*gone, *(f"{path.parent.name}/{path.name}" for path in staged)])


def _is_unneeded(item: Listed, view: View, named: set[str]) -> bool:
    versioned = _VERSIONED.fullmatch(item.name)
    if versioned:
        return int(versioned[1]) < _oldest_kept(view, versioned[2])
    if _BLOBS.fullmatch(item.name):
        return item.name not in named
    return item.name.startswith(("probe/", f"{PENDING}/")) and item.name not in named


def _oldest_kept(view: View, role: str) -> int:
    """The oldest version in use. A few timestamps stay, so that a node which slept finds the next one by its number."""
    if role == "timestamp":
        return view.timestamp.version - TIMESTAMPS_KEPT
    if role == "snapshot":
        return int(view.timestamp.snapshot_meta.version)
    return int(view.snapshot.meta[f"{role}.json"].version)
