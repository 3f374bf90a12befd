"""`edgewise rollback`: a new generation that names an old release, everywhere at once."""

from pathlib import Path

import rich_click as click

from edgewise.cli.at_store import at_store, desk_at, json_option, release_named, signed, tell, why_option
from edgewise.store import steps
from edgewise.store.rollout import take_step


@click.command()
@at_store
@click.option("--to", metavar="DIGEST", help="A release to go back to.  [default: what was stable before]")
@why_option
@json_option
def command(
    url: str,
    keys: Path | None,
    root: Path | None,
    to: str | None,
    reason: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Go back to what was stable before, or to a named release.

    While a candidate is being rolled out, it is taken off and stable stays; with --to both happen.

    Example: edgewise rollback --store s3://bucket/edgewise --reason "checkout broke"
    """
    desk = desk_at(url, keys, root)
    target = None if to is None else release_named(desk, to)
    tell(take_step(desk.writer, lambda before: steps.rollback(before, target, signed(reason))), as_json=as_json)
