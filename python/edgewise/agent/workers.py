"""The node's workers as the agent sees them: through the accounts in the run folder. Changes nothing there."""

from pathlib import Path
from typing import Final

import msgspec

from edgewise.bundle.locks import is_held
from edgewise.errors import BundleError
from edgewise.files import read_bounded

ACCOUNT_BYTES_MAX: Final = 64 * 1024
WORKERS_MAX: Final = 256


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle that a worker could not take up, and why."""

    digest: str
    code: str
    detail: str = ""
    slot: int = 0


class WorkerAccount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a worker says of itself, as far as it matters here; `slot` is the revision of the slot that it serves."""

    worker: int
    generation: int | None = None
    digest: str | None = None
    slot: int = 0
    trial: str | None = None
    refused: Refused | None = None
    degraded: list[str] = []


def living_workers(run_folder: Path) -> list[WorkerAccount]:
    """Read the accounts of the workers that live."""
    seats = sorted(run_folder.glob("worker-*.lock"))[:WORKERS_MAX]
    accounts = [_read(path.with_suffix(".json")) for path in seats if is_held(path)]
    return [account for account in accounts if account is not None]


def _read(path: Path) -> WorkerAccount | None:
    try:
        return msgspec.json.decode(read_bounded(path, ACCOUNT_BYTES_MAX), type=WorkerAccount)
    except (OSError, BundleError, msgspec.DecodeError):
        return None
