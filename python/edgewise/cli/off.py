"""`edgewise off`: the kill switch for a scenario or one decision point of it, everywhere at once."""

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from edgewise.cli.at_store import at_store, desk_at, json_option, signed, tell
from edgewise.store import steps
from edgewise.store.generation import Disabled
from edgewise.store.rollout import take_step


@click.command()
@click.argument("scenario")
@at_store
@click.option("--point", metavar="POINT", help="Only this decision point of it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the history.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]), help="Until when, in UTC."
)
@json_option
def command(  # noqa: PLR0913, one parameter an option
    scenario: str,
    url: str,
    keys: Path | None,
    root: Path | None,
    point: str | None,
    reason: str,
    until: datetime | None,
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Switch a scenario off on every node.

    Its decision points answer as if it were not there, with the next scenario or the fallback. `edgewise on` undoes it.

    Example: edgewise off in-store-return --store s3://bucket/edgewise --reason "wrong shop list"
    """
    end = until.replace(tzinfo=UTC).isoformat() if until else None
    entry = Disabled(scenario=scenario, point=point, reason=reason, until=end)
    desk = desk_at(url, keys, root)
    tell(take_step(desk.writer, lambda before: steps.switch_off(before, entry, signed(reason))), as_json=as_json)
