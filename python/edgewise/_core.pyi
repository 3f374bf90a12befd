from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Literal, NotRequired, TypeAlias, TypedDict, final

import numpy as np
from numpy.typing import NDArray

__version__: str
BUILD_PROFILE: Literal["debug", "release"]

class EdgewiseError(Exception):
    """Base of every error of edgewise."""

class ConditionError(EdgewiseError):
    """A condition does not compile. The text is `LINE:COLUMN: MESSAGE`, then `; ` and the hint if there is one."""

    line: int
    """Line of the mistake, from 1; lines end with `\\n`."""
    column: int
    """Column of the mistake in Unicode characters, from 1."""
    message: str
    """What is wrong."""
    hint: str | None
    """What to do about it, where that is known."""
    kind: Literal["syntax", "type"]
    """`syntax`: the text is not of the language. `type`: a name or a type in it does not fit."""
    unknown: str | None
    """The name that nobody declared (`order.chanel`, `policy.x`), if that is what is wrong."""

class BundleError(EdgewiseError):
    """A bundle is refused; the text says where."""

class RequestError(EdgewiseError):
    """A request is refused; nothing was changed."""

    status: int
    """HTTP status: 400, 403 or 413."""
    problem: bytes
    """The problem document (RFC 9457), ready to send."""

class FeatureSpecError(EdgewiseError):
    """A feature spec is refused; the text says where."""

class StateError(EdgewiseError):
    """State cannot be read or written."""

@final
class Engine:
    """A compiled bundle: immutable, shared by every call."""

    @staticmethod
    def from_bundle(data: bytes, *, in_background: bool = False) -> Engine:
        """Decode and compile a bundle document.

        In the background it takes the processor time that nobody else wants, as long as there is enough of that.

        Raises:
            BundleError: the document is malformed or a name in it does not resolve; says where.
        """

    @property
    def digest(self) -> str:
        """`sha256:` and the hash of the bundle's bytes."""

    @property
    def scenario_count(self) -> int:
        """How many scenarios are live."""

    def self_test(self, *, in_background: bool = False) -> int:
        """Replay the golden decisions and return how many there are; in the background as `from_bundle` compiles.

        Raises:
            BundleError: one came out differently; says which, what was expected and what it was.
        """

    def declared_models(self) -> bytes:
        """The part of the bundle's document, `{"models": ...}`, that says which models it uses."""

    def defaults(self) -> bytes:
        """The JSON body of `GET /v1/defaults`."""

    def signal_purposes(self) -> dict[str, list[str]]:
        """The purposes of each signal that has any: those it declares, and those of what its model reads."""

    def rehearse(
        self,
        request: bytes,
        run: Callable[[str, NDArray[np.int32], NDArray[np.float32]], Sequence[float] | None] | None = None,
    ) -> bytes:
        """Decide a JSON request without a node, for tests and golden decisions, and return the JSON answer.

        Signals of every source may be set; `at`, `force` and `explain: full` are allowed; nothing is kept; the clock
        stands at 2026-01-01T12:00:00Z unless `at` moves it.

        Args:
            request: the request's bytes.
            run: gives a model's outputs, or None, for its name and a row of `ids` and `vals` of shape (1, slots); asked
                where a decision waits for it. A model of which the request sets a signal is never asked.

        Raises:
            RequestError: the request is malformed.
            Exception: what `run` raises.
        """

@final
class State:
    """A value of a signal that says only why there is none: `DENIED`, `STALE` or `INVALID`. Compare with `==`."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> str: ...

DENIED: State
"""A purpose of the signal is refused."""
STALE: State
"""The value is older than the signal's `max_age`."""
INVALID: State
"""The value has the wrong type or lies outside `min`, `max` or `values`."""

_TypeName: TypeAlias = Literal["bool", "int", "float", "string", "enum", "string_set", "timestamp", "duration", "any"]
"""The types of signals; `any` is a signal of which nothing is known, not even its type."""

class _SignalDeclaration(TypedDict):
    """The declaration of one signal, where its type alone does not say enough."""

    type: _TypeName
    values: NotRequired[Sequence[str] | None]
    """The values of an enum; required there, refused elsewhere."""
    min: NotRequired[float | None]
    """Least valid value of an int or float."""
    max: NotRequired[float | None]
    """Greatest valid value of an int or float."""

_Declarations: TypeAlias = Mapping[str, _TypeName | _SignalDeclaration] | Mapping[str, _TypeName] | Mapping[str, str]
"""Signals by name: a type, or a mapping with `type` and what belongs to it."""

_Constant: TypeAlias = bool | int | float | str | list[str] | tuple[str, ...]
"""What `policy.name` may stand for."""

