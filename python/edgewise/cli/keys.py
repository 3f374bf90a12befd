"""`edgewise keys`: which keys count for the roles of a store. Owns what is asked and shown of them."""

import sys
from pathlib import Path
from typing import Any, Final

import rich_click as click
from tuf.api.metadata import Metadata, Root

from edgewise.cli.at_store import FILE, at_store, desk_at, json_option
from edgewise.cli.findings import console_on, print_json
from edgewise.cli.node_keys import COMMANDS
from edgewise.store import ceremony
from edgewise.store.commit import Writer
from edgewise.store.desk import Desk
from edgewise.store.errors import KeysError
from edgewise.store.keys import ID_SHOWN, ROLES, KeyFolder
from edgewise.store.metadata import authorized
from edgewise.store.trust import View

ROLE: Final = click.Choice(ROLES)
HOLDERS: Final = {
    "root": "three people, each one key, offline",
    "targets": "whoever decides about releases, offline",
    "release": "the CI job that publishes",
    "rollout": "people on call, and `rollout watch`",
    "fleet": "whoever sets up nodes",
    "snapshot": "beside release and rollout, online",
    "timestamp": "beside release and rollout, and the hourly `store refresh`, online",
}


@click.group()
def command() -> None:
    """Make, replace and revoke keys, and let nodes in.

    Example: edgewise keys list --store s3://bucket/edgewise
    """


for each in COMMANDS:
    command.add_command(each)


@command.command("create")
@click.argument("folder", type=FILE)
@click.option("--root-keys", type=click.IntRange(1, 16), default=3, show_default=True, help="Keys of `root`.")
def create_command(folder: Path, root_keys: int) -> None:
    """Make a full set of keys in an empty folder, for `edgewise store init URL --keys FOLDER`.

    Encrypted when EDGEWISE_KEYS_PASSPHRASE is set. More than half of the root keys must sign to change keys later.

    Example: edgewise keys create /secure/keys
    """
    keys = KeyFolder(folder)
    if not keys.is_empty():
        raise KeysError(f"`{folder}` holds keys already; nothing was made")
    for role in ROLES:
        for _ in range(root_keys if role == "root" else 1):
            click.echo(f"{keys.make(role).path}  ({HOLDERS[role]})")


@command.command("list")
@at_store
@json_option
def list_command(url: str, keys: Path | None, root: Path | None, as_json: bool) -> None:  # noqa: FBT001, an option
    """Show which keys count, how many must sign, which are at hand, and until when.

    Example: edgewise keys list --store s3://bucket/edgewise
    """
    from edgewise.cli.tables import plain_table

    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    rows = [_row(desk, view, role) for role in ROLES]
    if as_json:
        print_json({"roles": rows})
        return
    table = plain_table("role", "must sign", "keys", "at hand", "until", "belongs to")
    for row in rows:
        at_hand = "yes" if row["atHand"] >= row["threshold"] else f"{row['atHand']}"
        shown = ", ".join(each[:ID_SHOWN] for each in row["keys"])
        sign = f"{row['threshold']} of {len(row['keys'])}"
        table.add_row(row["role"], sign, shown, at_hand, row["expiresAt"][:10], HOLDERS[row["role"]])
    console_on(sys.stdout).print(table)


def _row(desk: Desk, view: View, role: str) -> dict[str, Any]:
    ids, threshold = authorized(view.root, view.targets, role)
    part = view.roles[role] if role in view.roles else getattr(view, role)
    return {
        "role": role,
        "keys": ids,
        "threshold": threshold,
        "atHand": len(desk.keys.among(ids)),
        "expiresAt": part.expires.isoformat(),
    }


draft_option = click.option("--draft", "draft_file", type=FILE, help="Where a draft goes that others must sign.")


@command.command("rotate")
@click.argument("role", type=ROLE)
@at_store
@click.option("--replace", metavar="KEY", help="The start of the id of the key that goes, where there are several.")
@draft_option
def rotate_command(
    role: str, url: str, keys: Path | None, root: Path | None, replace: str | None, draft_file: Path | None
) -> None:
    """Replace a key of a role by a new one. Nodes take it over by themselves.

    When others must sign too, a draft is written; they run `edgewise keys sign`, the last one
    `edgewise keys apply`.

    Example: edgewise keys rotate release --store s3://bucket/edgewise --keys /secure/keys
    """
    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    ids, _ = authorized(view.root, view.targets, role)
    if replace is None and len(ids) > 1:
        raise KeysError(f"`{role}` has {len(ids)} keys; name the one that goes: --replace {ids[0][:ID_SHOWN]}")
    old = _full_id(ids, replace or ids[0], role)
    new = desk.keys.make(role)
    click.echo(f"new key: {new.path}  ({HOLDERS[role]})")
    _finish(desk.writer, view, ceremony.with_keys(view, role, add=[new], remove=[old]), draft_file)


