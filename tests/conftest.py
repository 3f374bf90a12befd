"""Shared by all tests: hypothesis profiles, and the outside data that lies beside the checkout."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

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


class ByFile(LoadScopeScheduling):
    """The tests of a file stay together; those that start nodes run one by one, as two would starve each other."""

    def _split_scope(self, nodeid: str) -> str:
        return "nodes" if nodeid.startswith("tests/service/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Share tests out among processes."""
    return ByFile(config, log)
