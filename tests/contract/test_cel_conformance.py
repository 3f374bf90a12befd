"""The conformance files of the CEL specification: what is inside our language agrees, everything else is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edgewise import ConditionError
from edgewise._core import Condition, Signals

# File -> how many of its cases agree and how many are refused. A change of either number wants a reason.
COUNTS = {"basic": (2, 41), "comparisons": (90, 316), "lists": (4, 35), "logic": (10, 20)}

Message = dict[str, list[Any]]

TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[-+.\w]+|\[[\w./]+\](?=\s*[:{]))|(?P<sign>.)""",
    re.VERBOSE,
)
ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def unescaped(literal: str) -> bytes:
    """The bytes that a string of a text-format message stands for."""

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1].decode()
        if code[0] in "xX":
            return bytes([int(code[1:], 16)])
        if code[0] in "uU":
            return chr(int(code[1:], 16)).encode()
        if code[0].isdigit():
            return bytes([int(code, 8)])
        return bytes([ESCAPES.get(code, ord(code))])

    escape = rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
    return re.sub(escape, byte, literal[1:-1].encode(), flags=re.DOTALL)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in TOKEN.finditer(text):
        if match.lastgroup:
            yield match.lastgroup, match[0]


class Reader:
    """Reads the text format of protocol buffers: fields, messages, lists, strings that stand side by side."""

    def __init__(self, text: str) -> None:
        self.tokens = [*tokens(text), ("sign", "")]
        self.at = 0

    def take(self, sign: str) -> bool:
        found = self.tokens[self.at] == ("sign", sign)
        self.at += found
        return found

    def message(self, end: str) -> Message:
        fields: Message = {}
        while not self.take(end):
            kind, name = self.tokens[self.at]
            assert kind == "word", (name, self.tokens[self.at - 5 : self.at + 5])
            self.at += 1
            self.take(":")
            fields.setdefault(name, []).extend(self.values())
            if not self.take(","):
                self.take(";")
        return fields

    def values(self) -> list[Any]:
        if not self.take("["):
            return [self.value()]
        items = []
        while not self.take("]"):
            items.append(self.value())
            self.take(",")
        return items

    def value(self) -> Any:
        if self.take("{"):
            return self.message("}")
        kind, first = self.tokens[self.at]
        self.at += 1
        if kind == "word":
            return first
        text = unescaped(first)
        while self.tokens[self.at][0] == "text":
            text += unescaped(self.tokens[self.at][1])
            self.at += 1
        return text


@dataclass(frozen=True)
class Case:
    name: str
    expr: str
    types: dict[str, str]
    values: dict[str, object]
    expected: object


def cases(path: Path) -> list[Case]:
    file = Reader(path.read_text()).message("")
    return [case(section, test) for section in file["section"] for test in section.get("test", [])]


def case(section: Message, test: Message) -> Case:
    types, values = {}, {}
    for declaration in test.get("type_env", []):
        kind = our_type(declaration["ident"][0]["type"][0]) if "ident" in declaration else None
        if kind is not None:
            types[declaration["name"][0].decode()] = kind
    for binding in test.get("bindings", []):
        values[binding["key"][0].decode()] = plain(binding["value"][0]["value"][0])
    expected = plain(test["value"][0]) if "value" in test else "an error"
    name = f"{section['name'][0].decode()}/{test['name'][0].decode()}"
    return Case(name, test["expr"][0].decode(), types, values, expected)


def our_type(kind: Message) -> str | None:
    if "primitive" in kind:
        return {"BOOL": "bool", "INT64": "int", "DOUBLE": "float", "STRING": "string"}.get(kind["primitive"][0])
    if "well_known" in kind:
        return {"TIMESTAMP": "timestamp", "DURATION": "duration"}.get(kind["well_known"][0])
    if "list_type" in kind and our_type(kind["list_type"][0]["elem_type"][0]) == "string":
        return "string_set"
    return None


def plain(value: Message) -> object:
    match next(iter(value.items())):
        case "bool_value", [word]:
            return word == "true"
        case "int64_value", [word]:
            return int(word)
        case "double_value", [word]:
            return float(word)
        case "string_value", [text]:
            return text.decode()
        case "duration_value", [{"seconds": [seconds]}]:
            return timedelta(seconds=int(seconds))
        case field, _:
            return f"some {field}"


def outcome(case: Case) -> str:
    """`agrees`, `refused`, or what went wrong."""
    try:
        condition = Condition.compile(case.expr, Signals(case.types))
    except ConditionError as error:
        return "refused" if min(error.line, error.column) >= 1 else f"{case.name}: refused nowhere"
    except ValueError:  # the name of a variable that no signal may have
        return "refused"
    value = condition.evaluate(case.values)["value"]
    return "agrees" if value is case.expected else f"{case.name}: `{case.expr}` is {value}, not {case.expected}"


@pytest.mark.parametrize("file", COUNTS)
def test_each_case_agrees_or_is_refused(shared: Path, file: str) -> None:
    outcomes = [outcome(case) for case in cases(shared / "conformance" / "cel" / f"{file}.textproto")]

    agree, refused = outcomes.count("agrees"), outcomes.count("refused")
    print(f"\n{file}: {len(outcomes)} cases, {agree} agree, {refused} refused")  # noqa: T201
    assert [outcome for outcome in outcomes if outcome not in {"agrees", "refused"}] == []
    assert (agree, refused) == COUNTS[file]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a: "x\\n" "y" # note', {"a": [b"x\ny"]}),
        ("a { b: 1 b: -2 } a: {}", {"a": [{"b": ["1", "-2"]}, {}]}),
        ("a: ['\\303\\277', '\\xff']", {"a": [b"\xc3\xbf", b"\xff"]}),
        ("[t.v/x.Y]: { z: 1.5e3 }", {"[t.v/x.Y]": [{"z": ["1.5e3"]}]}),
    ],
)
def test_the_reader_of_the_files_reads_their_format(text: str, message: Message) -> None:
    assert Reader(text).message("") == message
