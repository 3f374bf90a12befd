"""The exception tree of edgewise, one base above all. Re-exports what the compiled core raises; owns nothing itself."""

from edgewise._core import BundleError, ConditionError, EdgewiseError, FeatureSpecError, RequestError, StateError

__all__ = ["BundleError", "ConditionError", "EdgewiseError", "FeatureSpecError", "RequestError", "StateError"]
