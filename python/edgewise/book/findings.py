"""Findings: what `check` reports. Owns their form and order; finds nothing itself."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

FINDINGS_PER_FILE_MAX = 1000


class Severity(StrEnum):
    """How bad a finding is; only errors keep a book from being built."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


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
    """Findings by file, line and column, each once, the registry first and no file with more than its bound."""
    unique = sorted(set(findings), key=_order)
    kept: list[Finding] = []
    counts: dict[str, int] = {}
    for finding in unique:
        counts[finding.file] = counts.get(finding.file, 0) + 1
        if counts[finding.file] <= FINDINGS_PER_FILE_MAX:
            kept.append(finding)
    return kept


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether a book with these findings must not be built."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _order(finding: Finding) -> tuple[bool, str, int, int, str, str]:
    return ("/" in finding.file, finding.file, finding.line, finding.column, finding.code, finding.message)