_Values: TypeAlias = Mapping[str, object]
"""Values of signals by name.

Each is a bool, int, float (or a NumPy scalar), str, list, tuple, set or frozenset of str, aware `datetime`,
`timedelta`, RFC 3339 or duration text (`"14h"`) for signals of these types, or `DENIED`, `STALE`, `INVALID`. None and
an absent key are missing, an unknown key is ignored, everything else (a wrong type, a naive datetime, NaN) is invalid.
An int beyond 64 bits is a float, as in JSON.
"""

class _Blocking(TypedDict):
    """One signal that keeps a condition unknown."""

    signal: str
    state: Literal["missing", "stale", "denied", "invalid"]

class _Explanation(TypedDict):
    """The value of a condition and, if that is unknown, the signals that keep it so, in order of first occurrence."""

    value: bool | Literal["unknown"]
    blocking: list[_Blocking]

@final
class Signals:
    """The names that conditions may read, with their types. Immutable; share it between conditions."""

    def __new__(cls, declarations: _Declarations, policy: Mapping[str, _Constant] | None = None) -> Signals:
        """Check the declarations of signals and the constants below `policy.`, each by dotted name.

        Raises:
            ValueError: a name is malformed, reserved or the beginning of another, or a declaration is unsound.
            TypeError: something is not of the types above.
        """

    def __len__(self) -> int: ...

@final
class Condition:
    """A condition, compiled once. Immutable. `str()` gives its canonical text, which compiles to the same again."""

    @staticmethod
    def compile(text: str, signals: Signals) -> Condition:
        """Compile the text of a condition.

        Raises:
            ConditionError: the text is not a condition over these signals; says where and why.
        """

    @property
    def signals(self) -> list[str]:
        """The signals it reads, in order of first occurrence."""

    @property
    def policies(self) -> list[str]:
        """The constants it was compiled with, by name below `policy.`, in order of first occurrence."""

    def evaluate(self, values: _Values) -> _Explanation:
        """Evaluate it over the values of signals.

        Raises:
            TypeError: `values` is not a mapping.
        """

