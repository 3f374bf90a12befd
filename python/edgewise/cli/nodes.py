"""`edgewise nodes`: every node as it is, and having nodes try again what they put aside."""

import sys
from pathlib import Path

import rich_click as click

from edgewise.cli.at_store import at_store, desk_at, json_option, signed, tell, why_option
from edgewise.cli.findings import console_on, print_json


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--store", "url", envvar="EDGEWISE_STORE", metavar="URL", help="Folder or URL of the store.")
@click.option("--keys", type=click.Path(path_type=Path), help="Folder of keys, for its root.json.")
@click.option("--root", type=click.Path(path_type=Path), help="Root of trust.")
@json_option
def command(
    context: click.Context,
    url: str | None,
    keys: Path | None,
    root: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show every node, or have nodes try again what they put aside.

    Example: edgewise nodes --store s3://bucket/edgewise
    """
    if context.invoked_subcommand is not None:
        return
    if url is None:
        raise click.UsageError("pass --store URL")
    from edgewise.cli.status_table import render_nodes
    from edgewise.store.view import look

    picture = look(desk_at(url, keys, root))
    if as_json:
        print_json({"nodes": picture.document()["nodes"]})
    else:
        console_on(sys.stdout).print(render_nodes(picture))


@command.command("retry")
@click.argument("node", nargs=-1)
@at_store
@why_option
@json_option
def retry_command(
    node: tuple[str, ...],
    url: str,
    keys: Path | None,
    root: Path | None,
    reason: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Have nodes try again what they put aside as unfit: those named, or all.

    A node that refused a bundle does not try it again by itself, so that a bad one does no harm twice.

    Example: edgewise nodes retry edge-fra-1 --store s3://bucket/edgewise --reason "disk was full"
    """
    from edgewise.store import steps
    from edgewise.store.names import checked_node_id
    from edgewise.store.rollout import take_step

    names = tuple(checked_node_id(each) for each in node)
    desk = desk_at(url, keys, root)
    tell(take_step(desk.writer, lambda before: steps.retry(before, names, signed(reason))), as_json=as_json)
