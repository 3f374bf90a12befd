"""`edgewise schema`: the JSON Schema of the book's files, for editors. Owns nothing but the printing."""

import rich_click as click

from edgewise.book.schema import KINDS, schema_of, schema_of_both
from edgewise.cli.findings import print_json


@click.command()
@click.argument("kind", metavar="[KIND]", required=False, type=click.Choice(KINDS))
def command(kind: str | None) -> None:
    """Print the JSON Schema of the book's files.

    KIND is `registry` or `scenario`; without one, a single schema takes either kind of file.

    Example: edgewise schema scenario > scenario.schema.json
    """
    print_json(schema_of(kind) if kind is not None else schema_of_both())
