"""Models beside a bundle: one file each, named by the digest of its bytes. Owns the files, not what is in them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from edgewise.bundle.canonical import digest_hex, digest_of, is_digest
from edgewise.errors import BundleError
from edgewise.files import read_bounded, write_synced

MODEL_BYTES_MAX: Final = 8 * 1024 * 1024  # of a file; what a model may be is for who loads it to say
_SUFFIX: Final = ".onnx"


def read_model(folder: Path, digest: str) -> bytes:
    """Read the model of a digest, proven to be that one.

    Raises:
        OSError: it is not there, or cannot be read.
        BundleError: it is damaged, or `digest` is none.
    """
    if not is_digest(digest):
        raise BundleError(f"`{digest}` is no digest of a model")
    path = _path_of(folder, digest)
    data = read_bounded(path, MODEL_BYTES_MAX)
    require_named(digest, data)
    return data


def require_named(digest: str, data: bytes) -> None:
    """Refuse bytes of a model that are too many, or not the ones that `digest` names."""
    if len(data) > MODEL_BYTES_MAX:
        raise BundleError(f"the model `{digest}` is larger than {MODEL_BYTES_MAX} bytes")
    found = digest_of(data)
    if found != digest:
        raise BundleError(f"expected a model of digest `{digest}`, got `{found}`")


def write_models(folder: Path, models: Mapping[str, bytes]) -> None:
    """Write models, each whole or not at all; one that lies there unharmed is left alone."""
    if models:
        folder.mkdir(exist_ok=True)
    for digest, data in models.items():
        if not _lies_there(folder, digest):
            write_synced(_path_of(folder, digest), data)


def prune_models(folder: Path, kept: Collection[str]) -> None:
    """Forget all models but some, what killed writes left behind, and the folder once it is empty."""
    if not folder.is_dir():
        return
    for path in folder.glob(f".*{_SUFFIX}.*.tmp"):
        path.unlink(missing_ok=True)
    for path in folder.glob(f"*{_SUFFIX}"):
        digest = f"sha256:{path.stem}"
        if is_digest(digest) and digest not in kept:
            path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _lies_there(folder: Path, digest: str) -> bool:
    try:
        read_model(folder, digest)
    except (OSError, BundleError):
        return False
    return True


def _path_of(folder: Path, digest: str) -> Path:
    return folder / f"{digest_hex(digest)}{_SUFFIX}"
