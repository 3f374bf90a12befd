"""Going on behind a syntax error, so that one slip does not hide the others. Owns which lines are given up.

The entry that does not parse is replaced, in place, by its key and a marker that later checks keep silent about. Lines
keep their numbers.
"""

import re
from collections.abc import Callable, Iterator

import yaml

from edgewise.book.codes import finding
from edgewise.book.findings import Finding
from edgewise.book.slips import line_hint

BROKEN = "\ue000"
RECOVERIES_MAX = 16
QUOTE_LINES_MAX = 20
CHARACTERS_READ_MAX = 4 * 1024 * 1024
_ENTRY = re.compile(r"""[ ]*(?:-[ ]+)*(?P<key>[\w.-]+|"[^"]*"|'[^']*')[ \t]*:(?=\s)""")
_ITEM = re.compile(r"[ ]*(?:-[ ]+)*-(?=\s)")

SyntaxCheck = Callable[[str], yaml.MarkedYAMLError | None]


def recover(text: str, file: str, check: SyntaxCheck) -> tuple[str | None, list[Finding]]:
    """The text with every entry given up that does not parse, and a finding for each; None when that does not help."""
    findings: list[Finding] = []
    check = _bounded(check)
    for _ in range(RECOVERIES_MAX):
        error = check(text)
        if error is None:
            return text, findings
        lines = text.splitlines(keepends=True) or [""]
        line, without = _give_up_culprit(lines, error, check)
        findings.append(_finding(lines, line, error, file))
        text = "".join(without)
    return (text, findings) if check(text) is None else (None, findings[:1])


def _bounded(check: SyntaxCheck) -> SyntaxCheck:
    """The same check, which calls everything wrong once it has read too much: large files recover from less."""
    left = CHARACTERS_READ_MAX

    def bounded(text: str) -> yaml.MarkedYAMLError | None:
        nonlocal left
        left -= len(text)
        return check(text) if left > -len(text) else yaml.MarkedYAMLError(problem="does not parse")

    return bounded


def _give_up_culprit(lines: list[str], error: yaml.MarkedYAMLError, check: SyntaxCheck) -> tuple[int, list[str]]:
    """Gives up the first candidate without which the error is gone or lies further down; else the reported line."""
    reported = _problem(error)[0]
    for line in _candidates(lines, error):
        for keep_key in (True, False):
            without = _give_up(lines, line, keep_key=keep_key)
            after = check("".join(without))
            if after is None or _problem(after)[0] > reported:
                return line, without
    line = min(reported, len(lines) - 1)
    return line, _give_up(lines, line, keep_key=False)


def _candidates(lines: list[str], error: yaml.MarkedYAMLError) -> Iterator[int]:
    """Where an error may really lie: where its flow or quote opened, a quote left open above, the line itself."""
    line = min(_problem(error)[0], len(lines) - 1)
    opened = error.context_mark
    if opened is not None and ("flow" in (error.context or "") or "quoted" in (error.context or "")):
        yield min(opened.line, line)
    for above in range(line, max(line - QUOTE_LINES_MAX, -1), -1):
        if lines[above].count('"') % 2 == 1:
            yield above
            break
    yield line


def _problem(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    mark = error.problem_mark or error.context_mark
    return (mark.line, mark.column) if mark is not None else (0, 0)


def _begin(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    """Where what does not parse begins, if that is on the same line."""
    begin, line = error.context_mark, _problem(error)[0]
    if begin is not None and begin.line == line and (error.context or "").startswith("while scanning"):
        return begin.line, begin.column
    return _problem(error)


def _give_up(lines: list[str], line: int, *, keep_key: bool) -> list[str]:
    """The lines without one entry and what is indented below it; with `keep_key` its key stays, before the marker."""
    text = lines[line]
    match = (_ENTRY.match(text) or _ITEM.match(text)) if keep_key else None
    kept = f"{match[0]} {BROKEN}{_line_end(text)}" if match else _line_end(text)
    indent = len(text) - len(text.lstrip(" "))
    count = 0
    while _continues(lines, line + 1 + count, indent, at_key=match is not None and "key" in match.re.groupindex):
        count += 1
    below = lines[line + 1 : line + 1 + count]
    return [*lines[:line], kept, *map(_line_end, below), *lines[line + 1 + count :]]


def _continues(lines: list[str], number: int, indent: int, *, at_key: bool) -> bool:
    """Whether a line belongs to the entry above it: deeper, closing its brackets, or an item right below its key."""
    if number >= len(lines):
        return False
    stripped = lines[number].lstrip(" ")
    depth = len(lines[number]) - len(stripped)
    return not stripped.strip() or depth > indent or stripped[0] in "]}" or (at_key and stripped.startswith("- "))


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _finding(lines: list[str], line: int, error: yaml.MarkedYAMLError, file: str) -> Finding:
    problem_line, problem_column = _begin(error)
    text = lines[line] if line < len(lines) else ""
    column = problem_column if problem_line == line else len(text) - len(text.lstrip())
    hint = line_hint(text) or _hint(error.problem or "", text)
    message = " ".join(part for part in (error.context, error.problem) if part) or "does not parse"
    return finding("EW001", file, line + 1, column + 1, f"YAML syntax: {message}", hint)


def _hint(problem: str, text: str) -> str | None:
    if text.count('"') % 2 == 1:
        return "close the quote that this line leaves open"
    if "mapping values are not allowed" in problem:
        return "quote a text that holds `: `"
    if "cannot start any token" in problem:
        return "indent with blanks, not tabs, and quote a text that begins with a special character"
    return None
