"""How commands find a store and its keys, and say who did what. Owns the options they share; changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from edgewise.store.desk import Desk
from edgewise.store.errors import RolloutError, StoreError
from edgewise.store.generation import Generation
from edgewise.store.releases import resolve, right_now, whoever
from edgewise.store.steps import Signature

FILE: Final = click.Path(path_type=Path)
DIGEST_SHOWN: Final = 12

_STORE = click.option(
    "--store", "url", required=True, envvar="EDGEWISE_STORE", metavar="URL", help="Folder or URL of the store."
)
_KEYS = click.option("--keys", type=FILE, help="Folder of keys.  [default: EDGEWISE_KEYS, else your own folder]")
_ROOT = click.option("--root", type=FILE, help="Root of trust.  [default: root.json beside the keys]")

Command = Callable[..., Any]


def at_store(command: Command) -> Command:
    """The options of a command that works at a store."""
    return _STORE(_KEYS(_ROOT(command)))


why_option = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")


def desk_at(url: str, keys: Path | None, root: Path | None) -> Desk:
    """The store of a URL with the keys at hand."""
    return Desk.open(url, keys, root)


def release_named(desk: Desk, text: str) -> str:
    """The release that a digest, or its start, names; of one that waits for signatures, what it waits for."""
    from edgewise.store.bringing import named

    view = desk.writer.read()
    try:
        return resolve(view, text)
    except StoreError as error:
        try:
            waits = named(desk.writer, view, text)
        except RolloutError:
            raise error from None
    raise RolloutError(
        f"`{waits.digest}` waits for {waits.missing} more signatures of `release`; "
        f"whoever holds another key runs `edgewise publish --sign {short(waits.digest)}`"
    )


def signed(why: str) -> Signature:
    """Who makes a step, now, and why."""
    return Signature(by=whoever(), at=right_now(), why=why)


def short(digest: str | None) -> str:
    """A digest as people compare it."""
    return "-" if digest is None else digest.removeprefix("sha256:")[:DIGEST_SHOWN]


def facts_of(made: Generation) -> dict[str, Any]:
    """What a step made, for machines."""
    return {
        "generation": made.generation,
        "action": made.action,
        "stable": made.stable,
        "candidate": made.candidate,
        "stage": made.progress.current.name if made.progress else None,
        "disabled": [{"scenario": entry.scenario, "point": entry.point} for entry in made.disabled],
    }


def told(made: Generation) -> str:
    """What a step made, in a line."""
    stage = f", candidate {short(made.candidate)} at stage {made.progress.current.name}" if made.progress else ""
    off = f", {len(made.disabled)} switched off" if made.disabled else ""
    return f"generation {made.generation} ({made.action}): stable {short(made.stable)}{stage}{off}"


def tell(made: Generation, *, as_json: bool) -> None:
    """Say what a step made."""
    from edgewise.cli.findings import print_json

    if as_json:
        print_json(facts_of(made))
    else:
        click.echo(told(made))
