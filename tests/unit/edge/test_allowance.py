"""The time that a request has left: read from its header, counted from its arrival."""

import re
import time

import pytest

from edgewise.edge.allowance import BUDGET, Stopwatch, budget_ms
from edgewise.edge.problem import ProblemError


@pytest.mark.parametrize(
    ("header", "expected"),
    [(b"50", 50), (b"0", 0), (b" 12.5 ", 12.5), (b"-3", -3), (b"007", 7), (b"80, 30", 30), (b"30,80,-1", -1)],
)
def test_a_budget_is_a_number_of_milliseconds_and_the_least_of_several_counts(header, expected):
    assert budget_ms(header) == expected


@pytest.mark.parametrize(
    "header",
    [b"", b" ", b"soon", b"1e3", b"nan", b"inf", b"+5", b"50ms", b"5,", b".5", b"5.", b"1" * 16, b"\xff", b"5\n6"],
)
def test_anything_else_is_refused_naming_the_header(header):
    with pytest.raises(ProblemError) as refused:
        budget_ms(header)
    assert refused.value.status == 400
    assert b'"field":"x-edgewise-budget-ms"' in refused.value.body


def test_what_is_described_is_what_is_read():
    assert re.fullmatch(BUDGET, "12.5")
    assert not re.fullmatch(BUDGET, "1e3")


def test_the_budget_counts_from_the_arrival_and_the_answer_from_when_the_body_is_here():
    watch = Stopwatch(time.perf_counter() - 0.2)
    assert watch.left_ms() is None
    watch.allow(250)
    watch.start()
    assert 0 < watch.left_ms() <= 50
    assert watch.took_s() < 0.2
    watch.allow(100)
    assert watch.left_ms() < 0


def test_models_are_in_the_timing_only_when_one_was_asked():
    watch = Stopwatch()
    assert watch.server_timing(0.001) == b"total;dur=1.000"
    watch.models_s = 0.00025
    assert watch.server_timing(0.001) == b"total;dur=1.000, models;dur=0.250"
