"""`edgewise defaults`: what a caller serves when nobody answers. Owns nothing but the printing."""

import sys
from pathlib import Path

import rich_click as click

from edgewise._core import Engine
from edgewise.cli.findings import build_or_exit


@click.command()
@click.argument("book", type=click.Path(path_type=Path))
def command(book: Path) -> None:
    """Print every decision point's fallback and the signals it reads.

    The same JSON as GET /v1/defaults, for the build of an edge worker.

    Example: edgewise defaults examples/book > defaults.json
    """
    sys.stdout.write(Engine.from_bundle(build_or_exit(book).data).defaults().decode() + "\n")