def check_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Name every signal name that may not be declared beside the others, with the reason, in the given order."""

def parse_duration_ms(text: str) -> int:
    """Read a duration of a book (`30s`, `10m`, `14h`, `1d`, `2w`, `1h30m`) in milliseconds.

    Raises:
        ValueError: it is malformed, negative or not a whole number of milliseconds.
    """

@final
class Sessions:
    """The session store of a node, open in this process; shared by all its workers."""

    @staticmethod
    def prepare(path: str | PathLike[str]) -> Literal["new", "unclean_boot", "damaged"] | None:
        """Make the folder ready, once, before the workers that open it are started.

        Returns:
            Why the store starts empty, wholly or (`damaged`) in part; `None` if every record was kept.

        Raises:
            StateError: another process has the store open, or the folder cannot be used.
        """

    @staticmethod
    def mark_clean(path: str | PathLike[str]) -> None:
        """Sync the files and note that they may be used after the next boot; call it once the workers have stopped.

        Raises:
            StateError: another process has the store open, or the folder cannot be used.
        """

    @staticmethod
    def open(path: str | PathLike[str]) -> Sessions:
        """Open the store, in a folder that was prepared; once in a process, and never across a fork.

        Raises:
            StateError: the folder was not prepared, is damaged or cannot be used.
        """

    def close(self) -> None:
        """Write what waits and refuse what comes later."""

    def stats(self) -> dict[str, int]:
        """Tell what this process saw of the store.

        Keys: `shards`, `commits`, `transactions`, `evictions`, `read_failures`, `commit_failures`, `decode_failures`.
        """

@final
class Counters:
    """The counters of one worker, in a file that outlives it; a worker started again goes on counting."""

    def __new__(cls, path: str | PathLike[str]) -> Counters:
        """Open or start the file.

        Raises:
            OSError: it cannot be used.
        """

    def add_request(self, route: str, status: int) -> None:
        """Count a request: `decide`, `decide_batch`, `events`, `defaults`, `state` or `other`, and its HTTP status."""

    def add_decisions(self, reason: str, count: int) -> None:
        """Count decisions that were answered without deciding, as `SHED`."""

    def add_shed(self, route: str, cause: str) -> None:
        """Count a `decide`, `decide_batch` or `events` request that was shed for `gate`, `age` or `queue`."""

    def observe_pause(self, seconds: float) -> None:
        """Take a pause of the garbage collector into its histogram."""

    def observe(self, route: str, seconds: float) -> None:
        """Take the duration of a `decide`, `decide_batch` or `events` request into its histogram."""

def sum_counters(
    paths: Sequence[str | PathLike[str]],
) -> list[tuple[str, str, str, list[tuple[dict[str, str], int | tuple[list[tuple[str, int]], float]]]]]:
    """Add up the files of all workers, into families of `(name, help, kind, [(labels, value)])`.

    The kind is `counter` or `histogram`; the value of a histogram is its cumulative buckets, as `("0.005", 12)` up to
    `("+Inf", 14)`, and the sum in seconds. A file that is not there adds nothing.
    """

@final
class Share:
    """Visitors whose bucket under a salt lies below a percentage: the same ones on every node."""

    def __new__(cls, salt: str, percent: float) -> Share: ...
    def takes(self, request: bytes) -> bool:
        """Whether the visitor of a `POST /v1/decide` body is among them.

        Goes by userId, else anonymousId, else sessionId; who has none of them is taken only with everybody.
        """

    def divide(self, batch: bytes) -> tuple[list[bool], bytes, bytes] | None:
        """Take a `POST /v1/decide/batch` body apart: which items are taken, a batch of the others, a batch of those.

        None when it cannot be read.
        """

    @staticmethod
    def join(is_taken: Sequence[bool], others: bytes, taken: bytes) -> bytes:
        """Put the answers to both parts together, in the order of the items.

        Raises:
            ValueError: they are not the answers to these parts.
        """

@final
class RuleIndex:
    """Named conditions, compiled once and matched together. Immutable, safe to share between threads."""

    def __new__(cls, signals: _Declarations, rules: Mapping[str, str]) -> RuleIndex:
        """Compile rules (condition by id) over the declared signals.

        Raises:
            ConditionError: a rule is refused; its message names the rule, and notes name the other refused rules.
            ValueError: a name or the declaration of a signal is unsound.
            TypeError: something is not of the types above.
        """

    def __len__(self) -> int: ...
    def match(self, values: _Values) -> list[str]:
        """Name the rules whose condition is true, in declaration order.

        Raises:
            TypeError: `values` is not a mapping.
        """

    def explain(self, rule: str, values: _Values) -> _Explanation:
        """Evaluate one rule and say what blocks it.

        Raises:
            KeyError: there is no rule of this id.
            TypeError: `values` is not a mapping.
        """

def bucket(seed: str, value: str) -> float:
    """Place a value in [0, 1), in steps of 1/10000, always the same under the same seed.

    This is GrowthBook's hash, version 2, over UTF-16 code units.

    Raises:
        UnicodeEncodeError: an argument holds a lone surrogate.
    """

def hash_features(
    rows: Sequence[Mapping[str, str | float]], n_features: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Hash rows of named values to `(indptr, indices, values)`, the arrays of a CSR matrix of `n_features` columns.

    Bit for bit what scikit-learn's `FeatureHasher(n_features)` makes of them: `indptr` has one more element than there
    are rows, the indices of a row ascend, values of names that meet in a column are summed. Text counts as 1 under
    `name=text`, a bool as 0 or 1; zeros are left out.

    Raises:
        ValueError: an int is larger than a float holds, or `n_features` does not lie in 1 to 2147483647.
        TypeError: a name is not a str, or a value is neither str nor number (None, a list).
    """

class _Event(TypedDict):
    """One event of a session, as a node receives it; other keys are ignored."""

    event: str
    """Its name, as `Product Viewed`."""
    id: NotRequired[str | None]
    """An event sent again under its id changes nothing; without an id it is taken as new."""
    timestamp: NotRequired[str | datetime | int | None]
    """RFC 3339, an aware datetime, or milliseconds since the epoch; without it the event comes with the one before."""
    properties: NotRequired[Mapping[str, object] | None]
    """Facts about it."""

