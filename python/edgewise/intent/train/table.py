"""CSV files, column by column, checked. Owns where a mistake lies and how it is told; knows no data set."""

import csv
import hashlib
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from edgewise.intent.train.errors import TrainingError

FILE_BYTES_MAX: Final = 1 << 30
TEXT_CHARACTERS_MAX: Final = 64
INT_MAX: Final = 1 << 53
SHOWN_MAX: Final = 16

Parser = Callable[[str], Any]
Columns = dict[str, list[Any]]


def read_bytes(path: Path) -> bytes:
    """Read a whole data file.

    Raises:
        TrainingError: it is larger than `FILE_BYTES_MAX`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise TrainingError(f"`{path}` is larger than {FILE_BYTES_MAX} bytes: split it")
    return data


def digest_of(data: bytes) -> str:
    """Name some bytes, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_columns(data: bytes, name: str, parsers: Mapping[str, Parser]) -> Columns:
    """Parse the columns that are asked for; others are not looked at.

    Raises:
        TrainingError: a column is not there, or a value does not parse; says in which line.
    """
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        places = _places(next(reader, []), name, parsers)
        return _parse_rows(reader, name, [(column, places[column], parsers[column]) for column in parsers])
    except UnicodeDecodeError as error:
        raise TrainingError(f"`{name}` is not UTF-8 text: byte {error.start} cannot be read") from error
    except csv.Error as error:
        raise TrainingError(f"`{name}` is not CSV: {error}") from error


def _places(header: list[str], name: str, parsers: Mapping[str, Parser]) -> dict[str, int]:
    missing = [column for column in parsers if column not in header]
    if missing:
        raise TrainingError(f"`{name}` lacks the column{'s' * (len(missing) > 1)} `{'`, `'.join(missing)}`")
    twice = [column for column in parsers if header.count(column) > 1]
    if twice:
        raise TrainingError(f"`{name}` has the column `{twice[0]}` twice: remove one of them")
    return {column: header.index(column) for column in parsers}


def _parse_rows(reader: Any, name: str, wanted: list[tuple[str, int, Parser]]) -> Columns:  # noqa: ANN401, csv's own
    found: Columns = {column: [] for column, _, _ in wanted}
    for cells in reader:
        if not cells:
            continue  # a blank line is no row
        for column, place, parse in wanted:
            try:
                found[column].append(parse(cells[place]))
            except IndexError:
                raise TrainingError(f"{name}:{reader.line_num}: the line ends before column `{column}`") from None
            except ValueError as error:
                shown = cells[place][:TEXT_CHARACTERS_MAX]
                raise TrainingError(f"{name}:{reader.line_num}: column `{column}`: `{shown}` {error}") from None
    return found


def whole(least: int = 0, most: int = INT_MAX) -> Parser:
    """Make a parser of whole numbers within bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("is not a whole number") from None
        if not least <= value <= most:
            raise ValueError(f"is not within {least} to {most}")
        return value

    return parse


def number(text: str) -> float:
    """Parse a number that is finite and not negative."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not (math.isfinite(value) and 0 <= value <= INT_MAX):
        raise ValueError("is not a number from 0 up")
    return value


def word(text: str) -> str:
    """Parse a short text that is not empty."""
    if not 0 < len(text) <= TEXT_CHARACTERS_MAX:
        raise ValueError(f"is not a text of 1 to {TEXT_CHARACTERS_MAX} characters")
    return text


def choice(words: Mapping[str, Any]) -> Parser:
    """Make a parser of a few known words, in any case."""

    def parse(text: str) -> Any:  # noqa: ANN401, whatever the words stand for
        try:
            return words[text.strip().lower()]
        except KeyError:
            raise ValueError(f"is not one of {_shown(words)}") from None

    return parse


def _shown(words: Mapping[str, Any]) -> str:
    known = list(words)
    return ", ".join(known) if len(known) <= SHOWN_MAX else f"{known[0]}, {known[1]} ... {known[-1]}"


def coded(words: tuple[str | None, ...]) -> Parser:
    """Make a parser of codes from 1 up that stand for words."""
    return choice({str(code): known for code, known in enumerate(words, start=1)})
