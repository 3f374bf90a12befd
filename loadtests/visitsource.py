"""Where the visits of a load come from: published data where it is, else made up in its shape."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random

from invented import PAUSE_MAX_S, invent
from visits import Visit, read_clicks, read_otto, split

DATA = Path(__file__).resolve().parents[2] / "shared/data"
SESSIONS, CLICKS = DATA / "otto_20_sessions.jsonl", DATA / "eshop_clicks.csv"


def read_sources(sessions: Path, clicks: Path, seed: int, count: int) -> list[Sequence[Visit]]:
    """Give the visits of every source that is there, so many of each at most; made-up ones when there is none."""
    sources: list[Sequence[Visit]] = []
    if sessions.is_file():
        pause = timedelta(seconds=PAUSE_MAX_S)
        sources.append([part for visit in islice(read_otto(sessions), count) for part in split(visit, pause)])
    if clicks.is_file():
        sources.append(list(islice(read_clicks(clicks), count)))
    return [source for source in sources if source] or [list(invent(Random(seed), count))]


def name_sources(sessions: Path, clicks: Path) -> str:
    """Say where the visits come from."""
    found = [path.name for path in (sessions, clicks) if path.is_file()]
    return f"visits of {' and '.join(found)}" if found else "made-up visits, as the published data is not there"
