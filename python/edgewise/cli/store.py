"""`edgewise store`: making and keeping a store. Owns what is asked and shown."""

import sys
from pathlib import Path
from typing import Final

import rich_click as click

from edgewise.cli.at_store import FILE, at_store, desk_at, json_option
from edgewise.cli.findings import console_on, print_json
from edgewise.store.keys import NODE, ROLES, KeyFolder, default_folder
from edgewise.store.objects import Objects
from edgewise.store.setup import init_store, new_id, require_place

EXIT_NO: Final = 1
ROOT_KEYS: Final = 3


@click.group()
def command() -> None:
    """Make, check and keep a store.

    Example: edgewise store init s3://bucket/edgewise --keys /secure/keys
    """


@command.command("init")
@click.argument("url")
@click.option("--keys", type=FILE, help="Folder of keys of a production store; an empty one gets a full set.")
@json_option
def init_command(url: str, keys: Path | None, as_json: bool) -> None:  # noqa: FBT001, an option
    """Make a store at a URL: a folder, s3://, gs:// or az://.

    Without --keys it is a development store: its keys are made in your own folder, and its metadata lasts for years.
    With --keys it is a production store: nodes need its root of trust (`serve --root`), and timestamps last a day.

    Example: edgewise store init ./store
    """
    identity = new_id()
    folder = KeyFolder(keys.expanduser() if keys else default_folder() / identity)
    objects = Objects.open(url, create=True)
    require_place(objects)
    made = _make_keys(folder, production=keys is not None)
    thresholds = {"root": max(1, (len(folder.of_role("root")) + 1) // 2)} if keys else {}
    init_store(objects, identity, folder, thresholds, development=keys is None)
    facts = {
        "store": url,
        "id": identity,
        "development": keys is None,
        "keys": str(folder.folder),
        "root": str(folder.root_file),
        "keysMade": made,
    }
    if as_json:
        print_json(facts)
        return
    click.echo(f"{'development store' if keys is None else 'store'} {identity} made at {url}")
    click.echo(f"keys: {folder.folder}")
    click.echo(f"root of trust: {folder.root_file}")
    if keys is not None:
        click.echo(
            "give root.json to every node; move the keys of `root` and `targets` off this machine, to different people"
        )


def _make_keys(folder: KeyFolder, *, production: bool) -> int:
    """A full set of keys in an empty folder; whatever lies in another one stays as it is."""
    if not folder.is_empty():
        return 0
    roles = [role for role in ROLES for _ in range(ROOT_KEYS if production and role == "root" else 1)]
    for role in [*roles, *([] if production else [NODE])]:
        folder.make(role)
    return len(roles)


@command.command("check", epilog="Exit: 0 when the store can be relied on, 1 when not, 2 when nothing could be tried.")
@at_store
@json_option
def check_command(url: str, keys: Path | None, root: Path | None, as_json: bool) -> None:  # noqa: FBT001, an option
    """Prove that a store keeps its word, and that what it holds is whole.

    Writes and removes an object of its own: a store that lets a second writer win is refused. Then proves the signed
    metadata, every release it names, and says what will expire and what nobody signed.

    Example: edgewise store check --store s3://bucket/edgewise
    """
    from edgewise.store.checkup import check_up

    findings = check_up(desk_at(url, keys, root))
    if as_json:
        print_json({"findings": [{"what": each.what, "holds": each.holds, "detail": each.detail} for each in findings]})
    else:
        console = console_on(sys.stdout)
        for each in findings:
            mark = "[green]yes[/]" if each.holds else "[bold red]NO [/]"
            console.print(f"{mark}  {each.what}{': ' + each.detail if each.detail else ''}", highlight=False)
    sys.exit(0 if all(each.holds for each in findings) else EXIT_NO)


@command.command("refresh")
@at_store
@json_option
def refresh_command(url: str, keys: Path | None, root: Path | None, as_json: bool) -> None:  # noqa: FBT001, an option
    """Sign anew that the store is fresh: the timestamp, and the snapshot when it wears out.

    Run it every hour with the keys of `timestamp` and `snapshot`; a timestamp lasts a day. When it lapses, nodes go on
    serving what they have and take nothing new; this command mends that too.

    Example: edgewise store refresh --store s3://bucket/edgewise --keys /run/keys
    """
    from edgewise.store.commit import Draft

    writer = desk_at(url, keys, root).writer
    writer.commit(lambda _: Draft())
    view = writer.read()
    expires = f"{view.expires_at:%Y-%m-%d %H:%M} UTC"
    if as_json:
        print_json({"timestamp": view.timestamp.version, "expiresAt": view.expires_at.isoformat()})
    else:
        click.echo(f"timestamp {view.timestamp.version}; fresh until {expires}")


@command.command("prune")
@at_store
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
def prune_command(url: str, keys: Path | None, root: Path | None, dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
    """Remove what nothing signed names any more.

    Kept: stable, candidate, what was stable before, the last ten releases with their models, the metadata in use, and
    whatever is younger than a day.

    Example: edgewise store prune --store s3://bucket/edgewise --dry-run
    """
    from edgewise.store.pruning import prune

    gone = prune(desk_at(url, keys, root), dry_run=dry_run)
    if as_json:
        print_json({"removed": [] if dry_run else gone, "wouldRemove": gone if dry_run else []})
        return
    for name in gone:
        click.echo(name)
    click.echo(f"{len(gone)} objects {'would go' if dry_run else 'removed'}")
