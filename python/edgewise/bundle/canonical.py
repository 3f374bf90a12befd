"""Canonical JSON and the digests made from it. Owns the one byte form of a document; knows nothing of what is in it."""

import hashlib
import re

import orjson

DIGEST_PREFIX = "sha256:"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def canonical_json(value: object) -> bytes:
    """Sorted keys, no blanks, UTF-8: equal values always give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_of(data: bytes) -> str:
    """The name of some bytes, as ``sha256:<hex>``."""
    return DIGEST_PREFIX + hashlib.sha256(data).hexdigest()


def digest_of_value(value: object) -> str:
    """The name of a value: the digest of its canonical JSON."""
    return digest_of(canonical_json(value))


def is_digest(text: str) -> bool:
    """Whether a text has the form of a digest."""
    return _DIGEST.fullmatch(text) is not None


def digest_hex(digest: str) -> str:
    """The part of a digest that may stand in a file name."""
    if not is_digest(digest):
        raise ValueError(f"`{digest}` is not a digest; expected `sha256:` and 64 hex digits")
    return digest.removeprefix(DIGEST_PREFIX)
