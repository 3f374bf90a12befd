from typing import Literal, final

__version__: str
BUILD_PROFILE: Literal["debug", "release"]

class EdgewiseError(Exception):
    """Base of every error of edgewise."""

class ConditionError(EdgewiseError):
    """A condition does not compile."""

    line: int
    """Line of the mistake, from 1."""
    column: int
    """Column of the mistake in characters, from 1."""
    message: str
    """What is wrong."""
    hint: str | None
    """What to do about it, where that is known."""

class BundleError(EdgewiseError):
    """A bundle is refused; the text says where."""

class RequestError(EdgewiseError):
    """A request is refused; nothing was changed."""

    status: int
    """HTTP status: 400, 403 or 413."""
    problem: bytes
    """The problem document (RFC 9457), ready to send."""

class StateError(EdgewiseError):
    """State cannot be read or written."""

@final
class Engine:
    """A compiled bundle: immutable, shared by every call."""

    @staticmethod
    def from_bundle(data: bytes) -> Engine:
        """Decode and compile a bundle document.

        Raises:
            BundleError: the document is malformed or a name in it does not resolve; says where.
        """

    @property
    def digest(self) -> str:
        """`sha256:` and the hash of the bundle's bytes."""

    @property
    def scenario_count(self) -> int:
        """How many scenarios are live."""

    def self_test(self) -> int:
        """Replay the golden decisions and return how many there are.

        Raises:
            BundleError: one came out differently; says which, what was expected and what it was.
        """

    def defaults(self) -> bytes:
        """The JSON body of `GET /v1/defaults`."""

    def rehearse(self, request: bytes) -> bytes:
        """Decide a JSON request without a node, for tests and golden decisions, and return the JSON answer.

        Signals of every source may be set; `at`, `force` and `explain: full` are allowed; nothing is kept; the clock stands
        at 2026-01-01T12:00:00Z unless `at` moves it.

        Raises:
            RequestError: the request is malformed.
        """
