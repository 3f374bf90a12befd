"""The extractor beside a slow one: tokens recomputed from whole sessions, hashed by scikit-learn's `FeatureHasher`."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core import FeatureSpec

FeatureHasher = pytest.importorskip("sklearn.feature_extraction", reason="scikit-learn is not here").FeatureHasher

VIEWED = "Product Viewed"
HEADER = {
    "version": 1,
    "hash": "murmur3_x86_32",
    "seed": 0,
    "index": "abs_mod",
    "missing": "?",
    "overflow": "drop",
    "scope": "session",
}
STATE: dict[str, dict[str, Any]] = {
    "views": {"kind": "count", "event": VIEWED},
    "events": {"kind": "count", "event": "*"},
    "sale": {"kind": "count", "event": VIEWED, "property": "category", "equals": "sale"},
    "page_two": {"kind": "count", "event": VIEWED, "property": "page", "equals": 2},
    "category": {"kind": "last", "event": VIEWED, "property": "category", "type": "string"},
    "landing": {"kind": "first", "event": VIEWED, "property": "category", "type": "string"},
    "page": {"kind": "last", "event": VIEWED, "property": "page", "type": "int"},
    "price": {"kind": "last", "event": VIEWED, "property": "price", "type": "float"},
    "spent": {"kind": "sum", "event": VIEWED, "property": "price", "type": "float"},
    "dearest": {"kind": "max", "event": VIEWED, "property": "price", "type": "float"},
    "cheapest": {"kind": "min", "event": VIEWED, "property": "price", "type": "float"},
    "models": {"kind": "distinct", "event": VIEWED, "property": "model"},
    "recent": {"kind": "ring", "event": VIEWED, "property": "category", "size": 4},
    "names": {"kind": "ring", "event": "*", "size": 3},
    "run": {"kind": "run", "event": VIEWED, "property": "category"},
    "streak": {"kind": "run", "event": "*"},
    "switches": {"kind": "switches", "event": VIEWED, "property": "category"},
    "repeats": {"kind": "repeats", "event": VIEWED, "property": "model", "size": 3},
    "since": {"kind": "since", "event": VIEWED},
    "heat": {"kind": "decay", "event": VIEWED, "halfLifeMs": 600_000},
    "drift": {"kind": "ewma", "event": VIEWED, "property": "price", "size": 3},
    "dwell": {"kind": "dwell", "event": VIEWED, "capMs": 600_000},
    "sale_dwell": {"kind": "dwell", "event": VIEWED, "property": "category", "equals": "sale", "capMs": 600_000},
}
INPUTS = {
    "visitor": {"signal": "visit.visitor_type", "type": "string"},
    "weekend": {"signal": "visit.weekend", "type": "bool"},
    "depth": {"signal": "visit.depth", "type": "float"},
    "stay": {"signal": "visit.stay", "type": "duration"},
    "tags": {"signal": "visit.tags", "type": "string_set"},
}
SINGLE: list[dict[str, Any]] = [
    *({"name": name, "of": name, "as": "category"} for name in ("category", "landing", "page", "visitor", "weekend")),
    *({"name": f"{name}_log", "of": name, "as": "log2", "step": 2} for name in ("views", "events", "run", "streak")),
    *({"name": name, "of": name, "as": "log2"} for name in ("switches", "repeats", "models", "page_two", "spent")),
    {"name": "sale", "of": "sale", "as": "linear", "width": 2, "cap": 5},
    {"name": "price", "of": "price", "as": "linear", "width": 5, "cap": 100},
    {"name": "since", "of": "since", "as": "log2", "width": 1000},
    {"name": "dwell", "of": "dwell", "as": "log2", "width": 1000, "step": 3, "cap": 3_600_000},
    {"name": "sale_dwell", "of": "sale_dwell", "as": "linear", "width": 60_000},
    {"name": "mean", "of": ["spent", "views"], "as": "ratio_linear", "width": 5, "cap": 100},
    {"name": "share", "of": ["sale", "views"], "as": "ratio_linear", "scale": 10, "width": 1},
    {
        "name": "relative",
        "of": ["price", "spent", "views"],
        "as": "ratio_linear",
        "scale": 100,
        "width": 10,
        "cap": 300,
    },
    {"name": "dear", "of": ["dearest", "cheapest"], "as": "ratio_log2", "step": 4},
    {"name": "turn", "of": "recent", "as": "ngram", "n": 2, "take": 1},
    {"name": "depth", "of": "depth", "as": "linear", "width": 3},
    {"name": "stay", "of": "stay", "as": "log2", "width": 1000},
]
MORE: list[dict[str, Any]] = [
    {"name": "uni", "of": "recent", "as": "ngram"},
    {"name": "bi", "of": "recent", "as": "ngram", "n": 2},
    {"name": "path", "of": "names", "as": "ngram", "n": 3, "take": 2},
    {"name": "tags", "of": "tags", "as": "each"},
    {"name": "heat", "of": "heat", "as": "value", "cap": 4},
    {"name": "drift", "of": "drift", "as": "value", "width": 100},
    {"name": "deep", "of": "depth", "as": "value", "scale": 3, "width": 2},
    {"name": "mean_value", "of": ["spent", "views"], "as": "ratio_value"},
]


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    features = draw(st.lists(st.sampled_from(SINGLE + MORE), min_size=1, unique_by=lambda feature: feature["name"]))
    single = [feature["name"] for feature in features if feature in SINGLE]
    cross = st.lists(st.sampled_from(single or [""]), min_size=2, max_size=4, unique=True)
    crosses = st.lists(cross, max_size=4, unique_by=tuple) if len(single) > 1 else st.just([])
    read = {name for feature in features for name in names_of(feature)}
    return {
        **HEADER,
        "bits": draw(st.integers(4, 18)),
        "slots": draw(st.sampled_from([64, 64, 7, 1])),
        "state": {name: declared for name, declared in STATE.items() if name in read},
        "inputs": {name: declared for name, declared in INPUTS.items() if name in read},
        "features": features,
        "crosses": draw(crosses),
    }


quarters = st.integers(0, 800).map(lambda number: number / 4)
properties = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["sale", "shoes", "hats", "Käse", "", "😀"]) | st.just(7),
        "model": st.integers(1, 5).map(lambda number: number if number < 3 else f"m{number}"),
        "price": quarters | st.integers(0, 300) | st.just("12"),
        "page": st.integers(1, 3) | st.just(2.0) | st.just("2"),
    },
)
sessions = st.lists(
    st.fixed_dictionaries(
        {
            "event": st.sampled_from([VIEWED, VIEWED, VIEWED, "Cart Viewed", "Page Viewed"]),
            "timestamp": st.integers(0, 7_200_000),
            "properties": properties,
        }
    ),
    max_size=20,
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "visitor": st.sampled_from(["new", "returning", "a=b&c"]) | st.none(),
        "weekend": st.booleans(),
        "depth": st.integers(-400, 400).map(lambda number: number / 4) | st.integers(-9, 9),
        "stay": st.integers(0, 10**7).map(lambda ms: timedelta(milliseconds=ms)),
        "tags": st.sets(st.sampled_from(["a", "b", "ä"])).map(sorted),
    },
)


def names_of(feature: dict[str, Any]) -> list[str]:
    return feature["of"] if isinstance(feature["of"], list) else [feature["of"]]


@given(specs(), st.lists(sessions, max_size=4), st.data())
def test_rows_are_those_of_the_tokens_recomputed_from_each_prefix(
    spec: dict[str, Any], visits: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    known = [
        {name: value for name, value in data.draw(contexts).items() if name in spec["inputs"]}
        for _ in range(len(visits))
    ]
    ids, vals, row_of, prefix = FeatureSpec(json.dumps(spec)).extract_events(visits, every_prefix=True, inputs=known)

    expected = [(row, end) for row, events in enumerate(visits) for end in range(1, len(events) + 1)]
    assert list(zip(row_of.tolist(), prefix.tolist(), strict=True)) == expected
    for number, (row, end) in enumerate(expected):
        assert_row(spec, ids[number], vals[number], tokens(spec, known[row] | state(spec, visits[row][:end])))


@given(specs(), st.lists(sessions, min_size=1, max_size=3))
def test_the_last_prefix_is_the_session(spec: dict[str, Any], visits: list[list[dict[str, Any]]]) -> None:
    extractor = FeatureSpec(json.dumps(spec))
    every = extractor.extract_events(visits, every_prefix=True)
    last = extractor.extract_events(visits)

    assert last[2].tolist() == list(range(len(visits)))
    assert last[3].tolist() == [len(events) for events in visits]
    for number, events in enumerate(visits):
        if events:
            place = np.flatnonzero(every[2] == number)[-1]
            assert np.array_equal(last[0][number], every[0][place])
            assert last[1][number].tobytes() == every[1][place].tobytes()


@given(specs(), st.lists(st.tuples(sessions, contexts), min_size=1, max_size=4))
def test_a_snapshot_of_state_gives_what_its_events_give(
    spec: dict[str, Any], visits: list[tuple[list[dict[str, Any]], dict[str, Any]]]
) -> None:
    extractor = FeatureSpec(json.dumps(spec))
    known = [{name: value for name, value in context.items() if name in spec["inputs"]} for _, context in visits]
    rows = [inputs | state(spec, events) for (events, _), inputs in zip(visits, known, strict=True)]
    ids, vals = extractor.extract_values(rows)
    replayed = extractor.extract_events([events for events, _ in visits], inputs=known)

    assert np.array_equal(ids, replayed[0])
    assert np.allclose(vals, replayed[1], rtol=1e-6, atol=0)


def assert_row(spec: dict[str, Any], ids: Any, vals: Any, expected: Sequence[tuple[str, float]]) -> None:
    """Token by token in declared order, then zeros to the end; and summed up as `FeatureHasher` sums."""
    hasher = FeatureHasher(2 ** spec["bits"], input_type="pair")
    kept = [pair for pair in expected if np.float32(pair[1]) != 0][: spec["slots"]]
    alone = hasher.transform([[pair] for pair in kept]) if kept else None
    assert ids[: len(kept)].tolist() == ([] if alone is None else alone.indices.tolist()), kept
    assert np.allclose(vals[: len(kept)], [] if alone is None else alone.data, rtol=1e-6, atol=0), kept
    assert not ids[len(kept) :].any()
    assert vals[len(kept) :].tobytes() == bytes(4 * (spec["slots"] - len(kept)))

    summed = np.zeros(2 ** spec["bits"])
    np.add.at(summed, ids, vals.astype(float))
    assert np.allclose(summed, hasher.transform([kept]).toarray()[0], rtol=1e-6, atol=1e-6)


def tokens(spec: dict[str, Any], known: dict[str, Any]) -> list[tuple[str, float]]:
    """All tokens of a row with their weights, from what is known of each field."""
    pairs: list[tuple[str, float]] = []
    word: dict[str, str] = {}
    for feature in spec["features"]:
        made = list(tokens_of(feature, [known.get(name) for name in names_of(feature)]))
        pairs += made
        word[feature["name"]] = made[-1][0] if made else ""
    return pairs + [("&".join(word[name] for name in cross), 1.0) for cross in spec["crosses"]]


def tokens_of(feature: dict[str, Any], operands: list[Any]) -> Iterable[tuple[str, float]]:
    name, form, (first, *rest) = feature["name"], feature["as"], operands
    if form == "category" and first is not None:
        return [(f"{name}={str(first).lower() if isinstance(first, bool) else first}", 1.0)]
    if form == "each" and first is not None:
        return [(f"{name}={text}", 1.0) for text in first]
    if form == "ngram" and first is not None and len(first) >= feature.get("n", 1):
        n = feature.get("n", 1)
        grams = [">".join(first[start : start + n]) for start in range(len(first) - n + 1)]
        return [(f"{name}={gram}", 1.0) for gram in grams[-feature.get("take", 32) :]]
    number = related(feature, first, rest)
    if number is None:
        return [(f"{name}=?", 1.0)]
    if form.endswith("value"):
        return [(name, number)]
    bucket = math.floor(number) if form.endswith("linear") else doubling(number, feature.get("step", 1))
    return [(f"{name}={bucket}", 1.0)]


def related(feature: dict[str, Any], first: Any, rest: list[Any]) -> float | None:
    """The number of a feature before it is cut into buckets."""
    if feature["as"] in ("category", "each", "ngram") or first is None or None in rest:
        return None
    first, *rest = (
        (value / timedelta(milliseconds=1)) if isinstance(value, timedelta) else value for value in (first, *rest)
    )
    number = first * (rest[1] if len(rest) == 2 else 1) * feature.get("scale", 1)
    if rest:
        if rest[0] == 0:
            return None
        number = number / rest[0]
    cap = feature.get("cap", math.inf)
    return float(min(max(number, -cap), cap) / feature.get("width", 1))


def doubling(number: float, step: int) -> int:
    if number < 0:
        return -doubling(-number, step)
    half, exponent = math.frexp(1 + number)
    return (exponent - 1) * step + sum(2 * half >= 2 ** (part / step) for part in range(1, step))


def state(spec: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Each field of state, recomputed from all events; what nothing is known of is left out."""
    fields = {name: field(declared, events) for name, declared in spec["state"].items()}
    return {name: value for name, value in fields.items() if value is not None}


