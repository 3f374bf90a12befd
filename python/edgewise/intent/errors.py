"""Why a model is refused or a run failed. Owns the stages and the form of the error; decides nothing."""

from typing import Final, Literal

from edgewise.errors import EdgewiseError

Stage = Literal["read", "size", "digest", "parse", "policy", "metadata", "session", "golden", "probe", "run"]


TRANSIENT_CODES: Final = frozenset({"timeout", "killed", "start"})
"""Codes of a probe that tell of the machine's state."""
_OF_THE_DISK: Final = frozenset({("read", "unreadable"), ("digest", "mismatch")})


class ModelError(EdgewiseError):
    """A model is refused, or a run of it gave nothing that may be used.

    `stage` says how far it came, `code` what was wrong, for machines; the text says it for people.
    """

    def __init__(self, stage: Stage, code: str, message: str) -> None:
        super().__init__(message)
        self.stage: Stage = stage
        self.code = code

    @property
    def may_pass(self) -> bool:
        """Whether it says nothing about the model: a disk or the machine failed, and another try may go well."""
        return (self.stage, self.code) in _OF_THE_DISK or self.code in TRANSIENT_CODES

    def __reduce__(self) -> tuple[type["ModelError"], tuple[Stage, str, str]]:
        return type(self), (self.stage, self.code, str(self))
