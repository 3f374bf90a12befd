"""Shared by all tests: hypothesis profiles, and the outside data that lies beside the checkout."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# `quick` is the default; HYPOTHESIS_PROFILE=thorough looks ten times as long.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data and conformance vectors beside the checkout; without them the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip("../shared, the folder with outside data, is not beside this checkout")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that start nodes run one after the other, beside the rest: two at once would starve each other."""
    nodes = ROOT / "tests" / "service"
    for item in items:
        group = "nodes" if item.path.is_relative_to(nodes) else item.nodeid.split("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
