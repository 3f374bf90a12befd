"""Where a character inside of a YAML text stands in the file. Owns the walk through quotes, folds and blocks."""

import re

from edgewise.book.reader import mark_at
from edgewise.book.tree import Mark, Scalar

_BLANKS = " \t"
_BREAKS = "\r\n"
_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}
_BLOCK_HEADER = re.compile(r"[|>][^\r\n]*(\r\n|\r|\n)")


def place_in_scalar(source: str, node: Scalar, line: int, column: int) -> Mark:
    """The place in the file of a line and column (from 1) inside of a text."""
    offset = _offset(node.text, line, column)
    places = _places(source, node)
    if not places:
        return node.mark
    return mark_at(source, places[min(offset, len(places) - 1)])


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    before = lines[: max(line - 1, 0)]
    return min(sum(len(part) + 1 for part in before) + max(column - 1, 0), len(text))


def _places(source: str, node: Scalar) -> list[int]:
    """For each character of the text, and for its end, the index in the source where it stands."""
    if node.style in ("literal", "folded"):
        return _block(source, node.index, node.text)
    start = node.index if node.style == "plain" else node.index + 1
    return _flow(source, start, node.text, node.style)


def _flow(source: str, at: int, text: str, style: str) -> list[int]:
    places: list[int] = []
    while len(places) < len(text) and at < len(source):
        end, count = _unit(source, at, style)
        places.extend([at] * count)
        at = end
    return [*places[: len(text)], at]


def _unit(source: str, at: int, style: str) -> tuple[int, int]:
    """The end of the next unit of a flow scalar, and how many characters it stands for."""
    fold = _fold(source, at)
    if fold is not None:
        return fold
    if style == "single" and source.startswith("''", at):
        return at + 2, 1
    if style == "double" and source[at] == "\\":
        return _escape(source, at)
    return at + 1, 1


def _fold(source: str, at: int) -> tuple[int, int] | None:
    """A line break with the blanks around it: one blank, or the empty lines in it."""
    end = at
    while end < len(source) and source[end] in _BLANKS:
        end += 1
    if end >= len(source) or source[end] not in _BREAKS:
        return None
    stop = end
    while stop < len(source) and source[stop] in _BLANKS + _BREAKS:
        stop += 1
    breaks = source[end:stop].replace("\r\n", "\n").count("\n")
    return stop, max(breaks - 1, 1)


def _escape(source: str, at: int) -> tuple[int, int]:
    sign = source[at + 1 : at + 2]
    if sign not in ("\r", "\n"):
        return at + _ESCAPE_LENGTHS.get(sign, 2), 1
    end = at + 1
    while end < len(source) and source[end] in _BLANKS + _BREAKS:
        end += 1
    return end, 0


def _block(source: str, at: int, text: str) -> list[int]:
    header = _BLOCK_HEADER.match(source, at)
    if header is None:
        return []
    at = header.end()
    indent = _indent(source, at)
    places: list[int] = []
    at = _skip_indent(source, at, indent)
    while len(places) < len(text) and at < len(source):
        places.append(at)
        if source[at] in _BREAKS:
            at = _skip_indent(source, at + (2 if source.startswith("\r\n", at) else 1), indent)
        else:
            at += 1
    return [*places, at]


def _indent(source: str, at: int) -> int:
    """The indentation of the first line that is not blank."""
    for line in source[at:].splitlines():
        if line.strip():
            return len(line) - len(line.lstrip(" "))
    return 0


def _skip_indent(source: str, at: int, indent: int) -> int:
    end = at
    while end < len(source) and end - at < indent and source[end] == " ":
        end += 1
    return end
