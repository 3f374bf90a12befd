"""`edgewise off`: the kill switch for a scenario or one decision point of it, everywhere at once."""

from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import orjson
import rich_click as click

from edgewise.cli.at_store import at_store, desk_at, json_option, signed, tell
from edgewise.cli.moments import End
from edgewise.store import steps
from edgewise.store.desk import Desk
from edgewise.store.documents import current_generation
from edgewise.store.errors import RolloutError, StoreError
from edgewise.store.generation import Disabled
from edgewise.store.releases import read_released
from edgewise.store.rollout import take_step


@click.command()
@click.argument("scenario")
@at_store
@click.option("--point", metavar="POINT", help="Only this decision point of it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the history.")
@click.option("--until", type=End(), help="Until when: a date or time (UTC unless it says otherwise), or for how long.")
@click.option("--anyway", is_flag=True, help="Even when nothing that runs has such a scenario or point.")
@json_option
def command(  # noqa: PLR0913, one parameter an option
    scenario: str,
    url: str,
    keys: Path | None,
    root: Path | None,
    point: str | None,
    reason: str,
    until: datetime | None,
    anyway: bool,  # noqa: FBT001, an option
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Switch a scenario off on every node.

    Its decision points answer as if it were not there, with the next scenario or the fallback. `edgewise on` undoes it.

    Example: edgewise off in-store-return --store s3://bucket/edgewise --reason "wrong shop list"
    """
    entry = Disabled(scenario=scenario, point=point, reason=reason, until=until.isoformat() if until else None)
    desk = desk_at(url, keys, root)
    if not anyway:
        _require_known(desk, scenario, point)
    tell(take_step(desk.writer, lambda before: steps.switch_off(before, entry, signed(reason))), as_json=as_json)


def _require_known(desk: Desk, scenario: str, point: str | None) -> None:
    """Refuse a name that nothing has: a slip of the hand would switch off nothing, and say it had."""
    known = _running(desk)
    if not known or point in known.get(scenario, ()) or (point is None and scenario in known):
        return
    what, word, names = "scenario", scenario, list(known)
    if scenario in known and point is not None:
        what, word, names = "point", point, known[scenario]
    near = get_close_matches(word, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(f'`{name}`' for name in names)};"
    raise RolloutError(f"nothing that runs has a {what} `{word}`; {hint} --anyway switches it off all the same")


def _running(desk: Desk) -> dict[str, list[str]]:
    """The scenarios of what runs, with their points; none when that cannot be read: a switch must work then too."""
    found: dict[str, list[str]] = {}
    try:
        view = desk.writer.read()
        now = current_generation(desk.objects, view)
        for digest in now.digests() if now else []:
            for each in orjson.loads(read_released(desk.objects, view, digest))["scenarios"]:
                found.setdefault(each["id"], []).extend(point["id"] for point in each["decisionPoints"])
    except (StoreError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return found
