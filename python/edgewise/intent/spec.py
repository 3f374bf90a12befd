"""From a model's metadata to the extractor of its features. The extractor itself is the core's."""

from edgewise._core import FeatureSpec
from edgewise.errors import FeatureSpecError
from edgewise.intent.errors import ModelError
from edgewise.intent.metadata import Metadata


def feature_spec(metadata: Metadata) -> FeatureSpec:
    """The extractor that a model's spec stands for.

    Raises:
        ModelError: this engine cannot make it, or would make another one than the text says.
    """
    try:
        spec = FeatureSpec(metadata.spec)
    except FeatureSpecError as error:
        raise ModelError("metadata", "spec", f"the feature spec does not fit this engine: {error}") from error
    if spec.digest != metadata.spec_digest:
        raise ModelError("metadata", "spec", "the feature spec is not in canonical form")
    if (spec.slots, spec.width) != (metadata.size.slots, 1 << metadata.size.bits):
        raise ModelError("metadata", "spec", "the feature spec has other `slots` or `bits` than it says")
    return spec
