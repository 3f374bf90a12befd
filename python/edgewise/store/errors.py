"""What can go wrong between a program and its store. Owns the types that callers tell apart."""

from edgewise.errors import EdgewiseError


class StoreError(EdgewiseError):
    """Something about the store."""


class StoreUnavailableError(StoreError):
    """The store did not answer, or not in time: trying again later may help."""


class StoreRefusedError(StoreError):
    """The store cannot be used for what was asked: it is read-only, lies about conditions, or is none."""


class TooLargeError(StoreError):
    """An object is larger than what its kind may be."""


class TrustError(StoreError):
    """What the store holds is not proven to be what was signed. `code` says how, in one word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeysError(StoreError):
    """A key is missing, unreadable or not the one that is trusted."""


class BusyError(StoreError):
    """Others kept writing first; nothing of this change was made."""


class RolloutError(StoreError):
    """The step does not fit what the store says now."""
