"""The content ids that values may name. Owns where `content` is looked for, for the rules of every kind of value."""

from typing import Any

from edgewise.book.book import Book
from edgewise.book.source import Names, Source
from edgewise.book.tree import Path


def check_content(book: Book, source: Source[Any], path: Path, value: object) -> None:
    """EW205: when the registry lists its content, a value's `content` is on the list."""
    listed = book.registry.value.content
    if listed is None or not isinstance(value, dict) or not isinstance(value.get("content"), str):
        return
    source.check_reference("EW205", (*path, "content"), "content", value["content"], Names(listed))
