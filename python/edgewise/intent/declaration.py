"""How a bundle names the models it uses. Owns the form of its `models`; reads no bundle."""

from typing import Any

import msgspec

from edgewise.intent.errors import ModelError
from edgewise.intent.metadata import SpecSize, digest_of


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a bundle: which bytes, made for which feature spec, giving which heads."""

    digest: str
    spec: str
    outputs: tuple[str, ...]
    purposes: tuple[str, ...] = ()

    @property
    def spec_digest(self) -> str:
        """The name of the feature spec."""
        return digest_of(self.spec)

    @property
    def slots(self) -> int:
        """How many slots a row has."""
        try:
            return msgspec.json.decode(self.spec, type=SpecSize).slots
        except (msgspec.DecodeError, RecursionError) as error:
            raise ModelError("metadata", "spec", f"the bundle's feature spec is malformed: {error}") from error

    def names_the_same(self, other: "Declaration | None") -> bool:
        """Whether the other one is the same model for the same use."""
        return other is not None and (self.digest, self.spec, self.outputs) == (other.digest, other.spec, other.outputs)


class _Models(msgspec.Struct):
    models: dict[str, Declaration] | None = None


def declared_in(data: bytes) -> dict[str, Declaration]:
    """Give the models that a bundle declares in its bytes, by name; reads nothing else of them.

    Raises:
        ModelError: its `models` are malformed.
    """
    try:
        return msgspec.json.decode(data, type=_Models).models or {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelError("read", "declaration", f"the bundle's `models` are malformed: {error}") from error


def declarations(document: dict[str, Any]) -> dict[str, Declaration]:
    """Give the models that a bundle's document declares, by name.

    Raises:
        ModelError: its `models` are malformed.
    """
    try:
        return msgspec.convert(document.get("models"), dict[str, Declaration] | None) or {}
    except msgspec.ValidationError as error:
        raise ModelError("read", "declaration", f"the bundle's `models` are malformed: {error}") from error
