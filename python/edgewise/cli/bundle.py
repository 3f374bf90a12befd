"""`edgewise bundle`: looks into bundles. Owns where they come from and how differences are shown."""

import re
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import rich_click as click
from rich.markup import escape

from edgewise.bundle.artifact import Bundle, read_bundle_alone
from edgewise.bundle.canonical import is_digest
from edgewise.bundle.diff import Change, diff
from edgewise.cli.at_store import FILE, desk_at, json_option, short
from edgewise.cli.findings import build_or_exit, console_on, print_json
from edgewise.cli.tables import plain_table
from edgewise.store.desk import Desk
from edgewise.store.trust import View

TEXT_SHOWN: Final = 300
_SHORT: Final = re.compile(r"(sha256:)?[0-9a-f]{6,64}")
_STYLES: Final = {"added": "green", "removed": "red", "changed": "yellow"}


@click.group()
def command() -> None:
    """Look into bundles.

    Example: edgewise bundle diff old.bundle examples/book
    """


@command.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--store", "url", envvar="EDGEWISE_STORE", metavar="URL", help="Store of releases named by digest.")
@click.option("--keys", type=FILE, help="Folder of keys, for its root.json.")
@click.option("--root", type=FILE, help="Root of trust of the store.")
@json_option
def diff_command(
    old: str,
    new: str,
    url: str | None,
    keys: Path | None,
    root: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show what changes between two bundles, by scenario, pathway and segment.

    OLD and NEW are bundle files, folders of books, or digests of releases in --store, or their start; `stable` and
    `candidate` name what the store says.

    Example: edgewise bundle diff stable examples/book --store s3://bucket/edgewise
    """
    before, after = (_bundle(name, url, keys, root) for name in (old, new))
    changes = diff(before.document(), after.document())
    if as_json:
        print_json({"old": before.digest, "new": after.digest, "changes": msgspec.to_builtins(changes)})
    else:
        _print(before, after, changes)


def _bundle(name: str, url: str | None, keys: Path | None, root: Path | None) -> Bundle:
    path = Path(name)
    is_short = _SHORT.fullmatch(name) is not None and not path.exists()
    if is_digest(name) or is_short or name in ("stable", "candidate"):
        return _released(name, url, keys, root)
    return build_or_exit(path) if path.is_dir() else read_bundle_alone(path)


def _released(name: str, url: str | None, keys: Path | None, root: Path | None) -> Bundle:
    from edgewise.store.documents import current_generation
    from edgewise.store.errors import RolloutError
    from edgewise.store.releases import read_released
    from edgewise.store.steps import FIRST

    if url is None:
        raise click.UsageError(f"`{name}` is looked up in a store; pass --store URL")
    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    now = current_generation(desk.objects, view) or FIRST
    named = {"stable": now.stable, "candidate": now.candidate}
    if name not in named:
        return _release_or_proposal(desk, view, name)
    digest = named[name]
    if digest is None:
        raise RolloutError(f"nothing is {name} in `{url}`")
    return Bundle.of_bytes(read_released(desk.objects, view, digest), digest)


def _release_or_proposal(desk: Desk, view: View, name: str) -> Bundle:
    """A release, or one that waits for signatures: who is to sign wants to see what it changes."""
    from edgewise.store.bringing import named
    from edgewise.store.errors import RolloutError, StoreError
    from edgewise.store.pending import proposed
    from edgewise.store.releases import read_released, resolve

    try:
        digest = resolve(view, name)
    except StoreError as error:
        try:
            release = proposed(desk.objects, view, named(desk.writer, view, name))
        except RolloutError:
            raise error from None
        return Bundle.of_bytes(release.bundle, release.digest)
    return Bundle.of_bytes(read_released(desk.objects, view, digest), digest)


def _print(before: Bundle, after: Bundle, changes: list[Change]) -> None:
    console = console_on(sys.stdout)
    console.print(f"{short(before.digest)} -> {short(after.digest)}")
    if not changes:
        console.print("no decision changes")
        return
    for scenario in dict.fromkeys(change.scenario for change in changes):
        table = plain_table("where", "what", "before", "after")
        for change in changes:
            if change.scenario == scenario:
                table.add_row(*_row(change))
        console.print(f"\n[bold]{escape(scenario or 'shared by all scenarios')}[/]")
        console.print(table)


def _row(change: Change) -> list[str]:
    place = [change.point, change.pathway, change.segment]
    where = " / ".join(part for part in place if part is not None) or "-"
    if change.what == "value" and change.segment is None:
        where += " / (everybody else)"
    what = f"[{_STYLES[change.kind]}]{change.kind}[/] {escape(change.what)}"
    return [escape(where), what, _text(change.before), _text(change.after)]


def _text(value: Any) -> str:  # noqa: ANN401, plain values
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return escape(text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN] + "...")
