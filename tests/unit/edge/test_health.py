"""What a node says of itself, out of what its workers say."""

import pytest

from edgewise.edge.health import furthest_behind
from edgewise.edge.rundir import Account


def account(worker, generation, slot=0):
    return Account(worker=worker, pid=1, since=0.0, loop="uvloop", http="httptools", generation=generation, slot=slot)


@pytest.mark.parametrize(
    ("accounts", "behind"),
    [
        ([], None),
        ([account(0, 7), account(1, 6)], 1),
        ([account(0, 7, slot=9), account(1, 7, slot=8)], 1),
        ([account(0, 7), account(1, None)], None),  # the other one still answers that there is no bundle
    ],
)
def test_a_node_serves_what_the_worker_serves_that_is_furthest_behind(accounts, behind):
    found = furthest_behind(accounts)
    assert (found.worker if found else None) == behind
