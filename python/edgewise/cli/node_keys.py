"""`edgewise keys enroll|expel|node`: which nodes count, and the keys they sign their status with."""

import re
from pathlib import Path
from typing import Final

import rich_click as click

from edgewise.cli.at_store import FILE, at_store, desk_at
from edgewise.store.errors import KeysError
from edgewise.store.fleet import Enrolled, Fleet, change_fleet
from edgewise.store.keys import KeyFolder, load_key
from edgewise.store.names import checked_node_id
from edgewise.store.releases import right_now, whoever
from edgewise.store.status import public_of

PUBLIC_KEY: Final = re.compile(r"[0-9a-f]{64}")


@click.command("enroll")
@click.argument("node")
@at_store
@click.option("--public", metavar="HEX", help="The node's public key, where the node made its own with `keys node`.")
@click.option("-o", "--output", type=FILE, help="Folder for the node's private key.  [default: here]")
def enroll_command(
    node: str, url: str, keys: Path | None, root: Path | None, public: str | None, output: Path | None
) -> None:
    """Let a node's status count. Makes its key, unless the node made its own.

    Give the file NODE.pem to that node alone: `edgewise serve --node-key`. Enrolling again replaces the key.

    Example: edgewise keys enroll edge-fra-1 --store s3://bucket/edgewise
    """
    checked_node_id(node)
    desk = desk_at(url, keys, root)
    if public is None:
        key = KeyFolder(output or Path()).of_node(node)
        public = public_of(key)
        click.echo(f"private key: {key.path}; give it to `{node}` alone")
    _require_public(public)
    entry = Enrolled(key=public, by=whoever(), at=right_now())
    change_fleet(desk.writer, lambda fleet: Fleet(nodes={**fleet.nodes, node: entry}))
    click.echo(f"`{node}` counts now")


@click.command("expel")
@click.argument("node")
@at_store
def expel_command(node: str, url: str, keys: Path | None, root: Path | None) -> None:
    """Let a node's status count no more: it is gone, or its key was stolen.

    Example: edgewise keys expel edge-fra-1 --store s3://bucket/edgewise
    """

    def without(fleet: Fleet) -> Fleet:
        if node not in fleet.nodes:
            raise KeysError(f"`{node}` is not enrolled")
        return Fleet(nodes={name: entry for name, entry in fleet.nodes.items() if name != node})

    change_fleet(desk_at(url, keys, root).writer, without)
    click.echo(f"`{node}` counts no more")


@click.command("node")
@click.argument("node")
@click.option("-o", "--output", type=FILE, default=Path(), help="Folder for the private key.")
def node_command(node: str, output: Path) -> None:
    """Make a node's key on the node itself, and print the public half for `edgewise keys enroll --public`.

    Example: edgewise keys node edge-fra-1 -o /etc/edgewise
    """
    key = KeyFolder(output).of_node(node)
    click.echo(public_of(load_key(key.path)))


def _require_public(public: str) -> None:
    if not PUBLIC_KEY.fullmatch(public):
        raise KeysError(f"`{public[:80]}` is no public key; it has 64 hex digits, as `edgewise keys node` prints them")


COMMANDS: Final = (enroll_command, expel_command, node_command)
