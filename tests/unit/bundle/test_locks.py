"""Taking turns: one after the other where that goes fast enough, beside each other where it does not."""

import os
import threading
import time

from edgewise.bundle.locks import is_held, try_to_hold, turn


def test_who_comes_second_waits_for_the_first(tmp_path):
    lock, order = tmp_path / "turn.lock", []

    def come_second():
        with turn(lock, 10.0):
            order.append("second")

    with turn(lock, 10.0):
        second = threading.Thread(target=come_second)
        second.start()
        time.sleep(0.1)
        order.append("first")
    second.join()
    assert order == ["first", "second"]
    assert not is_held(lock)


def test_nobody_waits_longer_than_agreed(tmp_path):
    lock = tmp_path / "turn.lock"
    held = try_to_hold(lock)
    began = time.monotonic()
    with turn(lock, 0.1):
        took_s = time.monotonic() - began
    assert 0.1 <= took_s < 5
    assert is_held(lock), "the other one's turn goes on"
    os.close(held)


def test_a_place_where_nothing_can_be_locked_stops_nobody(tmp_path):
    with turn(tmp_path / "absent" / "turn.lock", 10.0):
        pass
