"""The feature vectors that the core runs too, and what a spec and its rows are to Python."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from edgewise._core import FeatureSpec
from edgewise.errors import EdgewiseError, FeatureSpecError

VECTORS = json.loads((Path(__file__).parent / "vectors/features.json").read_text())
TEXT = json.dumps(VECTORS["spec"])
SPEC = FeatureSpec(TEXT)
VIEWED = {"event": "Product Viewed", "properties": {"category": "sale", "price": 12.5}}


def padded(values: list[float]) -> list[float]:
    return values + [0] * (SPEC.slots - len(values))


@pytest.mark.parametrize("session", VECTORS["sessions"], ids=lambda session: session["name"])
def test_every_row_comes_out_as_written(session: dict[str, Any]) -> None:
    empty, *rows = session["rows"]
    nothing = SPEC.extract_events([[]], inputs=[session["inputs"]])
    ids, vals, row_of, prefix = SPEC.extract_events([session["events"]], every_prefix=True, inputs=[session["inputs"]])

    assert (nothing[0].tolist(), nothing[3].tolist()) == ([padded(empty["ids"])], [0])
    assert np.array_equal(nothing[1], np.array([padded(empty["vals"])], dtype=np.float32))
    assert ids.tolist() == [padded(row["ids"]) for row in rows]
    assert vals.tolist() == [np.float32(padded(row["vals"])).tolist() for row in rows]
    assert row_of.tolist() == [0] * len(rows)
    assert prefix.tolist() == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("session", VECTORS["sessions"], ids=lambda session: session["name"])
def test_the_tokens_of_the_vectors_are_where_feature_hasher_puts_them(session: dict[str, Any]) -> None:
    hasher = pytest.importorskip("sklearn.feature_extraction", reason="scikit-learn is not here").FeatureHasher
    for row in session["rows"]:
        alone = hasher(SPEC.width, input_type="string").transform([[token] for token in row["tokens"]])
        kept = min(len(row["tokens"]), SPEC.slots)
        assert alone.indices[:kept].tolist() == row["ids"]


def test_a_spec_names_itself() -> None:
    canonical = json.dumps(VECTORS["spec"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert SPEC.canonical == canonical
    assert SPEC.digest == VECTORS["digest"] == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    assert (SPEC.slots, SPEC.width, SPEC.scope) == (32, 2**14, "session")
    assert SPEC.features == [feature["name"] for feature in VECTORS["spec"]["features"]]
    assert SPEC.inputs == [
        ("stay", "visit.stay", "duration"),
        ("tags", "visit.tags", "string_set"),
        ("visitor", "visit.visitor_type", "string"),
    ]


def test_arrays_are_what_a_model_takes() -> None:
    ids, vals, row_of, prefix = SPEC.extract_events([[VIEWED], []])

    assert (ids.dtype, vals.dtype, row_of.dtype, prefix.dtype) == (np.int32, np.float32, np.int64, np.int32)
    assert ids.shape == vals.shape == (2, SPEC.slots)
    assert ids.flags.c_contiguous
    assert vals.flags.c_contiguous
    assert [array.shape for array in SPEC.extract_events([])] == [(0, 32), (0, 32), (0,), (0,)]
    assert [array.shape for array in SPEC.extract_values([])] == [(0, 32), (0, 32)]


def test_an_event_sent_again_changes_nothing_and_one_without_id_is_new() -> None:
    once = {**VIEWED, "id": "e-1"}
    ids = SPEC.extract_events([[once], [once, once], [VIEWED, VIEWED]])[0]

    assert np.array_equal(ids[0], ids[1])
    assert not np.array_equal(ids[0], ids[2])


def test_times_are_text_datetimes_or_milliseconds_and_without_one_the_clock_stands_still() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    written = ["2026-11-21T12:00:00Z", noon, int(noon.timestamp() * 1000)]
    later = ["2026-11-21T13:02:00+01:00", noon + timedelta(minutes=2), int(noon.timestamp() * 1000) + 120_000]
    visits = [[{**VIEWED, "timestamp": at} for at in pair] for pair in zip(written, later, strict=True)]
    still = [VIEWED, {**VIEWED, "timestamp": None}]
    ids = SPEC.extract_events([*visits, still])[0]

    assert ids[0].tolist() == ids[1].tolist() == ids[2].tolist()
    assert not np.array_equal(ids[0], ids[3])


def test_any_mapping_and_any_iterable_will_do() -> None:
    event = MappingProxyType({"event": "Product Viewed", "properties": MappingProxyType(VIEWED["properties"])})
    inputs = MappingProxyType({"visitor": "new"})
    plain = SPEC.extract_events([[VIEWED]], inputs=[{"visitor": "new"}])
    same = SPEC.extract_events(iter([iter([event])]), inputs=iter([inputs]))

    assert all(np.array_equal(left, right) for left, right in zip(plain, same, strict=True))
    assert np.array_equal(SPEC.extract_values([{"visitor": "new"}])[0], SPEC.extract_values(iter([inputs]))[0])


def test_a_snapshot_knows_what_a_new_record_knows_and_none_is_missing() -> None:
    new, given, unknown = SPEC.extract_values([{}, {"views": 0, "run": 0, "stay": None}, {"views": None}])[0]

    assert np.array_equal(new, given)
    assert not np.array_equal(new, unknown)


def test_rows_may_differ_in_their_keys_and_in_their_order() -> None:
    rows: list[dict[str, Any]] = [
        {"views": 3, "visitor": "new"},
        {"visitor": "new", "views": 3},
        {"views": 3, "run": 1, "visitor": "new"},
        {"visitor": "new"},
        {"views": 3, "visitor": "new"},
    ]
    together = SPEC.extract_values(rows)[0]

    assert [row.tolist() for row in together] == [SPEC.extract_values([row])[0][0].tolist() for row in rows]
    assert together[0].tolist() == together[1].tolist() == together[4].tolist()


def test_a_ring_is_a_list_in_order_and_keeps_its_last_values() -> None:
    rows = [{"recent": ["x", "a", "b", "c", "d"]}, {"recent": ("a", "b", "c", "d")}, {"recent": ["d", "c", "b", "a"]}]
    first, second, third = SPEC.extract_values(rows)[0]

    assert np.array_equal(first, second)
    assert not np.array_equal(second, third)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bits": 40}, "feature spec refused at bits: `40` is out of range: use 4 to 24"),
        ({"colour": "red"}, "feature spec refused at colour: unknown field `colour`"),
        ({"features": [{"name": "a", "of": "b", "as": "value"}]}, r"features\[0\]: `b` is neither in `state` nor"),
    ],
)
def test_a_refused_spec_says_where(change: dict[str, Any], message: str) -> None:
    with pytest.raises(FeatureSpecError, match=message) as refused:
        FeatureSpec(json.dumps(VECTORS["spec"] | change))

    assert isinstance(refused.value, EdgewiseError)


@pytest.mark.parametrize(
    ("events", "error", "message"),
    [
        ([[VIEWED], [{}]], ValueError, "session 1: `event` is missing"),
        ([[5]], TypeError, "session 0: an event is a mapping"),
        ([[{"event": 5}]], TypeError, "session 0: `event` is a string"),
        ([[{**VIEWED, "properties": 5}]], TypeError, "session 0: `properties` is a mapping"),
        ([[{**VIEWED, "timestamp": "noon"}]], ValueError, "session 0: `timestamp` is neither"),
        ([[{**VIEWED, "timestamp": datetime(2026, 1, 1)}]], ValueError, "session 0: `timestamp` is neither"),  # noqa: DTZ001
        ([[{**VIEWED, "id": 7}]], TypeError, "session 0: `id` is a string"),
        ([5], TypeError, "session 0: 'int' object is not iterable"),
    ],
)
def test_a_malformed_session_is_named(events: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SPEC.extract_events(events)


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ({"view": 3}, ValueError, "row 1: `view` is no field of this spec"),
        ({"views": "3"}, ValueError, "row 1: `views` is not a valid int"),
        ({"views": True}, ValueError, "row 1: `views` is not a valid int"),
        ({"views": 2**63}, ValueError, "row 1: `views` is not a valid int"),
        ({"spent": float("nan")}, ValueError, "row 1: `spent` is not a valid float"),
        ({"visitor": 1}, ValueError, "row 1: `visitor` is not a valid string"),
        ({"recent": ["a", 1]}, ValueError, "row 1: `recent` is not a valid string_set"),
        ({"stay": 30}, ValueError, "row 1: `stay` is not a valid duration"),
        ({1: 1}, TypeError, "row 1: the name of a field is a string"),
        (5, TypeError, "row 1: a row is a mapping of names to values"),
    ],
)
def test_a_malformed_row_is_named(row: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SPEC.extract_values([{}, row])


def test_inputs_are_as_many_as_sessions_and_are_no_state() -> None:
    with pytest.raises(ValueError, match="session 1: there are no `inputs` for it"):
        SPEC.extract_events([[], []], inputs=[{}])
    with pytest.raises(ValueError, match="there are more `inputs` than sessions"):
        SPEC.extract_events([[]], inputs=[{}, {}])
    with pytest.raises(ValueError, match="session 0: `views` is no field"):
        SPEC.extract_events([[]], inputs=[{"views": 3}])
