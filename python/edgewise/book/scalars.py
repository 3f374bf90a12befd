"""What a plain scalar means: YAML 1.2's core schema, so `no` is a text and a date stays one. Owns only that."""

import re

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_BOOLS = frozenset({"yes", "no", "on", "off", "y", "n"})
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
NUMBER_CHARACTERS_MAX = 64
ScalarValue = bool | int | float | str | None


class ScalarError(ValueError):
    """A plain scalar that would not be read as it is written."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def resolve(text: str) -> ScalarValue:
    """The value of a plain scalar. Raises ScalarError where readers would disagree on it."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] in "-+.0123456789":
        return _number(text)
    return text


def is_old_bool(text: str) -> bool:
    """Whether YAML 1.1 would have read this text as a bool."""
    return text.lower() in _OLD_BOOLS


def _number(text: str) -> int | float | str:
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"`{text}` is not a finite number", "write a finite number, or quote it as text")
    if _LEADING_ZERO.fullmatch(text):
        raise ScalarError(f"`{text}` has a leading zero", f'write `{text.lstrip("+-0") or "0"}`, or quote it: "{text}"')
    if _INT.fullmatch(text):
        return _bounded(int(text[:NUMBER_CHARACTERS_MAX]), text)
    if len(text) > NUMBER_CHARACTERS_MAX:
        return text
    if _OCTAL.fullmatch(text):
        return _bounded(int(text, 8), text)
    if _HEX.fullmatch(text):
        return _bounded(int(text, 16), text)
    return _finite(text) if _FLOAT.fullmatch(text) else text


def _bounded(value: int, text: str) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise ScalarError(f"`{text}` does not fit 64 bits", "write a smaller number, or quote it as text")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ScalarError(f"`{text}` is not a finite number", "write a finite number, or quote it as text")
    return value