@command.command("add")
@click.argument("role", type=ROLE)
@at_store
@click.option("--sign", "threshold", type=click.IntRange(1, 16), help="How many must sign from then on.")
@draft_option
def add_command(
    role: str, url: str, keys: Path | None, root: Path | None, threshold: int | None, draft_file: Path | None
) -> None:
    """Let one more, new key count for a role.

    Example: edgewise keys add release --store s3://bucket/edgewise --sign 2
    """
    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    new = desk.keys.make(role)
    click.echo(f"new key: {new.path}  ({HOLDERS[role]})")
    draft = ceremony.with_keys(view, role, add=[new], remove=[], threshold=threshold)
    _finish(desk.writer, view, draft, draft_file)


@command.command("revoke")
@click.argument("role", type=ROLE)
@click.argument("key")
@at_store
@click.option("--sign", "threshold", type=click.IntRange(1, 16), help="How many must sign from then on.")
@draft_option
def revoke_command(  # noqa: PLR0913, one parameter an option
    role: str, key: str, url: str, keys: Path | None, root: Path | None, threshold: int | None, draft_file: Path | None
) -> None:
    """Let a key count no more: it was stolen, or its holder has left.

    KEY is the start of its id, as `edgewise keys list` shows it. Refused when too few keys would be left.

    Example: edgewise keys revoke rollout 3f9a12 --store s3://bucket/edgewise
    """
    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    ids, _ = authorized(view.root, view.targets, role)
    draft = ceremony.with_keys(view, role, add=[], remove=[_full_id(ids, key, role)], threshold=threshold)
    _finish(desk.writer, view, draft, draft_file)


@command.command("renew")
@click.argument("role", type=click.Choice(["root", "targets"]))
@at_store
@draft_option
def renew_command(role: str, url: str, keys: Path | None, root: Path | None, draft_file: Path | None) -> None:
    """Sign `root` or `targets` anew with the same keys, before they expire.

    Example: edgewise keys renew root --store s3://bucket/edgewise --keys /secure/keys
    """
    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    _finish(desk.writer, view, ceremony.renewed(view, "root" if role == "root" else "release"), draft_file)


@command.command("sign")
@click.argument("draft", type=FILE)
@click.option("--keys", type=FILE, required=True, help="Folder with your key.")
def sign_command(draft: Path, keys: Path) -> None:
    """Add your signature to a draft of keys. Needs no store and no network.

    Example: edgewise keys sign root.2.draft.json --keys /media/stick
    """
    metadata = ceremony.read_draft(draft)
    click.echo(_described(metadata))
    before = len(metadata.signatures)
    count = ceremony.sign_draft(metadata, KeyFolder(keys))
    if count == before:
        raise KeysError(f"no key in `{keys}` adds a signature to this draft")
    ceremony.write_draft(draft, metadata)
    click.echo(f"{draft}: {count} signatures")


@command.command("apply")
@click.argument("draft", type=FILE)
@at_store
def apply_command(draft: Path, url: str, keys: Path | None, root: Path | None) -> None:
    """Make a draft that enough people have signed valid. May be repeated when it was interrupted.

    Example: edgewise keys apply root.2.draft.json --store s3://bucket/edgewise
    """
    metadata = ceremony.read_draft(draft)
    desk = desk_at(url, keys, root)
    view = desk.writer.read(metadata.signed.version - 1 if isinstance(metadata.signed, Root) else None)
    _finish(desk.writer, view, metadata, draft)


def _finish(writer: Writer, view: View, draft: Metadata[Any], path: Path | None) -> None:
    """Sign with what is at hand; apply when that is enough, else leave a draft and say who is missing."""
    ceremony.sign_draft(draft, writer.keys)
    kind = "root" if isinstance(draft.signed, Root) else "targets"
    file = path or Path(f"{kind}.{draft.signed.version}.draft.json")
    ceremony.write_draft(file, draft)
    still = ceremony.missing(view, draft)
    if still:
        for each in still:
            shown = ", ".join(identity[:ID_SHOWN] for identity in each.ids)
            click.echo(f"{each.count} more of these keys of `{each.role}` must sign: {shown}")
        click.echo(f"draft: {file}; next: edgewise keys sign {file} --keys FOLDER, then edgewise keys apply {file}")
        return
    ceremony.apply(writer, draft)
    file.unlink(missing_ok=True)
    click.echo(f"{kind} {draft.signed.version} counts now")


def _described(draft: Metadata[Any]) -> str:
    """What somebody is about to sign, so that they can compare it with what they were told."""
    lines = [f"{'root' if isinstance(draft.signed, Root) else 'targets'} {draft.signed.version}, in which there count:"]
    roles = draft.signed.roles if isinstance(draft.signed, Root) else draft.signed.delegations.roles
    for name, role in roles.items():
        shown = ", ".join(identity[:ID_SHOWN] for identity in role.keyids)
        lines.append(f"  {name}: {role.threshold} of {len(role.keyids)}: {shown}")
    return "\n".join(lines)


def _full_id(ids: list[str], start: str, role: str) -> str:
    found = [identity for identity in ids if identity.startswith(start)]
    if len(found) != 1:
        known = ", ".join(identity[:ID_SHOWN] for identity in ids)
        raise KeysError(f"`{start}` names {len(found)} keys of `{role}`; it has {known}")
    return found[0]
