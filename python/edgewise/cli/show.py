"""`edgewise show`: a scenario as a grid of pathways and segments. Owns only the drawing of it."""

import sys
from pathlib import Path

import orjson
import rich_click as click
from msgspec import to_builtins
from rich.markup import escape
from rich.table import Table

from edgewise.book import Book, has_errors
from edgewise.book.grid import Cell, grid
from edgewise.book.scenario import Scenario
from edgewise.cli.findings import EXIT_FINDINGS, console_on, fail, load_or_exit, print_findings, print_json

EVERYBODY_ELSE = "(everybody else)"


@click.command()
@click.argument("book", type=click.Path(path_type=Path))
@click.argument("scenario")
@click.option("--json", "as_json", is_flag=True, help="For machines: one cell per point, pathway and segment.")
def command(book: Path, scenario: str, as_json: bool) -> None:  # noqa: FBT001, an option
    """Show a scenario: pathways x segments with the value each would get.

    A cell is what arm `personalized` gets; the column of everybody else is arm `default`. Arm `as_is` and visitors held
    out always get their own page.

    Example: edgewise show examples/book in-store-return
    """
    found = _scenario(load_or_exit(book), scenario)
    cells = grid(found)
    if as_json:
        print_json({"scenario": found.id, "cells": to_builtins(cells)})
        return
    console = console_on(sys.stdout)
    console.print(f"[bold]{escape(found.id or '')}[/] {escape(found.situation or '')}")
    for point in found.decision_points:
        console.print(_table(point.id, [cell for cell in cells if cell.decision_point == point.id]))


def _scenario(book: Book, name: str) -> Scenario:
    source = book.scenario(name)
    if source is None:
        known = ", ".join(f"`{other.value.id}`" for other in book.scenarios if other.value.id)
        fail(f"no such scenario: `{name}`; the book has {known or 'none'}")
    if has_errors(source.findings):
        print_findings(source.findings, sys.stderr)
        sys.exit(EXIT_FINDINGS)
    return source.value


def _table(point: str, cells: list[Cell]) -> Table:
    segments = list(dict.fromkeys(cell.segment for cell in cells))
    table = Table(title=escape(point), title_justify="left", title_style="bold")
    table.add_column("pathway", no_wrap=True)
    for segment in segments:
        table.add_column(escape(segment if segment is not None else EVERYBODY_ELSE), overflow="fold")
    for pathway in dict.fromkeys(cell.pathway for cell in cells):
        row = [_text(cell) for cell in cells if cell.pathway == pathway]
        table.add_row(escape(pathway), *row)
    return table


def _text(cell: Cell) -> str:
    if cell.action == "omit":
        return "[dim]omit[/]"
    if not isinstance(cell.value, dict):
        return escape(orjson.dumps(cell.value).decode())
    return escape("\n".join(f"{key}: {_plain(value)}" for key, value in cell.value.items()))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
