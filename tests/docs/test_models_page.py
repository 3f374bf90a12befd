"""The page on models tells the truth: every rule's code, every operator, every key of the metadata."""

import re
from pathlib import Path

from edgewise.intent import proto
from edgewise.intent.metadata import REQUIRED
from edgewise.intent.policy import OPERATORS
from edgewise.intent.wire import Shape

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/models.md").read_text()
RAISED = re.compile(r"""ModelError\(\s*"(\w+)",\s*"(\w+)\"""")


def described() -> set[tuple[str, str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.split("## Why a model is refused")[1], re.MULTILINE)
    return {(stage, code) for stage, codes in rows for code in re.findall(r"`(\w+)`", codes)}


def test_every_code_that_the_source_names_is_described() -> None:
    sources = (path.read_text() for path in (ROOT / "python/edgewise/intent").glob("*.py"))
    raised = {pair for source in sources for pair in RAISED.findall(source)}
    assert len(raised) > 25
    assert raised <= described()


def test_every_refused_field_is_described() -> None:
    shapes = [shape for shape in vars(proto).values() if isinstance(shape, Shape)]
    assert {("policy", code) for shape in shapes for code, _ in shape.refused.values()} <= described()


def test_the_operators_are_those_on_the_list() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| operators |"))
    assert set(re.findall(r"[A-Z]\w+", row)) == {name for _, name in OPERATORS}


def test_every_key_of_the_metadata_is_described() -> None:
    assert set(re.findall(r"`(edgewise\.\w+)`", PAGE)) == set(REQUIRED)