@final
class FeatureSpec:
    """A feature spec: the one extractor of a model's features, in serving, training and replay. Immutable."""

    def __new__(cls, text: str) -> FeatureSpec:
        """Parse and check the JSON text of a spec, canonical or not.

        Raises:
            FeatureSpecError: the text is not a spec; says where and why.
        """

    @property
    def canonical(self) -> str:
        """The one text of this spec: keys sorted, no blanks."""

    @property
    def digest(self) -> str:
        """`sha256:` and the hash of the canonical text in UTF-8."""

    @property
    def scope(self) -> Literal["session", "journey"]:
        """Which record its state lies in."""

    @property
    def slots(self) -> int:
        """Length of a row."""

    @property
    def width(self) -> int:
        """How many weights an id selects from."""

    @property
    def features(self) -> list[str]:
        """Names of the features, in declared order."""

    @property
    def inputs(self) -> list[tuple[str, str, str]]:
        """Inputs, sorted by name: name, declared signal, type."""

    def extract_events(
        self,
        events: Iterable[Iterable[_Event | Mapping[str, object]]],
        every_prefix: bool = False,
        *,
        inputs: Iterable[Mapping[str, object]] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int32]]:
        """Replay sessions, event by event, through the state that a node keeps.

        Args:
            events: for each session its events, in order of arrival.
            every_prefix: a row after each event, not only after the last.
            inputs: for each session the values of inputs by name; all missing without it.

        Returns:
            `ids` and `vals`, one row of `slots` each; for each row the number of its session, and how many of the
            session's events it has seen.

        Raises:
            ValueError: an event or an input is malformed; says of which session.
            TypeError: something is not of the types above.
        """

    def extract_values(self, rows: Iterable[Mapping[str, object]]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Make rows of snapshots: values of state and inputs by their names in the spec.

        None is missing; a field of state that is not given is as in a new record (0 for counts), an input that is not
        given is missing. A ring is a list in order of arrival, a duration a `timedelta` or text as `"90s"`.

        Raises:
            ValueError: a name is not of this spec, or a value is not of its type; says in which row.
            TypeError: a row is not a mapping.
        """

@final
class Pending:
    """Decisions that wait for models: those that a condition on the way waits for, and no others."""

    @property
    def runs(self) -> list[tuple[str, NDArray[np.int32], NDArray[np.float32]]]:
        """For each model its name, and `ids` and `vals` of shape (rows, slots), one row per waiting request."""

@final
class Node:
    """One worker's decision loop: a compiled bundle, the node's session store and the worker's counters.

    Args:
        engine: the compiled bundle.
        node: name of the node, repeated in answers.
        generation: generation of the bundle, repeated in answers.
        sessions: where records live; without it every key is new and nothing is kept.
        state_down: there should be a session store and it cannot be opened: state is missing, events are refused.
        counters: what is counted; without it nothing is.
        allow_at: whether `options.at` may move the clock of a request that is no dry run.
        disabled_scenarios: scenarios that are passed over.
        disabled_points: decision points that serve their fallback.
        beside: the bundle that serves other visitors of this node: events count for what it keeps of them, too.
    """

    def __new__(
        cls,
        engine: Engine,
        *,
        node: str,
        generation: int,
        sessions: Sessions | None = None,
        state_down: bool = False,
        counters: Counters | None = None,
        allow_at: bool = False,
        disabled_scenarios: Sequence[str] = ...,
        disabled_points: Sequence[str] = ...,
        beside: Engine | None = None,
    ) -> Node: ...
    @property
    def digest(self) -> str:
        """Digest of the bundle."""

    @property
    def generation(self) -> int:
        """Generation of the bundle."""

    def decide(self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False) -> bytes:
        """Answer `POST /v1/decide`: JSON in, JSON out; events and caps are written before it returns.

        Args:
            body: the request's bytes.
            now_ns: the instant of the call, in nanoseconds since the epoch.
            gpc: whether `Sec-GPC: 1` came with it.
            debug: whether the caller has the debug scope.

        Raises:
            RequestError: the request is refused; nothing was changed.
        """

    def decide_batch(self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False) -> bytes:
        """Answer `POST /v1/decide/batch`; a bad item is a problem document in its place. Arguments as `decide`."""

    def shed(self, body: bytes, *, now_ns: int) -> bytes:
        """Answer `POST /v1/decide` without deciding: every point's fallback with the reason `SHED`; nothing is changed.

        Of the body only what the answer repeats is looked at: `requestId` and `decisionPoints`.

        Raises:
            RequestError: those cannot be made out; the request is refused as `decide` would.
        """

    def shed_batch(self, body: bytes, *, now_ns: int) -> bytes:
        """Answer `POST /v1/decide/batch` without deciding; a bad item is a problem document in its place."""

    def begin(self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False) -> bytes | Pending:
        """Begin to answer `POST /v1/decide`: the answer, or what models have to see first. Arguments as `decide`."""

    def begin_batch(self, body: bytes, *, now_ns: int, gpc: bool = False, debug: bool = False) -> bytes | Pending:
        """Begin to answer `POST /v1/decide/batch`. Arguments as `decide`."""

    def resume(
        self, pending: Pending, outputs: Mapping[str, Sequence[Sequence[float] | str | None]]
    ) -> bytes | Pending:
        """Go on with what models gave: for each model one entry per row, its outputs or why there are none.

        The reasons are `absent`, `budget`, `resting`, `late` and `failed`; None and an entry that is not there are
        failures. A request asks a model once; one that gave nothing leaves its signals missing. State is written and
        the answer rendered in the last turn.

        Raises:
            ValueError: these decisions were resumed before, or a text is none of the reasons.
        """

    def ingest(self, body: bytes, *, ndjson: bool, now_ns: int, gpc: bool = False) -> bytes:
        """Answer `POST /v1/events`: a JSON array or, with `ndjson`, an object a line in; counts and errors out.

        Raises:
            RequestError: the body as a whole is refused; nothing was changed.
        """

    def erase(self, scope: str, key: str, *, now_ns: int) -> bool:
        """Erase a record and return whether there was one.

        Raises:
            ValueError: there is no such scope.
            StateError: the store did not answer in time.
        """
