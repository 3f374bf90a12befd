"""The YAML tree: nodes that keep where they stand in the file. Owns places and paths; judges nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Step = str | int
Path = tuple[Step, ...]


class Mark(NamedTuple):
    """A place in a file, counting from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar:
    """A text as written, and the value YAML 1.2 gives it. `broken`: a finding has already been made.

    `index` is where it starts in the text of the file.
    """

    mark: Mark
    text: str
    value: Any
    style: str = "plain"
    broken: bool = False
    index: int = 0


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    mark: Mark
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys, always texts, and their nodes, in the order of the file. `written`: keys with a value, fitting or not."""

    mark: Mark
    entries: dict[str, "Entry"] = field(default_factory=dict)
    written: frozenset[str] = frozenset()

    def get(self, key: str) -> "Node | None":
        """The node of a key."""
        entry = self.entries.get(key)
        return entry.node if entry is not None else None


class Entry(NamedTuple):
    """One key of a mapping, with its own place."""

    key_mark: Mark
    node: "Node"


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> object:
    """The node as plain values: dicts, lists and scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(entry.node) for key, entry in node.entries.items()}


def is_broken(node: Node | None) -> bool:
    """Whether a finding has already been made about what should stand here."""
    return isinstance(node, Scalar) and node.broken


def descend(node: Node, path: Path) -> Node:
    """The node at a path, or the deepest one on the way to it."""
    for step in path:
        below = child(node, step)
        if below is None:
            return node
        node = below
    return node


def exact(node: Node, path: Path) -> Node | None:
    """The node at a path, if it is there."""
    for step in path:
        below = child(node, step)
        if below is None:
            return None
        node = below
    return node


def child(node: Node, step: Step) -> Node | None:
    """The node one step below."""
    if isinstance(node, Mapping) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def key_mark(node: Node, path: Path) -> Mark:
    """Where the key at the end of a path stands; for list items and missing keys, the node itself or its parent."""
    if not path:
        return node.mark
    parent = descend(node, path[:-1])
    last = path[-1]
    if isinstance(parent, Mapping) and isinstance(last, str) and last in parent.entries:
        return parent.entries[last].key_mark
    return descend(node, path).mark


def keys(node: Node | None) -> Iterator[str]:
    """The keys of a mapping; nothing for any other node."""
    if isinstance(node, Mapping):
        yield from node.entries
