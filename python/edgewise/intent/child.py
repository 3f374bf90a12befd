"""The probe's child: bounds itself, loads the model as a worker would, runs it hard, reports.

Started by `probe` only.
"""

import os
import statistics
import sys
import time
from typing import Final

import msgspec
import numpy as np

from edgewise.intent.errors import ModelError
from edgewise.intent.limits import confine, peak_bytes, start_alarm
from edgewise.intent.loading import MODEL_BYTES_MAX, load
from edgewise.intent.model import Model
from edgewise.intent.probing import Task
from edgewise.intent.verdicts import Report

TASK_BYTES_MAX: Final = 4096
RUNS: Final = 200
RUN_US_MAX: Final = 2000.0
DETAIL_CHARACTERS_MAX: Final = 500


def main() -> None:
    """Try the model on standard input and say on standard output what came of it."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(TASK_BYTES_MAX), type=Task)
    start_alarm(task.limits)
    data = sys.stdin.buffer.read(MODEL_BYTES_MAX + 1)
    confine(task.limits)
    before = peak_bytes()
    try:
        report = _try(data, task, before)
    except ModelError as error:
        report = Report(stage=error.stage, code=error.code, detail=str(error)[:DETAIL_CHARACTERS_MAX])
    except MemoryError:
        report = Report(stage="probe", code="memory", detail="it asked for more memory than it may have")
    os.write(sys.stdout.fileno(), msgspec.json.encode(report))


def _try(data: bytes, task: Task, before: int) -> Report:
    start = time.perf_counter()
    model = load(data, task.digest, task.spec_digest, task.slots)
    load_ms = (time.perf_counter() - start) * 1000
    run_us = _exercise(model)
    if run_us > RUN_US_MAX:
        raise ModelError("probe", "slow", f"a run takes {run_us:.0f} us of processor time, more than {RUN_US_MAX:.0f}")
    return Report(load_ms=load_ms, run_us=run_us, memory_bytes=peak_bytes() - before)


def _exercise(model: Model) -> float:
    """Run rows of every kind, the extreme ones too, and give the median time: every answer must be a probability."""
    random = np.random.default_rng(0)
    spent = []
    for number in range(RUNS):
        used = number % (model.slots + 1)
        ids = np.zeros((1, model.slots), np.int32)
        vals = np.zeros((1, model.slots), np.float32)
        ids[0, :used] = random.integers(0, model.id_max + 1, used) if number % 3 else model.id_max
        vals[0, :used] = random.choice(np.array([-1e6, -1, 1, 1e6], np.float32), used)
        start = time.thread_time_ns()
        model.run(ids, vals)
        spent.append((time.thread_time_ns() - start) / 1000)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
