"""YAML as the book reads it: version 1.2, with places, within bounds, going on behind mistakes."""

import pytest

from edgewise.book.reader import DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX, read_yaml
from edgewise.book.tree import Mapping, plain


def values(text):
    parsed = read_yaml(text.encode(), "f.yaml")
    assert parsed.findings == []
    return plain(parsed.root)


def found(text):
    data = text if isinstance(text, bytes) else text.encode()
    return [(f.code, f.line, f.column) for f in read_yaml(data, "f.yaml").findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("OFF", "OFF"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("none", "none"),
        ("30", 30),
        ("-7", -7),
        ("+3", 3),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("0.1.2", "0.1.2"),
        ("30m", "30m"),
        ("+", "+"),
        ("'30'", "30"),
        ('"true"', "true"),
        ("|\n    a\n    b\n", "a\nb\n"),
        (">-\n    a\n    b\n", "a b"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    read = values(f"k: {text}\n")["k"]

    assert read == value
    assert type(read) is type(value)


def test_on_is_a_plain_key():
    assert values("on: 2026-08-12\nno: 1\n") == {"on": "2026-08-12", "no": 1}


def test_every_node_knows_its_place():
    root = read_yaml(b"a:\n  - {b: 1, c: x}\n", "f.yaml").root
    assert isinstance(root, Mapping)
    inner = root.get("a").items[0]

    assert (inner.mark.line, inner.mark.column) == (2, 5)
    assert (inner.entries["c"].key_mark.line, inner.entries["c"].key_mark.column) == (2, 12)


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    parsed = read_yaml(b"\xef\xbb\xbfa: 1\r\nb: [\r\n  2]\r\n", "f.yaml")

    assert parsed.findings == []
    assert plain(parsed.root) == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: 1\na: 2\n", [("EW001", 2, 1)]),
        ("a: &x 1\nb: *x\n", [("EW001", 1, 4), ("EW001", 2, 4)]),
        ("a: !!str 1\n", [("EW001", 1, 4)]),
        ("a: !!python/object/apply:os.system [x]\n", [("EW001", 1, 4)]),
        ("a: 1\n---\nb: 2\n---\nc: 3\n", [("EW001", 2, 1)]),
        ("{[a]: 1, b: 2}\n", [("EW001", 1, 2)]),
        ("a: 9223372036854775808\n", [("EW001", 1, 4)]),
        ("a: 1e999\n", [("EW001", 1, 4)]),
        (f"a: {'9' * 5000}\n", [("EW001", 1, 4)]),
        ("a: -.inf\nb: 007\n", [("EW001", 1, 4), ("EW001", 2, 4)]),
        ("a: b\x07c\n", [("EW001", 1, 5)]),
        ("a: \ue000\n", [("EW001", 1, 4)]),
        (b"a: 1\nb: \xff\n", [("EW001", 2, 4)]),
        ("", [("EW001", 1, 1)]),
        ("# nothing but a comment\n", [("EW001", 1, 1)]),
    ],
)
def test_what_is_not_read_is_a_finding_in_its_place(text, places):
    assert found(text) == places


def test_a_laughing_billion_is_never_expanded():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    parsed = read_yaml("\n".join(lines).encode(), "f.yaml")

    assert {finding.message.split(":")[1] for finding in parsed.findings} == {" anchors and aliases are not read"}
    assert len(str(plain(parsed.root))) < 2000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\n" * (FILE_BYTES_MAX // 5 + 1), "the file is larger than 1048576 bytes"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "values are nested more than 32 deep"),
        (b"[" + b"1, " * NODES_MAX + b"1]", "the file has more than 100000 values"),
    ],
)
def test_files_are_bounded(text, message):
    [finding] = read_yaml(text, "f.yaml").findings

    assert (finding.code, finding.message) == ("EW006", message)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"- " * 100_000, b"{a: " * 100_000, b"a: [\n" * 200_000])
def test_nesting_that_would_exhaust_a_parser_is_one_finding(text):
    assert [finding.code for finding in read_yaml(text, "f.yaml").findings] == ["EW006"]


@pytest.mark.parametrize(
    ("text", "lines", "left"),
    [
        # what is on the line is given up, what is around it is read
        ('a: {when: x in ["a"]}\nb: 2\n', [1], {"a": None, "b": 2}),
        ('s:\n  a: {when: x in ["a"]}\n  b: {when: !c && d}\n  e: 1\n', [2, 3], {"s": {"a": None, "b": None, "e": 1}}),
        ('a: "open\nb: "2"\nc: "3"\n', [1], {"a": None, "b": "2", "c": "3"}),
        ("a: [1, 2\nb: 3\nc: 4\n", [1], {"a": None, "b": 3, "c": 4}),
        ("a: b: c\nd: 1\n", [1], {"a": None, "d": 1}),
        ("a:\n  - x\n b: 1\nc: 2\n", [3], {"a": ["x"], "c": 2}),
        ("a:\n  b: [1\n  c: 2\n\td: 3\ne: 4\n", [2, 4], {"a": {"b": None, "c": 2}, "e": 4}),
        ("l:\n  - {id: a}\n  - {id: b\n  - {id: c}\n", [3], {"l": [{"id": "a"}, None, {"id": "c"}]}),
        ("a: {\n  b: x y: z,\n  c: 1\n}\nd: 2\n", [1], {"a": None, "d": 2}),
    ],
)
def test_a_syntax_error_costs_one_entry(text, lines, left):
    parsed = read_yaml(text.encode(), "f.yaml")

    assert [finding.line for finding in parsed.findings] == lines
    assert {finding.code for finding in parsed.findings} == {"EW001"}
    assert plain(parsed.root) == left


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('x: {when: a in ["b"]}', "quote it: `when: 'a in [\"b\"]'`"),
        ('x: {when: a in ["b", "c"], next: buys}', 'quote it: `when: \'a in ["b", "c"]\'`'),
        ("x: {when: !a && b}", 'quote it: `when: "!a && b"`'),
        ("explain: You came back: welcome", 'quote it: `explain: "You came back: welcome"`'),
        ("x: [a, 'b]", None),
        ('x: "a', "close the quote that this line leaves open"),
        ("\tx: 1", "indent with spaces, not tabs"),
        ("x: a: b", "quote a text that holds `: `"),
    ],
)
def test_a_syntax_error_says_how_to_mend_it(line, hint):
    [finding] = read_yaml(f"{line}\n".encode(), "f.yaml").findings

    assert finding.hint == hint or (hint is not None and (finding.hint or "").startswith(hint))


def test_a_large_file_of_mistakes_is_given_up_in_time():
    parsed = read_yaml(b"a: [\nb: ]\nc: d: e\n" * 50_000, "f.yaml")

    assert parsed.root is None
    assert [finding.code for finding in parsed.findings] == ["EW001"]
