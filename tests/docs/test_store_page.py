"""What the page on the store shows is what the program does."""

import re

import pytest

from edgewise.cli.main import load
from edgewise.cli.plan_file import DEFAULT
from edgewise.store.keys import ROLES


@pytest.fixture
def page(root):
    return (root / "docs/store.md").read_text()


def test_the_plan_it_shows_is_the_one_that_ships(page):
    assert DEFAULT in page


def test_every_role_is_described(page):
    table = page.split("## Who may do what")[1].split("\n\n")[1]
    described = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert described == set(ROLES)


def test_every_command_it_shows_is_there(page):
    shown = set(re.findall(r"edgewise (store|keys|rollout|nodes|bundle) (\w+)", page))

    assert len(shown) > 10
    assert [(group, name) for group, name in shown if name not in load(group).commands] == []
