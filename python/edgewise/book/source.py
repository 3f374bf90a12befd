"""One file of a book: its text, its trees and where things stand in it. Owns places; reads nothing from disk."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import msgspec

from edgewise.book.codes import finding
from edgewise.book.fields import PLACEHOLDER
from edgewise.book.findings import Finding, has_errors
from edgewise.book.names import did_you_mean
from edgewise.book.positions import place_in_scalar
from edgewise.book.reader import read_yaml
from edgewise.book.shape import shape
from edgewise.book.tree import (
    Mapping,
    Mark,
    Node,
    Path,
    Scalar,
    Sequence,
    child,
    descend,
    exact,
    is_broken,
    key_mark,
    keys,
)

NAMELESS = "?"
T = TypeVar("T", bound=msgspec.Struct)


@dataclass(slots=True)
class Source(Generic[T]):
    """A file as read. `tree` holds what fits `value`, with the same paths; `raw` holds everything written."""

    file: str
    text: str
    raw: Node
    tree: Mapping
    value: T
    findings: list[Finding] = field(default_factory=list)
    is_damaged_text: bool = False
    keys_lost: bool = False
    _names: dict[Path, "Names"] = field(default_factory=dict, init=False, repr=False)

    @property
    def has_errors(self) -> bool:
        """Whether anything was found that keeps the book from being built."""
        return has_errors(self.findings)

    def at(self, *path: str | int) -> Mark:
        """Where a value stands; for one that is not written, the nearest thing above it."""
        return descend(self.tree, path).mark

    def found(self, code: str, path: Path, message: str, hint: str | None = None) -> None:
        """Note a finding at a value."""
        self.found_at(code, self.at(*path), message, hint)

    def is_found(self, code: str, path: Path) -> bool:
        """Whether a finding of a code has been noted at a value."""
        mark = self.at(*path)
        return any((f.code, f.line, f.column) == (code, mark.line, mark.column) for f in self.findings)

    def found_at_key(self, code: str, path: Path, message: str, hint: str | None = None) -> None:
        """Note a finding at the key of a value, also where the value was left out."""
        tree = self.raw if all(isinstance(step, str) for step in path) else self.tree
        self.found_at(code, key_mark(tree, path), message, hint)

    def found_inside(self, code: str, path: Path, line: int, column: int, problem: tuple[str, str | None]) -> None:
        """Note a finding at a line and column inside of a text."""
        node = descend(self.tree, path)
        mark = place_in_scalar(self.text, node, line, column) if isinstance(node, Scalar) else node.mark
        self.found_at(code, mark, *problem)

    def found_at(self, code: str, mark: Mark, message: str, hint: str | None = None) -> None:
        """Note a finding at a place."""
        message = message.replace(PLACEHOLDER, NAMELESS)
        self.findings.append(finding(code, self.file, mark.line, mark.column, message, hint))

    def has(self, *path: str | int) -> bool:
        """Whether a field is written, be its value right or wrong."""
        owner = exact(self.tree, path[:-1])
        if isinstance(owner, Mapping):
            return path[-1] in owner.written
        return len(path) > 1 and self.has(*path[:-1])

    def is_given(self, *path: str) -> bool:
        """Whether a field is written and not empty."""
        node = _at(self.raw, path)
        if isinstance(node, Scalar):
            return node.broken or node.value is not None
        return node is not None and bool(node.items if isinstance(node, Sequence) else node.entries)

    def lacks(self, *path: str) -> bool:
        """Whether a field is surely not written, or empty: never in a file that lost keys to a syntax error."""
        return not self.keys_lost and not self.is_given(*path)

    def is_damaged(self, *path: str | int) -> bool:
        """Whether something written directly below a value was wrong and left out."""
        owner = descend(self.tree, path)
        return isinstance(owner, Mapping) and bool(owner.written - owner.entries.keys())

    def check_reference(
        self, code: str, path: Path, what: str, name: str, known: "Names", *, at_key: bool = False
    ) -> None:
        """Note a finding when a name refers to nothing."""
        if name != PLACEHOLDER and known.lack(name):
            mark = key_mark(self.tree, path) if at_key else self.at(*path)
            self.found_at(code, mark, f"unknown {what} `{name}`", did_you_mean(name, known))

    def check_unique_ids(self, field: str, what: str) -> None:
        """EW003: note a finding for each id of a list that stands twice."""
        lines: dict[str, int] = {}
        for number, item in enumerate(getattr(self.value, field)):
            line = self.at(field, number, "id").line
            if item.id in lines and item.id != PLACEHOLDER:
                message = f"the {what} `{item.id}` stands twice; first on line {lines[item.id]}"
                self.found("EW003", (field, number, "id"), message, "rename or remove one of them")
            lines.setdefault(item.id, line)

    def names(self, *path: str | int) -> "Names":
        """The keys of a mapping or the ids of a list, as written, be their values right or wrong."""
        if path not in self._names:
            self._names[path] = self._names_at(path)
        return self._names[path]

    def _names_at(self, path: Path) -> "Names":
        node = _at(self.raw, path)
        complete = not self.keys_lost and not is_broken(node) and not (node is None and self.is_damaged_text)
        if isinstance(node, Sequence):
            ids = [child(item, "id") for item in node.items]
            found = [str(name.value) for name in ids if isinstance(name, Scalar)]
            return Names(found, complete=complete and len(found) == len(ids))
        return Names(keys(node), complete=complete)


class Names(frozenset[str]):
    """Names that may be referred to. Not complete when part of the file could not be read: then nothing is unknown."""

    complete: bool

    def __new__(cls, names: Iterable[str], *, complete: bool = True) -> Self:
        """Take names; nothing is changed later, so they may be shared."""
        made = super().__new__(cls, names)
        made.complete = complete
        return made

    def lack(self, name: str) -> bool:
        """Whether a name is surely unknown."""
        return self.complete and name not in self


def read_source(data: bytes, file: str, form: type[T]) -> "Source[T]":
    """Reads one file. A file that cannot be read at all gives an empty value and its findings."""
    parsed = read_yaml(data, file)
    findings = parsed.findings
    shaped = shape(parsed.root, form, file, findings) if parsed.root is not None else None
    if parsed.root is None or shaped is None:
        empty = Mapping(Mark(1, 1))
        return Source(
            file,
            parsed.text,
            Scalar(Mark(1, 1), "", None, broken=True),
            empty,
            form(),
            findings,
            is_damaged_text=True,
            keys_lost=True,
        )
    return Source(
        file, parsed.text, parsed.root, shaped.tree, shaped.value, findings, parsed.is_damaged, parsed.keys_lost
    )


def _at(node: Node, path: Path) -> Node | None:
    for step in path:
        if is_broken(node):
            return node
        below = child(node, step)
        if below is None:
            return None
        node = below
    return node
