"""Starts a node on a book, lets locust send it whole journeys, and says in words whether it kept to the thresholds.

    python loadtests/load.py --shape smoke --seconds 60

Exits with 3 when a gate does not hold, with another number when there was no run to judge. Locust's own report (CSV,
HTML, log) and the verdict as JSON are in the folder `--out`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from client import CallError
from gates import GATE_FAILED, Gate, ThresholdError, Thresholds, conclusion, gates_of, read_thresholds
from memory import MemoryWatch
from modelcounts import ModelCounts
from server import free_port, serving
from shapes import DEFAULTS, Shape, shape

HERE = Path(__file__).resolve().parent
LOCUST = Path(sys.executable).with_name("locust")
STOP_TIMEOUT_S = 5
OVERTIME_S = 120.0
SAMPLE_S, SAY_S = 1.0, 60.0
NO_RUN = 2


def main() -> int:
    """Run the load against a node of our own; whoever ends us ends what we started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = parse_arguments()
    plan = shape(options.shape, options.users, options.seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgewise-load-") as folder:
        try:
            limits = read_thresholds(options.thresholds, plan.name)
            with serving(options.book, 0, Path(folder), options.workers) as url:
                say(
                    f"{plan.name}: {plan.users} visitors for {plan.seconds:g} s against {url}; details in {options.out}"
                )
                watch = MemoryWatch(url)
                watch.begin()
                status = run_locust(url, plan, options, watch)
                return conclude(options, status, watch, limits, ModelCounts.of(url))
        except (ThresholdError, CallError) as error:
            sys.stderr.write(f"{error}\n")
            return NO_RUN
        finally:
            keep_log(Path(folder) / "node.log", options.out / f"{plan.name}-node.log")


def parse_arguments() -> argparse.Namespace:
    """Read the command line; what it does not know goes to locust."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--book", type=Path, default=Path("examples/book"), help="the book to serve (%(default)s)")
    parser.add_argument("--shape", choices=sorted(DEFAULTS), default="smoke", help="how many when (%(default)s)")
    parser.add_argument("--users", type=int, help="visitors at the peak (by shape)")
    parser.add_argument("--seconds", type=float, help="how long (by shape)")
    parser.add_argument("--workers", type=int, default=2, help="workers that answer (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="processes that ask (%(default)s)")
    parser.add_argument("--thresholds", type=Path, default=HERE / "thresholds.toml", help="limits (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out/load"), help="folder of the reports (%(default)s)")
    options, more = parser.parse_known_args()
    options.more = more
    return options


def run_locust(url: str, plan: Shape, options: argparse.Namespace, watch: MemoryWatch) -> int:
    """Run locust to its end, looking at the node's memory meanwhile; gives locust's exit code."""
    verdict_of(options).unlink(missing_ok=True)
    with (options.out / f"{plan.name}.log").open("wb") as log:
        locust = subprocess.Popen(
            command(url, plan, options), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait(locust, plan.seconds + OVERTIME_S, watch)
        finally:
            stop(locust)
    return locust.returncode


def command(url: str, plan: Shape, options: argparse.Namespace) -> list[str]:
    """Write locust's command line."""
    out, port = options.out / plan.name, str(free_port())
    return [
        *(str(LOCUST), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "--host", url),
        *("--shape", plan.name, "-u", str(plan.users), "-t", f"{plan.seconds:.0f}s"),
        *("--processes", str(options.processes), "--master-bind-host", "127.0.0.1"),
        *("--master-bind-port", port, "--master-port", port, "--stop-timeout", str(STOP_TIMEOUT_S)),
        *("--csv", str(out), "--csv-full-history", "--html", f"{out}.html"),
        *("--thresholds", str(options.thresholds), "--verdict", str(verdict_of(options)), *options.more),
    ]


def verdict_of(options: argparse.Namespace) -> Path:
    """Name the file of the verdict."""
    out: Path = options.out
    return out / f"{options.shape}.json"


def wait(locust: subprocess.Popen[bytes], seconds: float, watch: MemoryWatch) -> None:
    """Wait for the end, but not for ever."""
    ends, says = time.monotonic() + seconds, time.monotonic() + SAY_S
    while locust.poll() is None and time.monotonic() < ends:
        time.sleep(SAMPLE_S)
        watch.measure()
        if time.monotonic() > says and locust.poll() is None:
            says += SAY_S
            say("\n".join(watch.in_words()))


def stop(locust: subprocess.Popen[bytes]) -> None:
    """End locust and the processes it started, if they have not ended by themselves."""
    if locust.poll() is None:
        os.killpg(locust.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            locust.wait(STOP_TIMEOUT_S)
        with suppress(ProcessLookupError):
            os.killpg(locust.pid, signal.SIGKILL)
        locust.wait()


def conclude(
    options: argparse.Namespace, status: int, watch: MemoryWatch, limits: Thresholds, models: ModelCounts
) -> int:
    """Add what was seen of the node to locust's verdict, and say it."""
    if not verdict_of(options).is_file():
        sys.stderr.write(f"locust ended with {status} and no verdict; see {options.out / options.shape}.log\n")
        return NO_RUN
    document: dict[str, Any] = json.loads(verdict_of(options).read_text(encoding="utf-8"))
    gates: list[Gate] = [*gates_of(document), *watch.gates(limits.memory), *models.gates(limits.models)]
    say("\n".join([*document["words"], *models.in_words(), *watch.in_words(), *conclusion(gates)]))
    return GATE_FAILED if not all(gate.holds for gate in gates) else status


def keep_log(log: Path, kept: Path) -> None:
    """Keep what the node said."""
    if log.is_file():
        shutil.copyfile(log, kept)


def say(text: str) -> None:
    """Tell whoever waits, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
