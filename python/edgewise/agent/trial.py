"""Trying a release before workers see it: decode, compile, replay golden decisions, try models. Writes nothing."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edgewise._core import Engine
from edgewise.bundle import Bundle
from edgewise.bundle.contact import Refusal
from edgewise.errors import EdgewiseError
from edgewise.intent import ModelError, ModelSet, Verdicts, declarations
from edgewise.store import Release

DETAIL_CHARACTERS_MAX = 500

P = ParamSpec("P")
T = TypeVar("T")


class RefusedError(EdgewiseError):
    """A release is not fit to run here. `stage` and `code` say where and how it failed."""

    def __init__(self, stage: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.stage = stage
        self.code = code

    def of(self, digest: str, generation: int) -> Refusal:
        """Give the refusal as it is kept and reported."""
        detail = str(self)[:DETAIL_CHARACTERS_MAX]
        return Refusal(generation=generation, digest=digest, stage=self.stage, code=self.code, detail=detail)


def try_release(release: Release, verdicts: Verdicts) -> Bundle:
    """Give the bundle of a release that is fit to run.

    Raises:
        RefusedError: it is not.
    """
    bundle = _decode(release)
    engine = _stage("compile", Engine.from_bundle, bundle.data, in_background=True)
    _stage("selftest", engine.self_test, in_background=True)
    _try_models(bundle, verdicts)
    return bundle


def _decode(release: Release) -> Bundle:
    bundle = _stage("decode", Bundle.of_bytes, release.bundle, release.digest)
    needed = _stage("decode", bundle.model_digests)
    absent = [digest for digest in needed if digest not in release.models]
    if absent:
        raise RefusedError("decode", "models", f"the release lacks the model `{absent[0]}`")
    return _stage("decode", bundle.with_models, {digest: release.models[digest] for digest in needed})


def _try_models(bundle: Bundle, verdicts: Verdicts) -> None:
    try:
        models = ModelSet.prepare(declarations(bundle.document()), bundle.models.__getitem__, verdicts=verdicts)
    except ModelError as error:
        raise RefusedError("decode", "models", str(error)) from error
    for name, refusal in models.refusals.items():
        detail = f"model `{name}`: {refusal.stage}/{refusal.code}: {refusal}"
        # A probe that could not be made, on a busy machine say, is made again.
        raise RefusedError("disk" if refusal.may_pass else "selftest", "model", detail) from refusal


def _stage(stage: str, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run one stage; whatever goes wrong in it, a panic of the core too, refuses the release."""
    try:
        return call(*arguments, **named)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise RefusedError(stage, type(error).__name__, str(error)) from error
