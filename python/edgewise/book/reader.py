"""YAML text -> a tree with marks and findings. Owns what a file may hold: bounds, keys, tags, anchors; knows no fields.

Built on the parser's events, so nothing in a file can make it recurse, expand or run anything.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from edgewise.book.codes import finding
from edgewise.book.findings import Finding
from edgewise.book.recovery import BROKEN, recover
from edgewise.book.scalars import ScalarError, resolve
from edgewise.book.slips import tag_hint
from edgewise.book.tree import Entry, Mapping, Mark, Node, Scalar, Sequence

FILE_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 32
NODES_MAX = 100_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STYLES = {'"': "double", "'": "single", "|": "literal", ">": "folded"}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue001-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class BoundError(Exception):
    """A file that is beyond a bound; nothing more is read of it."""

    def __init__(self, message: str, mark: Mark) -> None:
        super().__init__(message)
        self.mark = mark


@dataclass(slots=True)
class Parsed:
    """One file: its text as parsed, its tree (None when nothing could be read) and what was found.

    `is_damaged`: some of it did not parse; `keys_lost`: so that even the names of some fields are not known.
    """

    text: str
    root: Node | None = None
    findings: list[Finding] = field(default_factory=list)
    is_damaged: bool = False
    keys_lost: bool = False


def read_yaml(data: bytes, file: str) -> Parsed:
    """Reads one file. Never raises: whatever the bytes are, the answer is a tree, findings, or both."""
    if len(data) > FILE_BYTES_MAX:
        message = f"the file is larger than {FILE_BYTES_MAX} bytes"
        return Parsed("", None, [finding("EW006", file, 1, 1, message, "split it into several scenarios")])
    parsed = Parsed(*_decode(data, file))
    _parse(parsed, file)
    if parsed.root is None and not parsed.findings:
        parsed.findings.append(finding("EW001", file, 1, 1, "the file is empty"))
    return parsed


def _decode(data: bytes, file: str) -> tuple[str, None, list[Finding]]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        mark = mark_at(before, len(before))
        found = finding("EW001", file, mark.line, mark.column, "the file is not UTF-8", "save it as UTF-8")
        return data.decode("utf-8", errors="replace").removeprefix("\ufeff"), None, [found]
    return text.removeprefix("\ufeff"), None, []


def mark_at(text: str, index: int) -> Mark:
    """The line and column of an index into a text."""
    line_start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    breaks = text.count("\n", 0, index) + text.count("\r", 0, index) - text.count("\r\n", 0, index)
    return Mark(breaks + 1, index - line_start + 1)


def _parse(parsed: Parsed, file: str) -> None:
    """Read the text of a file into its tree: as it is written, or else what recovery leaves of it."""
    parsed.text = _printable(parsed.text, file, parsed.findings)
    try:
        try:
            parsed.root = _build(parsed.text, file, parsed.findings)
        except yaml.MarkedYAMLError:
            _recover(parsed, file)
    except BoundError as error:
        parsed.findings.append(finding("EW006", file, error.mark.line, error.mark.column, str(error)))
        parsed.is_damaged = parsed.keys_lost = True


def _recover(parsed: Parsed, file: str) -> None:
    recovered = recover(parsed.text, file, _syntax_error)
    parsed.findings.extend(recovered.findings)
    parsed.is_damaged, parsed.keys_lost = True, recovered.keys_lost
    if recovered.text is not None:
        parsed.text = recovered.text
        parsed.root = _build(recovered.text, file, parsed.findings)


def _printable(text: str, file: str, findings: list[Finding]) -> str:
    for match in _UNPRINTABLE.finditer(text):
        mark = mark_at(text, match.start())
        message = f"the character U+{ord(match[0]):04X} may not stand in a file"
        findings.append(finding("EW001", file, mark.line, mark.column, message, "remove it"))
        break
    return _UNPRINTABLE.sub("\ufffd", text)


def _build(text: str, file: str, findings: list[Finding]) -> Node | None:
    """The tree of a text; what is found joins the findings only when all of it parses."""
    builder = _Builder(file)
    root = builder.build(yaml.parse(text, Loader=_LOADER))
    findings.extend(builder.findings)
    return root


def _syntax_error(text: str) -> yaml.MarkedYAMLError | None:
    """The first syntax error of a text."""
    try:
        _Builder("").build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        return error
    return None


class _Builder:
    """Events -> nodes, within bounds, with a stack of its own instead of recursion. Takes the first document alone."""

    def __init__(self, file: str) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._nodes = 0
        self._top = _Top()
        self._stack: list[_Top | _Items | _Entries] = [self._top]
        self._take: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: self._open_mapping,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceStartEvent: self._open_sequence,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._take_alias,
            yaml.DocumentEndEvent: self._end,
        }

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            take = self._take.get(type(event))
            if take is not None:
                take(event)
        return self._top.node

    def _end(self, _event: yaml.DocumentEndEvent) -> None:
        """Behind the first document, only notes that there is another."""
        self._take = {yaml.DocumentStartEvent: self._refuse_document}

    def _refuse_document(self, event: yaml.DocumentStartEvent) -> None:
        self._take = {}
        self._found(_mark(event), "a second document in one file", "write one document per file")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        mark = self._begin(event)
        parent = self._stack[-1]
        if event.tag is not None:
            parent.add(Scalar(mark, event.value, event.value, broken=True))
        else:
            parent.add(self._scalar(event, mark, is_key=parent.awaits_key))

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        self._stack[-1].add(Scalar(self._begin(event), "", None, broken=True))

    def _open_mapping(self, event: yaml.MappingStartEvent) -> None:
        node = Mapping(self._begin(event))
        self._open(node, _Entries(node.entries, self._found))

    def _open_sequence(self, event: yaml.SequenceStartEvent) -> None:
        node = Sequence(self._begin(event))
        self._open(node, _Items(node.items))

    def _open(self, node: Node, inside: "_Items | _Entries") -> None:
        if len(self._stack) > DEPTH_MAX:
            raise BoundError(f"values are nested more than {DEPTH_MAX} deep", node.mark)
        self._stack[-1].add(node)
        self._stack.append(inside)

    def _close(self, _event: yaml.CollectionEndEvent) -> None:
        self._stack.pop()

    def _begin(self, event: yaml.NodeEvent) -> Mark:
        """Where a value stands, after it has been counted and its anchor and tag refused."""
        mark = _mark(event)
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise BoundError(f"the file has more than {NODES_MAX} values", mark)
        if event.anchor is not None:
            written = f"`{'*' if isinstance(event, yaml.AliasEvent) else '&'}{event.anchor}`"
            self._found(mark, f"{written}: anchors and aliases are not read", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._found(mark, f"`{_short(tag)}` is read as a YAML tag", tag_hint(_short(tag), event))
        return mark

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark, *, is_key: bool) -> Scalar:
        text = event.value
        index = event.start_mark.index if event.start_mark is not None else 0
        style = _STYLES.get(event.style or "", "plain")
        if style != "plain":
            return Scalar(mark, text, text, style, index=index)
        if BROKEN in text:
            return Scalar(mark, "", None, broken=True)
        try:
            return Scalar(mark, text, text if is_key else resolve(text), index=index)
        except ScalarError as error:
            self._found(mark, str(error), error.hint)
            return Scalar(mark, text, None, broken=True)

    def _found(self, mark: Mark, message: str, hint: str | None) -> None:
        self.findings.append(finding("EW001", self._file, mark.line, mark.column, message, hint))


class _Top:
    """Where the root goes."""

    awaits_key = False
    node: Node | None = None

    def add(self, node: Node) -> None:
        self.node = node


@dataclass(slots=True)
class _Items:
    """A list whose end has not come yet."""

    awaits_key: ClassVar = False
    items: list[Node]

    def add(self, node: Node) -> None:
        self.items.append(node)


@dataclass(slots=True)
class _Entries:
    """A mapping whose end has not come yet. Entries without a usable key are read and left out."""

    entries: dict[str, Entry]
    found: Callable[[Mark, str, str | None], None]
    awaits_key: bool = True
    key: Scalar | None = None

    def add(self, node: Node) -> None:
        if self.awaits_key:
            self.key = self._usable(node)
        elif self.key is not None:
            self.entries[self.key.text] = Entry(self.key.mark, node)
        self.awaits_key = not self.awaits_key

    def _usable(self, key: Node) -> Scalar | None:
        if not isinstance(key, Scalar):
            self.found(key.mark, "a key must be a text", "write `key: value`; quote a text that holds { or [")
            return None
        if key.text in self.entries:
            first = self.entries[key.text].key_mark
            self.found(key.mark, f"`{key.text}` stands twice; first on line {first.line}", "remove one of them")
            return None
        return key


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
