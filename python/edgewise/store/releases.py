"""Releases: bundles and their models in the store, under their digests, signed for by the role `release`."""

import getpass
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile, Targets

from edgewise.store import limits
from edgewise.store.commit import Draft, Writer
from edgewise.store.documents import current_generation
from edgewise.store.errors import StoreError, StoreRefusedError, TooLargeError, TrustError
from edgewise.store.metadata import OURS
from edgewise.store.names import bundle_name, digest_in, digest_of, model_name
from edgewise.store.objects import Objects
from edgewise.store.trust import View

SHORTEST: Final = 6  # hex digits that may stand for a digest


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `release` says of a bundle besides its length and hash."""

    models: tuple[str, ...] = ()
    decides: str = ""  # bundles with the same one decide alike: they differ in models and golden decisions only
    at: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A bundle with the models it names, each proven to be the bytes that were signed for."""

    digest: str
    bundle: bytes
    models: dict[str, bytes]
    facts: Facts


def whoever() -> str:
    """Who does this, for the history: EDGEWISE_BY, else user and host."""
    given = os.environ.get("EDGEWISE_BY")
    if given:
        return given[: limits.TEXT_MAX]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def right_now() -> str:
    """The time as documents state it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def publish(
    writer: Writer, bundle: bytes, models: Mapping[str, bytes], *, note: str = "", decides: str = ""
) -> tuple[str, bool]:
    """Bring a bundle into the store and sign for it; answers its digest and whether it is new there."""
    digest = digest_of(bundle)
    check_sizes(bundle, models)
    facts = facts_now(models, note, decides)
    is_new = is_written = False

    def change(view: View) -> Draft | None:
        nonlocal is_new, is_written
        writer.require(view, "release")
        if not is_written:
            put_blobs(writer.objects, bundle, models)
        is_written, is_new = True, view.target("release", bundle_name(digest)) is None
        if not is_new:
            return None
        return Draft(roles={"release": with_release(writer.objects, view, digest, bundle, models, facts)})

    writer.commit(change)
    return digest, is_new


def put_blobs(objects: Objects, bundle: bytes, models: Mapping[str, bytes]) -> None:
    """Write a bundle and its models under their digests. Nothing signed names them yet."""
    for digest, data in models.items():
        _put_blob(objects, model_name(digest), data)
    _put_blob(objects, bundle_name(digest_of(bundle)), bundle)


def facts_now(models: Iterable[str], note: str, decides: str) -> Facts:
    """What is said of a bundle that somebody brings in now."""
    by, at = whoever(), right_now()
    return Facts(models=tuple(sorted(models)), decides=decides, at=at, by=by, note=note[: limits.TEXT_MAX])


def check_sizes(bundle: bytes, models: Mapping[str, bytes]) -> None:
    """Refuse what is larger than a release may be, or not what it is called."""
    if len(bundle) > limits.BUNDLE_BYTES_MAX:
        raise TooLargeError(f"the bundle is larger than {limits.BUNDLE_BYTES_MAX} bytes")
    if len(models) > limits.MODELS_PER_BUNDLE_MAX:
        raise StoreError(f"a bundle may have at most {limits.MODELS_PER_BUNDLE_MAX} models")
    for digest, data in models.items():
        if digest_of(data) != digest:
            raise StoreError(f"the bytes of model `{digest}` are others")
        if len(data) > limits.MODEL_BYTES_MAX:
            raise TooLargeError(f"model `{digest}` is larger than {limits.MODEL_BYTES_MAX} bytes")


def _put_blob(objects: Objects, name: str, data: bytes) -> None:
    """Write a blob under its digest. Other bytes under that name are proven wrong, and replaced."""
    if objects.create(name, data):
        return
    try:
        found = objects.read(name, len(data))
    except TooLargeError:
        found = None
    if found != data:
        objects.replace(name, data)


def with_release(
    objects: Objects, view: View, digest: str, bundle: bytes, models: Mapping[str, bytes], facts: Facts
) -> Targets:
    """What `release` is to sign for: a bundle with its models beside what stays."""
    kept = _kept(objects, view)
    targets = Targets(targets=kept)
    for name, data, custom in [
        (bundle_name(digest), bundle, msgspec.to_builtins(facts)),
        *((model_name(key), data, None) for key, data in models.items()),
    ]:
        entry = TargetFile.from_data(name, data, ["sha256"])
        if custom is not None:
            entry.unrecognized_fields["custom"] = {OURS: custom}
        targets.targets[name] = entry
    return targets


def _kept(objects: Objects, view: View) -> dict[str, TargetFile]:
    """What stays signed for: what runs, what it may go back to, and the last ten; with their models."""
    recent = list(releases(view))[: limits.RELEASES_KEPT]
    names = running(objects, view) | _names_of(view, recent)
    return {name: entry for name, entry in view.roles["release"].targets.items() if name in names}


def running(objects: Objects, view: View) -> set[str]:
    """The objects of the releases that run or that may be gone back to: they must stay signed for."""
    generation = current_generation(objects, view)
    return _names_of(view, [*generation.digests(), *generation.earlier]) if generation else set()


def _names_of(view: View, digests: list[str]) -> set[str]:
    listed = releases(view)
    known = [digest for digest in digests if digest in listed]
    models = [model_name(model) for digest in known for model in listed[digest].models]
    return {*map(bundle_name, known), *models}


def releases(view: View) -> dict[str, Facts]:
    """The released bundles, newest first."""
    found = {
        digest_in(name): facts_of(entry)
        for name, entry in view.roles["release"].targets.items()
        if name.startswith("bundles/")
    }
    return dict(sorted(found.items(), key=lambda item: item[1].at, reverse=True))


def decide_alike(view: View, one: str | None, other: str | None) -> bool:
    """Whether two releases have the same rules, by what was signed; of one that does not say nothing is known."""
    known = releases(view)
    ours, theirs = (known[digest].decides if digest in known else "" for digest in (one, other))
    return bool(ours) and ours == theirs


def resolve(view: View, text: str) -> str:
    """The release that a digest, or its first hex digits, names. Refuses what names none or several."""
    start = text.removeprefix("sha256:")
    found = [digest for digest in releases(view) if digest.removeprefix("sha256:").startswith(start)]
    if len(found) == 1 and len(start) >= SHORTEST:
        return found[0]
    if len(found) > 1 and len(start) >= SHORTEST:
        raise StoreError(f"`{text}` names {len(found)} releases; give more of the digest")
    raise StoreError(
        f"`{text}` is no release of this store; `edgewise rollout releases` lists them, "
        "`edgewise publish` brings one in"
    )


def facts_of(entry: TargetFile) -> Facts:
    """What the signed metadata says of a bundle."""
    custom: Any = entry.custom
    try:
        return msgspec.convert((custom or {}).get(OURS, {}), Facts)
    except (msgspec.ValidationError, AttributeError) as error:
        raise TrustError("malformed", f"what is said of `{entry.path}` is malformed: {error}") from error


def fetch(objects: Objects, view: View, digest: str) -> Release:
    """Read a released bundle and its models, proven against what `release` signed, and nothing else."""
    entry = view.target("release", bundle_name(digest))
    if entry is None:
        raise TrustError("unreleased", f"`{digest}` is not signed for by `release`; publish it first")
    facts = facts_of(entry)
    bundle = read_released(objects, view, digest)
    if len(facts.models) > limits.MODELS_PER_BUNDLE_MAX:
        raise TrustError("malformed", f"`{digest}` names more than {limits.MODELS_PER_BUNDLE_MAX} models")
    models = {key: read_blob(objects, view, model_name(key), limits.MODEL_BYTES_MAX) for key in facts.models}
    return Release(digest, bundle, models, facts)


def read_released(objects: Objects, view: View, digest: str) -> bytes:
    """Read a released bundle without its models, proven."""
    return read_blob(objects, view, bundle_name(digest), limits.BUNDLE_BYTES_MAX)


def read_blob(objects: Objects, view: View, name: str, bytes_max: int) -> bytes:
    """Read a blob that `release` signed for."""
    entry = view.target("release", name)
    if entry is None:
        raise TrustError("unreleased", f"`{name}` is not signed for by `release`")
    if entry.length > bytes_max:
        raise TrustError("length", f"`{name}` is larger than {bytes_max} bytes")
    try:
        data = objects.read(name, entry.length)
        if data is None:
            raise StoreRefusedError(f"`{name}` is released, but not in `{objects.url}`")
        entry.verify_length_and_hashes(data)
    except TooLargeError as error:
        raise TrustError("length", f"`{name}` is longer than what was signed for") from error
    except LengthOrHashMismatchError as error:
        raise TrustError("hash", f"`{name}` is not what was signed for") from error
    if digest_of(data) != digest_in(name):
        raise TrustError("hash", f"`{name}` does not have the digest that it is named by")
    return data
