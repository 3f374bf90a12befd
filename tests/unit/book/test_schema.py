"""The JSON Schema for editors: takes what the checker takes, refuses what no editor should let pass."""

import jsonschema
import pytest
import yaml

from edgewise.book.reader import read_yaml
from edgewise.book.schema import KINDS, schema_of, schema_of_both
from edgewise.book.tree import plain

BOOK, SCENARIO = "book.yaml", "scenarios/a-return.yaml"


def errors(schema, value):
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


def written(path):
    return plain(read_yaml(path.read_bytes(), path.name).root)


@pytest.mark.parametrize("schema", [*map(schema_of, KINDS), schema_of_both()], ids=[*KINDS, "both"])
def test_it_is_a_schema(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_examples_fit(root):
    folder = root / "examples/book"

    assert errors(schema_of("registry"), written(folder / "book.yaml")) == []
    for path in sorted((folder / "scenarios").glob("*.yaml")):
        assert errors(schema_of("scenario"), written(path)) == [], path.name
        assert errors(schema_of_both(), written(path)) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (BOOK, "timezone:", "timezon:"),
        (BOOK, "kind: Registry", "kind: Registri"),
        (BOOK, "type: bool", "type: boolean"),
        (BOOK, "percent: 2", "percent: 102"),
        (BOOK, ", fallback: {content: plain}}\n  page.footer", "}\n  page.footer"),
        (SCENARIO, "status: live", "status: alive"),
        (SCENARIO, "goal: Finish it in one visit.\n", ""),
        (SCENARIO, "id: a-return", "id: a return"),
        (SCENARIO, "set: {content: closed}", "set: {content: closed}, omit: true"),
        (SCENARIO, "{id: unknown, otherwise: true}", "{id: unknown}"),
        (SCENARIO, "    default: {content: how-to, tone: plain}\n", ""),
        (SCENARIO, "opportunities: [say what to bring]", "opportunitys: [say what to bring]"),
        (SCENARIO, "  stress_test: {prototype: true, on: 2026-08-30}\n", ""),
        (
            SCENARIO,
            "experiment: {id: e-1, arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: s-1}\n",
            "",
        ),
        (SCENARIO, "accuracy: 5", "accuracy: 6"),
        (SCENARIO, "expect: {pathway: late}", "expects: {pathway: late}"),
    ],
)
def test_a_fault_of_form_does_not_fit(book, file, old, new):
    schema = schema_of("registry" if file == BOOK else "scenario")
    assert errors(schema, written(book.path / file)) == []
    book.edit(file, old, new)

    assert errors(schema, written(book.path / file)) != []
    assert book.check() != []


def test_stages_require_what_the_checker_requires(book):
    value = {
        "apiVersion": "edgewise/v1",
        "kind": "Scenario",
        "id": "idea",
        "status": "strawman",
        "owner": "squad",
        "situation": "x",
        "goal": "y",
        "evidence": {"review": {"accuracy": 1, "frequency": 1, "impact": 1, "on": "2026-01-01"}},
    }

    assert errors(schema_of("scenario"), value) == []
    assert len(errors(schema_of("scenario"), {**value, "status": "designed"})) == 6


def test_readers_of_yaml_1_1_are_no_hindrance(root, book):
    """PyYAML makes `True` of the key `on`, and date objects of dates."""
    schema = schema_of("scenario")
    for path in [*(root / "examples/book/scenarios").glob("*.yaml"), book.path / SCENARIO]:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert True in value["evidence"]["review"]
        assert errors(schema, value) == [], path.name


@pytest.mark.parametrize(
    "review",
    [
        {"accuracy": 5, "frequency": 5, "impact": 5},
        {"accuracy": 5, "frequency": 5, "impact": 5, "on": 20260812},
        {"accuracy": 5, "frequency": 5, "impact": 5, "on": "2026-08-12", "at": "x"},
        {"accuracy": 5, "frequency": 5, "on": "2026-08-12"},
    ],
)
def test_a_review_is_still_checked(book, review):
    value = written(book.path / SCENARIO)
    assert errors(schema_of("scenario"), value) == []
    value["evidence"]["review"] = review

    assert errors(schema_of("scenario"), value) != []
