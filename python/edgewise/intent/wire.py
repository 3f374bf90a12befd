"""Protobuf's wire form, read within bounds and without surprises. Knows nothing of what the messages mean.

Stricter than protobuf where two readers could see different things: a field that may come once comes once, with the
wire type it is declared with, and a field that nobody declared is refused instead of skipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

FIELDS_MAX: Final = 262_144
VARINT_BITS: Final = 64
_TAG_MAX: Final = (1 << 32) - 1
_WIDTHS: Final = {FIXED64: 8, FIXED32: 4}

Value = int | memoryview


class WireError(Exception):
    """The bytes are not of the declared form."""


class RefusedFieldError(WireError):
    """A field is there that must not be; `code` is the reason given in its shape."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Shape:
    """What a message may hold: fields by number, with their wire types."""

    name: str
    one: Mapping[int, int] = field(default_factory=dict)
    """Fields that come at most once."""
    many: Mapping[int, int] = field(default_factory=dict)
    """Fields that may come again."""
    refused: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Fields that exist but must not be there: a code and what to call them."""


class Message:
    """The fields of one message, still undecoded."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[int, list[Value]]) -> None:
        self._fields = fields

    def has(self, number: int) -> bool:
        """Whether the field is there."""
        return number in self._fields

    def all(self, number: int) -> list[Value]:
        """Every value of a field as it stands there."""
        return self._fields.get(number, [])

    def number(self, number: int) -> int:
        """The value of an integer field as a signed 64-bit number; 0 when absent."""
        values = self._fields.get(number)
        return signed(values[0]) if values and isinstance(values[0], int) else 0

    def numbers(self, number: int) -> list[int]:
        """The values of a repeated integer field, packed or not."""
        found: list[int] = []
        for value in self.all(number):
            found.extend([signed(value)] if isinstance(value, int) else _packed(value))
        return found

    def blobs(self, number: int) -> list[memoryview]:
        """The values of a repeated field of bytes."""
        return [value for value in self.all(number) if isinstance(value, memoryview)]

    def texts(self, number: int) -> list[str]:
        """The values of a repeated text field."""
        try:
            return [str(value, "utf-8") for value in self.blobs(number)]
        except UnicodeDecodeError as error:
            raise WireError("a text is not UTF-8") from error

    def text(self, number: int) -> str:
        """The value of a text field; empty when absent."""
        found = self.texts(number)
        return found[0] if found else ""


class Reader:
    """Reads the messages of one file; all of them together may have `FIELDS_MAX` fields."""

    def __init__(self) -> None:
        self._left = FIELDS_MAX

    def read(self, data: memoryview, shape: Shape) -> Message:
        """Take one message apart."""
        fields: dict[int, list[Value]] = {}
        at = 0
        while at < len(data):
            at, number, wire = self._tag(data, at, shape)
            at, value = _value(data, at, wire)
            values = fields.setdefault(number, [])
            if values and number in shape.one:
                raise WireError(f"field {number} of {shape.name} comes twice")
            values.append(value)
        return Message(fields)

    def children(self, parent: Message, number: int, shape: Shape) -> list[Message]:
        """Take apart the messages that lie in a field of another one."""
        return [self.read(blob, shape) for blob in parent.blobs(number)]

    def _tag(self, data: memoryview, at: int, shape: Shape) -> tuple[int, int, int]:
        self._left -= 1
        if self._left < 0:
            raise WireError(f"more than {FIELDS_MAX} fields")
        at, tag = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number in shape.refused:
            code, what = shape.refused[number]
            raise RefusedFieldError(code, f"{shape.name} has {what}, which is not allowed")
        expected = shape.one.get(number, shape.many.get(number))
        is_packed = wire == BYTES and number in shape.many
        if tag > _TAG_MAX or expected is None or (wire != expected and not is_packed):
            raise WireError(f"{shape.name} has a field {number} of wire type {wire}, which is not known here")
        return at, number, wire


def signed(value: int) -> int:
    """Read 64 bits as a signed number."""
    return value - (1 << VARINT_BITS) if value >> (VARINT_BITS - 1) else value


def _value(data: memoryview, at: int, wire: int) -> tuple[int, Value]:
    if wire == VARINT:
        return _varint(data, at)
    if wire == BYTES:
        at, size = _varint(data, at)
        return at + size, _slice(data, at, size)
    size = _WIDTHS[wire]
    return at + size, int.from_bytes(_slice(data, at, size), "little")


def _slice(data: memoryview, at: int, size: int) -> memoryview:
    if size > len(data) - at:
        raise WireError("the bytes end within a field")
    return data[at : at + size]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, VARINT_BITS + 6, 7):
        if at >= len(data):
            raise WireError("the bytes end within a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004, the continuation bit
            break
    else:
        raise WireError("a number is longer than 64 bits")
    if value >> VARINT_BITS:
        raise WireError("a number is longer than 64 bits")
    return at, value


def _packed(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        at, value = _varint(data, at)
        found.append(signed(value))
    return found
