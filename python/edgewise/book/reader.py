"""YAML text -> a tree with marks and findings. Owns what a file may hold: bounds, keys, tags, anchors; knows no fields.

Built on the parser's events, so nothing in a file can make it recurse, expand or run anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

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
_SECOND = 2
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
    """Read the text of a file into its tree."""
    findings = parsed.findings
    text = parsed.text = _printable(parsed.text, file, findings)
    try:
        recovered = recover(text, file, _syntax_error)
        findings.extend(recovered.findings)
        parsed.is_damaged, parsed.keys_lost = bool(recovered.findings), recovered.keys_lost
        if recovered.text is not None:
            parsed.text = recovered.text
            parsed.root = _Builder(file, findings).build(_events(recovered.text))
    except BoundError as error:
        findings.append(finding("EW006", file, error.mark.line, error.mark.column, str(error)))
        parsed.is_damaged = parsed.keys_lost = True


def _printable(text: str, file: str, findings: list[Finding]) -> str:
    for match in _UNPRINTABLE.finditer(text):
        mark = mark_at(text, match.start())
        message = f"the character U+{ord(match[0]):04X} may not stand in a file"
        findings.append(finding("EW001", file, mark.line, mark.column, message, "remove it"))
        break
    return _UNPRINTABLE.sub("\ufffd", text)


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events, within bounds."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > DEPTH_MAX:
            raise BoundError(f"values are nested more than {DEPTH_MAX} deep", _mark(event))
        if nodes > NODES_MAX:
            raise BoundError(f"the file has more than {NODES_MAX} values", _mark(event))
        yield event


def _syntax_error(text: str) -> yaml.MarkedYAMLError | None:
    """The first syntax error of a text."""
    try:
        for _ in _events(text):
            pass
    except yaml.MarkedYAMLError as error:
        return error
    return None


class _Builder:
    """Events -> nodes, with a stack of its own instead of recursion."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self._file = file
        self._findings = findings
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._count_document(event)
            elif self._documents <= 1:
                self._take(event)
        return self._root

    def _count_document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents == _SECOND:
            self._found(_mark(event), "a second document in one file", "write one document per file")

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()

    def _open(self, event: yaml.NodeEvent) -> None:
        self._refuse_anchor(event)
        node = self._node(event)
        self._place(node)
        if isinstance(node, Sequence | Mapping):
            self._stack.append(_Open(node))

    def _refuse_anchor(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            written = f"`{'*' if isinstance(event, yaml.AliasEvent) else '&'}{event.anchor}`"
            self._found(_mark(event), f"{written}: anchors and aliases are not read", "write the value out")

    def _node(self, event: yaml.NodeEvent) -> Node:
        mark = _mark(event)
        tag = getattr(event, "tag", None)
        if tag is not None and not isinstance(event, yaml.AliasEvent):
            self._found(mark, f"`{_short(tag)}` is read as a YAML tag", tag_hint(_short(tag), event))
            if isinstance(event, yaml.ScalarEvent):
                return Scalar(mark, event.value, event.value, broken=True)
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping(mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, mark)
        return Scalar(mark, "", None, broken=True)

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        style = _STYLES.get(event.style or "", "plain")
        index = event.start_mark.index if event.start_mark is not None else 0
        if style != "plain":
            return Scalar(mark, event.value, event.value, style, index=index)
        if BROKEN in event.value:
            return Scalar(mark, "", None, broken=True)
        is_key = bool(self._stack) and self._stack[-1].takes_key
        try:
            value = event.value if is_key else resolve(event.value)
        except ScalarError as error:
            self._found(mark, str(error), error.hint)
            return Scalar(mark, event.value, None, broken=True)
        return Scalar(mark, event.value, value, index=index)

    def _place(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.takes_key:
            self._take_key(parent, node)
        else:
            parent.close_entry(node)

    def _take_key(self, parent: "_Open", node: Node) -> None:
        parent.awaits_key = False
        parent.key = None
        if not isinstance(node, Scalar):
            self._found(node.mark, "a key must be a text", "write `key: value`; quote a text that holds { or [")
        elif isinstance(parent.node, Mapping) and node.text in parent.node.entries:
            first = parent.node.entries[node.text].key_mark
            self._found(node.mark, f"`{node.text}` stands twice; first on line {first.line}", "remove one of them")
        else:
            parent.key = node

    def _found(self, mark: Mark, message: str, hint: str | None) -> None:
        self._findings.append(finding("EW001", self._file, mark.line, mark.column, message, hint))


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. Entries without a usable key are read and left out."""

    node: Sequence | Mapping
    awaits_key: bool = True
    key: Scalar | None = None

    @property
    def takes_key(self) -> bool:
        """Whether what comes next is a key."""
        return self.awaits_key and isinstance(self.node, Mapping)

    def close_entry(self, node: Node) -> None:
        self.awaits_key = True
        if self.key is not None and isinstance(self.node, Mapping):
            self.node.entries[self.key.text] = Entry(self.key.mark, node)


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
