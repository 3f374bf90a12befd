"""A model that runs: one onnxruntime session over bytes that passed the policy. The only module that knows onnxruntime.

Imported when the first model is loaded, not before: the runtime costs a process a fifth of a second.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgewise.intent import proto
from edgewise.intent.errors import ModelError, Stage
from edgewise.intent.metadata import Metadata, Row
from edgewise.intent.policy import IDS, OUTPUT, VALS, Floats

TOLERANCE: Final = 1e-6
BATCH_ROWS_MAX: Final = 4096
RUNTIME_CHARACTERS_MAX: Final = 300
_OUT_OF_MEMORY: Final = ("bad allocation", "bad_alloc", "Failed to allocate memory")
_SILENT: Final = 4
_CONFIG: Final = {
    "session.intra_op.allow_spinning": "0",
    "session.inter_op.allow_spinning": "0",
    "session.load_model_format": "ONNX",  # never guessed from the bytes: the policy has read them as this one
}
_ANSWER: Final = (OUTPUT,)
_INT32: Final = np.dtype(np.int32)
_FLOAT32: Final = np.dtype(np.float32)
_TYPES: Final[dict[int, np.dtype[Any]]] = {proto.FLOAT: np.dtype("<f4"), proto.DOUBLE: np.dtype("<f8")}
_BITS: Final[dict[int, np.dtype[Any]]] = {proto.FLOAT: np.dtype("<u4"), proto.DOUBLE: np.dtype("<u8")}

Ids = NDArray[np.int32]
Vals = NDArray[np.float32]


class Model:
    """Gives probabilities for hashed rows. Immutable; any number of threads may run it."""

    def __init__(self, data: bytes, digest: str, metadata: Metadata) -> None:
        self.digest: Final = digest
        self.spec_digest: Final = metadata.spec_digest
        self.outputs: Final = metadata.outputs
        self.metadata: Final[Mapping[str, str]] = metadata.entries
        self.trained_at: Final[datetime] = metadata.trained_at
        self.slots: Final = metadata.size.slots
        self.id_max = (1 << metadata.size.bits) - 1
        self._row = (1, self.slots)
        self._heads = len(self.outputs)
        self._session = _session(data)
        self._one = _OneRow(self._session, self._row, self._heads)

    def run(self, ids: Ids, vals: Vals) -> tuple[float, ...]:
        """Give the probabilities of one row, `ids` int32[1, slots] and `vals` float32[1, slots], one for each head.

        Raises:
            ModelError: the row is not of that form, or what came out are no probabilities.
        """
        if not (ids.shape == vals.shape == self._row and ids.dtype == _INT32 and vals.dtype == _FLOAT32):
            raise _of_wrong_form(ids, vals, self._row)
        if self._one.lock.acquire(blocking=False):
            try:
                probabilities = self._one.ask(ids, vals, self.id_max)
            finally:
                self._one.lock.release()
        else:
            probabilities = tuple(self._ask(ids, vals)[0].tolist())
        for probability in probabilities:
            if not 0.0 <= probability <= 1.0:
                raise ModelError("run", "output", f"the model gave {probability}, which is no probability")
        return probabilities

    def run_batch(self, ids: Ids, vals: Vals) -> NDArray[np.float32]:
        """Give the probabilities of many rows, float32[n, heads]: within a millionth what they get one by one.

        Raises:
            ModelError: the rows are not of the right form, or what came out are no probabilities.
        """
        rows = (ids.shape[0] if ids.ndim else 0, self.slots)
        if ids.shape != rows or vals.shape != rows or ids.dtype != _INT32 or vals.dtype != _FLOAT32:
            raise _of_wrong_form(ids, vals, rows)
        answer = np.empty((rows[0], len(self.outputs)), np.float32)
        for start in range(0, rows[0], BATCH_ROWS_MAX):
            part = slice(start, start + BATCH_ROWS_MAX)
            answer[part] = self._ask(ids[part], vals[part])
        if not ((answer >= 0) & (answer <= 1)).all():
            raise ModelError("run", "output", "the model gave what are no probabilities")
        return answer

    def replay(self, golden: tuple[Row, ...]) -> None:
        """Answer the golden rows as it did when it was made, one by one, as when serving.

        Raises:
            ModelError: one comes out differently by more than `TOLERANCE`.
        """
        for number, row in enumerate(golden):
            found = self._answer_golden(number, row)
            gap = max(abs(p - expected) for p, expected in zip(found, row.p, strict=True))
            if not gap <= TOLERANCE:
                raise ModelError(
                    "golden", "mismatch", f"golden row {number}: expected {row.p}, got {list(found)}, {gap:.2g} apart"
                )

    def _answer_golden(self, number: int, row: Row) -> tuple[float, ...]:
        ids, vals = np.zeros(self._row, np.int32), np.zeros(self._row, np.float32)
        ids[0, : len(row.ids)] = row.ids
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
            vals[0, : len(row.vals)] = row.vals
        try:
            return self.run(ids, vals)
        except ModelError as error:
            raise ModelError("golden", error.code, f"golden row {number}: {error}") from error

    def _ask(self, ids: Ids, vals: Vals) -> NDArray[np.float32]:
        _require_sound(ids.view(np.uint32), vals.reshape(-1), self.id_max)
        try:
            answer: NDArray[np.float32] = self._session.run(_ANSWER, {IDS: ids, VALS: vals})[0]
        except Exception as error:
            raise _of_runtime("run", error) from error
        if answer.shape != (len(ids), self._heads) or answer.dtype != _FLOAT32:
            raise ModelError("run", "output", f"the model gave {answer.dtype}{list(answer.shape)}")
        return answer


class _OneRow:
    """Buffers of one row, bound to the session once: a run makes no tensor and no array. For who holds the lock."""

    def __init__(self, session: onnxruntime.InferenceSession, row: tuple[int, int], heads: int) -> None:
        self.lock: Final = Lock()
        self._session = session
        self._ids, self._vals = np.zeros(row, np.int32), np.zeros(row, np.float32)
        self._unsigned, self._flat_vals = self._ids.view(np.uint32), self._vals.reshape(-1)
        self._answer = np.zeros((1, heads), np.float32)
        self._flat_answer = self._answer.reshape(-1)
        self._options = _run_options()
        try:
            self._binding = session.io_binding()
            for name, array in ((IDS, self._ids), (VALS, self._vals)):
                self._binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            answer = self._answer
            self._binding.bind_output(OUTPUT, "cpu", 0, answer.dtype, answer.shape, answer.ctypes.data)
        except Exception as error:
            raise _of_runtime("session", error) from error

    def ask(self, ids: Ids, vals: Vals, id_max: int) -> tuple[float, ...]:
        self._ids[...] = ids
        self._vals[...] = vals
        _require_sound(self._unsigned, self._flat_vals, id_max)
        self._answer.fill(math.nan)  # what a run does not write is no probability
        try:
            self._session.run_with_iobinding(self._binding, self._options)
        except Exception as error:
            raise _of_runtime("run", error) from error
        return tuple(self._flat_answer.tolist())


def _require_sound(unsigned_ids: NDArray[np.uint32], flat_vals: Vals, id_max: int) -> None:
    # One pass each, by the cheapest call there is. A negative id, which would silently count from the table's end,
    # is a huge one without its sign; a sum of squares is finite only if every value is.
    if unsigned_ids.item(unsigned_ids.argmax()) > id_max:
        raise ModelError("run", "input", f"an id lies outside of 0 to {id_max}")
    if not math.isfinite(flat_vals.dot(flat_vals)):
        raise ModelError("run", "input", "a value is not finite")


def require_finite(weights: tuple[Floats, ...]) -> None:
    """Refuse weights that no training gives.

    Raises:
        ModelError: one is not a number or infinite.
    """
    for floats in weights:
        if not np.isfinite(_decoded(floats)).all():
            raise ModelError("policy", "weights", "a weight is not finite")


def _decoded(floats: Floats) -> NDArray[Any]:
    kind = _TYPES[floats.element]
    if isinstance(floats.bits, tuple):
        return np.array(floats.bits, _BITS[floats.element]).view(kind)
    if len(floats.bits) % kind.itemsize:
        raise ModelError("parse", "malformed", "a tensor's bytes end within a number")
    return np.frombuffer(floats.bits, kind)


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _SILENT
    for key, value in _CONFIG.items():
        options.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _of_runtime("session", error) from error


def _run_options() -> onnxruntime.RunOptions:
    """Make the options of all runs. Without, each makes its own; without the entry, each looks for it long."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _SILENT
    options.add_run_config_entry("gpu_graph_id", "-1")  # none
    return options


def _of_runtime(stage: Stage, error: Exception) -> ModelError:
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:RUNTIME_CHARACTERS_MAX]
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY):
        return ModelError(stage, "memory", f"the model asks for more memory than there is: {text}")
    return ModelError(stage, "runtime", f"the runtime refuses: {text}")


def _of_wrong_form(ids: NDArray[Any], vals: NDArray[Any], expected: tuple[int, int]) -> ModelError:
    found = f"{ids.dtype}{list(ids.shape)} and {vals.dtype}{list(vals.shape)}"
    return ModelError("run", "input", f"expected int32 and float32 of {list(expected)}, got {found}")