def field(declared: dict[str, Any], events: list[dict[str, Any]]) -> Any:
    kind = declared["kind"]
    if kind in OF_EVENTS:
        return OF_EVENTS[kind](declared, events)
    seen = [(event["timestamp"], value) for event in events if (value := value_of(declared, event)) is not None]
    if kind in OF_TIMES and seen:
        return OF_TIMES[kind](seen, max(event["timestamp"] for event in events), declared)
    values = [value for _, value in seen]
    return OF_VALUES[kind](values, declared) if values or kind in FROM_ZERO else None


def ewma(values: list[Any], declared: dict[str, Any]) -> float:
    keeps = 0.5 ** (1 / declared["size"])
    mean = values[0]
    for value in values[1:]:
        mean = mean * keeps + value * (1 - keeps)
    return float(mean)


def run(values: list[Any], _: dict[str, Any]) -> int:
    return next((n for n, value in enumerate(reversed(values)) if value != values[-1]), len(values))


def repeats(values: list[Any], declared: dict[str, Any]) -> int:
    return sum(value in values[max(0, n - declared["size"]) : n] for n, value in enumerate(values))


FROM_ZERO = ("sum", "distinct", "run", "switches", "repeats")
OF_TIMES: dict[str, Any] = {
    "since": lambda seen, now, _: timedelta(milliseconds=now - max(time for time, _ in seen)),
    "decay": lambda seen, now, declared: sum(0.5 ** ((now - time) / declared["halfLifeMs"]) for time, _ in seen),
    "last": lambda seen, *_: max(enumerate(seen), key=lambda item: (item[1][0], item[0]))[1][1],
    "first": lambda seen, *_: min(enumerate(seen), key=lambda item: (item[1][0], item[0]))[1][1],
}
OF_VALUES: dict[str, Any] = {
    "sum": lambda values, _: float(sum(values)),
    "max": lambda values, _: float(max(values)),
    "min": lambda values, _: float(min(values)),
    "distinct": lambda values, _: len(set(values)),
    "ring": lambda values, declared: values[-declared["size"] :],
    "run": run,
    "switches": lambda values, _: sum(left != right for left, right in pairwise(values)),
    "repeats": repeats,
    "ewma": ewma,
}


