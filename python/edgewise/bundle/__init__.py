"""The artifact: one content-addressed, immutable file made of a book, and the slot on a node where it lies.

Owns bytes, digests and their places on disk. Knows nothing of YAML, conditions or decisions.
"""

from edgewise.bundle.artifact import BUNDLE_BYTES_MAX, FORMAT, Bundle, read_bundle, rules_digest, write_bundle
from edgewise.bundle.canonical import canonical_json, digest_of, digest_of_value
from edgewise.bundle.models import MODEL_BYTES_MAX
from edgewise.bundle.slot import Manifest, Slot

__all__ = [
    "BUNDLE_BYTES_MAX",
    "FORMAT",
    "MODEL_BYTES_MAX",
    "Bundle",
    "Manifest",
    "Slot",
    "canonical_json",
    "digest_of",
    "digest_of_value",
    "read_bundle",
    "rules_digest",
    "write_bundle",
]
