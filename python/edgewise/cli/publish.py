"""`edgewise publish`: a checked book becomes a release in the store. No node runs it before a rollout names it."""

from pathlib import Path

import rich_click as click

from edgewise.bundle import Bundle, digest_of_value
from edgewise.cli.at_store import FILE, at_store, desk_at, json_option
from edgewise.cli.findings import bundle_or_exit, load_or_exit, print_json
from edgewise.store.releases import publish


@click.command()
@click.argument("book", type=FILE)
@at_store
@click.option("--note", default="", metavar="TEXT", help="What is new, for the list of releases.")
@json_option
def command(
    book: Path,
    url: str,
    keys: Path | None,
    root: Path | None,
    note: str,
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Build a book and bring it into a store as a release.

    Signs for the bundle and its models with the role `release`. No node runs a release before a rollout names it.
    Publishing the same book again changes nothing.

    Example: edgewise publish examples/book --store s3://bucket/edgewise --json
    """
    checked = load_or_exit(book)
    bundle = bundle_or_exit(checked)
    desk = desk_at(url, keys, root)
    digest, is_new = publish(desk.writer, bundle.data, bundle.models, note=note, decides=_decides(bundle))
    if as_json:
        print_json(
            {
                "digest": digest,
                "isNew": is_new,
                "bytes": len(bundle.data),
                "models": sorted(bundle.models),
                "scenarios": len(checked.live),
            }
        )
        return
    click.echo(digest)
    told = "released" if is_new else "was released before"
    click.echo(f"{told}; next: edgewise rollout start {digest} --store {url}")


def _decides(bundle: Bundle) -> str:
    """The name of everything that decides but the models: the same one must give the same mix of decisions."""
    return digest_of_value({name: part for name, part in bundle.document().items() if name not in ("models", "golden")})
