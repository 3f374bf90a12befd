"""`edgewise check`: every mistake of a book at once. Owns only how they are shown."""

import sys
from pathlib import Path

import rich_click as click
from msgspec import to_builtins
from rich.markup import escape

from edgewise.book import Book, Severity, has_errors, purposes_by_scenario
from edgewise.cli.findings import EXIT_FINDINGS, console_on, counted, load_or_exit, print_findings, print_json
from edgewise.cli.tables import plain_table


@click.command(epilog="Exit: 0 when the book can be built, 1 when it has errors, 2 when there is no book.")
@click.argument("book", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines: findings, and the purposes of each scenario.")
def command(book: Path, as_json: bool) -> None:  # noqa: FBT001, an option
    """Check a book and list every mistake.

    Also prints the purposes each scenario needs, derived from the signals it reads.

    Example: edgewise check examples/book
    """
    checked = load_or_exit(book)
    if as_json:
        print_json({"findings": to_builtins(checked.findings), "purposes": purposes_by_scenario(checked)})
    else:
        _print(checked)
    sys.exit(EXIT_FINDINGS if has_errors(checked.findings) else 0)


def _print(book: Book) -> None:
    print_findings(book.findings, sys.stdout)
    console = console_on(sys.stdout)
    purposes = purposes_by_scenario(book)
    if purposes:
        table = plain_table("scenario", "status", "purposes")
        for name, needed in purposes.items():
            source = book.scenario(name)
            status = (source.value.status if source is not None else None) or ""
            table.add_row(escape(name), status, escape(", ".join(needed) or "none"))
        console.print(table)
    console.print(_summary(book))


def _summary(book: Book) -> str:
    findings = book.findings
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    if not findings:
        tests = sum(len(source.value.tests) for source in book.scenarios)
        return f"[green]clean[/]: {counted(len(book.scenarios), 'scenario')}, {counted(tests, 'test')}"
    return f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
