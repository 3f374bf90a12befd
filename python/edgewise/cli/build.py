"""`edgewise build`: a book to one content-addressed file. Owns only where it is written and what is said of it."""

import sys
from pathlib import Path

import rich_click as click
from rich.markup import escape

from edgewise.bundle import write_bundle
from edgewise.cli.findings import bundle_or_exit, console_on, counted, load_or_exit, print_json


@click.command()
@click.argument("book", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write, whole or not.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: digest, file, bytes, scenarios, golden, models.")
def command(book: Path, output: Path, as_json: bool) -> None:  # noqa: FBT001, an option
    """Build a book to one content-addressed bundle.

    The same book always gives the same bytes. A book with errors gives nothing but its findings, on stderr.

    Example: edgewise build examples/book -o book.bundle
    """
    checked = load_or_exit(book)
    bundle = bundle_or_exit(checked)
    write_bundle(output, bundle)
    facts: dict[str, object] = {
        "digest": bundle.digest,
        "file": str(output),
        "bytes": len(bundle.data),
        "scenarios": len(checked.live),
        "golden": len(checked.rehearsals),
        "models": {name: model.digest for name, model in sorted(checked.models.items())},
    }
    if as_json:
        print_json(facts)
        return
    console = console_on(sys.stdout)
    console.print(f"[bold]{escape(bundle.digest)}[/]")
    console.print(
        f"{escape(str(output))}: {facts['bytes']} bytes, {counted(len(checked.live), 'live scenario')}, "
        f"{counted(len(checked.rehearsals), 'golden decision')}, {counted(len(checked.models), 'model')}"
    )
