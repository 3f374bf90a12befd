"""The names in a condition's text, found without parsing it. Owns only this: used to name every unknown one at once."""

import re
from typing import NamedTuple

_STRING = re.compile(r"""[rR]?("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*")
_WORDS = frozenset({"true", "false", "null", "in"})
POLICY = "policy."


class Word(NamedTuple):
    """A name and where it stands in the text, counting from 1."""

    name: str
    line: int
    column: int


def words(text: str) -> list[Word]:
    """Every name that is read: no functions, no methods, nothing inside of strings."""
    bare = _STRING.sub(lambda match: " " * len(match[0]), text)
    found: list[Word] = []
    for match in _NAME.finditer(bare):
        parts = [part.strip() for part in match[0].split(".")]
        if bare[match.end() :].lstrip().startswith("("):
            parts.pop()
        if parts and ".".join(parts) not in _WORDS:
            found.append(_word(bare, match.start(), ".".join(parts)))
    return found


def _word(text: str, at: int, name: str) -> Word:
    line_start = text.rfind("\n", 0, at) + 1
    return Word(name, text.count("\n", 0, at) + 1, at - line_start + 1)
