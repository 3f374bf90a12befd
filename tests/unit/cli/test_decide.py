"""`edgewise decide`: the service's answer without a service, and what happens to a request it would refuse."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgewise import book
from edgewise.bundle import Bundle, digest_of
from edgewise.cli.decide import command, models_of
from edgewise.cli.serve import try_models
from edgewise.edge.listener import ServeError

BOOK = str(Path(__file__).parents[3] / "examples/book")
REQUEST = {
    "requestId": "r-1",
    "decisionPoints": ["returns.header"],
    "identity": {"userId": "u-1", "sessionId": "s-1"},
    "signals": {"order.channel": "online", "order.days_since_delivery": 45, "visit.intent": "return_item"},
    "consent": {"purposes": {"personalize_content": True}},
}


def decide(request: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--book", BOOK, *arguments, "-"], input=json.dumps(request))


def test_a_request_from_a_file_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST))
    answer = json.loads(CliRunner().invoke(command, ["--book", BOOK, str(path)], catch_exceptions=False).stdout)

    decision = answer["decisions"]["returns.header"]
    assert (answer["node"], answer["generation"]) == ("local", 1)
    assert (decision["scenario"], decision["pathway"], decision["arm"]) == (
        "in-store-return",
        "after_window",
        "personalized",
    )


def test_the_whole_trace_a_clock_and_an_arm_may_be_asked_for() -> None:
    options = {"explain": "full", "at": "2026-11-21T10:00:00Z", "force": {"arm": "as_is"}}
    result = decide(REQUEST | {"options": options})

    decision = json.loads(result.stdout)["decisions"]["returns.header"]
    assert (decision["arm"], decision["action"]) == ("as_is", "own")
    assert decision["explanation"]["trace"]


def test_nothing_is_remembered_between_two_runs() -> None:
    event = {"id": "e-1", "event": "Product Viewed", "timestamp": "2026-11-21T10:00:00Z", "properties": {}}
    request = REQUEST | {"events": [event], "options": {"at": "2026-11-21T10:00:00Z"}}

    assert decide(request).stdout == decide(request).stdout


def test_a_refused_request_prints_its_problem() -> None:
    result = decide(REQUEST | {"decisionPoints": "returns.header"})

    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(result.stderr)["status"] == 400
    assert json.loads(result.stderr)["field"] == "decisionPoints"


def test_a_book_that_is_not_there_is_one_line() -> None:
    result = CliRunner().invoke(command, ["--book", "no-such-book", "-"], input="{}")

    assert result.exit_code == 2
    assert "no-such-book" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def with_broken_model() -> Bundle:
    """The example book's bundle, whose model is some bytes that are none."""
    data = b"no model"
    document = book.build(Path(BOOK)).document()
    for model in document["models"].values():
        model["digest"] = digest_of(data)
    return Bundle.of_document(document).with_models({digest_of(data): data})


def test_a_model_that_is_refused_is_decided_without_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    models = models_of(with_broken_model())

    assert [state.state for state in models.states().values()] == ["refused"]
    assert capsys.readouterr().err.startswith("decided without the model `journey_intent`: ")


def test_a_node_does_not_start_with_such_a_model_and_keeps_what_it_found_of_a_good_one(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="the model `journey_intent` is refused: "):
        try_models(with_broken_model(), tmp_path)
    try_models(book.build(Path(BOOK)), tmp_path)

    assert len(list((tmp_path / "probes").glob("*.json"))) == 2
