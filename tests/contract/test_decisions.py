"""The decision vectors that Rust runs too: whole decisions, explanation included, on the contract's scenario."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edgewise._core import BundleError, Engine

VECTORS = Path(__file__).parent / "vectors"
BUNDLE = (VECTORS / "bundle.json").read_bytes()
DECISIONS: list[dict[str, Any]] = json.loads((VECTORS / "decisions.json").read_text())


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.from_bundle(BUNDLE)


@pytest.mark.parametrize("vector", DECISIONS, ids=lambda vector: vector["name"])
def test_a_vector_comes_out_as_written(engine: Engine, vector: dict[str, Any]) -> None:
    answer = json.loads(engine.rehearse(json.dumps(vector["request"]).encode()))

    assert vector["decisions"] == answer["decisions"]


def golden_bundle(decisions: dict[str, Any]) -> bytes:
    golden = [{"name": "window closed", "request": DECISIONS[0]["request"], "decisions": decisions}]
    return json.dumps({**json.loads(BUNDLE), "golden": golden}).encode()


def test_a_bundle_replays_its_golden_decisions() -> None:
    assert Engine.from_bundle(golden_bundle(DECISIONS[0]["decisions"])).self_test() == 1


def test_a_bundle_that_decides_differently_here_is_refused() -> None:
    engine = Engine.from_bundle(golden_bundle(DECISIONS[1]["decisions"]))

    with pytest.raises(BundleError, match="golden `window closed`: expected"):
        engine.self_test()


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"format": "edgewise/bundle/2"}, "format"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"segments": {"bad": "no.such == 1"}}, "segments.bad"),
        ({"policy": {"window": {}}}, "policy.window"),
        ({"decisionPoints": {}}, "returns.header"),
        ({"purposes": {}}, "customer.returns_12m"),
        ({"scenarios": [{"id": "half"}]}, r"scenarios\[0\]"),
    ],
)
def test_a_bundle_that_does_not_resolve_is_refused_with_its_place(patch: dict[str, Any], place: str) -> None:
    with pytest.raises(BundleError, match=place):
        Engine.from_bundle(json.dumps({**json.loads(BUNDLE), **patch}).encode())


def test_nothing_of_the_callers_is_left_behind_by_a_compilation_in_the_background() -> None:
    data = BUNDLE + b" " * 100_000  # enough for it not to be compiled here and now
    held = sys.getrefcount(data)

    for _ in range(20):
        assert Engine.from_bundle(data, in_background=True).scenario_count == 2
        assert sys.getrefcount(data) == held


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\x00", BUNDLE[:-3], BUNDLE + b"x"])
def test_bytes_that_are_no_bundle_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Engine.from_bundle(data)
