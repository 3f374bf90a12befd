"""Going on behind a syntax error, so that one slip does not hide the others. Owns which lines are given up.

The entry that does not parse is replaced, in place, by its key and a marker that later checks keep silent about. Lines
keep their numbers.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

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
_CLOSING = frozenset({"", "]", "}", "],", "},"})

SyntaxCheck = Callable[[str], yaml.MarkedYAMLError | None]


@dataclass(slots=True)
class Recovered:
    """What is left of a text, None when nothing could be saved. `keys_lost`: some were given up with their lines."""

    text: str | None
    findings: list[Finding] = field(default_factory=list)
    keys_lost: bool = False


def recover(text: str, file: str, check: SyntaxCheck) -> Recovered:
    """The text with every entry given up that does not parse, and a finding for each."""
    done = Recovered(text)
    check = _bounded(check)
    for _ in range(RECOVERIES_MAX):
        error = check(text)
        if error is None:
            return done
        lines = text.splitlines(keepends=True) or [""]
        line, kept = _give_up_culprit(lines, error, check)
        done.findings.append(_finding(lines, line, error, file))
        text = done.text = "".join(kept.lines)
        done.keys_lost |= kept.key_lost
    return done if check(text) is None else Recovered(None, done.findings[:1], keys_lost=True)


class _Kept(NamedTuple):
    lines: list[str]
    key_lost: bool


def _bounded(check: SyntaxCheck) -> SyntaxCheck:
    """The same check, which calls everything wrong once it has read too much: large files recover from less."""
    left = CHARACTERS_READ_MAX

    def bounded(text: str) -> yaml.MarkedYAMLError | None:
        nonlocal left
        left -= len(text)
        return check(text) if left > -len(text) else yaml.MarkedYAMLError(problem="does not parse")

    return bounded


def _give_up_culprit(lines: list[str], error: yaml.MarkedYAMLError, check: SyntaxCheck) -> tuple[int, _Kept]:
    """Gives up the first candidate without which the error is gone or lies further down; else the reported line."""
    reported = _problem(error)[0]
    for line in _candidates(lines, error):
        for without in (_keep_key(lines, line), _keep_key(lines, line, untabbed=True), _give_up(lines, line)):
            after = check("".join(without.lines))
            if after is None or _problem(after)[0] > reported:
                return line, without
    line = min(reported, len(lines) - 1)
    return line, _give_up(lines, line)


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


def _keep_key(lines: list[str], line: int, *, untabbed: bool = False) -> _Kept:
    """The lines with the key of one entry before the marker, and without what is indented below it."""
    text = lines[line]
    if untabbed:
        text = text[: len(text) - len(text.lstrip())].replace("\t", "") + text.lstrip()
    match = _ENTRY.match(text) or _ITEM.match(text)
    if match is None:
        return _give_up(lines, line)
    return _replace(lines, line, f"{match[0]} {BROKEN}{_line_end(text)}", at_key="key" in match.re.groupindex)


def _give_up(lines: list[str], line: int) -> _Kept:
    """The lines without one entry and what is indented below it."""
    return _replace(lines, line, _line_end(lines[line]), at_key=False, key_lost=lines[line].strip() not in _CLOSING)


def _replace(lines: list[str], line: int, kept: str, *, at_key: bool, key_lost: bool = False) -> _Kept:
    text = lines[line]
    indent = len(text) - len(text.lstrip(" "))
    count = 0
    while _continues(lines, line + 1 + count, indent, at_key=at_key):
        count += 1
    below = lines[line + 1 : line + 1 + count]
    return _Kept([*lines[:line], kept, *map(_line_end, below), *lines[line + 1 + count :]], key_lost)


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
    if "\t" in text[: len(text) - len(text.lstrip())] or "tab character" in problem:
        return "indent with spaces, not tabs"
    if text.count('"') % 2 == 1:
        return "close the quote that this line leaves open"
    if "mapping values are not allowed" in problem:
        return "quote a text that holds `: `"
    if "cannot start any token" in problem:
        return "quote a text that begins with a special character"
    return None
