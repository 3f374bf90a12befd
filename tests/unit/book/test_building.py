"""From a clean book to one bundle: what is in it, that it is always the same, and that it proves itself."""

import os
import subprocess
import sys

import orjson
import pytest

from edgewise._core import Engine
from edgewise.book import BookError, BuildError, build, load
from edgewise.bundle import canonical_json, digest_of, digest_of_value
from edgewise.errors import BundleError

BOOK, SCENARIO = "book.yaml", "scenarios/a-return.yaml"


@pytest.fixture
def document(book):
    return build(book.path).document()


def test_the_document_is_what_nodes_read(document):
    assert document["format"] == "edgewise/bundle/1"
    assert document["timezone"] == "Europe/Berlin"
    assert document["policy"] == {"window_days": 30}
    assert document["signals"]["order.channel"] == {"type": "enum", "source": "request", "values": ["online", "store"]}
    assert document["signals"]["user.contacts"] == {
        "type": "int",
        "source": "profile",
        "min": 0,
        "maxAgeMs": 86_400_000,
        "purposes": ["personalize"],
        "label": "your contacts",
    }
    assert document["signals"]["visit.views"]["aggregate"] == {"kind": "count", "event": "Product Viewed"}
    assert document["segments"] == {"needs_help": "user.contacts >= 1", "browsing": "visit.views >= 3"}
    assert document["state"] == {"session": {"ttlMs": 1_800_000}}
    assert document["purposes"]["personalize"]["basis"] == "consent"
    assert document["globalHoldout"] == {"percent": 2, "unit": "user", "salt": "holdout"}


@pytest.mark.parametrize(
    ("declared", "compiled"),
    [
        (
            "type: int, count: {event: E, property: p, equals: sale}",
            {"kind": "count", "property": "p", "equals": "sale"},
        ),
        ("type: int, count: {event: E, property: p, equals: 4}", {"kind": "count", "property": "p", "equals": 4}),
        (
            "type: int, count: {event: E, property: p, equals: false}",
            {"kind": "count", "property": "p", "equals": False},
        ),
        ("type: int, run: {event: E, property: p}", {"kind": "run", "property": "p"}),
        ("type: int, switches: {event: E, property: p}", {"kind": "switches", "property": "p"}),
        ("type: int, repeats: {event: E, property: p}", {"kind": "repeats", "property": "p", "size": 8}),
        ("type: duration, dwell: {event: E}", {"kind": "dwell", "capMs": 1_800_000}),
        (
            "type: duration, dwell: {event: E, property: p, equals: a, cap: 10m}",
            {"kind": "dwell", "property": "p", "equals": "a", "capMs": 600_000},
        ),
        ("type: float, ewma: {event: E, property: p, size: 3}", {"kind": "ewma", "property": "p", "size": 3}),
    ],
)
def test_an_aggregate_is_what_nodes_read(book, declared, compiled):
    book.edit(BOOK, "segments:\n", f"  visit.more: {{source: session, {declared}}}\nsegments:\n")

    bundle = build(book.path)

    assert bundle.document()["signals"]["visit.more"]["aggregate"] == {"event": "E", **compiled}
    Engine.from_bundle(bundle.data)


def test_a_scenario_is_what_nodes_read(document):
    [scenario] = document["scenarios"]

    assert scenario["pathways"][1] == {"id": "late", "when": "order.days > 30"}
    assert scenario["pathways"][2] == {"id": "unknown"}
    [point] = scenario["decisionPoints"]
    assert point["byPathway"] == {"late": {"set": {"content": "closed"}}}
    assert point["overlays"][1] == {
        "segment": "browsing",
        "pathways": ["in_window"],
        "omit": True,
        "explain": "You are looking around.",
    }
    assert scenario["experiment"]["arms"] == {"as_is": 10, "default": 45, "personalized": 45}
    assert scenario["outcome"]["baseline"]["value"] == 0.22


def test_the_bytes_are_canonical_and_name_themselves(book):
    bundle = build(book.path)

    assert bundle.data == canonical_json(orjson.loads(bundle.data))
    assert bundle.digest == digest_of(bundle.data)
    assert Engine.from_bundle(bundle.data).digest == bundle.digest


def test_only_live_scenarios_are_served(book):
    book.edit(SCENARIO, "status: live", "status: paused")

    assert build(book.path).document()["scenarios"] == []


def test_golden_decisions_are_made_from_the_tests_and_replayed(book, document):
    [golden] = document["golden"]

    assert golden["name"] == "a-return: closed"
    assert golden["decisions"]["page.header"]["value"] == {"content": "closed", "tone": "plain"}
    assert Engine.from_bundle(build(book.path).data).self_test() == 1


def test_a_bundle_that_decides_otherwise_does_not_pass_its_own_test(document):
    document["golden"][0]["decisions"]["page.header"]["pathway"] = "in_window"

    with pytest.raises(BundleError, match="a-return: closed"):
        Engine.from_bundle(canonical_json(document)).self_test()


def test_comments_and_layout_do_not_change_the_bundle(book):
    before = build(book.path)
    book.write(SCENARIO, "# a comment\n" + book.read(SCENARIO).replace("goal: Finish", "goal:   Finish"))

    assert build(book.path) == before


def test_other_processes_build_the_same_bytes(book):
    code = f"from pathlib import Path; from edgewise.book import build; print(build(Path({str(book.path)!r})).digest)"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert runs == {build(book.path).digest + "\n"}


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        (SCENARIO, "goal: Finish it", "goal: End it", False),
        (SCENARIO, "tone: kind", "tone: warm", True),
        (SCENARIO, "salt: s-1", "salt: s-2", True),
        (BOOK, "user.contacts >= 1", "user.contacts >= 2", True),
        (BOOK, "{window_days: 30}", "{window_days: 31}", True),
        (BOOK, "max_age: 1d", "max_age: 2d", True),
        (BOOK, "percent: 2", "percent: 3", False),
        (BOOK, "order.final:   {type: bool", "order.final:   {type: string", False),
    ],
)
def test_the_digest_of_a_scenario_covers_what_decides_it_and_no_more(book, file, old, new, changes):
    before = build(book.path).document()["scenarios"][0]["digest"]
    book.edit(file, old, new)

    after = build(book.path).document()["scenarios"][0]["digest"]

    assert (after != before) is changes


def test_the_digest_of_a_scenario_is_that_of_its_parts(document):
    scenario = dict(document["scenarios"][0])
    digest = scenario.pop("digest")
    rests_on = {
        "segments": document["segments"],
        "policy": {"window_days": 30},
        "signals": {name: body for name, body in document["signals"].items() if name != "order.final"},
    }

    assert digest == digest_of_value({**scenario, **rests_on})


def test_a_book_with_errors_is_not_built(book):
    book.edit(SCENARIO, "personalized: 45", "personalized: 46")

    with pytest.raises(BuildError, match="nothing was built") as caught:
        build(book.path)

    assert [finding.code for finding in caught.value.findings] == ["EW305"]


def test_a_book_with_warnings_is_built(book):
    book.edit(SCENARIO, ', explain: "You contacted us."', "")

    assert [finding.code for finding in load(book.path).findings] == ["EW501"]
    assert build(book.path).digest


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.touch()])
def test_no_book_is_no_book(tmp_path, make):
    make(tmp_path / "none")

    with pytest.raises(BookError, match="no such book"):
        load(tmp_path / "none")
