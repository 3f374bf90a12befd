"""What `show` draws is what the engine serves."""

import msgspec
import orjson
import pytest

from edgewise._core import Engine
from edgewise.book import bundle_of, load
from edgewise.book.grid import grid, merge_patch


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # the examples of RFC 7396
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_values_merge_as_rfc_7396_says(target, patch, result):
    assert merge_patch(target, patch) == result


def test_merging_leaves_the_default_alone():
    default = {"a": {"b": 1}}
    merge_patch(default, {"a": {"b": 2}})

    assert default == {"a": {"b": 1}}


def test_omit_and_a_later_set(book):
    book.edit("scenarios/a-return.yaml", "late: {set: {content: closed}}", "late: {omit: true}")
    [source] = load(book.path).scenarios

    cells = {(cell.pathway, cell.segment): (cell.action, cell.value) for cell in grid(source.value)}

    assert cells["late", None] == ("omit", None)
    assert cells["late", "needs_help"] == ("render", {"content": "how-to", "tone": "kind"})
    assert cells["in_window", "browsing"] == ("omit", None)
    assert cells["late", "browsing"] == ("omit", None)
    assert cells["unknown", None] == ("render", {"content": "how-to", "tone": "plain"})


@pytest.mark.parametrize("name", ["in-store-return", "trip-purpose", "wavering-visitor"])
def test_a_cell_is_what_the_engine_serves(root, name):
    """Every test of the example book lands in a cell: the grid and the engine must agree on it."""
    book = load(root / "examples/book")
    engine = Engine.from_bundle(bundle_of(book).data)
    source = book.scenario(name)
    assert source is not None
    cells = {(cell.decision_point, cell.pathway, cell.segment): cell for cell in grid(source.value)}
    compared = 0

    for rehearsal in book.rehearsals:
        decisions = orjson.loads(engine.rehearse(orjson.dumps(rehearsal.request)))["decisions"]
        for point, decision in decisions.items():
            if decision["scenario"] == name and decision["arm"] == "personalized":
                cell = msgspec.to_builtins(cells[point, decision["pathway"], decision["segment"]])
                assert (cell["action"], cell["value"]) == (decision["action"], decision["value"])
                compared += 1

    assert compared >= 8
