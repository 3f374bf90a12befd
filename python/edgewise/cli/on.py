"""`edgewise on`: undoes `edgewise off`."""

from pathlib import Path

import rich_click as click

from edgewise.cli.at_store import at_store, desk_at, json_option, signed, tell, why_option
from edgewise.store import steps
from edgewise.store.rollout import take_step


@click.command()
@click.argument("scenario")
@at_store
@click.option("--point", metavar="POINT", help="Only this decision point of it.  [default: all that is off]")
@why_option
@json_option
def command(  # noqa: PLR0913, one parameter an option
    scenario: str,
    url: str,
    keys: Path | None,
    root: Path | None,
    point: str | None,
    reason: str,
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Switch a scenario on again on every node.

    Example: edgewise on in-store-return --store s3://bucket/edgewise
    """
    desk = desk_at(url, keys, root)
    tell(
        take_step(desk.writer, lambda before: steps.switch_on(before, scenario, point, signed(reason))), as_json=as_json
    )
