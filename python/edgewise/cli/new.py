"""`edgewise new`: a starter book. Owns only what is said about it."""

import sys
from pathlib import Path

import rich_click as click
from rich.markup import escape

from edgewise.book import BookError
from edgewise.book.starter import write_starter
from edgewise.cli.findings import console_on, fail


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def command(directory: Path) -> None:
    """Write a starter book.

    The folder must be new or empty. The book checks clean, has a live scenario and passing tests.

    Example: edgewise new my-book
    """
    try:
        written = write_starter(directory)
    except BookError as error:
        fail(str(error))
    console = console_on(sys.stdout)
    for path in written:
        console.print(escape(str(path)))
    console.print(f"next: [bold]edgewise check {escape(str(directory))}[/]")