def value_of(declared: dict[str, Any], event: dict[str, Any]) -> Any:
    """The value an aggregate takes from an event, or None if it leaves the aggregate as it is."""
    if declared["event"] not in ("*", event["event"]):
        return None
    if "property" not in declared:
        return event["event"] if declared["event"] == "*" else True
    value = event["properties"].get(declared["property"])
    kind = declared.get("type", {"ring": "string", "ewma": "float"}.get(declared["kind"], "any"))
    if kind == "any":
        return value
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "int":
        return int(value) if isinstance(value, int | float) and value == int(value) else None
    return float(value) if isinstance(value, int | float) else None


def is_meant(declared: dict[str, Any], event: dict[str, Any]) -> bool:
    has_value = True
    if "equals" in declared:
        value = event["properties"].get(declared["property"])
        has_value = isinstance(value, str) == isinstance(declared["equals"], str) and value == declared["equals"]
    return declared["event"] in ("*", event["event"]) and has_value


def dwell(declared: dict[str, Any], events: list[dict[str, Any]]) -> int:
    """Gaps behind events that are meant, over the events that are not late."""
    start = next((n for n, event in enumerate(events) if is_meant(declared, event)), len(events))
    in_time: list[dict[str, Any]] = []
    for event in events[start:]:
        if not in_time or event["timestamp"] >= in_time[-1]["timestamp"]:
            in_time.append(event)
    return sum(
        min(later["timestamp"] - event["timestamp"], declared["capMs"])
        for event, later in pairwise(in_time)
        if is_meant(declared, event)
    )


OF_EVENTS: dict[str, Any] = {
    "count": lambda declared, events: sum(is_meant(declared, event) for event in events),
    "dwell": lambda declared, events: timedelta(milliseconds=dwell(declared, events)),
}
