"""Tries a model in a child process with bounded memory and time before any serving process touches it.

Owns the child from start to end: however it behaves, it is gone when `probe` returns. Does no trying itself.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final, cast, get_args

import msgspec

from edgewise import __version__
from edgewise.intent.errors import TRANSIENT_CODES, ModelError, Stage
from edgewise.intent.limits import Limits
from edgewise.intent.loading import require_named
from edgewise.intent.verdicts import Report, Subject, Verdict, Verdicts

GRACE_S: Final = 2.0  # after which a child that did not end itself is killed
REPORT_BYTES_MAX: Final = 4096
_SIGNALS: Final = {
    signal.SIGXCPU: ("cpu", "it took more than {0.cpu_s} s of processor time"),
    signal.SIGALRM: ("timeout", "it was not done after {0.wall_s:g} s"),
    signal.SIGKILL: ("killed", "the system ended it"),
}
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told; the model's bytes follow."""

    digest: str
    spec_digest: str
    slots: int
    limits: Limits


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted model: what it costs, and whether that was known already."""

    verdict: Verdict
    is_cached: bool
    probe_ms: float


def probe(
    data: bytes,
    digest: str,
    spec_digest: str,
    slots: int,
    *,
    verdicts: Verdicts | None = None,
    limits: Limits | None = None,
) -> Probe:
    """Try a model where it can do no harm, unless that was done already.

    Raises:
        ModelError: it is refused, with the stage it came to; a crash, hang or excess has the stage `probe`.
    """
    require_named(data, digest)
    start = time.perf_counter()
    subject = subject_of(digest, spec_digest, slots)
    verdict, is_cached = _verdict(data, subject, verdicts, limits or Limits())
    if verdict.stage is not None:
        raise ModelError(_stage(verdict.stage), verdict.code or "crash", verdict.detail or "the probe refused it")
    return Probe(verdict=verdict, is_cached=is_cached, probe_ms=(time.perf_counter() - start) * 1000)


def subject_of(digest: str, spec_digest: str, slots: int) -> Subject:
    """Name what a verdict is about: the model, what it is used for, and what runs it."""
    return Subject(
        digest=digest, spec_digest=spec_digest, slots=slots, engine=__version__, runtime=version("onnxruntime")
    )


def _verdict(data: bytes, subject: Subject, verdicts: Verdicts | None, limits: Limits) -> tuple[Verdict, bool]:
    if verdicts is None:
        return _try(data, subject, limits), False
    if known := verdicts.find(subject):
        return known, True
    with verdicts.turn():  # workers that start together try a model once, not each
        if known := verdicts.find(subject):
            return known, True
        verdict = _try(data, subject, limits)
        if verdict.code not in TRANSIENT_CODES:
            verdicts.keep(verdict)
        return verdict, False


def _try(data: bytes, subject: Subject, limits: Limits) -> Verdict:
    task = Task(digest=subject.digest, spec_digest=subject.spec_digest, slots=subject.slots, limits=limits)
    try:
        report = _ask_child(msgspec.json.encode(task) + b"\n" + data, limits)
    except OSError as error:
        detail = f"the probe cannot be started: {os.strerror(error.errno or 0).lower()}"
        report = Report(stage="probe", code="start", detail=detail)
    return Verdict(subject=subject, **msgspec.structs.asdict(report))


def _ask_child(request: bytes, limits: Limits) -> Report:
    with _file_of(request) as stdin:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgewise.intent.child"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        with child:
            try:
                child.wait(limits.wall_s + GRACE_S)
            except subprocess.TimeoutExpired:
                return Report(stage="probe", code="timeout", detail=_SIGNALS[signal.SIGALRM][1].format(limits))
            finally:
                child.kill()
                child.wait()
            return _report(child, limits)


def _report(child: "subprocess.Popen[bytes]", limits: Limits) -> Report:
    """Read what the child said. It fits a pipe: a child that says more waits for a reader until its time is over."""
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        code, detail = _SIGNALS.get(signal.Signals(-child.returncode), ("crash", f"it crashed with {name}"))
        return Report(stage="probe", code=code, detail="while it was tried, " + detail.format(limits))
    said = os.read(child.stdout.fileno(), REPORT_BYTES_MAX) if child.stdout else b""
    try:
        return msgspec.json.decode(said, type=Report)
    except msgspec.DecodeError:
        return Report(stage="probe", code="crash", detail=f"the probe ended with {child.returncode} and no report")


@contextlib.contextmanager
def _file_of(content: bytes) -> Iterator[int]:
    """Give a file that lies in memory under no name: the child can be handed it whole, with nobody feeding a pipe."""
    descriptor = os.memfd_create("edgewise-probe")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    """Say what the child may know of this process: where its modules lie, and no secrets."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    places = os.pathsep.join(os.path.abspath(place) for place in sys.path)  # noqa: PTH100, "" is the current folder
    return kept | _ONE_THREAD | {"PYTHONPATH": places}


def _stage(name: str) -> Stage:
    return cast("Stage", name) if name in get_args(Stage) else "probe"
