"""Gathering what visits got: equal decisions in a row are one run, and each still counts."""

from datetime import UTC, datetime

from report import VisitResult, as_document, count, percentiles_ms
from visits import VisitEvent

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def decision(reason: str, scenario: str | None = None) -> dict[str, object]:
    rest = dict.fromkeys(("pathway", "segment", "arm", "explanation"))
    return {"action": "render", "scenario": scenario, "reason": reason} | rest


def result(*reasons: str) -> VisitResult:
    visit = VisitResult("v-1")
    for number, reason in enumerate(reasons):
        visit.add(VisitEvent(f"e-{number}", "Product Viewed", AT, {}), {"shop.help": decision(reason)})
    return visit


def test_equal_decisions_in_a_row_are_one_run() -> None:
    visit = result("FALLBACK", "FALLBACK", "SPLIT", "FALLBACK")

    assert [(run.first, run.last, run.decision["reason"]) for run in visit.runs] == [
        (1, 2, "FALLBACK"),
        (3, 3, "SPLIT"),
        (4, 4, "FALLBACK"),
    ]


def test_the_summary_counts_every_event() -> None:
    counts = count([result("FALLBACK", "FALLBACK", "SPLIT"), result("SPLIT")])

    assert {key[-1]: number for key, number in counts.items()} == {"FALLBACK": 2, "SPLIT": 2}


def test_the_document_holds_visits_and_summary() -> None:
    document = as_document([result("FALLBACK", "FALLBACK")], [1.0, 2.0])

    assert document["visits"][0]["decisions"][0]["lastEvent"] == 2
    assert document["summary"][0]["count"] == 2
    assert document["requests"] == 2


def test_percentiles_of_one_latency_are_that_latency() -> None:
    assert percentiles_ms([3.0]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0}
