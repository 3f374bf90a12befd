"""The replay of visits through a real node: every event decided on the visit's own clock, the same each time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import free_port, serving

ROOT = Path(__file__).parents[2]
MINUTE_MS = 60_000
START_MS = 1_659_304_800_000


def session(number: int, *events: tuple[str, int, int]) -> str:
    rows = [{"aid": aid, "ts": START_MS + minute * MINUTE_MS, "type": kind} for kind, aid, minute in events]
    return json.dumps({"session": number, "events": rows})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(ROOT / "examples/book", free_port(), tmp_path_factory.mktemp("replay"), workers=1) as url:
        yield url


def replay(url: str, folder: Path, *arguments: str) -> dict[str, Any]:
    visits = folder / "visits.jsonl"
    visits.write_text(
        session(1, *(("clicks", aid, aid) for aid in range(5)), ("carts", 3, 6), ("orders", 3, 7))
        + "\n"
        + session(2, *(("clicks", aid, 31 * aid) for aid in range(5)))
        + "\n"
    )
    command = [sys.executable, ROOT / "loadtests/replay.py", visits, "--url", url, "--json", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def pathways(visit: dict[str, Any]) -> list[tuple[int, int, str | None]]:
    runs = [run for run in visit["decisions"] if run["decisionPoint"] == "product.help"]
    return [(run["firstEvent"], run["lastEvent"], run["pathway"]) for run in runs]


def test_a_visit_is_decided_event_by_event(url: str, tmp_path: Path) -> None:
    wavering, slow = replay(url, tmp_path)["visits"]

    assert pathways(wavering) == [(1, 3, None), (4, 5, "looking"), (6, 6, "cart_waits"), (7, 7, None)]
    assert pathways(slow) == [(1, 5, None)]  # half an hour between two clicks: every one starts a new session


def test_a_second_replay_decides_the_same(url: str, tmp_path: Path) -> None:
    assert replay(url, tmp_path)["visits"] == replay(url, tmp_path)["visits"]


def test_a_visit_moved_to_the_present_needs_no_clock_of_its_own(url: str, tmp_path: Path) -> None:
    wavering, _ = replay(url, tmp_path, "--clock", "now", "--point", "product.help")["visits"]

    assert pathways(wavering) == [(1, 3, None), (4, 5, "looking"), (6, 6, "cart_waits"), (7, 7, None)]
