"""Findings: what `check` reports. Owns their form and order; finds nothing itself."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby

import msgspec
from msgspec.structs import replace

FINDINGS_PER_FILE_MAX = 1000
MORE_CODE = "EW006"


class Severity(StrEnum):
    """How bad a finding is; only errors keep a book from being built."""

    ERROR = "error"
    WARNING = "warning"


class Finding(msgspec.Struct, frozen=True, order=False):
    """One mistake at one place. `file` is relative to the book; line and column count from 1."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    @property
    def place(self) -> str:
        """Where it is, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by file, line and column, each once, the registry first; a file shows no more than its bound."""
    kept: list[Finding] = []
    for _, found in groupby(sorted(set(findings), key=_order), key=lambda finding: finding.file):
        of_file = list(found)
        kept.extend(of_file[:FINDINGS_PER_FILE_MAX])
        if len(of_file) > FINDINGS_PER_FILE_MAX:
            kept.append(_and_more(of_file[FINDINGS_PER_FILE_MAX:]))
    return kept


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether a book with these findings must not be built."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _and_more(left: list[Finding]) -> Finding:
    return replace(left[0], code=MORE_CODE, severity=Severity.ERROR, message=f"{len(left)} more findings", hint=None)


def _order(finding: Finding) -> tuple[bool, str, int, int, str, str]:
    return ("/" in finding.file, finding.file, finding.line, finding.column, finding.code, finding.message)
