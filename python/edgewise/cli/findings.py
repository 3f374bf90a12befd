"""How commands read a book and show what was found. Owns tables for people and exits; finds nothing."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NoReturn

import orjson
from rich.console import Console
from rich.markup import escape

from edgewise.book import Book, BookError, BuildError, Finding, Severity, bundle_of, load
from edgewise.bundle import Bundle
from edgewise.cli.tables import plain_table
from edgewise.errors import EdgewiseError
from edgewise.intent import Verdicts

EXIT_FINDINGS = 1
EXIT_NOTHING = 2
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def load_or_exit(path: Path, verdicts: Verdicts | None = None) -> Book:
    """Read and check a book; exit 2 with one line when there is none."""
    try:
        return load(path, verdicts)
    except BookError as error:
        fail(str(error))


def build_or_exit(path: Path, verdicts: Verdicts | None = None) -> Bundle:
    """Build a book; exit 1 with every finding on stderr when it has errors."""
    return bundle_or_exit(load_or_exit(path, verdicts))


def bundle_or_exit(book: Book) -> Bundle:
    """Build a checked book; exit 1 with every finding on stderr when it has errors."""
    try:
        return bundle_of(book)
    except BuildError as error:
        print_findings(error.findings, sys.stderr)
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_FINDINGS)
    except EdgewiseError as error:
        fail(str(error))


def print_findings(findings: Sequence[Finding], file: IO[str]) -> None:
    """Show findings to people, one row each, its place first so that editors can jump there."""
    console = console_on(file)
    table = plain_table()
    table.add_column(no_wrap=True, overflow="ignore")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        hint = f"\n[dim]{escape(finding.hint)}[/]" if finding.hint else ""
        code = f"[{_STYLES[finding.severity]}]{finding.severity}[/] {finding.code}"
        table.add_row(escape(finding.place), code, escape(finding.message) + hint)
    if findings:
        console.print(table)


def console_on(file: IO[str]) -> Console:
    """A console that keeps lines whole when nobody watches."""
    return Console(file=file, highlight=False, soft_wrap=False, width=None if file.isatty() else 200)


def print_json(value: object) -> None:
    """Write one JSON document for machines."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode())


def counted(number: int, what: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def fail(message: str) -> NoReturn:
    """Say in one line why nothing could be done, and exit 2."""
    sys.stderr.write(f"{message}\n")
    sys.exit(EXIT_NOTHING)
