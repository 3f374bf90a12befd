"""The bundle: immutable bytes named by their digest. Owns making, reading and writing them; decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from edgewise.bundle.canonical import canonical_json, digest_of, digest_of_value
from edgewise.bundle.models import prune_models, read_model, require_named, write_models
from edgewise.errors import BundleError
from edgewise.files import read_bounded, write_synced

FORMAT = "edgewise/bundle/1"
BUNDLE_BYTES_MAX = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A compiled book. `digest` always names exactly `data`.

    `models` are the ONNX files that its document names, by digest. They travel beside `data` and are no part of it.
    """

    data: bytes
    digest: str
    models: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for digest, model in self.models.items():
            require_named(digest, model)

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "Bundle":
        """The bundle of a document: the same document always gives the same bytes."""
        data = canonical_json(document)
        if len(data) > BUNDLE_BYTES_MAX:
            raise BundleError(f"the bundle is larger than {BUNDLE_BYTES_MAX} bytes")
        return cls(data=data, digest=digest_of(data))

    @classmethod
    def of_bytes(cls, data: bytes, digest: str | None = None) -> "Bundle":
        """The bundle in some bytes, refused when they are not the ones that `digest` names."""
        found = digest_of(data)
        if digest is not None and found != digest:
            raise BundleError(f"expected a bundle of digest `{digest}`, got `{found}`")
        return cls(data=data, digest=found)

    def document(self) -> dict[str, Any]:
        """The bundle as plain values."""
        try:
            document = orjson.loads(self.data)
        except orjson.JSONDecodeError as error:
            raise BundleError(f"the bundle is not JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BundleError(f"the bundle is not of format `{FORMAT}`")
        return document

    def model_digests(self) -> list[str]:
        """The models that the document names, whether or not they are at hand."""
        models = self.document().get("models", {})
        try:
            return sorted({str(model["digest"]) for model in models.values()})
        except (AttributeError, KeyError, TypeError) as error:
            raise BundleError("the bundle's `models` are malformed") from error

    def with_models(self, models: Mapping[str, bytes]) -> "Bundle":
        """The same bundle with its models, each refused when it is not the one it is called."""
        return replace(self, models=models)


def rules_digest(bundle: Bundle) -> str:
    """The name of all that decides but the models: bundles with the same one must give the same mix of decisions."""
    rules = {name: part for name, part in bundle.document().items() if name not in ("models", "golden")}
    return digest_of_value(rules)


def read_bundle(path: Path, digest: str | None = None) -> Bundle:
    """Read a bundle file and the models beside it, checking its digest when one is expected."""
    bundle = read_bundle_alone(path, digest)
    return bundle.with_models({name: _read_model(path, name) for name in bundle.model_digests()})


def read_bundle_alone(path: Path, digest: str | None = None) -> Bundle:
    """Read a bundle file without its models, checking its digest when one is expected."""
    try:
        data = read_bounded(path, BUNDLE_BYTES_MAX)
    except OSError as error:
        raise BundleError(f"cannot read the bundle `{path}`: {error.strerror}") from error
    return Bundle.of_bytes(data, digest)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle file atomically, its models before it into `PATH.models`; models of an older one are removed."""
    write_models(models_beside(path), bundle.models)
    write_synced(path, bundle.data)
    prune_models(models_beside(path), bundle.models)


def models_beside(path: Path) -> Path:
    """The folder with the models of a bundle file."""
    return path.with_name(f"{path.name}.models")


def _read_model(path: Path, digest: str) -> bytes:
    try:
        return read_model(models_beside(path), digest)
    except OSError as error:
        raise BundleError(f"cannot read the model `{digest}` of the bundle `{path}`: {error.strerror}") from error
