"""`edgewise publish`: a checked book becomes a release in the store. No node runs it before a rollout names it."""

from pathlib import Path
from typing import Any

import rich_click as click

from edgewise.bundle import Bundle, rules_digest
from edgewise.cli.at_store import FILE, at_store, desk_at, json_option, short
from edgewise.cli.findings import bundle_or_exit, load_or_exit, print_json
from edgewise.errors import EdgewiseError
from edgewise.store.bringing import Brought, bring, named, sign
from edgewise.store.desk import Desk
from edgewise.store.errors import TrustError
from edgewise.store.keys import ID_SHOWN
from edgewise.store.pending import proposed, require_fitting


@click.command()
@click.argument("book", type=FILE, required=False)
@at_store
@click.option("--note", default="", metavar="TEXT", help="What is new, for the list of releases.")
@click.option("--sign", "digest", metavar="DIGEST", help="Instead of BOOK: sign for what somebody else has published.")
@json_option
def command(  # noqa: PLR0913, one parameter an option
    book: Path | None,
    url: str,
    keys: Path | None,
    root: Path | None,
    note: str,
    digest: str | None,
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Build a book and bring it into a store as a release.

    Signs for the bundle and its models with the role `release`. No node runs a release before a rollout names it.
    Publishing the same book again changes nothing. BOOK is a folder, or a bundle file that `edgewise build` wrote.

    Where several keys must sign, the first to publish leaves the release waiting in the store. Whoever has another key
    publishes the same book on their own machine, or signs for its digest: `edgewise publish --sign DIGEST`.

    Example: edgewise publish examples/book --store s3://bucket/edgewise --json
    """
    if (book is None) == (digest is None):
        raise click.UsageError("give a BOOK to publish, or `--sign DIGEST` for one that waits for signatures")
    if digest is not None:
        desk = desk_at(url, keys, root)
        _tell(url, _sign(desk, digest, as_json=as_json), {}, as_json=as_json)
        return
    assert book is not None  # noqa: S101, one of both is given
    bundle, facts = _built(book)
    desk = desk_at(url, keys, root)
    brought = bring(desk.writer, bundle.data, bundle.models, note=note, decides=rules_digest(bundle))
    _tell(url, brought, facts, as_json=as_json)


def _built(book: Path) -> tuple[Bundle, dict[str, Any]]:
    """The bundle of a book, or in a file and tried as a node would; with what there is to say of it."""
    from edgewise.bundle.artifact import read_bundle

    if book.is_file():
        bundle = read_bundle(book)
        _try(bundle.data)
        live = len(bundle.document()["scenarios"])
    else:
        checked = load_or_exit(book)
        bundle = bundle_or_exit(checked)
        live = len(checked.live)
    return bundle, {"bytes": len(bundle.data), "models": sorted(bundle.models), "scenarios": live}


def _try(data: bytes) -> None:
    from edgewise.engine.decider import compile_bundle

    compile_bundle(data)


def _sign(desk: Desk, text: str, *, as_json: bool) -> Brought:
    """Sign for what waits, after it was fetched, proven, compiled and its golden decisions were replayed here."""
    view = desk.writer.read()
    proposal = named(desk.writer, view, text)
    require_fitting(desk.objects, view, proposal)
    release = proposed(desk.objects, view, proposal)
    try:
        _try(release.bundle)
        decides = rules_digest(Bundle.of_bytes(release.bundle, release.digest))
    except EdgewiseError as error:
        raise TrustError("proposal", f"`{proposal.digest}` is not fit to run, do not sign: {error}") from error
    if proposal.facts.decides != decides:
        raise TrustError("proposal", f"`{proposal.digest}` does not decide what is said of it, do not sign")
    if not as_json:
        facts = proposal.facts
        click.echo(f"{proposal.digest}, by {facts.by} at {facts.at}{f': {facts.note}' if facts.note else ''}")
    return sign(desk.writer, view, proposal)


def _tell(url: str, brought: Brought, facts: dict[str, Any], *, as_json: bool) -> None:
    waits = brought.waits
    if as_json:
        print_json({"digest": brought.digest, "isNew": brought.is_new, **facts, "waits": waits and waits.document()})
        return
    if facts:
        click.echo(brought.digest)
    click.echo(_what_next(url, brought), err=True)


def _what_next(url: str, brought: Brought) -> str:
    """What became of it and what somebody has to do now, in words that can be copied."""
    waits, sign = brought.waits, f"edgewise publish --sign {short(brought.digest)} --store {url} --keys FOLDER"
    if waits is None:
        told = "released" if brought.is_new else "was released before"
        return f"{told}; next: edgewise rollout start {brought.digest} --store {url}"
    if waits.is_complete:
        return f"enough have signed; it counts once somebody with the keys of `snapshot` and `timestamp` runs: {sign}"
    left = " or ".join(identity[:ID_SHOWN] for identity in waits.unsigned)
    return f"waits for {waits.missing} more to sign, until then no node runs it; whoever has key {left} runs: {sign}"
