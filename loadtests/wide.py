"""A bundle of a large customer's size, and a request that walks all of it."""

import json
from typing import Any

SCENARIOS = 300
SEGMENTS = 6
POINT = "page.main"


def wide_document(scenarios: int = SCENARIOS) -> dict[str, Any]:
    """Make the bundle: every scenario serves the same point; each waits for its own page and country."""
    return {
        "format": "edgewise/bundle/1",
        "timezone": "Europe/Berlin",
        "policy": {},
        "signals": {
            "page.name": {"type": "string", "source": "request"},
            "page.depth": {"type": "int", "min": 0, "source": "request"},
            "visitor.orders": {"type": "int", "min": 0, "source": "request"},
        },
        "segments": {f"orders_{n}": f"visitor.orders == {n}" for n in range(SEGMENTS)},
        "purposes": {},
        "state": {"session": {"ttlMs": 1_800_000}, "journey": {"ttlMs": 2_592_000_000}},
        "decisionPoints": {POINT: {"surface": "web:/", "fallback": {"content": "plain"}}},
        "outcomes": {},
        "globalHoldout": None,
        "scenarios": [scenario(number, scenarios) for number in range(scenarios)],
        "golden": [],
    }


def scenario(number: int, scenarios: int) -> dict[str, Any]:
    """Make one scenario of three pathways and an overlay for every segment."""
    return {
        "id": f"scenario-{number}",
        "version": 1,
        "digest": "sha256:" + "0" * 64,
        "priority": scenarios - number,
        "context": f"page.name == 'p{number}'",
        "pathways": [
            {"id": "deep", "when": "page.depth > 9"},
            {"id": "middle", "when": "page.depth > 3"},
            {"id": "top", "when": None},
        ],
        "decisionPoints": [
            {
                "id": POINT,
                "default": {"content": f"default-{number}", "tone": "plain"},
                "byPathway": {"deep": {"set": {"tone": "brief"}}},
                "overlays": [{"segment": f"orders_{n}", "set": {"content": f"overlay-{n}"}} for n in range(SEGMENTS)],
            }
        ],
        "outcome": None,
        "experiment": None,
        "explanation": "Shown because of the page you are on.",
    }


def wide_request() -> bytes:
    """Make the request that only the last scenario, and its last segment, match."""
    signals = {"page.name": f"p{SCENARIOS - 1}", "page.depth": 12, "visitor.orders": SEGMENTS - 1}
    return json.dumps({"requestId": "r-1", "decisionPoints": [POINT], "signals": signals}).encode()
