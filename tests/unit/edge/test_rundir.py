"""Seats of workers: the lowest free one, held as long as the process lives."""

import os
import signal
import subprocess
import sys
import time

from edgewise.edge.rundir import Account, Seat, count_held, living

HOLD = """
import sys, time
from pathlib import Path
from edgewise.edge.rundir import Seat
print(Seat.take(Path(sys.argv[1])).number, flush=True)
time.sleep(60)
"""


def account(worker, generation=1):
    return Account(worker=worker, pid=os.getpid(), since=0.0, loop="uvloop", http="httptools", generation=generation)


def test_seats_are_numbered_from_zero_and_reused(tmp_path):
    first, second = Seat.take(tmp_path), Seat.take(tmp_path)
    assert (first.number, second.number) == (0, 1)
    first.leave()
    assert Seat.take(tmp_path).number == 0


def test_only_living_workers_that_reported_are_listed(tmp_path):
    first, second = Seat.take(tmp_path), Seat.take(tmp_path)
    first.report(account(0))
    assert living(tmp_path) == [account(0)]
    second.report(account(1, generation=2))
    assert living(tmp_path) == [account(0), account(1, generation=2)]
    first.leave()
    assert living(tmp_path) == [account(1, generation=2)]


def test_a_killed_worker_is_no_longer_listed_and_its_seat_is_free(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout.readline() == "0\n"
        assert count_held(tmp_path) == 1
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert count_held(tmp_path) == 0
    (tmp_path / "worker-0.json").write_text('{"worker":0,"pid":1,"since":0,"loop":"","http":""}')
    assert living(tmp_path) == []
    assert Seat.take(tmp_path).number == 0
    assert living(tmp_path) == []  # what the dead holder said is forgotten


def test_looking_never_takes_a_seat_away(tmp_path):
    until = time.monotonic() + 0.3
    looker = subprocess.Popen([sys.executable, "-c", f"""
from pathlib import Path
from edgewise.edge.rundir import count_held
while True: count_held(Path({str(tmp_path)!r}))
"""])  # fmt: skip
    try:
        while time.monotonic() < until:
            seat = Seat.take(tmp_path)
            assert seat.number == 0
            seat.leave()
    finally:
        looker.kill()
        looker.wait()


def test_nothing_lives_in_a_folder_that_is_not_there(tmp_path):
    assert living(tmp_path / "run") == []


def test_a_damaged_account_is_not_listed(tmp_path):
    seat = Seat.take(tmp_path)
    (tmp_path / f"worker-{seat.number}.json").write_text("{")
    assert living(tmp_path) == []
