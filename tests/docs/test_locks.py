"""The pinned requirements: complete, hashed, in step with each other, free of any package index's address."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"[a-z0-9][\w.\[\],-]*==[^ ;\\]+(?: ; [^\\]+)? \\| {4}--hash=sha256:[0-9a-f]{64}(?: \\)?")
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"]


def pins(name: str) -> set[str]:
    """Names and versions; development may need a package on more platforms than running does."""
    return set(re.findall(r"^([a-z0-9][\w.-]*==[^ ;\\]+)(?: ; [^\\]+)? \\$", (ROOT / name).read_text(), re.MULTILINE))


def test_development_pins_contain_the_runtime_pins() -> None:
    runtime = pins("requirements.lock")
    assert len(runtime) > 15
    assert runtime <= pins("requirements-dev.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert "://" not in text


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    assert [b.splitlines()[0] for b in blocks if "--hash=sha256:" not in b] == []
