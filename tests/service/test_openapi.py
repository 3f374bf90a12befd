"""The description of the API. That real answers are as described is held for every answer of every service test."""

import json

import pytest


@pytest.fixture(scope="module")
def description(shared_node):
    return shared_node.description


def test_it_is_openapi_3_1(description):
    assert description.document["openapi"] == "3.1.0"
    assert description.document["info"]["title"] == "edgewise"


def test_every_route_is_described_and_nothing_else(description):
    assert {f"{method} {path}" for path, methods in description.document["paths"].items() for method in methods} == {
        "post /v1/decide",
        "post /v1/decide/batch",
        "post /v1/events",
        "get /v1/defaults",
        "delete /v1/state/{scope}/{key}",
        "get /v1/status",
        "get /v1/openapi.json",
        "get /metrics",
        "get /livez",
        "get /readyz",
    }


def test_every_reference_leads_somewhere(description):
    text = json.dumps(description.document)
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(description.document["components"]["schemas"])


def test_the_request_of_the_contract_is_as_described(description):
    description.validate(
        {
            "requestId": "r-1",
            "decisionPoints": ["returns.header"],
            "identity": {"userId": "u-1", "journeyId": None},
            "signals": {"a.b": {"value": 2, "observedAt": "2026-11-21T09:00:00Z"}, "c.d": "online", "e.f": None},
            "events": [{"id": "e1", "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z", "properties": {}}],
            "consent": {"purposes": {"measure": True}, "gpc": False, "tcf": None, "gpp": None, "gppSid": []},
            "context": {"timezone": "Europe/Berlin", "country": "DE"},
            "options": {"explain": "short", "dryRun": False, "at": None},
        },
        *("paths", "/v1/decide", "post", "requestBody", "content", "application/json"),
    )


def test_full_explanations_are_as_described(shared_node):
    answer = shared_node.decide("described", identity={"userId": "u-1"}, options={"explain": "full"})
    assert answer["decisions"]["home.banner"]["explanation"]["trace"]


def test_operations_have_names_of_their_own(description):
    names = [one["operationId"] for path in description.document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
